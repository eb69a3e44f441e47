// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "adapters/http/client.hpp"
#include "adapters/http/server.hpp"
#include "adapters/http/web_socket_client.hpp"
#include "adapters/runtime_asio/runtime.hpp"
#include "ports/testing/web_socket_contract.hpp"

// WebSockets between the server and the client of this adapter.
namespace vcity::adapters {
namespace {

using ports::testing::WebSocketEnds;
using namespace std::chrono_literals;

// Upgrades at "/ws" and keeps the socket until the test is over; refuses elsewhere.
class UpgradeHandler final : public ports::HttpHandler {
  public:
    UpgradeHandler(Runtime* runtime, ports::WebSocketLimits limits) : changed{runtime}, limits_{limits} {}

    Task<void> handle(ports::HttpRequest request, ports::HttpResponder* responder) override {
        seen = request;
        if (request.target != "/ws") {
            ports::HttpResponse refusal;
            refusal.status = 403;
            refusal.body = "not\nhere";
            (void)co_await responder->respond(std::move(refusal));
            co_return;
        }
        auto upgraded = co_await responder->upgrade(limits_);
        if (!upgraded) {
            upgrade_error = upgraded.error();
            ports::HttpResponse refusal;
            refusal.status = 400;
            (void)co_await responder->respond(std::move(refusal));
            co_return;
        }
        socket = upgraded->get();
        changed.notify();
        while (!is_over) {
            co_await changed.wait_until(TimePoint::max());
        }
    }

    ports::HttpRequest seen;
    ports::WebSocket* socket = nullptr;
    std::optional<Error> upgrade_error;
    bool is_over = false;
    Notifier changed;

  private:
    ports::WebSocketLimits limits_;
};

Task<int> finish(Task<void> test) {
    co_await std::move(test);
    co_return 0;
}

Task<void> with_ends(AsioRuntime* runtime,
                     UpgradeHandler* handler,
                     HttpServer* server,
                     BeastWebSocketClient* client,
                     Task<void> (*test)(WebSocketEnds)) {
    const std::string url = "ws://127.0.0.1:" + std::to_string(server->port()) + "/ws";
    ports::HttpHeaders headers;
    headers.set("Authorization", "Bearer sk-test");
    const auto opened = co_await client->open(url, headers, runtime->now() + 5s);
    EXPECT_TRUE(opened) << opened.error().message;
    while (handler->socket == nullptr) {
        co_await handler->changed.wait_until(runtime->now() + 5s);
    }
    EXPECT_EQ(handler->seen.headers.get("authorization"), "Bearer sk-test");
    const WebSocketEnds ends{runtime, opened->get(), handler->socket};
    co_await test(ends);
    handler->is_over = true;
    handler->changed.notify();
    const auto ended = co_await server->shutdown(runtime->now() + 1s);
    EXPECT_TRUE(ended);
}

class BeastWebSocketHarness final : public ports::testing::WebSocketHarness {
  public:
    void run(ports::WebSocketLimits limits, Task<void> (*test)(WebSocketEnds)) override {
        AsioRuntime runtime;
        UpgradeHandler handler{&runtime, limits};
        const auto server = HttpServer::make(&runtime, runtime.executor(), &handler, {}).value();
        WebSocketClientOptions options;
        options.limits = limits;
        const auto client = BeastWebSocketClient::make(options).value();
        runtime.run_to_completion(finish(with_ends(&runtime, &handler, server.get(), client.get(), test)));
    }
};

class WebSocketClientTest : public ::testing::Test {
  protected:
    Error open(const std::string& path, WebSocketClientOptions options = {}) {
        const auto client = BeastWebSocketClient::make(std::move(options)).value();
        Error error;
        runtime.run_to_completion(finish(expect_refusal(client.get(), path, &error)));
        return error;
    }
    Task<void> expect_refusal(BeastWebSocketClient* client, std::string path, Error* error) {
        const std::string url =
            path.starts_with('/') ? "ws://127.0.0.1:" + std::to_string(server->port()) + path : path;
        const ports::HttpHeaders headers;
        const auto opened = co_await client->open(url, headers, runtime.now() + 5s);
        EXPECT_FALSE(opened);
        if (!opened) *error = opened.error();
    }

    AsioRuntime runtime;
    UpgradeHandler handler{&runtime, {}};
    std::unique_ptr<HttpServer> server = HttpServer::make(&runtime, runtime.executor(), &handler, {}).value();
};

TEST_F(WebSocketClientTest, TellsWhatTheServerAnsweredInstead) {
    const Error error = open("/elsewhere");
    EXPECT_EQ(error.code, Errc::kDenied);
    EXPECT_EQ(error.message, "the server answered 403: not here");
}

TEST_F(WebSocketClientTest, DialsNoAddressThatItMayNot) {
    WebSocketClientOptions options;
    std::string asked;
    options.may_connect = [&asked](const std::string& address_of, const std::string& address) {
        asked = address_of + " " + address;
        return false;
    };
    EXPECT_EQ(open("/ws", options).code, Errc::kInvalid);
    EXPECT_EQ(asked, "http://127.0.0.1:" + std::to_string(server->port()) + " 127.0.0.1");
}

TEST_F(WebSocketClientTest, RefusesWhatIsNoWebSocketAddress) {
    EXPECT_EQ(open("http://127.0.0.1/").code, Errc::kInvalid);
    EXPECT_EQ(open("nonsense").code, Errc::kInvalid);
    EXPECT_EQ(open("ws://127.0.0.1:1/").code, Errc::kUnavailable);
}

Task<void> ask_plainly(ports::HttpClient* client, std::string url, TimePoint deadline, unsigned* status) {
    ports::HttpRequest request;
    request.method = "GET";
    request.target = std::move(url);
    const auto answer = co_await client->send(std::move(request), deadline);
    EXPECT_TRUE(answer);
    if (answer) *status = answer->status;
}

TEST_F(WebSocketClientTest, APlainRequestIsNotUpgradedAndCanBeAnswered) {
    const auto client = BeastHttpClient::make(&runtime, {}).value();
    const std::string url = "http://127.0.0.1:" + std::to_string(server->port()) + "/ws";
    unsigned status = 0;
    runtime.run_to_completion(finish(ask_plainly(client.get(), url, runtime.now() + 5s, &status)));
    EXPECT_EQ(status, 400U);
    ASSERT_TRUE(handler.upgrade_error);
    EXPECT_EQ(handler.upgrade_error->code, Errc::kInvalid);
}

}  // namespace
}  // namespace vcity::adapters

namespace vcity::ports::testing {
namespace {
using adapters::BeastWebSocketHarness;
INSTANTIATE_TYPED_TEST_SUITE_P(Beast, WebSocketContract, BeastWebSocketHarness);
}  // namespace
}  // namespace vcity::ports::testing
