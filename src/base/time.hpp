// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

namespace vcity {

using Duration = std::chrono::nanoseconds;
// A monotonic instant: only differences mean anything, and only inside one process.
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Duration>;
// Wall-clock time, milliseconds since 1970-01-01 UTC: what goes into receipts and onto the chain.
using UnixMillis = std::chrono::duration<std::uint64_t, std::milli>;

}  // namespace vcity
