// SPDX-License-Identifier: Apache-2.0
// vcity-studio render: tiles of Blender scenes, stitched, compared and made into films. vcity-studio generate: larger
// pictures, text from pictures, speech from text. What nodes bring along as the programs "render" and "generate".
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <new>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "files.hpp"
#include "generate.hpp"
#include "render.hpp"

namespace {

using vcity::Errc;
using vcity::Result;
using vcity::studio::GenerateOptions;
using vcity::studio::RenderOptions;

constexpr std::uint32_t kSeedPicks = 3;

std::uint32_t number_in(const char* name, std::uint32_t otherwise) {
    const char* text = std::getenv(name);
    std::uint32_t number = otherwise;
    if (text != nullptr) std::from_chars(text, text + std::string_view{text}.size(), number);
    return number;
}

std::string models_folder() {
    std::error_code error;
    return std::filesystem::read_symlink("/proc/self/exe", error).parent_path() / "models";
}

// Beside this program where it is installed, in its own folder in a build.
std::string worker_program() {
    std::error_code error;
    const auto folder = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
    for (const auto& place : {folder / "vcity-worker", folder / "../worker/vcity-worker"}) {
        if (std::filesystem::is_regular_file(place, error)) return place.lexically_normal().string();
    }
    return {};
}

void add_grid(CLI::App* command, RenderOptions* options) {
    command->add_option("--frame-first", options->grid.frame_first, "number of the first frame");
    command->add_option("--frames", options->grid.frames, "how many frames");
    command->add_option("--out", options->out, "folder for what comes out")->capture_default_str();
}

void add_tiles(CLI::App* command, RenderOptions* options) {
    add_grid(command, options);
    command->add_option("--tiles", options->tiles, "COLUMNSxROWS of a frame")->capture_default_str();
    command->add_option("--resolution", options->resolution, "WIDTHxHEIGHT of a frame (default: the scene's)");
    command->add_option("--samples", options->scene.samples, "samples a pixel (default: the scene's)")
        ->check(CLI::Range(1, 1'000'000));
    command->add_option("--picks", options->picks, "numbers of tiles, such as 0,5,17");
}

void add_scene(CLI::App* command, RenderOptions* options) {
    add_tiles(command, options);
    command->add_option("--scene", options->scene.scene, "a .blend file")->required();
    command->add_option("--blender", options->scene.blender, "the program")->capture_default_str();
}

struct CheckFlags {
    std::uint32_t count = kSeedPicks;
    std::uint64_t seed = 1;
};

void add_render(CLI::App* root, RenderOptions* options, CheckFlags* check) {
    CLI::App* render = root->add_subcommand("render", "Blender scenes");
    render->require_subcommand(1);
    CLI::App* tile = render->add_subcommand("tile", "render one tile of one frame");
    add_scene(tile, options);
    tile->add_option("--index", options->index, "which tile or pick (default: VCITY_INDEX)");
    tile->add_option("--node", options->node, "who renders (default: VCITY_NODE)");
    CLI::App* stitch = render->add_subcommand("stitch", "compare what was rendered twice, and join tiles to frames");
    add_tiles(stitch, options);
    stitch->add_option("--from", options->from, "folder of the tiles' folders")->required();
    stitch->add_option("--again", options->again, "folder of the picked tiles' folders");
    CLI::App* film = render->add_subcommand("film", "make frames a film");
    add_grid(film, options);
    film->add_option("--from", options->from, "folder of stitched frames, again for each")->required();
    film->add_option("--video", options->video, "mp4 or webm")->check(CLI::IsMember({"mp4", "webm"}));
    film->add_option("--fps", options->fps, "frames a second")->check(CLI::Range(1, 240));
    film->add_option("--ffmpeg", options->ffmpeg, "the program")->capture_default_str();
    CLI::App* again = render->add_subcommand("check", "render tiles here and compare them with finished frames");
    add_scene(again, options);
    again->add_option("--from", options->from, "folder of frames")->required();
    again->add_option("--count", check->count, "how many tiles, when --picks names none")->capture_default_str();
    again->add_option("--seed", check->seed, "of their choice")->capture_default_str();
}

void add_generate(CLI::App* root, GenerateOptions* options) {
    CLI::App* generate = root->add_subcommand("generate", "pictures, text and speech");
    generate->add_option("task", options->task, "upscale, ocr, speech or image")
        ->required()
        ->check(CLI::IsMember({"upscale", "ocr", "speech", "image"}));
    generate->add_option("inputs", options->inputs, "files to work on");
    generate->add_option("--out", options->out, "folder for what comes out")->capture_default_str();
    generate->add_option("--model", options->model,
                         "esrgan-slim, psnr-small, espeak-ng, tesseract or vcity-mini-paint (default: the task's)");
    generate->add_option("--prompts", options->prompts,
                         "JSON lines with \"prompt\" and, for speech, \"voice\", for images \"seed\"");
    generate->add_option("--scale", options->scale, "upscale: 2, 3, 4 or 8 (default: 2); image: likewise (default: 1)");
    generate->add_option("--language", options->language, "of the text, such as eng+chi_sim or cmn");
    generate->add_option("--rate", options->rate, "speech: words a minute")->check(CLI::Range(80, 450));
    generate->add_option("--pitch", options->pitch, "speech: 0 to 99")->check(CLI::Range(0, 99));
    generate->add_option("--format", options->format, "speech: wav, mp3, opus, aac or flac")
        ->check(CLI::IsMember({"wav", "mp3", "opus", "aac", "flac"}));
    generate->add_option("--index", options->index, "share of the items (default: VCITY_INDEX)");
    generate->add_option("--count", options->count, "shares (default: VCITY_COUNT)");
    generate->add_option("--seed", options->seed, "image: of the first item")->capture_default_str();
    generate->add_option("--steps", options->steps, "image: of the sampler")->check(CLI::Range(1, 1000));
    generate->add_option("--guidance", options->guidance, "image: strength of the prompt; 1: none")
        ->check(CLI::Range(1.0, 100.0));
    generate->add_option("--device", options->device, "image: cpu or cuda")->check(CLI::IsMember({"cpu", "cuda"}));
    generate->add_option("--worker", options->worker, "image: the program vcity-worker")->capture_default_str();
    generate->add_option("--models", options->models, "folder of models")->capture_default_str();
}

Result<void> run_render(const CLI::App& command, RenderOptions options, const CheckFlags& check) {
    auto settled = settle(&options);
    if (!settled) return settled;
    if (command.got_subcommand("tile")) return render_one(options);
    if (command.got_subcommand("stitch")) return stitch(options);
    if (command.got_subcommand("film")) return make_film(options);
    if (options.picks.empty()) {
        const auto picks = vcity::studio::pick_tiles(check.count, options.grid.total(), check.seed);
        options.picks = fmt::format("{}", fmt::join(picks, ","));
    }
    return check_frames(options);
}

// 2: the order is wrong (work::kWrongOrderExit: no other node is asked); 3: what was rendered twice differs; 1:
// everything else.
int exit_code(const Result<void>& result) {
    if (result) return 0;
    std::cerr << "vcity-studio: " << result.error().message << '\n';
    if (result.error().code == Errc::kInvalid || result.error().code == Errc::kNotFound) return 2;
    return result.error().code == Errc::kConflict ? 3 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App root{"Renders scenes and generates pictures, text and speech."};
    root.set_version_flag("--version", VCITY_VERSION);
    root.require_subcommand(1);
    RenderOptions render;
    CheckFlags check;
    GenerateOptions generate;
    render.index = number_in("VCITY_INDEX", 0);
    if (const char* node = std::getenv("VCITY_NODE")) render.node = node;
    generate.index = number_in("VCITY_INDEX", 0);
    generate.count = number_in("VCITY_COUNT", 1);
    generate.models = models_folder();
    generate.worker = worker_program();
    add_render(&root, &render, &check);
    add_generate(&root, &generate);
    try {
        root.parse(argc, argv);
    } catch (const CLI::ParseError& wrong) {
        return root.exit(wrong) == 0 ? 0 : 2;
    }
    try {
        if (root.got_subcommand("generate")) return exit_code(vcity::studio::generate(generate));
        return exit_code(run_render(*root.get_subcommand("render"), render, check));
    } catch (const std::bad_alloc&) {
        std::cerr << "vcity-studio: out of memory: ask for more in resources.memory\n";
        return 1;
    }
}
