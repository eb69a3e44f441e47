// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>

#include <boost/asio/any_io_executor.hpp>

#include "adapters/link/options.hpp"
#include "async/runtime.hpp"
#include "ports/link.hpp"

// Links over WebSocket (RFC 6455): binary messages, each one frame of wire::encode(). The peer is hostile until the
// service above has authenticated it: everything is bounded by the options, and a peer that breaks the protocol is cut.
namespace vcity::adapters {

// Listens on one TCP port, ws or wss. Handshakes run beside each other, so a slow peer holds up nobody.
class WebSocketListener final : public ports::LinkListener {
  public:
    // The executor is that of the runtime. kInvalid: bad address, certificate or key; kUnavailable: the port is taken.
    static Result<std::unique_ptr<WebSocketListener>> make(Runtime* runtime,
                                                           const boost::asio::any_io_executor& executor,
                                                           const LinkListenerOptions& options);
    ~WebSocketListener() override;
    WebSocketListener(const WebSocketListener&) = delete;
    WebSocketListener& operator=(const WebSocketListener&) = delete;

    Task<Result<std::unique_ptr<ports::Connection>>> accept() override;
    // Connections that were accepted live on.
    void close() override;

    std::uint16_t port() const;
    // Handshakes under way and connections not yet over.
    std::size_t connections() const;

  private:
    struct State;
    explicit WebSocketListener(std::shared_ptr<State> state);
    static Task<void> run(std::shared_ptr<State> state);

    std::shared_ptr<State> state_;
};

class TlsSettings;

// Dials ws and wss; the certificate of a wss server must be valid for its host name.
class WebSocketDialer final : public ports::LinkDialer {
  public:
    // kInvalid: the authorities cannot be read.
    static Result<std::unique_ptr<WebSocketDialer>> make(Runtime* runtime, const LinkDialerOptions& options);

    Task<Result<std::unique_ptr<ports::Connection>>> dial(std::string endpoint, TimePoint deadline) override;

  private:
    WebSocketDialer(Runtime* runtime, LinkOptions options, std::shared_ptr<TlsSettings> tls);

    Runtime* runtime_;
    LinkOptions options_;
    std::shared_ptr<TlsSettings> tls_;  // null until needed: the system's authorities take a while to read
};

}  // namespace vcity::adapters
