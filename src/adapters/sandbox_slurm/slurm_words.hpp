// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/sandbox_slurm/sandbox.hpp"

// The command lines of Slurm's programs, and what they answer.
namespace vcity::adapters {

// sbatch for the cell in that folder. Environment variables of the agent do not reach the job.
std::vector<std::string> sbatch_words(const SlurmSandboxOptions& options,
                                      const ports::SandboxSpec& spec,
                                      const std::string& name,
                                      const std::string& folder);
// The script that the job consists of.
std::string cell_script(const SlurmSandboxOptions& options, const std::string& folder);

// "4711" or "4711;cluster". kUnavailable: anything else.
Result<std::string> parse_job_number(std::string_view output);

// Whether a job of this state (squeue -o %T) may still do something.
bool is_alive_state(std::string_view state);
// Whether a job of this state was ended by the cluster or its owner, not by what ran in it.
bool is_taken_state(std::string_view state);
// What squeue says of one job: its state in capital letters, e.g. "RUNNING"; "" when Slurm does not know it; nullopt
// when nobody can tell.
std::optional<std::string> read_squeue(int status, std::string_view output);

}  // namespace vcity::adapters
