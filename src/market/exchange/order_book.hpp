// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/amount.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

// The market of one kind of execution unit, e.g. "one H100 80GB in eu-west". Prices are micro-dollars for one unit and
// hour and contain everything: the network fee comes out of them.
namespace vcity::market {

enum class Tier : std::uint8_t {
    kOnDemand = 0,  // kept until the client stops, at the asked price
    kReserved = 1,  // a term bought as a whole, mostly at a discount
    kSpot = 2,      // whatever is not sold otherwise, at one clearing price, taken back when somebody outbids
};

using OrderId = std::uint64_t;

// A provider's standing offer. A price that is absent: not offered in that tier.
struct Ask {
    OrderId id = 0;
    Address provider{};
    std::uint32_t units = 0;
    std::optional<Usd> on_demand{};
    std::optional<Usd> reserved{};
    std::uint64_t reserved_seconds_min = 0;
    std::optional<Usd> spot_floor{};

    bool operator==(const Ask&) const = default;
};

// So many units at a spot price up to max. Units of one bid are independent of each other.
struct SpotBid {
    OrderId id = 0;
    Address client{};
    std::uint32_t units = 0;
    Usd max{};

    bool operator==(const SpotBid&) const = default;
};

struct QuoteRequest {
    Address client{};
    Tier tier = Tier::kOnDemand;  // not kSpot
    std::uint32_t units = 0;
    std::uint64_t seconds = 0;  // reserved: the term; on demand: the most that will be used
    Usd hourly_max{};
};

struct Fill {
    OrderId ask = 0;
    Address provider{};
    std::uint32_t units = 0;
    Usd hourly{};

    bool operator==(const Fill&) const = default;
};

// A price that stands, with its units held, until `until`. What is charged never exceeds `most`.
struct Quote {
    std::uint64_t id = 0;
    Address client{};
    Tier tier = Tier::kOnDemand;
    std::vector<Fill> fills{};  // the cheapest first
    std::uint64_t seconds = 0;
    Usd most{};  // for all units and all seconds
    UnixMillis until{0};
};

// What a quote became.
struct Sale {
    Quote quote{};
    UnixMillis begin{0};
};

// So many units of a spot bid on one ask.
struct SpotGrant {
    OrderId bid = 0;
    OrderId ask = 0;
    std::uint32_t units = 0;

    bool operator==(const SpotGrant&) const = default;
};

struct SpotOutcome {
    Usd hourly{};  // everybody's price; meaningless while nothing runs
    std::vector<SpotGrant> stopped{};
    std::vector<SpotGrant> started{};
};

struct OrderBookLimits {
    std::size_t asks_max = 100'000;
    std::size_t bids_max = 100'000;
    std::size_t quotes_max = 100'000;  // held at one time
    std::size_t fills_max = 256;       // asks that one quote may be spread over
};

// Asks, held quotes, sales and the spot auction of one kind of unit. Deterministic, single-threaded; time comes in with
// every call and may stand still.
//
// Invariant after every call: for each ask, units sold + held <= units and units sold + running spot <= units. Held
// units may run spot until the quote is accepted.
class OrderBook {
  public:
    explicit OrderBook(const OrderBookLimits& limits = {}) : limits_{limits} {}

    // kInvalid: no units, no tier, or an id in use; kExhausted: too many.
    Result<void> place(const Ask& ask);
    // No new business; what was sold goes on, spot stops with the next clearing. kNotFound.
    Result<void> withdraw(OrderId ask);

    // The cheapest units on these terms, held for `hold`. kInvalid for impossible terms; kExhausted when fewer units
    // are free (the message says how many, and at which price there would be enough); limits.
    Result<Quote> quote(const QuoteRequest& request, UnixMillis now, UnixMillis hold);
    // kNotFound: no such quote, or its time has passed, or it is another client's. Spot that has to give way stops.
    struct Accepted {
        Sale sale;
        SpotOutcome spot;
    };
    Result<Accepted> accept(std::uint64_t quote, const Address& client, UnixMillis now);
    // Gives the held units back at once. kNotFound as above.
    Result<void> decline(std::uint64_t quote, const Address& client, UnixMillis now);
    // The units of a sale are free again. kNotFound.
    Result<void> end(std::uint64_t sale);

    // kInvalid: no units or a zero maximum, or an id in use; kExhausted: too many.
    Result<void> bid(const SpotBid& bid);
    Result<void> cancel_bid(OrderId bid);
    // Uniform-price auction over all spot bids and free units, unit by unit: as many trades as bids and floors allow;
    // the price is the higher of the dearest floor among them and the best bid that got nothing, so nobody pays more
    // than needed to win, and telling the true maximum is best for a bidder for one unit. Equal bids: who runs stays,
    // then who came first. A unit that may stay on its ask does.
    SpotOutcome clear(UnixMillis now);

    // Running spot units by bid and ask.
    const std::map<OrderId, std::map<OrderId, std::uint32_t>>& spot() const { return running_; }
    // Units that an on-demand or reserved quote could still get from this ask.
    std::uint32_t unsold(OrderId ask, UnixMillis now);

  private:
    struct Listed {
        Ask ask;
        bool is_withdrawn = false;
        std::uint32_t sold = 0;
        std::uint32_t held = 0;
        std::uint32_t spot = 0;
    };
    struct Waiting {
        SpotBid bid;
        std::uint64_t arrival = 0;
    };
    struct Slice;
    struct Auction;

    void expire(UnixMillis now);
    std::vector<const Listed*> sellers(const QuoteRequest& request) const;
    void release_held(const Quote& quote);
    Auction match() const;
    void stop_losers(const Auction& auction, SpotOutcome* outcome);
    void stop(const SpotGrant& grant, SpotOutcome* outcome);
    void start_winners(const Auction& auction, SpotOutcome* outcome);
    void drop_if_done(OrderId ask);

    OrderBookLimits limits_;
    std::map<OrderId, Listed> asks_;
    std::map<OrderId, Waiting> bids_;
    std::map<std::uint64_t, Quote> quotes_;
    std::map<std::uint64_t, Sale> sales_;
    std::map<OrderId, std::map<OrderId, std::uint32_t>> running_;
    std::uint64_t next_quote_ = 1;
    std::uint64_t next_arrival_ = 0;
};

// What a sale has cost until now: whole seconds, truncated for each fill, at most quote.most.
Usd cost_until(const Sale& sale, UnixMillis now);

}  // namespace vcity::market
