// SPDX-License-Identifier: Apache-2.0
#include "adapters/inference_worker/worker.hpp"

#include <algorithm>

#include "adapters/inference_worker/session.hpp"
#include "base/check.hpp"

namespace vcity::adapters {

// What has arrived for one generation and was not taken yet.
struct GenerationState {
    explicit GenerationState(Runtime* runtime) : changed{runtime} {}

    void push(ports::GenerationEvent event) {
        events.push_back(std::move(event));
        changed.notify();
    }
    void fail(Error error) {
        if (!failure) failure = std::move(error);
        changed.notify();
    }

    std::deque<ports::GenerationEvent> events;
    std::optional<Error> failure;  // comes after the events
    Notifier changed;
    bool ended = false;      // WorkerDone is among the events or was taken
    bool abandoned = false;  // nobody listens any more
    std::uint64_t tokens = 0;
    std::uint64_t tokens_max = 0;
};

struct AuditState {
    explicit AuditState(Runtime* runtime) : changed{runtime} {}

    void complete(Result<void> how) {
        result = std::move(how);
        changed.notify();
    }

    bool is_replay = false;
    AuditQuestion question;
    Opening opening;
    Hash root;
    std::optional<Result<void>> result;
    Notifier changed;
};

class WorkerGeneration final : public ports::Generation {
  public:
    WorkerGeneration(std::shared_ptr<InferenceWorker*> owner, JobId job_id, std::shared_ptr<GenerationState> state)
        : owner_{std::move(owner)}, job_id_{job_id}, state_{std::move(state)} {}
    ~WorkerGeneration() override {
        state_->abandoned = true;
        state_->events.clear();
        cancel();
    }

    Task<Result<ports::GenerationEvent>> next(TimePoint deadline) override {
        while (state_->events.empty()) {
            const std::optional<Error> failure = state_->failure;
            if (failure) co_return *failure;
            if (state_->ended) co_return make_error(Errc::kInvalid, "the generation has ended");
            const bool notified = co_await state_->changed.wait_until(deadline);
            if (!notified && state_->events.empty()) co_return make_error(Errc::kTimeout, "no token in time");
        }
        ports::GenerationEvent event = std::move(state_->events.front());
        state_->events.pop_front();
        co_return event;
    }

    void cancel() override {
        if (*owner_ != nullptr) (*owner_)->abandon(job_id_, state_);
    }

  private:
    std::shared_ptr<InferenceWorker*> owner_;
    JobId job_id_;
    std::shared_ptr<GenerationState> state_;
};

namespace {

Error violation(std::string what) {
    return make_error(Errc::kCorrupt, "worker: " + std::move(what));
}

bool answers(const Opening& opening, const AuditQuestion& asked) {
    return std::ranges::equal(opening.cells, asked.cells, {}, &OpenedCell::cell) &&
           std::ranges::equal(opening.pages, asked.pages, {}, &OpenedPage::page) &&
           std::ranges::equal(opening.sketches, asked.sketches, {}, &OpenedSketch::position);
}

}  // namespace

InferenceWorker::InferenceWorker(Runtime* runtime, ports::Sandbox* sandbox, Log log, InferenceWorkerOptions options)
    : runtime_{runtime},
      sandbox_{sandbox},
      log_{std::move(log)},
      options_{std::move(options)},
      changed_{runtime},
      self_{std::make_shared<InferenceWorker*>(this)} {}

InferenceWorker::~InferenceWorker() {
    CHECK(!running_);
    *self_ = nullptr;
}

void InferenceWorker::stop() {
    stopping_ = true;
    if (session_ != nullptr) session_->kill();
    changed_.notify();
}

Task<void> InferenceWorker::run() {
    CHECK(!running_);
    running_ = true;
    Duration delay = options_.restart_delay_min;
    while (!stopping_) {
        const TimePoint started = runtime_->now();
        const Error reason = co_await run_once();
        last_failure_ = reason.message;
        give_up_all(make_error(Errc::kUnavailable, reason.message));
        if (stopping_) break;
        log_.error("worker_ended", {{"reason", reason.message}});
        const bool was_stable = runtime_->now() - started > options_.restart_delay_max;
        delay = was_stable ? options_.restart_delay_min : std::min(delay * 2, options_.restart_delay_max);
        // Workers of one machine that died together should not load their weights together.
        const Duration jitter{static_cast<std::int64_t>(runtime_->random_u64() % 1'024) * (delay.count() / 4'096)};
        const TimePoint again = runtime_->now() + delay + jitter;
        bool notified = true;
        while (notified && !stopping_) {
            notified = co_await changed_.wait_until(again);
        }
    }
    running_ = false;
}

Task<Error> InferenceWorker::run_once() {
    ports::SandboxSpec program = options_.program;
    auto started = co_await sandbox_->start(std::move(program));
    if (!started) co_return started.error();
    WorkerSession session{runtime_, *std::move(started), options_.messages_waiting_max};
    session_ = &session;
    owes_since_ = runtime_->now();
    Error reason = make_error(Errc::kUnavailable, "worker stopped");
    if (!stopping_) {
        reason = co_await converse(&session);
    }
    session_ = nullptr;
    ready_.reset();
    co_await session.close();
    co_return reason;
}

Task<Error> InferenceWorker::converse(WorkerSession* session) {
    for (;;) {
        Result<WorkerMessage> message = co_await session->receive(deadline_of_next_frame());
        if (!message && message.error().code == Errc::kTimeout) {
            // An idle worker owes nothing, and work may have come to it while we waited.
            if (is_idle()) owes_since_ = runtime_->now();
            if (runtime_->now() < deadline_of_next_frame()) continue;
            co_return make_error(Errc::kUnavailable, "worker said nothing in time");
        }
        if (!message) co_return message.error();
        owes_since_ = runtime_->now();
        const Result<void> handled = handle(*std::move(message));
        if (!handled) co_return handled.error();
    }
}

bool InferenceWorker::is_idle() const {
    return ready_.has_value() && generations_.empty() && openings_.empty();
}

TimePoint InferenceWorker::deadline_of_next_frame() const {
    return owes_since_ + (ready_ ? options_.silence_max : options_.load_max);
}

Result<void> InferenceWorker::handle(WorkerMessage message) {
    if (!ready_ && !std::holds_alternative<WorkerReady>(message)) return violation("spoke before it was ready");
    return std::visit(
        [this](auto&& content) -> Result<void> {
            using Content = std::decay_t<decltype(content)>;
            if constexpr (std::is_same_v<Content, WorkerGenerate> || std::is_same_v<Content, WorkerCancel> ||
                          std::is_same_v<Content, WorkerReplay> || std::is_same_v<Content, WorkerOpen> ||
                          std::is_same_v<Content, WorkerDrop>) {
                return violation("sent what only an agent may send");
            } else {
                return on(std::forward<decltype(content)>(content));
            }
        },
        std::move(message));
}

Result<void> InferenceWorker::on(WorkerReady ready) {
    if (ready_) return violation("was ready twice");
    if (ready.slots == 0) return violation("has no slots");
    if (first_ready_ && (first_ready_->weights_root != ready.weights_root || first_ready_->model != ready.model)) {
        return violation("came back with another model");
    }
    log_.info("worker_ready", {{"model", ready.model}, {"slots", ready.slots}});
    if (!first_ready_) first_ready_ = ready;
    ready_ = std::move(ready);
    changed_.notify();
    return {};
}

Result<void> InferenceWorker::on(WorkerToken token) {
    const auto found = generations_.find(token.job_id);
    if (found == generations_.end()) return violation("sent a token of an unknown job");
    const auto& state = found->second;
    state->tokens += token.tokens;
    if (state->tokens > state->tokens_max) return violation("sent more tokens than it was asked for");
    if (state->abandoned) return {};
    if (state->events.size() >= options_.events_waiting_max) {
        state->fail(make_error(Errc::kExhausted, "nobody takes the tokens"));
        abandon(token.job_id, state);
        state->abandoned = true;
        return {};
    }
    state->push(std::move(token));
    return {};
}

Result<void> InferenceWorker::on(const WorkerDone& done) {
    const auto found = generations_.find(done.job_id);
    if (found == generations_.end()) return violation("ended an unknown job");
    const std::shared_ptr<GenerationState> state = found->second;
    if (done.usage.output > state->tokens_max) return violation("counted more tokens than it was asked for");
    generations_.erase(found);
    if (state->abandoned) {
        // Nobody will ask for its trace.
        send(WorkerDrop{.job_id = done.job_id});
        return {};
    }
    state->ended = true;
    state->push(done);
    return {};
}

std::shared_ptr<AuditState> InferenceWorker::take_asked(const JobId& job_id) {
    const auto found = openings_.find(job_id);
    if (found == openings_.end()) return nullptr;
    std::shared_ptr<AuditState> state = std::move(found->second.front());
    found->second.pop_front();
    if (found->second.empty()) openings_.erase(found);
    --openings_waiting_;
    return state;
}

Result<void> InferenceWorker::on(const WorkerReplayed& replayed) {
    const std::shared_ptr<AuditState> state = take_asked(replayed.job_id);
    if (state == nullptr || !state->is_replay) return violation("replayed what nobody asked for");
    state->root = replayed.root;
    state->complete({});
    return {};
}

Result<void> InferenceWorker::on(WorkerOpening opening) {
    const std::shared_ptr<AuditState> state = take_asked(opening.job_id);
    if (state == nullptr || state->is_replay) return violation("opened what nobody asked for");
    if (!answers(opening.opening, state->question)) return violation("opened something else than asked");
    state->opening = std::move(opening.opening);
    state->complete({});
    return {};
}

Result<void> InferenceWorker::on(const WorkerError& error) {
    Error cause = make_error(error.code, "worker: " + error.message);
    const auto generation = generations_.find(error.job_id);
    if (generation != generations_.end()) {
        const std::shared_ptr<GenerationState> state = generation->second;
        generations_.erase(generation);
        state->fail(std::move(cause));
        return {};
    }
    // Otherwise of a job that was cancelled or dropped just as it ended.
    if (const auto state = take_asked(error.job_id)) state->complete(std::move(cause));
    return {};
}

void InferenceWorker::give_up_all(const Error& reason) {
    for (const auto& [job_id, state] : std::exchange(generations_, {})) state->fail(reason);
    for (const auto& [job_id, waiting] : std::exchange(openings_, {})) {
        for (const auto& state : waiting) state->complete(reason);
    }
    openings_waiting_ = 0;
}

bool InferenceWorker::send(const WorkerMessage& message) {
    if (session_ == nullptr) return false;
    if (session_->send(message)) return true;
    // It has not read for as long as it takes to fill the queue.
    session_->kill();
    return false;
}

// Asks the worker to stop; its WorkerDone or WorkerError follows and frees the slot.
void InferenceWorker::abandon(const JobId& job_id, const std::shared_ptr<GenerationState>& state) {
    const auto found = generations_.find(job_id);
    if (found != generations_.end() && found->second == state) send(WorkerCancel{.job_id = job_id});
}

Task<Result<WorkerReady>> InferenceWorker::ready(TimePoint deadline) {
    while (!ready_) {
        if (stopping_) co_return make_error(Errc::kUnavailable, "worker stopped");
        const bool notified = co_await changed_.wait_until(deadline);
        if (!notified && !ready_) co_return make_error(Errc::kTimeout, "worker is not ready: " + last_failure_);
    }
    co_return *ready_;
}

Task<Result<std::unique_ptr<ports::Generation>>> InferenceWorker::generate(WorkerGenerate request) {
    if (!ready_) co_return make_error(Errc::kUnavailable, "worker is not ready: " + last_failure_);
    const JobId job_id = request.job_id;
    if (generations_.contains(job_id)) co_return make_error(Errc::kConflict, "the job is running already");
    if (generations_.size() >= ready_->slots) co_return make_error(Errc::kExhausted, "all slots are taken");
    auto state = std::make_shared<GenerationState>(runtime_);
    state->tokens_max = request.request.output_tokens_max;
    if (is_idle()) owes_since_ = runtime_->now();
    if (!send(std::move(request))) co_return make_error(Errc::kUnavailable, "worker does not listen");
    generations_.emplace(job_id, state);
    co_return std::unique_ptr<ports::Generation>{std::make_unique<WorkerGeneration>(self_, job_id, std::move(state))};
}

Task<Result<void>> InferenceWorker::ask(JobId job_id,
                                        WorkerMessage question,
                                        std::shared_ptr<AuditState> state,
                                        TimePoint deadline) {
    if (!ready_) co_return make_error(Errc::kUnavailable, "worker is not ready: " + last_failure_);
    if (generations_.contains(job_id)) co_return make_error(Errc::kConflict, "the job is still running");
    if (openings_waiting_ >= options_.openings_waiting_max) co_return make_error(Errc::kExhausted, "too many openings");
    if (is_idle()) owes_since_ = runtime_->now();
    if (!send(question)) co_return make_error(Errc::kUnavailable, "worker does not listen");
    openings_[job_id].push_back(state);
    ++openings_waiting_;
    while (!state->result) {
        const bool notified = co_await state->changed.wait_until(deadline);
        if (!notified && !state->result) co_return make_error(Errc::kTimeout, "no answer of the worker in time");
    }
    co_return *state->result;
}

Task<Result<Hash>> InferenceWorker::replay(JobId job_id, TimePoint deadline) {
    const auto state = std::make_shared<AuditState>(runtime_);
    state->is_replay = true;
    WorkerMessage question = WorkerReplay{.job_id = job_id};
    CO_TRY_OK(co_await ask(job_id, std::move(question), state, deadline));
    co_return state->root;
}

Task<Result<Opening>> InferenceWorker::open(WorkerOpen request, TimePoint deadline) {
    const auto state = std::make_shared<AuditState>(runtime_);
    state->question = request.question;
    const JobId job_id = request.job_id;
    WorkerMessage question = std::move(request);
    CO_TRY_OK(co_await ask(job_id, std::move(question), state, deadline));
    co_return std::move(state->opening);
}

void InferenceWorker::drop(JobId job_id) {
    if (ready_) send(WorkerDrop{.job_id = job_id});
}

}  // namespace vcity::adapters
