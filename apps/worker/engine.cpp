// SPDX-License-Identifier: Apache-2.0
#include "engine.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "checkpoint/sampler.hpp"
#include "market/typed_hashes.hpp"

namespace vcity::worker {
namespace {

constexpr std::size_t kStopsMax = 4;
constexpr std::size_t kStopBytesMax = 256;
constexpr std::size_t kMessagesMax = 1024;

Result<void> check_request(const ModelRequest& request) {
    TRY_OK(checkpoint::check_sampling(request.sampling));
    if (request.output_tokens_max == 0) return make_error(Errc::kInvalid, "max_tokens must be at least 1");
    if (request.messages.size() > kMessagesMax) return make_error(Errc::kInvalid, "too many messages");
    if (request.stop.size() > kStopsMax) return make_error(Errc::kInvalid, "at most 4 stop texts");
    for (const std::string& stop : request.stop) {
        if (stop.size() > kStopBytesMax) return make_error(Errc::kInvalid, "a stop text has more than 256 bytes");
    }
    return {};
}

// The worker's own options only bound what is kept; the committer's bound is the reservation.
verify::CommitterOptions committer_options(std::uint64_t bytes) {
    return {.retention = verify::Retention::kActivations, .bytes_max = bytes};
}

}  // namespace

Engine::Engine(checkpoint::ModelDirectory model, EngineOptions options)
    : model_{std::move(model)}, options_{std::move(options)} {}

Result<std::unique_ptr<Engine>> Engine::load(const std::filesystem::path& folder, EngineOptions options) {
    if (options.slots == 0 || options.prompt_rows == 0)
        return make_error(Errc::kInvalid, "slots and rows must be positive");
    TRY(auto model, checkpoint::ModelDirectory::open(folder));
    auto engine = std::unique_ptr<Engine>{new Engine{std::move(model), std::move(options)}};
    TRY(engine->weights_root_, weights_root_of(engine->model_.tensors()));
    TRY(engine->runner_, ModelRunner::load(engine->model_, engine->options_.runner));
    return engine;
}

WorkerReady Engine::ready() const {
    return {.model = options_.model_name,
            .weights_root = weights_root_,
            .context_tokens_max = static_cast<std::uint32_t>(model_.config().max_positions),
            .vocabulary = static_cast<std::uint32_t>(model_.config().vocab_size),
            .slots = options_.slots,
            .tiers = {.sketch = false, .served = true}};
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
    TRY(auto prompt, checkpoint::encode_prompt(request, model_.tokenizer(), model_.prompt_rules()));
    if (prompt.empty()) return make_error(Errc::kInvalid, "the prompt is empty");
    TRY(const std::uint64_t output_max,
        checkpoint::output_tokens_limit(model_.config(), prompt.size(), request.output_tokens_max));
    if (running_.size() >= options_.slots) return make_error(Errc::kExhausted, "all slots are taken");
    const std::uint64_t positions = prompt.size() + output_max - 1;
    const std::uint64_t bytes = verify::retained_bytes(runner_->shape(), positions);
    TRY_OK(reserve_trace(bytes));
    TRY(const SequenceId sequence, runner_->open_sequence(positions));
    trace_bytes_ += bytes;
    running_.push_back(Running{.id = message.job_id,
                               .request = request,
                               .prompt = std::move(prompt),
                               .output = {},
                               .output_max = output_max,
                               .fed = 0,
                               .trace_bytes = bytes,
                               .sequence = sequence,
                               .text = checkpoint::OutputText{model_.tokenizer(), request.stop},
                               .trace = verify::TraceCommitter{runner_->shape(), committer_options(bytes)}});
    return {};
}

// Makes room by forgetting the oldest finished jobs; running ones are never touched.
Result<void> Engine::reserve_trace(std::uint64_t bytes) {
    while (trace_bytes_ + bytes > options_.trace_bytes_max && !finished_.empty()) {
        trace_bytes_ -= finished_.front().trace.bytes_retained();
        finished_.pop_front();
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

void Engine::open(const WorkerOpen& message, WorkerMessages* out) const {
    const auto fail = [&](const Error& error) {
        out->push_back(WorkerError{.job_id = message.job_id, .code = error.code, .message = error.message});
    };
    const auto found = std::ranges::find(finished_, message.job_id, &Finished::id);
    if (found == finished_.end()) return fail(make_error(Errc::kNotFound, "no trace of this job is kept"));
    auto opening = found->trace.open(message.question.cells);
    if (!opening) return fail(opening.error());
    out->push_back(WorkerOpening{.job_id = message.job_id, .opening = *std::move(opening)});
}

void Engine::drop(const JobId& job) {
    const auto found = std::ranges::find(finished_, job, &Finished::id);
    if (found == finished_.end()) return;
    trace_bytes_ -= found->trace.bytes_retained();
    finished_.erase(found);
}

std::vector<SequenceInput> Engine::next_inputs() const {
    std::vector<SequenceInput> inputs;
    for (const Running& job : running_) {
        if (job.fed < job.prompt.size()) {
            const auto begin = job.prompt.begin() + static_cast<std::ptrdiff_t>(job.fed);
            const std::size_t count = std::min<std::size_t>(options_.prompt_rows, job.prompt.size() - job.fed);
            inputs.push_back({.sequence = job.sequence, .tokens = {begin, begin + static_cast<std::ptrdiff_t>(count)}});
        } else {
            inputs.push_back({.sequence = job.sequence, .tokens = {job.output.back()}});
        }
    }
    return inputs;
}

Result<std::vector<std::vector<float>>> Engine::run(const std::vector<SequenceInput>& inputs) {
    std::vector<Running*> jobs;
    for (Running& job : running_) jobs.push_back(&job);
    const CellSink sink{
        .layer = [&](std::size_t i, const Cell& cell,
                     const verify::CellTrace& cells) { return jobs[i]->trace.add(cell, cells); },
        .final = [&](std::size_t i, std::uint32_t position,
                     const verify::FinalCell& cells) { return jobs[i]->trace.add_final(position, cells); }};
    return runner_->run(inputs, sink);
}

void Engine::step(WorkerMessages* out) {
    if (running_.empty()) return;
    const auto inputs = next_inputs();
    const auto logits = run(inputs);
    if (!logits) return fail_all(logits.error(), out);
    std::size_t index = 0;
    for (auto job = running_.begin(); job != running_.end(); ++index) {
        job->fed += inputs[index].tokens.size();
        const bool more = job->fed < job->prompt.size() || advance(*job, (*logits)[index], out);
        job = more ? std::next(job) : running_.erase(job);
    }
}

bool Engine::advance(Running& job, const std::vector<float>& logits, WorkerMessages* out) {
    const std::uint32_t token = checkpoint::choose_token(logits, job.request.sampling, job.output.size());
    job.output.push_back(token);
    const bool end = model_.is_end_token(token);
    std::string text = end ? std::string{} : job.text.push(token);
    const bool stopped = end || job.text.stopped();
    const bool full = job.output.size() >= job.output_max;
    if (stopped || full) text += job.text.finish();
    out->push_back(WorkerToken{.job_id = job.id, .text = std::move(text), .tokens = 1});
    if (!stopped && !full) return true;
    finish(job, stopped ? FinishReason::kStop : FinishReason::kLength, out);
    return false;
}

// Commits to what was run and keeps the trace. A job that is cancelled before its prompt was run bills nothing.
void Engine::finish(Running& job, FinishReason reason, WorkerMessages* out) {
    runner_->close_sequence(job.sequence);
    trace_bytes_ -= job.trace_bytes;
    if (job.output.empty()) {
        job.trace.truncate(0);
        job.prompt.clear();
    } else if (reason == FinishReason::kCancelled) {
        if (std::string rest = job.text.finish(); !rest.empty()) {
            out->push_back(WorkerToken{.job_id = job.id, .text = std::move(rest), .tokens = 0});
        }
    }
    const auto root = job.trace.finish({.job_id = job.id,
                                        .request_hash = market::request_hash(job.request),
                                        .weights_root = weights_root_,
                                        .shape = verify::shape_hash(runner_->shape()),
                                        .client_nonce = job.request.client_nonce,
                                        .monitor_key = {},
                                        .sampling = job.request.sampling,
                                        .prompt_tokens = job.prompt,
                                        .output_tokens = job.output});
    if (!root) {
        out->push_back(WorkerError{.job_id = job.id, .code = root.error().code, .message = root.error().message});
        return;
    }
    out->push_back(WorkerDone{.job_id = job.id,
                              .reason = reason,
                              .usage = {.input = job.prompt.size(), .output = job.output.size()},
                              .verification_root = *root});
    trace_bytes_ += job.trace.bytes_retained();
    finished_.push_back(Finished{.id = job.id, .trace = std::move(job.trace)});
}

void Engine::fail_all(const Error& error, WorkerMessages* out) {
    for (const Running& job : running_) {
        runner_->close_sequence(job.sequence);
        trace_bytes_ -= job.trace_bytes;
        out->push_back(WorkerError{.job_id = job.id, .code = error.code, .message = error.message});
    }
    running_.clear();
}

}  // namespace vcity::worker
