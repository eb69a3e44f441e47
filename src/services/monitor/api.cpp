// SPDX-License-Identifier: Apache-2.0
#include "services/monitor/api.hpp"

#include "codec/hex.hpp"
#include "services/common/http_text.hpp"

namespace vcity::monitor {
namespace {

using codec::Json;

constexpr std::string_view kSealPath = "/v1/seals/";

unsigned status_of(Errc code) {
    switch (code) {
        case Errc::kInvalid: return 400;
        case Errc::kNotFound: return 404;
        case Errc::kConflict: return 409;
        case Errc::kDenied: return 403;
        case Errc::kExhausted: return 429;
        case Errc::kUnavailable:
        case Errc::kCorrupt: return 503;
        case Errc::kTimeout: return 504;
        case Errc::kInternal: return 500;
    }
    return 500;
}

ports::HttpResponse failure(const Error& error) {
    Json body;
    body.set("error", Json{}.set("code", to_string(error.code)).set("message", error.message));
    ports::HttpResponse response = services::json_response(body);
    response.status = status_of(error.code);
    return response;
}

Error nothing_here() {
    return make_error(Errc::kNotFound, "there is no such place here");
}

bool is(const ports::HttpRequest& request, std::string_view method, std::string_view path) {
    return request.method == method && services::path_of(request.target) == path;
}

}  // namespace

Task<void> MonitorApi::handle(ports::HttpRequest request, ports::HttpResponder* responder) {
    Result<Json> json = co_await answer(std::move(request));
    ports::HttpResponse response = json ? services::json_response(*json) : failure(json.error());
    // A client that has gone is no matter here.
    const Result<void> ignored = co_await responder->respond(std::move(response));
    static_cast<void>(ignored);
}

Task<Result<Json>> MonitorApi::answer(ports::HttpRequest request) {
    if (is(request, "GET", "/v1/monitor")) co_return seal::to_json(monitor_->statement());
    if (face_ == Face::kNode) co_return answer_node(request);
    co_return co_await answer_verifier(std::move(request));
}

Task<Result<Json>> MonitorApi::answer_verifier(ports::HttpRequest request) {
    if (is(request, "POST", "/v1/evidence")) {
        CO_TRY(const Hash nonce, seal::parse_evidence_request(request.body));
        CO_TRY(const seal::EvidenceReply reply, co_await monitor_->evidence(nonce));
        co_return seal::to_json(reply);
    }
    if (is(request, "GET", "/v1/tpm")) {
        CO_TRY(const ports::TpmIdentity identity, co_await monitor_->identity());
        co_return seal::to_json(identity);
    }
    if (is(request, "POST", "/v1/tpm/activate")) {
        CO_TRY(seal::ActivateRequest wanted, seal::parse_activate_request(request.body));
        CO_TRY(const Bytes credential, co_await monitor_->activate(std::move(wanted)));
        co_return seal::credential_json(credential);
    }
    const std::string_view path = services::path_of(request.target);
    if (request.method == "GET" && path.starts_with(kSealPath)) {
        CO_TRY(const JobId job_id, codec::parse_fixed<JobId>(path.substr(kSealPath.size())));
        CO_TRY(const SignedSeal sealed, monitor_->find_seal(job_id));
        co_return seal::to_json(sealed);
    }
    co_return nothing_here();
}

Result<Json> MonitorApi::answer_node(const ports::HttpRequest& request) {
    if (!services::is_loopback(request.remote)) {
        return make_error(Errc::kDenied, "this listener is for the node of this machine");
    }
    if (!is(request, "POST", "/v1/seals")) return nothing_here();
    TRY(const MonitorSeal wanted, seal::parse_seal_request(request.body));
    TRY(const SignedSeal sealed, monitor_->seal_now(wanted));
    return seal::to_json(sealed);
}

}  // namespace vcity::monitor
