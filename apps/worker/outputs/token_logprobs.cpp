// SPDX-License-Identifier: Apache-2.0
#include "outputs/token_logprobs.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace vcity::worker {

TokenLogprobs token_logprobs(const checkpoint::Tokenizer& tokenizer,
                             const std::vector<float>& logits,
                             std::uint32_t chosen,
                             std::uint32_t top) {
    const double peak = double{*std::ranges::max_element(logits)};
    double sum = 0;
    for (const float logit : logits) sum += std::exp(double{logit} - peak);
    const double log_sum = peak + std::log(sum);
    const auto option = [&](std::uint32_t token) {
        return TokenOption{.bytes = std::string{tokenizer.token_bytes(token)},
                           .logprob = std::min(double{logits[token]} - log_sum, 0.0)};
    };
    TokenLogprobs result{.chosen = option(chosen), .top = {}};
    if (top == 0) return result;
    std::vector<std::uint32_t> order(logits.size());
    std::iota(order.begin(), order.end(), 0U);
    const auto end = order.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(top, order.size()));
    std::ranges::partial_sort(order, end, [&](std::uint32_t a, std::uint32_t b) {
        return logits[a] != logits[b] ? logits[a] > logits[b] : a < b;
    });
    for (auto token = order.begin(); token != end; ++token) result.top.push_back(option(*token));
    return result;
}

}  // namespace vcity::worker
