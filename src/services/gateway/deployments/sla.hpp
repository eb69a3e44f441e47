// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/amount.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "codec/json.hpp"

namespace vcity::gateway {

// The year and month of a moment in UTC, as 202611.
std::uint32_t month_of(UnixMillis at);

// What was measured of a deployment in one month, at its gateway. Plain values, no clock.
struct SlaMonth {
    // Bucket i holds first bytes after at most 2^(i/2) ms, and more than the bucket before; the last one all others.
    static constexpr std::size_t kBuckets = 40;

    std::uint32_t month = 0;
    std::uint64_t observed_ms = 0;  // in which it should have answered
    std::uint64_t up_ms = 0;        // of these: at least one replica was ready
    std::uint64_t requests = 0;     // that ended, one way or the other
    std::uint64_t failed = 0;       // without an answer, or with a status of 500 and above
    std::array<std::uint64_t, kBuckets> first_bytes{};
    Usd charged;

    void add_time(std::chrono::milliseconds span, bool is_up);
    void add_request(std::chrono::milliseconds first_byte, bool is_good);

    // Basis points of 10,000, rounded down; 10,000 when nothing was observed. The worse of time and requests: a
    // replica that is ready and fails every request is not available.
    std::uint32_t availability_bp() const;
    // Upper bound of the bucket that holds this part (of 1,000) of all first bytes; 0 without any.
    std::uint64_t first_byte_ms(std::uint32_t per_mille) const;

    bool operator==(const SlaMonth&) const = default;
};

// What part of the month's charge is owed back, in basis points: nothing at or above what was promised; 1,000 below it;
// 2,500 when more than one hundredth is missing; 5,000 when more than five hundredths are; all of it below one half of
// what was promised.
std::uint32_t credit_bp(std::uint32_t promised_bp, std::uint32_t measured_bp);
// floor(charged * credit_bp / 10,000): exact, never more than what was charged.
Usd credit_of(Usd charged, std::uint32_t promised_bp, std::uint32_t measured_bp);

// The monthly report. promised_bp 0: nothing was promised, and no credit is owed.
codec::Json sla_report(const SlaMonth& month, std::string_view name, std::uint32_t promised_bp);

std::string dump(const SlaMonth& month);
Result<SlaMonth> parse_sla_month(std::string_view text);

}  // namespace vcity::gateway
