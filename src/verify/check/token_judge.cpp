// SPDX-License-Identifier: Apache-2.0
#include "verify/check/token_judge.hpp"

#include <cmath>
#include <utility>
#include <vector>

namespace vcity::verify {
namespace {

constexpr double kCrude = 1.0 / 16;

struct Place {
    PageId id;
    const CheckedPage* page = nullptr;
    std::uint32_t index = 0;
};

std::vector<Place> first_layer(const CheckedAudit& audit) {
    std::vector<Place> places;
    for (const auto& [id, page] : audit.pages) {
        if (id.layer != 0) break;  // ordered by layer
        for (std::uint32_t i = 0; i < page.count; ++i) places.push_back({id, &page, i});
    }
    return places;
}

// norm(h) without any rounding but that of fp32.
void normalise(std::span<float> h, std::span<const float> weight, double eps) {
    double squares = 0;
    for (const float value : h) squares += double{value} * double{value};
    const double factor = 1 / std::sqrt(squares / static_cast<double>(h.size()) + eps);
    for (std::size_t j = 0; j < h.size(); ++j) h[j] = static_cast<float>(double{h[j]} * factor * double{weight[j]});
}

}  // namespace

Result<void> judge_tokens(const ModelShape& shape,
                          const ModelWeights& weights,
                          Random* random,
                          const CheckedAudit& audit) {
    std::vector<Place> places = first_layer(audit);
    const LayerWeights& layer = weights.layers.front();
    const auto element = static_cast<std::uint32_t>(random->below(shape.head_dim));
    std::vector<float> x(shape.hidden);
    std::vector<float> row(shape.hidden);
    const auto passes = [&](const Matrix& matrix, const Place& place, const std::vector<float>& values) {
        matrix.read_row(place.id.kv_head * shape.head_dim + element, row);
        const RowProduct exact = row_product(row, x);
        const float y = values[std::size_t{place.index} * shape.head_dim + element];
        const double bound = kCrude * std::sqrt(exact.squares) + ulp_of(shape.compute, y);
        return std::abs(double{y} - exact.value) <= bound;
    };
    for (std::size_t checked = 0; checked < kTokenChecksMax && !places.empty(); ++checked) {
        std::swap(places[static_cast<std::size_t>(random->below(places.size()))], places.back());
        const Place place = places.back();
        places.pop_back();
        const std::uint64_t position = std::uint64_t{place.id.page} * kPagePositions + place.index;
        weights.embedding.read_row(audit.header.token_at(position), x);
        normalise(x, layer.attention_norm, shape.rms_eps);
        if (!passes(layer.k, place, place.page->keys) || !passes(layer.v, place, place.page->values)) {
            return make_error(Errc::kCorrupt,
                              "keys or values of the first layer are not those of the committed tokens");
        }
    }
    return {};
}

}  // namespace vcity::verify
