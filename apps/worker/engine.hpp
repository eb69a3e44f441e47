// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "checkpoint/model_directory.hpp"
#include "checkpoint/output_text.hpp"
#include "model/worker_messages.hpp"
#include "model_runner.hpp"
#include "verify/commit.hpp"

namespace vcity::worker {

struct EngineOptions {
    std::string model_name{};  // what requests call it
    RunnerOptions runner{};
    std::uint32_t slots = 4;                      // jobs that run at the same time
    std::uint32_t prompt_rows = 64;               // prompt tokens of one job that are computed in one step
    std::uint64_t trace_bytes_max = 256U << 20U;  // of running and finished jobs together
};

using WorkerMessages = std::vector<WorkerMessage>;

// The jobs of one worker: admits requests, runs all of them together one step at a time (a job joins and leaves between
// any two steps), and keeps the traces of recent jobs so that a verifier can open them. Free of clocks, threads and
// input/output; every answer is appended to `out`.
class Engine {
  public:
    static Result<std::unique_ptr<Engine>> load(const std::filesystem::path& folder, EngineOptions options);

    WorkerReady ready() const;
    // Answers with WorkerError when the job cannot be taken: kInvalid for a request that this model cannot serve,
    // kExhausted when all slots or the memory for traces are taken, kConflict for a job that is known.
    void generate(const WorkerGenerate& message, WorkerMessages* out);
    // An unknown job is ignored: it may have ended meanwhile.
    void cancel(const JobId& job, WorkerMessages* out);
    // kNotFound when the trace was dropped, evicted or never finished.
    void open(const WorkerOpen& message, WorkerMessages* out) const;
    void drop(const JobId& job);

    bool busy() const { return !running_.empty(); }
    // Computes the next tokens of every running job.
    void step(WorkerMessages* out);

  private:
    struct Running {
        JobId id;
        ModelRequest request;
        std::vector<std::uint32_t> prompt;
        std::vector<std::uint32_t> output;
        std::uint64_t output_max = 0;
        std::size_t fed = 0;  // tokens of prompt and output that were run
        std::uint64_t trace_bytes = 0;
        SequenceId sequence = 0;
        checkpoint::OutputText text;
        verify::TraceCommitter trace;
    };
    struct Finished {
        JobId id;
        verify::TraceCommitter trace;
    };

    Engine(checkpoint::ModelDirectory model, EngineOptions options);

    Result<void> admit(const WorkerGenerate& message);
    Result<void> reserve_trace(std::uint64_t bytes);
    bool is_known(const JobId& job) const;
    std::vector<SequenceInput> next_inputs() const;
    Result<std::vector<std::vector<float>>> run(const std::vector<SequenceInput>& inputs);
    // Whether the job goes on.
    bool advance(Running& job, const std::vector<float>& logits, WorkerMessages* out);
    void finish(Running& job, FinishReason reason, WorkerMessages* out);
    void fail_all(const Error& error, WorkerMessages* out);

    checkpoint::ModelDirectory model_;
    EngineOptions options_;
    Hash weights_root_;
    std::unique_ptr<ModelRunner> runner_;
    std::list<Running> running_;
    std::list<Finished> finished_;  // the oldest first
    std::uint64_t trace_bytes_ = 0;
};

}  // namespace vcity::worker
