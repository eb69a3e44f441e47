// SPDX-License-Identifier: Apache-2.0
#include "adapters/capacity_local/kernel_math.hpp"

#include <cstring>

#include <gtest/gtest.h>

#include "capacity/chain.hpp"
#include "capacity/stream.hpp"
#include "crypto/keccak.hpp"

namespace vcity::adapters::kernels {
namespace {

TEST(KernelMath, EntriesAreThoseOfTheDefinition) {
    for (std::int32_t product = -(1 << 19); product <= (1 << 19); product += 7) {
        ASSERT_EQ(entry_of(product), capacity::chain_entry(product)) << product;
    }
}

TEST(KernelMath, HashesWordsAsKeccakDoes) {
    Bytes bytes(1024);
    capacity::KeyStream{Hash{}}.read(0, bytes);
    for (std::size_t words = 0; words <= 128; ++words) {
        std::vector<std::uint64_t> input(words + 1);
        std::memcpy(input.data(), bytes.data(), words * 8);
        std::uint64_t digest[4];
        keccak_words(input.data(), words, digest);
        Hash hash;
        std::memcpy(hash.bytes.data(), digest, sizeof(digest));
        EXPECT_EQ(hash, crypto::keccak256(ByteView{bytes}.first(words * 8))) << words;
    }
}

TEST(KernelMath, SweepsFourRowsOfFourColumns) {
    Bytes bytes(16);
    for (std::uint64_t trial = 0; trial < 200; ++trial) {
        capacity::KeyStream{Hash{}}.read(trial * 20, bytes);
        const std::int8_t x[4] = {127, -127, static_cast<std::int8_t>(trial | 1U), -1};
        std::uint32_t words[4];
        std::memcpy(words, bytes.data(), 16);
        std::uint32_t packed = 0;
        std::memcpy(&packed, x, 4);
        std::int32_t sums[4] = {1, 2, 3, 4};
        sweep_words(words, packed, sums);
        for (std::int32_t j = 0; j < 4; ++j) {
            std::int32_t expected = j + 1;
            for (std::int32_t i = 0; i < 4; ++i) {
                expected += std::int32_t{x[i]} * static_cast<std::int8_t>(bytes[static_cast<std::size_t>((i * 4) + j)]);
            }
            EXPECT_EQ(sums[j], expected);
        }
    }
}

}  // namespace
}  // namespace vcity::adapters::kernels
