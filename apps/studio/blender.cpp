// SPDX-License-Identifier: Apache-2.0
#include "blender.hpp"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include <fmt/format.h>
#include <sched.h>

#include "files.hpp"
#include "program.hpp"
#include "studio/blend_file.hpp"

namespace vcity::studio {
namespace {

using codec::Json;
using codec::JsonObject;

constexpr std::size_t kSceneBytesMax = std::size_t{512} << 20U;
constexpr std::string_view kPrefix = "VCITY ";

std::string text_of(const Json& object, std::string_view name) {
    const Json* value = object.find(name);
    return value == nullptr || value->get_string() == nullptr ? std::string{} : *value->get_string();
}

std::uint32_t number_of(const Json& object, std::string_view name) {
    const Json* value = object.find(name);
    std::uint64_t number = 0;
    return value != nullptr && value->get_u64(&number) && number <= UINT32_MAX ? static_cast<std::uint32_t>(number) : 0;
}

int usable_cores() {
    cpu_set_t usable;
    CPU_ZERO(&usable);
    return ::sched_getaffinity(0, sizeof(usable), &usable) == 0 ? CPU_COUNT(&usable) : 1;
}

// Hears what scene.py and Blender say.
class Listener {
  public:
    explicit Listener(std::string scene) : scene_{std::move(scene)} {}

    void hear(std::string_view line) {
        if (line.starts_with(kPrefix)) {
            hear_script(line.substr(kPrefix.size()));
            return;
        }
        if (const std::size_t at = line.rfind("Sample "); line.starts_with("Fra:") && at != std::string_view::npos) {
            hear_sample(line.substr(at + 7));
            return;
        }
        const bool is_news =
            line.find("rror") != std::string_view::npos || line.find("xception") != std::string_view::npos;
        if (is_news || last_words_.empty()) last_words_ = line.substr(0, 400);
    }
    Result<RenderedTile> end(int status) {
        if (!problems_.empty()) return make_error(Errc::kInvalid, problems_);
        if (status == 0 && tile_ && is_done_) return *tile_;
        return make_error(Errc::kUnavailable,
                          fmt::format("{}: Blender ended with status {}; it said: {}", scene_, status, last_words_));
    }

  private:
    void hear_script(std::string_view text) {
        const Result<Json> said = codec::parse_json(text);
        if (!said) return;
        if (const Json* problems = said->find("problems"); problems != nullptr && problems->get_array() != nullptr) {
            for (const Json& problem : *problems->get_array()) {
                const std::string field = text_of(problem, "field");
                problems_ += fmt::format("{}{}: {}{} {}", problems_.empty() ? "" : "\n", scene_, field,
                                         field.empty() ? "" : ":", text_of(problem, "reason"));
            }
        }
        if (said->find("width") != nullptr) {
            tile_ = RenderedTile{.picture = {.width = number_of(*said, "width"), .height = number_of(*said, "height")},
                                 .blender = text_of(*said, "blender"),
                                 .samples = number_of(*said, "samples")};
        }
        is_done_ = is_done_ || said->find("done") != nullptr;
    }
    // "3/16": said once in two seconds.
    void hear_sample(std::string_view progress) {
        const auto now = std::chrono::steady_clock::now();
        if (now < say_at_) return;
        say_at_ = now + std::chrono::seconds{2};
        say({{"event", "progress"}, {"samples", progress.substr(0, 24)}});
    }

    std::string scene_;
    std::string problems_;
    std::string last_words_;
    std::optional<RenderedTile> tile_;
    bool is_done_ = false;
    std::chrono::steady_clock::time_point say_at_ = std::chrono::steady_clock::now() + std::chrono::seconds{2};
};

std::vector<std::string> environment(const std::string& order) {
    std::vector<std::string> variables = plain_environment();
    // Cycles, Embree and the C library would otherwise choose what this processor is best at, and round differently.
    for (const char* name : {"AVX2", "AVX"}) variables.push_back(fmt::format("CYCLES_CPU_NO_{}=1", name));
    variables.emplace_back("GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2,-FMA,-AVX512F,-FMA4");
    variables.emplace_back("BLENDER_USER_CONFIG=/nonexistent");
    variables.emplace_back("BLENDER_USER_SCRIPTS=/nonexistent");
    variables.push_back("VCITY_RENDER=" + order);
    return variables;
}

}  // namespace

Result<RenderedTile> render_tile(const SceneOrder& order, const Grid& grid, const Tile& tile, const std::string& out) {
    const std::string scene = std::filesystem::absolute(order.scene).string();
    {
        TRY(const Bytes file, read_file(scene, kSceneBytesMax));
        const Result<BlendInfo> seen = check_blend(file, kBlenderVersion);
        if (!seen) return make_error(Errc::kInvalid, name_of(scene) + ": " + seen.error().message);
    }
    const Json wanted{JsonObject{{"scene", scene},
                                 {"out", std::filesystem::absolute(out).string()},
                                 {"width", order.resolution.width},
                                 {"height", order.resolution.height},
                                 {"samples", order.samples},
                                 {"frame", tile.frame},
                                 {"columns", grid.columns},
                                 {"rows", grid.rows},
                                 {"column", tile.column},
                                 {"row", tile.row}}};
    Listener listener{name_of(scene)};
    ProgramRun run;
    run.command = {order.blender,        "--background",
                   "--factory-startup",  "--disable-autoexec",
                   "--threads",          std::to_string(usable_cores()),
                   "--python-exit-code", "4",
                   "--python-expr",      kSceneScript};
    run.environment = environment(codec::dump_json(wanted));
    run.on_line = [&](std::string_view line) { listener.hear(line); };
    TRY(const int status, run_program(run));
    TRY(RenderedTile rendered, listener.end(status));
    const bool is_sane = rendered.picture.width >= grid.columns && rendered.picture.height >= grid.rows &&
                         rendered.picture.width <= kSideMax && rendered.picture.height <= kSideMax;
    if (!is_sane) return make_error(Errc::kUnavailable, name_of(scene) + ": Blender told no size of the picture");
    return rendered;
}

}  // namespace vcity::studio
