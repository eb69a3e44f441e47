// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "ports/audit.hpp"

namespace vcity::ports::testing {

// An auditor and one honest result that it can judge.
class AuditHarness {
  public:
    virtual ~AuditHarness() = default;
    virtual Auditor& auditor() = 0;
    // The same task each time; its receipt bills at least two input and two output tokens.
    virtual AuditTask honest_task() = 0;
    // What the honest worker of that task answers.
    virtual Opening open(const std::vector<Cell>& cells) = 0;
};

using AuditHarnessFactory = std::function<std::unique_ptr<AuditHarness>()>;

// What every Auditor must do. One file of a test program includes this and instantiates the suite with its factory:
//   INSTANTIATE_TEST_SUITE_P(Llama, AuditContract, ::testing::Values(AuditHarnessFactory{make_harness}));
class AuditContract : public ::testing::TestWithParam<AuditHarnessFactory> {
  protected:
    AuditFinding judge(const AuditTask& task) {
        const std::vector<Cell> cells = harness->auditor().draw(task);
        return harness->auditor().check(task, cells, harness->open(cells));
    }
    void expect_rejected(const AuditTask& task, const std::vector<Cell>& cells, const Opening& opening) {
        const AuditFinding finding = harness->auditor().check(task, cells, opening);
        EXPECT_EQ(finding.outcome, VerdictOutcome::kRejected);
        EXPECT_FALSE(finding.reason.empty());
        EXPECT_FALSE(finding.evidence.empty());
    }

    std::unique_ptr<AuditHarness> harness = GetParam()();
};

TEST_P(AuditContract, DrawsDistinctCellsOfTheBilledPositions) {
    const AuditTask task = harness->honest_task();
    const TokenUsage units = task.receipt.receipt.units;

    for (int i = 0; i < 20; ++i) {
        const std::vector<Cell> cells = harness->auditor().draw(task);

        EXPECT_FALSE(cells.empty());
        EXPECT_LE(cells.size(), 64U);
        EXPECT_EQ(std::set<Cell>(cells.begin(), cells.end()).size(), cells.size());
        for (const Cell& cell : cells) EXPECT_LT(cell.position, units.input + units.output - 1);
    }
}

TEST_P(AuditContract, DrawsNothingOfAJobThatBillsNothing) {
    AuditTask task = harness->honest_task();
    task.receipt.receipt.units = {};
    EXPECT_TRUE(harness->auditor().draw(task).empty());
}

TEST_P(AuditContract, AcceptsAnHonestResultEveryTime) {
    for (int i = 0; i < 5; ++i) {
        const AuditFinding finding = judge(harness->honest_task());
        EXPECT_EQ(finding.outcome, VerdictOutcome::kAccepted) << finding.reason;
        EXPECT_FALSE(finding.reason.empty());
        EXPECT_FALSE(finding.evidence.empty());
    }
}

TEST_P(AuditContract, RejectsAResultOfOtherWeights) {
    AuditTask task = harness->honest_task();
    task.receipt.receipt.model_root.bytes[0] ^= 1U;
    EXPECT_EQ(judge(task).outcome, VerdictOutcome::kRejected);
}

TEST_P(AuditContract, RejectsAnOpeningThatIsNotWhatWasAskedFor) {
    const AuditTask task = harness->honest_task();
    const std::vector<Cell> cells = harness->auditor().draw(task);
    const Opening honest = harness->open(cells);

    expect_rejected(task, cells, {});
    Opening fewer = honest;
    fewer.cells.pop_back();
    expect_rejected(task, cells, fewer);
    Opening changed = honest;
    changed.cells.front().data.back() ^= 1U;
    expect_rejected(task, cells, changed);
    Opening moved = honest;
    std::swap(moved.cells.front(), moved.cells.back());
    expect_rejected(task, cells, moved);
}

TEST_P(AuditContract, RejectsAnotherVerificationRoot) {
    AuditTask task = harness->honest_task();
    task.receipt.receipt.verification_root.bytes[5] ^= 1U;
    EXPECT_EQ(judge(task).outcome, VerdictOutcome::kRejected);
}

}  // namespace vcity::ports::testing
