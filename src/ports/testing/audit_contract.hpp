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
    // The tree that the honest worker opens: the receipt's, in tier A that of its replay.
    virtual Hash tree_of(const AuditTask& task) { return task.receipt.receipt.verification_root; }
    // What the honest worker of that task answers.
    virtual Opening open(const AuditQuestion& question) = 0;
};

using AuditHarnessFactory = std::function<std::unique_ptr<AuditHarness>()>;

// What every Auditor must do. One file of a test program includes this and instantiates the suite with its factory:
//   INSTANTIATE_TEST_SUITE_P(Llama, AuditContract, ::testing::Values(AuditHarnessFactory{make_harness}));
class AuditContract : public ::testing::TestWithParam<AuditHarnessFactory> {
  protected:
    static Hash seed(std::uint8_t number) {
        Hash seed;
        seed.bytes.fill(number);
        return seed;
    }
    AuditAnswer answer_of(const AuditTask& task, std::uint8_t number) {
        AuditAnswer answer;
        answer.seed = seed(number);
        answer.question = harness->auditor().draw(task, answer.seed);
        answer.root = harness->tree_of(task);
        answer.opening = harness->open(answer.question);
        return answer;
    }
    AuditFinding judge(const AuditTask& task, std::uint8_t number = 1) {
        const AuditAnswer answer = answer_of(task, number);
        return harness->auditor().check(task, answer);
    }
    void expect_rejected(const AuditTask& task, AuditAnswer answer, Opening opening) {
        answer.opening = std::move(opening);
        const AuditFinding finding = harness->auditor().check(task, answer);
        EXPECT_EQ(finding.outcome, VerdictOutcome::kRejected);
        EXPECT_FALSE(finding.reason.empty());
        EXPECT_FALSE(finding.evidence.empty());
    }

    std::unique_ptr<AuditHarness> harness = GetParam()();
};

TEST_P(AuditContract, DrawsDistinctCellsOfTheBilledPositions) {
    const AuditTask task = harness->honest_task();
    const TokenUsage units = task.receipt.receipt.units;

    for (std::uint8_t i = 0; i < 20; ++i) {
        const AuditQuestion question = harness->auditor().draw(task, seed(i));
        const std::vector<Cell>& cells = question.cells;

        EXPECT_EQ(harness->auditor().draw(task, seed(i)), question);
        EXPECT_FALSE(cells.empty());
        EXPECT_LE(cells.size(), kOpenedCellsMax);
        EXPECT_LE(question.pages.size(), kOpenedPagesMax);
        EXPECT_LE(question.sketches.size(), kOpenedSketchesMax);
        EXPECT_EQ(std::set<Cell>(cells.begin(), cells.end()).size(), cells.size());
        EXPECT_EQ(std::set<PageId>(question.pages.begin(), question.pages.end()).size(), question.pages.size());
        for (const Cell& cell : cells) EXPECT_LT(cell.position, units.input + units.output - 1);
    }
}

TEST_P(AuditContract, DrawsNothingOfAJobThatBillsNothing) {
    AuditTask task = harness->honest_task();
    task.receipt.receipt.units = {};
    EXPECT_EQ(harness->auditor().draw(task, seed(1)), AuditQuestion{});
}

TEST_P(AuditContract, AcceptsAnHonestResultEveryTime) {
    for (std::uint8_t i = 0; i < 5; ++i) {
        const AuditFinding finding = judge(harness->honest_task(), i);
        EXPECT_EQ(finding.outcome, VerdictOutcome::kAccepted) << finding.reason;
        EXPECT_FALSE(finding.reason.empty());
        EXPECT_FALSE(finding.evidence.empty());
        EXPECT_LE(finding.memory.size(), kMemoryBytesMax);
    }
}

TEST_P(AuditContract, AsksForMoreWhenItLooksDeep) {
    AuditTask task = harness->honest_task();
    const std::size_t usual = harness->auditor().draw(task, seed(1)).cells.size();
    task.deep = true;

    EXPECT_GE(harness->auditor().draw(task, seed(1)).cells.size(), usual);
    EXPECT_EQ(judge(task).outcome, VerdictOutcome::kAccepted);
}

TEST_P(AuditContract, RejectsAResultOfOtherWeights) {
    AuditTask task = harness->honest_task();
    task.receipt.receipt.model_root.bytes[0] ^= 1U;
    EXPECT_EQ(judge(task).outcome, VerdictOutcome::kRejected);
}

TEST_P(AuditContract, RejectsAnOpeningThatIsNotWhatWasAskedFor) {
    const AuditTask task = harness->honest_task();
    const AuditAnswer answer = answer_of(task, 1);
    const Opening& honest = answer.opening;

    expect_rejected(task, answer, {});
    Opening fewer = honest;
    fewer.cells.pop_back();
    expect_rejected(task, answer, fewer);
    Opening changed = honest;
    changed.cells.front().data.back() ^= 1U;
    expect_rejected(task, answer, changed);
    Opening moved = honest;
    std::swap(moved.cells.front(), moved.cells.back());
    expect_rejected(task, answer, moved);
}

TEST_P(AuditContract, RejectsAnotherVerificationRoot) {
    AuditTask task = harness->honest_task();
    task.receipt.receipt.verification_root.bytes[5] ^= 1U;
    EXPECT_EQ(judge(task).outcome, VerdictOutcome::kRejected);
}

}  // namespace vcity::ports::testing
