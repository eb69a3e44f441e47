// SPDX-License-Identifier: Apache-2.0
#include "adapters/http/client.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include "adapters/http/server.hpp"
#include "adapters/runtime_asio/runtime.hpp"
#include "ports/testing/http_contract.hpp"

namespace vcity::adapters {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ports::HttpRequest;
using ports::HttpResponse;
using ports::testing::http_request;
using ports::testing::HttpContract;
using namespace std::chrono_literals;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

Task<int> finish(Task<void> test) {
    co_await std::move(test);
    co_return 0;
}

Task<void> stop_late(AsioRuntime* runtime) {
    co_await runtime->sleep_until(runtime->now() + 20s);
    runtime->stop();
}

void run_test(AsioRuntime* runtime, Task<void> test) {
    runtime->spawn(stop_late(runtime));
    ASSERT_EQ(runtime->run_to_completion(finish(std::move(test))), 0);
}

class BeastHttpHarness final : public ports::testing::HttpHarness {
  public:
    Runtime* runtime() override { return &runtime_; }
    ports::HttpClient* client() override { return client_.get(); }
    std::string serve(ports::HttpHandler* handler) override {
        server_ = HttpServer::make(&runtime_, runtime_.executor(), handler, {}).value();
        return "http://127.0.0.1:" + std::to_string(server_->port());
    }
    std::string dead_address() override {
        const tcp::acceptor other{runtime_.executor(), tcp::endpoint{asio::ip::make_address("127.0.0.1"), 0}};
        return "http://127.0.0.1:" + std::to_string(other.local_endpoint().port());
    }
    void run(Task<void> test) override { run_test(&runtime_, std::move(test)); }

  private:
    AsioRuntime runtime_;
    std::unique_ptr<HttpServer> server_;
    std::unique_ptr<BeastHttpClient> client_ = BeastHttpClient::make(&runtime_, {}).value();
};

// A server that says what a script tells it: one string for every request, then the end of the connection.
class ScriptedServer : public testing::Test {
  protected:
    void answer(std::vector<std::string> script) { runtime_.spawn(serve(std::move(script))); }

    Task<void> serve(std::vector<std::string> script) {
        auto [error, socket] = co_await acceptor_.async_accept(kAwait);
        ++connections_;
        for (const std::string& answer : script) {
            std::string heard;
            const auto [failure, size] =
                co_await asio::async_read_until(socket, asio::dynamic_buffer(heard), "\r\n\r\n", kAwait);
            if (failure) co_return;
            heard_.push_back(heard);
            co_await asio::async_write(socket, asio::buffer(answer), kAwait);
        }
    }

    std::string url() { return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + "/"; }
    TimePoint soon() { return runtime_.now() + 5s; }
    void make_client(const HttpClientOptions& options) { client_ = BeastHttpClient::make(&runtime_, options).value(); }

    Task<void> expect_error(Errc code) {
        const auto response = co_await client_->send(http_request("GET", url()), soon());
        EXPECT_FALSE(response);
        if (!response) EXPECT_EQ(response.error().code, code) << response.error().message;
    }

    Task<void> expect_body(std::string method, std::string body) {
        const auto response = co_await client_->send(http_request(method, url()), soon());
        EXPECT_TRUE(response) << response.error().message;
        if (response) EXPECT_EQ(response->body, body);
    }

    void expect_error_for(const std::string& text, Errc code) {
        answer({text});
        run_test(&runtime_, expect_error(code));
    }

    AsioRuntime runtime_;
    tcp::acceptor acceptor_{runtime_.executor(), tcp::endpoint{asio::ip::make_address("127.0.0.1"), 0}};
    std::unique_ptr<BeastHttpClient> client_ = BeastHttpClient::make(&runtime_, {}).value();
    std::vector<std::string> heard_;
    int connections_ = 0;

    Task<void> keep();
    Task<void> lose_kept();
    Task<void> hold_all();
    Task<void> time_out_in_body();
};

const std::string kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

Task<void> ScriptedServer::keep() {
    co_await expect_body("GET", "ok");
    co_await expect_body("POST", "ok");
    EXPECT_EQ(connections_, 1);
    EXPECT_EQ(heard_.at(1).find("POST / HTTP/1.1\r\nHost: 127.0.0.1:"), 0U);
    EXPECT_NE(heard_.at(1).find("Content-Length: 0\r\n"), std::string::npos);
    EXPECT_EQ(heard_.at(0).find("Content-Length"), std::string::npos);
}

TEST_F(ScriptedServer, IsAskedAgainOnTheSameConnection) {
    answer({"HTTP/1.1 100 Continue\r\n\r\n" + kAnswer, kAnswer});
    run_test(&runtime_, keep());
}

Task<void> ScriptedServer::lose_kept() {
    co_await expect_body("GET", "ok");
    answer({kAnswer});
    co_await expect_body("GET", "ok");
    EXPECT_EQ(connections_, 2);
    answer({kAnswer});
    co_await expect_body("POST", "ok");
    EXPECT_EQ(connections_, 3);
}

TEST_F(ScriptedServer, MayEndAKeptConnection) {
    answer({kAnswer});
    run_test(&runtime_, lose_kept());
}

TEST_F(ScriptedServer, MayCloseAfterEachAnswer) {
    answer({"HTTP/1.0 200 OK\r\n\r\nuntil the end"});
    run_test(&runtime_, expect_body("GET", "until the end"));
}

TEST_F(ScriptedServer, MayNotSpeakNonsense) {
    expect_error_for("SSH-2.0-OpenSSH_9.2\r\n\r\n", Errc::kCorrupt);
    expect_error_for("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", Errc::kCorrupt);
    expect_error_for("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nok", Errc::kCorrupt);
    expect_error_for("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno chunk\r\n", Errc::kCorrupt);
}

TEST_F(ScriptedServer, MayNotInterruptForever) {
    std::string interim;
    for (int count = 0; count < 20; ++count) interim += "HTTP/1.1 102 Processing\r\n\r\n";
    expect_error_for(interim + kAnswer, Errc::kCorrupt);
}

TEST_F(ScriptedServer, MayNotBreakOffUnnoticed) {
    expect_error_for("", Errc::kUnavailable);
    expect_error_for("HTTP/1.1 200 OK\r\nContent-Le", Errc::kUnavailable);
    expect_error_for("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", Errc::kUnavailable);
    expect_error_for("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", Errc::kUnavailable);
}

TEST_F(ScriptedServer, MayNotSayTooMuch) {
    HttpClientOptions options;
    options.header_bytes_max = 1000;
    options.body_bytes_max = 1000;
    make_client(options);
    expect_error_for("HTTP/1.1 200 OK\r\nX-Long: " + std::string(2000, 'a') + "\r\n\r\n", Errc::kExhausted);
    expect_error_for("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + std::string(1001, 'a'), Errc::kExhausted);
    expect_error_for("HTTP/1.1 200 OK\r\n\r\n" + std::string(1001, 'a'), Errc::kExhausted);
}

Task<void> ScriptedServer::hold_all() {
    auto first = co_await client_->open(http_request("GET", url()), soon());
    EXPECT_TRUE(first);
    const auto refused = co_await client_->open(http_request("GET", url()), runtime_.now() + 2ms);
    EXPECT_FALSE(refused);
    if (!refused) EXPECT_EQ(refused.error().code, Errc::kTimeout);
    answer({kAnswer});
    TaskGroup group{&runtime_};
    group.spawn(expect_body("GET", "ok"));
    co_await runtime_.sleep_until(runtime_.now() + 2ms);
    EXPECT_EQ(connections_, 1);
    first = make_error(Errc::kUnavailable, "dropped");
    const auto joined = co_await group.join(soon());
    EXPECT_TRUE(joined);
    EXPECT_EQ(connections_, 2);
}

TEST_F(ScriptedServer, GetsOnlySoManyConnections) {
    HttpClientOptions options;
    options.connections_per_host_max = 1;
    make_client(options);
    answer({"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nunread", ""});
    run_test(&runtime_, hold_all());
}

Task<void> ScriptedServer::time_out_in_body() {
    auto stream = co_await client_->open(http_request("GET", url()), soon());
    EXPECT_TRUE(stream);
    if (!stream) co_return;
    const auto piece = co_await stream.value()->read(soon());
    EXPECT_TRUE(piece && *piece == "ok");
    const auto late = co_await stream.value()->read(runtime_.now() + 2ms);
    EXPECT_FALSE(late);
    if (!late) EXPECT_EQ(late.error().code, Errc::kTimeout);
    const auto after = co_await stream.value()->read(soon());
    EXPECT_FALSE(after);
    if (!after) EXPECT_EQ(after.error().code, Errc::kUnavailable);
}

TEST_F(ScriptedServer, MayNotFallSilentInABody) {
    answer({"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", ""});
    run_test(&runtime_, time_out_in_body());
}

TEST(BeastHttpClient, NeedsReadableAuthorities) {
    AsioRuntime runtime;
    HttpClientOptions options;
    options.authorities_file = "missing.pem";

    EXPECT_EQ(BeastHttpClient::make(&runtime, options).error().code, Errc::kInvalid);
}

}  // namespace
}  // namespace vcity::adapters

namespace vcity::ports::testing {

INSTANTIATE_TYPED_TEST_SUITE_P(Beast, HttpContract, vcity::adapters::BeastHttpHarness);

}  // namespace vcity::ports::testing
