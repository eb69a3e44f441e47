// SPDX-License-Identifier: Apache-2.0
#include "devnet/devnet.hpp"

#include <CLI/CLI.hpp>

#include "cli/command.hpp"
#include "codec/hex.hpp"
#include "devnet/chain_setup.hpp"
#include "wiring/run.hpp"

namespace vcity::cli {
namespace {

using codec::Json;

std::string micro(Usd amount) {
    return std::to_string(amount.micro);
}

Result<Json> facts_of(const DevnetOptions& options) {
    TRY(const std::string text, read_file(options.state + "/devnet.json"));
    return codec::parse_json(text);
}

Result<std::string> fact(const Json& facts, const char* name) {
    const Json* value = facts.find(name);
    if (value == nullptr || value->get_string() == nullptr) {
        return make_error(Errc::kCorrupt, std::string{"devnet.json has no "} + name);
    }
    return *value->get_string();
}

Json balances_json(const DevnetBalances& balances) {
    codec::JsonArray accounts;
    for (const AccountRow& row : balances.accounts) {
        const std::uint64_t total = row.wallet.micro + row.escrow.micro;
        accounts.push_back(Json{codec::JsonObject{{"name", row.name},
                                                  {"address", crypto::to_checksum_address(row.address)},
                                                  {"wallet", micro(row.wallet)},
                                                  {"escrow", micro(row.escrow)},
                                                  {"vcai", to_string(row.vcai)},
                                                  {"stake", to_string(row.stake)},
                                                  {"total", std::to_string(total)}}});
    }
    return Json{codec::JsonObject{
        {"accounts", std::move(accounts)}, {"sum", micro(balances.sum)}, {"supply", micro(balances.supply)}}};
}

Table balances_table(const DevnetBalances& balances) {
    Table table{.titles = {"Account", "Address", "Wallet", "Escrow", "VCAI", "Staked VCAI"}, .rows = {}};
    for (const AccountRow& row : balances.accounts) {
        table.rows.push_back({row.name, crypto::to_checksum_address(row.address), to_string(row.wallet),
                              to_string(row.escrow), to_string(row.vcai), to_string(row.stake)});
    }
    table.rows.push_back({"sum of all", "", to_string(balances.sum), "", "", ""});
    table.rows.push_back({"in existence", "", to_string(balances.supply), "", "", ""});
    return table;
}

Result<Exit> run_balances(DevnetOptions options, Session* session) {
    if (options.state.empty()) options.state = default_state_path() + "/devnet";
    TRY(const Json facts, facts_of(options));
    TRY(std::string rpc, fact(facts, "rpc"));
    adapters::AsioRuntime runtime;
    TRY(const DevnetBalances balances,
        wiring::run_task(&runtime, read_devnet_balances(&runtime, DevnetLayout{options}, std::move(rpc))));
    if (session->output.is_json()) {
        session->output.print(balances_json(balances));
    } else {
        session->output.print(balances_table(balances));
    }
    return balances.sum == balances.supply ? Exit::kOk : Exit::kVerification;
}

Result<Exit> run_node_command(const DevnetOptions& options, const ExtraNode& node, Session* session) {
    TRY(const std::vector<std::string> words, extra_node_command(options, node));
    codec::JsonArray command(words.begin(), words.end());
    session->output.print(Json{codec::JsonObject{{"command", std::move(command)}}});
    return Exit::kOk;
}

void add_node_command(CLI::App* devnet, std::shared_ptr<DevnetOptions> options, Commands* commands) {
    auto node = std::make_shared<ExtraNode>();
    CLI::App* command = devnet->add_subcommand(
        "node-command", "make key and money for one more node, and print the command that runs it");
    command->add_option("--name", node->name, "of its key and store")->required();
    command->add_option("--worker", node->worker, "its vcity-worker (default: the network's)");
    command->add_option("--model", node->model, "its model folder (default: the network's)");
    command->add_option("--model-name", node->model_name, "what requests call the model")->required();
    command->add_option("--price-input", node->price_input, "micro-dollars per million tokens read");
    command->add_option("--price-output", node->price_output, "micro-dollars per million tokens written");
    commands->on(command, [options, node](Session* session) { return run_node_command(*options, *node, session); });
}

void add_prepare_command(CLI::App* devnet, std::shared_ptr<DevnetOptions> options, Commands* commands) {
    CLI::App* command =
        devnet->add_subcommand("prepare", "contracts, keys and money on the chain at --rpc, without starting a role");
    command->add_option("--identity", options->identities,
                        "a further identity with a key and money; one that begins with \"scheduler\" gets the "
                        "stake of a scheduler (repeat)");
    commands->on(command, [options](Session* /*session*/) { return prepare_devnet(*options); });
}

}  // namespace

void add_devnet_commands(CLI::App* root, Commands* commands) {
    auto options = std::make_shared<DevnetOptions>();
    CLI::App* devnet = root->add_subcommand("devnet", "a whole network on this machine, until Ctrl-C");
    devnet->add_option("--state", options->state, "folder for everything (default: XDG state vcity/devnet)");
    devnet->add_option("--port-base", options->port_base, "ports are counted from here: gateway +80, scheduler +70")
        ->check(CLI::Range(1024, 60'000))
        ->capture_default_str();
    devnet->add_option("--nodes", options->nodes, "compute nodes")->check(CLI::Range(1, 16))->capture_default_str();
    devnet->add_option("--unit-cores", options->unit_cores, "cores that each node offers")->capture_default_str();
    devnet->add_option("--webhook-origin", options->webhook_origins,
                       "server on this machine that webhooks may go to, e.g. http://127.0.0.1:9000; repeat");
    devnet->add_option("--x402-facilitator", options->x402_facilitator,
                       "the gateway sells single calls by x402, for the client's account: server of the payments");
    devnet->add_option("--slurm-folder", options->slurm_folder,
                       "run steps on the Slurm cluster of SLURM_CONF, which sees this folder");
    devnet->add_option("--containers", options->containers,
                       "engine for steps with images: podman, docker or a socket (default: none)");
    devnet->add_option("--unit-memory-mib", options->unit_memory_mib, "memory that each node offers")
        ->capture_default_str();
    devnet
        ->add_option(
            "--schedulers", options->schedulers,
            "schedulers side by side; nodes belong to one each, and with --store each process stands by for the "
            "others")
        ->check(CLI::Range(1, 4))
        ->capture_default_str();
    devnet->add_option("--store", options->store, "postgresql:// URI of the schedulers (default: SQLite files)");
    devnet->add_option("--rpc", options->rpc, "use this chain instead of starting anvil");
    devnet->add_option("--funder-keystore", options->funder_keystore,
                       "with --rpc: key with coins, deploys and pays gas");
    devnet->add_option("--funder-password-file", options->funder_password_file, "its password");
    devnet->add_option("--model", options->model, "Hugging Face folder (default: the shipped model)");
    devnet->add_option("--worker", options->worker, "the vcity-worker program (default: beside this one)");
    devnet->add_option("--anvil", options->anvil, "the anvil program");
    devnet->add_option("--artifacts", options->artifacts, "folder with the contracts' artifacts.json");
    devnet->add_option("--web", options->web, "the built web page (default: web/dist where that has been built)");
    devnet->add_option("--epoch-seconds", options->epoch_seconds, "at most so long between two batches");
    devnet->add_option("--challenge-seconds", options->challenge_seconds, "the contracts' challenge window");
    commands->on(devnet, [options](Session* /*session*/) { return run_devnet(*options); });

    CLI::App* balances = devnet->add_subcommand("balances", "all accounts, and the sum that must be what exists");
    commands->on(balances, [options](Session* session) { return run_balances(*options, session); });
    add_node_command(devnet, options, commands);
    add_prepare_command(devnet, options, commands);
}

}  // namespace vcity::cli
