// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace vcity::capacity {

// Public figures of a card, as its maker's data sheet states them; docs/capacity.md names the sources. Peaks: no real
// kernel reaches them.
struct CardSpec {
    std::string_view name;  // as NVML and most shops write it
    std::uint64_t memory_bytes;
    std::uint64_t bandwidth;       // of the card's own memory, bytes a second
    std::uint64_t operations;      // dense 8-bit integer multiplications and additions a second
    std::uint64_t host_bandwidth;  // from the host's memory, one direction, bytes a second
};

std::span<const CardSpec> known_cards();
// Null when the name is not in the table.
const CardSpec* find_card(std::string_view name);

}  // namespace vcity::capacity
