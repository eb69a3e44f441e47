// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "market/exchange/auto_bid.hpp"
#include "market/exchange/order_book.hpp"
#include "services/scheduler/work/unit_directory.hpp"
#include "work/job.hpp"

namespace vcity::scheduler {

// A best-effort step that waits for a unit or runs on one at the spot price.
struct SpotBidder {
    JobId job_id;
    std::uint32_t step = 0;
    const WorkSpec* spec = nullptr;
    const StepGroup* group = nullptr;
    Usd max;  // an hour of the step; what it costs on demand is a bound of its own
    std::vector<Address> avoid{};
    std::optional<placement::UnitId> runs_on{};
};

// A waiting step has won.
struct SpotAward {
    JobId job_id;
    std::uint32_t step = 0;
    placement::UnitId unit;
    Usd hourly;  // the clearing price, never above what the unit costs on demand; fixed for the attempt
};
struct SpotStop {  // a running step was outbid
    JobId job_id;
    std::uint32_t step = 0;
};
struct SpotRound {
    std::vector<SpotAward> awards;
    std::vector<SpotStop> stops;
};

// The auction of what nobody buys on demand, one for each shape of work: steps with equal asks and filters compete for
// the units that would take them (market::OrderBook::clear: a uniform price, the higher of the dearest floor traded and
// the best bid that got nothing). Running steps bid again in every round, before newer ones of the same maximum, and
// keep the price they started at. A winner whose unit is still being left waits for the next round.
class SpotMarket {
  public:
    static constexpr std::size_t kBiddersMax = 10'000;  // of a round; later ones wait for the next
    static constexpr std::size_t kShapesMax = 1024;     // whose last price is remembered

    explicit SpotMarket(const UnitDirectory* units) : units_{units} {}

    // One round over everybody, those who wait longest first.
    SpotRound clear(const std::vector<SpotBidder>& bidders, UnixMillis now);
    // Of the shape's last round that traded, or its lowest floor now; nullopt: no unit takes such work.
    std::optional<Usd> price(const WorkSpec& spec, const StepGroup& group) const;

  private:
    void clear_shape(const Hash& key, const std::vector<const SpotBidder*>& bidders, UnixMillis now, SpotRound* round);

    static void award(const std::vector<const SpotBidder*>& order,
                      const market::OrderBook& book,
                      Usd hourly,
                      std::vector<SpotPlace> places,
                      SpotRound* round);

    const UnitDirectory* units_;
    std::map<Hash, Usd> prices_;
};

// How a best-effort step goes on: see market::next_move. The client's goal is the step's whole time within what is left
// of the budget; a stop loses all of it. It never gives up before its deadline: it may end sooner than its limit.
market::BidDecision next_bid(
    const work::Job& job, std::uint32_t step, std::optional<Usd> spot, std::optional<Usd> on_demand, UnixMillis now);

}  // namespace vcity::scheduler
