// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "async/runtime.hpp"
#include "async/task_group.hpp"
#include "ports/link.hpp"

// What every implementation of ports/link.hpp promises. A test binary instantiates the suite with its harness:
//   INSTANTIATE_TYPED_TEST_SUITE_P(WebSocket, LinkContract, WebSocketLinkHarness);
namespace vcity::ports::testing {

class LinkHarness {
  public:
    virtual ~LinkHarness() = default;
    virtual Runtime* runtime() = 0;
    virtual LinkListener* listener() = 0;
    virtual LinkDialer* dialer() = 0;
    virtual std::string endpoint() = 0;       // of the listener
    virtual std::string dead_endpoint() = 0;  // where nobody listens
    // Runs the task to its end; a task that does not end fails the test.
    virtual void run(Task<void> test) = 0;

    TimePoint soon() { return runtime()->now() + std::chrono::seconds{5}; }
    TimePoint in_a_moment() { return runtime()->now() + std::chrono::milliseconds{1}; }
};

struct LinkPair {
    std::unique_ptr<Connection> server;
    std::unique_ptr<Connection> client;
};

inline TokenChunk chunk(std::uint64_t sequence, std::string text = "text") {
    TokenChunk made;
    made.job_id.bytes.fill(7);
    made.fencing_token = 1;
    made.sequence = sequence;
    made.text = std::move(text);
    made.tokens = 1;
    return made;
}

// Both ends are null when the connection could not be made; the test has failed then.
inline Task<LinkPair> connect_pair(LinkHarness* harness) {
    LinkPair pair;
    auto dialled = co_await harness->dialer()->dial(harness->endpoint(), harness->soon());
    EXPECT_TRUE(dialled) << dialled.error().message;
    if (!dialled) co_return pair;
    auto accepted = co_await harness->listener()->accept();
    EXPECT_TRUE(accepted) << accepted.error().message;
    if (!accepted) co_return pair;
    pair.client = *std::move(dialled);
    pair.server = *std::move(accepted);
    co_return pair;
}

inline Task<void> expect_chunk(LinkHarness* harness, Connection* connection, std::uint64_t sequence) {
    const auto message = co_await connection->receive(harness->soon());
    EXPECT_TRUE(message) << message.error().message;
    if (message) EXPECT_EQ(*message, Message{chunk(sequence)});
}

inline Task<void> expect_end(LinkHarness* harness, Connection* connection) {
    const auto message = co_await connection->receive(harness->soon());
    EXPECT_FALSE(message);
    if (!message) EXPECT_EQ(message.error().code, Errc::kUnavailable);
    const Message heartbeat = Heartbeat{};
    const auto sent = co_await connection->send(heartbeat);
    EXPECT_FALSE(sent);
    if (!sent) EXPECT_EQ(sent.error().code, Errc::kUnavailable);
}

inline Task<void> send_chunks(Connection* connection, std::uint64_t count) {
    for (std::uint64_t sequence = 0; sequence < count; ++sequence) {
        const auto sent = co_await connection->send(chunk(sequence));
        EXPECT_TRUE(sent);
    }
}

inline Task<void> both_ways(LinkHarness* harness) {
    const auto pair = co_await connect_pair(harness);
    if (!pair.client) co_return;
    co_await send_chunks(pair.client.get(), 50);
    co_await send_chunks(pair.server.get(), 50);
    for (std::uint64_t sequence = 0; sequence < 50; ++sequence) {
        co_await expect_chunk(harness, pair.server.get(), sequence);
        co_await expect_chunk(harness, pair.client.get(), sequence);
    }
}

inline Task<void> dial_nobody(LinkHarness* harness) {
    const auto dialled = co_await harness->dialer()->dial(harness->dead_endpoint(), harness->soon());
    EXPECT_FALSE(dialled);
    if (!dialled) EXPECT_EQ(dialled.error().code, Errc::kUnavailable);
}

inline Task<void> time_out_and_go_on(LinkHarness* harness) {
    const auto pair = co_await connect_pair(harness);
    if (!pair.client) co_return;
    const auto nothing = co_await pair.server->receive(harness->in_a_moment());
    EXPECT_FALSE(nothing);
    if (!nothing) EXPECT_EQ(nothing.error().code, Errc::kTimeout);
    co_await send_chunks(pair.client.get(), 1);
    co_await expect_chunk(harness, pair.server.get(), 0);
}

inline Task<void> send_then_close(LinkHarness* harness) {
    const auto pair = co_await connect_pair(harness);
    if (!pair.client) co_return;
    co_await send_chunks(pair.server.get(), 20);
    pair.server->close();
    for (std::uint64_t sequence = 0; sequence < 20; ++sequence) {
        co_await expect_chunk(harness, pair.client.get(), sequence);
    }
    co_await expect_end(harness, pair.client.get());
}

inline Task<void> close_waiting(LinkHarness* harness) {
    const auto pair = co_await connect_pair(harness);
    if (!pair.client) co_return;
    TaskGroup group{harness->runtime()};
    group.spawn(expect_end(harness, pair.server.get()));
    group.spawn(expect_end(harness, pair.client.get()));
    co_await harness->runtime()->sleep_until(harness->in_a_moment());
    pair.client->close();
    const auto joined = co_await group.join(harness->soon());
    EXPECT_TRUE(joined);
}

inline Task<void> close_twice(LinkHarness* harness) {
    const auto pair = co_await connect_pair(harness);
    if (!pair.client) co_return;
    co_await send_chunks(pair.server.get(), 1);
    pair.client->close();
    pair.client->close();
    // What had arrived before is not handed out any more.
    co_await expect_end(harness, pair.client.get());
}

inline Task<void> drop_handle(LinkHarness* harness) {
    auto pair = co_await connect_pair(harness);
    if (!pair.client) co_return;
    pair.client.reset();
    co_await expect_end(harness, pair.server.get());
}

inline Task<void> overfill(LinkHarness* harness) {
    const auto pair = co_await connect_pair(harness);
    if (!pair.client) co_return;
    const std::string text(10, 'x');
    Result<void> sent;
    for (std::uint64_t sequence = 0; sent && sequence < 1'000'000; ++sequence) {
        sent = co_await pair.server->send(chunk(sequence, text));
    }
    EXPECT_FALSE(sent);
    if (!sent) EXPECT_EQ(sent.error().code, Errc::kExhausted);
    pair.server->close();
    // In order until the end; nothing is left out in the middle.
    std::uint64_t expected = 0;
    while (true) {
        const auto message = co_await pair.client->receive(harness->soon());
        if (!message) break;
        EXPECT_EQ(*message, Message{chunk(expected, text)});
        ++expected;
    }
}

inline Task<void> expect_no_accept(LinkHarness* harness) {
    const auto accepted = co_await harness->listener()->accept();
    EXPECT_FALSE(accepted);
    if (!accepted) EXPECT_EQ(accepted.error().code, Errc::kUnavailable);
}

inline Task<void> close_listener(LinkHarness* harness) {
    const auto pair = co_await connect_pair(harness);
    if (!pair.client) co_return;
    TaskGroup group{harness->runtime()};
    group.spawn(expect_no_accept(harness));
    co_await harness->runtime()->sleep_until(harness->in_a_moment());
    harness->listener()->close();
    harness->listener()->close();
    const auto joined = co_await group.join(harness->soon());
    EXPECT_TRUE(joined);
    co_await expect_no_accept(harness);
    const auto dialled = co_await harness->dialer()->dial(harness->endpoint(), harness->soon());
    EXPECT_FALSE(dialled);
    // Those accepted before live on.
    co_await send_chunks(pair.client.get(), 1);
    co_await expect_chunk(harness, pair.server.get(), 0);
}

inline Task<void> tell_paths(LinkHarness* harness) {
    const auto pair = co_await connect_pair(harness);
    if (!pair.client) co_return;
    const std::string endpoint = harness->endpoint();
    EXPECT_EQ(pair.server->path(), endpoint.substr(endpoint.find('/', endpoint.find("://") + 3)));
    EXPECT_EQ(pair.client->path(), "");
}

inline Task<void> greet(LinkHarness* harness, std::uint64_t number) {
    auto dialled = co_await harness->dialer()->dial(harness->endpoint(), harness->soon());
    EXPECT_TRUE(dialled);
    if (!dialled) co_return;
    const auto connection = *std::move(dialled);
    const auto sent = co_await connection->send(chunk(number));
    EXPECT_TRUE(sent);
    co_await expect_chunk(harness, connection.get(), number);
}

inline Task<void> many_peers(LinkHarness* harness) {
    constexpr std::uint64_t kPeers = 20;
    TaskGroup group{harness->runtime()};
    for (std::uint64_t number = 0; number < kPeers; ++number) group.spawn(greet(harness, number));
    std::vector<std::unique_ptr<Connection>> connections;
    while (connections.size() < kPeers) {
        auto accepted = co_await harness->listener()->accept();
        EXPECT_TRUE(accepted);
        if (!accepted) break;
        connections.push_back(*std::move(accepted));
    }
    for (const auto& connection : connections) {
        const auto message = co_await connection->receive(harness->soon());
        EXPECT_TRUE(message);
        if (!message) continue;
        const auto sent = co_await connection->send(*message);
        EXPECT_TRUE(sent);
    }
    const auto joined = co_await group.join(harness->soon());
    EXPECT_TRUE(joined);
}

template <class Harness>
class LinkContract : public ::testing::Test {
  protected:
    Harness harness_;
};

TYPED_TEST_SUITE_P(LinkContract);

TYPED_TEST_P(LinkContract, DeliversInOrderBothWays) {
    this->harness_.run(both_ways(&this->harness_));
}
TYPED_TEST_P(LinkContract, DiallingNobodyIsUnavailable) {
    this->harness_.run(dial_nobody(&this->harness_));
}
TYPED_TEST_P(LinkContract, StaysUsableAfterATimeout) {
    this->harness_.run(time_out_and_go_on(&this->harness_));
}
TYPED_TEST_P(LinkContract, WhatWasSentBeforeCloseArrives) {
    this->harness_.run(send_then_close(&this->harness_));
}
TYPED_TEST_P(LinkContract, CloseEndsWaitsOnBothSides) {
    this->harness_.run(close_waiting(&this->harness_));
}
TYPED_TEST_P(LinkContract, CloseIsIdempotentAndFinal) {
    this->harness_.run(close_twice(&this->harness_));
}
TYPED_TEST_P(LinkContract, DroppingTheHandleCloses) {
    this->harness_.run(drop_handle(&this->harness_));
}
TYPED_TEST_P(LinkContract, RefusesWhenTheOutgoingQueueIsFull) {
    this->harness_.run(overfill(&this->harness_));
}
TYPED_TEST_P(LinkContract, ClosedListenerAcceptsNobody) {
    this->harness_.run(close_listener(&this->harness_));
}
TYPED_TEST_P(LinkContract, AnAcceptedConnectionKnowsWhatWasDialled) {
    this->harness_.run(tell_paths(&this->harness_));
}
TYPED_TEST_P(LinkContract, ServesManyPeers) {
    this->harness_.run(many_peers(&this->harness_));
}

REGISTER_TYPED_TEST_SUITE_P(LinkContract,
                            DeliversInOrderBothWays,
                            DiallingNobodyIsUnavailable,
                            StaysUsableAfterATimeout,
                            WhatWasSentBeforeCloseArrives,
                            CloseEndsWaitsOnBothSides,
                            CloseIsIdempotentAndFinal,
                            DroppingTheHandleCloses,
                            RefusesWhenTheOutgoingQueueIsFull,
                            ClosedListenerAcceptsNobody,
                            AnAcceptedConnectionKnowsWhatWasDialled,
                            ServesManyPeers);

}  // namespace vcity::ports::testing
