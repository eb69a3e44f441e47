// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/safetensors.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "codec/json.hpp"

namespace vcity::checkpoint {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors are little-endian and are used in place");

constexpr std::size_t kLengthBytes = 8;
constexpr std::uint64_t kElementsMax = std::uint64_t{1} << 40U;

Result<DType> parse_dtype(std::string_view name) {
    if (name == "F32") return DType::kFloat32;
    if (name == "F16") return DType::kFloat16;
    if (name == "BF16") return DType::kBfloat16;
    return make_error(Errc::kCorrupt, "dtype \"" + std::string{name.substr(0, 32)} + "\" is not one of F32, F16, BF16");
}

Result<std::vector<std::uint64_t>> parse_integers(const codec::Json* json, std::size_t count_max) {
    const codec::JsonArray* array = json == nullptr ? nullptr : json->get_array();
    if (array == nullptr || array->size() > count_max)
        return make_error(Errc::kCorrupt, "a list of integers is missing");
    std::vector<std::uint64_t> out;
    for (const codec::Json& item : *array) {
        std::uint64_t value = 0;
        if (!item.get_u64(&value)) return make_error(Errc::kCorrupt, "a size is not a non-negative integer");
        out.push_back(value);
    }
    return out;
}

Result<std::uint64_t> element_count(const std::vector<std::uint64_t>& shape) {
    std::uint64_t count = 1;
    for (const std::uint64_t dim : shape) {
        if (dim > kElementsMax || (dim != 0 && count > kElementsMax / dim)) {
            return make_error(Errc::kCorrupt, "the shape is too large");
        }
        count *= dim;
    }
    return count;
}

struct Placed {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
};

Result<Tensor> parse_tensor(const codec::Json& entry, ByteView data, Placed* place) {
    const codec::Json* dtype = entry.find("dtype");
    if (dtype == nullptr || dtype->get_string() == nullptr) return make_error(Errc::kCorrupt, "dtype is missing");
    Tensor tensor;
    TRY(tensor.dtype, parse_dtype(*dtype->get_string()));
    TRY(tensor.shape, parse_integers(entry.find("shape"), kRankMax));
    TRY(const auto offsets, parse_integers(entry.find("data_offsets"), 2));
    if (offsets.size() != 2 || offsets[0] > offsets[1] || offsets[1] > data.size()) {
        return make_error(Errc::kCorrupt, "data_offsets lie outside of the file: is it truncated?");
    }
    TRY(const std::uint64_t elements, element_count(tensor.shape));
    if (offsets[1] - offsets[0] != elements * bytes_of(tensor.dtype)) {
        return make_error(Errc::kCorrupt, "data_offsets do not match the shape");
    }
    *place = Placed{.begin = offsets[0], .end = offsets[1]};
    tensor.bytes = data.subspan(offsets[0], offsets[1] - offsets[0]);
    return tensor;
}

bool cover_exactly(std::vector<Placed> places, std::uint64_t size) {
    std::ranges::sort(places, {}, [](const Placed& place) { return std::pair{place.begin, place.end}; });
    std::uint64_t at = 0;
    for (const Placed& place : places) {
        if (place.begin != at) return false;
        at = place.end;
    }
    return at == size;
}

}  // namespace

std::size_t bytes_of(DType dtype) {
    switch (dtype) {
        case DType::kFloat32: return 4;
        case DType::kFloat16:
        case DType::kBfloat16: return 2;
    }
    return 0;
}

std::string_view to_string(DType dtype) {
    switch (dtype) {
        case DType::kFloat32: return "F32";
        case DType::kFloat16: return "F16";
        case DType::kBfloat16: return "BF16";
    }
    return "";
}

Result<TensorMap> parse_safetensors(ByteView file) {
    if (file.size() < kLengthBytes) return make_error(Errc::kCorrupt, "safetensors: the file is shorter than 8 bytes");
    std::uint64_t length = 0;
    std::memcpy(&length, file.data(), kLengthBytes);
    if (length > kSafetensorsHeaderMax) {
        return make_error(Errc::kCorrupt, "safetensors: a header of " + std::to_string(length) + " bytes is too large");
    }
    if (length > file.size() - kLengthBytes) return make_error(Errc::kCorrupt, "safetensors: the header is truncated");
    const ByteView data = file.subspan(kLengthBytes + length);
    const codec::JsonLimits limits{.bytes_max = kSafetensorsHeaderMax, .depth_max = 8, .values_max = 20 * kTensorsMax};
    TRY(const codec::Json header, codec::parse_json(as_text(file.subspan(kLengthBytes, length)), limits));
    const codec::JsonObject* entries = header.get_object();
    if (entries == nullptr || entries->size() > kTensorsMax) {
        return make_error(Errc::kCorrupt, "safetensors: the header is no object of tensors");
    }
    TensorMap tensors;
    std::vector<Placed> places;
    for (const auto& [name, entry] : *entries) {
        if (name == "__metadata__") continue;
        Placed place;
        auto tensor = parse_tensor(entry, data, &place);
        if (!tensor)
            return make_error(Errc::kCorrupt, "safetensors: " + name.substr(0, 200) + ": " + tensor.error().message);
        tensors.emplace(name, *std::move(tensor));
        places.push_back(place);
    }
    if (!cover_exactly(std::move(places), data.size())) {
        return make_error(Errc::kCorrupt, "safetensors: the tensors do not cover the data exactly");
    }
    return tensors;
}

Bytes encode_safetensors(const std::vector<NamedTensor>& tensors) {
    codec::Json header;
    header.set("__metadata__", codec::JsonObject{{"format", "pt"}});
    std::uint64_t offset = 0;
    for (const auto& [name, tensor] : tensors) {
        codec::JsonArray shape(tensor.shape.begin(), tensor.shape.end());
        const std::uint64_t end = offset + tensor.bytes.size();
        header.set(name, codec::JsonObject{{"dtype", to_string(tensor.dtype)},
                                           {"shape", std::move(shape)},
                                           {"data_offsets", codec::JsonArray{offset, end}}});
        offset = end;
    }
    std::string text = codec::dump_json(header);
    text.resize((text.size() + 7) / 8 * 8, ' ');
    const std::uint64_t length = text.size();
    Bytes out(kLengthBytes);
    std::memcpy(out.data(), &length, kLengthBytes);
    append(&out, as_bytes(text));
    for (const NamedTensor& entry : tensors) append(&out, entry.tensor.bytes);
    return out;
}

Result<std::map<std::string, std::string, std::less<>>> parse_shard_index(std::string_view text) {
    TRY(const codec::Json json, codec::parse_json(text, {.bytes_max = kSafetensorsHeaderMax, .depth_max = 8}));
    const codec::Json* map = json.find("weight_map");
    const codec::JsonObject* entries = map == nullptr ? nullptr : map->get_object();
    if (entries == nullptr || entries->empty() || entries->size() > kTensorsMax) {
        return make_error(Errc::kCorrupt, "shard index: weight_map is missing");
    }
    std::map<std::string, std::string, std::less<>> out;
    for (const auto& [name, value] : *entries) {
        const std::string* file = value.get_string();
        const bool plain = file != nullptr && !file->empty() && file->front() != '.' &&
                           file->find_first_of(std::string_view{"/\\\0", 3}) == std::string::npos;
        if (!plain)
            return make_error(Errc::kCorrupt, "shard index: " + name.substr(0, 200) + ": not a plain file name");
        out.emplace(name, *file);
    }
    return out;
}

}  // namespace vcity::checkpoint
