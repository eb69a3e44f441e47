// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "background.hpp"
#include "base/result.hpp"
#include "checkpoint/model_directory.hpp"
#include "checkpoint/output_text.hpp"
#include "checkpoint/token_mask.hpp"
#include "commitment.hpp"
#include "model/worker_messages.hpp"
#include "model_runner.hpp"
#include "outputs/embedding.hpp"

namespace vcity::worker {

struct EngineOptions {
    std::string model_name{};  // what requests call it
    RunnerOptions runner{};
    std::uint32_t slots = 4;                      // jobs that run at the same time
    std::uint32_t prompt_rows = 64;               // prompt tokens of one job that are computed in one step
    std::uint64_t trace_bytes_max = 256U << 20U;  // of running and finished jobs together
    std::shared_ptr<Background> background{};     // hashes traces; null: the engine's own thread does
};

using WorkerMessages = std::vector<WorkerMessage>;

// The jobs of one worker: admits requests, runs all of them together one step at a time (a job joins and leaves between
// any two steps), and keeps what recent jobs committed to so that a verifier can have it opened. Free of clocks,
// threads and input/output but for the Background it is given; every answer is appended to `out`.
class Engine {
  public:
    static Result<std::unique_ptr<Engine>> load(const std::filesystem::path& folder, EngineOptions options);

    // Another engine on the same loaded model, with jobs of its own; the two take turns on one thread. For benchmarks.
    static std::unique_ptr<Engine> beside(const Engine& other);

    // An engine for an adapter (PEFT's layout) on the same weights, which are not copied; options as the other's. Its
    // jobs commit to weights of their own. kInvalid, kCorrupt, kNotFound: the message names file and tensor.
    static Result<std::unique_ptr<Engine>> with_adapter(const Engine& other,
                                                        std::string name,
                                                        const std::filesystem::path& folder);

    WorkerReady ready() const;
    const std::string& model_name() const { return options_.model_name; }
    // Running, or finished and kept.
    bool is_known(const JobId& job) const;
    // Answers with WorkerError when the job cannot be taken: kInvalid for a request that this model cannot serve,
    // kExhausted when all slots or the memory for traces are taken, kConflict for a job that is known.
    void generate(const WorkerGenerate& message, WorkerMessages* out);
    // Runs a finished job of tier A again in the steps that follow, on the tokens it had. WorkerReplayed comes when it
    // is done, at once when it was done before; WorkerError when the job is not kept (kNotFound), is not of tier A
    // (kInvalid) or there is no memory (kExhausted). What is asked about one job is answered in the order asked: it
    // waits while the job is being replayed.
    void replay(const WorkerReplay& message, WorkerMessages* out);
    // An unknown job is ignored: it may have ended meanwhile.
    void cancel(const JobId& job, WorkerMessages* out);
    // Computes what belongs to the cells asked for. kNotFound when the trace was dropped, evicted or never finished, or
    // when the root is neither the job's nor that of its replay.
    void open(const WorkerOpen& message, WorkerMessages* out);
    // What waits for a replay of the job is answered with kNotFound.
    void drop(const JobId& job, WorkerMessages* out);

    bool busy() const { return !running_.empty() || !replays_.empty(); }
    // Computes the next tokens of every running job.
    void step(WorkerMessages* out);

    // From now on jobs are committed to in this way, whatever they ask for; for benchmarks.
    void override_commit(std::optional<Commit> commit) { commit_override_ = commit; }
    std::uint64_t trace_bytes() const { return trace_bytes_; }
    const verify::ModelShape& shape() const { return runner_->shape(); }

  private:
    // What a job commits to while it runs. The lane owns it from a step on until it is waited for.
    struct Trace {
        Commitment commitment;
        Result<void> added;  // the first error
        std::size_t lane = 0;
        std::shared_ptr<StateMean> mean{};  // of an embedding
    };
    struct Running {
        JobId id;
        ModelRequest request;
        std::uint64_t epoch = 0;
        Hash monitor_key;
        std::vector<std::uint32_t> prompt;
        std::vector<std::uint32_t> output;
        std::uint64_t output_max = 0;
        std::size_t fed = 0;  // tokens of prompt and output that were run
        std::uint64_t trace_bytes = 0;
        SequenceId sequence = 0;
        checkpoint::OutputText text;
        std::shared_ptr<Trace> trace;
        std::optional<checkpoint::TokenMask> mask{};  // when the output must have a form
    };
    struct Finished {
        JobId id;
        verify::TraceHeader header;
        Hash root;
        Hash replay_root;
        Commitment trace;
        bool replaying = false;
    };
    struct Replay {
        Finished* job = nullptr;
        std::size_t fed = 0;
        std::uint64_t trace_bytes = 0;
        SequenceId sequence = 0;
        std::shared_ptr<Trace> trace;
        std::vector<std::variant<WorkerReplay, WorkerOpen>> waiting{};  // asked about this job meanwhile
    };

    Engine(std::shared_ptr<const checkpoint::ModelDirectory> model, EngineOptions options);

    Result<void> admit(const WorkerGenerate& message);
    Result<void> reserve_trace(std::uint64_t bytes, const Finished* kept);
    Result<void> begin_replay(Finished* job, WorkerMessages* out);
    // Whether the replay goes on.
    bool advance(Replay& replay, WorkerMessages* out);
    void finish(Replay& replay, WorkerMessages* out);
    void end(const Replay& replay, const Error& error, WorkerMessages* out);
    Replay* replay_of(const JobId& job);
    Result<Opening> opening_of(const WorkerOpen& message) const;
    Result<std::vector<Bytes>> computed_of(const verify::ServeCommitter& tree, const std::vector<Cell>& cells) const;
    verify::TraceHeader header_of(const Running& job) const;
    // None of the vocabulary: a WorkerError is due.
    std::optional<std::uint32_t> choose(Running& job, const std::vector<float>& logits) const;
    Result<std::optional<checkpoint::TokenMask>> mask_of(const ModelRequest& request);
    void finish_embedding(Running& job, WorkerMessages* out);
    void fail(Running& job, const Error& error, WorkerMessages* out);
    // Those of the running jobs, then those of the replays.
    std::vector<SequenceInput> next_inputs() const;
    Result<std::vector<std::vector<float>>> run(const std::vector<SequenceInput>& inputs);
    std::shared_ptr<Trace> make_trace(Commit commit, const Hash& client_nonce, std::uint64_t positions);
    // Commits to everything that was run; waits for the lane.
    Result<Hash> close(Trace* trace, const verify::TraceHeader& header);
    // Whether the job goes on.
    bool advance(Running& job, const std::vector<float>& logits, WorkerMessages* out);
    void finish(Running& job, FinishReason reason, WorkerMessages* out);
    void fail_all(const Error& error, WorkerMessages* out);

    std::shared_ptr<const checkpoint::ModelDirectory> model_;
    EngineOptions options_;
    Hash weights_root_;
    std::shared_ptr<ModelRunner> runner_;
    std::shared_ptr<const checkpoint::TokenTree> tree_;  // once a form was asked for; borrows from model_
    std::list<Running> running_;
    std::list<Finished> finished_;  // the oldest first
    std::list<Replay> replays_;
    std::optional<Commit> commit_override_;
    std::uint64_t trace_bytes_ = 0;
    std::size_t next_lane_ = 0;
};

}  // namespace vcity::worker
