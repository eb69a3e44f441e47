// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <utility>

#include "async/runtime.hpp"
#include "ports/byte_stream.hpp"
#include "ports/web_socket.hpp"

namespace vcity::sim {

// Two ends in one process. What is written at one end waits for the other end's reader, a few pieces at most; then the
// writer waits.
struct ByteStreamPair {
    std::unique_ptr<ports::ByteStream> first;
    std::unique_ptr<ports::ByteStream> second;
};
ByteStreamPair make_byte_stream_pair(Runtime* runtime);

struct WebSocketPair {
    std::unique_ptr<ports::WebSocket> first;
    std::unique_ptr<ports::WebSocket> second;
};
WebSocketPair make_web_socket_pair(Runtime* runtime, const ports::WebSocketLimits& limits);

}  // namespace vcity::sim
