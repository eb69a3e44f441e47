// SPDX-License-Identifier: Apache-2.0
#include "routing/router.hpp"

#include <algorithm>
#include <map>
#include <random>

#include <gtest/gtest.h>

namespace vcity::routing {
namespace {

using Prompt = std::vector<std::uint64_t>;

constexpr Nanos kMilli = 1'000'000;

Router small(std::uint16_t regions = 2) {
    std::vector<Nanos> round_trips(std::size_t{regions} * regions, 50 * kMilli);
    for (std::size_t i = 0; i < regions; ++i) round_trips[i * regions + i] = 5 * kMilli;
    return Router{regions, round_trips, {.cache_entries_max = 1000}};
}

Replica replica(std::uint16_t region = 0) {
    return {.region = region, .prefill_per_token = 100'000, .slots = 4, .cache_blocks = 100, .price = 10};
}

Choice chosen(const Router& router, const Request& request) {
    const auto answer = router.choose(request);
    EXPECT_TRUE(std::holds_alternative<Choice>(answer));
    return std::holds_alternative<Choice>(answer) ? std::get<Choice>(answer) : Choice{};
}

Refusal refused(const Router& router, const Request& request) {
    const auto answer = router.choose(request);
    EXPECT_TRUE(std::holds_alternative<Refusal>(answer));
    return std::holds_alternative<Refusal>(answer) ? std::get<Refusal>(answer) : Refusal{};
}

TEST(Router, PrefersTheNearReplicaUntilItsQueueIsLongerThanTheWay) {
    Router router = small();
    const ReplicaId near = router.add(replica(0)).value();
    const ReplicaId far = router.add(replica(1)).value();
    const Request request{.region = 0, .tokens = 300};
    const Choice first = chosen(router, request);
    EXPECT_EQ(first.replica, near);
    EXPECT_EQ(first.expected, 5 * kMilli + 30 * kMilli);
    router.dispatch(first, request);
    const Choice second = chosen(router, request);
    EXPECT_EQ(second.replica, near);
    router.dispatch(second, request);
    EXPECT_EQ(chosen(router, request).replica, far);
    router.on_first_token(first, first.work);
    EXPECT_EQ(chosen(router, request).replica, near);
}

TEST(Router, ACachedPrefixAttractsAsFarAsItSavesTime) {
    Router router = small();
    const ReplicaId far = router.add(replica(1)).value();
    const Prompt prompt{1, 2, 3, 4};
    const Request request{.region = 0, .tokens = 2000, .block_tokens = 500, .blocks = prompt};
    const Choice first = chosen(router, request);
    router.dispatch(first, request);
    router.on_first_token(first, first.work);
    router.on_end(first);
    const ReplicaId near = router.add(replica(0)).value();
    const Choice cached = chosen(router, request);
    EXPECT_EQ(cached.replica, far);
    EXPECT_EQ(cached.cached_blocks, 4U);
    EXPECT_EQ(cached.work, 100'000U);  // the last token is computed all the same
    // With work in hand that takes longer than twice the prompt, the cache is worth nothing.
    const Request other{.region = 1, .tokens = 4500};
    router.dispatch(chosen(router, other), other);
    EXPECT_EQ(chosen(router, request).replica, near);
}

TEST(Router, FallsBackToAReplicaThatWasNotTried) {
    Router router = small();
    const ReplicaId near = router.add(replica(0)).value();
    const ReplicaId far = router.add(replica(1)).value();
    const std::vector<ReplicaId> one{near};
    const std::vector<ReplicaId> both{near, far};
    EXPECT_EQ(chosen(router, {.tokens = 10, .excluded = one}).replica, far);
    EXPECT_EQ(refused(router, {.tokens = 10, .excluded = both}).kind, Refusal::Kind::kNone);
}

TEST(Router, KeepsToThePriceCeilingAndWeighsPriceWhenAsked) {
    Router router = small();
    Replica dear = replica(0);
    dear.price = 100;
    const ReplicaId fast = router.add(dear).value();
    const ReplicaId cheap = router.add(replica(1)).value();
    EXPECT_EQ(chosen(router, {.tokens = 10}).replica, fast);
    EXPECT_EQ(chosen(router, {.tokens = 10, .price_max = 99}).replica, cheap);
    EXPECT_EQ(refused(router, {.tokens = 10, .price_max = 9}).kind, Refusal::Kind::kTooDear);
    EXPECT_EQ(chosen(router, {.tokens = 10, .per_price = kMilli}).replica, cheap);
}

TEST(Router, RefusesWithATimeToComeBackInsteadOfQueueingWithoutEnd) {
    Router router = small();
    const ReplicaId only = router.add(replica(0)).value();
    const Request request{.tokens = 1000, .wait_max = 250 * kMilli};
    std::vector<Choice> running;
    for (int i = 0; i < 2; ++i) {
        running.push_back(chosen(router, request));
        router.dispatch(running.back(), request);
    }
    const Refusal slow = refused(router, request);
    EXPECT_EQ(slow.kind, Refusal::Kind::kBusy);
    EXPECT_EQ(slow.retry_after, 55 * kMilli);  // 5 + 200 + 100 expected
    EXPECT_EQ(router.backlog(only), 200 * kMilli);

    const Request patient{.tokens = 1000};
    for (int i = 0; i < 2; ++i) {
        running.push_back(chosen(router, patient));
        router.dispatch(running.back(), patient);
    }
    EXPECT_EQ(refused(router, patient).kind, Refusal::Kind::kBusy);  // all four slots
    router.on_failure(running.back());
    EXPECT_EQ(router.backlog(only), 300 * kMilli);
    EXPECT_EQ(chosen(router, patient).replica, only);
}

TEST(Router, LearnsHowFastAReplicaReallyIs) {
    Router router = small(1);
    const ReplicaId slow = router.add(replica()).value();
    const ReplicaId fast = router.add(replica()).value();
    const Request request{.tokens = 100};
    for (int i = 0; i < 40; ++i) {
        const Choice choice = chosen(router, request);
        router.dispatch(choice, request);
        router.on_first_token(choice, (choice.replica == slow ? 30 : 10) * kMilli);
        router.on_end(choice);
    }
    EXPECT_EQ(chosen(router, request).replica, fast);
    const std::vector<ReplicaId> without{fast};
    EXPECT_GT(chosen(router, {.tokens = 100, .excluded = without}).work, 11 * kMilli);
}

TEST(Router, ASpoiledRecordWeighsAsTheTimeItCostsAndIsNotWaitedFor) {
    Router router = small();
    Replica spoiled = replica(0);
    spoiled.penalty = 100 * kMilli;
    const ReplicaId near = router.add(spoiled).value();
    const ReplicaId far = router.add(replica(1)).value();
    const Request request{.tokens = 100, .wait_max = 80 * kMilli};
    EXPECT_EQ(chosen(router, request).replica, far);
    EXPECT_EQ(router.choice_of(near, request).value().expected, 15 * kMilli);
    router.set_terms(near, 20 * kMilli, 0);
    EXPECT_EQ(chosen(router, request).replica, near);
    EXPECT_EQ(chosen(router, request).expected, 35 * kMilli);
    EXPECT_FALSE(router.choice_of(77, request));
}

TEST(Router, GivesOnlyToReplicasThatCanDoIt) {
    Router router = small(1);
    Replica plain = replica();
    plain.features = 0b01;
    plain.context_tokens = 1000;
    const ReplicaId simple = router.add(plain).value();
    Replica able = plain;
    able.features = 0b11;
    able.context_tokens = 4000;
    able.input_price = 30;
    able.prefill_per_token *= 10;
    const ReplicaId special = router.add(able).value();
    EXPECT_EQ(chosen(router, {.tokens = 10}).replica, simple);
    EXPECT_EQ(chosen(router, {.tokens = 10, .needs = 0b10}).replica, special);
    EXPECT_EQ(chosen(router, {.tokens = 10, .context_min = 1001}).replica, special);
    EXPECT_EQ(refused(router, {.tokens = 10, .needs = 0b100}).kind, Refusal::Kind::kNone);
    EXPECT_EQ(refused(router, {.tokens = 10, .input_price_max = 29, .needs = 0b10}).kind, Refusal::Kind::kTooDear);
    EXPECT_FALSE(router.choice_of(simple, {.tokens = 10, .needs = 0b10}));
}

TEST(Router, LetsItsOwnerCountTheSlotsOfASharedMachine) {
    Router router{1, {0}, {.cache_entries_max = 16, .owner_counts_slots = true}};
    const ReplicaId only = router.add(replica()).value();
    const Request request{.tokens = 10};
    for (int i = 0; i < 10; ++i) router.dispatch(chosen(router, request), request);
    router.set_active(only, 4);
    EXPECT_EQ(refused(router, request).kind, Refusal::Kind::kBusy);
    router.set_active(only, 3);
    EXPECT_EQ(chosen(router, request).replica, only);
}

TEST(Router, ChoicesOfAReplicaThatIsGoneDoNotTouchItsSuccessor) {
    Router router = small(1);
    const ReplicaId gone = router.add(replica()).value();
    const Request request{.tokens = 1000};
    const Choice old = chosen(router, request);
    router.dispatch(old, request);
    router.remove(gone);
    EXPECT_EQ(refused(router, request).kind, Refusal::Kind::kNone);
    ASSERT_EQ(router.add(replica()).value(), gone);
    router.dispatch(old, request);
    router.on_first_token(old, 1);
    router.on_end(old);
    EXPECT_EQ(router.backlog(gone), 0U);
    EXPECT_EQ(chosen(router, request).work, 100 * kMilli);
    router.set_available(gone, false);
    EXPECT_EQ(refused(router, request).kind, Refusal::Kind::kNone);
}

TEST(Router, RefusesReplicasItCannotUse) {
    Router router = small(1);
    EXPECT_EQ(router.add({.region = 1, .slots = 1}).error().code, Errc::kInvalid);
    EXPECT_EQ(router.add({.region = 0, .slots = 0}).error().code, Errc::kInvalid);
    EXPECT_EQ(refused(router, {.region = 9, .tokens = 1}).kind, Refusal::Kind::kNone);
    Router full{1, {0}, {.cache_entries_max = 1, .replicas_max = 1}};
    ASSERT_TRUE(full.add(replica()));
    EXPECT_EQ(full.add(replica()).error().code, Errc::kExhausted);
}

TEST(Router, SurvivesTheLargestNumbers) {
    Router router = small(1);
    Replica huge = replica();
    huge.prefill_per_token = ~0ULL;
    huge.price = ~0ULL - 1;
    const ReplicaId id = router.add(huge).value();
    const Request request{.tokens = ~0U, .per_price = ~0ULL};
    // Its cost does not fit: no choice, and no wrong one.
    EXPECT_TRUE(std::holds_alternative<Refusal>(router.choose(request)));
    EXPECT_EQ(router.backlog(id), 0U);
}

struct Plain {
    Replica replica;
    Nanos backlog = 0;
    std::uint32_t active = 0;
};

constexpr std::uint16_t kRegions = 5;

// The least cost by a plain scan; the largest number when no replica will do.
Nanos least_cost(const std::map<ReplicaId, Plain>& plain,
                 const std::vector<Nanos>& round_trips,
                 const Request& request) {
    Nanos least = ~0ULL;
    for (const auto& [id, each] : plain) {
        const bool is_able = (request.needs & ~each.replica.features) == 0 &&
                             each.replica.context_tokens >= request.context_min &&
                             each.replica.input_price <= request.input_price_max;
        if (!is_able || each.active >= each.replica.slots || each.replica.price > request.price_max) continue;
        const Nanos cost = each.backlog + 2 * each.replica.prefill_per_token * std::max(request.tokens, 1U) +
                           round_trips[request.region * kRegions + each.replica.region] +
                           request.per_price * each.replica.price + each.replica.away + each.replica.penalty +
                           request.per_input_price * each.replica.input_price;
        least = std::min(least, cost);
    }
    return least;
}

template <class Below>
Replica random_replica(const Below& below) {
    return {.region = static_cast<std::uint16_t>(below(kRegions)),
            .prefill_per_token = 10'000 * (1 + below(20)),
            .slots = static_cast<std::uint32_t>(1 + below(3)),
            .price = below(50),
            .input_price = below(50),
            .features = static_cast<std::uint32_t>(below(8)),
            .context_tokens = static_cast<std::uint32_t>(below(10)),
            .away = below(2) * 30 * kMilli,
            .penalty = below(3) * 100 * kMilli};
}

template <class Below>
Request random_request(const Below& below) {
    return {.region = static_cast<std::uint16_t>(below(kRegions)),
            .tokens = static_cast<std::uint32_t>(below(3000)),
            .price_max = below(4) == 0 ? below(50) : ~0ULL,
            .input_price_max = below(4) == 0 ? below(50) : ~0ULL,
            .needs = static_cast<std::uint32_t>(below(3) == 0 ? below(8) : 0),
            .context_min = static_cast<std::uint32_t>(below(3) == 0 ? below(10) : 0),
            .per_price = below(3) == 0 ? below(20) * kMilli : 0,
            .per_input_price = below(3) == 0 ? below(20) * kMilli : 0};
}

// For requests whose prompts are nowhere cached.
TEST(Router, IsExactAgainstAPlainScan) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        std::mt19937_64 random{seed};
        const auto below = [&](std::uint64_t bound) { return random() % bound; };
        std::vector<Nanos> round_trips(kRegions * kRegions);
        for (Nanos& time : round_trips) time = below(200) * kMilli;
        Router router{kRegions, round_trips, {.cache_entries_max = 16}};
        std::map<ReplicaId, Plain> plain;
        std::vector<Choice> running;
        for (int round = 0; round < 400; ++round) {
            const std::uint64_t dice = below(10);
            if (dice == 0 || plain.empty()) {
                const Replica made = random_replica(below);
                plain[router.add(made).value()] = {made};
            } else if (dice == 1 && below(3) == 0) {
                const ReplicaId id = std::next(plain.begin(), static_cast<long>(below(plain.size())))->first;
                router.remove(id);
                plain.erase(id);
                std::erase_if(running, [&](const Choice& choice) { return choice.replica == id; });
            } else if (dice == 2 && below(3) == 0) {
                Plain& it = plain.begin()->second;
                it.replica.away = below(100) * kMilli;
                it.replica.penalty = below(100) * kMilli;
                router.set_terms(plain.begin()->first, it.replica.away, it.replica.penalty);
            } else if (dice < 4 && !running.empty()) {
                const Choice choice = running.front();
                running.erase(running.begin());
                router.on_failure(choice);
                plain[choice.replica].backlog -= choice.work;
                --plain[choice.replica].active;
            } else {
                const Request request = random_request(below);
                const Nanos least = least_cost(plain, round_trips, request);
                const auto answer = router.choose(request);
                ASSERT_EQ(std::holds_alternative<Choice>(answer), least != ~0ULL) << seed << " " << round;
                if (least == ~0ULL) continue;
                const Choice choice = std::get<Choice>(answer);
                Plain& it = plain.at(choice.replica);
                const Nanos price_cost =
                    request.per_price * it.replica.price + request.per_input_price * it.replica.input_price;
                ASSERT_EQ(choice.expected + choice.work + it.replica.penalty + price_cost, least)
                    << seed << " " << round;
                ASSERT_EQ(router.choice_of(choice.replica, request).value().expected, choice.expected);
                router.dispatch(choice, request);
                it.backlog += choice.work;
                ++it.active;
                running.push_back(choice);
            }
        }
    }
}

}  // namespace
}  // namespace vcity::routing
