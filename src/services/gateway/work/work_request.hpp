// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "model/work.hpp"
#include "services/gateway/api/api_error.hpp"

namespace vcity::gateway {

// A customer's order, validated and in our own words.
struct WorkRequest {
    WorkSpec spec;
    Usd budget;
    std::uint32_t deadline_minutes = 24 * 60;
    std::uint64_t quote_id = 0;
    std::uint32_t hold_minutes = 0;  // the units are held for so long and nothing runs, see work/reservation.hpp
};

inline constexpr std::uint32_t kDeadlineMinutesMax = 90U * 24U * 60U;
inline constexpr std::uint32_t kHoldMinutesMax = 30U * 24U * 60U - 1U;

// What an input {"file": "file-..."} at `path` of the body stands for: hash and size, or why there is no such file.
using FileResolver = std::function<ApiResult<InputFile>(const std::string& id, const std::string& path)>;
ApiResult<InputFile> no_files(const std::string& id, const std::string& path);

// The body of POST /v1/jobs (docs/api/jobs.md): the SkyPilot-like subset. Every refusal names the field by its path
// ("steps[1].resources.cpus"), its value, and what is allowed. A null is the same as an absent field. What comes back
// has passed work::check().
ApiResult<WorkRequest> parse_work_request(const codec::Json& body, const FileResolver& resolve = no_files);

}  // namespace vcity::gateway
