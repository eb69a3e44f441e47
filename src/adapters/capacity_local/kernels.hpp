// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

// What kernels.cu offers to cuda_device.cpp: the two are compiled by different compilers, so only plain types cross.
// Functions that can fail give nullptr when they worked, else what went wrong; kOutOfMemory is that very pointer.
namespace vcity::adapters::kernels {

extern const char* const kOutOfMemory;

struct Sizes {
    std::uint32_t rows;
    std::uint32_t columns;
    std::uint32_t block_columns;
    std::uint32_t segments;
    std::uint32_t steps;
};

struct Card;

// 0 when there is no driver.
int card_count();
const char* card_open(int index, Card** card);
void card_close(Card* card);
void card_info(Card* card, char name[256], std::uint64_t* bytes, std::uint64_t* bytes_free);

const char* chain_begin(Card* card, const Sizes& sizes, const std::int8_t* matrix, const std::int8_t* state);
// Mixes the state of `segment` by the partner distance in blocks, runs the steps, keeps the result as the next state
// and writes 32 bytes for each chunk of 1024 bytes of each block.
const char* chain_advance(Card* card, std::uint32_t segment, std::uint32_t distance, std::uint8_t* digests);
const char* chain_block(Card* card, std::uint32_t state, std::uint32_t block, std::int8_t* out);
// count columns in, count * rows products out.
const char* chain_multiply(Card* card, const std::int8_t* columns, std::uint32_t count, std::int32_t* products);
void chain_end(Card* card);

const char* store_begin(Card* card, std::uint32_t rows, std::uint32_t columns);
const char* store_write(Card* card, std::uint64_t offset, const std::uint8_t* data, std::size_t size);
const char* store_sweep(
    Card* card, std::uint32_t first_row, const std::int8_t* x, std::uint32_t rows, std::int64_t* sums);
void store_end(Card* card);

}  // namespace vcity::adapters::kernels
