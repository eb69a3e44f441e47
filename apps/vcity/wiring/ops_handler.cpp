// SPDX-License-Identifier: Apache-2.0
#include "wiring/ops_handler.hpp"

namespace vcity::wiring {
namespace {

ports::HttpResponse json_response(unsigned status, std::string body) {
    ports::HttpResponse response{.status = status, .headers = {}, .body = std::move(body)};
    response.headers.set("Content-Type", "application/json");
    return response;
}

}  // namespace

ports::HttpResponse OpsHandler::answer(const ports::HttpRequest& request) const {
    if (request.method != "GET" && request.method != "HEAD") return json_response(405, R"({"error":"only GET"})");
    if (request.target == "/healthz") return json_response(200, R"({"status":"alive"})");
    if (request.target == "/readyz") {
        const bool is_ready = is_ready_ && is_ready_();
        return json_response(is_ready ? 200 : 503, is_ready ? R"({"status":"ready"})" : R"({"status":"not ready"})");
    }
    if (request.target == "/metrics") {
        ports::HttpResponse response{.status = 200, .headers = {}, .body = expose_metrics_()};
        response.headers.set("Content-Type", "text/plain; version=0.0.4");
        return response;
    }
    if (request.target == "/status" && status_) return json_response(200, status_());
    return json_response(404, R"({"error":"there are /healthz, /readyz and /metrics"})");
}

Task<void> OpsHandler::handle(ports::HttpRequest request, ports::HttpResponder* responder) {
    // A client that went away is no matter for a health port.
    const Result<void> ignored = co_await responder->respond(answer(request));
    static_cast<void>(ignored);
}

}  // namespace vcity::wiring
