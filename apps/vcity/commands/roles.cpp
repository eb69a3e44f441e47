// SPDX-License-Identifier: Apache-2.0
#include "wiring/roles.hpp"

#include <CLI/CLI.hpp>

#include "cli/command.hpp"
#include "commands/check_endpoint.hpp"

namespace vcity::cli {
namespace {

CLI::App* add_run(CLI::App* noun, const char* what, wiring::RoleOptions* options) {
    CLI::App* run = noun->add_subcommand("run", what);
    wiring::add_role_options(run, options);
    return run;
}

void add_stake(CLI::App* run, wiring::RoleOptions* options) {
    run->add_option("--stake", options->stake, "VCAI to stake when this identity is not registered yet");
}

void add_also_schedulers(CLI::App* run, std::vector<std::string>* schedulers) {
    run->add_option("--also-scheduler", *schedulers,
                    "links of a further scheduler, of this or another operator, that is served as well: URL, or "
                    "URL,URL... of the processes that may act for it (repeat for each scheduler)");
}

}  // namespace

void add_scheduler_commands(CLI::App* root, Commands* commands) {
    auto options = std::make_shared<wiring::SchedulerRunOptions>();
    CLI::App* noun = root->add_subcommand("scheduler", "places jobs on nodes and settles them");
    noun->require_subcommand(1);
    CLI::App* run = add_run(noun, "run a scheduler until it is told to stop", &options->role);
    add_stake(run, &options->role);
    run->add_option("--listen", options->listen, "address:port for nodes, gateways and verifiers")
        ->capture_default_str();
    run->add_option("--shard", options->shards,
                    "KEYFILE, KEYFILE:home or KEYFILE:standby: an identity to act for, with the --store that its other "
                    "processes share (repeat; default: the one of --keystore)");
    run->add_option("--certificate", options->certificate, "PEM certificate; with it peers dial wss");
    run->add_option("--certificate-key", options->certificate_key, "PEM key of the certificate");
    run->add_option("--gateway", options->gateways, "address of a gateway that may place orders (repeat)");
    run->add_option("--model-root", options->pinned_roots,
                    "model=0x...: only these weights count as that model (repeat)");
    run->add_option("--epoch-seconds", options->epoch_seconds, "at most so long between two batches");
    run->add_option("--claim-seconds", options->claim_seconds, "between two rounds of claims for nodes");
    run->add_option("--audit-per-mille", options->audit_per_mille,
                    "results of each node audited at least, of a thousand")
        ->check(CLI::Range(0, 1000));
    commands->on(run, [options](Session* /*session*/) { return wiring::run_scheduler(*options); });
    add_scheduler_status(noun, commands);
}

void add_verifier_commands(CLI::App* root, Commands* commands) {
    auto options = std::make_shared<wiring::VerifierRunOptions>();
    CLI::App* noun = root->add_subcommand("verifier", "checks on a CPU that results came from the promised model");
    noun->require_subcommand(1);
    CLI::App* run = add_run(noun, "run a verifier until it is told to stop", &options->role);
    add_stake(run, &options->role);
    run->add_option("--scheduler", options->schedulers,
                    "link of the scheduler; repeat for each process that may act for it")
        ->capture_default_str();
    add_also_schedulers(run, &options->also_schedulers);
    run->add_option("--model", options->models, "folder with a model's public weights (repeat)")->required();
    run->add_option("--capacity-every", options->capacity_every,
                    "seconds between two proofs of capacity asked of connected nodes (0: never)")
        ->check(CLI::Range(0, 1 << 24));
    commands->on(run, [options](Session* /*session*/) { return wiring::run_verifier(*options); });
    add_attest_command(noun, commands);
    add_check_endpoint(noun, commands);
}

void add_gateway_commands(CLI::App* root, Commands* commands) {
    auto options = std::make_shared<wiring::GatewayRunOptions>();
    CLI::App* noun = root->add_subcommand("gateway", "the OpenAI-compatible front of the network");
    noun->require_subcommand(1);
    CLI::App* run = add_run(noun, "run a gateway until it is told to stop", &options->role);
    run->add_option("--listen", options->listen, "address:port for clients")->capture_default_str();
    run->add_option("--public-url", options->public_url,
                    "how nodes and browsers reach this gateway, e.g. https://gw.example (default: http://<listen>)");
    run->add_option("--scheduler", options->schedulers,
                    "link of the scheduler; repeat for each process that may act for it")
        ->capture_default_str();
    add_also_schedulers(run, &options->also_schedulers);
    run->add_option("--indexer", options->indexer, "URL of the indexer, for what /api/v1 shows of the chain");
    run->add_option("--webhook-origin", options->webhook_origins,
                    "server that webhooks may go to though it is not public, e.g. http://127.0.0.1:9000; repeat");
    run->add_option("--x402-facilitator", options->x402_facilitator,
                    "sell single calls by x402: server that checks and makes the payments, with --x402-account");
    run->add_option("--x402-account", options->x402_account,
                    "address that sells them: its key named x402 pays for the work");
    run->add_option("--x402-token-version", options->x402_token_version,
                    "version in the stablecoin's EIP-712 domain (USDC: 2)")
        ->capture_default_str();
    run->add_option("--public-rpc", options->public_rpc, "JSON-RPC URL of the chain that browsers may use");
    run->add_option("--public-scheduler", options->public_schedulers,
                    "link of a scheduler that new nodes may dial, e.g. wss://s.example/link; repeat");
    run->add_option("--pepper-file", options->pepper_file, "secret that API keys are stored under (made when absent)");
    run->add_option("--admin-token-file", options->admin_token_file, "token for /admin (made when absent)");
    run->add_option("--web", options->web_dir, "folder of the built web page (web/dist), to be served at /");
    run->add_option("--files-dir", options->files_dir,
                    "folder for the contents of files (default: files, in the state)");
    run->add_option("--requests", options->requests_max, "at most so many requests at the same time")
        ->check(CLI::Range(1, 100'000))
        ->capture_default_str();
    run->add_option("--request-seconds", options->request_seconds, "at most so long for a request and its answer")
        ->check(CLI::Range(1, 3'000))
        ->capture_default_str();
    run->add_option("--files-gb-per-client", options->files_gb_per_client,
                    "GiB of files that a client and its jobs may have")
        ->check(CLI::Range(0.001, 1e6))
        ->capture_default_str();
    run->add_option("--files-gb-reserved", options->files_gb_reserved, "GiB of the disk that files leave free")
        ->check(CLI::Range(0.0, 1e6))
        ->capture_default_str();
    commands->on(run, [options](Session* /*session*/) { return wiring::run_gateway(*options); });
}

void add_indexer_commands(CLI::App* root, Commands* commands) {
    auto options = std::make_shared<wiring::IndexerRunOptions>();
    CLI::App* noun = root->add_subcommand("indexer", "turns chain events into answers");
    noun->require_subcommand(1);
    CLI::App* run = add_run(noun, "run an indexer until it is told to stop", &options->role);
    run->add_option("--listen", options->listen, "address:port of the explorer API")->capture_default_str();
    commands->on(run, [options](Session* /*session*/) { return wiring::run_indexer(*options); });
}

}  // namespace vcity::cli
