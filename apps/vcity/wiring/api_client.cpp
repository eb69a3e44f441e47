// SPDX-License-Identifier: Apache-2.0
#include "wiring/api_client.hpp"

#include <optional>

#include <fmt/core.h>

#include "cli/output.hpp"
#include "cli/settings.hpp"
#include "wiring/http_client.hpp"

namespace vcity::wiring {
namespace {

using codec::Json;

constexpr std::chrono::seconds kCallPatience{30};
constexpr std::chrono::seconds kStreamPatience{120};
constexpr std::size_t kLineBytesMax = 1U << 20U;

Errc code_of(unsigned status) {
    switch (status) {
        case 400:
        case 422: return Errc::kInvalid;
        case 401:
        case 403: return Errc::kDenied;
        case 404: return Errc::kNotFound;
        case 409: return Errc::kConflict;
        case 402:
        case 429:
        case 503: return Errc::kExhausted;
        default: return Errc::kUnavailable;
    }
}

std::string member_of_error(const Json& json, const char* name) {
    const Json* error = json.find("error");
    const Json* member = error == nullptr ? nullptr : error->find(name);
    return member == nullptr || member->get_string() == nullptr ? std::string{} : *member->get_string();
}

Error to_error(unsigned status, const std::string& body) {
    const auto json = codec::parse_json(body);
    std::string message = json ? member_of_error(*json, "message") : std::string{};
    if (message.empty()) message = fmt::format("the server answered {}", status);
    if (status == 402) message = std::string{cli::kPaymentNeeded} + message;
    return make_error(code_of(status), std::move(message));
}

// Server-sent events from pieces of a body.
class EventLines {
  public:
    void add(std::string_view piece) { buffer_ += piece; }
    bool is_too_long() const { return buffer_.size() > kLineBytesMax; }

    // The payload of the next data line; nullopt when more bytes are needed.
    std::optional<std::string> next() {
        while (true) {
            const std::size_t end = buffer_.find('\n');
            if (end == std::string::npos) return std::nullopt;
            std::string line = buffer_.substr(0, end);
            buffer_.erase(0, end + 1);
            if (line.starts_with("data: ")) return line.substr(6);
        }
    }

  private:
    std::string buffer_;
};

}  // namespace

ApiClient::ApiClient(adapters::AsioRuntime* runtime, std::string base_url, std::string key)
    : runtime_{runtime}, base_url_{std::move(base_url)}, key_{std::move(key)}, http_{make_http_client(runtime)} {}

ApiClient::~ApiClient() = default;

ports::HttpRequest ApiClient::request(std::string method, const std::string& path, std::string body) const {
    ports::HttpRequest result;
    result.method = std::move(method);
    result.target = base_url_ + path;
    result.body = std::move(body);
    if (!key_.empty()) result.headers.set("Authorization", "Bearer " + key_);
    if (!result.body.empty()) result.headers.set("Content-Type", "application/json");
    return result;
}

Task<Result<Json>> ApiClient::exchange(ports::HttpRequest request) {
    const TimePoint deadline = runtime_->now() + kCallPatience;
    CO_TRY(const ports::HttpResponse response, co_await http_->send(std::move(request), deadline));
    if (response.status < 200 || response.status > 299) co_return to_error(response.status, response.body);
    co_return codec::parse_json(response.body);
}

Task<Result<Json>> ApiClient::get(std::string path) {
    ports::HttpRequest outgoing = request("GET", path, "");
    co_return co_await exchange(std::move(outgoing));
}

Task<Result<Json>> ApiClient::post(std::string path, Json body) {
    ports::HttpRequest outgoing = request("POST", path, codec::dump_json(body));
    co_return co_await exchange(std::move(outgoing));
}

Task<Result<Json>> ApiClient::post_once(std::string path, Json body, std::string idempotency_key) {
    ports::HttpRequest outgoing = request("POST", path, codec::dump_json(body));
    if (!idempotency_key.empty()) outgoing.headers.set("Idempotency-Key", std::move(idempotency_key));
    co_return co_await exchange(std::move(outgoing));
}

Task<Result<Json>> ApiClient::patch(std::string path, Json body) {
    ports::HttpRequest outgoing = request("PATCH", path, codec::dump_json(body));
    co_return co_await exchange(std::move(outgoing));
}

Task<Result<Json>> ApiClient::remove(std::string path) {
    ports::HttpRequest outgoing = request("DELETE", path, "");
    co_return co_await exchange(std::move(outgoing));
}

Task<Result<Json>> ApiClient::upload(std::string path,
                                     std::string content_type,
                                     ports::HttpBody* body,
                                     TimePoint until) {
    ports::HttpRequest outgoing = request("POST", path, "");
    outgoing.headers.set("Content-Type", std::move(content_type));
    CO_TRY(const ports::HttpResponse response, co_await http_->upload(std::move(outgoing), body, until));
    if (response.status < 200 || response.status > 299) co_return to_error(response.status, response.body);
    co_return codec::parse_json(response.body);
}

Task<Result<std::unique_ptr<ports::HttpStream>>> ApiClient::download(std::string path, std::uint64_t from) {
    ports::HttpRequest outgoing = request("GET", path, "");
    if (from > 0) outgoing.headers.set("Range", "bytes=" + std::to_string(from) + "-");
    const TimePoint deadline = runtime_->now() + kCallPatience;
    CO_TRY(auto stream, co_await http_->open(std::move(outgoing), deadline));
    const unsigned status = stream->head().status;
    if (status == 200 || status == 206) co_return stream;
    std::string body;
    while (body.size() < kLineBytesMax) {
        CO_TRY(const std::string piece, co_await stream->read(deadline));
        if (piece.empty()) break;
        body += piece;
    }
    co_return to_error(status, body);
}

Task<Result<void>> ApiClient::stream(std::string path, Json body, std::function<void(const Json&)> on_event) {
    ports::HttpRequest outgoing = request("POST", path, codec::dump_json(body));
    const TimePoint deadline = runtime_->now() + kStreamPatience;
    CO_TRY(const auto stream, co_await http_->open(std::move(outgoing), deadline));
    const unsigned status = stream->head().status;
    EventLines lines;
    std::string refused;
    while (true) {
        CO_TRY(const std::string piece, co_await stream->read(deadline));
        if (status != 200) refused += piece;
        if (piece.empty() && status != 200) co_return to_error(status, refused);
        if (piece.empty()) co_return make_error(Errc::kUnavailable, "the answer broke off before its end");
        lines.add(piece);
        if (lines.is_too_long() || refused.size() > kLineBytesMax) {
            co_return make_error(Errc::kCorrupt, "the server sends lines without end");
        }
        while (status == 200) {
            const std::optional<std::string> data = lines.next();
            if (!data) break;
            if (*data == "[DONE]") co_return Result<void>{};
            CO_TRY(const Json event, codec::parse_json(*data));
            const std::string message = member_of_error(event, "message");
            if (!message.empty()) co_return make_error(Errc::kUnavailable, message);
            on_event(event);
        }
    }
}

Result<std::unique_ptr<ApiClient>> gateway_client(adapters::AsioRuntime* runtime, const cli::Settings& settings) {
    std::string key;
    if (!settings.api_key_file.value.empty()) {
        TRY(key, cli::read_file(settings.api_key_file.value, 4096));
    }
    return std::make_unique<ApiClient>(runtime, settings.gateway.value, std::move(key));
}

}  // namespace vcity::wiring
