// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include <boost/asio/ip/tcp.hpp>

#include "ports/web_socket.hpp"

namespace vcity::adapters {

// Answers a request for a WebSocket, whose head was read from the socket before and passed check_request_head(). Inside
// this adapter only. kInvalid: it asks for nothing of the kind.
Task<Result<std::unique_ptr<ports::WebSocket>>> accept_web_socket(boost::asio::ip::tcp::socket socket,
                                                                  std::string head,
                                                                  ports::WebSocketLimits limits,
                                                                  Duration handshake_timeout);

}  // namespace vcity::adapters
