// SPDX-License-Identifier: Apache-2.0
#include "safetensors.hpp"

#include <bit>
#include <fstream>

#include <nlohmann/json.hpp>

namespace vcity::worker {
namespace {

std::string_view name_of(DType dtype) {
    switch (dtype) {
        case DType::kF32: return "F32";
        case DType::kF16: return "F16";
        case DType::kBf16: return "BF16";
    }
    return "";
}

}  // namespace

Result<bool> write_safetensors(const std::filesystem::path& path, std::span<const TensorToStore> tensors) {
    static_assert(std::endian::native == std::endian::little, "safetensors are little endian");
    nlohmann::ordered_json header = {{"__metadata__", {{"format", "pt"}}}};
    std::uint64_t offset = 0;
    for (const TensorToStore& tensor : tensors) {
        const std::uint64_t end = offset + tensor.bytes.size();
        header[tensor.name] = {{"dtype", name_of(tensor.dtype)}, {"shape", tensor.shape}, {"data_offsets", {offset, end}}};
        offset = end;
    }
    std::string text = header.dump();
    text.resize((text.size() + 7) / 8 * 8, ' ');
    const auto length = static_cast<std::uint64_t>(text.size());
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char*>(&length), sizeof length);
    file << text;
    for (const TensorToStore& tensor : tensors) {
        file.write(reinterpret_cast<const char*>(tensor.bytes.data()), static_cast<std::streamsize>(tensor.bytes.size()));
    }
    file.close();
    if (!file) return make_error(Errc::kUnavailable, "cannot write " + path.string());
    return true;
}

}  // namespace vcity::worker
