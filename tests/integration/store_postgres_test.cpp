// SPDX-License-Identifier: Apache-2.0
// The PostgreSQL store against a real server: the contract of all stores, several processes' worth of connections on
// one space, a server that dies and one that stands still.
#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "adapters/runtime_asio/runtime.hpp"
#include "adapters/store_postgres/store.hpp"
#include "base/check.hpp"
#include "ports/testing/store_contract.hpp"
#include "postgres.hpp"

namespace vcity::integration {
namespace {

using namespace std::chrono_literals;
using adapters::AsioRuntime;
using adapters::PostgresStore;
using adapters::PostgresStoreOptions;
using ports::StoreChange;
using ports::testing::await;
using ports::testing::bytes_of;
using ports::testing::expecting;
using ports::testing::put;

Postgres& server() {
    static Postgres one;
    return one;
}

std::string fresh_space() {
    static std::atomic<int> count{0};
    return "test-" + std::to_string(++count);
}

PostgresStoreOptions options(std::string space) {
    PostgresStoreOptions made;
    made.uri = server().uri();
    made.space = std::move(space);
    return made;
}

std::unique_ptr<PostgresStore> open(const PostgresStoreOptions& with) {
    auto opened = PostgresStore::open(with);
    if (!opened) ADD_FAILURE() << opened.error().message;
    CHECK(opened.has_value());
    return *std::move(opened);
}

class PostgresHarness final : public ports::testing::OnRuntime<ports::testing::StoreHarness, AsioRuntime> {
  public:
    PostgresHarness() : space_{fresh_space()}, store_{open(options(space_))} {}
    ports::Store& store() override { return *store_; }
    void reopen() override {
        store_.reset();
        store_ = open(options(space_));
    }

  private:
    std::string space_;
    std::unique_ptr<PostgresStore> store_;
};

std::unique_ptr<ports::testing::StoreHarness> make_harness() {
    return std::make_unique<PostgresHarness>();
}

}  // namespace
}  // namespace vcity::integration

namespace vcity::ports::testing {
INSTANTIATE_TEST_SUITE_P(Postgres, StoreContract, ::testing::Values(StoreHarnessFactory{integration::make_harness}));
}  // namespace vcity::ports::testing

namespace vcity::integration {
namespace {

class PostgresStores : public testing::Test {
  protected:
    PostgresHarness runner_;
    std::string space_ = fresh_space();
};

TEST_F(PostgresStores, RefuseABadSpaceAndAnUnknownServer) {
    for (const char* space : {"", "Big", "a b", "x;y"}) {
        EXPECT_EQ(PostgresStore::open(options(space)).error().code, Errc::kInvalid);
    }
    PostgresStoreOptions nowhere = options(space_);
    nowhere.uri = "postgresql:///postgres?user=vcity&host=/nonexistent";
    EXPECT_EQ(PostgresStore::open(nowhere).error().code, Errc::kUnavailable);
}

TEST_F(PostgresStores, OfOneSpaceSeeEachOtherAndOfAnotherNothing) {
    const auto one = open(options(space_));
    const auto two = open(options(space_));
    const auto other = open(options(fresh_space()));
    ASSERT_TRUE(await(runner_, one->commit(put("a", "1"))));
    EXPECT_EQ(**await(runner_, two->get("a")), bytes_of("1"));
    EXPECT_EQ(await(runner_, other->get("a")).value(), std::nullopt);
    EXPECT_EQ(await(runner_, two->commit(expecting(put("a", "2"), "a", std::nullopt))).error().code, Errc::kConflict);
}

// Every thread is a process's worth: its own store, its own runtime. Each adds to a counter by compare-and-set and
// claims names that only one may have.
TEST_F(PostgresStores, LoseNoUpdateAndGrantNoNameTwice) {
    constexpr int kThreads = 4;
    constexpr int kRounds = 60;
    ASSERT_TRUE(await(runner_, runner_.store().commit(put("unused", ""))));
    std::atomic<int> added{0};
    std::atomic<int> granted{0};
    std::atomic<int> guarded{0};
    std::vector<std::thread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
        threads.emplace_back([&, thread] {
            PostgresHarness own;
            const auto store = open(options(space_));
            for (int round = 0; round < kRounds; ++round) {
                const auto before = await(own, store->get("counter")).value();
                const int count = before ? std::stoi(std::string{as_text(*before)}) : 0;
                if (await(own,
                          store->commit(expecting(put("counter", std::to_string(count + 1)), "counter", before)))) {
                    ++added;
                }
                const std::string name = "name/" + std::to_string(round);
                if (await(own, store->commit(expecting(put(name, std::to_string(thread)), name, std::nullopt)))) {
                    ++granted;
                }
                // Only who finds the guard absent may write the flag, and the first one to do so puts the guard.
                StoreChange guard = expecting(put("guard/" + std::to_string(round), "x"), name + "/gone", std::nullopt);
                guard.puts.push_back({name + "/gone", bytes_of("x")});
                if (await(own, store->commit(std::move(guard)))) ++guarded;
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    const auto store = open(options(space_));
    EXPECT_EQ(std::string{as_text(*await(runner_, store->get("counter")).value())}, std::to_string(added.load()));
    EXPECT_GE(added, kRounds);
    EXPECT_EQ(granted, kRounds);
    EXPECT_EQ(guarded, kRounds);
}

TEST_F(PostgresStores, GiveAnExclusiveSpaceToOneProcessAtATime) {
    PostgresStoreOptions alone = options(space_);
    alone.exclusive = true;
    auto first = open(alone);
    ASSERT_TRUE(await(runner_, first->commit(put("a", "1"))));
    EXPECT_EQ(PostgresStore::open(alone).error().code, Errc::kConflict);
    // The first one loses its session, and the second one is there before it is back.
    server().kill();
    server().start();
    const auto second = open(alone);
    EXPECT_EQ(await(runner_, first->commit(put("a", "stale"))).error().code, Errc::kUnavailable);
    EXPECT_EQ(await(runner_, first->commit(put("a", "stale"))).error().code, Errc::kDenied);
    ASSERT_TRUE(await(runner_, second->commit(put("b", "2"))));
    EXPECT_EQ(**await(runner_, second->get("a")), bytes_of("1"));
}

TEST_F(PostgresStores, GoOnAfterTheServerWasKilledAndKeepWhatWasCommitted) {
    const auto store = open(options(space_));
    for (int round = 0; round < 3; ++round) {
        const std::string key = "kept/" + std::to_string(round);
        ASSERT_TRUE(await(runner_, store->commit(put(key, "1"))));
        server().kill();
        EXPECT_EQ(await(runner_, store->commit(put("lost", "1"))).error().code, Errc::kUnavailable);
        EXPECT_FALSE(await(runner_, store->get(key)));
        server().start();
        EXPECT_EQ(*await(runner_, store->get(key)).value(), bytes_of("1"));
        EXPECT_TRUE(await(runner_, store->commit(put("again", "1"))));
    }
}

TEST_F(PostgresStores, DoNotWaitForAServerThatStandsStill) {
    PostgresStoreOptions impatient = options(space_);
    impatient.patience = 500ms;
    const auto store = open(impatient);
    ASSERT_TRUE(await(runner_, store->commit(put("a", "1"))));
    ASSERT_TRUE(await(runner_, store->get("a")));
    server().pause();
    EXPECT_EQ(await(runner_, store->commit(put("a", "2"))).error().code, Errc::kTimeout);
    EXPECT_EQ(await(runner_, store->get("a")).error().code, Errc::kTimeout);
    server().resume();
    EXPECT_TRUE(await(runner_, store->get("a")));
    EXPECT_TRUE(await(runner_, store->commit(put("a", "3"))));
}

}  // namespace
}  // namespace vcity::integration
