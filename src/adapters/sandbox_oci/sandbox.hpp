// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "adapters/sandbox_oci/container.hpp"
#include "async/runtime.hpp"
#include "ports/sandbox.hpp"
#include "telemetry/log.hpp"

namespace vcity::adapters {

struct OciSandboxOptions {
    std::string socket_path;
    EngineDialect dialect = EngineDialect::kLibpod;
    std::string owner = "vcity";  // whose containers these are: one name for each node of a machine
    // A folder of the agent's own: files of steps without a volume, the seccomp profile. Empty: steps may bring no
    // files.
    std::string scratch_folder{};
    // The engine's profile, which containers get without the calls that only attackers need. Empty: the engine's own.
    std::string seccomp_path = "/usr/share/containers/seccomp.json";
    std::vector<std::string> cdi_folders{"/etc/cdi", "/var/run/cdi"};
    // Registries, or parts of them, from which images may be fetched, e.g. "docker.io/library/". None: only what the
    // engine has already.
    std::vector<std::string> registries{};
    std::uint64_t image_bytes_max = 64ULL << 30U;
    // Of the engine, through which nothing but the public internet can be reached; see docs/containers.md. Empty:
    // containers have no network.
    std::string public_network{};
    std::uint32_t first_user_id = 0x70000000;  // of the host, for the containers' users; 65,536 of them
    std::uint32_t open_files_max = 1'024;
    std::uint64_t scratch_bytes_max = 256U << 20U;  // of /tmp, which is memory
    std::uint64_t log_bytes_max = 16U << 20U;
    Duration pull_time_max = std::chrono::minutes{20};
    std::uint32_t stop_seconds = 10;  // between SIGTERM and SIGKILL
    std::uint32_t log_lines_burst = 200;
    std::uint32_t log_lines_per_second = 20;
};

struct OciShared;

// ports::Sandbox with containers of an engine: podman (libpod) or Docker. See create_body() for what a container may.
// Containers outlive the agent: adopt() finds them again by their name, sweep() ends the others of this owner.
class OciSandbox final : public ports::Sandbox {
  public:
    OciSandbox(Runtime* runtime, Log log, OciSandboxOptions options);
    ~OciSandbox() override;
    OciSandbox(const OciSandbox&) = delete;
    OciSandbox& operator=(const OciSandbox&) = delete;

    // kInvalid: the spec, or an image that is not what its digest says or may not be fetched. kUnavailable: the engine
    // is not there, or a GPU did not reach the container.
    Task<Result<std::unique_ptr<ports::SandboxProcess>>> start(ports::SandboxSpec spec) override;
    bool outlives_agent(const std::string& /*image*/) const override { return true; }
    Task<Result<std::unique_ptr<ports::SandboxProcess>>> adopt(std::string name) override;
    Task<Result<std::size_t>> sweep(std::vector<std::string> keep) override;
    // Until what is ended has been removed. kTimeout at the deadline.
    Task<Result<void>> settle(TimePoint deadline);

  private:
    Task<Result<void>> inspect_engine();
    Task<Result<void>> provide_image(std::string image);
    Task<Result<void>> verify_gpus(std::string id, std::vector<std::string> gpus);
    Task<Result<ContainerSetting>> setting_of(const ports::SandboxSpec* spec);

    Runtime* runtime_;
    Log log_;
    OciSandboxOptions options_;
    std::shared_ptr<OciShared> shared_;
};

}  // namespace vcity::adapters
