// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "studio/picture.hpp"

namespace vcity::studio {

// A convolutional network that makes a picture larger, from a TensorFlow.js layers model (Keras topology as JSON,
// weights as little-endian fp32, or bytes with a scale). Layers: Conv2D with stride 1 and padding "same" (or a 1x1
// kernel), Activation "relu" or "linear", Concatenate of channels, Add, UpSampling2D "nearest". Red, green and blue go
// in and come out as 0..255.
//
// Additions happen in one order and without fused operations: the same model and picture give the same bytes on every
// machine. A picture is worked on in squares with as much around them as the network looks at, so that memory does not
// grow with it and the result does not depend on where the squares lie.
class Network {
  public:
    // kInvalid: what is wrong, with the layer's name and field. Weights that no layer names are ignored.
    static Result<Network> make(std::string_view model_json, const Bytes& weights);

    std::uint32_t scale() const { return scale_; }
    // Opacity is enlarged by resize(). kInvalid: a side of the result would be above kSideMax.
    Result<Picture> enlarge(const Picture& picture) const;

    enum class Kind : std::uint8_t { kInput, kConvolution, kRelu, kCopy, kConcatenate, kAdd, kUpsample };
    struct Layer {
        std::string name;
        Kind kind = Kind::kInput;
        std::vector<std::size_t> inputs;  // earlier layers
        std::uint32_t channels = 0;       // of what comes out
        std::uint32_t scale = 1;          // of what comes out, to the input of the network
        std::uint32_t kernel = 1;         // side, odd
        std::uint32_t factor = 1;         // kUpsample
        std::vector<float> weights;       // [row][column][channel in][channel out]
        std::vector<float> bias;
    };

  private:
    std::vector<Layer> layers_;
    std::size_t output_ = 0;
    std::uint32_t scale_ = 1;
    std::uint32_t reach_ = 0;  // pixels of the input around a pixel that it depends on
};

}  // namespace vcity::studio
