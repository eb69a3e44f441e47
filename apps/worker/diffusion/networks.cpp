// SPDX-License-Identifier: Apache-2.0
#include "diffusion/networks.hpp"

#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace vcity::worker::diffusion {
namespace {

constexpr double kDecoderEps = 1e-6;

torch::Tensor quick_gelu(const torch::Tensor& x) {
    constexpr double kSteepness = 1.702;
    return x * torch::sigmoid(kSteepness * x);
}

}  // namespace

// --- text

TextEncoder TextEncoder::load(Loader* loader, const vcity::diffusion::TextConfig& config) {
    const std::int64_t width = config.width;
    TextEncoder encoder;
    encoder.config_ = config;
    encoder.tokens_ = loader->take("text_model.embeddings.token_embedding.weight", {config.vocabulary, width});
    encoder.places_ = loader->take("text_model.embeddings.position_embedding.weight", {config.positions, width});
    for (std::uint32_t index = 0; index < config.layers; ++index) {
        const std::string name = fmt::format("text_model.encoder.layers.{}.", index);
        Layer& layer = encoder.layers_.emplace_back();
        layer.norm1 = LayerNorm::load(loader, name + "layer_norm1", width, config.eps);
        layer.norm2 = LayerNorm::load(loader, name + "layer_norm2", width, config.eps);
        layer.query = Linear::load(loader, name + "self_attn.q_proj", width, width);
        layer.key = Linear::load(loader, name + "self_attn.k_proj", width, width);
        layer.value = Linear::load(loader, name + "self_attn.v_proj", width, width);
        layer.out = Linear::load(loader, name + "self_attn.out_proj", width, width);
        layer.wide = Linear::load(loader, name + "mlp.fc1", width, config.inner);
        layer.narrow = Linear::load(loader, name + "mlp.fc2", config.inner, width);
    }
    encoder.norm_ = LayerNorm::load(loader, "text_model.final_layer_norm", width, config.eps);
    return encoder;
}

torch::Tensor TextEncoder::encode(const torch::Tensor& tokens) const {
    const std::int64_t places = tokens.size(1);
    CHECK(places <= config_.positions);
    torch::Tensor x = torch::embedding(tokens_, tokens) + places_.narrow(0, 0, places);
    const torch::Tensor mask =
        torch::full({places, places}, -std::numeric_limits<double>::infinity(), x.options()).triu(1);
    for (const Layer& layer : layers_) {
        const torch::Tensor normal = layer.norm1(x);
        x = x + layer.out(attend(layer.query(normal), layer.key(normal), layer.value(normal), config_.heads, mask));
        const torch::Tensor wide = layer.wide(layer.norm2(x));
        x = x + layer.narrow(config_.quick_gelu ? quick_gelu(wide) : torch::gelu(wide));
    }
    return norm_(x);
}

// --- the denoising network

Unet Unet::load(Loader* loader, const vcity::diffusion::UnetConfig& config) {
    Unet unet;
    unet.config_ = config;
    const std::int64_t first = config.channels.front();
    const std::int64_t last = config.channels.back();
    const std::int64_t time = 4 * first;
    unet.in_ = Convolution::load(loader, "conv_in", config.in_channels, first);
    unet.time1_ = Linear::load(loader, "time_embedding.linear_1", first, time);
    unet.time2_ = Linear::load(loader, "time_embedding.linear_2", time, time);
    unet.load_down(loader);
    const ResnetShape middle{.in = last, .out = last, .groups = config.groups, .eps = config.eps, .time = time};
    unet.middle_.resnets = {Resnet::load(loader, "mid_block.resnets.0", middle),
                            Resnet::load(loader, "mid_block.resnets.1", middle)};
    unet.middle_.words = {WordAttention::load(loader, "mid_block.attentions.0",
                                              {.width = last,
                                               .context = config.context,
                                               .heads = config.heads.back(),
                                               .groups = config.groups,
                                               .is_linear = config.linear_projection})};
    unet.load_up(loader);
    unet.norm_ = GroupNorm::load(loader, "conv_norm_out", first, config.groups, config.eps);
    unet.out_ = Convolution::load(loader, "conv_out", first, config.out_channels);
    return unet;
}

void Unet::load_down(Loader* loader) {
    ResnetShape shape{.groups = config_.groups, .eps = config_.eps, .time = 4 * std::int64_t{config_.channels.front()}};
    std::int64_t before = config_.channels.front();
    for (std::size_t at = 0; at < config_.channels.size(); ++at) {
        const std::int64_t width = config_.channels[at];
        const std::string name = fmt::format("down_blocks.{}.", at);
        Level& level = down_.emplace_back();
        for (std::uint32_t index = 0; index < config_.layers; ++index) {
            shape.in = index == 0 ? before : width;
            shape.out = width;
            level.resnets.push_back(Resnet::load(loader, fmt::format("{}resnets.{}", name, index), shape));
            if (!config_.down_words[at]) continue;
            level.words.push_back(WordAttention::load(loader, fmt::format("{}attentions.{}", name, index),
                                                      {.width = width,
                                                       .context = config_.context,
                                                       .heads = config_.heads[at],
                                                       .groups = config_.groups,
                                                       .is_linear = config_.linear_projection}));
        }
        before = width;
        if (at + 1 == config_.channels.size()) break;
        level.resize = Convolution::load(loader, name + "downsamplers.0.conv", width, width);
        level.resize->stride = 2;
    }
}

// Each part on the way up takes what a part on the way down left, latest first.
void Unet::load_up(Loader* loader) {
    ResnetShape shape{.groups = config_.groups, .eps = config_.eps, .time = 4 * std::int64_t{config_.channels.front()}};
    const std::size_t levels = config_.channels.size();
    std::int64_t before = config_.channels.back();
    for (std::size_t at = 0; at < levels; ++at) {
        const std::size_t mirrored = levels - 1 - at;
        const std::int64_t width = config_.channels[mirrored];
        const std::int64_t finer = config_.channels[mirrored == 0 ? 0 : mirrored - 1];
        const std::string name = fmt::format("up_blocks.{}.", at);
        Level& level = up_.emplace_back();
        for (std::uint32_t index = 0; index <= config_.layers; ++index) {
            // The last of a level takes what came into that level on the way down.
            shape.in = (index == 0 ? before : width) + (index == config_.layers ? finer : width);
            shape.out = width;
            level.resnets.push_back(Resnet::load(loader, fmt::format("{}resnets.{}", name, index), shape));
            if (!config_.up_words[at]) continue;
            level.words.push_back(WordAttention::load(loader, fmt::format("{}attentions.{}", name, index),
                                                      {.width = width,
                                                       .context = config_.context,
                                                       .heads = config_.heads[mirrored],
                                                       .groups = config_.groups,
                                                       .is_linear = config_.linear_projection}));
        }
        before = width;
        if (at + 1 == levels) break;
        level.resize = Convolution::load(loader, name + "upsamplers.0.conv", width, width);
    }
}

// Sines and cosines of the time at frequencies from 1 down to 1/10000 (Vaswani et al. 2017).
torch::Tensor Unet::embed(std::uint32_t time, const torch::Tensor& like) const {
    const std::int64_t half = config_.channels.front() / 2;
    const double span = static_cast<double>(half) - config_.frequency_shift;
    constexpr double kSlowest = 10'000;
    const torch::Tensor places = torch::arange(half, torch::TensorOptions{}.dtype(torch::kFloat32));
    const torch::Tensor angles = static_cast<double>(time) * torch::exp(places * (-std::log(kSlowest) / span));
    const torch::Tensor waves =
        config_.cosine_first ? torch::cat({angles.cos(), angles.sin()}) : torch::cat({angles.sin(), angles.cos()});
    return time2_(torch::silu(time1_(waves.to(like.device()).unsqueeze(0))));
}

torch::Tensor Unet::predict(const torch::Tensor& latents, std::uint32_t time, const torch::Tensor& context) const {
    const torch::Tensor embedding = embed(time, latents);
    torch::Tensor x = in_(latents);
    std::vector<torch::Tensor> left{x};
    for (const Level& level : down_) {
        for (std::size_t at = 0; at < level.resnets.size(); ++at) {
            x = level.resnets[at](x, embedding);
            if (!level.words.empty()) x = level.words[at](x, context);
            left.push_back(x);
        }
        if (!level.resize) continue;
        x = (*level.resize)(x);
        left.push_back(x);
    }
    x = middle_.resnets[0](x, embedding);
    x = middle_.resnets[1](middle_.words[0](x, context), embedding);
    for (const Level& level : up_) {
        for (std::size_t at = 0; at < level.resnets.size(); ++at) {
            CHECK(!left.empty());
            x = level.resnets[at](torch::cat({x, left.back()}, 1), embedding);
            left.pop_back();
            if (!level.words.empty()) x = level.words[at](x, context);
        }
        if (level.resize) x = enlarge(x, *level.resize);
    }
    return out_(torch::silu(norm_(x)));
}

// --- the decoder

Decoder Decoder::load(Loader* loader, const vcity::diffusion::VaeConfig& config) {
    Decoder decoder;
    decoder.scaling_ = config.scaling;
    const std::int64_t coarse = config.channels.back();
    ResnetShape shape{.in = coarse, .out = coarse, .groups = config.groups, .eps = kDecoderEps, .time = 0};
    decoder.post_ = Convolution::load(loader, "post_quant_conv", config.latent_channels, config.latent_channels, 1);
    decoder.in_ = Convolution::load(loader, "decoder.conv_in", config.latent_channels, coarse);
    decoder.before_ = Resnet::load(loader, "decoder.mid_block.resnets.0", shape);
    const std::string middle = "decoder.mid_block.attentions.0";
    decoder.middle_norm_ = GroupNorm::load(loader, middle + ".group_norm", coarse, config.groups, kDecoderEps);
    const auto linear = [&](const std::string& name, const std::string& old_name) {
        Linear part;
        part.weight = loader->take(middle + name + ".weight", middle + old_name + ".weight", {coarse, coarse});
        part.bias = loader->take(middle + name + ".bias", middle + old_name + ".bias", {coarse});
        return part;
    };
    decoder.middle_.query = linear(".to_q", ".query");
    decoder.middle_.key = linear(".to_k", ".key");
    decoder.middle_.value = linear(".to_v", ".value");
    decoder.middle_.out = linear(".to_out.0", ".proj_attn");
    decoder.after_ = Resnet::load(loader, "decoder.mid_block.resnets.1", shape);
    for (std::size_t at = 0; at < config.channels.size(); ++at) {
        const std::string name = fmt::format("decoder.up_blocks.{}.", at);
        shape.out = config.channels[config.channels.size() - 1 - at];
        Level& level = decoder.levels_.emplace_back();
        for (std::uint32_t index = 0; index <= config.layers; ++index) {
            level.resnets.push_back(Resnet::load(loader, fmt::format("{}resnets.{}", name, index), shape));
            shape.in = shape.out;
        }
        if (at + 1 == config.channels.size()) break;
        level.resize = Convolution::load(loader, name + "upsamplers.0.conv", shape.out, shape.out);
    }
    decoder.norm_ = GroupNorm::load(loader, "decoder.conv_norm_out", shape.out, config.groups, kDecoderEps);
    decoder.out_ = Convolution::load(loader, "decoder.conv_out", shape.out, 3);
    return decoder;
}

torch::Tensor Decoder::decode(const torch::Tensor& latents) const {
    torch::Tensor x = before_(in_(post_(latents / scaling_)), {});
    const torch::Tensor normal = middle_norm_(x).flatten(2).transpose(1, 2);
    x = x + middle_(normal, normal).transpose(1, 2).reshape(x.sizes());
    x = after_(x, {});
    for (const Level& level : levels_) {
        for (const Resnet& resnet : level.resnets) x = resnet(x, {});
        if (level.resize) x = enlarge(x, *level.resize);
    }
    return out_(torch::silu(norm_(x)));
}

}  // namespace vcity::worker::diffusion
