// SPDX-License-Identifier: Apache-2.0
#include "diffusion/config.hpp"

#include <gtest/gtest.h>

#include "codec/json.hpp"

namespace vcity::diffusion {
namespace {

// The fields of Stable Diffusion 1.5 that count.
constexpr std::string_view kUnet = R"({"_class_name":"UNet2DConditionModel","act_fn":"silu","attention_head_dim":8,
    "block_out_channels":[320,640,1280,1280],"center_input_sample":false,"cross_attention_dim":768,
    "down_block_types":["CrossAttnDownBlock2D","CrossAttnDownBlock2D","CrossAttnDownBlock2D","DownBlock2D"],
    "flip_sin_to_cos":true,"freq_shift":0,"in_channels":4,"layers_per_block":2,"norm_eps":1e-05,"norm_num_groups":32,
    "out_channels":4,"sample_size":64,"up_block_types":["UpBlock2D","CrossAttnUpBlock2D","CrossAttnUpBlock2D",
    "CrossAttnUpBlock2D"]})";
constexpr std::string_view kVae = R"({"_class_name":"AutoencoderKL","act_fn":"silu",
    "block_out_channels":[128,256,512,512],"latent_channels":4,"layers_per_block":2,"norm_num_groups":32,
    "out_channels":3})";
constexpr std::string_view kText = R"({"hidden_act":"quick_gelu","hidden_size":768,"intermediate_size":3072,
    "layer_norm_eps":1e-05,"max_position_embeddings":77,"model_type":"clip_text_model","num_attention_heads":12,
    "num_hidden_layers":12,"vocab_size":49408})";
constexpr std::string_view kSchedule = R"({"_class_name":"PNDMScheduler","beta_end":0.012,
    "beta_schedule":"scaled_linear","beta_start":0.00085,"num_train_timesteps":1000,"set_alpha_to_one":false,
    "skip_prk_steps":true,"steps_offset":1,"trained_betas":null,"clip_sample":false})";

// The text with one field set to a value.
std::string with(std::string_view text, std::string_view field, std::string_view value) {
    codec::Json json = codec::parse_json(text).value();
    json.set(std::string{field}, codec::parse_json(value).value());
    return codec::dump_json(json);
}

template <class Config>
void expect_refused(Result<Config> (*parse)(std::string_view),
                    std::string_view text,
                    std::initializer_list<std::pair<std::string_view, std::string_view>> cases) {
    for (const auto& [field, value] : cases) {
        const auto parsed = parse(with(text, field, value));
        ASSERT_FALSE(parsed) << field << " " << value;
        EXPECT_EQ(parsed.error().code, Errc::kInvalid);
        EXPECT_NE(parsed.error().message.find(field), std::string::npos) << parsed.error().message;
    }
}

TEST(DiffusionConfig, OfStableDiffusionIsRead) {
    const UnetConfig unet = parse_unet_config(kUnet).value();
    EXPECT_EQ(unet.channels, (std::vector<std::uint32_t>{320, 640, 1280, 1280}));
    EXPECT_EQ(unet.heads, (std::vector<std::uint32_t>{8, 8, 8, 8}));
    EXPECT_EQ(unet.down_words, (std::vector<bool>{true, true, true, false}));
    EXPECT_EQ(unet.up_words, (std::vector<bool>{false, true, true, true}));
    EXPECT_EQ(unet.context, 768U);
    const VaeConfig vae = parse_vae_config(kVae).value();
    EXPECT_EQ(vae.scale(), 8U);
    EXPECT_DOUBLE_EQ(vae.scaling, 0.18215);
    const TextConfig text = parse_text_config(kText).value();
    EXPECT_EQ(text.positions, 77U);
    EXPECT_TRUE(text.quick_gelu);
    const ScheduleConfig schedule = parse_schedule_config(kSchedule).value();
    EXPECT_EQ(schedule.offset, 1U);
    EXPECT_TRUE(schedule.is_scaled);
    EXPECT_EQ(schedule.prediction, Prediction::kNoise);
    const UnetConfig second =
        parse_unet_config(with(with(kUnet, "attention_head_dim", "[5,10,20,20]"), "use_linear_projection", "true"))
            .value();
    EXPECT_EQ(second.heads.back(), 20U);
    EXPECT_TRUE(second.linear_projection);
}

TEST(DiffusionConfig, NamesTheFieldThatIsWrong) {
    expect_refused(parse_unet_config, kUnet,
                   {{"_class_name", R"("UNet2DModel")"},
                    {"act_fn", R"("gelu")"},
                    {"attention_head_dim", "7"},
                    {"attention_head_dim", "[8]"},
                    {"block_out_channels", "[]"},
                    {"block_out_channels", "[320,640,1280,99999999]"},
                    {"block_out_channels", "[33,640,1280,1280]"},
                    {"class_embed_type", R"("timestep")"},
                    {"down_block_types", R"(["DownBlock2D"])"},
                    {"up_block_types", R"(["UpBlock2D","UpBlock2D","UpBlock2D","KUpBlock2D"])"},
                    {"layers_per_block", "0"},
                    {"norm_eps", "-1"},
                    {"norm_num_groups", "33"},
                    {"sample_size", "63"},
                    {"sample_size", "[64,64]"}});
    expect_refused(parse_vae_config, kVae,
                   {{"out_channels", "4"}, {"scaling_factor", "0"}, {"layers_per_block", "\"2\""}, {"act_fn", "1"}});
    expect_refused(parse_text_config, kText,
                   {{"hidden_act", R"("relu")"}, {"num_attention_heads", "7"}, {"max_position_embeddings", "1"}});
    expect_refused(parse_schedule_config, kSchedule,
                   {{"beta_schedule", R"("squaredcos_cap_v2")"},
                    {"clip_sample", "true"},
                    {"prediction_type", R"("flow")"},
                    {"timestep_spacing", R"("trailing")"},
                    {"num_train_timesteps", "1e9"},
                    {"beta_start", "2"}});
}

TEST(DiffusionConfig, AnIndexNamesThePartsThatAreKnown) {
    constexpr std::string_view kIndex = R"({"_class_name":"StableDiffusionPipeline",
        "safety_checker":[null,null],"text_encoder":["transformers","CLIPTextModel"],
        "tokenizer":["transformers","CLIPTokenizer"],"unet":["diffusers","UNet2DConditionModel"],
        "vae":["diffusers","AutoencoderKL"]})";
    EXPECT_TRUE(check_model_index(kIndex));
    EXPECT_FALSE(check_model_index(with(kIndex, "_class_name", R"("StableDiffusionXLPipeline")")));
    EXPECT_FALSE(check_model_index(with(kIndex, "unet", R"(["diffusers","FluxTransformer2DModel"])")));
    EXPECT_FALSE(check_model_index(with(kIndex, "vae", "null")));
    EXPECT_FALSE(check_model_index("[]"));
}

}  // namespace
}  // namespace vcity::diffusion
