// SPDX-License-Identifier: Apache-2.0
#include "model_runner.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
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
    const auto result = runner->run({{.sequence = id, .tokens = tokens}});
    EXPECT_TRUE(result) << result.error().message;
    EXPECT_EQ(result->captured, nullptr);
    runner->close_sequence(id);
    return result->logits.front();
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
        last = loaded.runner->run({{.sequence = id, .tokens = part}})->logits.front();
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

    const auto together = loaded.runner->run(inputs);

    ASSERT_TRUE(together);
    for (std::size_t i = 0; i < prompts.size(); ++i) {
        EXPECT_LT(largest_difference(together->logits[i], widened(run_once(loaded.runner.get(), prompts[i]))), 1e-4)
            << i;
    }
}

// Everything a run hands over, by place, widened.
struct Rows {
    std::map<Cell, std::array<std::vector<float>, 4>> values;  // h_in, k, v, attn_out

    ServedSink sink(ComputeType compute) {
        return [this, compute](const Cell& cell, const verify::ServedRow& row) {
            const auto [place, fresh] = values.try_emplace(cell);
            EXPECT_TRUE(fresh) << cell.position << " " << cell.layer;
            std::size_t i = 0;
            for (const ByteView part : {row.h_in, row.k, row.v, row.attn_out}) {
                place->second[i++] = *verify::widen_finite(compute, part);
            }
            return Result<void>{};
        };
    }
};

TEST(ModelRunner, HandsOverEveryCellOnce) {
    for (const ComputeType compute : {ComputeType::kFloat32, ComputeType::kBfloat16}) {
        const Loaded loaded = load({}, compute);
        const SequenceId id = *loaded.runner->open_sequence(3);
        Rows rows;

        for (const std::vector<std::uint32_t>& tokens : {std::vector<std::uint32_t>{1, 2}, {3}}) {
            const auto result = loaded.runner->run({{.sequence = id, .tokens = tokens, .capture = Capture::kServed}});
            EXPECT_TRUE(result->captured->give(0, rows.sink(compute)));
        }

        EXPECT_EQ(rows.values.size(), 9U);
        for (const auto& [cell, row] : rows.values) {
            const bool last = cell.layer == 2;
            EXPECT_LT(cell.position, 3U);
            EXPECT_EQ(row[0].size(), 32U);
            EXPECT_EQ(row[1].size(), last ? 0U : 16U);
            EXPECT_EQ(row[2].size(), last ? 0U : 16U);
            EXPECT_EQ(row[3].size(), last ? 0U : 32U);
        }
        EXPECT_EQ((rows.values[{0, 0}][3][0]), (rows.values[{0, 0}][2][0])) << "one key only: its value";
    }
}

TEST(ModelRunner, HandsOverNoMoreThanEachInputAsksFor) {
    const Loaded loaded = load({});
    std::vector<SequenceInput> inputs;
    for (const Capture capture : {Capture::kServed, Capture::kStates, Capture::kNothing}) {
        inputs.push_back({.sequence = *loaded.runner->open_sequence(2), .tokens = {1, 2}, .capture = capture});
    }
    std::map<std::size_t, std::size_t> cells;
    std::map<std::size_t, std::size_t> bytes;

    const auto result = loaded.runner->run(inputs);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        EXPECT_TRUE(result->captured->give(i, [&](const Cell&, const verify::ServedRow& row) {
            ++cells[i];
            bytes[i] += row.h_in.size() + row.k.size() + row.v.size() + row.attn_out.size();
            return Result<void>{};
        }));
    }

    EXPECT_EQ(cells, (std::map<std::size_t, std::size_t>{{0, 6}, {1, 4}}));
    EXPECT_EQ(bytes[1], 4U * 32U * 4U) << "states alone";
}

// The residual stream ties the layers together: what a layer makes of its served inputs is the next layer's input.
TEST(ModelRunner, DerivesTheRestOfACell) {
    for (const ComputeType compute : {ComputeType::kFloat32, ComputeType::kBfloat16}) {
        const Loaded loaded = load({.dtype = checkpoint::DType::kBfloat16}, compute);
        const SequenceId id = *loaded.runner->open_sequence(kTokens.size());
        Rows rows;
        const auto result = loaded.runner->run({{.sequence = id, .tokens = kTokens, .capture = Capture::kServed}});
        EXPECT_TRUE(result->captured->give(0, rows.sink(compute)));
        const double tolerance = compute == ComputeType::kFloat32 ? 1e-5 : 0.05;

        for (std::uint32_t layer = 0; layer < 2; ++layer) {
            const auto& row = rows.values[{5, layer}];
            const Bytes h_in = verify::narrow(compute, row[0]);
            const Bytes attn_out = verify::narrow(compute, row[3]);
            const auto derived = loaded.runner->derive(layer, {{h_in, attn_out}, {h_in, attn_out}});
            ASSERT_TRUE(derived);
            const verify::LayerComputed& view = derived->at(1).view;
            EXPECT_EQ(view.q.size(), 32U);
            EXPECT_EQ(view.act.size(), 48U);
            for (std::size_t i = 0; i < 32; ++i) {
                EXPECT_NEAR(row[0][i] + view.o[i] + view.down[i], (rows.values[{5, layer + 1}][0][i]), tolerance);
            }
            EXPECT_NEAR(view.act[3], view.gate[3] / (1 + std::exp(-view.gate[3])) * view.up[3], tolerance);
        }
        const Bytes last = verify::narrow(compute, rows.values[{10, 2}][0]);
        EXPECT_LT(largest_difference(result->logits.front(), widened(loaded.runner->derive_logits({last})->front())),
                  10 * tolerance);
    }
}

TEST(ModelRunner, RefusesDevicesThatAreNotThere) {
    const TemporaryFolder folder{"device"};
    checkpoint::testing::write_tiny_model(folder.path());
    const auto model = checkpoint::ModelDirectory::open(folder.path());

    EXPECT_EQ(ModelRunner::load(*model, {.device = "abacus"}).error().code, Errc::kInvalid);
}

}  // namespace
}  // namespace vcity::worker
