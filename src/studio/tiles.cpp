// SPDX-License-Identifier: Apache-2.0
#include "studio/tiles.hpp"

#include <charconv>
#include <optional>

#include <fmt/format.h>

namespace vcity::studio {
namespace {

std::optional<std::uint32_t> number(std::string_view text) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::uint32_t share(std::uint32_t part, std::uint32_t parts, std::uint32_t whole) {
    return static_cast<std::uint32_t>(std::uint64_t{part} * whole / parts);
}

Result<void> check_range(std::string_view field, std::uint32_t value, std::uint32_t least, std::uint32_t most) {
    if (value >= least && value <= most) return {};
    return make_error(Errc::kInvalid, fmt::format("{}: is {}; it must be {} to {}", field, value, least, most));
}

}  // namespace

Result<void> check_grid(const Grid& grid) {
    TRY_OK(check_range("--frame-first", grid.frame_first, 0, kFrameMax));
    TRY_OK(check_range("--frames", grid.frames, 1, kTotalMax));
    TRY_OK(check_range("--tiles, columns", grid.columns, 1, kTilesMax));
    TRY_OK(check_range("--tiles, rows", grid.rows, 1, kTilesMax));
    return check_range("--frames times tiles", grid.total(), 1, kTotalMax);
}

Tile tile_at(const Grid& grid, std::uint32_t index) {
    const std::uint32_t in_frame = index % grid.tiles();
    return {.frame = grid.frame_first + index / grid.tiles(),
            .column = in_frame % grid.columns,
            .row = in_frame / grid.columns};
}

Rect rect_of(const Grid& grid, const Tile& tile, const Size& picture) {
    return {.left = share(tile.column, grid.columns, picture.width),
            .top = share(tile.row, grid.rows, picture.height),
            .right = share(tile.column + 1, grid.columns, picture.width),
            .bottom = share(tile.row + 1, grid.rows, picture.height)};
}

std::string to_string(const Tile& tile) {
    return fmt::format("frame {}, tile column {} row {}", tile.frame, tile.column, tile.row);
}

Result<Size> parse_size(std::string_view text, std::string_view field, std::uint32_t most) {
    const std::size_t cross = text.find('x');
    const auto width = number(text.substr(0, cross));
    const auto height = cross == std::string_view::npos ? std::nullopt : number(text.substr(cross + 1));
    const auto is_good = [most](const auto& side) { return side && *side >= 1 && *side <= most; };
    if (!is_good(width) || !is_good(height)) {
        return make_error(Errc::kInvalid, fmt::format("{}: is '{}'; it must be two numbers such as 2x3, 1 to {} each",
                                                      field, text.substr(0, 40), most));
    }
    return Size{.width = *width, .height = *height};
}

Result<std::vector<std::uint32_t>> parse_picks(std::string_view text, std::uint32_t total) {
    std::vector<std::uint32_t> picks;
    while (true) {
        const std::size_t comma = text.find(',');
        const auto pick = number(text.substr(0, comma));
        if (!pick || *pick >= total || (!picks.empty() && *pick <= picks.back())) {
            return make_error(Errc::kInvalid, fmt::format("--picks: '{}' is no ascending number below {}",
                                                          text.substr(0, comma).substr(0, 40), total));
        }
        picks.push_back(*pick);
        if (comma == std::string_view::npos) return picks;
        text.remove_prefix(comma + 1);
    }
}

}  // namespace vcity::studio
