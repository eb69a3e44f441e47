// SPDX-License-Identifier: Apache-2.0
#include "market/network_fee.hpp"

#include <algorithm>

#include "base/uint256.hpp"

namespace vcity::market {
namespace {

constexpr std::int64_t kPpm = 1'000'000;
constexpr std::int64_t kTargetPpm = 800'000;
constexpr std::int64_t kDamping = 8;

}  // namespace

std::uint32_t next_fee_ppm(std::uint32_t fee_ppm, U128 consumed, U128 available, const FeeParameters& parameters) {
    if (available == 0) return fee_ppm;
    std::int64_t used_ppm = kPpm;
    if (consumed < available) {
        used_ppm = static_cast<std::int64_t>((Uint256{consumed} * Uint256{1'000'000U} / Uint256{available}).limbs[0]);
    }
    const std::int64_t delta = std::int64_t{fee_ppm} * (used_ppm - kTargetPpm) / kTargetPpm / kDamping;
    const std::int64_t next = std::int64_t{fee_ppm} + delta;
    return static_cast<std::uint32_t>(
        std::clamp(next, std::int64_t{parameters.min_ppm}, std::int64_t{parameters.max_ppm}));
}

}  // namespace vcity::market
