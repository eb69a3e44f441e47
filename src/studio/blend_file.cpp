// SPDX-License-Identifier: Apache-2.0
#include "studio/blend_file.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

#include <fmt/format.h>

namespace vcity::studio {
namespace {

constexpr std::string_view kMagic = "BLENDER";
constexpr std::size_t kHeaderBytes = 12;  // magic, width of pointers, byte order, three digits of the version
constexpr std::array<std::uint8_t, 2> kGzip{0x1f, 0x8b};
constexpr std::array<std::uint8_t, 4> kZstd{0x28, 0xb5, 0x2f, 0xfd};

bool starts_with(ByteView file, ByteView magic) {
    return file.size() >= magic.size() && std::ranges::equal(file.first(magic.size()), magic);
}

std::uint32_t little_u32(ByteView bytes) {
    std::uint32_t value = 0;
    for (std::size_t at = 4; at > 0; --at) value = value << 8U | bytes[at - 1];
    return value;
}

std::string version_text(std::uint32_t version) {
    return fmt::format("{}.{}", version / 100, version % 100);
}

// A block is: code, length, the pointer that it had in memory, number of its structure, count; then its bytes.
Result<void> check_blocks(ByteView file, std::size_t pointer_bytes) {
    const std::size_t head_bytes = 16 + pointer_bytes;
    bool has_structures = false;
    for (std::size_t at = kHeaderBytes;;) {
        if (file.size() - at < head_bytes) {
            return make_error(Errc::kInvalid, fmt::format("byte {}: the file ends before its last block", at));
        }
        const std::string_view code = as_text(file.subspan(at, 4));
        if (code == "ENDB") break;
        const std::size_t length = little_u32(file.subspan(at + 4, 4));
        if (length > file.size() - at - head_bytes) {
            return make_error(Errc::kInvalid, fmt::format("byte {}: a block of {} bytes, of which {} are there", at,
                                                          length, file.size() - at - head_bytes));
        }
        has_structures = has_structures || code == "DNA1";
        at += head_bytes + length;
    }
    if (!has_structures)
        return make_error(Errc::kInvalid, "the block DNA1, which tells how to read the others, is missing");
    return {};
}

}  // namespace

Result<BlendInfo> check_blend(ByteView file, std::uint32_t version_max) {
    if (starts_with(file, kGzip)) return BlendInfo{.packing = BlendPacking::kGzip};
    if (starts_with(file, kZstd)) return BlendInfo{.packing = BlendPacking::kZstd};
    if (!starts_with(file, as_bytes(kMagic)) || file.size() < kHeaderBytes) {
        return make_error(Errc::kInvalid, "byte 0: is no file of Blender");
    }
    const std::uint8_t width = file[7];
    const std::uint8_t order = file[8];
    if ((width != '_' && width != '-') || (order != 'v' && order != 'V')) {
        return make_error(Errc::kInvalid, "byte 7: says neither how wide pointers are nor the order of bytes");
    }
    if (order == 'V') return make_error(Errc::kInvalid, "byte 8: is of a big-endian machine; save it again on another");
    BlendInfo info;
    for (const std::uint8_t digit : file.subspan(9, 3)) {
        if (std::isdigit(digit) == 0) return make_error(Errc::kInvalid, "byte 9: has no version");
        info.version = info.version * 10 + (digit - std::uint32_t{'0'});
    }
    if (info.version > version_max) {
        return make_error(Errc::kInvalid, fmt::format("byte 9: was made by Blender {}; nodes have {}",
                                                      version_text(info.version), version_text(version_max)));
    }
    constexpr std::size_t kNarrow = 4;
    constexpr std::size_t kWide = 8;
    TRY_OK(check_blocks(file, width == '_' ? kNarrow : kWide));
    return info;
}

}  // namespace vcity::studio
