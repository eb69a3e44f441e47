// SPDX-License-Identifier: Apache-2.0
#include "services/scheduler/calls/model_router.hpp"

#include <deque>
#include <functional>
#include <random>

#include <gtest/gtest.h>

#include "sim/fakes/signer.hpp"
#include "sim/runtime.hpp"

namespace vcity::scheduler {
namespace {

using namespace std::chrono_literals;

Address address(std::uint64_t number) {
    Address result;
    for (std::size_t i = 0; i < 8; ++i) result.bytes[i] = static_cast<std::uint8_t>((number + 1) >> (8 * i));
    return result;
}

JobId job_id(std::uint64_t number) {
    JobId result;
    for (std::size_t i = 0; i < 8; ++i) result.bytes[i] = static_cast<std::uint8_t>((number + 1) >> (8 * i));
    return result;
}

SchedulerDeps deps_of(Runtime* runtime) {
    SchedulerDeps deps;
    deps.runtime = runtime;
    return deps;
}

class ModelRouterTest : public ::testing::Test {
  protected:
    void connect(std::uint64_t number, const std::vector<ModelOffer>& offers, Hash monitor_key = {}) {
        NodeRecord record;
        record.identity = address(number);
        record.active = true;
        directory_.connect(record, number + 1);
        NodeAnnouncement announcement;
        announcement.offers = offers;
        announcement.monitor_key = monitor_key;
        ASSERT_TRUE(directory_.announce(address(number), std::move(announcement)).has_value());
    }
    static ModelOffer offer(std::uint32_t slots = 1, std::uint64_t price = 1'000'000) {
        return {.model = "m",
                .model_root = Hash{{1}},
                .prices = {price, price},
                .context_tokens_max = 4096,
                .slots = slots,
                .tiers = {}};
    }
    JobOrder order(std::uint64_t number, std::uint64_t client = 0) {
        JobOrder result;
        result.job_id = job_id(number);
        result.client = address(1'000 + client);
        result.request.model = "m";
        result.request.prompt = std::string(2'000, static_cast<char>('a' + number % 26));
        result.request.output_tokens_max = 100;
        result.prices_max = {2'000'000, 2'000'000};
        result.quote = Usd{1'000};
        return result;
    }
    std::optional<Picked> take(const JobOrder& wanted, std::vector<Address> excluded = {}) {
        return router_.take(router_.make_call(wanted, std::move(excluded)));
    }
    void deliver(const Picked& picked, const JobOrder& done, Duration first_token) {
        router_.on_first_token(picked, first_token);
        router_.on_end(picked, first_token * 2);
        directory_.note_delivery(picked.node, {.client = done.client, .went_well = true, .paid = done.quote});
        directory_.release(picked.node, done.job_id);
    }

    // With a record of good work.
    void connect_veteran(std::uint64_t number) {
        connect(number, {offer(2)});
        for (std::uint64_t count = 0; count < 64; ++count) {
            directory_.note_delivery(address(number),
                                     {.client = address(count), .went_well = true, .paid = Usd{1'000}});
            directory_.reputations().note_audit(address(number), market::AuditResultKind::kAccepted, world_.unix_now());
        }
    }

    sim::SimRuntime world_{1};
    Context context_{deps_of(&world_), {}};
    Directory directory_{&world_};
    ModelRouter router_{&context_, &directory_};
};

TEST_F(ModelRouterTest, TakesASlotUntilItIsReleased) {
    connect(0, {offer()});
    const JobOrder first = order(0);
    const std::optional<Picked> picked = take(first);
    ASSERT_TRUE(picked);
    EXPECT_NE(picked->reason.text.find("the only one that fits, 1 free slot"), std::string::npos);
    const JobOrder second = order(1);
    const Call call = router_.make_call(second, {});
    EXPECT_FALSE(router_.take(call));
    EXPECT_EQ(router_.why_none(call).kind, placement::NotPlaced::Kind::kBusy);
    deliver(*picked, first, 100ms);
    EXPECT_TRUE(router_.take(call));
}

TEST_F(ModelRouterTest, SlotsAreOfTheMachineAndNotOfTheModel) {
    ModelOffer other = offer();
    other.model = "n";
    connect(0, {offer(), other});
    const JobOrder first = order(0);
    ASSERT_TRUE(take(first));
    JobOrder second = order(1);
    second.request.model = "n";
    EXPECT_FALSE(take(second));
}

TEST_F(ModelRouterTest, FollowsWhatTheDirectoryKnows) {
    connect(0, {offer()});
    directory_.disconnect(address(0), 1);
    const JobOrder wanted = order(0);
    const Call call = router_.make_call(wanted, {});
    EXPECT_EQ(router_.why_none(call).kind, placement::NotPlaced::Kind::kAway);
    EXPECT_FALSE(router_.take(call));
    connect(0, {offer()});
    directory_.flag(address(0));
    EXPECT_FALSE(router_.take(call));
    EXPECT_EQ(router_.why_none(call).kind, placement::NotPlaced::Kind::kRuledOut);
    connect(1, {offer()});
    EXPECT_FALSE(take(wanted, {address(1)}));
    connect(1, {});
    const JobOrder again = order(1);
    EXPECT_FALSE(take(again));
}

TEST_F(ModelRouterTest, ASuspensionEnds) {
    connect(0, {offer()});
    directory_.probation_of(address(0)).suspended_until = world_.unix_now() + UnixMillis{60'000};
    directory_.probation_changed(address(0));
    const JobOrder wanted = order(0);
    EXPECT_FALSE(take(wanted));
    world_.run_until(world_.now() + 61s, 1'000);
    EXPECT_TRUE(take(wanted));
}

TEST_F(ModelRouterTest, TheSameBeginningGoesWhereItIsKnown) {
    for (std::uint64_t node = 0; node < 8; ++node) connect(node, {offer(4)});
    const JobOrder first = order(0);
    const std::optional<Picked> before = take(first);
    deliver(*before, first, 125ms);
    for (std::uint64_t number = 1; number < 20; ++number) {
        const JobOrder other = order(number);
        deliver(*take(other), other, 125ms);
    }
    JobOrder again = order(26);  // the same text
    again.request.prompt += " and a new question";
    const std::optional<Picked> after = take(again);
    EXPECT_EQ(after->node, before->node);
    EXPECT_GT(after->choice.cached_blocks, 5U);
}

TEST_F(ModelRouterTest, ServesTheLineInOrderAndTellsOthersWhenToComeBack) {
    context_.options.choice.waiting_max = 4;
    connect(0, {offer()});
    std::deque<JobOrder> orders;
    for (std::uint64_t number = 0; number < 8; ++number) orders.push_back(order(number, number));
    const std::optional<Picked> running = take(orders[0]);
    Notifier wake{&world_};
    std::deque<Call> calls;
    std::deque<Waiter> line;
    for (std::size_t number = 1; number < 8; ++number) {
        calls.push_back(router_.make_call(orders[number], {}));
        line.push_back(Waiter{.call = &calls.back(), .wake = &wake, .picked = {}, .is_in_line = false, .since = {}});
    }
    Duration told{};
    for (std::size_t index = 0; index < 7; ++index) {
        const std::optional<LineFull> full = router_.join(&line[index]);
        EXPECT_EQ(full.has_value(), index >= 4);
        if (!full) continue;
        EXPECT_GT(full->retry_after, told);  // not all at once
        told = full->retry_after;
        EXPECT_NE(full->reason.find("4 calls wait"), std::string::npos);
    }
    // Whoever comes now does not overtake them.
    directory_.release(running->node, orders[0].job_id);
    EXPECT_TRUE(line[0].picked);
    EXPECT_FALSE(line[1].picked);
    EXPECT_FALSE(router_.take(calls[6]));
    router_.leave(&line[1]);
    directory_.release(line[0].picked->node, orders[1].job_id);
    EXPECT_FALSE(line[1].picked);
    EXPECT_TRUE(line[2].picked);
    EXPECT_EQ(router_.waiting(), 1U);
}

TEST_F(ModelRouterTest, OneClientDoesNotTakeTheWholeLine) {
    context_.options.choice.waiting_max = 8;
    connect(0, {offer()});
    std::deque<JobOrder> orders;
    for (std::uint64_t number = 0; number < 7; ++number) orders.push_back(order(number, number < 6 ? 0 : 1));
    ASSERT_TRUE(take(orders[0]));
    Notifier wake{&world_};
    std::deque<Call> calls;
    std::deque<Waiter> line;
    for (std::size_t number = 1; number < 7; ++number) {
        calls.push_back(router_.make_call(orders[number], {}));
        line.push_back(Waiter{.call = &calls.back(), .wake = &wake, .picked = {}, .is_in_line = false, .since = {}});
    }
    for (std::size_t index = 0; index < 4; ++index) EXPECT_FALSE(router_.join(&line[index]));
    const std::optional<LineFull> full = router_.join(&line[4]);
    ASSERT_TRUE(full);
    EXPECT_TRUE(full->reason.starts_with("this client has 4 calls waiting"));
    EXPECT_FALSE(router_.join(&line[5]));
}

// The router's trees and place(), which looks at every candidate, must agree on who can take a call.
TEST_F(ModelRouterTest, HasTheHardFiltersOfPlace) {
    context_.options.model_roots["m"] = Hash{{1}};
    std::mt19937_64 random{7};
    const auto below = [&](std::uint64_t bound) { return random() % bound; };
    std::uint64_t next_job = 0;
    std::deque<std::pair<Picked, JobOrder>> running;
    std::size_t placed = 0;
    for (int round = 0; round < 3'000; ++round) {
        const std::uint64_t dice = below(12);
        const std::uint64_t node = below(10);
        if (dice == 0) {
            ModelOffer made = offer(static_cast<std::uint32_t>(1 + below(3)), 500'000 + below(4) * 500'000);
            made.model_root = Hash{{static_cast<std::uint8_t>(below(5) == 0 ? 2 : 1)}};
            made.context_tokens_max = static_cast<std::uint32_t>(50 + below(3) * 50);
            made.tiers = {.sketch = below(4) > 0, .served = below(4) > 0};
            connect(node, {made}, below(3) == 0 ? Hash{{9}} : Hash{});
        } else if (dice == 1) {
            if (const KnownNode* known = directory_.find(address(node)))
                directory_.disconnect(address(node), known->session);
        } else if (dice == 2 && below(40) == 0) {
            directory_.flag(address(node));
        } else if (dice < 5 && !running.empty()) {
            deliver(running.front().first, running.front().second, 50ms);
            running.pop_front();
        } else {
            JobOrder wanted = order(next_job++);
            wanted.prices_max = {500'000 + below(4) * 500'000, 500'000 + below(4) * 500'000};
            wanted.request.output_tokens_max = static_cast<std::uint32_t>(1 + below(160));
            wanted.request.verification = static_cast<Verification>(below(4));
            std::vector<Address> excluded;
            if (below(3) == 0) excluded.push_back(address(below(10)));
            placement::Demand demand{.request = wanted.request,
                                     .model_root = Hash{{1}},
                                     .prices_max = wanted.prices_max,
                                     .excluded = excluded};
            const std::vector<placement::Candidate> all = directory_.candidates();
            const bool fits = std::holds_alternative<placement::Placed>(placement::place(demand, all));
            const std::optional<Picked> picked = take(wanted, excluded);
            ASSERT_EQ(picked.has_value(), fits) << round;
            if (!picked) continue;
            ++placed;
            const auto chosen = std::ranges::find(all, picked->node, &placement::Candidate::node);
            ASSERT_EQ(placement::losses(demand, {*chosen}).fitting, 1U);
            running.emplace_back(*picked, wanted);
        }
    }
    EXPECT_GT(placed, 200U);
}

TEST_F(ModelRouterTest, WhatTheClientWishesOfNodesIsAHardFilter) {
    constexpr std::uint64_t kPoor = 1;
    constexpr std::uint64_t kRich = 2;
    for (const std::uint64_t number : {kPoor, kRich}) {
        NodeRecord record;
        record.identity = address(number);
        record.active = true;
        record.stake = Vcai{number * 1'000 * kWeiPerVcai};
        directory_.connect(record, number);
        NodeAnnouncement announcement;
        announcement.hardware.region = number == kRich ? "eu" : "us";
        announcement.offers = {offer(8)};
        ASSERT_TRUE(directory_.announce(address(number), std::move(announcement)).has_value());
    }
    std::uint64_t jobs = 0;
    const auto chosen = [&](const std::function<void(NodeWish&)>& make) -> std::optional<Address> {
        JobOrder wanted = order(jobs++);
        make(wanted.wish);
        const std::optional<Picked> picked = take(wanted);
        if (!picked) return std::nullopt;
        directory_.release(picked->node, wanted.job_id);
        return picked->node;
    };
    EXPECT_EQ(chosen([&](NodeWish& wish) { wish.stake_min_vcai = 1'001; }), address(kRich));
    EXPECT_EQ(chosen([&](NodeWish& wish) { wish.stake_min_vcai = 2'000; }), address(kRich));
    EXPECT_EQ(chosen([&](NodeWish& wish) { wish.stake_min_vcai = 2'001; }), std::nullopt);
    EXPECT_EQ(chosen([&](NodeWish& wish) { wish.regions = {"us"}; }), address(kPoor));
    EXPECT_EQ(chosen([&](NodeWish& wish) {
                  wish.regions = {"us"};
                  wish.stake_min_vcai = 2'000;
              }),
              std::nullopt);
    EXPECT_EQ(chosen([&](NodeWish& wish) { wish.ignore = {address(kRich)}; }), address(kPoor));
    EXPECT_EQ(chosen([&](NodeWish& wish) { wish.only = {address(kRich)}; }), address(kRich));
    EXPECT_EQ(chosen([&](NodeWish& wish) { wish.reputation_min_bp = 10'000; }), std::nullopt);
}

// Some nodes with a record, an honest newcomer, and a cheat that comes back under a new name whenever it is caught.
TEST_F(ModelRouterTest, AnHonestNewcomerRisesAndANewNameGainsNothing) {
    constexpr std::uint64_t kNodes = 8;
    constexpr std::uint64_t kHonest = 50;
    constexpr std::uint64_t kCalls = 2'400;
    constexpr std::uint64_t kLate = 400;
    const auto now = [&] { return world_.unix_now(); };
    std::uint64_t cheat = 100;
    for (std::uint64_t node = 0; node < kNodes; ++node) connect_veteran(node);
    world_.run_until(world_.now() + 48h, 1'000);
    connect(kHonest, {offer(2)});
    connect(cheat, {offer(2)});
    std::map<Address, std::uint64_t> delivered;
    std::uint64_t cheat_paid = 0;
    std::uint64_t late_calls_of_honest = 0;
    std::deque<std::pair<Picked, JobOrder>> running;
    const auto finish = [&](const Picked& picked, const JobOrder& done) {
        const bool is_first = delivered[picked.node]++ == 0;
        const bool is_drawn = world_.random_u64() % 1'000 < directory_.audit_per_mille(picked.node, {});
        const bool is_audited = is_first || picked.is_trial || is_drawn;
        const bool is_cheat = picked.node == address(cheat);
        if (is_audited) {
            Probation& probation = directory_.probation_of(picked.node);
            const auto result = is_cheat ? market::AuditResultKind::kRejected : market::AuditResultKind::kAccepted;
            is_cheat ? note_rejected(&probation, {}, now()) : note_accepted(&probation, {});
            directory_.reputations().note_audit(picked.node, result, now());
        }
        deliver(picked, done, 125ms);
        if (!is_cheat) return;
        cheat_paid += is_audited ? 0 : 1;
        if (!is_audited) return;
        directory_.flag(picked.node);
        directory_.disconnect(picked.node, cheat + 1);
        connect(++cheat, {offer(2)});
        EXPECT_LE(directory_.reputation_bp(address(cheat)), 937);
    };
    for (std::uint64_t number = 0; number < kCalls; ++number) {
        world_.run_until(world_.now() + 60s, 1'000);
        const JobOrder wanted = order(number, number % 40);
        const std::optional<Picked> picked = take(wanted);
        ASSERT_TRUE(picked);
        if (picked->node == address(kHonest) && number >= kCalls - kLate) ++late_calls_of_honest;
        running.emplace_back(*picked, wanted);
        if (running.size() < 6) continue;
        finish(running.front().first, running.front().second);
        running.pop_front();
    }
    const std::uint64_t fair = kLate / (kNodes + 1);
    EXPECT_GT(late_calls_of_honest, fair / 2);
    EXPECT_GT(directory_.reputation_bp(address(kHonest)), directory_.reputation_bp(address(0)) / 2);
    EXPECT_GT(cheat, 101U) << "it had its trials";
    EXPECT_EQ(cheat_paid, 0U);
    RecordProperty("late_calls_of_honest", static_cast<int>(late_calls_of_honest));
    RecordProperty("honest_bp", directory_.reputation_bp(address(kHonest)));
    RecordProperty("veteran_bp", directory_.reputation_bp(address(0)));
    RecordProperty("names_of_the_cheat", static_cast<int>(cheat - 99));
}

}  // namespace
}  // namespace vcity::scheduler
