// SPDX-License-Identifier: Apache-2.0
#include "verify/check/token_judge.hpp"

#include <utility>
#include <vector>

namespace vcity::verify {

void judge_tokens(const ModelShape& shape,
                  const ModelWeights& weights,
                  const LinearOptions& options,
                  const CheckedAudit& audit,
                  Evidence* evidence) {
    struct Place {
        const PageId* id;
        const CheckedPage* page;
        std::uint32_t index;
    };
    std::vector<Place> places;
    for (const auto& [id, page] : audit.pages) {
        if (id.layer != 0) break;  // ordered by layer
        for (std::uint32_t i = 0; i < page.count; ++i) places.push_back({&id, &page, i});
    }
    const LayerWeights& layer = weights.layers.front();
    std::vector<float> embedding(shape.hidden);
    for (std::size_t checked = 0; checked < kTokenChecksMax && !places.empty(); ++checked) {
        std::swap(places[static_cast<std::size_t>(options.random->below(places.size()))], places.back());
        const Place place = places.back();
        places.pop_back();
        const std::uint64_t position = std::uint64_t{place.id->page} * kPagePositions + place.index;
        weights.embedding.read_row(audit.header.token_at(position), embedding);
        const LinearInput x = norm_input(shape.compute, embedding, layer.attention_norm, shape.rms_eps);
        const auto element = static_cast<std::uint32_t>(options.random->below(shape.head_dim));
        const std::uint32_t row = place.id->kv_head * shape.head_dim + element;
        const std::size_t at = std::size_t{place.index} * shape.head_dim + element;
        check_row(options, x, layer.k, row, place.page->keys[at], &evidence->rows);
        check_row(options, x, layer.v, row, place.page->values[at], &evidence->rows);
    }
}

}  // namespace vcity::verify
