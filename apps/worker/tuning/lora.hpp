// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "llama.hpp"

namespace vcity::worker {

// Low-rank adapters (Hu et al., "LoRA", 2021): beside a frozen matrix W [out, in] stand A [r, in] and B [out, r], and
// the layer computes W x + (alpha / r) B A x.
struct LoraConfig {
    std::int64_t rank = 8;
    double alpha = 16;
    std::vector<std::string> targets;  // PEFT's names, e.g. "q_proj"; see lora_targets()

    bool operator==(const LoraConfig&) const = default;
};

// The matrices of a layer that can have one: q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj.
const std::vector<std::string>& lora_targets();
// kInvalid: rank 1 to 1,024, alpha above 0, known targets, each once.
Result<void> check_lora(const LoraConfig& config);

// A and B of one matrix of one layer.
struct LoraPair {
    std::int64_t layer = 0;
    std::string target;
    torch::Tensor a;
    torch::Tensor b;
};

// All of a model, in the order of layers and targets.
class LoraAdapter {
  public:
    // A from a uniform distribution that depends on the seed only, B zero: it changes nothing yet.
    static LoraAdapter fresh(LoraConfig config, const Dims& dims, std::uint64_t seed);
    // From a folder in PEFT's layout. kInvalid, kCorrupt, kNotFound: the message names file and tensor.
    static Result<LoraAdapter> load(const std::filesystem::path& folder, const Dims& dims);

    const LoraConfig& config() const { return config_; }
    std::vector<LoraPair>& pairs() { return pairs_; }
    const std::vector<LoraPair>& pairs() const { return pairs_; }
    double scale() const { return config_.alpha / static_cast<double>(config_.rank); }

    // The weights compute with it from now on, and its tensors with them.
    void attach(LlamaWeights* weights) const;
    // W + (alpha / r) B A in place of each W.
    void merge_into(LlamaWeights* weights) const;
    // adapter_config.json and adapter_model.safetensors in fp32, as PEFT reads them.
    Result<void> save(const std::filesystem::path& folder, const std::string& base_model) const;

  private:
    LoraConfig config_;
    std::vector<LoraPair> pairs_;
};

}  // namespace vcity::worker
