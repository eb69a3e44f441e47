// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "app/convert_parts.hpp"
#include "app/fields.hpp"

namespace vcity::app::detail {
namespace {

bool is_one_of(std::string_view name, std::span<const std::string_view> names) {
    return std::ranges::find(names, name) != names.end();
}

// --- SkyPilot

constexpr std::array<std::string_view, 8> kResources{"accelerators", "cpus",     "memory", "disk_size",
                                                     "use_spot",     "image_id", "ports",  "max_hourly_cost"};

void add_sky_resources(const Node& resources, Emitter* out) {
    out->open("resources");
    for (const Node& field : resources.children) {
        const bool has_gpus = std::ranges::all_of(
            field.children, [](const Node& choice) { return choice.find("accelerators") != nullptr; });
        if (field.is_null()) continue;
        if (is_one_of(field.key, kResources)) {
            out->node(field.key, field);
        } else if ((field.key == "any_of" || field.key == "ordered") && has_gpus && !field.children.empty()) {
            std::string choices;
            for (const Node& choice : field.children) {
                choices += (choices.empty() ? "" : ", ") +
                           fmt::format("{{accelerators: {}}}", flow(*choice.find("accelerators")));
            }
            out->raw(field.key, "[" + choices + "]");
            out->note(fmt::format("of resources.{} only the GPUs are taken over", field.key));
        } else if (field.key != "autostop") {
            out->note(fmt::format("not taken over: resources.{}", field.key));
        }
    }
    out->close();
}

bool is_local(const Node& mount) {
    return mount.kind == Node::Kind::kScalar && mount.text.find("://") == std::string::npos &&
           !mount.text.ends_with('/');
}

void add_sky_mounts(const Node& mounts, Emitter* out) {
    out->open("file_mounts");
    for (const Node& mount : mounts.children) {
        const std::string name = mount.key.substr(mount.key.rfind('/') + 1);
        if (is_local(mount) && !name.empty()) {
            out->field(yaml_scalar(name), mount.text);
            if (name != mount.key) out->note(fmt::format("{} is /job/{} here", mount.key, name));
        } else {
            out->note(fmt::format("not taken over: file_mounts.{} (only single files of this machine are)", mount.key));
        }
    }
    out->close();
}

void add_sky_service(const Node& service, Emitter* out) {
    out->open("service");
    const Node* policy = service.find("replica_policy");
    const std::string least = text_of(policy, "min_replicas");
    const std::string most = text_of(policy, "max_replicas");
    const std::string replicas = text_of(&service, "replicas");
    if (!replicas.empty()) out->field("replicas", replicas);
    if (!least.empty() && least != "0") {
        out->raw("scale",
                 fmt::format("{{min: {}, max: {}}}", yaml_scalar(least), yaml_scalar(most.empty() ? least : most)));
    }
    const Node* probe = service.find("readiness_probe");
    if (probe != nullptr) {
        const std::string path = probe->kind == Node::Kind::kScalar ? probe->text : text_of(probe, "path");
        if (!path.empty()) out->field("readiness", path);
    }
    out->close();
}

void add_sky_run(const Node& root, Emitter* out) {
    for (const char* name : {"setup", "run"}) {
        const Node* script = root.find(name);
        if (script == nullptr || script->is_null()) continue;
        std::string text = script->text;
        if (text.find("SKYPILOT_") != std::string::npos) {
            text = "export SKYPILOT_NODE_RANK=$VCITY_INDEX SKYPILOT_NUM_NODES=$VCITY_COUNT\n" + text;
            out->note(fmt::format(
                "{}: SKYPILOT_NODE_RANK and SKYPILOT_NUM_NODES are set; there are no SKYPILOT_NODE_IPS", name));
        }
        out->block(name, text);
    }
}

// --- RunPod

// "containerDiskInGb", "container-disk-in-gb" and "container_disk_in_gb" are one.
std::string plain(std::string_view name) {
    std::string text;
    for (const char character : name) {
        if (character == '-' || character == '_') continue;
        text.push_back(character >= 'A' && character <= 'Z' ? static_cast<char>(character + 32) : character);
    }
    return text;
}

const Node* pod_field(const Node& root, std::string_view name) {
    const auto found = std::ranges::find_if(root.children, [&](const Node& child) { return plain(child.key) == name; });
    return found == root.children.end() || found->is_null() ? nullptr : &*found;
}

// {"NAME": "value"}, [{"key": ..., "value": ...}], or the map's JSON in a text.
void add_pod_env(const Node& env, Conversion* conversion) {
    if (env.kind == Node::Kind::kScalar) {
        const auto parsed = parse_yaml(env.text);
        const Node* inner = std::get_if<Node>(&parsed);
        if (inner == nullptr || inner->kind != Node::Kind::kMap) {
            conversion->problems.push_back({env.place, env.key, "is no JSON object of variables"});
            return;
        }
        if (!inner->children.empty()) conversion->out.node("envs", *inner);
        return;
    }
    if (env.children.empty()) return;
    if (env.kind == Node::Kind::kMap) return conversion->out.node("envs", env);
    conversion->out.open("envs");
    for (const Node& variable : env.children) {
        conversion->out.field(yaml_scalar(text_of(&variable, "key")), text_of(&variable, "value"));
    }
    conversion->out.close();
}

void add_pod_ports(const Node& ports, Emitter* out) {
    std::string list;
    const auto add = [&](std::string_view port) {
        const std::size_t first = port.find_first_not_of(' ');
        if (first == std::string_view::npos) return;
        port = port.substr(first, port.find_last_not_of(' ') - first + 1);
        list += (list.empty() ? "" : ", ") + yaml_scalar(port);
    };
    for (const Node& child : ports.children) add(child.text);
    std::string_view rest = ports.text;
    while (!rest.empty()) {
        const std::size_t comma = std::min(rest.find(','), rest.size());
        add(rest.substr(0, comma));
        rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
    if (!list.empty()) out->raw("ports", "[" + list + "]");
}

std::uint64_t gib_of(const Node& root, std::string_view name, Conversion* conversion) {
    const Node* node = pod_field(root, name);
    if (node == nullptr) return 0;
    const std::optional<std::uint32_t> gib = parse_whole(node->text);
    if (!gib)
        conversion->problems.push_back(
            {node->place, node->key, fmt::format("is {}; it must be whole GB", shown(*node))});
    return gib.value_or(0);
}

// A template with start words of its own runs them instead of the image's.
void add_pod_command(const Node& root, Emitter* out) {
    std::string words;
    for (const std::string_view name : {"dockerentrypoint", "dockerstartcmd"}) {
        const Node* list = pod_field(root, name);
        if (list == nullptr) continue;
        if (list->kind == Node::Kind::kScalar && !list->text.empty()) {
            words += (words.empty() ? "" : ", ") + std::string{R"("/bin/sh", "-c", )"} + flow(*list);
        }
        for (const Node& word : list->children) words += (words.empty() ? "" : ", ") + flow(word);
    }
    const Node* arguments = pod_field(root, "dockerargs");
    if (words.empty() && arguments != nullptr && !arguments->text.empty()) {
        words = R"("/bin/sh", "-c", )" + flow(*arguments);
    }
    if (!words.empty()) out->raw("command", "[" + words + "]");
}

}  // namespace

void convert_skypilot(Conversion* conversion) {
    const Node& root = *conversion->root;
    Emitter& out = conversion->out;
    const std::string name = text_of(&root, "name");
    out.field("name", name.empty() ? "app" : name);
    const Node* service = root.find("service");
    out.raw("kind", service == nullptr ? "task" : "serve");
    const Node* resources = root.find("resources");
    if (resources != nullptr) add_sky_resources(*resources, &out);
    if (!text_of(&root, "num_nodes").empty()) out.field("num_nodes", text_of(&root, "num_nodes"));
    for (const char* field : {"envs", "secrets"}) {
        const Node* variables = root.find(field);
        if (variables != nullptr && !variables->children.empty()) out.node(field, *variables);
    }
    if (const Node* mounts = root.find("file_mounts")) add_sky_mounts(*mounts, &out);
    if (service != nullptr) add_sky_service(*service, &out);
    add_sky_run(root, &out);
    out.raw("network", "public");
    if (resources != nullptr && resources->find("autostop") != nullptr) {
        out.note("not taken over: resources.autostop (idle time is not measured; a task ends with its command)");
    }
    constexpr std::array<std::string_view, 9> kTaken{"name",        "resources", "num_nodes", "envs", "secrets",
                                                     "file_mounts", "service",   "setup",     "run"};
    for (const Node& field : root.children) {
        if (!is_one_of(field.key, kTaken)) out.note(fmt::format("not taken over: {}", field.key));
    }
    add_budget(&out);
}

void convert_runpod(Conversion* conversion) {
    const Node& root = *conversion->root;
    Emitter& out = conversion->out;
    const Node* name = pod_field(root, "name");
    out.field("name", name == nullptr ? "pod" : name->text);
    out.raw("kind", "pod");
    const Node* image = pod_field(root, "imagename");
    if (image == nullptr) image = pod_field(root, "image");
    if (image == nullptr) {
        conversion->problems.push_back({root.place, "imageName", "is missing"});
        return;
    }
    out.field("image", image->text);
    add_pod_command(root, &out);
    if (const Node* env = pod_field(root, "env")) add_pod_env(*env, conversion);
    if (const Node* ports = pod_field(root, "ports")) add_pod_ports(*ports, &out);
    const std::uint64_t volume = gib_of(root, "volumeingb", conversion);
    const std::uint64_t disk = gib_of(root, "containerdiskingb", conversion) + volume;
    if (disk != 0) out.raw("resources", fmt::format("{{disk_size: {}}}", disk));
    if (volume != 0) {
        const Node* mount = pod_field(root, "volumemountpath");
        out.raw("checkpoint", "10m");
        out.note(fmt::format("{} is /job/checkpoint here: it is kept every 10 minutes and at the end",
                             mount == nullptr ? "/workspace" : mount->text));
    }
    out.raw("network", "public");
    for (const std::string_view field : {"isserverless", "containerregistryauthid", "portlabels"}) {
        const Node* node = pod_field(root, field);
        if (node != nullptr && node->text != "false" && !(node->kind == Node::Kind::kScalar && node->text.empty())) {
            out.note(fmt::format("not taken over: {}", node->key));
        }
    }
    out.note("add resources.accelerators: a template does not say which GPU");
    add_budget(&out);
}

}  // namespace vcity::app::detail
