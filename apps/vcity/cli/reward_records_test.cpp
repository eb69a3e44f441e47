// SPDX-License-Identifier: Apache-2.0
#include "cli/reward_records.hpp"

#include <gtest/gtest.h>

#include "crypto/secp256k1.hpp"

namespace vcity::cli {
namespace {

codec::Json parsed(const std::string& text) {
    return codec::parse_json(text).value();
}

constexpr const char* kNode =
    R"([{"node": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8", "onlineSeconds": 86400, "capacityUnits": 7,
         "stabilityPpm": 990000, "vramMib": 98304, "stake": "1000", "stakeRequired": "900", "memberDays": 31,
         "referrer": "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC", "firstJoin": true}])";

TEST(RewardRecords, AreReadInFull) {
    const std::vector<market::NodeCapacity> nodes = parse_capacities(parsed(kNode)).value();
    ASSERT_EQ(nodes.size(), 1U);
    EXPECT_EQ(nodes[0].online_seconds, 86'400U);
    EXPECT_EQ(nodes[0].stability_ppm, 990'000U);
    EXPECT_EQ(nodes[0].vram_mib, 98'304U);
    EXPECT_EQ(nodes[0].stake, Vcai{1'000});
    EXPECT_EQ(nodes[0].member_days, 31U);
    EXPECT_FALSE(nodes[0].referrer.is_zero());
    EXPECT_TRUE(nodes[0].is_first_join);

    const auto deliveries =
        parse_deliveries(parsed(R"([{"node": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8", "units": 5,
                                     "qualityPpm": 1000000}])"))
            .value();
    EXPECT_EQ(deliveries.at(0).units, 5U);
    EXPECT_EQ(deliveries.at(0).tier_bps, 0U);
    const auto tiered = parse_deliveries(parsed(R"([{"node": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8", "units": 5,
                                     "qualityPpm": 1000000, "feePaid": 70, "tierBps": 200}])"))
                            .value();
    EXPECT_EQ(tiered.at(0).fee_paid, Usd{70});
    EXPECT_EQ(tiered.at(0).tier_bps, 200U);
    const auto standings =
        parse_standings(parsed(R"([{"node": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8", "qualityPpm": 980000,
                                    "ratingPpm": 910000}])"))
            .value();
    EXPECT_EQ(standings.at(0).rating_ppm, 910'000U);
    const auto spending = parse_spending(parsed(R"([{"client": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
                                                     "spent": 12, "feePaid": 1}])"))
                              .value();
    EXPECT_EQ(spending.at(0).spent, Usd{12});
}

TEST(RewardRecords, SayWhichMemberIsWrong) {
    std::string text = kNode;
    text.replace(text.find("86400"), 5, "-1");
    EXPECT_EQ(parse_capacities(parsed(text)).error().message, "records: onlineSeconds is missing or malformed");
    EXPECT_FALSE(parse_capacities(parsed("{}")));
    EXPECT_FALSE(parse_capacities(parsed("[{}]")));
    EXPECT_FALSE(parse_rewards(parsed(R"([{"account": "0x12", "cumulative": "1"}])")));
    EXPECT_FALSE(
        parse_rewards(parsed(R"([{"account": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8", "cumulative": "1.5"}])")));
}

TEST(RewardFiles, ReadWhatTheyWrite) {
    const std::string text = R"([{"account":"0x70997970C51812dc3A010C7d01b50e0d17dc79C8","cumulative":"123"}])";
    EXPECT_EQ(codec::dump_json(to_json(parse_rewards(parsed(text)).value())), text);
}

}  // namespace
}  // namespace vcity::cli
