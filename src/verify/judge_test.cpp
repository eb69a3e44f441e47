// SPDX-License-Identifier: Apache-2.0
#include "verify/judge.hpp"

#include <gtest/gtest.h>

#include "verify/testing/reference_worker.hpp"

namespace vcity::verify {
namespace {

using testing::FinishedJob;
using testing::ReferenceVerifier;
using testing::ReferenceWorker;
using testing::seed_of;
using testing::StoredModel;
using testing::SumOrder;

ModelShape test_shape(ComputeType compute) {
    ModelShape shape = testing::small_shape();
    shape.compute = compute;
    return shape;
}

std::vector<std::uint32_t> prompt(std::uint32_t seed, std::size_t count = 36) {
    std::vector<std::uint32_t> tokens;
    for (std::uint32_t i = 0; i < count; ++i) tokens.push_back((seed * 31 + i * i * 7 + i) % 96);
    return tokens;
}

class Judging : public ::testing::TestWithParam<ComputeType> {
  protected:
    FinishedJob job(const ReferenceWorker& worker, std::uint32_t number, double temperature = 0.8) const {
        TraceHeader header = verifier_.header(number, prompt(number));
        header.sampling.temperature = temperature;
        return testing::run_job(worker, header, 6);
    }
    AuditResult audit(const ReferenceWorker& worker, std::uint64_t seed = 5) const {
        return verifier_.audit(job(worker, 3), seed);
    }
    void expect_caught(const ReferenceWorker& worker, int least = 4) const {
        int caught = 0;
        for (std::uint64_t seed = 1; seed <= 4; ++seed) {
            caught += audit(worker, seed).outcome == VerdictOutcome::kRejected ? 1 : 0;
        }
        EXPECT_GE(caught, least);
    }

    StoredModel model_ = testing::random_model(test_shape(GetParam()), 4);
    ReferenceVerifier verifier_{&model_};
};

TEST_P(Judging, AcceptsHonestWorkInEveryOrderOfSummation) {
    for (int order = 0; order < testing::kSumOrders; ++order) {
        ReferenceWorker worker{&model_};
        worker.order = static_cast<SumOrder>(order);
        for (std::uint32_t number = 1; number <= 2; ++number) {
            const FinishedJob finished = job(worker, number, number == 1 ? 0.8 : 0.0);
            const AuditResult result = verifier_.audit(finished, 100 + number);
            EXPECT_EQ(result.outcome, VerdictOutcome::kAccepted) << order << ": " << result.reason;
        }
    }
}

TEST_P(Judging, RejectsOtherWeightsThoughTheRightOnesAreShownAtTheAudit) {
    for (const int bits : {8, 4}) {
        const StoredModel cheaper = testing::with_changed_matrices(
            model_, [&](StoredModel::Tensor* tensor) { testing::quantise(tensor, bits, 0); });
        ReferenceWorker worker{&cheaper};
        worker.audited = &model_;
        expect_caught(worker);
        worker.audited = nullptr;
        expect_caught(worker);
    }
}

TEST_P(Judging, RejectsACacheOfLessPrecision) {
    ReferenceWorker worker{&model_};
    worker.change_cache = [](std::vector<float>* values) {
        for (float& value : *values) value = testing::round_fp8(value);
    };
    expect_caught(worker);
}

TEST_P(Judging, RejectsAShortenedContext) {
    ReferenceWorker worker{&model_};
    worker.window = 16;
    expect_caught(worker);
}

TEST_P(Judging, RejectsASkippedLayer) {
    ReferenceWorker worker{&model_};
    worker.skipped_layer = 1;
    expect_caught(worker);
}

TEST_P(Judging, RejectsATokenTheSamplerDidNotChoose) {
    ReferenceWorker worker{&model_};
    worker.replace_token = [](std::uint64_t, std::uint32_t token) { return (token + 1) % 96; };
    expect_caught(worker);
}

TEST_P(Judging, RejectsAnotherSeedThanTheRequests) {
    ReferenceWorker worker{&model_};
    worker.sample = [](std::span<const float> logits, Sampling sampling, std::uint64_t step) {
        sampling.seed += 1;
        return testing::reference_sample(logits, sampling, step);
    };
    int caught = 0;
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
        caught += audit(worker, seed).outcome == VerdictOutcome::kRejected ? 1 : 0;
    }
    EXPECT_GE(caught, 6);  // another seed often chooses the same token
}

TEST_P(Judging, RejectsAnAnswerSplicedInFromAnotherComputation) {
    ReferenceWorker worker{&model_};
    worker.after_layer = [](const Cell& cell, testing::LayerValues* values) {
        if (cell.layer != 1) return;
        for (float& value : values->h_out) value = -value;
    };
    expect_caught(worker);
}

TEST_P(Judging, RejectsComputedValuesMadeUpAtTheAudit) {
    for (int part = 0; part < 3; ++part) {
        ReferenceWorker worker{&model_};
        worker.change_computed = [part](const Cell&, testing::LayerValues* values) {
            std::vector<float>& changed = part == 0 ? values->q : part == 1 ? values->down : values->gate;
            for (float& value : changed) value = testing::round_bfloat16(value * 1.05F);
        };
        expect_caught(worker);
    }
}

TEST_P(Judging, RejectsAnotherHeaderThanTheReceiptsAndTheRequests) {
    const FinishedJob finished = job(ReferenceWorker{&model_}, 3);
    const AuditClaim honest = verifier_.claim(finished);
    const AuditQuestion question = verifier_.draw(finished, 5);
    const Opening opening = finished.open(question);
    std::vector<AuditClaim> claims(9, honest);
    claims[0].job_id.bytes[7] ^= 1;
    claims[1].request_hash.bytes[7] ^= 1;
    claims[2].weights_root.bytes[7] ^= 1;
    claims[3].client_nonce.bytes[7] ^= 1;
    claims[4].monitor_key.bytes[7] ^= 1;
    claims[5].sampling.seed ^= 1;
    claims[6].prompt_tokens.back() ^= 1;
    claims[7].units.output += 1;
    claims[8].roots.tier = AuditTier::kSketch;
    for (const AuditClaim& claim : claims) {
        EXPECT_EQ(verifier_.judge->judge(claim, question, opening, verifier_.check_output, seed_of(1)).outcome,
                  VerdictOutcome::kRejected);
    }
    EXPECT_EQ(verifier_.judge->judge(honest, question, opening, verifier_.check_output, seed_of(1)).outcome,
              VerdictOutcome::kAccepted);
}

TEST_P(Judging, RejectsEveryChangedByte) {
    const FinishedJob finished = job(ReferenceWorker{&model_}, 3);
    const AuditClaim claim = verifier_.claim(finished);
    const AuditQuestion question = verifier_.draw(finished, 5, {.cells = 1, .heads = 1});
    const Opening honest = finished.open(question);
    const auto rejected = [&](const Opening& opening) {
        return verifier_.judge->judge(claim, question, opening, verifier_.check_output, seed_of(1)).outcome ==
               VerdictOutcome::kRejected;
    };
    for (std::size_t i = 0; i < honest.cells.size(); ++i) {
        Opening changed = honest;
        changed.cells[i].data[3] ^= 0x40;
        EXPECT_TRUE(rejected(changed));
        changed = honest;
        changed.cells[i].proof.pop_back();
        EXPECT_TRUE(rejected(changed));
        if (honest.cells[i].next.empty()) continue;
        changed = honest;
        changed.cells[i].next.back() ^= 1;
        EXPECT_TRUE(rejected(changed));
        changed = honest;
        changed.cells[i].computed.pop_back();
        EXPECT_TRUE(rejected(changed));
    }
    for (std::size_t i = 0; i < honest.pages.size(); ++i) {
        Opening changed = honest;
        changed.pages[i].data[1] ^= 1;
        EXPECT_TRUE(rejected(changed));
    }
    Opening fewer = honest;
    fewer.pages.pop_back();
    EXPECT_TRUE(rejected(fewer));
    fewer = honest;
    fewer.cells.pop_back();
    EXPECT_TRUE(rejected(fewer));
}

INSTANTIATE_TEST_SUITE_P(Formats,
                         Judging,
                         ::testing::Values(ComputeType::kFloat32, ComputeType::kBfloat16),
                         [](const auto& info) { return info.param == ComputeType::kFloat32 ? "Float32" : "Bfloat16"; });

}  // namespace
}  // namespace vcity::verify
