// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "engine.hpp"

namespace vcity::worker {

// An adapter in PEFT's layout and what requests call it.
struct AdapterSource {
    std::string name;
    std::filesystem::path folder;
};

// A model and adapters on it, served side by side: each has an engine and slots of its own, the weights of the model
// are there once. They take turns, one step each. Jobs of an adapter commit to weights of their own (those of the model
// and the adapter), which no verifier holds: they cannot be audited. One thread.
class Shelf {
  public:
    static constexpr std::size_t kAdaptersMax = 64;

    // Adapters are loaded beside the model; the memory for traces is shared out evenly. kInvalid, kCorrupt, kNotFound:
    // the message names the adapter, its file and what is wrong.
    static Result<Shelf> load(const std::filesystem::path& model,
                              EngineOptions options,
                              const std::vector<AdapterSource>& adapters);

    // What the model says of itself; adapters are not announced.
    WorkerReady ready() const { return engines_.front()->ready(); }
    // As Engine. A request that names an adapter goes to it. With adapters on the shelf, a name that is neither theirs
    // nor the model's is refused with kNotFound; without any, the name does not matter.
    void generate(const WorkerGenerate& message, WorkerMessages* out);
    void replay(const WorkerReplay& message, WorkerMessages* out) { engine_of(message.job_id).replay(message, out); }
    void cancel(const JobId& job, WorkerMessages* out) { engine_of(job).cancel(job, out); }
    void open(const WorkerOpen& message, WorkerMessages* out) { engine_of(message.job_id).open(message, out); }
    void drop(const JobId& job, WorkerMessages* out) { engine_of(job).drop(job, out); }
    bool busy() const;
    void step(WorkerMessages* out);

  private:
    explicit Shelf(std::unique_ptr<Engine> model) { engines_.push_back(std::move(model)); }

    Engine& engine_of(const JobId& job) const;

    std::vector<std::unique_ptr<Engine>> engines_;  // the model's first
};

}  // namespace vcity::worker
