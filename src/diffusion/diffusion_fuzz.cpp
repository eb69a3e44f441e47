// SPDX-License-Identifier: Apache-2.0
// The first byte chooses the reader: tokenizers, and the descriptions of a model's parts.
#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"
#include "diffusion/clip_tokenizer.hpp"
#include "diffusion/config.hpp"
#include "diffusion/schedule.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace diffusion = vcity::diffusion;
    if (size == 0) return 0;
    const std::string_view rest = vcity::as_text(vcity::ByteView{data + 1, size - 1});
    constexpr int kReaders = 6;
    switch (data[0] % kReaders) {
        case 0: (void)diffusion::parse_unet_config(rest); break;
        case 1: (void)diffusion::parse_vae_config(rest); break;
        case 2: (void)diffusion::parse_text_config(rest); break;
        case 3: (void)diffusion::check_model_index(rest); break;
        case 4: {
            const auto schedule = diffusion::parse_schedule_config(rest);
            if (schedule) (void)diffusion::make_steps(*schedule, 3);
            break;
        }
        default: {
            const std::size_t half = rest.size() / 2;
            const auto tokenizer = diffusion::ClipTokenizer::parse(rest.substr(0, half), rest.substr(half));
            if (!tokenizer) break;
            // With an ideographic space.
            const auto ids = tokenizer->encode(
                "a Red\xe3\x80\x80"
                "circle 7!",
                9);
            if (ids && ids->size() != 9) __builtin_trap();
            break;
        }
    }
    return 0;
}
