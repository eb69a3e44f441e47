// SPDX-License-Identifier: Apache-2.0
#include "tuning/lora.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include "checkpoint/mapped_file.hpp"
#include "codec/json.hpp"
#include "tuning/tensor_file.hpp"

namespace vcity::worker {
namespace {

constexpr std::int64_t kRankMax = 1024;
constexpr std::size_t kConfigBytesMax = 1U << 20U;
constexpr const char* kConfigFile = "adapter_config.json";
constexpr const char* kWeightsFile = "adapter_model.safetensors";

bool is_attention(const std::string& target) {
    return target == "q_proj" || target == "k_proj" || target == "v_proj" || target == "o_proj";
}

std::size_t number_of(const std::string& target) {
    const auto found = std::ranges::find(lora_targets(), target);
    CHECK(found != lora_targets().end());
    return static_cast<std::size_t>(found - lora_targets().begin());
}

torch::Tensor& matrix_of(LayerWeights* layer, const std::string& target) {
    torch::Tensor* const matrices[] = {&layer->query, &layer->key, &layer->value, &layer->output,
                                       &layer->gate,  &layer->up,  &layer->down};
    return *matrices[number_of(target)];
}

// [out, in] of a target's matrix.
std::pair<std::int64_t, std::int64_t> shape_of(const std::string& target, const Dims& dims) {
    if (target == "q_proj") return {dims.query_width(), dims.hidden};
    if (target == "k_proj" || target == "v_proj") return {dims.kv_width(), dims.hidden};
    if (target == "o_proj") return {dims.hidden, dims.query_width()};
    if (target == "down_proj") return {dims.hidden, dims.ffn};
    return {dims.ffn, dims.hidden};
}

std::string name_of(const LoraPair& pair, const char* which) {
    return "base_model.model.model.layers." + std::to_string(pair.layer) + "." +
           (is_attention(pair.target) ? "self_attn." : "mlp.") + pair.target + "." + which + ".weight";
}

std::vector<LoraPair> empty_pairs(const LoraConfig& config, const Dims& dims) {
    std::vector<LoraPair> pairs;
    for (std::int64_t layer = 0; layer < dims.layers; ++layer) {
        for (const std::string& target : lora_targets()) {
            const bool is_wanted = std::ranges::find(config.targets, target) != config.targets.end();
            if (is_wanted) pairs.push_back({.layer = layer, .target = target, .a = {}, .b = {}});
        }
    }
    return pairs;
}

Error wrong(const std::string& file, const std::string& what) {
    return make_error(Errc::kInvalid, file + ": " + what);
}

Result<LoraConfig> read_config(const std::filesystem::path& folder) {
    TRY(const std::string text, checkpoint::read_text_file(folder / kConfigFile, kConfigBytesMax));
    const Result<codec::Json> json = codec::parse_json(text);
    if (!json) return wrong(kConfigFile, json.error().message);
    LoraConfig config;
    const codec::Json* type = json->find("peft_type");
    if (type == nullptr || type->get_string() == nullptr || *type->get_string() != "LORA") {
        return wrong(kConfigFile, "peft_type must be LORA");
    }
    const codec::Json* rank = json->find("r");
    if (rank == nullptr || !rank->get_i64(&config.rank)) return wrong(kConfigFile, "r is missing");
    const codec::Json* alpha = json->find("lora_alpha");
    if (alpha == nullptr || !alpha->get_double(&config.alpha)) return wrong(kConfigFile, "lora_alpha is missing");
    for (const char* unsupported : {"use_dora", "use_rslora", "fan_in_fan_out"}) {
        const codec::Json* flag = json->find(unsupported);
        if (flag != nullptr && flag->get_bool() != nullptr && *flag->get_bool()) {
            return wrong(kConfigFile, std::string{unsupported} + " is not supported");
        }
    }
    const codec::Json* targets = json->find("target_modules");
    const codec::JsonArray* list = targets == nullptr ? nullptr : targets->get_array();
    if (list == nullptr) return wrong(kConfigFile, "target_modules must be a list");
    for (const codec::Json& one : *list) {
        if (one.get_string() == nullptr) return wrong(kConfigFile, "target_modules must be a list of names");
        config.targets.push_back(*one.get_string());
    }
    if (const Result<void> good = check_lora(config); !good) return wrong(kConfigFile, good.error().message);
    return config;
}

}  // namespace

const std::vector<std::string>& lora_targets() {
    static const std::vector<std::string> targets{"q_proj",    "k_proj",  "v_proj",   "o_proj",
                                                  "gate_proj", "up_proj", "down_proj"};
    return targets;
}

Result<void> check_lora(const LoraConfig& config) {
    if (config.rank < 1 || config.rank > kRankMax) {
        return make_error(Errc::kInvalid,
                          "the rank is " + std::to_string(config.rank) + ", must be 1 to " + std::to_string(kRankMax));
    }
    if (!(config.alpha > 0) || !std::isfinite(config.alpha)) return make_error(Errc::kInvalid, "alpha must be above 0");
    if (config.targets.empty()) return make_error(Errc::kInvalid, "no matrices are named");
    for (std::size_t at = 0; at < config.targets.size(); ++at) {
        const std::string& target = config.targets[at];
        if (std::ranges::find(lora_targets(), target) == lora_targets().end()) {
            return make_error(Errc::kInvalid, "there is no matrix " + target +
                                                  "; there are q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj and "
                                                  "down_proj");
        }
        const auto end = config.targets.begin() + static_cast<std::ptrdiff_t>(at);
        if (std::find(config.targets.begin(), end, target) != end) {
            return make_error(Errc::kInvalid, target + " is named twice");
        }
    }
    return {};
}

LoraAdapter LoraAdapter::fresh(LoraConfig config, const Dims& dims, std::uint64_t seed) {
    LoraAdapter adapter;
    adapter.config_ = std::move(config);
    adapter.pairs_ = empty_pairs(adapter.config_, dims);
    // Not libtorch's generator: its draws differ between versions.
    std::mt19937_64 random{seed};
    for (LoraPair& pair : adapter.pairs_) {
        const auto [out, in] = shape_of(pair.target, dims);
        const double bound = 1.0 / std::sqrt(static_cast<double>(in));
        std::vector<float> values(static_cast<std::size_t>(adapter.config_.rank * in));
        for (float& value : values) {
            const double unit = static_cast<double>(random() >> 11U) * 0x1.0p-53;
            value = static_cast<float>((2 * unit - 1) * bound);
        }
        pair.a = torch::tensor(values).view({adapter.config_.rank, in});
        pair.b = torch::zeros({out, adapter.config_.rank});
    }
    return adapter;
}

Result<LoraAdapter> LoraAdapter::load(const std::filesystem::path& folder, const Dims& dims) {
    LoraAdapter adapter;
    TRY(adapter.config_, read_config(folder));
    adapter.pairs_ = empty_pairs(adapter.config_, dims);
    TRY(const auto file, checkpoint::MappedFile::open(folder / kWeightsFile));
    Result<std::map<std::string, torch::Tensor>> tensors = parse_tensors(file.bytes());
    if (!tensors) return make_error(tensors.error().code, std::string{kWeightsFile} + ": " + tensors.error().message);
    const auto take = [&](const std::string& name, std::int64_t rows, std::int64_t columns) -> Result<torch::Tensor> {
        const auto found = tensors->find(name);
        if (found == tensors->end()) return wrong(kWeightsFile, "tensor " + name + " is missing");
        torch::Tensor tensor = found->second;
        if (tensor.dim() != 2 || tensor.size(0) != rows || tensor.size(1) != columns) {
            return wrong(kWeightsFile, "tensor " + name + " has another shape than the model asks for");
        }
        tensors->erase(found);
        return tensor;
    };
    for (LoraPair& pair : adapter.pairs_) {
        const auto [out, in] = shape_of(pair.target, dims);
        TRY(pair.a, take(name_of(pair, "lora_A"), adapter.config_.rank, in));
        TRY(pair.b, take(name_of(pair, "lora_B"), out, adapter.config_.rank));
    }
    if (!tensors->empty())
        return wrong(kWeightsFile, "tensor " + tensors->begin()->first + " has no place in the model");
    return adapter;
}

void LoraAdapter::attach(LlamaWeights* weights) const {
    for (const LoraPair& pair : pairs_) {
        LayerWeights& layer = weights->layers[static_cast<std::size_t>(pair.layer)];
        layer.adapters[number_of(pair.target)] = {.a = pair.a, .b = pair.b, .scale = scale()};
    }
}

void LoraAdapter::merge_into(LlamaWeights* weights) const {
    const torch::NoGradGuard no_grad;
    for (const LoraPair& pair : pairs_) {
        torch::Tensor& matrix = matrix_of(&weights->layers[static_cast<std::size_t>(pair.layer)], pair.target);
        matrix = matrix + torch::mm(pair.b, pair.a).to(matrix.dtype()) * scale();
    }
}

Result<void> LoraAdapter::save(const std::filesystem::path& folder, const std::string& base_model) const {
    std::vector<std::pair<std::string, torch::Tensor>> tensors;
    for (const LoraPair& pair : pairs_) {
        tensors.emplace_back(name_of(pair, "lora_A"), pair.a);
        tensors.emplace_back(name_of(pair, "lora_B"), pair.b);
    }
    TRY_OK(write_whole(folder / kWeightsFile, encode_tensors(tensors)));
    const codec::JsonArray targets(config_.targets.begin(), config_.targets.end());
    const codec::Json config = codec::JsonObject{
        {"peft_type", "LORA"},   {"task_type", "CAUSAL_LM"},    {"base_model_name_or_path", base_model},
        {"r", config_.rank},     {"lora_alpha", config_.alpha}, {"lora_dropout", 0.0},
        {"bias", "none"},        {"target_modules", targets},   {"fan_in_fan_out", false},
        {"inference_mode", true}};
    return write_whole(folder / kConfigFile, as_bytes(codec::dump_json_pretty(config) + "\n"));
}

}  // namespace vcity::worker
