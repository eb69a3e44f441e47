// SPDX-License-Identifier: Apache-2.0
#include "engine.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "base/check.hpp"
#include "checkpoint/mapped_file.hpp"
#include "checkpoint/sampler.hpp"
#include "crypto/keccak.hpp"
#include "crypto/sha256.hpp"
#include "market/typed_hashes.hpp"
#include "outputs/token_logprobs.hpp"

namespace vcity::worker {
namespace {

constexpr std::size_t kStopsMax = 4;
constexpr std::size_t kStopBytesMax = 256;
constexpr std::size_t kMessagesMax = 1024;

Result<void> check_request(const ModelRequest& request) {
    TRY_OK(checkpoint::check_sampling(request.sampling));
    if (request.logprobs > kLogprobsMax) return make_error(Errc::kInvalid, "too many logprobs");
    if (request.output_tokens_max == 0) return make_error(Errc::kInvalid, "max_tokens must be at least 1");
    if (request.messages.size() > kMessagesMax) return make_error(Errc::kInvalid, "too many messages");
    if (request.stop.size() > kStopsMax) return make_error(Errc::kInvalid, "at most 4 stop texts");
    for (const std::string& stop : request.stop) {
        if (stop.size() > kStopBytesMax) return make_error(Errc::kInvalid, "a stop text has more than 256 bytes");
    }
    return {};
}

// Which arithmetic the runner uses; see llama.hpp's served_attention().
KernelClass kernel_of(const RunnerOptions& options) {
    if (options.compute == verify::ComputeType::kFloat32) return KernelClass::kFloat32;
    return options.device == "cuda" ? KernelClass::kFlashTensor : KernelClass::kFlashBf16;
}

// keccak-256("vcity-adapter-v1" || the model's root || SHA-256 of the adapter's two files, configuration first). It is
// nobody's published root: what an adapter computed must not pass for the model's work.
Result<Hash> adapted_weights_root(const Hash& model, const std::filesystem::path& folder) {
    Bytes bytes;
    append(&bytes, as_bytes("vcity-adapter-v1"));
    append(&bytes, model.view());
    for (const char* name : {"adapter_config.json", "adapter_model.safetensors"}) {
        TRY(const auto file, checkpoint::MappedFile::open(folder / name));
        append(&bytes, crypto::sha256(file.bytes()).view());
    }
    return crypto::keccak256(bytes);
}

SequenceInput input_of(SequenceId sequence, std::span<const std::uint32_t> tokens, Capture capture) {
    return {.sequence = sequence, .tokens = {tokens.begin(), tokens.end()}, .capture = capture};
}

}  // namespace

Engine::Engine(std::shared_ptr<const checkpoint::ModelDirectory> model, EngineOptions options)
    : model_{std::move(model)}, options_{std::move(options)} {
    if (options_.background == nullptr) options_.background = make_inline_background();
}

Result<std::unique_ptr<Engine>> Engine::load(const std::filesystem::path& folder, EngineOptions options) {
    if (options.slots == 0 || options.prompt_rows == 0)
        return make_error(Errc::kInvalid, "slots and rows must be positive");
    TRY(auto model, checkpoint::ModelDirectory::open(folder));
    auto engine = std::unique_ptr<Engine>{
        new Engine{std::make_shared<checkpoint::ModelDirectory>(std::move(model)), std::move(options)}};
    TRY(engine->weights_root_, weights_root_of(engine->model_->tensors()));
    TRY(engine->runner_, ModelRunner::load(*engine->model_, engine->options_.runner));
    return engine;
}

std::unique_ptr<Engine> Engine::beside(const Engine& other) {
    auto engine = std::unique_ptr<Engine>{new Engine{other.model_, other.options_}};
    engine->weights_root_ = other.weights_root_;
    engine->runner_ = other.runner_;
    return engine;
}

Result<std::unique_ptr<Engine>> Engine::with_adapter(const Engine& other,
                                                     std::string name,
                                                     const std::filesystem::path& folder) {
    EngineOptions options = other.options_;
    options.model_name = std::move(name);
    auto engine = std::unique_ptr<Engine>{new Engine{other.model_, std::move(options)}};
    TRY(engine->runner_, ModelRunner::with_adapter(*other.runner_, folder));
    TRY(engine->weights_root_, adapted_weights_root(other.weights_root_, folder));
    return engine;
}

WorkerReady Engine::ready() const {
    return {.model = options_.model_name,
            .weights_root = weights_root_,
            .context_tokens_max = static_cast<std::uint32_t>(model_->config().max_positions),
            .vocabulary = static_cast<std::uint32_t>(model_->config().vocab_size),
            .slots = options_.slots,
            .tiers = {}};
}

bool Engine::is_known(const JobId& job) const {
    return std::ranges::find(running_, job, &Running::id) != running_.end() ||
           std::ranges::find(finished_, job, &Finished::id) != finished_.end();
}

void Engine::generate(const WorkerGenerate& message, WorkerMessages* out) {
    if (const auto admitted = admit(message); !admitted) {
        out->push_back(
            WorkerError{.job_id = message.job_id, .code = admitted.error().code, .message = admitted.error().message});
    }
}

Result<void> Engine::admit(const WorkerGenerate& message) {
    const ModelRequest& request = message.request;
    if (is_known(message.job_id)) return make_error(Errc::kConflict, "this job is already known");
    TRY_OK(check_request(request));
    TRY(auto prompt, checkpoint::encode_prompt(request, model_->tokenizer(), model_->prompt_rules()));
    if (prompt.empty()) return make_error(Errc::kInvalid, "the prompt is empty");
    TRY(const std::uint64_t output_max,
        checkpoint::output_tokens_limit(model_->config(), prompt.size(), request.output_tokens_max));
    TRY(auto mask, mask_of(request));
    if (running_.size() >= options_.slots) return make_error(Errc::kExhausted, "all slots are taken");
    const std::uint64_t positions = prompt.size() + output_max - 1;
    const Commit commit = commit_override_.value_or(commit_of(tier_of(request.verification)));
    const std::uint64_t bytes = Commitment::bytes_max(commit, runner_->shape(), positions);
    TRY_OK(reserve_trace(bytes, nullptr));
    TRY(const SequenceId sequence, runner_->open_sequence(positions));
    trace_bytes_ += bytes;
    running_.push_back(Running{.id = message.job_id,
                               .request = request,
                               .epoch = message.epoch,
                               .monitor_key = message.monitor_key,
                               .prompt = std::move(prompt),
                               .output = {},
                               .output_max = output_max,
                               .fed = 0,
                               .trace_bytes = bytes,
                               .sequence = sequence,
                               .text = checkpoint::OutputText{model_->tokenizer(), request.stop},
                               .trace = make_trace(commit, request.client_nonce, positions),
                               .mask = std::move(mask)});
    if (request.answer == AnswerKind::kEmbedding) {
        running_.back().trace->mean = std::make_shared<StateMean>(runner_->shape());
    }
    return {};
}

Result<std::optional<checkpoint::TokenMask>> Engine::mask_of(const ModelRequest& request) {
    std::optional<checkpoint::TokenMask> mask;
    if (request.form.empty()) return mask;
    if (request.answer != AnswerKind::kText) return make_error(Errc::kInvalid, "an embedding has no form");
    TRY(grammar::Form form, grammar::Form::parse(request.form));
    if (tree_ == nullptr) {
        tree_ = std::make_shared<checkpoint::TokenTree>(
            model_->tokenizer(), [this](std::uint32_t token) { return model_->is_end_token(token); });
    }
    mask.emplace(tree_, std::move(form));
    return mask;
}

// Makes room by forgetting the oldest finished jobs, but not `kept`; running ones are never touched.
Result<void> Engine::reserve_trace(std::uint64_t bytes, const Finished* kept) {
    for (auto job = finished_.begin(); job != finished_.end() && trace_bytes_ + bytes > options_.trace_bytes_max;) {
        const bool stays = &*job == kept || job->replaying;
        if (!stays) trace_bytes_ -= job->trace.bytes_retained();
        job = stays ? std::next(job) : finished_.erase(job);
    }
    if (trace_bytes_ + bytes <= options_.trace_bytes_max) return {};
    return make_error(Errc::kExhausted, "no memory left for the trace of this request");
}

void Engine::cancel(const JobId& job, WorkerMessages* out) {
    const auto found = std::ranges::find(running_, job, &Running::id);
    if (found == running_.end()) return;
    finish(*found, FinishReason::kCancelled, out);
    running_.erase(found);
}

void Engine::open(const WorkerOpen& message, WorkerMessages* out) {
    if (Replay* replay = replay_of(message.job_id)) {
        replay->waiting.emplace_back(message);
        return;
    }
    auto opening = opening_of(message);
    if (opening) {
        out->push_back(WorkerOpening{.job_id = message.job_id, .opening = *std::move(opening)});
        return;
    }
    out->push_back(
        WorkerError{.job_id = message.job_id, .code = opening.error().code, .message = opening.error().message});
}

Result<Opening> Engine::opening_of(const WorkerOpen& message) const {
    const auto found = std::ranges::find(finished_, message.job_id, &Finished::id);
    if (found == finished_.end()) return make_error(Errc::kNotFound, "no trace of this job is kept");
    const verify::ServeCommitter* tree = found->trace.opened_tree();
    const Hash& root = found->trace.is_sketch() ? found->replay_root : found->root;
    if (tree == nullptr || message.root != root) {
        return make_error(Errc::kNotFound, "no tree of this job has this root");
    }
    TRY(auto computed, computed_of(*tree, message.question.cells));
    return found->trace.open(message.question, std::move(computed));
}

// The cells of one layer are computed as one batch.
Result<std::vector<Bytes>> Engine::computed_of(const verify::ServeCommitter& tree,
                                               const std::vector<Cell>& cells) const {
    if (cells.size() > kOpenedCellsMax) return make_error(Errc::kInvalid, "too many cells are asked for");
    std::map<std::uint32_t, std::vector<std::size_t>> by_layer;
    for (std::size_t i = 0; i < cells.size(); ++i) by_layer[cells[i].layer].push_back(i);
    const verify::ModelShape& shape = runner_->shape();
    std::vector<Bytes> computed(cells.size());
    for (const auto& [layer, indices] : by_layer) {
        std::vector<ServedInputs> rows;
        std::vector<ByteView> states;
        for (const std::size_t i : indices) {
            TRY(const verify::ServedRow row, tree.row(cells[i]));
            rows.push_back({.h_in = row.h_in, .attn_out = row.attn_out});
            states.push_back(row.h_in);
        }
        if (layer == shape.layers) {
            TRY(const auto logits, runner_->derive_logits(states));
            for (std::size_t n = 0; n < indices.size(); ++n) {
                computed[indices[n]] = verify::encode_final_computed(shape, logits[n]);
            }
        } else {
            TRY(const auto derived, runner_->derive(layer, rows));
            for (std::size_t n = 0; n < indices.size(); ++n) {
                computed[indices[n]] = verify::encode_computed(shape, derived[n].view);
            }
        }
    }
    return computed;
}

Engine::Replay* Engine::replay_of(const JobId& job) {
    const auto found = std::ranges::find_if(replays_, [&](const Replay& replay) { return replay.job->id == job; });
    return found == replays_.end() ? nullptr : &*found;
}

void Engine::replay(const WorkerReplay& message, WorkerMessages* out) {
    if (Replay* replay = replay_of(message.job_id)) {
        replay->waiting.emplace_back(message);
        return;
    }
    const auto fail = [&](const Error& error) {
        out->push_back(WorkerError{.job_id = message.job_id, .code = error.code, .message = error.message});
    };
    const auto found = std::ranges::find(finished_, message.job_id, &Finished::id);
    if (found == finished_.end()) return fail(make_error(Errc::kNotFound, "no trace of this job is kept"));
    if (const auto begun = begin_replay(&*found, out); !begun) fail(begun.error());
}

Result<void> Engine::begin_replay(Finished* job, WorkerMessages* out) {
    if (!job->trace.is_sketch()) return make_error(Errc::kInvalid, "this job was served in tier B");
    if (job->trace.has_replay()) {
        out->push_back(WorkerReplayed{.job_id = job->id, .root = job->replay_root});
        return {};
    }
    const std::uint64_t positions = job->header.positions();
    const std::uint64_t bytes = verify::served_retained_bytes(runner_->shape(), positions);
    TRY_OK(reserve_trace(bytes, job));
    Replay replay{.job = job,
                  .fed = 0,
                  .trace_bytes = bytes,
                  .sequence = 0,
                  .trace = make_trace(Commit::kServed, Hash{}, positions)};
    if (positions == 0) {
        trace_bytes_ += bytes;
        finish(replay, out);
        return {};
    }
    TRY(replay.sequence, runner_->open_sequence(positions));
    trace_bytes_ += bytes;
    job->replaying = true;
    replays_.push_back(std::move(replay));
    return {};
}

bool Engine::advance(Replay& replay, WorkerMessages* out) {
    if (replay.fed < replay.job->header.positions()) return true;
    runner_->close_sequence(replay.sequence);
    finish(replay, out);
    return false;
}

void Engine::finish(Replay& replay, WorkerMessages* out) {
    Finished& job = *replay.job;
    job.replaying = false;
    trace_bytes_ -= replay.trace_bytes;
    const auto root = close(replay.trace.get(), job.header);
    if (!root) {
        out->push_back(WorkerError{.job_id = job.id, .code = root.error().code, .message = root.error().message});
        return;
    }
    trace_bytes_ += replay.trace->commitment.bytes_retained();
    job.replay_root = *root;
    job.trace.set_replay(std::move(replay.trace->commitment));
    out->push_back(WorkerReplayed{.job_id = job.id, .root = *root});
}

// Gives up a replay that did not come to its end, and what waits for it.
void Engine::end(const Replay& replay, const Error& error, WorkerMessages* out) {
    runner_->close_sequence(replay.sequence);
    trace_bytes_ -= replay.trace_bytes;
    replay.job->replaying = false;
    for (std::size_t i = 0; i <= replay.waiting.size(); ++i) {
        out->push_back(WorkerError{.job_id = replay.job->id, .code = error.code, .message = error.message});
    }
}

void Engine::drop(const JobId& job, WorkerMessages* out) {
    const auto found = std::ranges::find(finished_, job, &Finished::id);
    if (found == finished_.end()) return;
    const auto replay = std::ranges::find(replays_, &*found, &Replay::job);
    if (replay != replays_.end()) {
        end(*replay, make_error(Errc::kNotFound, "no trace of this job is kept"), out);
        replays_.erase(replay);
    }
    trace_bytes_ -= found->trace.bytes_retained();
    finished_.erase(found);
}

std::vector<SequenceInput> Engine::next_inputs() const {
    std::vector<SequenceInput> inputs;
    for (const Running& job : running_) {
        const bool in_prompt = job.fed < job.prompt.size();
        const std::span<const std::uint32_t> tokens =
            in_prompt ? std::span{job.prompt}.subspan(job.fed) : std::span{job.output}.last(1);
        inputs.push_back(input_of(job.sequence,
                                  tokens.first(std::min<std::size_t>(tokens.size(), options_.prompt_rows)),
                                  job.trace->commitment.capture()));
    }
    for (const Replay& replay : replays_) {
        const std::uint64_t left = replay.job->header.positions() - replay.fed;
        std::vector<std::uint32_t> tokens(std::min<std::uint64_t>(left, options_.prompt_rows));
        for (std::size_t i = 0; i < tokens.size(); ++i) tokens[i] = replay.job->header.token_at(replay.fed + i);
        inputs.push_back(input_of(replay.sequence, tokens, Capture::kServed));
    }
    return inputs;
}

Result<std::vector<std::vector<float>>> Engine::run(const std::vector<SequenceInput>& inputs) {
    TRY(RunResult result, runner_->run(inputs));
    if (result.captured == nullptr) return std::move(result.logits);
    // One work a lane, so that a lane is woken once a step.
    std::vector<std::vector<std::pair<std::size_t, std::shared_ptr<Trace>>>> works(options_.background->lanes());
    std::size_t index = 0;
    for (const Running& job : running_) works[job.trace->lane].emplace_back(index++, job.trace);
    for (const Replay& replay : replays_) works[replay.trace->lane].emplace_back(index++, replay.trace);
    for (std::size_t lane = 0; lane < works.size(); ++lane) {
        if (works[lane].empty()) continue;
        options_.background->post(lane, [captured = result.captured, traces = std::move(works[lane])] {
            for (const auto& [input, trace] : traces) {
                if (!trace->added) continue;
                trace->added = captured->give(input, [&](const Cell& cell, const verify::ServedRow& row) {
                    if (trace->mean != nullptr) trace->mean->add(cell, row.h_in);
                    return trace->commitment.add(cell, row);
                });
            }
        });
    }
    return std::move(result.logits);
}

std::shared_ptr<Engine::Trace> Engine::make_trace(Commit commit, const Hash& client_nonce, std::uint64_t positions) {
    return std::make_shared<Trace>(Trace{.commitment = {commit, runner_->shape(), client_nonce, positions},
                                         .added = {},
                                         .lane = next_lane_++ % options_.background->lanes()});
}

Result<Hash> Engine::close(Trace* trace, const verify::TraceHeader& header) {
    options_.background->wait(trace->lane);
    TRY_OK(trace->added);
    if (header.positions() == 0) trace->commitment.clear();
    return trace->commitment.finish(header);
}

void Engine::step(WorkerMessages* out) {
    if (!busy()) return;
    const auto inputs = next_inputs();
    const auto logits = run(inputs);
    if (!logits) return fail_all(logits.error(), out);
    std::size_t index = 0;
    for (auto job = running_.begin(); job != running_.end(); ++index) {
        job->fed += inputs[index].tokens.size();
        const bool more = job->fed < job->prompt.size() || advance(*job, (*logits)[index], out);
        job = more ? std::next(job) : running_.erase(job);
    }
    std::vector<std::variant<WorkerReplay, WorkerOpen>> waited;
    for (auto replay = replays_.begin(); replay != replays_.end(); ++index) {
        replay->fed += inputs[index].tokens.size();
        const bool more = advance(*replay, out);
        if (!more) waited.insert(waited.end(), replay->waiting.begin(), replay->waiting.end());
        replay = more ? std::next(replay) : replays_.erase(replay);
    }
    for (const auto& question : waited) {
        if (const auto* open_question = std::get_if<WorkerOpen>(&question)) open(*open_question, out);
        if (const auto* replay_question = std::get_if<WorkerReplay>(&question)) replay(*replay_question, out);
    }
}

void Engine::fail(Running& job, const Error& error, WorkerMessages* out) {
    runner_->close_sequence(job.sequence);
    trace_bytes_ -= job.trace_bytes;
    out->push_back(WorkerError{.job_id = job.id, .code = error.code, .message = error.message});
}

std::optional<std::uint32_t> Engine::choose(Running& job, const std::vector<float>& logits) const {
    const std::uint64_t step = job.output.size();
    const auto* allowed = job.mask ? job.mask->allowed(job.output_max - step) : nullptr;
    if (allowed == nullptr) return checkpoint::choose_token(logits, job.request.sampling, step);
    std::vector<float> masked(logits.size(), -std::numeric_limits<float>::infinity());
    bool is_any = false;
    for (std::size_t token = 0; token < std::min(logits.size(), allowed->size()); ++token) {
        if (!(*allowed)[token]) continue;
        masked[token] = logits[token];
        is_any = true;
    }
    if (!is_any) return std::nullopt;
    return checkpoint::choose_token(masked, job.request.sampling, step);
}

bool Engine::advance(Running& job, const std::vector<float>& logits, WorkerMessages* out) {
    if (!std::ranges::all_of(logits, [](float logit) { return std::isfinite(logit); })) {
        fail(job, make_error(Errc::kInternal, "the model computed no number"), out);
        return false;
    }
    if (job.request.answer == AnswerKind::kEmbedding) {
        finish_embedding(job, out);
        return false;
    }
    const std::optional<std::uint32_t> chosen = choose(job, logits);
    if (!chosen) {
        fail(job, make_error(Errc::kInvalid, "no token of this model fits the form that was asked for"), out);
        return false;
    }
    const std::uint32_t token = *chosen;
    if (job.mask) job.mask->push(token);
    job.output.push_back(token);
    const bool end = model_->is_end_token(token);
    std::string text = end ? std::string{} : job.text.push(token);
    const bool stopped = end || job.text.stopped();
    const bool full = job.output.size() >= job.output_max;
    if (stopped || full) text += job.text.finish();
    WorkerToken piece{.job_id = job.id, .text = std::move(text), .tokens = 1};
    if (job.request.logprobs > 0) {
        piece.logprobs = {token_logprobs(model_->tokenizer(), logits, token, job.request.logprobs - 1)};
    }
    out->push_back(std::move(piece));
    if (!stopped && !full) return true;
    finish(job, stopped ? FinishReason::kStop : FinishReason::kLength, out);
    return false;
}

void Engine::finish_embedding(Running& job, WorkerMessages* out) {
    options_.background->wait(job.trace->lane);
    auto text = job.trace->mean->text();
    if (!text) return fail(job, text.error(), out);
    out->push_back(WorkerToken{.job_id = job.id, .text = *std::move(text), .tokens = 0});
    finish(job, FinishReason::kStop, out);
}

verify::TraceHeader Engine::header_of(const Running& job) const {
    return {.job_id = job.id,
            .request_hash = market::request_hash(job.request),
            .weights_root = weights_root_,
            .shape = verify::shape_hash(runner_->shape()),
            .tier = job.trace->commitment.is_sketch() ? AuditTier::kSketch : AuditTier::kServed,
            .kernel = kernel_of(options_.runner),
            .client_nonce = job.request.client_nonce,
            .epoch = job.epoch,
            .monitor_key = job.monitor_key,
            .sampling = job.request.sampling,
            .prompt_tokens = job.prompt,
            .output_tokens = job.output};
}

// Commits to what was run and keeps the trace. A job that is cancelled before its prompt was run bills nothing.
void Engine::finish(Running& job, FinishReason reason, WorkerMessages* out) {
    runner_->close_sequence(job.sequence);
    trace_bytes_ -= job.trace_bytes;
    const bool has_embedding = job.request.answer == AnswerKind::kEmbedding && reason == FinishReason::kStop;
    if (job.output.empty() && !has_embedding) {
        job.prompt.clear();
    } else if (reason == FinishReason::kCancelled) {
        if (std::string rest = job.text.finish(); !rest.empty()) {
            out->push_back(WorkerToken{.job_id = job.id, .text = std::move(rest), .tokens = 0});
        }
    }
    verify::TraceHeader header = header_of(job);
    const auto root = close(job.trace.get(), header);
    if (!root) {
        out->push_back(WorkerError{.job_id = job.id, .code = root.error().code, .message = root.error().message});
        return;
    }
    out->push_back(WorkerDone{.job_id = job.id,
                              .reason = reason,
                              .usage = {.input = job.prompt.size(), .output = job.output.size()},
                              .verification_root = *root});
    trace_bytes_ += job.trace->commitment.bytes_retained();
    finished_.push_back(Finished{.id = job.id,
                                 .header = std::move(header),
                                 .root = *root,
                                 .replay_root = {},
                                 .trace = std::move(job.trace->commitment)});
}

void Engine::fail_all(const Error& error, WorkerMessages* out) {
    for (const Running& job : running_) {
        runner_->close_sequence(job.sequence);
        trace_bytes_ -= job.trace_bytes;
        out->push_back(WorkerError{.job_id = job.id, .code = error.code, .message = error.message});
    }
    running_.clear();
    for (const Replay& replay : replays_) end(replay, error, out);
    replays_.clear();
}

}  // namespace vcity::worker
