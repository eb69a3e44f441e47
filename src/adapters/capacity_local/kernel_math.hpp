// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

// The arithmetic inside the CUDA kernels, free of anything that only a card has, so that it is tested on the processor.
// C++17 without the standard library's containers: nvcc compiles it too.
#if defined(__CUDACC__)
#define VCITY_DEVICE __host__ __device__ __forceinline__
#else
#define VCITY_DEVICE inline
#endif

namespace vcity::adapters::kernels {

// chain_entry() of capacity/chain.hpp.
VCITY_DEVICE std::int8_t entry_of(std::int32_t product) {
    const std::int32_t residue = ((product % 17) + 17) % 17;
    return static_cast<std::int8_t>((residue * residue * residue % 17) - 8);
}

// Bytes picked from a (numbers 0 to 3) and b (4 to 7), lowest first, one hexadecimal digit each.
VCITY_DEVICE std::uint32_t pick_bytes(std::uint32_t a, std::uint32_t b, std::uint32_t digits) {
#if defined(__CUDA_ARCH__)
    return __byte_perm(a, b, digits);
#else
    const std::uint64_t both = (std::uint64_t{b} << 32U) | a;
    std::uint32_t picked = 0;
    for (std::uint32_t i = 0; i < 4; ++i) {
        const std::uint32_t from = (digits >> (4 * i)) & 7U;
        picked |= static_cast<std::uint32_t>((both >> (8 * from)) & 0xFFU) << (8 * i);
    }
    return picked;
#endif
}

// sum + a0 b0 + a1 b1 + a2 b2 + a3 b3 over the signed bytes of two words.
VCITY_DEVICE std::int32_t dot_bytes(std::uint32_t a, std::uint32_t b, std::int32_t sum) {
#if defined(__CUDA_ARCH__)
    return __dp4a(static_cast<int>(a), static_cast<int>(b), sum);
#else
    for (std::uint32_t i = 0; i < 4; ++i) {
        const auto left = static_cast<std::int8_t>(a >> (8 * i));
        const auto right = static_cast<std::int8_t>(b >> (8 * i));
        sum += std::int32_t{left} * right;
    }
    return sum;
#endif
}

// sums[j] += x0 w0[j] + x1 w1[j] + x2 w2[j] + x3 w3[j] for the four byte columns j of four words, one a row; x holds
// x0..x3 in its bytes.
VCITY_DEVICE void sweep_words(const std::uint32_t words[4], std::uint32_t x, std::int32_t sums[4]) {
    const std::uint32_t low01 = pick_bytes(words[0], words[1], 0x5140);
    const std::uint32_t low23 = pick_bytes(words[2], words[3], 0x5140);
    const std::uint32_t high01 = pick_bytes(words[0], words[1], 0x7362);
    const std::uint32_t high23 = pick_bytes(words[2], words[3], 0x7362);
    sums[0] = dot_bytes(pick_bytes(low01, low23, 0x5410), x, sums[0]);
    sums[1] = dot_bytes(pick_bytes(low01, low23, 0x7632), x, sums[1]);
    sums[2] = dot_bytes(pick_bytes(high01, high23, 0x5410), x, sums[2]);
    sums[3] = dot_bytes(pick_bytes(high01, high23, 0x7632), x, sums[3]);
}

VCITY_DEVICE std::uint64_t rotate_left(std::uint64_t value, unsigned count) {
    return count == 0 ? value : (value << count) | (value >> (64 - count));
}

// Keccak-f[1600], FIPS 202 section 3.2. Lane (x, y) is state[x + 5 y].
VCITY_DEVICE void keccak_permute(std::uint64_t state[25]) {
    // The round constants and the rotation of lane (x, y), by the recurrences of sections 3.2.2 and 3.2.5.
    constexpr std::uint64_t kRound[24] = {
        0x0000000000000001, 0x0000000000008082, 0x800000000000808A, 0x8000000080008000, 0x000000000000808B,
        0x0000000080000001, 0x8000000080008081, 0x8000000000008009, 0x000000000000008A, 0x0000000000000088,
        0x0000000080008009, 0x000000008000000A, 0x000000008000808B, 0x800000000000008B, 0x8000000000008089,
        0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x000000000000800A, 0x800000008000000A,
        0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008};
    constexpr unsigned kRotation[25] = {0,  1,  62, 28, 27, 36, 44, 6,  55, 20, 3,  10, 43,
                                        25, 39, 41, 45, 15, 21, 8,  18, 2,  61, 56, 14};
    for (int round = 0; round < 24; ++round) {
        std::uint64_t parity[5];
        for (int x = 0; x < 5; ++x) {
            parity[x] = state[x] ^ state[x + 5] ^ state[x + 10] ^ state[x + 15] ^ state[x + 20];
        }
        std::uint64_t moved[25];
        for (int x = 0; x < 5; ++x) {
            const std::uint64_t mix = parity[(x + 4) % 5] ^ rotate_left(parity[(x + 1) % 5], 1);
            for (int y = 0; y < 5; ++y) {
                moved[y + (5 * ((2 * x + 3 * y) % 5))] = rotate_left(state[x + 5 * y] ^ mix, kRotation[x + 5 * y]);
            }
        }
        for (int y = 0; y < 5; ++y) {
            for (int x = 0; x < 5; ++x) {
                state[x + 5 * y] = moved[x + 5 * y] ^ (~moved[(x + 1) % 5 + 5 * y] & moved[(x + 2) % 5 + 5 * y]);
            }
        }
        state[0] ^= kRound[round];
    }
}

// keccak-256 (padding 0x01) of `count` words of eight bytes.
VCITY_DEVICE void keccak_words(const std::uint64_t* words, std::size_t count, std::uint64_t digest[4]) {
    constexpr std::size_t kRate = 17;
    std::uint64_t state[25];
    for (int i = 0; i < 25; ++i) state[i] = 0;
    // Only constant lane numbers, so that a card keeps the state in registers.
    for (; count >= kRate; count -= kRate, words += kRate) {
        for (std::size_t lane = 0; lane < kRate; ++lane) state[lane] ^= words[lane];
        keccak_permute(state);
    }
    for (std::size_t lane = 0; lane < kRate; ++lane) {
        if (lane < count) state[lane] ^= words[lane];
        if (lane == count) state[lane] ^= 1;
    }
    state[kRate - 1] ^= 0x8000000000000000;
    keccak_permute(state);
    for (int i = 0; i < 4; ++i) digest[i] = state[i];
}

}  // namespace vcity::adapters::kernels
