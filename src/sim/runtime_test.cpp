// SPDX-License-Identifier: Apache-2.0
#include "sim/runtime.hpp"

#include <set>
#include <string>

#include <gtest/gtest.h>

#include "async/channel.hpp"

namespace vcity::sim {
namespace {

using namespace std::chrono_literals;

Result<int> parse(int value) {
    if (value < 0) return make_error(Errc::kInvalid, "negative");
    return value;
}

Task<Result<int>> slow_parse(Runtime* runtime, int value) {
    co_await runtime->sleep_until(runtime->now() + 1ms);
    co_return parse(value);
}

Task<Result<int>> twice(Runtime* runtime, int value) {
    CO_TRY(const int first, co_await slow_parse(runtime, value));
    CO_TRY_OK(co_await slow_parse(runtime, first));
    co_return first * 2;
}

Task<void> walk(Runtime* runtime, char name, std::string* trace) {
    for (int step = 0; step < 3; ++step) {
        co_await runtime->sleep_until(runtime->now() + 10ms);
        trace->push_back(name);
    }
}

std::string trace_of(std::uint64_t seed) {
    SimRuntime runtime{seed};
    std::string trace;
    for (const char name : {'a', 'b', 'c'}) runtime.spawn(walk(&runtime, name, &trace));
    runtime.run(1'000);
    EXPECT_EQ(runtime.now() - TimePoint{}, 30ms);
    return trace;
}

TEST(SimRuntime, SameSeedGivesTheSameOrder) {
    EXPECT_EQ(trace_of(7), trace_of(7));
}

TEST(SimRuntime, SeedsExploreOrders) {
    std::set<std::string> traces;
    for (std::uint64_t seed = 0; seed < 50; ++seed) traces.insert(trace_of(seed));
    EXPECT_GT(traces.size(), 10U);
}

TEST(SimRuntime, ResultsCrossAwaits) {
    SimRuntime runtime{1};
    Result<int> good = 0;
    Result<int> bad = 0;
    auto both = [](Runtime* world, Result<int>* first, Result<int>* second) -> Task<void> {
        *first = co_await twice(world, 21);
        *second = co_await twice(world, -1);
    };
    runtime.spawn(both(&runtime, &good, &bad));
    runtime.run(1'000);
    EXPECT_EQ(good, 42);
    ASSERT_FALSE(bad.has_value());
    EXPECT_EQ(bad.error().code, Errc::kInvalid);
}

struct Tombstone {
    explicit Tombstone(int* counter) : deaths{counter} {}
    Tombstone(const Tombstone&) = delete;
    Tombstone& operator=(const Tombstone&) = delete;
    ~Tombstone() { ++*deaths; }
    int* deaths;
};

Task<void> wait_forever(Runtime* runtime, Notifier* notifier, int* deaths) {
    const Tombstone tombstone{deaths};
    co_await notifier->wait_until(runtime->now() + 1h);
    co_await runtime->sleep_until(runtime->now() + 1h);
}

TEST(SimProcess, CrashDestroysItsTasksOnly) {
    SimRuntime world{3};
    SimProcess victim{&world, "victim"};
    SimProcess survivor{&world, "survivor"};
    Notifier of_victim{&victim};
    Notifier of_survivor{&survivor};
    int victim_deaths = 0;
    int survivor_deaths = 0;
    for (int task = 0; task < 3; ++task) {
        victim.spawn(wait_forever(&victim, &of_victim, &victim_deaths));
        survivor.spawn(wait_forever(&survivor, &of_survivor, &survivor_deaths));
    }
    world.run_until(TimePoint{} + 1s, 1'000);

    victim.crash();
    of_victim.notify();
    world.run_until(TimePoint{} + 2s, 1'000);

    EXPECT_EQ(victim_deaths, 3);
    EXPECT_EQ(survivor_deaths, 0);
    world.run(1'000);
    EXPECT_EQ(survivor_deaths, 3);
}

TEST(SimProcess, ClocksMayBeSkewed) {
    SimRuntime world{3};
    const SimProcess late{&world, "late", -1500ms};

    EXPECT_EQ(world.unix_now() - late.unix_now(), UnixMillis{1500});
}

Task<void> tick(Runtime* runtime, int* ticks) {
    while (true) {
        co_await runtime->sleep_until(runtime->now() + 1s);
        ++*ticks;
    }
}

TEST(SimProcess, RunsNothingWhileItIsPaused) {
    SimRuntime world{3};
    SimProcess process{&world, "p"};
    int ticks = 0;
    process.spawn(tick(&process, &ticks));
    world.run_until(TimePoint{} + 2500ms, 1'000);
    EXPECT_EQ(ticks, 2);

    process.pause(world.now() + 10s);
    world.run_until(TimePoint{} + 12s, 1'000);
    EXPECT_EQ(ticks, 2);

    world.run_until(TimePoint{} + 13s, 1'000);
    EXPECT_EQ(ticks, 3);
}

TEST(SimProcess, ItsClockMayRunFastOrSlow) {
    for (const std::int64_t drift : {-500'000, -30'000, 1, 20'000, 500'000}) {
        SimRuntime world{3};
        SimProcess process{&world, "p"};
        process.set_drift(drift);
        int ticks = 0;
        process.spawn(tick(&process, &ticks));
        world.run_until(TimePoint{} + 1000s + 1ms, 100'000);

        EXPECT_NEAR(ticks, static_cast<int>(1000 + drift / 1000), 1) << drift;
        const Duration gained{1'000'001'000'000 * drift / 1'000'000};
        EXPECT_EQ(process.now() - TimePoint{}, Duration{1000s + 1ms} + gained) << drift;
    }
}

Task<void> note_wait(Notifier* notifier, TimePoint deadline, int* notified) {
    const bool was_notified = co_await notifier->wait_until(deadline);
    *notified = was_notified ? 1 : 0;
}

TEST(SimRuntime, NotifierWakesOrExpires) {
    SimRuntime world{3};
    Notifier notifier{&world};
    int early = -1;
    int late = -1;
    world.spawn(note_wait(&notifier, TimePoint{} + 1s, &early));
    world.spawn(note_wait(&notifier, TimePoint{} + 1h, &late));
    world.call_at(TimePoint{} + 2s, [&notifier] { notifier.notify(); });
    world.run(1'000);

    EXPECT_EQ(early, 0);
    EXPECT_EQ(late, 1);
    EXPECT_EQ(world.now(), TimePoint{} + 2s);
}

TEST(SimRuntime, ComputeRunsTheWork) {
    SimRuntime world{3};
    int done = 0;
    world.spawn(world.compute([&done] { done = 1; }));
    world.run(10);

    EXPECT_EQ(done, 1);
}

}  // namespace
}  // namespace vcity::sim
