// SPDX-License-Identifier: Apache-2.0
#include "adapters/sandbox_bwrap/command.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

namespace vcity::adapters {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kArgumentsMax = 512;
constexpr std::size_t kMountsMax = 64;
constexpr std::size_t kEnvironmentMax = 256;
constexpr std::size_t kTextBytesMax = 64U << 10U;
// Beyond the ids that distributions and container managers hand out.
constexpr std::uint32_t kFirstUserId = 0x71000000;
constexpr std::uint32_t kUserIds = 1U << 24U;
constexpr std::uint32_t kNobody = 65'534;
constexpr const char* kInitPath = "/run/vcity-init";

bool is_plain_text(const std::string& text) {
    return text.size() <= kTextBytesMax && text.find('\0') == std::string::npos;
}

bool is_clean_path(const std::string& path) {
    if (!is_plain_text(path) || path.size() < 2 || path.front() != '/') return false;
    return fs::path{path}.lexically_normal() == fs::path{path} && path.back() != '/';
}

bool is_under(const std::string& path, std::string_view folder) {
    return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

Result<void> check_mount(const ports::SandboxMount& mount) {
    if (!is_clean_path(mount.source) || !is_clean_path(mount.target)) {
        return make_error(Errc::kInvalid, "mount of " + mount.source + " at " + mount.target +
                                              ": both must be absolute paths in normal form");
    }
    for (const std::string_view taken :
         {"/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc", "/proc", "/dev", "/tmp", "/job"}) {
        if (is_under(mount.target, taken)) {
            return make_error(Errc::kInvalid,
                              "mount at " + mount.target + ": the sandbox has its own " + std::string{taken});
        }
    }
    std::error_code error;
    if (!fs::exists(mount.source, error)) {
        return make_error(Errc::kInvalid, "mount source is not there: " + mount.source);
    }
    return {};
}

// Whether ids up to this one exist in our user namespace; in a container they may not.
bool is_mapped(std::uint32_t user_id) {
    std::ifstream map{"/proc/self/uid_map"};
    std::uint64_t inside = 0;
    std::uint64_t outside = 0;
    std::uint64_t count = 0;
    while (map >> inside >> outside >> count) {
        if (user_id >= inside && user_id - inside < count) return true;
    }
    return false;
}

std::uint64_t hard_limit(__rlimit_resource resource) {
    rlimit limit{};
    if (::getrlimit(resource, &limit) != 0 || limit.rlim_max == RLIM_INFINITY) return UINT64_MAX;
    return limit.rlim_max;
}

using Arguments = std::vector<std::string>;

void append_to(Arguments* target, const Arguments& more) {
    target->insert(target->end(), more.begin(), more.end());
}

void add_namespaces(Arguments* arguments, const SandboxHost& host) {
    append_to(arguments, {"--die-with-parent", "--new-session", "--unshare-ipc", "--unshare-pid", "--unshare-net",
                          "--unshare-uts", "--unshare-cgroup-try", "--hostname", "sandbox", "--cap-drop", "ALL"});
    if (host.user_id) {
        // Only to become the sandbox's own user; becoming it drops them.
        append_to(arguments, {"--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"});
    } else {
        append_to(arguments, {"--unshare-user", "--disable-userns", "--uid", std::to_string(kNobody), "--gid",
                              std::to_string(kNobody)});
    }
    append_to(arguments, {"--seccomp", std::to_string(kSeccompDescriptor)});
    append_to(arguments, {"--info-fd", std::to_string(kInfoDescriptor)});
    append_to(arguments, {"--block-fd", std::to_string(kBlockDescriptor)});
}

// Bubblewrap would make missing folders for its own user only.
void add_parent_folders(Arguments* arguments, const std::string& target) {
    for (std::size_t slash = target.find('/', 1); slash != std::string::npos; slash = target.find('/', slash + 1)) {
        append_to(arguments, {"--perms", "0755", "--dir", target.substr(0, slash)});
    }
}

void add_files(Arguments* arguments,
               const ports::SandboxSpec& spec,
               const SandboxHost& host,
               const BwrapSandboxOptions& options) {
    append_to(arguments, {"--ro-bind", "/usr", "/usr"});
    for (const SandboxHost::SystemPath& system : host.system_paths) {
        if (system.link_target.empty()) append_to(arguments, {"--ro-bind", system.path, system.path});
        if (!system.link_target.empty()) append_to(arguments, {"--symlink", system.link_target, system.path});
    }
    // Where the dynamic loader finds libraries, among them the chosen BLAS.
    for (const char* path : {"/etc/alternatives", "/etc/ld.so.cache"}) {
        add_parent_folders(arguments, path);
        append_to(arguments, {"--ro-bind-try", path, path});
    }
    const bool is_bounded = spec.work_bytes_max != 0 && spec.work_bytes_max < options.scratch_bytes_max;
    const std::string scratch = std::to_string(is_bounded ? spec.work_bytes_max : options.scratch_bytes_max);
    append_to(arguments, {"--proc", "/proc", "--dev", "/dev"});
    append_to(arguments, {"--perms", "1777", "--size", scratch, "--tmpfs", "/dev/shm"});
    append_to(arguments, {"--perms", "1777", "--size", scratch, "--tmpfs", "/tmp"});
    for (const ports::SandboxMount& mount : spec.read_only) {
        add_parent_folders(arguments, mount.target);
        append_to(arguments, {"--ro-bind", mount.source, mount.target});
    }
    if (spec.is_reachable) {
        add_parent_folders(arguments, kInitPath);
        append_to(arguments, {"--ro-bind", options.init_path, kInitPath});
        std::size_t next = spec.files.size();
        for (const SystemFile& file : user_files(spec, host)) {
            const std::string descriptor = std::to_string(kFirstFileDescriptor + static_cast<int>(next++));
            append_to(arguments, {"--perms", "0644", "--file", descriptor, file.path});
        }
    }
    if (!spec.job_folder.empty()) {
        append_to(arguments, {"--bind", spec.job_folder, "/job"});
    } else if (spec.work_bytes_max != 0) {
        append_to(arguments, {"--perms", "1777", "--size", std::to_string(spec.work_bytes_max), "--tmpfs", "/job"});
        for (std::size_t index = 0; index < spec.files.size(); ++index) {
            const std::string descriptor = std::to_string(kFirstFileDescriptor + static_cast<int>(index));
            append_to(arguments, {"--perms", "0644", "--file", descriptor, "/job/" + spec.files[index].name});
        }
    }
    const char* home = spec.work_bytes_max != 0 || !spec.job_folder.empty() ? "/job" : "/tmp";
    append_to(arguments, {"--remount-ro", "/dev", "--remount-ro", "/", "--chdir", home});
}

void add_environment(Arguments* arguments) {
    append_to(arguments, {"--clearenv", "--setenv", "PATH", "/usr/bin:/bin", "--setenv", "HOME", "/tmp", "--setenv",
                          "LANG", "C.UTF-8"});
}

// Only once all rights are dropped: the loader obeys LD_PRELOAD and the like in any program that comes before.
void add_own_environment(Arguments* arguments, const ports::SandboxSpec& spec) {
    if (spec.environment.empty()) return;
    append_to(arguments, {"/usr/bin/env", "--"});
    append_to(arguments, spec.environment);
}

// The limits are set inside, because there the count of processes starts at zero.
void add_limits(Arguments* arguments,
                const ports::SandboxSpec& spec,
                const SandboxHost& host,
                const BwrapSandboxOptions& options) {
    const auto both = [](const char* name, std::uint64_t value) {
        return "--" + std::string{name} + "=" + std::to_string(value) + ":" + std::to_string(value);
    };
    append_to(arguments, {"--", "/usr/bin/prlimit", "--core=0:0"});
    arguments->push_back(both("nofile", std::min<std::uint64_t>(options.open_files_max, host.open_files_hard_limit)));
    arguments->push_back(both("nproc", std::min<std::uint64_t>(spec.processes_max, host.processes_hard_limit)));
    if (spec.memory_bytes_max != 0) arguments->push_back(both("as", spec.memory_bytes_max));
    arguments->emplace_back("--");
    if (spec.cores_max != 0 && spec.cores_max < host.cores.size()) {
        std::string list;
        for (std::size_t index = 0; index < spec.cores_max; ++index) {
            list += (index == 0 ? "" : ",") + std::to_string(host.cores[index]);
        }
        append_to(arguments, {"/usr/bin/taskset", "--cpu-list", list});
    }
    if (spec.gives_way) append_to(arguments, {"/usr/bin/nice", "-n", "10"});
    if (!host.user_id) return;
    const std::string id = std::to_string(*host.user_id);
    append_to(arguments, {"/usr/bin/setpriv", "--reuid=" + id, "--regid=" + id, "--clear-groups", "--no-new-privs",
                          "--inh-caps=-all", "--"});
}

// Begins anywhere, so that sandboxes with a limit spread over the machine.
std::vector<std::uint32_t> usable_cores(std::uint64_t entropy) {
    cpu_set_t usable;
    CPU_ZERO(&usable);
    if (::sched_getaffinity(0, sizeof(usable), &usable) != 0) return {};
    std::vector<std::uint32_t> cores;
    for (std::size_t core = 0; core < CPU_SETSIZE; ++core) {
        if (CPU_ISSET(core, &usable)) cores.push_back(static_cast<std::uint32_t>(core));
    }
    if (!cores.empty()) std::ranges::rotate(cores, cores.begin() + static_cast<std::ptrdiff_t>(entropy % cores.size()));
    return cores;
}

}  // namespace

std::vector<SystemFile> user_files(const ports::SandboxSpec& spec, const SandboxHost& host) {
    if (!spec.is_reachable) return {};
    const std::string id = std::to_string(host.user_id.value_or(kNobody));
    const char* home = spec.work_bytes_max != 0 ? "/job" : "/tmp";
    const char* shell = fs::exists("/usr/bin/bash") ? "/usr/bin/bash" : "/bin/sh";
    return {{.path = "/etc/passwd", .content = "pod:x:" + id + ":" + id + "::" + home + ":" + shell + "\n"},
            {.path = "/etc/group", .content = "pod:x:" + id + ":\n"}};
}

SandboxHost inspect_host(std::uint64_t entropy) {
    SandboxHost host;
    if (::geteuid() == 0) {
        const auto id = static_cast<std::uint32_t>(kFirstUserId + entropy % kUserIds);
        host.user_id = is_mapped(id) ? id : kNobody;
    }
    for (const char* path : {"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"}) {
        std::error_code error;
        if (fs::is_symlink(path, error)) {
            host.system_paths.push_back({.path = path, .link_target = fs::read_symlink(path, error).string()});
        } else if (fs::is_directory(path, error)) {
            host.system_paths.push_back({.path = path, .link_target = {}});
        }
    }
    host.open_files_hard_limit = hard_limit(RLIMIT_NOFILE);
    host.processes_hard_limit = hard_limit(RLIMIT_NPROC);
    host.cores = usable_cores(entropy / kUserIds);
    return host;
}

Result<void> check_spec(const ports::SandboxSpec& spec, const BwrapSandboxOptions& options) {
    if (spec.is_reachable && options.init_path.empty()) {
        return make_error(Errc::kInvalid, "this sandbox has no way in: vcity-init is not there");
    }
    if (spec.command.empty() || !is_clean_path(spec.command.front())) {
        return make_error(Errc::kInvalid, "the command must be an absolute path");
    }
    // env would take it for a variable.
    if (spec.command.front().find('=') != std::string::npos) {
        return make_error(Errc::kInvalid, "the command's path may hold no =");
    }
    if (spec.command.size() > kArgumentsMax || !std::ranges::all_of(spec.command, is_plain_text)) {
        return make_error(Errc::kInvalid, "too many or too long arguments");
    }
    if (spec.read_only.size() > kMountsMax) return make_error(Errc::kInvalid, "too many mounts");
    for (const ports::SandboxMount& mount : spec.read_only) {
        TRY_OK(check_mount(mount));
    }
    if (spec.environment.size() > kEnvironmentMax) return make_error(Errc::kInvalid, "too large an environment");
    for (const std::string& entry : spec.environment) {
        const std::size_t equals = entry.find('=');
        if (!is_plain_text(entry) || equals == 0 || equals == std::string::npos) {
            return make_error(Errc::kInvalid, "malformed environment entry");
        }
    }
    if (spec.processes_max == 0) return make_error(Errc::kInvalid, "no process allowed");
    if (!spec.image.empty() || !spec.gpus.empty() || spec.egress != Egress::kNone) {
        return make_error(Errc::kInvalid, "bubblewrap runs no images, passes no GPU on and gives no network");
    }
    if (spec.joins_output) return make_error(Errc::kInvalid, "bubblewrap logs standard error: join it in a shell");
    if (!spec.job_folder.empty()) {
        std::error_code error;
        const bool is_folder = is_clean_path(spec.job_folder) && fs::is_directory(spec.job_folder, error);
        return is_folder ? Result<void>{} : make_error(Errc::kInvalid, "the job's folder is not there");
    }
    if (spec.files.size() > kFilesMax) return make_error(Errc::kInvalid, "too many files");
    std::uint64_t bytes = 0;
    for (const ports::SandboxFile& file : spec.files) {
        const bool is_name = is_plain_text(file.name) && !file.name.empty() && file.name != "." && file.name != ".." &&
                             file.name.find('/') == std::string::npos;
        if (!is_name) return make_error(Errc::kInvalid, "a file's name must be one component of a path");
        bytes += file.content.size();
    }
    if (bytes > spec.work_bytes_max) return make_error(Errc::kInvalid, "the files do not fit into /job");
    return {};
}

std::vector<std::string> make_command(const ports::SandboxSpec& spec,
                                      const SandboxHost& host,
                                      const BwrapSandboxOptions& options) {
    Arguments arguments{options.bwrap_path};
    add_namespaces(&arguments, host);
    add_files(&arguments, spec, host, options);
    add_environment(&arguments);
    add_limits(&arguments, spec, host, options);
    add_own_environment(&arguments, spec);
    if (spec.is_reachable) append_to(&arguments, {kInitPath, "serve", std::to_string(kControlDescriptor)});
    append_to(&arguments, spec.command);
    return arguments;
}

}  // namespace vcity::adapters
