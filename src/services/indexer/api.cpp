// SPDX-License-Identifier: Apache-2.0
#include "services/indexer/api.hpp"

#include <optional>
#include <utility>

#include "codec/hex.hpp"
#include "codec/integer.hpp"
#include "codec/json.hpp"
#include "services/common/http_text.hpp"
#include "services/indexer/contract_events.hpp"
#include "services/indexer/draft.hpp"
#include "services/indexer/queries.hpp"

namespace vcity::indexer {
namespace {

constexpr std::uint64_t kPageDefault = 100;
constexpr std::uint64_t kPageMax = 1'000;
constexpr std::string_view kNodes = "/api/v1/nodes/";
constexpr std::string_view kAccounts = "/api/v1/accounts/";
constexpr std::string_view kCaps = "/api/v1/caps/";
constexpr std::string_view kStakes = "/api/v1/stakes/";
constexpr std::string_view kProposals = "/api/v1/proposals/";
constexpr std::string_view kCases = "/api/v1/cases/";
constexpr std::string_view kVotes = "/votes";
constexpr std::size_t kKindBytesMax = 64;
constexpr std::size_t kProposalDigitsMax = 78;

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
    if (path == "/api/v1/cases") return kCasePrefix;
    if (path == "/api/v1/fees") return kFeePrefix;
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
    if (path == "/api/v1/events") {
        co_return co_await events(std::move(target));
    }
    if (path == "/api/v1/proposals") {
        co_return co_await proposals(std::move(target));
    }
    if (path == "/api/v1/incentives") {
        co_return co_await incentives(std::move(target));
    }
    if (path.starts_with(kStakes)) {
        std::string address = path.substr(kStakes.size());
        co_return co_await stakes(std::move(address));
    }
    if (path.starts_with(kProposals)) {
        std::string rest = path.substr(kProposals.size());
        co_return co_await proposal(std::move(rest), std::move(target));
    }
    if (path.starts_with(kCases)) {
        std::string id = path.substr(kCases.size());
        co_return co_await court_case(std::move(id));
    }
    if (path == "/health") co_return codec::JsonObject{{"status", "ok"}};
    if (path.starts_with(kNodes)) {
        CO_TRY(std::string key, key_of<Address>(kNodePrefix, path.substr(kNodes.size())));
        co_return co_await one(std::move(key));
    }
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

Task<Result<std::uint64_t>> IndexerApi::chain_time() {
    std::string head_key{kHeadKey};
    CO_TRY(const codec::Json head, co_await record(store_, std::move(head_key)));
    co_return number_of(head, "time");
}

// All, or those of one kind, or those that name one address.
Task<Result<codec::Json>> IndexerApi::events(std::string target) {
    const std::string kind = services::percent_decoded(services::query_of(target, "kind"));
    const std::string_view address = services::query_of(target, "address");
    std::string prefix{kEventPrefix};
    if (!kind.empty() && !address.empty()) co_return make_error(Errc::kInvalid, "events: kind or address, not both");
    if (kind.size() > kKindBytesMax || kind.find('/') != std::string::npos) {
        co_return make_error(Errc::kInvalid, "there is no such kind of event");
    }
    if (!kind.empty()) prefix = std::string{kEventKindPrefix} + kind + "/";
    if (!address.empty()) {
        CO_TRY(const std::string key, key_of<Address>(kEventOfPrefix, address));
        prefix = key + "/";
    }
    co_return co_await list(std::move(prefix), std::move(target));
}

Task<Result<codec::Json>> IndexerApi::stakes(std::string address) {
    CO_TRY(std::string node_key, key_of<Address>(kNodePrefix, address));
    CO_TRY(std::string lock_key, key_of<Address>(kLockPrefix, address));
    CO_TRY(const Address identity, codec::parse_fixed<Address>(address));
    CO_TRY(const codec::Json node, co_await record(store_, std::move(node_key)));
    CO_TRY(codec::Json lock, co_await record(store_, std::move(lock_key)));
    CO_TRY(const std::uint64_t now, co_await chain_time());
    if (!lock.is_null()) lock.set("weight", to_string(lock_weight(lock, now)));
    co_return codec::JsonObject{
        {"address", codec::to_hex(identity)}, {"node", node}, {"lock", std::move(lock)}, {"chain_time", now}};
}

Task<Result<codec::Json>> IndexerApi::proposals(std::string target) {
    std::string prefix{kProposalPrefix};
    CO_TRY(codec::Json page, co_await list(std::move(prefix), std::move(target)));
    CO_TRY(const std::uint64_t now, co_await chain_time());
    codec::JsonArray with_states = *page.find("data")->get_array();
    for (codec::Json& one : with_states) one.set("state", proposal_state(one, now));
    page.set("data", std::move(with_states));
    page.set("chain_time", now);
    co_return page;
}

// rest: "{id}" or "{id}/votes".
Task<Result<codec::Json>> IndexerApi::proposal(std::string rest, std::string target) {
    const bool wants_votes = rest.ends_with(kVotes);
    const std::string id = wants_votes ? rest.substr(0, rest.size() - kVotes.size()) : rest;
    const bool is_number = id.find_first_not_of("0123456789") == std::string::npos;
    if (id.empty() || id.size() > kProposalDigitsMax || !is_number) {
        co_return make_error(Errc::kInvalid, "the id of a proposal is a number");
    }
    if (wants_votes) {
        std::string prefix = std::string{kVotePrefix} + id + "/";
        co_return co_await list(std::move(prefix), std::move(target));
    }
    std::string index = std::string{kProposalIdPrefix} + id;
    CO_TRY(const codec::Json key, co_await one(std::move(index)));
    if (key.get_string() == nullptr) co_return make_error(Errc::kCorrupt, "the index of proposals is broken");
    std::string place = *key.get_string();
    CO_TRY(codec::Json found, co_await one(std::move(place)));
    CO_TRY(const std::uint64_t now, co_await chain_time());
    found.set("state", proposal_state(found, now));
    co_return found;
}

Task<Result<codec::Json>> IndexerApi::incentives(std::string target) {
    std::string prefix{kPeriodPrefix};
    CO_TRY(codec::Json page, co_await list(std::move(prefix), std::move(target)));
    std::string periods{kPeriodPrefix};
    std::string fees{kFeePrefix};
    std::string start;
    CO_TRY(Page newest, co_await page_of(store_, std::move(periods), start, 1));
    CO_TRY(Page fee, co_await page_of(store_, std::move(fees), start, 1));
    const codec::Json* last = newest.items.empty() ? nullptr : &newest.items.front();
    page.set("utilization", last != nullptr ? *last->find("utilization") : codec::Json{});
    page.set("supply_share", last != nullptr ? *last->find("next_supply_share") : codec::Json{});
    page.set("fee_ppm", fee.items.empty() ? codec::Json{} : *fee.items.front().find("fee_ppm"));
    co_return page;
}

Task<Result<codec::Json>> IndexerApi::court_case(std::string id) {
    const Result<std::uint64_t> number = codec::parse_decimal(id);
    if (!number) co_return make_error(Errc::kInvalid, "the id of a case is a number");
    std::string key = std::string{kCasePrefix} + newest_first(*number, 0);
    co_return co_await one(std::move(key));
}

}  // namespace vcity::indexer
