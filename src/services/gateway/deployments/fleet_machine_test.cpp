// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/deployments/fleet_machine.hpp"

#include <algorithm>
#include <random>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace vcity::gateway {
namespace {

using std::chrono::seconds;

constexpr UnixMillis kStart{1'700'000'000'000};

FleetVersion a_version(std::uint16_t port = 8000) {
    FleetVersion version;
    version.job = codec::JsonObject{{"steps", codec::JsonArray{}}};
    version.group = "serve";
    version.port = port;
    version.readiness_path = "/health";
    version.ready_seconds = 60;
    version.replica_seconds = 3600;
    version.hourly_max = Usd{3'600'000};  // 1,000 a second
    return version;
}

Fleet a_fleet(std::uint32_t least, std::uint32_t most, std::uint64_t dollars) {
    Fleet fleet;
    fleet.id = "dep_1";
    fleet.name = "chat";
    fleet.request = codec::JsonObject{};
    fleet.terms.replicas_min = least;
    fleet.terms.replicas_max = most;
    fleet.terms.budget = Usd{dollars * 1'000'000};
    fleet.wanted = std::max(1U, least);
    return fleet;
}

// Nodes that do as they are told: whatever is ordered runs after a second and answers two seconds later.
class World {
  public:
    explicit World(Fleet fleet) : fleet_{std::move(fleet)} {}

    void pass(unsigned count) {
        for (unsigned second = 0; second < count; ++second) {
            now += seconds{1};
            turn();
        }
    }
    void turn() {
        for (const Replica& replica : std::vector<Replica>{fleet_.replicas}) serve(replica);
        reconcile();
    }
    void serve(const Replica& replica) {
        const bool is_good = !bad_versions.contains(replica.version);
        if (replica.job_id.is_zero()) {
            JobId job_id;
            job_id.bytes[0] = static_cast<std::uint8_t>(replica.number + 1);
            job_id.bytes[1] = 1;
            machine.on_ordered(&fleet_, replica.number, job_id);
            return;
        }
        ReplicaReport report;
        report.started_at = replica.started_at.count() == 0 ? now : replica.started_at;
        const auto ran = std::chrono::duration_cast<seconds>(now - report.started_at);
        const std::uint64_t lasted = std::min<std::uint64_t>(static_cast<std::uint64_t>(ran.count()), replica.seconds);
        report.charged = Usd{lasted * 1'000};
        report.has_ended = replica.state == ReplicaState::kStopping || lasted >= replica.seconds;
        report.reason = "its time is over";
        machine.on_report(&fleet_, replica.number, report, now);
        if (report.has_ended || ran < seconds{2}) return;
        machine.on_probe(&fleet_, replica.number, is_good, now);
    }
    void reconcile() {
        const auto ready = fleet_.count(ReplicaState::kReady);
        const std::uint32_t wanted = fleet_.desired();
        const auto before = fleet_.next_replica;
        machine.reconcile(&fleet_, now);
        const auto live = static_cast<std::uint32_t>(std::ranges::count_if(fleet_.replicas, &Replica::is_live));
        EXPECT_LE(fleet_.spent.micro + fleet_.reserved().micro, fleet_.terms.budget.micro);
        if (fleet_.next_replica > before) {
            EXPECT_LE(live, wanted + 1) << "a surge of more than one";
        }
        EXPECT_GE(fleet_.count(ReplicaState::kReady), std::min<std::size_t>(ready, wanted)) << "a ready one is missed";
        EXPECT_EQ(fleet_.count(ReplicaState::kReady) > 0 && !fleet_.is_paused && !fleet_.is_removed,
                  fleet_.state() == FleetState::kRunning);
    }
    std::vector<std::string> told() const {
        std::vector<std::string> kinds;
        for (const FleetEvent& event : fleet_.news) kinds.push_back(event.kind);
        return kinds;
    }
    bool has_told(std::string_view kind) const { return std::ranges::count(told(), kind) > 0; }
    std::uint32_t ready_of(std::uint32_t version) const {
        return static_cast<std::uint32_t>(std::ranges::count_if(fleet_.replicas, [&](const Replica& replica) {
            return replica.version == version && replica.state == ReplicaState::kReady;
        }));
    }

    Fleet fleet_;
    FleetMachine machine;
    UnixMillis now = kStart;
    std::set<std::uint32_t> bad_versions;
};

World a_world(std::uint32_t least, std::uint32_t most, std::uint64_t dollars = 100) {
    World world{a_fleet(least, most, dollars)};
    world.machine.deploy(&world.fleet_, a_version(), world.now);
    world.reconcile();
    return world;
}

TEST(FleetMachine, ADeploymentComesUpWithItsReplicas) {
    World world = a_world(2, 3);
    EXPECT_EQ(world.fleet_.state(), FleetState::kInitializing);
    EXPECT_EQ(world.fleet_.replicas.size(), 2U);
    world.pass(6);
    EXPECT_EQ(world.fleet_.state(), FleetState::kRunning);
    EXPECT_EQ(world.ready_of(1), 2U);
}

TEST(FleetMachine, ANewVersionTakesOverOneByOneAndNobodyIsMissed) {
    World world = a_world(3, 3);
    world.pass(6);
    world.machine.deploy(&world.fleet_, a_version(9000), world.now);
    world.pass(60);
    EXPECT_EQ(world.ready_of(2), 3U);
    EXPECT_EQ(world.fleet_.replicas.size(), 3U);
    EXPECT_FALSE(world.fleet_.is_rolling());
    EXPECT_TRUE(world.has_told("rolled_out"));
    EXPECT_EQ(world.fleet_.versions.size(), 1U);
}

TEST(FleetMachine, AVersionThatDoesNotBecomeReadyIsRolledBack) {
    World world = a_world(2, 2);
    world.pass(6);
    world.bad_versions.insert(2);
    world.machine.deploy(&world.fleet_, a_version(9000), world.now);
    world.pass(300);
    EXPECT_TRUE(world.has_told("rolled_back"));
    EXPECT_EQ(world.fleet_.target, 1U);
    EXPECT_EQ(world.ready_of(1), 2U);
    EXPECT_EQ(world.fleet_.replicas.size(), 2U);
}

TEST(FleetMachine, ADeploymentThatNeverWorksHasFailedAndIsTriedLessAndLess) {
    World world = a_world(1, 1);
    world.bad_versions.insert(1);
    world.pass(1'800);
    EXPECT_EQ(world.fleet_.state(), FleetState::kFailed);
    EXPECT_LT(world.fleet_.next_replica, 16U);
}

TEST(FleetMachine, ZeroIsReachedAndLeft) {
    World world = a_world(0, 2);
    world.pass(6);
    world.machine.set_wanted(&world.fleet_, 0, "no demand", world.now);
    world.pass(6);
    EXPECT_EQ(world.fleet_.state(), FleetState::kScaledToZero);
    EXPECT_TRUE(world.fleet_.replicas.empty());
    world.machine.set_wanted(&world.fleet_, 1, "a request came", world.now);
    world.pass(6);
    EXPECT_EQ(world.fleet_.state(), FleetState::kRunning);
}

TEST(FleetMachine, WhatIsBusyIsDrainedFirst) {
    World world = a_world(1, 1);
    world.pass(6);
    world.fleet_.replicas.front().active = 1;
    world.machine.set_paused(&world.fleet_, true, world.now);
    world.pass(20);
    EXPECT_EQ(world.fleet_.count(ReplicaState::kDraining), 1U);
    world.fleet_.replicas.front().active = 0;
    world.pass(3);
    EXPECT_TRUE(world.fleet_.replicas.empty());
    EXPECT_EQ(world.fleet_.state(), FleetState::kPaused);
    world.machine.set_paused(&world.fleet_, false, world.now);
    world.pass(6);
    EXPECT_EQ(world.fleet_.state(), FleetState::kRunning);
}

TEST(FleetMachine, AReplicaThatDoesNotAnswerIsReplaced) {
    World world = a_world(1, 1);
    world.pass(100);
    const std::uint64_t lost = world.fleet_.replicas.front().number;
    world.machine.on_broken(&world.fleet_, lost, world.now);
    EXPECT_EQ(world.fleet_.state(), FleetState::kInitializing);
    for (int second = 0; second < 40; ++second) {
        world.now += seconds{1};
        for (const Replica& replica : std::vector<Replica>{world.fleet_.replicas}) {
            if (replica.number != lost || replica.state == ReplicaState::kStopping) world.serve(replica);
        }
        world.reconcile();
    }
    EXPECT_EQ(world.fleet_.state(), FleetState::kRunning);
    EXPECT_EQ(world.fleet_.replica(lost), nullptr);
}

TEST(FleetMachine, ATermThatEndsIsTakenOverBefore) {
    World world = a_world(1, 1, 100);
    world.pass(6);
    unsigned without = 0;
    for (int second = 0; second < 8'000; ++second) {
        world.pass(1);
        without += world.fleet_.count(ReplicaState::kReady) == 0 ? 1 : 0;
    }
    EXPECT_EQ(without, 0U);
    EXPECT_GE(world.fleet_.next_replica, 3U);
}

TEST(FleetMachine, TheBudgetIsTheEnd) {
    World world = a_world(2, 2, 1);  // 1,000 replica seconds
    world.pass(4'000);
    EXPECT_EQ(world.fleet_.state(), FleetState::kFailed);
    EXPECT_TRUE(world.fleet_.is_budget_out);
    EXPECT_TRUE(world.has_told("budget_out"));
    EXPECT_TRUE(world.fleet_.replicas.empty());
    EXPECT_LE(world.fleet_.spent, Usd{1'000'000});
    EXPECT_GE(world.fleet_.spent, Usd{700'000});
    FleetTerms terms = world.fleet_.terms;
    terms.budget.micro *= 2;
    world.machine.set_terms(&world.fleet_, terms, world.now);
    world.pass(10);
    EXPECT_EQ(world.fleet_.state(), FleetState::kRunning);
}

TEST(FleetMachine, AnOrderThatIsRefusedIsTriedAgainLater) {
    World world = a_world(1, 1);
    world.machine.on_refused(&world.fleet_, 1, "no unit", world.now);
    EXPECT_TRUE(world.fleet_.replicas.empty());
    world.reconcile();
    EXPECT_TRUE(world.fleet_.replicas.empty());
    world.pass(12);
    EXPECT_EQ(world.fleet_.state(), FleetState::kRunning);
}

TEST(FleetMachine, RecordsComeBackAsTheyWere) {
    World world = a_world(1, 2);
    world.pass(6);
    world.machine.deploy(&world.fleet_, a_version(9000), world.now);
    world.pass(2);
    const Result<Fleet> read = parse_fleet(dump(world.fleet_));
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->replicas, world.fleet_.replicas);
    EXPECT_EQ(read->versions, world.fleet_.versions);
    EXPECT_EQ(read->terms, world.fleet_.terms);
    EXPECT_EQ(dump(*read), dump(world.fleet_));
    EXPECT_FALSE(parse_fleet("{}").has_value());
    EXPECT_FALSE(parse_fleet("[1").has_value());
    const FleetEvent event{kStart, "kind", "text"};
    const Result<FleetEvent> again = parse_fleet_event(dump(event));
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(*again, event);
}

// Whatever happens in whatever order: the rules hold at every moment (see World::reconcile), and once it stops
// happening, what is wanted is there.
TEST(FleetMachine, AnyHistoryKeepsTheRulesAndSettles) {
    for (std::uint32_t seed = 0; seed < 12; ++seed) {
        std::mt19937 random{seed};
        const auto draw = [&](std::uint32_t below) { return static_cast<std::uint32_t>(random() % below); };
        const std::uint32_t least = draw(3);
        World world = a_world(least, least + 1 + draw(3), 1'000);
        for (int turn = 0; turn < 300; ++turn) {
            world.now += std::chrono::milliseconds{draw(4'000)};
            const std::uint64_t number = world.fleet_.replicas.empty()
                                             ? 0
                                             : world.fleet_.replicas[draw(8) % world.fleet_.replicas.size()].number;
            ReplicaReport ended;
            ended.has_ended = true;
            ended.charged = Usd{draw(100'000)};
            switch (draw(12)) {
                case 0: world.machine.on_broken(&world.fleet_, number, world.now); break;
                case 1: world.machine.on_report(&world.fleet_, number, ended, world.now); break;
                case 2: world.machine.on_refused(&world.fleet_, number, "refused", world.now); break;
                case 3: world.machine.set_wanted(&world.fleet_, draw(6), "demand", world.now); break;
                case 4:
                    if (draw(6) == 0) world.machine.deploy(&world.fleet_, a_version(), world.now);
                    if (draw(3) == 0) world.bad_versions.insert(world.fleet_.target);
                    break;
                case 5: world.machine.set_paused(&world.fleet_, draw(3) == 0, world.now); break;
                case 6: world.machine.on_probe(&world.fleet_, number, draw(2) == 0, world.now); break;
                case 7:
                    if (Replica* replica = world.fleet_.replica(number)) replica->active = draw(2);
                    break;
                default: world.turn(); break;
            }
            world.reconcile();
        }
        world.bad_versions.clear();
        world.machine.set_paused(&world.fleet_, false, world.now);
        for (Replica& replica : world.fleet_.replicas) replica.active = 0;
        world.pass(900);
        const std::uint32_t wanted = world.fleet_.desired();
        EXPECT_EQ(world.fleet_.replicas.size(), wanted) << seed;
        EXPECT_EQ(world.ready_of(world.fleet_.target), wanted) << seed;
        EXPECT_TRUE(wanted == 0 || !world.fleet_.is_rolling()) << seed;
    }
}

}  // namespace
}  // namespace vcity::gateway
