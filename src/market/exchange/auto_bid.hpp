// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/amount.hpp"
#include "base/time.hpp"

// Bidding on a client's behalf: cheap while there is time, safe when there is none.
namespace vcity::market {

// What the client wants of one unit. Prices an hour, everything included.
struct BidGoal {
    Usd hourly_max{};           // never paid more, in any tier
    Usd budget{};               // never spent more
    std::uint64_t seconds = 0;  // of work
    UnixMillis deadline{0};
    std::uint64_t restart_seconds = 0;  // lost whenever spot capacity is taken away
};

struct BidProgress {
    std::uint64_t seconds_done = 0;
    Usd spent{};
};

// Present prices; absent: not to be had.
struct BidMarket {
    std::optional<Usd> spot{};  // the last clearing price, or the lowest floor
    std::optional<Usd> on_demand{};
};

enum class BidMove : std::uint8_t {
    kDone,      // the work is done
    kSpot,      // run on spot capacity, bid up to `bid`
    kOnDemand,  // buy on demand
    kWait,      // nothing affordable now, but there is still time
    kGiveUp,    // cannot be finished any more within deadline, maximum and budget
};

struct BidDecision {
    BidMove move = BidMove::kWait;
    Usd bid{};           // kSpot, kOnDemand: the most to pay an hour
    std::string reason;  // one sentence for people
};

// Spot while the time that is left is more than the work that is left and one restart; then on demand if the client
// can pay it. A spot bid is never above what the same unit costs on demand.
BidDecision next_move(const BidGoal& goal, const BidProgress& progress, const BidMarket& market, UnixMillis now);

}  // namespace vcity::market
