// SPDX-License-Identifier: Apache-2.0
#include "services/node/tunnels/tunnel_desk.hpp"

#include <algorithm>
#include <utility>

#include "codec/hex.hpp"
#include "codec/json.hpp"
#include "services/common/tunnel_pump.hpp"

namespace vcity::node {
namespace {

constexpr std::uint16_t kSshPort = 22;
constexpr std::chrono::seconds kExitPatience{10};
constexpr std::uint64_t kTerminalSideMax = 4096;

bool declares(const StepSetup& setup, std::uint16_t port) {
    return std::ranges::find(setup.ports, port, &StepPort::port) != setup.ports.end();
}

ports::SandboxCommand program_of(const TunnelTarget& target) {
    ports::SandboxCommand program;
    if (target.kind == TunnelKind::kSsh) {
        program.command = ssh_server_command();
        return program;
    }
    program.command = target.command.empty() ? login_shell_command() : target.command;
    if (target.has_terminal) {
        program.terminal = ports::TerminalSize{.columns = target.columns, .rows = target.rows};
        program.environment.emplace_back("TERM=xterm-256color");
    }
    return program;
}

// Tells a client how its program ended.
struct Farewell {
    Runtime* runtime;
    ports::SandboxSession* session;

    static Task<std::string> say(Runtime* runtime, ports::SandboxSession* session) {
        const TimePoint patience = runtime->now() + kExitPatience;
        const Result<int> status = co_await session->wait(patience);
        // Its output is closed, but it goes on: it ends with the tunnel.
        const int known = status ? *status : 128 + 9;
        co_return "{\"exit\":" + std::to_string(known) + "}";
    }
    Task<std::string> operator()() const { return say(runtime, session); }
};

}  // namespace

std::optional<ports::TerminalSize> parse_resize(std::string_view text) {
    const Result<codec::Json> json = codec::parse_json(text);
    const codec::Json* resize = json ? json->find("resize") : nullptr;
    if (resize == nullptr) return std::nullopt;
    const auto side = [&](const char* name) -> std::uint16_t {
        const codec::Json* value = resize->find(name);
        std::uint64_t number = 0;
        const bool is_number = value != nullptr && value->get_u64(&number) && number <= kTerminalSideMax;
        return is_number ? static_cast<std::uint16_t>(number) : std::uint16_t{0};
    };
    const ports::TerminalSize size{.columns = side("columns"), .rows = side("rows")};
    if (size.columns == 0 || size.rows == 0) return std::nullopt;
    return size;
}

Result<void> TunnelDesk::check(const TunnelRequest& request) const {
    if (stopping_) return make_error(Errc::kUnavailable, "the node is stopping");
    if (parts_.dialer == nullptr) return make_error(Errc::kInvalid, "this node opens no tunnels");
    if (tunnels_.contains(request.tunnel)) return make_error(Errc::kConflict, "this tunnel is open already");
    if (tunnels_.size() >= limits_.tunnels_max) return make_error(Errc::kExhausted, "the node has too many tunnels");
    const auto of_step =
        std::ranges::count_if(tunnels_, [&](const auto& entry) { return entry.second.step_id == request.step_id; });
    if (static_cast<std::size_t>(of_step) >= limits_.tunnels_step_max) {
        return make_error(Errc::kExhausted, "the step has too many tunnels");
    }
    const std::optional<TunnelEnd> end = parts_.find(request.step_id, request.fencing_token);
    if (!end) return make_error(Errc::kUnavailable, "the step does not run on this node");
    const TunnelTarget& target = request.target;
    if (target.kind == TunnelKind::kPort && !declares(*end->setup, target.port)) {
        return make_error(Errc::kDenied, "the step has not declared port " + std::to_string(target.port));
    }
    return {};
}

void TunnelDesk::refuse(const TunnelId& tunnel, const Error& error) {
    TunnelRefused refused;
    refused.tunnel = tunnel;
    refused.code = error.code;
    refused.reason = error.message;
    parts_.post(std::move(refused));
}

void TunnelDesk::on_request(TunnelRequest request) {
    const Result<void> good = check(request);
    if (!good) {
        refuse(request.tunnel, good.error());
        return;
    }
    tunnels_[request.tunnel] = Tunnel{.step_id = request.step_id};
    parts_.group->spawn(run(std::move(request)));
}

void TunnelDesk::stop() {
    stopping_ = true;
    for (const auto& [id, tunnel] : tunnels_) {
        if (tunnel.socket != nullptr) tunnel.socket->abort();
    }
}

Task<void> TunnelDesk::run(TunnelRequest request) {
    const TunnelId id = request.tunnel;
    const Result<void> served = co_await serve(std::move(request));
    tunnels_.erase(id);
    if (served) co_return;
    parts_.log.info("tunnel_refused", {{"reason", served.error().message}});
    refuse(id, served.error());
}

Task<Result<TunnelDesk::WayIn>> TunnelDesk::enter(TunnelRequest request, TimePoint deadline) {
    const std::optional<TunnelEnd> end = parts_.find(request.step_id, request.fencing_token);
    if (!end) co_return make_error(Errc::kUnavailable, "the step does not run on this node");
    const bool is_ssh_port = request.target.kind == TunnelKind::kSsh && declares(*end->setup, kSshPort);
    WayIn way;
    if (request.target.kind == TunnelKind::kPort || is_ssh_port) {
        const std::uint16_t port = is_ssh_port ? kSshPort : request.target.port;
        CO_TRY(way.stream, co_await end->process->dial(port, deadline));
        co_return way;
    }
    ports::SandboxCommand program = program_of(request.target);
    CO_TRY(std::unique_ptr<ports::SandboxSession> session, co_await end->process->exec(std::move(program), deadline));
    way.session = session.get();
    way.stream = std::move(session);
    co_return way;
}

Task<Result<void>> TunnelDesk::serve(TunnelRequest request) {
    const TimePoint deadline = parts_.runtime->now() + limits_.open_timeout;
    CO_TRY(const WayIn way, co_await enter(request, deadline));
    const ports::HttpHeaders headers;
    CO_TRY(const std::unique_ptr<ports::WebSocket> socket,
           co_await parts_.dialer->open(request.url, headers, deadline));
    tunnels_[request.tunnel].socket = socket.get();
    if (stopping_) socket->abort();
    services::PumpOptions options;
    options.runtime = parts_.runtime;
    options.idle_max = limits_.idle_max;
    // An SSH server says itself how its session ended.
    if (way.session != nullptr && request.target.kind == TunnelKind::kShell) {
        ports::SandboxSession* session = way.session;
        options.farewell = Farewell{parts_.runtime, session};
        options.on_text = [session](const std::string& text) {
            if (const auto size = parse_resize(text)) session->resize(*size);
        };
    }
    const services::TunnelCounts counts = co_await services::pump(socket.get(), way.stream.get(), std::move(options));
    parts_.log.info(
        "tunnel_ended",
        {{"step", codec::to_hex(request.step_id)}, {"bytes_in", counts.to_stream}, {"bytes_out", counts.from_stream}});
    co_return Result<void>{};
}

}  // namespace vcity::node
