// SPDX-License-Identifier: Apache-2.0
#include "capacity/codec.hpp"

#include <gtest/gtest.h>

namespace vcity::capacity {
namespace {

Hash key_of(std::uint8_t number) {
    Hash key;
    key.bytes.fill(number);
    return key;
}

std::vector<CapacityMessage> examples() {
    CapacityOpenedCell cell{{3, 4}, {1, -8}, {2, 8}, {key_of(1)}, {key_of(2), key_of(3)}, {0, -1, 8388607, -8388607},
                            {}};
    return {
        CapacityChainChallenge{key_of(1), 2, {16, 32, 8, 4, 5}, key_of(9)},
        CapacityChainCommitment{key_of(1), 0xFFFFFFFF, key_of(7)},
        CapacityDraw{key_of(1), 0, {{1, 2}, {3, 4}}},
        CapacityOpening{key_of(1), 0, {cell, {}}},
        CapacityFill{key_of(1), 0, {5, 16}, std::uint64_t{1} << 40U, {1, 2, 3}},
        CapacitySweep{key_of(1), 0, 1, 2, 3, key_of(4)},
        CapacityAnswer{key_of(1), 0, 7, {-1, 1, std::int64_t{1} << 50}},
    };
}

TEST(CapacityCodec, GivesBackEveryMessage) {
    for (const CapacityMessage& message : examples()) {
        const auto parsed = parse(encode(message));
        ASSERT_TRUE(parsed.has_value()) << message.index();
        EXPECT_EQ(*parsed, message) << message.index();
    }
}

TEST(CapacityCodec, RefusesWhatIsCutOffOrTooLong) {
    for (const CapacityMessage& message : examples()) {
        Bytes bytes = encode(message);
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            const auto parsed = parse(ByteView{bytes}.first(size));
            ASSERT_FALSE(parsed.has_value()) << message.index() << " at " << size;
            EXPECT_EQ(parsed.error().code, Errc::kInvalid);
        }
        bytes.push_back(0);
        EXPECT_FALSE(parse(bytes).has_value());
    }
}

TEST(CapacityCodec, RefusesOtherVersionsKindsAndHugeCounts) {
    Bytes bytes = encode(CapacityDraw{key_of(1), 0, {{1, 2}}});
    Bytes version = bytes;
    version[4] = 2;
    EXPECT_FALSE(parse(version).has_value());
    Bytes kind = bytes;
    kind[5] = 7;
    EXPECT_FALSE(parse(kind).has_value());
    for (const CapacityMessage& message : examples()) {
        Bytes huge = encode(message);
        // Every four bytes in turn become a count that no input could hold.
        for (std::size_t at = 42; at + 4 <= huge.size(); ++at) {
            Bytes changed = huge;
            std::fill_n(changed.begin() + static_cast<std::ptrdiff_t>(at), 4, std::uint8_t{0xFF});
            const auto parsed = parse(changed);
            if (parsed) EXPECT_EQ(encode(*parsed), changed);
        }
    }
}

}  // namespace
}  // namespace vcity::capacity
