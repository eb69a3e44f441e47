// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"

#include <CLI/CLI.hpp>

namespace vcity::cli {

void Commands::on(CLI::App* app, Action action) {
    // A noun that is also a verb (devnet) is called back after its own subcommand.
    app->callback([this, action = std::move(action)] {
        if (!chosen_) chosen_ = action;
    });
}

}  // namespace vcity::cli
