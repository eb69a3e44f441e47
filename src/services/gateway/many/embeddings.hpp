// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "services/gateway/exchange.hpp"

namespace vcity::gateway {

class DeliveryLog;

// The body of POST /v1/embeddings.
struct EmbeddingRequest {
    std::vector<GenerationRequest> inputs;  // one job each
    bool as_base64 = false;
    std::uint32_t dimensions = 0;  // zero: all
};
ApiResult<EmbeddingRequest> parse_embedding_request(const codec::Json& body, const RequestLimits& limits);

// The first `dimensions` numbers of a vector (zero: all) at length one again; nothing when it has fewer, or what a node
// sent is no vector.
std::optional<std::vector<float>> cut_embedding(std::string_view base64, std::uint32_t dimensions);

// Runs the inputs and puts the list together.
Task<ApiResult<ports::HttpResponse>> answer_embeddings(
    const Shared* shared, Exchange* exchange, KeyRecord key, EmbeddingRequest request, DeliveryLog* deliveries);

}  // namespace vcity::gateway
