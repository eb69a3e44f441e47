// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "ports/sandbox.hpp"
#include "sim/fakes/files.hpp"
#include "sim/runtime.hpp"

namespace vcity::sim {

// What a command does. The output comes in equal pieces over the duration, the last at the end.
struct FakeProgram {
    std::string output;
    std::uint32_t pieces = 1;
    Duration duration{};
    int status = 0;
    bool is_endless = false;  // ends only when it is killed
    bool is_echo = false;     // endless, and gives back what is written to it

    bool operator==(const FakeProgram&) const = default;
};

// Reads the arguments of a command, whatever its path is and whichever shell stands before it:
//   --print=TEXT        output
//   --flood=BYTES       so many 'x', at most 16 MiB
//   --show=NAME         the file of that name in /job; status 1 without one
//   --leave=NAME:TEXT   the file, in a volume as /job, at the start
//   --variable=NAME     the value in the environment
//   --milliseconds=N    how long it runs, at most a day
//   --pieces=N          of the output, 1 to 1000
//   --exit=N            its status, 0 to 255
//   --endless, --echo
// Other words mean nothing. A number that is none, or too great, ends the program at once with status 2.
// `files`: of the volume; null without one.
FakeProgram fake_program_of(const ports::SandboxSpec& spec, FakeFiles* files = nullptr);

struct FakeSandboxOptions {
    Duration start_time = std::chrono::milliseconds{10};
    std::uint64_t start_failures_per_mille = 0;  // kUnavailable
    std::uint64_t deaths_per_mille = 0;          // of programs: a signal ends them half way, status 137
    std::uint64_t losses_per_mille = 0;          // of sandboxes: they end half way, and nobody knows the status
};

// Runs FakePrograms in simulated time. Its processes must not outlive it.
class FakeSandbox final : public ports::Sandbox {
  public:
    FakeSandbox(SimRuntime* world, Runtime* runtime, FakeSandboxOptions options = {})
        : world_{world}, runtime_{runtime}, options_{options} {}

    Task<Result<std::unique_ptr<ports::SandboxProcess>>> start(ports::SandboxSpec spec) override;
    bool outlives_agent(const std::string& image) const override { return !image.empty(); }
    Task<Result<std::unique_ptr<ports::SandboxProcess>>> adopt(std::string name) override;
    Task<Result<std::size_t>> sweep(std::vector<std::string> keep) override;

    // As when the agent's process is killed: what has a name goes on without it.
    void lose_agent();

    // Whose paths a spec's job_folder may name.
    void set_volumes(FakeVolumes* volumes) { volumes_ = volumes; }
    // For what starts from now on.
    void set_options(FakeSandboxOptions options) { options_ = options; }
    std::size_t running() const { return running_; }  // handles that live and were not seen to end
    std::uint64_t starts() const { return starts_; }
    std::size_t orphans() const { return orphans_.size(); }  // that nobody has adopted yet
    const ports::SandboxSpec& last_spec() const { return last_spec_; }

  private:
    class FakeProcess;
    struct Course;  // what a process is, and what becomes of it

    SimRuntime* world_;
    Runtime* runtime_;
    FakeSandboxOptions options_;
    FakeVolumes* volumes_ = nullptr;
    std::map<std::string, FakeProcess*> named_;  // handles
    std::map<std::string, std::shared_ptr<const Course>> orphans_;
    std::size_t running_ = 0;
    std::uint64_t starts_ = 0;
    ports::SandboxSpec last_spec_;
};

}  // namespace vcity::sim
