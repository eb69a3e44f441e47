// SPDX-License-Identifier: Apache-2.0
#include "capacity/session.hpp"

#include <gtest/gtest.h>

#include "capacity/chain.hpp"
#include "capacity/check.hpp"
#include "capacity/testing/adversaries.hpp"
#include "capacity/testing/machine.hpp"

namespace vcity::capacity {
namespace {

using testing::Card;
using testing::kChain;
using testing::kStore;
using testing::trial_key;

TEST(CapacitySession, AcceptsHonestNodesOfEveryClass) {
    for (std::uint64_t trial = 0; trial < 3; ++trial) {
        EXPECT_EQ(testing::play_honest(trial), CardOutcome::kAccepted) << trial;
    }
}

class EveryCheat : public ::testing::TestWithParam<testing::Cheat> {};

TEST_P(EveryCheat, IsRejected) {
    EXPECT_NE(GetParam().play(1), CardOutcome::kAccepted) << GetParam().what;
}

INSTANTIATE_TEST_SUITE_P(Capacity,
                         EveryCheat,
                         ::testing::ValuesIn(testing::cheats().begin(), testing::cheats().end()),
                         [](const auto& cheat) { return std::string{cheat.param.name}; });

TEST(CapacitySession, NamesTheReason) {
    const std::vector<std::pair<std::string_view, CardOutcome>> expected = {
        {"rank_one", CardOutcome::kWrongProduct},        {"skipped_links_half", CardOutcome::kWrongRoot},
        {"fitted_products", CardOutcome::kWrongProduct}, {"regenerated_store", CardOutcome::kWrongSums},
        {"host_streaming", CardOutcome::kSlowMemory},    {"one_large_card_for_two", CardOutcome::kSlowMemory},
        {"proxy_same_city", CardOutcome::kTooFar},       {"replayed_round", CardOutcome::kOutOfTurn},
        {"replayed_session", CardOutcome::kOutOfTurn},   {"silence", CardOutcome::kNoAnswer},
    };
    for (const auto& [name, outcome] : expected) {
        const auto cheat = std::ranges::find(testing::cheats(), name, &testing::Cheat::name);
        ASSERT_NE(cheat, testing::cheats().end()) << name;
        EXPECT_EQ(to_string(cheat->play(7)), to_string(outcome)) << name;
    }
}

TEST(CapacitySession, ANaiveSchemeAcceptsAStoreThatIsMadeOnTheFly) {
    EXPECT_TRUE(testing::naive_scheme_accepts_regeneration(1));
}

class PlainSession : public ::testing::Test {
  protected:
    Session session_{trial_key("id", 1), trial_key("secret", 1), {{"a", 1000, 1000, 1000}}, {}, kChain, kStore};
    TimePoint now_{};
};

TEST_F(PlainSession, AsksNothingOutOfOrder) {
    EXPECT_TRUE(session_.draws(now_).empty());
    EXPECT_FALSE(session_.next_fill(1000).has_value());
    EXPECT_TRUE(session_.start_round(now_).empty());
    EXPECT_FALSE(session_.done());
}

TEST_F(PlainSession, RejectsAnOpeningBeforeTheDrawAndACommitmentBeforeTheChallenge) {
    session_.on_opening({trial_key("id", 1), 0, {}}, now_);
    EXPECT_EQ(session_.scores()[0].outcome, CardOutcome::kOutOfTurn);
    EXPECT_TRUE(session_.done());

    Session other{trial_key("id", 1), trial_key("secret", 1), {{"a", 1, 1, 1}}, {}, kChain, kStore};
    other.on_commitment({trial_key("id", 1), 0, {}}, now_);
    EXPECT_EQ(other.scores()[0].outcome, CardOutcome::kOutOfTurn);
}

TEST_F(PlainSession, IgnoresCardsThatDoNotExist) {
    session_.begin(now_);
    session_.on_commitment({trial_key("id", 1), 7, {}}, now_);
    session_.on_failure(7);
    EXPECT_EQ(session_.scores()[0].outcome, CardOutcome::kAccepted);
}

TEST_F(PlainSession, SilenceIsAnAnswerAfterAWhile) {
    session_.begin(now_);
    session_.expire(now_ + std::chrono::seconds{20});
    EXPECT_FALSE(session_.done());
    session_.expire(now_ + std::chrono::seconds{21});
    EXPECT_TRUE(session_.done());
    EXPECT_EQ(session_.scores()[0].outcome, CardOutcome::kNoAnswer);
}

TEST_F(PlainSession, TellsTheNodeNeitherKeyNorSecret) {
    const Hash secret = trial_key("secret", 1);
    const auto challenge = session_.begin(now_).at(0);
    EXPECT_NE(challenge.seed, secret);
    EXPECT_NE(challenge.seed, derive_key("data", secret, 0));
}

TEST(CapacitySizes, FitEveryKnownCard) {
    const SessionPolicy policy;
    for (const CardSpec& spec : known_cards()) {
        const CapacityChainShape chain = chain_for(spec.operations);
        EXPECT_TRUE(check_shape(chain).has_value()) << spec.name;
        const double seconds = chain.operations() / static_cast<double>(spec.operations);
        EXPECT_GT(seconds, 0.15) << spec.name;
        EXPECT_LT(seconds, 0.3) << spec.name;
        EXPECT_TRUE(check_draw(chain, draw_cells(chain, policy.cells, {})).has_value()) << spec.name;
        const CapacityStoreShape store = store_for(spec.memory_bytes);
        EXPECT_TRUE(check_store(store).has_value()) << spec.name;
        EXPECT_GT(store.bytes(), spec.memory_bytes / 1000 * 999) << spec.name;
        EXPECT_LE(std::uint64_t{store.columns} * 8, 512U << 10U) << spec.name;
    }
    EXPECT_TRUE(check_shape(chain_for(1)).has_value());
    EXPECT_TRUE(check_shape(chain_for(~std::uint64_t{0})).has_value());
    EXPECT_TRUE(check_store(store_for(1)).has_value());
}

}  // namespace
}  // namespace vcity::capacity
