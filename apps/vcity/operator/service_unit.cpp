// SPDX-License-Identifier: Apache-2.0
#include "operator/service_unit.hpp"

#include <cstdlib>
#include <filesystem>

#include <fmt/core.h>
#include <pwd.h>
#include <unistd.h>

#include "cli/settings.hpp"
#include "operator/node_folder.hpp"

namespace vcity::cli {
namespace {

namespace fs = std::filesystem;

// Not among them: what masks parts of /proc or forbids namespaces, which a sandbox inside could not undo
// (ProtectKernelTunables, ProtectKernelLogs, ProtectProc, RestrictNamespaces), PrivateDevices, which hides GPUs, and
// ProtectControlGroups, under which the node could not limit its jobs.
constexpr const char* kHardening = R"(
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
ProtectKernelModules=yes
ProtectClock=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service @mount seccomp sethostname
SystemCallErrorNumber=EPERM
RemoveIPC=yes
KeyringMode=private
UMask=0077
)";

std::string user_unit_folder() {
    const char* config = std::getenv("XDG_CONFIG_HOME");
    const char* home = std::getenv("HOME");
    const std::string base = config != nullptr && *config != '\0'
                                 ? std::string{config}
                                 : std::string{home != nullptr ? home : ""} + "/.config";
    return base + "/systemd/user";
}

std::vector<std::string> systemctl(bool is_user, std::vector<std::string> words) {
    words.insert(words.begin(), "systemctl");
    if (is_user) words.insert(words.begin() + 1, "--user");
    return words;
}

}  // namespace

std::string service_unit(const ServiceOptions& options) {
    const bool is_system = !options.user.empty();
    std::string text = fmt::format(
        "[Unit]\nDescription=Vcity compute node\nDocumentation=man:vcity(1)\nAfter=network-online.target\n"
        "Wants=network-online.target\nConditionPathExists={}\nStartLimitIntervalSec=0\n\n"
        "[Service]\nType=exec\nExecStart={} node run --config {}\nRestart=always\nRestartSec=3\nTimeoutStopSec=60\n"
        "KillMode=mixed\nLimitNOFILE=65536\nOOMPolicy=continue\n",
        options.config, options.program, options.config);
    if (is_system) {
        text += fmt::format("EnvironmentFile=-/etc/default/vcity-node\nUser={}\nGroup={}\nDelegate=yes\n", options.user,
                            options.user);
        text += kHardening;
        text += fmt::format("ReadWritePaths={}\n", options.state);
    } else {
        text += "NoNewPrivileges=yes\nUMask=0077\n";
    }
    text += fmt::format("\n[Install]\nWantedBy={}\n", is_system ? "multi-user.target" : "default.target");
    return text;
}

bool has_systemd() {
    return exists("/run/systemd/system");
}

Result<void> install_service(const ServiceOptions& options) {
    const bool is_user = options.user.empty();
    const std::string folder = is_user ? user_unit_folder() : "/etc/systemd/system";
    const std::string text = service_unit(options);
    // The package's own unit does when it says the same.
    const Result<std::string> packaged = read_file(std::string{"/lib/systemd/system/"} + kServiceName);
    const bool is_packaged = !is_user && packaged && *packaged + "\n" == text;
    if (!is_packaged) {
        std::error_code error;
        fs::create_directories(folder, error);
        TRY_OK(write_file(folder + "/" + kServiceName, text, 0644));
    }
    for (const std::vector<std::string>& words :
         {systemctl(is_user, {"daemon-reload"}), systemctl(is_user, {"enable", kServiceName}),
          systemctl(is_user, {"restart", kServiceName})}) {
        const Result<std::string> done = run_program(words);
        if (!done) return done.error();
    }
    return {};
}

std::string service_state(bool is_user_service) {
    if (!has_systemd()) return "none";
    // is-active ends with a number other than 0 for everything but "active".
    const Result<std::string> state = run_program(
        {"sh", "-c",
         fmt::format("systemctl {} is-active {} 2>/dev/null || true", is_user_service ? "--user" : "", kServiceName)});
    return state && !state->empty() ? *state : "none";
}

Result<void> control_service(const std::string& verb, bool is_user_service) {
    const Result<std::string> done = run_program(systemctl(is_user_service, {verb, kServiceName}));
    if (!done) return done.error();
    return {};
}

Result<void> hand_to_user(const std::string& user, const std::string& folder) {
    const passwd* entry = getpwnam(user.c_str());
    if (entry == nullptr) {
        TRY_OK(run_program({"useradd", "--system", "--user-group", "--home-dir", folder, "--no-create-home", "--shell",
                            "/usr/sbin/nologin", user}));
        entry = getpwnam(user.c_str());
    }
    if (entry == nullptr) return make_error(Errc::kUnavailable, "the system user " + user + " could not be made");
    return [&]() -> Result<void> {
        TRY_OK(run_program({"chown", "-R", user + ":" + user, folder}));
        return {};
    }();
}

}  // namespace vcity::cli
