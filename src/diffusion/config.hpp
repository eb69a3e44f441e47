// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "codec/json.hpp"

// What decides what a text-to-image model computes, from the files of a folder in the layout of diffusers. Their texts
// are untrusted: kInvalid names the file and the field that is wrong, out of range, or asks for what is not supported.
namespace vcity::diffusion {

// unet/config.json of UNet2DConditionModel.
struct UnetConfig {
    std::uint32_t in_channels = 0;
    std::uint32_t out_channels = 0;
    std::uint32_t sample_size = 0;        // side of the latent picture that it was trained for
    std::vector<std::uint32_t> channels;  // of each level, from the finest
    std::vector<std::uint32_t> heads;     // likewise
    std::vector<bool> down_words;         // likewise: whether the level looks at the text on the way down
    std::vector<bool> up_words;           // from the coarsest level: on the way up
    std::uint32_t layers = 0;             // of a level on the way down; one more on the way up
    std::uint32_t context = 0;            // width of the text
    std::uint32_t groups = 32;
    double eps = 1e-5;
    double frequency_shift = 0;
    bool cosine_first = true;
    bool linear_projection = false;
};
Result<UnetConfig> parse_unet_config(std::string_view text);

// vae/config.json of AutoencoderKL; its decoder.
struct VaeConfig {
    std::uint32_t latent_channels = 0;
    std::vector<std::uint32_t> channels;  // from the finest level
    std::uint32_t layers = 0;
    std::uint32_t groups = 32;
    double scaling = 0.18215;
    // Side of a picture to that of its latents.
    std::uint32_t scale() const { return 1U << (channels.size() - 1); }
};
Result<VaeConfig> parse_vae_config(std::string_view text);

// text_encoder/config.json of CLIPTextModel.
struct TextConfig {
    std::uint32_t vocabulary = 0;
    std::uint32_t width = 0;
    std::uint32_t inner = 0;
    std::uint32_t layers = 0;
    std::uint32_t heads = 0;
    std::uint32_t positions = 0;
    double eps = 1e-5;
    bool quick_gelu = true;  // x sigmoid(1.702 x); else x times the normal distribution at x
};
Result<TextConfig> parse_text_config(std::string_view text);

// What the network's output means.
enum class Prediction : std::uint8_t { kNoise, kVelocity, kSample };

// scheduler/scheduler_config.json. The step is always that of DDIM, whichever scheduler of the same betas is named.
struct ScheduleConfig {
    std::uint32_t train_steps = 1000;
    double beta_start = 0.00085;
    double beta_end = 0.012;
    bool is_scaled = true;  // linear in the square roots of the betas; else in the betas
    std::uint32_t offset = 0;
    bool ends_clean = false;  // the last step leads to no noise at all; else to that of the first training step
    Prediction prediction = Prediction::kNoise;
};
Result<ScheduleConfig> parse_schedule_config(std::string_view text);

// model_index.json must name these kinds of parts.
Result<void> check_model_index(std::string_view text);

}  // namespace vcity::diffusion
