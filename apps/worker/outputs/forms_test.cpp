// SPDX-License-Identifier: Apache-2.0
// Outputs that must have a form, probabilities and embeddings, on the shipped model and on a tiny one.
#include <cmath>
#include <cstring>

#include <gtest/gtest.h>

#include "checkpoint/testing/tiny_model.hpp"
#include "codec/base64.hpp"
#include "codec/json.hpp"
#include "engine.hpp"
#include "market/typed_hashes.hpp"
#include "verify/draw.hpp"
#include "verify/judge.hpp"

namespace vcity::worker {
namespace {

constexpr std::string_view kPersonForm =
    R"({"schema":{"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer","minimum":0},)"
    R"("likes":{"type":"array","items":{"enum":["tea","coffee"]},"minItems":1}},)"
    R"("required":["name","age","likes"],"additionalProperties":false}})";

std::filesystem::path shipped_model() {
    return std::filesystem::path{VCITY_SOURCE_DIR} / "models" / "vcity-mini-bilingual";
}

WorkerGenerate ask(std::uint8_t seed, std::string_view form, std::uint32_t tokens) {
    WorkerGenerate message;
    message.job_id.bytes[0] = seed;
    message.request.messages = {{.role = "user", .content = "Describe a person as JSON."}};
    message.request.output_tokens_max = tokens;
    message.request.sampling = {.temperature = seed % 2 == 0 ? 0.0 : 1.0, .top_p = 0.9, .seed = seed};
    message.request.form = form;
    return message;
}

WorkerMessages run(Engine* engine, const WorkerGenerate& message) {
    WorkerMessages out;
    engine->generate(message, &out);
    while (engine->busy()) engine->step(&out);
    return out;
}

std::string text_of(const WorkerMessages& messages) {
    std::string text;
    for (const WorkerMessage& message : messages) {
        if (const auto* token = std::get_if<WorkerToken>(&message)) text += token->text;
    }
    return text;
}

TEST(Forms, EveryOutputIsWholeJsonOfTheSchemaHoweverFewTokensThereAre) {
    const auto engine = Engine::load(shipped_model(), {});
    ASSERT_TRUE(engine);
    for (std::uint8_t seed = 1; seed <= 4; ++seed) {
        const auto messages = run(engine->get(), ask(seed, kPersonForm, 40 + 6U * seed));

        const std::string text = text_of(messages);
        const auto json = codec::parse_json(text);
        ASSERT_TRUE(json) << text;
        EXPECT_TRUE(json->find("name")->is_string()) << text;
        EXPECT_TRUE(json->find("age")->is_integer()) << text;
        EXPECT_FALSE(json->find("likes")->get_array()->empty()) << text;
        EXPECT_EQ(std::get<WorkerDone>(messages.back()).reason, FinishReason::kStop);
    }
}

TEST(Forms, ABadFormIsRefused) {
    const auto engine = Engine::load(shipped_model(), {});
    const auto messages = run(engine->get(), ask(1, R"({"schema":{"pattern":"x"}})", 8));
    ASSERT_EQ(messages.size(), 1U);
    EXPECT_EQ(std::get<WorkerError>(messages[0]).code, Errc::kInvalid);
}

TEST(Forms, ProbabilitiesComeWithEveryToken) {
    const auto engine = Engine::load(shipped_model(), {});
    WorkerGenerate message = ask(2, "", 4);
    message.request.logprobs = 3;
    for (const WorkerMessage& sent : run(engine->get(), message)) {
        const auto* token = std::get_if<WorkerToken>(&sent);
        if (token == nullptr) continue;
        ASSERT_EQ(token->logprobs.size(), 1U);
        ASSERT_EQ(token->logprobs[0].top.size(), 2U);
        // Temperature zero takes the most probable one.
        EXPECT_EQ(token->logprobs[0].chosen, token->logprobs[0].top[0]);
        EXPECT_LE(token->logprobs[0].top[1].logprob, token->logprobs[0].top[0].logprob);
        EXPECT_LE(std::exp(token->logprobs[0].top[0].logprob) + std::exp(token->logprobs[0].top[1].logprob), 1.0001);
    }
}

std::vector<float> embed(Engine* engine, std::uint8_t number, const std::string& text) {
    WorkerGenerate message;
    message.job_id.bytes[0] = number;
    message.request.prompt = text;
    message.request.output_tokens_max = 1;
    message.request.answer = AnswerKind::kEmbedding;
    const auto messages = run(engine, message);
    EXPECT_EQ(std::get<WorkerDone>(messages.back()).usage.output, 0U);
    EXPECT_GT(std::get<WorkerDone>(messages.back()).usage.input, 0U);
    const Bytes bytes = codec::parse_base64(text_of(messages), codec::Base64Alphabet::kStandard).value();
    std::vector<float> vector(bytes.size() / sizeof(float));
    std::memcpy(vector.data(), bytes.data(), bytes.size());
    return vector;
}

TEST(Forms, EmbeddingsAreUnitVectorsThatOnlyDependOnTheText) {
    const auto engine = Engine::load(shipped_model(), {.prompt_rows = 4});
    const auto dot = [](const std::vector<float>& a, const std::vector<float>& b) {
        double sum = 0;
        for (std::size_t i = 0; i < a.size(); ++i) sum += double{a[i]} * double{b[i]};
        return sum;
    };
    const auto one = embed(engine->get(), 1, "Free software respects its users.");
    const auto same = embed(engine->get(), 2, "Free software respects its users.");
    const auto near = embed(engine->get(), 3, "Free software respects the freedom of its users.");
    const auto far = embed(engine->get(), 4, "The capital of France is Paris, on the river Seine.");

    EXPECT_EQ(one.size(), 256U);
    EXPECT_EQ(one, same);
    EXPECT_NEAR(dot(one, one), 1, 1e-5);
    EXPECT_GT(dot(one, near), dot(one, far));
}

// The verifier draws the same masks: an honest masked output passes, and the unmasked sampler would not have chosen it.
TEST(Forms, AVerifierAcceptsAMaskedOutputOnlyWithItsForm) {
    const auto model = checkpoint::ModelDirectory::open(shipped_model());
    const auto engine = Engine::load(shipped_model(), {});
    WorkerGenerate message = ask(1, kPersonForm, 48);
    WorkerMessages out = run(engine->get(), message);
    const auto done = std::get<WorkerDone>(out.back());
    const auto shape = model_shape(model->config(), verify::ComputeType::kFloat32);
    std::vector<verify::TensorView> views;
    for (const auto& [name, tensor] : model->tensors()) {
        views.push_back({.name = name,
                         .type = static_cast<verify::TensorType>(tensor.dtype),
                         .dims = tensor.shape,
                         .bytes = tensor.bytes});
    }
    verify::Seed seed;
    seed.bytes.fill(3);
    const verify::AuditJudge judge{*shape, *verify::bind_weights(*shape, views), {}, seed};
    verify::AuditClaim claim{
        .roots = {.tier = AuditTier::kServed, .receipt = done.verification_root, .cells = done.verification_root},
        .job_id = message.job_id,
        .request_hash = market::request_hash(message.request),
        .weights_root = (*engine)->ready().weights_root,
        .client_nonce = {},
        .monitor_key = {},
        .units = done.usage,
        .sampling = message.request.sampling,
        .prompt_tokens = *checkpoint::encode_prompt(message.request, model->tokenizer(), model->prompt_rules())};
    const auto tree = std::make_shared<checkpoint::TokenTree>(
        model->tokenizer(), [&](std::uint32_t token) { return model->is_end_token(token); });
    const verify::TokenFilter filter = [&](const auto& tokens, std::uint64_t step) {
        checkpoint::TokenMask mask{tree, grammar::Form::parse(kPersonForm).value()};
        for (std::uint64_t i = 0; i < step; ++i) mask.push(tokens[i]);
        return std::optional<std::vector<bool>>{*mask.allowed(48 - step)};
    };
    const verify::OutputCheck any = [](const auto&) { return Result<void>{}; };
    int rejected = 0;
    for (std::uint8_t number = 1; number <= 4; ++number) {
        verify::Seed draw;
        draw.bytes.fill(number);
        const auto question = verify::draw_audit(*shape, done.usage, AuditTier::kServed, draw);
        (*engine)->open({.job_id = message.job_id, .root = done.verification_root, .question = question}, &out);
        const auto opening = std::get<WorkerOpening>(out.back()).opening;
        claim.filter = filter;
        const auto with = judge.judge(claim, question, opening, any, seed);
        EXPECT_EQ(with.outcome, VerdictOutcome::kAccepted) << with.reason;
        claim.filter = nullptr;
        if (judge.judge(claim, question, opening, any, seed).outcome == VerdictOutcome::kRejected) ++rejected;
    }
    EXPECT_GT(rejected, 0);
}

}  // namespace
}  // namespace vcity::worker
