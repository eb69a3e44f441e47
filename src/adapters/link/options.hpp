// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/time.hpp"
#include "telemetry/log.hpp"

namespace vcity::adapters {

// Bounds of one connection, the same on both ends.
struct LinkOptions {
    std::size_t frame_bytes_max = 8U << 20U;
    // Sent but not yet taken by the kernel: when either is reached, send() gives kExhausted.
    std::size_t outgoing_frames_max = 1024;
    std::size_t outgoing_bytes_max = 32U << 20U;
    // Received but not yet asked for: when either is reached, nothing more is read, and the peer has to wait.
    std::size_t incoming_frames_max = 256;
    std::size_t incoming_bytes_max = 16U << 20U;
    Duration handshake_timeout = std::chrono::seconds{5};
    // Without a single byte for so long the connection is dead; after half of it the peer gets a ping.
    Duration idle_timeout = std::chrono::seconds{20};
    // How long close() may take to send what is queued and to take leave.
    Duration close_timeout = std::chrono::seconds{2};
};

struct LinkListenerOptions {
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;  // 0: the kernel chooses
    // Counts handshakes under way; more are closed at once.
    std::size_t connections_max = 1024;
    // What a peer may send before it has said who it is: its first frame.
    std::size_t first_frame_bytes_max = 64U << 10U;
    // PEM files; both or none. With them the listener speaks wss.
    std::string certificate_file;
    std::string key_file;
    LinkOptions link;
    Log log{nullptr, "link"};
};

struct LinkDialerOptions {
    // PEM file with the authorities that wss servers are checked against; empty: those of the system.
    std::string authorities_file;
    LinkOptions link;
};

}  // namespace vcity::adapters
