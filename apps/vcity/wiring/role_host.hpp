// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "adapters/http/server.hpp"
#include "adapters/link/link.hpp"
#include "adapters/log_spdlog/log.hpp"
#include "adapters/metrics_prometheus/metrics.hpp"
#include "adapters/runtime_asio/runtime.hpp"
#include "cli/output.hpp"
#include "ports/store.hpp"
#include "wiring/chain_connection.hpp"
#include "wiring/ops_handler.hpp"
#include "wiring/role_options.hpp"

namespace vcity::wiring {

// Binds to a chain. One that is starting or restarting is waited for; a wrong one is not.
Task<Result<void>> bind_patiently(Runtime* runtime, ChainConnection* chain, Deployment deployment, Log log);

// What every role process has: its runtime, log, metrics, store, key, chain and health port. Made before the role and
// destroyed after it.
class RoleHost {
  public:
    enum class OwnStore : std::uint8_t { kOpen, kNone };
    // kNone: store() is null, and the role opens what it needs by itself.
    static Result<std::unique_ptr<RoleHost>> make(const std::string& name,
                                                  const RoleOptions& options,
                                                  OwnStore own_store = OwnStore::kOpen);

    adapters::AsioRuntime* runtime() { return &runtime_; }
    ports::Store* store() { return store_.get(); }
    ports::Signer* signer() { return signer_.get(); }
    ChainConnection* chain() { return chain_.get(); }
    MetricRegistry* metrics() { return &metrics_; }
    const Deployment& deployment() const { return deployment_; }
    Log log() { return Log{&sink_, name_}; }
    Result<std::unique_ptr<adapters::WebSocketDialer>> make_dialer();

    // What /readyz asks; until it is set the role is not ready.
    void set_ready(std::function<bool()> is_ready) { ops_.set_ready(std::move(is_ready)); }
    void set_status(std::function<std::string()> status) { ops_.set_status(std::move(status)); }
    void add_metrics(std::function<std::string()> expose) { ops_.add_metrics(std::move(expose)); }
    void set_admin(SecretBytes token, OpsHandler::Admin admin) { ops_.set_admin(std::move(token), std::move(admin)); }
    std::uint16_t ops_port() const { return ops_server_->port(); }
    // Serves the health port and runs the role until it returns or a signal calls stop. The role's error, if any, is
    // the result.
    Result<cli::Exit> run(std::function<Task<Result<void>>()> role, std::function<void()> stop);

  private:
    RoleHost(std::string name, LogLevel level);
    Result<std::unique_ptr<ports::Store>> open_store(const RoleOptions& options) const;
    Result<void> open(const RoleOptions& options, OwnStore own_store);

    std::string name_;
    adapters::AsioRuntime runtime_;
    adapters::SpdlogSink sink_;
    adapters::PrometheusMetrics metrics_;
    OpsHandler ops_;
    std::unique_ptr<adapters::HttpServer> ops_server_;
    std::unique_ptr<ports::Store> store_;
    std::unique_ptr<cli::KeySigner> signer_;
    std::unique_ptr<ChainConnection> chain_;
    Deployment deployment_;
};

}  // namespace vcity::wiring
