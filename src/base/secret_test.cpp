// SPDX-License-Identifier: Apache-2.0
#include "base/secret.hpp"

#include <array>

#include <gtest/gtest.h>

namespace vcity {
namespace {

TEST(SecureZero, OverwritesEveryByte) {
    std::array<std::uint8_t, 3> bytes{1, 2, 3};

    secure_zero(bytes.data(), bytes.size());

    EXPECT_EQ(bytes, (std::array<std::uint8_t, 3>{}));
    secure_zero(nullptr, 0);
}

TEST(EqualConstantTime, ComparesLengthAndContent) {
    const Bytes a{1, 2, 3};
    EXPECT_TRUE(equal_constant_time(a, Bytes{1, 2, 3}));
    EXPECT_FALSE(equal_constant_time(a, Bytes{1, 2, 4}));
    EXPECT_FALSE(equal_constant_time(a, Bytes{1, 2}));
    EXPECT_TRUE(equal_constant_time({}, {}));
}

TEST(SecretBytes, MovesLeaveNothingBehind) {
    SecretBytes first{Bytes{1, 2, 3}};

    const SecretBytes second{std::move(first)};

    EXPECT_EQ(second.reveal().size(), 3U);
    EXPECT_TRUE(first.reveal().empty());  // NOLINT(bugprone-use-after-move)
}

}  // namespace
}  // namespace vcity
