// SPDX-License-Identifier: Apache-2.0
#include "capacity/specs.hpp"

#include <algorithm>
#include <array>

namespace vcity::capacity {
namespace {

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30U;
constexpr std::uint64_t kGiga = 1'000'000'000;
constexpr std::uint64_t kTera = 1'000'000'000'000;
constexpr std::uint64_t kPcie3 = 16 * kGiga;  // sixteen lanes
constexpr std::uint64_t kPcie4 = 32 * kGiga;
constexpr std::uint64_t kPcie5 = 64 * kGiga;

constexpr std::array kCards{
    CardSpec{"NVIDIA B200", 180 * kGiB, 8000 * kGiga, 4500 * kTera, kPcie5},
    CardSpec{"NVIDIA H200", 141 * kGiga, 4800 * kGiga, 1979 * kTera, kPcie5},
    CardSpec{"NVIDIA H100 80GB HBM3", 80 * kGiB, 3350 * kGiga, 1979 * kTera, kPcie5},
    CardSpec{"NVIDIA H100 PCIe", 80 * kGiB, 2000 * kGiga, 1513 * kTera, kPcie5},
    CardSpec{"NVIDIA A100-SXM4-80GB", 80 * kGiB, 2039 * kGiga, 624 * kTera, kPcie4},
    CardSpec{"NVIDIA A100-SXM4-40GB", 40 * kGiB, 1555 * kGiga, 624 * kTera, kPcie4},
    CardSpec{"NVIDIA L40S", 48 * kGiB, 864 * kGiga, 733 * kTera, kPcie4},
    CardSpec{"NVIDIA L4", 24 * kGiB, 300 * kGiga, 242 * kTera, kPcie4},
    CardSpec{"NVIDIA A10", 24 * kGiB, 600 * kGiga, 250 * kTera, kPcie4},
    CardSpec{"Tesla T4", 16 * kGiB, 320 * kGiga, 130 * kTera, kPcie3},
    CardSpec{"NVIDIA RTX A6000", 48 * kGiB, 768 * kGiga, 309 * kTera, kPcie4},
    CardSpec{"NVIDIA GeForce RTX 5090", 32 * kGiB, 1792 * kGiga, 838 * kTera, kPcie5},
    CardSpec{"NVIDIA GeForce RTX 4090", 24 * kGiB, 1008 * kGiga, 660 * kTera, kPcie4},
    CardSpec{"NVIDIA GeForce RTX 3090", 24 * kGiB, 936 * kGiga, 284 * kTera, kPcie4},
    CardSpec{"NVIDIA GeForce RTX 3060", 12 * kGiB, 360 * kGiga, 102 * kTera, kPcie4},
};

}  // namespace

std::span<const CardSpec> known_cards() {
    return kCards;
}

const CardSpec* find_card(std::string_view name) {
    const auto* found = std::ranges::find(kCards, name, &CardSpec::name);
    return found == kCards.end() ? nullptr : found;
}

}  // namespace vcity::capacity
