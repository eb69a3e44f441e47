// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include <boost/asio/ip/tcp.hpp>

#include "adapters/link/options.hpp"
#include "async/task.hpp"
#include "base/bytes.hpp"
#include "base/time.hpp"
#include "codec/url.hpp"

namespace vcity::adapters {

enum class CloseReason : std::uint8_t { kNormal, kProtocolError };

// One WebSocket after its handshake, over TCP or TLS; hides Beast. It pings by itself. At most one read(), and at most
// one of write() and close(), wait at the same time. Inside this adapter only.
class WebSocket {
  public:
    virtual ~WebSocket() = default;
    // The next whole binary message. kCorrupt: the peer broke the protocol (text, too long, bad frame); kUnavailable:
    // the connection is over.
    virtual Task<Result<Bytes>> read() = 0;
    virtual Task<Result<void>> write(Bytes frame) = 0;
    // Takes leave of the peer and waits for its answer.
    virtual Task<void> close(CloseReason reason) = 0;
    // Ends the connection and every wait on it at once.
    virtual void abort() = 0;
    virtual void set_frame_bytes_max(std::size_t bytes) = 0;
    virtual const std::string& remote() const = 0;
    // What the peer asked for in its handshake; empty at the dialling end.
    virtual const std::string& target() const = 0;
};

// Certificates and keys in memory; shared by all connections of a listener or dialer.
class TlsSettings;

Result<std::shared_ptr<TlsSettings>> load_server_tls(const std::string& certificate_file, const std::string& key_file);
Result<std::shared_ptr<TlsSettings>> load_client_tls(const std::string& authorities_file);

// The server's side of the handshake. Without tls it is plain ws.
Task<Result<std::unique_ptr<WebSocket>>> accept_websocket(boost::asio::ip::tcp::socket socket,
                                                          std::shared_ptr<TlsSettings> tls,
                                                          LinkOptions options);

// Resolves, connects and shakes hands. kUnavailable, or kTimeout at the deadline.
Task<Result<std::unique_ptr<WebSocket>>> dial_websocket(codec::Url url,
                                                        std::shared_ptr<TlsSettings> tls,
                                                        LinkOptions options,
                                                        TimePoint deadline);

}  // namespace vcity::adapters
