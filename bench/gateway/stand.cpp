// SPDX-License-Identifier: Apache-2.0
// The two ends of the gateway benchmark, each a process of its own:
//   gateway_stand scheduler PORT             answers every job at once with properly signed receipts
//   gateway_stand gateway PORT LINK STORE    the real gateway on the real HTTP server, link and store
// The second prints one JSON line with what is needed to make an API key.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "adapters/http/server.hpp"
#include "adapters/link/link.hpp"
#include "adapters/runtime_asio/runtime.hpp"
#include "adapters/store_sqlite/store.hpp"
#include "async/task_group.hpp"
#include "codec/integer.hpp"
#include "services/gateway/gateway.hpp"
#include "services/gateway/test_support.hpp"

namespace vcity::gateway {
namespace {

constexpr std::string_view kAdminToken = "benchmark";
constexpr TimePoint kForever = TimePoint::max();

[[noreturn]] void fail(const Error& error) {
    std::fprintf(stderr, "gateway_stand: %s\n", error.message.c_str());
    std::exit(1);
}

template <class T>
T or_fail(Result<T> result) {
    if (!result) fail(result.error());
    return *std::move(result);
}

Task<void> forward(ports::Connection* from, ports::Connection* to) {
    while (true) {
        Result<Message> message = co_await from->receive(kForever);
        if (!message) break;
        const Result<void> sent = co_await to->send(*std::move(message));
        if (!sent) break;
    }
    from->close();
    to->close();
}

// The scheduler of the gateway's own tests, behind a real link.
Task<void> serve_link(Runtime* runtime, std::unique_ptr<ports::Connection> outside) {
    test::ScriptedScheduler scheduler{runtime};
    const Result<std::unique_ptr<ports::Connection>> inside = co_await scheduler.dial("", kForever);
    TaskGroup group{runtime};
    group.spawn(forward(outside.get(), inside->get()));
    group.spawn(forward(inside->get(), outside.get()));
    const Result<void> ended = co_await group.join(kForever);
    if (!ended) fail(ended.error());
}

Task<void> accept_links(Runtime* runtime, ports::LinkListener* listener) {
    TaskGroup group{runtime};
    while (true) {
        Result<std::unique_ptr<ports::Connection>> connection = co_await listener->accept();
        if (!connection) fail(connection.error());
        group.spawn(serve_link(runtime, *std::move(connection)));
    }
}

void run_scheduler(std::uint16_t port) {
    adapters::AsioRuntime runtime;
    adapters::LinkListenerOptions options;
    options.port = port;
    const auto listener = or_fail(adapters::WebSocketListener::make(&runtime, runtime.executor(), options));
    runtime.spawn(accept_links(&runtime, listener.get()));
    runtime.run();
}

Task<void> run_service(Gateway* gateway) {
    const Result<void> started = co_await gateway->start();
    if (!started) fail(started.error());
    co_await gateway->run();
}

void run_gateway(std::uint16_t port, std::string link, std::string store_path) {
    adapters::AsioRuntime runtime;
    adapters::SqliteStoreOptions store_options;
    store_options.path = std::move(store_path);
    const auto store = or_fail(adapters::SqliteStore::open(store_options));
    const auto dialer = or_fail(adapters::WebSocketDialer::make(&runtime, {}));
    test::KeySigner signer{14};
    GatewayOptions options;
    options.link.endpoints = {std::move(link)};
    GatewayDeps deps{.runtime = &runtime,
                     .store = store.get(),
                     .dialer = dialer.get(),
                     .signer = &signer,
                     .metrics = &null_metrics(),
                     .log = Log{nullptr, "gateway"},
                     .deployment = test::a_deployment(),
                     .key_pepper = SecretBytes{Bytes(32, 0x33)},
                     .admin_token = SecretBytes{Bytes(kAdminToken.begin(), kAdminToken.end())}};
    Gateway gateway{std::move(deps), std::move(options)};
    runtime.spawn(run_service(&gateway));
    adapters::HttpServerOptions server_options;
    server_options.port = port;
    server_options.body_bytes_max = 4U << 20U;
    const auto server = or_fail(adapters::HttpServer::make(&runtime, runtime.executor(), &gateway, server_options));
    const std::uint64_t expiry = runtime.unix_now().count() / 1000 + 86'400;
    const codec::Json facts = codec::JsonObject{
        {"admin_token", kAdminToken},
        {"cap", to_json(test::a_cap(test::a_private_key(12).address(), expiry))},
        {"model", "vcity/test"},
    };
    std::printf("%s\n", codec::dump_json(facts).c_str());
    std::fflush(stdout);
    runtime.run();
}

int usage() {
    std::fprintf(stderr, "usage: gateway_stand scheduler PORT | gateway PORT LINK STORE\n");
    return 2;
}

}  // namespace
}  // namespace vcity::gateway

int main(int argc, char** argv) {
    const std::string mode = argc > 2 ? argv[1] : "";
    const auto port = vcity::codec::parse_decimal(argc > 2 ? argv[2] : "");
    if (!port || *port > UINT16_MAX) return vcity::gateway::usage();
    if (mode == "scheduler") {
        vcity::gateway::run_scheduler(static_cast<std::uint16_t>(*port));
    } else if (mode == "gateway" && argc == 5) {
        vcity::gateway::run_gateway(static_cast<std::uint16_t>(*port), argv[3], argv[4]);
    } else {
        return vcity::gateway::usage();
    }
    return 0;
}
