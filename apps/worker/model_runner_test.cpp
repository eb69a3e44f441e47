// SPDX-License-Identifier: Apache-2.0
#include "model_runner.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "checkpoint/testing/tiny_model.hpp"
#include "reference_decoder.hpp"

namespace vcity::worker {
namespace {

using checkpoint::testing::TemporaryFolder;
using checkpoint::testing::TinyOptions;
using verify::ComputeType;

const std::vector<std::uint32_t> kTokens{1, 70, 200, 33, 264, 9, 9, 150, 41, 12, 88};

struct Loaded {
    checkpoint::ModelDirectory model;
    std::unique_ptr<ModelRunner> runner;
};

Loaded load(const TinyOptions& tiny, ComputeType compute = ComputeType::kFloat32) {
    const TemporaryFolder folder{"runner"};
    checkpoint::testing::write_tiny_model(folder.path(), tiny);
    auto model = checkpoint::ModelDirectory::open(folder.path());
    EXPECT_TRUE(model) << model.error().message;
    auto runner = ModelRunner::load(*model, {.compute = compute});
    EXPECT_TRUE(runner) << runner.error().message;
    return {.model = *std::move(model), .runner = *std::move(runner)};
}

std::vector<float> run_once(ModelRunner* runner, const std::vector<std::uint32_t>& tokens) {
    const SequenceId id = *runner->open_sequence(tokens.size());
    const auto logits = runner->run({{.sequence = id, .tokens = tokens}}, {});
    EXPECT_TRUE(logits) << logits.error().message;
    runner->close_sequence(id);
    return logits->front();
}

double largest_difference(const std::vector<float>& a, const std::vector<double>& b) {
    double worst = 0;
    for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(double{a[i]} - b[i]));
    return a.size() == b.size() ? worst : 1e9;
}

std::vector<double> widened(const std::vector<float>& values) {
    return {values.begin(), values.end()};
}

TEST(ModelRunner, AgreesWithThePlainImplementation) {
    for (const TinyOptions& tiny : {TinyOptions{}, TinyOptions{.dtype = checkpoint::DType::kBfloat16, .tied = true},
                                    TinyOptions{.seed = 5, .kv_heads = 4}, TinyOptions{.seed = 6, .kv_heads = 1}}) {
        const Loaded loaded = load(tiny);
        const auto expected = testing::ReferenceDecoder{loaded.model}.logits(kTokens);

        const auto logits = run_once(loaded.runner.get(), kTokens);

        EXPECT_LT(largest_difference(logits, expected.back()), 2e-4);
    }
}

TEST(ModelRunner, StaysCloseInBfloat16) {
    const Loaded loaded = load({.dtype = checkpoint::DType::kBfloat16}, ComputeType::kBfloat16);
    const auto expected = testing::ReferenceDecoder{loaded.model}.logits(kTokens).back();
    const auto [low, high] = std::ranges::minmax(expected);

    const auto logits = run_once(loaded.runner.get(), kTokens);

    EXPECT_LT(largest_difference(logits, expected), 0.05 * (high - low));
}

TEST(ModelRunner, CacheGivesWhatTheWholePromptGives) {
    const Loaded loaded = load({});
    const auto whole = run_once(loaded.runner.get(), kTokens);

    const SequenceId id = *loaded.runner->open_sequence(kTokens.size());
    std::vector<float> last;
    for (const std::vector<std::size_t>& cut : {std::vector<std::size_t>{0, 4}, {4, 5}, {5, 6}, {6, 9}, {9, 11}}) {
        const std::vector<std::uint32_t> part(kTokens.begin() + static_cast<std::ptrdiff_t>(cut[0]),
                                              kTokens.begin() + static_cast<std::ptrdiff_t>(cut[1]));
        last = loaded.runner->run({{.sequence = id, .tokens = part}}, {})->front();
    }

    EXPECT_LT(largest_difference(last, widened(whole)), 1e-4);
}

TEST(ModelRunner, BatchGivesWhatSinglesGive) {
    const Loaded loaded = load({});
    const std::vector<std::vector<std::uint32_t>> prompts{{1, 70, 200}, kTokens, {5}};
    std::vector<SequenceInput> inputs;
    for (const auto& prompt : prompts) {
        inputs.push_back({.sequence = *loaded.runner->open_sequence(prompt.size()), .tokens = prompt});
    }

    const auto together = loaded.runner->run(inputs, {});

    ASSERT_TRUE(together);
    for (std::size_t i = 0; i < prompts.size(); ++i) {
        EXPECT_LT(largest_difference((*together)[i], widened(run_once(loaded.runner.get(), prompts[i]))), 1e-4) << i;
    }
}

TEST(ModelRunner, GivesEveryCellOnce) {
    const Loaded loaded = load({});
    const SequenceId id = *loaded.runner->open_sequence(3);
    std::vector<Cell> cells;
    std::vector<float> last_logits;
    const CellSink sink{.layer =
                            [&](std::size_t, const Cell& cell, const verify::CellTrace& trace) {
                                EXPECT_EQ(trace.h_in.size(), 32U);
                                EXPECT_EQ(trace.q.size(), 32U);
                                EXPECT_EQ(trace.k.size(), 16U);
                                EXPECT_EQ(trace.act.size(), 48U);
                                EXPECT_EQ(trace.h_out[0], trace.h_mid[0] + trace.down[0]);
                                cells.push_back(cell);
                                return Result<void>{};
                            },
                        .final =
                            [&](std::size_t, std::uint32_t position, const verify::FinalCell& trace) {
                                cells.push_back({.position = position, .layer = 2});
                                last_logits.assign(trace.logits.begin(), trace.logits.end());
                                return Result<void>{};
                            }};

    (void)loaded.runner->run({{.sequence = id, .tokens = {1, 2}}}, sink);
    const auto logits = loaded.runner->run({{.sequence = id, .tokens = {3}}}, sink);

    std::ranges::sort(cells);
    std::vector<Cell> expected;
    for (std::uint32_t position = 0; position < 3; ++position) {
        for (std::uint32_t layer = 0; layer < 3; ++layer) expected.push_back({.position = position, .layer = layer});
    }
    EXPECT_EQ(cells, expected);
    EXPECT_EQ(last_logits, logits->front());
}

TEST(ModelRunner, RefusesDevicesThatAreNotThere) {
    const TemporaryFolder folder{"device"};
    checkpoint::testing::write_tiny_model(folder.path());
    const auto model = checkpoint::ModelDirectory::open(folder.path());

    EXPECT_EQ(ModelRunner::load(*model, {.device = "abacus"}).error().code, Errc::kInvalid);
}

}  // namespace
}  // namespace vcity::worker
