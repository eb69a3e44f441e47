// SPDX-License-Identifier: Apache-2.0
#include "adapters/capacity_local/cpu_device.hpp"

#include <algorithm>
#include <functional>
#include <new>
#include <thread>

#include <unistd.h>

#include "adapters/capacity_local/cpu_kernels.hpp"
#include "base/check.hpp"
#include "capacity/chain.hpp"

namespace vcity::adapters {
namespace {

constexpr std::size_t kColumnsAtOnce = 32;

// Calls work(first, last) on parts of [0, count) from several threads.
void in_parallel(unsigned threads, std::size_t count, const std::function<void(std::size_t, std::size_t)>& work) {
    const std::size_t part = (count + threads - 1) / threads;
    std::vector<std::thread> running;
    for (std::size_t first = part; first < count; first += part) {
        running.emplace_back(work, first, std::min(first + part, count));
    }
    work(0, std::min(part, count));
    for (std::thread& thread : running) thread.join();
}

std::uint64_t system_bytes(int what) {
    const std::int64_t pages = sysconf(what);
    const std::int64_t page = sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page) : 0;
}

}  // namespace

CpuDevice::CpuDevice(unsigned threads, std::uint64_t memory_bytes_max)
    : threads_{threads}, memory_bytes_max_{memory_bytes_max} {
    CHECK(threads >= 1 && threads <= 256);
}

CapacityCard CpuDevice::card() {
    const std::uint64_t all = system_bytes(_SC_PHYS_PAGES);
    const std::uint64_t free = system_bytes(_SC_AVPHYS_PAGES);
    if (memory_bytes_max_ == 0) return {kProcessorName, all, free};
    return {kProcessorName, std::min(all, memory_bytes_max_), std::min(free, memory_bytes_max_)};
}

std::span<const std::int8_t> CpuDevice::block_of(std::size_t state, std::uint32_t block) const {
    return std::span{states_[state]}.subspan(block * shape_.block_bytes(), shape_.block_bytes());
}

Result<void> CpuDevice::chain_begin(const CapacityChainShape& shape,
                                    std::span<const std::int8_t> matrix,
                                    std::span<const std::int8_t> state) {
    const std::uint64_t bytes = shape.matrix_bytes() * 2 + shape.state_bytes() * (shape.segments + 2);
    if (bytes > card().memory_bytes_free) return make_error(Errc::kExhausted, "the chain does not fit the memory");
    shape_ = shape;
    matrix_.assign(matrix.begin(), matrix.end());
    states_ = {{state.begin(), state.end()}};
    const auto bound = capacity::kProductPerRow * static_cast<std::int32_t>(shape.rows);
    entry_of_.resize(static_cast<std::size_t>(bound) * 2 + 1);
    for (std::int32_t product = -bound; product <= bound; ++product) {
        entry_of_[static_cast<std::size_t>(product + bound)] = capacity::chain_entry(product);
    }
    return {};
}

void CpuDevice::run_columns(std::uint32_t segment, std::size_t first, std::size_t last, std::int8_t* out) const {
    const std::size_t rows = shape_.rows;
    const std::vector<std::int8_t>& state = states_[segment];
    std::vector<std::int16_t> columns((last - first) * rows);
    std::vector<std::int32_t> products(columns.size());
    for (std::size_t column = first; column < last; ++column) {
        const auto block = static_cast<std::uint32_t>(column / shape_.block_columns);
        const std::size_t partner = capacity::partner_block(shape_, segment, block);
        const std::size_t source = (partner * shape_.block_columns) + (column % shape_.block_columns);
        for (std::size_t i = 0; i < rows; ++i) {
            columns[((column - first) * rows) + i] = static_cast<std::int16_t>(
                state[(column * rows) + i] + state[(source * rows) + i] + states_[0][(column * rows) + i]);
        }
    }
    const std::int32_t bound = capacity::kProductPerRow * static_cast<std::int32_t>(rows);
    for (std::uint32_t step = 0; step < shape_.steps; ++step) {
        cpu_multiply(matrix_.data(), columns.data(), rows, last - first, products.data());
        for (std::size_t i = 0; i < products.size(); ++i) {
            columns[i] = entry_of_[static_cast<std::size_t>(products[i] + bound)];
        }
    }
    std::transform(columns.begin(), columns.end(), out + (first * rows),
                   [](std::int16_t entry) { return static_cast<std::int8_t>(entry); });
}

Result<std::vector<Hash>> CpuDevice::chain_advance() {
    const auto segment = static_cast<std::uint32_t>(states_.size() - 1);
    std::vector<std::int8_t> next(shape_.state_bytes());
    in_parallel(threads_, shape_.columns, [&](std::size_t first, std::size_t last) {
        for (std::size_t at = first; at < last; at += kColumnsAtOnce) {
            run_columns(segment, at, std::min(at + kColumnsAtOnce, last), next.data());
        }
    });
    states_.push_back(std::move(next));
    std::vector<std::vector<Hash>> digests(shape_.blocks());
    in_parallel(threads_, shape_.blocks(), [&](std::size_t first, std::size_t last) {
        for (std::size_t block = first; block < last; ++block) {
            digests[block] = capacity::chunk_digests(block_of(states_.size() - 1, static_cast<std::uint32_t>(block)));
        }
    });
    std::vector<Hash> all;
    for (const std::vector<Hash>& part : digests) all.insert(all.end(), part.begin(), part.end());
    return all;
}

Result<std::vector<std::int8_t>> CpuDevice::chain_block(std::uint32_t state, std::uint32_t block) {
    CHECK(state < states_.size() && block < shape_.blocks());
    const auto part = block_of(state, block);
    return std::vector<std::int8_t>{part.begin(), part.end()};
}

Result<std::vector<std::int32_t>> CpuDevice::chain_multiply(std::span<const std::int8_t> columns) {
    const std::size_t rows = shape_.rows;
    const std::vector<std::int16_t> wide{columns.begin(), columns.end()};
    std::vector<std::int32_t> products(columns.size());
    in_parallel(threads_, columns.size() / rows, [&](std::size_t first, std::size_t last) {
        for (std::size_t at = first; at < last; at += kColumnsAtOnce) {
            cpu_multiply(matrix_.data(), wide.data() + (at * rows), rows, std::min(kColumnsAtOnce, last - at),
                         products.data() + (at * rows));
        }
    });
    return products;
}

void CpuDevice::chain_end() {
    matrix_ = {};
    states_ = {};
    entry_of_ = {};
}

Result<void> CpuDevice::store_begin(const CapacityStoreShape& shape) {
    store_end();
    // Asked first: an allocation beyond the machine's memory would succeed and end the process later.
    if (shape.bytes() > card().memory_bytes_free) {
        return make_error(Errc::kExhausted, "the store does not fit the memory");
    }
    store_.reset(new (std::nothrow) std::int8_t[shape.bytes()]);
    if (!store_) return make_error(Errc::kExhausted, "the store does not fit the memory");
    store_shape_ = shape;
    return {};
}

Result<void> CpuDevice::store_write(std::uint64_t offset, ByteView data) {
    CHECK(offset + data.size() <= store_shape_.bytes());
    std::transform(data.begin(), data.end(), store_.get() + offset,
                   [](std::uint8_t byte) { return static_cast<std::int8_t>(byte); });
    return {};
}

Result<std::vector<std::int64_t>> CpuDevice::store_sweep(std::uint32_t first_row, std::span<const std::int8_t> x) {
    CHECK(first_row + x.size() <= store_shape_.rows);
    const std::size_t columns = store_shape_.columns;
    std::vector<std::vector<std::int64_t>> parts(threads_);
    const std::size_t part = (x.size() + threads_ - 1) / threads_;
    in_parallel(threads_, x.size(), [&](std::size_t first, std::size_t last) {
        std::vector<std::int64_t>& sums = parts[first / part];
        sums.assign(columns, 0);
        cpu_sweep(store_.get() + ((first_row + first) * columns), x.data() + first, last - first, columns, sums.data());
    });
    std::vector<std::int64_t> sums(columns);
    for (const std::vector<std::int64_t>& some : parts) {
        for (std::size_t j = 0; j < some.size(); ++j) sums[j] += some[j];
    }
    return sums;
}

void CpuDevice::store_end() {
    store_.reset();
    store_shape_ = {};
}

}  // namespace vcity::adapters
