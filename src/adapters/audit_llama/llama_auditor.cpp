// SPDX-License-Identifier: Apache-2.0
#include "adapters/audit_llama/llama_auditor.hpp"

#include <algorithm>
#include <fstream>
#include <optional>
#include <string>
#include <utility>

#include "adapters/audit_llama/model_binding.hpp"
#include "base/check.hpp"
#include "checkpoint/output_text.hpp"
#include "checkpoint/sampler.hpp"
#include "crypto/keccak.hpp"
#include "crypto/sha256.hpp"
#include "market/typed_hashes.hpp"
#include "verify/weights_root.hpp"

namespace vcity::adapters {
namespace {

constexpr std::size_t kEnrolmentMax = 100'000;

void append_u32(Bytes* out, std::uint32_t value) {
    for (unsigned shift = 0; shift < 32; shift += 8) out->push_back(static_cast<std::uint8_t>(value >> shift));
}

// What was judged, without the activations themselves: roots, seed of the draw, header, each cell and page asked for
// with the digest of what came, and the reason. Numbers are little-endian.
Bytes evidence_of(const AuditTask& task, const ports::AuditAnswer& answer, const std::string& reason) {
    const Opening& opening = answer.opening;
    Bytes out;
    append(&out, as_bytes("vcity audit 2"));
    append(&out, task.receipt.receipt.verification_root.view());
    append(&out, answer.root.view());
    append(&out, answer.seed.view());
    append(&out, crypto::keccak256(opening.header).view());
    append_u32(&out, static_cast<std::uint32_t>(answer.question.cells.size()));
    for (std::size_t i = 0; i < answer.question.cells.size(); ++i) {
        append_u32(&out, answer.question.cells[i].position);
        append_u32(&out, answer.question.cells[i].layer);
        const bool came = i < opening.cells.size();
        append(&out, came ? crypto::sha256(opening.cells[i].data).view() : Hash{}.view());
        append(&out, came ? crypto::sha256(opening.cells[i].computed).view() : Hash{}.view());
    }
    append_u32(&out, static_cast<std::uint32_t>(answer.question.pages.size()));
    for (std::size_t i = 0; i < answer.question.pages.size(); ++i) {
        const PageId& id = answer.question.pages[i];
        for (const std::uint32_t number : {id.layer, id.kv_head, id.page}) append_u32(&out, number);
        append(&out, i < opening.pages.size() ? crypto::sha256(opening.pages[i].data).view() : Hash{}.view());
    }
    append(&out, as_bytes(reason));
    return out;
}

// One score a line.
Result<std::vector<float>> read_enrolment(const std::filesystem::path& path) {
    std::vector<float> scores;
    if (path.empty()) return scores;
    std::ifstream file{path};
    if (!file) return make_error(Errc::kNotFound, "cannot read " + path.string());
    float score = 0;
    while (scores.size() < kEnrolmentMax && file >> score) scores.push_back(score);
    if (!file.eof() && scores.size() < kEnrolmentMax) {
        return make_error(Errc::kInvalid, path.string() + ": a line is not a number");
    }
    return scores;
}

}  // namespace

Result<std::unique_ptr<LlamaAuditor>> LlamaAuditor::load(Runtime* runtime,
                                                         LlamaAuditorOptions options,
                                                         const verify::Seed& key_seed) {
    TRY(checkpoint::ModelDirectory model, checkpoint::ModelDirectory::open(options.folder));
    TRY(const verify::ModelShape shape, verification_shape(model.config(), options.compute));
    TRY(std::vector<float> enrolment, read_enrolment(options.enrolment));
    const verify::JudgeOptions judge = options.judge;
    std::unique_ptr<LlamaAuditor> auditor{new LlamaAuditor(runtime, std::move(options), std::move(model))};
    const std::vector<verify::TensorView> views = tensor_views(auditor->model_.tensors());
    TRY(auditor->root_, verify::weights_root(views));
    TRY(verify::ModelWeights weights, verify::bind_weights(shape, views));
    const checkpoint::ModelDirectory& kept = auditor->model_;
    auditor->tree_ = std::make_shared<checkpoint::TokenTree>(
        kept.tokenizer(), [&kept](std::uint32_t token) { return kept.is_end_token(token); });
    auditor->enrolment_ = std::move(enrolment);
    auditor->judge_ = std::make_unique<verify::AuditJudge>(shape, std::move(weights), judge, key_seed);
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
    if (task.deep) {
        options.cells = static_cast<std::uint32_t>(kOpenedCellsMax);
        options.finals *= 2;
        options.heads *= 2;
        options.sketches = static_cast<std::uint32_t>(kOpenedSketchesMax);
    }
    return verify::draw_audit(judge_->shape(), task.receipt.receipt.units, tier_of(task.request.verification),
                              seed.as<verify::Seed>(), options);
}

ports::AuditFinding LlamaAuditor::check(const AuditTask& task, const ports::AuditAnswer& answer) {
    verify::AuditResult result = judge(task, answer);
    Bytes memory = answer.memory;
    const bool pools = result.outcome == VerdictOutcome::kAccepted && result.sketch_score && !enrolment_.empty();
    if (pools) {
        Result<Bytes> next = weigh_sketch(task, answer, *result.sketch_score);
        if (next) {
            memory = *std::move(next);
        } else {
            result = {VerdictOutcome::kRejected, next.error().message};
        }
    }
    Bytes evidence = evidence_of(task, answer, result.reason);
    return {.outcome = result.outcome,
            .reason = std::move(result.reason),
            .evidence = std::move(evidence),
            .memory = std::move(memory)};
}

// Adds the score to what is remembered of the node; an Error when all of its scores together are not honest.
Result<Bytes> LlamaAuditor::weigh_sketch(const AuditTask& task, const ports::AuditAnswer& answer, float score) const {
    verify::SequentialTest test{enrolment_};
    // Memory of another version starts again: that can only be in the node's favour.
    if (auto known = verify::SequentialTest::parse(enrolment_, answer.memory)) test = *std::move(known);
    verify::Random random{rows_seed(task.receipt.receipt, answer.opening), "sketch"};
    test.add(score, (static_cast<double>(random.next() >> 11U) + 1) * 0x1p-53);
    if (test.rejects(options_.sketch_alpha)) {
        return make_error(Errc::kCorrupt, "the sketches of this node's results are not those of the public weights");
    }
    return test.bytes();
}

verify::AuditResult LlamaAuditor::judge(const AuditTask& task, const ports::AuditAnswer& answer) const {
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
    auto filter = filter_of(task, prompt->size());
    if (!filter) return rejected("the request cannot be served: " + filter.error().message);
    const AuditTier tier = tier_of(task.request.verification);
    const Hash& cells_root = tier == AuditTier::kServed ? receipt.verification_root : answer.root;
    const verify::AuditClaim claim{.roots = {.tier = tier, .receipt = receipt.verification_root, .cells = cells_root},
                                   .job_id = receipt.job_id,
                                   .request_hash = receipt.request_hash,
                                   .weights_root = root_,
                                   .client_nonce = task.request.client_nonce,
                                   .monitor_key = task.monitor_key,
                                   .units = receipt.units,
                                   .sampling = task.request.sampling,
                                   .prompt_tokens = std::move(*prompt),
                                   .filter = *std::move(filter)};
    const std::size_t prompt_tokens = claim.prompt_tokens.size();
    const verify::OutputCheck check = [&](const auto& tokens) -> Result<void> {
        TRY_OK(check_output(task, tokens));
        return check_form(task, prompt_tokens, tokens);
    };
    return judge_->judge(claim, answer.question, answer.opening, check, rows_seed(receipt, answer.opening));
}

Result<std::optional<LlamaAuditor::FormLimit>> LlamaAuditor::form_of(const AuditTask& task,
                                                                     std::uint64_t prompt_tokens) const {
    std::optional<FormLimit> limit;
    if (task.request.form.empty() || prompt_tokens == 0) return limit;
    TRY(grammar::Form form, grammar::Form::parse(task.request.form));
    TRY(const std::uint64_t tokens,
        checkpoint::output_tokens_limit(model_.config(), prompt_tokens, task.request.output_tokens_max));
    limit = FormLimit{.form = std::move(form), .tokens = tokens};
    return limit;
}

Result<verify::TokenFilter> LlamaAuditor::filter_of(const AuditTask& task, std::uint64_t prompt_tokens) const {
    TRY(std::optional<FormLimit> found, form_of(task, prompt_tokens));
    if (!found) return verify::TokenFilter{};
    return verify::TokenFilter{[tree = tree_, limit = *std::move(found)](const auto& tokens, std::uint64_t step) {
        checkpoint::TokenMask mask{tree, limit.form};
        for (std::uint64_t i = 0; i < step; ++i) mask.push(tokens[i]);
        std::optional<std::vector<bool>> allowed;
        if (const auto* some = mask.allowed(limit.tokens - std::min(limit.tokens - 1, step))) allowed = *some;
        return allowed;
    }};
}

// Every token was one of those that the form left.
Result<void> LlamaAuditor::check_form(const AuditTask& task,
                                      std::uint64_t prompt_tokens,
                                      const std::vector<std::uint32_t>& tokens) const {
    TRY(std::optional<FormLimit> found, form_of(task, prompt_tokens));
    if (!found) return {};
    checkpoint::TokenMask mask{tree_, std::move(found->form)};
    for (std::uint64_t i = 0; i < tokens.size(); ++i) {
        const auto* allowed = mask.allowed(found->tokens - std::min(found->tokens - 1, i));
        if (allowed != nullptr && !(*allowed)[tokens[i]]) {
            return make_error(Errc::kCorrupt, "an output token does not fit the form that was asked for");
        }
        mask.push(tokens[i]);
    }
    return {};
}

Result<void> LlamaAuditor::check_output(const AuditTask& task, const std::vector<std::uint32_t>& tokens) const {
    const auto reject = [](const char* reason) { return make_error(Errc::kCorrupt, reason); };
    if (tokens.size() > task.request.output_tokens_max)
        return reject("more tokens were billed than the request allows");
    // The vector follows from committed states; its last step, their mean, is not opened (docs/verification.md).
    if (task.request.answer == AnswerKind::kEmbedding) {
        if (!tokens.empty()) return reject("an embedding has no output tokens");
        return {};
    }
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
