// SPDX-License-Identifier: Apache-2.0
#include "market/rewards.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "market/reward_tree.hpp"
#include "market/split.hpp"

namespace vcity::market {
namespace {

constexpr std::uint32_t kDay = 86'400;

Address account(std::uint8_t number) {
    Address address;
    address.bytes.fill(number);
    return address;
}

constexpr Vcai tokens(std::uint64_t value) {
    return {kWeiPerVcai * value};
}

NodeCapacity a_node(std::uint8_t number) {
    NodeCapacity node;
    node.node = account(number);
    node.online_seconds = kDay;
    node.capacity_units = 1'000;
    node.stability_ppm = kPpm;
    node.vram_mib = 24 * 1024;
    node.stake = tokens(100);
    node.stake_required = tokens(100);
    return node;
}

Vcai sum_of(const std::vector<Reward>& rewards) {
    Vcai sum;
    for (const Reward& reward : rewards) sum.wei += reward.amount.wei;
    return sum;
}

Vcai of(const std::vector<Reward>& rewards, const Address& who) {
    const auto found = std::find_if(rewards.begin(), rewards.end(), [&](const Reward& r) { return r.account == who; });
    return found == rewards.end() ? Vcai{} : found->amount;
}

TEST(Split, GivesTheRestToTheLargestRemainders) {
    const std::vector<Vcai> shares = split_exactly({10}, {1, 1, 1}).value();
    EXPECT_EQ(shares, (std::vector<Vcai>{{4}, {3}, {3}}));
    EXPECT_EQ(split_exactly({5}, {0, 0}).value(), (std::vector<Vcai>{{0}, {0}}));
    EXPECT_FALSE(split_exactly({5}, {~U128{0}, 1}));
}

TEST(CapacityRewards, FollowOnlineTimeQualityAndStability) {
    std::vector<NodeCapacity> nodes{a_node(1), a_node(2), a_node(3), a_node(4)};
    nodes[1].online_seconds = kDay / 2;
    nodes[2].capacity_units = 500;
    nodes[3].stability_ppm = kPpm / 2;
    const std::vector<Reward> rewards = capacity_rewards(tokens(100), nodes, {}).value();

    EXPECT_EQ(of(rewards, account(1)), tokens(40));
    EXPECT_EQ(of(rewards, account(2)), tokens(20));
    EXPECT_EQ(of(rewards, account(3)), tokens(20));
    EXPECT_EQ(of(rewards, account(4)), tokens(20));
}

TEST(CapacityRewards, RiseInStepsForMachinesWithManyCards) {
    EXPECT_EQ(multi_gpu_factor_ppm(96 * 1024 - 1, {}), kPpm);
    EXPECT_EQ(multi_gpu_factor_ppm(96 * 1024, {}), 1'100'000U);
    EXPECT_EQ(multi_gpu_factor_ppm(8 * 80 * 1024, {}), 1'500'000U);
    EXPECT_EQ(multi_gpu_factor_ppm(~std::uint64_t{0}, {}), 1'500'000U);

    std::vector<NodeCapacity> nodes{a_node(1), a_node(2)};
    nodes[1].vram_mib = 640 * 1024;
    const std::vector<Reward> rewards = capacity_rewards(tokens(250), nodes, {}).value();
    EXPECT_EQ(of(rewards, account(2)), tokens(150));
}

TEST(CapacityRewards, CountStakeAndLoyalty) {
    EXPECT_EQ(stake_factor_ppm(tokens(50), tokens(100), {}), 500'000U);
    EXPECT_EQ(stake_factor_ppm(tokens(900), tokens(100), {}), 1'250'000U);
    EXPECT_EQ(stake_factor_ppm({}, {}, {}), 1'250'000U);
    EXPECT_EQ(loyalty_ppm(29, {}), 0U);
    EXPECT_EQ(loyalty_ppm(30, {}), 10'000U);
    EXPECT_EQ(loyalty_ppm(~0U, {}), 120'000U);
}

TEST(CapacityRewards, PayReferrersForNinetyDays) {
    std::vector<NodeCapacity> nodes{a_node(1)};
    nodes[0].referrer = account(9);
    nodes[0].member_days = 0;
    const std::vector<Reward> rewards = capacity_rewards(tokens(105), nodes, {}).value();
    EXPECT_EQ(of(rewards, account(1)), tokens(100));
    EXPECT_EQ(of(rewards, account(9)), tokens(5));

    nodes[0].member_days = 90;
    EXPECT_EQ(of(capacity_rewards(tokens(105), nodes, {}).value(), account(9)), Vcai{});
    nodes[0].member_days = 0;
    nodes[0].referrer = nodes[0].node;
    EXPECT_EQ(of(capacity_rewards(tokens(105), nodes, {}).value(), account(1)), tokens(105));
}

TEST(CapacityRewards, WelcomeNewNodesOutOfAPartOfTheBudget) {
    std::vector<NodeCapacity> nodes{a_node(1), a_node(2)};
    nodes[1].is_first_join = true;
    const std::vector<Reward> rewards = capacity_rewards(tokens(10'000), nodes, {}).value();
    EXPECT_EQ(of(rewards, account(1)), tokens(4'950));
    EXPECT_EQ(of(rewards, account(2)), tokens(5'050));

    const std::vector<Reward> small = capacity_rewards(tokens(100), nodes, {}).value();
    EXPECT_EQ(of(small, account(2)), tokens(55));
}

TEST(CapacityRewards, AddUpToTheBudgetOrToNothing) {
    std::vector<NodeCapacity> nodes;
    for (std::uint8_t number = 1; number < 60; ++number) {
        nodes.push_back(a_node(number));
        nodes.back().online_seconds = 77U * number;
        nodes.back().capacity_units = 13U * number * number;
        nodes.back().is_first_join = number % 7 == 0;
        nodes.back().referrer = account(static_cast<std::uint8_t>(number / 2));
    }
    const Vcai budget{kWeiPerVcai * 3'831'417 + 17};
    EXPECT_EQ(sum_of(capacity_rewards(budget, nodes, {}).value()), budget);
    for (NodeCapacity& node : nodes) node.online_seconds = 0;
    EXPECT_TRUE(capacity_rewards(budget, nodes, {}).value().empty());
}

TEST(CapacityRewards, RefuseNonsense) {
    EXPECT_FALSE(capacity_rewards(tokens(1), {a_node(1), a_node(1)}, {}));
    NodeCapacity node = a_node(1);
    node.stability_ppm = kPpm + 1;
    EXPECT_FALSE(capacity_rewards(tokens(1), {node}, {}));
    EXPECT_FALSE(delivery_rewards(tokens(1), {{account(1), 1, kPpm + 1}}, {}));
    EXPECT_FALSE(delivery_rewards(tokens(1), {{account(1), 1, 1}, {account(1), 1, 1}}, {}));
}

TEST(DeliveryRewards, FollowUnitsAndQualityWithABonusForTheBest) {
    const std::vector<Reward> rewards =
        delivery_rewards(tokens(160), {{account(1), 100, kPpm}, {account(2), 100, kPpm / 2}}, {}).value();
    EXPECT_EQ(of(rewards, account(1)), tokens(110));
    EXPECT_EQ(of(rewards, account(2)), tokens(50));
}

TEST(DemandRebates, AreProRataAndNeverAboveTheFee) {
    const RebateTerms terms{.budget = tokens(90), .per_dollar = tokens(10)};
    const std::vector<Reward> rewards = demand_rebates(terms, {{account(2), Usd{2'000'000}, Usd{9'000'000}},
                                                               {account(1), Usd{1'000'000}, Usd{100'000}}})
                                            .value();
    EXPECT_EQ(of(rewards, account(2)), tokens(60));
    EXPECT_EQ(of(rewards, account(1)), tokens(1));
}

TEST(FeeTiers, NeedQualityAndRating) {
    const std::vector<FeeTierStep> steps = default_fee_tiers();
    EXPECT_EQ(fee_tier_bps(1'000'000, 1'000'000, steps), 200);
    EXPECT_EQ(fee_tier_bps(1'000'000, 900'000, steps), 100);
    EXPECT_EQ(fee_tier_bps(949'999, 1'000'000, steps), 0);
}

TEST(FeeTiers, AreLeavesOfTheNodesThatReachedOne) {
    const std::vector<Reward> tiers =
        fee_tiers({{account(2), 990'000, 900'000}, {account(1), 999'000, 999'000}, {account(3), 500'000, 1'000'000}},
                  default_fee_tiers())
            .value();
    EXPECT_EQ(tiers, (std::vector<Reward>{{account(1), Vcai{200}}, {account(2), Vcai{100}}}));
    EXPECT_FALSE(fee_tiers({{account(1), kPpm + 1, 0}}, default_fee_tiers()));
    EXPECT_FALSE(fee_tiers({{account(1), 0, 0}, {account(1), 0, 0}}, default_fee_tiers()));
}

TEST(DeliveryRewards, GiveNodesOfATierTheirShareOfTheFeeFirst) {
    // 2 % of 100 dollars of fee at 10 VCAI a dollar.
    std::vector<NodeDelivery> deliveries{{account(1), 100, kPpm / 2, Usd{100'000'000}, 200},
                                         {account(2), 100, kPpm / 2, Usd{100'000'000}, 0}};
    std::vector<Reward> rewards = delivery_rewards(tokens(1'000), deliveries, {}, tokens(10)).value();
    EXPECT_EQ(of(rewards, account(1)), tokens(20 + 490));
    EXPECT_EQ(of(rewards, account(2)), tokens(490));

    // Both would get 40 VCAI, which is more than a fifth of 100.
    deliveries[1].tier_bps = 200;
    deliveries[1].fee_paid = Usd{300'000'000};
    rewards = delivery_rewards(tokens(100), deliveries, {}, tokens(10)).value();
    EXPECT_EQ(of(rewards, account(1)), tokens(5 + 40));
    EXPECT_EQ(of(rewards, account(2)), tokens(15 + 40));
    EXPECT_EQ(sum_of(rewards), tokens(100));

    EXPECT_EQ(sum_of(delivery_rewards(tokens(100), deliveries, {}).value()), tokens(100)) << "without a price";
    deliveries[0].tier_bps = 10'001;
    EXPECT_FALSE(delivery_rewards(tokens(100), deliveries, {}, tokens(10)));
}

TEST(DeliveryRewards, NeverGiveBackMoreThanTheFee) {
    const std::vector<NodeDelivery> deliveries{{account(1), 1, 1, Usd{3}, 10'000}};
    RewardParameters all;
    all.fee_share_budget_ppm = kPpm;
    const Vcai per_dollar{1'999'999};
    const std::vector<NodeDelivery> nobody_else{{account(1), 1, 1, Usd{3}, 10'000}, {account(2), 1, kPpm, Usd{}, 0}};
    const std::vector<Reward> rewards = delivery_rewards(Vcai{1'000'000}, nobody_else, all, per_dollar).value();
    // 3 micro-dollars are 5.99 wei; the rest goes by weight, of which the first node has one millionth.
    EXPECT_LE(of(rewards, account(1)).wei, U128{5 + 1});
}

TEST(RewardTree, IsCumulativeAndProvable) {
    const std::vector<Reward> before{{account(3), tokens(1)}, {account(1), tokens(2)}};
    const std::vector<Reward> epoch{{account(2), tokens(5)}, {account(3), tokens(4)}};
    const RewardTree tree = RewardTree::make(RewardKind::kDelivery, before, epoch).value();

    EXPECT_EQ(tree.total(), tokens(12));
    ASSERT_EQ(tree.cumulative().size(), 3U);
    EXPECT_EQ(tree.cumulative()[2], (Reward{account(3), tokens(5)}));
    const Hash leaf = reward_leaf(RewardKind::kDelivery, account(3), tokens(5).wei);
    EXPECT_EQ(crypto::merkle_root_of_proof(leaf, tree.proof(account(3)).value()), tree.root());
    EXPECT_FALSE(tree.proof(account(7)));
    EXPECT_FALSE(RewardTree::make(RewardKind::kDelivery, {before[0], before[0]}, {}));
    EXPECT_NE(RewardTree::make(RewardKind::kCapacity, before, epoch).value().root(), tree.root());
}

}  // namespace
}  // namespace vcity::market
