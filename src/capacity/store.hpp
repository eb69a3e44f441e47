// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "capacity/field.hpp"
#include "model/capacity.hpp"

namespace vcity::capacity {

inline constexpr std::uint32_t kStoreColumnsMax = 1U << 20U;
inline constexpr std::uint64_t kStoreBytesMax = std::uint64_t{1} << 40U;
inline constexpr std::size_t kFillBytesMax = std::size_t{16} << 20U;

// kInvalid unless columns are a multiple of 16 up to kStoreColumnsMax, rows at least 1, bytes up to kStoreBytesMax.
Result<void> check_store(const CapacityStoreShape& shape);

// The challenge vector: odd signed bytes in [-127, 127], so that no row may be left out.
std::vector<std::int8_t> sweep_vector(const Hash& seed, std::uint32_t rows);

// Consecutive rows of D with s = D r for each.
struct StoreRows {
    std::uint32_t first = 0;
    Bytes data;
    std::vector<std::uint64_t> products;
};

// The verifier's side of one card's store: makes D from a secret key and keeps s = D r for a secret r over the field,
// 8 bytes a row. An answer costs rows + columns multiplications.
class StoreKey {
  public:
    // The shape is a checked one. Both keys stay secret until the session ended.
    StoreKey(const CapacityStoreShape& shape, const Hash& data_key, const Hash& vector_key);

    const CapacityStoreShape& shape() const { return shape_; }
    // Rows [first, first + count) of D and their part of s. Any order, from any thread: it changes nothing.
    StoreRows make_rows(std::uint32_t first, std::uint32_t count) const;
    // Keeps the part of s; each row once.
    void keep(const StoreRows& rows);
    // The next chunk of at most bytes_max (at least one row) of D, kept; empty after the last. Not to be mixed with
    // keep().
    Bytes next_chunk(std::size_t bytes_max);
    bool complete() const { return kept_ == shape_.rows; }
    // Whether y = x^T D for the rows asked: y.r = x.s mod p, every |y_j| within what bytes can give. A wrong y passes
    // with probability 1/p = 2^-61. Only when complete().
    bool accepts(const CapacitySweep& sweep, std::span<const std::int64_t> sums) const;

  private:
    CapacityStoreShape shape_;
    Hash data_key_;
    std::vector<std::uint64_t> vector_;  // r, [columns]
    FieldVector limbs_;
    std::vector<std::uint64_t> products_;  // s, [rows]
    std::uint32_t kept_ = 0;               // rows of s
};

}  // namespace vcity::capacity
