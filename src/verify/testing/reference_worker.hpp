// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "verify/checker.hpp"
#include "verify/draw.hpp"
#include "verify/testing/reference_llama.hpp"

namespace vcity::verify::testing {

// A worker that runs the reference model and commits to it. Its knobs are the cheats.
struct ReferenceWorker {
    explicit ReferenceWorker(const StoredModel* computed_with) : model{computed_with} {}

    const StoredModel* model;
    SumOrder order = SumOrder::kLanes8;
    std::function<std::uint32_t(std::span<const float>, const Sampling&, std::uint64_t)> sample = reference_sample;
    std::optional<std::uint32_t> skipped_layer;  // passes the residual stream through unchanged
    std::function<void(const Cell&, std::vector<float>*)> change_attention;
    std::function<void(const Cell&, LayerValues*)> after_layer;  // changes what a layer gave, before it is used
    std::function<void(std::uint32_t, FinalValues*)> after_final;
    std::function<std::uint32_t(std::uint64_t step, std::uint32_t token)> replace_token;
};

struct FinishedJob {
    std::unique_ptr<TraceCommitter> committer;
    TraceHeader header;
    Hash root;
};

inline LayerValues pass_through(const ModelShape& shape, std::vector<float> h) {
    LayerValues out;
    out.h_in = out.h_mid = out.h_out = std::move(h);
    out.x_attn = out.o = out.x_mlp = out.down = std::vector<float>(shape.hidden);
    out.q = out.attn_out = std::vector<float>(shape.query_width());
    out.k = out.v = std::vector<float>(shape.kv_width());
    out.gate = out.up = out.act = std::vector<float>(shape.ffn);
    return out;
}

// Generates `outputs` tokens after the prompt in the header, fills in the output tokens and commits.
inline FinishedJob run_job(const ReferenceWorker& worker, TraceHeader header, std::size_t outputs) {
    const ModelShape& shape = worker.model->shape;
    FinishedJob job{std::make_unique<TraceCommitter>(shape, CommitterOptions{}), std::move(header), {}};
    ReferenceLlama llama{worker.model, worker.order};
    llama.change_attention = worker.change_attention;
    std::vector<std::uint32_t> tokens = job.header.prompt_tokens;
    const std::size_t positions = tokens.size() + std::max<std::size_t>(outputs, 1) - 1;
    for (std::uint32_t position = 0; position < positions; ++position) {
        std::vector<float> h = llama.embed(tokens[position]);
        for (std::uint32_t layer = 0; layer < shape.layers; ++layer) {
            const bool skipped = worker.skipped_layer == layer;
            LayerValues values = skipped ? pass_through(shape, h) : llama.layer(layer, h);
            if (worker.after_layer) worker.after_layer(Cell{position, layer}, &values);
            CHECK(job.committer->add(Cell{position, layer}, values.trace()).has_value());
            h = values.h_out;
        }
        FinalValues values = llama.final(h);
        if (worker.after_final) worker.after_final(position, &values);
        CHECK(job.committer->add_final(position, values.trace()).has_value());
        if (position + 1 < tokens.size() || outputs == 0) continue;
        const std::uint64_t step = job.header.output_tokens.size();
        std::uint32_t token = worker.sample(values.logits, job.header.sampling, step);
        if (worker.replace_token) token = worker.replace_token(step, token);
        tokens.push_back(token);
        job.header.output_tokens.push_back(token);
    }
    const auto root = job.committer->finish(job.header);
    CHECK(root.has_value());
    job.root = *root;
    return job;
}

inline Seed seed_of(std::uint64_t number) {
    Seed seed;
    std::memcpy(seed.bytes.data(), &number, sizeof(number));
    return seed;
}

// The verifier's side: one public model and its checker.
struct ReferenceVerifier {
    explicit ReferenceVerifier(const StoredModel* public_model, const CheckerOptions& options = {})
        : model{public_model}, views{public_model->views()}, root{public_model->root()} {
        auto weights = bind_weights(model->shape, views);
        CHECK(weights.has_value());
        checker = std::make_unique<AuditChecker>(model->shape, std::move(*weights), options, seed_of(77));
        hooks = {.sample = reference_sample, .check_output = [](const auto&) { return Result<void>{}; }};
    }

    // The header that an honest worker starts from.
    TraceHeader header(std::uint64_t job, std::vector<std::uint32_t> prompt) const {
        TraceHeader out;
        out.job_id.bytes[0] = static_cast<std::uint8_t>(job);
        out.job_id.bytes[1] = static_cast<std::uint8_t>(job >> 8U);
        out.request_hash.bytes[0] = 7;
        out.weights_root = root;
        out.shape = shape_hash(model->shape);
        out.sampling = {.temperature = 0.8, .top_p = 1.0, .seed = job * 31};
        out.prompt_tokens = std::move(prompt);
        return out;
    }
    // What the receipt and the request say when they agree with this header.
    AuditExpectation expectation(const FinishedJob& job) const {
        return {.verification_root = job.root,
                .job_id = job.header.job_id,
                .request_hash = job.header.request_hash,
                .weights_root = root,
                .units = {job.header.prompt_tokens.size(), job.header.output_tokens.size()},
                .sampling = job.header.sampling,
                .prompt_tokens = job.header.prompt_tokens};
    }
    AuditResult audit(const FinishedJob& job, std::uint64_t seed, const DrawOptions& draw = {}) const {
        const AuditExpectation expected = expectation(job);
        const std::vector<Cell> cells = draw_cells(model->shape, expected.units, seed_of(seed), draw);
        const auto opening = job.committer->open(cells);
        CHECK(opening.has_value());
        return checker->check(expected, cells, *opening, hooks, seed_of(seed + 1));
    }

    const StoredModel* model;
    std::vector<TensorView> views;
    Hash root;
    std::unique_ptr<AuditChecker> checker;
    AuditHooks hooks;
};

}  // namespace vcity::verify::testing
