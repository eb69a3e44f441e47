// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "studio/picture.hpp"

namespace vcity::studio {

// A portable pixmap: "P6", width, height and 255 with one white space after each, then three bytes a pixel. Comments
// are not read. kInvalid: what is wrong; no side is above kPpmSideMax.
Result<Picture> read_ppm(ByteView file);

inline constexpr std::uint32_t kPpmSideMax = 8192;

}  // namespace vcity::studio
