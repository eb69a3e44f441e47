// SPDX-License-Identifier: Apache-2.0
#include "adapters/sandbox_bwrap/sandbox.hpp"

#include <csignal>
#include <fstream>
#include <iterator>
#include <sstream>

#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>
#include <fcntl.h>

#include "adapters/sandbox_bwrap/cgroup.hpp"
#include "adapters/sandbox_bwrap/command.hpp"
#include "adapters/sandbox_bwrap/control.hpp"
#include "adapters/sandbox_bwrap/process.hpp"
#include "adapters/sandbox_bwrap/seccomp.hpp"

namespace vcity::adapters {
namespace {

using namespace std::chrono_literals;

constexpr Duration kStartMax = 20s;
constexpr std::uint32_t kOwnProcesses = 2;  // bubblewrap's first process and what it starts

void ignore_broken_pipes() {
    struct sigaction present{};
    if (::sigaction(SIGPIPE, nullptr, &present) == 0 && present.sa_handler == SIG_DFL) std::signal(SIGPIPE, SIG_IGN);
}

// Asio throws when the kernel lets it watch no more descriptors.
Result<std::shared_ptr<SandboxState>> watch(Runtime* runtime,
                                            const boost::asio::any_io_executor& executor,
                                            ChildProcess child,
                                            LineLog lines) {
    const Descriptor process{::fcntl(child.process.get(), F_DUPFD_CLOEXEC, 0)};
    try {
        return std::make_shared<SandboxState>(runtime, executor, std::move(child), std::move(lines));
    } catch (const boost::system::system_error& error) {
        send_kill(process);
        (void)reap(process);
        return make_error(Errc::kExhausted, std::string{"sandbox: "} + error.what());
    }
}

Result<std::shared_ptr<SandboxControl>> watch_control(Runtime* runtime,
                                                      const boost::asio::any_io_executor& executor,
                                                      Descriptor socket) {
    try {
        return std::make_shared<SandboxControl>(runtime, executor, std::move(socket));
    } catch (const boost::system::system_error& error) {
        return make_error(Errc::kExhausted, std::string{"sandbox: "} + error.what());
    }
}

// Programs' own files and folders in memory count as memory as well; /job has a limit of its own.
CgroupLimits limits_of(const ports::SandboxSpec& spec) {
    const std::uint64_t in_memory = spec.job_folder.empty() ? spec.work_bytes_max : 0;
    return {.memory_bytes_max = spec.memory_total_bytes_max + in_memory,
            .processes_max = spec.processes_max + kOwnProcesses};
}

std::string text_of(const char* path) {
    std::ifstream file{path};
    std::ostringstream text;
    text << file.rdbuf();  // which does not throw when the process or the group has just ended
    return text.str();
}

}  // namespace

BwrapSandbox::BwrapSandbox(Runtime* runtime, Log log, BwrapSandboxOptions options)
    : runtime_{runtime}, log_{std::move(log)}, options_{std::move(options)} {
    std::optional<CgroupPlace> place = find_cgroups("/sys/fs/cgroup", text_of("/proc/self/cgroup"));
    if (place) groups_ = std::make_shared<CgroupRoom>(*std::move(place), runtime_->random_u64());
}

BwrapSandbox::~BwrapSandbox() = default;

Task<Result<std::unique_ptr<ports::SandboxProcess>>> BwrapSandbox::start(ports::SandboxSpec spec) {
    CO_TRY_OK(check_spec(spec, options_));
    CO_TRY(const Descriptor filter, make_seccomp_filter());
    const SandboxHost host = inspect_host(runtime_->random_u64());
    const std::vector<std::string> command = make_command(spec, host, options_);
    ignore_broken_pipes();
    std::vector<Descriptor> files;
    for (const ports::SandboxFile& file : spec.files) {
        CO_TRY(Descriptor content, make_file(file.content));
        files.push_back(std::move(content));
    }
    for (const SystemFile& file : user_files(spec, host)) {
        CO_TRY(Descriptor content, make_file(as_bytes(file.content)));
        files.push_back(std::move(content));
    }
    std::unique_ptr<Cgroup> group;
    if (groups_ && spec.memory_total_bytes_max != 0) {
        CO_TRY(group, Cgroup::make(groups_, limits_of(spec)));
    }
    CO_TRY(ChildProcess child, spawn_bwrap(command, filter, files, spec.is_reachable));
    files.clear();

    const auto executor = co_await boost::asio::this_coro::executor;
    Descriptor control_socket = std::move(child.control);
    LineLog lines{runtime_, log_, options_};
    CO_TRY(const auto state, watch(runtime_, executor, std::move(child), std::move(lines)));
    state->group = std::move(group);
    std::shared_ptr<SandboxControl> control;
    if (control_socket.is_open()) {
        Result<std::shared_ptr<SandboxControl>> watched = watch_control(runtime_, executor, std::move(control_socket));
        if (!watched) state->kill();
        if (watched) control = *std::move(watched);
    }
    auto process = std::make_unique<BwrapProcess>(state, control);
    if (control) runtime_->spawn(SandboxControl::run(control));
    runtime_->spawn(log_standard_error(state));
    runtime_->spawn(reap_when_ended(state));
    CO_TRY_OK(co_await await_start(state, runtime_->now() + kStartMax));
    co_return std::unique_ptr<ports::SandboxProcess>{std::move(process)};
}

}  // namespace vcity::adapters
