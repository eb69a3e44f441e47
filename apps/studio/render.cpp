// SPDX-License-Identifier: Apache-2.0
#include "render.hpp"

#include <algorithm>
#include <filesystem>
#include <random>

#include <fmt/format.h>

#include "files.hpp"
#include "program.hpp"

namespace vcity::studio {
namespace {

namespace fs = std::filesystem;
using codec::Json;
using codec::JsonArray;
using codec::JsonObject;

constexpr std::size_t kProblemsMax = 20;

std::string frame_name(std::uint32_t frame) {
    return fmt::format("frame-{:06}.png", frame);
}

std::string group_of(const std::string& folder) {
    return fs::path{folder}.filename().string();
}

Result<void> make_folder(const std::string& folder) {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) return make_error(Errc::kInvalid, fmt::format("--out: {}: {}", folder, error.message()));
    return {};
}

// A tile as a step left it. Everything in it comes from a stranger.
struct LeftTile {
    std::string step;  // "tiles-0/3"
    std::string node;
    std::string blender;
    Size frame;
    Picture picture;
};

std::uint32_t number_of(const Json& object, std::string_view name) {
    const Json* value = object.find(name);
    std::uint64_t number = 0;
    return value != nullptr && value->get_u64(&number) && number <= UINT32_MAX ? static_cast<std::uint32_t>(number)
                                                                               : UINT32_MAX;
}

std::string text_of(const Json& object, std::string_view name) {
    constexpr std::size_t kTextMax = 80;
    const Json* value = object.find(name);
    if (value == nullptr || value->get_string() == nullptr) return "?";
    return value->get_string()->substr(0, kTextMax);
}

std::string maker(const LeftTile& tile) {
    return fmt::format("step {} (node {}, Blender {})", tile.step, tile.node, tile.blender);
}

Result<LeftTile> read_tile(const Grid& grid, const std::string& folder, std::uint32_t step, const Tile& tile) {
    LeftTile left;
    left.step = fmt::format("{}/{}", group_of(folder), step);
    const std::string place = fmt::format("{}/{}/", folder, step);
    const auto fail = [&](const std::string& why) {
        return make_error(Errc::kConflict, fmt::format("{}: step {} (node {}): {}", to_string(tile), left.step,
                                                       left.node.empty() ? "?" : left.node, why));
    };
    const Result<Json> said = read_json(place + "tile.json");
    if (!said) return fail(said.error().message);
    left.node = text_of(*said, "node");
    left.blender = text_of(*said, "blender");
    left.frame = {.width = number_of(*said, "width"), .height = number_of(*said, "height")};
    const Tile named{
        .frame = number_of(*said, "frame"), .column = number_of(*said, "column"), .row = number_of(*said, "row")};
    if (named != tile) return fail("tile.json: is of " + to_string(named));
    const bool is_size = left.frame.width >= grid.columns && left.frame.width <= kSideMax &&
                         left.frame.height >= grid.rows && left.frame.height <= kSideMax;
    if (!is_size) return fail(fmt::format("tile.json: a frame of {} x {}", left.frame.width, left.frame.height));
    Result<Picture> picture = read_png(place + "tile.png");
    if (!picture) return fail(picture.error().message);
    const Rect rect = rect_of(grid, tile, left.frame);
    if (picture->size != Size{.width = rect.width(), .height = rect.height()}) {
        return fail(fmt::format("tile.png: has {} x {} pixels, not {} x {}", picture->size.width, picture->size.height,
                                rect.width(), rect.height()));
    }
    left.picture = *std::move(picture);
    return left;
}

// What is wrong with a film, all of it up to a bound.
class Mismatches {
  public:
    void add(std::string what) {
        ++count_;
        if (found_.size() < kProblemsMax) found_.push_back(std::move(what));
    }
    bool has_any() const { return count_ != 0; }
    Result<void> end(const std::string& out) const {
        if (count_ == 0) return {};
        JsonArray list{found_.begin(), found_.end()};
        const std::string text = codec::dump_json_pretty(Json{JsonObject{{"mismatches", std::move(list)}}}) + "\n";
        TRY_OK(write_file(out + "/mismatches.json", as_bytes(text)));
        return make_error(Errc::kConflict, fmt::format("{}", fmt::join(found_, "\n")));
    }

  private:
    std::vector<std::string> found_;
    std::size_t count_ = 0;
};

std::string describe(const Tile& tile, const Rect& rect, const Difference& difference) {
    return fmt::format("{}: {} of {} pixels differ, the first at x {} y {} of the frame", to_string(tile),
                       difference.pixels, std::uint64_t{rect.width()} * rect.height(), rect.left + difference.x,
                       rect.top + difference.y);
}

void compare(const Grid& grid, const Tile& tile, const LeftTile& one, const LeftTile& other, Mismatches* mismatches) {
    if (one.frame != other.frame) {
        mismatches->add(fmt::format("{}: a frame of {} x {} in {}, of {} x {} in {}", to_string(tile), one.frame.width,
                                    one.frame.height, maker(one), other.frame.width, other.frame.height, maker(other)));
        return;
    }
    const auto difference = difference_of(one.picture, other.picture);
    if (!difference) return;
    mismatches->add(fmt::format("{}: {} by {}, {} by {}", describe(tile, rect_of(grid, tile, one.frame), *difference),
                                to_string(pixel_at(one.picture, difference->x, difference->y)), maker(one),
                                to_string(pixel_at(other.picture, difference->x, difference->y)), maker(other)));
}

// Puts one frame together; nullopt size: no frame was read yet.
Result<Picture> join_frame(const RenderOptions& options, std::uint32_t number, std::optional<Size>* size) {
    const Grid& grid = options.grid;
    Picture frame;
    for (std::uint32_t at = 0; at < grid.tiles(); ++at) {
        const std::uint32_t index = number * grid.tiles() + at;
        const Tile tile = tile_at(grid, index);
        TRY(const LeftTile left, read_tile(grid, options.from.front(), index, tile));
        if (!*size) *size = left.frame;
        if (left.frame != **size) {
            return make_error(Errc::kConflict, fmt::format("{}: {}: a frame of {} x {}; others have {} x {}",
                                                           to_string(tile), maker(left), left.frame.width,
                                                           left.frame.height, (*size)->width, (*size)->height));
        }
        if (at == 0) frame = blank(**size);
        paste(left.picture, rect_of(grid, tile, **size), &frame);
    }
    return frame;
}

Result<void> write_summary(const std::string& out, JsonObject fields) {
    const std::string text = codec::dump_json_pretty(Json{std::move(fields)}) + "\n";
    return write_file(out + "/summary.json", as_bytes(text));
}

}  // namespace

Result<void> settle(RenderOptions* options) {
    TRY(const Size tiles, parse_size(options->tiles, "--tiles", kTilesMax));
    options->grid.columns = tiles.width;
    options->grid.rows = tiles.height;
    if (!options->resolution.empty()) {
        TRY(options->scene.resolution, parse_size(options->resolution, "--resolution", kSideMax));
    }
    return check_grid(options->grid);
}

Result<void> render_one(const RenderOptions& options) {
    std::uint32_t index = options.index;
    if (!options.picks.empty()) {
        TRY(const std::vector<std::uint32_t> picks, parse_picks(options.picks, options.grid.total()));
        if (index >= picks.size()) return make_error(Errc::kInvalid, "--index: there are not so many picks");
        index = picks[index];
    }
    if (index >= options.grid.total()) return make_error(Errc::kInvalid, "--index: there are not so many tiles");
    const Tile tile = tile_at(options.grid, index);
    TRY_OK(make_folder(options.out));
    say({{"event", "start"}, {"frame", tile.frame}, {"column", tile.column}, {"row", tile.row}});
    const std::string picture = options.out + "/tile.png";
    TRY(const RenderedTile rendered, render_tile(options.scene, options.grid, tile, picture));
    const Json json{JsonObject{{"frame", tile.frame},
                               {"column", tile.column},
                               {"row", tile.row},
                               {"width", rendered.picture.width},
                               {"height", rendered.picture.height},
                               {"samples", rendered.samples},
                               {"blender", rendered.blender},
                               {"node", options.node}}};
    TRY_OK(write_file(options.out + "/tile.json", as_bytes(codec::dump_json(json) + "\n")));
    say({{"event", "done"}, {"frame", tile.frame}, {"column", tile.column}, {"row", tile.row}});
    return {};
}

Result<void> stitch(const RenderOptions& options) {
    const Grid& grid = options.grid;
    if (options.from.size() != 1) return make_error(Errc::kInvalid, "--from: must be one folder");
    std::vector<std::uint32_t> picks;
    if (!options.picks.empty()) {
        TRY(picks, parse_picks(options.picks, grid.total()));
    }
    TRY_OK(make_folder(options.out));
    Mismatches mismatches;
    for (std::uint32_t at = 0; at < picks.size(); ++at) {
        const Tile tile = tile_at(grid, picks[at]);
        const Result<LeftTile> one = read_tile(grid, options.from.front(), picks[at], tile);
        const Result<LeftTile> other = read_tile(grid, options.again, at, tile);
        if (!one) mismatches.add(one.error().message);
        if (!other) mismatches.add(other.error().message);
        if (one && other) compare(grid, tile, *one, *other, &mismatches);
    }
    std::optional<Size> size;
    for (std::uint32_t number = 0; number < grid.frames && !mismatches.has_any(); ++number) {
        const Result<Picture> frame = join_frame(options, number, &size);
        if (!frame) {
            mismatches.add(frame.error().message);
            break;
        }
        const std::string name = frame_name(grid.frame_first + number);
        TRY_OK(write_png(options.out + "/" + name, *frame));
        say({{"event", "frame"}, {"frame", grid.frame_first + number}, {"of", grid.frames}});
    }
    TRY_OK(mismatches.end(options.out));
    JsonArray checked;
    for (const std::uint32_t pick : picks) checked.emplace_back(to_string(tile_at(grid, pick)));
    return write_summary(options.out, {{"frame_first", grid.frame_first},
                                       {"frames", grid.frames},
                                       {"tiles", grid.tiles()},
                                       {"width", size->width},
                                       {"height", size->height},
                                       {"checked", std::move(checked)}});
}

Result<void> make_film(const RenderOptions& options) {
    TRY_OK(make_folder(options.out));
    const fs::path folder = fs::temp_directory_path() / fmt::format("vcity-film-{}", std::random_device{}());
    fs::create_directories(folder);
    JsonArray places;
    for (std::uint32_t number = 0; number < options.grid.frames; ++number) {
        const std::string name = frame_name(options.grid.frame_first + number);
        const auto has_it = [&](const std::string& from) { return fs::is_regular_file(from + "/0/" + name); };
        const auto from = std::ranges::find_if(options.from, has_it);
        if (from == options.from.end())
            return make_error(Errc::kInvalid, name + ": is in none of the folders of --from");
        fs::create_symlink(fs::absolute(*from + "/0/" + name), folder / fmt::format("{:06}.png", number));
        places.emplace_back(fmt::format("{}/0/{}", group_of(*from), name));
    }
    JsonObject summary{{"frames", std::move(places)}, {"fps", options.fps}};
    if (!options.video.empty()) {
        const std::string film = "film." + options.video;
        ProgramRun run;
        run.command = {options.ffmpeg, "-nostdin",
                       "-hide_banner", "-loglevel",
                       "error",        "-y",
                       "-framerate",   std::to_string(options.fps),
                       "-i",           (folder / "%06d.png").string(),
                       "-vf",          "pad=ceil(iw/2)*2:ceil(ih/2)*2",
                       "-pix_fmt",     "yuv420p",
                       "-threads",     "1",
                       "-fflags",      "+bitexact",
                       "-flags:v",     "+bitexact"};
        const std::vector<std::string> codec =
            options.video == "webm" ? std::vector<std::string>{"-c:v", "libvpx-vp9", "-crf", "28",        "-b:v",
                                                               "0",    "-deadline",  "good", "-cpu-used", "4"}
                                    : std::vector<std::string>{"-c:v", "libx264", "-preset",   "medium",
                                                               "-crf", "18",      "-movflags", "+faststart"};
        run.command.insert(run.command.end(), codec.begin(), codec.end());
        run.command.push_back(options.out + "/" + film);
        run.environment = plain_environment();
        std::string said;
        run.on_line = [&](std::string_view line) { said = line.substr(0, 400); };
        TRY(const int status, run_program(run));
        if (status != 0) {
            return make_error(Errc::kUnavailable, fmt::format("ffmpeg ended with status {}: {}", status, said));
        }
        summary.emplace_back("film", film);
    }
    fs::remove_all(folder);
    say({{"event", "done"}, {"frames", options.grid.frames}});
    return write_summary(options.out, std::move(summary));
}

Result<void> check_frames(const RenderOptions& options) {
    const Grid& grid = options.grid;
    if (options.from.size() != 1) return make_error(Errc::kInvalid, "--from: must be one folder");
    TRY(const std::vector<std::uint32_t> picks, parse_picks(options.picks, grid.total()));
    TRY_OK(make_folder(options.out));
    Mismatches mismatches;
    for (const std::uint32_t pick : picks) {
        const Tile tile = tile_at(grid, pick);
        const std::string own = options.out + "/tile.png";
        TRY(const RenderedTile rendered, render_tile(options.scene, grid, tile, own));
        TRY(const Picture again, read_png(own));
        TRY(const Picture frame, read_png(options.from.front() + "/" + frame_name(tile.frame)));
        const Rect rect = rect_of(grid, tile, rendered.picture);
        if (frame.size != rendered.picture) {
            mismatches.add(fmt::format("{}: has {} x {} pixels, not {} x {}", frame_name(tile.frame), frame.size.width,
                                       frame.size.height, rendered.picture.width, rendered.picture.height));
            continue;
        }
        const auto difference = difference_of(cut(frame, rect), again);
        say({{"event", "checked"}, {"tile", to_string(tile)}, {"equal", !difference.has_value()}});
        if (difference) mismatches.add(describe(tile, rect, *difference));
    }
    return mismatches.end(options.out);
}

std::vector<std::uint32_t> pick_tiles(std::uint32_t count, std::uint32_t total, std::uint64_t seed) {
    std::mt19937_64 random{seed};
    std::vector<std::uint32_t> picks;
    while (picks.size() < std::min(count, total)) {
        const auto pick = static_cast<std::uint32_t>(random() % total);
        const auto place = std::ranges::lower_bound(picks, pick);
        if (place == picks.end() || *place != pick) picks.insert(place, pick);
    }
    return picks;
}

}  // namespace vcity::studio
