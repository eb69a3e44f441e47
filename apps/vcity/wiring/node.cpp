// SPDX-License-Identifier: Apache-2.0
#include <filesystem>

#include <fmt/core.h>

#include "adapters/audit_llama/model_binding.hpp"
#include "adapters/capacity_local/device_prover.hpp"
#include "adapters/inference_worker/worker.hpp"
#include "adapters/sandbox_bwrap/sandbox.hpp"
#include "async/task_group.hpp"
#include "checkpoint/model_directory.hpp"
#include "machine/machine_stand.hpp"
#include "seal/client.hpp"
#include "services/node/agent.hpp"
#include "verify/weights_root.hpp"
#include "wiring/http_client.hpp"
#include "wiring/node_admin.hpp"
#include "wiring/role_host.hpp"
#include "wiring/roles.hpp"
#include "wiring/run.hpp"
#include "wiring/step_stand.hpp"
#include "wiring/worker_program.hpp"

namespace vcity::wiring {
namespace {

namespace fs = std::filesystem;

// Where the worker finds itself and its model inside the sandbox.
constexpr const char* kWorkerInside = "/worker/vcity-worker";
constexpr const char* kModelInside = "/model";

Result<ports::SandboxSpec> worker_spec(const NodeRunOptions& options) {
    TRY(const std::string worker, worker_program(options.worker));
    if (!fs::is_directory(options.model)) {
        return make_error(Errc::kNotFound, fmt::format("{} is no model folder", options.model));
    }
    const std::string model = fs::canonical(options.model).string();
    const std::string name = options.model_name.empty() ? fs::path{model}.filename().string() : options.model_name;
    ports::SandboxSpec spec;
    spec.command = {kWorkerInside, "serve",
                    "--model",     kModelInside,
                    "--name",      name,
                    "--slots",     std::to_string(options.slots),
                    "--compute",   options.compute,
                    "--device",    options.device,
                    "--threads",   std::to_string(options.threads)};
    spec.read_only = {{.source = worker, .target = kWorkerInside}, {.source = model, .target = kModelInside}};
    // OpenBLAS and OpenMP would otherwise start a thread for every core, in every node of a machine.
    spec.environment = {fmt::format("OMP_NUM_THREADS={}", options.threads),
                        fmt::format("OPENBLAS_NUM_THREADS={}", options.threads)};
    spec.memory_bytes_max = options.memory_gib << 30U;
    return spec;
}

Result<node::NodeOptions> agent_options(const NodeRunOptions& options) {
    node::NodeOptions result;
    result.scheduler_endpoints = options.schedulers;
    result.kind = options.kind == "stable" ? NodeKind::kStable : NodeKind::kFlexible;
    result.hardware = {.gpu_model = options.gpu_model,
                       .gpu_count = options.gpu_count,
                       .vram_mib = options.vram_mib,
                       .region = options.region};
    result.prices = {.input = options.price_input, .output = options.price_output};
    result.software_version = VCITY_VERSION;
    TRY(result.stake, parse_vcai(options.role.stake));
    return result;
}

std::unique_ptr<adapters::DeviceProver> make_prover(const NodeRunOptions& options, Runtime* runtime) {
    if (options.capacity_memory_mib == 0) return nullptr;
    const adapters::CardSearch search{options.threads, options.capacity_memory_mib << 20U};
    return std::make_unique<adapters::DeviceProver>(runtime, adapters::find_devices(search));
}

// The agent, the worker it keeps and the watch over the machine; both stop when the agent has ended.
Task<Result<void>> run_all(Runtime* runtime,
                           node::NodeAgent* agent,
                           adapters::InferenceWorker* worker,
                           MachineStand* machine) {
    TaskGroup group{runtime};
    group.spawn(worker->run());
    group.spawn(machine->run(agent));
    const Result<void> result = co_await agent->run();
    worker->stop();
    machine->stop();
    const Result<void> joined = co_await group.join(runtime->now() + std::chrono::seconds(20));
    if (!result) co_return result.error();
    co_return joined;
}

}  // namespace

Result<cli::Exit> run_node(const NodeRunOptions& options) {
    TRY(ports::SandboxSpec spec, worker_spec(options));
    TRY(node::NodeOptions settings, agent_options(options));
    TRY(const StepVolumes volumes, StepVolumes::choose(options));
    TRY(const auto host, RoleHost::make("node", options.role));
    TRY(const auto dialer, host->make_dialer());
    adapters::BwrapSandbox sandbox{host->runtime(), host->log().named("worker")};
    TRY(const auto steps, StepStand::make(options, volumes, host.get()));
    TRY(const auto machine, MachineStand::make(options, host.get()));
    settings.units = steps->units();
    settings.machine = steps->machine();
    adapters::InferenceWorkerOptions program;
    program.program = std::move(spec);
    adapters::InferenceWorker worker{host->runtime(), &sandbox, host->log().named("inference"), std::move(program)};
    const auto http = make_http_client(host->runtime());
    std::unique_ptr<seal::MonitorClient> monitor;
    if (!options.monitor.empty()) {
        TRY(monitor, seal::MonitorClient::make(host->runtime(), http.get(), options.monitor));
    }
    const auto capacity = make_prover(options, host->runtime());
    node::NodeDeps deps{.runtime = host->runtime(),
                        .store = host->store(),
                        .signer = host->signer(),
                        .dialer = dialer.get(),
                        .inference = &worker,
                        .sandbox = steps->sandbox(),
                        .volumes = steps->volumes(),
                        .transfer = machine->capped(steps->transfer()),
                        .tunnels = steps->tunnels(),
                        .sealer = monitor.get(),
                        .capacity = capacity.get(),
                        .chain_reader = host->chain()->reader(),
                        .chain_writer = host->chain()->writer(),
                        .metrics = host->metrics(),
                        .deployment = host->deployment(),
                        .log = host->log()};
    node::NodeAgent agent{std::move(deps), std::move(settings)};
    host->set_ready([&agent] { return agent.is_connected(); });
    TRY_OK(serve_owner(host.get(), &agent, options));
    return host->run([&] { return run_all(host->runtime(), &agent, &worker, machine.get()); },
                     [&agent] { agent.stop(); });
}

Result<Hash> model_root(const std::string& folder) {
    TRY(const auto model, checkpoint::ModelDirectory::open(folder));
    return verify::weights_root(adapters::tensor_views(model.tensors()));
}

}  // namespace vcity::wiring
