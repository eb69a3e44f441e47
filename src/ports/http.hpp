// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "async/task.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace vcity::ports {

// Names compare without case.
struct HttpHeaders {
    std::vector<std::pair<std::string, std::string>> fields;

    // The first field of that name; empty when there is none.
    std::string_view get(std::string_view name) const;
    bool has(std::string_view name) const;
    void set(std::string name, std::string value);
};

struct HttpRequest {
    std::string method;  // "GET", ...
    std::string target;  // path and query; for a client the whole URL "http://host:port/path"
    HttpHeaders headers;
    std::string body;
    std::string remote;  // address of the peer, for logs and limits
};

struct HttpResponse {
    unsigned status = 200;
    HttpHeaders headers;
    std::string body;
};

class WebSocket;
struct WebSocketLimits;

// The answer to one request. Exactly one of: respond() once; start(), any number of write(), then finish(); upgrade().
class HttpResponder {
  public:
    virtual ~HttpResponder() = default;
    virtual Task<Result<void>> respond(HttpResponse response) = 0;
    // Sends the head; the body follows in chunks (Transfer-Encoding: chunked).
    virtual Task<Result<void>> start(HttpResponse head) = 0;
    // kUnavailable when the client has gone.
    virtual Task<Result<void>> write(std::string chunk) = 0;
    virtual Task<Result<void>> finish() = 0;
    // False once the client closed its side; known without writing. Not watched while a streamed body arrives.
    virtual bool is_connected() const = 0;
    // The next piece of a streamed body, see HttpHandler::streams_body(); empty at its end, and for any other request.
    // Who does not read on takes no more from the client. kExhausted: it is longer than it may be; kInvalid: it is
    // malformed; kUnavailable: the client has gone or is too slow. A request may be answered before its end.
    virtual Task<Result<std::string>> read_body();
    // Answers a request that asks for a WebSocket; see ports/web_socket.hpp. It must be gone before handle() returns.
    // kInvalid: the request does not ask for one; it is unanswered then. kUnavailable: the client has gone.
    virtual Task<Result<std::unique_ptr<WebSocket>>> upgrade(WebSocketLimits limits);
};

// Called once for every request, many at a time, on the role's runtime. The responder lives until handle() returns.
class HttpHandler {
  public:
    virtual ~HttpHandler() = default;
    // Asked before the body is read. None: the body will be in the request, within the server's own bound. A number of
    // bytes: handle() reads it in pieces, at most so many, and the request's body is empty.
    virtual std::optional<std::uint64_t> streams_body(const HttpRequest& head) const;
    virtual Task<void> handle(HttpRequest request, HttpResponder* responder) = 0;
};

// A response that arrives in pieces.
class HttpStream {
  public:
    virtual ~HttpStream() = default;
    virtual const HttpResponse& head() const = 0;  // without a body
    // The next piece; empty at the end.
    virtual Task<Result<std::string>> read(TimePoint deadline) = 0;
};

// A body that is sent in pieces, once.
class HttpBody {
  public:
    virtual ~HttpBody() = default;
    virtual std::uint64_t bytes() const = 0;  // all of it
    // The next piece; empty at the end. An error ends the request with it.
    virtual Task<Result<std::string>> read() = 0;
};

class HttpClient {
  public:
    virtual ~HttpClient() = default;
    // Any status is a response, not an error. Body at most 64 MiB.
    virtual Task<Result<HttpResponse>> send(HttpRequest request, TimePoint deadline) = 0;
    virtual Task<Result<std::unique_ptr<HttpStream>>> open(HttpRequest request, TimePoint deadline) = 0;
    // send() with that body instead of the request's; kInvalid: this client cannot. The server may answer before it has
    // taken all of it.
    virtual Task<Result<HttpResponse>> upload(HttpRequest request, HttpBody* body, TimePoint deadline);
};

}  // namespace vcity::ports
