// SPDX-License-Identifier: Apache-2.0
#include "capacity/store.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "capacity/stream.hpp"

namespace vcity::capacity {
namespace {

std::span<const std::int8_t> as_signed(ByteView bytes) {
    return {reinterpret_cast<const std::int8_t*>(bytes.data()), bytes.size()};
}

}  // namespace

Result<void> check_store(const CapacityStoreShape& shape) {
    const bool columns = shape.columns >= 16 && shape.columns % 16 == 0 && shape.columns <= kStoreColumnsMax;
    if (!columns || shape.rows == 0 || shape.bytes() > kStoreBytesMax) {
        return make_error(Errc::kInvalid, "a capacity store of a size out of bounds");
    }
    return {};
}

std::vector<std::int8_t> sweep_vector(const Hash& seed, std::uint32_t rows) {
    Bytes bytes(rows);
    KeyStream{derive_key("sweep", seed)}.read(0, bytes);
    std::vector<std::int8_t> x(rows);
    std::transform(bytes.begin(), bytes.end(), x.begin(),
                   [](std::uint8_t byte) { return static_cast<std::int8_t>(byte | 1U); });
    return x;
}

StoreKey::StoreKey(const CapacityStoreShape& shape, const Hash& data_key, const Hash& vector_key)
    : shape_{shape}, data_key_{data_key}, vector_{field_elements(vector_key, shape.columns)}, limbs_{vector_} {
    CHECK(check_store(shape).has_value());
    products_.resize(shape.rows);
}

StoreRows StoreKey::make_rows(std::uint32_t first, std::uint32_t count) const {
    CHECK(std::uint64_t{first} + count <= shape_.rows);
    StoreRows rows{first, Bytes(std::uint64_t{count} * shape_.columns), {}};
    KeyStream{data_key_}.read(std::uint64_t{first} * shape_.columns, rows.data);
    rows.products = limbs_.multiply(as_signed(rows.data));
    return rows;
}

void StoreKey::keep(const StoreRows& rows) {
    CHECK(rows.first + rows.products.size() <= shape_.rows && kept_ + rows.products.size() <= shape_.rows);
    std::ranges::copy(rows.products, products_.begin() + rows.first);
    kept_ += static_cast<std::uint32_t>(rows.products.size());
}

Bytes StoreKey::next_chunk(std::size_t bytes_max) {
    const std::size_t fitting = std::max<std::size_t>(1, bytes_max / shape_.columns);
    StoreRows rows = make_rows(kept_, static_cast<std::uint32_t>(std::min<std::size_t>(shape_.rows - kept_, fitting)));
    keep(rows);
    return std::move(rows.data);
}

bool StoreKey::accepts(const CapacitySweep& sweep, std::span<const std::int64_t> sums) const {
    CHECK(complete() && std::uint64_t{sweep.first_row} + sweep.rows <= shape_.rows);
    if (sums.size() != shape_.columns) return false;
    const std::int64_t bound = std::int64_t{128} * 127 * sweep.rows;
    std::uint64_t answered = 0;
    for (std::size_t j = 0; j < sums.size(); ++j) {
        if (sums[j] > bound || sums[j] < -bound) return false;
        answered = field_add(answered, field_multiply(field_from(sums[j]), vector_[j]));
    }
    const std::vector<std::int8_t> x = sweep_vector(sweep.seed, sweep.rows);
    std::uint64_t expected = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
        expected = field_add(expected, field_multiply(field_from(x[i]), products_[sweep.first_row + i]));
    }
    return answered == expected;
}

}  // namespace vcity::capacity
