// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "blender.hpp"

namespace vcity::studio {

// Options that the subcommands share; each looks at those it has.
struct RenderOptions {
    SceneOrder scene;
    Grid grid;
    std::string tiles = "1x1";
    std::string resolution;
    std::string picks;              // of tiles: which of the block are meant
    std::uint32_t index = 0;        // which tile, or which pick
    std::string out = "out";        // folder
    std::vector<std::string> from;  // folders
    std::string again;              // folder of the tiles that were rendered twice
    std::string video;              // mp4, webm, or none
    std::uint32_t fps = 24;
    std::string node;  // who runs this, as it says itself
    std::string ffmpeg = "/usr/bin/ffmpeg";
};

// Reads `tiles` and `resolution` into the grid and the scene. kInvalid: the option and what is wrong.
Result<void> settle(RenderOptions* options);

// OUT/tile.png and OUT/tile.json (which frame and tile, size of the frame, Blender's version, node): tile `index` of
// the grid, or the one that the pick of that number names.
Result<void> render_one(const RenderOptions& options);
// From FROM/<index>/ of every tile to OUT/frame-NNNNNN.png and OUT/summary.json. Tiles that AGAIN/<n>/ has rendered a
// second time must be equal pixel for pixel. kConflict: they are not; the message names frame, tile, steps and nodes,
// and OUT/mismatches.json holds the same.
Result<void> stitch(const RenderOptions& options);
// From FROM.../0/frame-NNNNNN.png to OUT/film.mp4 or film.webm, and OUT/summary.json.
Result<void> make_film(const RenderOptions& options);
// The customer's own check of finished frames in FROM: renders the picked tiles here and compares. kConflict as above.
Result<void> check_frames(const RenderOptions& options);

// Which tiles to check when none are named: `count` different ones of `total`, by this seed.
std::vector<std::uint32_t> pick_tiles(std::uint32_t count, std::uint32_t total, std::uint64_t seed);

}  // namespace vcity::studio
