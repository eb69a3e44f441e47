// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "ports/web_socket.hpp"

namespace vcity::adapters {

class ClientTls;

struct WebSocketClientOptions {
    ports::WebSocketLimits limits;
    std::size_t header_bytes_max = 16U << 10U;  // of the server's answer
    // PEM file with the authorities that wss servers are checked against; empty: those of the system.
    std::string authorities_file;
    // As of HttpClientOptions: asked for every address that a name stands for, with the server as "https://host:port"
    // (https stands for wss here, http for ws). Only those with a yes are connected to; none: all are.
    std::function<bool(const std::string& server, const std::string& address)> may_connect;
};

class BeastWebSocketClient final : public ports::WebSocketClient {
  public:
    // Runs on the runtime of whoever awaits, always the same one. kInvalid: the authorities cannot be read.
    static Result<std::unique_ptr<BeastWebSocketClient>> make(WebSocketClientOptions options);

    Task<Result<std::unique_ptr<ports::WebSocket>>> open(std::string url,
                                                         ports::HttpHeaders headers,
                                                         TimePoint deadline) override;

  private:
    BeastWebSocketClient(WebSocketClientOptions options, std::shared_ptr<ClientTls> tls);

    WebSocketClientOptions options_;
    std::shared_ptr<ClientTls> tls_;  // null until needed: the system's authorities take a while to read
};

}  // namespace vcity::adapters
