// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "async/channel.hpp"
#include "async/runtime.hpp"
#include "codec/json.hpp"
#include "model/messages.hpp"
#include "services/gateway/state/write_behind.hpp"

namespace vcity::gateway {

// What a class of units cost at one time: the GPU's model, or "cpu" for units without one. Micro-dollars per hour of
// one GPU, or of one core.
struct PricePoint {
    std::uint64_t time = 0;  // unix seconds
    std::uint64_t lowest = 0;
    std::uint64_t median = 0;
    std::uint64_t highest = 0;
    std::uint64_t units = 0;
    std::uint64_t rentable = 0;  // of which some part was free

    bool operator==(const PricePoint&) const = default;
};
std::map<std::string, PricePoint> price_points(const UnitsReply& units, std::uint64_t now_unix_seconds);

// The history of prices: a point every few minutes for a day, every hour for 90 days, by class; all in memory, written
// behind, and there again after a restart.
class PriceBoard {
  public:
    static constexpr std::uint64_t kFineSeconds = 300;
    static constexpr std::size_t kFinePoints = 288;
    static constexpr std::uint64_t kCoarseSeconds = 3'600;
    static constexpr std::size_t kCoarsePoints = 2'160;
    static constexpr std::size_t kClassesMax = 64;  // those that come later are not followed

    explicit PriceBoard(WriteBehind* writes) : writes_{writes} {}

    Task<Result<void>> load(ports::Store* store);
    // Takes at most one point for each span of time; calls in between change nothing.
    void note(const UnitsReply& units, std::uint64_t now_unix_seconds);
    // {"data": [{"class", "points": [[time, lowest, median, highest, units, rentable]]}]}; a name that is not empty
    // asks for that class alone. Prices as dollars per hour in text.
    codec::Json to_json(const std::string& name, bool is_fine) const;

  private:
    struct History {
        std::deque<PricePoint> fine;
        std::deque<PricePoint> coarse;
    };
    void write(const std::string& name) const;

    WriteBehind* writes_;
    std::map<std::string, History> histories_;
};

}  // namespace vcity::gateway
