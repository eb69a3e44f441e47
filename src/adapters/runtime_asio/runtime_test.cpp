// SPDX-License-Identifier: Apache-2.0
#include "adapters/runtime_asio/runtime.hpp"

#include <array>
#include <csignal>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "async/channel.hpp"
#include "async/task_group.hpp"

namespace vcity::adapters {
namespace {

using namespace std::chrono_literals;

Task<int> sleep_twice(AsioRuntime* runtime) {
    const TimePoint start = runtime->now();
    co_await runtime->sleep_until(start + 2ms);
    co_await runtime->sleep_until(start);
    co_return runtime->now() - start >= 2ms ? 0 : 1;
}

TEST(AsioRuntime, SleepsUntilTheDeadline) {
    AsioRuntime runtime;

    EXPECT_EQ(runtime.run_to_completion(sleep_twice(&runtime)), 0);
}

Task<void> note_after(AsioRuntime* runtime, Duration delay, std::vector<int>* order, int number) {
    co_await runtime->sleep_until(runtime->now() + delay);
    order->push_back(number);
}

Task<int> run_in_order(AsioRuntime* runtime, std::vector<int>* order) {
    TaskGroup group{runtime};
    group.spawn(note_after(runtime, 6ms, order, 3));
    group.spawn(note_after(runtime, 1ms, order, 1));
    group.spawn(note_after(runtime, 3ms, order, 2));
    const auto joined = co_await group.join(runtime->now() + 5s);
    co_return joined ? 0 : 1;
}

TEST(AsioRuntime, WakesTasksInTheOrderOfTheirDeadlines) {
    AsioRuntime runtime;
    std::vector<int> order;

    ASSERT_EQ(runtime.run_to_completion(run_in_order(&runtime, &order)), 0);

    EXPECT_EQ(order, (std::vector{1, 2, 3}));
}

Task<void> wait_on(Timer* timer, TimePoint deadline, std::vector<bool>* results) {
    const bool expired = co_await timer->wait_until(deadline);
    results->push_back(expired);
}

Task<int> cancel_a_timer(AsioRuntime* runtime, std::vector<bool>* results) {
    const auto timer = runtime->make_timer();
    timer->cancel();  // Nobody waits: no effect on the next wait.
    const bool expired = co_await timer->wait_until(runtime->now() + 1ms);
    results->push_back(expired);
    TaskGroup group{runtime};
    group.spawn(wait_on(timer.get(), TimePoint::max(), results));
    co_await runtime->sleep_until(runtime->now() + 1ms);
    timer->cancel();
    const auto joined = co_await group.join(runtime->now() + 5s);
    co_return joined ? 0 : 1;
}

TEST(AsioRuntime, TimerTellsExpiryFromCancellation) {
    AsioRuntime runtime;
    std::vector<bool> results;

    ASSERT_EQ(runtime.run_to_completion(cancel_a_timer(&runtime, &results)), 0);

    EXPECT_EQ(results, (std::vector{true, false}));
}

Task<int> cancel_after_expiry(AsioRuntime* runtime, std::vector<bool>* results) {
    const auto first = runtime->make_timer();
    const auto second = runtime->make_timer();
    TaskGroup group{runtime};
    group.spawn(wait_on(first.get(), runtime->now() + 1ms, results));
    group.spawn(wait_on(second.get(), TimePoint::max(), results));
    co_await runtime->sleep_until(runtime->now());
    // Both timers are armed; hold the thread until the first is due, then cancel both before asio looks again.
    const TimePoint due = runtime->now() + 3ms;
    while (runtime->now() < due) std::this_thread::yield();
    first->cancel();
    second->cancel();
    const auto joined = co_await group.join(runtime->now() + 5s);
    co_return joined ? 0 : 1;
}

TEST(AsioRuntime, TimerCancelledBeforeItsWaiterRanWasCancelled) {
    AsioRuntime runtime;
    std::vector<bool> results;

    ASSERT_EQ(runtime.run_to_completion(cancel_after_expiry(&runtime, &results)), 0);

    EXPECT_EQ(results, (std::vector{false, false}));
}

Task<int> compute_elsewhere(AsioRuntime* runtime) {
    const auto home = std::this_thread::get_id();
    std::thread::id elsewhere;
    std::function<void()> work = [&elsewhere] { elsewhere = std::this_thread::get_id(); };
    co_await runtime->compute(std::move(work));
    const bool came_back = std::this_thread::get_id() == home;
    co_return came_back && (elsewhere != home) ? 0 : 1;
}

TEST(AsioRuntime, ComputesOnAnotherThreadAndComesBack) {
    AsioRuntime runtime;

    EXPECT_EQ(runtime.run_to_completion(compute_elsewhere(&runtime)), 0);
}

Task<int> compute_failing(AsioRuntime* runtime) {
    std::function<void()> work = [] { throw std::runtime_error{"no"}; };
    try {
        co_await runtime->compute(std::move(work));
    } catch (const std::runtime_error&) {
        co_return 7;
    }
    co_return 0;
}

TEST(AsioRuntime, ComputeHandsOnTheExceptionOfTheWork) {
    AsioRuntime runtime;

    EXPECT_EQ(runtime.run_to_completion(compute_failing(&runtime)), 7);
}

Task<void> add_one(AsioRuntime* runtime, int* sum) {
    int part = 0;
    std::function<void()> work = [&part] { part = 1; };
    co_await runtime->compute(std::move(work));
    *sum += part;
}

Task<int> spawn_many(AsioRuntime* runtime, int count) {
    TaskGroup group{runtime};
    int sum = 0;
    for (int task = 0; task < count; ++task) group.spawn(add_one(runtime, &sum));
    const auto joined = co_await group.join(runtime->now() + 30s);
    co_return joined ? sum : -1;
}

TEST(AsioRuntime, RunsManyTasks) {
    AsioRuntime runtime;

    EXPECT_EQ(runtime.run_to_completion(spawn_many(&runtime, 500)), 500);
}

Task<void> produce(Channel<int>* channel, TimePoint deadline, int count) {
    for (int number = 0; number < count; ++number) {
        const auto sent = co_await channel->send(number, deadline);
        if (!sent) co_return;
    }
    channel->close();
}

Task<int> consume(AsioRuntime* runtime, int count) {
    Channel<int> channel{runtime, 2};
    TaskGroup group{runtime};
    group.spawn(produce(&channel, runtime->now() + 5s, count));
    int received = 0;
    while (true) {
        const auto number = co_await channel.receive(runtime->now() + 5s);
        if (!number || *number != received) break;
        ++received;
    }
    const auto joined = co_await group.join(runtime->now() + 5s);
    co_return joined ? received : -1;
}

TEST(AsioRuntime, CarriesAChannelBetweenTasks) {
    AsioRuntime runtime;

    EXPECT_EQ(runtime.run_to_completion(consume(&runtime, 100)), 100);
}

TEST(AsioRuntime, RandomBytesDiffer) {
    AsioRuntime runtime;
    std::array<std::uint8_t, 32> first{};
    std::array<std::uint8_t, 32> second{};

    runtime.random_bytes(first);
    runtime.random_bytes(second);

    EXPECT_NE(first, second);
    runtime.random_bytes({});
}

TEST(AsioRuntime, UnixTimeIsOfThisCentury) {
    AsioRuntime runtime;

    EXPECT_GT(runtime.unix_now(), UnixMillis{1'700'000'000'000});
}

Task<void> wait_forever(AsioRuntime* runtime, std::shared_ptr<int> witness) {
    co_await runtime->sleep_until(TimePoint::max());
    *witness = 1;
}

TEST(AsioRuntime, DestroysTasksThatNeverEnded) {
    const auto witness = std::make_shared<int>(0);
    {
        AsioRuntime runtime;
        runtime.spawn(wait_forever(&runtime, witness));
        ASSERT_EQ(runtime.run_to_completion(sleep_twice(&runtime)), 0);
        EXPECT_EQ(witness.use_count(), 2);
    }

    EXPECT_EQ(witness.use_count(), 1);
    EXPECT_EQ(*witness, 0);
}

TEST(AsioRuntime, StopEndsARunFromAnotherThread) {
    AsioRuntime runtime;
    std::thread stopper;
    runtime.on_shutdown_signal([&runtime, &stopper] { stopper = std::thread{[&runtime] { runtime.stop(); }}; });
    std::raise(SIGTERM);

    runtime.run();

    stopper.join();
}

using AsioRuntimeDeathTest = testing::Test;

TEST(AsioRuntimeDeathTest, SecondSignalEndsTheProcess) {
    testing::GTEST_FLAG(death_test_style) = "threadsafe";
    const auto interrupt_twice = [] {
        AsioRuntime runtime;
        runtime.on_shutdown_signal([] { std::raise(SIGINT); });
        std::raise(SIGTERM);
        runtime.run();
    };

    EXPECT_EXIT(interrupt_twice(), testing::ExitedWithCode(128 + SIGINT), "");
}

Task<void> fail() {
    throw std::runtime_error{"the cause"};
    co_return;
}

TEST(AsioRuntimeDeathTest, AbortsWhenATaskEndsInAnException) {
    testing::GTEST_FLAG(death_test_style) = "threadsafe";
    const auto run_failing_task = [] {
        AsioRuntime runtime;
        runtime.spawn(fail());
        runtime.run();
    };

    EXPECT_DEATH(run_failing_task(), "ended in an exception: the cause");
}

}  // namespace
}  // namespace vcity::adapters
