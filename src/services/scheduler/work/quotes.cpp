// SPDX-License-Identifier: Apache-2.0
#include "services/scheduler/work/quotes.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.hpp"
#include "work/plan.hpp"

namespace vcity::scheduler {
namespace {

Result<Usd> times(Usd amount, std::uint64_t count) {
    TRY(const std::uint64_t micro, mul_div_ceil(amount.micro, count, 1));
    return Usd{micro};
}

// How many groups have to end one after the other before this one can start.
std::vector<std::size_t> depths_of(const WorkSpec& spec) {
    std::vector<std::size_t> depths(spec.groups.size(), 0);
    for (std::size_t round = 0; round < depths.size(); ++round) {
        for (std::size_t at = 0; at < depths.size(); ++at) {
            for (const std::string& need : spec.groups[at].needs) {
                const auto found = std::ranges::find(spec.groups, need, &StepGroup::name);
                const auto number = static_cast<std::size_t>(found - spec.groups.begin());
                CHECK(number < depths.size());
                depths[at] = std::max(depths[at], depths[number] + 1);
            }
        }
    }
    return depths;
}

StepStatus status_of(const WorkOrder& order, const StepGroup& group, std::uint32_t index, const UnitSeat& seat) {
    StepStatus status;
    status.step_id = work::step_id(order.job_id, group.name, index);
    status.group = group.name;
    status.index = index;
    status.state = group.needs.empty() ? StepState::kQueued : StepState::kWaiting;
    status.node = seat.node;
    status.unit = seat.unit;
    return status;
}

}  // namespace

// A quote in the making. What it holds is given back unless it is kept.
struct Quotes::Draft {
    std::vector<Usd> hourly_max;
    std::vector<std::uint64_t> tokens;
    std::vector<StepStatus> steps;
};

// Nothing is held yet, so a group that finds nothing now would find nothing at all.
Result<void> Quotes::price_group(const WorkOrder& order, std::size_t number, Draft* draft) {
    const StepGroup& group = order.spec.groups[number];
    const UnitQuery query{&order.spec, &group, {}};
    TRY(const std::optional<UnitSeat> seat, units_->look(query));
    if (!seat) {
        return make_error(Errc::kExhausted, fmt::format("group {}: {}", group.name, units_->explain(query)));
    }
    TRY(const Usd hourly, work::hourly_of(group.ask, seat->offered));
    draft->hourly_max.push_back(hourly);
    if (group.needs.empty()) return {};
    draft->steps.push_back(status_of(order, group, 0, *seat));
    draft->steps.back().hourly = hourly;
    draft->steps.back().reason = units_->explain(query);
    return {};
}

// Takes units for as many steps as there are units, for a gang all or none.
Result<void> Quotes::hold_group(const WorkOrder& order, std::size_t number, Draft* draft) {
    const StepGroup& group = order.spec.groups[number];
    const UnitQuery query{&order.spec, &group, {}};
    const std::string reason = units_->explain(query);
    std::vector<UnitSeat> seats;
    if (group.is_gang) {
        TRY(std::optional<std::vector<UnitSeat>> all, units_->place_gang(query, group.count, next_token_));
        if (!all) {
            return make_error(Errc::kExhausted, fmt::format("gang {}: no {} units are free at once now: {}", group.name,
                                                            group.count, reason));
        }
        seats = *std::move(all);
        for (std::size_t member = 0; member < seats.size(); ++member) draft->tokens.push_back(next_token_++);
    }
    while (!group.is_gang && seats.size() < group.count && draft->tokens.size() < kSeatsPerQuoteMax) {
        TRY(const std::optional<UnitSeat> seat, units_->place(query, next_token_));
        if (!seat) break;
        draft->tokens.push_back(next_token_++);
        seats.push_back(*seat);
    }
    for (std::size_t index = 0; index < seats.size(); ++index) {
        TRY(const Usd hourly, work::hourly_of(group.ask, seats[index].offered));
        draft->hourly_max[number] = std::max(draft->hourly_max[number], hourly);
        draft->steps.push_back(status_of(order, group, static_cast<std::uint32_t>(index), seats[index]));
        draft->steps.back().hourly = hourly;
        draft->steps.back().reason = reason;
    }
    return {};
}

Result<WorkQuote> Quotes::quote(const WorkOrder& order, UnixMillis unix_now, TimePoint now) {
    expire(now);
    make_room(order.client, order.job_id);
    if (quotes_.size() >= kQuotesMax) return make_error(Errc::kExhausted, "too many quotes are held: try again soon");
    Draft draft;
    Result<void> priced;
    for (std::size_t number = 0; priced && number < order.spec.groups.size(); ++number) {
        priced = price_group(order, number, &draft);
    }
    for (std::size_t number = 0; priced && number < order.spec.groups.size(); ++number) {
        if (order.spec.groups[number].needs.empty()) priced = hold_group(order, number, &draft);
    }
    WorkQuote quote;
    if (priced) priced = add_up(order, draft.hourly_max, &quote);
    if (!priced) {
        for (const std::uint64_t token : draft.tokens) units_->release(token);
        return std::move(priced).error();
    }
    quote.job_id = order.job_id;
    quote.quote_id = next_quote_++;
    quote.until = unix_now + std::chrono::duration_cast<UnixMillis>(kQuoteHolds);
    quote.steps = std::move(draft.steps);
    seats_ += draft.tokens.size();
    quotes_.emplace(quote.quote_id, Held{.client = order.client,
                                         .job_id = order.job_id,
                                         .shape = work::price_hash(order.spec),
                                         .hourly_max = std::move(draft.hourly_max),
                                         .tokens = std::move(draft.tokens),
                                         .until = now + kQuoteHolds});
    return quote;
}

Result<void> Quotes::add_up(const WorkOrder& order, const std::vector<Usd>& hourly_max, WorkQuote* quote) {
    const std::vector<std::size_t> depths = depths_of(order.spec);
    std::vector<Usd> together(depths.size());  // by depth
    for (std::size_t number = 0; number < depths.size(); ++number) {
        const StepGroup& group = order.spec.groups[number];
        TRY(const Usd step, work::quote_of(hourly_max[number], group.seconds_max));
        TRY(const Usd steps, times(step, group.count));
        TRY(quote->most, add(quote->most, steps));
        TRY(const Usd hourly, times(hourly_max[number], group.count));
        TRY(together[depths[number]], add(together[depths[number]], hourly));
    }
    quote->hourly = std::ranges::max(together);
    quote->text = fmt::format(
        "at most {} USD if every step runs to its limit once, {} USD an hour while most steps run. A step that fails "
        "by "
        "itself and is tried again costs its time again. Everything is included: the network's fee comes out of what "
        "the nodes earn, and follows the use of the network toward 80 %. These prices hold for {} seconds.",
        to_string(quote->most), to_string(quote->hourly), kQuoteHolds.count());
    return {};
}

Result<void> Quotes::check(const WorkOrder& order, TimePoint now) const {
    const auto found = quotes_.find(order.quote_id);
    const bool holds = found != quotes_.end() && found->second.client == order.client && now < found->second.until &&
                       found->second.shape == work::price_hash(order.spec);
    if (holds) return {};
    return make_error(Errc::kNotFound, "no such quote for this work, or its time has passed: ask for another one");
}

Result<std::vector<Usd>> Quotes::accept(const WorkOrder& order, TimePoint now) {
    TRY_OK(check(order, now));
    std::vector<Usd> hourly_max = std::move(quotes_.at(order.quote_id).hourly_max);
    drop(order.quote_id);
    return hourly_max;
}

void Quotes::expire(TimePoint now) {
    while (!quotes_.empty() && quotes_.begin()->second.until <= now) drop(quotes_.begin()->first);
}

// A new quote for the same job takes the place of the one before.
void Quotes::make_room(const Address& client, const JobId& job_id) {
    std::vector<std::uint64_t> of_client;
    for (const auto& [id, held] : quotes_) {
        if (held.client == client && held.job_id != job_id) of_client.push_back(id);
    }
    const auto same = std::ranges::find_if(
        quotes_, [&](const auto& entry) { return entry.second.client == client && entry.second.job_id == job_id; });
    if (same != quotes_.end()) drop(same->first);
    if (of_client.size() >= kPerClientMax) drop(of_client.front());
}

void Quotes::drop(std::uint64_t id) {
    const auto found = quotes_.find(id);
    for (const std::uint64_t token : found->second.tokens) units_->release(token);
    seats_ -= found->second.tokens.size();
    quotes_.erase(found);
}

}  // namespace vcity::scheduler
