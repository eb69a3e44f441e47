// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

#include "app/compile.hpp"

// The kinds that are more than one command.
namespace vcity::app::detail {

struct Parts {
    const AppSpec* app = nullptr;
    const StepGroup* base = nullptr;  // with the app's variables; without a command
    std::uint64_t seed = 0;
    AppOrder* order = nullptr;  // takes groups and attachments
};

// One step: the program "finetune" on data.jsonl and valid.jsonl.
void add_finetune(const Parts& parts);
// shard (as many as asked for) and merge.
void add_batch(const Parts& parts);
// Blocks of whole frames: tiles-K renders, verify-K renders some of these tiles again, stitch-K compares and joins;
// film puts all frames together. A block has 900 tiles and 100 frames at most, so that one step can take and leave
// them.
void add_render(const Parts& parts);
// As many equal steps of the program "generate" as asked for, each with all inputs.
void add_generate(const Parts& parts);

inline constexpr std::uint32_t kBlockTilesMax = 900;
// What one step can leave behind, with room for a summary.
inline constexpr std::uint32_t kBlockFramesMax = 100;
// Each has up to three groups, and the film is one.
inline constexpr std::uint32_t kBlocksMax = 21;
// Of a block, but for the last one.
inline std::uint32_t block_frames(std::uint32_t tiles) {
    return std::clamp(kBlockTilesMax / tiles, 1U, kBlockFramesMax);
}

}  // namespace vcity::app::detail
