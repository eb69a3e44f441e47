// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <variant>

#include "async/task.hpp"
#include "base/time.hpp"
#include "model/worker_messages.hpp"

namespace vcity::ports {

using GenerationEvent = std::variant<WorkerToken, WorkerDone>;

// One generation under way. Destroying it cancels it.
class Generation {
  public:
    virtual ~Generation() = default;
    // Tokens, then one WorkerDone. An Error ends it: kUnavailable when the worker died, kInvalid for a request that the
    // model cannot take (too long, bad sampling), kTimeout at the deadline (it goes on).
    virtual Task<Result<GenerationEvent>> next(TimePoint deadline) = 0;
    // Ask it to stop; WorkerDone with kCancelled and what was generated so far follows.
    virtual void cancel() = 0;
};

// A model that runs on this machine.
class Inference {
  public:
    virtual ~Inference() = default;
    // Waits until the model is loaded.
    virtual Task<Result<WorkerReady>> ready(TimePoint deadline) = 0;
    // kExhausted when all slots are taken.
    virtual Task<Result<std::unique_ptr<Generation>>> generate(WorkerGenerate request) = 0;
    // Runs an ended job of tier A again and gives the root of the tree it keeps of that until the next replay or
    // drop(). Takes about as long as reading the whole text once. kNotFound when the job is not known any more.
    virtual Task<Result<Hash>> replay(JobId job_id, TimePoint deadline) = 0;
    // kNotFound when the trace is gone, or no tree of the job has that root.
    virtual Task<Result<Opening>> open(WorkerOpen request, TimePoint deadline) = 0;
    virtual void drop(JobId job_id) = 0;
};

}  // namespace vcity::ports
