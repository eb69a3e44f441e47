// SPDX-License-Identifier: Apache-2.0
#include "services/node/inventory/known_cards.hpp"

#include <algorithm>

namespace vcity::node {
namespace {

constexpr std::uint16_t kNvidia = 0x10de;
constexpr std::uint16_t kAmd = 0x1002;

const std::vector<KnownCard>& known_cards() {
    static const std::vector<KnownCard> cards{
        {kNvidia, 0x15f8, "p100", {16}},    {kNvidia, 0x1b06, "1080", {11}},  {kNvidia, 0x1b38, "p40", {24}},
        {kNvidia, 0x1b80, "1080", {8}},     {kNvidia, 0x1b81, "1070", {8}},   {kNvidia, 0x1db1, "v100", {16}},
        {kNvidia, 0x1db4, "v100", {16}},    {kNvidia, 0x1db5, "v100", {32}},  {kNvidia, 0x1db6, "v100", {32}},
        {kNvidia, 0x1e04, "2080", {11}},    {kNvidia, 0x1e07, "2080", {11}},  {kNvidia, 0x1e84, "2070", {8}},
        {kNvidia, 0x1e87, "2080", {8}},     {kNvidia, 0x1eb8, "t4", {16}},    {kNvidia, 0x1f02, "2070", {8}},
        {kNvidia, 0x20b0, "a100", {40}},    {kNvidia, 0x20b2, "a100", {80}},  {kNvidia, 0x20b5, "a100", {80}},
        {kNvidia, 0x20b7, "a30", {24}},     {kNvidia, 0x20f1, "a100", {40}},  {kNvidia, 0x2203, "3090", {24}},
        {kNvidia, 0x2204, "3090", {24}},    {kNvidia, 0x2206, "3080", {10}},  {kNvidia, 0x2208, "3080", {12}},
        {kNvidia, 0x220a, "3080", {12}},    {kNvidia, 0x2216, "3080", {10}},  {kNvidia, 0x2230, "a6000", {48}},
        {kNvidia, 0x2231, "a5000", {24}},   {kNvidia, 0x2233, "a5500", {24}}, {kNvidia, 0x2235, "a40", {48}},
        {kNvidia, 0x2236, "a10", {24}},     {kNvidia, 0x2237, "a10g", {24}},  {kNvidia, 0x2330, "h100", {80}},
        {kNvidia, 0x2331, "h100", {80}},    {kNvidia, 0x2484, "3070", {8}},   {kNvidia, 0x2486, "3060", {8}},
        {kNvidia, 0x2488, "3070", {8}},     {kNvidia, 0x2489, "3060", {8}},   {kNvidia, 0x2503, "3060", {12}},
        {kNvidia, 0x2504, "3060", {8, 12}}, {kNvidia, 0x2684, "4090", {24}},  {kNvidia, 0x26b1, "6000", {48}},
        {kNvidia, 0x26b5, "l40", {48}},     {kNvidia, 0x2704, "4080", {16}},  {kNvidia, 0x2782, "4070", {12}},
        {kNvidia, 0x2786, "4070", {12}},    {kNvidia, 0x27b8, "l4", {24}},    {kNvidia, 0x2803, "4060", {8, 16}},
        {kAmd, 0x738c, "mi100", {32}},      {kAmd, 0x740f, "mi210", {64}},    {kAmd, 0x744c, "7900", {16, 20, 24}},
    };
    return cards;
}

}  // namespace

const KnownCard* known_card(std::uint16_t vendor, std::uint16_t device) {
    const auto found = std::ranges::find_if(
        known_cards(), [&](const KnownCard& card) { return card.vendor == vendor && card.device == device; });
    return found == known_cards().end() ? nullptr : &*found;
}

}  // namespace vcity::node
