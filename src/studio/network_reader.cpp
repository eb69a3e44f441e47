// SPDX-License-Identifier: Apache-2.0
#include "studio/network_reader.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include <fmt/format.h>

namespace vcity::studio {
namespace {

using codec::Json;
using codec::JsonArray;
using Layer = Network::Layer;
using Kind = Network::Kind;

constexpr std::size_t kLayersMax = 1024;
constexpr std::uint32_t kChannelsMax = 4096;
constexpr std::uint32_t kKernelMax = 15;
constexpr std::uint32_t kScaleMax = 16;
constexpr std::size_t kInputsMax = 64;

Error wrong(std::string_view where, std::string_view why) {
    return make_error(Errc::kInvalid, fmt::format("{}: {}", where, why));
}

// A value by the names of members; nullptr when it is not there.
const Json* at(const Json& value, std::initializer_list<std::string_view> path) {
    const Json* found = &value;
    for (const std::string_view name : path) {
        found = found->find(name);
        if (found == nullptr) return nullptr;
    }
    return found;
}

std::string_view text_at(const Json& value, std::initializer_list<std::string_view> path) {
    const Json* found = at(value, path);
    if (found == nullptr || found->get_string() == nullptr) return {};
    return *found->get_string();
}

bool is_small(const Json& value, std::uint32_t most, std::uint32_t* out) {
    std::uint64_t number = 0;
    if (!value.get_u64(&number) || number == 0 || number > most) return false;
    *out = static_cast<std::uint32_t>(number);
    return true;
}

// [3, 3]: one number for both directions.
bool square_at(const Json& config, std::string_view name, std::uint32_t most, std::uint32_t* out) {
    const Json* value = config.find(name);
    const JsonArray* pair = value == nullptr ? nullptr : value->get_array();
    std::uint32_t other = 0;
    return pair != nullptr && pair->size() == 2 && is_small((*pair)[0], most, out) &&
           is_small((*pair)[1], most, &other) && *out == other;
}

}  // namespace

Result<std::vector<Layer>> NetworkReader::read() {
    TRY_OK(read_manifest());
    const Json* config = at(model_, {"modelTopology", "model_config", "config"});
    const Json* layers = config == nullptr ? nullptr : config->find("layers");
    if (layers == nullptr || layers->get_array() == nullptr) {
        return wrong("modelTopology.model_config.config.layers", "is missing");
    }
    if (layers->get_array()->size() > kLayersMax) return wrong("layers", "are more than 1024");
    for (const Json& layer : *layers->get_array()) {
        TRY_OK(read_layer(layer));
    }
    const Json* outputs = config->find("output_layers");
    const JsonArray* list = outputs == nullptr ? nullptr : outputs->get_array();
    const JsonArray* first = list == nullptr || list->size() != 1 ? nullptr : list->front().get_array();
    const std::string* name = first == nullptr || first->empty() ? nullptr : first->front().get_string();
    const auto found = name == nullptr ? names_.end() : names_.find(*name);
    if (found == names_.end()) return wrong("output_layers", "must name one layer");
    output_ = found->second;
    return std::move(layers_);
}

Result<void> NetworkReader::read_manifest() {
    const Json* manifest = model_.find("weightsManifest");
    const JsonArray* parts = manifest == nullptr ? nullptr : manifest->get_array();
    if (parts == nullptr || parts->size() != 1) return wrong("weightsManifest", "must be one group of one file");
    const Json* weights = parts->front().find("weights");
    if (weights == nullptr || weights->get_array() == nullptr) return wrong("weightsManifest[0].weights", "is missing");
    std::size_t offset = 0;
    for (const Json& one : *weights->get_array()) {
        TRY(Tensor tensor, read_tensor(one, offset));
        offset += tensor.count * tensor.width();
        tensors_[std::string{text_at(one, {"name"})}] = std::move(tensor);
    }
    return {};
}

Result<NetworkReader::Tensor> NetworkReader::read_tensor(const Json& weight, std::size_t offset) const {
    const std::string where = fmt::format("weight '{}'", text_at(weight, {"name"}).substr(0, 80));
    Tensor tensor{.shape = {}, .offset = offset, .count = 1};
    if (text_at(weight, {"dtype"}) != "float32") return wrong(where, "is not float32");
    if (const Json* packed = weight.find("quantization"); packed != nullptr) {
        const Json* least = packed->find("min");
        const Json* step = packed->find("scale");
        double numbers[2] = {};
        const bool is_known = text_at(*packed, {"dtype"}) == "uint8" && least != nullptr && step != nullptr &&
                              least->get_double(&numbers[0]) && step->get_double(&numbers[1]);
        if (!is_known) return wrong(where, "quantization must be uint8 with min and scale");
        tensor.is_bytes = true;
        tensor.least = static_cast<float>(numbers[0]);
        tensor.step = static_cast<float>(numbers[1]);
    }
    const Json* shape = weight.find("shape");
    if (shape == nullptr || shape->get_array() == nullptr || shape->get_array()->size() > 4) {
        return wrong(where, "has no shape of up to four sides");
    }
    for (const Json& side : *shape->get_array()) {
        std::uint32_t length = 0;
        if (!is_small(side, kChannelsMax, &length)) return wrong(where, "has a side that is not 1 to 4096");
        tensor.shape.push_back(length);
        tensor.count *= length;
    }
    if (tensor.count > (bytes_.size() - offset) / tensor.width()) {
        return wrong(where, fmt::format("needs {} numbers at byte {}; the file of weights has {} bytes", tensor.count,
                                        offset, bytes_.size()));
    }
    return tensor;
}

Result<void> NetworkReader::read_layer(const Json& layer) {
    Layer out;
    out.name = text_at(layer, {"name"});
    const std::string where = fmt::format("layer '{}'", out.name.substr(0, 80));
    if (out.name.empty() || names_.contains(out.name)) return wrong(where, "has no name of its own");
    TRY_OK(read_inputs(layer, &out));
    TRY_OK(read_kind(layer, &out));
    TRY_OK(settle(&out));
    names_[out.name] = layers_.size();
    layers_.push_back(std::move(out));
    return {};
}

// inbound_nodes: [[["name", 0, 0, {}], ...]]
Result<void> NetworkReader::read_inputs(const Json& layer, Layer* out) const {
    const std::string where = fmt::format("layer '{}'", out->name);
    const Json* nodes = layer.find("inbound_nodes");
    const JsonArray* list = nodes == nullptr ? nullptr : nodes->get_array();
    if (list == nullptr || list->size() > 1) return wrong(where, "inbound_nodes must have one entry at most");
    if (list->empty()) return {};
    const JsonArray* inputs = list->front().get_array();
    if (inputs == nullptr || inputs->size() > kInputsMax) return wrong(where, "inbound_nodes[0] must be a short list");
    for (const Json& input : *inputs) {
        const JsonArray* entry = input.get_array();
        const std::string* name = entry == nullptr || entry->empty() ? nullptr : entry->front().get_string();
        const auto found = name == nullptr ? names_.end() : names_.find(*name);
        if (found == names_.end()) return wrong(where, "inbound_nodes names no layer that comes before");
        out->inputs.push_back(found->second);
    }
    return {};
}

Result<void> NetworkReader::read_kind(const Json& layer, Layer* out) const {
    const std::string where = fmt::format("layer '{}'", out->name);
    const std::string_view name = text_at(layer, {"class_name"});
    const Json* config = layer.find("config");
    if (config == nullptr) return wrong(where, "has no config");
    if (name == "InputLayer") {
        out->kind = Kind::kInput;
        return layers_.empty() ? Result<void>{} : wrong(where, "is a second input");
    }
    if (name == "Conv2D") return read_convolution(*config, out);
    if (name == "Activation") {
        const std::string_view function = text_at(*config, {"activation"});
        if (function != "relu" && function != "linear") return wrong(where, "activation must be relu or linear");
        out->kind = function == "relu" ? Kind::kRelu : Kind::kCopy;
        return {};
    }
    if (name == "Concatenate") {
        const Json* axis = config->find("axis");
        std::int64_t number = 0;
        if (axis == nullptr || !axis->get_i64(&number) || (number != 3 && number != -1)) {
            return wrong(where, "axis must be that of the channels");
        }
        out->kind = Kind::kConcatenate;
        return {};
    }
    if (name == "Add") {
        out->kind = Kind::kAdd;
        return {};
    }
    if (name == "UpSampling2D") {
        out->kind = Kind::kUpsample;
        if (!square_at(*config, "size", kScaleMax, &out->factor))
            return wrong(where, "size must be a square of 1 to 16");
        return text_at(*config, {"interpolation"}) == "nearest" ? Result<void>{}
                                                                : wrong(where, "interpolation must be nearest");
    }
    return wrong(where, fmt::format("class_name '{}' is not known", name.substr(0, 80)));
}

Result<void> NetworkReader::read_convolution(const Json& config, Layer* out) const {
    const std::string where = fmt::format("layer '{}'", out->name);
    out->kind = Kind::kConvolution;
    std::uint32_t one = 0;
    const Json* filters = config.find("filters");
    if (filters == nullptr || !is_small(*filters, kChannelsMax, &out->channels)) {
        return wrong(where, "filters must be 1 to 4096");
    }
    const bool is_square = square_at(config, "kernel_size", kKernelMax, &out->kernel);
    if (!is_square || out->kernel % 2 == 0) return wrong(where, "kernel_size must be an odd square of up to 15");
    if (!square_at(config, "strides", 1, &one)) return wrong(where, "strides must be 1");
    if (!square_at(config, "dilation_rate", 1, &one)) return wrong(where, "dilation_rate must be 1");
    if (text_at(config, {"padding"}) != "same" && out->kernel != 1) return wrong(where, "padding must be same");
    if (text_at(config, {"activation"}) != "linear") return wrong(where, "activation must be linear");
    if (out->inputs.size() != 1) return wrong(where, "must have one input");
    const std::uint32_t before = layers_[out->inputs.front()].channels;
    TRY(out->weights, numbers(out->name + "/kernel", {out->kernel, out->kernel, before, out->channels}));
    TRY(out->bias, numbers(out->name + "/bias", {out->channels}));
    return {};
}

// What follows from a layer's inputs.
Result<void> NetworkReader::settle(Layer* layer) const {
    const std::string where = fmt::format("layer '{}'", layer->name);
    if (layer->kind == Kind::kInput) {
        layer->channels = 3;
        return layer->inputs.empty() ? Result<void>{} : wrong(where, "must have no input");
    }
    const bool takes_many = layer->kind == Kind::kConcatenate || layer->kind == Kind::kAdd;
    if (layer->inputs.empty() || (!takes_many && layer->inputs.size() != 1)) return wrong(where, "must have one input");
    const Layer& first = layers_[layer->inputs.front()];
    std::uint32_t sum = 0;
    for (const std::size_t input : layer->inputs) {
        const Layer& other = layers_[input];
        if (other.scale != first.scale) return wrong(where, "joins inputs of different sizes");
        const bool is_alike = layer->kind != Kind::kAdd || other.channels == first.channels;
        if (!is_alike) return wrong(where, "adds inputs of different numbers of channels");
        sum += other.channels;
    }
    if (layer->kind != Kind::kConvolution) layer->channels = layer->kind == Kind::kConcatenate ? sum : first.channels;
    layer->scale = first.scale * layer->factor;
    if (layer->scale > kScaleMax || layer->channels > kChannelsMax) return wrong(where, "is too large");
    return {};
}

Result<std::vector<float>> NetworkReader::numbers(const std::string& name,
                                                  const std::vector<std::uint32_t>& shape) const {
    const auto found = tensors_.find(name);
    if (found == tensors_.end()) return wrong(fmt::format("weight '{}'", name), "is missing");
    if (found->second.shape != shape) {
        return wrong(fmt::format("weight '{}'", name),
                     fmt::format("has shape {}; its layer needs {}", fmt::join(found->second.shape, "x"),
                                 fmt::join(shape, "x")));
    }
    static_assert(std::endian::native == std::endian::little);
    const Tensor& tensor = found->second;
    std::vector<float> values(tensor.count);
    if (tensor.is_bytes) {
        for (std::size_t at = 0; at < tensor.count; ++at) {
            values[at] = tensor.least + tensor.step * static_cast<float>(bytes_[tensor.offset + at]);
        }
    } else {
        std::memcpy(values.data(), bytes_.data() + tensor.offset, values.size() * sizeof(float));
    }
    return values;
}

}  // namespace vcity::studio
