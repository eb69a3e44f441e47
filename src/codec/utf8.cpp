// SPDX-License-Identifier: Apache-2.0
#include "codec/utf8.hpp"

#include <algorithm>
#include <cstdint>

#include "codec/json.hpp"

namespace vcity::codec {
namespace {

// What may follow a first byte: how many bytes in all, and the range of the second (RFC 3629, section 4).
struct Lead {
    std::size_t length = 0;  // 0: no character starts with this byte
    std::uint8_t second_min = 0x80;
    std::uint8_t second_max = 0xbf;
};

Lead lead_of(std::uint8_t byte) {
    if (byte < 0x80) return {.length = 1};
    if (byte < 0xc2) return {};
    if (byte < 0xe0) return {.length = 2};
    if (byte == 0xe0) return {.length = 3, .second_min = 0xa0};
    if (byte == 0xed) return {.length = 3, .second_max = 0x9f};
    if (byte < 0xf0) return {.length = 3};
    if (byte == 0xf0) return {.length = 4, .second_min = 0x90};
    if (byte == 0xf4) return {.length = 4, .second_max = 0x8f};
    if (byte < 0xf4) return {.length = 4};
    return {};
}

// How many bytes at the start of the text could begin one character, at most the character's own length.
std::size_t matching_bytes(std::string_view text, const Lead& lead) {
    if (lead.length == 0 || text.empty()) return 0;
    std::size_t count = 1;
    for (; count < lead.length && count < text.size(); ++count) {
        const auto byte = static_cast<std::uint8_t>(text[count]);
        const std::uint8_t low = count == 1 ? lead.second_min : std::uint8_t{0x80};
        const std::uint8_t high = count == 1 ? lead.second_max : std::uint8_t{0xbf};
        if (byte < low || byte > high) break;
    }
    return count;
}

}  // namespace

std::size_t utf8_character_length(std::string_view text) {
    if (text.empty()) return 0;
    const Lead lead = lead_of(static_cast<std::uint8_t>(text.front()));
    return matching_bytes(text, lead) == lead.length ? lead.length : 0;
}

std::string repair_utf8(std::string_view text) {
    std::string repaired;
    repaired.reserve(text.size());
    while (!text.empty()) {
        const std::size_t length = utf8_character_length(text);
        if (length == 0) {
            repaired += "\xef\xbf\xbd";
        } else {
            repaired += text.substr(0, length);
        }
        text.remove_prefix(length == 0 ? 1 : length);
    }
    return repaired;
}

bool is_utf8(std::string_view text) {
    while (true) {
        const auto first =
            std::ranges::find_if(text, [](char byte) { return static_cast<std::uint8_t>(byte) >= 0x80; });
        text.remove_prefix(static_cast<std::size_t>(first - text.begin()));
        if (text.empty()) return true;
        const std::size_t length = utf8_character_length(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
}

std::size_t utf8_complete_prefix(std::string_view text) {
    // A character that is cut off has at most three of its four bytes here.
    for (std::size_t back = 1; back <= 3 && back <= text.size(); ++back) {
        const std::string_view tail = text.substr(text.size() - back);
        const Lead lead = lead_of(static_cast<std::uint8_t>(tail.front()));
        if (lead.length > back && matching_bytes(tail, lead) == back) return text.size() - back;
    }
    return text.size();
}

}  // namespace vcity::codec
