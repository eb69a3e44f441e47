// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "verify/draw.hpp"
#include "verify/judge.hpp"
#include "verify/testing/reference_llama.hpp"
#include "verify/trace/serve_committer.hpp"

namespace vcity::verify::testing {

// A worker that runs the reference model and commits to it in tier B. Its knobs are the cheats.
struct ReferenceWorker {
    explicit ReferenceWorker(const StoredModel* computed_with) : model{computed_with} {}

    const StoredModel* model;
    // What openings are computed with: a cheat shows the public weights when it is asked.
    const StoredModel* audited = nullptr;
    SumOrder order = SumOrder::kLanes8;
    SumOrder audit_order = SumOrder::kLanes8;
    std::function<std::uint32_t(std::span<const float>, const Sampling&, std::uint64_t)> sample = reference_sample;
    std::optional<std::uint32_t> skipped_layer;  // passes the residual stream through unchanged
    std::function<void(const Cell&, std::vector<float>*)> change_attention;
    std::function<void(std::vector<float>*)> change_cache;
    std::size_t window = SIZE_MAX;
    std::function<void(const Cell&, LayerValues*)> after_layer;  // changes what a layer gave, before it is used
    std::function<std::uint32_t(std::uint64_t step, std::uint32_t token)> replace_token;
    std::function<void(const Cell&, LayerValues*)> change_computed;  // changes what is sent at an audit
};

struct FinishedJob {
    std::unique_ptr<ServeCommitter> committer;
    ReferenceWorker worker{nullptr};
    TraceHeader header;
    Hash root;

    // Computes what the question asks for and opens it.
    Opening open(const AuditQuestion& question) const {
        const ReferenceLlama llama{worker.audited != nullptr ? worker.audited : worker.model, worker.audit_order};
        const ModelShape& shape = worker.model->shape;
        std::vector<Bytes> computed;
        for (const Cell& cell : question.cells) {
            const auto row = committer->row(cell);
            CHECK(row.has_value());
            const auto state = *widen_finite(shape.compute, row->h_in);
            if (cell.layer == shape.layers) {
                computed.push_back(encode_final_computed(shape, llama.final(state).logits));
                continue;
            }
            LayerValues values = llama.derive(cell.layer, state, *widen_finite(shape.compute, row->attn_out));
            if (worker.change_computed) worker.change_computed(cell, &values);
            computed.push_back(encode_computed(shape, values.computed()));
        }
        auto opening = committer->open(question, std::move(computed));
        CHECK(opening.has_value());
        return *std::move(opening);
    }
};

inline LayerValues pass_through(const ModelShape& shape, std::vector<float> h) {
    LayerValues out;
    out.h_in = out.h_out = std::move(h);
    out.attn_out = std::vector<float>(shape.query_width());
    out.k = out.v = std::vector<float>(shape.kv_width());
    return out;
}

inline void commit_row(ServeCommitter* committer, ComputeType compute, const Cell& cell, const LayerValues& values) {
    const Bytes h_in = narrow(compute, values.h_in);
    const Bytes k = narrow(compute, values.k);
    const Bytes v = narrow(compute, values.v);
    const Bytes attn_out = narrow(compute, values.attn_out);
    CHECK(committer->add(cell, {.h_in = h_in, .k = k, .v = v, .attn_out = attn_out}).has_value());
}

// Generates `outputs` tokens after the prompt in the header, fills in the output tokens and commits.
inline FinishedJob run_job(const ReferenceWorker& worker, TraceHeader header, std::size_t outputs) {
    const ModelShape& shape = worker.model->shape;
    FinishedJob job{std::make_unique<ServeCommitter>(shape, ServeOptions{}), worker, std::move(header), {}};
    ReferenceLlama llama{worker.model, worker.order};
    llama.change_attention = worker.change_attention;
    llama.change_cache = worker.change_cache;
    llama.window = worker.window;
    std::vector<std::uint32_t> tokens = job.header.prompt_tokens;
    const std::size_t positions = tokens.size() + std::max<std::size_t>(outputs, 1) - 1;
    for (std::uint32_t position = 0; position < positions; ++position) {
        std::vector<float> h = llama.embed(tokens[position]);
        for (std::uint32_t layer = 0; layer < shape.layers; ++layer) {
            const bool skipped = worker.skipped_layer == layer;
            LayerValues values = skipped ? pass_through(shape, h) : llama.layer(layer, h);
            if (worker.after_layer) worker.after_layer(Cell{position, layer}, &values);
            commit_row(job.committer.get(), shape.compute, Cell{position, layer}, values);
            h = values.h_out;
        }
        LayerValues last;
        last.h_in = h;
        commit_row(job.committer.get(), shape.compute, Cell{position, shape.layers}, last);
        if (position + 1 < tokens.size() || outputs == 0) continue;
        const std::uint64_t step = job.header.output_tokens.size();
        std::uint32_t token = worker.sample(llama.final(h).logits, job.header.sampling, step);
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

// The verifier's side: one public model and its judge.
struct ReferenceVerifier {
    explicit ReferenceVerifier(const StoredModel* public_model, const JudgeOptions& options = {})
        : model{public_model}, views{public_model->views()}, root{public_model->root()} {
        auto weights = bind_weights(model->shape, views);
        CHECK(weights.has_value());
        judge = std::make_unique<AuditJudge>(model->shape, std::move(*weights), options, seed_of(77));
        check_output = [](const auto&) { return Result<void>{}; };
    }

    // The header that an honest worker starts from.
    TraceHeader header(std::uint64_t job, std::vector<std::uint32_t> prompt) const {
        TraceHeader out;
        out.job_id.bytes[0] = static_cast<std::uint8_t>(job);
        out.job_id.bytes[1] = static_cast<std::uint8_t>(job >> 8U);
        out.request_hash.bytes[0] = 7;
        out.weights_root = root;
        out.shape = shape_hash(model->shape);
        out.kernel = model->shape.compute == ComputeType::kBfloat16 ? KernelClass::kFlashBf16 : KernelClass::kFloat32;
        out.client_nonce.bytes[0] = 9;
        out.sampling = {.temperature = 0.8, .top_p = 1.0, .seed = job * 31};
        out.prompt_tokens = std::move(prompt);
        return out;
    }
    // What the receipt and the request say when they agree with this header.
    AuditClaim claim(const FinishedJob& job) const {
        return {.roots = {.tier = AuditTier::kServed, .receipt = job.root, .cells = job.root},
                .job_id = job.header.job_id,
                .request_hash = job.header.request_hash,
                .weights_root = root,
                .client_nonce = job.header.client_nonce,
                .monitor_key = job.header.monitor_key,
                .units = {job.header.prompt_tokens.size(), job.header.output_tokens.size()},
                .sampling = job.header.sampling,
                .prompt_tokens = job.header.prompt_tokens};
    }
    AuditQuestion draw(const FinishedJob& job, std::uint64_t seed, const DrawOptions& options = {}) const {
        return draw_audit(model->shape, claim(job).units, AuditTier::kServed, seed_of(seed), options);
    }
    AuditResult audit(const FinishedJob& job, std::uint64_t seed, const DrawOptions& options = {}) const {
        const AuditQuestion question = draw(job, seed, options);
        return judge->judge(claim(job), question, job.open(question), check_output, seed_of(seed + 1));
    }

    const StoredModel* model;
    std::vector<TensorView> views;
    Hash root;
    std::unique_ptr<AuditJudge> judge;
    OutputCheck check_output;
};

}  // namespace vcity::verify::testing
