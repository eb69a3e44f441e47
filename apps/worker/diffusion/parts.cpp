// SPDX-License-Identifier: Apache-2.0
#include "diffusion/parts.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace vcity::worker::diffusion {
namespace {

constexpr std::int64_t kInnerTimes = 4;  // width of a feed-forward layer to that of its block

torch::ScalarType scalar_type(checkpoint::DType dtype) {
    switch (dtype) {
        case checkpoint::DType::kFloat32: return torch::kFloat32;
        case checkpoint::DType::kFloat16: return torch::kFloat16;
        case checkpoint::DType::kBfloat16: return torch::kBFloat16;
    }
    unreachable();
}

bool has_shape(const checkpoint::Tensor& tensor, const std::vector<std::int64_t>& shape) {
    return std::ranges::equal(tensor.shape, shape, [](std::uint64_t stored, std::int64_t wanted) {
        return stored == static_cast<std::uint64_t>(wanted);
    });
}

}  // namespace

torch::Tensor Loader::take(const std::string& name, const std::vector<std::int64_t>& shape) {
    if (error_) return {};
    const auto found = tensors_->find(name);
    if (found == tensors_->end()) {
        error_ = make_error(Errc::kCorrupt, fmt::format("{}: {} is missing", file_, name));
        return {};
    }
    const checkpoint::Tensor& stored = found->second;
    if (!has_shape(stored, shape)) {
        error_ = make_error(Errc::kCorrupt, fmt::format("{}: {} has shape [{}], the configuration says [{}]", file_,
                                                        name, fmt::join(stored.shape, ", "), fmt::join(shape, ", ")));
        return {};
    }
    taken_.insert(name);
    // libtorch has no read-only view of memory; the mapped bytes are copied right away and never written.
    auto* const data = const_cast<std::uint8_t*>(stored.bytes.data());
    return torch::from_blob(data, shape, scalar_type(stored.dtype)).to(device_, torch::kFloat32, false, true);
}

torch::Tensor Loader::take(const std::string& name,
                           const std::string& old_name,
                           const std::vector<std::int64_t>& shape) {
    return take(tensors_->contains(name) ? name : old_name, shape);
}

Result<void> Loader::finish(const std::vector<std::string>& unused_prefixes) const {
    if (error_) return *error_;
    for (const auto& entry : *tensors_) {
        const std::string& name = entry.first;
        const bool is_unused = std::ranges::any_of(
            unused_prefixes, [&name](const std::string& prefix) { return name.starts_with(prefix); });
        if (is_unused || taken_.contains(name)) continue;
        return make_error(Errc::kCorrupt,
                          fmt::format("{}: {} belongs to no part of this model", file_, name.substr(0, 200)));
    }
    return {};
}

Linear Linear::load(Loader* loader, const std::string& name, std::int64_t in, std::int64_t out, bool has_bias) {
    Linear part;
    part.weight = loader->take(name + ".weight", {out, in});
    if (has_bias) part.bias = loader->take(name + ".bias", {out});
    return part;
}

torch::Tensor Linear::operator()(const torch::Tensor& x) const {
    return torch::linear(x, weight, bias);
}

Convolution Convolution::load(
    Loader* loader, const std::string& name, std::int64_t in, std::int64_t out, std::int64_t side) {
    Convolution part;
    part.weight = loader->take(name + ".weight", {out, in, side, side});
    part.bias = loader->take(name + ".bias", {out});
    return part;
}

torch::Tensor Convolution::operator()(const torch::Tensor& x) const {
    return torch::conv2d(x, weight, bias, stride, weight.size(2) / 2);
}

GroupNorm GroupNorm::load(
    Loader* loader, const std::string& name, std::int64_t width, std::int64_t groups, double eps) {
    GroupNorm part;
    part.weight = loader->take(name + ".weight", {width});
    part.bias = loader->take(name + ".bias", {width});
    part.groups = groups;
    part.eps = eps;
    return part;
}

torch::Tensor GroupNorm::operator()(const torch::Tensor& x) const {
    return torch::group_norm(x, groups, weight, bias, eps);
}

LayerNorm LayerNorm::load(Loader* loader, const std::string& name, std::int64_t width, double eps) {
    LayerNorm part;
    part.weight = loader->take(name + ".weight", {width});
    part.bias = loader->take(name + ".bias", {width});
    part.eps = eps;
    return part;
}

torch::Tensor LayerNorm::operator()(const torch::Tensor& x) const {
    return torch::layer_norm(x, {weight.size(0)}, weight, bias, eps);
}

Resnet Resnet::load(Loader* loader, const std::string& name, const ResnetShape& shape) {
    Resnet part;
    part.norm1 = GroupNorm::load(loader, name + ".norm1", shape.in, shape.groups, shape.eps);
    part.conv1 = Convolution::load(loader, name + ".conv1", shape.in, shape.out);
    if (shape.time != 0) part.time = Linear::load(loader, name + ".time_emb_proj", shape.time, shape.out);
    part.norm2 = GroupNorm::load(loader, name + ".norm2", shape.out, shape.groups, shape.eps);
    part.conv2 = Convolution::load(loader, name + ".conv2", shape.out, shape.out);
    if (shape.in != shape.out) {
        part.shortcut = Convolution::load(loader, name + ".conv_shortcut", shape.in, shape.out, 1);
    }
    return part;
}

torch::Tensor Resnet::operator()(const torch::Tensor& x, const torch::Tensor& embedding) const {
    torch::Tensor inner = conv1(torch::silu(norm1(x)));
    if (time) inner = inner + (*time)(torch::silu(embedding)).unsqueeze(2).unsqueeze(3);
    inner = conv2(torch::silu(norm2(inner)));
    return (shortcut ? (*shortcut)(x) : x) + inner;
}

torch::Tensor attend(const torch::Tensor& q,
                     const torch::Tensor& k,
                     const torch::Tensor& v,
                     std::int64_t heads,
                     const torch::Tensor& mask) {
    const auto split = [&](const torch::Tensor& x) {
        return x.reshape({x.size(0), x.size(1), heads, x.size(2) / heads}).transpose(1, 2);
    };
    const double scale = 1 / std::sqrt(static_cast<double>(q.size(2) / heads));
    torch::Tensor scores = torch::matmul(split(q), split(k).transpose(2, 3)) * scale;
    if (mask.defined()) scores = scores + mask;
    return torch::matmul(torch::softmax(scores, -1), split(v)).transpose(1, 2).flatten(2);
}

Attention Attention::load(
    Loader* loader, const std::string& name, std::int64_t width, std::int64_t context, std::int64_t heads) {
    Attention part;
    part.query = Linear::load(loader, name + ".to_q", width, width, false);
    part.key = Linear::load(loader, name + ".to_k", context, width, false);
    part.value = Linear::load(loader, name + ".to_v", context, width, false);
    part.out = Linear::load(loader, name + ".to_out.0", width, width);
    part.heads = heads;
    return part;
}

torch::Tensor Attention::operator()(const torch::Tensor& x, const torch::Tensor& context) const {
    return out(attend(query(x), key(context), value(context), heads));
}

WordAttention WordAttention::load(Loader* loader, const std::string& name, const Shape& shape) {
    const std::int64_t width = shape.width;
    const std::string block = name + ".transformer_blocks.0";
    std::vector<std::int64_t> kernel{width, width};
    if (!shape.is_linear) kernel.insert(kernel.end(), {1, 1});
    WordAttention part;
    part.norm = GroupNorm::load(loader, name + ".norm", width, shape.groups, 1e-6);
    part.in_weight = loader->take(name + ".proj_in.weight", kernel);
    part.in_bias = loader->take(name + ".proj_in.bias", {width});
    part.out_weight = loader->take(name + ".proj_out.weight", kernel);
    part.out_bias = loader->take(name + ".proj_out.bias", {width});
    for (torch::Tensor* weight : {&part.in_weight, &part.out_weight}) {
        if (weight->defined()) *weight = weight->reshape({width, width});
    }
    part.norm1 = LayerNorm::load(loader, block + ".norm1", width);
    part.own = Attention::load(loader, block + ".attn1", width, width, shape.heads);
    part.norm2 = LayerNorm::load(loader, block + ".norm2", width);
    part.words = Attention::load(loader, block + ".attn2", width, shape.context, shape.heads);
    part.norm3 = LayerNorm::load(loader, block + ".norm3", width);
    part.gated = Linear::load(loader, block + ".ff.net.0.proj", width, 2 * kInnerTimes * width);
    part.narrow = Linear::load(loader, block + ".ff.net.2", kInnerTimes * width, width);
    return part;
}

// A 1x1 convolution is a linear layer of every place.
torch::Tensor WordAttention::operator()(const torch::Tensor& x, const torch::Tensor& context) const {
    torch::Tensor h = torch::linear(norm(x).flatten(2).transpose(1, 2), in_weight, in_bias);
    const torch::Tensor normal = norm1(h);
    h = h + own(normal, normal);
    h = h + words(norm2(h), context);
    const std::vector<torch::Tensor> halves = gated(norm3(h)).chunk(2, -1);
    h = h + narrow(halves[0] * torch::gelu(halves[1]));
    h = torch::linear(h, out_weight, out_bias);
    return x + h.transpose(1, 2).reshape(x.sizes());
}

torch::Tensor enlarge(const torch::Tensor& x, const Convolution& convolution) {
    return convolution(torch::upsample_nearest2d(x, {2 * x.size(2), 2 * x.size(3)}));
}

}  // namespace vcity::worker::diffusion
