// SPDX-License-Identifier: Apache-2.0
#include "adapters/audit_llama/llama_auditor.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "adapters/audit_llama/model_binding.hpp"
#include "base/check.hpp"
#include "checkpoint/output_text.hpp"
#include "checkpoint/sampler.hpp"
#include "crypto/keccak.hpp"
#include "market/typed_hashes.hpp"
#include "verify/weights_root.hpp"

namespace vcity::adapters {
namespace {

void append_u32(Bytes* out, std::uint32_t value) {
    for (unsigned shift = 0; shift < 32; shift += 8) out->push_back(static_cast<std::uint8_t>(value >> shift));
}

// What was judged, without the activations themselves: root, header, each cell asked for with the leaf that came, and
// the reason. Numbers are little-endian.
Bytes evidence_of(const AuditTask& task,
                  const std::vector<Cell>& cells,
                  const Opening& opening,
                  const std::string& reason) {
    Bytes out;
    append(&out, as_bytes("vcity audit 1"));
    append(&out, task.receipt.receipt.verification_root.view());
    append(&out, crypto::keccak256(opening.header).view());
    append_u32(&out, static_cast<std::uint32_t>(cells.size()));
    for (std::size_t i = 0; i < cells.size(); ++i) {
        append_u32(&out, cells[i].position);
        append_u32(&out, cells[i].layer);
        const bool came = i < opening.cells.size();
        append(&out, came ? verify::cell_leaf(opening.cells[i].data).view() : Hash{}.view());
    }
    append(&out, as_bytes(reason));
    return out;
}

}  // namespace

Result<std::unique_ptr<LlamaAuditor>> LlamaAuditor::load(Runtime* runtime,
                                                         LlamaAuditorOptions options,
                                                         const verify::Seed& key_seed) {
    TRY(checkpoint::ModelDirectory model, checkpoint::ModelDirectory::open(options.folder));
    TRY(const verify::ModelShape shape, verification_shape(model.config(), options.compute));
    const verify::CheckerOptions checker = options.checker;
    std::unique_ptr<LlamaAuditor> auditor{new LlamaAuditor(runtime, std::move(options), std::move(model))};
    const std::vector<verify::TensorView> views = tensor_views(auditor->model_.tensors());
    TRY(auditor->root_, verify::weights_root(views));
    TRY(verify::ModelWeights weights, verify::bind_weights(shape, views));
    auditor->checker_ = std::make_unique<verify::AuditChecker>(shape, std::move(weights), checker, key_seed);
    return auditor;
}

Task<Result<std::unique_ptr<LlamaAuditor>>> LlamaAuditor::open(Runtime* runtime, LlamaAuditorOptions options) {
    verify::Seed key_seed;
    verify::Seed rows_secret;
    runtime->random_bytes(key_seed.bytes);
    runtime->random_bytes(rows_secret.bytes);
    std::optional<Result<std::unique_ptr<LlamaAuditor>>> loaded;
    std::function<void()> work = [&] { loaded.emplace(load(runtime, std::move(options), key_seed)); };
    co_await runtime->compute(std::move(work));
    if (*loaded) (**loaded)->rows_secret_ = rows_secret;
    co_return std::move(loaded).value();
}

// As unpredictable as fresh randomness to whoever made the opening, and safe on any thread.
verify::Seed LlamaAuditor::rows_seed(const UsageReceipt& receipt, const Opening& opening) const {
    const Hash header = crypto::keccak256(opening.header);
    return crypto::keccak256(
               {rows_secret_.view(), receipt.job_id.view(), receipt.verification_root.view(), header.view()})
        .as<verify::Seed>();
}

AuditQuestion LlamaAuditor::draw(const AuditTask& task, const Hash& seed) {
    verify::DrawOptions options = options_.draw;
    if (task.deep) options.cells = static_cast<std::uint32_t>(kOpenedCellsMax);
    AuditQuestion question;
    question.cells =
        verify::draw_cells(checker_->shape(), task.receipt.receipt.units, seed.as<verify::Seed>(), options);
    return question;
}

ports::AuditFinding LlamaAuditor::check(const AuditTask& task, const ports::AuditAnswer& answer) {
    verify::AuditResult result = judge(task, answer.question.cells, answer.opening);
    Bytes evidence = evidence_of(task, answer.question.cells, answer.opening, result.reason);
    return {
        .outcome = result.outcome, .reason = std::move(result.reason), .evidence = std::move(evidence), .memory = {}};
}

verify::AuditResult LlamaAuditor::judge(const AuditTask& task,
                                        const std::vector<Cell>& cells,
                                        const Opening& opening) const {
    const UsageReceipt& receipt = task.receipt.receipt;
    const auto rejected = [](std::string reason) {
        return verify::AuditResult{VerdictOutcome::kRejected, std::move(reason)};
    };
    if (receipt.model_root != root_) return rejected("the receipt names other weights than the public model's");
    if (market::request_hash(task.request) != receipt.request_hash) {
        return rejected("the request is not the one of the receipt");
    }
    const Result<void> sampling = checkpoint::check_sampling(task.request.sampling);
    if (!sampling) return rejected("the request cannot be served: " + sampling.error().message);
    auto prompt = checkpoint::encode_prompt(task.request, model_.tokenizer(), model_.prompt_rules());
    if (!prompt) return rejected("the request cannot be served: " + prompt.error().message);
    // A job that was cancelled before its prompt was run bills nothing and has no positions.
    if (receipt.units == TokenUsage{}) prompt->clear();
    const verify::AuditExpectation expected{.verification_root = receipt.verification_root,
                                            .job_id = receipt.job_id,
                                            .request_hash = receipt.request_hash,
                                            .weights_root = root_,
                                            .units = receipt.units,
                                            .sampling = task.request.sampling,
                                            .prompt_tokens = std::move(*prompt)};
    const verify::AuditHooks hooks{
        .sample = checkpoint::choose_token,
        .check_output = [&](const std::vector<std::uint32_t>& tokens) { return check_output(task, tokens); }};
    return checker_->check(expected, cells, opening, hooks, rows_seed(receipt, opening));
}

Result<void> LlamaAuditor::check_output(const AuditTask& task, const std::vector<std::uint32_t>& tokens) const {
    const auto reject = [](const char* reason) { return make_error(Errc::kCorrupt, reason); };
    if (tokens.size() > task.request.output_tokens_max)
        return reject("more tokens were billed than the request allows");
    checkpoint::OutputText output{model_.tokenizer(), task.request.stop};
    std::string text;
    bool ended = false;
    for (const std::uint32_t token : tokens) {
        if (ended || output.stopped()) return reject("tokens were billed after the end of the answer");
        ended = model_.is_end_token(token);
        if (!ended) text += output.push(token);
    }
    text += output.finish();
    if (market::response_hash(text) != task.receipt.receipt.response_hash) {
        return reject("the output tokens are not the delivered text");
    }
    return {};
}

}  // namespace vcity::adapters
