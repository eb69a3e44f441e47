// SPDX-License-Identifier: Apache-2.0
#include "capacity/store.hpp"

#include <gtest/gtest.h>

#include "capacity/prover.hpp"
#include "capacity/testing/plain_device.hpp"

namespace vcity::capacity {
namespace {

Hash key_of(std::uint8_t number) {
    Hash key;
    key.bytes[0] = number;
    return key;
}

class Store : public ::testing::Test {
  protected:
    // Sends D to the prover in chunks of this many bytes.
    void fill(std::size_t chunk_bytes) {
        std::uint64_t offset = 0;
        while (!key_.complete()) {
            Bytes data = key_.next_chunk(chunk_bytes);
            const std::size_t size = data.size();
            ASSERT_TRUE(prover_.fill({key_of(1), 0, shape_, offset, std::move(data)}).has_value());
            offset += size;
        }
    }
    CapacitySweep sweep(std::uint32_t first, std::uint32_t rows) const {
        return {key_of(1), 0, 5, first, rows, key_of(static_cast<std::uint8_t>(rows))};
    }

    CapacityStoreShape shape_{37, 48};
    StoreKey key_{shape_, key_of(2), key_of(3)};
    testing::PlainDevice device_;
    Prover prover_{&device_};
};

TEST_F(Store, AcceptsTheRightSumsOfAnyWindow) {
    fill(500);
    for (std::uint32_t rows = 1; rows <= shape_.rows; ++rows) {
        const CapacitySweep challenge = sweep(shape_.rows - rows, rows);
        const auto answer = prover_.sweep(challenge);
        ASSERT_TRUE(answer.has_value());
        EXPECT_TRUE(key_.accepts(challenge, answer->sums));
        EXPECT_EQ(answer->round, 5U);
    }
}

TEST_F(Store, RejectsAnySumThatIsOffByOne) {
    fill(1);
    const CapacitySweep challenge = sweep(0, shape_.rows);
    std::vector<std::int64_t> sums = prover_.sweep(challenge)->sums;
    for (std::int64_t& sum : sums) {
        ++sum;
        EXPECT_FALSE(key_.accepts(challenge, sums));
        --sum;
    }
    EXPECT_TRUE(key_.accepts(challenge, sums));
}

TEST_F(Store, RejectsSumsOutOfRangeOrOfAnotherCount) {
    fill(100);
    const CapacitySweep challenge = sweep(0, shape_.rows);
    std::vector<std::int64_t> sums = prover_.sweep(challenge)->sums;
    sums[0] += static_cast<std::int64_t>(kPrime);  // the same number modulo p
    EXPECT_FALSE(key_.accepts(challenge, sums));
    sums[0] -= static_cast<std::int64_t>(kPrime);
    sums.push_back(0);
    EXPECT_FALSE(key_.accepts(challenge, sums));
}

TEST_F(Store, RejectsAnAnswerToAnotherChallenge) {
    fill(100);
    const std::vector<std::int64_t> old = prover_.sweep(sweep(0, 36))->sums;
    EXPECT_FALSE(key_.accepts(sweep(0, 37), old));
    EXPECT_FALSE(key_.accepts(sweep(1, 36), old));
}

TEST_F(Store, ProverRefusesChunksOutOfTurnAndSweepsBeforeTheEnd) {
    EXPECT_EQ(prover_.sweep(sweep(0, 1)).error().code, Errc::kInvalid);
    EXPECT_EQ(prover_.fill({key_of(1), 0, shape_, 48, Bytes(48)}).error().code, Errc::kInvalid);
    EXPECT_TRUE(prover_.fill({key_of(1), 0, shape_, 0, Bytes(48)}).has_value());
    EXPECT_EQ(prover_.fill({key_of(2), 0, shape_, 48, Bytes(48)}).error().code, Errc::kInvalid);
    EXPECT_EQ(prover_.fill({key_of(1), 0, shape_, 48, Bytes(shape_.bytes())}).error().code, Errc::kInvalid);
    EXPECT_EQ(prover_.fill({key_of(1), 0, shape_, 48, {}}).error().code, Errc::kInvalid);
    EXPECT_EQ(prover_.sweep(sweep(0, 1)).error().code, Errc::kInvalid);
    fill(1000);
    EXPECT_TRUE(prover_.sweep(sweep(0, 1)).has_value());
    EXPECT_EQ(prover_.sweep(sweep(1, 37)).error().code, Errc::kInvalid);
    EXPECT_EQ(prover_.sweep(sweep(0, 0)).error().code, Errc::kInvalid);
    prover_.release();
    EXPECT_EQ(prover_.sweep(sweep(0, 1)).error().code, Errc::kInvalid);
}

TEST(StoreShape, HasBounds) {
    EXPECT_TRUE(check_store({1, 16}).has_value());
    for (const CapacityStoreShape& shape :
         {CapacityStoreShape{0, 16}, {1, 0}, {1, 15}, {1, (1U << 20U) + 16}, {0xFFFFFFFF, 1U << 20U}}) {
        EXPECT_EQ(check_store(shape).error().code, Errc::kInvalid);
    }
}

TEST(SweepVector, HasNoZero) {
    for (const std::int8_t x : sweep_vector(key_of(1), 5000)) {
        EXPECT_NE(x, 0);
        EXPECT_NE(x, -128);
    }
}

}  // namespace
}  // namespace vcity::capacity
