// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/json.hpp"
#include "model/messages.hpp"
#include "services/gateway/api/api_error.hpp"

namespace vcity::gateway {

// One model and every node that serves it now.
struct ModelListing {
    std::string model;
    std::uint64_t first_seen_unix_seconds = 0;
    std::uint32_t context_tokens_max = 0;  // the largest any node offers
    std::vector<OffersReply::Entry> entries;
};

// What can be bought, as the scheduler last said.
class OfferBook {
  public:
    void update(const OffersReply& reply, std::uint64_t now_unix_seconds);
    // False until the first reply.
    bool is_known() const { return is_known_; }
    const ModelListing* find(std::string_view model) const;
    std::vector<const ModelListing*> models() const;

  private:
    bool is_known_ = false;
    std::map<std::string, ModelListing, std::less<>> listings_;
    std::map<std::string, std::uint64_t, std::less<>> first_seen_;
};

// The most a node may ask for this request: the dearest offer within three times the middle one (the upper median) and
// within the client's own limit. A dear outlier would inflate the quote, and with it what is held of the client's cap;
// a cheap one, perhaps a bait, would leave nobody to fall back on. kPriceLimitUnmet when the client's limit rules out
// every offer.
ApiResult<TokenPrices> price_ceiling(const ModelListing& listing, const std::optional<TokenPrices>& client_max);

// GET /v1/models and GET /v1/models/{id}.
codec::Json to_json(const ModelListing& listing);
codec::Json models_json(const OfferBook& offers);

// Micro-dollars per million tokens as dollars per token: "0.0000005".
std::string to_price_text(std::uint64_t micro_dollars_per_million);

}  // namespace vcity::gateway
