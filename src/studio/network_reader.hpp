// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>

#include "codec/json.hpp"
#include "studio/network.hpp"

namespace vcity::studio {

// From a model's JSON to its layers, in the order in which they are computed.
class NetworkReader {
  public:
    NetworkReader(const codec::Json& model, const Bytes& weights) : model_{model}, bytes_{weights} {}

    Result<std::vector<Network::Layer>> read();
    // After read().
    std::size_t output() const { return output_; }

  private:
    struct Tensor {
        std::vector<std::uint32_t> shape;
        std::size_t offset = 0;  // in bytes_
        std::size_t count = 0;   // of numbers
        // Bytes that stand for least + step * byte; as fp32 otherwise.
        bool is_bytes = false;
        float least = 0;
        float step = 0;

        std::size_t width() const { return is_bytes ? 1 : sizeof(float); }
    };

    Result<void> read_manifest();
    Result<Tensor> read_tensor(const codec::Json& weight, std::size_t offset) const;
    Result<void> read_layer(const codec::Json& layer);
    Result<void> read_inputs(const codec::Json& layer, Network::Layer* out) const;
    Result<void> read_kind(const codec::Json& layer, Network::Layer* out) const;
    Result<void> read_convolution(const codec::Json& config, Network::Layer* out) const;
    Result<void> settle(Network::Layer* layer) const;
    Result<std::vector<float>> numbers(const std::string& name, const std::vector<std::uint32_t>& shape) const;

    const codec::Json& model_;
    const Bytes& bytes_;
    std::map<std::string, Tensor, std::less<>> tensors_;
    std::map<std::string, std::size_t, std::less<>> names_;
    std::vector<Network::Layer> layers_;
    std::size_t output_ = 0;
};

}  // namespace vcity::studio
