// SPDX-License-Identifier: Apache-2.0
#include "studio/tiles.hpp"

#include <gtest/gtest.h>

namespace vcity::studio {
namespace {

TEST(Tiles, AreNumberedFrameByFrameAndRowByRow) {
    const Grid grid{.frame_first = 10, .frames = 3, .columns = 4, .rows = 2};
    EXPECT_EQ(grid.total(), 24U);
    EXPECT_EQ(tile_at(grid, 0), (Tile{.frame = 10, .column = 0, .row = 0}));
    EXPECT_EQ(tile_at(grid, 5), (Tile{.frame = 10, .column = 1, .row = 1}));
    EXPECT_EQ(tile_at(grid, 23), (Tile{.frame = 12, .column = 3, .row = 1}));
    EXPECT_EQ(to_string(tile_at(grid, 5)), "frame 10, tile column 1 row 1");
}

TEST(Tiles, CoverEveryPixelOnceWhateverTheSizes) {
    for (std::uint32_t columns = 1; columns <= 7; ++columns) {
        for (std::uint32_t rows = 1; rows <= 5; ++rows) {
            const Grid grid{.frame_first = 1, .frames = 1, .columns = columns, .rows = rows};
            const Size size{.width = columns + 13, .height = rows + 8};
            std::vector<int> seen(std::size_t{size.width} * size.height);
            for (std::uint32_t index = 0; index < grid.total(); ++index) {
                const Rect rect = rect_of(grid, tile_at(grid, index), size);
                for (std::uint32_t y = rect.top; y < rect.bottom; ++y) {
                    for (std::uint32_t x = rect.left; x < rect.right; ++x) ++seen[std::size_t{y} * size.width + x];
                }
            }
            EXPECT_EQ(seen, std::vector<int>(seen.size(), 1)) << columns << "x" << rows;
        }
    }
}

TEST(Tiles, OfGridsOutOfBoundsAreRefusedWithTheOption) {
    const auto complaint = [](Grid grid) {
        const Result<void> good = check_grid(grid);
        return good ? std::string{} : good.error().message;
    };
    EXPECT_EQ(complaint({}), "");
    EXPECT_EQ(complaint({.frame_first = 1, .frames = 0}), "--frames: is 0; it must be 1 to 4096");
    EXPECT_EQ(complaint({.frame_first = 1, .frames = 1, .columns = 31}), "--tiles, columns: is 31; it must be 1 to 30");
    EXPECT_EQ(complaint({.frame_first = 1, .frames = 4096, .columns = 2}),
              "--frames times tiles: is 8192; it must be 1 to 4096");
}

TEST(Tiles, SizesAndPicksAreReadStrictly) {
    EXPECT_EQ(parse_size("640x360", "--resolution", kSideMax).value(), (Size{.width = 640, .height = 360}));
    for (const char* bad : {"", "640", "x", "640x", "0x1", "640x360x2", "-1x5", "40000x5", "6 x4"}) {
        EXPECT_FALSE(parse_size(bad, "--resolution", kSideMax)) << bad;
    }
    EXPECT_EQ(parse_picks("0,4,7", 8).value(), (std::vector<std::uint32_t>{0, 4, 7}));
    for (const char* bad : {"", "8", "4,4", "4,0", "1,", ",1", "a", "1;2"}) EXPECT_FALSE(parse_picks(bad, 8)) << bad;
}

}  // namespace
}  // namespace vcity::studio
