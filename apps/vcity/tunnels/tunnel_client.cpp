// SPDX-License-Identifier: Apache-2.0
#include "tunnels/tunnel_client.hpp"

#include <optional>

#include <fmt/core.h>
#include <unistd.h>

#include "adapters/http/web_socket_client.hpp"
#include "adapters/local_io/local_io.hpp"
#include "async/task_group.hpp"
#include "cli/settings.hpp"
#include "codec/json.hpp"
#include "services/common/tunnel_pump.hpp"
#include "wiring/run.hpp"

namespace vcity::wiring {
namespace {

constexpr std::chrono::seconds kOpenPatience{40};
constexpr std::chrono::hours kIdleMax{24};  // the gateway has its own limit
constexpr std::size_t kConnectionsMax = 256;
constexpr int kBroken = 255;  // as ssh says it

std::string escaped(std::string_view text) {
    std::string result;
    for (const char letter : text) {
        const bool is_plain = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                              (letter >= '0' && letter <= '9') || letter == '-' || letter == '_' || letter == '.';
        result += is_plain ? std::string(1, letter) : fmt::format("%{:02X}", static_cast<unsigned char>(letter));
    }
    return result;
}

// What the gateway says in its refusal, out of {"error":{"message":...}}.
Error readable(Error error) {
    const std::size_t brace = error.message.find('{');
    if (brace == std::string::npos) return error;
    const auto json = codec::parse_json(error.message.substr(brace));
    const codec::Json* object = json ? json->find("error") : nullptr;
    const codec::Json* message = object != nullptr ? object->find("message") : nullptr;
    if (message != nullptr && message->get_string() != nullptr) error.message = *message->get_string();
    return error;
}

std::optional<int> exit_of(std::string_view text) {
    const auto json = codec::parse_json(text);
    const codec::Json* code = json ? json->find("exit") : nullptr;
    std::uint64_t number = 0;
    if (code == nullptr || !code->get_u64(&number) || number > 255) return std::nullopt;
    return static_cast<int>(number);
}

services::PumpOptions pump_options(Runtime* runtime) {
    services::PumpOptions options;
    options.runtime = runtime;
    options.idle_max = kIdleMax;
    return options;
}

Task<Result<int>> terminal(adapters::AsioRuntime* runtime, TunnelClient* client, TunnelName name) {
    const ports::TerminalSize size = adapters::terminal_size(STDIN_FILENO);
    CO_TRY(const auto socket, co_await client->open(name, size.columns, size.rows));
    const auto stream = adapters::make_descriptor_stream(runtime->executor(), STDIN_FILENO, STDOUT_FILENO);
    services::PumpOptions options = pump_options(runtime);
    int exit = kBroken;
    options.on_text = [&exit](const std::string& text) { exit = exit_of(text).value_or(exit); };
    options.lasts_until_close = true;
    std::optional<adapters::RawTerminal> raw;
    if (name.has_terminal) raw.emplace(STDIN_FILENO);
    // Beside the pump's own writer there may be no other: what is said about the size waits for its turn there.
    services::TunnelNotes notes{runtime};
    options.notes = &notes;
    const adapters::SizeWatch watch{
        runtime, runtime->executor(), [&notes] {
            const ports::TerminalSize now = adapters::terminal_size(STDIN_FILENO);
            notes.say(fmt::format("{{\"resize\":{{\"columns\":{},\"rows\":{}}}}}", now.columns, now.rows));
        }};
    (void)co_await services::pump(socket.get(), stream.get(), std::move(options));
    co_return exit;
}

Task<Result<void>> proxy(adapters::AsioRuntime* runtime, TunnelClient* client, TunnelName name) {
    CO_TRY(const auto socket, co_await client->open(name, 80, 24));
    const auto stream = adapters::make_descriptor_stream(runtime->executor(), STDIN_FILENO, STDOUT_FILENO);
    (void)co_await services::pump(socket.get(), stream.get(), pump_options(runtime));
    co_return Result<void>{};
}

// One connection that was accepted.
Task<void> carry(adapters::AsioRuntime* runtime,
                 TunnelClient* client,
                 TunnelName to,
                 std::unique_ptr<ports::ByteStream> stream,
                 std::size_t* connections) {
    const auto socket = co_await client->open(to, 80, 24);
    if (socket) {
        (void)co_await services::pump(socket->get(), stream.get(), pump_options(runtime));
    } else {
        fmt::print(stderr, "{}\n", socket.error().message);
    }
    --*connections;
}

Task<void> serve(adapters::AsioRuntime* runtime,
                 TunnelClient* client,
                 adapters::LocalListener* listener,
                 TunnelName to,
                 std::size_t* connections) {
    while (true) {
        auto stream = co_await listener->accept();
        if (!stream) co_return;
        if (*connections >= kConnectionsMax) continue;
        ++*connections;
        runtime->spawn(carry(runtime, client, to, *std::move(stream), connections));
    }
}

Task<int> wait_for_signal(adapters::AsioRuntime* runtime) {
    Notifier over{runtime};
    bool is_over = false;
    runtime->on_shutdown_signal([&] {
        is_over = true;
        over.notify();
    });
    while (!is_over) {
        co_await over.wait_until(TimePoint::max());
    }
    co_return 0;
}

}  // namespace

std::string tunnel_url(const std::string& gateway, const TunnelName& name, std::uint16_t columns, std::uint16_t rows) {
    const std::string base = gateway.starts_with("http") ? "ws" + gateway.substr(4) : gateway;
    std::string url = fmt::format("{}/v1/jobs/{}/ports/{}/{}/{}", base, escaped(name.job), escaped(name.group),
                                  name.index, escaped(name.end));
    if (name.end != "shell") return url;
    url += fmt::format("?tty={}&columns={}&rows={}", name.has_terminal ? 1 : 0, columns, rows);
    for (const std::string& argument : name.arguments) url += "&arg=" + escaped(argument);
    return url;
}

Result<std::unique_ptr<TunnelClient>> TunnelClient::make(adapters::AsioRuntime* runtime,
                                                         const cli::Settings& settings) {
    TRY(const std::string key, cli::read_file(settings.api_key_file.value, 4096));
    adapters::WebSocketClientOptions options;
    options.limits.message_bytes_max = services::kTunnelMessageBytesMax;
    options.limits.silence_max = std::chrono::minutes{2};
    TRY(auto dialer, adapters::BeastWebSocketClient::make(options));
    return std::unique_ptr<TunnelClient>{new TunnelClient{runtime, settings.gateway.value, key, std::move(dialer)}};
}

Task<Result<std::unique_ptr<ports::WebSocket>>> TunnelClient::open(TunnelName name,
                                                                   std::uint16_t columns,
                                                                   std::uint16_t rows) {
    ports::HttpHeaders headers;
    headers.set("Authorization", "Bearer " + key_);
    const TimePoint deadline = runtime_->now() + kOpenPatience;
    auto socket = co_await dialer_->open(tunnel_url(gateway_, name, columns, rows), std::move(headers), deadline);
    if (!socket) co_return readable(socket.error());
    co_return socket;
}

Result<int> run_terminal(adapters::AsioRuntime* runtime, TunnelClient* client, const TunnelName& name) {
    return run_task(runtime, terminal(runtime, client, name));
}

Result<void> run_proxy(adapters::AsioRuntime* runtime, TunnelClient* client, const TunnelName& name) {
    return run_task(runtime, proxy(runtime, client, name));
}

Result<void> run_forwarding(adapters::AsioRuntime* runtime,
                            TunnelClient* client,
                            std::vector<Forwarding> forwardings,
                            std::function<void(const Forwarding&)> ready) {
    std::vector<std::unique_ptr<adapters::LocalListener>> listeners;
    std::size_t connections = 0;
    for (Forwarding& forwarding : forwardings) {
        TRY(auto listener, adapters::LocalListener::make(runtime->executor(), forwarding.address, forwarding.local));
        forwarding.local = listener->port();
        runtime->spawn(serve(runtime, client, listener.get(), forwarding.to, &connections));
        listeners.push_back(std::move(listener));
        ready(forwarding);
    }
    runtime->run_to_completion(wait_for_signal(runtime));
    return {};
}

}  // namespace vcity::wiring
