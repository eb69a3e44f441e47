// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/model_config.hpp"

#include <cmath>
#include <string>

namespace vcity::checkpoint {
namespace {

using codec::Json;

constexpr std::uint64_t kWidthMax = 1U << 17U;
constexpr std::uint64_t kVocabularyMax = 1U << 20U;
constexpr std::uint64_t kLayersMax = 1024;
constexpr std::uint64_t kPositionsMax = 1U << 24U;
constexpr std::size_t kEndTokensMax = 16;

Error bad(std::string_view field, std::string_view why) {
    return make_error(Errc::kInvalid, "config.json: " + std::string{field} + ": " + std::string{why});
}

bool absent(const Json* json) {
    return json == nullptr || json->is_null();
}

Result<std::uint64_t> size_field(const Json& json, std::string_view name, std::uint64_t max) {
    const Json* field = json.find(name);
    std::uint64_t value = 0;
    if (absent(field)) return bad(name, "is missing");
    if (!field->get_u64(&value) || value == 0 || value > max) {
        return bad(name, "must be an integer from 1 to " + std::to_string(max));
    }
    return value;
}

Result<std::uint64_t> size_field_or(const Json& json,
                                    std::string_view name,
                                    std::uint64_t max,
                                    std::uint64_t fallback) {
    return absent(json.find(name)) ? Result<std::uint64_t>{fallback} : size_field(json, name, max);
}

Result<double> positive(const Json& json, std::string_view name, double fallback) {
    const Json* field = json.find(name);
    if (absent(field)) return fallback;
    double value = 0;
    if (!field->get_double(&value) || !std::isfinite(value) || value <= 0)
        return bad(name, "must be a positive number");
    return value;
}

Result<bool> flag(const Json& json, std::string_view name, bool fallback) {
    const Json* field = json.find(name);
    if (absent(field)) return fallback;
    if (field->get_bool() == nullptr) return bad(name, "must be true or false");
    return *field->get_bool();
}

Result<std::uint32_t> token(const Json& json, std::string_view name, std::uint64_t vocab) {
    std::uint64_t id = 0;
    if (!json.get_u64(&id) || id >= vocab) return bad(name, "is not a token of the vocabulary");
    return static_cast<std::uint32_t>(id);
}

Result<void> read_tokens(const Json& json, ModelConfig* config) {
    if (const Json* begin = json.find("bos_token_id"); !absent(begin)) {
        TRY(config->begin_token, token(*begin, "bos_token_id", config->vocab_size));
    }
    const Json* end = json.find("eos_token_id");
    if (absent(end)) return {};
    const codec::JsonArray one{*end};
    const codec::JsonArray& all = end->get_array() == nullptr ? one : *end->get_array();
    if (all.size() > kEndTokensMax) return bad("eos_token_id", "names too many tokens");
    for (const Json& item : all) {
        TRY(const std::uint32_t id, token(item, "eos_token_id", config->vocab_size));
        config->end_tokens.push_back(id);
    }
    return {};
}

Result<void> read_rope(const Json& json, ModelConfig* config) {
    TRY(config->rope_theta, positive(json, "rope_theta", 10000.0));
    const Json* scaling = json.find("rope_scaling");
    if (absent(scaling)) return {};
    const Json* type = scaling->find("rope_type");
    if (type == nullptr || type->get_string() == nullptr) return bad("rope_scaling", "rope_type is missing");
    if (*type->get_string() == "default") return {};
    if (*type->get_string() != "llama3") return bad("rope_scaling", "only rope_type llama3 is supported");
    RopeScaling read;
    TRY(read.factor, positive(*scaling, "factor", 1));
    TRY(read.low_frequency_factor, positive(*scaling, "low_freq_factor", 1));
    TRY(read.high_frequency_factor, positive(*scaling, "high_freq_factor", 4));
    TRY(read.original_positions, size_field(*scaling, "original_max_position_embeddings", kPositionsMax));
    if (read.high_frequency_factor <= read.low_frequency_factor)
        return bad("rope_scaling", "the factors are in disorder");
    config->rope_scaling = read;
    return {};
}

Result<void> check_architecture(const Json& json) {
    const Json* type = json.find("model_type");
    if (type == nullptr || type->get_string() == nullptr || *type->get_string() != "llama") {
        return bad("model_type", "only \"llama\" is supported");
    }
    for (const std::string_view name : {"attention_bias", "mlp_bias"}) {
        TRY(const bool bias, flag(json, name, false));
        if (bias) return bad(name, "biases are not supported");
    }
    if (const Json* act = json.find("hidden_act");
        !absent(act) && (act->get_string() == nullptr || *act->get_string() != "silu")) {
        return bad("hidden_act", "only \"silu\" is supported");
    }
    for (const std::string_view name : {"sliding_window", "quantization_config"}) {
        if (!absent(json.find(name))) return bad(name, "is not supported");
    }
    return {};
}

}  // namespace

Result<ModelConfig> read_model_config(const Json& json) {
    if (!json.is_object()) return bad("the file", "is no JSON object");
    TRY_OK(check_architecture(json));
    ModelConfig config;
    TRY(config.vocab_size, size_field(json, "vocab_size", kVocabularyMax));
    TRY(config.hidden_size, size_field(json, "hidden_size", kWidthMax));
    TRY(config.intermediate_size, size_field(json, "intermediate_size", kWidthMax));
    TRY(config.layers, size_field(json, "num_hidden_layers", kLayersMax));
    TRY(config.heads, size_field(json, "num_attention_heads", kWidthMax));
    TRY(config.kv_heads, size_field_or(json, "num_key_value_heads", config.heads, config.heads));
    if (config.heads % config.kv_heads != 0) return bad("num_key_value_heads", "must divide num_attention_heads");
    if (absent(json.find("head_dim")) && config.hidden_size % config.heads != 0) {
        return bad("num_attention_heads", "must divide hidden_size");
    }
    TRY(config.head_dim, size_field_or(json, "head_dim", kWidthMax / config.heads, config.hidden_size / config.heads));
    if (config.head_dim % 2 != 0) return bad("head_dim", "must be even");
    TRY(config.max_positions, size_field(json, "max_position_embeddings", kPositionsMax));
    TRY(config.rms_norm_eps, positive(json, "rms_norm_eps", 1e-6));
    TRY(config.tie_word_embeddings, flag(json, "tie_word_embeddings", false));
    TRY_OK(read_rope(json, &config));
    TRY_OK(read_tokens(json, &config));
    return config;
}

Result<ModelConfig> parse_model_config(std::string_view text) {
    TRY(const Json json, codec::parse_json(text, {.bytes_max = 1U << 20U, .depth_max = 16, .values_max = 20'000}));
    return read_model_config(json);
}

}  // namespace vcity::checkpoint
