// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "codec/json.hpp"

namespace vcity::gateway {

// Server-sent events as OpenAI frames them: one data line, one empty line.
inline constexpr std::string_view kSseDone = "data: [DONE]\n\n";
// A comment, which clients skip.
inline constexpr std::string_view kSseKeepAlive = ": keep-alive\n\n";

// JSON text holds no raw line break, so one data line is enough.
inline std::string sse_event(const codec::Json& json) {
    return "data: " + codec::dump_json(json) + "\n\n";
}

}  // namespace vcity::gateway
