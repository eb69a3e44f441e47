// SPDX-License-Identifier: Apache-2.0
#include "sim/runtime.hpp"

#include <set>
#include <string>

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace vcity::sim
