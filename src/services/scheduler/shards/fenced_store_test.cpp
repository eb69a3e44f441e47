// SPDX-License-Identifier: Apache-2.0
#include "services/scheduler/shards/fenced_store.hpp"

#include <gtest/gtest.h>

#include "services/common/record.hpp"
#include "sim/fakes/database.hpp"

namespace vcity::scheduler {
namespace {

using namespace std::chrono_literals;

Bytes text(std::string_view value) {
    return {value.begin(), value.end()};
}

Task<void> commit_to(ports::Store* store, ports::StoreChange change, std::optional<Result<void>>* out) {
    *out = co_await store->commit(std::move(change));
}

Task<void> read_from(ports::Store* store, std::optional<Errc>* out) {
    const Result<std::optional<Bytes>> found = co_await store->get("key");
    if (!found) *out = found.error().code;
}

Task<void> take(ShardLease* lease) {
    const Result<void> got = co_await lease->acquire();
    EXPECT_TRUE(got.has_value());
    co_await lease->keep();
}

ports::StoreChange put(std::string key, std::string_view value) {
    ports::StoreChange change;
    change.puts.push_back({std::move(key), text(value)});
    return change;
}

class FencedStoreTest : public ::testing::Test {
  protected:
    FencedStoreTest() {
        ShardLeaseOptions options;
        options.owner = "here";
        lease_ = std::make_unique<ShardLease>(&process_, inner_.get(), options, Log{nullptr, "lease"});
        lease_->on_lost([this](const std::string&) { ++lost_; });
        process_.spawn(take(lease_.get()));
        pass(100ms);
        fenced_ = std::make_unique<FencedStore>(&process_, inner_.get(), lease_.get());
    }
    void pass(Duration time) { world_.run_until(world_.now() + time, 1'000'000); }
    std::optional<Result<void>> commit(ports::Store* store, ports::StoreChange change) {
        std::optional<Result<void>> done;
        world_.spawn(commit_to(store, std::move(change), &done));
        pass(200ms);
        return done;
    }
    // What another process does when it takes over.
    void take_over() {
        ShardEpoch record{.epoch = 2, .owner = "there", .nonce = {}};
        ports::StoreChange change;
        change.puts.push_back({std::string{kShardEpochKey}, encode(record)});
        EXPECT_TRUE(commit(other_.get(), std::move(change))->has_value());
    }

    sim::SimRuntime world_{3};
    sim::SimProcess process_{&world_, "here"};
    sim::FakeDatabase database_{&world_};
    std::unique_ptr<ports::Store> inner_ = database_.connect(&process_, "here");
    std::unique_ptr<ports::Store> other_ = database_.connect(&world_, "there");
    std::unique_ptr<ShardLease> lease_;
    std::unique_ptr<FencedStore> fenced_;
    int lost_ = 0;
};

TEST_F(FencedStoreTest, WritesAndReadsUnderItsLease) {
    EXPECT_TRUE(commit(fenced_.get(), put("key", "value"))->has_value());
    EXPECT_EQ(database_.disk()->find("key"), text("value"));
    std::optional<Errc> refused;
    world_.spawn(read_from(fenced_.get(), &refused));
    pass(100ms);
    EXPECT_FALSE(refused);
}

TEST_F(FencedStoreTest, RefusesForGoodAfterATakeover) {
    take_over();
    const auto done = commit(fenced_.get(), put("key", "late"));

    EXPECT_EQ(done->error().code, Errc::kDenied);
    EXPECT_EQ(database_.disk()->find("key"), std::nullopt);
    EXPECT_EQ(lost_, 1);
    EXPECT_FALSE(lease_->is_held());
    std::optional<Errc> refused;
    world_.spawn(read_from(fenced_.get(), &refused));
    pass(100ms);
    EXPECT_EQ(refused, Errc::kDenied);
}

TEST_F(FencedStoreTest, TellsACallersConflictFromItsOwn) {
    ports::StoreChange change = put("key", "value");
    change.expectations.push_back({"key", text("something else")});
    EXPECT_EQ(commit(fenced_.get(), change)->error().code, Errc::kConflict);
    EXPECT_TRUE(lease_->is_held());

    take_over();
    EXPECT_EQ(commit(fenced_.get(), change)->error().code, Errc::kDenied);
    EXPECT_FALSE(lease_->is_held());
}

TEST_F(FencedStoreTest, WritesNothingOnceTheLeaseHasRunOutByItsClock) {
    std::optional<Result<void>> done;
    process_.pause(world_.now() + 3s);
    pass(3s);
    // Before anything of the process has run again, nobody has taken over.
    const std::uint64_t version = database_.disk()->version();
    world_.spawn(commit_to(fenced_.get(), put("key", "late"), &done));
    pass(200ms);

    EXPECT_EQ(done->error().code, Errc::kDenied);
    EXPECT_EQ(database_.disk()->version(), version);
    EXPECT_EQ(lost_, 1);
}

TEST_F(FencedStoreTest, OfAnOlderTenureRefusesUnderTheNext) {
    world_.spawn(lease_->release());
    pass(1s);
    process_.spawn(take(lease_.get()));
    pass(1s);
    ASSERT_TRUE(lease_->is_held());

    EXPECT_EQ(commit(fenced_.get(), put("key", "late"))->error().code, Errc::kDenied);
    EXPECT_TRUE(lease_->is_held());
    EXPECT_EQ(lost_, 0);
}

// --- Many processes, random pauses, partitions, slow and lost answers, clocks that run at different rates: whatever
// happens, the changes that count come in the order of the epochs, and no two processes hold the shard at one moment.

struct Contender {
    Contender(sim::SimRuntime* world, sim::FakeDatabase* database, const std::string& name)
        : process{world, name}, store{database->connect(&process, name)} {
        ShardLeaseOptions options;
        options.owner = name;
        lease = std::make_unique<ShardLease>(&process, store.get(), options, Log{nullptr, "lease"});
    }

    // Takes, works without a pause, is lost or gives up, again and again.
    static Task<void> live(Contender* self) {
        while (true) {
            const Result<void> got = co_await self->lease->acquire();
            if (!got) co_return;
            ++self->tenures;
            TaskGroup group{&self->process};
            FencedStore fenced{&self->process, self->store.get(), self->lease.get()};
            group.spawn(work(self, &fenced));
            co_await self->lease->keep();
            while (group.running() > 0) {
                const Result<void> joined = co_await group.join(self->process.now() + 1min);
                EXPECT_TRUE(joined.has_value());
            }
        }
    }
    static Task<void> work(Contender* self, FencedStore* fenced) {
        const std::uint64_t epoch = self->lease->epoch();
        while (self->lease->is_held()) {
            services::RecordWriter writer{epoch};
            ports::StoreChange change;
            change.puts.push_back({"work", writer.take()});
            const Result<void> done = co_await fenced->commit(std::move(change));
            if (done) self->successes.push_back(epoch);
            const bool gives_up = self->process.world().chance(1, 400);
            if (gives_up) {
                co_await self->lease->release();
            }
            co_await self->process.sleep_until(self->process.now() + self->process.world().draw_between(1ms, 60ms));
        }
    }

    sim::SimProcess process;
    std::unique_ptr<ports::Store> store;
    std::unique_ptr<ShardLease> lease;
    std::vector<std::uint64_t> successes;
    int tenures = 0;
};

struct Trouble {
    sim::SimRuntime* world;
    sim::FakeDatabase* database;
    std::vector<std::unique_ptr<Contender>>* contenders;

    void strike() const {
        Contender& victim = *(*contenders)[world->draw(contenders->size())];
        const TimePoint until = world->now() + world->draw_between(10ms, 7s);
        switch (world->draw(4)) {
            case 0: victim.process.pause(until); break;
            case 1: database->cut(victim.process.name(), until); break;
            case 2:
                database->faults.breaks_per_mille = world->draw(120);
                database->faults.slow_per_mille = world->draw(15);
                break;
            case 3: victim.process.set_skew(std::chrono::milliseconds{world->draw(1'000'000)}); break;
        }
        const Trouble self = *this;
        world->call_at(world->now() + world->draw_between(50ms, 4s), [self] { self.strike(); });
    }
};

// The violation that a run of this seed shows, or how many tenures there were.
struct RaceOutcome {
    bool has_overlapped = false;
    bool has_gone_back = false;
    int tenures = 0;
    std::size_t successes = 0;
};

RaceOutcome race(std::uint64_t seed, bool skips_fence) {
    sim::SimRuntime world{seed};
    sim::FakeDatabase database{&world};
    if (skips_fence) database.faults.ignores_expectations_on = std::string{kShardEpochKey};
    std::vector<std::unique_ptr<Contender>> contenders;
    for (const char* name : {"a", "b", "c"}) {
        contenders.push_back(std::make_unique<Contender>(&world, &database, name));
        contenders.back()->process.set_drift(static_cast<std::int64_t>(world.draw(60'000)) - 30'000);
        contenders.back()->process.spawn(Contender::live(contenders.back().get()));
    }
    RaceOutcome outcome;
    std::uint64_t newest = 0;
    database.set_observer([&](const std::string& /*client*/, const ports::StoreChange& change) {
        for (const ports::StoreEntry& entry : change.puts) {
            if (entry.key != "work") continue;
            services::RecordReader reader{entry.value};
            const std::uint64_t epoch = reader.integer();
            if (epoch < newest) outcome.has_gone_back = true;
            newest = std::max(newest, epoch);
        }
    });
    world.set_after_step([&] {
        int held = 0;
        for (const auto& contender : contenders) held += contender->lease->is_held() ? 1 : 0;
        if (held > 1) outcome.has_overlapped = true;
    });
    const Trouble trouble{&world, &database, &contenders};
    trouble.strike();
    world.run_until(TimePoint{} + 60s, 2'000'000);
    for (const auto& contender : contenders) {
        outcome.tenures += contender->tenures;
        outcome.successes += contender->successes.size();
    }
    // Their tasks end before what they use.
    for (const auto& contender : contenders) contender->process.crash();
    return outcome;
}

TEST(ShardProperty, NeverTwoHoldersWhoseChangesBothCount) {
    int tenures = 0;
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        const RaceOutcome outcome = race(seed, false);
        tenures += outcome.tenures;
        EXPECT_FALSE(outcome.has_overlapped) << "seed " << seed;
        EXPECT_FALSE(outcome.has_gone_back) << "seed " << seed;
        EXPECT_GT(outcome.successes, 100U) << "seed " << seed;
    }
    EXPECT_GT(tenures, 20);
}

TEST(ShardProperty, WithoutTheFenceAnOldOwnersChangesWouldCount) {
    bool has_gone_back = false;
    for (std::uint64_t seed = 1; seed <= 40 && !has_gone_back; ++seed) has_gone_back = race(seed, true).has_gone_back;
    EXPECT_TRUE(has_gone_back);
}

}  // namespace
}  // namespace vcity::scheduler
