// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include <gtest/gtest.h>

#include "ports/testing/harness.hpp"
#include "ports/upkeep.hpp"

namespace vcity::ports::testing {

// Contracts whose incentive periods fall due every so often; nobody else closes them.
class UpkeepHarness : public TaskRunner {
  public:
    virtual Upkeep& upkeep() = 0;
    // Another keeper's way to the same contracts.
    virtual Upkeep& other() = 0;
    // Until after the end of the running period; one period at most ends.
    virtual void pass_a_period() = 0;
};

using UpkeepHarnessFactory = std::function<std::unique_ptr<UpkeepHarness>()>;

// What every Upkeep must do.
class UpkeepContract : public ::testing::TestWithParam<UpkeepHarnessFactory> {
  protected:
    static constexpr DutyKind kKind = DutyKind::kClosePeriod;

    std::vector<Duty> due(Upkeep& upkeep) { return await(*harness, upkeep.look(kKind)).value().due; }
    DutyOutcome perform(Upkeep& upkeep, const Duty& duty) { return await(*harness, upkeep.perform(duty)).value(); }
    // Closes what is due already, so that a period has just begun.
    void begin() {
        for (std::vector<Duty> list = due(harness->upkeep()); !list.empty(); list = due(harness->upkeep())) {
            perform(harness->upkeep(), list.front());
        }
    }

    std::unique_ptr<UpkeepHarness> harness = GetParam()();
};

TEST_P(UpkeepContract, OffersTheKindsThatThereAre) {
    const std::vector<DutyKind> kinds = harness->upkeep().kinds();
    EXPECT_NE(std::find(kinds.begin(), kinds.end(), kKind), kinds.end());
}

TEST_P(UpkeepContract, SeesADutyOnlyWhenItsTimeHasCome) {
    begin();
    EXPECT_TRUE(due(harness->upkeep()).empty());

    harness->pass_a_period();
    ASSERT_EQ(due(harness->upkeep()).size(), 1U);
    EXPECT_EQ(due(harness->upkeep()).front().kind, kKind);
}

TEST_P(UpkeepContract, DoesADutyOnce) {
    begin();
    harness->pass_a_period();
    const Duty duty = due(harness->upkeep()).at(0);

    EXPECT_EQ(perform(harness->upkeep(), duty), DutyOutcome::kDone);
    EXPECT_EQ(perform(harness->upkeep(), duty), DutyOutcome::kBeaten);
    EXPECT_TRUE(due(harness->upkeep()).empty());
}

TEST_P(UpkeepContract, IsBeatenByAnotherKeeper) {
    begin();
    harness->pass_a_period();
    const std::vector<Duty> ours = due(harness->upkeep());
    const std::vector<Duty> theirs = due(harness->other());
    EXPECT_EQ(ours, theirs);

    EXPECT_EQ(perform(harness->other(), theirs.at(0)), DutyOutcome::kDone);
    EXPECT_EQ(perform(harness->upkeep(), ours.at(0)), DutyOutcome::kBeaten);
}

}  // namespace vcity::ports::testing
