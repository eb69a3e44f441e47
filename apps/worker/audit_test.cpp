// SPDX-License-Identifier: Apache-2.0
// What the engine commits to stands up to the verifier's checks, for real libtorch arithmetic.
#include <gtest/gtest.h>

#include "checkpoint/sampler.hpp"
#include "checkpoint/testing/tiny_model.hpp"
#include "engine.hpp"
#include "market/typed_hashes.hpp"
#include "verify/checker.hpp"

namespace vcity::worker {
namespace {

using checkpoint::testing::TemporaryFolder;
using checkpoint::testing::TinyOptions;
using verify::ComputeType;

// A generation and everything that a verifier is told about it.
struct Audited {
    verify::AuditExpectation expected;
    std::vector<Cell> cells;
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

// Runs one request and opens some thirty of its cells, those of position 0 and of the last position among them.
Audited generate(const std::filesystem::path& folder, ComputeType compute, const ModelRequest& request) {
    const auto engine = Engine::load(folder, {.runner = {.compute = compute}});
    EXPECT_TRUE(engine) << engine.error().message;
    const auto model = checkpoint::ModelDirectory::open(folder);
    WorkerMessages out;
    (*engine)->generate({.job_id = {}, .request = request}, &out);
    while ((*engine)->busy()) (*engine)->step(&out);
    const auto done = std::get<WorkerDone>(out.back());
    Audited audited;
    audited.expected = {
        .verification_root = done.verification_root,
        .job_id = {},
        .request_hash = market::request_hash(request),
        .weights_root = (*engine)->ready().weights_root,
        .units = done.usage,
        .sampling = request.sampling,
        .prompt_tokens = *checkpoint::encode_prompt(request, model->tokenizer(), model->prompt_rules())};
    const auto layers = static_cast<std::uint32_t>(model->config().layers);
    const auto positions = static_cast<std::uint32_t>(done.usage.input + done.usage.output - 1);
    for (std::uint32_t layer = 0; layer <= layers; ++layer) {
        for (const std::uint32_t position : {0U, positions / 2, positions - 1})
            audited.cells.push_back({position, layer});
    }
    out.clear();
    (*engine)->open({.job_id = {}, .question = {.cells = audited.cells}}, &out);
    audited.opening = std::get<WorkerOpening>(out.back()).opening;
    return audited;
}

verify::AuditResult check(const std::filesystem::path& folder, ComputeType compute, const Audited& audited) {
    const auto model = checkpoint::ModelDirectory::open(folder);
    const auto shape = model_shape(model->config(), compute);
    auto weights = verify::bind_weights(*shape, views_of(model->tensors()));
    EXPECT_TRUE(weights) << weights.error().message;
    verify::Seed seed;
    seed.bytes.fill(7);
    const verify::AuditChecker checker{*shape, *std::move(weights), {}, seed};
    return checker.check(audited.expected, audited.cells, audited.opening,
                         {.sample = checkpoint::choose_token,
                          .check_output = [](const std::vector<std::uint32_t>&) { return Result<void>{}; }},
                         seed);
}

ModelRequest request_of(const std::string& question, double temperature) {
    ModelRequest request;
    request.messages = {{.role = "user", .content = question}};
    request.output_tokens_max = 12;
    request.sampling = {.temperature = temperature, .top_p = 0.9, .seed = 3};
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
            const Audited audited = generate(folder.path(), compute, request_of("hello", 1));

            const auto result = check(folder.path(), compute, audited);

            EXPECT_EQ(result.outcome, VerdictOutcome::kAccepted) << result.reason;
        }
    }
}

TEST(Audit, AcceptsHonestWorkOfTheShippedModel) {
    for (const ComputeType compute : {ComputeType::kFloat32, ComputeType::kBfloat16}) {
        const Audited audited = generate(shipped_model(), compute, request_of("What is free software?", 0.7));

        const auto result = check(shipped_model(), compute, audited);

        EXPECT_EQ(result.outcome, VerdictOutcome::kAccepted) << result.reason;
    }
}

TEST(Audit, RejectsOtherWeights) {
    const TemporaryFolder folder{"public"};
    const TemporaryFolder other{"other"};
    checkpoint::testing::write_tiny_model(folder.path(), {.seed = 1});
    checkpoint::testing::write_tiny_model(other.path(), {.seed = 2});
    const Audited audited = generate(other.path(), ComputeType::kFloat32, request_of("hello", 1));

    EXPECT_EQ(check(folder.path(), ComputeType::kFloat32, audited).outcome, VerdictOutcome::kRejected);
}

TEST(Audit, RejectsCoarserArithmeticThanAgreed) {
    const TemporaryFolder folder{"coarse"};
    checkpoint::testing::write_tiny_model(folder.path());
    const Audited audited = generate(folder.path(), ComputeType::kBfloat16, request_of("hello", 1));

    EXPECT_EQ(check(folder.path(), ComputeType::kFloat32, audited).outcome, VerdictOutcome::kRejected);
}

TEST(Audit, RejectsAnotherPrompt) {
    const TemporaryFolder folder{"prompt"};
    checkpoint::testing::write_tiny_model(folder.path());
    Audited audited = generate(folder.path(), ComputeType::kFloat32, request_of("hello", 1));
    audited.expected.prompt_tokens[2] ^= 1;

    EXPECT_EQ(check(folder.path(), ComputeType::kFloat32, audited).outcome, VerdictOutcome::kRejected);
}

}  // namespace
}  // namespace vcity::worker
