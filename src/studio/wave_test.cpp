// SPDX-License-Identifier: Apache-2.0
#include "studio/wave.hpp"

#include <gtest/gtest.h>

namespace vcity::studio {
namespace {

Bytes wave(std::uint32_t data_bytes, std::initializer_list<int> samples, std::uint8_t bits = 16) {
    Bytes file;
    const auto text = [&](std::string_view value) { append(&file, as_bytes(value)); };
    const auto number = [&](std::uint32_t value, int bytes) {
        for (int at = 0; at < bytes; ++at) file.push_back(static_cast<std::uint8_t>(value >> (8 * at)));
    };
    text("RIFF");
    number(0, 4);
    text("WAVEfmt ");
    number(16, 4);
    number(1, 2);
    number(1, 2);
    number(8000, 4);
    number(16000, 4);
    number(2, 2);
    number(bits, 2);
    text("data");
    number(data_bytes, 4);
    for (const int sample : samples) number(static_cast<std::uint32_t>(sample), 2);
    return file;
}

TEST(Wave, TellsHowLongAndHowLoudItIs) {
    const WaveInfo info = read_wave(wave(8, {0, 100, -32768, 7})).value();
    EXPECT_EQ(info.samples, 4U);
    EXPECT_EQ(info.loudest, 32768U);
    EXPECT_DOUBLE_EQ(info.seconds(), 4.0 / 8000);
}

TEST(Wave, WrittenIntoAPipeHasTheRestOfTheFile) {
    EXPECT_EQ(read_wave(wave(0xffffffff, {1, 2, 3}))->samples, 3U);
    EXPECT_EQ(read_wave(wave(0, {1, 2, 3}))->samples, 3U);
}

TEST(Wave, OfAnotherKindIsRefusedWithItsChunk) {
    EXPECT_EQ(read_wave({}).error().message, "is no WAVE file");
    EXPECT_EQ(read_wave(wave(2, {1}, 8)).error().message, "chunk 'fmt ': is not PCM of 16 bits");
    Bytes cut = wave(2, {1});
    cut.resize(40);
    EXPECT_EQ(read_wave(cut).error().message, "chunk 'data': is missing");
}

TEST(Wave, CutOffAnywhereIsNoCrash) {
    const Bytes whole = wave(8, {1, 2, 3, 4});
    for (std::size_t length = 0; length < whole.size(); ++length) {
        (void)read_wave(ByteView{whole}.first(length));
    }
}

}  // namespace
}  // namespace vcity::studio
