// SPDX-License-Identifier: Apache-2.0
#include "wiring/step_stand.hpp"

#include <filesystem>

#include "adapters/http/client.hpp"
#include "adapters/http/web_socket_client.hpp"
#include "adapters/sandbox_bwrap/sandbox.hpp"
#include "adapters/sandbox_oci/sandbox.hpp"
#include "adapters/transfer_http/address_guard.hpp"
#include "adapters/transfer_http/transfer.hpp"
#include "adapters/volume_folder/volumes.hpp"
#include "codec/hex.hpp"
#include "services/node/sandbox_set.hpp"
#include "wiring/run.hpp"
#include "wiring/unit_offers.hpp"
#include "wiring/worker_program.hpp"
#include "work/plan.hpp"

namespace vcity::wiring {
namespace {

namespace fs = std::filesystem;

constexpr const char* kWorkerInside = "/worker/vcity-worker";
constexpr const char* kModelsInside = "/models";

// What --containers names.
void choose_engine(const std::string& name, adapters::OciSandboxOptions* options) {
    constexpr std::string_view kDockerPrefix = "docker:";
    options->socket_path = name;
    if (name == "podman") options->socket_path = "/run/podman/podman.sock";
    if (name == "docker") options->socket_path = "/var/run/docker.sock";
    const bool is_docker = name == "docker" || name.starts_with(kDockerPrefix);
    if (is_docker) options->dialect = adapters::EngineDialect::kDocker;
    if (name.starts_with(kDockerPrefix)) options->socket_path = name.substr(kDockerPrefix.size());
}

}  // namespace

Result<std::unique_ptr<StepStand>> StepStand::make(const NodeRunOptions& options, RoleHost* host) {
    auto stand = std::make_unique<StepStand>();
    if (options.accept_commands) {
        TRY_OK(stand->open(options, host));
    }
    return stand;
}

// Fine-tunes the model that this node serves.
Result<void> StepStand::add_finetune(const NodeRunOptions& options) {
    TRY(const std::string worker, worker_program(options.worker));
    const fs::path model = fs::canonical(options.model);
    node::StepProgram program;
    program.command = {kWorkerInside, std::string{work::kFinetuneProgram}, "--models-root", kModelsInside};
    program.read_only = {{.source = worker, .target = kWorkerInside},
                         {.source = model.string(), .target = kModelsInside + ("/" + model.filename().string())}};
    // OpenBLAS and OpenMP would otherwise start a thread for every core, in every step.
    program.environment = {"OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1"};
    machine_.programs[std::string{work::kFinetuneProgram}] = std::move(program);
    return {};
}

// Containers that an earlier agent has left belong to steps which this one reports as failed.
Result<void> StepStand::add_containers(const NodeRunOptions& options, RoleHost* host) {
    adapters::OciSandboxOptions engine;
    choose_engine(options.containers, &engine);
    engine.owner = codec::to_hex(host->signer()->address());
    engine.scratch_folder = fs::absolute(options.role.state).string() + "/containers";
    engine.registries = options.container_registries;
    engine.public_network = options.container_network;
    if (!fs::exists(engine.seccomp_path)) engine.seccomp_path.clear();
    containers_ = std::make_unique<adapters::OciSandbox>(host->runtime(), host->log().named("container"), engine);
    const Result<std::size_t> swept = run_task(host->runtime(), containers_->sweep({}));
    return swept ? Result<void>{} : swept.error();
}

Result<void> StepStand::open(const NodeRunOptions& options, RoleHost* host) {
    std::uint32_t features = bit(UnitFeature::kFiles);
    adapters::BwrapSandboxOptions sandbox;
    if (const auto init = program_beside("vcity-init", "../init/vcity-init")) {
        sandbox.init_path = *init;
        features |= bit(UnitFeature::kPorts);
    }
    commands_ = std::make_unique<adapters::BwrapSandbox>(host->runtime(), host->log().named("step"), sandbox);
    if (!options.containers.empty()) {
        TRY_OK(add_containers(options, host));
        features |= bit(UnitFeature::kContainers);
        if (!options.container_network.empty()) features |= bit(UnitFeature::kPublicNetwork);
    }
    sandboxes_ = std::make_unique<node::SandboxSet>(commands_.get(), containers_.get());
    TRY(volumes_, adapters::FolderVolumes::make_at(host->runtime(), options.role.state + "/steps"));
    TRY(const auto guard, adapters::AddressGuard::make(options.files_from));
    adapters::HttpClientOptions client;
    const auto may_connect = [guard](const std::string& server, const std::string& address) {
        return guard.allows(server, address);
    };
    client.may_connect = may_connect;
    TRY(client_, adapters::BeastHttpClient::make(host->runtime(), std::move(client)));
    transfer_ = std::make_unique<adapters::HttpTransfer>(host->runtime(), client_.get());
    if (!sandbox.init_path.empty()) {
        adapters::WebSocketClientOptions tunnels;
        tunnels.limits.silence_max = std::chrono::minutes{2};
        tunnels.may_connect = may_connect;
        TRY(tunnels_, adapters::BeastWebSocketClient::make(std::move(tunnels)));
    }
    if (fs::is_directory(options.model)) {
        TRY_OK(add_finetune(options));
        features |= bit(UnitFeature::kFinetune);
    }
    TRY(node::OwnUnits units, unit_offers(options, features));
    units_ = std::move(units.offers);
    machine_.unit_gpus = std::move(units.gpus);
    return {};
}

}  // namespace vcity::wiring
