// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "studio/tiles.hpp"

namespace vcity::studio {

// Eight bits each of red, green, blue and opacity (not premultiplied), row by row from above.
struct Picture {
    Size size;
    std::vector<std::uint8_t> pixels;  // 4 * width * height

    bool operator==(const Picture&) const = default;
};

using Pixel = std::array<std::uint8_t, 4>;

Picture blank(const Size& size);
Pixel pixel_at(const Picture& picture, std::uint32_t x, std::uint32_t y);
// "#rrggbbaa".
std::string to_string(const Pixel& pixel);

// Copies `part` to where `rect` is in `whole`. The rectangle lies in `whole` and has the size of `part`.
void paste(const Picture& part, const Rect& rect, Picture* whole);
// The rectangle lies in `whole`.
Picture cut(const Picture& whole, const Rect& rect);

struct Difference {
    std::uint32_t x = 0;  // of the first pixel that differs
    std::uint32_t y = 0;
    std::uint64_t pixels = 0;  // that differ

    bool operator==(const Difference&) const = default;
};
// Pictures of one size. Nullopt: they are equal.
std::optional<Difference> difference_of(const Picture& left, const Picture& right);

// Bicubic interpolation (Keys 1981, a = -1/2); wider where it makes smaller, so that nothing aliases.
Picture resize(const Picture& picture, const Size& size);
// Peak signal-to-noise ratio in dB over red, green and blue; infinite for equal pictures. Pictures of one size.
double psnr(const Picture& left, const Picture& right);

}  // namespace vcity::studio
