// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "checkpoint/model_directory.hpp"

namespace vcity::worker::testing {

// The Llama decoder written once more, for tests: plain loops in double precision over whole sequences, without
// libtorch, caches or batches. Slow, and meant to be read next to the paper.
class ReferenceDecoder {
  public:
    using Row = std::vector<double>;

    explicit ReferenceDecoder(const checkpoint::ModelDirectory& model)
        : config_{&model.config()}, tensors_{&model.tensors()} {}

    // Logits of every position.
    std::vector<Row> logits(const std::vector<std::uint32_t>& tokens) const {
        const Row embedding = values("model.embed_tokens.weight");
        const std::size_t hidden = config_->hidden_size;
        std::vector<Row> stream;
        for (const std::uint32_t token : tokens) {
            const auto row = embedding.begin() + static_cast<std::ptrdiff_t>(token * hidden);
            stream.emplace_back(row, row + static_cast<std::ptrdiff_t>(hidden));
        }
        for (std::size_t layer = 0; layer < config_->layers; ++layer) run_layer(layer, &stream);
        const Row norm = values("model.norm.weight");
        const Row head = config_->tie_word_embeddings ? embedding : values("lm_head.weight");
        std::vector<Row> out;
        for (const Row& row : stream) out.push_back(times(head, normed(row, norm)));
        return out;
    }

  private:
    Row values(const std::string& name) const {
        const checkpoint::Tensor& tensor = tensors_->find(name)->second;
        const std::size_t width = checkpoint::bytes_of(tensor.dtype);
        Row out;
        for (std::size_t at = 0; at < tensor.bytes.size(); at += width) {
            std::uint32_t bits = 0;
            std::memcpy(reinterpret_cast<std::uint8_t*>(&bits) + (4 - width), tensor.bytes.data() + at, width);
            float value = 0;
            std::memcpy(&value, &bits, 4);
            out.push_back(double{value});
        }
        return out;
    }

    static Row times(const Row& matrix, const Row& x) {
        Row out(matrix.size() / x.size());
        for (std::size_t i = 0; i < out.size(); ++i) {
            for (std::size_t j = 0; j < x.size(); ++j) out[i] += matrix[i * x.size() + j] * x[j];
        }
        return out;
    }

    Row normed(const Row& x, const Row& weight) const {
        double squares = 0;
        for (const double value : x) squares += value * value;
        const double scale = 1 / std::sqrt(squares / static_cast<double>(x.size()) + config_->rms_norm_eps);
        Row out;
        for (std::size_t i = 0; i < x.size(); ++i) out.push_back(x[i] * scale * weight[i]);
        return out;
    }

    // Turns the pairs (i, i + half) of one head by position * theta^(-2i / head_dim).
    void rotate(Row* row, std::size_t position) const {
        const std::size_t half = config_->head_dim / 2;
        for (std::size_t begin = 0; begin < row->size(); begin += config_->head_dim) {
            for (std::size_t i = 0; i < half; ++i) {
                const double power = -2 * static_cast<double>(i) / static_cast<double>(config_->head_dim);
                const double angle = static_cast<double>(position) * std::pow(config_->rope_theta, power);
                const double a = (*row)[begin + i];
                const double b = (*row)[begin + i + half];
                (*row)[begin + i] = a * std::cos(angle) - b * std::sin(angle);
                (*row)[begin + i + half] = b * std::cos(angle) + a * std::sin(angle);
            }
        }
    }

    // Attention of the last of `keys` positions.
    Row attend(const Row& query, const std::vector<Row>& keys, const std::vector<Row>& values) const {
        const std::size_t dim = config_->head_dim;
        const std::size_t group = config_->heads / config_->kv_heads;
        Row out(query.size());
        for (std::size_t head = 0; head < config_->heads; ++head) {
            const std::size_t shared = head / group * dim;
            Row weights;
            double total = 0;
            for (const Row& key : keys) {
                double score = 0;
                for (std::size_t i = 0; i < dim; ++i) score += query[head * dim + i] * key[shared + i];
                weights.push_back(std::exp(score / std::sqrt(static_cast<double>(dim))));
                total += weights.back();
            }
            for (std::size_t t = 0; t < keys.size(); ++t) {
                for (std::size_t i = 0; i < dim; ++i) out[head * dim + i] += weights[t] / total * values[t][shared + i];
            }
        }
        return out;
    }

    void run_layer(std::size_t layer, std::vector<Row>* stream) const {
        const auto weight = [&](const char* name) {
            return values("model.layers." + std::to_string(layer) + "." + name + ".weight");
        };
        const Row attention_norm = weight("input_layernorm"), mlp_norm = weight("post_attention_layernorm");
        const Row q = weight("self_attn.q_proj"), k = weight("self_attn.k_proj"), v = weight("self_attn.v_proj");
        const Row o = weight("self_attn.o_proj");
        const Row gate = weight("mlp.gate_proj"), up = weight("mlp.up_proj"), down = weight("mlp.down_proj");
        std::vector<Row> keys, vals;
        for (std::size_t position = 0; position < stream->size(); ++position) {
            Row& h = (*stream)[position];
            const Row x = normed(h, attention_norm);
            Row query = times(q, x);
            keys.push_back(times(k, x));
            vals.push_back(times(v, x));
            rotate(&query, position);
            rotate(&keys.back(), position);
            add(&h, times(o, attend(query, keys, vals)));
            const Row y = normed(h, mlp_norm);
            Row inner = times(gate, y);
            const Row other = times(up, y);
            for (std::size_t i = 0; i < inner.size(); ++i) inner[i] = inner[i] / (1 + std::exp(-inner[i])) * other[i];
            add(&h, times(down, inner));
        }
    }

    static void add(Row* target, const Row& more) {
        for (std::size_t i = 0; i < target->size(); ++i) (*target)[i] += more[i];
    }

    const checkpoint::ModelConfig* config_;
    const checkpoint::TensorMap* tensors_;
};

}  // namespace vcity::worker::testing
