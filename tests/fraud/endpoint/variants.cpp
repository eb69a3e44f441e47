// SPDX-License-Identifier: Apache-2.0
#include "endpoint/variants.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <random>
#include <span>
#include <sstream>

#include "checkpoint/model_directory.hpp"

namespace vcity::blackbox {
namespace {

using checkpoint::DType;

std::vector<float> values_of(const checkpoint::Tensor& tensor) {
    const std::size_t width = checkpoint::bytes_of(tensor.dtype);
    std::vector<float> values(tensor.bytes.size() / width);
    for (std::size_t i = 0; i < values.size(); ++i) {
        std::uint32_t bits = 0;
        std::memcpy(&bits, tensor.bytes.data() + i * width, width);
        if (tensor.dtype == DType::kBfloat16) bits <<= 16U;
        std::memcpy(&values[i], &bits, 4);
    }
    return values;
}

float largest(std::span<const float> values) {
    float most = 0;
    for (const float value : values) most = std::max(most, std::abs(value));
    return most;
}

void round_integers(std::span<float> group, float levels) {
    const float scale = largest(group) / levels;
    if (scale == 0) return;
    for (float& value : group) value = std::round(value / scale) * scale;
}

// e4m3: three bits after the leading one, largest number 448, smallest step 2^-9.
void round_fp8(std::span<float> row) {
    const float scale = largest(row) / 448;
    if (scale == 0) return;
    for (float& value : row) {
        const float scaled = value / scale;
        const int exponent = std::max(std::ilogb(std::max(std::abs(scaled), 0x1p-9F)), -6);
        const float step = std::ldexp(1.0F, exponent - 3);
        value = std::round(scaled / step) * step * scale;
    }
}

Result<void> change_matrix(std::vector<float>* values, std::size_t width, const std::string& change) {
    constexpr std::size_t kGroup = 32;
    std::mt19937_64 random{values->size()};
    std::normal_distribution<float> normal;
    for (std::size_t at = 0; at < values->size(); at += width) {
        const std::span<float> row{values->data() + at, width};
        if (change == "int8") {
            round_integers(row, 127);
        } else if (change == "fp8") {
            round_fp8(row);
        } else if (change == "int4") {
            for (std::size_t i = 0; i < width; i += kGroup)
                round_integers(row.subspan(i, std::min(kGroup, width - i)), 7);
        } else if (change == "noise1") {
            float squares = 0;
            for (const float value : row) squares += value * value;
            const float size = 0.01F * std::sqrt(squares / static_cast<float>(width));
            for (float& value : row) value += size * normal(random);
        } else if (change != "short") {
            return make_error(Errc::kInvalid, "no variant " + change);
        }
    }
    return {};
}

std::string read_text(const std::filesystem::path& path) {
    std::ifstream file{path};
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

Result<void> shorten_config(const std::filesystem::path& folder, std::uint64_t layers) {
    TRY(codec::Json config, codec::parse_json(read_text(folder / "config.json")));
    config.set("num_hidden_layers", layers);
    std::ofstream{folder / "config.json"} << codec::dump_json_pretty(config);
    return {};
}

}  // namespace

Result<void> write_variant(const std::filesystem::path& from,
                           const std::filesystem::path& to,
                           const std::string& change) {
    TRY(const auto model, checkpoint::ModelDirectory::open(from));
    std::filesystem::create_directories(to);
    for (const char* name : {"config.json", "generation_config.json", "tokenizer.model", "tokenizer_config.json"}) {
        std::filesystem::copy_file(from / name, to / name, std::filesystem::copy_options::overwrite_existing);
    }
    const std::uint64_t kept = model.config().layers - (change == "short" ? 1 : 0);
    TRY_OK(shorten_config(to, kept));
    const std::string dropped = "model.layers." + std::to_string(kept) + ".";
    std::vector<std::vector<float>> data;
    std::vector<checkpoint::NamedTensor> tensors;
    for (const auto& [name, tensor] : model.tensors()) {
        if (name.starts_with(dropped)) continue;
        data.push_back(values_of(tensor));
        const bool is_matrix = tensor.shape.size() == 2 && name.starts_with("model.layers.");
        if (is_matrix) {
            TRY_OK(change_matrix(&data.back(), tensor.shape.back(), change));
        }
        tensors.push_back({name, {DType::kFloat32, tensor.shape, {}}});
    }
    for (std::size_t i = 0; i < data.size(); ++i) {
        tensors[i].tensor.bytes = {reinterpret_cast<const std::uint8_t*>(data[i].data()), data[i].size() * 4};
    }
    const Bytes bytes = checkpoint::encode_safetensors(tensors);
    std::ofstream file{to / "model.safetensors", std::ios::binary};
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (!file) return make_error(Errc::kUnavailable, "cannot write " + to.string());
    return {};
}

}  // namespace vcity::blackbox
