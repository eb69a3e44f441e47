// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "adapters/http/failure.hpp"
#include "async/runtime.hpp"
#include "ports/http.hpp"
#include "telemetry/log.hpp"

namespace vcity::adapters {

struct HttpServerOptions {
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;  // 0: the kernel chooses
    // One more takes the place of the connection that has owed a request for longest; where all are being answered it
    // gets 503 and is closed.
    std::size_t connections_max = 4096;
    std::size_t header_bytes_max = 16U << 10U;
    std::size_t body_bytes_max = 1U << 20U;
    // From a request's first byte to the end of its header, and from there to the end of its body. A client that is
    // slower is cut.
    Duration header_timeout = std::chrono::seconds{10};
    Duration request_timeout = std::chrono::seconds{30};
    // A streamed body may take longer by the time that its bytes need at this speed. Only waits for the client count.
    std::uint64_t streamed_bytes_per_second_min = 8U << 10U;
    // Between requests of one connection.
    Duration idle_timeout = std::chrono::seconds{60};
    // For the kernel to take one piece of a response: a client that stops reading is cut after it.
    Duration write_timeout = std::chrono::seconds{30};
    // The answer to a request that never reaches the handler.
    std::function<ports::HttpResponse(const HttpFailure&)> describe_failure = openai_failure;
    Log log{nullptr, "http"};
};

// HTTP/1.1 for clients that may be hostile. Requests of one connection are answered in order, one at a time; the
// handler runs for many connections at once. The strict head check (request_head.hpp) stands before Beast's parser.
class HttpServer {
  public:
    // The executor is that of the runtime; the handler must outlive the server's last request, see shutdown().
    // kInvalid: not an address; kUnavailable: the port is taken.
    static Result<std::unique_ptr<HttpServer>> make(Runtime* runtime,
                                                    const boost::asio::any_io_executor& executor,
                                                    ports::HttpHandler* handler,
                                                    const HttpServerOptions& options);
    // Cuts all connections; handlers still running notice at their next call of the responder.
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    // Accepts nothing more, ends idle connections, and lets requests in progress finish. Those that have not at the
    // deadline are cut. kTimeout when some handler does not return within a second after that: it may still be running.
    Task<Result<void>> shutdown(TimePoint deadline);

    std::uint16_t port() const;
    std::size_t connections() const;

    struct State;

  private:
    explicit HttpServer(std::shared_ptr<State> state) : state_{std::move(state)} {}

    std::shared_ptr<State> state_;
};

}  // namespace vcity::adapters
