// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/model_config.hpp"

#include <gtest/gtest.h>

#include "checkpoint/testing/tiny_model.hpp"

namespace vcity::checkpoint {
namespace {

// The tiny configuration with one member replaced.
Result<ModelConfig> parse_with(const std::string& name, codec::Json value) {
    codec::Json json = *codec::parse_json(testing::tiny_config({}));
    json.set(name, std::move(value));
    return read_model_config(json);
}

TEST(ModelConfig, ReadsALlamaConfiguration) {
    const auto config = parse_model_config(testing::tiny_config({}));

    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->vocab_size, 277U);
    EXPECT_EQ(config->kv_heads, 2U);
    EXPECT_EQ(config->head_dim, 8U);
    EXPECT_EQ(config->end_tokens, (std::vector<std::uint32_t>{2}));
    EXPECT_EQ(config->begin_token, 1U);
}

TEST(ModelConfig, ReadsSeveralEndTokensAndLlama3Rope) {
    const auto ends = parse_with("eos_token_id", codec::JsonArray{2, 4});
    const auto rope = parse_with("rope_scaling", codec::JsonObject{{"rope_type", "llama3"},
                                                                   {"factor", 8.0},
                                                                   {"low_freq_factor", 1.0},
                                                                   {"high_freq_factor", 4.0},
                                                                   {"original_max_position_embeddings", 8192}});

    ASSERT_TRUE(ends);
    EXPECT_EQ(ends->end_tokens, (std::vector<std::uint32_t>{2, 4}));
    ASSERT_TRUE(rope) << rope.error().message;
    EXPECT_EQ(rope->rope_scaling->factor, 8.0);
}

TEST(ModelConfig, NamesTheFieldThatIsWrong) {
    const std::pair<std::string, codec::Json> wrong[] = {
        {"vocab_size", 0},
        {"vocab_size", std::uint64_t{1} << 40U},
        {"vocab_size", "many"},
        {"hidden_size", codec::Json{}},
        {"num_attention_heads", 5},
        {"num_key_value_heads", 3},
        {"head_dim", 7},
        {"num_hidden_layers", 1.5},
        {"rms_norm_eps", -1.0},
        {"rope_theta", 0},
        {"model_type", "gpt2"},
        {"hidden_act", "gelu"},
        {"attention_bias", true},
        {"sliding_window", 4096},
        {"eos_token_id", 277},
        {"rope_scaling", codec::JsonObject{{"rope_type", "yarn"}}},
        {"tie_word_embeddings", "yes"},
    };
    for (const auto& [name, value] : wrong) {
        const auto parsed = parse_with(name, value);
        ASSERT_FALSE(parsed) << name;
        EXPECT_EQ(parsed.error().code, Errc::kInvalid);
        EXPECT_NE(parsed.error().message.find(name), std::string::npos) << parsed.error().message;
    }
}

TEST(ModelConfig, RefusesWhatIsNoObject) {
    EXPECT_FALSE(parse_model_config(""));
    EXPECT_FALSE(parse_model_config("[]"));
    EXPECT_FALSE(parse_model_config("{\"model_type\": \"llama\""));
}

}  // namespace
}  // namespace vcity::checkpoint
