// SPDX-License-Identifier: Apache-2.0
// The first byte chooses the reader: scenes, sounds, models' descriptions, picks, pixmaps.
#include <cstddef>
#include <cstdint>

#include "studio/blend_file.hpp"
#include "studio/network.hpp"
#include "studio/ppm.hpp"
#include "studio/tiles.hpp"
#include "studio/wave.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace studio = vcity::studio;
    if (size == 0) return 0;
    const vcity::ByteView rest{data + 1, size - 1};
    switch (data[0] % 5) {
        case 0: (void)studio::check_blend(rest, 304); break;
        case 1: (void)studio::read_wave(rest); break;
        case 2: (void)studio::Network::make(vcity::as_text(rest), vcity::Bytes(64)); break;
        case 4: (void)studio::read_ppm(rest); break;
        default: (void)studio::parse_picks(vcity::as_text(rest), 900); break;
    }
    return 0;
}
