// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "async/task.hpp"
#include "base/time.hpp"
#include "model/messages.hpp"

namespace vcity::ports {

// One end of a link. Messages arrive whole and in order, or the connection breaks; after it broke every call gives
// kUnavailable. send() and receive() may wait at the same time, each from one task.
class Connection {
  public:
    virtual ~Connection() = default;
    // Queued, not delivered. kExhausted when the bounded outgoing queue is full: the peer is too slow, close it.
    virtual Task<Result<void>> send(Message message) = 0;
    // kTimeout at the deadline (the connection stays usable), kCorrupt for a frame that does not parse (closed then).
    virtual Task<Result<Message>> receive(TimePoint deadline) = 0;
    // Idempotent; ends waits on both sides.
    virtual void close() = 0;
    // For logs, e.g. "127.0.0.1:5123".
    virtual std::string remote() const = 0;
    // At the accepting end what the peer dialled after host and port, e.g. "/shards/0xab..."; chosen by the peer, and
    // bounded by the adapter.
    virtual std::string path() const { return {}; }
};

class LinkListener {
  public:
    virtual ~LinkListener() = default;
    // kUnavailable after close().
    virtual Task<Result<std::unique_ptr<Connection>>> accept() = 0;
    virtual void close() = 0;
};

class LinkDialer {
  public:
    virtual ~LinkDialer() = default;
    // endpoint: "ws://host:port/path" or "wss://...". kUnavailable when refused, kTimeout at the deadline.
    virtual Task<Result<std::unique_ptr<Connection>>> dial(std::string endpoint, TimePoint deadline) = 0;
};

}  // namespace vcity::ports
