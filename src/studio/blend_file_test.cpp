// SPDX-License-Identifier: Apache-2.0
#include "studio/blend_file.hpp"

#include <gtest/gtest.h>

namespace vcity::studio {
namespace {

constexpr std::uint32_t kNewest = 304;

void add_block(Bytes* file, std::string_view code, std::uint32_t length, std::size_t written) {
    append(file, as_bytes(code));
    for (std::uint32_t shift = 0; shift < 32; shift += 8) file->push_back(static_cast<std::uint8_t>(length >> shift));
    file->insert(file->end(), 16 + written, 0);
}

Bytes scene(std::string_view header = "BLENDER-v304") {
    Bytes file;
    append(&file, as_bytes(header));
    add_block(&file, "REND", 8, 8);
    add_block(&file, "DNA1", 3, 3);
    add_block(&file, "ENDB", 0, 0);
    return file;
}

std::string complaint(const Bytes& file) {
    const Result<BlendInfo> info = check_blend(file, kNewest);
    return info ? "" : info.error().message;
}

TEST(BlendFile, TellsTheVersionOfAPlainScene) {
    EXPECT_EQ(check_blend(scene(), kNewest).value(), (BlendInfo{.packing = BlendPacking::kNone, .version = 304}));
    EXPECT_EQ(check_blend(scene("BLENDER-v293"), kNewest)->version, 293U);
}

TEST(BlendFile, LeavesPackedScenesToBlender) {
    EXPECT_EQ(check_blend(Bytes{0x1f, 0x8b, 8}, kNewest)->packing, BlendPacking::kGzip);
    EXPECT_EQ(check_blend(Bytes{0x28, 0xb5, 0x2f, 0xfd}, kNewest)->packing, BlendPacking::kZstd);
}

TEST(BlendFile, NamesTheByteWhereAFileIsWrong) {
    EXPECT_EQ(complaint({}), "byte 0: is no file of Blender");
    EXPECT_EQ(complaint(scene("# a text ...")), "byte 0: is no file of Blender");
    EXPECT_EQ(complaint(scene("BLENDER?v304")), "byte 7: says neither how wide pointers are nor the order of bytes");
    EXPECT_EQ(complaint(scene("BLENDER-V304")), "byte 8: is of a big-endian machine; save it again on another");
    EXPECT_EQ(complaint(scene("BLENDER-v3x4")), "byte 9: has no version");
    EXPECT_EQ(complaint(scene("BLENDER-v402")), "byte 9: was made by Blender 4.2; nodes have 3.4");
}

TEST(BlendFile, ToldFromOneThatWasCutOffAtAnyByte) {
    const Bytes whole = scene();
    for (std::size_t length = 12; length < whole.size(); ++length) {
        const Bytes part{whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)};
        EXPECT_NE(complaint(part), "") << length << " of " << whole.size();
    }
}

TEST(BlendFile, WithABlockBeyondTheEndOrWithoutStructuresIsRefused) {
    Bytes file;
    append(&file, as_bytes("BLENDER-v304"));
    add_block(&file, "REND", 0xffffffff, 0);
    EXPECT_EQ(complaint(file), "byte 12: a block of 4294967295 bytes, of which 0 are there");
    file.resize(12);
    add_block(&file, "ENDB", 0, 0);
    EXPECT_EQ(complaint(file), "the block DNA1, which tells how to read the others, is missing");
}

}  // namespace
}  // namespace vcity::studio
