// SPDX-License-Identifier: Apache-2.0
#include "sim/fakes/inference.hpp"

#include <algorithm>

#include "crypto/keccak.hpp"
#include "market/typed_hashes.hpp"

namespace vcity::sim {
namespace {

constexpr std::uint32_t kLayers = 4;
constexpr std::uint32_t kContextTokens = 2048;
constexpr std::uint64_t kTokensMax = 24;
constexpr std::uint64_t kEndlessTokens = 1'000'000;

std::string text_of(const ModelRequest& request) {
    std::string text = request.prompt;
    for (const ChatMessage& message : request.messages) text += message.content;
    return text;
}

Bytes number_bytes(std::uint64_t value) {
    Bytes bytes;
    for (int shift = 0; shift < 64; shift += 8) bytes.push_back(static_cast<std::uint8_t>(value >> shift));
    return bytes;
}

bool is_endless(const ModelRequest& request) {
    return text_of(request).find("endless") != std::string::npos;
}

std::string word_of(const Hash& hash, std::uint64_t index) {
    static constexpr std::array<std::string_view, 16> kWords{
        "the ", "city ",   "of ",   "light ",  "and ",   "work ", "runs ",        "under ",
        "a ",   "bridge ", "that ", "counts ", "every ", "step ", "\xe5\x9f\x8e", "\xe5\xb8\x82"};
    return std::string{kWords[hash.bytes[index % Hash::kSize] % kWords.size()]};
}

ports::AuditFinding finding_of(VerdictOutcome outcome, std::string reason) {
    ports::AuditFinding finding;
    finding.outcome = outcome;
    finding.reason = std::move(reason);
    const ByteView text = as_bytes(finding.reason);
    finding.evidence = Bytes{text.begin(), text.end()};
    return finding;
}

}  // namespace

std::vector<std::string> FakeModel::tokens_of(const ModelRequest& request) const {
    const Hash request_hash = market::request_hash(request);
    const Hash hash = crypto::keccak256({root.view(), request_hash.view()});
    const std::uint64_t natural = is_endless(request) ? kEndlessTokens : 1 + hash.bytes[0] % kTokensMax;
    const std::uint64_t count = std::min<std::uint64_t>(natural, request.output_tokens_max);
    std::vector<std::string> tokens;
    for (std::uint64_t index = 0; index < count; ++index) tokens.push_back(word_of(hash, index));
    return tokens;
}

std::uint64_t FakeModel::input_tokens_of(const ModelRequest& request) const {
    constexpr std::uint64_t kBytesPerToken = 4;
    return 1 + text_of(request).size() / kBytesPerToken;
}

Bytes FakeModel::header_of(const ModelRequest& request, std::string_view text) const {
    Bytes header;
    append(&header, root.view());
    append(&header, market::request_hash(request).view());
    append(&header, market::response_hash(text).view());
    return header;
}

Bytes FakeModel::cell_of(const ModelRequest& request, const Cell& cell) const {
    const Bytes position = number_bytes(cell.position);
    const Bytes layer = number_bytes(cell.layer);
    const Hash request_hash = market::request_hash(request);
    const Hash hash = crypto::keccak256({root.view(), request_hash.view(), position, layer});
    return {hash.bytes.begin(), hash.bytes.end()};
}

Hash fake_verification_root(const Bytes& header) {
    return crypto::keccak256(header);
}

// Holds a slot of its inference, which must outlive it.
class FakeInference::FakeGeneration final : public ports::Generation {
  public:
    FakeGeneration(FakeInference* owner, WorkerGenerate order) : owner_{owner}, order_{std::move(order)} {
        FakeModel actual = owner_->model_;
        actual.root = owner_->options_.true_root;
        tokens_ = actual.tokens_of(order_.request);
        next_at_ = owner_->runtime_->now();
    }
    ~FakeGeneration() override { release(); }
    FakeGeneration(const FakeGeneration&) = delete;
    FakeGeneration& operator=(const FakeGeneration&) = delete;

    Task<Result<ports::GenerationEvent>> next(TimePoint deadline) override {
        if (!is_drawn_) {
            next_at_ += owner_->world_->draw_between(owner_->options_.token_min, owner_->options_.token_max);
            is_drawn_ = true;
        }
        if (next_at_ > deadline) {
            co_await owner_->runtime_->sleep_until(deadline);
            co_return make_error(Errc::kTimeout, "no token in time");
        }
        co_await owner_->runtime_->sleep_until(next_at_);
        is_drawn_ = false;
        constexpr std::uint64_t kWhole = 1000;
        if (owner_->world_->chance(owner_->options_.failures_per_mille, kWhole)) {
            release();
            co_return make_error(Errc::kUnavailable, "the worker died");
        }
        if (is_cancelled_ || sent_ == tokens_.size()) co_return finish();
        WorkerToken token;
        token.job_id = order_.job_id;
        token.text = tokens_[sent_++];
        token.tokens = 1;
        text_ += token.text;
        co_return ports::GenerationEvent{std::move(token)};
    }

    void cancel() override { is_cancelled_ = true; }

  private:
    Result<ports::GenerationEvent> finish() {
        WorkerDone done;
        done.job_id = order_.job_id;
        done.reason = FinishReason::kStop;
        if (sent_ == order_.request.output_tokens_max) done.reason = FinishReason::kLength;
        if (is_cancelled_) done.reason = FinishReason::kCancelled;
        done.usage.input = owner_->model_.input_tokens_of(order_.request);
        done.usage.output = sent_;
        // A cheat commits to what it claims to have done: only the cells give it away.
        done.verification_root = fake_verification_root(owner_->model_.header_of(order_.request, text_));
        owner_->traces_[order_.job_id] = Trace{order_.request, text_};
        release();
        return ports::GenerationEvent{done};
    }

    void release() {
        if (std::exchange(has_slot_, false)) --owner_->running_;
    }

    FakeInference* owner_;
    WorkerGenerate order_;
    std::vector<std::string> tokens_;
    std::size_t sent_ = 0;
    std::string text_;
    TimePoint next_at_;
    bool is_drawn_ = false;
    bool is_cancelled_ = false;
    bool has_slot_ = true;
};

FakeInference::FakeInference(SimRuntime* world, Runtime* runtime, FakeModel model, FakeInferenceOptions options)
    : world_{world}, runtime_{runtime}, model_{std::move(model)}, options_{std::move(options)} {
    if (options_.true_root.is_zero()) options_.true_root = model_.root;
}

FakeInference::~FakeInference() = default;

Task<Result<WorkerReady>> FakeInference::ready(TimePoint deadline) {
    co_await runtime_->sleep_until(std::min(deadline, runtime_->now() + options_.load_time));
    if (runtime_->now() >= deadline) co_return make_error(Errc::kTimeout, "the model is not loaded yet");
    WorkerReady ready;
    ready.model = model_.name;
    ready.weights_root = model_.root;
    ready.context_tokens_max = kContextTokens;
    ready.vocabulary = 1;
    ready.slots = options_.slots;
    co_return ready;
}

Task<Result<std::unique_ptr<ports::Generation>>> FakeInference::generate(WorkerGenerate request) {
    if (running_ >= options_.slots) co_return make_error(Errc::kExhausted, "all slots are taken");
    if (text_of(request.request).find("impossible") != std::string::npos) {
        co_return make_error(Errc::kInvalid, "the model cannot take this request");
    }
    ++running_;
    std::unique_ptr<ports::Generation> generation = std::make_unique<FakeGeneration>(this, std::move(request));
    co_return generation;
}

Task<Result<Opening>> FakeInference::open(WorkerOpen request, TimePoint /*deadline*/) {
    co_await runtime_->sleep_until(runtime_->now() + options_.token_min);
    const auto found = traces_.find(request.job_id);
    if (found == traces_.end() || options_.refuses_to_open) co_return make_error(Errc::kNotFound, "the trace is gone");
    const Trace& trace = found->second;
    FakeModel actual = model_;
    actual.root = options_.true_root;
    Opening opening;
    opening.header = model_.header_of(trace.request, trace.text);
    for (const Cell& cell : request.cells) {
        OpenedCell opened;
        opened.cell = cell;
        opened.data = actual.cell_of(trace.request, cell);
        opening.cells.push_back(std::move(opened));
    }
    co_return opening;
}

std::vector<Cell> FakeAuditor::draw(const AuditTask& task) {
    constexpr std::size_t kCells = 4;
    const TokenUsage units = task.receipt.receipt.units;
    std::set<Cell> cells;
    if (units.input + units.output < 2) return {};
    for (std::size_t index = 0; index < kCells; ++index) {
        Cell cell;
        cell.position = static_cast<std::uint32_t>(world_->draw(units.input + units.output - 1));
        cell.layer = static_cast<std::uint32_t>(world_->draw(kLayers + 1));
        cells.insert(cell);
    }
    return {cells.begin(), cells.end()};
}

ports::AuditFinding FakeAuditor::check(const AuditTask& task, const std::vector<Cell>& cells, const Opening& opening) {
    const UsageReceipt& bill = task.receipt.receipt;
    if (bill.model_root != model_.root) return finding_of(VerdictOutcome::kRejected, "other weights");
    if (fake_verification_root(opening.header) != bill.verification_root) {
        return finding_of(VerdictOutcome::kRejected, "the header is not what was committed to");
    }
    if (opening.header != model_.header_of(task.request, task.response_text)) {
        return finding_of(VerdictOutcome::kRejected, "the header names other weights, request or output");
    }
    if (opening.cells.size() != cells.size()) return finding_of(VerdictOutcome::kRejected, "cells are missing");
    for (std::size_t index = 0; index < cells.size(); ++index) {
        const OpenedCell& opened = opening.cells[index];
        const bool is_right = opened.cell == cells[index] && opened.data == model_.cell_of(task.request, cells[index]);
        if (!is_right) return finding_of(VerdictOutcome::kRejected, "a cell is not that of the public weights");
    }
    return finding_of(VerdictOutcome::kAccepted, "all cells fit");
}

}  // namespace vcity::sim
