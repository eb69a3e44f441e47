// SPDX-License-Identifier: Apache-2.0
#include "wiring/volumes/step_volumes.hpp"

#include <array>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include <sys/wait.h>
#include <unistd.h>

#include "adapters/runtime_asio/runtime.hpp"
#include "adapters/volume_folder/crypt_volumes.hpp"
#include "adapters/volume_folder/own_mounts.hpp"
#include "adapters/volume_folder/volumes.hpp"
#include "wiring/run.hpp"

namespace vcity::wiring {
namespace {

namespace fs = std::filesystem;
using adapters::CryptVolumes;

constexpr const char* kOff = "switched off";

// A container engine finds a mount only among those of the machine.
bool has_mounts_of_the_machine() {
    std::error_code error;
    const fs::path own = fs::read_symlink("/proc/self/ns/mnt", error);
    const fs::path machine = fs::read_symlink("/proc/1/ns/mnt", error);
    return !error && own == machine;
}

Result<void> prepare(const NodeRunOptions& options) {
    if (!options.slurm_folder.empty()) {
        return make_error(Errc::kUnavailable, "the cluster's machines would not see what is encrypted here");
    }
    TRY_OK(CryptVolumes::find_programs());
    if (options.containers.empty()) return adapters::enter_own_mounts();
    if (options.encrypt_volumes != "on") {
        return make_error(Errc::kUnavailable,
                          "containers outlive the agent and encrypted files do not; --encrypt-volumes on has them");
    }
    if (::geteuid() == 0 && has_mounts_of_the_machine()) return {};
    return make_error(Errc::kUnavailable,
                      "the container engine would not see them: the node must be root, and not in a mount namespace");
}

Result<void> try_at(const std::string& folder) {
    TRY_OK(adapters::enter_own_mounts());
    adapters::AsioRuntime runtime;
    TRY(const auto volumes, CryptVolumes::make_at(&runtime, folder));
    return run_task(&runtime, adapters::try_volumes(&runtime, volumes.get()));
}

std::string child_says(int from) {
    std::string text;
    std::array<char, 512> part{};
    for (ssize_t got = 0; (got = ::read(from, part.data(), part.size())) > 0;) {
        text.append(part.data(), static_cast<std::size_t>(got));
    }
    return text;
}

}  // namespace

Result<StepVolumes> StepVolumes::choose(const NodeRunOptions& options) {
    StepVolumes volumes;
    if (!options.accept_commands || options.encrypt_volumes == "off") {
        volumes.obstacle_ = kOff;
        return volumes;
    }
    const Result<void> prepared = prepare(options);
    if (prepared) return volumes;
    if (options.encrypt_volumes == "on") {
        return make_error(prepared.error().code, "--encrypt-volumes on: " + prepared.error().message);
    }
    volumes.obstacle_ = prepared.error().message;
    return volumes;
}

Result<std::unique_ptr<ports::Volumes>> StepVolumes::open(const NodeRunOptions& options, RoleHost* host) const {
    const std::string folder = (options.slurm_folder.empty() ? options.role.state : options.slurm_folder) + "/steps";
    adapters::AsioRuntime* runtime = host->runtime();
    std::string obstacle = obstacle_;
    if (obstacle.empty()) {
        Result<std::unique_ptr<CryptVolumes>> volumes = CryptVolumes::make_at(runtime, folder);
        Result<void> tried;
        if (volumes) tried = run_task(runtime, adapters::try_volumes(runtime, volumes->get()));
        const bool is_good = volumes && tried;
        if (is_good) {
            host->log().info("files of jobs are encrypted on this disk");
            return std::unique_ptr<ports::Volumes>{*std::move(volumes)};
        }
        const Error error = volumes ? tried.error() : volumes.error();
        if (options.encrypt_volumes == "on") return error;
        obstacle = error.message;
    }
    if (obstacle != kOff) host->log().warn("files of jobs are not encrypted on this disk", {{"reason", obstacle}});
    TRY(auto plain, adapters::FolderVolumes::make_at(runtime, folder));
    return std::unique_ptr<ports::Volumes>{std::move(plain)};
}

Result<std::string> try_encrypted_volumes() {
    TRY_OK(CryptVolumes::find_programs());
    std::string folder = (fs::temp_directory_path() / "vcity-volumes-XXXXXX").string();
    std::array<int, 2> ends{};
    if (::mkdtemp(folder.data()) == nullptr || ::pipe(ends.data()) != 0) {
        return make_error(Errc::kUnavailable, "no folder or pipe for a trial");
    }
    const pid_t child = ::fork();
    if (child == 0) {
        const Result<void> tried = try_at(folder);
        const std::string text = tried ? "" : tried.error().message;
        const bool is_said = ::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size());
        ::_exit(tried && is_said ? 0 : 1);
    }
    ::close(ends[1]);
    std::string text = child_says(ends[0]);
    ::close(ends[0]);
    int status = 1;
    const bool is_over = child > 0 && ::waitpid(child, &status, 0) == child;
    std::error_code ignored;
    fs::remove_all(folder, ignored);
    if (is_over && status == 0) return std::string{"gocryptfs, with a key for each job that is never written"};
    return make_error(Errc::kUnavailable, text.empty() ? "the trial ended early" : text);
}

}  // namespace vcity::wiring
