// SPDX-License-Identifier: Apache-2.0
#include "model_config.hpp"

#include <nlohmann/json.hpp>

namespace vcity::worker {

Result<ModelConfig> parse_model_config(std::string_view text) {
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (!json.is_object()) return make_error(Errc::kInvalid, "config.json is no JSON object");
    ModelConfig config;
    config.vocab_size = json["vocab_size"];
    config.hidden_size = json["hidden_size"];
    config.intermediate_size = json["intermediate_size"];
    config.layers = json["num_hidden_layers"];
    config.heads = json["num_attention_heads"];
    config.kv_heads = json.value("num_key_value_heads", config.heads);
    config.head_dim = json.value("head_dim", config.hidden_size / config.heads);
    config.max_positions = json["max_position_embeddings"];
    config.rms_norm_eps = json["rms_norm_eps"];
    config.rope_theta = json.value("rope_theta", 10000.0);
    config.tie_word_embeddings = json.value("tie_word_embeddings", false);
    return config;
}

}  // namespace vcity::worker
