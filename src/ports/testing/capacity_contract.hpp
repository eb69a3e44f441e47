// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "ports/capacity_prover.hpp"
#include "ports/testing/harness.hpp"

namespace vcity::ports::testing {

// A prover with at least one card, and what judges its answers. The judge is the verifier's real code, which this layer
// cannot name.
class CapacityHarness : public TaskRunner {
  public:
    virtual CapacityProver& prover() = 0;
    virtual CapacityChainChallenge challenge(std::uint32_t card) = 0;
    // Any draw of the challenge's chain.
    virtual CapacityDraw draw(std::uint32_t card) = 0;
    virtual bool chain_holds(const CapacityChainCommitment& commitment, const CapacityOpening& opening) = 0;
    // The chunks of a store for this card, and whether these are the sums of a sweep over it.
    virtual std::vector<CapacityFill> chunks(std::uint32_t card) = 0;
    virtual CapacitySweep sweep(std::uint32_t card, bool whole) = 0;
    virtual bool sums_hold(const CapacitySweep& sweep, const CapacityAnswer& answer) = 0;
};

using CapacityHarnessFactory = std::function<std::unique_ptr<CapacityHarness>()>;

// What every CapacityProver must do. One file of a test program includes this and instantiates the suite:
//   INSTANTIATE_TEST_SUITE_P(Cpu, CapacityContract, ::testing::Values(CapacityHarnessFactory{make_harness}));
class CapacityContract : public ::testing::TestWithParam<CapacityHarnessFactory> {
  protected:
    void fill(std::uint32_t card) {
        for (CapacityFill& chunk : harness->chunks(card)) {
            const auto filled = await(*harness, harness->prover().fill(std::move(chunk)));
            ASSERT_TRUE(filled.has_value()) << filled.error().message;
        }
    }
    template <class T>
    static void expect_error(const Result<T>& result, Errc code) {
        ASSERT_FALSE(result.has_value());
        EXPECT_EQ(result.error().code, code) << result.error().message;
        EXPECT_FALSE(result.error().message.empty());
    }

    std::unique_ptr<CapacityHarness> harness = GetParam()();
};

TEST_P(CapacityContract, NamesItsCards) {
    const std::vector<CapacityCard> cards = harness->prover().cards();
    ASSERT_FALSE(cards.empty());
    for (const CapacityCard& card : cards) {
        EXPECT_FALSE(card.name.empty());
        EXPECT_GT(card.memory_bytes, 0U);
        EXPECT_LE(card.memory_bytes_free, card.memory_bytes);
    }
}

TEST_P(CapacityContract, ComputesAChainAndOpensItOnce) {
    const CapacityChainChallenge challenge = harness->challenge(0);
    const auto commitment = await(*harness, harness->prover().run_chain(challenge));
    ASSERT_TRUE(commitment.has_value()) << commitment.error().message;
    EXPECT_EQ(commitment->session, challenge.session);
    EXPECT_EQ(commitment->card, challenge.card);

    const auto opening = await(*harness, harness->prover().open(harness->draw(0)));
    ASSERT_TRUE(opening.has_value()) << opening.error().message;
    EXPECT_TRUE(harness->chain_holds(*commitment, *opening));
    expect_error(await(*harness, harness->prover().open(harness->draw(0))), Errc::kInvalid);
}

TEST_P(CapacityContract, GivesTheSameRootTwice) {
    const auto first = await(*harness, harness->prover().run_chain(harness->challenge(0)));
    const auto second = await(*harness, harness->prover().run_chain(harness->challenge(0)));
    ASSERT_TRUE(first.has_value() && second.has_value());
    EXPECT_EQ(*first, *second);
}

TEST_P(CapacityContract, SweepsAllOfItsStoreAndWindowsOfIt) {
    fill(0);
    for (const bool whole : {true, false, true}) {
        const CapacitySweep sweep = harness->sweep(0, whole);
        const auto answer = await(*harness, harness->prover().sweep(sweep));
        ASSERT_TRUE(answer.has_value()) << answer.error().message;
        EXPECT_EQ(answer->round, sweep.round);
        EXPECT_TRUE(harness->sums_hold(sweep, *answer));
    }
}

TEST_P(CapacityContract, ANewStoreReplacesTheOld) {
    fill(0);
    fill(0);
    const CapacitySweep sweep = harness->sweep(0, true);
    const auto answer = await(*harness, harness->prover().sweep(sweep));
    ASSERT_TRUE(answer.has_value());
    EXPECT_TRUE(harness->sums_hold(sweep, *answer));
}

TEST_P(CapacityContract, RefusesWhatComesOutOfTurn) {
    expect_error(await(*harness, harness->prover().open(harness->draw(0))), Errc::kInvalid);
    expect_error(await(*harness, harness->prover().sweep(harness->sweep(0, true))), Errc::kInvalid);
    std::vector<CapacityFill> chunks = harness->chunks(0);
    ASSERT_GT(chunks.size(), 1U);
    expect_error(await(*harness, harness->prover().fill(chunks[1])), Errc::kInvalid);
    CapacityChainChallenge huge = harness->challenge(0);
    huge.shape.rows = 1U << 30U;
    expect_error(await(*harness, harness->prover().run_chain(huge)), Errc::kInvalid);
}

TEST_P(CapacityContract, RefusesAStoreThatDoesNotFit) {
    CapacityFill chunk = harness->chunks(0).front();
    chunk.shape = {1U << 20U, 1U << 20U};
    expect_error(await(*harness, harness->prover().fill(chunk)), Errc::kExhausted);
}

TEST_P(CapacityContract, DoesNotKnowOtherCards) {
    const auto card = static_cast<std::uint32_t>(harness->prover().cards().size());
    expect_error(await(*harness, harness->prover().run_chain(harness->challenge(card))), Errc::kNotFound);
    expect_error(await(*harness, harness->prover().open(harness->draw(card))), Errc::kNotFound);
    expect_error(await(*harness, harness->prover().fill(harness->chunks(card).front())), Errc::kNotFound);
    expect_error(await(*harness, harness->prover().sweep(harness->sweep(card, true))), Errc::kNotFound);
}

TEST_P(CapacityContract, KeepsNothingAfterRelease) {
    fill(0);
    ASSERT_TRUE(await(*harness, harness->prover().run_chain(harness->challenge(0))).has_value());
    harness->run(harness->prover().release());
    expect_error(await(*harness, harness->prover().open(harness->draw(0))), Errc::kInvalid);
    expect_error(await(*harness, harness->prover().sweep(harness->sweep(0, true))), Errc::kInvalid);
}

}  // namespace vcity::ports::testing
