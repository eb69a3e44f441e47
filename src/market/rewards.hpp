// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/vcai.hpp"

// What nodes and users earn out of the incentive pool (white paper 2.5.4, 3.4.3, 5.2.2; requirement T17). Everything is
// computed from public records in integers, so that anybody who has the records gets the same amounts and the same
// Merkle root (market/reward_tree.hpp); shares and factors are in parts per million. All bonuses come out of the same
// budget: they move shares, they never make tokens.
namespace vcity::market {

inline constexpr std::uint32_t kPpm = 1'000'000;

struct RewardParameters {
    // Total VRAM of a machine from which its PoC weight is multiplied; ascending.
    struct MultiGpuStep {
        std::uint64_t vram_mib = 0;
        std::uint32_t factor_ppm = kPpm;
    };
    std::vector<MultiGpuStep> multi_gpu{
        {96 * 1024, 1'100'000}, {192 * 1024, 1'200'000}, {384 * 1024, 1'350'000}, {640 * 1024, 1'500'000}};
    // Loyalty: so much for every whole 30 days of membership without a slash, up to the maximum.
    std::uint32_t loyalty_step_ppm = 10'000;
    std::uint32_t loyalty_max_ppm = 120'000;
    // Stake above the requirement counts in proportion up to this factor; below it, in proportion too.
    std::uint32_t stake_factor_max_ppm = 1'250'000;
    // Of a referred node's PoC weight, added to the referrer's for the first days of its membership.
    std::uint32_t referral_ppm = 50'000;
    std::uint32_t referral_days = 90;
    // Performance bonus on PoD for nodes whose quality is at least this.
    std::uint32_t bonus_quality_ppm = 990'000;
    std::uint32_t bonus_ppm = 100'000;
    // Shares of the network fee that nodes of a tier get back: together at most this part of the PoD budget, else each
    // is cut in proportion.
    std::uint32_t fee_share_budget_ppm = 200'000;
    // First-join reward, once a node has been online for a whole epoch; all of them together at most this part of the
    // PoC budget, else each is cut in proportion.
    Vcai first_join{100 * kWeiPerVcai};
    std::uint32_t first_join_budget_ppm = 100'000;
};

// The factor of the highest step that the machine's total VRAM reaches; 1 below the first step.
std::uint32_t multi_gpu_factor_ppm(std::uint64_t vram_mib, const RewardParameters& parameters);
// What membership adds to 1.
std::uint32_t loyalty_ppm(std::uint32_t member_days, const RewardParameters& parameters);
// min(stake / requirement, maximum); the maximum when nothing is required.
std::uint32_t stake_factor_ppm(Vcai stake, Vcai requirement, const RewardParameters& parameters);

// Capacity that one node offered in an epoch.
struct NodeCapacity {
    Address node;
    std::uint32_t online_seconds = 0;
    std::uint32_t capacity_units = 0;  // quality of the hardware: benchmark units of all its GPUs
    std::uint32_t stability_ppm = 0;   // heartbeats kept and audits passed, at most 1
    std::uint64_t vram_mib = 0;
    Vcai stake;
    Vcai stake_required;
    std::uint32_t member_days = 0;
    Address referrer;  // zero: none
    bool is_first_join = false;
};
// online * capacity * stability * multi-GPU factor * stake factor * (1 + loyalty), rounded down once at the end.
// kInvalid for a stability above 1.
Result<U128> capacity_weight(const NodeCapacity& node, const RewardParameters& parameters);

// Work that one node delivered in an epoch.
struct NodeDelivery {
    Address node;
    std::uint64_t units = 0;        // accepted and paid for
    std::uint32_t quality_ppm = 0;  // accepted audits and ratings, at most 1
    Usd fee_paid{};                 // to the network, on what this node delivered
    std::uint16_t tier_bps = 0;     // share of it that it gets back, see fee_tiers()
};
// units * quality * (1 + bonus). kInvalid for a quality above 1.
Result<U128> delivery_weight(const NodeDelivery& delivery, const RewardParameters& parameters);

struct Reward {
    Address account;
    Vcai amount;

    bool operator==(const Reward&) const = default;
};

// The PoC budget of an epoch: first-join rewards, then the rest by capacity weight, with referrers as receivers of
// their own. Sorted by account, one entry each, none of zero; the amounts add up to the budget exactly, or to nothing
// (and the budget waits for the next epoch) when nobody has any weight. kInvalid when a node appears twice.
Result<std::vector<Reward>> capacity_rewards(Vcai budget,
                                             const std::vector<NodeCapacity>& nodes,
                                             const RewardParameters& parameters);
// The PoD budget of an epoch: what nodes of a tier get back of the fee, at `per_dollar` VCAI wei for a dollar, then the
// rest by delivery weight, with the same guarantees. Nobody gets back more than the fee that was paid, so trading with
// oneself never pays. kInvalid for a tier above 10,000.
Result<std::vector<Reward>> delivery_rewards(Vcai budget,
                                             const std::vector<NodeDelivery>& deliveries,
                                             const RewardParameters& parameters,
                                             Vcai per_dollar = {});

// A user's spending in an epoch, net of what its own nodes earned.
struct Spending {
    Address client;
    Usd spent;
    Usd fee_paid;  // of it, to the network
};
// Usd to VCAI: price is VCAI wei for one dollar.
struct RebateTerms {
    Vcai budget;
    Vcai per_dollar;
};
// The demand side: the budget pro rata to spending, but nobody gets back more than the network fee it paid (so buying
// one's own compute never pays); what is cut stays in the budget. Sorted by account, none of zero.
Result<std::vector<Reward>> demand_rebates(const RebateTerms& terms, const std::vector<Spending>& spending);

// The share of the service fee that a node keeps beyond the ordinary, by quality and rating: the table's highest step
// that both reach, in basis points; 0 below the first.
struct FeeTierStep {
    std::uint32_t quality_ppm = 0;
    std::uint32_t rating_ppm = 0;
    std::uint16_t tier_bps = 0;
};
std::uint16_t fee_tier_bps(std::uint32_t quality_ppm, std::uint32_t rating_ppm, const std::vector<FeeTierStep>& steps);
// 0.5 % of 95 % quality, up to 2 % of 99.5 %.
std::vector<FeeTierStep> default_fee_tiers();

// A node's record over an epoch.
struct NodeStanding {
    Address node;
    std::uint32_t quality_ppm = 0;
    std::uint32_t rating_ppm = 0;
};
// The leaves of a FeeTier root: amount is the tier in basis points. Sorted by account, none of zero. kInvalid when a
// node appears twice, or for parts above 1.
Result<std::vector<Reward>> fee_tiers(const std::vector<NodeStanding>& nodes, const std::vector<FeeTierStep>& steps);

}  // namespace vcity::market
