// SPDX-License-Identifier: Apache-2.0
#include "engine.hpp"

#include <gtest/gtest.h>

#include "checkpoint/sampler.hpp"
#include "checkpoint/testing/tiny_model.hpp"
#include "verify/opening.hpp"

namespace vcity::worker {
namespace {

using checkpoint::testing::TemporaryFolder;
using checkpoint::testing::TinyOptions;

std::unique_ptr<Engine> load(EngineOptions options = {}, const TinyOptions& tiny = {}) {
    const TemporaryFolder folder{"engine"};
    checkpoint::testing::write_tiny_model(folder.path(), tiny);
    options.model_name = "tiny";
    auto engine = Engine::load(folder.path(), options);
    EXPECT_TRUE(engine) << engine.error().message;
    return *std::move(engine);
}

JobId job(std::uint8_t number) {
    JobId id;
    id.bytes[0] = number;
    return id;
}

WorkerGenerate ask(std::uint8_t number, const std::string& text, std::uint32_t tokens = 8) {
    WorkerGenerate message{.job_id = job(number), .request = {}};
    message.request.prompt = text;
    message.request.output_tokens_max = tokens;
    message.request.sampling = {.temperature = 1, .top_p = 0.95, .seed = number};
    return message;
}

struct Outcome {
    std::string text;
    std::uint32_t tokens = 0;
    std::optional<WorkerDone> done;
    std::optional<WorkerError> error;
};

Outcome outcome_of(const WorkerMessages& messages, const JobId& id) {
    Outcome out;
    for (const WorkerMessage& message : messages) {
        if (const auto* token = std::get_if<WorkerToken>(&message); token != nullptr && token->job_id == id) {
            out.text += token->text;
            out.tokens += token->tokens;
        }
        if (const auto* done = std::get_if<WorkerDone>(&message); done != nullptr && done->job_id == id)
            out.done = *done;
        if (const auto* bad = std::get_if<WorkerError>(&message); bad != nullptr && bad->job_id == id) out.error = *bad;
    }
    return out;
}

Outcome run_alone(Engine* engine, const WorkerGenerate& message) {
    WorkerMessages out;
    engine->generate(message, &out);
    while (engine->busy()) engine->step(&out);
    return outcome_of(out, message.job_id);
}

TEST(Engine, SaysWhatItServes) {
    const auto engine = load();

    EXPECT_EQ(engine->ready().model, "tiny");
    EXPECT_EQ(engine->ready().context_tokens_max, 64U);
    EXPECT_EQ(engine->ready().vocabulary, 277U);
    EXPECT_FALSE(engine->ready().weights_root.is_zero());
}

TEST(Engine, OtherWeightsHaveAnotherRoot) {
    EXPECT_EQ(load()->ready().weights_root, load()->ready().weights_root);
    EXPECT_NE(load()->ready().weights_root, load({}, {.seed = 2})->ready().weights_root);
}

TEST(Engine, ShardsHaveTheSameRoot) {
    EXPECT_EQ(load()->ready().weights_root, load({}, {.sharded = true})->ready().weights_root);
}

TEST(Engine, AnswersWithinTheLimit) {
    const auto engine = load();

    const Outcome outcome = run_alone(engine.get(), ask(1, "hello", 5));

    ASSERT_TRUE(outcome.done);
    EXPECT_LE(outcome.done->usage.output, 5U);
    EXPECT_EQ(outcome.done->usage.output, outcome.tokens);
    EXPECT_EQ(outcome.done->usage.input, 2U);
    EXPECT_FALSE(outcome.done->verification_root.is_zero());
}

TEST(Engine, RepeatsItself) {
    const auto engine = load();
    const auto again = load();

    const Outcome a = run_alone(engine.get(), ask(1, "hello", 20));
    const Outcome b = run_alone(again.get(), ask(1, "hello", 20));

    EXPECT_EQ(a.text, b.text);
    EXPECT_EQ(a.done->verification_root, b.done->verification_root);
}

TEST(Engine, JobsJoinAndLeaveWithoutDisturbingOthers) {
    const auto alone = load();
    std::vector<std::string> expected;
    for (std::uint8_t n = 1; n <= 3; ++n)
        expected.push_back(run_alone(alone.get(), ask(n, std::string(n, 'x'), 6U + n)).text);
    const auto engine = load();
    WorkerMessages out;

    engine->generate(ask(1, "x", 7), &out);
    engine->step(&out);
    engine->generate(ask(2, "xx", 8), &out);
    engine->step(&out);
    engine->step(&out);
    engine->generate(ask(3, "xxx", 9), &out);
    while (engine->busy()) engine->step(&out);

    for (std::uint8_t n = 1; n <= 3; ++n) {
        EXPECT_EQ(outcome_of(out, job(n)).text, expected[n - std::size_t{1}]) << int{n};
        EXPECT_TRUE(outcome_of(out, job(n)).done);
    }
}

TEST(Engine, ComputesLongPromptsInParts) {
    const auto whole = load();
    const auto parts = load({.prompt_rows = 3});
    const std::string text = "a prompt of twenty chars";

    EXPECT_EQ(run_alone(whole.get(), ask(1, text)).text, run_alone(parts.get(), ask(1, text)).text);
}

TEST(Engine, StopsAtAStopText) {
    const auto engine = load();
    const std::string text = run_alone(engine.get(), ask(1, "hello", 20)).text;
    ASSERT_GT(text.size(), 4U);
    WorkerGenerate message = ask(1, "hello", 20);
    message.request.stop = {text.substr(2, 2)};
    const auto fresh = load();

    const Outcome outcome = run_alone(fresh.get(), message);

    EXPECT_EQ(outcome.text, text.substr(0, text.find(message.request.stop[0])));
    EXPECT_EQ(outcome.done->reason, FinishReason::kStop);
}

TEST(Engine, CancelsAndBillsWhatWasDelivered) {
    const auto engine = load();
    WorkerMessages out;
    engine->generate(ask(1, "hello", 30), &out);
    engine->step(&out);
    engine->step(&out);

    engine->cancel(job(1), &out);
    engine->cancel(job(1), &out);

    const Outcome outcome = outcome_of(out, job(1));
    ASSERT_TRUE(outcome.done);
    EXPECT_EQ(outcome.done->reason, FinishReason::kCancelled);
    EXPECT_EQ(outcome.done->usage, (TokenUsage{.input = 2, .output = 2}));
    EXPECT_FALSE(engine->busy());
}

TEST(Engine, BillsNothingWhenCancelledBeforeTheFirstToken) {
    const auto engine = load({.prompt_rows = 2});
    WorkerMessages out;
    engine->generate(ask(1, "a longer prompt"), &out);
    engine->step(&out);

    engine->cancel(job(1), &out);

    const Outcome outcome = outcome_of(out, job(1));
    ASSERT_TRUE(outcome.done);
    EXPECT_EQ(outcome.done->usage, (TokenUsage{}));
}

TEST(Engine, RefusesWhatItCannotServe) {
    const auto engine = load();
    const auto code_of = [&](const WorkerGenerate& message) { return run_alone(engine.get(), message).error->code; };
    WorkerGenerate hot = ask(1, "x");
    hot.request.sampling.temperature = 3;
    WorkerGenerate many_stops = ask(1, "x");
    many_stops.request.stop.assign(5, "s");

    EXPECT_EQ(code_of(ask(1, std::string(100, 'x'))), Errc::kInvalid) << "longer than the context";
    EXPECT_EQ(code_of(ask(1, "x", 0)), Errc::kInvalid);
    EXPECT_EQ(code_of(ask(1, "\xff")), Errc::kInvalid);
    EXPECT_EQ(code_of(hot), Errc::kInvalid);
    EXPECT_EQ(code_of(many_stops), Errc::kInvalid);
}

TEST(Engine, ShortensTheAnswerToTheContext) {
    const auto engine = load({}, {.positions = 16});

    const Outcome outcome = run_alone(engine.get(), ask(1, "0123456789", 1000));

    ASSERT_TRUE(outcome.done);
    EXPECT_LE(outcome.done->usage.input + outcome.done->usage.output, 16U);
}

TEST(Engine, BoundsItsSlots) {
    const auto engine = load({.slots = 2});
    WorkerMessages out;
    for (std::uint8_t n = 1; n <= 3; ++n) engine->generate(ask(n, "x"), &out);
    engine->generate(ask(1, "x"), &out);

    EXPECT_EQ(outcome_of(out, job(3)).error->code, Errc::kExhausted);
    EXPECT_EQ(outcome_of(out, job(1)).error->code, Errc::kConflict);
    EXPECT_FALSE(outcome_of(out, job(2)).error);
}

TEST(Engine, OpensWhatItCommittedTo) {
    const auto engine = load();
    const Outcome outcome = run_alone(engine.get(), ask(1, "hello", 6));
    WorkerMessages out;

    engine->open({.job_id = job(1), .question = {.cells = {{.position = 0, .layer = 0}, {.position = 1, .layer = 2}}}},
                 &out);

    ASSERT_EQ(out.size(), 1U);
    const auto* reply = std::get_if<WorkerOpening>(&out[0]);
    ASSERT_NE(reply, nullptr);
    ASSERT_EQ(reply->opening.cells.size(), 2U);
    for (const OpenedCell& cell : reply->opening.cells) {
        EXPECT_EQ(crypto::merkle_root_of_proof(verify::cell_leaf(cell.data), cell.proof),
                  outcome.done->verification_root);
    }
    const Hash header = verify::header_leaf(reply->opening.header);
    EXPECT_EQ(crypto::merkle_root_of_proof(header, reply->opening.header_proof), outcome.done->verification_root);
}

TEST(Engine, ItsSampledTokensFollowFromTheOpenedLogits) {
    const auto engine = load();
    const WorkerGenerate message = ask(1, "hello", 6);
    const Outcome outcome = run_alone(engine.get(), message);
    const auto shape = *model_shape(*checkpoint::parse_model_config(checkpoint::testing::tiny_config({})),
                                    verify::ComputeType::kFloat32);
    WorkerMessages out;
    std::vector<Cell> cells;
    for (std::uint32_t i = 0; i < outcome.done->usage.output; ++i) {
        cells.push_back({.position = static_cast<std::uint32_t>(outcome.done->usage.input) - 1 + i, .layer = 2});
    }

    engine->open({.job_id = job(1), .question = {.cells = cells}}, &out);

    const Opening& opening = std::get<WorkerOpening>(out[0]).opening;
    const auto header = verify::parse_header(shape, opening.header);
    ASSERT_TRUE(header);
    ASSERT_EQ(header->output_tokens.size(), cells.size());
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const auto parsed = verify::ParsedCell::parse(shape, cells[i], opening.cells[i].data);
        ASSERT_TRUE(parsed);
        EXPECT_EQ(checkpoint::choose_token(parsed->final_trace().logits, message.request.sampling, i),
                  header->output_tokens[i]);
    }
}

TEST(Engine, ForgetsTheOldestTraceFirst) {
    EngineOptions options;
    options.trace_bytes_max =
        3 * verify::retained_bytes(*model_shape(*checkpoint::parse_model_config(checkpoint::testing::tiny_config({})),
                                                verify::ComputeType::kFloat32),
                                   9);
    const auto engine = load(options);
    for (std::uint8_t n = 1; n <= 5; ++n) EXPECT_TRUE(run_alone(engine.get(), ask(n, "hello", 8)).done) << int{n};
    const auto opens = [&](std::uint8_t n) {
        WorkerMessages out;
        engine->open({.job_id = job(n), .question = {.cells = {{.position = 0, .layer = 0}}}}, &out);
        return std::holds_alternative<WorkerOpening>(out[0]);
    };

    EXPECT_FALSE(opens(1));
    EXPECT_TRUE(opens(5));
    engine->drop(job(5));
    EXPECT_FALSE(opens(5));
    EXPECT_EQ(run_alone(engine.get(), ask(9, "x", 60)).error->code, Errc::kExhausted)
        << "larger than all memory for traces";
}

TEST(Engine, RefusesTruncatedWeights) {
    const TemporaryFolder folder{"truncated"};
    checkpoint::testing::write_tiny_model(folder.path());
    const auto path = folder.path() / "model.safetensors";
    std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);

    const auto engine = Engine::load(folder.path(), {});

    ASSERT_FALSE(engine);
    EXPECT_EQ(engine.error().code, Errc::kCorrupt);
}

// What the README and the demo show. Greedy, so only other weights or another tokenizer can change it.
TEST(ShippedModel, SaysWhatItsCardSays) {
    const auto engine = Engine::load(std::string{VCITY_SOURCE_DIR} + "/models/vcity-mini-bilingual", {});
    ASSERT_TRUE(engine) << engine.error().message;
    const auto answer = [&](std::uint8_t number, const std::string& question) {
        WorkerGenerate message = ask(number, "", 12);
        message.request.messages = {{.role = "user", .content = question}};
        message.request.sampling.temperature = 0;
        return run_alone(engine->get(), message).text;
    };

    EXPECT_TRUE(answer(1, "What is free software?").starts_with("Free software is software that everyone"));
    EXPECT_TRUE(answer(2, "请介绍一下 Debian。").starts_with("Debian 是一个由志愿者"));
}

}  // namespace
}  // namespace vcity::worker
