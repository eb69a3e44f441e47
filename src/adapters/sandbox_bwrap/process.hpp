// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <boost/asio/posix/stream_descriptor.hpp>

#include "adapters/sandbox_bwrap/cgroup.hpp"
#include "adapters/sandbox_bwrap/sandbox.hpp"
#include "adapters/sandbox_bwrap/spawn.hpp"
#include "async/channel.hpp"

namespace vcity::adapters {

// A descriptor one task at a time may wait on.
class AsyncDescriptor {
  public:
    AsyncDescriptor(const boost::asio::any_io_executor& executor, Descriptor descriptor)
        : stream_{executor, descriptor.release()} {}

    // False at the deadline.
    Task<bool> readable(TimePoint deadline);
    Task<void> writable();
    // 1..max bytes, empty at the end. kTimeout at the deadline.
    Task<Result<Bytes>> read(std::size_t max, TimePoint deadline);
    int get() { return stream_.native_handle(); }

  private:
    boost::asio::posix::stream_descriptor stream_;
};

// How much of a program's standard error may reach the log.
class LineLog {
  public:
    LineLog(Runtime* runtime, Log log, const BwrapSandboxOptions& options);

    void add(ByteView bytes);
    // Writes a last line that has no end, and how many were dropped.
    void finish();
    const std::string& last_line() const { return last_line_; }

  private:
    void end_line();

    Runtime* runtime_;
    Log log_;
    double burst_;
    double per_second_;
    double allowance_;
    TimePoint refilled_at_;
    std::string line_;
    std::string last_line_;
    std::uint64_t dropped_ = 0;
};

// What a running sandbox consists of. Shared by the handle that the port gives out and by the two tasks that log its
// standard error and reap it: they must see its end even when the handle is destroyed first.
struct SandboxState {
    SandboxState(Runtime* owner, const boost::asio::any_io_executor& executor, ChildProcess child, LineLog lines);

    void kill();

    Runtime* runtime;
    Descriptor outer;  // bubblewrap itself, which reports the exit status
    Descriptor inner;  // the first process of the sandbox; not open before bubblewrap has told its id
    AsyncDescriptor ended;
    AsyncDescriptor input;
    AsyncDescriptor output;
    AsyncDescriptor error;
    // Stays open: bubblewrap writes its report in pieces and a closed pipe would end it.
    AsyncDescriptor info;
    LineLog log;
    Notifier changed;
    std::optional<int> status;
    bool is_killed = false;  // by us
    bool is_lost = false;    // bubblewrap was killed, and not by us
    bool error_closed = false;
    std::unique_ptr<Cgroup> group;  // null: no limit on all processes together
    Descriptor release;             // open until the program may start
};

Task<void> log_standard_error(std::shared_ptr<SandboxState> state);
Task<void> reap_when_ended(std::shared_ptr<SandboxState> state);
// Waits until bubblewrap has made the namespaces, so that killing is sure from then on.
Task<Result<void>> await_start(std::shared_ptr<SandboxState> state, TimePoint deadline);

class SandboxControl;

class BwrapProcess final : public ports::SandboxProcess {
  public:
    // control: null in a sandbox without ways in.
    BwrapProcess(std::shared_ptr<SandboxState> state, std::shared_ptr<SandboxControl> control)
        : state_{std::move(state)}, control_{std::move(control)} {}
    ~BwrapProcess() override { state_->kill(); }

    Task<Result<void>> write(Bytes bytes) override;
    Task<Result<Bytes>> read(std::size_t max, TimePoint deadline) override;
    void kill() override { state_->kill(); }
    void stop() override;
    Task<Result<int>> wait(TimePoint deadline) override;
    Task<Result<std::unique_ptr<ports::ByteStream>>> dial(std::uint16_t port, TimePoint deadline) override;
    Task<Result<std::unique_ptr<ports::SandboxSession>>> exec(ports::SandboxCommand command,
                                                              TimePoint deadline) override;

  private:
    std::shared_ptr<SandboxState> state_;
    std::shared_ptr<SandboxControl> control_;
};

}  // namespace vcity::adapters
