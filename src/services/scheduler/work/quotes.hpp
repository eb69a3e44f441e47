// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <vector>

#include "services/scheduler/work/unit_directory.hpp"
#include "work/pricing.hpp"

namespace vcity::scheduler {

// What a WorkQuote promises: the prices of the units that the index would choose now, for kQuoteHolds. The units of the
// steps that can start at once are taken meanwhile. Promises are by group and hour, so that a step that finds its unit
// later, on another attempt or after a restart costs no more. Memory only: after a restart there are no quotes.
class Quotes {
  public:
    static constexpr std::chrono::seconds kQuoteHolds{60};
    static constexpr std::size_t kPerClientMax = 4;  // a further one takes the place of the client's oldest
    static constexpr std::size_t kQuotesMax = 1024;
    static constexpr std::size_t kSeatsPerQuoteMax = 256;  // units held for one; further steps have the price only
    // Leases have the scheduler's fencing tokens, which never come so far.
    static constexpr std::uint64_t kFirstToken = std::uint64_t{1} << 63U;

    explicit Quotes(UnitDirectory* units) : units_{units} {}

    // Of an order that passed work::check(). kExhausted: some group finds no unit now (the message says why), or too
    // many quotes are held; kNotFound, kInvalid: see UnitDirectory::place.
    Result<WorkQuote> quote(const WorkOrder& order, UnixMillis unix_now, TimePoint now);
    // Whether order.quote_id names a quote of this client for work of this shape that still holds. kNotFound.
    Result<void> check(const WorkOrder& order, TimePoint now) const;
    // Gives its units back and returns the most that an hour of one step may cost, by group. Place at once: whoever
    // comes next gets the units. kNotFound: as check().
    Result<std::vector<Usd>> accept(const WorkOrder& order, TimePoint now);
    // Gives back what has not been accepted in time.
    void expire(TimePoint now);

    std::size_t size() const { return quotes_.size(); }
    std::size_t seats() const { return seats_; }

  private:
    struct Held {
        Address client;
        JobId job_id;
        Hash shape;
        std::vector<Usd> hourly_max;        // by group
        std::vector<std::uint64_t> tokens;  // of its seats
        TimePoint until;
    };
    struct Draft;

    void make_room(const Address& client, const JobId& job_id);
    void drop(std::uint64_t id);
    Result<void> price_group(const WorkOrder& order, std::size_t number, Draft* draft);
    Result<void> hold_group(const WorkOrder& order, std::size_t number, Draft* draft);
    static Result<void> add_up(const WorkOrder& order, const std::vector<Usd>& hourly_max, WorkQuote* quote);

    UnitDirectory* units_;
    std::map<std::uint64_t, Held> quotes_;  // by id: the oldest first, and all hold equally long
    std::size_t seats_ = 0;
    std::uint64_t next_quote_ = 1;
    std::uint64_t next_token_ = kFirstToken;
};

}  // namespace vcity::scheduler
