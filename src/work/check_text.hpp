// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

// Texts of customers, and sentences about them.
namespace vcity::work::detail {

inline constexpr std::string_view kUpperCase = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

// a-z, 0-9 or one of the others.
bool is_one_of(char character, std::string_view others);
bool is_printable(std::string_view text);  // no control characters
// For a message: short and harmless in a terminal.
std::string quoted(std::string_view text);

Error invalid(std::string message);
Result<void> within(std::string_view what, std::uint64_t value, std::uint64_t least, std::uint64_t most);
// The name of a GPU model or a region.
Result<void> check_label(std::string_view what, std::string_view label);

}  // namespace vcity::work::detail
