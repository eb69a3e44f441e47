// SPDX-License-Identifier: Apache-2.0
#include <array>

#include <fmt/core.h>
#include <unistd.h>

#include "adapters/store_postgres/store.hpp"
#include "adapters/store_sqlite/store.hpp"
#include "codec/hex.hpp"
#include "codec/json.hpp"
#include "services/scheduler/shards/host.hpp"
#include "wiring/role_host.hpp"
#include "wiring/roles.hpp"
#include "wiring/run.hpp"

namespace vcity::wiring {
namespace {

Result<std::map<std::string, Hash>> parse_roots(const std::vector<std::string>& pinned) {
    std::map<std::string, Hash> roots;
    for (const std::string& text : pinned) {
        const std::size_t split = text.rfind('=');
        if (split == std::string::npos) return make_error(Errc::kInvalid, fmt::format("{} is not model=0x...", text));
        TRY(const Hash root, codec::parse_fixed<Hash>(text.substr(split + 1)));
        roots.emplace(text.substr(0, split), root);
    }
    return roots;
}

Result<scheduler::SchedulerOptions> to_options(const SchedulerRunOptions& options) {
    scheduler::SchedulerOptions result;
    TRY(result.stake, parse_vcai(options.role.stake));
    TRY(result.model_roots, parse_roots(options.pinned_roots));
    for (const std::string& text : options.gateways) {
        TRY(const Address gateway, crypto::parse_address(text));
        result.gateways.insert(gateway);
    }
    result.audit.per_mille = options.audit_per_mille;
    result.settle_every = std::chrono::seconds{options.epoch_seconds};
    result.claim_every = std::chrono::seconds{options.claim_seconds};
    return result;
}

// One identity that this process may act for, with what is its own.
struct ShardParts {
    std::unique_ptr<cli::KeySigner> signer;
    std::unique_ptr<ports::Store> store;
    std::unique_ptr<ChainConnection> chain;
    bool is_home = true;
};

struct ShardChoice {
    std::string keystore;
    bool is_home = true;
};

std::vector<ShardChoice> choices_of(const SchedulerRunOptions& options) {
    constexpr std::string_view kHome = ":home";
    constexpr std::string_view kStandby = ":standby";
    std::vector<ShardChoice> choices;
    for (std::string text : options.shards) {
        ShardChoice choice;
        choice.is_home = !text.ends_with(kStandby);
        if (text.ends_with(kHome)) text.resize(text.size() - kHome.size());
        if (text.ends_with(kStandby)) text.resize(text.size() - kStandby.size());
        choice.keystore = std::move(text);
        choices.push_back(std::move(choice));
    }
    if (choices.empty()) choices.push_back({.keystore = options.role.key.keystore, .is_home = true});
    return choices;
}

// In a database the shard's space, shared with the other processes that may act for it; otherwise a file of this
// process alone.
Result<std::unique_ptr<ports::Store>> open_shard_store(const SchedulerRunOptions& options, const Address& shard) {
    // A row lock that this process holds in its sleep must not keep others from taking over.
    constexpr std::chrono::milliseconds kIdleInTransaction{1'000};
    const std::string space = "scheduler-" + codec::to_hex(shard);
    if (options.role.store.empty()) {
        adapters::SqliteStoreOptions file;
        file.path = options.role.state + "/" + (options.shards.empty() ? "scheduler" : space) + ".sqlite";
        return adapters::SqliteStore::open(file);
    }
    if (!options.role.store.starts_with("postgresql://")) {
        return make_error(Errc::kInvalid, "--store is a postgresql:// URI, not \"" + options.role.store + "\"");
    }
    adapters::PostgresStoreOptions database;
    database.uri = options.role.store;
    database.space = space;
    database.idle_in_transaction = kIdleInTransaction;
    return adapters::PostgresStore::open(database);
}

Result<ShardParts> open_shard(RoleHost* host, const SchedulerRunOptions& options, const ShardChoice& choice) {
    ShardParts shard;
    shard.is_home = choice.is_home;
    const cli::KeyFiles key{.keystore = choice.keystore, .password_file = options.role.key.password_file};
    TRY(crypto::PrivateKey loaded, cli::load_key(key));
    shard.signer = std::make_unique<cli::KeySigner>(std::move(loaded));
    TRY(shard.store, open_shard_store(options, shard.signer->address()));
    shard.chain = std::make_unique<ChainConnection>(host->runtime(), options.role.rpc, shard.signer.get());
    TRY_OK(
        run_task(host->runtime(), bind_patiently(host->runtime(), shard.chain.get(), host->deployment(), host->log())));
    return shard;
}

std::string process_name() {
    std::array<char, 64> name{};
    const bool is_known = gethostname(name.data(), name.size() - 1) == 0;
    return fmt::format("{}:{}", is_known ? name.data() : "host", getpid());
}

codec::Json to_json(const scheduler::ShardStatus& shard) {
    codec::Json record{codec::JsonObject{}};
    record.set("shard", crypto::to_checksum_address(shard.address));
    record.set("epoch", shard.epoch);
    record.set("owner", shard.owner);
    record.set("is_ours", shard.is_ours);
    record.set("is_home", shard.is_home);
    record.set("is_ready", shard.is_ready);
    record.set("seconds", static_cast<std::uint64_t>(shard.since.count()));
    record.set("nodes", static_cast<std::uint64_t>(shard.nodes));
    record.set("units", static_cast<std::uint64_t>(shard.units));
    record.set("live_jobs", static_cast<std::uint64_t>(shard.live_jobs));
    record.set("unsettled_jobs", static_cast<std::uint64_t>(shard.unsettled_jobs));
    if (!shard.failure.empty()) record.set("failure", shard.failure);
    return record;
}

// What `vcity scheduler status` reads.
std::string status_text(const std::string& process, const scheduler::SchedulerHost& role) {
    codec::JsonArray shards;
    for (const scheduler::ShardStatus& shard : role.status()) shards.push_back(to_json(shard));
    codec::Json record{codec::JsonObject{}};
    record.set("process", process);
    record.set("shards", std::move(shards));
    return codec::dump_json(record);
}

Result<std::unique_ptr<adapters::WebSocketListener>> open_listener(RoleHost* host, const SchedulerRunOptions& options) {
    TRY(const Endpoint listen, parse_endpoint(options.listen));
    adapters::LinkListenerOptions link;
    link.address = listen.address;
    link.port = listen.port;
    link.certificate_file = options.certificate;
    link.key_file = options.certificate_key;
    link.log = host->log().named("link");
    return adapters::WebSocketListener::make(host->runtime(), host->runtime()->executor(), link);
}

}  // namespace

Result<cli::Exit> run_scheduler(const SchedulerRunOptions& options) {
    RoleOptions role_options = options.role;
    role_options.key = {};  // every shard has its own
    TRY(const auto host, RoleHost::make("scheduler", role_options, RoleHost::OwnStore::kNone));
    TRY(const scheduler::SchedulerOptions settings, to_options(options));
    std::vector<ShardParts> parts;
    for (const ShardChoice& choice : choices_of(options)) {
        TRY(ShardParts shard, open_shard(host.get(), options, choice));
        parts.push_back(std::move(shard));
    }
    TRY(const auto listener, open_listener(host.get(), options));
    scheduler::HostOptions lease;
    lease.lease.owner = process_name();
    lease.lease.is_alone = options.role.store.empty();
    std::vector<scheduler::HostedShard> shards;
    for (const ShardParts& shard : parts) {
        shards.push_back({.store = shard.store.get(),
                          .signer = shard.signer.get(),
                          .chain_writer = shard.chain->writer(),
                          .options = settings,
                          .is_home = shard.is_home});
    }
    scheduler::HostDeps deps{.runtime = host->runtime(),
                             .listener = listener.get(),
                             .chain_reader = host->chain()->reader(),
                             .metrics = host->metrics(),
                             .deployment = host->deployment(),
                             .log = host->log()};
    scheduler::SchedulerHost role{std::move(deps), std::move(lease), std::move(shards)};
    host->set_ready([&role] { return role.is_ready(); });
    host->set_status([&role] { return status_text(process_name(), role); });
    return host->run([&role] { return role.run(); }, [&role] { role.stop(); });
}

}  // namespace vcity::wiring
