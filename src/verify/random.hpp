// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/bytes.hpp"

namespace vcity::verify {

// 32 bytes from a cryptographic source, used for one purpose only.
using Seed = FixedBytes<struct SeedTag, 32>;

// A stream of random words: keccak-256(label || seed || counter). As secret as its seed.
class Random {
  public:
    // Streams with different labels are independent.
    Random(const Seed& seed, std::string_view label);

    std::uint64_t next();
    // Uniform below bound > 0, without bias.
    std::uint64_t below(std::uint64_t bound);

  private:
    Bytes input_;
    Hash block_;
    std::uint64_t counter_ = 0;
    std::size_t used_ = Hash::kSize;
};

}  // namespace vcity::verify
