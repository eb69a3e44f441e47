// SPDX-License-Identifier: Apache-2.0
#include "sim/fakes/streams.hpp"

#include <gtest/gtest.h>

#include "ports/testing/web_socket_contract.hpp"
#include "sim/runtime.hpp"

namespace vcity::sim {
namespace {

using ports::testing::WebSocketEnds;

class FakeWebSocketHarness final : public ports::testing::WebSocketHarness {
  public:
    void run(ports::WebSocketLimits limits, Task<void> (*test)(WebSocketEnds)) override {
        WebSocketPair pair = make_web_socket_pair(&world_, limits);
        world_.spawn(note_end(test({&world_, pair.first.get(), pair.second.get()}), &ended_));
        for (int step = 0; step < 100'000 && !ended_; ++step) world_.run(1);
        EXPECT_TRUE(ended_);
    }

  private:
    static Task<void> note_end(Task<void> task, bool* ended) {
        co_await std::move(task);
        *ended = true;
    }

    SimRuntime world_{1};
    bool ended_ = false;
};

Task<void> exchange(ByteStreamPair* pair, bool* ended) {
    Bytes hello{1, 2, 3, 4, 5};
    (void)co_await pair->first->write(std::move(hello));
    pair->first->finish();
    const auto some = co_await pair->second->read(2);
    EXPECT_EQ(some.value(), (Bytes{1, 2}));
    pair->first.reset();
    const auto rest = co_await pair->second->read(100);
    EXPECT_EQ(rest.value(), (Bytes{3, 4, 5}));
    const auto end = co_await pair->second->read(100);
    EXPECT_TRUE(end.value().empty());
    Bytes more{1};
    const auto broken = co_await pair->second->write(std::move(more));
    EXPECT_FALSE(broken);
    *ended = true;
}

TEST(FakeByteStreams, WhatWasWrittenCanBeReadAfterTheWriterHasFinishedAndGone) {
    SimRuntime world{1};
    ByteStreamPair pair = make_byte_stream_pair(&world);
    bool ended = false;
    world.spawn(exchange(&pair, &ended));
    world.run(1000);
    EXPECT_TRUE(ended);
}

}  // namespace
}  // namespace vcity::sim

namespace vcity::ports::testing {
namespace {
using sim::FakeWebSocketHarness;
INSTANTIATE_TYPED_TEST_SUITE_P(Fake, WebSocketContract, FakeWebSocketHarness);
}  // namespace
}  // namespace vcity::ports::testing
