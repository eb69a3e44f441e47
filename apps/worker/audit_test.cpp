// SPDX-License-Identifier: Apache-2.0
// What the engine commits to and opens stands up to the verifier's checks, for real libtorch arithmetic.
#include <gtest/gtest.h>

#include "checkpoint/testing/tiny_model.hpp"
#include "crypto/keccak.hpp"
#include "engine.hpp"
#include "market/typed_hashes.hpp"
#include "verify/draw.hpp"
#include "verify/judge.hpp"

namespace vcity::worker {
namespace {

using checkpoint::testing::TemporaryFolder;
using checkpoint::testing::TinyOptions;
using verify::ComputeType;

// A generation and everything that a verifier is told about it.
struct Audited {
    verify::AuditClaim claim;
    AuditQuestion question;
    Opening opening;
};

std::vector<verify::TensorView> views_of(const checkpoint::TensorMap& tensors) {
    std::vector<verify::TensorView> out;
    for (const auto& [name, tensor] : tensors) {
        out.push_back({.name = name,
                       .type = static_cast<verify::TensorType>(tensor.dtype),
                       .dims = tensor.shape,
                       .bytes = tensor.bytes});
    }
    return out;
}

verify::Seed seed_of(std::uint8_t number) {
    verify::Seed seed;
    seed.bytes.fill(number);
    return seed;
}

// Runs one request, replays it in tier A, and opens what a verifier draws.
Audited generate(const std::filesystem::path& folder, ComputeType compute, const ModelRequest& request) {
    const auto engine = Engine::load(folder, {.runner = {.compute = compute}, .prompt_rows = 16});
    EXPECT_TRUE(engine) << engine.error().message;
    const auto model = checkpoint::ModelDirectory::open(folder);
    WorkerGenerate message;
    message.request = request;
    WorkerMessages out;
    (*engine)->generate(message, &out);
    while ((*engine)->busy()) (*engine)->step(&out);
    const auto done = std::get<WorkerDone>(out.back());
    const AuditTier tier = tier_of(request.verification);
    Hash root = done.verification_root;
    if (tier == AuditTier::kSketch) {
        (*engine)->replay({.job_id = {}}, &out);
        while ((*engine)->busy()) (*engine)->step(&out);
        root = std::get<WorkerReplayed>(out.back()).root;
    }
    Audited audited;
    audited.claim = {.roots = {.tier = tier, .receipt = done.verification_root, .cells = root},
                     .job_id = {},
                     .request_hash = market::request_hash(request),
                     .weights_root = (*engine)->ready().weights_root,
                     .client_nonce = request.client_nonce,
                     .monitor_key = {},
                     .units = done.usage,
                     .sampling = request.sampling,
                     .prompt_tokens = *checkpoint::encode_prompt(request, model->tokenizer(), model->prompt_rules())};
    audited.question = verify::draw_audit((*engine)->shape(), done.usage, tier, seed_of(9));
    (*engine)->open({.job_id = {}, .root = root, .question = audited.question}, &out);
    audited.opening = std::get<WorkerOpening>(out.back()).opening;
    return audited;
}

verify::AuditResult check(const std::filesystem::path& folder, ComputeType compute, const Audited& audited) {
    const auto model = checkpoint::ModelDirectory::open(folder);
    const auto shape = model_shape(model->config(), compute);
    auto weights = verify::bind_weights(*shape, views_of(model->tensors()));
    EXPECT_TRUE(weights) << weights.error().message;
    const verify::AuditJudge judge{*shape, *std::move(weights), {}, seed_of(7)};
    return judge.judge(
        audited.claim, audited.question, audited.opening,
        [](const std::vector<std::uint32_t>&) { return Result<void>{}; }, seed_of(8));
}

ModelRequest request_of(const std::string& question, double temperature, AuditTier tier = AuditTier::kServed) {
    ModelRequest request;
    request.messages = {{.role = "user", .content = question}};
    request.output_tokens_max = 12;
    request.sampling = {.temperature = temperature, .top_p = 0.9, .seed = 3};
    request.client_nonce = crypto::keccak256_text(question);
    request.verification = tier == AuditTier::kServed ? Verification::kSampled : Verification::kNone;
    return request;
}

std::filesystem::path shipped_model() {
    return std::filesystem::path{VCITY_SOURCE_DIR} / "models" / "vcity-mini-bilingual";
}

TEST(Audit, AcceptsHonestWorkOfATinyModel) {
    const TemporaryFolder folder{"audit"};
    for (const checkpoint::DType dtype : {checkpoint::DType::kFloat32, checkpoint::DType::kBfloat16}) {
        checkpoint::testing::write_tiny_model(folder.path(), {.dtype = dtype});
        for (const ComputeType compute : {ComputeType::kFloat32, ComputeType::kBfloat16}) {
            for (const AuditTier tier : {AuditTier::kSketch, AuditTier::kServed}) {
                const Audited audited = generate(folder.path(), compute, request_of("hello", 1, tier));

                const auto result = check(folder.path(), compute, audited);

                EXPECT_EQ(result.outcome, VerdictOutcome::kAccepted)
                    << result.reason << " " << static_cast<int>(compute) << static_cast<int>(tier);
            }
        }
    }
}

TEST(Audit, AcceptsHonestWorkOfTheShippedModel) {
    for (const ComputeType compute : {ComputeType::kFloat32, ComputeType::kBfloat16}) {
        for (const AuditTier tier : {AuditTier::kSketch, AuditTier::kServed}) {
            const Audited audited = generate(shipped_model(), compute, request_of("What is free software?", 0.7, tier));

            const auto result = check(shipped_model(), compute, audited);

            EXPECT_EQ(result.outcome, VerdictOutcome::kAccepted) << result.reason;
        }
    }
}

TEST(Audit, RejectsOtherWeights) {
    const TemporaryFolder folder{"public"};
    const TemporaryFolder other{"other"};
    checkpoint::testing::write_tiny_model(folder.path(), {.seed = 1});
    checkpoint::testing::write_tiny_model(other.path(), {.seed = 2});
    for (const AuditTier tier : {AuditTier::kSketch, AuditTier::kServed}) {
        const Audited audited = generate(other.path(), ComputeType::kFloat32, request_of("hello", 1, tier));

        EXPECT_EQ(check(folder.path(), ComputeType::kFloat32, audited).outcome, VerdictOutcome::kRejected);
    }
}

TEST(Audit, RejectsCoarserArithmeticThanAgreed) {
    const TemporaryFolder folder{"coarse"};
    checkpoint::testing::write_tiny_model(folder.path());
    const Audited audited = generate(folder.path(), ComputeType::kBfloat16, request_of("hello", 1));

    EXPECT_EQ(check(folder.path(), ComputeType::kFloat32, audited).outcome, VerdictOutcome::kRejected);
}

TEST(Audit, RejectsAnotherPromptOrNonce) {
    const TemporaryFolder folder{"prompt"};
    checkpoint::testing::write_tiny_model(folder.path());
    const Audited honest = generate(folder.path(), ComputeType::kFloat32, request_of("hello", 1));
    Audited prompt = honest;
    prompt.claim.prompt_tokens[2] ^= 1;
    Audited nonce = honest;
    nonce.claim.client_nonce = {};

    EXPECT_EQ(check(folder.path(), ComputeType::kFloat32, honest).outcome, VerdictOutcome::kAccepted);
    EXPECT_EQ(check(folder.path(), ComputeType::kFloat32, prompt).outcome, VerdictOutcome::kRejected);
    EXPECT_EQ(check(folder.path(), ComputeType::kFloat32, nonce).outcome, VerdictOutcome::kRejected);
}

}  // namespace
}  // namespace vcity::worker
