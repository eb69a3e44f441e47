// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "cli/keys.hpp"
#include "model/node.hpp"

namespace CLI {
class App;
}  // namespace CLI

namespace vcity::wiring {

// What every role process needs, from flags, the role's TOML file (--config) or the environment.
struct RoleOptions {
    std::string name;         // of the role, for logs and file names
    std::string state = ".";  // folder of the store
    std::string store;        // postgresql:// URI; empty: a SQLite file in `state`
    cli::KeyFiles key;
    std::string rpc = "http://127.0.0.1:8545";
    std::string deployment = "deployment.json";
    std::string ops = "127.0.0.1:0";  // health and metrics
    std::string log_level = "info";
    std::string stake = "0";  // VCAI, for roles that register
};
void add_role_options(CLI::App* app, RoleOptions* options);

// "127.0.0.1:8080" as address and port.
struct Endpoint {
    std::string address;
    std::uint16_t port = 0;
};
Result<Endpoint> parse_endpoint(const std::string& text);
// "URL,URL" of each scheduler as its endpoints.
Result<std::vector<std::vector<std::string>>> parse_schedulers(const std::vector<std::string>& texts);

struct NodeRunOptions {
    RoleOptions role;
    // Links of the processes that may act for the scheduler.
    std::vector<std::string> schedulers{"ws://127.0.0.1:8070/link"};
    std::string worker;      // program
    std::string studio;      // program; empty: beside this one, or none
    std::string model;       // Hugging Face folder
    std::string model_name;  // what requests call it
    std::string compute = "fp32";
    std::string device = "cpu";
    std::uint32_t slots = 2;
    std::uint32_t threads = 1;
    std::uint64_t memory_gib = 0;         // of the sandbox; 0: no limit
    std::uint64_t price_input = 100'000;  // micro-dollars per million tokens
    std::uint64_t price_output = 200'000;
    std::string kind = "flexible";
    std::string gpu_model = "cpu";
    std::uint16_t gpu_count = 0;
    std::uint32_t vram_mib = 0;
    std::string region = "local";
    std::string monitor;                   // URL of this machine's monitor, of its listener for the node; empty: none
    bool accept_commands = false;          // run customers' commands in the sandbox, on units of this machine
    std::string encrypt_volumes = "auto";  // files of jobs on this disk: on, off, or auto: where it works
    std::uint32_t unit_cores = 0;          // of the one unit that is offered; 0: half of the machine's
    std::uint32_t unit_memory_mib = 0;     // 0: a quarter of the machine's
    std::string unit_price = "0.01";       // USD for an hour of one core
    std::string unit_spot_price;           // for best-effort work; empty: the same market as all
    std::string units_file;                // several units instead, see services/node/steps/units_file.hpp
    std::string containers;                // podman, docker, a socket or docker:SOCKET; empty: no images are run
    std::vector<std::string> container_registries;  // from which images may be fetched, e.g. "docker.io/library/"
    std::string container_network;  // of the engine, public internet only; empty: containers have no network
    std::string slurm_folder;       // that a Slurm cluster sees as well; empty: steps run on this machine
    std::string slurm_partition;
    std::string slurm_account;
    std::string units;      // "auto": those that an inventory of this machine gives
    std::string inventory;  // file with an inventory instead of this machine
    std::string nvml = "libnvidia-ml.so.1";
    std::string grain = "island";           // see node::Grain
    std::string gpu_price = "0.40";         // USD for an hour of one GPU
    std::string gpu_spot_price;             // for best-effort work
    std::vector<std::string> model_prices;  // "MODEL=USD"
    std::uint32_t reserve_cores = 1;        // that units do not get
    std::uint32_t reserve_memory_mib = 1024;
    bool pause_when_used = false;  // give way to the owner of the machine, see node::HomeRules
    std::uint32_t idle_minutes = 5;
    std::string hours;            // in which it works, see node::parse_hours(); empty: always
    double power_watts = 0;       // most that each GPU may draw while it runs; 0: as it is
    std::uint64_t down_mbit = 0;  // most that files of jobs may take of the line; 0: all
    std::uint64_t up_mbit = 0;
    std::vector<std::string> files_from;    // origins of files beyond the public internet, e.g. a gateway on loopback
    std::uint64_t capacity_memory_mib = 0;  // of the processor when it stands in for a card; 0: no proof is offered
};

struct SchedulerRunOptions {
    RoleOptions role;
    // "KEYFILE", "KEYFILE:home" or "KEYFILE:standby": identities that this process may act for, one a shard, all with
    // the role's password file. Empty: the role's own key, as home.
    std::vector<std::string> shards;
    std::string listen = "127.0.0.1:8070";
    std::string certificate;  // PEM; with it the listener speaks wss
    std::string certificate_key;
    std::vector<std::string> gateways;      // addresses that may place orders
    std::vector<std::string> pinned_roots;  // "model=0x..."
    std::uint32_t epoch_seconds = 10;       // at most so long between two batches
    std::uint32_t claim_seconds = 86'400;
    std::uint32_t audit_per_mille = 10;
};

struct VerifierRunOptions {
    RoleOptions role;
    // Links of the processes that may act for the scheduler.
    std::vector<std::string> schedulers{"ws://127.0.0.1:8070/link"};
    std::vector<std::string> also_schedulers;  // further ones, "URL,URL" each
    std::vector<std::string> models;           // Hugging Face folders of public weights
    std::uint32_t capacity_every = 0;          // seconds between two proofs of capacity; 0: never
};

struct GatewayRunOptions {
    RoleOptions role;
    std::string listen = "127.0.0.1:8080";
    std::string public_url;  // how nodes and browsers reach it; empty: http://<listen>
    // Links of the processes that may act for the scheduler.
    std::vector<std::string> schedulers{"ws://127.0.0.1:8070/link"};
    std::vector<std::string> also_schedulers;  // further ones, "URL,URL" each
    std::string pepper_file;                   // made when absent
    std::string admin_token_file;              // made when absent
    std::string files_dir;                     // contents of files; empty: "files" in the state folder
    std::string web_dir;                       // the built web page; empty: none is served
    double files_gb_per_client = 20;
    double files_gb_reserved = 1;              // of the disk, that stay free
    std::uint32_t requests_max = 4'000;        // at the same time, streams included
    std::uint32_t request_seconds = 900;       // from a request's first byte to its answer's last
    std::string indexer;                       // origin of the explorer API, "http://127.0.0.1:8090"; empty: none
    std::vector<std::string> webhook_origins;  // servers of the operator that webhooks may go to
    std::string x402_facilitator;              // checks and makes payments of single calls; empty: none are sold
    std::string x402_account;                  // who sells them
    std::string x402_token_version = "1";      // of the stablecoin's EIP-712 domain
    std::string public_rpc;  // the chain's JSON-RPC server for browsers; empty: wallets bring their own
    std::vector<std::string> public_schedulers;  // links that whoever wants to join with a node is told
};

struct KeeperRunOptions {
    RoleOptions role;
    std::vector<std::string> duties;  // names; empty: all
    std::uint32_t poll_seconds = 15;
};

struct IndexerRunOptions {
    RoleOptions role;
    std::string listen = "127.0.0.1:8090";
};

}  // namespace vcity::wiring
