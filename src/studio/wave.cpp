// SPDX-License-Identifier: Apache-2.0
#include "studio/wave.hpp"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

namespace vcity::studio {
namespace {

std::uint32_t little(ByteView bytes, std::size_t count) {
    std::uint32_t value = 0;
    for (std::size_t at = count; at > 0; --at) value = value << 8U | bytes[at - 1];
    return value;
}

Result<void> read_format(ByteView chunk, WaveInfo* info) {
    constexpr std::size_t kFormatBytes = 16;
    constexpr std::uint32_t kPcm = 1;
    constexpr std::uint32_t kBits = 16;
    if (chunk.size() < kFormatBytes) return make_error(Errc::kInvalid, "chunk 'fmt ': is too short");
    info->channels = little(chunk.subspan(2), 2);
    info->rate = little(chunk.subspan(4), 4);
    if (little(chunk, 2) != kPcm || little(chunk.subspan(14), 2) != kBits) {
        return make_error(Errc::kInvalid, "chunk 'fmt ': is not PCM of 16 bits");
    }
    constexpr std::uint32_t kChannelsMax = 8;
    constexpr std::uint32_t kRateMax = 384'000;
    if (info->channels == 0 || info->channels > kChannelsMax || info->rate == 0 || info->rate > kRateMax) {
        return make_error(Errc::kInvalid,
                          fmt::format("chunk 'fmt ': {} channels at {} Hz", info->channels, info->rate));
    }
    return {};
}

}  // namespace

Result<WaveInfo> read_wave(ByteView file) {
    constexpr std::size_t kRiffBytes = 12;
    constexpr std::size_t kHeadBytes = 8;
    if (file.size() < kRiffBytes || as_text(file.first(4)) != "RIFF" || as_text(file.subspan(8, 4)) != "WAVE") {
        return make_error(Errc::kInvalid, "is no WAVE file");
    }
    WaveInfo info;
    for (std::size_t at = kRiffBytes; file.size() - at >= kHeadBytes;) {
        const std::string_view name = as_text(file.subspan(at, 4));
        const std::size_t rest = file.size() - at - kHeadBytes;
        std::size_t length = little(file.subspan(at + 4), 4);
        if (name == "data" && (length == 0 || length > rest)) length = rest;
        if (length > rest) return make_error(Errc::kInvalid, fmt::format("chunk at byte {}: is cut off", at));
        const ByteView chunk = file.subspan(at + kHeadBytes, length);
        if (name == "fmt ") {
            TRY_OK(read_format(chunk, &info));
        }
        if (name == "data") {
            if (info.rate == 0) return make_error(Errc::kInvalid, "chunk 'data': comes before 'fmt '");
            info.samples = chunk.size() / 2 / info.channels;
            for (std::size_t sample = 0; sample + 1 < chunk.size(); sample += 2) {
                const auto value = static_cast<std::int16_t>(little(chunk.subspan(sample), 2));
                info.loudest = std::max(info.loudest, static_cast<std::uint32_t>(std::abs(int{value})));
            }
            return info;
        }
        at += kHeadBytes + length + (length & 1U);
        if (at > file.size()) break;
    }
    return make_error(Errc::kInvalid, "chunk 'data': is missing");
}

}  // namespace vcity::studio
