// SPDX-License-Identifier: Apache-2.0
#include "services/common/tunnel_pump.hpp"

#include <gtest/gtest.h>

#include "async/task_group.hpp"
#include "sim/fakes/streams.hpp"
#include "sim/runtime.hpp"

namespace vcity::services {
namespace {

using namespace std::chrono_literals;
using ports::WebSocketMessage;

WebSocketMessage binary(std::string_view text) {
    return {.bytes = Bytes{text.begin(), text.end()}, .is_text = false};
}

WebSocketMessage json(std::string_view text) {
    return {.bytes = Bytes{text.begin(), text.end()}, .is_text = true};
}

// A client's end of a tunnel, a pump, and what stands behind it.
class TunnelPump : public ::testing::Test {
  protected:
    static Task<void> run_pump(TunnelPump* self) {
        self->counts = co_await pump(self->tunnel.second.get(), self->stream.first.get(), self->options);
        self->is_over = true;
    }
    static Task<void> collect(TunnelPump* self) {
        while (true) {
            const Result<WebSocketMessage> message = co_await self->tunnel.first->read();
            if (!message) break;
            self->seen.push_back((message->is_text ? "text:" : "") + std::string{as_text(message->bytes)});
        }
        self->client_ended = true;
    }
    static Task<void> collect_stream(TunnelPump* self) {
        while (true) {
            const Result<Bytes> bytes = co_await self->stream.second->read(1000);
            if (!bytes) break;
            self->arrived += bytes->empty() ? "|" : std::string{as_text(*bytes)};
            if (bytes->empty()) break;
        }
    }
    static Task<void> say(ports::WebSocket* socket, std::vector<WebSocketMessage> messages) {
        for (WebSocketMessage& message : messages) {
            (void)co_await socket->write(std::move(message));
        }
    }
    static Task<void> answer(ports::ByteStream* to, std::string text, bool ends) {
        Bytes bytes(text.begin(), text.end());
        (void)co_await to->write(std::move(bytes));
        if (ends) to->finish();
    }
    void begin() {
        options.runtime = &world;
        world.spawn(run_pump(this));
        world.spawn(collect(this));
        world.spawn(collect_stream(this));
    }
    void settle() { world.run_until(world.now() + 1s, 100'000); }

    sim::SimRuntime world{1};
    sim::WebSocketPair tunnel = sim::make_web_socket_pair(&world, {});
    sim::ByteStreamPair stream = sim::make_byte_stream_pair(&world);
    PumpOptions options;
    TunnelCounts counts;
    std::vector<std::string> seen;
    std::string arrived;
    bool is_over = false;
    bool client_ended = false;
};

TEST_F(TunnelPump, CarriesBytesBothWaysAndLastsUntilBothHaveEnded) {
    begin();
    world.spawn(say(tunnel.first.get(), {binary("hello "), binary("there"), binary("")}));
    settle();
    EXPECT_EQ(arrived, "hello there|");
    EXPECT_FALSE(is_over);
    world.spawn(answer(stream.second.get(), "welcome", true));
    settle();
    EXPECT_EQ(seen, (std::vector<std::string>{"welcome", ""}));
    EXPECT_TRUE(is_over);
    EXPECT_TRUE(client_ended);
    EXPECT_EQ(counts.to_stream, 11U);
    EXPECT_EQ(counts.from_stream, 7U);
}

TEST_F(TunnelPump, TheStreamMayEndFirst) {
    begin();
    world.spawn(answer(stream.second.get(), "bye", true));
    settle();
    EXPECT_EQ(seen, (std::vector<std::string>{"bye", ""}));
    EXPECT_FALSE(is_over);
    world.spawn(say(tunnel.first.get(), {binary("last"), binary("")}));
    settle();
    EXPECT_EQ(arrived, "last|");
    EXPECT_TRUE(is_over);
}

Task<std::string> exit_text() {
    co_return "{\"exit\":3}";
}

TEST_F(TunnelPump, ASessionSaysHowItEndedAndIsOver) {
    options.farewell = exit_text;
    begin();
    world.spawn(answer(stream.second.get(), "out", true));
    settle();
    EXPECT_EQ(seen, (std::vector<std::string>{"out", "", "text:{\"exit\":3}"}));
    EXPECT_TRUE(is_over);
    EXPECT_TRUE(client_ended);
}

TEST_F(TunnelPump, AClientHearsTheLastWordAfterBothDirectionsHaveEnded) {
    std::string last;
    options.lasts_until_close = true;
    options.on_text = [&last](const std::string& text) { last = text; };
    begin();
    world.spawn(answer(stream.second.get(), "in", true));
    settle();
    world.spawn(say(tunnel.first.get(), {binary("out"), binary(""), json("{\"exit\":3}")}));
    settle();
    EXPECT_EQ(last, "{\"exit\":3}");
    EXPECT_FALSE(is_over);
    tunnel.first->abort();
    settle();
    EXPECT_TRUE(is_over);
    EXPECT_EQ(arrived, "out|");
}

TEST_F(TunnelPump, TextIsHandedToTheSessionAndALongOneEndsTheTunnel) {
    std::vector<std::string> texts;
    options.on_text = [&texts](const std::string& text) { texts.push_back(text); };
    begin();
    world.spawn(say(tunnel.first.get(), {json("{}"), binary("x"), json(std::string(1025, ' '))}));
    settle();
    EXPECT_EQ(texts, (std::vector<std::string>{"{}"}));
    EXPECT_TRUE(is_over);
}

TEST_F(TunnelPump, EndsWhenTheClientGoes) {
    begin();
    settle();
    tunnel.first->abort();
    settle();
    EXPECT_TRUE(is_over);
    EXPECT_EQ(arrived, "");
}

TEST_F(TunnelPump, EndsWhenTheStreamBreaks) {
    begin();
    settle();
    stream.second->abort();
    settle();
    EXPECT_TRUE(is_over);
    EXPECT_TRUE(client_ended);
}

TEST_F(TunnelPump, EndsWhenNothingHasMovedForTooLong) {
    options.idle_max = 60s;
    begin();
    world.run_until(world.now() + 50s, 100'000);
    world.spawn(say(tunnel.first.get(), {binary("x")}));
    world.run_until(world.now() + 50s, 100'000);
    EXPECT_FALSE(is_over);
    world.run_until(world.now() + 20s, 100'000);
    EXPECT_TRUE(is_over);
}

// Two tunnels that meet, and both far ends.
class TunnelSplice : public ::testing::Test {
  protected:
    static Task<void> run_splice(TunnelSplice* self) {
        PumpOptions options;
        options.runtime = &self->world;
        options.idle_max = 60s;
        self->counts = co_await splice(self->client.second.get(), self->node.second.get(), std::move(options));
        self->is_over = true;
    }
    static Task<void> collect(ports::WebSocket* socket, std::vector<WebSocketMessage>* out, bool* ended) {
        while (true) {
            Result<WebSocketMessage> message = co_await socket->read();
            if (!message) break;
            out->push_back(*std::move(message));
        }
        *ended = true;
    }
    static Task<void> say(ports::WebSocket* socket, std::vector<WebSocketMessage> messages, bool and_close) {
        for (WebSocketMessage& message : messages) {
            (void)co_await socket->write(std::move(message));
        }
        if (and_close) {
            co_await socket->close();
        }
    }
    static Task<void> say_all(ports::WebSocket* socket, std::vector<WebSocketMessage> all, bool* done) {
        co_await say(socket, std::move(all), false);
        *done = true;
    }
    void settle() { world.run_until(world.now() + 1s, 100'000); }

    sim::SimRuntime world{1};
    sim::WebSocketPair client = sim::make_web_socket_pair(&world, {});
    sim::WebSocketPair node = sim::make_web_socket_pair(&world, {});
    std::vector<WebSocketMessage> at_node;
    std::vector<WebSocketMessage> at_client;
    bool node_ended = false;
    bool client_ended = false;
    bool is_over = false;
    TunnelCounts counts;
};

TEST_F(TunnelSplice, HandsMessagesOnAsTheyAreAndTheLastOneBeforeTheEnd) {
    world.spawn(run_splice(this));
    world.spawn(collect(node.first.get(), &at_node, &node_ended));
    world.spawn(collect(client.first.get(), &at_client, &client_ended));
    world.spawn(say(client.first.get(), {binary("in"), json("{\"a\":1}"), binary("")}, false));
    settle();
    EXPECT_EQ(at_node, (std::vector<WebSocketMessage>{binary("in"), json("{\"a\":1}"), binary("")}));
    world.spawn(say(node.first.get(), {binary("out"), json("{\"exit\":0}")}, true));
    settle();
    EXPECT_EQ(at_client, (std::vector<WebSocketMessage>{binary("out"), json("{\"exit\":0}")}));
    EXPECT_TRUE(is_over && client_ended && node_ended);
    EXPECT_EQ(counts.to_stream, 9U);
}

TEST_F(TunnelSplice, ASlowReaderSlowsTheWriter) {
    world.spawn(run_splice(this));
    std::vector<WebSocketMessage> flood(100, binary("x"));
    bool is_written = false;
    world.spawn(say_all(client.first.get(), std::move(flood), &is_written));
    settle();
    EXPECT_FALSE(is_written);
    world.spawn(collect(node.first.get(), &at_node, &node_ended));
    settle();
    EXPECT_TRUE(is_written);
    EXPECT_EQ(at_node.size(), 100U);
    client.first->abort();
    settle();
    EXPECT_TRUE(is_over && node_ended);
}

}  // namespace
}  // namespace vcity::services
