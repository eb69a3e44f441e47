// SPDX-License-Identifier: Apache-2.0
#include "services/scheduler/work/spot.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <limits>
#include <utility>

#include "work/plan.hpp"

namespace vcity::scheduler {
namespace {

// Steps with one shape may go to the same units. The customer's maximum is the bid and no part of it.
Hash shape_of(const WorkSpec& spec, const StepGroup& group) {
    WorkSpec shape;
    StepGroup& only = shape.groups.emplace_back();
    only.ask = group.ask;
    only.is_gang = group.is_gang;
    only.seconds_max = 0;
    shape.regions = spec.regions;
    shape.kind = spec.kind;
    shape.reputation_bp_min = spec.reputation_bp_min;
    shape.level_min = spec.level_min;
    shape.stake_vcai_min = spec.stake_vcai_min;
    return work::price_hash(shape);
}

}  // namespace

SpotRound SpotMarket::clear(const std::vector<SpotBidder>& bidders, UnixMillis now) {
    std::map<Hash, std::vector<const SpotBidder*>> shapes;
    const std::size_t count = std::min(bidders.size(), kBiddersMax);
    for (std::size_t at = 0; at < count; ++at) {
        if (bidders[at].max.micro == 0) continue;
        shapes[shape_of(*bidders[at].spec, *bidders[at].group)].push_back(&bidders[at]);
    }
    SpotRound round;
    for (const auto& [key, same] : shapes) clear_shape(key, same, now, &round);
    return round;
}

void SpotMarket::clear_shape(const Hash& key,
                             const std::vector<const SpotBidder*>& bidders,
                             UnixMillis now,
                             SpotRound* round) {
    const UnitQuery query{.spec = bidders.front()->spec, .group = bidders.front()->group};
    Result<std::vector<SpotPlace>> places = units_->spot_places(query);
    if (!places) return;  // nobody here has such a unit
    std::ranges::sort(*places, {}, [](const SpotPlace& place) { return std::pair{place.floor, place.id}; });

    market::OrderBook book;
    std::map<placement::UnitId, std::uint32_t> running;
    for (const SpotBidder* bidder : bidders) {
        if (bidder->runs_on) ++running[*bidder->runs_on];
    }
    market::OrderId next = 1;
    for (const SpotPlace& place : *places) {
        const auto taken = running.find(place.id);
        const std::uint32_t slots = place.slots + (taken == running.end() ? 0 : taken->second);
        if (taken != running.end()) running.erase(taken);
        if (slots == 0) continue;
        const Result<void> placed =
            book.place({.id = next++, .provider = place.id.node, .units = slots, .spot_floor = place.floor});
        if (!placed) return;
    }
    // What runs on units that are away for the moment goes on there.
    for (const auto& [unit, slots] : running) {
        if (!book.place({.id = next++, .provider = unit.node, .units = slots, .spot_floor = Usd{0}})) return;
    }
    std::vector<const SpotBidder*> order;
    order.reserve(bidders.size());
    const auto runs = [](const SpotBidder* bidder) { return bidder->runs_on.has_value(); };
    std::ranges::copy_if(bidders, std::back_inserter(order), runs);
    std::ranges::copy_if(bidders, std::back_inserter(order), std::not_fn(runs));
    // Nobody pays more than the dearest of these units costs on demand, and on each no more than there.
    Usd ceiling{places->empty() ? std::numeric_limits<std::uint64_t>::max() : 0};
    for (const SpotPlace& place : *places) ceiling = std::max({ceiling, place.on_demand, place.floor, Usd{1}});
    for (std::size_t at = 0; at < order.size(); ++at) {
        if (!book.bid({.id = at + 1, .client = {}, .units = 1, .max = std::min(order[at]->max, ceiling)})) return;
    }
    const market::SpotOutcome outcome = book.clear(now);
    award(order, book, outcome.hourly, std::move(*places), round);
    if (outcome.started.empty()) return;
    if (prices_.size() >= kShapesMax && !prices_.contains(key)) prices_.erase(prices_.begin());
    prices_[key] = outcome.hourly;
}

void SpotMarket::award(const std::vector<const SpotBidder*>& order,
                       const market::OrderBook& book,
                       Usd hourly,
                       std::vector<SpotPlace> places,
                       SpotRound* round) {
    for (std::size_t at = 0; at < order.size(); ++at) {
        const SpotBidder& bidder = *order[at];
        const bool has_won = book.spot().contains(at + 1);
        if (bidder.runs_on) {
            if (!has_won) round->stops.push_back({bidder.job_id, bidder.step});
            continue;
        }
        if (!has_won) continue;
        const auto place = std::ranges::find_if(places, [&](const SpotPlace& one) {
            return one.slots > 0 && one.floor <= hourly &&
                   std::ranges::find(bidder.avoid, one.id.node) == bidder.avoid.end();
        });
        if (place == places.end()) continue;
        --place->slots;
        const Usd most = std::max(place->on_demand, place->floor);
        round->awards.push_back({bidder.job_id, bidder.step, place->id, std::min(hourly, most)});
    }
}

std::optional<Usd> SpotMarket::price(const WorkSpec& spec, const StepGroup& group) const {
    const Result<std::vector<SpotPlace>> places = units_->spot_places({.spec = &spec, .group = &group});
    if (!places || places->empty()) return std::nullopt;
    const Usd lowest = std::ranges::min(*places, {}, &SpotPlace::floor).floor;
    const auto last = prices_.find(shape_of(spec, group));
    return last == prices_.end() ? lowest : std::max(lowest, last->second);
}

market::BidDecision next_bid(
    const work::Job& job, std::uint32_t step, std::optional<Usd> spot, std::optional<Usd> on_demand, UnixMillis now) {
    const StepGroup& group = job.group_of(step);
    const Usd budget = job.order().budget;
    const std::optional<Usd> most = job.hourly_max(job.steps()[step].group);
    const market::BidGoal goal{.hourly_max = most.value_or(Usd{std::numeric_limits<std::uint32_t>::max()}),
                               .budget = budget,
                               .seconds = group.seconds_max,
                               .deadline = job.order().deadline,
                               .restart_seconds = group.seconds_max};
    const market::BidProgress progress{.seconds_done = 0, .spent = Usd{job.charged().micro + job.quoted_live().micro}};
    market::BidDecision decision = market::next_move(goal, progress, {.spot = spot, .on_demand = on_demand}, now);
    if (decision.move != market::BidMove::kGiveUp) return decision;
    // Its limit does not fit before the deadline any more, but the step may.
    if (on_demand && *on_demand <= goal.hourly_max) {
        return {market::BidMove::kOnDemand, *on_demand, "little time is left before the deadline"};
    }
    if (spot && *spot <= goal.hourly_max) {
        return {market::BidMove::kSpot, goal.hourly_max, "little time is left before the deadline"};
    }
    return {market::BidMove::kWait, {}, decision.reason};
}

}  // namespace vcity::scheduler
