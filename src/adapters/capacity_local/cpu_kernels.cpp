// SPDX-License-Identifier: Apache-2.0
#include "adapters/capacity_local/cpu_kernels.hpp"

#include <algorithm>
#include <array>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace vcity::adapters {
namespace {

constexpr std::size_t kRowsAtOnce = 4;
constexpr std::size_t kColumnsAtOnce = 2;
// Columns of the store whose sums stay in the first-level cache, and rows until 32 bits could overflow.
constexpr std::size_t kSweepColumns = 2048;
constexpr std::size_t kSweepRows = 65536;

std::int32_t dot(const std::int16_t* a, const std::int16_t* b, std::size_t size) {
    std::int32_t sum = 0;
    for (std::size_t i = 0; i < size; ++i) sum += std::int32_t{a[i]} * b[i];
    return sum;
}

void multiply_plain(const std::int16_t* matrix,
                    const std::int16_t* columns,
                    std::size_t rows,
                    std::size_t count,
                    std::int32_t* products) {
    for (std::size_t row = 0; row < rows; ++row) {
        for (std::size_t column = 0; column < count; ++column) {
            products[(column * rows) + row] = dot(matrix + (row * rows), columns + (column * rows), rows);
        }
    }
}

// Two rows at a time: x0 d0 + x1 d1 is at most 2 * 127 * 128 < 2^15.
inline __attribute__((always_inline)) void sweep_pair(const std::int8_t* first,
                                                      const std::int8_t* second,
                                                      std::int16_t x0,
                                                      std::int16_t x1,
                                                      std::size_t size,
                                                      std::int32_t* sums) {
    for (std::size_t j = 0; j < size; ++j) {
        const auto products = static_cast<std::int16_t>((x0 * first[j]) + (x1 * second[j]));
        sums[j] += products;
    }
}

inline __attribute__((always_inline)) void sweep_rows(const std::int8_t* data,
                                                      const std::int8_t* x,
                                                      std::size_t rows,
                                                      std::size_t columns,
                                                      std::size_t size,
                                                      std::int32_t* sums) {
    std::size_t i = 0;
    for (; i + 1 < rows; i += 2) {
        sweep_pair(data + (i * columns), data + ((i + 1) * columns), x[i], x[i + 1], size, sums);
    }
    if (i < rows) sweep_pair(data + (i * columns), data + (i * columns), x[i], 0, size, sums);
}

void sweep_plain(const std::int8_t* data,
                 const std::int8_t* x,
                 std::size_t rows,
                 std::size_t columns,
                 std::size_t size,
                 std::int32_t* sums) {
    sweep_rows(data, x, rows, columns, size, sums);
}

#if defined(__x86_64__)

bool has_avx2() {
    static const bool found = __builtin_cpu_supports("avx2") != 0;
    return found;
}

__attribute__((target("avx2"))) void sweep_avx2(const std::int8_t* data,
                                                const std::int8_t* x,
                                                std::size_t rows,
                                                std::size_t columns,
                                                std::size_t size,
                                                std::int32_t* sums) {
    sweep_rows(data, x, rows, columns, size, sums);
}

__attribute__((target("avx2"))) std::int32_t sum_of(__m256i value) {
    const __m128i half = _mm_add_epi32(_mm256_castsi256_si128(value), _mm256_extracti128_si256(value, 1));
    const __m128i quarter = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4E));
    return _mm_cvtsi128_si32(_mm_add_epi32(quarter, _mm_shuffle_epi32(quarter, 0xB1)));
}

__attribute__((target("avx2"))) __m256i load(const std::int16_t* at) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
}

// A tile of four rows and two columns: eight sums in registers, six loads for eight multiply-and-adds.
__attribute__((target("avx2"))) void tile_avx2(const std::int16_t* matrix,
                                               const std::int16_t* columns,
                                               std::size_t rows,
                                               std::int32_t* products) {
    __m256i sums[kColumnsAtOnce][kRowsAtOnce];
    for (auto& column : sums) {
        for (__m256i& sum : column) sum = _mm256_setzero_si256();
    }
    for (std::size_t k = 0; k < rows; k += 16) {
        const __m256i x0 = load(columns + k);
        const __m256i x1 = load(columns + rows + k);
        for (std::size_t r = 0; r < kRowsAtOnce; ++r) {
            const __m256i a = load(matrix + (r * rows) + k);
            sums[0][r] = _mm256_add_epi32(sums[0][r], _mm256_madd_epi16(a, x0));
            sums[1][r] = _mm256_add_epi32(sums[1][r], _mm256_madd_epi16(a, x1));
        }
    }
    for (std::size_t c = 0; c < kColumnsAtOnce; ++c) {
        for (std::size_t r = 0; r < kRowsAtOnce; ++r) products[(c * rows) + r] = sum_of(sums[c][r]);
    }
}

void multiply_avx2(const std::int16_t* matrix,
                   const std::int16_t* columns,
                   std::size_t rows,
                   std::size_t count,
                   std::int32_t* products) {
    const std::size_t even = count - (count % kColumnsAtOnce);
    for (std::size_t row = 0; row < rows; row += kRowsAtOnce) {
        for (std::size_t column = 0; column < even; column += kColumnsAtOnce) {
            tile_avx2(matrix + (row * rows), columns + (column * rows), rows, products + (column * rows) + row);
        }
    }
    if (even < count) multiply_plain(matrix, columns + (even * rows), rows, 1, products + (even * rows));
}

#endif

}  // namespace

void cpu_multiply(const std::int16_t* matrix,
                  const std::int16_t* columns,
                  std::size_t rows,
                  std::size_t count,
                  std::int32_t* products) {
#if defined(__x86_64__)
    if (has_avx2()) return multiply_avx2(matrix, columns, rows, count, products);
#endif
    multiply_plain(matrix, columns, rows, count, products);
}

void cpu_sweep(
    const std::int8_t* data, const std::int8_t* x, std::size_t rows, std::size_t columns, std::int64_t* sums) {
    auto* kernel = &sweep_plain;
#if defined(__x86_64__)
    if (has_avx2()) kernel = &sweep_avx2;
#endif
    std::array<std::int32_t, kSweepColumns> part{};
    for (std::size_t row = 0; row < rows; row += kSweepRows) {
        const std::size_t count = std::min(kSweepRows, rows - row);
        for (std::size_t column = 0; column < columns; column += kSweepColumns) {
            const std::size_t size = std::min(kSweepColumns, columns - column);
            part.fill(0);
            kernel(data + (row * columns) + column, x + row, count, columns, size, part.data());
            for (std::size_t j = 0; j < size; ++j) sums[column + j] += part[j];
        }
    }
}

}  // namespace vcity::adapters
