// SPDX-License-Identifier: Apache-2.0
#include "services/common/session.hpp"

#include <gtest/gtest.h>

#include "async/task_group.hpp"
#include "services/common/backoff.hpp"
#include "sim/fakes/network.hpp"
#include "sim/fakes/store.hpp"

namespace vcity::services {
namespace {

using namespace std::chrono_literals;

Task<void> accept_one(ports::LinkListener* listener, std::unique_ptr<ports::Connection>* out) {
    Result<std::unique_ptr<ports::Connection>> accepted = co_await listener->accept();
    if (accepted) *out = *std::move(accepted);
}

Task<void> dial_one(Runtime* runtime, ports::LinkDialer* dialer, std::unique_ptr<ports::Connection>* out) {
    Result<std::unique_ptr<ports::Connection>> dialled = co_await dialer->dial("ws://s/", runtime->now() + 5s);
    if (dialled) *out = *std::move(dialled);
}

Task<void> receive_until_end(LinkSession* session, std::vector<Message>* messages, Errc* ended) {
    while (true) {
        Result<Message> message = co_await session->receive();
        if (!message) {
            *ended = message.error().code;
            co_return;
        }
        messages->push_back(*std::move(message));
    }
}

class SessionTest : public ::testing::Test {
  protected:
    SessionTest() {
        world_.spawn(accept_one(listener_.get(), &server_));
        world_.spawn(dial_one(&world_, dialer_.get(), &client_));
        world_.run_until(world_.now() + 1s, 1'000);
        EXPECT_TRUE(server_ && client_);
    }

    sim::SimRuntime world_{1};
    sim::FakeNetwork network_{&world_};
    std::unique_ptr<ports::LinkListener> listener_ = network_.listen(&world_, "s", "ws://s/");
    std::unique_ptr<ports::LinkDialer> dialer_ = network_.dialer(&world_, "n");
    std::unique_ptr<ports::Connection> server_;
    std::unique_ptr<ports::Connection> client_;
    std::vector<Message> received_;
    Errc ended_ = Errc::kInternal;
};

TEST_F(SessionTest, HeartbeatsKeepALinkAlive) {
    LinkSession here{&world_, std::move(server_), {}};
    LinkSession there{&world_, std::move(client_), {}};
    TaskGroup group{&world_};
    group.spawn(here.run_writer());
    group.spawn(here.run_heartbeat([] { return Heartbeat{1, 2}; }));
    group.spawn(receive_until_end(&there, &received_, &ended_));

    world_.run_until(world_.now() + 61s, 10'000);

    EXPECT_TRUE(there.is_open());
    EXPECT_GE(received_.size(), 12U);
    here.close();
    world_.run_until(world_.now() + 1s, 10'000);
    EXPECT_EQ(ended_, Errc::kUnavailable);
    EXPECT_EQ(group.running(), 0U);
}

TEST_F(SessionTest, SilenceEndsIt) {
    LinkSession there{&world_, std::move(client_), {}};
    world_.spawn(receive_until_end(&there, &received_, &ended_));

    world_.run_until(world_.now() + 16s, 10'000);

    EXPECT_EQ(ended_, Errc::kTimeout);
    EXPECT_FALSE(there.is_open());
}

TEST_F(SessionTest, APeerThatDoesNotReadIsCutOff) {
    SessionTuning tuning;
    tuning.outbox_max = 3;
    LinkSession here{&world_, std::move(server_), tuning};

    EXPECT_TRUE(here.post(Heartbeat{}));
    EXPECT_TRUE(here.post(Heartbeat{}));
    EXPECT_FALSE(here.has_room());
    EXPECT_TRUE(here.post(Heartbeat{}));
    EXPECT_FALSE(here.post(Heartbeat{}));
    EXPECT_FALSE(here.is_open());
}

TEST(Backoff, GrowsToItsLimitWithJitter) {
    sim::SimRuntime world{1};
    Backoff backoff{&world, BackoffRange{100ms, 1s}};

    for (int step = 0; step < 10; ++step) {
        const Duration pause = backoff.next();
        EXPECT_GE(pause, 50ms);
        EXPECT_LE(pause, 1s);
    }
    EXPECT_GE(backoff.next(), 500ms);
    backoff.reset();
    EXPECT_LE(backoff.next(), 100ms);
}

Task<void> commit_one(Runtime* runtime, ports::Store* store, std::optional<Result<void>>* out) {
    ports::StoreChange change;
    change.puts.push_back({"key", Bytes{1}});
    Result<void> done = co_await commit_until(runtime, store, std::move(change), runtime->now() + 20s);
    out->emplace(std::move(done));
}

TEST(CommitUntil, OutlastsAFlakyDiskAndGivesUpOnADeadOne) {
    sim::SimRuntime world{1};
    sim::FakeDisk disk{&world};
    sim::FakeStore store{&world, &disk};
    std::optional<Result<void>> flaky;
    std::optional<Result<void>> dead;

    disk.faults.failures_per_mille = 700;
    world.spawn(commit_one(&world, &store, &flaky));
    world.run(10'000);
    disk.faults.failures_per_mille = 1000;
    world.spawn(commit_one(&world, &store, &dead));
    world.run(10'000);

    ASSERT_TRUE(flaky.has_value() && dead.has_value());
    EXPECT_TRUE(flaky->has_value());
    EXPECT_TRUE(disk.find("key").has_value());
    EXPECT_FALSE(dead->has_value());
}

}  // namespace
}  // namespace vcity::services
