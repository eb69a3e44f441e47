// SPDX-License-Identifier: Apache-2.0
#include "verify/checker.hpp"

#include <gtest/gtest.h>

#include "verify/testing/reference_worker.hpp"

namespace vcity::verify {
namespace {

using testing::FinishedJob;
using testing::LayerValues;
using testing::ReferenceVerifier;
using testing::ReferenceWorker;
using testing::run_job;
using testing::seed_of;
using testing::StoredModel;

// Built once: a checker reads all weights.
const StoredModel& public_model() {
    static const StoredModel model = testing::random_model(testing::small_shape(), 1);
    return model;
}
const ReferenceVerifier& verifier() {
    static const ReferenceVerifier verifier{&public_model()};
    return verifier;
}

class Audit : public ::testing::Test {
  protected:
    FinishedJob job(std::uint64_t number = 1) const {
        return run_job(worker_, verifier().header(number, {1, 20, 33, 7}), 4);
    }
    std::string rejection(const FinishedJob& job) const {
        const AuditResult result = verifier().audit(job, 5, {.cells = 64});
        EXPECT_EQ(result.outcome, VerdictOutcome::kRejected);
        return result.reason;
    }

    ReferenceWorker worker_{&public_model()};
};

TEST_F(Audit, AcceptsAnHonestWorkerInEveryOrderOfSummation) {
    for (int order = 0; order < testing::kSumOrders; ++order) {
        worker_.order = static_cast<testing::SumOrder>(order);
        const AuditResult result = verifier().audit(job(), 5, {.cells = 64});
        EXPECT_EQ(result.outcome, VerdictOutcome::kAccepted) << order << " " << result.reason;
    }
}

TEST_F(Audit, AcceptsABfloat16Worker) {
    ModelShape shape = testing::small_shape();
    shape.compute = ComputeType::kBfloat16;
    shape.tied_embeddings = false;
    const StoredModel model = testing::random_model(shape, 9);
    const ReferenceVerifier own{&model};
    worker_.model = &model;
    const FinishedJob done = run_job(worker_, own.header(1, {1, 2, 3}), 3);

    const AuditResult result = own.audit(done, 1, {.cells = 64});
    EXPECT_EQ(result.outcome, VerdictOutcome::kAccepted) << result.reason;

    StoredModel cheaper = testing::with_changed_matrices(model, [](auto* t) { testing::quantise(t, 4, 32); });
    worker_.model = &cheaper;
    const AuditResult cheated = own.audit(run_job(worker_, own.header(1, {1, 2, 3}), 3), 1, {.cells = 64});
    EXPECT_EQ(cheated.outcome, VerdictOutcome::kRejected);
}

TEST_F(Audit, AcceptsAJobWithoutOutput) {
    const FinishedJob prompt_only = run_job(worker_, verifier().header(1, {1, 20}), 0);
    EXPECT_EQ(prompt_only.header.positions(), 2U);
    EXPECT_EQ(verifier().audit(prompt_only, 1).outcome, VerdictOutcome::kAccepted);
}

TEST_F(Audit, RejectsAnotherCheckpoint) {
    const StoredModel other = testing::random_model(testing::small_shape(), 2);
    worker_.model = &other;
    EXPECT_NE(rejection(job()).find("layer 0"), std::string::npos);
}

TEST_F(Audit, RejectsQuantisedWeights) {
    for (const int bits : {8, 6, 4}) {
        const StoredModel cheaper =
            testing::with_changed_matrices(public_model(), [&](auto* t) { testing::quantise(t, bits, 0); });
        worker_.model = &cheaper;
        EXPECT_NE(rejection(job()).find("public weights"), std::string::npos) << bits;
    }
    const StoredModel fp8 = testing::with_changed_matrices(public_model(), testing::quantise_fp8);
    worker_.model = &fp8;
    EXPECT_NE(rejection(job()).find("public weights"), std::string::npos);
}

TEST_F(Audit, RejectsASmallFineTune) {
    std::mt19937_64 random{3};
    const StoredModel tuned =
        testing::with_changed_matrices(public_model(), [&](auto* t) { testing::add_rank_one(t, 1e-2, &random); });
    worker_.model = &tuned;
    EXPECT_NE(rejection(job()).find("public weights"), std::string::npos);
}

TEST_F(Audit, RejectsASkippedLayer) {
    worker_.skipped_layer = 1;
    EXPECT_NE(rejection(job()).find("layer 1"), std::string::npos);
}

// Each cell is right by itself, but layer 1 was run on something cheaper than the output of layer 0.
TEST_F(Audit, RejectsLayersThatDoNotConnect) {
    worker_.after_layer = [](const Cell& cell, LayerValues* values) {
        testing::ReferenceLlama llama{&public_model(), testing::SumOrder::kForward};
        if (cell.layer == 1) *values = llama.layer(1, llama.embed(8));
    };
    EXPECT_NE(rejection(job()).find("next layer"), std::string::npos);
}

// A cached computation of another text from some layer on: every cell is right by itself at every position.
TEST_F(Audit, RejectsACachedComputationSplicedInAtAnyLayer) {
    for (std::uint32_t from = 1; from < testing::small_shape().layers; ++from) {
        testing::ReferenceLlama cached{&public_model(), testing::SumOrder::kForward};
        std::vector<float> h;
        worker_.after_layer = [&](const Cell& cell, LayerValues* values) {
            if (cell.layer == 0) h = cached.embed(50 + cell.position);
            LayerValues other = cached.layer(cell.layer, h);
            h = other.h_out;
            if (cell.layer >= from) *values = std::move(other);
        };
        const FinishedJob spliced = job();
        for (std::uint64_t seed = 0; seed < 5; ++seed) {
            const AuditResult result = verifier().audit(spliced, seed);
            EXPECT_EQ(result.outcome, VerdictOutcome::kRejected) << from;
        }
    }
}

TEST_F(Audit, RejectsAnActivationThatWasNotComputed) {
    for (std::vector<float> LayerValues::* member :
         {&LayerValues::x_attn, &LayerValues::q, &LayerValues::k, &LayerValues::v, &LayerValues::o, &LayerValues::h_mid,
          &LayerValues::x_mlp, &LayerValues::gate, &LayerValues::up, &LayerValues::act, &LayerValues::down,
          &LayerValues::h_out}) {
        worker_.after_layer = [&](const Cell& cell, LayerValues* values) {
            if (cell == Cell{2, 1}) (values->*member)[7] += 0.01F;
        };
        EXPECT_NE(rejection(job()).find("position 2"), std::string::npos);
    }
}

TEST_F(Audit, RejectsAWrongAttentionWhereAllEarlierPositionsAreOpened) {
    for (const std::uint32_t position : {0U, 3U}) {
        worker_.change_attention = [&](const Cell& cell, std::vector<float>* attn_out) {
            if (cell.position == position) (*attn_out)[3] += 0.01F;
        };
        EXPECT_NE(rejection(job()).find("attn_out"), std::string::npos) << position;
    }
}

TEST_F(Audit, RejectsLogitsThatWereMadeUp) {
    worker_.after_final = [](std::uint32_t, testing::FinalValues* values) { values->logits[5] += 40.0F; };
    EXPECT_NE(rejection(job()).find("logits"), std::string::npos);
}

TEST_F(Audit, RejectsATokenThatTheSamplerDidNotChoose) {
    worker_.replace_token = [](std::uint64_t step, std::uint32_t token) {
        return step == 2 ? (token + 1) % 96 : token;
    };
    EXPECT_NE(rejection(job()).find("sampler"), std::string::npos);
}

TEST_F(Audit, RejectsAnotherSeedTemperatureOrPrompt) {
    const FinishedJob done = job();
    const auto outcome = [&](const AuditExpectation& expected) {
        const auto cells = draw_cells(testing::small_shape(), expected.units, seed_of(5));
        return verifier().checker->check(expected, cells, *done.committer->open(cells), verifier().hooks, seed_of(6));
    };
    AuditExpectation expected = verifier().expectation(done);
    expected.sampling.seed += 1;
    EXPECT_NE(outcome(expected).reason.find("sampling"), std::string::npos);
    expected = verifier().expectation(done);
    expected.sampling.temperature = 0;
    EXPECT_NE(outcome(expected).reason.find("sampling"), std::string::npos);
    expected = verifier().expectation(done);
    expected.prompt_tokens[1] = 21;
    EXPECT_NE(outcome(expected).reason.find("prompt"), std::string::npos);
    expected = verifier().expectation(done);
    expected.weights_root.bytes[0] ^= 1;
    EXPECT_NE(outcome(expected).reason.find("weights"), std::string::npos);
    expected = verifier().expectation(done);
    expected.request_hash.bytes[0] ^= 1;
    EXPECT_NE(outcome(expected).reason.find("request"), std::string::npos);
    EXPECT_EQ(outcome(verifier().expectation(done)).outcome, VerdictOutcome::kAccepted);
}

TEST_F(Audit, RejectsATextThatTheTokensAreNot) {
    const FinishedJob done = job();
    AuditHooks hooks = verifier().hooks;
    hooks.check_output = [](const auto&) -> Result<void> {
        return make_error(Errc::kCorrupt, "the output tokens are not the delivered text");
    };
    const AuditResult result = verifier().checker->check(verifier().expectation(done), {{0, 0}},
                                                         *done.committer->open({{0, 0}}), hooks, seed_of(6));
    EXPECT_EQ(result, (AuditResult{VerdictOutcome::kRejected, "the output tokens are not the delivered text"}));
}

class ForgedOpening : public Audit {
  protected:
    AuditResult check(const Opening& opening) const {
        return verifier().checker->check(verifier().expectation(done_), cells_, opening, verifier().hooks, seed_of(6));
    }
    void expect_rejected(const Opening& opening) const {
        const AuditResult result = check(opening);
        EXPECT_EQ(result.outcome, VerdictOutcome::kRejected);
        EXPECT_FALSE(result.reason.empty());
    }

    FinishedJob done_ = job(1);
    std::vector<Cell> cells_ = draw_cells(testing::small_shape(), {.input = 4, .output = 4}, seed_of(3));
    Opening opening_ = *done_.committer->open(cells_);
};

TEST_F(ForgedOpening, IsRejectedWithOneByteChanged) {
    EXPECT_EQ(check(opening_).outcome, VerdictOutcome::kAccepted);
    Opening forged = opening_;
    forged.cells[0].data.back() ^= 1;
    expect_rejected(forged);
    forged = opening_;
    forged.cells[0].proof[0].bytes[0] ^= 1;
    expect_rejected(forged);
    forged = opening_;
    forged.header[50] ^= 1;
    expect_rejected(forged);
    forged = opening_;
    forged.header_proof[0].bytes[0] ^= 1;
    expect_rejected(forged);
}

TEST_F(ForgedOpening, IsRejectedWithSwappedOrMissingCells) {
    Opening forged = opening_;
    std::swap(forged.cells[0], forged.cells[1]);
    expect_rejected(forged);
    forged = opening_;
    std::swap(forged.cells[0].data, forged.cells[1].data);
    std::swap(forged.cells[0].proof, forged.cells[1].proof);
    expect_rejected(forged);
    forged = opening_;
    forged.cells.pop_back();
    expect_rejected(forged);
    forged = opening_;
    forged.cells.push_back(forged.cells[0]);
    expect_rejected(forged);
    forged.cells.clear();
    expect_rejected(forged);
    expect_rejected(Opening{});
}

TEST_F(ForgedOpening, IsRejectedWithALongerOrShorterProof) {
    Opening forged = opening_;
    forged.cells[2].proof.pop_back();
    expect_rejected(forged);
    forged = opening_;
    forged.cells[2].proof.resize(100'000);
    expect_rejected(forged);
    forged = opening_;
    forged.header_proof.clear();
    expect_rejected(forged);
}

TEST_F(ForgedOpening, OfAnotherJobIsRejected) {
    const FinishedJob other = job(2);
    expect_rejected(*other.committer->open(cells_));
    Opening mixed = *other.committer->open(cells_);
    mixed.header = opening_.header;
    mixed.header_proof = opening_.header_proof;
    expect_rejected(mixed);

    // A receipt that names the other job's tree, with the other job's opening: the header tells.
    AuditExpectation replayed = verifier().expectation(done_);
    replayed.verification_root = other.root;
    const AuditResult result =
        verifier().checker->check(replayed, cells_, *other.committer->open(cells_), verifier().hooks, seed_of(6));
    EXPECT_EQ(result.reason, "the trace is of another job");
}

TEST_F(ForgedOpening, WithOtherTokenCountsThanBilledIsRejected) {
    for (const TokenUsage units :
         {TokenUsage{5, 4}, TokenUsage{4, 5}, TokenUsage{5, 3}, TokenUsage{0, 8}, TokenUsage{~0ULL, ~0ULL}}) {
        AuditExpectation expected = verifier().expectation(done_);
        expected.units = units;
        const AuditResult result = verifier().checker->check(expected, cells_, opening_, verifier().hooks, seed_of(6));
        EXPECT_EQ(result.outcome, VerdictOutcome::kRejected);
    }
}

}  // namespace
}  // namespace vcity::verify
