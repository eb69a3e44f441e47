// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "async/channel.hpp"
#include "ports/inference.hpp"
#include "ports/sandbox.hpp"
#include "telemetry/log.hpp"

namespace vcity::adapters {

struct InferenceWorkerOptions {
    // How to run "vcity-worker serve": it speaks frames on standard input and output.
    ports::SandboxSpec program;
    // From its start to WorkerReady: loading the weights.
    Duration load_max = std::chrono::minutes{5};
    // Between two frames while work is under way: the longest prompt it may take to read.
    Duration silence_max = std::chrono::minutes{2};
    // A worker that ended is started again after a delay that doubles up to the maximum while starts keep failing.
    Duration restart_delay_min = std::chrono::milliseconds{500};
    Duration restart_delay_max = std::chrono::seconds{30};
    // Events of one generation that nobody has taken yet; more end that generation with kExhausted.
    std::size_t events_waiting_max = 16'384;
    std::size_t openings_waiting_max = 64;
    std::size_t messages_waiting_max = 1'024;
};

class WorkerGeneration;
struct GenerationState;
struct AuditState;
class WorkerSession;

// ports::Inference over a worker program in a sandbox. What the program says is hostile: a frame that is too long, does
// not parse, or speaks of a job it was not given ends the worker at once. When a worker ends, however it ends, all its
// generations and openings give kUnavailable and it is started again. A new worker with another model than the first
// one is refused, because the node has already promised the first one's weights.
//
// Beyond the port: generate() gives kUnavailable while no worker is ready, kConflict for a job that is still running.
// Used on its runtime only. run() must have ended before the object is destroyed; generations may outlive it.
class InferenceWorker final : public ports::Inference {
  public:
    InferenceWorker(Runtime* runtime, ports::Sandbox* sandbox, Log log, InferenceWorkerOptions options);
    ~InferenceWorker() override;
    InferenceWorker(const InferenceWorker&) = delete;
    InferenceWorker& operator=(const InferenceWorker&) = delete;

    // Keeps a worker running until stop(). Spawn it once, in the owner's task group.
    Task<void> run();
    void stop();

    Task<Result<WorkerReady>> ready(TimePoint deadline) override;
    Task<Result<std::unique_ptr<ports::Generation>>> generate(WorkerGenerate request) override;
    Task<Result<Hash>> replay(JobId job_id, TimePoint deadline) override;
    Task<Result<Opening>> open(WorkerOpen request, TimePoint deadline) override;
    void drop(JobId job_id) override;

  private:
    friend class WorkerGeneration;

    // One worker from its start to its end; says why it ended.
    Task<Error> run_once();
    Task<Error> converse(WorkerSession* session);
    bool is_idle() const;
    TimePoint deadline_of_next_frame() const;

    Result<void> handle(WorkerMessage message);
    Result<void> on(WorkerReady ready);
    Result<void> on(WorkerToken token);
    Result<void> on(const WorkerDone& done);
    Result<void> on(const WorkerReplayed& replayed);
    Result<void> on(WorkerOpening opening);
    Result<void> on(const WorkerError& error);

    // What a verifier asks for: a replay or an opening. Sends the question and waits for its answer.
    Task<Result<void>> ask(JobId job_id, WorkerMessage question, std::shared_ptr<AuditState> state, TimePoint deadline);
    // The oldest question about the job, no longer waiting; none was asked: nullptr.
    std::shared_ptr<AuditState> take_asked(const JobId& job_id);
    void give_up_all(const Error& reason);
    bool send(const WorkerMessage& message);
    void abandon(const JobId& job_id, const std::shared_ptr<GenerationState>& state);

    Runtime* runtime_;
    ports::Sandbox* sandbox_;
    Log log_;
    InferenceWorkerOptions options_;
    Notifier changed_;
    bool stopping_ = false;
    bool running_ = false;
    WorkerSession* session_ = nullptr;
    TimePoint owes_since_;  // when the worker last spoke, or was given work after having none
    std::optional<WorkerReady> ready_;
    std::optional<WorkerReady> first_ready_;
    std::string last_failure_ = "not started";
    // What this worker runs, whether or not somebody still listens.
    std::map<JobId, std::shared_ptr<GenerationState>> generations_;
    // In the order asked: the worker answers in order.
    std::map<JobId, std::deque<std::shared_ptr<AuditState>>> openings_;
    std::size_t openings_waiting_ = 0;
    // Lets generations that outlive this object know that it is gone.
    std::shared_ptr<InferenceWorker*> self_;
};

}  // namespace vcity::adapters
