// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "placement/units.hpp"

namespace vcity::bench {

// A network of unlike machines in 64 regions and the customers that come to it.
class Network {
  public:
    // `latencies_us`: 64 x 64, row = the customer's region.
    explicit Network(std::vector<std::uint32_t> latencies_us);

    placement::Catalogue catalogue() const;
    placement::ExecutionUnit unit(std::uint32_t number, std::mt19937_64* random) const;
    placement::UnitDemand demand(std::mt19937_64* random) const;

  private:
    std::vector<std::uint32_t> latencies_us_;
};

inline constexpr std::size_t kRegions = 64;

}  // namespace vcity::bench
