// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace vcity::studio {

enum class BlendPacking : std::uint8_t { kNone = 0, kGzip = 1, kZstd = 2 };

struct BlendInfo {
    BlendPacking packing = BlendPacking::kNone;
    std::uint32_t version = 0;  // 304 is Blender 3.4; 0 when the file is packed

    bool operator==(const BlendInfo&) const = default;
};

// Looks at a scene before Blender does: the header, and in files that are not packed the chain of blocks up to its
// end, so that a file that was cut off is told from one that Blender cannot read. Reads nothing else of the blocks.
// kInvalid: no Blender file, big-endian, from a newer Blender than `version_max`, or cut off; the message has the
// offset in bytes.
Result<BlendInfo> check_blend(ByteView file, std::uint32_t version_max);

}  // namespace vcity::studio
