// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "verify/check/linear_check.hpp"
#include "verify/trace/computed.hpp"

namespace vcity::verify {

// The keys of one layer's linear maps.
struct LayerKeys {
    MatrixKey q, k, v, o, gate, up, down;

    static LayerKeys make(const LayerWeights& weights, std::uint32_t vectors, const Seed& seed, std::uint32_t layer);
};

// An opened cell's values, widened; borrowed.
struct LayerCell {
    std::span<const float> h_in, k, v, attn_out;  // served
    std::span<const float> h_next;                // served: h_in of the next layer
    const ParsedComputed* computed = nullptr;     // from the served ones, at audit time
};

// Everything in the layer but the attention itself. `served` are k, v and h_next, the rest is what the worker computes
// now from h_in and attn_out; so the linear maps of the feed-forward and o are proved on the computed values, and
// h_next, which may differ from them by the order of summation alone, under the noise that this leaves.
void judge_layer(const ModelShape& shape,
                 const LayerWeights& weights,
                 const LayerKeys& keys,
                 const LinearOptions& options,
                 const LayerCell& cell,
                 Evidence* evidence);

}  // namespace vcity::verify
