// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>

#include "cli/command.hpp"
#include "codec/hex.hpp"
#include "commands/node_owner.hpp"
#include "wiring/roles.hpp"

namespace vcity::cli {
namespace {

using codec::Json;

void add_model_options(CLI::App* run, wiring::NodeRunOptions* options) {
    run->add_option("--worker", options->worker, "the vcity-worker program (default: beside this one)");
    run->add_option("--studio", options->studio, "the vcity-studio program (default: beside this one, if it is there)");
    run->add_option("--model", options->model, "Hugging Face folder of the model to serve")->required();
    run->add_option("--model-name", options->model_name, "what requests call it (default: the folder's name)");
    run->add_option("--compute", options->compute, "fp32 or bf16")->check(CLI::IsMember({"fp32", "bf16"}));
    run->add_option("--device", options->device, "cpu or cuda")->check(CLI::IsMember({"cpu", "cuda"}));
    run->add_option("--slots", options->slots, "requests at the same time")->check(CLI::Range(1, 256));
    run->add_option("--threads", options->threads, "CPU threads of the worker")->check(CLI::Range(1, 256));
    run->add_option("--memory-gib", options->memory_gib, "address space of the sandbox; 0 is no limit");
    run->add_option("--price-input", options->price_input, "micro-dollars per million tokens read")
        ->capture_default_str();
    run->add_option("--price-output", options->price_output, "micro-dollars per million tokens written")
        ->capture_default_str();
}

void add_unit_options(CLI::App* run, wiring::NodeRunOptions* options) {
    run->add_flag("--accept-commands", options->accept_commands,
                  "offer a unit of this machine: run customers' commands, without network, in the sandbox");
    run->add_option("--encrypt-volumes", options->encrypt_volumes,
                    "files of jobs are on this disk in encrypted form only: on, off, or auto: where it works")
        ->check(CLI::IsMember({"auto", "on", "off"}))
        ->capture_default_str();
    run->add_option("--unit-cores", options->unit_cores, "cores of the unit (default: half of the machine's)");
    run->add_option("--unit-memory-mib", options->unit_memory_mib, "its memory (default: a quarter of the machine's)");
    run->add_option("--unit-price", options->unit_price, "USD for an hour of one core")->capture_default_str();
    run->add_option("--unit-spot-price", options->unit_spot_price,
                    "USD for an hour of one core of best-effort work, which gives way to other work");
    run->add_option(
        "--files-from", options->files_from,
        "origin of customers' files that is not on the public internet, e.g. http://127.0.0.1:8080; repeatable");
    run->add_option("--containers", options->containers,
                    "run images: podman, docker, a socket of podman's service, or docker:SOCKET")
        ->needs("--accept-commands");
    run->add_option("--container-registry", options->container_registries,
                    "fetch images whose names begin so, e.g. docker.io/library/; repeatable")
        ->needs("--containers");
    run->add_option("--container-network", options->container_network,
                    "network of the engine that reaches the public internet only; see docs/containers.md")
        ->needs("--containers");
    run->add_option("--slurm-folder", options->slurm_folder,
                    "run steps on the nodes of a Slurm cluster, which see this folder and this program under the same "
                    "paths; see docs/slurm.md")
        ->needs("--accept-commands");
    run->add_option("--slurm-partition", options->slurm_partition, "(default: the cluster's)")->needs("--slurm-folder");
    run->add_option("--slurm-account", options->slurm_account, "that the cluster counts its use for")
        ->needs("--slurm-folder");
    run->add_option("--units-file", options->units_file, "JSON with several units to offer instead of the one")
        ->excludes("--unit-cores", "--unit-memory-mib", "--unit-price", "--unit-spot-price");
    run->add_option("--units", options->units, "auto: what an inventory of this machine gives (see node inventory)")
        ->check(CLI::IsMember({"auto"}))
        ->excludes("--units-file", "--unit-cores", "--unit-memory-mib");
    add_inventory_options(run, options);
}

void add_home_options(CLI::App* run, wiring::NodeRunOptions* options) {
    run->add_flag("--pause-when-used", options->pause_when_used,
                  "give way while somebody uses this machine: keyboard, other programs on processor or GPUs, battery");
    run->add_option("--idle-minutes", options->idle_minutes, "without a key or a click before it works again")
        ->check(CLI::Range(1, 1440))
        ->capture_default_str();
    run->add_option("--hours", options->hours, "when it works, e.g. \"mon-fri 18:00-08:00; sat,sun 00:00-24:00\"");
    run->add_option("--power-watts", options->power_watts,
                    "most that each GPU may draw while the node runs (needs root)")
        ->check(CLI::Range(0, 5000));
    run->add_option("--down-mbit", options->down_mbit, "most that files of jobs may take of the line, coming in")
        ->check(CLI::Range(0, 1'000'000));
    run->add_option("--up-mbit", options->up_mbit, "the same going out")->check(CLI::Range(0, 1'000'000));
}

void add_hardware_options(CLI::App* run, wiring::NodeRunOptions* options) {
    run->add_option("--kind", options->kind, "stable (data centre) or flexible (home)")
        ->check(CLI::IsMember({"stable", "flexible"}));
    run->add_option("--gpu-model", options->gpu_model, "e.g. \"NVIDIA GeForce RTX 4090\"");
    run->add_option("--gpu-count", options->gpu_count, "cards");
    run->add_option("--vram-mib", options->vram_mib, "memory of all cards together");
    run->add_option("--region", options->region, "e.g. eu-central");
    run->add_option("--capacity-memory-mib", options->capacity_memory_mib,
                    "offer proofs of capacity; memory of the processor when it stands in for a card (0: offer none)")
        ->check(CLI::Range(0, 1 << 24));
    run->add_option("--monitor", options->monitor, "URL of this machine's monitor, e.g. http://127.0.0.1:8101");
}

Result<Exit> run_model_root(const std::string& folder, Session* session) {
    TRY(const Hash root, wiring::model_root(folder));
    Json record{codec::JsonObject{}};
    record.set("model_root", codec::to_hex(root));
    session->output.print(record);
    return Exit::kOk;
}

}  // namespace

void add_node_commands(CLI::App* root, Commands* commands) {
    auto options = std::make_shared<wiring::NodeRunOptions>();
    CLI::App* node = root->add_subcommand("node", "runs models for the network and earns");
    node->require_subcommand(1);

    CLI::App* run = node->add_subcommand("run", "run a compute node until it is told to stop");
    wiring::add_role_options(run, &options->role);
    run->add_option("--stake", options->role.stake, "VCAI to stake when this identity is not registered yet");
    run->add_option("--scheduler", options->schedulers,
                    "link of the scheduler; repeat for each process that may act for it")
        ->capture_default_str();
    add_model_options(run, options.get());
    add_hardware_options(run, options.get());
    add_unit_options(run, options.get());
    add_home_options(run, options.get());
    commands->on(run, [options](Session* /*session*/) { return wiring::run_node(*options); });

    add_node_join(node, commands);
    add_node_status(node, commands);
    add_node_earnings(node, commands);
    add_node_doctor(node, commands);
    add_node_inventory(node, commands);
    add_capacity_command(node, commands);

    CLI::App* model_root = node->add_subcommand("model-root", "the weights root that names a model exactly");
    model_root->add_option("--model", options->model, "Hugging Face folder")->required();
    commands->on(model_root, [options](Session* session) { return run_model_root(options->model, session); });
}

}  // namespace vcity::cli
