// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/platform/trace_context.hpp"

#include <algorithm>

namespace vcity::gateway {
namespace {

constexpr std::size_t kVersionDigits = 2;
constexpr std::size_t kTraceDigits = 32;
constexpr std::size_t kParentDigits = 16;
constexpr std::size_t kFlagDigits = 2;
constexpr std::size_t kLength = kVersionDigits + kTraceDigits + kParentDigits + kFlagDigits + 3;

bool is_hex(std::string_view text) {
    return std::ranges::all_of(
        text, [](char letter) { return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'f'); });
}

bool is_zero(std::string_view text) {
    return text.find_first_not_of('0') == std::string_view::npos;
}

}  // namespace

std::optional<std::string> trace_id_of(std::string_view traceparent) {
    if (traceparent.size() < kLength) return std::nullopt;
    const std::string_view version = traceparent.substr(0, kVersionDigits);
    const std::string_view trace = traceparent.substr(kVersionDigits + 1, kTraceDigits);
    const std::string_view parent = traceparent.substr(kVersionDigits + kTraceDigits + 2, kParentDigits);
    const std::string_view flags = traceparent.substr(kLength - kFlagDigits, kFlagDigits);
    const std::string_view rest = traceparent.substr(kLength);
    const bool has_dashes = traceparent[kVersionDigits] == '-' &&
                            traceparent[kVersionDigits + kTraceDigits + 1] == '-' &&
                            traceparent[kLength - kFlagDigits - 1] == '-';
    const bool is_known = version == "00" ? rest.empty() : version != "ff" && (rest.empty() || rest.front() == '-');
    const bool is_text = is_hex(version) && is_hex(trace) && is_hex(parent) && is_hex(flags);
    if (!has_dashes || !is_known || !is_text || is_zero(trace) || is_zero(parent)) return std::nullopt;
    return std::string{trace};
}

}  // namespace vcity::gateway
