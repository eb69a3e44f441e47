// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace vcity::worker {

// One document as token ids, with the ids that carry no loss (what a user says) marked.
struct Document {
    std::vector<std::uint32_t> tokens;
    std::vector<bool> learned;  // Same length: whether this token is to be predicted.
};

// One training sequence: `inputs[i]` shall be followed by `targets[i]`; kNoTarget carries no loss.
struct Sequence {
    std::vector<std::int64_t> inputs;
    std::vector<std::int64_t> targets;
};

inline constexpr std::int64_t kNoTarget = -100;

// Reads {"text"} and {"messages"} lines and tokenises them; chat markers are the control tokens of the tokenizer.
Result<std::vector<Document>> read_documents(const std::filesystem::path& data, const std::filesystem::path& tokenizer);

// Shuffles whole documents with `random`, joins them and cuts sequences of `length`. The short rest is dropped.
std::vector<Sequence> pack(std::span<const Document> documents, std::size_t length, std::mt19937_64& random);

}  // namespace vcity::worker
