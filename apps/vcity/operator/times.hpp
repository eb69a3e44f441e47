// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"

namespace vcity::cli {

// "2026-11-24", "2026-11-24T02:00", with ":SS" and "Z" if wanted, all UTC; "now"; "+90m": a span from now. kInvalid
// tells these forms.
Result<UnixMillis> parse_time(std::string_view text, UnixMillis now);
// "30s", "90m", "2h", "1d", "1d12h": positive, at most ten years.
Result<std::chrono::seconds> parse_span(std::string_view text);
// "2026-11-24".
std::string day_text(UnixMillis time);
// "2026-11-24T02:00:00Z".
std::string instant_text(UnixMillis time);

UnixMillis wall_clock_now();

}  // namespace vcity::cli
