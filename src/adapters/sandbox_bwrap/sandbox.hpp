// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "async/runtime.hpp"
#include "ports/sandbox.hpp"
#include "telemetry/log.hpp"

namespace vcity::adapters {

struct BwrapSandboxOptions {
    std::string bwrap_path = "/usr/bin/bwrap";
    // vcity-init, static: what makes sandboxes reachable. Empty: none can be.
    std::string init_path{};
    std::uint32_t open_files_max = 1'024;
    std::uint64_t scratch_bytes_max = 256U << 20U;  // of the private /tmp, which is memory
    // Lines of standard error that reach the log: so many at once, then so many a second; the rest is counted.
    std::uint32_t log_lines_burst = 200;
    std::uint32_t log_lines_per_second = 20;
};

// ports::Sandbox with bubblewrap: own namespaces for processes, network, IPC, host name, and mounts; /usr and the
// spec's mounts read-only; a private /tmp; no capabilities and no way to gain privileges; a seccomp filter against what
// only attackers of the kernel need; limits on address space, processes, files and core dumps. About 10 ms per start.
//
// An agent that runs as root gives every sandbox a user id of its own, so that the limit on processes counts (the
// kernel exempts root) and that no file is readable because the agent could read it: mounts must be readable for
// everybody. An ordinary user's sandboxes live in a user namespace instead.
//
// The sandbox dies with the thread that called start(); call it from a thread that lives as long as the process.
// start() makes the process ignore SIGPIPE, so that writing to a program that ended is an error and no signal.
class CgroupRoom;

class BwrapSandbox final : public ports::Sandbox {
  public:
    BwrapSandbox(Runtime* runtime, Log log, BwrapSandboxOptions options = {});
    ~BwrapSandbox() override;

    // kInvalid: the spec is malformed or names a source that is not there. kUnavailable: bubblewrap did not start; the
    // message holds its complaint. A command that cannot be executed ends with status 126 or 127.
    Task<Result<std::unique_ptr<ports::SandboxProcess>>> start(ports::SandboxSpec spec) override;

    // Whether this machine lets us make control groups, which memory_total_bytes_max needs.
    bool bounds_memory_total() const { return groups_ != nullptr; }

  private:
    Runtime* runtime_;
    Log log_;
    BwrapSandboxOptions options_;
    std::shared_ptr<CgroupRoom> groups_;  // null: none can be made here; shared with what runs
};

}  // namespace vcity::adapters
