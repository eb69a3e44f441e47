// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"

#include <CLI/CLI.hpp>

namespace vcity::cli {

void Commands::on(CLI::App* app, Action action) {
    app->callback([this, action = std::move(action)] { chosen_ = action; });
}

}  // namespace vcity::cli
