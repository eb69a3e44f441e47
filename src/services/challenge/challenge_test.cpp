// SPDX-License-Identifier: Apache-2.0
#include "services/challenge/challenge.hpp"

#include <gtest/gtest.h>

#include "adapters/runtime_asio/runtime.hpp"
#include "capacity/prover.hpp"
#include "capacity/testing/machine.hpp"

namespace vcity::services {
namespace {

using capacity::CardOutcome;
using capacity::testing::kChain;
using capacity::testing::kStore;
using capacity::testing::trial_key;

// Two cards that are computed in place; `broken` names one that refuses its opening.
class InPlace final : public ports::CapacityProver {
  public:
    explicit InPlace(std::optional<std::uint32_t> broken) : broken_{broken} {}
    std::vector<CapacityCard> cards() override { return {devices_[0].card(), devices_[1].card()}; }
    Task<Result<CapacityChainCommitment>> run_chain(CapacityChainChallenge challenge) override {
        co_return provers_[challenge.card].run_chain(challenge);
    }
    Task<Result<CapacityOpening>> open(CapacityDraw draw) override {
        if (draw.card == broken_) co_return make_error(Errc::kUnavailable, "broken");
        co_return provers_[draw.card].open(draw);
    }
    Task<Result<void>> fill(CapacityFill chunk) override { co_return provers_[chunk.card].fill(chunk); }
    Task<Result<CapacityAnswer>> sweep(CapacitySweep challenge) override {
        co_return provers_[challenge.card].sweep(challenge);
    }
    Task<void> release() override {
        released = true;
        co_return;
    }

    bool released = false;

  private:
    std::optional<std::uint32_t> broken_;
    capacity::testing::PlainDevice devices_[2];
    capacity::Prover provers_[2] = {capacity::Prover{&devices_[0]}, capacity::Prover{&devices_[1]}};
};

capacity::Session patient_session() {
    // A claim so modest that only the exchange counts, which may take as long as a busy test machine needs.
    capacity::SessionPolicy policy;
    policy.exchange = std::chrono::seconds{10};
    policy.chain_setup = std::chrono::seconds{10};
    policy.full_rounds = 2;
    policy.short_rounds = 2;
    const capacity::CardClaim claim{"test", kStore.bytes(), 1'000'000, 1'000'000};
    return {trial_key("id", 1), trial_key("secret", 1), {claim, claim}, policy, kChain, kStore};
}

Task<int> play(Runtime* runtime,
               ports::CapacityProver* prover,
               capacity::Session* session,
               std::vector<capacity::CardScore>* scores) {
    *scores = co_await challenge(runtime, prover, session, ChallengeOptions());
    co_return 0;
}

TEST(Challenge, CarriesASessionWithTwoCardsToItsEnd) {
    adapters::AsioRuntime runtime;
    InPlace prover{std::nullopt};
    capacity::Session session = patient_session();
    std::vector<capacity::CardScore> scores;

    EXPECT_EQ(runtime.run_to_completion(play(&runtime, &prover, &session, &scores)), 0);

    EXPECT_TRUE(session.done());
    ASSERT_EQ(scores.size(), 2U);
    for (const capacity::CardScore& score : scores) {
        EXPECT_EQ(to_string(score.outcome), to_string(CardOutcome::kAccepted));
        EXPECT_EQ(score.resident_bytes, kStore.bytes());
        EXPECT_EQ(score.rounds_in_time, 2U);
    }
    EXPECT_TRUE(prover.released);
}

TEST(Challenge, GoesOnWithoutACardThatFails) {
    adapters::AsioRuntime runtime;
    InPlace prover{1};
    capacity::Session session = patient_session();
    std::vector<capacity::CardScore> scores;

    EXPECT_EQ(runtime.run_to_completion(play(&runtime, &prover, &session, &scores)), 0);

    ASSERT_EQ(scores.size(), 2U);
    EXPECT_EQ(scores[0].outcome, CardOutcome::kAccepted);
    EXPECT_EQ(scores[1].outcome, CardOutcome::kNoAnswer);
    EXPECT_TRUE(prover.released);
}

}  // namespace
}  // namespace vcity::services
