// SPDX-License-Identifier: Apache-2.0
#include "market/rewards.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "base/uint256.hpp"
#include "market/split.hpp"

namespace vcity::market {
namespace {

constexpr std::uint32_t kLoyaltyDays = 30;
constexpr std::uint64_t kMicroPerDollar = 1'000'000;
constexpr std::uint64_t kBasisPoints = 10'000;

using Weights = std::map<Address, U128>;

Result<void> add_weight(Weights* weights, const Address& account, U128 weight) {
    U128& sum = (*weights)[account];
    if (weight > ~U128{0} - sum) return make_error(Errc::kInvalid, "weight does not fit 128 bits");
    sum += weight;
    return {};
}

// rewards += amount split by weight.
Result<void> distribute(Vcai amount, const Weights& weights, std::map<Address, Vcai>* rewards) {
    std::vector<U128> plain;
    for (const auto& [account, weight] : weights) plain.push_back(weight);
    TRY(const std::vector<Vcai> shares, split_exactly(amount, plain));
    std::size_t place = 0;
    for (const auto& [account, weight] : weights) {
        Vcai& sum = (*rewards)[account];
        TRY(sum, add(sum, shares[place++]));
    }
    return {};
}

std::vector<Reward> without_zeros(const std::map<Address, Vcai>& rewards) {
    std::vector<Reward> list;
    for (const auto& [account, amount] : rewards) {
        if (amount.wei > 0) list.push_back({account, amount});
    }
    return list;
}

template <class Record>
Result<void> check_nodes_once(const std::vector<Record>& records) {
    std::set<Address> seen;
    for (const Record& record : records) {
        if (!seen.insert(record.node).second) return make_error(Errc::kInvalid, "a node appears twice");
    }
    return {};
}

Result<Weights> capacity_weights(const std::vector<NodeCapacity>& nodes, const RewardParameters& parameters) {
    Weights weights;
    for (const NodeCapacity& node : nodes) {
        TRY(const U128 weight, capacity_weight(node, parameters));
        TRY_OK(add_weight(&weights, node.node, weight));
        const bool is_referred = !node.referrer.is_zero() && node.referrer != node.node;
        if (!is_referred || node.member_days >= parameters.referral_days) continue;
        TRY(const U128 referral, to_u128(Uint256{weight} * Uint256{parameters.referral_ppm} / Uint256{kPpm}));
        TRY_OK(add_weight(&weights, node.referrer, referral));
    }
    return weights;
}

// What the new nodes get first, out of at most their part of the budget; returns the sum.
Result<Vcai> pay_first_joins(Vcai budget,
                             const std::vector<NodeCapacity>& nodes,
                             const RewardParameters& parameters,
                             std::map<Address, Vcai>* rewards) {
    Weights joined;
    for (const NodeCapacity& node : nodes) {
        if (node.is_first_join && node.stability_ppm > 0) joined[node.node] = 1;
    }
    if (joined.empty()) return Vcai{};
    TRY(const Vcai most, [&]() -> Result<Vcai> {
        TRY(const U128 wei, to_u128(Uint256{budget.wei} * Uint256{parameters.first_join_budget_ppm} / Uint256{kPpm}));
        return Vcai{wei};
    }());
    TRY(const U128 wanted, to_u128(Uint256{parameters.first_join.wei} * Uint256{std::uint64_t{joined.size()}}));
    const Vcai paid{std::min(wanted, most.wei)};
    TRY_OK(distribute(paid, joined, rewards));
    return paid;
}

// What nodes of a tier get back of the fee, out of at most its part of the budget; returns the sum.
Result<Vcai> pay_fee_shares(Vcai budget,
                            const std::vector<NodeDelivery>& deliveries,
                            Vcai per_dollar,
                            const RewardParameters& parameters,
                            std::map<Address, Vcai>* rewards) {
    Weights shares;
    Uint256 wanted;
    for (const NodeDelivery& delivery : deliveries) {
        if (delivery.tier_bps > kBasisPoints) return make_error(Errc::kInvalid, "a fee tier is above 10,000");
        const Uint256 micro =
            Uint256{delivery.fee_paid.micro} * Uint256{std::uint32_t{delivery.tier_bps}} / Uint256{kBasisPoints};
        TRY(const Uint256 share, mul_div_floor(micro, Uint256{per_dollar.wei}, Uint256{kMicroPerDollar}));
        TRY(const U128 wei, to_u128(share));
        TRY_OK(add_weight(&shares, delivery.node, wei));
        wanted = wanted + share;
    }
    TRY(const U128 most, to_u128(Uint256{budget.wei} * Uint256{parameters.fee_share_budget_ppm} / Uint256{kPpm}));
    TRY(const U128 paid, to_u128(std::min(wanted, Uint256{most})));
    if (paid == 0) return Vcai{};
    TRY_OK(distribute(Vcai{paid}, shares, rewards));
    return Vcai{paid};
}

bool has_weight(const Weights& weights) {
    return std::any_of(weights.begin(), weights.end(), [](const auto& entry) { return entry.second > 0; });
}

}  // namespace

std::uint32_t multi_gpu_factor_ppm(std::uint64_t vram_mib, const RewardParameters& parameters) {
    std::uint32_t factor = kPpm;
    for (const RewardParameters::MultiGpuStep& step : parameters.multi_gpu) {
        if (vram_mib >= step.vram_mib) factor = step.factor_ppm;
    }
    return factor;
}

std::uint32_t loyalty_ppm(std::uint32_t member_days, const RewardParameters& parameters) {
    const std::uint64_t earned = std::uint64_t{member_days / kLoyaltyDays} * parameters.loyalty_step_ppm;
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(earned, parameters.loyalty_max_ppm));
}

std::uint32_t stake_factor_ppm(Vcai stake, Vcai requirement, const RewardParameters& parameters) {
    const Uint256 most{parameters.stake_factor_max_ppm};
    if (requirement.wei == 0) return parameters.stake_factor_max_ppm;
    const Uint256 factor = std::min(most, Uint256{stake.wei} * Uint256{kPpm} / Uint256{requirement.wei});
    return static_cast<std::uint32_t>(factor.limbs[0]);
}

Result<U128> capacity_weight(const NodeCapacity& node, const RewardParameters& parameters) {
    if (node.stability_ppm > kPpm) return make_error(Errc::kInvalid, "stability is above 1,000,000 ppm");
    // Six factors of 32 bits at most each: below 2^192.
    const Uint256 product = Uint256{node.online_seconds} * Uint256{node.capacity_units} * Uint256{node.stability_ppm} *
                            Uint256{multi_gpu_factor_ppm(node.vram_mib, parameters)} *
                            Uint256{stake_factor_ppm(node.stake, node.stake_required, parameters)} *
                            Uint256{kPpm + loyalty_ppm(node.member_days, parameters)};
    constexpr U128 kScale = U128{kPpm} * kPpm * kPpm;
    // One ppm stays in the weight as resolution.
    return to_u128(product / Uint256{kScale});
}

Result<U128> delivery_weight(const NodeDelivery& delivery, const RewardParameters& parameters) {
    if (delivery.quality_ppm > kPpm) return make_error(Errc::kInvalid, "quality is above 1,000,000 ppm");
    const bool has_bonus = delivery.quality_ppm >= parameters.bonus_quality_ppm;
    const std::uint64_t factor = std::uint64_t{kPpm} + (has_bonus ? parameters.bonus_ppm : 0);
    return to_u128(Uint256{delivery.units} * Uint256{delivery.quality_ppm} * Uint256{factor} / Uint256{kPpm});
}

Result<std::vector<Reward>> capacity_rewards(Vcai budget,
                                             const std::vector<NodeCapacity>& nodes,
                                             const RewardParameters& parameters) {
    TRY_OK(check_nodes_once(nodes));
    TRY(const Weights weights, capacity_weights(nodes, parameters));
    if (!has_weight(weights)) return std::vector<Reward>{};
    std::map<Address, Vcai> rewards;
    TRY(const Vcai joined, pay_first_joins(budget, nodes, parameters, &rewards));
    TRY(const Vcai rest, subtract(budget, joined));
    TRY_OK(distribute(rest, weights, &rewards));
    return without_zeros(rewards);
}

Result<std::vector<Reward>> delivery_rewards(Vcai budget,
                                             const std::vector<NodeDelivery>& deliveries,
                                             const RewardParameters& parameters,
                                             Vcai per_dollar) {
    TRY_OK(check_nodes_once(deliveries));
    Weights weights;
    for (const NodeDelivery& delivery : deliveries) {
        TRY(const U128 weight, delivery_weight(delivery, parameters));
        TRY_OK(add_weight(&weights, delivery.node, weight));
    }
    if (!has_weight(weights)) return std::vector<Reward>{};
    std::map<Address, Vcai> rewards;
    TRY(const Vcai shared, pay_fee_shares(budget, deliveries, per_dollar, parameters, &rewards));
    TRY(const Vcai rest, subtract(budget, shared));
    TRY_OK(distribute(rest, weights, &rewards));
    return without_zeros(rewards);
}

Result<std::vector<Reward>> demand_rebates(const RebateTerms& terms, const std::vector<Spending>& spending) {
    Weights weights;
    std::map<Address, Uint256> fees;
    for (const Spending& one : spending) {
        TRY_OK(add_weight(&weights, one.client, one.spent.micro));
        fees[one.client] = fees[one.client] + Uint256{one.fee_paid.micro};
    }
    std::map<Address, Vcai> rebates;
    TRY_OK(distribute(terms.budget, weights, &rebates));
    for (auto& [client, rebate] : rebates) {
        TRY(const Uint256 fee, mul_div_floor(fees[client], Uint256{terms.per_dollar.wei}, Uint256{kMicroPerDollar}));
        if (fee < Uint256{rebate.wei}) rebate.wei = to_u128(fee).value();
    }
    return without_zeros(rebates);
}

std::uint16_t fee_tier_bps(std::uint32_t quality_ppm, std::uint32_t rating_ppm, const std::vector<FeeTierStep>& steps) {
    std::uint16_t tier = 0;
    for (const FeeTierStep& step : steps) {
        if (quality_ppm >= step.quality_ppm && rating_ppm >= step.rating_ppm) tier = std::max(tier, step.tier_bps);
    }
    return tier;
}

Result<std::vector<Reward>> fee_tiers(const std::vector<NodeStanding>& nodes, const std::vector<FeeTierStep>& steps) {
    TRY_OK(check_nodes_once(nodes));
    std::map<Address, Vcai> tiers;
    for (const NodeStanding& node : nodes) {
        if (std::max(node.quality_ppm, node.rating_ppm) > kPpm) {
            return make_error(Errc::kInvalid, "quality or rating is above 1,000,000 ppm");
        }
        tiers[node.node] = Vcai{fee_tier_bps(node.quality_ppm, node.rating_ppm, steps)};
    }
    return without_zeros(tiers);
}

std::vector<FeeTierStep> default_fee_tiers() {
    return {{950'000, 800'000, 50}, {980'000, 900'000, 100}, {995'000, 950'000, 200}};
}

}  // namespace vcity::market
