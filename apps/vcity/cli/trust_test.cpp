// SPDX-License-Identifier: Apache-2.0
#include "cli/trust.hpp"

#include <gtest/gtest.h>

namespace vcity::cli {
namespace {

TEST(TrustText, SaysTimesInUtc) {
    EXPECT_EQ(time_text(0), "-");
    EXPECT_EQ(time_text(951'782'400), "2000-02-29 00:00:00 UTC");
    EXPECT_EQ(time_text(1'795'356'180), "2026-11-22 14:03:00 UTC");
}

TEST(TrustText, SaysSpansInTheTwoLargestUnits) {
    EXPECT_EQ(span_text(0), "0 s");
    EXPECT_EQ(span_text(61), "1 min 1 s");
    EXPECT_EQ(span_text(2 * 3'600 + 59), "2 h 0 min");
    EXPECT_EQ(span_text(208 * 604'800ULL), "1456 d 0 h");
}

TEST(TrustText, SaysSharesInHundredthsOfAPercent) {
    EXPECT_EQ(percent_text(1, 3), "33.33 %");
    EXPECT_EQ(percent_text(1, 1), "100.00 %");
    EXPECT_EQ(percent_text(5, 1'000), "0.50 %");
    EXPECT_EQ(percent_text(0, 0), "-");
    EXPECT_EQ(percent_text(~U128{0} / 2, ~U128{0}), "49.99 %");
}

TEST(TrustText, SaysAmountsOfAnySize) {
    EXPECT_EQ(vcai_text(Uint256{kWeiPerVcai / 2}), "0.5");
    EXPECT_EQ(vcai_text(Uint256::power_of_two(200)), to_decimal(Uint256::power_of_two(200) / Uint256{kWeiPerVcai}));
    EXPECT_EQ(usd_text(Uint256{1'500'000U}), "1.500000");
    EXPECT_EQ(usd_text(Uint256::power_of_two(100)), to_decimal(Uint256::power_of_two(100) / Uint256{1'000'000U}));
}

TEST(TrustText, TakesPositiveAmountsAndPlainNumbers) {
    EXPECT_EQ(parse_vcai_amount("1.5").value(), Uint256{kWeiPerVcai * 3 / 2});
    EXPECT_FALSE(parse_vcai_amount("0"));
    EXPECT_FALSE(parse_vcai_amount("-1"));
    EXPECT_EQ(parse_number("12", "the case").value(), 12U);
    EXPECT_EQ(parse_number("x", "the case").error().message, "the case must be a number: x");
}

TEST(Account, IsTheOneNamedOrTheWallets) {
    Session session;
    const std::string address = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
    EXPECT_EQ(crypto::to_checksum_address(account_of(address, {}, session).value()), address);
    EXPECT_EQ(account_of("", {}, session).error().code, Errc::kInvalid);
    EXPECT_EQ(open_to_act({}, session).error().code, Errc::kInvalid);
}

}  // namespace
}  // namespace vcity::cli
