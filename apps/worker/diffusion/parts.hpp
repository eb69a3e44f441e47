// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "checkpoint/safetensors.hpp"
#include "torch_api.hpp"

// What image networks are made of. Pictures are [batch, channels, height, width], sequences [batch, places, width].
namespace vcity::worker::diffusion {

// Takes tensors out of a file by name, each with the shape that it must have, as fp32 on a device. The first that is
// missing or has another shape is remembered; then empty ones are given out.
class Loader {
  public:
    Loader(const checkpoint::TensorMap* tensors, std::string file, torch::Device device)
        : tensors_{tensors}, file_{std::move(file)}, device_{device} {}

    torch::Tensor take(const std::string& name, const std::vector<std::int64_t>& shape);
    // Under the second name in older files.
    torch::Tensor take(const std::string& name, const std::string& old_name, const std::vector<std::int64_t>& shape);
    // kCorrupt: the file, the tensor and what is wrong. Tensors that nobody took are wrong, but for names that begin
    // so.
    Result<void> finish(const std::vector<std::string>& unused_prefixes) const;

  private:
    const checkpoint::TensorMap* tensors_;
    std::string file_;
    torch::Device device_;
    std::set<std::string, std::less<>> taken_;
    std::optional<Error> error_;
};

struct Linear {
    torch::Tensor weight;
    torch::Tensor bias;  // may be undefined

    static Linear load(
        Loader* loader, const std::string& name, std::int64_t in, std::int64_t out, bool has_bias = true);
    torch::Tensor operator()(const torch::Tensor& x) const;
};

struct Convolution {
    torch::Tensor weight;
    torch::Tensor bias;
    std::int64_t stride = 1;

    // Square kernels with an odd side, and as much around the picture as keeps its size.
    static Convolution load(
        Loader* loader, const std::string& name, std::int64_t in, std::int64_t out, std::int64_t side = 3);
    torch::Tensor operator()(const torch::Tensor& x) const;
};

// Over groups of channels.
struct GroupNorm {
    torch::Tensor weight;
    torch::Tensor bias;
    std::int64_t groups = 32;
    double eps = 1e-5;

    static GroupNorm load(Loader* loader, const std::string& name, std::int64_t width, std::int64_t groups, double eps);
    torch::Tensor operator()(const torch::Tensor& x) const;
};

struct LayerNorm {
    torch::Tensor weight;
    torch::Tensor bias;
    double eps = 1e-5;

    static LayerNorm load(Loader* loader, const std::string& name, std::int64_t width, double eps = 1e-5);
    torch::Tensor operator()(const torch::Tensor& x) const;
};

struct ResnetShape {
    std::int64_t in = 0;
    std::int64_t out = 0;
    std::int64_t groups = 32;
    double eps = 1e-5;
    std::int64_t time = 0;  // width of the embedding of time; 0: it knows no time
};

// x + conv2(silu(norm2(conv1(silu(norm1(x))) + time))).
struct Resnet {
    GroupNorm norm1;
    GroupNorm norm2;
    Convolution conv1;
    Convolution conv2;
    std::optional<Linear> time;
    std::optional<Convolution> shortcut;

    static Resnet load(Loader* loader, const std::string& name, const ResnetShape& shape);
    // embedding: [batch, time], undefined without one.
    torch::Tensor operator()(const torch::Tensor& x, const torch::Tensor& embedding) const;
};

// softmax(q k^T / sqrt(width of a head)) v of sequences; mask is added before the softmax when it is defined.
torch::Tensor attend(const torch::Tensor& q,
                     const torch::Tensor& k,
                     const torch::Tensor& v,
                     std::int64_t heads,
                     const torch::Tensor& mask = {});

struct Attention {
    Linear query;
    Linear key;
    Linear value;
    Linear out;
    std::int64_t heads = 1;

    static Attention load(
        Loader* loader, const std::string& name, std::int64_t width, std::int64_t context, std::int64_t heads);
    torch::Tensor operator()(const torch::Tensor& x, const torch::Tensor& context) const;
};

// Every place of the picture looks at the others and at the words of the text (Transformer2DModel of one block).
struct WordAttention {
    GroupNorm norm;
    torch::Tensor in_weight;  // of a 1x1 convolution or of a linear layer, as [out, in]
    torch::Tensor in_bias;
    torch::Tensor out_weight;
    torch::Tensor out_bias;
    LayerNorm norm1;
    LayerNorm norm2;
    LayerNorm norm3;
    Attention own;
    Attention words;
    Linear gated;  // to twice the inner width: values and gates
    Linear narrow;

    struct Shape {
        std::int64_t width = 0;
        std::int64_t context = 0;
        std::int64_t heads = 1;
        std::int64_t groups = 32;
        bool is_linear = false;
    };
    static WordAttention load(Loader* loader, const std::string& name, const Shape& shape);
    torch::Tensor operator()(const torch::Tensor& x, const torch::Tensor& context) const;
};

// Twice the size, by the nearest pixel, then a convolution.
torch::Tensor enlarge(const torch::Tensor& x, const Convolution& convolution);

}  // namespace vcity::worker::diffusion
