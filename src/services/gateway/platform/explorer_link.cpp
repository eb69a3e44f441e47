// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/platform/explorer_link.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "services/common/http_text.hpp"

namespace vcity::gateway {
namespace {

constexpr std::array<std::string_view, 6> kParameters = {"limit", "cursor", "kind", "address", "from", "to"};
constexpr std::size_t kTargetMax = 1024;
constexpr unsigned kStatusOk = 200;
constexpr unsigned kStatusInvalid = 400;
constexpr unsigned kStatusNotFound = 404;

bool is_plain(std::string_view text, bool with_slashes) {
    return std::ranges::all_of(text, [with_slashes](char letter) {
        const bool is_digit = letter >= '0' && letter <= '9';
        const bool is_letter = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
        return is_digit || is_letter || letter == '_' || letter == '-' || (!with_slashes && letter == '.') ||
               (with_slashes && letter == '/');
    });
}

ApiError refusal(ErrorCode code, std::string message) {
    ApiError error;
    error.code = code;
    error.message = std::move(message);
    return error;
}

// What the indexer says about its refusal (RFC 9457).
std::string detail_of(const std::string& body) {
    const Result<codec::Json> problem = codec::parse_json(body);
    const codec::Json* detail = problem ? problem->find("detail") : nullptr;
    const std::string* text = detail != nullptr ? detail->get_string() : nullptr;
    return text != nullptr ? text->substr(0, 256) : "the explorer refused the request";
}

}  // namespace

std::optional<std::string> explorer_target(std::string_view target) {
    const std::string_view path = services::path_of(target);
    if (target.size() > kTargetMax || !is_plain(path, true)) return std::nullopt;
    std::string known{path};
    char mark = '?';
    for (const std::string_view name : kParameters) {
        const std::string_view value = services::query_of(target, name);
        if (value.empty()) continue;
        if (!is_plain(value, false)) return std::nullopt;
        known.push_back(mark);
        known.append(name).append("=").append(value);
        mark = '&';
    }
    return known;
}

Task<ApiResult<ports::HttpResponse>> ExplorerLink::pass(std::string target) {
    if (!is_there()) {
        co_return refusal(ErrorCode::kExplorerUnavailable, "this gateway was started without an indexer");
    }
    const std::optional<std::string> known = explorer_target(target);
    if (!known) {
        co_return refusal(ErrorCode::kInvalidValue, "the path or a parameter holds letters that nothing here has");
    }
    ports::HttpRequest request;
    request.method = "GET";
    request.target = options_.origin + *known;
    const TimePoint deadline = runtime_->now() + options_.patience;
    Result<ports::HttpResponse> answer = co_await client_->send(std::move(request), deadline);
    if (!answer || answer->body.size() > options_.answer_bytes_max) {
        co_return refusal(ErrorCode::kExplorerUnavailable, "the explorer's database does not answer now");
    }
    if (answer->status == kStatusInvalid) co_return refusal(ErrorCode::kInvalidValue, detail_of(answer->body));
    if (answer->status == kStatusNotFound) co_return refusal(ErrorCode::kRecordNotFound, detail_of(answer->body));
    if (answer->status != kStatusOk) {
        co_return refusal(ErrorCode::kExplorerUnavailable, "the explorer's database cannot answer now");
    }
    ports::HttpResponse response;
    response.headers.set("content-type", "application/json");
    response.body = std::move(answer->body);
    co_return response;
}

Task<ApiResult<codec::Json>> ExplorerLink::read(std::string target) {
    ApiResult<ports::HttpResponse> response = co_await pass(std::move(target));
    if (!response) co_return std::move(response).error();
    Result<codec::Json> json = codec::parse_json(response->body);
    if (!json) co_return refusal(ErrorCode::kExplorerUnavailable, "the explorer's database answered no JSON");
    co_return *std::move(json);
}

}  // namespace vcity::gateway
