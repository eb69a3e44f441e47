// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace vcity::node {

// What a chip is made with. The list only helps to name lies: a card that is not in it works like any other.
struct KnownCard {
    std::uint16_t vendor = 0;
    std::uint16_t device = 0;
    std::string_view word;           // of its name, lower case, that every driver's name for it holds
    std::vector<std::uint32_t> gib;  // sizes of memory it is sold with
};

// nullptr: not in the list.
const KnownCard* known_card(std::uint16_t vendor, std::uint16_t device);

}  // namespace vcity::node
