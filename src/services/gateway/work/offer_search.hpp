// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "model/messages.hpp"
#include "search/query.hpp"
#include "services/gateway/schedulers.hpp"

namespace vcity::gateway {

// The fields that an offer of a unit is searched by: Vast.ai's names where the meaning is the same.
std::span<const search::Field> offer_fields();

// A validated search.
struct OfferSearch {
    search::Query query;
    search::Order order;
    std::size_t limit = 0;
};
inline constexpr std::size_t kOffersDefault = 64;
inline constexpr std::size_t kOffersMax = 1000;

// Texts of the parameters q, order and limit; empty ones mean everything, the cheapest first, kOffersDefault.
ApiResult<OfferSearch> parse_offer_search(std::string_view query, std::string_view order, std::string_view limit);

// {"object": "list", "data": [{field: value}], "total": matches before the limit}. What is not known is null.
codec::Json offers_json(const std::vector<OfferedUnit>& units, const OfferSearch& search);

}  // namespace vcity::gateway
