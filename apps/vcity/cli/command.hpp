// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "base/result.hpp"
#include "cli/output.hpp"
#include "cli/settings.hpp"

namespace CLI {
class App;
}  // namespace CLI

namespace vcity::cli {

// What every command has: how to talk, and where the network is. Filled before the chosen command runs.
struct Session {
    Output output{Output::Format::kAuto};
    Settings settings;
    std::string config_path;
    bool assume_yes = false;
};

// What a command returns: an exit code other than kOk when it has said itself what went wrong.
using Action = std::function<Result<Exit>(Session*)>;

// Collects the action of the subcommand that the user named.
class Commands {
  public:
    // Gives the app a callback that remembers the action.
    void on(CLI::App* app, Action action);
    const Action& chosen() const { return chosen_; }

  private:
    Action chosen_;
};

// One function for every noun; each adds its subcommands.
void add_node_commands(CLI::App* root, Commands* commands);
void add_scheduler_commands(CLI::App* root, Commands* commands);
void add_verifier_commands(CLI::App* root, Commands* commands);
void add_gateway_commands(CLI::App* root, Commands* commands);
void add_indexer_commands(CLI::App* root, Commands* commands);
void add_keeper_commands(CLI::App* root, Commands* commands);
void add_monitor_commands(CLI::App* root, Commands* commands);
// verifier attest
void add_attest_command(CLI::App* noun, Commands* commands);
// cell, which the jobs of a Slurm cluster run
void add_cell_command(CLI::App* root, Commands* commands);
// node capacity
void add_capacity_command(CLI::App* noun, Commands* commands);
void add_token_commands(CLI::App* root, Commands* commands);
void add_lock_commands(CLI::App* root, Commands* commands);
void add_gov_commands(CLI::App* root, Commands* commands);
void add_stake_commands(CLI::App* root, Commands* commands);
void add_rewards_commands(CLI::App* root, Commands* commands);
// models, tune, batch
void add_model_commands(CLI::App* root, Commands* commands);
// agent, in agents/
void add_agent_commands(CLI::App* root, Commands* commands);
void add_treasury_commands(CLI::App* root, Commands* commands);
void add_devnet_commands(CLI::App* root, Commands* commands);
void add_chain_commands(CLI::App* root, Commands* commands);
void add_wallet_commands(CLI::App* root, Commands* commands);
void add_chat_commands(CLI::App* root, Commands* commands);
void add_job_commands(CLI::App* root, Commands* commands);
// ssh, port-forward
void add_tunnel_commands(CLI::App* root, Commands* commands);
// logs, the same as job logs
void add_logs_command(CLI::App* root, Commands* commands);
// job submit, run, status, logs, explain, cancel, list
void add_work_commands(CLI::App* noun, Commands* commands);
// files put, list, get, rm
void add_files_commands(CLI::App* root, Commands* commands);
// job files, fetch
void add_job_file_commands(CLI::App* noun, Commands* commands);
// app check, show, convert
void add_app_commands(CLI::App* root, Commands* commands);
// up, down, cost
void add_up_commands(CLI::App* root, Commands* commands);
// deploy list, show, events, scale, update, pause, resume, delete, sla
void add_deploy_commands(CLI::App* root, Commands* commands);
void add_offers_commands(CLI::App* root, Commands* commands);
// scheduler status
void add_scheduler_status(CLI::App* noun, Commands* commands);
void add_receipt_commands(CLI::App* root, Commands* commands);
void add_doctor_commands(CLI::App* root, Commands* commands);
void add_config_commands(CLI::App* root, Commands* commands);
void add_completion_commands(CLI::App* root, Commands* commands);

}  // namespace vcity::cli
