// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/api/offers.hpp"

#include <algorithm>

#include "codec/hex.hpp"

namespace vcity::gateway {
namespace {

constexpr std::size_t kModelNamesMax = 10'000;

// For comparing offers only; saturates.
std::uint64_t weight(const TokenPrices& prices) {
    const std::uint64_t sum = prices.input + prices.output;
    return sum < prices.input ? UINT64_MAX : sum;
}

bool is_within(const TokenPrices& prices, const std::optional<TokenPrices>& limit) {
    return !limit || (prices.input <= limit->input && prices.output <= limit->output);
}

// The values of provider.verification that the node can keep; a seal of a TEE is the request's own matter.
codec::JsonArray verification_json(const AuditTiers& tiers) {
    codec::JsonArray levels{"none"};
    if (tiers.sketch || tiers.served) levels.emplace_back("sampled");
    if (tiers.served) levels.emplace_back("full");
    return levels;
}

codec::Json endpoint_json(const OffersReply::Entry& entry) {
    return codec::JsonObject{
        {"node", codec::to_hex(entry.node)},
        {"region", entry.region},
        {"free_slots", entry.free_slots},
        {"context_length", entry.offer.context_tokens_max},
        {"model_root", codec::to_hex(entry.offer.model_root)},
        {"verification", verification_json(entry.offer.tiers)},
        {"pricing", codec::JsonObject{{"prompt", to_price_text(entry.offer.prices.input)},
                                      {"completion", to_price_text(entry.offer.prices.output)}}},
    };
}

codec::JsonArray supported_parameters() {
    return {"max_tokens",  "max_completion_tokens", "temperature", "top_p",    "seed",         "stop",
            "stream",      "stream_options",        "n",           "logprobs", "top_logprobs", "tools",
            "tool_choice", "response_format",       "models",      "provider"};
}

}  // namespace

void OfferBook::update(const OffersReply& reply, std::uint64_t now_unix_seconds) {
    listings_.clear();
    if (first_seen_.size() > kModelNamesMax) first_seen_.clear();
    for (const OffersReply::Entry& entry : reply.entries) {
        const auto seen = first_seen_.try_emplace(entry.offer.model, now_unix_seconds).first;
        ModelListing& listing = listings_[entry.offer.model];
        listing.model = entry.offer.model;
        listing.first_seen_unix_seconds = seen->second;
        listing.context_tokens_max = std::max(listing.context_tokens_max, entry.offer.context_tokens_max);
        listing.entries.push_back(entry);
    }
    is_known_ = true;
}

const ModelListing* OfferBook::find(std::string_view model) const {
    const auto found = listings_.find(model);
    return found == listings_.end() ? nullptr : &found->second;
}

std::vector<const ModelListing*> OfferBook::models() const {
    std::vector<const ModelListing*> models;
    for (const auto& [name, listing] : listings_) models.push_back(&listing);
    return models;
}

ApiResult<TokenPrices> price_ceiling(const ModelListing& listing, const std::optional<TokenPrices>& client_max) {
    std::vector<std::uint64_t> asked;
    for (const auto& entry : listing.entries) {
        if (is_within(entry.offer.prices, client_max)) asked.push_back(weight(entry.offer.prices));
    }
    std::ranges::sort(asked);
    const std::uint64_t middle = asked.empty() ? 0 : asked[asked.size() / 2];
    TokenPrices ceiling;
    bool found = false;
    for (const auto& entry : listing.entries) {
        const TokenPrices& prices = entry.offer.prices;
        if (!is_within(prices, client_max) || weight(prices) / 3 > middle) continue;
        ceiling.input = std::max(ceiling.input, prices.input);
        ceiling.output = std::max(ceiling.output, prices.output);
        found = true;
    }
    if (found) return ceiling;
    ApiError error;
    error.code = ErrorCode::kPriceLimitUnmet;
    error.param = "provider.max_price";
    error.message = "no node offers '" + listing.model + "' within provider.max_price";
    error.retry_after = std::chrono::seconds{5};
    return error;
}

std::string to_price_text(std::uint64_t micro_dollars_per_million) {
    // 1 micro-dollar per million tokens is 10^-12 dollars per token.
    std::string digits = std::to_string(micro_dollars_per_million);
    if (digits.size() < 13) digits.insert(0, 13 - digits.size(), '0');
    digits.insert(digits.size() - 12, ".");
    digits.erase(digits.find_last_not_of('0') + 1);
    if (digits.back() == '.') digits.pop_back();
    return digits;
}

codec::Json to_json(const ModelListing& listing) {
    codec::JsonArray endpoints;
    const OffersReply::Entry* cheapest = nullptr;
    for (const auto& entry : listing.entries) {
        endpoints.push_back(endpoint_json(entry));
        if (cheapest == nullptr || weight(entry.offer.prices) < weight(cheapest->offer.prices)) cheapest = &entry;
    }
    const TokenPrices prices = cheapest == nullptr ? TokenPrices{} : cheapest->offer.prices;
    return codec::JsonObject{
        {"id", listing.model},
        {"object", "model"},
        {"created", listing.first_seen_unix_seconds},
        {"owned_by", "vcity"},
        {"name", listing.model},
        {"context_length", listing.context_tokens_max},
        {"architecture", codec::JsonObject{{"input_modalities", codec::JsonArray{"text"}},
                                           {"output_modalities", codec::JsonArray{"text"}}}},
        {"pricing",
         codec::JsonObject{{"prompt", to_price_text(prices.input)}, {"completion", to_price_text(prices.output)}}},
        {"supported_parameters", supported_parameters()},
        {"endpoints", std::move(endpoints)},
    };
}

codec::Json models_json(const OfferBook& offers) {
    codec::JsonArray data;
    for (const ModelListing* listing : offers.models()) data.push_back(to_json(*listing));
    return codec::JsonObject{{"object", "list"}, {"data", std::move(data)}};
}

}  // namespace vcity::gateway
