// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>

#include <gtest/gtest.h>

#include "async/task_group.hpp"
#include "ports/tee.hpp"
#include "ports/testing/harness.hpp"

namespace vcity::ports::testing {

// A driver, and what its evidence is judged with.
class TeeHarness : public TaskRunner {
  public:
    virtual Tee& tee() = 0;
    virtual attest::EvidenceContext context() = 0;
    // Report data that the driver can be asked for: any on a live device; that of the recording where one is replayed.
    virtual Bytes report_data() = 0;
    virtual UnixMillis now() = 0;
    // What the evidence must be bound to: the report data, or its SHA-256 for a TPM.
    virtual Bytes bound(const Bytes& report_data) = 0;
};

using TeeHarnessFactory = std::function<std::unique_ptr<TeeHarness>()>;

// What every Tee must do. One file of a test program includes this and instantiates the suite with its factory:
//   INSTANTIATE_TEST_SUITE_P(Sim, TeeContract, ::testing::Values(TeeHarnessFactory{make_harness}));
class TeeContract : public ::testing::TestWithParam<TeeHarnessFactory> {
  protected:
    Result<attest::Evidence> ask(Bytes report_data) {
        return await(*harness, harness->tee().evidence(std::move(report_data)));
    }
    void expect_authentic(const Result<attest::Evidence>& evidence, const Bytes& report_data) {
        ASSERT_TRUE(evidence) << evidence.error().message;
        EXPECT_EQ(evidence->kind, harness->tee().kind());
        EXPECT_TRUE(attest::check_evidence_size(*evidence));
        const attest::Verdict verdict = attest::verify_evidence(*evidence, harness->context(), harness->now());
        EXPECT_TRUE(verdict.is_authentic()) << verdict.first_failure();
        EXPECT_EQ(verdict.report_data, harness->bound(report_data));
    }

    std::unique_ptr<TeeHarness> harness = GetParam()();
};

TEST_P(TeeContract, GivesAuthenticEvidenceForTheReportData) {
    const Bytes report_data = harness->report_data();
    expect_authentic(ask(report_data), report_data);
}

TEST_P(TeeContract, GivesItAgainAndAgain) {
    const Bytes report_data = harness->report_data();
    for (int i = 0; i < 3; ++i) expect_authentic(ask(report_data), report_data);
}

TEST_P(TeeContract, RefusesEmptyAndLongReportData) {
    EXPECT_GT(harness->tee().report_data_max(), 0U);
    EXPECT_LE(harness->tee().report_data_max(), 64U);
    for (const std::size_t size : {std::size_t{0}, harness->tee().report_data_max() + 1}) {
        const Result<attest::Evidence> evidence = ask(Bytes(size, 1));
        ASSERT_FALSE(evidence);
        EXPECT_EQ(evidence.error().code, Errc::kInvalid);
    }
}

inline Task<void> ask_into(Tee* tee, Bytes report_data, std::vector<Result<attest::Evidence>>* out) {
    Result<attest::Evidence> evidence = co_await tee->evidence(std::move(report_data));
    out->push_back(std::move(evidence));
}

inline Task<void> ask_four_times(TeeHarness* harness, Bytes report_data, std::vector<Result<attest::Evidence>>* out) {
    TaskGroup group{&harness->runtime()};
    for (int i = 0; i < 4; ++i) group.spawn(ask_into(&harness->tee(), report_data, out));
    const TimePoint deadline = harness->runtime().now() + std::chrono::seconds{30};
    const auto joined = co_await group.join(deadline);
    EXPECT_TRUE(joined);
}

TEST_P(TeeContract, AnswersRequestsThatOverlap) {
    std::vector<Result<attest::Evidence>> answers;
    const Bytes report_data = harness->report_data();
    harness->run(ask_four_times(harness.get(), report_data, &answers));
    ASSERT_EQ(answers.size(), 4U);
    for (const Result<attest::Evidence>& evidence : answers) expect_authentic(evidence, report_data);
}

}  // namespace vcity::ports::testing
