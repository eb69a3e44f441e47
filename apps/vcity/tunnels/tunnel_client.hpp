// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "adapters/runtime_asio/runtime.hpp"
#include "cli/settings.hpp"
#include "ports/web_socket.hpp"

// The customer's end of a tunnel to a step (docs/pods.md).
namespace vcity::wiring {

// Which step of which job, and which end inside.
struct TunnelName {
    std::string job;
    std::string group;
    std::uint32_t index = 0;
    std::string end;                     // a port, "shell" or "ssh"
    std::vector<std::string> arguments;  // of a shell: the command
    bool has_terminal = false;
};

// "ws://gateway/v1/jobs/..." of that end, with the size of a terminal where it has one.
std::string tunnel_url(const std::string& gateway, const TunnelName& name, std::uint16_t columns, std::uint16_t rows);

// A request for tunnels with the key of these settings.
class TunnelClient {
  public:
    static Result<std::unique_ptr<TunnelClient>> make(adapters::AsioRuntime* runtime, const cli::Settings& settings);

    // Errors as of WebSocketClient::open(); the message holds what the gateway says.
    Task<Result<std::unique_ptr<ports::WebSocket>>> open(TunnelName name, std::uint16_t columns, std::uint16_t rows);

  private:
    TunnelClient(adapters::AsioRuntime* runtime,
                 std::string gateway,
                 std::string key,
                 std::unique_ptr<ports::WebSocketClient> dialer)
        : runtime_{runtime}, gateway_{std::move(gateway)}, key_{std::move(key)}, dialer_{std::move(dialer)} {}

    adapters::AsioRuntime* runtime_;
    std::string gateway_;
    std::string key_;
    std::unique_ptr<ports::WebSocketClient> dialer_;
};

// Runs a shell's tunnel on this terminal, raw where it is one; gives the command's exit status.
Result<int> run_terminal(adapters::AsioRuntime* runtime, TunnelClient* client, const TunnelName& name);
// Standard input and output are the tunnel: what OpenSSH's ProxyCommand wants.
Result<void> run_proxy(adapters::AsioRuntime* runtime, TunnelClient* client, const TunnelName& name);

struct Forwarding {
    std::string address = "127.0.0.1";
    std::uint16_t local = 0;
    TunnelName to;
};
// Listens, and opens a tunnel for every connection, until interrupted. Calls ready() with the port it listens on.
Result<void> run_forwarding(adapters::AsioRuntime* runtime,
                            TunnelClient* client,
                            std::vector<Forwarding> forwardings,
                            std::function<void(const Forwarding&)> ready);

}  // namespace vcity::wiring
