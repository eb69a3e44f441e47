// SPDX-License-Identifier: Apache-2.0
#include "wiring/step_stand.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "adapters/http/client.hpp"
#include "adapters/http/web_socket_client.hpp"
#include "adapters/sandbox_bwrap/sandbox.hpp"
#include "adapters/sandbox_oci/sandbox.hpp"
#include "adapters/sandbox_slurm/sandbox.hpp"
#include "adapters/transfer_http/address_guard.hpp"
#include "adapters/transfer_http/transfer.hpp"
#include "codec/hex.hpp"
#include "services/node/sandbox_set.hpp"
#include "wiring/unit_offers.hpp"
#include "wiring/worker_program.hpp"
#include "work/plan.hpp"

namespace vcity::wiring {
namespace {

namespace fs = std::filesystem;

constexpr const char* kWorkerInside = "/worker/vcity-worker";
constexpr const char* kModelsInside = "/models";
constexpr const char* kStudioInside = "/studio/vcity-studio";
constexpr const char* kStudioWorkerInside = "/studio/vcity-worker";
constexpr const char* kStudioModelsInside = "/studio/models";

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

// Whether the programs are installed; sandboxes see the same /usr.
bool has_programs(std::initializer_list<const char*> names) {
    return std::ranges::all_of(names, [](const char* name) { return fs::exists(fs::path{"/usr/bin"} / name); });
}

}  // namespace

Result<std::unique_ptr<StepStand>> StepStand::make(const NodeRunOptions& options,
                                                   const StepVolumes& volumes,
                                                   RoleHost* host) {
    auto stand = std::make_unique<StepStand>();
    if (options.accept_commands) {
        TRY_OK(stand->open(options, volumes, host));
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

// Renders scenes, and generates pictures, text and speech, as far as this machine has what that takes. The features.
std::uint32_t StepStand::add_studio(const NodeRunOptions& options) {
    std::optional<std::string> studio = program_beside("vcity-studio", "../studio/vcity-studio");
    if (!options.studio.empty()) studio = fs::absolute(options.studio).string();
    if (!studio || !fs::is_regular_file(*studio)) return 0;
    const fs::path folder = fs::path{*studio}.parent_path();
    node::StepProgram program;
    program.read_only = {{.source = *studio, .target = kStudioInside}};
    program.environment = {"OMP_NUM_THREADS=1"};
    std::uint32_t features = 0;
    if (has_programs({"blender", "ffmpeg"})) {
        program.command = {kStudioInside, std::string{work::kRenderProgram}};
        machine_.programs[std::string{work::kRenderProgram}] = program;
        features |= bit(UnitFeature::kRender);
    }
    for (const fs::path& models : {folder / "models", folder / "../share/vcity/studio-models"}) {
        if (!has_programs({"tesseract", "espeak-ng", "ffmpeg"}) || !fs::is_directory(models)) continue;
        program.command = {kStudioInside, std::string{work::kGenerateProgram}};
        if (const Result<std::string> worker = worker_program(options.worker)) {
            program.read_only.push_back({.source = *worker, .target = kStudioWorkerInside});
        }
        program.read_only.push_back({.source = fs::canonical(models).string(), .target = kStudioModelsInside});
        machine_.programs[std::string{work::kGenerateProgram}] = program;
        features |= bit(UnitFeature::kGenerate);
        break;
    }
    return features;
}

void StepStand::add_containers(const NodeRunOptions& options, RoleHost* host) {
    adapters::OciSandboxOptions engine;
    choose_engine(options.containers, &engine);
    engine.owner = codec::to_hex(host->signer()->address());
    engine.scratch_folder = fs::absolute(options.role.state).string() + "/containers";
    engine.registries = options.container_registries;
    engine.public_network = options.container_network;
    if (!fs::exists(engine.seccomp_path)) engine.seccomp_path.clear();
    containers_ = std::make_unique<adapters::OciSandbox>(host->runtime(), host->log().named("container"), engine);
}

// Where steps without an image run: here, or on the nodes of a cluster.
Result<void> StepStand::make_commands(const NodeRunOptions& options, RoleHost* host, std::uint32_t* features) {
    if (!options.slurm_folder.empty()) {
        adapters::SlurmSandboxOptions slurm;
        std::error_code error;
        slurm.folder = fs::canonical(options.slurm_folder, error).string();
        if (error) return make_error(Errc::kInvalid, "--slurm-folder " + options.slurm_folder + ": " + error.message());
        slurm.owner = codec::to_hex(host->signer()->address()).substr(2);
        slurm.partition = options.slurm_partition;
        slurm.account = options.slurm_account;
        slurm.cell_program = fs::canonical("/proc/self/exe").string();
        if (const char* config = std::getenv("SLURM_CONF")) slurm.config = config;
        commands_ = std::make_unique<adapters::SlurmSandbox>(host->runtime(), host->log().named("slurm"), slurm);
        return {};
    }
    adapters::BwrapSandboxOptions sandbox;
    if (const auto init = program_beside("vcity-init", "../init/vcity-init")) {
        sandbox.init_path = *init;
        *features |= bit(UnitFeature::kPorts);
    }
    commands_ = std::make_unique<adapters::BwrapSandbox>(host->runtime(), host->log().named("step"), sandbox);
    return {};
}

Result<void> StepStand::open(const NodeRunOptions& options, const StepVolumes& volumes, RoleHost* host) {
    std::uint32_t features = bit(UnitFeature::kFiles);
    TRY_OK(make_commands(options, host, &features));
    if (!options.containers.empty()) {
        add_containers(options, host);
        features |= bit(UnitFeature::kContainers);
        if (!options.container_network.empty()) features |= bit(UnitFeature::kPublicNetwork);
    }
    sandboxes_ = std::make_unique<node::SandboxSet>(commands_.get(), containers_.get());
    TRY(volumes_, volumes.open(options, host));
    TRY(const auto guard, adapters::AddressGuard::make(options.files_from));
    adapters::HttpClientOptions client;
    const auto may_connect = [guard](const std::string& server, const std::string& address) {
        return guard.allows(server, address);
    };
    client.may_connect = may_connect;
    TRY(client_, adapters::BeastHttpClient::make(host->runtime(), std::move(client)));
    transfer_ = std::make_unique<adapters::HttpTransfer>(host->runtime(), client_.get());
    if ((features & bit(UnitFeature::kPorts)) != 0) {
        adapters::WebSocketClientOptions tunnels;
        tunnels.limits.silence_max = std::chrono::minutes{2};
        tunnels.may_connect = may_connect;
        TRY(tunnels_, adapters::BeastWebSocketClient::make(std::move(tunnels)));
    }
    if (fs::is_directory(options.model) && options.slurm_folder.empty()) {
        TRY_OK(add_finetune(options));
        features |= bit(UnitFeature::kFinetune);
    }
    if (options.slurm_folder.empty()) features |= add_studio(options);
    TRY(node::OwnUnits units, unit_offers(options, features));
    units_ = std::move(units.offers);
    machine_.unit_gpus = std::move(units.gpus);
    return {};
}

}  // namespace vcity::wiring
