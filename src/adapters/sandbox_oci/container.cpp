// SPDX-License-Identifier: Apache-2.0
#include "adapters/sandbox_oci/container.hpp"

#include <algorithm>
#include <array>
#include <filesystem>

namespace vcity::adapters {
namespace {

using codec::Json;
using codec::JsonArray;
using codec::JsonObject;

constexpr std::size_t kArgumentsMax = 512;
constexpr std::size_t kMountsMax = 64;
constexpr std::size_t kEnvironmentMax = 256;
constexpr std::size_t kFilesMax = 64;
constexpr std::size_t kTextBytesMax = 64U << 10U;
constexpr std::size_t kImageBytesMax = 512;
constexpr std::uint64_t kUserIds = 65'536;
constexpr std::uint64_t kPeriodMicroseconds = 100'000;
constexpr std::uint64_t kUserProcessesMax = 4'096;
constexpr std::uint64_t kLowShares = 128;  // of 1024
constexpr std::size_t kDigestHex = 64;

bool is_plain_text(const std::string& text) {
    return text.size() <= kTextBytesMax && text.find('\0') == std::string::npos && codec::is_utf8(text);
}

bool is_clean_path(const std::string& path) {
    if (!is_plain_text(path) || path.size() < 2 || path.front() != '/' || path.back() == '/') return false;
    // Engines read mounts as lists.
    if (path.find_first_of(",:") != std::string::npos) return false;
    return std::filesystem::path{path}.lexically_normal() == std::filesystem::path{path};
}

bool is_under(const std::string& path, std::string_view folder) {
    return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

Result<void> check_mounts(const ports::SandboxSpec& spec) {
    if (spec.read_only.size() > kMountsMax) return make_error(Errc::kInvalid, "too many mounts");
    for (const ports::SandboxMount& mount : spec.read_only) {
        const bool are_clean = is_clean_path(mount.source) && is_clean_path(mount.target);
        const auto covers = [&](std::string_view taken) { return is_under(mount.target, taken); };
        constexpr std::array<std::string_view, 6> kTaken{"/proc", "/sys", "/dev", "/tmp", "/job", "/run"};
        if (!are_clean || std::ranges::any_of(kTaken, covers)) {
            return make_error(Errc::kInvalid, "mount of " + mount.source + " at " + mount.target +
                                                  ": both must be absolute paths in normal form, not over the "
                                                  "container's own folders");
        }
        std::error_code error;
        if (!std::filesystem::exists(mount.source, error)) {
            return make_error(Errc::kInvalid, "mount source is not there: " + mount.source);
        }
    }
    return {};
}

Result<void> check_environment(const std::vector<std::string>& environment) {
    if (environment.size() > kEnvironmentMax) return make_error(Errc::kInvalid, "too large an environment");
    for (const std::string& entry : environment) {
        const std::size_t equals = entry.find('=');
        if (!is_plain_text(entry) || equals == 0 || equals == std::string::npos) {
            return make_error(Errc::kInvalid, "malformed environment entry");
        }
    }
    return {};
}

Result<void> check_files(const ports::SandboxSpec& spec) {
    if (!spec.job_folder.empty()) {
        std::error_code error;
        const bool is_folder = is_clean_path(spec.job_folder) && std::filesystem::is_directory(spec.job_folder, error);
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

bool is_device_name(const std::string& name) {
    const auto is_plain = [](char letter) {
        return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
               (letter >= '0' && letter <= '9') || letter == '.' || letter == '-' || letter == '_' || letter == '/' ||
               letter == '=' || letter == ':';
    };
    // Vendor/class=name; a path of the host would be a device of its own.
    return !name.empty() && name.size() <= 128 && name.front() != '/' && name.find('=') != std::string::npos &&
           std::ranges::all_of(name, is_plain);
}

struct OneMount {
    std::string source;
    std::string target;
    bool is_writable = false;
};

std::vector<OneMount> binds_of(const ports::SandboxSpec& spec, const ContainerSetting& setting) {
    std::vector<OneMount> mounts;
    for (const ports::SandboxMount& mount : spec.read_only) mounts.push_back({mount.source, mount.target, false});
    if (!setting.job_source.empty()) mounts.push_back({setting.job_source, "/job", true});
    return mounts;
}

struct OneScratch {
    std::string target;
    std::uint64_t bytes = 0;
};

std::vector<OneScratch> scratches_of(const ports::SandboxSpec& spec, const ContainerSetting& setting) {
    const bool is_bounded = spec.work_bytes_max != 0 && spec.work_bytes_max < setting.scratch_bytes_max;
    std::vector<OneScratch> scratches{{"/tmp", is_bounded ? spec.work_bytes_max : setting.scratch_bytes_max}};
    if (setting.job_source.empty() && spec.work_bytes_max != 0) scratches.push_back({"/job", spec.work_bytes_max});
    return scratches;
}

bool has_job(const ports::SandboxSpec& spec) {
    return !spec.job_folder.empty() || spec.work_bytes_max != 0;
}

std::string size_option(std::uint64_t bytes) {
    return "size=" + std::to_string(bytes);
}

// Docker makes the working folder in the image first, and runc gives that one's mode to what it mounts there: whose it
// is must do. Podman keeps the mode that is asked for, and does not know these options.
std::string owner_options(const ContainerSetting& setting) {
    if (setting.is_podman) return {};
    const std::size_t colon = setting.user.find(':');
    if (colon == std::string::npos) return {};
    return "uid=" + setting.user.substr(0, colon) + ",gid=" + setting.user.substr(colon + 1) + ",";
}

Json strings(const std::vector<std::string>& texts) {
    return JsonArray(texts.begin(), texts.end());
}

std::vector<std::string> arguments_of(const ports::SandboxSpec& spec) {
    if (spec.command.empty()) return {};
    return {spec.command.begin() + 1, spec.command.end()};
}

Json labels_of(const ports::SandboxSpec& spec, const ContainerSetting& setting) {
    return JsonObject{
        {kOwnerLabel, setting.owner}, {kNameLabel, setting.name}, {kJoinsLabel, spec.joins_output ? "yes" : "no"}};
}

Json mapping_of(const ContainerSetting& setting) {
    return JsonArray{JsonObject{{"container_id", 0}, {"host_id", setting.first_user_id}, {"size", kUserIds}}};
}

void set_libpod_mounts(Json* body, const ports::SandboxSpec& spec, const ContainerSetting& setting) {
    JsonArray mounts;
    for (const OneMount& mount : binds_of(spec, setting)) {
        const std::vector<std::string> options{mount.is_writable ? "rw" : "ro", "nosuid", "nodev", "rbind"};
        mounts.push_back(JsonObject{
            {"type", "bind"}, {"source", mount.source}, {"destination", mount.target}, {"options", strings(options)}});
    }
    for (const OneScratch& scratch : scratches_of(spec, setting)) {
        const std::vector<std::string> options{"rw", "nosuid", "nodev", "mode=1777", size_option(scratch.bytes)};
        mounts.push_back(JsonObject{
            {"type", "tmpfs"}, {"source", "tmpfs"}, {"destination", scratch.target}, {"options", strings(options)}});
    }
    body->set("mounts", std::move(mounts));
}

// Of all processes together, in any case.
std::uint64_t memory_of(const ports::SandboxSpec& spec) {
    return spec.memory_total_bytes_max != 0 ? spec.memory_total_bytes_max : spec.memory_bytes_max;
}

void set_libpod_limits(Json* body, const ports::SandboxSpec& spec, const ContainerSetting& setting) {
    Json limits{JsonObject{{"pids", JsonObject{{"limit", spec.processes_max}}}}};
    if (const std::uint64_t memory = memory_of(spec); memory != 0) {
        // Memory and swap together: none of it is swap.
        limits.set("memory", JsonObject{{"limit", memory}, {"swap", memory}});
    }
    Json cpu{JsonObject{}};
    if (spec.cores_max != 0) {
        cpu.set("period", kPeriodMicroseconds);
        cpu.set("quota", kPeriodMicroseconds * spec.cores_max);
    }
    if (spec.gives_way) cpu.set("shares", kLowShares);
    limits.set("cpu", std::move(cpu));
    body->set("resource_limits", std::move(limits));
    const auto limit = [](const char* type, std::uint64_t value) {
        return JsonObject{{"type", type}, {"soft", value}, {"hard", value}};
    };
    // The last counts for all containers together, which share their users.
    body->set("r_limits",
              JsonArray{limit("core", 0), limit("nofile", setting.open_files_max), limit("nproc", kUserProcessesMax)});
    body->set("oom_score_adj", 500);
    body->set("shm_size", scratches_of(spec, setting).front().bytes);
}

Json libpod_body(const ports::SandboxSpec& spec, const ContainerSetting& setting) {
    Json body{JsonObject{{"image", spec.image}, {"name", setting.name}, {"labels", labels_of(spec, setting)}}};
    if (!spec.command.empty()) {
        body.set("entrypoint", strings({spec.command.front()}));
        body.set("command", strings(arguments_of(spec)));
    }
    Json environment{JsonObject{{"HOME", "/tmp"}, {"LANG", "C.UTF-8"}}};
    for (const std::string& entry : spec.environment) {
        const std::size_t equals = entry.find('=');
        environment.set(entry.substr(0, equals), entry.substr(equals + 1));
    }
    body.set("env", std::move(environment));
    body.set("env_host", false);
    body.set("httpproxy", false);
    body.set("work_dir", has_job(spec) ? "/job" : "/tmp");
    body.set("stdin", true);
    body.set("hostname", "sandbox");
    body.set("cap_drop", strings({"ALL"}));
    body.set("no_new_privileges", true);
    body.set("read_only_filesystem", true);
    body.set("image_volume_mode", "ignore");
    body.set("systemd", "false");
    body.set("ipcns", JsonObject{{"nsmode", "private"}});
    body.set("cgroupns", JsonObject{{"nsmode", "private"}});
    if (!setting.seccomp_file.empty()) body.set("seccomp_profile_path", setting.seccomp_file);
    if (!setting.user.empty()) body.set("user", setting.user);
    if (setting.maps_users) {
        body.set("userns", JsonObject{{"nsmode", "private"}});
        body.set("idmappings", JsonObject{{"HostUIDMapping", false},
                                          {"HostGIDMapping", false},
                                          {"UIDMap", mapping_of(setting)},
                                          {"GIDMap", mapping_of(setting)}});
    }
    body.set("netns", JsonObject{{"nsmode", setting.network.empty() ? "none" : "bridge"}});
    if (!setting.network.empty()) body.set("networks", JsonObject{{setting.network, JsonObject{}}});
    set_libpod_mounts(&body, spec, setting);
    set_libpod_limits(&body, spec, setting);
    JsonArray devices;
    for (const std::string& gpu : spec.gpus) devices.push_back(JsonObject{{"path", gpu}});
    if (!devices.empty()) body.set("devices", std::move(devices));
    body.set("log_configuration", JsonObject{{"driver", "k8s-file"}, {"size", setting.log_bytes_max}});
    return body;
}

Json docker_host(const ports::SandboxSpec& spec, const ContainerSetting& setting) {
    Json host{JsonObject{{"CapDrop", strings({"ALL"})},
                         {"ReadonlyRootfs", true},
                         {"IpcMode", "private"},
                         {"CgroupnsMode", "private"},
                         {"PidsLimit", spec.processes_max},
                         {"OomScoreAdj", 500},
                         {"NetworkMode", setting.network.empty() ? "none" : setting.network}}};
    std::vector<std::string> security{"no-new-privileges"};
    if (!setting.seccomp_profile.empty()) security.push_back("seccomp=" + setting.seccomp_profile);
    host.set("SecurityOpt", strings(security));
    std::vector<std::string> binds;
    for (const OneMount& mount : binds_of(spec, setting)) {
        binds.push_back(mount.source + ":" + mount.target + (mount.is_writable ? ":rw" : ":ro"));
    }
    host.set("Binds", strings(binds));
    Json scratches{JsonObject{}};
    for (const OneScratch& scratch : scratches_of(spec, setting)) {
        scratches.set(scratch.target,
                      "rw,nosuid,nodev,mode=1777," + owner_options(setting) + size_option(scratch.bytes));
    }
    host.set("Tmpfs", std::move(scratches));
    host.set("ShmSize", scratches_of(spec, setting).front().bytes);
    if (const std::uint64_t memory = memory_of(spec); memory != 0) {
        host.set("Memory", memory);
        host.set("MemorySwap", memory);
    }
    if (spec.cores_max != 0) {
        host.set("CpuPeriod", kPeriodMicroseconds);
        host.set("CpuQuota", kPeriodMicroseconds * spec.cores_max);
    }
    if (spec.gives_way) host.set("CpuShares", kLowShares);
    const auto limit = [](const char* name, std::uint64_t value) {
        return JsonObject{{"Name", name}, {"Soft", value}, {"Hard", value}};
    };
    host.set("Ulimits",
             JsonArray{limit("core", 0), limit("nofile", setting.open_files_max), limit("nproc", kUserProcessesMax)});
    if (!spec.gpus.empty()) {
        host.set("DeviceRequests", JsonArray{JsonObject{{"Driver", "cdi"}, {"DeviceIDs", strings(spec.gpus)}}});
    }
    return host;
}

Json docker_body(const ports::SandboxSpec& spec, const ContainerSetting& setting) {
    Json body{JsonObject{{"Image", spec.image}, {"Labels", labels_of(spec, setting)}, {"Hostname", "sandbox"}}};
    if (!spec.command.empty()) {
        body.set("Entrypoint", strings({spec.command.front()}));
        body.set("Cmd", strings(arguments_of(spec)));
    }
    std::vector<std::string> environment{"HOME=/tmp", "LANG=C.UTF-8"};
    environment.insert(environment.end(), spec.environment.begin(), spec.environment.end());
    body.set("Env", strings(environment));
    body.set("WorkingDir", has_job(spec) ? "/job" : "/tmp");
    body.set("OpenStdin", true);
    body.set("AttachStdin", true);
    body.set("AttachStdout", true);
    body.set("AttachStderr", true);
    if (!setting.user.empty()) body.set("User", setting.user);
    body.set("HostConfig", docker_host(spec, setting));
    return body;
}

bool is_refused(std::string_view name) {
    // What the bubblewrap sandboxes are refused as well, where engines let it through.
    constexpr auto kRefused = std::to_array<std::string_view>({"add_key",
                                                               "bpf",
                                                               "chroot",
                                                               "clock_adjtime",
                                                               "clone",
                                                               "clone3",
                                                               "fanotify_init",
                                                               "fsconfig",
                                                               "fsmount",
                                                               "fsopen",
                                                               "fspick",
                                                               "io_uring_enter",
                                                               "io_uring_register",
                                                               "io_uring_setup",
                                                               "kcmp",
                                                               "keyctl",
                                                               "mount",
                                                               "mount_setattr",
                                                               "move_mount",
                                                               "name_to_handle_at",
                                                               "open_by_handle_at",
                                                               "open_tree",
                                                               "perf_event_open",
                                                               "pidfd_getfd",
                                                               "pivot_root",
                                                               "process_madvise",
                                                               "process_vm_readv",
                                                               "process_vm_writev",
                                                               "ptrace",
                                                               "quotactl",
                                                               "request_key",
                                                               "socket",
                                                               "setns",
                                                               "syslog",
                                                               "umount",
                                                               "umount2",
                                                               "unshare",
                                                               "userfaultfd",
                                                               "vmsplice"});
    return std::ranges::find(kRefused, name) != kRefused.end();
}

// Threads and processes, but none in namespaces of their own; clone3 hides its flags from filters, and libraries
// that are told of its absence (ENOSYS) do without.
void add_clone(JsonArray* rules) {
    constexpr std::uint64_t kNewNamespaces = 0x7E020080;
    const JsonObject no_namespace{
        {"index", 0}, {"value", kNewNamespaces}, {"valueTwo", 0}, {"op", "SCMP_CMP_MASKED_EQ"}};
    rules->push_back(
        JsonObject{{"names", strings({"clone"})}, {"action", "SCMP_ACT_ALLOW"}, {"args", JsonArray{no_namespace}}});
    rules->push_back(JsonObject{
        {"names", strings({"clone3"})}, {"action", "SCMP_ACT_ERRNO"}, {"args", JsonArray{}}, {"errnoRet", 38}});
}

// Families of addresses that programs use; of netlink only the routes of its own namespace.
void add_sockets(JsonArray* rules) {
    const auto equals = [](std::uint64_t index, std::uint64_t value) {
        return JsonObject{{"index", index}, {"value", value}, {"valueTwo", 0}, {"op", "SCMP_CMP_EQ"}};
    };
    const auto allow = [rules](JsonArray conditions) {
        rules->push_back(
            JsonObject{{"names", strings({"socket"})}, {"action", "SCMP_ACT_ALLOW"}, {"args", std::move(conditions)}});
    };
    constexpr std::uint64_t kUnix = 1;
    constexpr std::uint64_t kInternet = 2;
    constexpr std::uint64_t kInternet6 = 10;
    constexpr std::uint64_t kNetlink = 16;
    for (const std::uint64_t family : {kUnix, kInternet, kInternet6}) allow({equals(0, family)});
    allow({equals(0, kNetlink), equals(2, 0)});
}

// Calls of the 32-bit kind have other numbers, and so would need a filter of their own.
void keep_native_calls(Json* profile) {
    const Json* found = profile->find("archMap");
    if (found == nullptr || found->get_array() == nullptr) return;
    JsonArray native;
    for (const Json& one : *found->get_array()) {
        Json alone = one;
        alone.set("subArchitectures", JsonArray{});
        native.push_back(std::move(alone));
    }
    profile->set("archMap", std::move(native));
}

}  // namespace

bool names_digest(const std::string& image) {
    return !digest_of_image(image).empty();
}

std::string digest_of_image(const std::string& image) {
    const std::size_t at = image.find("@sha256:");
    if (at == std::string::npos || at == 0 || image.size() != at + 8 + kDigestHex) return {};
    const std::string digest = image.substr(at + 1);
    const bool is_hex = digest.find_first_not_of("0123456789abcdef", 7) == std::string::npos;
    return is_hex ? digest : std::string{};
}

Result<void> check_container_spec(const ports::SandboxSpec& spec) {
    if (spec.image.empty()) return make_error(Errc::kInvalid, "a container needs an image");
    const bool is_name = spec.image.size() <= kImageBytesMax && spec.image.front() != '-' &&
                         spec.image.find_first_not_of(
                             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                             "._-/:@") == std::string::npos;
    if (!is_name || !names_digest(spec.image)) {
        return make_error(Errc::kInvalid, "an image is named by its digest, name@sha256:64 hex digits, which " +
                                              spec.image + " is not");
    }
    if (!spec.command.empty() && !is_clean_path(spec.command.front())) {
        return make_error(Errc::kInvalid, "the command must be an absolute path");
    }
    if (spec.command.size() > kArgumentsMax || !std::ranges::all_of(spec.command, is_plain_text)) {
        return make_error(Errc::kInvalid, "too many or too long arguments");
    }
    TRY_OK(check_mounts(spec));
    TRY_OK(check_environment(spec.environment));
    if (spec.processes_max == 0) return make_error(Errc::kInvalid, "no process allowed");
    if (!std::ranges::all_of(spec.gpus, is_device_name)) {
        return make_error(Errc::kInvalid, "a GPU is named as CDI does, vendor/class=name");
    }
    if (!spec.egress_hosts.empty()) {
        return make_error(Errc::kInvalid, "containers reach the public internet or nothing: no lists of hosts yet");
    }
    return check_files(spec);
}

Json create_body(const ports::SandboxSpec& spec, const ContainerSetting& setting) {
    return setting.dialect == EngineDialect::kLibpod ? libpod_body(spec, setting) : docker_body(spec, setting);
}

Result<std::string> tighten_seccomp(std::string_view profile) {
    TRY(Json parsed, codec::parse_json(profile));
    const Json* rules = parsed.find("syscalls");
    const Json* fallback = parsed.find("defaultAction");
    const std::string* action = fallback != nullptr ? fallback->get_string() : nullptr;
    if (rules == nullptr || rules->get_array() == nullptr || action == nullptr || *action == "SCMP_ACT_ALLOW") {
        return make_error(Errc::kCorrupt, "seccomp profile: it must allow single calls and nothing else");
    }
    JsonArray kept;
    for (const Json& rule : *rules->get_array()) {
        const Json* names = rule.find("names");
        if (names == nullptr || names->get_array() == nullptr) {
            return make_error(Errc::kCorrupt, "seccomp profile: a rule without names");
        }
        JsonArray allowed;
        for (const Json& name : *names->get_array()) {
            const std::string* text = name.get_string();
            if (text != nullptr && !is_refused(*text)) allowed.push_back(name);
        }
        if (allowed.empty()) continue;
        Json tightened = rule;
        tightened.set("names", std::move(allowed));
        kept.push_back(std::move(tightened));
    }
    add_clone(&kept);
    add_sockets(&kept);
    keep_native_calls(&parsed);
    parsed.set("syscalls", std::move(kept));
    return codec::dump_json(parsed);
}

std::string escape(std::string_view text) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    std::string escaped;
    for (const char letter : text) {
        const auto byte = static_cast<unsigned char>(letter);
        const bool is_plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                              (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == '_' || byte == '~';
        if (is_plain) escaped += letter;
        if (!is_plain) escaped += {'%', kDigits[byte >> 4U], kDigits[byte & 15U]};
    }
    return escaped;
}

}  // namespace vcity::adapters
