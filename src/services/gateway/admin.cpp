// SPDX-License-Identifier: Apache-2.0
// The admin endpoints of the gateway: who may use it, on whose cap. They are an HTTP interface and not a file format
// because the store has one owner; the CLI calls them with the token that the gateway wrote beside its store.
#include <utility>

#include "base/secret.hpp"
#include "codec/hex.hpp"
#include "crypto/sha256.hpp"
#include "services/common/http_text.hpp"
#include "services/gateway/gateway.hpp"

namespace vcity::gateway {
namespace {

ApiError api_error(ErrorCode code, std::string message, std::string param = {}) {
    ApiError error;
    error.code = code;
    error.message = std::move(message);
    error.param = std::move(param);
    return error;
}

ApiError to_api_error(const Error& error) {
    switch (error.code) {
        case Errc::kInvalid:
        case Errc::kDenied:
        case Errc::kExhausted: return api_error(ErrorCode::kInvalidValue, error.message);
        case Errc::kNotFound: return api_error(ErrorCode::kApiKeyNotFound, error.message);
        case Errc::kConflict:
        case Errc::kUnavailable:
        case Errc::kTimeout:
        case Errc::kCorrupt:
        case Errc::kInternal: return api_error(ErrorCode::kInternalError, error.message);
    }
    return api_error(ErrorCode::kInternalError, error.message);
}

}  // namespace

Refusal Gateway::check_admin(const Exchange& exchange) const {
    if (options_.admin_loopback_only && !services::is_loopback(exchange.request.remote)) {
        return api_error(ErrorCode::kAdminNotLocal, "the admin endpoints answer on the gateway's own machine only");
    }
    constexpr std::string_view kScheme = "Bearer ";
    std::string_view presented = exchange.request.headers.get("authorization");
    if (presented.starts_with(kScheme)) presented.remove_prefix(kScheme.size());
    // Digests have one length, so the comparison tells nothing about the token's.
    const Hash expected = crypto::sha256(admin_token_.reveal());
    const Hash given = crypto::sha256(as_bytes(presented));
    const bool is_right = !admin_token_.reveal().empty() && equal_constant_time(expected.view(), given.view());
    if (is_right) return std::nullopt;
    return api_error(ErrorCode::kInvalidAdminToken, "the admin token is not valid");
}

Task<ApiResult<ports::HttpResponse>> Gateway::admin_keys(Exchange* exchange) {
    if (exchange->request.method == "GET") {
        codec::JsonArray data;
        for (const KeyRecord& record : keys_.list()) data.push_back(to_public_json(record));
        co_return services::json_response(codec::JsonObject{{"object", "list"}, {"data", std::move(data)}});
    }
    ApiResult<codec::Json> body = parse_body(exchange->request.body, options_.limits);
    if (!body) co_return std::move(body).error();
    Result<KeyTerms> terms = parse_key_terms(*body);
    if (!terms) co_return to_api_error(terms.error());
    const Result<NewKey> created = co_await keys_.create(*std::move(terms));
    if (!created) co_return to_api_error(created.error());
    log_.info("api_key_created", {{"id", created->record.id()}});
    codec::Json json = to_public_json(created->record);
    json.set("key", created->key);
    ports::HttpResponse response = services::json_response(json);
    response.status = 201;
    // The one time the key is seen: no cache may keep it.
    response.headers.set("cache-control", "no-store");
    co_return response;
}

Task<ApiResult<ports::HttpResponse>> Gateway::admin_key(Exchange* exchange) {
    const std::string id{services::path_of(exchange->request.target).substr(kAdminKeyPath.size())};
    const Result<void> revoked = co_await keys_.revoke(id);
    if (!revoked) co_return to_api_error(revoked.error());
    log_.info("api_key_revoked", {{"id", id}});
    co_return services::json_response(codec::JsonObject{{"id", id}, {"revoked", true}});
}

}  // namespace vcity::gateway
