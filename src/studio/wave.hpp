// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace vcity::studio {

// What a sound file says about itself and how loud it is.
struct WaveInfo {
    std::uint32_t rate = 0;  // samples a second
    std::uint32_t channels = 0;
    std::uint64_t samples = 0;  // of one channel
    std::uint32_t loudest = 0;  // greatest absolute value, of 32,768
    double seconds() const { return rate == 0 ? 0 : static_cast<double>(samples) / rate; }
};

// RIFF WAVE with 16 bits of PCM. A length that is 0 or beyond the file, as programs write it into pipes, means the rest
// of the file. kInvalid: anything else; the message names the chunk.
Result<WaveInfo> read_wave(ByteView file);

}  // namespace vcity::studio
