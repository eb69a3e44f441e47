// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>

#include "async/channel.hpp"
#include "async/runtime.hpp"
#include "ports/byte_stream.hpp"
#include "ports/web_socket.hpp"

// What travels in a tunnel's WebSocket: binary messages are bytes, an empty one ends its direction, text messages are
// JSON about the session ({"resize":{"columns":80,"rows":24}} from the client, {"exit":0} from the node). A message is
// sent on before the next one is read, so what waits here is one piece for each direction, and a slow reader at one end
// slows the writer at the other.
namespace vcity::services {

inline constexpr std::size_t kTunnelPieceBytes = 32U << 10U;
inline constexpr std::size_t kTunnelMessageBytesMax = 64U << 10U;
inline constexpr std::size_t kTunnelTextBytesMax = 1024;

struct TunnelCounts {
    std::uint64_t to_stream = 0;    // bytes from the first end to the second
    std::uint64_t from_stream = 0;  // and back
};

// Text messages that the stream's side has for the other end; the newest few, sent between two pieces of the stream.
class TunnelNotes {
  public:
    explicit TunnelNotes(Runtime* runtime) : changed_{runtime} {}

    void say(std::string text);
    void end();
    // The next one; empty once ended.
    Task<std::string> next();

  private:
    std::deque<std::string> waiting_;
    bool is_over_ = false;
    Notifier changed_;
};

struct PumpOptions {
    Runtime* runtime = nullptr;
    Duration idle_max = std::chrono::hours{1};  // without a byte either way; then the tunnel ends
    // A text message of at most kTunnelTextBytesMax came; longer ones end the tunnel.
    std::function<void(std::string)> on_text = {};
    // Makes the last text message once the stream has ended, e.g. with an exit status; empty: none is sent. Without it
    // the tunnel lasts until both directions have ended.
    std::function<Task<std::string>()> farewell = {};
    // Also when both directions have ended: the other end has something to say before it takes leave.
    bool lasts_until_close = false;
    TunnelNotes* notes = nullptr;  // outlives the pump; none: nothing is said
};

// Carries bytes between a tunnel and a stream until both directions have ended, one of the two breaks, or nothing has
// moved for too long. Both are over afterwards.
Task<TunnelCounts> pump(ports::WebSocket* socket, ports::ByteStream* stream, PumpOptions options);

// The same between the two halves of a tunnel that meet here; text messages are handed on like others.
Task<TunnelCounts> splice(ports::WebSocket* first, ports::WebSocket* second, PumpOptions options);

}  // namespace vcity::services
