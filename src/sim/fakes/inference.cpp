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

Bytes FakeModel::sketch_of(const ModelRequest& request, std::uint32_t position) const {
    const Hash request_hash = market::request_hash(request);
    const Hash hash = crypto::keccak256({root.view(), request_hash.view(), number_bytes(position)});
    return {hash.bytes.begin(), hash.bytes.end()};
}

Hash fake_verification_root(const Bytes& header) {
    return crypto::keccak256(header);
}

Hash fake_replay_root(const Bytes& header, std::uint64_t number) {
    return crypto::keccak256({as_bytes("replay"), header, number_bytes(number)});
}

// Holds a slot of its inference, which must outlive it.
class FakeInference::FakeGeneration final : public ports::Generation {
  public:
    FakeGeneration(FakeInference* owner, WorkerGenerate order) : owner_{owner}, order_{std::move(order)} {
        tokens_ = owner_->served_model().tokens_of(order_.request);
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
        Trace trace;
        trace.request = order_.request;
        trace.text = text_;
        trace.root = done.verification_root;
        owner_->traces_[order_.job_id] = std::move(trace);
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

FakeModel FakeInference::served_model() const {
    FakeModel actual = model_;
    actual.root = options_.true_root;
    return actual;
}

FakeModel FakeInference::opened_model(const Trace& trace) const {
    const bool is_replayed = tier_of(trace.request.verification) == AuditTier::kSketch;
    return is_replayed && options_.is_honest_when_asked ? model_ : served_model();
}

Task<Result<FakeInference::Trace*>> FakeInference::find_trace(JobId job_id, TimePoint deadline) {
    const TimePoint ready_at = runtime_->now() + options_.token_min + options_.opening_delay;
    co_await runtime_->sleep_until(std::min(ready_at, deadline));
    if (ready_at > deadline) co_return make_error(Errc::kTimeout, "no answer in time");
    const auto found = traces_.find(job_id);
    if (found == traces_.end() || options_.refuses_to_open) co_return make_error(Errc::kNotFound, "the trace is gone");
    co_return &found->second;
}

Task<Result<Hash>> FakeInference::replay(JobId job_id, TimePoint deadline) {
    CO_TRY(Trace * trace, co_await find_trace(job_id, deadline));
    ++trace->replays;
    trace->replay_root = fake_replay_root(model_.header_of(trace->request, trace->text), trace->replays);
    co_return trace->replay_root;
}

Task<Result<Opening>> FakeInference::open(WorkerOpen request, TimePoint deadline) {
    CO_TRY(const Trace* trace, co_await find_trace(request.job_id, deadline));
    const bool is_sketched = tier_of(trace->request.verification) == AuditTier::kSketch;
    const Hash root = is_sketched ? trace->replay_root : trace->root;
    if (root.is_zero() || request.root != root) co_return make_error(Errc::kNotFound, "no such tree");
    const FakeModel actual = opened_model(*trace);
    const FakeModel served = served_model();
    Opening opening;
    opening.header = model_.header_of(trace->request, trace->text);
    for (const Cell& cell : request.question.cells) {
        OpenedCell opened;
        opened.cell = cell;
        opened.data = actual.cell_of(trace->request, cell);
        opening.cells.push_back(std::move(opened));
    }
    for (const std::uint32_t position : request.question.sketches) {
        OpenedSketch opened;
        opened.position = position;
        opened.data = served.sketch_of(trace->request, position);
        opened.last = actual.sketch_of(trace->request, position);
        opening.sketches.push_back(std::move(opened));
    }
    co_return opening;
}

AuditQuestion FakeAuditor::draw(const AuditTask& task, const Hash& seed) {
    const std::size_t count = task.deep ? kOpenedCellsMax : 4;
    const TokenUsage units = task.receipt.receipt.units;
    if (units.input + units.output < 2) return {};
    const std::uint64_t positions = units.input + units.output - 1;
    const bool is_sketched = tier_of(task.request.verification) == AuditTier::kSketch;
    std::set<Cell> cells;
    std::set<std::uint32_t> sketches;
    for (std::uint64_t index = 0; index < count; ++index) {
        const Hash drawn = crypto::keccak256({seed.view(), number_bytes(index)});
        std::uint64_t number = 0;
        for (std::size_t byte = 0; byte < sizeof(number); ++byte) number = number << 8U | drawn.bytes[byte];
        Cell cell;
        cell.position = static_cast<std::uint32_t>(number % positions);
        cell.layer = drawn.bytes[31] % (kLayers + 1);
        cells.insert(cell);
        if (is_sketched) sketches.insert(cell.position);
    }
    AuditQuestion question;
    question.cells = {cells.begin(), cells.end()};
    question.sketches = {sketches.begin(), sketches.end()};
    return question;
}

ports::AuditFinding FakeAuditor::check(const AuditTask& task, const ports::AuditAnswer& answer) {
    if (rejects_shallow && !task.deep) return finding_of(VerdictOutcome::kRejected, "a bad dream");
    std::string fault = fault_in(task, answer);
    if (!fault.empty()) return finding_of(VerdictOutcome::kRejected, std::move(fault));
    ports::AuditFinding finding = finding_of(VerdictOutcome::kAccepted, "all cells fit");
    // As a sequential test would: something that grows with every result of the node.
    finding.memory = answer.memory;
    if (!answer.question.sketches.empty() && finding.memory.size() < ports::kMemoryBytesMax) {
        finding.memory.push_back(1);
    }
    return finding;
}

std::string FakeAuditor::fault_in(const AuditTask& task, const ports::AuditAnswer& answer) const {
    const UsageReceipt& bill = task.receipt.receipt;
    const Opening& opening = answer.opening;
    const std::vector<Cell>& cells = answer.question.cells;
    if (bill.model_root != model_.root) return "other weights";
    if (fake_verification_root(opening.header) != bill.verification_root) {
        return "the header is not what was committed to";
    }
    if (opening.header != model_.header_of(task.request, task.response_text)) {
        return "the header names other weights, request or output";
    }
    if (opening.cells.size() != cells.size()) return "cells are missing";
    for (std::size_t index = 0; index < cells.size(); ++index) {
        const OpenedCell& opened = opening.cells[index];
        const bool is_right = opened.cell == cells[index] && opened.data == model_.cell_of(task.request, cells[index]);
        if (!is_right) return "a cell is not that of the public weights";
    }
    return fault_in_sketches(task, answer);
}

std::string FakeAuditor::fault_in_sketches(const AuditTask& task, const ports::AuditAnswer& answer) const {
    const bool is_sketched = tier_of(task.request.verification) == AuditTier::kSketch;
    const bool is_replay = answer.root != task.receipt.receipt.verification_root && !answer.root.is_zero();
    if (is_sketched != is_replay) return "that is not the tree of the tier";
    if (answer.opening.sketches.size() != answer.question.sketches.size()) return "sketches are missing";
    for (std::size_t index = 0; index < answer.question.sketches.size(); ++index) {
        const OpenedSketch& opened = answer.opening.sketches[index];
        const bool is_right = opened.position == answer.question.sketches[index] &&
                              opened.data == model_.sketch_of(task.request, opened.position) &&
                              opened.data == opened.last;
        if (!is_right) return "what was served is not what was replayed";
    }
    return {};
}

}  // namespace vcity::sim
