// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <gtest/gtest.h>

#include "ports/inference.hpp"
#include "ports/testing/harness.hpp"

namespace vcity::ports::testing {

enum class InferenceRequest : unsigned char {
    kShort,       // ends by itself after 1 to 100 tokens
    kEndless,     // goes on until it is cancelled
    kImpossible,  // refused by the model with kInvalid
    kSketched,    // like kShort, in tier A
};

// A model that is loaded and has exactly two slots.
class InferenceHarness : public TaskRunner {
  public:
    virtual Inference& inference() = 0;
    virtual ModelRequest request_of(InferenceRequest kind) = 0;
};

using InferenceHarnessFactory = std::function<std::unique_ptr<InferenceHarness>()>;

// What every Inference must do. Include it in one file of a test program and instantiate it with a factory.
class InferenceContract : public ::testing::TestWithParam<InferenceHarnessFactory> {
  protected:
    static JobId job(std::uint8_t number) {
        JobId id;
        id.bytes.back() = number;
        return id;
    }
    template <class T>
    T run(Task<T> task) {
        return await(*harness, std::move(task));
    }
    TimePoint soon() { return harness->runtime().now() + std::chrono::seconds{20}; }
    Result<std::unique_ptr<Generation>> start(std::uint8_t number, InferenceRequest kind) {
        return run(harness->inference().generate({.job_id = job(number), .request = harness->request_of(kind)}));
    }
    // Takes everything to the end; the tokens told one by one must be those of the account.
    Result<WorkerDone> finish(Generation* generation) {
        std::uint64_t tokens = 0;
        for (;;) {
            TRY(const GenerationEvent event, run(generation->next(soon())));
            if (const auto* token = std::get_if<WorkerToken>(&event)) tokens += token->tokens;
            const auto* done = std::get_if<WorkerDone>(&event);
            if (done == nullptr) continue;
            EXPECT_EQ(done->usage.output, tokens);
            return *done;
        }
    }
    // A slot is free again once the model has noticed; asks until then.
    std::unique_ptr<Generation> start_when_free(std::uint8_t number, InferenceRequest kind) {
        const TimePoint deadline = soon();
        for (;;) {
            auto started = start(number, kind);
            if (started) return *std::move(started);
            EXPECT_EQ(started.error().code, Errc::kExhausted) << started.error().message;
            if (started.error().code != Errc::kExhausted || harness->runtime().now() > deadline) return nullptr;
            harness->run(harness->runtime().sleep_until(harness->runtime().now() + std::chrono::milliseconds{1}));
        }
    }

    std::unique_ptr<InferenceHarness> harness = GetParam()();
};

TEST_P(InferenceContract, SaysWhatItServes) {
    const Result<WorkerReady> ready = run(harness->inference().ready(soon()));

    ASSERT_TRUE(ready.has_value()) << ready.error().message;
    EXPECT_FALSE(ready->model.empty());
    EXPECT_FALSE(ready->weights_root.is_zero());
    EXPECT_EQ(ready->slots, 2U);
}

TEST_P(InferenceContract, GivesTokensAndThenTheAccount) {
    ASSERT_TRUE(run(harness->inference().ready(soon())).has_value());
    const auto generation = start(1, InferenceRequest::kShort);
    ASSERT_TRUE(generation.has_value()) << generation.error().message;

    const Result<WorkerDone> done = finish(generation->get());

    ASSERT_TRUE(done.has_value()) << done.error().message;
    EXPECT_EQ(done->job_id, job(1));
    EXPECT_GT(done->usage.input, 0U);
    EXPECT_GT(done->usage.output, 0U);
    EXPECT_FALSE(done->verification_root.is_zero());
    EXPECT_NE(done->reason, FinishReason::kCancelled);
}

TEST_P(InferenceContract, StopsWhenCancelled) {
    ASSERT_TRUE(run(harness->inference().ready(soon())).has_value());
    const auto generation = start(1, InferenceRequest::kEndless);
    ASSERT_TRUE(generation.has_value()) << generation.error().message;
    ASSERT_TRUE(run((*generation)->next(soon())).has_value());

    (*generation)->cancel();
    (*generation)->cancel();

    std::optional<FinishReason> reason;
    while (!reason) {
        const Result<GenerationEvent> event = run((*generation)->next(soon()));
        ASSERT_TRUE(event.has_value()) << event.error().message;
        if (const auto* done = std::get_if<WorkerDone>(&*event)) reason = done->reason;
    }
    EXPECT_EQ(*reason, FinishReason::kCancelled);
}

TEST_P(InferenceContract, RunsAsManyAsItHasSlots) {
    ASSERT_TRUE(run(harness->inference().ready(soon())).has_value());
    auto first = start(1, InferenceRequest::kEndless);
    const auto second = start(2, InferenceRequest::kEndless);
    ASSERT_TRUE(first.has_value() && second.has_value());

    const auto third = start(3, InferenceRequest::kShort);
    ASSERT_FALSE(third.has_value());
    EXPECT_EQ(third.error().code, Errc::kExhausted);

    first->reset();
    const auto fourth = start_when_free(4, InferenceRequest::kShort);
    ASSERT_NE(fourth, nullptr);
    EXPECT_TRUE(finish(fourth.get()).has_value());
}

TEST_P(InferenceContract, RefusesARequestTheModelCannotTake) {
    ASSERT_TRUE(run(harness->inference().ready(soon())).has_value());
    const auto generation = start(1, InferenceRequest::kImpossible);
    // An implementation may know at once or only after it asked the model.
    const Errc code = generation ? run((*generation)->next(soon())).error().code : generation.error().code;

    EXPECT_EQ(code, Errc::kInvalid);
}

TEST_P(InferenceContract, WaitsForATokenNoLongerThanTheDeadline) {
    ASSERT_TRUE(run(harness->inference().ready(soon())).has_value());
    const auto generation = start(1, InferenceRequest::kEndless);
    ASSERT_TRUE(generation.has_value());

    Result<GenerationEvent> event = run((*generation)->next(harness->runtime().now()));
    while (event.has_value()) event = run((*generation)->next(harness->runtime().now()));

    EXPECT_EQ(event.error().code, Errc::kTimeout);
    EXPECT_TRUE(run((*generation)->next(soon())).has_value());
}

TEST_P(InferenceContract, OpensTheCellsOfAnEndedJobUntilItIsDropped) {
    ASSERT_TRUE(run(harness->inference().ready(soon())).has_value());
    const auto generation = start(1, InferenceRequest::kShort);
    ASSERT_TRUE(generation.has_value());
    const Result<WorkerDone> done = finish(generation->get());
    ASSERT_TRUE(done.has_value());
    const Hash root = done->verification_root;

    const std::vector<Cell> cells{{.position = 0, .layer = 1}, {.position = 0, .layer = 0}};
    const Result<Opening> opening =
        run(harness->inference().open({.job_id = job(1), .root = root, .question = {.cells = cells}}, soon()));
    ASSERT_TRUE(opening.has_value()) << opening.error().message;
    EXPECT_FALSE(opening->header.empty());
    ASSERT_EQ(opening->cells.size(), 2U);
    EXPECT_EQ(opening->cells[0].cell, cells[0]);
    EXPECT_EQ(opening->cells[1].cell, cells[1]);

    harness->inference().drop(job(1));
    const Result<Opening> gone =
        run(harness->inference().open({.job_id = job(1), .root = root, .question = {.cells = cells}}, soon()));
    ASSERT_FALSE(gone.has_value());
    EXPECT_EQ(gone.error().code, Errc::kNotFound);
}

TEST_P(InferenceContract, OpensAReplayByItsOwnRoot) {
    ASSERT_TRUE(run(harness->inference().ready(soon())).has_value());
    const auto generation = start(1, InferenceRequest::kSketched);
    ASSERT_TRUE(generation.has_value());
    const Result<WorkerDone> done = finish(generation->get());
    ASSERT_TRUE(done.has_value());

    const Result<Hash> root = run(harness->inference().replay(job(1), soon()));
    ASSERT_TRUE(root.has_value()) << root.error().message;
    EXPECT_FALSE(root->is_zero());
    EXPECT_NE(*root, done->verification_root);
    const AuditQuestion question{.cells = {{.position = 0, .layer = 1}}};
    const auto opening =
        run(harness->inference().open({.job_id = job(1), .root = *root, .question = question}, soon()));
    ASSERT_TRUE(opening.has_value()) << opening.error().message;
    EXPECT_EQ(opening->cells.size(), 1U);

    Hash other = *root;
    other.bytes[0] ^= 1U;
    const auto none = run(harness->inference().open({.job_id = job(1), .root = other, .question = question}, soon()));
    ASSERT_FALSE(none.has_value());
    EXPECT_EQ(none.error().code, Errc::kNotFound);
    harness->inference().drop(job(1));
    const Result<Hash> gone = run(harness->inference().replay(job(1), soon()));
    ASSERT_FALSE(gone.has_value());
    EXPECT_EQ(gone.error().code, Errc::kNotFound);
}

TEST_P(InferenceContract, OpensNothingOfAnUnknownJob) {
    ASSERT_TRUE(run(harness->inference().ready(soon())).has_value());

    const Result<Opening> opening =
        run(harness->inference().open({.job_id = job(9), .question = {.cells = {Cell{}}}}, soon()));

    ASSERT_FALSE(opening.has_value());
    EXPECT_EQ(opening.error().code, Errc::kNotFound);
}

}  // namespace vcity::ports::testing
