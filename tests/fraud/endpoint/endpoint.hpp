// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "checkpoint/model_directory.hpp"
#include "model_runner.hpp"

namespace vcity::blackbox {

struct ScoredToken {
    std::string bytes;
    double logprob = 0;
    std::vector<std::pair<std::string, double>> others;
};
using ScoredText = std::vector<ScoredToken>;

// A model as an endpoint serves it: greedy answers with log probabilities.
class Endpoint {
  public:
    static Result<std::unique_ptr<Endpoint>> load(const std::filesystem::path& folder,
                                                  verify::ComputeType compute,
                                                  int threads);

    // All prompts as one batch.
    Result<std::vector<ScoredText>> answer(const std::vector<std::string>& prompts, std::size_t tokens_max);

  private:
    struct Sequence;
    Endpoint(checkpoint::ModelDirectory model, std::unique_ptr<worker::ModelRunner> runner)
        : model_{std::move(model)}, runner_{std::move(runner)} {}

    Result<Sequence> open(const std::string& prompt, std::size_t tokens_max);
    // Whether the answer goes on.
    bool advance(Sequence* sequence, const std::vector<float>& logits, std::size_t tokens_max) const;

    checkpoint::ModelDirectory model_;
    std::unique_ptr<worker::ModelRunner> runner_;
};

}  // namespace vcity::blackbox
