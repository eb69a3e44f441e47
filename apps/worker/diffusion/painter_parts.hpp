// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "diffusion/clip_tokenizer.hpp"
#include "diffusion/config.hpp"
#include "diffusion/networks.hpp"
#include "diffusion/painter.hpp"

namespace vcity::worker::diffusion {

struct Painter::Parts {
    vcity::diffusion::TextConfig text_config;
    vcity::diffusion::UnetConfig unet_config;
    vcity::diffusion::VaeConfig vae_config;
    vcity::diffusion::ScheduleConfig schedule;
    std::optional<vcity::diffusion::ClipTokenizer> tokenizer;
    TextEncoder text;
    Unet unet;
    Decoder decoder;
    torch::Device device{torch::kCPU};

    // [1, positions, width].
    Result<torch::Tensor> encode(const std::string& prompt) const;
    // Noise of the seed, [1, channels, side, side].
    torch::Tensor noise(std::uint64_t seed) const;
    // context: of nothing and of the prompt, [2, positions, width].
    Result<torch::Tensor> sample(torch::Tensor latents,
                                 const torch::Tensor& context,
                                 const PaintRequest& request) const;
};

struct PainterProbe {
    static const Painter::Parts& parts(const Painter& painter) { return *painter.parts_; }
};

}  // namespace vcity::worker::diffusion
