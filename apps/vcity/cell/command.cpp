// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"

#include <CLI/CLI.hpp>

#include "cell/cell.hpp"

namespace vcity::cli {

void add_cell_command(CLI::App* root, Commands* commands) {
    CLI::App* program = root->add_subcommand("cell", "what a job of a Slurm cluster runs for a node's agent");
    program->group("");  // nobody calls it by hand
    const auto folder = std::make_shared<std::string>();
    program->add_option("folder", *folder, "that the agent has prepared")->required();
    commands->on(program, [folder](Session* /*session*/) -> Result<Exit> {
        adapters::AsioRuntime runtime;
        return cell::run_cell(&runtime, *folder) == 0 ? Exit::kOk : Exit::kGeneral;
    });
}

}  // namespace vcity::cli
