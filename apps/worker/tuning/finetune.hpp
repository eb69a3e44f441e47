// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace vcity::worker {

struct FinetuneOptions {
    std::filesystem::path model;        // Hugging Face folder of the base
    std::filesystem::path models_root;  // not empty: `model` is the bare name of a folder in here
    std::filesystem::path data;         // OpenAI JSONL, see chat_data.hpp
    std::filesystem::path validation;   // likewise; empty: a tenth of the data is held out
    std::filesystem::path out;          // becomes the adapter
    std::filesystem::path checkpoint;   // folder of its state; empty: none is kept. Goes on from what is there.
    std::int64_t rank = 8;
    double alpha = 16;
    std::vector<std::string> targets;  // empty: all of lora_targets()
    std::int64_t epochs = 3;
    std::int64_t batch = 8;  // examples of a step
    double learning_rate = 2e-3;
    double weight_decay = 0.0;
    std::uint64_t seed = 1;
    std::int64_t length = 0;  // tokens of an example at most; 0: what the model reads
    std::int64_t validate_every = 20;
    std::int64_t checkpoint_every = 20;  // steps
    std::int64_t steps_max = 0;          // 0: all epochs
    int threads = 1;
};

// Trains a LoRA adapter and writes it in PEFT's layout. Progress goes to `events`, a JSON object a line: "start",
// "metrics" (step, epoch, train_loss, and valid_loss where it was measured), "checkpoint", "done". With the same
// options, data, libraries, threads and kind of processor the adapter is the same to the bit, however often it was
// stopped and gone on from a checkpoint.
Result<void> finetune(const FinetuneOptions& options, std::ostream& events);

// Writes a model folder whose weights have the adapter in them; everything else is the base's.
Result<void> merge_adapter(const std::filesystem::path& model,
                           const std::filesystem::path& adapter,
                           const std::filesystem::path& out);

}  // namespace vcity::worker
