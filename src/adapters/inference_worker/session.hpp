// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "async/channel.hpp"
#include "async/task_group.hpp"
#include "model/worker_messages.hpp"
#include "ports/sandbox.hpp"

namespace vcity::adapters {

// Frames to and from one worker process: u32 little-endian length, then a protobuf WorkerFrame of at most
// wire::kFrameBytesMax bytes. Its owner joins the writer before destroying it.
class WorkerSession {
  public:
    WorkerSession(Runtime* runtime, std::unique_ptr<ports::SandboxProcess> process, std::size_t messages_waiting_max);

    // Queues a message. False: the worker does not read, or has ended.
    bool send(const WorkerMessage& message);
    // kTimeout at the deadline, kUnavailable when the worker ended, kCorrupt for what is no frame.
    Task<Result<WorkerMessage>> receive(TimePoint deadline);
    // Ends the worker; receive() then gives kUnavailable.
    void kill();
    // Ends the worker and waits for it and for the writer.
    Task<void> close();

  private:
    Task<void> write_all();
    // The next whole frame in the buffer, without its length; nullopt when more bytes are needed.
    Result<std::optional<Bytes>> take_frame();

    Runtime* runtime_;
    std::unique_ptr<ports::SandboxProcess> process_;
    Channel<Bytes> outgoing_;
    TaskGroup tasks_;
    Bytes buffer_;
    std::size_t consumed_ = 0;
};

}  // namespace vcity::adapters
