// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <csignal>

#include <CLI/CLI.hpp>

#include "account/account.hpp"
#include "cli/command.hpp"
#include "cli/config_file.hpp"
#include "commands/network.hpp"

namespace {

using vcity::cli::Exit;

void add_global_options(CLI::App* root, vcity::cli::Session* session, std::string* format) {
    root->set_version_flag("--version", VCITY_VERSION);
    root->require_subcommand(1);
    root->fallthrough();
    root->option_defaults()->ignore_case(false);
    root->add_flag_callback(
        "--json", [format] { *format = "json"; }, "print JSON (the default when output is not a terminal)");
    root->add_option("-o,--output", *format, "json or table")->check(CLI::IsMember({"json", "table"}));
    root->add_option("--settings", session->config_path,
                     "client settings file (default: XDG config vcity/config.toml)");
    root->add_flag("-y,--yes", session->assume_yes, "do not ask before something that cannot be undone");
}

vcity::cli::Output::Format format_of(const std::string& name) {
    if (name == "json") return vcity::cli::Output::Format::kJson;
    if (name == "table") return vcity::cli::Output::Format::kTable;
    return vcity::cli::Output::Format::kAuto;
}

void add_commands(CLI::App* root, vcity::cli::Commands* commands) {
    vcity::cli::add_devnet_commands(root, commands);
    vcity::cli::add_node_commands(root, commands);
    vcity::cli::add_scheduler_commands(root, commands);
    vcity::cli::add_verifier_commands(root, commands);
    vcity::cli::add_gateway_commands(root, commands);
    vcity::cli::add_indexer_commands(root, commands);
    vcity::cli::add_keeper_commands(root, commands);
    vcity::cli::add_monitor_commands(root, commands);
    vcity::cli::add_cell_command(root, commands);
    vcity::cli::add_chain_commands(root, commands);
    vcity::cli::add_wallet_commands(root, commands);
    vcity::cli::add_account_commands(root, commands);
    vcity::cli::add_token_commands(root, commands);
    vcity::cli::add_lock_commands(root, commands);
    vcity::cli::add_gov_commands(root, commands);
    vcity::cli::add_stake_commands(root, commands);
    vcity::cli::add_rewards_commands(root, commands);
    vcity::cli::add_treasury_commands(root, commands);
    vcity::cli::add_agent_commands(root, commands);
    vcity::cli::add_chat_commands(root, commands);
    vcity::cli::add_model_commands(root, commands);
    vcity::cli::add_job_commands(root, commands);
    vcity::cli::add_tunnel_commands(root, commands);
    vcity::cli::add_logs_command(root, commands);
    vcity::cli::add_files_commands(root, commands);
    vcity::cli::add_app_commands(root, commands);
    vcity::cli::add_up_commands(root, commands);
    vcity::cli::add_deploy_commands(root, commands);
    vcity::cli::add_offers_commands(root, commands);
    vcity::cli::add_network_commands(root, commands);
    vcity::cli::add_receipt_commands(root, commands);
    vcity::cli::add_doctor_commands(root, commands);
    vcity::cli::add_config_commands(root, commands);
    vcity::cli::add_completion_commands(root, commands);
}

int run(vcity::cli::Session* session, const vcity::cli::Commands& commands) {
    auto settings = vcity::cli::load_settings(session->config_path);
    if (!settings) {
        session->output.print_error(settings.error());
        return static_cast<int>(Exit::kUsage);
    }
    session->settings = *std::move(settings);
    const auto result = commands.chosen()(session);
    if (result) return static_cast<int>(*result);
    session->output.print_error(result.error());
    return static_cast<int>(vcity::cli::exit_of(result.error()));
}

}  // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    vcity::cli::Session session;
    vcity::cli::Commands commands;
    std::string format;
    CLI::App root{"Vcity: one network of everyone's idle GPUs. Roles, tools and a development network in one program."};
    add_global_options(&root, &session, &format);
    add_commands(&root, &commands);
    auto words = vcity::cli::with_config_file({argv + 1, argv + argc});
    if (!words) {
        session.output.print_error(words.error());
        return static_cast<int>(vcity::cli::exit_of(words.error()));
    }
    try {
        std::reverse(words->begin(), words->end());
        root.parse(*std::move(words));
    } catch (const CLI::ParseError& error) {
        const int code = root.exit(error);
        return code == 0 ? 0 : static_cast<int>(Exit::kUsage);
    }
    session.output = vcity::cli::Output{format_of(format)};
    return run(&session, commands);
}
