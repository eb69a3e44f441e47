// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/work.hpp"

// Units that are kept for a customer for hours: a job whose steps hold them and do nothing. It is charged like any
// other job, whether the units come to be used or not; its nodes sign for the time. A later order that names its number
// has its prices, and gets its units.
namespace vcity::work {

// The job that holds what this work needs at one time: its groups without the work. Groups that wait for others take
// the units of those, where they ask for the same. kInvalid: a group runs a program of the network's, or the time is
// beyond what a step may take.
Result<WorkSpec> hold_of(const WorkSpec& spec, std::uint32_t seconds);
bool is_hold(const WorkSpec& spec);

// What stands in WorkOrder::quote_id; far above the numbers of quotes, and exact in every JSON reader.
inline constexpr std::uint64_t kReservationBit = std::uint64_t{1} << 52U;
std::uint64_t reservation_number(const JobId& job_id);
inline bool is_reservation_number(std::uint64_t quote_id) {
    return (quote_id & kReservationBit) != 0;
}

// For each group of the work the group of the hold whose units it may have: one that asks for the same. kInvalid names
// the group that asks for something else.
Result<std::vector<std::size_t>> held_groups(const WorkSpec& hold, const WorkSpec& spec);

}  // namespace vcity::work
