// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "async/task.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "ports/http.hpp"

namespace vcity::ports {

struct WebSocketMessage {
    Bytes bytes;
    bool is_text = false;

    bool operator==(const WebSocketMessage&) const = default;
};

// One WebSocket (RFC 6455) after its handshake; it answers pings and sends its own. At most one read() and one write()
// wait at the same time, and nothing when it is destroyed, which ends the connection.
class WebSocket {
  public:
    virtual ~WebSocket() = default;
    // The next whole message. kUnavailable: the connection is over; kCorrupt: the peer broke the protocol or sent a
    // message beyond the limit.
    virtual Task<Result<WebSocketMessage>> read() = 0;
    // Waits until the kernel has taken it: a peer that does not read holds up its sender, and nothing piles up here.
    virtual Task<Result<void>> write(WebSocketMessage message) = 0;
    // Takes leave of the peer. No write() may wait.
    virtual Task<void> close() = 0;
    // Ends the connection and every wait on it at once. Idempotent.
    virtual void abort() = 0;
};

struct WebSocketLimits {
    std::size_t message_bytes_max = 64U << 10U;
    // A peer that has been silent for so long is gone; it is pinged after half of it.
    Duration silence_max = std::chrono::seconds{30};
};

class WebSocketClient {
  public:
    virtual ~WebSocketClient() = default;
    // url: "ws://host:port/path" or "wss://...". kInvalid: not such an address, or one that may not be dialled;
    // kDenied: the server answered with a status of its own, which the message tells; kUnavailable; kTimeout at the
    // deadline.
    virtual Task<Result<std::unique_ptr<WebSocket>>> open(std::string url, HttpHeaders headers, TimePoint deadline) = 0;
};

}  // namespace vcity::ports
