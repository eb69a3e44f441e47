// SPDX-License-Identifier: Apache-2.0
#include "market/exchange/auto_bid.hpp"

#include <algorithm>

#include "market/agreement_accrual.hpp"

namespace vcity::market {
namespace {

bool is_affordable(const BidGoal& goal, const BidProgress& progress, Usd hourly, std::uint64_t seconds) {
    if (hourly > goal.hourly_max || progress.spent > goal.budget) return false;
    const U128 cost = U128{hourly.micro} * seconds;
    return cost <= U128{goal.budget.micro - progress.spent.micro} * kRateSeconds;
}

}  // namespace

BidDecision next_move(const BidGoal& goal, const BidProgress& progress, const BidMarket& market, UnixMillis now) {
    if (progress.seconds_done >= goal.seconds) return {BidMove::kDone, {}, "the work is done"};
    const std::uint64_t left = goal.seconds - progress.seconds_done;
    const std::uint64_t time = goal.deadline > now ? (goal.deadline - now).count() / 1000 : 0;
    if (time < left) {
        return {BidMove::kGiveUp, {}, "the work takes longer than the time left before the deadline"};
    }
    const bool buys = market.on_demand && is_affordable(goal, progress, *market.on_demand, left);
    const bool has_slack = time - left > goal.restart_seconds;
    const Usd limit = buys ? std::min(goal.hourly_max, *market.on_demand) : goal.hourly_max;
    const bool bids = market.spot && *market.spot <= limit && is_affordable(goal, progress, *market.spot, left);

    if (has_slack && bids) return {BidMove::kSpot, limit, "there is time for an interruption, and spot is cheaper"};
    if (!has_slack && buys) {
        return {BidMove::kOnDemand, *market.on_demand, "no time is left for an interruption"};
    }
    if (bids) return {BidMove::kSpot, limit, "on-demand capacity is not to be had at the client's price"};
    if (!has_slack) return {BidMove::kGiveUp, {}, "no capacity at the client's price, and no time left to wait for it"};
    return {BidMove::kWait, {}, "no capacity at the client's price; there is time to wait"};
}

}  // namespace vcity::market
