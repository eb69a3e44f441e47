// SPDX-License-Identifier: Apache-2.0
#include "tuning/tensor_file.hpp"

#include <fstream>

#include "checkpoint/safetensors.hpp"

namespace vcity::worker {
namespace {

torch::ScalarType scalar_type(checkpoint::DType dtype) {
    switch (dtype) {
        case checkpoint::DType::kFloat32: return torch::kFloat32;
        case checkpoint::DType::kFloat16: return torch::kFloat16;
        case checkpoint::DType::kBfloat16: return torch::kBFloat16;
    }
    unreachable();
}

}  // namespace

Result<void> write_whole(const std::filesystem::path& path, ByteView bytes) {
    std::error_code failed;
    std::filesystem::create_directories(path.parent_path(), failed);
    const std::filesystem::path draft = path.string() + ".draft";
    std::ofstream file(draft, std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    file.close();
    if (file) std::filesystem::rename(draft, path, failed);
    if (!file || failed) return make_error(Errc::kUnavailable, "cannot write " + path.string());
    return {};
}

Bytes encode_tensors(const std::vector<std::pair<std::string, torch::Tensor>>& tensors) {
    std::vector<checkpoint::NamedTensor> stored;
    std::vector<torch::Tensor> alive;
    for (const auto& [name, tensor] : tensors) {
        const bool is_wide = tensor.dtype() == torch::kFloat32;
        alive.push_back(tensor.detach().to(torch::kCPU, is_wide ? torch::kFloat32 : torch::kBFloat16).contiguous());
        const auto* data = static_cast<const std::uint8_t*>(alive.back().data_ptr());
        stored.push_back({.name = name,
                          .tensor = {.dtype = is_wide ? checkpoint::DType::kFloat32 : checkpoint::DType::kBfloat16,
                                     .shape = {tensor.sizes().begin(), tensor.sizes().end()},
                                     .bytes = {data, static_cast<std::size_t>(alive.back().nbytes())}}});
    }
    return checkpoint::encode_safetensors(stored);
}

Result<std::map<std::string, torch::Tensor>> parse_tensors(ByteView file) {
    TRY(const checkpoint::TensorMap stored, checkpoint::parse_safetensors(file));
    std::map<std::string, torch::Tensor> tensors;
    for (const auto& [name, tensor] : stored) {
        const std::vector<std::int64_t> sizes(tensor.shape.begin(), tensor.shape.end());
        // libtorch has no read-only view of memory; the bytes are copied right away and never written.
        auto* const data = const_cast<std::uint8_t*>(tensor.bytes.data());
        const auto view = torch::from_blob(data, sizes, scalar_type(tensor.dtype));
        tensors.emplace(name, view.to(torch::kFloat32, false, true));
    }
    return tensors;
}

}  // namespace vcity::worker
