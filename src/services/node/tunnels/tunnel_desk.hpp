// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "async/task_group.hpp"
#include "model/messages.hpp"
#include "ports/sandbox.hpp"
#include "ports/web_socket.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace vcity::node {

struct TunnelLimits {
    std::size_t tunnels_max = 256;      // open at once
    std::size_t tunnels_step_max = 64;  // of one step
    Duration open_timeout = std::chrono::seconds{20};
    Duration idle_max = std::chrono::hours{1};  // without a byte either way
};

// A step whose command runs.
struct TunnelEnd {
    ports::SandboxProcess* process = nullptr;  // borrowed until the next await
    const StepSetup* setup = nullptr;          // likewise
};

// Opens tunnels into this node's running steps: the way into the sandbox first, then the connection to the url that the
// gateway has made for it, which is all that this node ever dials for a tunnel; there is no open port here. A refusal
// says why; when it works nothing is said. One logical thread with the agent.
class TunnelDesk {
  public:
    struct Parts {
        Runtime* runtime = nullptr;
        ports::WebSocketClient* dialer = nullptr;  // null: every request is refused
        TaskGroup* group = nullptr;
        // Of an attempt; nullopt: it does not run here under this fencing token.
        std::function<std::optional<TunnelEnd>(const JobId& attempt, std::uint64_t fencing_token)> find;
        std::function<void(Message)> post;
        Log log{nullptr, "tunnels"};
    };

    explicit TunnelDesk(Parts parts, TunnelLimits limits = {}) : parts_{std::move(parts)}, limits_{limits} {}

    // From the scheduler; does not wait.
    void on_request(TunnelRequest request);
    // Ends all of them; their tasks end in the group.
    void stop();
    std::size_t open() const { return tunnels_.size(); }

  private:
    struct Tunnel {
        JobId step_id;
        ports::WebSocket* socket = nullptr;  // borrowed from run() while the pump runs
    };
    // A way into a sandbox, and how its program ended, if it is one.
    struct WayIn {
        std::unique_ptr<ports::ByteStream> stream;
        ports::SandboxSession* session = nullptr;  // the same, of a program
    };

    Result<void> check(const TunnelRequest& request) const;
    Task<void> run(TunnelRequest request);
    Task<Result<void>> serve(TunnelRequest request);
    Task<Result<WayIn>> enter(TunnelRequest request, TimePoint deadline);
    void refuse(const TunnelId& tunnel, const Error& error);

    Parts parts_;
    TunnelLimits limits_;
    std::map<TunnelId, Tunnel> tunnels_;
    bool stopping_ = false;
};

// What runs for TunnelKind::kSsh in a step without a port 22: a shell script that becomes an SSH server on its standard
// input and output, for the key in the variable VCITY_SSH_KEY. Everything it needs lies inside the sandbox.
std::vector<std::string> ssh_server_command();
// What runs for TunnelKind::kShell without a command.
std::vector<std::string> login_shell_command();

// The size that a client's text message asks for; nullopt when it says something else.
std::optional<ports::TerminalSize> parse_resize(std::string_view text);

}  // namespace vcity::node
