// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace vcity::codec {

// Bytes of the character the text starts with (1 to 4), or 0 when it starts with none (RFC 3629). is_utf8 and
// utf8_complete_prefix are in json.hpp.
std::size_t utf8_character_length(std::string_view text);

// The text with U+FFFD in place of every byte that is part of no character.
std::string repair_utf8(std::string_view text);

}  // namespace vcity::codec
