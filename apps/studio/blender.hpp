// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.hpp"
#include "studio/tiles.hpp"

namespace vcity::studio {

extern const char* const kSceneScript;  // scene.py

inline constexpr std::uint32_t kBlenderVersion = 304;

struct SceneOrder {
    std::string scene;          // path of a .blend file
    Size resolution;            // 0 x 0: what the scene says
    std::uint32_t samples = 0;  // a pixel; 0: what the scene says
    std::string blender = "/usr/bin/blender";
};

struct RenderedTile {
    Size picture;  // of the whole frame
    std::string blender;
    std::uint32_t samples = 0;
};

// Renders one tile of one frame into a PNG, with Blender's Cycles on the processor. The scene is hostile: no script of
// it runs, and it may use no file outside its folder. Everything that could make two machines differ is switched off
// (denoising, adaptive sampling, time limits, dithering, instructions that not all processors have), or the scene is
// refused. Prints progress. kInvalid: the scene; the message has its name and, for each problem, the field.
// kUnavailable: Blender is not there, ended by a signal, or left no picture.
Result<RenderedTile> render_tile(const SceneOrder& order, const Grid& grid, const Tile& tile, const std::string& out);

}  // namespace vcity::studio
