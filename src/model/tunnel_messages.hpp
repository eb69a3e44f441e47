// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/error.hpp"

// Tunnels: how a customer reaches a running step on a node that has no open port. The gateway asks the scheduler, which
// knows where the step runs and whose it is, and the node dials back to the gateway. See docs/pods.md.
namespace vcity {

using TunnelId = FixedBytes<struct TunnelIdTag, 16>;  // drawn by the gateway; says nothing to anybody else

enum class TunnelKind : std::uint8_t {
    kPort = 0,   // bytes to and from a port on the step's loopback
    kShell = 1,  // a command or a shell beside the step's own processes
    kSsh = 2,    // the step's port 22 where it declares one, else a server that the node starts for this connection
};

inline constexpr std::size_t kTunnelUrlBytesMax = 2048;
inline constexpr std::size_t kTunnelArgumentsMax = 64;
inline constexpr std::size_t kTunnelArgumentBytesMax = 4096;

// Which end inside the step.
struct TunnelTarget {
    TunnelKind kind = TunnelKind::kPort;
    std::uint16_t port = 0;            // of kPort
    std::vector<std::string> command;  // of kShell; empty: a login shell
    bool has_terminal = false;         // of kShell
    std::uint16_t columns = 80;
    std::uint16_t rows = 24;

    bool operator==(const TunnelTarget&) const = default;
};

struct TunnelOpen {  // gateway -> scheduler
    TunnelId tunnel;
    JobId job_id;
    Address client;  // whose job it must be
    std::string group;
    std::uint32_t index = 0;
    TunnelTarget target;
    std::string url;  // ws:// or wss://, for one connection of the node; a secret
    bool operator==(const TunnelOpen&) const = default;
};
struct TunnelRequest {  // scheduler -> node
    TunnelId tunnel;
    JobId step_id;  // of the attempt
    std::uint64_t fencing_token = 0;
    TunnelTarget target;
    std::string url;
    bool operator==(const TunnelRequest&) const = default;
};
// node -> scheduler -> gateway. Nothing is said when it works: the node's connection is the answer.
struct TunnelRefused {
    TunnelId tunnel;
    Errc code = Errc::kUnavailable;
    std::string reason;
    bool operator==(const TunnelRefused&) const = default;
};

// scheduler -> node, after the node has come back: for how long in all this attempt could not be reached, by the
// scheduler's clock. A service bills nothing for that time.
struct StepAway {
    JobId step_id;
    std::uint64_t fencing_token = 0;
    std::uint64_t away_ms = 0;
    bool operator==(const StepAway&) const = default;
};

}  // namespace vcity
