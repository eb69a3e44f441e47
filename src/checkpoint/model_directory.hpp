// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "checkpoint/mapped_file.hpp"
#include "checkpoint/model_config.hpp"
#include "checkpoint/prompt.hpp"
#include "checkpoint/safetensors.hpp"
#include "checkpoint/tokenizer.hpp"

namespace vcity::checkpoint {

// A tensor that a model must have.
struct ExpectedTensor {
    std::string name;
    std::vector<std::uint64_t> shape;
};

// Names and shapes of a Llama model's tensors, as Hugging Face stores them; a tied head is not among them.
std::vector<ExpectedTensor> expected_tensors(const ModelConfig& config);

// kCorrupt with the tensor's name when one is missing or has another shape, or when there is one too many: everything
// that is stored is part of the weights root, so nothing may hide in it.
Result<void> check_tensors(const ModelConfig& config, const TensorMap& tensors);

// A Hugging Face model directory, checked as a whole: config.json, model.safetensors or its shards, tokenizer.model or
// tokenizer.json, tokenizer_config.json. The weights stay in mapped files.
// Moves, does not copy; the tensors are valid as long as this lives. Everything in the directory is untrusted.
class ModelDirectory {
  public:
    static Result<ModelDirectory> open(const std::filesystem::path& folder);

    const ModelConfig& config() const { return config_; }
    const TensorMap& tensors() const { return tensors_; }
    const Tokenizer& tokenizer() const { return tokenizer_; }
    const PromptRules& prompt_rules() const { return rules_; }
    // A token that ends an answer: of the configuration or of the chat form.
    bool is_end_token(std::uint32_t id) const;

  private:
    explicit ModelDirectory(Tokenizer tokenizer) : tokenizer_{std::move(tokenizer)} {}

    ModelConfig config_;
    std::vector<MappedFile> files_;
    TensorMap tensors_;
    Tokenizer tokenizer_;
    PromptRules rules_;
    std::vector<std::uint32_t> end_tokens_;
};

}  // namespace vcity::checkpoint
