// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "wire/wire.hpp"

// What a tunnel's messages may carry.
namespace vcity::wire {
namespace {

bool reads_back(const Message& message) {
    const auto parsed = parse_message(encode(message));
    return parsed && *parsed == message;
}

TEST(TunnelMessages, BoundTheUrlThatANodeDials) {
    TunnelRequest request{};
    request.url.assign(kTunnelUrlBytesMax, 'x');
    EXPECT_TRUE(reads_back(request));
    request.url += 'x';
    EXPECT_FALSE(reads_back(request));
}

TEST(TunnelMessages, BoundTheCommandAndItsArguments) {
    TunnelOpen open{};
    open.target.kind = TunnelKind::kShell;
    open.target.command.assign(kTunnelArgumentsMax, "x");
    open.target.command.front().assign(kTunnelArgumentBytesMax, 'x');
    EXPECT_TRUE(reads_back(open));
    open.target.command.front() += 'x';
    EXPECT_FALSE(reads_back(open));
    open.target.command.assign(kTunnelArgumentsMax + 1, "x");
    EXPECT_FALSE(reads_back(open));
}

TEST(TunnelMessages, BoundTheNameOfTheGroup) {
    TunnelOpen open{};
    open.group.assign(32, 'g');
    EXPECT_TRUE(reads_back(open));
    open.group += 'g';
    EXPECT_FALSE(reads_back(open));
}

TEST(TunnelMessages, CutALongReason) {
    TunnelRefused refused{};
    refused.reason.assign(2000, 'r');
    const auto parsed = parse_message(encode(Message{refused}));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(std::get<TunnelRefused>(*parsed).reason.size(), 1024U);
}

TEST(TunnelMessages, NeedATarget) {
    // Frame with an empty TunnelRequest (field 91).
    EXPECT_FALSE(parse_message(Bytes{0xda, 0x05, 0x00}));
}

}  // namespace
}  // namespace vcity::wire
