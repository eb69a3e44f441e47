// SPDX-License-Identifier: Apache-2.0
#include "wiring/ops_handler.hpp"

#include "crypto/sha256.hpp"
#include "services/common/http_text.hpp"

namespace vcity::wiring {
namespace {

constexpr std::string_view kAdminPrefix = "/admin/";
constexpr std::string_view kBearer = "Bearer ";
constexpr std::size_t kAdminBodyBytesMax = 64U << 10U;

ports::HttpResponse json_response(unsigned status, std::string body) {
    ports::HttpResponse response{.status = status, .headers = {}, .body = std::move(body)};
    response.headers.set("Content-Type", "application/json");
    return response;
}

unsigned status_of(Errc code) {
    switch (code) {
        case Errc::kInvalid: return 400;
        case Errc::kDenied: return 403;
        case Errc::kNotFound: return 404;
        case Errc::kConflict: return 409;
        case Errc::kExhausted: return 429;
        default: return 503;
    }
}

ports::HttpResponse refusal(const Error& error) {
    codec::Json body{codec::JsonObject{}};
    body.set("error", codec::Json{codec::JsonObject{{"message", error.message}}});
    return json_response(status_of(error.code), codec::dump_json(body));
}

}  // namespace

void OpsHandler::set_admin(SecretBytes token, Admin admin) {
    token_ = std::move(token);
    admin_ = std::move(admin);
}

ports::HttpResponse OpsHandler::answer(const ports::HttpRequest& request) const {
    if (request.method != "GET" && request.method != "HEAD") return json_response(405, R"({"error":"only GET"})");
    if (request.target == "/healthz") return json_response(200, R"({"status":"alive"})");
    if (request.target == "/readyz") {
        const bool is_ready = is_ready_ && is_ready_();
        return json_response(is_ready ? 200 : 503, is_ready ? R"({"status":"ready"})" : R"({"status":"not ready"})");
    }
    if (request.target == "/metrics") {
        ports::HttpResponse response;
        for (const auto& expose : expose_) response.body += expose();
        response.headers.set("Content-Type", "text/plain; version=0.0.4");
        return response;
    }
    if (request.target == "/status" && status_) return json_response(200, status_());
    return json_response(404, R"({"error":"there are /healthz, /readyz and /metrics"})");
}

Result<void> OpsHandler::check_admin(const ports::HttpRequest& request) const {
    if (!services::is_loopback(request.remote)) {
        return make_error(Errc::kDenied, "the owner's calls are answered on the node's own machine only");
    }
    // A page in the owner's browser must not steer the node.
    if (request.headers.has("Origin")) return make_error(Errc::kDenied, "no calls from web pages");
    std::string_view given = request.headers.get("Authorization");
    if (!given.starts_with(kBearer)) return make_error(Errc::kDenied, "the owner's token is missing");
    given.remove_prefix(kBearer.size());
    const Hash expected = crypto::sha256(token_.reveal());
    const Hash shown = crypto::sha256(as_bytes(given));
    const bool is_right = !token_.reveal().empty() && equal_constant_time(expected.view(), shown.view());
    if (!is_right) return make_error(Errc::kDenied, "the owner's token is wrong");
    return {};
}

Task<ports::HttpResponse> OpsHandler::answer_admin(ports::HttpRequest request) {
    const Result<void> allowed = check_admin(request);
    if (!allowed) co_return refusal(allowed.error());
    AdminCall call{.method = request.method, .target = request.target, .body = {}};
    if (!request.body.empty()) {
        Result<codec::Json> body = codec::parse_json(request.body, {.bytes_max = kAdminBodyBytesMax, .depth_max = 8});
        if (!body) co_return refusal(body.error());
        call.body = *std::move(body);
    }
    const Result<codec::Json> done = co_await admin_(std::move(call));
    if (!done) co_return refusal(done.error());
    co_return json_response(200, codec::dump_json(*done));
}

Task<void> OpsHandler::handle(ports::HttpRequest request, ports::HttpResponder* responder) {
    ports::HttpResponse response;
    if (admin_ && request.target.starts_with(kAdminPrefix)) {
        response = co_await answer_admin(std::move(request));
    } else {
        response = answer(request);
    }
    // A client that went away is no matter for a health port.
    const Result<void> ignored = co_await responder->respond(std::move(response));
    static_cast<void>(ignored);
}

}  // namespace vcity::wiring
