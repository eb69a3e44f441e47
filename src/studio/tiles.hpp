// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace vcity::studio {

// Frames that are cut into equal grids of tiles. Tiles are numbered frame by frame, row by row from above.
struct Grid {
    std::uint32_t frame_first = 1;
    std::uint32_t frames = 1;
    std::uint32_t columns = 1;
    std::uint32_t rows = 1;

    std::uint32_t tiles() const { return columns * rows; }
    std::uint32_t total() const { return tiles() * frames; }
    bool operator==(const Grid&) const = default;
};

struct Tile {
    std::uint32_t frame = 0;
    std::uint32_t column = 0;
    std::uint32_t row = 0;  // 0: the uppermost

    bool operator==(const Tile&) const = default;
};

// Pixels from left and top up to, but not including, right and bottom.
struct Rect {
    std::uint32_t left = 0;
    std::uint32_t top = 0;
    std::uint32_t right = 0;
    std::uint32_t bottom = 0;

    std::uint32_t width() const { return right - left; }
    std::uint32_t height() const { return bottom - top; }
    bool operator==(const Rect&) const = default;
};

struct Size {
    std::uint32_t width = 0;
    std::uint32_t height = 0;

    bool operator==(const Size&) const = default;
};

inline constexpr std::uint32_t kSideMax = 32'768;      // of a picture
inline constexpr std::uint32_t kTilesMax = 30;         // in one direction
inline constexpr std::uint32_t kFrameMax = 1'000'000;  // its number
inline constexpr std::uint32_t kTotalMax = 4'096;      // tiles of one group of steps

// kInvalid: a number that is 0 or beyond its bound.
Result<void> check_grid(const Grid& grid);
// index < grid.total().
Tile tile_at(const Grid& grid, std::uint32_t index);
// Tiles cover the picture without gap or overlap; they differ by one pixel at most in each direction.
Rect rect_of(const Grid& grid, const Tile& tile, const Size& picture);
// "frame 12, tile column 1 row 0".
std::string to_string(const Tile& tile);

// "2x3"; both 1 to `most`.
Result<Size> parse_size(std::string_view text, std::string_view field, std::uint32_t most);
// "4,17,30": numbers that ascend, each below `total`.
Result<std::vector<std::uint32_t>> parse_picks(std::string_view text, std::uint32_t total);

}  // namespace vcity::studio
