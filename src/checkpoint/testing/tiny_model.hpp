// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <unistd.h>

#include "checkpoint/model_directory.hpp"
#include "checkpoint/safetensors.hpp"

// A tiny random Llama model for tests, written as a Hugging Face directory: nothing of it is stored in the repository.
namespace vcity::checkpoint::testing {

// --- a sentencepiece file, field by field
inline void put_varint(Bytes* out, std::uint64_t value) {
    for (; value >= 0x80; value >>= 7U) out->push_back(static_cast<std::uint8_t>(value | 0x80U));
    out->push_back(static_cast<std::uint8_t>(value));
}
inline void put_bytes(Bytes* out, std::uint32_t field, ByteView bytes) {
    put_varint(out, field << 3U | 2U);
    put_varint(out, bytes.size());
    append(out, bytes);
}
inline void put_integer(Bytes* out, std::uint32_t field, std::uint64_t value) {
    put_varint(out, field << 3U);
    put_varint(out, value);
}

struct TinyPiece {
    std::string text;
    float score = 0;
    std::uint64_t type = 1;  // 1 normal, 2 unknown, 3 control, 6 byte
};

inline Bytes sentencepiece_file(const std::vector<TinyPiece>& pieces,
                                bool prefix_space = true,
                                std::uint64_t model_type = 2) {
    Bytes out;
    for (const TinyPiece& piece : pieces) {
        Bytes one;
        put_bytes(&one, 1, as_bytes(piece.text));
        put_varint(&one, 2U << 3U | 5U);
        std::uint8_t score[4];
        std::memcpy(score, &piece.score, 4);
        append(&one, score);
        put_integer(&one, 3, piece.type);
        put_bytes(&out, 1, one);
    }
    Bytes trainer;
    put_integer(&trainer, 3, model_type);
    put_bytes(&out, 2, trainer);
    Bytes normalizer;
    put_integer(&normalizer, 3, prefix_space ? 1 : 0);
    put_integer(&normalizer, 4, 0);
    put_bytes(&out, 3, normalizer);
    return out;
}

// <unk> <s> </s> <|user|> <|assistant|>, the 256 bytes, then a few pieces: 5 + 256 + pieces.
inline std::vector<TinyPiece> tiny_pieces() {
    std::vector<TinyPiece> out{
        {"<unk>", 0, 2}, {"<s>", 0, 3}, {"</s>", 0, 3}, {"<|user|>", 0, 3}, {"<|assistant|>", 0, 3}};
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    for (std::size_t byte = 0; byte < 256; ++byte) {
        out.push_back({std::string{"<0x"} + kDigits[byte / 16] + kDigits[byte % 16] + ">", 0, 6});
    }
    const char* const words[] = {"he", "ll", "hell", "hello", "\xe2\x96\x81hello", "\xe4\xbd\xa0\xe5\xa5\xbd"};
    const char* const letters[] = {"h", "e", "l", "o", "w", "r", "d", "\xe2\x96\x81", "\xe4\xbd\xa0", "\xe5\xa5\xbd"};
    float score = 0;
    for (const char* word : words) out.push_back({word, --score, 1});
    for (const char* letter : letters) out.push_back({letter, --score, 1});
    return out;
}

struct TinyOptions {
    DType dtype = DType::kFloat32;
    bool tied = false;
    bool sharded = false;
    std::uint64_t seed = 1;  // two seeds: two models of the same shape
    std::uint64_t kv_heads = 2;
    std::uint64_t positions = 64;
};

inline std::string tiny_config(const TinyOptions& options) {
    return R"({"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 277, "hidden_size": 32,
        "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": )" +
           std::to_string(options.kv_heads) + R"(, "max_position_embeddings": )" + std::to_string(options.positions) +
           R"(, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "hidden_act": "silu", "bos_token_id": 1, "eos_token_id": 2,
        "tie_word_embeddings": )" +
           (options.tied ? "true" : "false") + "}";
}

// Uniform in [-0.3, 0.3), rounded to bf16 so that every format holds it exactly.
inline std::vector<float> tiny_values(std::uint64_t seed, std::size_t count) {
    std::vector<float> out(count);
    std::uint64_t state = seed * 0x9e3779b97f4a7c15U + 1;
    for (float& value : out) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        value = (static_cast<float>(state >> 40U) * 0x1p-24F - 0.5F) * 0.6F;
        std::uint32_t bits = 0;
        std::memcpy(&bits, &value, 4);
        bits &= 0xffff0000U;
        std::memcpy(&value, &bits, 4);
    }
    return out;
}

inline Bytes stored(const std::vector<float>& values, DType dtype) {
    Bytes out;
    for (const float value : values) {
        std::uint8_t bytes[4];
        std::memcpy(bytes, &value, 4);
        append(&out, dtype == DType::kFloat32 ? ByteView{bytes} : ByteView{bytes}.subspan(2));
    }
    return out;
}

inline void write_file(const std::filesystem::path& path, ByteView bytes) {
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

// Writes the model to `folder`, which is made.
inline void write_tiny_model(const std::filesystem::path& folder, const TinyOptions& options = {}) {
    std::filesystem::create_directories(folder);
    const std::string config = tiny_config(options);
    write_file(folder / "config.json", as_bytes(config));
    write_file(folder / "tokenizer.model", sentencepiece_file(tiny_pieces()));
    write_file(folder / "tokenizer_config.json",
               as_bytes(R"({"bos_token": "<s>", "eos_token": "</s>", "chat_template": "<|user|> <|assistant|>"})"));
    const ModelConfig parsed = *parse_model_config(config);
    std::vector<Bytes> data;
    std::vector<NamedTensor> tensors;
    std::uint64_t seed = options.seed * 1000;
    for (const auto& [name, shape] : expected_tensors(parsed)) {
        std::size_t count = 1;
        for (const std::uint64_t dim : shape) count *= dim;
        data.push_back(stored(tiny_values(seed++, count), options.dtype));
        tensors.push_back({.name = name, .tensor = {.dtype = options.dtype, .shape = shape, .bytes = {}}});
    }
    for (std::size_t i = 0; i < data.size(); ++i) tensors[i].tensor.bytes = data[i];
    if (!options.sharded) {
        write_file(folder / "model.safetensors", encode_safetensors(tensors));
        return;
    }
    const auto half = tensors.begin() + static_cast<std::ptrdiff_t>(tensors.size() / 2);
    write_file(folder / "a.safetensors", encode_safetensors({tensors.begin(), half}));
    write_file(folder / "b.safetensors", encode_safetensors({half, tensors.end()}));
    std::string index;
    for (auto tensor = tensors.begin(); tensor != tensors.end(); ++tensor) {
        index += (index.empty() ? "\"" : ", \"") + tensor->name + (tensor < half ? R"(": "a)" : R"(": "b)") +
                 ".safetensors\"";
    }
    write_file(folder / "model.safetensors.index.json", as_bytes(R"({"weight_map": {)" + index + "}}"));
}

// A folder under the system's temporary folder, removed at the end.
class TemporaryFolder {
  public:
    explicit TemporaryFolder(const std::string& name)
        : path_{std::filesystem::temp_directory_path() / ("vcity-" + name + "-" + std::to_string(::getpid()))} {
        std::filesystem::remove_all(path_);
        std::filesystem::create_directories(path_);
    }
    ~TemporaryFolder() { std::filesystem::remove_all(path_); }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

}  // namespace vcity::checkpoint::testing
