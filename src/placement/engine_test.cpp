// SPDX-License-Identifier: Apache-2.0
#include "placement/engine.hpp"

#include <algorithm>
#include <random>
#include <tuple>

#include <gtest/gtest.h>

#include "market/pricing.hpp"

namespace vcity::placement {
namespace {

constexpr std::uint64_t kPrice = 10;

Address node(std::uint8_t number) {
    Address address;
    address.bytes.fill(number);
    return address;
}

Candidate a_node(std::uint8_t number) {
    Candidate candidate;
    candidate.node = node(number);
    candidate.offer.model = "m";
    candidate.offer.prices = {kPrice, kPrice};
    candidate.offer.context_tokens_max = 1000;
    candidate.offer.slots = 4;
    candidate.stake = Vcai{100};
    candidate.is_active = true;
    return candidate;
}

Demand a_demand() {
    Demand demand;
    demand.request.model = "m";
    demand.request.prompt = std::string(1'000'000, 'x');
    demand.request.output_tokens_max = 100;
    demand.prices_max = {20, 20};
    return demand;
}

Address chosen(const Demand& demand, const std::vector<Candidate>& candidates) {
    const Placement placement = place(demand, candidates);
    const auto* placed = std::get_if<Placed>(&placement);
    if (placed == nullptr) return {};
    EXPECT_EQ(placed->reason.node, candidates[placed->candidate].node);
    return candidates[placed->candidate].node;
}

NotPlaced refused(const Demand& demand, const std::vector<Candidate>& candidates) {
    const Placement placement = place(demand, candidates);
    const auto* none = std::get_if<NotPlaced>(&placement);
    EXPECT_NE(none, nullptr);
    return none == nullptr ? NotPlaced{} : *none;
}

TEST(Placement, NeedsTheTierAndTheMonitorOfTheRequest) {
    Demand demand = a_demand();
    Candidate sketches = a_node(1);
    sketches.offer.tiers.served = false;
    EXPECT_NE(refused(demand, {sketches}).reason.text.find("does not commit"), std::string::npos);
    demand.request.verification = Verification::kNone;
    EXPECT_EQ(chosen(demand, {sketches}), node(1));

    demand.request.verification = Verification::kTee;
    Candidate attested = a_node(3);
    attested.monitor_key.bytes[0] = 1;
    EXPECT_EQ(chosen(demand, {a_node(2), attested}), node(3));
    EXPECT_NE(refused(demand, {a_node(2)}).reason.text.find("no attested monitor"), std::string::npos);
}

TEST(Placement, PrefersTheCheapestNode) {
    Candidate cheap = a_node(2);
    cheap.offer.prices = {5, 10};
    cheap.leased = 3;
    cheap.failures = 9;

    EXPECT_EQ(chosen(a_demand(), {a_node(1), cheap, a_node(3)}), node(2));
}

TEST(Placement, PrefersTheLessLoadedThenTheMoreReliableThenTheGreaterStake) {
    Candidate busy = a_node(1);
    busy.leased = 1;
    Candidate failing = a_node(2);
    failing.failures = 1;
    Candidate poor = a_node(3);
    poor.stake = Vcai{1};
    Candidate rich = a_node(4);

    EXPECT_EQ(chosen(a_demand(), {busy, failing}), node(2));
    EXPECT_EQ(chosen(a_demand(), {busy, failing, poor}), node(3));
    EXPECT_EQ(chosen(a_demand(), {busy, failing, poor, rich}), node(4));
}

TEST(Placement, TellsWhyInOneSentence) {
    Candidate cheap = a_node(0x12);
    cheap.offer.prices = {5, 5};
    cheap.leased = 2;
    Candidate dear = a_node(3);
    dear.offer.prices.input = 30;

    const Placement placement = place(a_demand(), {a_node(1), cheap, a_node(2), dear});

    const auto& reason = std::get<Placed>(placement).reason;
    EXPECT_EQ(reason.text,
              "node 0x12121212: cheapest of 3 that fit, 2 free slots; 1 ruled out: asks 30 per million input tokens, "
              "above the ceiling of 20");
    EXPECT_EQ(reason.candidates, 4U);
    EXPECT_EQ(reason.rejected, 1U);
}

TEST(Placement, SaysWhenNobodyServesTheModel) {
    Demand demand = a_demand();
    demand.request.model = "other";

    const NotPlaced none = refused(demand, {a_node(1)});

    EXPECT_EQ(none.kind, NotPlaced::Kind::kNoOffer);
    EXPECT_EQ(none.reason.text, "no connected node serves the model \"other\"");
    EXPECT_EQ(refused(demand, {}).kind, NotPlaced::Kind::kNoOffer);
}

TEST(Placement, SaysThatOnlyAFreeSlotIsMissing) {
    Candidate full = a_node(1);
    full.leased = 4;
    Candidate away = a_node(2);
    away.is_active = false;

    const NotPlaced none = refused(a_demand(), {full, away});

    EXPECT_EQ(none.kind, NotPlaced::Kind::kBusy);
    EXPECT_NE(none.reason.text.find("no free slot"), std::string::npos);
}

TEST(Placement, RulesOutWhatCannotServe) {
    Candidate inactive = a_node(1);
    inactive.is_active = false;
    Candidate flagged = a_node(2);
    flagged.is_flagged = true;
    Candidate short_context = a_node(3);
    short_context.offer.context_tokens_max = 99;
    Candidate dear = a_node(4);
    dear.offer.prices.output = 21;
    Demand demand = a_demand();
    demand.excluded = {node(5)};
    demand.model_root = Hash{};
    Candidate other_weights = a_node(6);
    other_weights.offer.model_root.bytes[0] = 1;

    const NotPlaced none = refused(demand, {inactive, flagged, short_context, dear, a_node(5), other_weights});

    EXPECT_EQ(none.kind, NotPlaced::Kind::kAway);
    EXPECT_EQ(refused(demand, {flagged, dear}).kind, NotPlaced::Kind::kRuledOut);
    EXPECT_EQ(none.reason.rejected, 6U);
    for (const char* why :
         {"stake", "rejected a result", "99 tokens of context", "asks 21", "failed this job", "other weights"}) {
        EXPECT_NE(none.reason.text.find(why), std::string::npos) << why << " in: " << none.reason.text;
    }
}

// The rules again, as plainly as possible.
bool fits(const Demand& demand, const Candidate& candidate) {
    const bool is_excluded = std::ranges::count(demand.excluded, candidate.node) > 0;
    return candidate.offer.model == demand.request.model && candidate.is_active && !candidate.is_flagged &&
           !is_excluded && candidate.offer.prices.input <= demand.prices_max.input &&
           candidate.offer.prices.output <= demand.prices_max.output &&
           candidate.offer.context_tokens_max >= demand.request.output_tokens_max &&
           candidate.leased < candidate.offer.slots;
}

bool is_better(const Demand& demand, const Candidate& a, const Candidate& b) {
    const auto key = [&](const Candidate& candidate) {
        const std::uint64_t cost = market::quote_of(demand.request, candidate.offer.prices)->micro;
        const std::uint64_t load = candidate.leased * 1000ULL / candidate.offer.slots;
        return std::tuple{cost, load, candidate.failures, ~U128{0} - candidate.stake.wei, candidate.node};
    };
    return key(a) < key(b);
}

Candidate random_candidate(std::mt19937_64* random, std::uint8_t number) {
    Candidate candidate = a_node(number);
    candidate.offer.model = (*random)() % 5 == 0 ? "other" : "m";
    candidate.offer.prices = {1 + (*random)() % 25, 1 + (*random)() % 25};
    candidate.offer.slots = static_cast<std::uint32_t>(1 + (*random)() % 4);
    candidate.offer.context_tokens_max = static_cast<std::uint32_t>(50 + (*random)() % 400);
    candidate.leased = static_cast<std::uint32_t>((*random)() % 4);
    candidate.failures = static_cast<std::uint32_t>((*random)() % 3);
    candidate.stake = Vcai{(*random)() % 3};
    candidate.is_active = (*random)() % 6 != 0;
    candidate.is_flagged = (*random)() % 8 == 0;
    return candidate;
}

TEST(Placement, AgreesWithBruteForce) {
    std::mt19937_64 random{7};
    for (int round = 0; round < 1500; ++round) {
        Demand demand = a_demand();
        demand.request.prompt = "short";
        if (round % 3 == 0) demand.excluded = {node(1), node(2)};
        std::vector<Candidate> candidates;
        const std::uint64_t count = random() % 7;
        for (std::uint8_t number = 0; number < count; ++number) {
            candidates.push_back(random_candidate(&random, static_cast<std::uint8_t>(number + 1)));
        }
        Address best;
        const Candidate* best_candidate = nullptr;
        for (const Candidate& candidate : candidates) {
            if (!fits(demand, candidate)) continue;
            if (best_candidate != nullptr && !is_better(demand, candidate, *best_candidate)) continue;
            best_candidate = &candidate;
            best = candidate.node;
        }

        EXPECT_EQ(chosen(demand, candidates), best) << round;
        std::ranges::shuffle(candidates, random);
        EXPECT_EQ(chosen(demand, candidates), best) << "in another order, " << round;
    }
}

}  // namespace
}  // namespace vcity::placement
