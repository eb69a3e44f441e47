// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/platform/platform_api.hpp"

#include <utility>

#include "codec/hex.hpp"
#include "market/typed_hashes.hpp"
#include "services/common/http_text.hpp"
#include "services/gateway/generation_record.hpp"
#include "services/gateway/work/work_json.hpp"

namespace vcity::gateway {
namespace {

constexpr std::string_view kNetworkPath = "/api/v1/network";
constexpr std::string_view kHistoryPath = "/api/v1/offers/history";
constexpr std::string_view kReceiptPath = "/api/v1/receipts/";
constexpr std::string_view kOpenapiPath = "/openapi.json";
constexpr std::size_t kClassBytesMax = 64;
constexpr std::uint64_t kMillis = 1'000;
constexpr Duration kPricePoll = std::chrono::minutes{1};
constexpr Duration kStatusTimeout = std::chrono::seconds{2};

ApiError refusal(ErrorCode code, std::string message, std::string param = {}) {
    ApiError error;
    error.code = code;
    error.message = std::move(message);
    error.param = std::move(param);
    return error;
}

// What anybody who holds the receipt may know of its job.
codec::Json proof_json(const JobStatusReply& status) {
    codec::Json json = codec::JsonObject{};
    add_status(status, &json);
    const auto part = [&json](std::string_view name) {
        const codec::Json* found = json.find(name);
        return found != nullptr ? *found : codec::Json{};
    };
    return codec::JsonObject{{"receipt", receipt_json(status.receipt)},
                             {"state", part("state")},
                             {"verdict", part("verdict")},
                             {"batch", part("batch")}};
}

codec::Json token_json(const Address& address, const TokenText& text) {
    return codec::JsonObject{{"address", codec::to_hex(address)},
                             {"symbol", text.symbol},
                             {"name", text.name},
                             {"decimals", static_cast<unsigned>(text.decimals)}};
}

codec::Json or_null(const std::string& text) {
    return text.empty() ? codec::Json{} : codec::Json{text};
}

}  // namespace

PlatformApi::PlatformApi(Deps deps)
    : shared_{deps.shared},
      work_{deps.work},
      prices_{deps.prices},
      receipts_{deps.receipts},
      openapi_{std::move(deps.openapi)},
      signer_{deps.signer},
      explorer_{deps.shared->runtime, deps.http, deps.shared->options->platform.explorer},
      stopped_{deps.shared->runtime} {}

Refusal PlatformApi::take_rate(const Exchange& exchange) {
    const std::string host{services::host_of(exchange.request.remote)};
    const std::uint64_t per_minute = shared_->options->platform.requests_per_minute;
    const RateDecision rate = rates_.take(host, per_minute, shared_->runtime->now());
    if (rate.allowed) return std::nullopt;
    ApiError error = refusal(ErrorCode::kRateLimitExceeded, "one address may send " + std::to_string(rate.limit) +
                                                                " requests per minute without a key");
    error.retry_after = rate.retry_after;
    return error;
}

Task<PlatformApi::Response> PlatformApi::answer(Exchange* exchange, Route route) {
    Refusal refused = take_rate(*exchange);
    if (refused) co_return *std::move(refused);
    if (route == Route::kExplorer) {
        std::string target = exchange->request.target;
        co_return co_await explorer_.pass(std::move(target));
    }
    const std::string_view path = services::path_of(exchange->request.target);
    if (path == kNetworkPath) co_return services::json_response(network());
    if (path == kOpenapiPath) co_return openapi();
    if (path == kHistoryPath) co_return history(*exchange);
    if (path.starts_with(kReceiptPath)) {
        std::string hash{path.substr(kReceiptPath.size())};
        co_return co_await receipt(std::move(hash));
    }
    const Address every;  // scheduler
    co_return co_await work_->offers(exchange, every);
}

Task<void> PlatformApi::watch() {
    const Address every;  // scheduler
    while (!stopping_) {
        const TimePoint patience = shared_->runtime->now() + shared_->options->work_patience;
        const Result<std::vector<OfferedUnit>> units = co_await shared_->schedulers->units(every, patience);
        if (units) {
            const UnitsReply all{{units->begin(), units->end()}};
            prices_->note(all, shared_->runtime->unix_now().count() / kMillis);
        }
        if (stopping_) break;
        // Until there are units, the link and the nodes may only be starting.
        const bool has_begun = units && !units->empty();
        const Duration pause = has_begun ? kPricePoll : kStatusTimeout;
        (void)co_await stopped_.wait_until(shared_->runtime->now() + pause);
    }
}

void PlatformApi::stop() {
    stopping_ = true;
    stopped_.notify();
}

PlatformApi::Response PlatformApi::openapi() const {
    if (openapi_.empty())
        return refusal(ErrorCode::kRouteNotFound, "this gateway was started without its OpenAPI document");
    ports::HttpResponse response;
    response.headers.set("content-type", "application/json");
    response.body = openapi_;
    return response;
}

PlatformApi::Response PlatformApi::history(const Exchange& exchange) const {
    const std::string& target = exchange.request.target;
    const std::string_view interval = services::query_of(target, "interval");
    const std::string name = services::percent_decoded(services::query_of(target, "class"));
    if (name.size() > kClassBytesMax) return refusal(ErrorCode::kInvalidValue, "'class' is too long", "class");
    const bool is_known = interval.empty() || interval == "5m" || interval == "1h";
    if (!is_known) return refusal(ErrorCode::kInvalidValue, "'interval' must be 5m or 1h", "interval");
    return services::json_response(prices_->to_json(name, interval != "1h"));
}

Task<PlatformApi::Response> PlatformApi::receipt(std::string hash) {
    const Result<Hash> id = codec::parse_fixed<Hash>(hash);
    if (!id)
        co_return refusal(ErrorCode::kInvalidValue, "the hash of a receipt is 0x and 64 hexadecimal digits", "hash");
    const Result<std::optional<JobId>> job = co_await receipts_->find(*id);
    if (!job) co_return refusal(ErrorCode::kInternalError, "the record cannot be read");
    ApiError unknown = refusal(ErrorCode::kRecordNotFound, "this gateway knows no such receipt", "hash");
    if (!job->has_value()) co_return unknown;
    const JobId job_id = **job;
    const Result<JobStatusReply> status =
        co_await shared_->schedulers->status(job_id, shared_->runtime->now() + kStatusTimeout);
    if (!status) co_return unanswered_error(status.error());
    if (!status->known || market::receipt_hash(status->receipt.receipt) != *id) co_return unknown;
    co_return services::json_response(proof_json(*status));
}

codec::Json PlatformApi::network() const {
    const Deployment& chain = *shared_->deployment;
    const PlatformOptions& options = shared_->options->platform;
    codec::JsonObject contracts;
    for (const auto& [name, address] : chain.contracts) contracts.emplace_back(name, codec::to_hex(address));
    codec::JsonObject tokens{{"stable", token_json(chain.stable, options.stable)}};
    if (const std::optional<Address> vcai = chain.find("VCAIToken")) {
        tokens.emplace_back("vcai", token_json(*vcai, options.vcai));
    }
    codec::JsonArray links(options.scheduler_links.begin(), options.scheduler_links.end());
    const Address& scheduler = shared_->link->scheduler();
    codec::JsonArray schedulers;
    for (const Address& known : shared_->schedulers->known()) schedulers.emplace_back(codec::to_hex(known));
    return codec::JsonObject{
        {"chain_id", chain.chain_id},
        {"rpc_url", or_null(options.rpc_url)},
        {"deployed_at_block", chain.block},
        {"contracts", std::move(contracts)},
        {"tokens", std::move(tokens)},
        {"gateway", codec::JsonObject{{"address", codec::to_hex(signer_)},
                                      {"url", or_null(shared_->options->public_url)},
                                      {"software", options.software}}},
        {"scheduler", scheduler.is_zero() ? codec::Json{} : codec::Json{codec::to_hex(scheduler)}},
        {"schedulers", std::move(schedulers)},
        {"scheduler_links", std::move(links)},
        {"has_explorer", explorer_.is_there()},
        {"api_version", "v1"},
    };
}

}  // namespace vcity::gateway
