// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "async/runtime.hpp"
#include "ports/http.hpp"

namespace vcity::adapters {

struct HttpClientOptions {
    // For one server (scheme, host and port). Requests beyond the first limit wait until their deadline.
    std::size_t connections_per_host_max = 64;
    std::size_t idle_connections_per_host_max = 8;
    Duration idle_timeout = std::chrono::seconds{30};
    std::size_t header_bytes_max = 16U << 10U;
    std::size_t body_bytes_max = 64U << 20U;
    // PEM file with the authorities that https servers are checked against; empty: those of the system.
    std::string authorities_file;
    // Asked for every address that a name stands for, with the server as "https://host:port" (without the port where it
    // is the scheme's own) and the address as text. Only those with a yes are connected to; none: all are.
    std::function<bool(const std::string& server, const std::string& address)> may_connect;
};

// Speaks HTTP/1.1 to http and https servers and keeps connections for the next request. Redirects are answers like any
// other. Errors: kInvalid for a request that cannot be sent, kUnavailable when the server cannot be reached or breaks
// off, kTimeout at the deadline, kCorrupt for what is not HTTP, kExhausted for an answer beyond the limits, kDenied
// when no address of the server may be connected to.
//
// A request is sent twice only if it is a GET or HEAD and a kept connection ended before the first byte of an answer.
class BeastHttpClient final : public ports::HttpClient {
  public:
    // Runs on the runtime of whoever awaits, which must be this one. kInvalid: the authorities cannot be read.
    static Result<std::unique_ptr<BeastHttpClient>> make(Runtime* runtime, const HttpClientOptions& options);
    ~BeastHttpClient() override;
    BeastHttpClient(const BeastHttpClient&) = delete;
    BeastHttpClient& operator=(const BeastHttpClient&) = delete;

    Task<Result<ports::HttpResponse>> send(ports::HttpRequest request, TimePoint deadline) override;
    // The deadline is for the head of the answer. A stream may outlive its client.
    Task<Result<std::unique_ptr<ports::HttpStream>>> open(ports::HttpRequest request, TimePoint deadline) override;
    // The whole exchange ends at the deadline.
    Task<Result<ports::HttpResponse>> upload(ports::HttpRequest request,
                                             ports::HttpBody* body,
                                             TimePoint deadline) override;

  private:
    class Pool;
    class Stream;
    explicit BeastHttpClient(std::shared_ptr<Pool> pool) : pool_{std::move(pool)} {}

    std::shared_ptr<Pool> pool_;
};

}  // namespace vcity::adapters
