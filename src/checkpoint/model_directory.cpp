// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/model_directory.hpp"

#include <algorithm>
#include <set>

namespace vcity::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSmallFileMax = 1U << 20U;
constexpr std::size_t kTokenizerFileMax = 64U << 20U;
constexpr std::size_t kShardsMax = 1000;

std::string describe(const std::vector<std::uint64_t>& shape) {
    std::string out = "[";
    for (const std::uint64_t dim : shape) out += (out.size() > 1 ? ", " : "") + std::to_string(dim);
    return out + "]";
}

Result<codec::Json> read_json(const fs::path& path) {
    TRY(const std::string text, read_text_file(path, kSmallFileMax));
    auto json = codec::parse_json(text);
    if (!json) return make_error(Errc::kInvalid, path.filename().string() + ": " + json.error().message);
    return json;
}

Result<Tokenizer> read_tokenizer(const fs::path& folder) {
    if (fs::exists(folder / "tokenizer.model")) {
        TRY(const std::string bytes, read_text_file(folder / "tokenizer.model", kTokenizerFileMax));
        return parse_sentencepiece(as_bytes(bytes));
    }
    TRY(const std::string text, read_text_file(folder / "tokenizer.json", kTokenizerFileMax));
    return parse_tokenizer_json(text);
}

Result<std::vector<std::string>> weight_files(const fs::path& folder) {
    if (fs::exists(folder / "model.safetensors")) return std::vector<std::string>{"model.safetensors"};
    auto text = read_text_file(folder / "model.safetensors.index.json", kTokenizerFileMax);
    if (!text) return make_error(Errc::kNotFound, "no model.safetensors and no shard index in " + folder.string());
    TRY(const auto index, parse_shard_index(*text));
    std::set<std::string> names;
    for (const auto& [tensor, file] : index) names.insert(file);
    if (names.size() > kShardsMax) return make_error(Errc::kInvalid, "too many shards");
    return std::vector<std::string>(names.begin(), names.end());
}

}  // namespace

std::vector<ExpectedTensor> expected_tensors(const ModelConfig& config) {
    const std::uint64_t hidden = config.hidden_size;
    const std::uint64_t ffn = config.intermediate_size;
    const std::uint64_t width = config.heads * config.head_dim;
    const std::uint64_t narrow = config.kv_heads * config.head_dim;
    std::vector<ExpectedTensor> out;
    out.push_back({"model.embed_tokens.weight", {config.vocab_size, hidden}});
    for (std::uint64_t i = 0; i < config.layers; ++i) {
        const std::string prefix = "model.layers." + std::to_string(i) + ".";
        out.push_back({prefix + "input_layernorm.weight", {hidden}});
        out.push_back({prefix + "self_attn.q_proj.weight", {width, hidden}});
        out.push_back({prefix + "self_attn.k_proj.weight", {narrow, hidden}});
        out.push_back({prefix + "self_attn.v_proj.weight", {narrow, hidden}});
        out.push_back({prefix + "self_attn.o_proj.weight", {hidden, width}});
        out.push_back({prefix + "post_attention_layernorm.weight", {hidden}});
        out.push_back({prefix + "mlp.gate_proj.weight", {ffn, hidden}});
        out.push_back({prefix + "mlp.up_proj.weight", {ffn, hidden}});
        out.push_back({prefix + "mlp.down_proj.weight", {hidden, ffn}});
    }
    out.push_back({"model.norm.weight", {hidden}});
    if (!config.tie_word_embeddings) out.push_back({"lm_head.weight", {config.vocab_size, hidden}});
    return out;
}

Result<void> check_tensors(const ModelConfig& config, const TensorMap& tensors) {
    const auto expected = expected_tensors(config);
    for (const auto& [name, shape] : expected) {
        const auto found = tensors.find(name);
        if (found == tensors.end()) return make_error(Errc::kCorrupt, "weights: " + name + " is missing");
        if (found->second.shape != shape) {
            return make_error(Errc::kCorrupt, "weights: " + name + " has shape " + describe(found->second.shape) +
                                                  ", the configuration says " + describe(shape));
        }
    }
    if (tensors.size() == expected.size()) return {};
    for (const auto& [name, tensor] : tensors) {
        if (std::ranges::find(expected, name, &ExpectedTensor::name) == expected.end()) {
            return make_error(Errc::kCorrupt, "weights: " + name.substr(0, 200) + " does not belong to this model");
        }
    }
    return {};
}

Result<ModelDirectory> ModelDirectory::open(const fs::path& folder) {
    TRY(const codec::Json config, read_json(folder / "config.json"));
    TRY(Tokenizer tokenizer, read_tokenizer(folder));
    ModelDirectory model{std::move(tokenizer)};
    TRY(model.config_, read_model_config(config));
    TRY(const codec::Json tokenizer_config, read_json(folder / "tokenizer_config.json"));
    TRY(model.rules_, parse_prompt_rules(tokenizer_config, model.tokenizer_));
    // Models pad the embedding to round numbers, so it may have more rows than there are tokens, never fewer.
    if (model.tokenizer_.vocabulary() > model.config_.vocab_size) {
        return make_error(Errc::kInvalid, "the tokenizer has more tokens than the model");
    }
    model.end_tokens_ = model.config_.end_tokens;
    if (model.rules_.end) model.end_tokens_.push_back(*model.rules_.end);
    for (const std::string_view name : {"<|im_end|>", "<|eot_id|>"}) {
        if (const auto id = model.tokenizer_.special(name)) model.end_tokens_.push_back(*id);
    }
    TRY(const auto names, weight_files(folder));
    for (const std::string& name : names) {
        TRY(MappedFile file, MappedFile::open(folder / name));
        auto tensors = parse_safetensors(file.bytes());
        if (!tensors) return make_error(Errc::kCorrupt, name + ": " + tensors.error().message);
        for (auto& [tensor_name, tensor] : *tensors) {
            if (!model.tensors_.emplace(tensor_name, std::move(tensor)).second) {
                return make_error(Errc::kCorrupt, "weights: " + tensor_name.substr(0, 200) + " is stored twice");
            }
        }
        model.files_.push_back(std::move(file));
    }
    TRY_OK(check_tensors(model.config_, model.tensors_));
    return model;
}

bool ModelDirectory::is_end_token(std::uint32_t id) const {
    return std::ranges::find(end_tokens_, id) != end_tokens_.end();
}

}  // namespace vcity::checkpoint
