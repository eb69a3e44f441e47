// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "adapters/sandbox_oci/engine.hpp"
#include "adapters/sandbox_oci/frames.hpp"
#include "adapters/sandbox_oci/sandbox.hpp"
#include "async/channel.hpp"

namespace vcity::adapters {

// What all containers of one sandbox share, and what outlives the sandbox until the last of them is removed.
struct OciShared {
    OciShared(Runtime* owner, Log voice, OciSandboxOptions settings)
        : runtime{owner},
          log{std::move(voice)},
          options{std::move(settings)},
          engine{options.socket_path},
          changed{owner} {}

    Runtime* runtime;
    Log log;
    OciSandboxOptions options;
    Engine engine;
    Notifier changed;
    std::size_t removals = 0;  // on their way
    bool is_inspected = false;
    bool maps_users = false;
    bool is_podman = false;    // behind the API of Docker
    bool is_confined = false;  // the engine itself gives containers other users than the host's
    std::string seccomp_file{};
    std::string seccomp_profile{};
};

// How much of a program's standard error may reach the log.
class ErrorLines {
  public:
    ErrorLines(Runtime* runtime, Log log, const OciSandboxOptions& options);

    void add(ByteView bytes);
    void finish();

  private:
    void end_line();

    Runtime* runtime_;
    Log log_;
    double burst_;
    double per_second_;
    double allowance_;
    TimePoint refilled_at_;
    std::string line_;
    std::uint64_t dropped_ = 0;
};

// One container. Shared by the handle that the port gives out and by the task that follows its output.
struct OciContainer {
    OciContainer(std::shared_ptr<OciShared> owner, std::string identity);

    std::shared_ptr<OciShared> shared;
    std::string id;          // at the engine
    std::string job_source;  // mounted by us, to be removed with it; empty: none
    bool joins_output = false;
    bool is_ordered_to_die = false;
    bool is_released = false;                     // the handle is gone
    std::unique_ptr<ports::ByteStream> stream{};  // output, and for a started one input
    bool takes_input = false;
    FrameDecoder frames{};
    ErrorLines errors;
    std::string output{};        // read from the engine and not yet by the handle
    std::uint64_t received = 0;  // bytes of output, ever
    std::uint64_t skip = 0;      // of what comes next, because it came before
    bool is_output_over = false;
    std::optional<int> status{};
    Notifier changed;
};

// Until the container has ended and all its output has come.
Task<void> follow(std::shared_ptr<OciContainer> container);
// Ends it for good and forgets it at the engine.
Task<void> remove(std::shared_ptr<OciContainer> container);
// The same for one by its id; false: it is still there.
Task<bool> remove_container(std::shared_ptr<OciShared> shared, std::string id);
// What the mount of a job's files leaves.
void drop_job_source(const std::string& folder);

class OciProcess final : public ports::SandboxProcess {
  public:
    explicit OciProcess(std::shared_ptr<OciContainer> container) : container_{std::move(container)} {}
    ~OciProcess() override;
    OciProcess(const OciProcess&) = delete;
    OciProcess& operator=(const OciProcess&) = delete;

    Task<Result<void>> write(Bytes bytes) override;
    Task<Result<Bytes>> read(std::size_t max, TimePoint deadline) override;
    void kill() override;
    void stop() override;
    Task<Result<int>> wait(TimePoint deadline) override;
    Task<Result<std::unique_ptr<ports::ByteStream>>> dial(std::uint16_t port, TimePoint deadline) override;
    Task<Result<std::unique_ptr<ports::SandboxSession>>> exec(ports::SandboxCommand command,
                                                              TimePoint deadline) override;
    Task<Result<ports::SandboxStats>> stats(TimePoint deadline) override;

  private:
    std::shared_ptr<OciContainer> container_;
};

// A connection to a port on the loopback of the process's network namespace. Blocks for at most `patience`. kDenied:
// the agent may not enter it.
Result<int> connect_inside(std::uint64_t process_id, std::uint16_t port, Duration patience);

}  // namespace vcity::adapters
