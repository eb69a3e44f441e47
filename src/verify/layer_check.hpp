// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/result.hpp"
#include "verify/cell.hpp"
#include "verify/freivalds.hpp"
#include "verify/matrix.hpp"
#include "verify/random.hpp"

namespace vcity::verify {

// The Freivalds keys of one layer's linear maps.
struct LayerKey {
    FreivaldsKey q, k, v, o, gate, up, down;
};

// Checks of a single cell against the public weights. Each gives kCorrupt with a message that names the first relation
// that does not hold, and no numbers: those would tell something about the secret vectors.
class CellChecker {
  public:
    // rows: fp64 row checks per linear map, drawn from `rows_random`. All pointers are borrowed.
    CellChecker(const ModelShape* shape, std::uint32_t rows, Random* rows_random)
        : shape_{shape}, rows_{rows}, rows_random_{rows_random} {}

    // Everything in the layer but the attention itself, which takes q, k, v to attn_out.
    Result<void> layer(const LayerWeights& weights, const LayerKey& key, const CellTrace& trace) const;
    // The final norm and the logits.
    Result<void> final(const ModelWeights& weights, const FreivaldsKey& head, const FinalCell& trace) const;

  private:
    // y = W x.
    struct Product {
        const Matrix* matrix;
        const FreivaldsKey* key;
        std::span<const float> x;
        std::span<const float> y;
        const char* name;
    };

    Result<void> linear(const Product& product) const;
    Result<void> norm(const char* name,
                      std::span<const float> input,
                      std::span<const float> weight,
                      std::span<const float> output) const;
    Result<void> residual(const char* name,
                          std::span<const float> a,
                          std::span<const float> b,
                          std::span<const float> sum) const;
    Result<void> gated(const CellTrace& trace) const;

    const ModelShape* shape_;
    std::uint32_t rows_;
    Random* rows_random_;
};

}  // namespace vcity::verify
