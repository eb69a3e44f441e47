// SPDX-License-Identifier: Apache-2.0
// The sections of the kinds.
#include <algorithm>

#include <fmt/format.h>

#include "app/compile_parts.hpp"
#include "app/reader.hpp"
#include "work/spec_check.hpp"

namespace vcity::app::detail {
namespace {

using Limits = work::SpecLimits;

constexpr std::size_t kTextMax = 256;
constexpr std::uint32_t kShardsMax = 1024;  // whose files one step can take

bool file(Fields* fields, std::string_view name, std::string in_job, AppFile* out) {
    const Node* node = fields->take(name);
    return node != nullptr && read_file(*node, fields->path_of(name), std::move(in_job), fields->problems(), out);
}

void required_file(Fields* fields, std::string_view name, std::string in_job, AppFile* out) {
    const std::size_t before = fields->problems()->size();
    if (!file(fields, name, std::move(in_job), out) && fields->problems()->size() == before) {
        fields->add_missing(name, "is missing: the path of a file");
    }
}

void read_scale(const Node& node, ServePart* serve, Problems* problems) {
    Fields fields{node, "service.scale", problems};
    fields.whole("min", 0, Limits::kGangMax, &serve->replicas);
    serve->scale_max = std::max(1U, serve->replicas);
    fields.whole("max", serve->scale_max, Limits::kGangMax, &serve->scale_max);
    constexpr std::uint32_t kRequestsMax = 256;
    fields.whole("requests_per_replica", 1, kRequestsMax, &serve->requests_per_replica);
    fields.duration("idle", Limits::kSecondsMax, &serve->idle_seconds);
    static constexpr std::string_view kBy[] = {"delay", "requests"};
    std::size_t by = 1;
    fields.choice("by", kBy, &by);
    serve->scale_by = kBy[by];
    fields.finish();
}

AppPart read_serve(Fields* fields) {
    ServePart serve;
    fields->whole("replicas", 1, Limits::kGangMax, &serve.replicas);
    serve.scale_max = serve.replicas;
    if (const Node* readiness = fields->take("readiness")) {
        if (readiness->kind == Node::Kind::kMap) {
            Fields probe{*readiness, "service.readiness", fields->problems()};
            probe.text("path", kTextMax, &serve.readiness_path);
            constexpr std::uint32_t kReadySecondsMax = 3600;
            probe.duration("timeout", kReadySecondsMax, &serve.ready_seconds);
            probe.finish();
        } else {
            serve.readiness_path = readiness->text;
        }
        if (!serve.readiness_path.starts_with('/') || serve.readiness_path.size() > kTextMax) {
            fields->add(*readiness, "readiness",
                        fmt::format("is {}; it must be a path such as /health", shown(serve.readiness_path)));
        }
    }
    if (const Node* scale = fields->take("scale")) read_scale(*scale, &serve, fields->problems());
    fields->text("openai", kTextMax, &serve.openai_model);
    if (serve.openai_model == "true") serve.openai_model = "/";
    if (serve.openai_model == "false") serve.openai_model.clear();
    return serve;
}

AppPart read_finetune(Fields* fields) {
    FinetunePart part;
    if (!fields->text("model", kTextMax, &part.model)) fields->add_missing("model", "is missing: the model to train");
    if (!is_made_of(part.model, "._-")) {
        fields->add(*fields->take("model"), "model",
                    fmt::format("is {}; it must be the name of a model that nodes have", shown(part.model)));
    }
    required_file(fields, "data", "data.jsonl", &part.data);
    file(fields, "valid", "valid.jsonl", &part.valid);
    fields->whole("rank", 1, 256, &part.rank);
    part.alpha = 2 * part.rank;
    fields->whole("alpha", 1, 1024, &part.alpha);
    fields->texts("targets", 16, 64, &part.targets);
    fields->whole("epochs", 1, 1000, &part.epochs);
    fields->whole("batch", 1, 4096, &part.batch);
    fields->whole("seed", 0, UINT32_MAX, &part.seed);
    if (const Node* rate = fields->take("learning_rate")) {
        const auto number = rate->kind == Node::Kind::kScalar ? parse_decimal(rate->text) : std::nullopt;
        if (!number || *number <= 0 || *number > 1) {
            fields->add(*rate, "learning_rate",
                        fmt::format("is {}; it must be a decimal above 0 and up to 1, such as 0.0001", shown(*rate)));
        } else {
            part.learning_rate = rate->text;
        }
    }
    return part;
}

AppPart read_batch(Fields* fields) {
    BatchPart part;
    required_file(fields, "requests", "requests.tsv", &part.requests);
    fields->whole("shards", 1, kShardsMax, &part.shards);
    static constexpr std::string_view kModes[] = {"each", "shard"};
    static constexpr std::string_view kOutputs[] = {"json", "text"};
    std::size_t choice = 0;
    if (fields->choice("mode", kModes, &choice)) part.is_each = choice == 0;
    choice = 0;
    if (fields->choice("output", kOutputs, &choice)) part.is_json = choice == 0;
    fields->whole("tries", 1, 10, &part.tries);
    fields->duration("request_timeout", Limits::kSecondsMax, &part.request_seconds);
    return part;
}

// "1-240", "7", or {first, last}.
void read_frames(Fields* fields, RenderPart* part) {
    const Node* node = fields->take("frames");
    if (node == nullptr) return;
    std::optional<std::uint32_t> first;
    std::optional<std::uint32_t> last;
    if (node->kind == Node::Kind::kScalar) {
        const std::size_t dash = node->text.find('-');
        first = parse_whole(std::string_view{node->text}.substr(0, dash));
        last = dash == std::string::npos ? first : parse_whole(std::string_view{node->text}.substr(dash + 1));
    }
    constexpr std::uint32_t kFrameMax = 1'000'000;
    if (!first || !last || *first > *last || *last > kFrameMax) {
        fields->add(*node, "frames", fmt::format("is {}; it must be frames such as 1-240 or 7", shown(*node)));
        return;
    }
    part->frame_first = *first;
    part->frame_last = *last;
}

// "2x3": two columns, three rows.
void read_pair(Fields* fields, std::string_view name, std::uint32_t most, std::uint32_t* x, std::uint32_t* y) {
    const Node* node = fields->take(name);
    if (node == nullptr) return;
    const std::size_t cross = node->text.find('x');
    std::optional<std::uint32_t> first;
    std::optional<std::uint32_t> second;
    if (node->kind == Node::Kind::kScalar && cross != std::string::npos) {
        first = parse_whole(std::string_view{node->text}.substr(0, cross));
        second = parse_whole(std::string_view{node->text}.substr(cross + 1));
    }
    const auto is_good = [&](const auto& number) { return number && *number >= 1 && *number <= most; };
    if (!is_good(first) || !is_good(second)) {
        fields->add(*node, name,
                    fmt::format("is {}; it must be two numbers such as 2x3, 1 to {} each", shown(*node), most));
        return;
    }
    *x = *first;
    *y = *second;
}

AppPart read_render(Fields* fields) {
    RenderPart part;
    required_file(fields, "scene", "scene.blend", &part.scene);
    read_frames(fields, &part);
    read_pair(fields, "tiles", 30, &part.columns, &part.rows);
    read_pair(fields, "resolution", 32'768, &part.width, &part.height);
    fields->whole("samples", 1, 1'000'000, &part.samples);
    fields->whole("verify", 0, 64, &part.verify);
    fields->whole("fps", 1, 240, &part.fps);
    static constexpr std::string_view kVideos[] = {"mp4", "webm"};
    std::size_t video = 0;
    if (fields->choice("video", kVideos, &video)) part.video = kVideos[video];
    const std::uint64_t tiles = std::uint64_t{part.columns} * part.rows;
    const std::uint64_t frames = std::uint64_t{part.frame_last} - part.frame_first + 1;
    constexpr std::uint64_t kTilesMax = 3584;  // leaves room for stitching and checking among a job's steps
    if (tiles * frames > kTilesMax) {
        fields->add_missing("frames", fmt::format("{} frames of {} tiles are {} steps; at most {} are taken", frames,
                                                  tiles, frames * tiles, kTilesMax));
    } else if (frames > std::uint64_t{kBlocksMax} * block_frames(static_cast<std::uint32_t>(tiles))) {
        fields->add_missing("frames", fmt::format("{} frames; at most {} are taken in one app", frames,
                                                  kBlocksMax * block_frames(static_cast<std::uint32_t>(tiles))));
    }
    return part;
}

AppPart read_generate(Fields* fields) {
    GeneratePart part;
    static constexpr std::string_view kTasks[] = {"upscale", "ocr", "speech", "image"};
    std::size_t task = 0;
    const std::size_t before = fields->problems()->size();
    if (fields->choice("task", kTasks, &task)) {
        part.task = kTasks[task];
    } else if (fields->problems()->size() == before) {
        fields->add_missing("task", fmt::format("is missing; it is one of {}", fmt::join(kTasks, ", ")));
    }
    fields->text("model", kTextMax, &part.model);
    fields->texts("prompts", 1024, 16U << 10U, &part.prompts);
    fields->texts("arguments", 64, 1024, &part.arguments);
    fields->whole("shards", 1, kShardsMax, &part.shards);
    const Node* inputs = fields->take("inputs");
    if (inputs != nullptr && inputs->kind == Node::Kind::kList && inputs->children.size() <= Limits::kInputsMax) {
        for (std::size_t at = 0; at < inputs->children.size(); ++at) {
            AppFile one;
            const std::string path = fmt::format("generate.inputs[{}]", at);
            if (read_file(inputs->children[at], path, "", fields->problems(), &one)) part.inputs.push_back(one);
        }
    } else if (inputs != nullptr) {
        fields->add(*inputs, "inputs", fmt::format("must be a list of at most {} paths", Limits::kInputsMax));
    }
    if (part.inputs.empty() && part.prompts.empty() && inputs == nullptr) {
        fields->add_missing("inputs", "is missing: there must be inputs or prompts");
    }
    return part;
}

AppPart read_enterprise(Fields* fields) {
    EnterprisePart part;
    fields->whole("nodes", 1, Limits::kGangMax, &part.nodes);
    fields->text("endpoint", Limits::kGroupNameBytesMax, &part.endpoint);
    const Node* sla = fields->take("availability");
    if (sla == nullptr) return part;
    std::string_view text = sla->text;
    if (text.ends_with('%')) text.remove_suffix(1);
    const auto percent = sla->kind == Node::Kind::kScalar ? parse_decimal(text) : std::nullopt;
    if (!percent || *percent < 50 || *percent > 99.99) {
        fields->add(*sla, "availability", fmt::format("is {}; it must be 50% to 99.99%", shown(*sla)));
    } else {
        part.availability_bp = static_cast<std::uint32_t>(*percent * 100 + 0.5);
    }
    return part;
}

struct Section {
    std::string_view name;
    AppKind kind;
    AppPart (*read)(Fields*);
    bool is_required;
};
constexpr Section kSections[] = {
    {"service", AppKind::kServe, read_serve, false},       {"finetune", AppKind::kFinetune, read_finetune, true},
    {"batch", AppKind::kBatch, read_batch, true},          {"render", AppKind::kRender, read_render, true},
    {"generate", AppKind::kGenerate, read_generate, true}, {"enterprise", AppKind::kEnterprise, read_enterprise, false},
};

}  // namespace

void read_parts(Fields* fields, AppSpec* app, Problems* problems) {
    static const Node kEmpty{.kind = Node::Kind::kMap,
                             .text = {},
                             .is_plain = false,
                             .place = {},
                             .key = {},
                             .key_place = {},
                             .children = {}};
    for (const Section& section : kSections) {
        const Node* node = fields->take(section.name);
        if (section.kind != app->kind) {
            if (node == nullptr) continue;
            problems->push_back({node->key_place, std::string{section.name},
                                 fmt::format("is for apps of kind {}; this one is a {}", to_string(section.kind),
                                             to_string(app->kind))});
            continue;
        }
        if (node == nullptr && section.is_required) {
            fields->add_missing(section.name, fmt::format("is missing: an app of kind {} needs it", section.name));
            continue;
        }
        Fields part{node == nullptr ? kEmpty : *node, std::string{section.name}, problems};
        app->part = section.read(&part);
        part.finish();
    }
}

bool read_file(const Node& node, const std::string& path, std::string name, Problems* problems, AppFile* out) {
    const auto fail = [&](std::string message) {
        problems->push_back({node.place, path, std::move(message)});
        return false;
    };
    constexpr std::size_t kPathMax = 4096;
    const bool is_path = node.kind == Node::Kind::kScalar && !node.text.empty() && node.text.size() <= kPathMax &&
                         node.text.find('\0') == std::string::npos && !node.text.ends_with('/');
    if (!is_path) return fail(fmt::format("is {}; it must be the path of a file", shown(node)));
    if (node.text.find("://") != std::string::npos) {
        return fail(fmt::format("is {}; only files of this machine are taken", shown(node)));
    }
    if (name.empty()) name = node.text.substr(node.text.rfind('/') + 1);
    const bool is_name = !name.empty() && name.size() <= Limits::kInputNameBytesMax && name != "." && name != ".." &&
                         is_made_of(name, "._-");
    if (!is_name) {
        return fail(
            fmt::format("would be {} in the step's folder; a name there is 1 to {} letters, digits, '.', '_' or '-'",
                        shown(name), Limits::kInputNameBytesMax));
    }
    *out = {.name = std::move(name), .path = node.text, .place = node.place};
    return true;
}

}  // namespace vcity::app::detail
