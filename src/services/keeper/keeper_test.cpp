// SPDX-License-Identifier: Apache-2.0
#include "services/keeper/keeper.hpp"

#include <memory>

#include <gtest/gtest.h>

#include "sim/fakes/upkeep.hpp"
#include "sim/runtime.hpp"

namespace vcity::keeper {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kSteps = 5'000'000;
constexpr std::uint64_t kHour = 3'600;

// Keepers of one network, each a process of its own.
class Network {
  public:
    explicit Network(std::uint64_t seed) : world_{seed}, duties{&world_} {
        duties.add(DutyKind::kObserveOracle, 60);
        duties.add(DutyKind::kBuyBack, 600);
        duties.add(DutyKind::kClosePeriod, kHour);
    }

    struct One {
        One(Network* network, std::string name)
            : process{&network->world_, std::move(name)},
              upkeep{&process, &network->duties},
              keeper{{.runtime = &process, .upkeep = &upkeep, .metrics = &null_metrics(), .log = Log{nullptr, ""}},
                     {}} {
            process.spawn(serve(this));
        }

        static Task<void> serve(One* one) { one->ended = co_await one->keeper.run(); }

        sim::SimProcess process;
        sim::FakeUpkeep upkeep;
        Keeper keeper;
        std::optional<Result<void>> ended;
    };

    One* start(std::string name) {
        keepers_.push_back(std::make_unique<One>(this, std::move(name)));
        return keepers_.back().get();
    }
    void kill(One* one) {
        one->process.crash();
        std::erase_if(keepers_, [one](const auto& each) { return each.get() == one; });
    }
    void pass(Duration time) { world_.run_until(world_.now() + time, kSteps); }

    sim::SimRuntime world_;
    sim::FakeDuties duties;

  private:
    std::vector<std::unique_ptr<One>> keepers_;
};

// How often a duty took effect, compared with how often it fell due while somebody could do it.
void expect_kept(const Network& network, DutyKind kind, std::uint64_t seconds) {
    const sim::FakeDuties::Schedule& schedule = network.duties.of(kind);
    const std::uint64_t slack = 30;
    EXPECT_GE(schedule.effects, seconds / (schedule.interval_seconds + slack)) << to_string(kind);
    EXPECT_LE(schedule.effects, seconds / schedule.interval_seconds) << to_string(kind);
}

TEST(Keeper, DoesEverythingInTimeAndNothingTooOften) {
    Network network{1};
    network.start("one");
    network.pass(std::chrono::hours{10});

    for (const DutyKind kind : {DutyKind::kObserveOracle, DutyKind::kBuyBack, DutyKind::kClosePeriod}) {
        expect_kept(network, kind, 10 * kHour);
        EXPECT_EQ(network.duties.of(kind).refused, 0U);
    }
}

TEST(Keeper, MayRunTwice) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        Network network{seed};
        const Network::One* one = network.start("one");
        const Network::One* two = network.start("two");
        network.duties.faults.unavailable_per_mille = 100;
        network.duties.faults.lost_answer_per_mille = 100;
        network.pass(std::chrono::hours{3});

        for (const DutyKind kind : {DutyKind::kObserveOracle, DutyKind::kBuyBack, DutyKind::kClosePeriod}) {
            expect_kept(network, kind, 3 * kHour);
            // The stagger leaves few races, and the chain refuses the loser of each.
            EXPECT_LE(network.duties.of(kind).refused, network.duties.of(kind).effects / 2) << "seed " << seed;
        }
        EXPECT_TRUE(one->keeper.is_ready());
        EXPECT_TRUE(two->keeper.is_ready());
    }
}

TEST(Keeper, IsReplacedByTheOther) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        Network network{seed};
        Network::One* one = network.start("one");
        network.start("two");
        network.pass(std::chrono::minutes{61} + std::chrono::milliseconds{seed * 137});
        network.kill(one);
        network.pass(std::chrono::hours{2});

        expect_kept(network, DutyKind::kBuyBack, 3 * kHour);
        expect_kept(network, DutyKind::kClosePeriod, 3 * kHour);
    }
}

TEST(Keeper, IsNotHeldUpByOneKindThatFails) {
    Network network{3};
    const Network::One* one = network.start("one");
    network.duties.faults.broken = {DutyKind::kBuyBack};
    network.pass(std::chrono::hours{2});

    EXPECT_EQ(network.duties.of(DutyKind::kBuyBack).effects, 0U);
    expect_kept(network, DutyKind::kObserveOracle, 2 * kHour);
    EXPECT_FALSE(one->keeper.is_ready());

    network.duties.faults.broken.clear();
    network.pass(std::chrono::minutes{10});
    EXPECT_EQ(network.duties.of(DutyKind::kBuyBack).effects, 1U);
    EXPECT_TRUE(one->keeper.is_ready());
}

TEST(Keeper, LeavesAloneWhatItIsNotAskedToDo) {
    sim::SimRuntime world{4};
    sim::FakeDuties duties{&world};
    duties.add(DutyKind::kBuyBack, 60);
    duties.add(DutyKind::kUpdateFee, 60);
    sim::SimProcess process{&world, "one"};
    sim::FakeUpkeep upkeep{&process, &duties};
    KeeperOptions options;
    options.kinds = {DutyKind::kUpdateFee, DutyKind::kMoveCase, DutyKind::kUpdateFee};
    Keeper keeper{{.runtime = &process, .upkeep = &upkeep, .metrics = &null_metrics(), .log = Log{nullptr, ""}},
                  options};
    process.spawn([](Keeper* one) -> Task<void> { (void)co_await one->run(); }(&keeper));
    world.run_until(world.now() + 10min, kSteps);

    EXPECT_EQ(duties.of(DutyKind::kBuyBack).effects, 0U);
    EXPECT_GT(duties.of(DutyKind::kUpdateFee).effects, 5U);
    process.crash();
}

TEST(Keeper, StopsWithinASecondWhenNothingIsBeingSent) {
    Network network{5};
    Network::One* one = network.start("one");
    network.pass(std::chrono::minutes{5});

    one->keeper.stop();
    network.pass(std::chrono::seconds{1});

    ASSERT_TRUE(one->ended.has_value());
    EXPECT_TRUE(one->ended->has_value());
}

}  // namespace
}  // namespace vcity::keeper
