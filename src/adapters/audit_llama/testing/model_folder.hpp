// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.hpp"
#include "checkpoint/safetensors.hpp"
#include "checkpoint/tokenizer.hpp"
#include "codec/json.hpp"
#include "verify/testing/stored_model.hpp"

// Model directories with random weights for tests; never part of a program.
namespace vcity::adapters::testing {

using verify::testing::StoredModel;

// A byte-level tokenizer with one merge: ids of bytes are the bytes, 256 is "he".
inline constexpr std::uint32_t kBegin = 257;
inline constexpr std::uint32_t kEnd = 258;

inline std::string tokenizer_json() {
    using codec::Json;
    codec::JsonObject vocab;
    for (int byte = 0; byte < 256; ++byte) {
        vocab.emplace_back(std::string{checkpoint::byte_stand_in(static_cast<std::uint8_t>(byte))}, Json{byte});
    }
    vocab.emplace_back("he", Json{256});
    const Json begin{codec::JsonObject{{"id", Json{kBegin}}, {"content", Json{"<s>"}}}};
    const Json end{codec::JsonObject{{"id", Json{kEnd}}, {"content", Json{"</s>"}}}};
    const Json model{codec::JsonObject{
        {"type", Json{"BPE"}}, {"vocab", Json{vocab}}, {"merges", Json{codec::JsonArray{Json{"h e"}}}}}};
    return codec::dump_json(
        Json{codec::JsonObject{{"added_tokens", Json{codec::JsonArray{begin, end}}},
                               {"pre_tokenizer", Json{codec::JsonObject{{"type", Json{"ByteLevel"}}}}},
                               {"model", model}}});
}

inline std::string config_json(const verify::ModelShape& shape) {
    using codec::Json;
    return codec::dump_json(Json{codec::JsonObject{{"model_type", Json{"llama"}},
                                                   {"vocab_size", Json{shape.vocab}},
                                                   {"hidden_size", Json{shape.hidden}},
                                                   {"intermediate_size", Json{shape.ffn}},
                                                   {"num_hidden_layers", Json{shape.layers}},
                                                   {"num_attention_heads", Json{shape.heads}},
                                                   {"num_key_value_heads", Json{shape.kv_heads}},
                                                   {"head_dim", Json{shape.head_dim}},
                                                   {"max_position_embeddings", Json{64}},
                                                   {"rms_norm_eps", Json{shape.rms_eps}},
                                                   {"rope_theta", Json{shape.rope_theta}},
                                                   {"tie_word_embeddings", Json{shape.tied_embeddings}},
                                                   {"bos_token_id", Json{kBegin}},
                                                   {"eos_token_id", Json{kEnd}}}});
}

// A Hugging Face directory with a small random model, removed at the end.
class ModelFolder {
  public:
    explicit ModelFolder(const StoredModel& model) {
        std::string pattern = (std::filesystem::temp_directory_path() / "vcity-audit-XXXXXX").string();
        CHECK(mkdtemp(pattern.data()) != nullptr);
        path_ = pattern;
        std::vector<checkpoint::NamedTensor> tensors;
        for (const auto& view : model.views()) {
            const checkpoint::Tensor tensor{checkpoint::DType::kBfloat16, view.dims, view.bytes};
            tensors.push_back({std::string{view.name}, tensor});
        }
        write("model.safetensors", as_text(checkpoint::encode_safetensors(tensors)));
        write("config.json", config_json(model.shape));
        write("tokenizer.json", tokenizer_json());
        write("tokenizer_config.json", R"({"bos_token": "<s>", "eos_token": "</s>"})");
    }
    ~ModelFolder() { std::filesystem::remove_all(path_); }
    ModelFolder(const ModelFolder&) = delete;
    ModelFolder& operator=(const ModelFolder&) = delete;

    const std::filesystem::path& path() const { return path_; }
    void write(const std::string& name, std::string_view text) const {
        std::ofstream{path_ / name, std::ios::binary} << text;
    }

  private:
    std::filesystem::path path_;
};

}  // namespace vcity::adapters::testing
