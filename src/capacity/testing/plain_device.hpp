// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "capacity/chain.hpp"
#include "capacity/device.hpp"

namespace vcity::capacity::testing {

// The definition, in plain loops: what every real device is compared with. Protected members are for adversaries.
class PlainDevice : public Device {
  public:
    CapacityCard card() override { return {"plain", std::uint64_t{1} << 30U, std::uint64_t{1} << 30U}; }

    Result<void> chain_begin(const CapacityChainShape& shape,
                             std::span<const std::int8_t> matrix,
                             std::span<const std::int8_t> state) override {
        shape_ = shape;
        matrix_.assign(matrix.begin(), matrix.end());
        states_ = {{state.begin(), state.end()}};
        return {};
    }

    Result<std::vector<Hash>> chain_advance() override {
        states_.push_back(next_state(static_cast<std::uint32_t>(states_.size() - 1)));
        std::vector<Hash> digests;
        for (std::uint32_t block = 0; block < shape_.blocks(); ++block) {
            for (const Hash& digest : chunk_digests(block_of(states_.back(), block))) digests.push_back(digest);
        }
        return digests;
    }

    Result<std::vector<std::int8_t>> chain_block(std::uint32_t state, std::uint32_t block) override {
        const auto part = block_of(states_.at(state), block);
        return std::vector<std::int8_t>{part.begin(), part.end()};
    }

    Result<std::vector<std::int32_t>> chain_multiply(std::span<const std::int8_t> columns) override {
        return multiply(columns);
    }
    void chain_end() override { states_.clear(); }

    Result<void> store_begin(const CapacityStoreShape& shape) override {
        if (shape.bytes() > card().memory_bytes_free) return make_error(Errc::kExhausted, "the store does not fit");
        store_shape_ = shape;
        store_.assign(shape.bytes(), 0);
        return {};
    }
    Result<void> store_write(std::uint64_t offset, ByteView data) override {
        std::copy(data.begin(), data.end(), store_.begin() + static_cast<std::ptrdiff_t>(offset));
        return {};
    }
    Result<std::vector<std::int64_t>> store_sweep(std::uint32_t first_row, std::span<const std::int8_t> x) override {
        std::vector<std::int64_t> sums(store_shape_.columns);
        for (std::size_t i = 0; i < x.size(); ++i) {
            const std::uint8_t* row = store_.data() + ((first_row + i) * store_shape_.columns);
            for (std::size_t j = 0; j < sums.size(); ++j) {
                sums[j] += std::int64_t{x[i]} * static_cast<std::int8_t>(row[j]);
            }
        }
        return sums;
    }
    void store_end() override { store_.clear(); }

  protected:
    std::span<const std::int8_t> block_of(const std::vector<std::int8_t>& state, std::uint32_t block) const {
        return std::span{state}.subspan(block * shape_.block_bytes(), shape_.block_bytes());
    }

    virtual std::vector<std::int32_t> multiply(std::span<const std::int8_t> columns) {
        const std::size_t rows = shape_.rows;
        std::vector<std::int32_t> products(columns.size());
        for (std::size_t first = 0; first < columns.size(); first += rows) {
            for (std::size_t row = 0; row < rows; ++row) {
                std::int32_t sum = 0;
                for (std::size_t k = 0; k < rows; ++k) {
                    sum += std::int32_t{matrix_[(row * rows) + k]} * columns[first + k];
                }
                products[first + row] = sum;
            }
        }
        return products;
    }

    std::vector<std::int8_t> mixed(std::uint32_t segment) const {
        std::vector<std::int8_t> columns;
        for (std::uint32_t block = 0; block < shape_.blocks(); ++block) {
            const std::uint32_t partner = partner_block(shape_, segment, block);
            const auto part = mixed_block(block_of(states_.at(segment), block), block_of(states_[segment], partner),
                                          block_of(states_[0], block));
            columns.insert(columns.end(), part.begin(), part.end());
        }
        return columns;
    }

    virtual std::vector<std::int8_t> next_state(std::uint32_t segment) {
        std::vector<std::int8_t> columns = mixed(segment);
        for (std::uint32_t step = 0; step < shape_.steps; ++step) {
            const std::vector<std::int32_t> products = multiply(columns);
            std::transform(products.begin(), products.end(), columns.begin(), chain_entry);
        }
        return columns;
    }

    CapacityChainShape shape_;
    std::vector<std::int8_t> matrix_;
    std::vector<std::vector<std::int8_t>> states_;
    CapacityStoreShape store_shape_;
    Bytes store_;
};

}  // namespace vcity::capacity::testing
