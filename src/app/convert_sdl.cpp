// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>

#include "app/convert_parts.hpp"
#include "app/fields.hpp"

namespace vcity::app::detail {
namespace {

const Node* at(const Node* node, std::string_view name) {
    return node == nullptr ? nullptr : node->find(name);
}

// "500m" and "0.5" cores.
std::string cores(std::string text) {
    if (!text.ends_with('m')) return text;
    text.pop_back();
    const std::optional<double> milli = parse_decimal(text);
    return milli ? fmt::format("{}", *milli / 1000) : text;
}

class Sdl {
  public:
    explicit Sdl(Conversion* conversion) : conversion_{*conversion}, out_{conversion->out} {}

    void convert() {
        const Node* services = conversion_.root->find("services");
        if (services == nullptr || services->kind != Node::Kind::kMap || services->children.empty()) {
            return fail(*conversion_.root, "services", "is missing");
        }
        const Node* service = choose(*services);
        if (service == nullptr) return;
        out_.field("name", service->key);
        find_profile(service->key);
        const bool is_reached = at(service, "expose") != nullptr && !service->find("expose")->children.empty();
        out_.raw("kind", is_reached ? "serve" : "task");
        add_what(*service);
        add_ports(*service);
        add_resources();
        if (is_reached && count_ != "1" && !count_.empty())
            out_.raw("service", fmt::format("{{replicas: {}}}", yaml_scalar(count_)));
        if (!is_reached && count_ != "1" && !count_.empty()) out_.field("num_nodes", count_);
        if (service->find("params") != nullptr) out_.note("not taken over: services.params (storage mounts, tee)");
        if (service->find("dependencies") != nullptr) out_.note("not taken over: services.dependencies");
        add_budget(&out_);
    }

  private:
    void fail(const Node& node, std::string field, std::string message) {
        conversion_.problems.push_back({node.place, std::move(field), std::move(message)});
    }

    const Node* choose(const Node& services) {
        if (!conversion_.service.empty()) {
            const Node* found = services.find(conversion_.service);
            if (found == nullptr) fail(services, "services", fmt::format("there is no {}", shown(conversion_.service)));
            return found;
        }
        if (services.children.size() == 1) return &services.children.front();
        std::string names;
        for (const Node& child : services.children) names += (names.empty() ? "" : ", ") + child.key;
        fail(services, "services", fmt::format("there are {}; name one with --service", names));
        return nullptr;
    }

    // The first placement of the service.
    void find_profile(const std::string& service) {
        const Node* placements = at(at(conversion_.root, "deployment"), service);
        if (placements == nullptr || placements->children.empty()) return;
        const Node& placement = placements->children.front();
        if (placements->children.size() > 1) out_.note(fmt::format("taken over: placement {} only", placement.key));
        count_ = text_of(&placement, "count");
        const std::string profile = text_of(&placement, "profile");
        resources_ = at(at(at(at(conversion_.root, "profiles"), "compute"), profile), "resources");
        const Node* pricing = at(at(at(at(conversion_.root, "profiles"), "placement"), placement.key), "pricing");
        const Node* price = at(pricing, profile);
        if (price != nullptr) {
            out_.note(fmt::format("not taken over: the price of {} {} a block; set budget and max_hourly_cost",
                                  text_of(price, "amount"), text_of(price, "denom")));
        }
    }

    void add_what(const Node& service) {
        const std::string image = text_of(&service, "image");
        if (image.empty()) return fail(service, "services." + service.key + ".image", "is missing");
        out_.field("image", image);
        std::string command;
        for (const char* name : {"command", "args"}) {
            const Node* words = service.find(name);
            if (words == nullptr) continue;
            if (words->kind == Node::Kind::kScalar && !words->is_null())
                command += (command.empty() ? "" : ", ") + flow(*words);
            for (const Node& word : words->children) command += (command.empty() ? "" : ", ") + flow(word);
        }
        if (!command.empty()) out_.raw("command", "[" + command + "]");
        if (const Node* env = service.find("env"); env != nullptr && !env->children.empty()) out_.node("envs", *env);
        out_.raw("network", "public");
    }

    void add_ports(const Node& service) {
        const Node* expose = service.find("expose");
        if (expose == nullptr || expose->children.empty()) return;
        std::string ports;
        for (const Node& child : expose->children) {
            std::string protocol = text_of(&child, "proto");
            std::ranges::transform(protocol, protocol.begin(), [](char character) {
                return character >= 'A' && character <= 'Z' ? static_cast<char>(character + 32) : character;
            });
            if (protocol != "tcp" && protocol != "http" && !protocol.empty()) {
                out_.note(fmt::format("not taken over: port {} ({})", text_of(&child, "port"), protocol));
                continue;
            }
            ports += (ports.empty() ? "" : ", ") + yaml_scalar(text_of(&child, "port"));
        }
        out_.raw("ports", "[" + ports + "]");
        out_.note("ports are reached through the gateway, not on an address of their own (expose.as, accept and to)");
    }

    void add_resources() {
        if (resources_ == nullptr) return;
        out_.open("resources");
        const std::string cpus = cores(text_of(at(resources_, "cpu"), "units"));
        if (!cpus.empty()) out_.field("cpus", cpus);
        const std::string memory = text_of(at(resources_, "memory"), "size");
        if (!memory.empty()) out_.field("memory", memory);
        add_storage();
        add_gpus();
        out_.close();
    }

    void add_storage() {
        const Node* storage = at(resources_, "storage");
        if (storage == nullptr) return;
        std::uint64_t mib = 0;
        const auto add = [&](const Node& volume) {
            mib += parse_size(text_of(&volume, "size")).value_or(0);
            const Node* attributes = volume.find("attributes");
            if (text_of(attributes, "persistent") == "true") {
                out_.note("storage is the step's own and ends with it; set checkpoint to keep /job/checkpoint");
            }
        };
        if (storage->kind == Node::Kind::kMap) add(*storage);
        for (const Node& child : storage->children) {
            if (storage->kind == Node::Kind::kList) add(child);
        }
        if (mib != 0) out_.field("disk_size", fmt::format("{}MB", mib));
    }

    void add_gpus() {
        const Node* gpu = at(resources_, "gpu");
        const std::string units = text_of(gpu, "units");
        if (units.empty() || units == "0") return;
        std::string models;
        const Node* vendors = at(at(gpu, "attributes"), "vendor");
        for (const Node& vendor : vendors == nullptr ? std::vector<Node>{} : vendors->children) {
            for (const Node& model : vendor.children) {
                const std::string name = text_of(&model, "model");
                if (!name.empty()) models += (models.empty() ? "" : ", ") + yaml_scalar(name + ":" + units);
                const std::string ram = text_of(&model, "ram");
                if (!ram.empty()) ram_ = ram;
            }
        }
        out_.raw("accelerators", models.empty() ? yaml_scalar("any:" + units) : "[" + models + "]");
        if (!ram_.empty()) out_.field("vram", ram_);
    }

    Conversion& conversion_;
    Emitter& out_;
    const Node* resources_ = nullptr;
    std::string count_;
    std::string ram_;
};

}  // namespace

std::string text_of(const Node* node, std::string_view name) {
    const Node* member = at(node, name);
    return member == nullptr || member->is_null() ? std::string{} : member->text;
}

void add_budget(Emitter* out) {
    out->note("budget: the source has none; set what the app may cost at most, in dollars");
    out->raw("budget", "5.00");
}

void convert_sdl(Conversion* conversion) {
    Sdl{conversion}.convert();
}

}  // namespace vcity::app::detail
