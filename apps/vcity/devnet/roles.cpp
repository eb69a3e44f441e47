// SPDX-License-Identifier: Apache-2.0
#include "devnet/roles.hpp"

#include <filesystem>

#include <fmt/format.h>

#include "codec/hex.hpp"
#include "devnet/chain_setup.hpp"
#include "services/scheduler/shards/shard_listener.hpp"
#include "wiring/roles.hpp"

namespace vcity::cli {
namespace {

constexpr std::uint64_t kStateSeconds = 2;
constexpr std::uint64_t kKeeperPollSeconds = 2;
// Nodes ask different prices, so that the choice has a reason.
constexpr std::uint64_t kPriceInput = 100'000;
constexpr std::uint64_t kPriceOutput = 300'000;
constexpr std::uint64_t kPriceStep = 20'000;

std::string this_program() {
    std::error_code error;
    return std::filesystem::read_symlink("/proc/self/exe", error).string();
}

std::string model_name(const DevnetOptions& options) {
    return "vcity/" + std::filesystem::path{options.model}.filename().string();
}

std::vector<std::string> role_command(const DevnetLayout& layout,
                                      const std::string& role,
                                      const std::string& name,
                                      const std::string& rpc,
                                      std::uint16_t ops_port) {
    std::vector<std::string> command{this_program(),
                                     role,
                                     "run",
                                     "--state",
                                     layout.store(name),
                                     "--rpc",
                                     rpc,
                                     "--deployment",
                                     layout.file("deployment.json"),
                                     "--ops",
                                     fmt::format("127.0.0.1:{}", ops_port)};
    // An indexer only reads; it has no key.
    const KeyFiles key = layout.key(name);
    if (std::filesystem::exists(key.keystore)) {
        command.insert(command.end(), {"--keystore", key.keystore, "--password-file", key.password_file});
    }
    return command;
}

void append(std::vector<std::string>* command, std::vector<std::string> words) {
    command->insert(command->end(), words.begin(), words.end());
}

std::vector<std::string> as_options(const std::string& option, const std::vector<std::string>& values) {
    std::vector<std::string> words;
    for (const std::string& value : values) append(&words, {option, value});
    return words;
}

// Of several processes each is home of its own shard, and with a common database stands by for those of the others.
std::vector<std::string> scheduler_words(const DevnetLayout& layout, const DevnetOptions& options, std::uint16_t own) {
    std::vector<std::string> words{"--listen",          fmt::format("127.0.0.1:{}", layout.scheduler_port(own)),
                                   "--stake",           to_string(kSchedulerStake),
                                   "--epoch-seconds",   std::to_string(options.epoch_seconds),
                                   "--claim-seconds",   std::to_string(options.epoch_seconds),
                                   "--audit-per-mille", "1000"};
    if (!options.store.empty()) append(&words, {"--store", options.store});
    const bool has_standbys = options.schedulers > 1 && !options.store.empty();
    for (std::uint16_t offset = 0; has_standbys && offset < options.schedulers; ++offset) {
        const auto index = static_cast<std::uint16_t>((own + offset) % options.schedulers);
        const std::string key = layout.key(DevnetLayout::scheduler_name(index)).keystore;
        append(&words, {"--shard", key + (offset == 0 ? ":home" : ":standby")});
    }
    return words;
}

// For the roles that work with every scheduler.
Result<std::vector<std::string>> all_scheduler_words(const DevnetLayout& layout, const DevnetOptions& options) {
    TRY(const std::vector<std::string> first, scheduler_links(layout, options, 0));
    std::vector<std::string> words = as_options("--scheduler", first);
    for (std::uint16_t shard = 1; shard < options.schedulers; ++shard) {
        TRY(const std::vector<std::string> links, scheduler_links(layout, options, shard));
        append(&words, {"--also-scheduler", fmt::format("{}", fmt::join(links, ","))});
    }
    return words;
}

}  // namespace

Result<std::vector<std::string>> scheduler_links(const DevnetLayout& layout,
                                                 const DevnetOptions& options,
                                                 std::uint16_t shard) {
    if (options.schedulers == 1 || options.store.empty()) {
        return std::vector<std::string>{fmt::format("ws://127.0.0.1:{}/link", layout.scheduler_port(shard))};
    }
    TRY(const Address address, keystore_address(layout.key(DevnetLayout::scheduler_name(shard)).keystore));
    std::vector<std::string> links;
    for (std::uint16_t offset = 0; offset < options.schedulers; ++offset) {
        const auto index = static_cast<std::uint16_t>((shard + offset) % options.schedulers);
        links.push_back(
            fmt::format("ws://127.0.0.1:{}{}", layout.scheduler_port(index), scheduler::path_of_shard(address)));
    }
    return links;
}

ChildSpec anvil_spec(const DevnetLayout& layout, const DevnetOptions& options) {
    return {
        .name = "anvil",
        .command = {options.anvil, "--host", "127.0.0.1", "--port", std::to_string(layout.anvil_port()), "--accounts",
                    "1", "--block-time", std::to_string(kAnvilBlockSeconds), "--state", layout.file("anvil.json"),
                    "--state-interval", std::to_string(kStateSeconds), "--preserve-historical-states", "--quiet"},
        .log_path = layout.log("anvil")};
}

Result<std::vector<std::string>> node_command(const DevnetLayout& layout,
                                              const DevnetOptions& options,
                                              const std::string& rpc,
                                              const NodePlan& plan) {
    std::vector<std::string> command = role_command(layout, "node", plan.name, rpc, plan.ops_port);
    TRY(const std::vector<std::string> links, scheduler_links(layout, options, plan.shard));
    append(&command, as_options("--scheduler", links));
    append(&command, {"--stake", to_string(kNodeStake), "--worker", options.worker, "--model", options.model,
                      "--model-name", plan.model_name, "--price-input", std::to_string(plan.price_input),
                      "--price-output", std::to_string(plan.price_output), "--accept-commands", "--unit-cores",
                      std::to_string(options.unit_cores), "--unit-memory-mib", std::to_string(options.unit_memory_mib),
                      // The gateway of a devnet is on loopback.
                      "--files-from", fmt::format("http://127.0.0.1:{}", layout.gateway_port())});
    if (!options.slurm_folder.empty()) append(&command, {"--slurm-folder", options.slurm_folder});
    if (!options.containers.empty()) append(&command, {"--containers", options.containers});
    return command;
}

Result<std::vector<RoleProcess>> role_processes(const DevnetLayout& layout,
                                                const DevnetOptions& options,
                                                const std::string& rpc) {
    TRY(const Address gateway, keystore_address(layout.key("gateway").keystore));
    TRY(const Hash root, wiring::model_root(options.model));
    std::vector<RoleProcess> roles;
    std::uint16_t next = 0;
    const auto add_role = [&](const std::string& name, std::vector<std::string> command, std::uint16_t ops_port) {
        roles.push_back({.spec = {.name = name, .command = std::move(command), .log_path = layout.log(name)},
                         .ops_port = ops_port});
    };
    const auto plain = [&](const std::string& role, std::vector<std::string> words) {
        const std::uint16_t ops_port = layout.ops_port(next++);
        std::vector<std::string> command = role_command(layout, role, role, rpc, ops_port);
        append(&command, std::move(words));
        add_role(role, std::move(command), ops_port);
    };
    for (std::uint16_t index = 0; index < options.schedulers; ++index) {
        const std::uint16_t ops_port = layout.ops_port(next++);
        const std::string name = DevnetLayout::scheduler_name(index);
        std::vector<std::string> command = role_command(layout, "scheduler", name, rpc, ops_port);
        append(&command, scheduler_words(layout, options, index));
        append(&command, {"--gateway", crypto::to_checksum_address(gateway), "--model-root",
                          model_name(options) + "=" + codec::to_hex(root)});
        add_role(name, std::move(command), ops_port);
    }
    TRY(const std::vector<std::string> links, scheduler_links(layout, options, 0));
    TRY(const std::vector<std::string> all_schedulers, all_scheduler_words(layout, options));
    std::vector<std::string> of_verifier = all_schedulers;
    append(&of_verifier, {"--stake", to_string(kNodeStake), "--model", options.model});
    plain("verifier", std::move(of_verifier));
    for (std::uint16_t index = 0; index < options.nodes; ++index) {
        const std::uint16_t ops_port = layout.ops_port(next++);
        const std::string name = DevnetLayout::node_name(index);
        const NodePlan plan{.name = name,
                            .model_name = model_name(options),
                            .ops_port = ops_port,
                            .price_input = kPriceInput + index * kPriceStep,
                            .price_output = kPriceOutput + index * kPriceStep,
                            .shard = static_cast<std::uint16_t>(index % options.schedulers)};
        TRY(std::vector<std::string> command, node_command(layout, options, rpc, plan));
        add_role(name, std::move(command), ops_port);
    }
    std::vector<std::string> of_gateway = all_schedulers;
    append(&of_gateway, {"--listen", fmt::format("127.0.0.1:{}", layout.gateway_port()), "--indexer",
                         layout.url(layout.indexer_port()), "--public-rpc", rpc});
    append(&of_gateway, as_options("--public-scheduler", links));
    if (!options.web.empty()) append(&of_gateway, {"--web", options.web});
    append(&of_gateway, as_options("--webhook-origin", options.webhook_origins));
    if (!options.x402_facilitator.empty()) {
        TRY(const Address client, keystore_address(layout.key("client").keystore));
        append(&of_gateway,
               {"--x402-facilitator", options.x402_facilitator, "--x402-account", crypto::to_checksum_address(client)});
    }
    plain("gateway", std::move(of_gateway));
    plain("keeper", {"--poll-seconds", std::to_string(kKeeperPollSeconds)});
    plain("indexer", {"--listen", fmt::format("127.0.0.1:{}", layout.indexer_port())});
    return roles;
}

}  // namespace vcity::cli
