// SPDX-License-Identifier: Apache-2.0
#include "random_model.hpp"

#include <algorithm>
#include <bit>
#include <fstream>
#include <string>
#include <vector>

#include "checkpoint/model_directory.hpp"
#include "codec/json.hpp"

namespace vcity::bench {
namespace {

using codec::Json;

constexpr double kDeviation = 0.02;
constexpr std::size_t kChunk = 1U << 20U;  // weights

std::string config_of(const RandomShape& shape) {
    return codec::dump_json(Json{codec::JsonObject{{"model_type", Json{"llama"}},
                                                   {"vocab_size", Json{shape.vocab}},
                                                   {"hidden_size", Json{shape.hidden}},
                                                   {"intermediate_size", Json{shape.ffn}},
                                                   {"num_hidden_layers", Json{shape.layers}},
                                                   {"num_attention_heads", Json{shape.heads}},
                                                   {"num_key_value_heads", Json{shape.kv_heads}},
                                                   {"max_position_embeddings", Json{shape.positions}},
                                                   {"rms_norm_eps", Json{1e-5}},
                                                   {"rope_theta", Json{500000.0}},
                                                   {"tie_word_embeddings", Json{true}},
                                                   {"bos_token_id", Json{1}},
                                                   {"eos_token_id", Json{2}}}});
}

std::uint16_t bf16_of(float value) {
    return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16U);
}

// Norms are one; everything else is uniform. A linear congruential generator (Knuth's MMIX constants) is enough here.
void write_weights(std::ofstream* file, std::uint64_t count, bool norm, std::uint64_t* state) {
    constexpr float kSqrt3 = 1.7320508F;
    std::vector<std::uint16_t> chunk;
    while (count > 0) {
        chunk.resize(std::min<std::uint64_t>(count, kChunk));
        for (std::uint16_t& weight : chunk) {
            *state = *state * 6364136223846793005U + 1442695040888963407U;
            const float uniform = static_cast<float>(static_cast<std::int32_t>(*state >> 32U)) * 0x1p-31F;
            weight = norm ? bf16_of(1.0F) : bf16_of(uniform * static_cast<float>(kDeviation) * kSqrt3);
        }
        file->write(reinterpret_cast<const char*>(chunk.data()), static_cast<std::streamsize>(chunk.size() * 2));
        count -= chunk.size();
    }
}

}  // namespace

Result<void> write_random_model(const std::filesystem::path& folder,
                                const std::filesystem::path& tokenizer_of,
                                const RandomShape& shape) {
    std::filesystem::create_directories(folder);
    for (const char* name : {"tokenizer.model", "tokenizer_config.json"}) {
        std::filesystem::copy_file(tokenizer_of / name, folder / name,
                                   std::filesystem::copy_options::overwrite_existing);
    }
    const std::string config = config_of(shape);
    std::ofstream{folder / "config.json"} << config;
    TRY(const auto parsed, checkpoint::parse_model_config(config));
    Json header;
    std::vector<std::pair<std::uint64_t, bool>> tensors;
    std::uint64_t offset = 0;
    for (const auto& [name, dims] : checkpoint::expected_tensors(parsed)) {
        std::uint64_t count = 1;
        for (const std::uint64_t dim : dims) count *= dim;
        const std::uint64_t end = offset + 2 * count;
        header.set(name, codec::JsonObject{{"dtype", "BF16"},
                                           {"shape", codec::JsonArray(dims.begin(), dims.end())},
                                           {"data_offsets", codec::JsonArray{offset, end}}});
        tensors.emplace_back(count, dims.size() == 1);
        offset = end;
    }
    std::string text = codec::dump_json(header);
    text.resize((text.size() + 7) / 8 * 8, ' ');
    std::ofstream file{folder / "model.safetensors", std::ios::binary};
    const std::uint64_t length = text.size();
    file.write(reinterpret_cast<const char*>(&length), sizeof(length));
    file << text;
    std::uint64_t state = 1;
    for (const auto& [count, norm] : tensors) write_weights(&file, count, norm, &state);
    if (!file.flush()) return make_error(Errc::kUnavailable, "the random model cannot be written");
    return {};
}

}  // namespace vcity::bench
