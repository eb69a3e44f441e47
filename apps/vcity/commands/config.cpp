// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>

#include "cli/command.hpp"

namespace vcity::cli {
namespace {

Result<Exit> show(Session* session) {
    Table table{.titles = {"Setting", "Value", "Source"}, .rows = {}};
    for (const Setting* setting : session->settings.all()) {
        table.rows.push_back({setting->name, setting->value, setting->source});
    }
    session->output.print(table);
    return Exit::kOk;
}

}  // namespace

void add_config_commands(CLI::App* root, Commands* commands) {
    CLI::App* config = root->add_subcommand("config", "client settings");
    config->require_subcommand(1);
    commands->on(config->add_subcommand("show", "every setting, its value and where the value comes from"), show);
}

}  // namespace vcity::cli
