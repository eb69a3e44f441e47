// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>
#include <string>

#include "base/amount.hpp"
#include "codec/hex.hpp"
#include "services/gateway/api/request_fields.hpp"

// Of the request: which nodes may have it.
namespace vcity::gateway::fields {
namespace {

Refusal wrong_type(std::string_view name, std::string_view expected) {
    return refusal(ErrorCode::kInvalidType, name, "'" + std::string{name} + "' must be " + std::string{expected});
}

Refusal wrong_value(std::string_view name, std::string_view expected) {
    return refusal(ErrorCode::kInvalidValue, name, "'" + std::string{name} + "' must be " + std::string{expected});
}

// Dollars per million tokens, as a number or a decimal string; micro-dollars per million tokens out.
Refusal read_price(const codec::Json& value, const std::string& name, std::uint64_t* out) {
    if (const std::string* text = value.get_string()) {
        const Result<Usd> price = parse_usd(*text);
        if (!price) return wrong_value(name, "dollars per million tokens, e.g. \"0.50\"");
        *out = price->micro;
        return std::nullopt;
    }
    double dollars = 0;
    if (!value.get_double(&dollars)) return wrong_type(name, "a number or a decimal string");
    if (!(dollars >= 0 && dollars <= 1e9)) return wrong_value(name, "between 0 and 1000000000 dollars");
    *out = static_cast<std::uint64_t>(std::llround(dollars * 1e6));
    return std::nullopt;
}

Refusal read_prices(const codec::Json& value, const std::string& name, Draft* draft) {
    TokenPrices prices{.input = UINT64_MAX, .output = UINT64_MAX};
    const codec::JsonObject* limits = value.get_object();
    if (limits == nullptr) return wrong_type(name, "an object");
    for (const auto& [kind, price] : *limits) {
        const std::string at = name + "." + kind.substr(0, 64);
        if (kind != "prompt" && kind != "completion") {
            return refusal(ErrorCode::kUnsupportedParameter, at, "'" + at + "' is not supported");
        }
        if (Refusal refused = read_price(price, at, kind == "prompt" ? &prices.input : &prices.output)) return refused;
    }
    draft->request.prices_max = prices;
    return std::nullopt;
}

Refusal read_flag(const codec::Json& value, const std::string& name, bool* out) {
    const bool* flag = value.get_bool();
    if (flag == nullptr) return wrong_type(name, "true or false");
    *out = *flag;
    return std::nullopt;
}

Refusal read_nodes(const codec::Json& value, const std::string& name, std::vector<Address>* out) {
    const codec::JsonArray* items = value.get_array();
    if (items == nullptr || items->size() > kWishListMax) return wrong_type(name, "a list of at most 64 nodes");
    for (const codec::Json& item : *items) {
        const Result<Address> node = codec::parse_fixed<Address>(item.get_string() ? *item.get_string() : "");
        if (!node) return wrong_value(name, "a list of node addresses, 0x and 40 hexadecimal digits each");
        out->push_back(*node);
    }
    return std::nullopt;
}

Refusal read_regions(const codec::Json& value, const std::string& name, Draft* draft) {
    constexpr std::size_t kRegionMax = 31;
    codec::JsonArray items;
    if (value.is_string()) items.push_back(value);
    if (const codec::JsonArray* list = value.get_array()) items = *list;
    if (items.empty() || items.size() > kWishListMax) return wrong_type(name, "a region or a list of at most 64");
    for (const codec::Json& item : items) {
        const std::string* text = item.get_string();
        if (text == nullptr || text->empty() || text->size() > kRegionMax) {
            return wrong_value(name, "names of 1 to 31 bytes");
        }
        draft->request.wish.regions.push_back(*text);
    }
    return std::nullopt;
}

Refusal read_reputation(const codec::Json& value, const std::string& name, Draft* draft) {
    constexpr double kBasis = 10'000;
    double score = 0;
    if (!value.get_double(&score)) return wrong_type(name, "a number");
    if (!(score >= 0 && score <= 1)) return wrong_value(name, "between 0 and 1");
    draft->request.wish.reputation_min_bp = static_cast<std::uint16_t>(std::lround(score * kBasis));
    return std::nullopt;
}

Refusal read_stake(const codec::Json& value, const std::string& name, Draft* draft) {
    std::uint64_t tokens = 0;
    if (!value.get_u64(&tokens)) return wrong_type(name, "a whole number of VCAI");
    if (tokens > std::numeric_limits<std::uint32_t>::max()) return wrong_value(name, "at most 4294967295");
    draft->request.wish.stake_min_vcai = static_cast<std::uint32_t>(tokens);
    return std::nullopt;
}

Refusal read_sort(const codec::Json& value, const std::string& name, Draft* draft) {
    const std::string* text = value.get_string();
    if (text == nullptr) return wrong_type(name, "a string");
    if (*text == "price") {
        draft->request.wish.sort = NodeWish::Sort::kPrice;
    } else if (*text == "latency") {
        draft->request.wish.sort = NodeWish::Sort::kLatency;
    } else {
        return refusal(ErrorCode::kUnsupportedParameter, name, "'" + name + "' must be price or latency");
    }
    return std::nullopt;
}

Refusal read_member(const std::string& key, const codec::Json& value, const std::string& full, Draft* draft) {
    GenerationRequest& request = draft->request;
    if (key == "verification") return read_verification(value, full, draft);
    if (key == "hedge") return read_flag(value, full, &request.may_hedge);
    if (key == "max_price") return read_prices(value, full, draft);
    if (key == "only") return read_nodes(value, full, &request.wish.only);
    if (key == "ignore") return read_nodes(value, full, &request.wish.ignore);
    if (key == "order") return read_nodes(value, full, &request.wish.order);
    if (key == "allow_fallbacks") return read_flag(value, full, &request.wish.allow_fallbacks);
    if (key == "region") return read_regions(value, full, draft);
    if (key == "min_reputation") return read_reputation(value, full, draft);
    if (key == "min_stake") return read_stake(value, full, draft);
    if (key == "sort") return read_sort(value, full, draft);
    // Every parameter is honoured or refused, so this holds anyway.
    bool ignored = false;
    if (key == "require_parameters") return read_flag(value, full, &ignored);
    return refusal(ErrorCode::kUnsupportedParameter, full, "'" + full + "' is not supported");
}

}  // namespace

Refusal read_verification(const codec::Json& value, std::string_view name, Draft* draft) {
    const std::string* text = value.get_string();
    if (text == nullptr) return wrong_type(name, "a text");
    for (const Verification level :
         {Verification::kNone, Verification::kSampled, Verification::kFull, Verification::kTee}) {
        if (*text != to_string(level)) continue;
        draft->request.call.verification = level;
        return std::nullopt;
    }
    return wrong_value(name, "one of none, sampled, full and tee");
}

Refusal read_provider(const codec::Json& value, std::string_view name, Draft* draft) {
    const codec::JsonObject* object = value.get_object();
    if (object == nullptr) return wrong_type(name, "an object");
    for (const auto& [key, item] : *object) {
        if (item.is_null()) continue;
        const std::string full = std::string{name} + "." + key.substr(0, 64);
        if (Refusal refused = read_member(key, item, full, draft)) return refused;
    }
    const NodeWish& wish = draft->request.wish;
    if (!wish.allow_fallbacks && wish.order.empty() && wish.only.empty()) {
        return wrong_value(std::string{name} + ".allow_fallbacks", "true without 'order' or 'only'");
    }
    return std::nullopt;
}

Refusal read_models(const codec::Json& value, std::string_view name, Draft* draft) {
    constexpr std::size_t kModelsMax = 8;
    constexpr std::size_t kModelNameMax = 128;
    const codec::JsonArray* items = value.get_array();
    if (items == nullptr || items->size() > kModelsMax) return wrong_type(name, "a list of at most 8 models");
    for (const codec::Json& item : *items) {
        const std::string* text = item.get_string();
        if (text == nullptr || text->empty() || text->size() > kModelNameMax)
            return wrong_type(name, "a list of names");
        draft->request.models.push_back(*text);
    }
    return std::nullopt;
}

}  // namespace vcity::gateway::fields
