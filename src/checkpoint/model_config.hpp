// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "codec/json.hpp"

namespace vcity::checkpoint {

// Llama 3.1's stretching of the rotary embedding.
struct RopeScaling {
    double factor = 1;
    double low_frequency_factor = 1;
    double high_frequency_factor = 4;
    std::uint64_t original_positions = 8192;

    bool operator==(const RopeScaling&) const = default;
};

// The part of a Hugging Face config.json that decides what a Llama-family decoder computes.
struct ModelConfig {
    std::uint64_t vocab_size = 0;
    std::uint64_t hidden_size = 0;
    std::uint64_t intermediate_size = 0;
    std::uint64_t layers = 0;
    std::uint64_t heads = 0;
    std::uint64_t kv_heads = 0;  // divides heads
    std::uint64_t head_dim = 0;  // even
    std::uint64_t max_positions = 0;
    double rms_norm_eps = 1e-6;
    double rope_theta = 10000.0;
    std::optional<RopeScaling> rope_scaling;
    bool tie_word_embeddings = false;
    std::vector<std::uint32_t> end_tokens;  // ids that end an answer
    std::optional<std::uint32_t> begin_token;

    bool operator==(const ModelConfig&) const = default;
};

// Untrusted text. kInvalid with the field's name for another architecture, options that change the computation and are
// not supported (biases, sliding windows, other activations), and sizes out of range.
Result<ModelConfig> parse_model_config(std::string_view text);
Result<ModelConfig> read_model_config(const codec::Json& json);

}  // namespace vcity::checkpoint
