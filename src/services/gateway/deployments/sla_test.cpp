// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/deployments/sla.hpp"

#include <gtest/gtest.h>

namespace vcity::gateway {
namespace {

using std::chrono::milliseconds;

TEST(Sla, MonthsAreThoseOfUtc) {
    EXPECT_EQ(month_of(UnixMillis{0}), 197'001U);
    EXPECT_EQ(month_of(UnixMillis{1'764'547'199'999}), 202'511U);
    EXPECT_EQ(month_of(UnixMillis{1'764'547'200'000}), 202'512U);
}

TEST(Sla, AvailabilityIsTheWorseOfTimeAndRequests) {
    SlaMonth month;
    EXPECT_EQ(month.availability_bp(), 10'000U);
    month.add_time(milliseconds{99'000}, true);
    month.add_time(milliseconds{1'000}, false);
    EXPECT_EQ(month.availability_bp(), 9'900U);
    for (int request = 0; request < 9; ++request) month.add_request(milliseconds{20}, true);
    month.add_request(milliseconds{0}, false);
    EXPECT_EQ(month.availability_bp(), 9'000U);
}

TEST(Sla, FirstBytesAreKeptWithinAFactorOfTheRootOfTwo) {
    SlaMonth month;
    EXPECT_EQ(month.first_byte_ms(500), 0U);
    for (int request = 0; request < 99; ++request) month.add_request(milliseconds{10}, true);
    month.add_request(milliseconds{3'000}, true);
    EXPECT_GE(month.first_byte_ms(500), 10U);
    EXPECT_LE(month.first_byte_ms(500), 15U);
    EXPECT_EQ(month.first_byte_ms(500), month.first_byte_ms(990));
    EXPECT_GE(month.first_byte_ms(1'000), 3'000U);
    month.add_request(milliseconds{1'000'000'000}, true);
    EXPECT_GT(month.first_byte_ms(1'000), 500'000U);
}

TEST(Sla, CreditsGrowWithWhatIsMissingAndNeverPassTheCharge) {
    EXPECT_EQ(credit_bp(9'900, 9'900), 0U);
    EXPECT_EQ(credit_bp(9'900, 10'000), 0U);
    EXPECT_EQ(credit_bp(9'900, 9'899), 1'000U);
    EXPECT_EQ(credit_bp(9'900, 9'799), 2'500U);
    EXPECT_EQ(credit_bp(9'900, 9'399), 5'000U);
    EXPECT_EQ(credit_bp(9'900, 4'949), 10'000U);
    const Usd charged{1'000'003};
    Usd before{};
    for (std::uint32_t measured = 10'000; measured > 0; --measured) {
        const Usd credit = credit_of(charged, 9'990, measured);
        EXPECT_GE(credit, before);
        EXPECT_LE(credit, charged);
        before = credit;
    }
    EXPECT_EQ(credit_of(Usd{1'999}, 9'900, 9'899), Usd{199});
    EXPECT_EQ(credit_of(Usd{~0ULL}, 9'900, 0), Usd{~0ULL});
}

TEST(Sla, ReportsSayWhatIsOwed) {
    SlaMonth month;
    month.month = 202'611;
    month.charged = Usd{10'000'000};
    month.add_time(milliseconds{97'000}, true);
    month.add_time(milliseconds{3'000}, false);
    const codec::Json report = sla_report(month, "chat", 9'900);
    EXPECT_EQ(*report.find("month")->get_string(), "2026-11");
    EXPECT_EQ(*report.find("credit")->get_string(), "2.500000");
    EXPECT_EQ(*sla_report(month, "chat", 0).find("credit")->get_string(), "0.000000");
}

TEST(Sla, MonthsComeBackAsTheyWere) {
    SlaMonth month;
    month.month = 202'611;
    month.add_time(milliseconds{5}, true);
    month.add_request(milliseconds{7}, true);
    const Result<SlaMonth> read = parse_sla_month(dump(month));
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(*read, month);
    for (const char* bad : {"", "{}", R"({"month":1})", "[]"}) EXPECT_FALSE(parse_sla_month(bad).has_value()) << bad;
}

}  // namespace
}  // namespace vcity::gateway
