// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "app/compile.hpp"
#include "codec/base64.hpp"

namespace vcity::app {
namespace {

using codec::Json;
using codec::JsonArray;
using codec::JsonObject;

Json list(const std::vector<std::string>& texts) {
    JsonArray array;
    for (const std::string& text : texts) array.emplace_back(text);
    return array;
}

// Thousandths, or MiB in GiB: exact in binary where the divisor is a power of two, else the nearest double.
Json part(std::uint32_t number, double divisor) {
    return static_cast<double>(number) / divisor;
}

Json resources(const UnitAsk& ask) {
    constexpr double kMilli = 1000;
    constexpr double kMib = 1024;
    Json json{JsonObject{{"cpus", part(ask.cpu_milli, kMilli)}, {"memory_gb", part(ask.memory_mib, kMib)}}};
    if (ask.disk_mib != 0) json.set("disk_gb", part(ask.disk_mib, kMib));
    if (ask.gpus == 0) return json;
    JsonArray models;
    for (const std::string& model : ask.gpu_models) models.emplace_back(fmt::format("{}:{}", model, ask.gpus));
    if (models.empty()) models.emplace_back(fmt::format("any:{}", ask.gpus));
    json.set("accelerators", std::move(models));
    if (ask.gpu_milli != 1000) json.set("gpu_share", part(ask.gpu_milli, kMilli));
    if (ask.vram_mib != 0) json.set("vram_gb", part(ask.vram_mib, kMib));
    constexpr std::array<const char*, 4> kNames{"none", "pcie", "nvlink", "fabric"};
    if (ask.interconnect != Interconnect::kNone) {
        json.set("interconnect", kNames.at(static_cast<std::size_t>(ask.interconnect)));
    }
    return json;
}

Json content(const Bytes& bytes) {
    if (codec::is_utf8(as_text(bytes))) return std::string{as_text(bytes)};
    return JsonObject{{"base64", codec::to_base64(bytes)}};
}

void set_inputs(const AppOrder& order, const StepGroup& group, Json* json) {
    JsonObject inputs;
    for (const InputFile& file : group.inputs) inputs.emplace_back(file.name, content(file.content));
    for (const Attachment& attachment : order.attachments) {
        if (std::ranges::find(attachment.groups, group.name) == attachment.groups.end()) continue;
        const bool is_uploaded = !attachment.file_id.empty();
        inputs.emplace_back(attachment.file.name,
                            is_uploaded ? Json{JsonObject{{"file", attachment.file_id}}} : content(attachment.content));
    }
    if (!inputs.empty()) json->set("inputs", std::move(inputs));
}

void set_setup(const StepSetup& setup, Json* json) {
    if (!setup.image.empty()) json->set("image", setup.image);
    if (!setup.program.empty()) json->set("program", setup.program);
    if (setup.keeps_files) json->set("keeps_files", true);
    if (setup.checkpoint_seconds != 0) json->set("checkpoint_seconds", setup.checkpoint_seconds);
    if (setup.is_service) json->set("service", true);
    if (setup.egress == Egress::kPublic) {
        json->set("egress", setup.egress_hosts.empty() ? Json{"public"} : list(setup.egress_hosts));
    }
    if (setup.ports.empty()) return;
    JsonArray ports;
    for (const StepPort& port : setup.ports) {
        ports.push_back(JsonObject{{"name", port.name}, {"port", std::uint64_t{port.port}}});
    }
    json->set("ports", std::move(ports));
}

Json step(const AppOrder& order, const StepGroup& group) {
    Json json{JsonObject{{"name", group.name}, {"count", group.count}}};
    if (!group.command.empty()) json.set("command", list(group.command));
    if (!group.needs.empty()) json.set("needs", list(group.needs));
    if (!group.takes.empty()) json.set("takes", list(group.takes));
    if (group.is_gang) json.set("gang", true);
    JsonObject environment;
    for (const std::string& variable : group.environment) {
        const std::size_t equals = variable.find('=');
        environment.emplace_back(variable.substr(0, equals), variable.substr(equals + 1));
    }
    if (!environment.empty()) json.set("env", std::move(environment));
    set_inputs(order, group, &json);
    json.set("resources", resources(group.ask));
    json.set("seconds_max", group.seconds_max);
    json.set("retries", group.retries);
    set_setup(group.setup, &json);
    return json;
}

Json where(const WorkSpec& spec) {
    constexpr double kBasis = 10'000;
    Json json{JsonObject{}};
    if (!spec.regions.empty()) json.set("regions", list(spec.regions));
    if (spec.kind) json.set("kind", *spec.kind == NodeKind::kStable ? "stable" : "flexible");
    if (spec.hourly_max) json.set("hourly_max", to_string(*spec.hourly_max));
    if (spec.reputation_bp_min != 0) json.set("reputation_min", part(spec.reputation_bp_min, kBasis));
    if (spec.level_min != 0) json.set("level_min", spec.level_min);
    if (spec.stake_vcai_min != 0) json.set("stake_min", spec.stake_vcai_min);
    return json;
}

}  // namespace

Json order_json(const AppOrder& order) {
    constexpr std::array<const char*, 3> kClasses{"best_effort", "standard", "critical"};
    JsonArray steps;
    for (const StepGroup& group : order.spec.groups) steps.push_back(step(order, group));
    Json json{JsonObject{{"name", order.spec.name},
                         {"steps", std::move(steps)},
                         {"budget", to_string(order.budget)},
                         {"deadline_minutes", order.deadline_minutes},
                         {"service_class", kClasses.at(static_cast<std::size_t>(order.spec.service_class))}}};
    Json places = where(order.spec);
    if (!places.get_object()->empty()) json.set("where", std::move(places));
    return json;
}

bool is_deployment(const AppSpec& app) {
    return app.kind == AppKind::kServe || app.kind == AppKind::kEnterprise;
}

Json deployment_json(const AppSpec& app, const AppOrder& order) {
    constexpr std::uint32_t kDay = 86'400;
    constexpr double kBasis = 10'000;
    Json json = order_json(order);
    json.set("kind", std::string{to_string(app.kind)});
    // A replica's term; then another takes its place.
    json.set("replica_seconds", std::min(order.spec.groups.front().seconds_max, kDay));
    if (const auto* enterprise = std::get_if<EnterprisePart>(&app.part)) {
        json.set("scale", JsonObject{{"min", enterprise->nodes}, {"max", enterprise->nodes}});
        json.set("sla", JsonObject{{"availability", part(enterprise->availability_bp, kBasis)}});
        return json;
    }
    const ServePart usual;
    const auto* given = std::get_if<ServePart>(&app.part);
    const ServePart& serve = given == nullptr ? usual : *given;
    json.set("scale", JsonObject{{"min", serve.replicas},
                                 {"max", serve.scale_max},
                                 {"by", serve.scale_by},
                                 {"requests_per_replica", serve.requests_per_replica},
                                 {"idle_seconds", serve.idle_seconds}});
    JsonObject readiness{{"seconds", serve.ready_seconds}};
    if (!serve.readiness_path.empty()) readiness.emplace_back("path", serve.readiness_path);
    json.set("readiness", std::move(readiness));
    if (serve.openai_model == "/") json.set("openai", true);
    if (serve.openai_model.size() > 1) json.set("openai", JsonObject{{"model", serve.openai_model}});
    return json;
}

}  // namespace vcity::app
