// SPDX-License-Identifier: Apache-2.0
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include "adapters/http/client.hpp"
#include "adapters/http/server.hpp"
#include "adapters/runtime_asio/runtime.hpp"

// Bodies that are read and sent in pieces.
namespace vcity::adapters {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ports::HttpRequest;
using ports::HttpResponder;
using ports::HttpResponse;
using namespace std::chrono_literals;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::uint64_t kBytesMax = 3U << 20U;

// Streams what comes to /up, /refuse (answered unread) and /one (one piece only).
class Receiver final : public ports::HttpHandler {
  public:
    std::optional<std::uint64_t> streams_body(const HttpRequest& head) const override {
        return head.target == "/whole" ? std::nullopt : std::optional{kBytesMax};
    }
    Task<void> handle(HttpRequest request, HttpResponder* responder) override {
        HttpResponse response;
        result = {};
        std::string seen = request.body;
        while (request.target == "/up" || (request.target == "/one" && seen.empty())) {
            Result<std::string> piece = co_await responder->read_body();
            if (!piece) result = piece.error();
            if (!piece || piece->empty()) break;
            piece_bytes_max = std::max(piece_bytes_max, piece->size());
            seen += *piece;
        }
        ++handled;
        response.status = result ? 200 : 400;
        response.body = std::to_string(seen.size()) + " " + seen.substr(0, 8);
        (void)co_await responder->respond(std::move(response));
    }

    Result<void> result;
    std::size_t piece_bytes_max = 0;
    int handled = 0;
};

class Letters final : public ports::HttpBody {
  public:
    Letters(std::uint64_t says, std::uint64_t has) : says_{says}, left_{has} {}
    std::uint64_t bytes() const override { return says_; }
    Task<Result<std::string>> read() override {
        const std::uint64_t size = std::min<std::uint64_t>(left_, 100'000);
        left_ -= size;
        sent += size;
        co_return std::string(size, 'x');
    }

    std::uint64_t sent = 0;

  private:
    std::uint64_t says_;
    std::uint64_t left_;
};

class StreamedBody : public testing::Test {
  protected:
    static Task<int> finish(Task<void> test) {
        co_await std::move(test);
        co_return 0;
    }
    Task<void> stop_late() {
        co_await runtime_.sleep_until(runtime_.now() + 20s);
        runtime_.stop();
    }
    void run(Task<void> test) {
        runtime_.spawn(stop_late());
        ASSERT_EQ(runtime_.run_to_completion(finish(std::move(test))), 0);
    }
    void serve(HttpServerOptions options) {
        server_ = HttpServer::make(&runtime_, runtime_.executor(), &receiver_, options).value();
    }
    std::string url(const std::string& path) { return "http://127.0.0.1:" + std::to_string(server_->port()) + path; }
    TimePoint soon() { return runtime_.now() + 5s; }

    Task<Result<HttpResponse>> send(std::string path, Letters* body) {
        HttpRequest request;
        request.method = "POST";
        request.target = url(path);
        return client_->upload(std::move(request), body, soon());
    }

    // What the server says to these bytes until it closes.
    Task<std::string> say(std::vector<std::string> parts, Duration pause) {
        tcp::socket socket{runtime_.executor()};
        const tcp::endpoint server{asio::ip::make_address("127.0.0.1"), server_->port()};
        co_await socket.async_connect(server, kAwait);
        for (const std::string& part : parts) {
            co_await asio::async_write(socket, asio::buffer(part), kAwait);
            co_await runtime_.sleep_until(runtime_.now() + pause);
        }
        std::string heard;
        co_await asio::async_read(socket, asio::dynamic_buffer(heard), kAwait);
        co_return heard;
    }

    Task<void> upload_much();
    Task<void> upload_too_much();
    Task<void> answer_unread();
    Task<void> lie_about_length();
    Task<void> speak_by_hand();
    Task<void> be_slow();
    Task<void> avoid_addresses();

    AsioRuntime runtime_;
    Receiver receiver_;
    std::unique_ptr<HttpServer> server_ = HttpServer::make(&runtime_, runtime_.executor(), &receiver_, {}).value();
    std::unique_ptr<BeastHttpClient> client_ = BeastHttpClient::make(&runtime_, {}).value();
};

Task<void> StreamedBody::upload_much() {
    Letters body{kBytesMax, kBytesMax};
    const auto answer = co_await send("/up", &body);
    EXPECT_TRUE(answer) << answer.error().message;
    if (answer) EXPECT_EQ(answer->body, std::to_string(kBytesMax) + " xxxxxxxx");
    EXPECT_LE(receiver_.piece_bytes_max, 64U << 10U);
    EXPECT_GT(kBytesMax, HttpServerOptions{}.body_bytes_max) << "more than a whole body may have";
    // The connection is good for another one.
    Letters none{0, 0};
    const auto empty = co_await send("/up", &none);
    EXPECT_TRUE(empty);
    if (empty) EXPECT_EQ(empty->body, "0 ");
    Letters whole{5, 5};
    const auto small = co_await send("/whole", &whole);
    EXPECT_TRUE(small);
    if (small) EXPECT_EQ(small->body, "5 xxxxx");
}

TEST_F(StreamedBody, ComesInPiecesBeyondTheBoundOfWholeOnes) {
    run(upload_much());
}

Task<void> StreamedBody::upload_too_much() {
    Letters body{kBytesMax + 1, kBytesMax + 1};
    const auto answer = co_await send("/up", &body);
    EXPECT_TRUE(answer) << answer.error().message;
    if (answer) EXPECT_EQ(answer->status, 413U);
    EXPECT_EQ(receiver_.handled, 0);
}

TEST_F(StreamedBody, IsRefusedUnreadWhenItsLengthIsTooLarge) {
    run(upload_too_much());
}

Task<void> StreamedBody::answer_unread() {
    for (const std::string path : {"/refuse", "/one"}) {
        Letters body{kBytesMax, kBytesMax};
        const auto answer = co_await send(path, &body);
        EXPECT_TRUE(answer) << answer.error().message;
        if (answer) EXPECT_EQ(answer->headers.get("connection"), "close");
    }
    EXPECT_EQ(receiver_.handled, 2);
}

TEST_F(StreamedBody, MayBeAnsweredBeforeItsEnd) {
    run(answer_unread());
}

Task<void> StreamedBody::lie_about_length() {
    Letters shorter{100, 50};
    const auto early = co_await send("/up", &shorter);
    EXPECT_FALSE(early);
    if (!early) EXPECT_EQ(early.error().code, Errc::kInvalid);
    Letters longer{100, 150};
    const auto late = co_await send("/up", &longer);
    EXPECT_FALSE(late);
    while (receiver_.handled < 2) {
        co_await runtime_.sleep_until(runtime_.now() + 1ms);
    }
    EXPECT_FALSE(receiver_.result);
    if (!receiver_.result) EXPECT_EQ(receiver_.result.error().code, Errc::kUnavailable);
}

TEST_F(StreamedBody, OfAnotherLengthThanSaidIsNoBody) {
    run(lie_about_length());
}

Task<void> StreamedBody::speak_by_hand() {
    const std::string head = "POST /up HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
    const std::vector<std::string> chunks{head + "Transfer-Encoding: chunked\r\n\r\n", "3\r\nabc\r\n",
                                          "2\r\nde\r\n0\r\n\r\n"};
    std::string heard = co_await say(chunks, 1ms);
    EXPECT_NE(heard.find("5 abcde"), std::string::npos) << heard;

    const std::vector<std::string> asked{head + "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n", "ab"};
    heard = co_await say(asked, 1ms);
    EXPECT_TRUE(heard.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200")) << heard;

    const std::vector<std::string> broken{head + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n"};
    heard = co_await say(broken, 1ms);
    EXPECT_NE(heard.find("400"), std::string::npos) << heard;
    if (!receiver_.result) EXPECT_EQ(receiver_.result.error().code, Errc::kInvalid);

    const std::string large(1U << 20U, 'x');
    const std::vector<std::string> endless{head + "Transfer-Encoding: chunked\r\n\r\n100000\r\n" + large,
                                           "\r\n100000\r\n" + large, "\r\n100000\r\n" + large, "\r\n1\r\nx\r\n"};
    heard = co_await say(endless, 1ms);
    EXPECT_NE(heard.find("400"), std::string::npos) << heard;
    if (!receiver_.result) EXPECT_EQ(receiver_.result.error().code, Errc::kExhausted);
}

TEST_F(StreamedBody, MayBeChunkedAndIsBoundedThen) {
    run(speak_by_hand());
}

Task<void> StreamedBody::be_slow() {
    const std::vector<std::string> parts{"POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\na", "b", "c", "d"};
    const std::string heard = co_await say(parts, 15ms);
    EXPECT_EQ(heard, "");
    EXPECT_EQ(receiver_.handled, 1);
    if (!receiver_.result) EXPECT_EQ(receiver_.result.error().code, Errc::kUnavailable);
    EXPECT_FALSE(receiver_.result);
}

TEST_F(StreamedBody, OfAClientThatIsTooSlowIsCut) {
    HttpServerOptions options;
    options.request_timeout = 40ms;
    serve(options);
    run(be_slow());
}

Task<void> StreamedBody::avoid_addresses() {
    Letters body{5, 5};
    const auto refused = co_await send("/up", &body);
    EXPECT_FALSE(refused);
    if (!refused) EXPECT_EQ(refused.error().code, Errc::kDenied);
    EXPECT_EQ(receiver_.handled, 0);
}

TEST_F(StreamedBody, GoesToNoAddressThatItsClientMustNotReach) {
    std::vector<std::string> asked;
    HttpClientOptions options;
    options.may_connect = [&](const std::string& server, const std::string& address) {
        asked.push_back(server + " " + address);
        return false;
    };
    client_ = BeastHttpClient::make(&runtime_, options).value();
    run(avoid_addresses());
    ASSERT_EQ(asked.size(), 1U);
    EXPECT_EQ(asked[0], url("") + " 127.0.0.1");
}

}  // namespace
}  // namespace vcity::adapters
