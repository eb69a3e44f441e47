// SPDX-License-Identifier: Apache-2.0
#include "services/common/epoch_book.hpp"

#include <gtest/gtest.h>

#include "sim/fakes/store.hpp"

namespace vcity::services {
namespace {

using namespace std::chrono_literals;

Task<void> admit_one(EpochBook* book, Address scheduler, std::uint64_t epoch, std::optional<Result<void>>* out) {
    *out = co_await book->admit(scheduler, epoch);
}

class EpochBookTest : public ::testing::Test {
  protected:
    Result<void> admit(EpochBook* book, std::uint64_t epoch) {
        std::optional<Result<void>> done;
        world_.spawn(admit_one(book, scheduler_, epoch, &done));
        world_.run_until(world_.now() + 20s, 10'000);
        return *done;
    }

    sim::SimRuntime world_{1};
    sim::FakeDisk disk_{&world_};
    sim::FakeStore store_{&world_, &disk_};
    Address scheduler_;
};

TEST_F(EpochBookTest, RefusesASmallerEpochThanOneItHasSeen) {
    EpochBook book{&world_, nullptr};
    EXPECT_TRUE(admit(&book, 0).has_value());
    EXPECT_TRUE(admit(&book, 4).has_value());
    EXPECT_TRUE(admit(&book, 4).has_value());
    EXPECT_EQ(admit(&book, 3).error().code, Errc::kConflict);
    EXPECT_TRUE(admit(&book, 9).has_value());

    scheduler_.bytes.fill(7);
    EXPECT_TRUE(admit(&book, 1).has_value());
}

TEST_F(EpochBookTest, RemembersAcrossARestart) {
    EpochBook before{&world_, &store_};
    EXPECT_TRUE(admit(&before, 4).has_value());

    EpochBook after{&world_, &store_};
    EXPECT_EQ(admit(&after, 3).error().code, Errc::kConflict);
    EXPECT_TRUE(admit(&after, 5).has_value());
}

TEST_F(EpochBookTest, DoesNotActUnderAnEpochThatItCouldNotKeep) {
    EpochBook book{&world_, &store_};
    EXPECT_TRUE(admit(&book, 1).has_value());
    disk_.faults.failures_per_mille = 1000;
    EXPECT_FALSE(admit(&book, 2).has_value());
    disk_.faults.failures_per_mille = 0;

    EpochBook after{&world_, &store_};
    EXPECT_TRUE(admit(&after, 2).has_value());
}

TEST_F(EpochBookTest, ADamagedRecordIsReported) {
    ports::StoreChange change;
    change.puts.push_back({epoch_key(scheduler_), Bytes{1}});
    world_.spawn([](ports::Store* store, ports::StoreChange damage) -> Task<void> {
        const Result<void> done = co_await store->commit(std::move(damage));
        EXPECT_TRUE(done.has_value());
    }(&store_, change));
    world_.run_until(world_.now() + 1s, 1'000);
    EpochBook book{&world_, &store_};

    EXPECT_EQ(admit(&book, 2).error().code, Errc::kCorrupt);
}

}  // namespace
}  // namespace vcity::services
