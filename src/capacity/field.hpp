// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.hpp"

namespace vcity::capacity {

// The integers modulo p = 2^61 - 1. Elements are kept below p.
inline constexpr std::uint64_t kPrime = (std::uint64_t{1} << 61U) - 1;

std::uint64_t field_add(std::uint64_t a, std::uint64_t b);
std::uint64_t field_multiply(std::uint64_t a, std::uint64_t b);
// The element congruent to a signed number.
std::uint64_t field_from(std::int64_t value);
// Uniform in [0, p): the stream of the key gives 61 bits at a time, p itself is drawn again.
std::vector<std::uint64_t> field_elements(const Hash& key, std::size_t count);

// A vector v over the field, cut into limbs of 15 bits so that products with rows of signed bytes run on the 16-bit
// multiply-and-add instructions of any processor.
class FieldVector {
  public:
    // Elements below p.
    explicit FieldVector(std::span<const std::uint64_t> values);

    std::size_t size() const { return size_; }
    // row . v mod p; row has size() elements.
    std::uint64_t dot(std::span<const std::int8_t> row) const;
    // The same for rows one after the other: rows.size() is a multiple of size().
    std::vector<std::uint64_t> multiply(std::span<const std::int8_t> rows) const;

  private:
    static constexpr std::size_t kLimbs = 5;

    std::size_t size_ = 0;
    std::vector<std::int16_t> limbs_;  // [kLimbs, size]
};

// Sums of c_i v_i mod p with c_i of any sign below 2^31 in size, reduced at the end: accumulates a whole vector.
class FieldSums {
  public:
    explicit FieldSums(std::size_t size) : low_(size), high_(size) {}

    // sums += factor * values; factor below p, values.size() == size.
    void add(std::uint64_t factor, std::span<const std::int32_t> values);
    void add(std::uint64_t factor, std::span<const std::int8_t> values);
    std::vector<std::uint64_t> finish() const;

  private:
    // The factor's lower 31 and upper 30 bits; each term is below 2^55, so 128 of them fit beside a reduced sum.
    template <class T>
    void add_values(std::uint64_t factor, std::span<const T> values);
    void reduce();

    std::vector<std::int64_t> low_;
    std::vector<std::int64_t> high_;
    int terms_ = 0;
};

}  // namespace vcity::capacity
