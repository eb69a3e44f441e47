// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <csignal>

#include <CLI/CLI.hpp>
#include <fmt/core.h>
#include <unistd.h>

#include "commands/node_owner.hpp"
#include "operator/node_folder.hpp"
#include "operator/service_unit.hpp"
#include "operator/status.hpp"
#include "operator/times.hpp"

namespace vcity::cli {
namespace {

using codec::Json;

constexpr std::chrono::seconds kWatchEvery{2};

struct OwnerOptions {
    std::string state;
    bool watches = false;
    bool is_now = false;  // a drain ends what runs
    std::uint32_t wait_seconds = 0;
    std::string from = "now";
    std::string span;
    std::string category = "other";
    bool cancels = false;

    NodeFolder folder() const { return NodeFolder{node_folder_path(state)}; }
};

Result<Exit> run_status(const OwnerOptions& options, Session* session) {
    while (true) {
        TRY(const Json overview, node_overview(options.folder()));
        if (session->output.is_json()) {
            session->output.print(overview);
        } else {
            if (options.watches) session->output.print_text("\033[H\033[2J");
            session->output.print_text(overview_text(overview));
        }
        const Json* issues = overview.find("issues");
        const bool is_well = issues == nullptr || issues->get_array() == nullptr || issues->get_array()->empty();
        if (!options.watches) return is_well ? Exit::kOk : Exit::kGeneral;
        pause_for(kWatchEvery);
    }
}

std::uint64_t running_of(const Json& status) {
    const Json* steps = status.find("steps");
    const Json* model = status.find("model");
    const Json* calls = model == nullptr ? nullptr : model->find("running");
    std::uint64_t count = 0;
    if (calls != nullptr && !calls->get_u64(&count)) count = 0;
    if (steps != nullptr && steps->get_array() != nullptr) count += steps->get_array()->size();
    return count;
}

Json intake_record(const Json& status) {
    Json record{codec::JsonObject{}};
    const Json* intake = status.find("intake");
    const Json* takes = intake == nullptr ? nullptr : intake->find("takes_work");
    const Json* planned = intake == nullptr ? nullptr : intake->find("maintenance");
    record.set("takes_work", takes == nullptr ? Json{} : *takes);
    record.set("running", running_of(status));
    codec::JsonArray windows;
    if (planned != nullptr && planned->get_array() != nullptr) {
        for (const Json& window : *planned->get_array()) {
            std::uint64_t from = 0;
            std::uint64_t to = 0;
            if (!window.find("from_ms")->get_u64(&from) || !window.find("to_ms")->get_u64(&to)) continue;
            windows.emplace_back(fmt::format("{} to {} ({})", instant_text(UnixMillis{from}),
                                             instant_text(UnixMillis{to}), *window.find("category")->get_string()));
        }
    }
    record.set("maintenance", std::move(windows));
    return record;
}

// Waits until nothing runs; kTimeout when something still does.
Result<Exit> run_drain(const OwnerOptions& options, Session* session) {
    const NodeFolder folder = options.folder();
    TRY(Json status, tell_node(folder, "/admin/drain", Json{codec::JsonObject{{"now", options.is_now}}}));
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds{options.wait_seconds};
    std::uint64_t said = 0;
    while (running_of(status) > 0 && std::chrono::steady_clock::now() < give_up) {
        if (running_of(status) != said) {
            said = running_of(status);
            session->output.note(fmt::format("{} still running", said));
        }
        pause_for(kWatchEvery);
        TRY(status, ask_node(folder, "/admin/status"));
    }
    session->output.print(intake_record(status));
    return options.wait_seconds > 0 && running_of(status) > 0 ? Exit::kTimeout : Exit::kOk;
}

Result<Exit> run_resume(const OwnerOptions& options, Session* session) {
    TRY(const Json status, tell_node(options.folder(), "/admin/resume", Json{codec::JsonObject{}}));
    session->output.print(intake_record(status));
    return Exit::kOk;
}

Result<Exit> run_maintain(const OwnerOptions& options, Session* session) {
    Json body{codec::JsonObject{}};
    std::string path = "/admin/maintenance/cancel";
    if (!options.cancels) {
        if (options.span.empty()) return make_error(Errc::kInvalid, "say how long, e.g. --for 2h, or --cancel");
        TRY(const UnixMillis from, parse_time(options.from, wall_clock_now()));
        TRY(const std::chrono::seconds span, parse_span(options.span));
        body.set("from_ms", from.count());
        body.set("to_ms", from.count() + static_cast<std::uint64_t>(span.count()) * 1000);
        body.set("category", options.category);
        path = "/admin/maintenance";
    }
    TRY(const Json status, tell_node(options.folder(), path, std::move(body)));
    session->output.print(intake_record(status));
    return Exit::kOk;
}

Result<Exit> run_control(const OwnerOptions& options, const std::string& verb, Session* session) {
    const NodeFolder folder = options.folder();
    TRY(const NodeFacts facts, load_facts(folder));
    if (facts.service.empty()) {
        return make_error(Errc::kInvalid, "no service was installed for this node: " + verb +
                                              " it yourself, e.g. with `"
                                              "vcity node run --config " +
                                              folder.config() + "`");
    }
    TRY_OK(control_service(verb, facts.is_user_service));
    session->output.print(Json{codec::JsonObject{{"service", service_state(facts.is_user_service)}}});
    return Exit::kOk;
}

CLI::App* add(CLI::App* node, const char* name, const char* what, OwnerOptions* options) {
    CLI::App* app = node->add_subcommand(name, what);
    app->add_option("--state", options->state, "folder of the node (default: /var/lib/vcity/node for root)");
    return app;
}

}  // namespace

void add_node_status(CLI::App* node, Commands* commands) {
    auto options = std::make_shared<OwnerOptions>();
    CLI::App* status = add(node, "status",
                           "service, link, payments, stake, earnings and tasks of this node; "
                           "exit code 1 when there is an issue",
                           options.get());
    status->add_flag("-w,--watch", options->watches, "look again every two seconds");
    commands->on(status, [options](Session* session) { return run_status(*options, session); });

    CLI::App* drain = add(node, "drain", "take no new work; what runs is finished", options.get());
    drain->add_flag("--now", options->is_now, "end steps as well: they go on elsewhere from their checkpoints");
    drain->add_option("--wait", options->wait_seconds, "seconds to wait until nothing runs any more")
        ->check(CLI::Range(0, 864'000));
    commands->on(drain, [options](Session* session) { return run_drain(*options, session); });

    commands->on(add(node, "resume", "take work again after a drain", options.get()),
                 [options](Session* session) { return run_resume(*options, session); });

    CLI::App* maintain = add(node, "maintain", "plan a time in which the node takes no new work", options.get());
    maintain->add_option("--from", options->from, "2026-11-24T02:00 (UTC), now, or +90m")->capture_default_str();
    maintain->add_option("--for", options->span, "how long: 30s, 90m, 2h, 1d");
    maintain->add_option("--category", options->category, "power, internet, disk, gpu, software or other")
        ->check(CLI::IsMember({"power", "internet", "disk", "gpu", "software", "other"}))
        ->capture_default_str();
    maintain->add_flag("--cancel", options->cancels, "drop all planned times");
    commands->on(maintain, [options](Session* session) { return run_maintain(*options, session); });

    for (const char* verb : {"start", "stop", "restart"}) {
        CLI::App* control = add(node, verb, "the service that join has installed", options.get());
        commands->on(control, [options, verb](Session* session) { return run_control(*options, verb, session); });
    }
}

}  // namespace vcity::cli
