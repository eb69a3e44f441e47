// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "services/scheduler/context.hpp"
#include "work/job.hpp"

// How work on units is kept in the scheduler's store: a job is its events, written in order and never changed.
namespace vcity::scheduler {

inline constexpr std::string_view kWorkPrefix = "work/";          // events: work/<job>/<number of the first, 10 digits>
inline constexpr std::string_view kWorkLivePrefix = "worklive/";  // cap id; present until the job has ended
inline constexpr std::string_view kWorkOutputPrefix = "workout/";  // workout/<step>/<fencing token, 20 digits>/<chunk>
inline constexpr std::size_t kWorkOutputChunk = 64U << 10U;
inline constexpr std::size_t kWorkOutputMax = 1U << 20U;  // of one attempt

// The id under which an attempt is leased, billed and settled: two receipts must never have one job id.
// keccak-256("vcity-attempt-v1" || step id || attempt, 4 bytes big-endian).
JobId attempt_id(const JobId& step_id, std::uint32_t attempt);

std::string work_key(const JobId& job_id, std::uint32_t first_event);
std::string work_live_key(const JobId& job_id);
// Of the attempt at the step that had this token.
std::string work_output_key(const JobId& step_id, std::uint64_t token, std::size_t chunk);

// Several events as one value.
Bytes encode_events(const std::vector<work::Event>& events);
Result<std::vector<work::Event>> parse_events(ByteView bytes);

// All events of a job; empty when it is not known.
Task<Result<std::vector<work::Event>>> load_events(Context* context, JobId job_id);
// Puts the whole output into the change.
void put_output(ports::StoreChange* change, const JobId& step_id, std::uint64_t token, std::string_view output);

}  // namespace vcity::scheduler
