// SPDX-License-Identifier: Apache-2.0
#include "wiring/role_host.hpp"

#include <filesystem>

#include <fmt/core.h>
#include <sys/stat.h>

#include "adapters/store_postgres/store.hpp"
#include "adapters/store_sqlite/store.hpp"
#include "codec/hex.hpp"
#include "wiring/run.hpp"

namespace vcity::wiring {
namespace {

constexpr std::chrono::seconds kChainPatience{60};
constexpr std::chrono::milliseconds kAskAgain{500};

Result<LogLevel> parse_level(const std::string& text) {
    for (const LogLevel level : {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarn, LogLevel::kError}) {
        if (to_string(level) == text) return level;
    }
    return make_error(Errc::kInvalid, text + " is no log level");
}

}  // namespace

Task<Result<void>> bind_patiently(Runtime* runtime, ChainConnection* chain, Deployment deployment, Log log) {
    const TimePoint deadline = runtime->now() + kChainPatience;
    while (true) {
        const Result<void> bound = co_await chain->bind(deployment);
        if (bound) co_return bound;
        const bool may_pass = bound.error().code == Errc::kUnavailable || bound.error().code == Errc::kTimeout;
        if (!may_pass || runtime->now() >= deadline) co_return bound.error();
        log.info("waiting_for_chain", {{"reason", bound.error().message}});
        co_await runtime->sleep_until(runtime->now() + kAskAgain);
    }
}

RoleHost::RoleHost(std::string name, LogLevel level)
    : name_{std::move(name)}, sink_{adapters::LogOptions{.level = level}}, ops_{[this] { return metrics_.expose(); }} {}

Result<std::unique_ptr<RoleHost>> RoleHost::make(const std::string& name,
                                                 const RoleOptions& options,
                                                 OwnStore own_store) {
    TRY(const LogLevel level, parse_level(options.log_level));
    std::unique_ptr<RoleHost> host{new RoleHost{name, level}};
    TRY_OK(host->open(options, own_store));
    return host;
}

// A SQLite file in the role's folder, or its own space in a database.
Result<std::unique_ptr<ports::Store>> RoleHost::open_store(const RoleOptions& options) const {
    if (options.store.empty()) {
        adapters::SqliteStoreOptions file;
        file.path = options.state + "/" + name_ + ".sqlite";
        return adapters::SqliteStore::open(file);
    }
    if (!options.store.starts_with("postgresql://")) {
        return make_error(Errc::kInvalid, "--store is a postgresql:// URI, not \"" + options.store + "\"");
    }
    adapters::PostgresStoreOptions database;
    database.uri = options.store;
    database.space = name_;
    // Identities of one role may share a database.
    if (signer_) database.space += "-" + codec::to_hex(signer_->address());
    database.exclusive = true;
    return adapters::PostgresStore::open(database);
}

Result<void> RoleHost::open(const RoleOptions& options, OwnStore own_store) {
    std::error_code error;
    std::filesystem::create_directories(options.state, error);
    if (error) return make_error(Errc::kDenied, fmt::format("cannot make {}: {}", options.state, error.message()));
    chmod(options.state.c_str(), 0700);
    TRY(deployment_, adapters::load_deployment(options.deployment));
    if (!options.key.keystore.empty()) {
        TRY(crypto::PrivateKey key, cli::load_key(options.key));
        signer_ = std::make_unique<cli::KeySigner>(std::move(key));
    }
    if (own_store == OwnStore::kOpen) {
        TRY(store_, open_store(options));
    }
    TRY(const Endpoint ops, parse_endpoint(options.ops));
    adapters::HttpServerOptions http;
    http.address = ops.address;
    http.port = ops.port;
    http.log = log().named("ops");
    TRY(ops_server_, adapters::HttpServer::make(&runtime_, runtime_.executor(), &ops_, http));
    chain_ = std::make_unique<ChainConnection>(&runtime_, options.rpc, signer_.get());
    return run_task(&runtime_, bind_patiently(&runtime_, chain_.get(), deployment_, log()));
}

Result<std::unique_ptr<adapters::WebSocketDialer>> RoleHost::make_dialer() {
    return adapters::WebSocketDialer::make(&runtime_, {});
}

Result<cli::Exit> RoleHost::run(std::function<Task<Result<void>>()> role, std::function<void()> stop) {
    log().info("starting", {{"version", VCITY_VERSION}, {"ops_port", ops_server_->port()}});
    runtime_.on_shutdown_signal(std::move(stop));
    TRY_OK(run_task(&runtime_, role()));
    log().info("stopped");
    return cli::Exit::kOk;
}

}  // namespace vcity::wiring
