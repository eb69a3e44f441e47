// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace vcity::gateway {

// The trace id (32 lower-case hexadecimal digits, not all zero) of a W3C traceparent header (Trace Context level 1):
// "00-<trace id>-<parent id>-<flags>". A later version may say more after its flags. nullopt: no such header.
std::optional<std::string> trace_id_of(std::string_view traceparent);

}  // namespace vcity::gateway
