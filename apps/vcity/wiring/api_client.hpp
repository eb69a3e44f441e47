// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "adapters/runtime_asio/runtime.hpp"
#include "cli/settings.hpp"
#include "codec/json.hpp"
#include "ports/http.hpp"

namespace vcity::wiring {

// Talks to a gateway or an indexer as its user does. Errors carry the server's own message; statuses become codes:
// 400 kInvalid, 401 and 403 kDenied, 402 kExhausted with "payment" in front, 404 kNotFound, 409 kConflict,
// 429 and 503 kExhausted, the rest kUnavailable.
class ApiClient {
  public:
    // key may be empty.
    ApiClient(adapters::AsioRuntime* runtime, std::string base_url, std::string key);
    ~ApiClient();

    Task<Result<codec::Json>> get(std::string path);
    Task<Result<codec::Json>> post(std::string path, codec::Json body);
    // With an Idempotency-Key; empty: none.
    Task<Result<codec::Json>> post_once(std::string path, codec::Json body, std::string idempotency_key);
    Task<Result<codec::Json>> patch(std::string path, codec::Json body);
    Task<Result<codec::Json>> remove(std::string path);
    // A body in pieces, of that type; until the deadline.
    Task<Result<codec::Json>> upload(std::string path,
                                     std::string content_type,
                                     ports::HttpBody* body,
                                     TimePoint until);
    // The head of an answer with 200 or 206, whose body is read from it; from: bytes of the file that are there
    // already.
    Task<Result<std::unique_ptr<ports::HttpStream>>> download(std::string path, std::uint64_t from);
    // Server-sent events: calls back with every data line but [DONE]; an error event ends it with that error.
    Task<Result<void>> stream(std::string path, codec::Json body, std::function<void(const codec::Json&)> on_event);

  private:
    ports::HttpRequest request(std::string method, const std::string& path, std::string body) const;
    Task<Result<codec::Json>> exchange(ports::HttpRequest request);

    adapters::AsioRuntime* runtime_;
    std::string base_url_;
    std::string key_;
    std::unique_ptr<ports::HttpClient> http_;
};

// A client of the gateway of these settings, with the key from its key file.
Result<std::unique_ptr<ApiClient>> gateway_client(adapters::AsioRuntime* runtime, const cli::Settings& settings);

}  // namespace vcity::wiring
