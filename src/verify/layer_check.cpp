// SPDX-License-Identifier: Apache-2.0
#include "verify/layer_check.hpp"

#include <cmath>
#include <string>

#include "verify/bounds.hpp"

namespace vcity::verify {
namespace {

Error wrong(const char* name) {
    return make_error(Errc::kCorrupt, std::string{name} + " is not what the public weights give");
}

}  // namespace

Result<void> CellChecker::linear(const Product& product) const {
    if (!product.key->accepts(shape_->compute, product.x, product.y)) return wrong(product.name);
    for (std::uint32_t i = 0; i < rows_; ++i) {
        const auto row = static_cast<std::uint32_t>(rows_random_->below(product.matrix->rows()));
        if (!row_accepts(shape_->compute, *product.matrix, row, product.x, product.y[row])) return wrong(product.name);
    }
    return {};
}

Result<void> CellChecker::norm(const char* name,
                               std::span<const float> input,
                               std::span<const float> weight,
                               std::span<const float> output) const {
    double squares = 0;
    for (const float value : input) squares += double{value} * double{value};
    const double scale = 1.0 / std::sqrt(squares / static_cast<double>(input.size()) + shape_->rms_eps);
    const Tolerance tolerance = rms_norm_tolerance(shape_->compute, input.size());
    for (std::size_t i = 0; i < input.size(); ++i) {
        const double exact = double{input[i]} * scale * double{weight[i]};
        if (!tolerance.allows(double{output[i]}, exact)) return wrong(name);
    }
    return {};
}

Result<void> CellChecker::residual(const char* name,
                                   std::span<const float> a,
                                   std::span<const float> b,
                                   std::span<const float> sum) const {
    const Tolerance tolerance = residual_tolerance(shape_->compute);
    for (std::size_t i = 0; i < sum.size(); ++i) {
        if (!tolerance.allows(double{sum[i]}, double{a[i]} + double{b[i]})) return wrong(name);
    }
    return {};
}

Result<void> CellChecker::gated(const CellTrace& trace) const {
    for (std::size_t i = 0; i < trace.act.size(); ++i) {
        const double gate = double{trace.gate[i]};
        const double up = double{trace.up[i]};
        const double exact = gate / (1.0 + std::exp(-gate)) * up;
        if (!gated_tolerance(shape_->compute, up).allows(double{trace.act[i]}, exact)) return wrong("act");
    }
    return {};
}

Result<void> CellChecker::layer(const LayerWeights& weights, const LayerKey& key, const CellTrace& trace) const {
    TRY_OK(norm("x_attn", trace.h_in, weights.attention_norm, trace.x_attn));
    TRY_OK(linear({&weights.q, &key.q, trace.x_attn, trace.q, "q"}));
    TRY_OK(linear({&weights.k, &key.k, trace.x_attn, trace.k, "k"}));
    TRY_OK(linear({&weights.v, &key.v, trace.x_attn, trace.v, "v"}));
    TRY_OK(linear({&weights.o, &key.o, trace.attn_out, trace.o, "o"}));
    TRY_OK(residual("h_mid", trace.h_in, trace.o, trace.h_mid));
    TRY_OK(norm("x_mlp", trace.h_mid, weights.mlp_norm, trace.x_mlp));
    TRY_OK(linear({&weights.gate, &key.gate, trace.x_mlp, trace.gate, "gate"}));
    TRY_OK(linear({&weights.up, &key.up, trace.x_mlp, trace.up, "up"}));
    TRY_OK(gated(trace));
    TRY_OK(linear({&weights.down, &key.down, trace.act, trace.down, "down"}));
    return residual("h_out", trace.h_mid, trace.down, trace.h_out);
}

Result<void> CellChecker::final(const ModelWeights& weights, const FreivaldsKey& head, const FinalCell& trace) const {
    TRY_OK(norm("x_final", trace.h_in, weights.final_norm, trace.x_final));
    return linear({&weights.head, &head, trace.x_final, trace.logits, "logits"});
}

}  // namespace vcity::verify
