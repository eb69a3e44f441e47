// SPDX-License-Identifier: Apache-2.0
// The two ends of the gateway benchmark, each a process of its own:
//   gateway_stand scheduler PORT [CHUNKS MS] answers every job with properly signed receipts: at once, or one token
//                                            every so many milliseconds until there are so many
//   gateway_stand gateway PORT LINK STORE [RUNNING]    the real gateway on the real HTTP server, link and store; it
//                                            takes so many requests at once
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

// As a session does: a full connection means that the peer reads slowly, and is waited for.
Task<Result<void>> send_patiently(Runtime* runtime, ports::Connection* to, Message message) {
    constexpr std::chrono::milliseconds kPause{20};
    Notifier never{runtime};
    while (true) {
        Message copy = message;
        Result<void> sent = co_await to->send(std::move(copy));
        if (sent || sent.error().code != Errc::kExhausted) co_return sent;
        const TimePoint again = runtime->now() + kPause;
        (void)co_await never.wait_until(again);
    }
}

Task<void> forward(Runtime* runtime, ports::Connection* from, ports::Connection* to) {
    while (true) {
        Result<Message> message = co_await from->receive(kForever);
        if (!message) break;
        const Result<void> sent = co_await send_patiently(runtime, to, *std::move(message));
        if (!sent) break;
    }
    from->close();
    to->close();
}

struct Pace {
    std::uint64_t chunks = 0;  // 0: everything at once
    std::chrono::milliseconds between{1000};
};

Task<void> run_slowly(Runtime* runtime, test::ScriptedScheduler* scheduler, JobOrder order, Pace pace) {
    scheduler->place(order);
    std::string text;
    Notifier never{runtime};
    for (std::uint64_t index = 0; index < pace.chunks; ++index) {
        scheduler->chunk(order, index, "tok ");
        text += "tok ";
        const TimePoint next = runtime->now() + pace.between;
        (void)co_await never.wait_until(next);
    }
    scheduler->finish(scheduler->receipt_for(order, text, pace.chunks));
}

// The scheduler of the gateway's own tests, behind a real link.
Task<void> serve_link(Runtime* runtime, std::unique_ptr<ports::Connection> outside, Pace pace) {
    test::ScriptedScheduler scheduler{runtime};
    TaskGroup jobs{runtime};
    if (pace.chunks > 0) {
        scheduler.on_job = [&](const JobOrder& order) { jobs.spawn(run_slowly(runtime, &scheduler, order, pace)); };
    }
    const Result<std::unique_ptr<ports::Connection>> inside = co_await scheduler.dial("", kForever);
    TaskGroup group{runtime};
    group.spawn(forward(runtime, outside.get(), inside->get()));
    group.spawn(forward(runtime, inside->get(), outside.get()));
    const Result<void> ended = co_await group.join(kForever);
    if (!ended) fail(ended.error());
    const Result<void> idle = co_await jobs.join(kForever);
    if (!idle) fail(idle.error());
}

Task<void> accept_links(Runtime* runtime, ports::LinkListener* listener, Pace pace) {
    TaskGroup group{runtime};
    while (true) {
        Result<std::unique_ptr<ports::Connection>> connection = co_await listener->accept();
        if (!connection) fail(connection.error());
        group.spawn(serve_link(runtime, *std::move(connection), pace));
    }
}

void run_scheduler(std::uint16_t port, Pace pace) {
    adapters::AsioRuntime runtime;
    adapters::LinkListenerOptions options;
    options.port = port;
    const auto listener = or_fail(adapters::WebSocketListener::make(&runtime, runtime.executor(), options));
    runtime.spawn(accept_links(&runtime, listener.get(), pace));
    runtime.run();
}

Task<void> run_service(Gateway* gateway) {
    const Result<void> started = co_await gateway->start();
    if (!started) fail(started.error());
    co_await gateway->run();
}

void run_gateway(std::uint16_t port, std::string link, std::string store_path, std::size_t running_max) {
    adapters::AsioRuntime runtime;
    adapters::SqliteStoreOptions store_options;
    store_options.path = std::move(store_path);
    const auto store = or_fail(adapters::SqliteStore::open(store_options));
    const auto dialer = or_fail(adapters::WebSocketDialer::make(&runtime, {}));
    test::KeySigner signer{14};
    GatewayOptions options;
    options.link.endpoints = {std::move(link)};
    options.running_max = running_max;
    options.request_deadline = std::chrono::minutes{20};
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
    std::fprintf(stderr, "usage: gateway_stand scheduler PORT [CHUNKS MS] | gateway PORT LINK STORE [RUNNING]\n");
    return 2;
}

}  // namespace
}  // namespace vcity::gateway

int main(int argc, char** argv) {
    const std::string mode = argc > 2 ? argv[1] : "";
    const auto port = vcity::codec::parse_decimal(argc > 2 ? argv[2] : "");
    if (!port || *port > UINT16_MAX) return vcity::gateway::usage();
    if (mode == "scheduler") {
        const auto chunks = vcity::codec::parse_decimal(argc > 3 ? argv[3] : "0");
        const auto between = vcity::codec::parse_decimal(argc > 4 ? argv[4] : "1000");
        if (!chunks || !between || *between > 1'000'000) return vcity::gateway::usage();
        const vcity::gateway::Pace pace{.chunks = *chunks, .between = std::chrono::milliseconds{*between}};
        vcity::gateway::run_scheduler(static_cast<std::uint16_t>(*port), pace);
    } else if (mode == "gateway" && (argc == 5 || argc == 6)) {
        const auto running_max = vcity::codec::parse_decimal(argc == 6 ? argv[5] : "4000");
        if (!running_max) return vcity::gateway::usage();
        vcity::gateway::run_gateway(static_cast<std::uint16_t>(*port), argv[3], argv[4], *running_max);
    } else {
        return vcity::gateway::usage();
    }
    return 0;
}
