// SPDX-License-Identifier: Apache-2.0
#include "wiring/monitor.hpp"

#include <cstdlib>

#include "adapters/chain_evm/deploy.hpp"
#include "adapters/http/server.hpp"
#include "adapters/log_spdlog/log.hpp"
#include "adapters/metrics_prometheus/metrics.hpp"
#include "adapters/runtime_asio/runtime.hpp"
#include "adapters/tee_configfs/tee_configfs.hpp"
#include "adapters/tee_sev/tee_sev.hpp"
#include "adapters/tee_sim/tee_sim.hpp"
#include "adapters/tee_tpm2/tee_tpm2.hpp"
#include "attest/tpm/credential.hpp"
#include "cli/settings.hpp"
#include "codec/hex.hpp"
#include "crypto/sha256.hpp"
#include "services/monitor/api.hpp"
#include "wiring/ops_handler.hpp"
#include "wiring/role_options.hpp"
#include "wiring/roles.hpp"
#include "wiring/run.hpp"

namespace vcity::wiring {
namespace {

constexpr std::size_t kPolicyMax = 256U << 10U;
constexpr std::chrono::seconds kShutdown{10};

// A driver, and its enrolment where it has one.
struct OpenedTee {
    std::unique_ptr<ports::Tee> tee;
    ports::TpmEnrolment* enrolment = nullptr;
    std::string note;  // for the log
};

Result<std::unique_ptr<adapters::Tpm2Tee>> open_tpm(Runtime* runtime, const TeeOptions& options) {
    // The library writes to standard error on its own; what matters of it is in our errors.
    ::setenv("TSS2_LOG", "all+NONE", 0);
    adapters::Tpm2Options tpm;
    tpm.tcti = options.tcti;
    if (!options.registers.empty()) tpm.registers = options.registers;
    if (!options.event_log.empty()) tpm.event_log = options.event_log;
    return adapters::Tpm2Tee::open(runtime, tpm);
}

Result<OpenedTee> open_simulation(const TeeOptions& options) {
    Result<crypto::PrivateKey> root = options.sim_root.keystore.empty()
                                          ? crypto::PrivateKey::make(cli::random_bytes(32))
                                          : cli::load_key(options.sim_root);
    if (!root) return root.error();
    const Address address = root->address();
    const Hash platform = crypto::sha256(address.view());
    return OpenedTee{.tee = std::make_unique<adapters::SimulatedTee>(*std::move(root), platform, Hash{}),
                     .enrolment = nullptr,
                     .note = "simulated, root " + codec::to_hex(address)};
}

Result<OpenedTee> open_tee(Runtime* runtime, const TeeOptions& options) {
    if (options.kind == "tpm2") {
        TRY(std::unique_ptr<adapters::Tpm2Tee> tpm, open_tpm(runtime, options));
        ports::TpmEnrolment* enrolment = tpm.get();
        return OpenedTee{.tee = std::move(tpm), .enrolment = enrolment, .note = options.tcti};
    }
    if (options.kind == "configfs") {
        adapters::ConfigfsOptions configfs;
        if (!options.event_log.empty()) configfs.event_log = options.event_log;
        TRY(auto tee, adapters::ConfigfsTee::open(runtime, configfs));
        return OpenedTee{.tee = std::move(tee), .enrolment = nullptr, .note = configfs.root};
    }
    if (options.kind == "sev") {
        TRY(auto tee, adapters::SevTee::open(runtime, {}));
        return OpenedTee{.tee = std::move(tee), .enrolment = nullptr, .note = "/dev/sev-guest"};
    }
    if (options.kind == "sim") return open_simulation(options);
    return make_error(Errc::kInvalid, options.kind + " is none of tpm2, configfs, sev and sim");
}

Result<std::unique_ptr<adapters::HttpServer>> serve(adapters::AsioRuntime* runtime,
                                                    ports::HttpHandler* handler,
                                                    const std::string& where,
                                                    Log log) {
    TRY(const Endpoint endpoint, parse_endpoint(where));
    adapters::HttpServerOptions http;
    http.address = endpoint.address;
    http.port = endpoint.port;
    http.connections_max = 256;
    http.body_bytes_max = 16U << 10U;  // no request has more
    http.log = std::move(log);
    return adapters::HttpServer::make(runtime, runtime->executor(), handler, http);
}

struct Servers {
    std::unique_ptr<adapters::HttpServer> verifiers;
    std::unique_ptr<adapters::HttpServer> node;
    std::unique_ptr<adapters::HttpServer> ops;
};

Task<Result<void>> serve_until_stopped(Runtime* runtime, monitor::Monitor* role, Servers* servers) {
    Result<void> ended = co_await role->run();
    const TimePoint deadline = runtime->now() + kShutdown;
    CO_TRY_OK(co_await servers->verifiers->shutdown(deadline));
    CO_TRY_OK(co_await servers->node->shutdown(deadline));
    co_return ended;
}

Result<LogLevel> parse_level(const std::string& text) {
    for (const LogLevel level : {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarn, LogLevel::kError}) {
        if (to_string(level) == text) return level;
    }
    return make_error(Errc::kInvalid, text + " is no log level");
}

Result<void> check_loopback(const std::string& where) {
    TRY(const Endpoint endpoint, parse_endpoint(where));
    if (endpoint.address.starts_with("127.") || endpoint.address == "::1" || endpoint.address == "[::1]") return {};
    return make_error(Errc::kInvalid, "the node's listener must be on loopback, not " + where);
}

}  // namespace

Result<cli::Exit> run_monitor(const MonitorRunOptions& options) {
    TRY(const LogLevel level, parse_level(options.log_level));
    adapters::AsioRuntime runtime;
    adapters::SpdlogSink sink{adapters::LogOptions{.level = level}};
    const Log log{&sink, "monitor"};
    adapters::PrometheusMetrics metrics;
    TRY_OK(check_loopback(options.node_listen));
    monitor::MonitorOptions settings;
    TRY(const std::string policy, cli::read_file(options.policy, kPolicyMax));
    TRY(settings.policy, attest::parse_monitor_policy(policy));
    TRY(settings.model_root, model_root_of(options.model, options.model_root));
    TRY(const OpenedTee opened, open_tee(&runtime, options.tee));
    monitor::MonitorDeps deps{.runtime = &runtime,
                              .tee = opened.tee.get(),
                              .enrolment = opened.enrolment,
                              .metrics = &metrics,
                              .deployment = {},
                              .log = log};
    TRY(deps.deployment, adapters::load_deployment(options.deployment));
    monitor::Monitor role{std::move(deps), std::move(settings)};
    monitor::MonitorApi for_verifiers{&role, monitor::Face::kVerifiers};
    monitor::MonitorApi for_node{&role, monitor::Face::kNode};
    OpsHandler health{[&metrics] { return metrics.expose(); }};
    health.set_ready([&role] { return role.is_ready(); });
    Servers servers;
    TRY(servers.verifiers, serve(&runtime, &for_verifiers, options.listen, log.named("http")));
    TRY(servers.node, serve(&runtime, &for_node, options.node_listen, log.named("node_http")));
    TRY(servers.ops, serve(&runtime, &health, options.ops, log.named("ops")));
    log.info("starting", {{"version", VCITY_VERSION},
                          {"tee", opened.note},
                          {"port", servers.verifiers->port()},
                          {"node_port", servers.node->port()},
                          {"ops_port", servers.ops->port()}});
    runtime.on_shutdown_signal([&role] { role.stop(); });
    TRY_OK(run_task(&runtime, serve_until_stopped(&runtime, &role, &servers)));
    log.info("stopped");
    return cli::Exit::kOk;
}

Result<codec::Json> tpm_identity(const TeeOptions& options) {
    adapters::AsioRuntime runtime;
    TRY(const auto tpm, open_tpm(&runtime, options));
    TRY(const ports::TpmIdentity identity, run_task(&runtime, tpm->identity()));
    TRY(const Bytes name, attest::tpm_name(identity.attestation_public));
    codec::Json json;
    json.set("endorsement_key", codec::to_hex(crypto::sha256(identity.endorsement_public)))
        .set("attestation_key_name", codec::to_hex(name))
        .set("has_endorsement_certificate", !identity.endorsement_certificate.empty());
    return json;
}

}  // namespace vcity::wiring
