// SPDX-License-Identifier: Apache-2.0
#include "work/check_text.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "work/spec_check.hpp"

namespace vcity::work::detail {

bool is_one_of(char character, std::string_view others) {
    return (character >= 'a' && character <= 'z') || (character >= '0' && character <= '9') ||
           others.find(character) != std::string_view::npos;
}

bool is_printable(std::string_view text) {
    return std::ranges::none_of(text, [](char character) {
        const auto code = static_cast<unsigned char>(character);
        return code < 0x20 || code == 0x7f;
    });
}

std::string quoted(std::string_view text) {
    constexpr std::size_t kShownMax = 40;
    std::string shown{text.substr(0, kShownMax)};
    for (char& character : shown) {
        const auto code = static_cast<unsigned char>(character);
        if (code < 0x20 || code >= 0x7f) character = '?';
    }
    return fmt::format("\"{}{}\"", shown, text.size() > kShownMax ? "..." : "");
}

Error invalid(std::string message) {
    return make_error(Errc::kInvalid, std::move(message));
}

Result<void> within(std::string_view what, std::uint64_t value, std::uint64_t least, std::uint64_t most) {
    if (value >= least && value <= most) return {};
    return invalid(fmt::format("{} is {}, must be {} to {}", what, value, least, most));
}

Result<void> check_label(std::string_view what, std::string_view label) {
    if (!label.empty() && label.size() <= SpecLimits::kLabelBytesMax && is_printable(label)) return {};
    return invalid(
        fmt::format("{} {} must be 1 to {} printable bytes", what, quoted(label), SpecLimits::kLabelBytesMax));
}

}  // namespace vcity::work::detail
