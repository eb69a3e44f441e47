// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.hpp"

#include <unordered_set>

#include <gtest/gtest.h>

namespace vcity {
namespace {

TEST(FixedBytes, TakesOnlyItsOwnSize) {
    EXPECT_EQ(Address::make(Bytes(20, 7)).bytes[19], 7);
    EXPECT_TRUE(Address::make(Bytes(19, 7)).is_zero());
    EXPECT_TRUE(Address::make({}).is_zero());
}

TEST(FixedBytes, KeepsItsBytesUnderAnotherName) {
    const Hash hash = Hash::make(Bytes(32, 9));
    EXPECT_EQ(hash.as<JobId>().bytes, hash.bytes);
}

TEST(FixedBytes, OrdersByBytesAndHashes) {
    const Hash low = Hash::make(Bytes(32, 1));
    const Hash high = Hash::make(Bytes(32, 0xff));
    EXPECT_LT(low, high);
    const std::unordered_set<Hash> hashes{low, high, low};
    EXPECT_EQ(hashes.size(), 2U);
}

TEST(Bytes, ViewsOfTextAreTheSameMemory) {
    Bytes bytes;
    append(&bytes, as_bytes("ab"));
    append(&bytes, {});
    EXPECT_EQ(as_text(bytes), "ab");
}

}  // namespace
}  // namespace vcity
