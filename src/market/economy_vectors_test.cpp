// SPDX-License-Identifier: Apache-2.0
// The token economy's shared vectors (tests/vectors), which a TypeScript reference wrote.
#include <gtest/gtest.h>

#include "codec/testing/vectors.hpp"
#include "market/agreement_accrual.hpp"
#include "market/emission.hpp"
#include "market/issuance.hpp"
#include "market/network_fee.hpp"
#include "market/reward_tree.hpp"
#include "market/rewards.hpp"
#include "market/split.hpp"
#include "market/staking.hpp"
#include "market/ve.hpp"
#include "market/ve_stream.hpp"
#include "market/vesting.hpp"

namespace vcity::market {
namespace {

using codec::Json;
using codec::testing::fixed;
using codec::testing::list;
using codec::testing::number;
using codec::testing::text;

codec::JsonArray cases(const std::string& name) {
    return codec::testing::vector_cases(VCITY_SOURCE_DIR, "economy/" + name);
}

Uint256 wide(const Json& vector, const char* name) {
    return parse_uint256(text(vector, name)).value();
}
U128 wei(const Json& vector, const char* name) {
    return to_u128(wide(vector, name)).value();
}
Vcai vcai(const Json& vector, const char* name) {
    return {wei(vector, name)};
}
Usd usd(const Json& vector, const char* name) {
    return {number(vector, name)};
}
std::uint32_t small(const Json& vector, const char* name) {
    return static_cast<std::uint32_t>(number(vector, name));
}
std::vector<U128> wei_list(const Json& vector, const char* name) {
    std::vector<U128> values;
    for (const Json& each : list(vector, name)) {
        values.push_back(to_u128(parse_uint256(*each.get_string()).value()).value());
    }
    return values;
}

TEST(EconomyVectors, LockStrengths) {
    for (const Json& vector : cases("lock_strengths")) {
        EXPECT_EQ(lock_strength(vcai(vector, "amount"), vcai(vector, "linearBelow")), wei(vector, "strength"));
    }
}

TEST(EconomyVectors, LockWeights) {
    for (const Json& vector : cases("lock_weights")) {
        EXPECT_EQ(weight_at(wei(vector, "strength"), number(vector, "endWeek"), number(vector, "now")),
                  wei(vector, "weight"));
    }
}

TEST(EconomyVectors, LockLives) {
    for (const Json& vector : cases("lock_lives")) {
        const U128 strength = lock_strength(vcai(vector, "amount"), vcai(vector, "linearBelow"));
        EXPECT_EQ(weight_at(strength, number(vector, "weeks"), number(vector, "elapsed")), wei(vector, "weight"));
    }
}

TEST(EconomyVectors, Logarithms) {
    for (const Json& vector : cases("ln_wads")) {
        EXPECT_EQ(to_decimal(ln_wad(wide(vector, "x")).value()), text(vector, "ln")) << text(vector, "x");
    }
}

TEST(EconomyVectors, StreamIncrements) {
    for (const Json& vector : cases("stream_increments")) {
        const StreamSegment segment{.weight_start = wide(vector, "weightStart"),
                                    .weight_end = wide(vector, "weightEnd"),
                                    .decay = wide(vector, "decay"),
                                    .emission = wide(vector, "emission")};
        const StreamIncrement increment = stream_increment(segment).value();
        EXPECT_EQ(to_decimal(increment.i0), text(vector, "i0"));
        EXPECT_EQ(to_decimal(increment.j), text(vector, "j"));
    }
}

TEST(EconomyVectors, SupplyShares) {
    for (const Json& vector : cases("supply_shares")) {
        const SupplyController controller{.gain = wei(vector, "gain"), .target = wei(vector, "target")};
        const U128 used = utilization(wei(vector, "consumed"), wei(vector, "available")).value();
        EXPECT_EQ(used, wei(vector, "utilization"));
        EXPECT_EQ(next_supply_share(wei(vector, "previous"), used, controller), wei(vector, "next"));
    }
}

TEST(EconomyVectors, PeriodAmounts) {
    for (const Json& vector : cases("period_amounts")) {
        const PeriodTerms terms{.starts = number(vector, "starts"),
                                .ends = number(vector, "ends"),
                                .release_share = wei(vector, "releaseShare"),
                                .supply_share = wei(vector, "supplyShare"),
                                .capacity_share = wei(vector, "capacityShare")};
        const PeriodAmounts expected{.capacity = vcai(vector, "capacity"),
                                     .delivery = vcai(vector, "delivery"),
                                     .demand_rebate = vcai(vector, "demandRebate"),
                                     .withheld = vcai(vector, "withheld")};
        EXPECT_EQ(period_amounts(terms).value(), expected);
    }
}

TEST(EconomyVectors, IncentiveReleases) {
    for (const Json& vector : cases("incentive_releases")) {
        EXPECT_EQ(incentive_released_max(number(vector, "tge"), number(vector, "now")), vcai(vector, "released"));
    }
}

TEST(EconomyVectors, Vestings) {
    for (const Json& vector : cases("vestings")) {
        const VestingSchedule schedule{.allocation = vcai(vector, "allocation"),
                                       .upfront = vcai(vector, "upfront"),
                                       .start = number(vector, "start"),
                                       .cliff_months = static_cast<std::uint8_t>(number(vector, "cliffMonths")),
                                       .release_months = static_cast<std::uint8_t>(number(vector, "releaseMonths")),
                                       .is_monthly = *codec::testing::field(vector, "monthly").get_bool()};
        EXPECT_EQ(vested_at(schedule, vcai(vector, "amount"), number(vector, "now")), vcai(vector, "vested"));
    }
}

TEST(EconomyVectors, Issuance) {
    for (const Json& vector : cases("issuance_quotas")) {
        const IssuanceMilestones milestones{.net_fees = usd(vector, "netFees"),
                                            .locked = vcai(vector, "locked"),
                                            .executed = number(vector, "executed")};
        EXPECT_EQ(issuance_quota(milestones), number(vector, "quota"));
    }
    for (const Json& vector : cases("issuance_years")) {
        EXPECT_EQ(yearly_issuance_left(vcai(vector, "openingSupply"), vcai(vector, "minted")), vcai(vector, "left"));
        EXPECT_EQ(year_of(number(vector, "time")), number(vector, "year"));
    }
}

TEST(EconomyVectors, NetworkFees) {
    for (const Json& vector : cases("network_fees")) {
        const FeeParameters parameters{.min_ppm = small(vector, "minimum"), .max_ppm = small(vector, "maximum")};
        EXPECT_EQ(next_fee_ppm(small(vector, "fee"), wei(vector, "consumed"), wei(vector, "available"), parameters),
                  number(vector, "next"));
    }
}

TEST(EconomyVectors, TermAccruals) {
    for (const Json& vector : cases("term_accruals")) {
        const std::uint64_t begin = number(vector, "begin");
        EXPECT_EQ(term_accrued(usd(vector, "price"), begin, number(vector, "end"), number(vector, "now")).value(),
                  usd(vector, "accrued"));
    }
}

TEST(EconomyVectors, SpotAccruals) {
    constexpr std::uint64_t kBegin = 1'800'000'000;
    for (const Json& vector : cases("spot_accruals")) {
        const std::vector<U128> rates = wei_list(vector, "rates");
        const std::vector<U128> times = wei_list(vector, "times");
        SpotMeter meter{.budget = usd(vector, "budget"),
                        .rate = {static_cast<std::uint64_t>(rates.at(0))},
                        .rate_since = kBegin,
                        .end = kBegin + number(vector, "duration")};
        for (std::size_t i = 0; i < times.size(); ++i) {
            const Usd rate{static_cast<std::uint64_t>(rates.at(i + 1))};
            meter = with_rate(meter, rate, kBegin + static_cast<std::uint64_t>(times[i]));
        }
        EXPECT_EQ(spot_accrued(meter, kBegin + number(vector, "elapsed")), usd(vector, "accrued"));
    }
}

TEST(EconomyVectors, StakeRates) {
    for (const Json& vector : cases("stake_rates")) {
        const RateTerms terms{.per_dollar = vcai(vector, "perDollar"),
                              .utilization = wei(vector, "utilization"),
                              .factor_floor = wei(vector, "factorFloor"),
                              .factor_slope = wei(vector, "factorSlope"),
                              .move_max_bps = small(vector, "moveMaxBps")};
        const Vcai next = next_stake_rate(vcai(vector, "rate"), terms).value();
        EXPECT_EQ(next, vcai(vector, "next"));
        EXPECT_EQ(stake_required(usd(vector, "base"), next, small(vector, "gpuCount")).value(), vcai(vector, "stake"));
    }
}

TEST(EconomyVectors, SlashSplits) {
    for (const Json& vector : cases("slash_splits")) {
        const SlashTerms terms{.seized = vcai(vector, "seized"),
                               .loss = usd(vector, "loss"),
                               .treasury = usd(vector, "treasury"),
                               .price = usd(vector, "price"),
                               .bounty_bps = static_cast<std::uint16_t>(number(vector, "bountyBps")),
                               .bounty_cap = vcai(vector, "bountyCap")};
        const SlashSplit expected{.paid_by_treasury = usd(vector, "paidByTreasury"),
                                  .shortfall = usd(vector, "shortfall"),
                                  .victim = vcai(vector, "victim"),
                                  .accuser = vcai(vector, "accuser"),
                                  .treasury = vcai(vector, "toTreasury")};
        EXPECT_EQ(split_slash(terms).value(), expected);
    }
}

TEST(EconomyVectors, ExactSplits) {
    for (const Json& vector : cases("exact_splits")) {
        const std::vector<Vcai> split = split_exactly(vcai(vector, "amount"), wei_list(vector, "weights")).value();
        std::vector<U128> shares;
        for (const Vcai share : split) shares.push_back(share.wei);
        EXPECT_EQ(shares, wei_list(vector, "shares"));
    }
}

TEST(EconomyVectors, CapacityWeights) {
    for (const Json& vector : cases("capacity_weights")) {
        NodeCapacity node;
        node.online_seconds = small(vector, "onlineSeconds");
        node.capacity_units = small(vector, "capacityUnits");
        node.stability_ppm = small(vector, "stabilityPpm");
        node.vram_mib = number(vector, "vramMib");
        node.stake = vcai(vector, "stake");
        node.stake_required = vcai(vector, "stakeRequired");
        node.member_days = small(vector, "memberDays");
        EXPECT_EQ(capacity_weight(node, {}).value(), wei(vector, "weight"));
    }
}

TEST(EconomyVectors, RewardLeaves) {
    for (const Json& vector : cases("reward_leaves")) {
        const Hash leaf = reward_leaf(static_cast<RewardKind>(number(vector, "kind")),
                                      fixed<Address>(vector, "account"), wei(vector, "cumulative"));
        EXPECT_EQ(leaf, fixed<Hash>(vector, "leaf"));
        std::vector<Hash> proof;
        for (const Json& node : list(vector, "proof")) {
            proof.push_back(codec::parse_fixed<Hash>(*node.get_string()).value());
        }
        EXPECT_EQ(crypto::merkle_root_of_proof(leaf, proof), fixed<Hash>(vector, "root"));
    }
}

}  // namespace
}  // namespace vcity::market
