// SPDX-License-Identifier: Apache-2.0
#include "engine.hpp"

#include <algorithm>
#include <map>

#include <gtest/gtest.h>

#include "checkpoint/sampler.hpp"
#include "checkpoint/testing/tiny_model.hpp"
#include "crypto/keccak.hpp"
#include "crypto/merkle.hpp"
#include "crypto/sha256.hpp"
#include "verify/header.hpp"
#include "verify/trace/computed.hpp"
#include "verify/trace/sketch.hpp"

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
    WorkerGenerate message;
    message.job_id = job(number);
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

verify::ModelShape tiny_shape(verify::ComputeType compute = verify::ComputeType::kFloat32) {
    return *model_shape(*checkpoint::parse_model_config(checkpoint::testing::tiny_config({})), compute);
}

WorkerGenerate ask_sketched(std::uint8_t number, const std::string& text, std::uint32_t tokens = 8) {
    WorkerGenerate message = ask(number, text, tokens);
    message.request.verification = Verification::kNone;
    message.request.client_nonce = crypto::keccak256_text("nonce");
    message.epoch = 7;
    message.monitor_key = crypto::keccak256_text("monitor");
    return message;
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

TEST(Engine, CommitsToTheSameInTheBackground) {
    const auto plain = load({.prompt_rows = 2});
    const auto threaded = load({.prompt_rows = 2, .background = make_threaded_background(2)});
    for (const WorkerGenerate& message : {ask(1, "hello", 20), ask_sketched(2, "hello", 20)}) {
        const Outcome expected = run_alone(plain.get(), message);

        const Outcome outcome = run_alone(threaded.get(), message);

        EXPECT_EQ(outcome.text, expected.text);
        EXPECT_EQ(outcome.done->verification_root, expected.done->verification_root);
    }
    EXPECT_EQ(threaded->trace_bytes(), plain->trace_bytes());
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

WorkerMessage open_one(Engine& engine, const WorkerOpen& message) {
    WorkerMessages out;
    engine.open(message, &out);
    EXPECT_EQ(out.size(), 1U);
    return out.at(0);
}

WorkerMessages replay(Engine* engine, std::uint8_t number) {
    WorkerMessages out;
    engine->replay({.job_id = job(number)}, &out);
    while (engine->busy()) engine->step(&out);
    return out;
}

Errc error_of(const WorkerMessage& message) {
    const auto* error = std::get_if<WorkerError>(&message);
    EXPECT_NE(error, nullptr);
    return error == nullptr ? Errc::kInternal : error->code;
}

// Whether every leaf of an opening is under its root; header and sketches are under the served one, all else is under
// `root`.
void expect_proved(const Opening& opening, const Hash& served_root, const Hash& root) {
    const verify::ModelShape shape = tiny_shape();
    const auto rest_of = [](const Bytes& state) { return Hash::make(ByteView{state}.last(Hash::kSize)); };
    const auto state_leaf = [&](const Cell& cell, const Bytes& state) {
        return verify::served_leaf(cell, ByteView{state}.first(state.size() - Hash::kSize), rest_of(state));
    };
    const auto header = verify::parse_header(shape, opening.header);
    ASSERT_TRUE(header);
    EXPECT_EQ(crypto::merkle_root_of_proof(verify::header_leaf(opening.header), opening.header_proof), served_root);
    for (const OpenedCell& opened : opening.cells) {
        const verify::ServedRow row = verify::split_served(shape, opened.cell.layer, opened.data);
        const Hash leaf = verify::served_leaf(opened.cell, row.h_in, verify::rest_digest(row));
        EXPECT_EQ(crypto::merkle_root_of_proof(leaf, opened.proof), root);
        if (opened.cell.layer == shape.layers) {
            EXPECT_EQ(opened.computed.size(), verify::final_computed_bytes(shape));
            continue;
        }
        const Cell above{opened.cell.position, opened.cell.layer + 1};
        EXPECT_EQ(crypto::merkle_root_of_proof(state_leaf(above, opened.next), opened.next_proof), root);
        EXPECT_EQ(opened.computed.size(), verify::layer_computed_bytes(shape));
    }
    const std::uint64_t positions = header->positions();
    for (const OpenedPage& opened : opening.pages) {
        std::vector<std::uint32_t> tokens;
        for (std::uint64_t i = opened.page.page * kPagePositions; i < positions && tokens.size() < kPagePositions; ++i)
            tokens.push_back(header->token_at(i));
        EXPECT_EQ(opened.data.size(), verify::page_bytes(shape, tokens.size()));
        const Hash leaf = verify::page_leaf(opened.page, tokens, crypto::sha256(opened.data));
        EXPECT_EQ(crypto::merkle_root_of_proof(leaf, opened.proof), root);
    }
    for (const OpenedSketch& opened : opening.sketches) {
        const Cell middle{opened.position, verify::sketch_layer(shape)};
        const Cell last{opened.position, shape.layers};
        EXPECT_EQ(crypto::merkle_root_of_proof(verify::sketch_leaf(opened.position, opened.data), opened.proof),
                  served_root);
        EXPECT_EQ(crypto::merkle_root_of_proof(state_leaf(middle, opened.middle), opened.middle_proof), root);
        EXPECT_EQ(crypto::merkle_root_of_proof(state_leaf(last, opened.last), opened.last_proof), root);
    }
}

TEST(Engine, OpensWhatItCommittedTo) {
    const auto engine = load();
    const Outcome outcome = run_alone(engine.get(), ask(1, "hello", 6));
    const WorkerOpen question{.job_id = job(1),
                              .root = outcome.done->verification_root,
                              .question = {.cells = {{.position = 0, .layer = 0}, {.position = 1, .layer = 2}},
                                           .pages = {{.layer = 1, .kv_head = 1, .page = 0}},
                                           .sketches = {}}};

    const WorkerMessage reply = open_one(*engine, question);

    ASSERT_TRUE(std::holds_alternative<WorkerOpening>(reply));
    const Opening& opening = std::get<WorkerOpening>(reply).opening;
    EXPECT_EQ(opening.cells.size() + opening.pages.size(), 3U);
    expect_proved(opening, question.root, question.root);
}

TEST(Engine, BindsNonceEpochMonitorAndTier) {
    const auto engine = load();
    const WorkerGenerate message = ask_sketched(1, "hello", 6);
    const Outcome outcome = run_alone(engine.get(), message);
    const WorkerMessages replayed = replay(engine.get(), 1);
    ASSERT_EQ(replayed.size(), 1U);
    const Hash root = std::get<WorkerReplayed>(replayed[0]).root;

    const WorkerMessage reply = open_one(*engine, {.job_id = job(1), .root = root, .question = {}});

    const auto header = verify::parse_header(tiny_shape(), std::get<WorkerOpening>(reply).opening.header);
    ASSERT_TRUE(header);
    EXPECT_EQ(header->client_nonce, message.request.client_nonce);
    EXPECT_EQ(header->epoch, 7U);
    EXPECT_EQ(header->monitor_key, message.monitor_key);
    EXPECT_EQ(header->tier, AuditTier::kSketch);
    EXPECT_EQ(header->kernel, KernelClass::kFloat32);
    EXPECT_EQ(header->positions(), outcome.done->usage.input + outcome.done->usage.output - 1);
}

TEST(Engine, ReplaysAJobOfTierAAndOpensTheReplay) {
    const auto engine = load({.prompt_rows = 3});
    const Outcome outcome = run_alone(engine.get(), ask_sketched(1, "hello there", 9));
    const std::uint64_t kept = engine->trace_bytes();
    const AuditQuestion question{.cells = {{.position = 3, .layer = 1}, {.position = 9, .layer = 2}},
                                 .pages = {{.layer = 0, .kv_head = 0, .page = 0}},
                                 .sketches = {0, 5}};
    EXPECT_EQ(error_of(open_one(*engine, {.job_id = job(1), .root = outcome.done->verification_root})), Errc::kNotFound)
        << "nothing of tier A can be opened before a replay";

    const WorkerMessages replayed = replay(engine.get(), 1);

    ASSERT_EQ(replayed.size(), 1U);
    const Hash root = std::get<WorkerReplayed>(replayed[0]).root;
    EXPECT_EQ(kept, outcome.done->usage.input * verify::kSketchBytes +
                        (outcome.done->usage.output - 1) * verify::kSketchBytes);
    EXPECT_GT(engine->trace_bytes(), kept);
    const WorkerMessage reply = open_one(*engine, {.job_id = job(1), .root = root, .question = question});
    ASSERT_TRUE(std::holds_alternative<WorkerOpening>(reply));
    const Opening& opening = std::get<WorkerOpening>(reply).opening;
    EXPECT_EQ(opening.cells.size() + opening.pages.size() + opening.sketches.size(), 5U);
    expect_proved(opening, outcome.done->verification_root, root);
}

TEST(Engine, AReplayIsWhatWouldHaveBeenServedInTierB) {
    const auto engine = load();
    const Outcome sketched = run_alone(engine.get(), ask_sketched(1, "hello", 8));
    const auto other = load();
    WorkerGenerate same = ask_sketched(1, "hello", 8);
    same.request.verification = Verification::kSampled;

    EXPECT_EQ(sketched.text, run_alone(other.get(), same).text);
}

TEST(Engine, ReplaysBesideRunningJobs) {
    const auto alone = load();
    const std::string expected = run_alone(alone.get(), ask(2, "other", 12)).text;
    const auto engine = load({.prompt_rows = 2});
    (void)run_alone(engine.get(), ask_sketched(1, "hello there", 9));
    WorkerMessages out;

    engine->generate(ask(2, "other", 12), &out);
    engine->step(&out);
    engine->replay({.job_id = job(1)}, &out);
    engine->replay({.job_id = job(1)}, &out);
    while (engine->busy()) engine->step(&out);
    engine->replay({.job_id = job(1)}, &out);

    EXPECT_EQ(outcome_of(out, job(2)).text, expected);
    EXPECT_EQ(std::ranges::count_if(out, [](const auto& m) { return std::holds_alternative<WorkerReplayed>(m); }), 3)
        << "a replay that is under way or there answers all who ask";
}

// An agent takes the answers about one job for those to its oldest questions.
TEST(Engine, AnswersQuestionsAboutAReplayInTheirOrder) {
    const auto engine = load({.prompt_rows = 2});
    (void)run_alone(engine.get(), ask_sketched(1, "hello there", 9));
    WorkerMessages out;

    engine->replay({.job_id = job(1)}, &out);
    engine->open({.job_id = job(1), .root = {}, .question = {}}, &out);
    engine->replay({.job_id = job(1)}, &out);
    EXPECT_TRUE(out.empty());
    while (engine->busy()) engine->step(&out);

    ASSERT_EQ(out.size(), 3U);
    EXPECT_TRUE(std::holds_alternative<WorkerReplayed>(out[0]));
    EXPECT_EQ(error_of(out[1]), Errc::kNotFound) << "of another root";
    EXPECT_TRUE(std::holds_alternative<WorkerReplayed>(out[2]));
}

TEST(Engine, RefusesReplaysThatItCannotDo) {
    const auto engine = load();
    (void)run_alone(engine.get(), ask(1, "served"));

    EXPECT_EQ(error_of(replay(engine.get(), 1).at(0)), Errc::kInvalid) << "tier B has nothing to replay";
    EXPECT_EQ(error_of(replay(engine.get(), 2).at(0)), Errc::kNotFound);
}

TEST(Engine, ForgetsAReplayWithItsJob) {
    const auto engine = load({.prompt_rows = 1});
    (void)run_alone(engine.get(), ask_sketched(1, "hello"));
    WorkerMessages out;
    engine->replay({.job_id = job(1)}, &out);
    engine->step(&out);

    engine->open({.job_id = job(1), .root = {}, .question = {}}, &out);
    engine->drop(job(1), &out);

    EXPECT_FALSE(engine->busy());
    EXPECT_EQ(engine->trace_bytes(), 0U);
    ASSERT_EQ(out.size(), 2U) << "nobody waits for ever";
    for (const WorkerMessage& message : out) EXPECT_EQ(error_of(message), Errc::kNotFound);
}

TEST(Engine, ReplaysAJobThatBillsNothing) {
    const auto engine = load({.prompt_rows = 2});
    WorkerMessages out;
    engine->generate(ask_sketched(1, "a longer prompt"), &out);
    engine->step(&out);
    engine->cancel(job(1), &out);

    const WorkerMessages replayed = replay(engine.get(), 1);

    ASSERT_EQ(replayed.size(), 1U);
    EXPECT_TRUE(std::holds_alternative<WorkerReplayed>(replayed[0]));
}

AuditQuestion cells_of(std::vector<Cell> cells) {
    return {.cells = std::move(cells), .pages = {}, .sketches = {}};
}

TEST(Engine, RefusesQuestionsOutOfBounds) {
    const auto engine = load();
    const Outcome outcome = run_alone(engine.get(), ask(1, "hello", 6));
    const Hash root = outcome.done->verification_root;
    const auto code_of = [&](const Hash& tree, const AuditQuestion& question) {
        return error_of(open_one(*engine, {.job_id = job(1), .root = tree, .question = question}));
    };

    EXPECT_EQ(code_of(Hash{}, {}), Errc::kNotFound) << "another tree";
    EXPECT_EQ(code_of(root, cells_of({{.position = 100, .layer = 0}})), Errc::kNotFound);
    EXPECT_EQ(code_of(root, cells_of({{.position = 0, .layer = 3}})), Errc::kNotFound);
    EXPECT_EQ(code_of(root, cells_of(std::vector<Cell>(kOpenedCellsMax + 1))), Errc::kInvalid);
    EXPECT_EQ(code_of(root, {.cells = {}, .pages = {{.layer = 0, .kv_head = 0, .page = 1}}, .sketches = {}}),
              Errc::kNotFound);
}

TEST(Engine, ItsSampledTokensFollowFromTheOpenedLogits) {
    const auto engine = load();
    const WorkerGenerate message = ask(1, "hello", 6);
    const Outcome outcome = run_alone(engine.get(), message);
    AuditQuestion question;
    for (std::uint32_t i = 0; i < outcome.done->usage.output; ++i) {
        question.cells.push_back(
            {.position = static_cast<std::uint32_t>(outcome.done->usage.input) - 1 + i, .layer = 2});
    }

    const WorkerMessage reply =
        open_one(*engine, {.job_id = job(1), .root = outcome.done->verification_root, .question = question});

    const Opening& opening = std::get<WorkerOpening>(reply).opening;
    const auto header = verify::parse_header(tiny_shape(), opening.header);
    ASSERT_TRUE(header);
    ASSERT_EQ(header->output_tokens.size(), question.cells.size());
    for (std::size_t i = 0; i < question.cells.size(); ++i) {
        const auto logits = verify::parse_final_computed(tiny_shape(), opening.cells[i].computed);
        ASSERT_TRUE(logits);
        EXPECT_EQ(checkpoint::choose_token(logits->logits, message.request.sampling, i), header->output_tokens[i]);
    }
}

TEST(Engine, ForgetsTheOldestTraceFirst) {
    EngineOptions options;
    options.trace_bytes_max = 3 * verify::served_retained_bytes(tiny_shape(), 9);
    const auto engine = load(options);
    std::map<std::uint8_t, Hash> roots;
    for (std::uint8_t n = 1; n <= 5; ++n) {
        const Outcome outcome = run_alone(engine.get(), ask(n, "hello", 8));
        ASSERT_TRUE(outcome.done) << int{n};
        roots[n] = outcome.done->verification_root;
    }
    const auto opens = [&](std::uint8_t n) {
        const WorkerOpen message{.job_id = job(n), .root = roots[n], .question = cells_of({{0, 0}})};
        return std::holds_alternative<WorkerOpening>(open_one(*engine, message));
    };

    EXPECT_FALSE(opens(1));
    EXPECT_TRUE(opens(5));
    WorkerMessages none;
    engine->drop(job(5), &none);
    EXPECT_FALSE(opens(5));
    EXPECT_EQ(run_alone(engine.get(), ask(9, "x", 60)).error->code, Errc::kExhausted)
        << "larger than all memory for traces";
}

TEST(Engine, ReplaysOnlyWithinTheMemoryForTraces) {
    EngineOptions options;
    options.trace_bytes_max = verify::served_retained_bytes(tiny_shape(), 4);
    const auto engine = load(options);
    (void)run_alone(engine.get(), ask_sketched(1, "hello", 12));

    EXPECT_EQ(error_of(replay(engine.get(), 1).at(0)), Errc::kExhausted);
    EXPECT_GT(engine->trace_bytes(), 0U) << "the job that cannot be replayed is not forgotten for it";
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
