// SPDX-License-Identifier: Apache-2.0
#include "market/exchange/order_book.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

#include "base/check.hpp"
#include "market/agreement_accrual.hpp"

namespace vcity::market {
namespace {

constexpr std::uint64_t kSecondsMax = 10ULL * 366 * 86'400;  // ten years
constexpr std::uint32_t kUnitsMax = 1U << 24U;
constexpr std::uint64_t kHourlyMax = 1'000'000'000'000;  // a million dollars for a unit and hour

std::optional<Usd> price_in(const Ask& ask, Tier tier) {
    switch (tier) {
        case Tier::kOnDemand: return ask.on_demand;
        case Tier::kReserved: return ask.reserved;
        case Tier::kSpot: return ask.spot_floor;
    }
    return std::nullopt;
}

bool is_sane(const std::optional<Usd>& price) {
    return !price || price->micro <= kHourlyMax;
}

// units * hourly * seconds fits: 2^24 * 10^12 * 3.2 * 10^8 < 2^104.
U128 product(const Fill& fill, std::uint64_t seconds) {
    return U128{fill.hourly.micro} * fill.units * seconds;
}

Result<Usd> most_of(const std::vector<Fill>& fills, std::uint64_t seconds) {
    U128 sum = 0;
    for (const Fill& fill : fills) {
        const U128 cost = product(fill, seconds);
        sum += cost / kRateSeconds + (cost % kRateSeconds != 0 ? 1U : 0U);
    }
    if (sum > std::numeric_limits<std::uint64_t>::max()) {
        return make_error(Errc::kInvalid, "the price of these units does not fit 64 bits of micro-dollars");
    }
    return Usd{static_cast<std::uint64_t>(sum)};
}

Result<void> check(const QuoteRequest& request) {
    if (request.tier == Tier::kSpot) return make_error(Errc::kInvalid, "spot capacity is bid for, not quoted");
    if (request.units == 0 || request.units > kUnitsMax) {
        return make_error(Errc::kInvalid,
                          "units must be 1 to " + std::to_string(kUnitsMax) + ", not " + std::to_string(request.units));
    }
    if (request.seconds == 0 || request.seconds > kSecondsMax) {
        return make_error(Errc::kInvalid, "the time must be 1 second to ten years, not " +
                                              std::to_string(request.seconds) + " seconds");
    }
    return {};
}

}  // namespace

// Consecutive units of one bid with one rank.
struct OrderBook::Slice {
    OrderId bid = 0;
    Usd max;
    bool runs = false;
    std::uint64_t arrival = 0;
    std::uint32_t units = 0;
};

struct OrderBook::Auction {
    Usd hourly;
    std::map<OrderId, std::uint32_t> won;  // units by bid
};

Result<void> OrderBook::place(const Ask& ask) {
    if (ask.units == 0 || ask.units > kUnitsMax) {
        return make_error(Errc::kInvalid, "an ask offers 1 to " + std::to_string(kUnitsMax) + " units");
    }
    if (!ask.on_demand && !ask.reserved && !ask.spot_floor) {
        return make_error(Errc::kInvalid, "an ask needs a price in at least one tier");
    }
    if (!is_sane(ask.on_demand) || !is_sane(ask.reserved) || !is_sane(ask.spot_floor)) {
        return make_error(Errc::kInvalid, "an ask is above a million dollars for a unit and hour");
    }
    if (asks_.contains(ask.id)) return make_error(Errc::kInvalid, "there is an ask with this number");
    if (asks_.size() >= limits_.asks_max) return make_error(Errc::kExhausted, "the book takes no more asks");
    asks_.emplace(ask.id, Listed{.ask = ask});
    return {};
}

Result<void> OrderBook::withdraw(OrderId ask) {
    const auto found = asks_.find(ask);
    if (found == asks_.end() || found->second.is_withdrawn) {
        return make_error(Errc::kNotFound, "there is no ask with this number");
    }
    found->second.is_withdrawn = true;
    drop_if_done(ask);
    return {};
}

void OrderBook::drop_if_done(OrderId ask) {
    const auto found = asks_.find(ask);
    if (found == asks_.end()) return;
    const Listed& listed = found->second;
    if (listed.is_withdrawn && listed.sold == 0 && listed.held == 0 && listed.spot == 0) asks_.erase(found);
}

void OrderBook::expire(UnixMillis now) {
    for (auto entry = quotes_.begin(); entry != quotes_.end();) {
        if (entry->second.until > now) {
            ++entry;
            continue;
        }
        release_held(entry->second);
        entry = quotes_.erase(entry);
    }
}

void OrderBook::release_held(const Quote& quote) {
    for (const Fill& fill : quote.fills) {
        Listed& listed = asks_.at(fill.ask);
        CHECK(listed.held >= fill.units);
        listed.held -= fill.units;
        drop_if_done(fill.ask);
    }
}

std::vector<const OrderBook::Listed*> OrderBook::sellers(const QuoteRequest& request) const {
    std::vector<const Listed*> found;
    for (const auto& [id, listed] : asks_) {
        if (listed.is_withdrawn || listed.sold + listed.held >= listed.ask.units) continue;
        if (!price_in(listed.ask, request.tier)) continue;
        const bool is_short = request.seconds < listed.ask.reserved_seconds_min;
        if (request.tier == Tier::kReserved && is_short) continue;
        found.push_back(&listed);
    }
    std::ranges::sort(found, {}, [&](const Listed* listed) {
        return std::tuple{*price_in(listed->ask, request.tier), listed->ask.id};
    });
    return found;
}

Result<Quote> OrderBook::quote(const QuoteRequest& request, UnixMillis now, UnixMillis hold) {
    TRY_OK(check(request));
    expire(now);
    if (quotes_.size() >= limits_.quotes_max) return make_error(Errc::kExhausted, "too many quotes are open");
    Quote quote{.id = next_quote_,
                .client = request.client,
                .tier = request.tier,
                .seconds = request.seconds,
                .until = now + hold};
    std::uint32_t missing = request.units;
    std::optional<Usd> enough_at;
    for (const Listed* listed : sellers(request)) {
        const Usd hourly = *price_in(listed->ask, request.tier);
        const std::uint32_t units = std::min(missing, listed->ask.units - listed->sold - listed->held);
        missing -= units;
        quote.fills.push_back({listed->ask.id, listed->ask.provider, units, hourly});
        if (missing > 0) continue;
        enough_at = hourly;
        break;
    }
    if (!enough_at) {
        return make_error(Errc::kExhausted, "only " + std::to_string(request.units - missing) + " of " +
                                                std::to_string(request.units) + " units are free");
    }
    if (*enough_at > request.hourly_max) {
        return make_error(Errc::kExhausted, "not enough units at " + to_string(request.hourly_max) +
                                                " USD an hour; there are at " + to_string(*enough_at));
    }
    if (quote.fills.size() > limits_.fills_max) {
        return make_error(Errc::kExhausted, "so many units would come from too many providers; ask for fewer");
    }
    TRY(quote.most, most_of(quote.fills, request.seconds));
    for (const Fill& fill : quote.fills) asks_.at(fill.ask).held += fill.units;
    ++next_quote_;
    quotes_.emplace(quote.id, quote);
    return quote;
}

Result<OrderBook::Accepted> OrderBook::accept(std::uint64_t quote, const Address& client, UnixMillis now) {
    expire(now);
    const auto found = quotes_.find(quote);
    if (found == quotes_.end() || found->second.client != client) {
        return make_error(Errc::kNotFound, "there is no such quote, or its time has passed; ask for a new one");
    }
    Accepted accepted{.sale = {.quote = found->second, .begin = now}, .spot = {}};
    for (const Fill& fill : found->second.fills) {
        Listed& listed = asks_.at(fill.ask);
        listed.held -= fill.units;
        listed.sold += fill.units;
    }
    quotes_.erase(found);
    sales_.emplace(quote, accepted.sale);
    accepted.spot = clear(now);
    return accepted;
}

Result<void> OrderBook::decline(std::uint64_t quote, const Address& client, UnixMillis now) {
    expire(now);
    const auto found = quotes_.find(quote);
    if (found == quotes_.end() || found->second.client != client) {
        return make_error(Errc::kNotFound, "there is no such quote, or its time has passed");
    }
    release_held(found->second);
    quotes_.erase(found);
    return {};
}

Result<void> OrderBook::end(std::uint64_t sale) {
    const auto found = sales_.find(sale);
    if (found == sales_.end()) return make_error(Errc::kNotFound, "there is no such sale");
    for (const Fill& fill : found->second.quote.fills) {
        Listed& listed = asks_.at(fill.ask);
        CHECK(listed.sold >= fill.units);
        listed.sold -= fill.units;
        drop_if_done(fill.ask);
    }
    sales_.erase(found);
    return {};
}

Result<void> OrderBook::bid(const SpotBid& bid) {
    if (bid.units == 0 || bid.units > kUnitsMax) {
        return make_error(Errc::kInvalid, "a bid is for 1 to " + std::to_string(kUnitsMax) + " units");
    }
    if (bid.max.micro == 0 || bid.max.micro > kHourlyMax) {
        return make_error(Errc::kInvalid, "a bid is above zero and at most a million dollars for a unit and hour");
    }
    if (bids_.contains(bid.id)) return make_error(Errc::kInvalid, "there is a bid with this number");
    if (bids_.size() >= limits_.bids_max) return make_error(Errc::kExhausted, "the book takes no more bids");
    bids_.emplace(bid.id, Waiting{.bid = bid, .arrival = next_arrival_++});
    return {};
}

Result<void> OrderBook::cancel_bid(OrderId bid) {
    if (bids_.erase(bid) == 0) return make_error(Errc::kNotFound, "there is no bid with this number");
    const auto running = running_.find(bid);
    if (running == running_.end()) return {};
    for (const auto& [ask, units] : running->second) {
        asks_.at(ask).spot -= units;
        drop_if_done(ask);
    }
    running_.erase(running);
    return {};
}

// Merges the floors, ascending, with the bids, descending, as long as a bid reaches a floor.
OrderBook::Auction OrderBook::match() const {
    std::vector<std::pair<Usd, std::uint64_t>> floors;
    for (const auto& [id, listed] : asks_) {
        const bool is_open = !listed.is_withdrawn && listed.ask.spot_floor && listed.sold < listed.ask.units;
        if (is_open) floors.emplace_back(*listed.ask.spot_floor, listed.ask.units - listed.sold);
    }
    std::ranges::sort(floors);

    std::vector<Slice> slices;
    for (const auto& [id, waiting] : bids_) {
        std::uint32_t runs = 0;
        if (const auto running = running_.find(id); running != running_.end()) {
            for (const auto& [ask, units] : running->second) runs += units;
        }
        const std::uint32_t waits = waiting.bid.units - runs;
        if (runs > 0) slices.push_back({id, waiting.bid.max, true, waiting.arrival, runs});
        if (waits > 0) slices.push_back({id, waiting.bid.max, false, waiting.arrival, waits});
    }
    std::ranges::sort(slices, [](const Slice& a, const Slice& b) {
        return std::tuple{b.max, b.runs, a.arrival} < std::tuple{a.max, a.runs, b.arrival};
    });

    Auction auction;
    auto floor = floors.begin();
    std::uint64_t floor_left = floor == floors.end() ? 0 : floor->second;
    for (const Slice& slice : slices) {
        std::uint32_t left = slice.units;
        while (left > 0 && floor != floors.end() && floor->first <= slice.max) {
            const std::uint32_t units = static_cast<std::uint32_t>(std::min<std::uint64_t>(left, floor_left));
            auction.won[slice.bid] += units;
            auction.hourly = floor->first;
            left -= units;
            floor_left -= units;
            if (floor_left > 0) continue;
            if (++floor != floors.end()) floor_left = floor->second;
        }
        if (left == 0) continue;
        // The best bid that got nothing.
        if (!auction.won.empty()) auction.hourly = std::max(auction.hourly, slice.max);
        break;
    }
    return auction;
}

SpotOutcome OrderBook::clear(UnixMillis now) {
    expire(now);
    const Auction auction = match();
    SpotOutcome outcome{.hourly = auction.hourly, .stopped = {}, .started = {}};
    stop_losers(auction, &outcome);
    start_winners(auction, &outcome);
    return outcome;
}

// First what a bid did not win or an ask no longer offers, then what sales have taken the place of.
void OrderBook::stop_losers(const Auction& auction, SpotOutcome* outcome) {
    for (auto& [bid, on] : running_) {
        const auto won = auction.won.find(bid);
        std::uint32_t may_run = won == auction.won.end() ? 0 : won->second;
        for (auto& [ask, units] : on) {
            const Listed& listed = asks_.at(ask);
            const bool is_open = !listed.is_withdrawn && *listed.ask.spot_floor <= auction.hourly;
            const std::uint32_t keep = is_open ? std::min(units, may_run) : 0;
            may_run -= keep;
            stop({bid, ask, units - keep}, outcome);
            units = keep;
        }
    }
    for (auto& [bid, on] : running_) {
        for (auto& [ask, units] : on) {
            const Listed& listed = asks_.at(ask);
            const std::uint32_t taken = listed.sold + listed.spot;
            const std::uint32_t over = taken > listed.ask.units ? taken - listed.ask.units : 0;
            const std::uint32_t stops = std::min(over, units);
            stop({bid, ask, stops}, outcome);
            units -= stops;
        }
        std::erase_if(on, [](const auto& entry) { return entry.second == 0; });
    }
    std::erase_if(running_, [](const auto& entry) { return entry.second.empty(); });
    for (const SpotGrant& stopped : outcome->stopped) drop_if_done(stopped.ask);
}

void OrderBook::stop(const SpotGrant& grant, SpotOutcome* outcome) {
    if (grant.units == 0) return;
    asks_.at(grant.ask).spot -= grant.units;
    outcome->stopped.push_back(grant);
}

void OrderBook::start_winners(const Auction& auction, SpotOutcome* outcome) {
    std::vector<Listed*> open;
    for (auto& [id, listed] : asks_) {
        const bool is_open = !listed.is_withdrawn && listed.ask.spot_floor;
        if (!is_open || *listed.ask.spot_floor > auction.hourly) continue;
        if (listed.sold + listed.spot < listed.ask.units) open.push_back(&listed);
    }
    std::ranges::sort(open, {},
                      [](const Listed* listed) { return std::tuple{*listed->ask.spot_floor, listed->ask.id}; });
    auto seller = open.begin();
    for (const auto& [bid, won] : auction.won) {
        std::uint32_t missing = won;
        for (const auto& [ask, units] : running_[bid]) missing -= units;
        while (missing > 0) {
            CHECK(seller != open.end());  // every unit that won has a place
            Listed& listed = **seller;
            const std::uint32_t units = std::min(missing, listed.ask.units - listed.sold - listed.spot);
            if (units > 0) {
                outcome->started.push_back({bid, listed.ask.id, units});
                listed.spot += units;
                running_[bid][listed.ask.id] += units;
                missing -= units;
            }
            if (listed.sold + listed.spot == listed.ask.units) ++seller;
        }
    }
}

std::uint32_t OrderBook::unsold(OrderId ask, UnixMillis now) {
    expire(now);
    const auto found = asks_.find(ask);
    if (found == asks_.end() || found->second.is_withdrawn) return 0;
    return found->second.ask.units - found->second.sold - found->second.held;
}

Usd cost_until(const Sale& sale, UnixMillis now) {
    const std::uint64_t elapsed = now > sale.begin ? (now - sale.begin).count() / 1000 : 0;
    const std::uint64_t seconds = std::min(elapsed, sale.quote.seconds);
    U128 sum = 0;
    for (const Fill& fill : sale.quote.fills) sum += product(fill, seconds) / kRateSeconds;
    return Usd{static_cast<std::uint64_t>(std::min(sum, U128{sale.quote.most.micro}))};
}

}  // namespace vcity::market
