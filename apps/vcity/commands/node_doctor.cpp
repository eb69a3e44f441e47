// SPDX-License-Identifier: Apache-2.0
#include <filesystem>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "commands/node_owner.hpp"
#include "operator/bundle.hpp"
#include "operator/host_checks.hpp"
#include "operator/node_folder.hpp"
#include "operator/service_unit.hpp"
#include "operator/times.hpp"

namespace vcity::cli {
namespace {

using codec::Json;

struct DoctorOptions {
    std::string state;
    std::string bundle;
    ServiceOptions service{.program = "/usr/bin/vcity",
                           .config = "/var/lib/vcity/node/node.toml",
                           .state = "/var/lib/vcity/node",
                           .user = "vcity"};
    bool is_user_unit = false;
};

SelfCheck check_running(const NodeFolder& folder) {
    const Result<Json> live = ask_node(folder, "/admin/status");
    return check_works("node.running", "node", live ? Result<std::string>{"it runs and answers"} : live.error(),
                       "it earns only while it runs", "`vcity node start`, or see its log");
}

SelfCheck check_link(const NodeFolder& folder) {
    const Result<Json> live = ask_node(folder, "/admin/status");
    if (!live) return skip("node.link", "link", "the node does not run");
    const Json* connected = live->find("connected");
    const bool is_up = connected != nullptr && connected->get_bool() != nullptr && *connected->get_bool();
    return check_works("node.link", "link",
                       is_up ? Result<std::string>{"connected to the scheduler"}
                             : make_error(Errc::kUnavailable, "not connected to the scheduler"),
                       "work comes over it", "check the network of this machine; the node tries again by itself");
}

// Of the machine and, when a node has joined from it, of that node.
std::vector<SelfCheck> node_checks(const NodeFolder& folder) {
    std::vector<SelfCheck> checks = check_host({.state = folder.path(), .worker = {}, .model = {}});
    const Result<NodeFacts> facts = load_facts(folder);
    if (!facts) {
        checks.push_back(skip("node", "node", facts.error().message));
        return checks;
    }
    const ChainPlace chain{.rpc = facts->rpc, .deployment = facts->deployment};
    for (SelfCheck& one : check_network({.chain = chain, .scheduler_links = {}})) checks.push_back(std::move(one));
    checks.push_back(check_key_file(folder.key().keystore));
    const Result<Address> identity = crypto::parse_address(facts->identity);
    const Result<Standing> standing =
        identity ? read_standing(chain, *identity, "cpu") : Result<Standing>{identity.error()};
    if (standing) {
        for (SelfCheck& one : check_standing(*standing, standing->required, false)) checks.push_back(std::move(one));
    }
    checks.push_back(check_running(folder));
    checks.push_back(check_link(folder));
    return checks;
}

Result<Exit> run_bundle(const DoctorOptions& options, Session* session) {
    const NodeFolder folder{node_folder_path(options.state)};
    const std::vector<SelfCheck> checks = node_checks(folder);
    TRY(const std::string archive, support_bundle(folder, checks));
    std::string path = options.bundle;
    if (path.empty()) {
        std::string stamp = instant_text(wall_clock_now());
        std::erase(stamp, ':');
        path = "vcity-support-" + stamp + ".tar";
    }
    if (std::filesystem::exists(path)) return make_error(Errc::kConflict, path + " exists");
    TRY_OK(write_file(path, archive, 0600));
    session->output.print(Json{codec::JsonObject{{"file", std::filesystem::absolute(path).string()},
                                                 {"bytes", static_cast<std::uint64_t>(archive.size())},
                                                 {"healthy", is_healthy(checks)}}});
    session->output.note("Secrets are taken out. Look at it before you send it: tar xOf " + path + " | less");
    return Exit::kOk;
}

}  // namespace

void add_node_doctor(CLI::App* node, Commands* commands) {
    auto options = std::make_shared<DoctorOptions>();
    const char* folder_help = "folder of the node (default: /var/lib/vcity/node for root)";
    CLI::App* doctor =
        node->add_subcommand("doctor", "check machine, network, stake and node; non-zero when unhealthy");
    doctor->add_option("--state", options->state, folder_help);
    commands->on(doctor, [options](Session* session) -> Result<Exit> {
        return report(node_checks(NodeFolder{node_folder_path(options->state)}), session->output);
    });

    CLI::App* bundle = node->add_subcommand("support-bundle", "a tar with everything that helps, without secrets");
    bundle->add_option("--state", options->state, folder_help);
    bundle->add_option("--file", options->bundle, "where to write it (default: vcity-support-<time>.tar here)");
    commands->on(bundle, [options](Session* session) { return run_bundle(*options, session); });

    CLI::App* unit = node->add_subcommand("unit", "print the systemd unit of a node");
    unit->add_option("--program", options->service.program, "the vcity program")->capture_default_str();
    unit->add_option("--state", options->service.state, "folder of the node")->capture_default_str();
    unit->add_option("--config", options->service.config, "its settings file")->capture_default_str();
    unit->add_option("--user", options->service.user, "system user")->capture_default_str();
    unit->add_flag("--of-user", options->is_user_unit, "a unit of the user's own, without a system user");
    commands->on(unit, [options](Session* session) -> Result<Exit> {
        ServiceOptions service = options->service;
        if (options->is_user_unit) service.user.clear();
        session->output.print_text(service_unit(service));
        return Exit::kOk;
    });
}

}  // namespace vcity::cli
