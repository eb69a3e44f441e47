// SPDX-License-Identifier: Apache-2.0
#include "studio/ppm.hpp"

#include <gtest/gtest.h>

namespace vcity::studio {
namespace {

TEST(Ppm, GivesItsPixelsWithoutOpacity) {
    const Picture picture = read_ppm(as_bytes("P6\n2 1\n255\nabcde\n")).value();
    EXPECT_EQ(picture.size.width, 2U);
    EXPECT_EQ(picture.size.height, 1U);
    EXPECT_EQ(pixel_at(picture, 0, 0), (Pixel{'a', 'b', 'c', 255}));
    EXPECT_EQ(pixel_at(picture, 1, 0), (Pixel{'d', 'e', '\n', 255}));
}

TEST(Ppm, RefusesWhatIsWrong) {
    for (const std::string_view file :
         {"", "P5\n1 1\n255\nabc", "P6\n0 1\n255\n", "P6\n1\n", "P6\n1 1\n65535\nabcabc", "P6\n1 1\n255\nab",
          "P6\n1 1\n255\nabcd", "P6\n9999 1\n255\nabc", "P6\n4294967297 1\n255\nabc", "P6\n-1 1\n255\nabc"}) {
        EXPECT_FALSE(read_ppm(as_bytes(file))) << file;
    }
}

}  // namespace
}  // namespace vcity::studio
