// SPDX-License-Identifier: Apache-2.0
#include "adapters/http/server.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include "adapters/runtime_asio/runtime.hpp"

// The server as seen by a client that speaks TCP by hand.
namespace vcity::adapters {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ports::HttpRequest;
using ports::HttpResponder;
using ports::HttpResponse;
using namespace std::chrono_literals;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

// Answers by path, and remembers what it saw.
class TestHandler final : public ports::HttpHandler {
  public:
    explicit TestHandler(AsioRuntime* runtime) : runtime_{runtime} {}

    Task<void> handle(HttpRequest request, HttpResponder* responder) override {
        ++running;
        requests.push_back(request);
        const std::string& target = requests.back().target;
        if (target == "/stream") {
            co_await stream(responder);
        } else if (target == "/wait") {
            co_await wait_for_disconnect(responder);
        } else if (target == "/flood") {
            co_await flood(responder);
        } else if (target == "/half") {
            last_write = co_await start_half(responder);
        } else if (target == "/slow") {
            co_await runtime_->sleep_until(runtime_->now() + 20ms);
            co_await echo(request, responder);
        } else if (target != "/silent") {
            co_await echo(request, responder);
        }
        --running;
    }

    std::vector<HttpRequest> requests;
    int running = 0;
    Duration noticed_after{0};
    Result<void> last_write;

  private:
    static Task<void> echo(HttpRequest request, HttpResponder* responder) {
        HttpResponse response;
        response.status = request.target == "/empty" ? 204 : 200;
        response.body = request.method + " " + request.target + " " + request.body;
        if (request.target == "/inject") response.headers.set("X-Id", "a\r\nX-Evil: b");
        if (request.target == "/close") response.headers.set("Connection", "close");
        const auto sent = co_await responder->respond(std::move(response));
        EXPECT_EQ(sent.has_value(), request.target != "/inject");
    }

    static Task<Result<void>> start_half(HttpResponder* responder) {
        const HttpResponse head;
        CO_TRY_OK(co_await responder->start(head));
        co_return co_await responder->write("half");
    }

    Task<void> stream(HttpResponder* responder) {
        HttpResponse head;
        head.headers.set("Content-Type", "text/event-stream");
        last_write = co_await responder->start(std::move(head));
        for (const std::string piece : {"data: 1\n\n", "", "data: 2\n\n"}) {
            last_write = co_await responder->write(piece);
        }
        last_write = co_await responder->finish();
    }

    Task<void> wait_for_disconnect(HttpResponder* responder) {
        const TimePoint start = runtime_->now();
        while (responder->is_connected() && runtime_->now() < start + 5s) {
            co_await runtime_->sleep_until(runtime_->now() + 1ms);
        }
        noticed_after = runtime_->now() - start;
        const HttpResponse head;
        last_write = co_await responder->start(head);
        last_write = co_await responder->write("too late");
        const auto finished = co_await responder->finish();
        EXPECT_FALSE(finished);
    }

    Task<void> flood(HttpResponder* responder) {
        const HttpResponse head;
        last_write = co_await responder->start(head);
        while (last_write) {
            const std::string chunk(1U << 20U, 'x');
            last_write = co_await responder->write(chunk);
        }
    }

    AsioRuntime* runtime_;
};

class HttpServerTest : public testing::Test {
  protected:
    void serve(HttpServerOptions options = {}) {
        server_ = HttpServer::make(&runtime_, runtime_.executor(), &handler_, options).value();
    }

    void run(Task<void> test) {
        runtime_.spawn(stop_late());
        ASSERT_EQ(runtime_.run_to_completion(finish(std::move(test))), 0);
    }

    static Task<int> finish(Task<void> test) {
        co_await std::move(test);
        co_return 0;
    }
    Task<void> stop_late() {
        co_await runtime_.sleep_until(runtime_.now() + 20s);
        runtime_.stop();
    }

    Task<void> connect() {
        client_ = tcp::socket{runtime_.executor()};
        const tcp::endpoint endpoint{asio::ip::make_address("127.0.0.1"), server_->port()};
        const auto [error] = co_await client_.async_connect(endpoint, kAwait);
        EXPECT_FALSE(error);
    }

    Task<void> say(std::string text) { co_await asio::async_write(client_, asio::buffer(text), kAwait); }

    // Up to and with the marker; what comes after it stays for the next call.
    Task<std::string> hear_until(std::string marker) {
        const auto [error, size] =
            co_await asio::async_read_until(client_, asio::dynamic_buffer(heard_), marker, kAwait);
        EXPECT_FALSE(error) << heard_;
        const std::string text = heard_.substr(0, size);
        heard_.erase(0, size);
        co_return text;
    }

    Task<std::string> hear_to_the_end() {
        co_await asio::async_read(client_, asio::dynamic_buffer(heard_), kAwait);
        co_return std::exchange(heard_, {});
    }

    // Sends on a new connection and expects an answer of that status, an error object and the end.
    Task<void> expect_refusal(std::string request, std::string status, std::string code) {
        co_await connect();
        co_await say(std::move(request));
        const std::string answer = co_await hear_to_the_end();
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + status + " ")) << answer;
        EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos) << answer;
        EXPECT_NE(answer.find("{\"error\":{"), std::string::npos) << answer;
        EXPECT_NE(answer.find("\"code\":\"" + code + "\"}}"), std::string::npos) << answer;
    }

    Task<void> expect_idle() {
        const TimePoint deadline = runtime_.now() + 5s;
        while ((server_->connections() > 0 || handler_.running > 0) && runtime_.now() < deadline) {
            co_await runtime_.sleep_until(runtime_.now() + 1ms);
        }
        EXPECT_EQ(server_->connections(), 0U);
        EXPECT_EQ(handler_.running, 0);
    }

    AsioRuntime runtime_;
    TestHandler handler_{&runtime_};
    std::unique_ptr<HttpServer> server_;
    tcp::socket client_{runtime_.executor()};
    std::string heard_;

    Task<void> keep_alive();
    Task<void> pipeline();
    Task<void> old_client();
    Task<void> bodies();
    Task<void> expect_continue();
    Task<void> smuggle();
    Task<void> trailer();
    Task<void> limits();
    Task<void> slow_clients();
    Task<void> head_and_no_content();
    Task<void> streams();
    Task<void> unfinished();
    Task<void> leave(bool with_next_request, bool only_half);
    Task<void> read_nothing();
    Task<void> too_many();
    Task<void> make_room();
    Task<void> bad_handlers();
    Task<void> shut_down();
};

const std::string kGet = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";

std::string post(const std::string& fields, const std::string& body) {
    return "POST /b HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n" + body;
}

Task<void> HttpServerTest::keep_alive() {
    co_await connect();
    for (int count = 0; count < 3; ++count) {
        co_await say(kGet);
        const std::string answer = co_await hear_until("GET /a ");
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\nDate: ")) << answer;
        EXPECT_NE(answer.find("Content-Length: 7\r\nConnection: keep-alive\r\n"), std::string::npos) << answer;
    }
    EXPECT_EQ(handler_.requests.back().remote, "127.0.0.1");
    co_await say("GET /close HTTP/1.1\r\nHost: x\r\n\r\n");
    const std::string answer = co_await hear_to_the_end();
    EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos) << answer;
    EXPECT_EQ(handler_.requests.size(), 4U);
    co_await expect_idle();
}

TEST_F(HttpServerTest, KeepsConnectionsUntilEitherSideWantsTheEnd) {
    serve();
    run(keep_alive());
}

Task<void> HttpServerTest::pipeline() {
    co_await connect();
    co_await say("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n" + post("Content-Length: 3\r\n", "one") +
                 post("Transfer-Encoding: chunked\r\n", "1\r\nt\r\n2;x=y\r\nwo\r\n0\r\n\r\n") +
                 "GET http://x/three HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    co_await hear_until("GET /slow ");
    co_await hear_until("POST /b one");
    co_await hear_until("POST /b two");
    co_await hear_until("GET /three ");
    const std::string rest = co_await hear_to_the_end();
    EXPECT_EQ(rest, "");
}

TEST_F(HttpServerTest, AnswersPipelinedRequestsInOrder) {
    serve();
    run(pipeline());
}

Task<void> HttpServerTest::old_client() {
    co_await connect();
    co_await say("GET /stream HTTP/1.0\r\n\r\n");
    const std::string streamed = co_await hear_to_the_end();
    EXPECT_TRUE(streamed.ends_with("Connection: close\r\n\r\ndata: 1\n\ndata: 2\n\n")) << streamed;
    co_await connect();
    co_await say("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    co_await hear_until("GET /a ");
    co_await say("GET /b HTTP/1.0\r\n\r\n");
    const std::string last = co_await hear_to_the_end();
    EXPECT_TRUE(last.ends_with("GET /b "));
}

TEST_F(HttpServerTest, SpeaksHttp10) {
    serve();
    run(old_client());
}

Task<void> HttpServerTest::bodies() {
    co_await connect();
    const std::string body(300'000, 'b');
    co_await say(post("Content-Length: 300000\r\nX-Field: value\r\n", body));
    const std::string answer = co_await hear_until("POST /b ");
    EXPECT_NE(answer.find("Content-Length: 300008\r\n"), std::string::npos);
    EXPECT_EQ(handler_.requests.back().body, body);
    EXPECT_EQ(handler_.requests.back().headers.get("x-field"), "value");
    co_await say(post("Content-Length: 0\r\n", ""));
    co_await hear_until("POST /b ");
}

TEST_F(HttpServerTest, ReadsBodies) {
    serve();
    run(bodies());
}

Task<void> HttpServerTest::expect_continue() {
    co_await connect();
    co_await say(post("Expect: 100-continue\r\nContent-Length: 2\r\n", ""));
    const std::string go_on = co_await hear_until("\r\n\r\n");
    EXPECT_EQ(go_on, "HTTP/1.1 100 Continue\r\n\r\n");
    co_await say("ok");
    co_await hear_until("POST /b ok");
    co_await expect_refusal(post("Expect: 100-continue\r\nContent-Length: 20000\r\n", ""), "413", "request_too_large");
    co_await expect_refusal(post("Expect: a miracle\r\nContent-Length: 2\r\n", ""), "417", "expectation_failed");
}

TEST_F(HttpServerTest, SaysContinueOnlyToWhatItWillTake) {
    HttpServerOptions options;
    options.body_bytes_max = 10'000;
    serve(options);
    run(expect_continue());
}

Task<void> HttpServerTest::smuggle() {
    const std::string hidden = "GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n";
    for (const std::string fields :
         {"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "Content-Length: 3\r\nContent-Length: 3\r\n",
          "Content-Length : 3\r\n", "Transfer-Encoding: chunked, identity\r\n",
          "Transfer-Encoding:\x0b"
          "chunked\r\n",
          "X-A: b\r\n Content-Length: 3\r\n", "Host: y\r\n", "X-A: b\nContent-Length: 3\r\n"}) {
        co_await expect_refusal(post(fields, "0\r\n\r\n" + hidden), "400", "bad_request");
    }
    const std::string chunked = "Transfer-Encoding: chunked\r\n";
    for (const std::string body :
         {"3\nabc\r\n0\r\n\r\n", "3 \nabc\r\n0\r\n\r\n", "0x3\r\nabc\r\n0\r\n\r\n", "-3\r\nabc\r\n0\r\n\r\n",
          "3\r\nabcd\r\n0\r\n\r\n", "3\r\nabc0\r\n\r\n", "fffffffffffffffff\r\nabc\r\n0\r\n\r\n", "\r\nabc"}) {
        co_await expect_refusal(post(chunked, body + hidden), "400", "bad_request");
    }
    const std::string extension = ";a=" + std::string(300, 'b');
    co_await expect_refusal(post(chunked, "3" + extension + "\r\nabc\r\n0\r\n\r\n"), "400", "bad_request");
    EXPECT_TRUE(handler_.requests.empty());
}

TEST_F(HttpServerTest, LetsNobodySmuggleARequest) {
    serve();
    run(smuggle());
}

Task<void> HttpServerTest::trailer() {
    co_await connect();
    co_await say(post("Transfer-Encoding: chunked\r\n", "2\r\nok\r\n0\r\nAuthorization: Bearer stolen\r\n\r\n"));
    co_await hear_until("POST /b ok");
    EXPECT_FALSE(handler_.requests.back().headers.has("Authorization"));
}

TEST_F(HttpServerTest, TakesNoHeaderFromATrailer) {
    serve();
    run(trailer());
}

Task<void> HttpServerTest::limits() {
    const std::string long_field = "X-Long: " + std::string(2000, 'a') + "\r\n";
    co_await expect_refusal(post(long_field, ""), "431", "headers_too_large");
    co_await expect_refusal("GET /" + std::string(2000, 'a'), "431", "headers_too_large");
    co_await expect_refusal(post("Content-Length: 1001\r\n", std::string(1001, 'a')), "413", "request_too_large");
    co_await expect_refusal(post("Content-Length: 900000000000000\r\n", ""), "413", "request_too_large");
    const std::string chunk = "1f4\r\n" + std::string(500, 'a') + "\r\n";
    co_await expect_refusal(post("Transfer-Encoding: chunked\r\n", chunk + chunk + chunk), "413", "request_too_large");
    co_await expect_refusal("GET / HTTP/2.0\r\nHost: x\r\n\r\n", "505", "http_version_not_supported");
    co_await expect_refusal("\x16\x03\x01\x02\n", "400", "bad_request");
    // A client that goes on sending still gets its answer.
    co_await expect_refusal(post("Content-Length: 1000000\r\n", std::string(1'000'000, 'a')), "413",
                            "request_too_large");
    EXPECT_TRUE(handler_.requests.empty());
    client_.close();
    co_await expect_idle();
}

TEST_F(HttpServerTest, BoundsHeaderAndBody) {
    HttpServerOptions options;
    options.header_bytes_max = 1000;
    options.body_bytes_max = 1000;
    serve(options);
    run(limits());
}

Task<void> HttpServerTest::slow_clients() {
    co_await connect();
    const std::string nothing = co_await hear_to_the_end();
    EXPECT_EQ(nothing, "");
    for (const auto& part : {std::string{"GET / HT"}, post("Content-Length: 3\r\n", "a")}) {
        co_await connect();
        co_await say(part);
        const std::string answer = co_await hear_to_the_end();
        EXPECT_EQ(answer, "");
    }
    co_await connect();
    co_await say(kGet + "GET");
    co_await hear_until("GET /a ");
    const std::string late = co_await hear_to_the_end();
    EXPECT_EQ(late, "");
    EXPECT_EQ(handler_.requests.size(), 1U);
}

TEST_F(HttpServerTest, WaitsForNobodyForever) {
    HttpServerOptions options;
    options.idle_timeout = 100ms;
    options.header_timeout = 100ms;
    options.request_timeout = 100ms;
    serve(options);
    run(slow_clients());
}

Task<void> HttpServerTest::head_and_no_content() {
    co_await connect();
    co_await say(
        "HEAD /a HTTP/1.1\r\nHost: x\r\n\r\nHEAD /stream HTTP/1.1\r\nHost: x\r\n\r\nGET /empty HTTP/1.1\r\nHost: "
        "x\r\n\r\n" +
        kGet);
    const std::string head = co_await hear_until("\r\n\r\n");
    EXPECT_NE(head.find("Content-Length: 8\r\n"), std::string::npos);
    const std::string stream = co_await hear_until("\r\n\r\n");
    EXPECT_NE(stream.find("Transfer-Encoding: chunked\r\n"), std::string::npos);
    const std::string empty = co_await hear_until("\r\n\r\n");
    EXPECT_TRUE(empty.starts_with("HTTP/1.1 204 No Content\r\n")) << empty;
    EXPECT_EQ(empty.find("Content-Length"), std::string::npos);
    const std::string last = co_await hear_until("GET /a ");
    EXPECT_TRUE(last.starts_with("HTTP/1.1 200 OK\r\n")) << last;
}

TEST_F(HttpServerTest, SendsNoBodyWhereNoneMayBe) {
    serve();
    run(head_and_no_content());
}

Task<void> HttpServerTest::streams() {
    co_await connect();
    co_await say("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n" + kGet);
    const std::string head = co_await hear_until("\r\n\r\n");
    EXPECT_NE(head.find("Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"), std::string::npos)
        << head;
    const std::string body = co_await hear_until("0\r\n\r\n");
    EXPECT_EQ(body, "9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n0\r\n\r\n");
    co_await hear_until("GET /a ");
}

TEST_F(HttpServerTest, StreamsInChunksAndGoesOn) {
    serve();
    run(streams());
}

Task<void> HttpServerTest::unfinished() {
    co_await connect();
    co_await say("GET /half HTTP/1.1\r\nHost: x\r\n\r\n");
    const std::string answer = co_await hear_to_the_end();
    EXPECT_TRUE(answer.ends_with("\r\n\r\n4\r\nhalf\r\n")) << answer;
}

TEST_F(HttpServerTest, NeverMakesAnUnfinishedStreamLookComplete) {
    serve();
    run(unfinished());
}

Task<void> HttpServerTest::leave(bool with_next_request, bool only_half) {
    co_await connect();
    co_await say("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n" + (with_next_request ? kGet : ""));
    while (handler_.running == 0) {
        co_await runtime_.sleep_until(runtime_.now() + 1ms);
    }
    if (only_half) {
        client_.shutdown(tcp::socket::shutdown_send);
    } else {
        client_.close();
    }
    co_await expect_idle();
    EXPECT_LT(handler_.noticed_after, 1s);
    EXPECT_FALSE(handler_.last_write);
    EXPECT_EQ(handler_.last_write.error().code, Errc::kUnavailable);
    EXPECT_EQ(handler_.requests.size(), 1U);
}

TEST_F(HttpServerTest, NoticesThatTheClientLeft) {
    serve();
    run(leave(false, false));
}

TEST_F(HttpServerTest, NoticesThatTheClientClosedItsSide) {
    serve();
    run(leave(false, true));
}

TEST_F(HttpServerTest, NoticesThatTheClientLeftBehindAnotherRequest) {
    serve();
    run(leave(true, false));
}

Task<void> HttpServerTest::read_nothing() {
    co_await connect();
    co_await say("GET /flood HTTP/1.1\r\nHost: x\r\n\r\n");
    co_await expect_idle();
    EXPECT_FALSE(handler_.last_write);
    EXPECT_EQ(handler_.last_write.error().code, Errc::kUnavailable);
}

TEST_F(HttpServerTest, CutsAClientThatStopsReading) {
    HttpServerOptions options;
    options.write_timeout = 20ms;
    serve(options);
    run(read_nothing());
}

Task<void> HttpServerTest::too_many() {
    co_await connect();
    co_await say("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
    while (handler_.running == 0) {
        co_await runtime_.sleep_until(runtime_.now() + 1ms);
    }
    tcp::socket first = std::move(client_);
    co_await expect_refusal("", "503", "too_many_connections");
    first.close();
    co_await expect_idle();
    co_await connect();
    co_await say(kGet);
    co_await hear_until("GET /a ");
}

TEST_F(HttpServerTest, RefusesConnectionsBeyondTheLimit) {
    HttpServerOptions options;
    options.connections_max = 1;
    serve(options);
    run(too_many());
}

Task<void> HttpServerTest::make_room() {
    co_await connect();
    co_await say("GET /never-ends HTTP/1.1\r\nHo");
    tcp::socket slow = std::move(client_);
    co_await connect();
    co_await say(kGet);
    co_await hear_until("GET /a ");
    tcp::socket served = std::move(client_);
    co_await connect();
    co_await say(kGet);
    co_await hear_until("GET /a ");
    client_.close();
    client_ = std::move(slow);
    const std::string nothing = co_await hear_to_the_end();
    EXPECT_EQ(nothing, "");
    client_ = std::move(served);
    co_await say(kGet);
    co_await hear_until("GET /a ");
}

TEST_F(HttpServerTest, CutsWhoOwesARequestForLongestWhenAllPlacesAreTaken) {
    HttpServerOptions options;
    options.connections_max = 2;
    serve(options);
    run(make_room());
}

Task<void> HttpServerTest::bad_handlers() {
    co_await expect_refusal("GET /silent HTTP/1.1\r\nHost: x\r\n\r\n", "500", "internal_error");
    co_await expect_refusal("GET /inject HTTP/1.1\r\nHost: x\r\n\r\n", "500", "internal_error");
}

TEST_F(HttpServerTest, AnswersForAHandlerThatDidNot) {
    serve();
    run(bad_handlers());
}

Task<void> HttpServerTest::shut_down() {
    co_await connect();
    co_await say(kGet);
    co_await hear_until("GET /a ");
    tcp::socket idle = std::move(client_);
    co_await connect();
    co_await say("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n" + kGet);
    while (handler_.running == 0) {
        co_await runtime_.sleep_until(runtime_.now() + 1ms);
    }
    const auto done = co_await server_->shutdown(runtime_.now() + 5s);
    EXPECT_TRUE(done);
    EXPECT_EQ(server_->connections(), 0U);
    const std::string answer = co_await hear_to_the_end();
    EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos);
    EXPECT_TRUE(answer.ends_with("GET /slow ")) << answer;
    EXPECT_EQ(handler_.requests.size(), 2U);
}

TEST_F(HttpServerTest, ShutsDownWhenWhatWasBegunIsDone) {
    serve();
    run(shut_down());
}

TEST_F(HttpServerTest, RefusesBadOptions) {
    HttpServerOptions options;
    options.address = "nowhere";
    EXPECT_EQ(HttpServer::make(&runtime_, runtime_.executor(), &handler_, options).error().code, Errc::kInvalid);
    serve();
    options = {};
    options.port = server_->port();
    EXPECT_EQ(HttpServer::make(&runtime_, runtime_.executor(), &handler_, options).error().code, Errc::kUnavailable);
}

}  // namespace
}  // namespace vcity::adapters
