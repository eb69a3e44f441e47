// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/task.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "model/work.hpp"
#include "ports/byte_stream.hpp"

namespace vcity::ports {

struct SandboxMount {
    std::string source;  // on the host
    std::string target;  // inside
};

struct SandboxFile {
    std::string name;  // one component of a path
    Bytes content;
};

// A program to run without trust: no network, no host files but the read-only mounts, a private /tmp, no privileges.
struct SandboxSpec {
    std::vector<std::string> command;  // absolute path inside, then arguments
    std::vector<SandboxMount> read_only;
    std::vector<std::string> environment;  // "NAME=value"; nothing else is inherited
    // With room, the program starts in /job, which is writable, as large as that, and holds these files.
    std::vector<SandboxFile> files;
    std::uint64_t work_bytes_max = 0;  // 0: there is no /job, and there may be no files
    // A folder of the host in place of that: /job is this one, writable, and `files` and work_bytes_max do not matter.
    std::string job_folder;
    std::uint64_t memory_bytes_max = 0;  // address space of each process; 0: no limit
    // Of all its processes together, with what they keep in files in memory; 0: no limit. Beyond it the kernel ends one
    // of them, or all. A backend that cannot hold it leaves it to memory_bytes_max.
    std::uint64_t memory_total_bytes_max = 0;
    std::uint32_t processes_max = 64;
    std::uint32_t cores_max = 0;  // so many of the machine's, which others may use too; 0: all
    bool is_reachable = false;    // dial() and exec() work
    bool gives_way = false;       // to whatever else the machine has to do
    bool joins_output = false;    // standard error goes with the output, not to the log
    // By which a later agent can adopt it: [A-Za-z0-9_.-]{1,100}, one at a time. Empty: nobody will.
    std::string name;
    // What not every backend can do: it refuses with kInvalid what it cannot.
    std::string image;                      // OCI reference; empty: the host's /usr
    std::vector<std::string> gpus;          // CDI names, e.g. "nvidia.com/gpu=0"
    Egress egress = Egress::kNone;          // networks that may be reached
    std::vector<std::string> egress_hosts;  // of these only; empty: all that egress allows
};

struct TerminalSize {
    std::uint16_t columns = 80;
    std::uint16_t rows = 24;

    bool operator==(const TerminalSize&) const = default;
};

// A program beside the one that a sandbox was started for, under the same limits.
struct SandboxCommand {
    std::vector<std::string> command;      // absolute path inside, then arguments
    std::vector<std::string> environment;  // "NAME=value", after that of the sandbox
    std::optional<TerminalSize> terminal;  // none: its input, output and error are one stream
};

// Such a program: its input and output are the stream. Destroying it ends the program.
class SandboxSession : public ByteStream {
  public:
    // No effect without a terminal.
    virtual void resize(TerminalSize size) = 0;
    // Its exit status, after its output has ended; 128 + n when signal n ended it. kTimeout at the deadline,
    // kUnavailable when the sandbox has ended.
    virtual Task<Result<int>> wait(TimePoint deadline) = 0;
};

// What a sandbox uses at this moment, all its programs together.
struct SandboxStats {
    std::uint64_t memory_bytes = 0;
    std::uint64_t cpu_nanoseconds = 0;  // since its start
    std::uint64_t processes = 0;
};

// A running sandbox. Standard error goes to the log, line by line and bounded.
class SandboxProcess {
  public:
    virtual ~SandboxProcess() = default;
    // All bytes or kUnavailable (it ended).
    virtual Task<Result<void>> write(Bytes bytes) = 0;
    // 1..max bytes; kUnavailable at the end of its output, kTimeout at the deadline.
    virtual Task<Result<Bytes>> read(std::size_t max, TimePoint deadline) = 0;
    // Ends it and everything it started, at once. Idempotent.
    virtual void kill() = 0;
    // Asks it to end (SIGTERM); where it cannot be asked, as kill().
    virtual void stop() { kill(); }
    // Its exit status; 128 + n when signal n ended it. kUnavailable when the sandbox itself was ended from outside:
    // then nobody knows how far the program came.
    virtual Task<Result<int>> wait(TimePoint deadline) = 0;
    // A connection to a TCP port on the sandbox's loopback. kUnavailable: nobody listens there, or the sandbox has
    // ended; kInvalid: this sandbox has no way in. What is opened outlives this handle and breaks with the sandbox; the
    // call itself may still wait when this handle goes.
    virtual Task<Result<std::unique_ptr<ByteStream>>> dial(std::uint16_t port, TimePoint deadline);
    // Starts a program beside the first one; errors as of dial().
    virtual Task<Result<std::unique_ptr<SandboxSession>>> exec(SandboxCommand command, TimePoint deadline);
    // kInvalid: this sandbox does not count; kUnavailable: it has ended.
    virtual Task<Result<SandboxStats>> stats(TimePoint deadline);
};

class Sandbox {
  public:
    virtual ~Sandbox() = default;
    virtual Task<Result<std::unique_ptr<SandboxProcess>>> start(SandboxSpec spec) = 0;
    // Whether what is started with this image (empty: none) and a name goes on when the agent dies.
    virtual bool outlives_agent(const std::string& /*image*/) const { return false; }
    // The sandbox of that name that an earlier agent started. Its output comes again from the first byte, as far as it
    // was kept. kNotFound: there is none, or sandboxes end with their agent here.
    virtual Task<Result<std::unique_ptr<SandboxProcess>>> adopt(std::string name);
    // Ends and removes what earlier agents have left, but for these names, and says how many that were.
    virtual Task<Result<std::size_t>> sweep(std::vector<std::string> keep);
};

}  // namespace vcity::ports
