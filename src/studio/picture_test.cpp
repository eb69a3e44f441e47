// SPDX-License-Identifier: Apache-2.0
#include "studio/picture.hpp"

#include <cmath>

#include <gtest/gtest.h>

namespace vcity::studio {
namespace {

Picture pattern(const Size& size) {
    Picture picture = blank(size);
    for (std::size_t at = 0; at < picture.pixels.size(); ++at)
        picture.pixels[at] = static_cast<std::uint8_t>(at * 37 + at / 11);
    return picture;
}

TEST(Picture, CutIntoTilesAndPastedIsItselfAgain) {
    const Picture whole = pattern({.width = 13, .height = 9});
    const Grid grid{.frame_first = 1, .frames = 1, .columns = 3, .rows = 2};
    Picture again = blank(whole.size);
    for (std::uint32_t index = 0; index < grid.total(); ++index) {
        const Rect rect = rect_of(grid, tile_at(grid, index), whole.size);
        paste(cut(whole, rect), rect, &again);
    }
    EXPECT_EQ(again, whole);
}

TEST(Picture, DifferenceNamesTheFirstPixelAndCountsAll) {
    const Picture left = pattern({.width = 5, .height = 4});
    EXPECT_FALSE(difference_of(left, left));
    Picture right = left;
    right.pixels[4 * (2 * 5 + 3) + 1] ^= 1U;
    right.pixels[4 * (3 * 5 + 0) + 3] ^= 128U;
    EXPECT_EQ(difference_of(left, right), (Difference{.x = 3, .y = 2, .pixels = 2}));
    EXPECT_EQ(to_string(Pixel{0, 16, 255, 1}), "#0010ff01");
}

TEST(Picture, ResizedKeepsWhatIsFlatAndReturnsFromTwiceItsSize) {
    Picture flat = blank({.width = 6, .height = 5});
    for (std::uint8_t& value : flat.pixels) value = 91;
    EXPECT_EQ(pixel_at(resize(flat, {.width = 17, .height = 3}), 16, 2), (Pixel{91, 91, 91, 91}));
    Picture smooth = blank({.width = 24, .height = 24});
    for (std::uint32_t y = 0; y < 24; ++y) {
        for (std::uint32_t x = 0; x < 24; ++x) {
            for (std::size_t c = 0; c < 4; ++c)
                smooth.pixels[4 * (y * 24 + x) + c] = static_cast<std::uint8_t>(5 * x + 4 * y);
        }
    }
    const Picture back = resize(resize(smooth, {.width = 48, .height = 48}), smooth.size);
    EXPECT_GT(psnr(back, smooth), 45);
}

TEST(Picture, PsnrIsTenLogarithmsOfThePeakOverTheMeanSquare) {
    const Picture left = blank({.width = 2, .height = 2});
    Picture right = left;
    for (std::uint8_t& value : right.pixels) value = 5;
    EXPECT_NEAR(psnr(left, right), 20 * std::log10(255.0 / 5), 1e-9);
    EXPECT_TRUE(std::isinf(psnr(left, left)));
}

}  // namespace
}  // namespace vcity::studio
