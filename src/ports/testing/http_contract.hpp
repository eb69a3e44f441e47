// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "async/runtime.hpp"
#include "async/task_group.hpp"
#include "ports/http.hpp"

// What every pair of an HTTP server and an HttpClient promises. A test binary instantiates the suite with its harness:
//   INSTANTIATE_TYPED_TEST_SUITE_P(Beast, HttpContract, BeastHttpHarness);
namespace vcity::ports::testing {

class HttpHarness {
  public:
    virtual ~HttpHarness() = default;
    virtual Runtime* runtime() = 0;
    virtual HttpClient* client() = 0;
    // Starts a server for the handler and gives its address without a path; called once.
    virtual std::string serve(HttpHandler* handler) = 0;
    virtual std::string dead_address() = 0;
    // Runs the task to its end; a task that does not end fails the test.
    virtual void run(Task<void> test) = 0;

    TimePoint soon() { return runtime()->now() + std::chrono::seconds{5}; }
    TimePoint in_a_moment() { return runtime()->now() + std::chrono::milliseconds{5}; }
};

// Answers with what it was asked; "/stream" in three pieces, "/wait" when the client has gone or after five seconds.
class EchoHandler final : public HttpHandler {
  public:
    explicit EchoHandler(HttpHarness* harness) : harness_{harness} {}

    Task<void> handle(HttpRequest request, HttpResponder* responder) override {
        ++running;
        if (request.target == "/stream") {
            result = co_await stream(responder);
        } else if (request.target == "/wait") {
            co_await wait(responder);
        } else {
            result = co_await responder->respond(echo(request));
        }
        --running;
    }

    int running = 0;
    bool saw_client_leave = false;
    Result<void> result;

  private:
    static HttpResponse echo(const HttpRequest& request) {
        HttpResponse response;
        response.status = request.target == "/missing" ? 404 : 200;
        response.headers.set("X-Method", request.method);
        response.headers.set("X-Target", request.target);
        response.headers.set("X-Seen", std::string{request.headers.get("x-sent")});
        response.body = request.body;
        return response;
    }

    static Task<Result<void>> stream(HttpResponder* responder) {
        HttpResponse head;
        head.status = 202;
        head.headers.set("Content-Type", "text/event-stream");
        CO_TRY_OK(co_await responder->start(head));
        for (const std::string piece : {"one ", "two ", "three"}) {
            CO_TRY_OK(co_await responder->write(piece));
        }
        co_return co_await responder->finish();
    }

    Task<void> wait(HttpResponder* responder) {
        const TimePoint deadline = harness_->soon();
        while (responder->is_connected() && harness_->runtime()->now() < deadline) {
            co_await harness_->runtime()->sleep_until(harness_->in_a_moment());
        }
        saw_client_leave = !responder->is_connected();
        const HttpResponse late;
        result = co_await responder->respond(late);
    }

    HttpHarness* harness_;
};

inline HttpRequest http_request(std::string method, std::string url, std::string body = {}) {
    HttpRequest request;
    request.method = std::move(method);
    request.target = std::move(url);
    request.body = std::move(body);
    return request;
}

inline Task<void> expect_echo(HttpHarness* harness, std::string address, std::string method, std::string body) {
    HttpRequest request = http_request(method, address + "/path?query=1", body);
    request.headers.set("X-Sent", "some text");
    const auto response = co_await harness->client()->send(request, harness->soon());
    EXPECT_TRUE(response) << response.error().message;
    if (!response) co_return;
    EXPECT_EQ(response->status, 200U);
    EXPECT_EQ(response->headers.get("x-method"), method);
    EXPECT_EQ(response->headers.get("x-target"), "/path?query=1");
    EXPECT_EQ(response->headers.get("x-seen"), "some text");
    EXPECT_EQ(response->body, body);
}

inline Task<void> exchange(HttpHarness* harness, std::string address) {
    co_await expect_echo(harness, address, "GET", "");
    co_await expect_echo(harness, address, "POST", "a body");
    co_await expect_echo(harness, address, "POST", std::string(500'000, 'x'));
    co_await expect_echo(harness, address, "DELETE", "");
    const auto missing = co_await harness->client()->send(http_request("GET", address + "/missing"), harness->soon());
    EXPECT_TRUE(missing);
    if (missing) EXPECT_EQ(missing->status, 404U);
    const auto head = co_await harness->client()->send(http_request("HEAD", address + "/path"), harness->soon());
    EXPECT_TRUE(head);
    if (head) EXPECT_EQ(head->body, "");
}

inline Task<void> exchange_many(HttpHarness* harness, std::string address) {
    TaskGroup group{harness->runtime()};
    for (int count = 0; count < 30; ++count) {
        group.spawn(expect_echo(harness, address, "POST", std::to_string(count)));
    }
    const auto joined = co_await group.join(harness->soon());
    EXPECT_TRUE(joined);
}

inline Task<void> read_stream(HttpHarness* harness, std::string address) {
    auto opened = co_await harness->client()->open(http_request("GET", address + "/stream"), harness->soon());
    EXPECT_TRUE(opened) << opened.error().message;
    if (!opened) co_return;
    const std::unique_ptr<HttpStream> stream = *std::move(opened);
    EXPECT_EQ(stream->head().status, 202U);
    EXPECT_EQ(stream->head().headers.get("content-type"), "text/event-stream");
    std::string text;
    while (true) {
        const auto piece = co_await stream->read(harness->soon());
        EXPECT_TRUE(piece);
        if (!piece || piece->empty()) break;
        text += *piece;
    }
    EXPECT_EQ(text, "one two three");
    const auto after_the_end = co_await stream->read(harness->soon());
    EXPECT_TRUE(after_the_end && after_the_end->empty());
}

inline Task<void> give_up(HttpHarness* harness, std::string address, EchoHandler* handler) {
    // Long enough for the request to arrive on a busy machine.
    const TimePoint patience = harness->runtime()->now() + std::chrono::milliseconds{200};
    const auto late = co_await harness->client()->send(http_request("GET", address + "/wait"), patience);
    EXPECT_FALSE(late);
    if (!late) EXPECT_EQ(late.error().code, Errc::kTimeout);
    const TimePoint deadline = harness->soon();
    while (handler->running > 0 && harness->runtime()->now() < deadline) {
        co_await harness->runtime()->sleep_until(harness->in_a_moment());
    }
    EXPECT_TRUE(handler->saw_client_leave);
    co_await expect_echo(harness, address, "GET", "");
}

inline Task<void> ask_nobody(HttpHarness* harness) {
    const std::string address = harness->dead_address();
    const auto response = co_await harness->client()->send(http_request("GET", address + "/"), harness->soon());
    EXPECT_FALSE(response);
    if (!response) EXPECT_EQ(response.error().code, Errc::kUnavailable);
}

inline Task<void> ask_nonsense(HttpHarness* harness, std::string address) {
    HttpRequest split = http_request("GET", address + "/");
    split.headers.set("X-Sent", "a\r\nX-Other: b");
    HttpRequest named = http_request("GET", address + "/");
    named.headers.set("X Sent", "a");
    for (const HttpRequest& request : {http_request("GET", "/no-address"), http_request("GET", address + "/ HTTP/1.1"),
                                       http_request("G T", address + "/"), split, named}) {
        const auto response = co_await harness->client()->send(request, harness->soon());
        EXPECT_FALSE(response);
        if (!response) EXPECT_EQ(response.error().code, Errc::kInvalid);
    }
}

template <class Harness>
class HttpContract : public ::testing::Test {
  protected:
    Harness harness_;
    EchoHandler handler_{&harness_};
};

TYPED_TEST_SUITE_P(HttpContract);

TYPED_TEST_P(HttpContract, CarriesRequestsAndAnswers) {
    this->harness_.run(exchange(&this->harness_, this->harness_.serve(&this->handler_)));
}
TYPED_TEST_P(HttpContract, CarriesManyAtATime) {
    this->harness_.run(exchange_many(&this->harness_, this->harness_.serve(&this->handler_)));
}
TYPED_TEST_P(HttpContract, Streams) {
    this->harness_.run(read_stream(&this->harness_, this->harness_.serve(&this->handler_)));
    EXPECT_TRUE(this->handler_.result);
}
TYPED_TEST_P(HttpContract, HandlerNoticesAClientThatGaveUp) {
    this->harness_.run(give_up(&this->harness_, this->harness_.serve(&this->handler_), &this->handler_));
}
TYPED_TEST_P(HttpContract, AskingNobodyIsUnavailable) {
    this->harness_.run(ask_nobody(&this->harness_));
}
TYPED_TEST_P(HttpContract, NonsenseIsNotSent) {
    this->harness_.run(ask_nonsense(&this->harness_, this->harness_.serve(&this->handler_)));
}

REGISTER_TYPED_TEST_SUITE_P(HttpContract,
                            CarriesRequestsAndAnswers,
                            CarriesManyAtATime,
                            Streams,
                            HandlerNoticesAClientThatGaveUp,
                            AskingNobodyIsUnavailable,
                            NonsenseIsNotSent);

}  // namespace vcity::ports::testing
