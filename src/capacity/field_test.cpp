// SPDX-License-Identifier: Apache-2.0
#include "capacity/field.hpp"

#include <gtest/gtest.h>

#include "capacity/stream.hpp"

namespace vcity::capacity {
namespace {

using Wide = unsigned __int128;

Hash key_of(std::uint8_t number) {
    Hash key;
    key.bytes[0] = number;
    return key;
}

TEST(CapacityField, MultipliesLikeLongDivision) {
    WordStream random{key_of(1)};
    const std::vector<std::uint64_t> edges = {0, 1, 2, kPrime - 1, kPrime - 2, kPrime / 2, (1U << 31U) - 1};
    for (int i = 0; i < 2000; ++i) {
        const std::uint64_t a = i < 49 ? edges[static_cast<std::size_t>(i) / 7] : random.below(kPrime);
        const std::uint64_t b = i < 49 ? edges[static_cast<std::size_t>(i) % 7] : random.below(kPrime);

        EXPECT_EQ(field_multiply(a, b), static_cast<std::uint64_t>(Wide{a} * b % kPrime));
        EXPECT_EQ(field_add(a, b), static_cast<std::uint64_t>((Wide{a} + b) % kPrime));
    }
}

TEST(CapacityField, TakesNegativeNumbers) {
    EXPECT_EQ(field_from(-1), kPrime - 1);
    EXPECT_EQ(field_add(field_from(-5), field_from(5)), 0U);
    EXPECT_EQ(field_from(static_cast<std::int64_t>(kPrime)), 0U);
}

TEST(CapacityField, DotEqualsTheSumTermByTerm) {
    for (const std::size_t size : {1U, 15U, 16U, 255U, 256U, 257U, 1000U}) {
        std::vector<std::uint64_t> values = field_elements(key_of(2), size);
        values[0] = kPrime - 1;
        Bytes bytes(size);
        KeyStream{key_of(3)}.read(0, bytes);
        std::vector<std::int8_t> row(size);
        for (std::size_t i = 0; i < size; ++i) row[i] = static_cast<std::int8_t>(bytes[i]);
        row[0] = -128;

        std::uint64_t expected = 0;
        for (std::size_t i = 0; i < size; ++i) {
            expected = field_add(expected, field_multiply(field_from(row[i]), values[i]));
        }
        EXPECT_EQ(FieldVector{values}.dot(row), expected) << size;
    }
}

TEST(CapacityField, SumsManyVectorsWithoutOverflow) {
    FieldSums sums{2};
    std::vector<std::uint64_t> expected(2);
    const std::vector<std::int32_t> values = {(1 << 23) - 1, -(1 << 23) + 1};
    for (int i = 0; i < 1000; ++i) {
        sums.add(kPrime - 1, values);
        for (std::size_t j = 0; j < 2; ++j) {
            expected[j] = field_add(expected[j], field_multiply(kPrime - 1, field_from(values[j])));
        }
    }
    EXPECT_EQ(sums.finish(), expected);
}

TEST(CapacityField, StreamsAreTheSameFromAnyOffset) {
    const KeyStream stream{key_of(4)};
    Bytes whole(200);
    stream.read(0, whole);
    for (const std::size_t offset : {1U, 15U, 16U, 17U, 100U}) {
        Bytes part(200 - offset);
        stream.read(offset, part);
        EXPECT_EQ(part, Bytes(whole.begin() + static_cast<std::ptrdiff_t>(offset), whole.end()));
    }
    EXPECT_NE(derive_key("a", key_of(1)), derive_key("b", key_of(1)));
    EXPECT_NE(derive_key("a", key_of(1), 0), derive_key("a", key_of(1), 1));
}

}  // namespace
}  // namespace vcity::capacity
