// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace vcity::adapters {

// Inner loops of the processor's device; each has a version with AVX2 that is taken where the processor has it.

// products[c * rows + r] = sum over k of matrix[r * rows + k] * columns[c * rows + k], for `count` columns. rows is a
// multiple of 16; every sum fits 32 bits.
void cpu_multiply(const std::int16_t* matrix,
                  const std::int16_t* columns,
                  std::size_t rows,
                  std::size_t count,
                  std::int32_t* products);

// sums[j] += sum over i of x[i] * data[i * columns + j]; x within [-127, 127], columns a multiple of 16.
void cpu_sweep(
    const std::int8_t* data, const std::int8_t* x, std::size_t rows, std::size_t columns, std::int64_t* sums);

}  // namespace vcity::adapters
