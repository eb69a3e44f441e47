// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace vcity::worker::diffusion {

struct PaintRequest {
    std::string prompt;
    std::uint64_t seed = 0;
    std::uint32_t steps = 20;  // 1 to the model's training steps
    double guidance = 3;       // classifier-free (Ho, Salimans 2022); 1: none
};

// Red, green and blue of 8 bits, row by row from above.
struct PaintedImage {
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    std::vector<std::uint8_t> pixels;  // 3 * width * height
};

// A text-to-image model from a folder in the layout of diffusers: model_index.json, tokenizer/, text_encoder/, unet/,
// vae/ and scheduler/, weights as safetensors. Everything in it is untrusted. All is computed in fp32; the same request
// gives the same picture on the same kind of processor with the same number of threads, elsewhere a picture that
// differs by roundings.
class Painter {
  public:
    // device: "cpu" or "cuda". kNotFound, kInvalid or kCorrupt: the file and what is wrong with it.
    static Result<Painter> open(const std::filesystem::path& folder, const std::string& device);
    Painter(Painter&&) noexcept;
    Painter& operator=(Painter&&) noexcept;
    ~Painter();

    // kInvalid: a prompt that the tokenizer refuses, or a wrong number of steps.
    Result<PaintedImage> paint(const PaintRequest& request) const;

  private:
    friend struct PainterProbe;  // for tests that compare the parts
    struct Parts;
    explicit Painter(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

struct PaintOptions {
    std::filesystem::path model;
    std::filesystem::path out;  // a PPM file (P6)
    std::string device = "cpu";
    int threads = 1;
    PaintRequest request;
};
// vcity-worker paint: the request's prompt from standard input.
Result<void> run_paint(PaintOptions options);

}  // namespace vcity::worker::diffusion
