// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "services/gateway/state/generation_log.hpp"
#include "services/gateway/state/idempotency.hpp"
#include "services/gateway/state/write_behind.hpp"
#include "services/gateway/test_support.hpp"
#include "sim/runtime.hpp"

namespace vcity::gateway {
namespace {

using namespace std::chrono_literals;

Hash a_hash(std::uint8_t fill) {
    Hash hash;
    hash.bytes.fill(fill);
    return hash;
}

class StateTest : public ::testing::Test {
  public:
    template <class T>
    T run(Task<T> task) {
        std::optional<T> result;
        world.spawn(keep(std::move(task), &result));
        world.run_until(world.now() + 1s, 100'000);
        CHECK(result.has_value());
        return *std::move(result);
    }
    template <class T>
    static Task<void> keep(Task<T> task, std::optional<T>* result) {
        T value = co_await std::move(task);
        result->emplace(std::move(value));
    }
    void finish(IdempotencyBook* book, Hash name, IdempotentOutcome outcome) {
        world.spawn(book->finish(name, std::move(outcome)));
        world.run_until(world.now() + 1s, 100'000);
    }
    // "fresh", "replay <body>" or the refusal's code.
    std::string begin(IdempotencyBook* book, Hash name, Hash fingerprint) {
        const IdempotencyBook::Decision decision = run(book->begin(name, fingerprint));
        if (const auto* error = std::get_if<ApiError>(&decision)) return std::string{spec_of(error->code).name};
        if (const auto* answer = std::get_if<ports::HttpResponse>(&decision)) return "replay " + answer->body;
        return "fresh";
    }
    static ports::HttpResponse an_answer(std::string body) {
        ports::HttpResponse response;
        response.body = std::move(body);
        return response;
    }

    sim::SimRuntime world{1};
    test::MemoryStore store;
};

TEST_F(StateTest, IdempotencyOutlivesARestart) {
    IdempotencyBook before{&world, &store, 100};
    EXPECT_EQ(begin(&before, a_hash(1), a_hash(9)), "fresh");
    finish(&before, a_hash(1), an_answer("first"));
    EXPECT_EQ(begin(&before, a_hash(2), a_hash(9)), "fresh");

    IdempotencyBook after{&world, &store, 100};
    ASSERT_TRUE(run(after.load()).has_value());
    EXPECT_EQ(begin(&after, a_hash(1), a_hash(9)), "replay first");
    EXPECT_EQ(begin(&after, a_hash(1), a_hash(8)), "idempotency_mismatch");
    EXPECT_EQ(begin(&after, a_hash(2), a_hash(9)), "idempotency_job_ended");
}

TEST_F(StateTest, IdempotencyLastsADay) {
    IdempotencyBook book{&world, &store, 100};
    EXPECT_EQ(begin(&book, a_hash(1), a_hash(9)), "fresh");
    finish(&book, a_hash(1), an_answer("first"));

    world.run_until(world.now() + 23h, 1'000);
    EXPECT_EQ(begin(&book, a_hash(1), a_hash(9)), "replay first");
    world.run_until(world.now() + 2h, 1'000);
    EXPECT_EQ(begin(&book, a_hash(1), a_hash(9)), "fresh");
}

TEST_F(StateTest, IdempotencyIsBounded) {
    IdempotencyBook book{&world, &store, 2};
    EXPECT_EQ(begin(&book, a_hash(1), a_hash(9)), "fresh");
    EXPECT_EQ(begin(&book, a_hash(2), a_hash(9)), "fresh");
    EXPECT_EQ(begin(&book, a_hash(3), a_hash(9)), "gateway_overloaded");

    finish(&book, a_hash(1), an_answer("old"));
    EXPECT_EQ(begin(&book, a_hash(3), a_hash(9)), "fresh");
    EXPECT_LE(store.entries.size(), 2U);
}

TEST_F(StateTest, IdempotencyDoesNotRunWhatItCannotWriteDown) {
    IdempotencyBook book{&world, &store, 100};
    store.broken = true;
    EXPECT_EQ(begin(&book, a_hash(1), a_hash(9)), "internal_error");
    store.broken = false;
    EXPECT_EQ(begin(&book, a_hash(1), a_hash(9)), "fresh");
}

TEST_F(StateTest, WriteBehindReadsItsOwnWritesAndKeepsThemWhenTheDiskFails) {
    WriteBehind writes{&world, &store, Log{nullptr, "test"}};
    world.spawn(writes.run());
    store.broken = true;
    writes.put("a", "1");
    EXPECT_EQ(run(writes.get("a"))->value_or(""), "1");
    EXPECT_TRUE(store.entries.empty());

    store.broken = false;
    world.run_until(world.now() + 1s, 10'000);
    EXPECT_EQ(store.entries.size(), 1U);
    writes.erase("a");
    EXPECT_FALSE(run(writes.get("a"))->has_value());
    writes.stop();
    world.run_until(world.now() + 1s, 10'000);
    EXPECT_TRUE(store.entries.empty());
}

TEST_F(StateTest, GenerationLogKeepsTheNewest) {
    WriteBehind writes{&world, &store, Log{nullptr, "test"}};
    world.spawn(writes.run());
    GenerationLog log{&writes, 2};
    for (const char* id : {"a", "b", "c"}) log.put(id, a_hash(1), codec::JsonObject{{"created", 1}});
    world.run_until(world.now() + 1s, 10'000);

    EXPECT_FALSE(run(log.get("a", a_hash(1)))->has_value());
    EXPECT_TRUE(run(log.get("c", a_hash(1)))->has_value());
    EXPECT_FALSE(run(log.get("c", a_hash(2)))->has_value());
    GenerationLog again{&writes, 1};
    ASSERT_TRUE(run(again.load(&store)).has_value());
    writes.stop();
    world.run_until(world.now() + 1s, 10'000);
    EXPECT_EQ(store.entries.size(), 1U);
}

}  // namespace
}  // namespace vcity::gateway
