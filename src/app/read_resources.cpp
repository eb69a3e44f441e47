// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>

#include "app/reader.hpp"
#include "work/spec_check.hpp"

namespace vcity::app::detail {
namespace {

using Limits = work::SpecLimits;

struct Accelerators {
    std::vector<std::string> models;  // empty: any
    std::uint32_t count = 0;
};

constexpr std::string_view kAccelerators =
    "a GPU model and how many of one machine, such as H100, H100:8 or any:1, 8 at most";

bool read_count(
    const Node& node, const std::string& path, std::string_view text, Problems* problems, std::uint32_t* out) {
    const std::optional<std::uint32_t> count = parse_whole(text);
    if (count && *count >= 1 && *count <= Limits::kGpusMax) {
        *out = *count;
        return true;
    }
    problems->push_back({node.place, path, fmt::format("is {}; it must be {}", shown(node), kAccelerators)});
    return false;
}

// One model with its count, from "H100:8", or from the member "H100: 8" of a map.
bool add_model(const Node& node, const std::string& path, Problems* problems, Accelerators* out) {
    const bool is_member = !node.key.empty() && node.key != "accelerators";
    if (node.kind != Node::Kind::kScalar) {
        problems->push_back({node.place, path, fmt::format("is {}; it must be {}", shown(node), kAccelerators)});
        return false;
    }
    const std::string& text = is_member ? node.key : node.text;
    const std::size_t colon = text.find(':');
    std::string model = text.substr(0, colon);
    std::uint32_t count = 1;
    if (is_member && !node.is_null()) {
        if (!read_count(node, path, node.text, problems, &count)) return false;
    } else if (colon != std::string::npos) {
        if (!read_count(node, path, std::string_view{text}.substr(colon + 1), problems, &count)) return false;
    }
    if (model.empty() || model.size() > Limits::kLabelBytesMax) {
        problems->push_back({node.place, path, fmt::format("is {}; it must be {}", shown(text), kAccelerators)});
        return false;
    }
    if (out->count != 0 && out->count != count) {
        problems->push_back({node.place, path,
                             fmt::format("asks for {} GPUs, the one before for {}; alternatives must have equal counts",
                                         count, out->count)});
        return false;
    }
    out->count = count;
    out->models.push_back(std::move(model));
    return true;
}

void read_accelerators(const Node& node, const std::string& path, Problems* problems, Accelerators* out) {
    if (node.kind == Node::Kind::kScalar) {
        static_cast<void>(add_model(node, path, problems, out));
        return;
    }
    if (node.children.empty() || node.children.size() > Limits::kNamesMax) {
        problems->push_back(
            {node.place, path,
             fmt::format("has {} entries; 1 to {} are taken", node.children.size(), Limits::kNamesMax)});
        return;
    }
    for (const Node& child : node.children) {
        if (!add_model(child, path, problems, out)) return;
    }
}

void read_alternatives(const Node& node, const std::string& path, Problems* problems, Accelerators* out) {
    if (node.kind != Node::Kind::kList || node.children.empty()) {
        problems->push_back({node.place, path, "must be a list of alternatives such as {accelerators: H100:8}"});
        return;
    }
    for (std::size_t at = 0; at < node.children.size(); ++at) {
        Fields fields{node.children[at], fmt::format("{}[{}]", path, at), problems};
        if (const Node* accelerators = fields.take("accelerators")) {
            read_accelerators(*accelerators, fields.path_of("accelerators"), problems, out);
        } else {
            fields.add_missing("accelerators", "is missing; alternatives may differ in their GPUs only");
        }
        fields.finish();
    }
}

void read_region(Fields* fields, std::string_view name, WorkSpec* terms) {
    std::vector<std::string> regions;
    if (fields->texts(name, Limits::kNamesMax, Limits::kLabelBytesMax, &regions)) {
        terms->regions.insert(terms->regions.end(), regions.begin(), regions.end());
    }
}

void read_terms(Fields* fields, AppSpec* app) {
    bool is_spot = false;
    if (fields->flag("use_spot", &is_spot) && is_spot) app->terms.service_class = ServiceClass::kBestEffort;
    Usd hourly;
    if (fields->money("max_hourly_cost", &hourly)) app->terms.hourly_max = hourly;
    read_region(fields, "region", &app->terms);
    read_region(fields, "regions", &app->terms);
    static constexpr std::string_view kKinds[] = {"stable", "flexible"};
    std::size_t kind = 0;
    if (fields->choice("node_kind", kKinds, &kind)) app->terms.kind = static_cast<NodeKind>(kind);
}

}  // namespace

void read_resources(const Node& node, AppSpec* app, std::vector<std::string>* notes, Problems* problems) {
    Fields fields{node, "resources", problems};
    UnitAsk& ask = app->group.ask;
    Accelerators gpus;
    if (const Node* accelerators = fields.take("accelerators")) {
        read_accelerators(*accelerators, fields.path_of("accelerators"), problems, &gpus);
    }
    for (const std::string_view name : {"any_of", "ordered"}) {
        const Node* list = fields.take(name);
        if (list == nullptr) continue;
        read_alternatives(*list, fields.path_of(name), problems, &gpus);
        if (name == "ordered")
            notes->emplace_back("resources.ordered: the order of alternatives is not kept; price decides");
    }
    ask.gpus = gpus.count;
    const bool is_any = std::ranges::find(gpus.models, "any") != gpus.models.end();
    if (!is_any) ask.gpu_models = std::move(gpus.models);
    fields.scaled("cpus", 1000, Limits::kCpuMilliMax / 1000.0, &ask.cpu_milli);
    fields.size("memory", Limits::kMemoryMibMax, &ask.memory_mib);
    fields.size("disk_size", Limits::kDiskMibMax, &ask.disk_mib);
    fields.size("vram", Limits::kVramMibMax, &ask.vram_mib);
    fields.scaled("gpu_share", 1000, 1, &ask.gpu_milli);
    static constexpr std::string_view kInterconnects[] = {"none", "pcie", "nvlink", "fabric"};
    std::size_t interconnect = 0;
    if (fields.choice("interconnect", kInterconnects, &interconnect)) {
        ask.interconnect = static_cast<Interconnect>(interconnect);
    }
    if (const Node* image = fields.take("image_id")) read_image(*image, fields.path_of("image_id"), app, problems);
    if (const Node* ports = fields.take("ports")) read_ports(*ports, fields.path_of("ports"), app, problems);
    read_terms(&fields, app);
    fields.finish();
}

void read_image(const Node& node, const std::string& path, AppSpec* app, Problems* problems) {
    std::string_view image = node.text;
    if (image.starts_with("docker:")) image.remove_prefix(7);
    const bool is_reference = node.kind == Node::Kind::kScalar && !image.empty() &&
                              image.size() <= Limits::kImageBytesMax && is_made_of(image, "._-/:@");
    if (!is_reference) {
        problems->push_back(
            {node.place, path,
             fmt::format("is {}; it must be an image such as docker.io/library/python:3.12", shown(node))});
        return;
    }
    app->group.setup.image = image;
}

namespace {

void add_port(const Node& node,
              const std::string& path,
              std::string name,
              std::string_view text,
              AppSpec* app,
              Problems* problems) {
    constexpr std::string_view kAllowed = "a port such as 8888, 8888/http or 22/tcp";
    const std::size_t slash = text.find('/');
    const std::string_view protocol = slash == std::string_view::npos ? "tcp" : text.substr(slash + 1);
    const std::optional<std::uint32_t> port = parse_whole(text.substr(0, slash));
    const bool is_good = port && *port >= 1 && *port <= 65535 && (protocol == "tcp" || protocol == "http");
    if (!is_good) {
        problems->push_back({node.place, path, fmt::format("is {}; it must be {}", shown(text), kAllowed)});
        return;
    }
    if (name.empty()) name = *port == 22 ? "ssh" : fmt::format("port-{}", *port);
    const bool is_name = name.size() <= Limits::kGroupNameBytesMax && std::ranges::all_of(name, [](char one) {
                             return (one >= 'a' && one <= 'z') || (one >= '0' && one <= '9') || one == '-';
                         });
    if (!is_name) {
        problems->push_back({node.place, path,
                             fmt::format("is named {}; a name is 1 to {} of a-z, 0-9 and '-'", shown(name),
                                         Limits::kGroupNameBytesMax)});
        return;
    }
    for (const StepPort& other : app->group.setup.ports) {
        if (other.port != *port && other.name != name) continue;
        problems->push_back({node.place, path, fmt::format("port {} ({}) is there twice", shown(name), *port)});
        return;
    }
    app->group.setup.ports.push_back({.name = std::move(name), .port = static_cast<std::uint16_t>(*port)});
}

}  // namespace

void read_ports(const Node& node, const std::string& path, AppSpec* app, Problems* problems) {
    if (node.kind == Node::Kind::kScalar) return add_port(node, path, "", node.text, app, problems);
    if (node.children.size() > Limits::kPortsMax) {
        problems->push_back(
            {node.place, path,
             fmt::format("has {} ports; at most {} are taken", node.children.size(), Limits::kPortsMax)});
        return;
    }
    for (std::size_t at = 0; at < node.children.size(); ++at) {
        const Node& child = node.children[at];
        const bool is_map = node.kind == Node::Kind::kMap;
        const std::string where = is_map ? fmt::format("{}.{}", path, child.key) : fmt::format("{}[{}]", path, at);
        if (child.kind == Node::Kind::kScalar) {
            add_port(child, where, child.key, child.text, app, problems);
            continue;
        }
        Fields fields{child, where, problems};
        std::string name;
        std::string port;
        fields.text("name", Limits::kGroupNameBytesMax, &name);
        fields.text("port", 16, &port);
        fields.finish();
        add_port(child, where, name, port, app, problems);
    }
}

}  // namespace vcity::app::detail
