// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "diffusion/config.hpp"
#include "diffusion/parts.hpp"

// The three networks of a text-to-image model (Rombach et al. 2022), with the names under which diffusers stores their
// tensors. Loading never fails by itself: ask the loader.
namespace vcity::worker::diffusion {

// A prompt's tokens to vectors: a transformer whose places look back only (CLIP, Radford et al. 2021).
class TextEncoder {
  public:
    static TextEncoder load(Loader* loader, const vcity::diffusion::TextConfig& config);
    // tokens: [batch, places], whole numbers of the vocabulary; at most `positions` places. [batch, places, width].
    torch::Tensor encode(const torch::Tensor& tokens) const;

  private:
    struct Layer {
        LayerNorm norm1;
        LayerNorm norm2;
        Linear query;
        Linear key;
        Linear value;
        Linear out;
        Linear wide;
        Linear narrow;
    };

    vcity::diffusion::TextConfig config_;
    torch::Tensor tokens_;
    torch::Tensor places_;
    std::vector<Layer> layers_;
    LayerNorm norm_;
};

// Noisy latents to the noise in them, or what the schedule says that it predicts.
class Unet {
  public:
    static Unet load(Loader* loader, const vcity::diffusion::UnetConfig& config);
    // latents: [batch, in_channels, height, width], sides that can be halved at every level; context: [batch, places,
    // context].
    torch::Tensor predict(const torch::Tensor& latents, std::uint32_t time, const torch::Tensor& context) const;

  private:
    struct Level {
        std::vector<Resnet> resnets;
        std::vector<WordAttention> words;   // as many, or none
        std::optional<Convolution> resize;  // down: stride 2; up: after enlarging
    };
    torch::Tensor embed(std::uint32_t time, const torch::Tensor& like) const;
    void load_down(Loader* loader);
    void load_up(Loader* loader);

    vcity::diffusion::UnetConfig config_;
    Convolution in_;
    Linear time1_;
    Linear time2_;
    std::vector<Level> down_;
    Level middle_;
    std::vector<Level> up_;
    GroupNorm norm_;
    Convolution out_;
};

// Latents to a picture: the decoder of an autoencoder.
class Decoder {
  public:
    static Decoder load(Loader* loader, const vcity::diffusion::VaeConfig& config);
    // [batch, latent_channels, h, w], scaled as the network knows them, to [batch, 3, h * scale, w * scale], mostly in
    // [-1, 1].
    torch::Tensor decode(const torch::Tensor& latents) const;

  private:
    struct Level {
        std::vector<Resnet> resnets;
        std::optional<Convolution> resize;
    };

    double scaling_ = 1;
    Convolution post_;
    Convolution in_;
    Resnet before_;
    GroupNorm middle_norm_;
    Attention middle_;
    Resnet after_;
    std::vector<Level> levels_;
    GroupNorm norm_;
    Convolution out_;
};

}  // namespace vcity::worker::diffusion
