// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "base/result.hpp"

namespace vcity::worker {

struct TrainOptions {
    std::filesystem::path recipe;  // JSON: the model's configuration and the training plan.
    std::filesystem::path data;    // Folder with train.jsonl, valid.jsonl and tokenizer.model.
    std::filesystem::path out;     // Folder that becomes a Hugging Face model directory.
};

// Trains a model from nothing, on one thread. With the same recipe, data, libraries and kind of
// processor the result is the same to the bit.
Result<void> train(const TrainOptions& options);

}  // namespace vcity::worker
