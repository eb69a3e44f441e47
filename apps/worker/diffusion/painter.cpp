// SPDX-License-Identifier: Apache-2.0
#include "diffusion/painter.hpp"

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>

#include <fmt/format.h>

#include "checkpoint/mapped_file.hpp"
#include "diffusion/painter_parts.hpp"
#include "diffusion/schedule.hpp"

namespace vcity::worker::diffusion {
namespace {

namespace fs = std::filesystem;
using checkpoint::MappedFile;

constexpr std::size_t kConfigBytesMax = 1U << 20U;
constexpr std::size_t kTokenizerBytesMax = 16U << 20U;
constexpr std::size_t kPromptBytesMax = 16U << 10U;

// A file with weights, and the tensors in it.
struct Weights {
    MappedFile file;
    checkpoint::TensorMap tensors;
    std::string name;
};

Result<Weights> open_weights(const fs::path& folder, const std::string& name) {
    TRY(MappedFile file, MappedFile::open(folder / name));
    auto tensors = checkpoint::parse_safetensors(file.bytes());
    if (!tensors) return make_error(Errc::kCorrupt, name + ": " + tensors.error().message);
    return Weights{.file = std::move(file), .tensors = *std::move(tensors), .name = name};
}

Result<std::string> read_config(const fs::path& folder, const char* name) {
    return checkpoint::read_text_file(folder / name, kConfigBytesMax);
}

}  // namespace

Painter::Painter(std::unique_ptr<Parts> parts) : parts_{std::move(parts)} {}
Painter::Painter(Painter&&) noexcept = default;
Painter& Painter::operator=(Painter&&) noexcept = default;
Painter::~Painter() = default;

Result<Painter> Painter::open(const fs::path& folder, const std::string& device) {
    namespace model = vcity::diffusion;
    auto parts = std::make_unique<Parts>();
    if (device == "cuda" && !torch::cuda::is_available()) return make_error(Errc::kInvalid, "there is no CUDA device");
    parts->device = device == "cuda" ? torch::kCUDA : torch::kCPU;
    TRY(const std::string index, read_config(folder, "model_index.json"));
    TRY_OK(model::check_model_index(index));
    TRY(const std::string text_config, read_config(folder, "text_encoder/config.json"));
    TRY(parts->text_config, model::parse_text_config(text_config));
    TRY(const std::string unet_config, read_config(folder, "unet/config.json"));
    TRY(parts->unet_config, model::parse_unet_config(unet_config));
    TRY(const std::string vae_config, read_config(folder, "vae/config.json"));
    TRY(parts->vae_config, model::parse_vae_config(vae_config));
    TRY(const std::string schedule, read_config(folder, "scheduler/scheduler_config.json"));
    TRY(parts->schedule, model::parse_schedule_config(schedule));
    TRY(const std::string words, checkpoint::read_text_file(folder / "tokenizer/vocab.json", kTokenizerBytesMax));
    TRY(const std::string merges, checkpoint::read_text_file(folder / "tokenizer/merges.txt", kTokenizerBytesMax));
    TRY(parts->tokenizer, model::ClipTokenizer::parse(words, merges));
    const bool fits = parts->unet_config.context == parts->text_config.width &&
                      parts->unet_config.in_channels == parts->vae_config.latent_channels &&
                      parts->unet_config.out_channels == parts->vae_config.latent_channels &&
                      parts->tokenizer->vocabulary() <= parts->text_config.vocabulary;
    if (!fits) return make_error(Errc::kInvalid, "the tokenizer, text encoder, unet and vae do not fit each other");

    const torch::NoGradGuard no_grad;
    TRY(const Weights text, open_weights(folder, "text_encoder/model.safetensors"));
    Loader text_loader{&text.tensors, text.name, parts->device};
    parts->text = TextEncoder::load(&text_loader, parts->text_config);
    TRY_OK(text_loader.finish({}));
    TRY(const Weights unet, open_weights(folder, "unet/diffusion_pytorch_model.safetensors"));
    Loader unet_loader{&unet.tensors, unet.name, parts->device};
    parts->unet = Unet::load(&unet_loader, parts->unet_config);
    TRY_OK(unet_loader.finish({}));
    TRY(const Weights vae, open_weights(folder, "vae/diffusion_pytorch_model.safetensors"));
    Loader vae_loader{&vae.tensors, vae.name, parts->device};
    parts->decoder = Decoder::load(&vae_loader, parts->vae_config);
    TRY_OK(vae_loader.finish({"encoder.", "quant_conv."}));
    return Painter{std::move(parts)};
}

Result<torch::Tensor> Painter::Parts::encode(const std::string& prompt) const {
    TRY(const std::vector<std::uint32_t> ids, tokenizer->encode(prompt, text_config.positions));
    const std::vector<std::int64_t> tokens(ids.begin(), ids.end());
    return text.encode(torch::tensor(tokens, torch::kInt64).unsqueeze(0).to(device));
}

torch::Tensor Painter::Parts::noise(std::uint64_t seed) const {
    const std::int64_t channels = unet_config.in_channels;
    const std::int64_t side = unet_config.sample_size;
    const auto count = static_cast<std::size_t>(channels * side * side);
    return torch::tensor(vcity::diffusion::normal_numbers(seed, count)).reshape({1, channels, side, side}).to(device);
}

Result<torch::Tensor> Painter::Parts::sample(torch::Tensor latents,
                                             const torch::Tensor& context,
                                             const PaintRequest& request) const {
    TRY(const auto steps, vcity::diffusion::make_steps(schedule, request.steps));
    for (const vcity::diffusion::DiffusionStep& step : steps) {
        const torch::Tensor both = unet.predict(torch::cat({latents, latents}), step.time, context);
        const torch::Tensor without = both.narrow(0, 0, 1);
        const torch::Tensor said = without + request.guidance * (both.narrow(0, 1, 1) - without);
        latents = step.keep * latents + step.add * said;
    }
    return latents;
}

Result<PaintedImage> Painter::paint(const PaintRequest& request) const {
    const torch::NoGradGuard no_grad;
    TRY(const torch::Tensor empty, parts_->encode(""));
    TRY(const torch::Tensor words, parts_->encode(request.prompt));
    TRY(const torch::Tensor latents, parts_->sample(parts_->noise(request.seed), torch::cat({empty, words}), request));
    const torch::Tensor picture = parts_->decoder.decode(latents).squeeze(0).permute({1, 2, 0});
    const torch::Tensor bytes =
        ((picture.clamp(-1, 1) + 1) * 127.5).round().to(torch::kUInt8).to(torch::kCPU).contiguous();
    PaintedImage image;
    image.height = static_cast<std::uint32_t>(bytes.size(0));
    image.width = static_cast<std::uint32_t>(bytes.size(1));
    const auto* data = bytes.data_ptr<std::uint8_t>();
    image.pixels.assign(data, data + bytes.numel());
    return image;
}

namespace {

// libtorch throws when memory is short, here or on the device.
Result<PaintedImage> paint_once(const PaintOptions& options) {
    try {
        TRY(const Painter painter, Painter::open(options.model, options.device));
        return painter.paint(options.request);
    } catch (const std::bad_alloc&) {
        return make_error(Errc::kExhausted, "out of memory: ask for more in resources.memory");
    } catch (const c10::Error& error) {
        return make_error(Errc::kInternal, error.what_without_backtrace());
    }
}

}  // namespace

Result<void> run_paint(PaintOptions options) {
    torch::set_num_threads(options.threads);
    std::string prompt{std::istreambuf_iterator<char>{std::cin}, {}};
    if (prompt.size() > kPromptBytesMax) return make_error(Errc::kInvalid, "prompt: is longer than 16 KiB");
    options.request.prompt = std::move(prompt);
    const Result<PaintedImage> painted = paint_once(options);
    if (!painted) return painted.error();
    const PaintedImage& image = *painted;
    std::ofstream file{options.out, std::ios::binary};
    file << fmt::format("P6\n{} {}\n255\n", image.width, image.height);
    file.write(reinterpret_cast<const char*>(image.pixels.data()), static_cast<std::streamsize>(image.pixels.size()));
    file.close();
    if (!file) return make_error(Errc::kUnavailable, options.out.string() + ": cannot be written");
    return {};
}

}  // namespace vcity::worker::diffusion
