// SPDX-License-Identifier: Apache-2.0
#include "app/compile_parts.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "app/scripts.hpp"
#include "codec/json.hpp"
#include "work/plan.hpp"

namespace vcity::app::detail {
namespace {

using Words = std::vector<std::string>;

std::string text(std::uint64_t number) {
    return fmt::format("{}", number);
}

void append(Words* words, Words more) {
    words->insert(words->end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

void attach(const Parts& parts, const AppFile& file, Words groups, bool is_requests = false) {
    parts.order->attachments.push_back({.groups = std::move(groups),
                                        .file = file,
                                        .is_requests = is_requests,
                                        .is_chat = false,
                                        .content = {},
                                        .file_id = {}});
}

// SplitMix64 (Steele, Lea, Flood 2014): enough to spread picks over tiles; what must not be foreseen is the seed.
std::uint64_t next(std::uint64_t* state) {
    std::uint64_t mixed = *state += 0x9e3779b97f4a7c15U;
    mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
    return mixed ^ (mixed >> 31U);
}

std::vector<std::uint32_t> pick(std::uint32_t count, std::uint32_t total, std::uint64_t seed) {
    std::set<std::uint32_t> picks;
    while (picks.size() < std::min(count, total)) picks.insert(static_cast<std::uint32_t>(next(&seed) % total));
    return {picks.begin(), picks.end()};
}

// A small step that joins what others made: it needs none of the app's GPUs.
StepGroup joining(const StepGroup& base, std::string name) {
    StepGroup group = base;
    group.name = std::move(name);
    group.count = 1;
    group.ask.gpus = 0;
    group.ask.gpu_models.clear();
    group.ask.vram_mib = 0;
    group.ask.gpu_milli = 1000;
    group.ask.interconnect = Interconnect::kNone;
    group.setup.keeps_files = true;
    group.setup.checkpoint_seconds = 0;
    return group;
}

// One block of whole frames.
struct Block {
    std::uint32_t number = 0;
    std::uint32_t frame_first = 0;
    std::uint32_t frames = 0;
    std::vector<std::uint32_t> picks;  // tiles of the block
};

Words render_words(const RenderPart& part, const Block& block, std::string verb) {
    Words words{std::move(verb),
                "--frame-first",
                text(block.frame_first),
                "--frames",
                text(block.frames),
                "--tiles",
                fmt::format("{}x{}", part.columns, part.rows)};
    if (part.width != 0) append(&words, {"--resolution", fmt::format("{}x{}", part.width, part.height)});
    if (part.samples != 0) append(&words, {"--samples", text(part.samples)});
    return words;
}

void add_block(const Parts& parts, const RenderPart& part, const Block& block) {
    const std::string tiles = fmt::format("tiles-{}", block.number);
    const std::string verify = fmt::format("verify-{}", block.number);
    StepGroup render = *parts.base;
    render.setup.program = work::kRenderProgram;
    render.setup.keeps_files = true;
    render.name = tiles;
    render.count = block.frames * part.columns * part.rows;
    render.command = render_words(part, block, "tile");
    append(&render.command, {"--scene", "/job/" + part.scene.name});

    StepGroup stitch = joining(*parts.base, fmt::format("stitch-{}", block.number));
    stitch.setup.program = work::kRenderProgram;
    // Tiles that differ will not be equal the next time.
    stitch.retries = 0;
    stitch.needs = {tiles};
    stitch.command = render_words(part, block, "stitch");
    append(&stitch.command, {"--from", "/job/in/" + tiles});
    Words scenes{tiles};
    if (!block.picks.empty()) {
        StepGroup again = render;
        again.name = verify;
        again.count = static_cast<std::uint32_t>(block.picks.size());
        const std::string picks = fmt::format("{}", fmt::join(block.picks, ","));
        append(&again.command, {"--picks", picks});
        append(&stitch.command, {"--again", "/job/in/" + verify, "--picks", picks});
        stitch.needs.push_back(verify);
        scenes.push_back(verify);
        parts.order->spec.groups.push_back(std::move(again));
    }
    stitch.takes = stitch.needs;
    parts.order->spec.groups.push_back(std::move(render));
    parts.order->spec.groups.push_back(std::move(stitch));
    parts.order->attachments.front().groups.insert(parts.order->attachments.front().groups.end(), scenes.begin(),
                                                   scenes.end());
}

}  // namespace

void add_finetune(const Parts& parts) {
    const auto& part = std::get<FinetunePart>(parts.app->part);
    StepGroup group = *parts.base;
    group.setup.program = work::kFinetuneProgram;
    group.setup.keeps_files = true;
    constexpr std::uint32_t kCheckpointSeconds = 60;
    if (group.setup.checkpoint_seconds == 0) group.setup.checkpoint_seconds = kCheckpointSeconds;
    group.command = {"--model",         part.model,         "--data",       "/job/" + part.data.name,
                     "--out",           "/job/out",         "--checkpoint", "/job/checkpoint",
                     "--rank",          text(part.rank),    "--alpha",      text(part.alpha),
                     "--epochs",        text(part.epochs),  "--batch",      text(part.batch),
                     "--learning-rate", part.learning_rate, "--seed",       text(part.seed)};
    attach(parts, part.data, {group.name});
    parts.order->attachments.back().is_chat = true;
    if (!part.valid.path.empty()) {
        append(&group.command, {"--validation", "/job/" + part.valid.name});
        attach(parts, part.valid, {group.name});
        parts.order->attachments.back().is_chat = true;
    }
    if (!part.targets.empty()) append(&group.command, {"--targets", fmt::format("{}", fmt::join(part.targets, ","))});
    parts.order->spec.groups.push_back(std::move(group));
}

void add_batch(const Parts& parts) {
    const auto& part = std::get<BatchPart>(parts.app->part);
    StepGroup shard = *parts.base;
    shard.name = "shard";
    shard.count = part.shards;
    shard.command = shard_command(part, parts.app->setup, parts.app->run);
    shard.setup.keeps_files = true;
    constexpr std::uint32_t kCheckpointSeconds = 60;
    if (shard.setup.checkpoint_seconds == 0) shard.setup.checkpoint_seconds = kCheckpointSeconds;
    attach(parts, part.requests, {shard.name}, true);
    StepGroup merge = joining(*parts.base, "merge");
    merge.needs = {shard.name};
    merge.takes = {shard.name};
    merge.command = merge_command(part.shards);
    merge.setup.egress = Egress::kNone;
    merge.setup.egress_hosts.clear();
    merge.setup.ports.clear();
    parts.order->spec.groups.push_back(std::move(shard));
    parts.order->spec.groups.push_back(std::move(merge));
}

void add_render(const Parts& parts) {
    const auto& part = std::get<RenderPart>(parts.app->part);
    const std::uint32_t tiles = part.columns * part.rows;
    const std::uint32_t frames = part.frame_last - part.frame_first + 1;
    const std::vector<std::uint32_t> picks = pick(part.verify, tiles * frames, parts.seed);
    attach(parts, part.scene, {});
    StepGroup film = joining(*parts.base, "film");
    film.setup.program = work::kRenderProgram;
    film.command = {"film", "--frame-first", text(part.frame_first), "--frames", text(frames), "--fps", text(part.fps)};
    if (!part.video.empty()) append(&film.command, {"--video", part.video});
    for (std::uint32_t done = 0, number = 0; done < frames; done += block_frames(tiles), ++number) {
        Block block{.number = number,
                    .frame_first = part.frame_first + done,
                    .frames = std::min(block_frames(tiles), frames - done),
                    .picks = {}};
        for (const std::uint32_t tile : picks) {
            const bool is_here = tile >= done * tiles && tile < (done + block.frames) * tiles;
            if (is_here) block.picks.push_back(tile - done * tiles);
        }
        add_block(parts, part, block);
        film.needs.push_back(fmt::format("stitch-{}", number));
        append(&film.command, {"--from", "/job/in/" + film.needs.back()});
    }
    film.takes = film.needs;
    parts.order->spec.groups.push_back(std::move(film));
}

void add_generate(const Parts& parts) {
    const auto& part = std::get<GeneratePart>(parts.app->part);
    StepGroup group = *parts.base;
    group.setup.program = work::kGenerateProgram;
    group.setup.keeps_files = true;
    group.count = part.shards;
    group.command = {part.task, "--out", "/job/out"};
    if (!part.model.empty()) append(&group.command, {"--model", part.model});
    if (!part.prompts.empty()) {
        std::string lines;
        for (const std::string& prompt : part.prompts) {
            lines += codec::dump_json(codec::Json{codec::JsonObject{{"prompt", prompt}}}) + "\n";
        }
        group.inputs.push_back({.name = "prompts.jsonl", .content = Bytes{lines.begin(), lines.end()}});
        append(&group.command, {"--prompts", "/job/prompts.jsonl"});
    }
    append(&group.command, part.arguments);
    for (const AppFile& file : part.inputs) {
        append(&group.command, {"/job/" + file.name});
        attach(parts, file, {group.name});
    }
    parts.order->spec.groups.push_back(std::move(group));
}

}  // namespace vcity::app::detail
