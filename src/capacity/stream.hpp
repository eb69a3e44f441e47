// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"

namespace vcity::capacity {

// A random-access stream of pseudo-random bytes: AES-256 in counter mode. As secret as its key.
class KeyStream {
  public:
    explicit KeyStream(const Hash& key) : key_{key} {}

    // Bytes [offset, offset + out.size()) of the stream.
    void read(std::uint64_t offset, std::span<std::uint8_t> out) const;
    std::vector<std::uint64_t> words(std::size_t count) const;

  private:
    Hash key_;
};

// keccak-256 of a label of this protocol, the parent key and a number: keys for separate purposes.
Hash derive_key(std::string_view label, const Hash& parent, std::uint64_t number = 0);

// Random words in order, for drawing. As secret as its key.
class WordStream {
  public:
    explicit WordStream(const Hash& key) : stream_{key} {}

    std::uint64_t next();
    // Uniform below bound > 0, without bias.
    std::uint64_t below(std::uint64_t bound);

  private:
    KeyStream stream_;
    std::vector<std::uint64_t> block_;
    std::size_t used_ = 0;
    std::uint64_t offset_ = 0;
};

}  // namespace vcity::capacity
