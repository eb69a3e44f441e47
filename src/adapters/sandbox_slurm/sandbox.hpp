// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "async/runtime.hpp"
#include "ports/sandbox.hpp"
#include "telemetry/log.hpp"

namespace vcity::adapters {

struct SlurmSandboxOptions {
    std::string folder;       // that the agent and all nodes of the partition see under this path; the agent's own
    std::string owner;        // [A-Za-z0-9]: keeps the jobs of several agents apart
    std::string partition{};  // empty: the cluster's default
    std::string account{};
    std::string bin_folder = "/usr/bin";  // of sbatch, squeue, scancel
    std::string cell_program;             // vcity, under its path on the nodes
    std::string config{};                 // SLURM_CONF; empty: Slurm's own
    std::chrono::minutes time_max = std::chrono::hours{24 * 7};
    Duration queue_max = std::chrono::minutes{10};  // a job that waits longer for a node is given up
    Duration look_every = std::chrono::milliseconds{100};
    Duration ask_every = std::chrono::seconds{5};  // Slurm, whether a job still lives
};

struct SlurmShared;

// ports::Sandbox on a Slurm cluster: each sandbox is one batch job, whose program (`vcity cell`) makes the same
// bubblewrap sandbox on the node that Slurm chooses, and speaks to the agent through files (cell_files.hpp). start()
// returns once it runs there; the time in the queue is nobody's. Jobs outlive the agent: adopt() finds them by name.
// No images, GPUs, networks or ways in.
class SlurmSandbox final : public ports::Sandbox {
  public:
    SlurmSandbox(Runtime* runtime, Log log, SlurmSandboxOptions options);
    ~SlurmSandbox() override;
    SlurmSandbox(const SlurmSandbox&) = delete;
    SlurmSandbox& operator=(const SlurmSandbox&) = delete;

    // kInvalid: the spec. kUnavailable: Slurm does not answer, or refuses the job with what it says. kExhausted: no
    // node was free within queue_max.
    Task<Result<std::unique_ptr<ports::SandboxProcess>>> start(ports::SandboxSpec spec) override;
    bool outlives_agent(const std::string& /*image*/) const override { return true; }
    Task<Result<std::unique_ptr<ports::SandboxProcess>>> adopt(std::string name) override;
    Task<Result<std::size_t>> sweep(std::vector<std::string> keep) override;
    // Until what was ended has left the cluster, and its files are gone. kTimeout at the deadline.
    Task<Result<void>> settle(TimePoint deadline);

  private:
    std::shared_ptr<SlurmShared> shared_;
};

}  // namespace vcity::adapters
