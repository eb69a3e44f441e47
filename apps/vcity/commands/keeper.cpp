// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>

#include "cli/command.hpp"
#include "wiring/roles.hpp"

namespace vcity::cli {

void add_keeper_commands(CLI::App* root, Commands* commands) {
    auto options = std::make_shared<wiring::KeeperRunOptions>();
    CLI::App* noun = root->add_subcommand("keeper", "does on chain what falls due: buybacks, periods, votes, cases");
    noun->require_subcommand(1);
    CLI::App* run = noun->add_subcommand("run", "run a keeper until it is told to stop; any number may run");
    wiring::add_role_options(run, &options->role);
    run->add_option("--duty", options->duties, "only this duty, e.g. buy_back (repeat; default: all)");
    run->add_option("--poll-seconds", options->poll_seconds, "between two looks")->capture_default_str();
    commands->on(run, [options](Session* /*session*/) { return wiring::run_keeper(*options); });
}

}  // namespace vcity::cli
