// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>

#include "commands/node_owner.hpp"
#include "operator/join.hpp"

namespace vcity::cli {
namespace {

void add_offer_options(CLI::App* join, JoinOptions* options) {
    wiring::NodeRunOptions& node = options->node;
    join->add_option("--worker", node.worker, "the vcity-worker program (default: beside this one)");
    join->add_option("--model", node.model, "Hugging Face folder of the model to serve (default: the shipped one)");
    join->add_option("--model-name", node.model_name, "what requests call it (default: vcity/ and the folder's name)");
    join->add_option("--device", node.device, "cpu or cuda")->check(CLI::IsMember({"cpu", "cuda"}));
    join->add_option("--slots", node.slots, "model calls at the same time")->check(CLI::Range(1, 256));
    join->add_option("--threads", node.threads, "CPU threads of the model")->check(CLI::Range(1, 256));
    join->add_option("--price-input", node.price_input, "micro-dollars per million tokens read")->capture_default_str();
    join->add_option("--price-output", node.price_output, "micro-dollars per million tokens written")
        ->capture_default_str();
    join->add_flag("!--models-only", options->offers_commands, "offer no unit for jobs");
    join->add_option("--unit-cores", node.unit_cores, "cores of the unit (default: half of the machine's)");
    join->add_option("--unit-memory-mib", node.unit_memory_mib, "its memory (default: a quarter of the machine's)");
    join->add_option("--unit-price", node.unit_price, "USD for an hour of one core")->capture_default_str();
    join->add_option("--unit-spot-price", node.unit_spot_price, "USD for an hour of one core of best-effort work");
    join->add_option("--units-file", node.units_file, "JSON with several units to offer instead of the one")
        ->excludes("--unit-cores", "--unit-memory-mib", "--unit-price", "--unit-spot-price");
    join->add_option("--kind", node.kind, "stable (data centre) or flexible (home)")
        ->check(CLI::IsMember({"stable", "flexible"}))
        ->capture_default_str();
    join->add_option("--region", node.region, "e.g. eu-central")->capture_default_str();
    join->add_option("--gpu-model", node.gpu_model, "e.g. \"NVIDIA GeForce RTX 4090\"");
    join->add_option("--gpu-count", node.gpu_count, "cards");
    join->add_option("--vram-mib", node.vram_mib, "memory of all cards together");
    join->add_option("--ops", node.role.ops, "address:port of the node's health port")->capture_default_str();
}

void add_money_options(CLI::App* join, JoinOptions* options) {
    join->add_option("--stake", options->stake, "VCAI to stake (default: what the registry asks now)");
    join->add_option("--funder-keystore", options->funder_keystore,
                     "your wallet's key file: sends what stake and gas need");
    join->add_option("--funder-password-file", options->funder_password_file, "file with its password");
    join->add_option("--wait", options->wait_seconds, "seconds to wait for stake and gas to arrive")
        ->check(CLI::Range(0, 86'400));
    join->add_option("--power-watts", options->power_watts, "what the machine draws while it works, for net earnings")
        ->check(CLI::Range(0.0, 1e6));
    join->add_option("--power-price", options->power_price_kwh, "USD for a kilowatt-hour")
        ->check(CLI::Range(0.0, 100.0));
}

}  // namespace

void add_node_join(CLI::App* node, Commands* commands) {
    auto options = std::make_shared<JoinOptions>();
    CLI::App* join =
        node->add_subcommand("join", "from a bare machine to a node that earns: checks, key, stake, service");
    join->add_option("--state", options->state, "folder of the node (default: /var/lib/vcity/node for root)");
    join->add_option("--network", options->network, "network.json of the network to join");
    join->add_option("--password-file", options->password_file, "file with the key's password (default: made)");
    join->add_flag("--dry-run", options->is_dry_run, "check and tell what would be done, and do nothing");
    join->add_flag("--force", options->is_forced, "go on although a check failed");
    join->add_flag("--no-service", options->skips_service, "install no service");
    join->add_flag("--run", options->runs_here, "become the node at the end, instead of a service");
    join->add_option("--user", options->user, "system user that runs the service")->capture_default_str();
    add_money_options(join, options.get());
    add_offer_options(join, options.get());
    commands->on(join, [options](Session* session) { return run_join(*options, session); });
}

}  // namespace vcity::cli
