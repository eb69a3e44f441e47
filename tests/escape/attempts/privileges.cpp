// SPDX-License-Identifier: Apache-2.0
// Becoming somebody else, or more.
#include <cstdio>
#include <cstring>
#include <vector>

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "attempt.hpp"

namespace vcity::escape {
namespace {

Outcome become_root(const Target&) {
    return in_child([] {
        return worst_of({outcome_of("setuid", raw_call(SYS_setuid, 0)), outcome_of("setgid", raw_call(SYS_setgid, 0)),
                         outcome_of("setresuid", raw_call(SYS_setresuid, 0, 0, 0))});
    });
}
Outcome other_groups(const Target&) {
    return in_child([] {
        const gid_t groups[] = {0, 6};  // root, disk
        return outcome_of("setgroups", raw_call(SYS_setgroups, 2UL, groups));
    });
}
Outcome is_root_already(const Target&) {
    const bool is_host_root = [] {
        // Root of a user namespace is nobody on the host; only an identity mapping makes it the host's.
        const int file = ::open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC);
        char text[128] = {};
        if (file < 0 || ::read(file, text, sizeof(text) - 1) <= 0) return true;
        ::close(file);
        unsigned long inside = 1;
        unsigned long outside = 1;
        return std::sscanf(text, "%lu %lu", &inside, &outside) == 2 && inside == 0 && outside == 0;
    }();
    return ::geteuid() == 0 && is_host_root ? succeeded("runs as root of the host") : refused("runs as a stranger");
}
Outcome take_capabilities(const Target&) {
    return in_child([] {
        __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
        __user_cap_data_struct data[2];
        for (auto& word : data) word = {.effective = ~0U, .permitted = ~0U, .inheritable = 0};
        data[1] = {.effective = 0x1ff, .permitted = 0x1ff, .inheritable = 0};
        return outcome_of("capset", raw_call(SYS_capset, &header, data));
    });
}
Outcome has_capabilities(const Target&) {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    __user_cap_data_struct data[2] = {};
    if (raw_call(SYS_capget, &header, data) != 0) return untried("capget");
    const bool has_any = data[0].permitted != 0 || data[1].permitted != 0 || data[0].effective != 0;
    return has_any ? succeeded("has capabilities") : refused("has none");
}
Outcome raise_ambient(const Target&) {
    return in_child([] {
        return outcome_of("PR_CAP_AMBIENT_RAISE",
                          raw_call(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_ADMIN, 0, 0));
    });
}
Outcome gain_privileges_again(const Target&) {
    const long state = raw_call(SYS_prctl, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
    if (state < 0) return untried("PR_GET_NO_NEW_PRIVS");
    return state == 1 ? refused("no new privileges is set, for good") : succeeded("new privileges are possible");
}
Outcome secure_bits(const Target&) {
    return in_child([] { return outcome_of("PR_SET_SECUREBITS", raw_call(SYS_prctl, PR_SET_SECUREBITS, 0, 0, 0, 0)); });
}
Outcome leave_the_filter(const Target&) {
    const long mode = raw_call(SYS_prctl, PR_GET_SECCOMP, 0, 0, 0, 0);
    if (mode < 0) return untried("PR_GET_SECCOMP");
    return mode == 2 ? refused("a filter is set, for good") : succeeded("there is no filter");
}
// The program belongs to root and is setuid; run with "whoami" it ends with 50 if that made it root.
Outcome run_a_setuid_program(const Target& target) {
    struct stat facts{};
    if (::stat(target.setuid_program.c_str(), &facts) != 0) return untried("it is not there");
    if ((facts.st_mode & S_ISUID) == 0 || (facts.st_mode & S_IXOTH) == 0) return untried("it is not setuid");
    const pid_t child = ::fork();
    if (child < 0) return untried("fork");
    if (child == 0) {
        if (::geteuid() == 0) (void)!::setuid(65'534);
        ::execl(target.setuid_program.c_str(), "escape", "whoami", nullptr);
        ::_exit(127);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 50) return succeeded("it ran as root");
    if (WIFEXITED(status) && WEXITSTATUS(status) == 51) return refused("it ran as before");
    return refused("it did not run");
}
Outcome run_setuid_programs_of_the_system(const Target&) {
    std::vector<Outcome> outcomes{refused("none, or none that works")};
    for (const char* path : {"/usr/bin/su", "/usr/bin/mount", "/usr/bin/newgrp", "/usr/bin/passwd"}) {
        const pid_t child = ::fork();
        if (child == 0) {
            const int null = ::open("/dev/null", O_RDWR);
            for (int file = 0; file < 3; ++file) ::dup2(null, file);
            const bool is_mount = std::strstr(path, "mount") != nullptr;
            if (is_mount) ::execl(path, path, "-t", "tmpfs", "none", "/tmp", nullptr);
            ::execl(path, path, "-c", "true", nullptr);
            ::_exit(127);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        const bool has_worked = WIFEXITED(status) && WEXITSTATUS(status) == 0 && std::strstr(path, "passwd") == nullptr;
        if (has_worked) outcomes.push_back(succeeded(path));
    }
    return worst_of(outcomes);
}
Outcome make_a_setuid_program(const Target&) {
    const std::string path = "/tmp/escape-setuid";
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
    if (file < 0) return untried("no scratch");
    ::close(file);
    Outcome outcome = outcome_of("chown to root", raw_call(SYS_chown, path.c_str(), 0, 0));
    ::unlink(path.c_str());
    return outcome;
}
Outcome file_capabilities(const Target&) {
    const std::string path = "/tmp/escape-capability";
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
    if (file < 0) return untried("no scratch");
    ::close(file);
    const unsigned char all[20] = {1, 0, 0, 2, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 1, 0, 0, 0, 0, 0, 0};
    const long result = raw_call(SYS_setxattr, path.c_str(), "security.capability", all, sizeof(all), 0);
    ::unlink(path.c_str());
    return outcome_of("setxattr", result);
}
Outcome raise_own_limits(const Target&) {
    return in_child([] {
        std::vector<Outcome> outcomes;
        for (const __rlimit_resource resource : {RLIMIT_NPROC, RLIMIT_NOFILE, RLIMIT_CORE}) {
            rlimit limit{};
            if (::getrlimit(resource, &limit) != 0) return untried("getrlimit");
            limit.rlim_max += 1;
            outcomes.push_back(outcome_of("setrlimit", ::setrlimit(resource, &limit) == 0 ? 0L : -long{errno}));
        }
        return worst_of(outcomes);
    });
}
Outcome limits_of_the_first_process(const Target&) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NPROC, &limit) != 0) return untried("getrlimit");
    limit.rlim_max += 1;
    return outcome_of("prlimit 1", raw_call(SYS_prlimit64, 1, RLIMIT_NPROC, &limit, nullptr));
}
// The loader takes orders from the environment, and whatever starts a job may still be privileged when it reads them:
// CVE-2025-23266. The harness puts LD_PRELOAD into the job's environment; the library leaves a note of who loaded it.
Outcome preload(const Target&) {
    const int file = ::open("/tmp/escape-preload-note", O_RDONLY | O_CLOEXEC);
    if (file < 0) return refused("nobody loaded the library before");
    char text[512] = {};
    const ssize_t count = ::read(file, text, sizeof(text) - 1);
    ::close(file);
    if (count <= 0) return untried("an empty note");
    // Written "user permitted-capabilities;" by each process that loaded it.
    const std::string_view notes{text, static_cast<std::size_t>(count)};
    const bool is_privileged = notes.starts_with("0 ") || notes.find(";0 ") != std::string_view::npos;
    return is_privileged ? succeeded("loaded by a privileged process: " + std::string{notes}) : refused("unprivileged");
}

constexpr Attempt kAttempts[] = {
    {"setuid_0", Control::kOutside, become_root},
    {"setgroups", Control::kOutside, other_groups},
    {"is_root", Control::kOutside, is_root_already},
    {"capset", Control::kNone, take_capabilities},
    {"capabilities", Control::kOutside, has_capabilities},
    {"ambient_capability", Control::kNone, raise_ambient},
    {"no_new_privileges", Control::kOutside, gain_privileges_again},
    {"securebits", Control::kOutside, secure_bits},
    {"seccomp", Control::kOutside, leave_the_filter},
    {"setuid_program", Control::kOutside, run_a_setuid_program},
    {"setuid_system_programs", Control::kNone, run_setuid_programs_of_the_system},
    {"chown_to_root", Control::kOutside, make_a_setuid_program},
    {"file_capabilities", Control::kOutside, file_capabilities},
    {"raise_own_limits", Control::kNone, raise_own_limits},
    {"limits_of_first", Control::kNone, limits_of_the_first_process},
    {"ld_preload", Control::kNone, preload},
};

}  // namespace

std::span<const Attempt> privilege_attempts() {
    return kAttempts;
}

}  // namespace vcity::escape
