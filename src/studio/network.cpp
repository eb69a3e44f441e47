// SPDX-License-Identifier: Apache-2.0
#include "studio/network.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/check.hpp"
#include "studio/network_reader.hpp"

namespace vcity::studio {
namespace {

using Layer = Network::Layer;
using Kind = Network::Kind;

constexpr std::uint32_t kSquare = 64;  // pixels of the input that are worked on at a time, a side

// Numbers of a part of the picture: channels of a pixel lie together.
struct Plane {
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    std::uint32_t channels = 0;
    std::vector<float> values;

    Plane(std::uint32_t w, std::uint32_t h, std::uint32_t c)
        : width{w}, height{h}, channels{c}, values(std::size_t{w} * h * c) {}
    float* at(std::uint32_t x, std::uint32_t y) { return values.data() + (std::size_t{y} * width + x) * channels; }
    const float* at(std::uint32_t x, std::uint32_t y) const {
        return values.data() + (std::size_t{y} * width + x) * channels;
    }
};

// Adds to `out` what the pixel `in` gives through one place of the kernel.
void add_products(const float* in, const Layer& layer, std::uint32_t channels_in, const float* kernel, float* out) {
    for (std::uint32_t from = 0; from < channels_in; ++from) {
        const float value = in[from];
        const float* weights = kernel + std::size_t{from} * layer.channels;
        for (std::uint32_t to = 0; to < layer.channels; ++to) out[to] += value * weights[to];
    }
}

Plane convolve(const Layer& layer, const Plane& in) {
    Plane out{in.width, in.height, layer.channels};
    const std::uint32_t around = layer.kernel / 2;
    const std::size_t kernel_step = std::size_t{in.channels} * layer.channels;
    for (std::uint32_t y = 0; y < in.height; ++y) {
        for (std::uint32_t x = 0; x < in.width; ++x) {
            float* sums = out.at(x, y);
            std::copy(layer.bias.begin(), layer.bias.end(), sums);
            for (std::uint32_t row = 0; row < layer.kernel; ++row) {
                if (y + row < around || y + row - around >= in.height) continue;  // outside is 0
                for (std::uint32_t column = 0; column < layer.kernel; ++column) {
                    if (x + column < around || x + column - around >= in.width) continue;
                    const float* kernel = layer.weights.data() + (row * layer.kernel + column) * kernel_step;
                    add_products(in.at(x + column - around, y + row - around), layer, in.channels, kernel, sums);
                }
            }
        }
    }
    return out;
}

Plane upsample(const Layer& layer, const Plane& in) {
    Plane out{in.width * layer.factor, in.height * layer.factor, in.channels};
    for (std::uint32_t y = 0; y < out.height; ++y) {
        for (std::uint32_t x = 0; x < out.width; ++x) {
            std::copy_n(in.at(x / layer.factor, y / layer.factor), in.channels, out.at(x, y));
        }
    }
    return out;
}

Plane join(const Layer& layer, const std::vector<Plane>& planes) {
    const Plane& first = planes[layer.inputs.front()];
    Plane out{first.width, first.height, layer.channels};
    std::uint32_t channel = 0;
    for (const std::size_t input : layer.inputs) {
        const Plane& in = planes[input];
        for (std::size_t pixel = 0; pixel < std::size_t{in.width} * in.height; ++pixel) {
            std::copy_n(in.values.data() + pixel * in.channels, in.channels,
                        out.values.data() + pixel * out.channels + channel);
        }
        channel += in.channels;
    }
    return out;
}

Plane compute(const Layer& layer, const std::vector<Plane>& planes) {
    const Plane& first = planes[layer.inputs.front()];
    switch (layer.kind) {
        case Kind::kConvolution: return convolve(layer, first);
        case Kind::kConcatenate: return join(layer, planes);
        case Kind::kUpsample: return upsample(layer, first);
        default: break;
    }
    Plane out = first;
    for (std::size_t input = 1; input < layer.inputs.size(); ++input) {
        const Plane& more = planes[layer.inputs[input]];
        for (std::size_t at = 0; at < out.values.size(); ++at) out.values[at] += more.values[at];
    }
    if (layer.kind == Kind::kRelu) {
        for (float& value : out.values) value = std::max(value, 0.0F);
    }
    return out;
}

Plane plane_of(const Picture& picture, const Rect& rect) {
    Plane plane{rect.width(), rect.height(), 3};
    for (std::uint32_t y = 0; y < plane.height; ++y) {
        for (std::uint32_t x = 0; x < plane.width; ++x) {
            const Pixel pixel = pixel_at(picture, rect.left + x, rect.top + y);
            for (std::uint32_t channel = 0; channel < 3; ++channel) plane.at(x, y)[channel] = pixel[channel];
        }
    }
    return plane;
}

std::uint8_t byte_of(float value) {
    // What is no number is black.
    return value >= 0 ? static_cast<std::uint8_t>(std::lround(std::min(value, 255.0F))) : std::uint8_t{0};
}

Rect grown(const Rect& rect, std::uint32_t by, const Size& bounds) {
    return {.left = rect.left - std::min(rect.left, by),
            .top = rect.top - std::min(rect.top, by),
            .right = std::min(rect.right + by, bounds.width),
            .bottom = std::min(rect.bottom + by, bounds.height)};
}

}  // namespace

Result<Network> Network::make(std::string_view model_json, const Bytes& weights) {
    TRY(const codec::Json model, codec::parse_json(model_json));
    NetworkReader reader{model, weights};
    Network network;
    TRY(network.layers_, reader.read());
    network.output_ = reader.output();
    const Layer& last = network.layers_[network.output_];
    if (last.channels != 3) return make_error(Errc::kInvalid, "the last layer must have three channels");
    network.scale_ = last.scale;
    // A bound: the sum over all layers, as if they stood in one row.
    for (const Layer& layer : network.layers_) network.reach_ += (layer.kernel / 2 + layer.scale - 1) / layer.scale;
    return network;
}

Result<Picture> Network::enlarge(const Picture& picture) const {
    const Size size = picture.size;
    if (std::max(size.width, size.height) > kSideMax / scale_ || std::min(size.width, size.height) == 0) {
        return make_error(Errc::kInvalid, fmt::format("a picture of {} x {} cannot be made {} times as large",
                                                      size.width, size.height, scale_));
    }
    Picture out = resize(picture, {.width = size.width * scale_, .height = size.height * scale_});
    for (std::uint32_t top = 0; top < size.height; top += kSquare) {
        for (std::uint32_t left = 0; left < size.width; left += kSquare) {
            const Rect rect{.left = left,
                            .top = top,
                            .right = std::min(left + kSquare, size.width),
                            .bottom = std::min(top + kSquare, size.height)};
            const Rect seen = grown(rect, reach_, size);
            std::vector<Plane> planes;
            planes.push_back(plane_of(picture, seen));
            for (std::size_t at = 1; at <= output_; ++at) planes.push_back(compute(layers_[at], planes));
            const Plane& result = planes[output_];
            for (std::uint32_t y = rect.top * scale_; y < rect.bottom * scale_; ++y) {
                for (std::uint32_t x = rect.left * scale_; x < rect.right * scale_; ++x) {
                    const float* values = result.at(x - seen.left * scale_, y - seen.top * scale_);
                    std::uint8_t* pixel = out.pixels.data() + 4 * (std::size_t{y} * out.size.width + x);
                    for (std::size_t channel = 0; channel < 3; ++channel) pixel[channel] = byte_of(values[channel]);
                }
            }
        }
    }
    return out;
}

}  // namespace vcity::studio
