// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/result.hpp"

namespace vcity::bench {

struct RandomShape {
    std::uint32_t layers = 16;
    std::uint32_t hidden = 2048;
    std::uint32_t heads = 32;
    std::uint32_t kv_heads = 8;
    std::uint32_t ffn = 8192;
    std::uint32_t vocab = 0;  // that of the tokenizer
    std::uint32_t positions = 4096;
};

// Writes a Llama directory with random bf16 weights, tied embeddings and the tokenizer of another model directory.
// Streams the file, so memory stays small. The weights have the usual size (uniform with deviation 0.02), so
// activations are those of a network that was just initialised.
Result<void> write_random_model(const std::filesystem::path& folder,
                                const std::filesystem::path& tokenizer_of,
                                const RandomShape& shape);

}  // namespace vcity::bench
