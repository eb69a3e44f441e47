// SPDX-License-Identifier: Apache-2.0
#include "services/node/home/keeper.hpp"

#include <gtest/gtest.h>

#include "async/task_group.hpp"
#include "services/node/home/bandwidth.hpp"
#include "sim/fakes/files.hpp"
#include "sim/runtime.hpp"

namespace vcity::node {
namespace {

using namespace std::chrono_literals;

class FakeActivity final : public ports::OwnerActivity {
  public:
    Task<Result<ports::ActivitySample>> sample() override {
        ++samples;
        co_return now;
    }
    Result<ports::ActivitySample> now = ports::ActivitySample{};
    int samples = 0;
};

class FakePower final : public ports::GpuPower {
  public:
    Task<Result<void>> limit(std::string uuid, double watts) override {
        if (uuid == "GPU-denied") co_return make_error(Errc::kDenied, "not root");
        watts_of[uuid] = watts;
        co_return Result<void>{};
    }
    std::map<std::string, double> watts_of;
};

class HomeKeeperTest : public testing::Test {
  protected:
    HomeKeeper& make(HomeKeeper::Terms terms) {
        HomeKeeper::Parts parts;
        parts.runtime = &world;
        parts.activity = &activity;
        parts.power = &power;
        parts.minute_of_week = [this](UnixMillis) { return minute; };
        parts.pause = [this](std::string reason) { said.push_back(std::move(reason)); };
        keeper = std::make_unique<HomeKeeper>(std::move(parts), std::move(terms));
        world.spawn(keeper->run());
        return *keeper;
    }
    void pass(Duration duration) { world.run_until(world.now() + duration, 100'000); }
    ~HomeKeeperTest() override {
        if (keeper != nullptr) keeper->stop();
        pass(1s);
    }

    sim::SimRuntime world{1};
    FakeActivity activity;
    FakePower power;
    std::uint32_t minute = 0;
    std::vector<std::string> said;
    std::unique_ptr<HomeKeeper> keeper;
};

HomeKeeper::Terms heedful() {
    HomeKeeper::Terms terms;
    terms.rules.pauses_when_used = true;
    return terms;
}

TEST_F(HomeKeeperTest, SaysOnceThatTheOwnerCameAndOnceThatTheMachineIsFree) {
    make(heedful());
    pass(20s);
    EXPECT_TRUE(said.empty());

    activity.now->input_idle = 1s;
    pass(30s);
    EXPECT_EQ(said, std::vector<std::string>{"the owner is using the machine"});
    activity.now->input_idle = 10min;
    pass(3min);

    EXPECT_EQ(said, (std::vector<std::string>{"the owner is using the machine", ""}));
}

TEST_F(HomeKeeperTest, AReasonThatOnlyChangesItsFiguresIsNoNews) {
    make(heedful());
    activity.now->others_cores = 3;
    pass(20s);
    activity.now->others_cores = 4;
    pass(20s);

    EXPECT_EQ(said.size(), 1U);
    EXPECT_GT(activity.samples, 5);
}

TEST_F(HomeKeeperTest, WhatCannotBeSeenStopsNothing) {
    make(heedful());
    activity.now = make_error(Errc::kUnavailable, "no /proc");
    pass(1min);

    EXPECT_TRUE(said.empty());
}

TEST_F(HomeKeeperTest, HoursEndWhileNobodyIsThere) {
    HomeKeeper::Terms terms;
    terms.rules.hours = {{.from = 0, .to = 60}};
    make(std::move(terms));
    pass(10s);
    EXPECT_TRUE(said.empty());

    minute = 60;
    pass(10s);

    ASSERT_EQ(said.size(), 1U);
    EXPECT_NE(said[0].find("hours"), std::string::npos);
}

TEST_F(HomeKeeperTest, HoldsPowerWhileItRunsAndGivesItBack) {
    HomeKeeper::Terms terms;
    terms.power = {{"GPU-a", {.watts = 250, .watts_before = 450}}, {"GPU-denied", {.watts = 1, .watts_before = 2}}};
    make(std::move(terms));
    pass(1s);
    EXPECT_EQ(power.watts_of, (std::map<std::string, double>{{"GPU-a", 250}}));

    keeper->stop();
    pass(1s);

    EXPECT_EQ(power.watts_of, (std::map<std::string, double>{{"GPU-a", 450}}));
}

TEST(TokenBucket, NeverLetsMoreThanItsRateAndABurstThrough) {
    TokenBucket bucket{1000};
    const TimePoint start{1h};
    TimePoint now = start;
    std::uint64_t sent = 0;
    for (int turn = 0; turn < 200; ++turn) {
        const std::uint64_t bytes = 1U + static_cast<std::uint64_t>(turn * 37 % 400);
        now = std::max(now, bucket.take(bytes, now));
        sent += bytes;
        const double seconds = std::chrono::duration<double>(now - start).count();
        EXPECT_LE(static_cast<double>(sent), 1000 * (seconds + 1) + 1);
        if (turn % 50 == 0) now += 10s;  // being quiet saves up no more than a second
    }
    EXPECT_GT(static_cast<double>(sent), 1000 * (std::chrono::duration<double>(now - start).count() - 42));
}

class CountingSink final : public ports::FileSink {
  public:
    Task<Result<void>> write(Bytes bytes) override {
        size += bytes.size();
        co_return Result<void>{};
    }
    Task<Result<void>> close() override { co_return Result<void>{}; }
    std::size_t size = 0;
};

// Hands a file over in pieces, as a network does.
class PieceTransfer final : public ports::Transfer {
  public:
    Task<Result<void>> fetch(ports::RemoteFile file, ports::FileSink* sink, TimePoint /*deadline*/) override {
        for (std::uint64_t done = 0; done < file.bytes; done += kPiece) {
            Bytes piece(kPiece);
            CO_TRY_OK(co_await sink->write(std::move(piece)));
        }
        co_return co_await sink->close();
    }
    Task<Result<void>> put(ports::RemoteFile file, ports::FileSource* source, TimePoint /*deadline*/) override {
        for (std::uint64_t done = 0; done < file.bytes; done += kPiece) {
            CO_TRY(const Bytes piece, co_await source->read(done, kPiece));
        }
        co_return Result<void>{};
    }

  private:
    static constexpr std::size_t kPiece = 1000;
};

class ZeroSource final : public ports::FileSource {
  public:
    std::uint64_t size() const override { return 1U << 30U; }
    Task<Result<Bytes>> read(std::uint64_t /*offset*/, std::size_t max) override {
        Bytes bytes(max);
        co_return bytes;
    }
};

Task<void> move_all(CappedTransfer* transfer, ports::FileSink* sink, ports::FileSource* source, bool* is_done) {
    ports::RemoteFile file;
    file.bytes = 20'000;
    const TimePoint deadline{};
    Result<void> done;
    if (sink != nullptr) {
        done = co_await transfer->fetch(file, sink, deadline);
    } else {
        done = co_await transfer->put(file, source, deadline);
    }
    *is_done = done.has_value();
}

TEST(CappedTransfer, TakesAsLongAsTheOwnersLineMayBeUsed) {
    sim::SimRuntime world{1};
    PieceTransfer inner;
    CappedTransfer capped{&world, &inner, {.down_bytes_per_second = 1000, .up_bytes_per_second = 4000}};
    CountingSink sink;
    ZeroSource source;
    bool is_down = false;
    bool is_up = false;
    world.spawn(move_all(&capped, &sink, nullptr, &is_down));
    world.spawn(move_all(&capped, nullptr, &source, &is_up));

    world.run_until(world.now() + 3900ms, 100'000);
    EXPECT_FALSE(is_up);
    world.run_until(world.now() + 200ms, 100'000);
    EXPECT_TRUE(is_up);
    world.run_until(world.now() + 14s, 100'000);
    EXPECT_FALSE(is_down);
    world.run_until(world.now() + 2s, 100'000);
    EXPECT_TRUE(is_down);
    EXPECT_EQ(sink.size, 20'000U);
}

}  // namespace
}  // namespace vcity::node
