// SPDX-License-Identifier: Apache-2.0
#include "services/scheduler/shards/shard_lease.hpp"

#include <gtest/gtest.h>

#include "sim/fakes/database.hpp"

namespace vcity::scheduler {
namespace {

using namespace std::chrono_literals;

constexpr Duration kTtl = 2500ms;

// A process that wants one shard.
struct Candidate {
    Candidate(sim::SimRuntime* world, sim::FakeDatabase* database, std::string name, bool is_home)
        : process{world, name}, store{database->connect(&process, name)} {
        ShardLeaseOptions options;
        options.owner = name;
        options.is_home = is_home;
        lease = std::make_unique<ShardLease>(&process, store.get(), options, Log{nullptr, "lease"});
        lease->on_lost([this](const std::string& why) { lost = why; });
    }

    static Task<void> live(Candidate* self) {
        const Result<void> got = co_await self->lease->acquire();
        if (!got) {
            self->error = got.error().code;
            co_return;
        }
        const Error ended = co_await self->lease->keep();
        self->error = ended.code;
    }
    void start() { process.spawn(live(this)); }
    bool is_held() const { return lease->is_held(); }

    sim::SimProcess process;
    std::unique_ptr<ports::Store> store;
    std::unique_ptr<ShardLease> lease;
    std::string lost;
    std::optional<Errc> error;
};

class ShardLeaseTest : public ::testing::Test {
  protected:
    void pass(Duration time) { world_.run_until(world_.now() + time, 1'000'000); }

    sim::SimRuntime world_{7};
    sim::FakeDatabase database_{&world_};
    Candidate home_{&world_, &database_, "home", true};
    Candidate standby_{&world_, &database_, "standby", false};
};

TEST_F(ShardLeaseTest, HomeTakesANewShardAtOnce) {
    standby_.start();
    home_.start();
    pass(100ms);

    EXPECT_TRUE(home_.is_held());
    EXPECT_EQ(home_.lease->epoch(), 1U);
    pass(1min);
    EXPECT_TRUE(home_.is_held());
    EXPECT_FALSE(standby_.is_held());
    EXPECT_EQ(standby_.lease->seen().owner, "home");
}

TEST_F(ShardLeaseTest, AStandbyTakesANewShardWhenNobodyElseDoes) {
    standby_.start();
    pass(kTtl - 100ms);
    EXPECT_FALSE(standby_.is_held());
    pass(600ms);

    EXPECT_TRUE(standby_.is_held());
}

TEST_F(ShardLeaseTest, AStandbyTakesOverFromTheDeadUnderAGreaterEpoch) {
    home_.start();
    standby_.start();
    pass(10s);
    home_.process.crash();
    pass(kTtl / 2);
    EXPECT_FALSE(standby_.is_held());
    pass(kTtl / 2 + 1s);

    EXPECT_TRUE(standby_.is_held());
    EXPECT_EQ(standby_.lease->epoch(), 2U);
}

TEST_F(ShardLeaseTest, AShardThatWasGivenUpIsTakenInAMoment) {
    home_.start();
    standby_.start();
    pass(10s);
    home_.process.spawn(home_.lease->release());
    EXPECT_TRUE(home_.is_held());
    pass(300ms);

    EXPECT_FALSE(home_.is_held());
    EXPECT_TRUE(standby_.is_held());
    EXPECT_EQ(home_.lost, "");
    EXPECT_EQ(home_.error, Errc::kDenied);
}

TEST_F(ShardLeaseTest, AnOwnerThatCannotReachTheStoreGivesUpBeforeOthersTakeOver) {
    home_.start();
    standby_.start();
    pass(10s);
    database_.cut("home", world_.now() + 1min);
    bool has_overlapped = false;
    std::optional<TimePoint> given_up;
    std::optional<TimePoint> taken;
    world_.set_after_step([&] {
        has_overlapped = has_overlapped || (home_.is_held() && standby_.is_held());
        if (!home_.is_held() && !given_up) given_up = world_.now();
        if (standby_.is_held() && !taken) taken = world_.now();
    });
    pass(5s);

    EXPECT_FALSE(has_overlapped);
    ASSERT_TRUE(given_up && taken);
    EXPECT_LT(*given_up, *taken);
    EXPECT_FALSE(home_.lost.empty());
}

TEST_F(ShardLeaseTest, APausedOwnerFindsItsLeaseLostWhenItWakes) {
    home_.start();
    standby_.start();
    pass(10s);
    home_.process.pause(world_.now() + 6s);
    pass(5s);
    EXPECT_FALSE(home_.is_held());  // by its clock, although it does not know yet
    EXPECT_TRUE(standby_.is_held());
    EXPECT_EQ(home_.lost, "");
    pass(2s);

    EXPECT_FALSE(home_.lost.empty());
    EXPECT_TRUE(standby_.is_held());
}

TEST_F(ShardLeaseTest, JumpsOfTheWallClockDoNotMatter) {
    home_.start();
    standby_.start();
    pass(5s);
    home_.process.set_skew(std::chrono::hours{-30});
    standby_.process.set_skew(std::chrono::hours{30});
    pass(10s);

    EXPECT_TRUE(home_.is_held());
    EXPECT_FALSE(standby_.is_held());
}

TEST_F(ShardLeaseTest, ASlowAnswerToATakeoverIsNoTakeover) {
    database_.cut("standby", world_.now() + 6s);
    standby_.start();
    pass(20s);

    EXPECT_TRUE(standby_.is_held());
    pass(1min);
    EXPECT_TRUE(standby_.is_held());
    EXPECT_EQ(standby_.lost, "");
}

TEST_F(ShardLeaseTest, AloneItTakesWhatIsThereAndKeepsItWithoutBeats) {
    home_.start();
    pass(3s);
    home_.process.crash();
    ShardLeaseOptions options;
    options.owner = "alone";
    options.is_alone = true;
    ShardLease lease{&standby_.process, standby_.store.get(), options, Log{nullptr, "lease"}};
    standby_.process.spawn([](ShardLease* mine) -> Task<void> {
        const Result<void> got = co_await mine->acquire();
        EXPECT_TRUE(got.has_value());
        co_await mine->keep();
    }(&lease));
    pass(100ms);
    EXPECT_TRUE(lease.is_held());
    const std::uint64_t version = database_.disk()->version();
    pass(1min);

    EXPECT_TRUE(lease.is_held());
    EXPECT_EQ(lease.epoch(), 2U);
    EXPECT_EQ(database_.disk()->version(), version);
    lease.stop();
    pass(1s);
}

TEST_F(ShardLeaseTest, ADamagedRecordIsReported) {
    ports::StoreChange change;
    change.puts.push_back({std::string{kShardEpochKey}, Bytes{1, 2, 3}});
    world_.spawn([](ports::Store* store, ports::StoreChange damage) -> Task<void> {
        const Result<void> done = co_await store->commit(std::move(damage));
        EXPECT_TRUE(done.has_value());
    }(standby_.store.get(), change));
    pass(1s);
    home_.start();
    pass(1s);

    EXPECT_EQ(home_.error, Errc::kCorrupt);
}

TEST(ShardEpoch, ReadsBackAsItWasWritten) {
    ShardEpoch record{.epoch = 7, .owner = "host:12", .nonce = {}};
    record.nonce.bytes.fill(9);
    const Bytes bytes = encode(record);

    EXPECT_EQ(parse_shard_epoch(bytes).value(), record);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_FALSE(parse_shard_epoch(ByteView{bytes}.first(size)).has_value());
    }
}

}  // namespace
}  // namespace vcity::scheduler
