// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <functional>
#include <memory>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/check.hpp"
#include "codec/gumbel.hpp"
#include "model/audit.hpp"
#include "model/request.hpp"
#include "verify/check/numeric.hpp"
#include "verify/testing/stored_model.hpp"
#include "verify/trace/computed.hpp"

namespace vcity::verify::testing {

// In which order an inner product is summed: what differs between kernels, batch sizes and machines.
enum class SumOrder : std::uint8_t { kForward, kBackward, kFused, kLanes8, kLanes32, kBlocks64, kPairwise };
inline constexpr int kSumOrders = 7;

inline float pairwise_sum(const float* values, std::size_t count) {
    if (count == 0) return 0;
    if (count == 1) return values[0];
    const std::size_t half = count / 2;
    return pairwise_sum(values, half) + pairwise_sum(values + half, count - half);
}

inline float lanes_dot(const float* w, const float* x, std::size_t n) {
    float lanes[8] = {};
    for (std::size_t j = 0; j < n; ++j) lanes[j % 8] = std::fma(w[j], x[j], lanes[j % 8]);
    return pairwise_sum(lanes, 8);
}

// As a vectorised loop sums.
inline float wide_dot(const float* w, const float* x, std::size_t n) {
    float lanes[32] = {};
    std::size_t j = 0;
    for (; j + 32 <= n; j += 32) {
        for (std::size_t lane = 0; lane < 32; ++lane) lanes[lane] += w[j + lane] * x[j + lane];
    }
    float sum = pairwise_sum(lanes, 32);
    for (; j < n; ++j) sum += w[j] * x[j];
    return sum;
}

inline float dot(SumOrder order, const float* w, const float* x, std::size_t n) {
    float sum = 0;
    switch (order) {
        case SumOrder::kForward:
            for (std::size_t j = 0; j < n; ++j) sum += w[j] * x[j];
            return sum;
        case SumOrder::kBackward:
            for (std::size_t j = n; j > 0; --j) sum += w[j - 1] * x[j - 1];
            return sum;
        case SumOrder::kFused:
            for (std::size_t j = 0; j < n; ++j) sum = std::fma(w[j], x[j], sum);
            return sum;
        case SumOrder::kLanes8: return lanes_dot(w, x, n);
        case SumOrder::kLanes32: return wide_dot(w, x, n);
        case SumOrder::kBlocks64:
            for (std::size_t j = 0; j < n; j += 64) {
                sum += dot(SumOrder::kForward, w + j, x + j, std::min<std::size_t>(64, n - j));
            }
            return sum;
        case SumOrder::kPairwise: {
            std::vector<float> products(n);
            for (std::size_t j = 0; j < n; ++j) products[j] = w[j] * x[j];
            return pairwise_sum(products.data(), n);
        }
    }
    unreachable();
}

// The definition of the sampler, written out: top_p by sorting, Gumbel noise for every token.
inline std::uint32_t reference_sample(std::span<const float> logits, const Sampling& sampling, std::uint64_t step) {
    std::vector<std::uint32_t> order(logits.size());
    std::iota(order.begin(), order.end(), 0U);
    std::sort(order.begin(), order.end(),
              [&](auto a, auto b) { return logits[a] != logits[b] ? logits[a] > logits[b] : a < b; });
    if (sampling.temperature <= 0) return order.front();
    const auto weight = [&](std::uint32_t token) {
        return std::exp((double{logits[token]} - double{logits[order[0]]}) / sampling.temperature);
    };
    double total = 0;
    for (const std::uint32_t token : order) total += weight(token);
    double sum = 0;
    std::uint32_t best = order.front();
    double highest = -INFINITY;
    for (const std::uint32_t token : order) {
        const double noise = codec::gumbel_noise(codec::gumbel_bits(sampling.seed, step, token));
        const double score = double{logits[token]} / sampling.temperature + noise;
        if (score > highest) {
            highest = score;
            best = token;
        }
        sum += weight(token);
        if (sum >= sampling.top_p * total) break;
    }
    return best;
}

// What one layer computed, named as in the Hugging Face code.
struct LayerValues {
    std::vector<float> h_in, x_attn, q, k, v, attn_out, o, h_mid, x_mlp, gate, up, act, down, h_out;

    LayerComputed computed() const { return {.q = q, .o = o, .gate = gate, .up = up, .down = down, .act = act}; }
};
struct FinalValues {
    std::vector<float> h_in, x_final, logits;
};

// A plain Llama forward pass over one sequence, position by position, with all rounding of fp32 arithmetic or with
// outputs rounded to bf16.
class ReferenceLlama {
  public:
    ReferenceLlama(const StoredModel* model, SumOrder order) : model_{model}, order_{order} {
        keys_.resize(model->shape.layers);
        values_.resize(model->shape.layers);
    }

    std::vector<float> embed(std::uint32_t token) const {
        const auto& table = model_->values("model.embed_tokens.weight");
        const auto begin = table.begin() + std::ptrdiff_t{token} * model_->shape.hidden;
        return {begin, begin + model_->shape.hidden};
    }

    // Changes what attention gave, before anything uses it: a cheat.
    std::function<void(const Cell&, std::vector<float>*)> change_attention;

    // Changes keys and values on their way into the cache, not what is committed to: a cheat.
    std::function<void(std::vector<float>*)> change_cache;
    // Attends to this many positions at most: a cheat.
    std::size_t window = SIZE_MAX;

    LayerValues layer(std::uint32_t index, std::vector<float> h_in) {
        const std::string prefix = "model.layers." + std::to_string(index) + ".";
        LayerValues out = before_attention(index, std::move(h_in));
        out.attn_out = attend(index, out);
        const auto position = static_cast<std::uint32_t>(keys_[index].size() - 1);
        if (change_attention) change_attention(Cell{position, index}, &out.attn_out);
        finish(prefix, &out);
        return out;
    }

    // What an audit computes from the committed values of a cell.
    LayerValues derive(std::uint32_t index, std::vector<float> h_in, std::vector<float> attn_out) const {
        LayerValues out = before_attention(index, std::move(h_in));
        out.attn_out = std::move(attn_out);
        finish("model.layers." + std::to_string(index) + ".", &out);
        return out;
    }

    FinalValues final(std::vector<float> h_in) const {
        FinalValues out;
        out.h_in = std::move(h_in);
        out.x_final = norm("model.norm.weight", out.h_in);
        out.logits =
            linear(model_->shape.tied_embeddings ? "model.embed_tokens.weight" : "lm_head.weight", out.x_final);
        return out;
    }

  private:
    LayerValues before_attention(std::uint32_t index, std::vector<float> h_in) const {
        const std::string prefix = "model.layers." + std::to_string(index) + ".";
        LayerValues out;
        out.h_in = std::move(h_in);
        out.x_attn = norm(prefix + "input_layernorm.weight", out.h_in);
        out.q = linear(prefix + "self_attn.q_proj.weight", out.x_attn);
        out.k = linear(prefix + "self_attn.k_proj.weight", out.x_attn);
        out.v = linear(prefix + "self_attn.v_proj.weight", out.x_attn);
        return out;
    }

    void finish(const std::string& prefix, LayerValues* values) const {
        LayerValues& out = *values;
        out.o = linear(prefix + "self_attn.o_proj.weight", out.attn_out);
        out.h_mid = sum(out.h_in, out.o);
        out.x_mlp = norm(prefix + "post_attention_layernorm.weight", out.h_mid);
        out.gate = linear(prefix + "mlp.gate_proj.weight", out.x_mlp);
        out.up = linear(prefix + "mlp.up_proj.weight", out.x_mlp);
        for (std::size_t i = 0; i < out.gate.size(); ++i) {
            out.act.push_back(rounded(out.gate[i] / (1.0F + std::exp(-out.gate[i])) * out.up[i]));
        }
        out.down = linear(prefix + "mlp.down_proj.weight", out.act);
        out.h_out = sum(out.h_mid, out.down);
    }

    float rounded(float value) const {
        return model_->shape.compute == ComputeType::kBfloat16 ? round_bfloat16(value) : value;
    }

    std::vector<float> linear(const std::string& name, const std::vector<float>& x) const {
        const auto& weights = model_->values(name);
        std::vector<float> y(weights.size() / x.size());
        for (std::size_t i = 0; i < y.size(); ++i) {
            y[i] = rounded(dot(order_, weights.data() + i * x.size(), x.data(), x.size()));
        }
        return y;
    }

    std::vector<float> norm(const std::string& name, const std::vector<float>& h) const {
        const auto& weights = model_->values(name);
        const float mean = dot(order_, h.data(), h.data(), h.size()) / static_cast<float>(h.size());
        const float scale = 1.0F / std::sqrt(mean + static_cast<float>(model_->shape.rms_eps));
        std::vector<float> out;
        for (std::size_t i = 0; i < h.size(); ++i) out.push_back(rounded(rounded(h[i] * scale) * weights[i]));
        return out;
    }

    std::vector<float> sum(const std::vector<float>& a, const std::vector<float>& b) const {
        std::vector<float> out;
        for (std::size_t i = 0; i < a.size(); ++i) out.push_back(rounded(a[i] + b[i]));
        return out;
    }

    // The rotary embedding in the rotate-half form.
    std::vector<float> rotate(const std::vector<float>& input, std::size_t position) const {
        const std::size_t dim = model_->shape.head_dim;
        std::vector<float> out(input.size());
        for (std::size_t i = 0; i < input.size(); ++i) {
            const std::size_t within = i % dim;
            const std::size_t pair = within % (dim / 2);
            const double exponent = 2.0 * static_cast<double>(pair) / static_cast<double>(dim);
            const double angle = static_cast<double>(position) * std::pow(model_->shape.rope_theta, -exponent);
            const bool low = within < dim / 2;
            const float other = low ? -input[i + dim / 2] : input[i - dim / 2];
            out[i] = input[i] * static_cast<float>(std::cos(angle)) + other * static_cast<float>(std::sin(angle));
        }
        return out;
    }

    std::vector<float> attend(std::uint32_t index, const LayerValues& now) {
        const ModelShape& shape = model_->shape;
        const std::size_t dim = shape.head_dim;
        const std::vector<float> query = rotate(now.q, keys_[index].size());
        keys_[index].push_back(rotate(now.k, keys_[index].size()));
        values_[index].push_back(now.v);
        if (change_cache) change_cache(&keys_[index].back());
        if (change_cache) change_cache(&values_[index].back());
        const std::size_t first = keys_[index].size() - std::min(keys_[index].size(), window);
        std::vector<float> out(shape.query_width());
        for (std::size_t head = 0; head < shape.heads; ++head) {
            const std::size_t group = head / (shape.heads / shape.kv_heads);
            std::vector<float> weights;
            for (std::size_t t = first; t < keys_[index].size(); ++t) {
                const float* key = keys_[index][t].data() + group * dim;
                weights.push_back(dot(order_, query.data() + head * dim, key, dim) /
                                  std::sqrt(static_cast<float>(dim)));
            }
            const float peak = *std::max_element(weights.begin(), weights.end());
            float total = 0;
            for (float& weight : weights) total += weight = std::exp(weight - peak);
            for (float& weight : weights) weight = rounded(weight / total);
            for (std::size_t j = 0; j < dim; ++j) {
                float mixed = 0;
                for (std::size_t t = 0; t < weights.size(); ++t) {
                    mixed += weights[t] * values_[index][first + t][group * dim + j];
                }
                out[head * dim + j] = rounded(mixed);
            }
        }
        return out;
    }

    const StoredModel* model_;
    SumOrder order_;
    std::vector<std::vector<std::vector<float>>> keys_;
    std::vector<std::vector<std::vector<float>>> values_;
};

}  // namespace vcity::verify::testing
