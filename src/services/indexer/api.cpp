// SPDX-License-Identifier: Apache-2.0
#include "services/indexer/api.hpp"

#include <optional>
#include <utility>

#include "codec/hex.hpp"
#include "codec/integer.hpp"
#include "codec/json.hpp"
#include "services/common/http_text.hpp"
#include "services/indexer/draft.hpp"
#include "services/indexer/queries.hpp"

namespace vcity::indexer {
namespace {

constexpr std::uint64_t kPageDefault = 100;
constexpr std::uint64_t kPageMax = 1'000;
constexpr std::string_view kAccounts = "/api/v1/accounts/";
constexpr std::string_view kCaps = "/api/v1/caps/";

Result<std::uint64_t> limit_of(const std::string& target) {
    const std::string_view text = services::query_of(target, "limit");
    if (text.empty()) return kPageDefault;
    const Result<std::uint64_t> limit = codec::parse_decimal(text);
    if (!limit || *limit == 0 || *limit > kPageMax) {
        return make_error(Errc::kInvalid, "limit must be between 1 and 1000");
    }
    return *limit;
}

std::optional<std::string_view> list_prefix(std::string_view path) {
    if (path == "/api/v1/nodes") return kNodePrefix;
    if (path == "/api/v1/batches") return kBatchPrefix;
    if (path == "/api/v1/events") return kEventPrefix;
    return std::nullopt;
}

unsigned status_of(Errc code) {
    switch (code) {
        case Errc::kInvalid: return 400;
        case Errc::kNotFound: return 404;
        case Errc::kDenied: return 405;
        case Errc::kExhausted:
        case Errc::kUnavailable:
        case Errc::kTimeout: return 503;
        case Errc::kConflict:
        case Errc::kCorrupt:
        case Errc::kInternal: return 500;
    }
    return 500;
}

ports::HttpResponse problem(const Error& error) {
    const unsigned status = status_of(error.code);
    ports::HttpResponse response = services::json_response(codec::JsonObject{
        {"type", "about:blank"}, {"title", to_string(error.code)}, {"status", status}, {"detail", error.message}});
    response.status = status;
    response.headers.set("content-type", "application/problem+json");
    return response;
}

codec::Json conservation_json(const Conservation& sums) {
    return codec::JsonObject{
        {"deposited", sums.deposited.micro},
        {"compensated", sums.compensated.micro},
        {"available", sums.available.micro},
        {"locked", sums.locked.micro},
        {"pools", sums.pools.micro},
        {"paid", sums.paid.micro},
        {"fees", sums.fees.micro},
        {"withdrawn", sums.withdrawn.micro},
        {"prepaid", sums.prepaid.micro},
        {"came_in", codec::to_decimal(sums.came_in())},
        {"accounted_for", codec::to_decimal(sums.accounted_for())},
        {"holds", sums.holds()},
    };
}

// The stored form of an address or id: 0x, then hex digits of either case.
template <class Fixed>
Result<std::string> key_of(std::string_view prefix, std::string_view text) {
    TRY(const Fixed id, codec::parse_fixed<Fixed>(text));
    return std::string{prefix} + codec::to_hex(id).substr(2);
}

}  // namespace

Task<void> IndexerApi::handle(ports::HttpRequest request, ports::HttpResponder* responder) {
    Result<codec::Json> json = make_error(Errc::kDenied, "only GET is answered here");
    if (request.method == "GET") {
        json = co_await answer(request.target);
    }
    if (!json && status_of(json.error().code) >= 500) log_.warn("query_failed", {{"reason", json.error().message}});
    ports::HttpResponse response = json ? services::json_response(*json) : problem(json.error());
    // A client that has gone needs no answer.
    (void)co_await responder->respond(std::move(response));
}

Task<Result<codec::Json>> IndexerApi::answer(std::string target) {
    const std::string path{services::path_of(target)};
    const std::optional<std::string_view> prefix = list_prefix(path);
    if (prefix) {
        std::string name{*prefix};
        co_return co_await list(std::move(name), std::move(target));
    }
    if (path == "/api/v1/totals") {
        co_return co_await totals();
    }
    if (path == "/health") co_return codec::JsonObject{{"status", "ok"}};
    if (path.starts_with(kAccounts)) {
        CO_TRY(std::string key, key_of<Address>(kAccountPrefix, path.substr(kAccounts.size())));
        co_return co_await one(std::move(key));
    }
    if (path.starts_with(kCaps)) {
        CO_TRY(std::string key, key_of<CapId>(kCapPrefix, path.substr(kCaps.size())));
        co_return co_await one(std::move(key));
    }
    co_return make_error(Errc::kNotFound, "there is nothing at " + path.substr(0, 128));
}

Task<Result<codec::Json>> IndexerApi::list(std::string prefix, std::string target) {
    CO_TRY(const std::uint64_t limit, limit_of(target));
    std::string cursor{services::query_of(target, "cursor")};
    CO_TRY(Page page, co_await page_of(store_, std::move(prefix), std::move(cursor), limit));
    codec::Json json = codec::JsonObject{{"data", std::move(page.items)}};
    json.set("next_cursor", page.next.empty() ? codec::Json{} : codec::Json{page.next});
    co_return json;
}

Task<Result<codec::Json>> IndexerApi::one(std::string key) {
    CO_TRY(codec::Json json, co_await record(store_, std::move(key)));
    if (json.is_null()) co_return make_error(Errc::kNotFound, "the chain knows nothing of it");
    co_return json;
}

Task<Result<codec::Json>> IndexerApi::totals() {
    std::string totals_key{kTotalsKey};
    std::string head_key{kHeadKey};
    CO_TRY(const Conservation sums, co_await conservation(store_));
    CO_TRY(codec::Json json, co_await record(store_, std::move(totals_key)));
    CO_TRY(const codec::Json head, co_await record(store_, std::move(head_key)));
    json.set("block", number_of(head, "number"));
    json.set("conservation", conservation_json(sums));
    co_return json;
}

}  // namespace vcity::indexer
