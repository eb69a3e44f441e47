// SPDX-License-Identifier: Apache-2.0
#include "scenarios/scenario.hpp"

#include <gtest/gtest.h>

namespace vcity::scenarios {
namespace {

class Seeds : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(Seeds, KeepAllInvariants) {
    constexpr std::uint64_t kSeedsEach = 5;
    for (std::uint64_t index = 0; index < kSeedsEach; ++index) {
        ScenarioOptions options;
        options.seed = GetParam() * kSeedsEach + index;
        options.schedulers = 1 + index % 3;

        const Outcome outcome = run_scenario(options);

        EXPECT_EQ(outcome.violation, "") << "replay: " << replay_command(options);
        EXPECT_GT(outcome.checks, 0U);
    }
}

INSTANTIATE_TEST_SUITE_P(Network, Seeds, ::testing::Range<std::uint64_t>(0, 8));

TEST(Scenario, IsTheSameForTheSameSeed) {
    ScenarioOptions options;
    options.seed = 77;

    const Outcome first = run_scenario(options);
    const Outcome second = run_scenario(options);

    EXPECT_EQ(first.steps, second.steps);
    EXPECT_EQ(first.jobs_settled, second.jobs_settled);
}

// Whether the invariant with these words sees the planted bug in one of a few seeds. Another invariant may see it
// first.
bool is_seen(Planted planted, std::string_view words) {
    constexpr std::uint64_t kSeedsMax = 30;
    // With a disk that lies some seeds end in a CHECK of the scheduler before an invariant looks: not these.
    for (std::uint64_t seed = 3; seed <= kSeedsMax; ++seed) {
        ScenarioOptions options;
        options.seed = seed;
        options.planted = planted;
        if (planted >= Planted::kNoFence) options.schedulers = 2;
        if (run_scenario(options).violation.find(words) != std::string::npos) return true;
    }
    return false;
}

TEST(PlantedBug, DoublePaymentIsSeen) {
    EXPECT_TRUE(is_seen(Planted::kDoublePayment, "paid twice"));
}

TEST(PlantedBug, StaleFencingTokenIsSeen) {
    EXPECT_TRUE(is_seen(Planted::kStaleToken, "fencing token"));
}

TEST(PlantedBug, UnpersistedReceiptIsSeen) {
    EXPECT_TRUE(is_seen(Planted::kUnpersistedReceipt, "was lost"));
}

TEST(PlantedBug, AMissingFenceIsSeen) {
    EXPECT_TRUE(is_seen(Planted::kNoFence, "under a stale epoch"));
}

TEST(PlantedBug, AnOwnerThatDoesNotGiveUpIsSeen) {
    EXPECT_TRUE(is_seen(Planted::kNoMargin, "two processes hold one shard"));
}

TEST(PlantedBug, APeerThatDoesNotLookAtEpochsIsSeen) {
    EXPECT_TRUE(is_seen(Planted::kHiddenEpochs, "went back to an older epoch"));
}

}  // namespace
}  // namespace vcity::scenarios
