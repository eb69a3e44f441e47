// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "async/runtime.hpp"
#include "async/task_group.hpp"
#include "ports/web_socket.hpp"

// What two ends of a WebSocket promise each other. A test binary instantiates the suite with its harness:
//   INSTANTIATE_TYPED_TEST_SUITE_P(Beast, WebSocketContract, BeastWebSocketHarness);
namespace vcity::ports::testing {

struct WebSocketEnds {
    Runtime* runtime = nullptr;
    WebSocket* client = nullptr;
    WebSocket* server = nullptr;
};

class WebSocketHarness {
  public:
    virtual ~WebSocketHarness() = default;
    // Connects two ends with these limits, runs the test with them to its end, and then lets both go.
    virtual void run(WebSocketLimits limits, Task<void> (*test)(WebSocketEnds)) = 0;
};

inline WebSocketMessage web_socket_text(const std::string& text) {
    return WebSocketMessage{.bytes = Bytes{text.begin(), text.end()}, .is_text = true};
}

inline WebSocketMessage web_socket_bytes(std::size_t size, std::uint8_t fill) {
    return WebSocketMessage{.bytes = Bytes(size, fill), .is_text = false};
}

template <class Harness>
class WebSocketContract : public ::testing::Test {};
TYPED_TEST_SUITE_P(WebSocketContract);

inline Task<void> expect_arrives(WebSocket* from, WebSocket* to, WebSocketMessage message) {
    const auto sent = co_await from->write(message);
    EXPECT_TRUE(sent);
    const auto got = co_await to->read();
    EXPECT_TRUE(got);
    if (got) EXPECT_EQ(*got, message);
}

inline Task<void> messages_arrive_whole(WebSocketEnds ends) {
    for (const std::size_t size : {0U, 1U, 125U, 126U, 4000U, 65'536U}) {
        WebSocketMessage message = web_socket_bytes(size, static_cast<std::uint8_t>(size));
        co_await expect_arrives(ends.client, ends.server, message);
        co_await expect_arrives(ends.server, ends.client, std::move(message));
    }
    WebSocketMessage text = web_socket_text("{\"columns\":80}");
    co_await expect_arrives(ends.client, ends.server, std::move(text));
}

TYPED_TEST_P(WebSocketContract, MessagesArriveWholeAndKeepTheirKind) {
    TypeParam{}.run({}, messages_arrive_whole);
}

inline Task<void> refuses_long_message(WebSocketEnds ends) {
    WebSocketMessage message = web_socket_bytes(101, 1);
    (void)co_await ends.client->write(std::move(message));
    const auto got = co_await ends.server->read();
    EXPECT_FALSE(got);
    if (!got) EXPECT_EQ(got.error().code, Errc::kCorrupt);
}

TYPED_TEST_P(WebSocketContract, RefusesAMessageBeyondItsLimit) {
    WebSocketLimits limits;
    limits.message_bytes_max = 100;
    TypeParam{}.run(limits, refuses_long_message);
}

inline Task<void> tells_of_close(WebSocketEnds ends) {
    WebSocketMessage last = web_socket_bytes(10, 7);
    (void)co_await ends.client->write(std::move(last));
    TaskGroup group{ends.runtime};
    group.spawn(ends.client->close());
    const auto got = co_await ends.server->read();
    EXPECT_TRUE(got);
    const auto over = co_await ends.server->read();
    EXPECT_FALSE(over);
    if (!over) EXPECT_EQ(over.error().code, Errc::kUnavailable);
    const TimePoint deadline = ends.runtime->now() + std::chrono::seconds{5};
    const auto joined = co_await group.join(deadline);
    EXPECT_TRUE(joined);
}

TYPED_TEST_P(WebSocketContract, TheOtherEndReadsWhatWasSentAndThenTheEnd) {
    TypeParam{}.run({}, tells_of_close);
}

inline Task<void> expect_end(WebSocket* socket) {
    const auto got = co_await socket->read();
    EXPECT_FALSE(got);
    if (!got) EXPECT_EQ(got.error().code, Errc::kUnavailable);
}

inline Task<void> abort_ends_waits(WebSocketEnds ends) {
    TaskGroup group{ends.runtime};
    group.spawn(expect_end(ends.client));
    group.spawn(expect_end(ends.server));
    const TimePoint soon = ends.runtime->now() + std::chrono::milliseconds{1};
    co_await ends.runtime->sleep_until(soon);
    ends.client->abort();
    ends.client->abort();
    const TimePoint deadline = ends.runtime->now() + std::chrono::seconds{5};
    const auto joined = co_await group.join(deadline);
    EXPECT_TRUE(joined);
    WebSocketMessage late = web_socket_bytes(1, 1);
    const auto sent = co_await ends.client->write(std::move(late));
    EXPECT_FALSE(sent);
}

TYPED_TEST_P(WebSocketContract, AbortEndsEveryWaitAtBothEnds) {
    TypeParam{}.run({}, abort_ends_waits);
}

inline constexpr int kFloodMessages = 400;

inline Task<void> flood(WebSocket* socket, int* written) {
    for (int number = 0; number < kFloodMessages; ++number) {
        WebSocketMessage message = web_socket_bytes(60'000, static_cast<std::uint8_t>(number));
        const auto sent = co_await socket->write(std::move(message));
        if (!sent) co_return;
        ++*written;
    }
}

inline Task<void> writer_waits(WebSocketEnds ends) {
    int written = 0;
    TaskGroup group{ends.runtime};
    group.spawn(flood(ends.server, &written));
    int before = -1;
    while (written != before) {
        before = written;
        const TimePoint soon = ends.runtime->now() + std::chrono::milliseconds{10};
        co_await ends.runtime->sleep_until(soon);
    }
    EXPECT_LT(written, kFloodMessages);
    for (int number = 0; number < kFloodMessages; ++number) {
        const auto got = co_await ends.client->read();
        EXPECT_TRUE(got);
        if (!got) break;
        EXPECT_EQ(got->bytes, Bytes(60'000, static_cast<std::uint8_t>(number)));
    }
    const TimePoint deadline = ends.runtime->now() + std::chrono::seconds{5};
    (void)co_await group.join(deadline);
    EXPECT_EQ(written, kFloodMessages);
}

TYPED_TEST_P(WebSocketContract, AWriterWaitsForASlowReader) {
    TypeParam{}.run({}, writer_waits);
}

REGISTER_TYPED_TEST_SUITE_P(WebSocketContract,
                            MessagesArriveWholeAndKeepTheirKind,
                            RefusesAMessageBeyondItsLimit,
                            TheOtherEndReadsWhatWasSentAndThenTheEnd,
                            AbortEndsEveryWaitAtBothEnds,
                            AWriterWaitsForASlowReader);

}  // namespace vcity::ports::testing
