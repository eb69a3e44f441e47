// SPDX-License-Identifier: Apache-2.0
// Reaching processes outside, and namespaces.
#include <csignal>
#include <cstring>
#include <vector>

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "attempt.hpp"

namespace vcity::escape {
namespace {

Outcome trace_the_first_process(const Target&) {
    return outcome_of("ptrace 1", raw_call(SYS_ptrace, PTRACE_SEIZE, 1, nullptr, nullptr));
}
Outcome trace_a_host_process(const Target& target) {
    const long result = raw_call(SYS_ptrace, PTRACE_SEIZE, target.host_process, nullptr, nullptr);
    if (result == 0) (void)raw_call(SYS_ptrace, PTRACE_DETACH, target.host_process, nullptr, nullptr);
    return outcome_of("ptrace", result);
}
Outcome trace_a_child(const Target&) {
    return in_child([] { return outcome_of("ptrace traceme", raw_call(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0)); });
}
Outcome read_memory_of(int process) {
    char here[16];
    const iovec local{.iov_base = here, .iov_len = sizeof(here)};
    const iovec remote{.iov_base = reinterpret_cast<void*>(0x1000), .iov_len = sizeof(here)};
    const long result = raw_call(SYS_process_vm_readv, process, &local, 1UL, &remote, 1UL, 0UL);
    if (result == -EFAULT) return succeeded("the other process was looked at");
    return outcome_of("process_vm_readv", result);
}
Outcome read_memory_of_first(const Target&) {
    return read_memory_of(1);
}
Outcome read_memory_of_host(const Target& target) {
    return read_memory_of(target.host_process);
}
Outcome write_memory_of(const Target& target) {
    char here[16] = {};
    const iovec local{.iov_base = here, .iov_len = sizeof(here)};
    const iovec remote{.iov_base = reinterpret_cast<void*>(0x1000), .iov_len = sizeof(here)};
    const long result = raw_call(SYS_process_vm_writev, target.host_process, &local, 1UL, &remote, 1UL, 0UL);
    if (result == -EFAULT) return succeeded("the other process was looked at");
    return outcome_of("process_vm_writev", result);
}
Outcome memory_files(const Target& target) {
    return worst_of(
        {opens_for_writing("/proc/1/mem"), opens_for_writing("/proc/" + std::to_string(target.host_process) + "/mem")});
}
Outcome signal_a_host_process(const Target& target) {
    return outcome_of("kill", raw_call(SYS_kill, target.host_process, 0));
}
Outcome signal_everybody(const Target&) {
    // Deaf to it itself. The harness looks whether a process of the host has died of it.
    ::signal(SIGUSR2, SIG_IGN);
    return in_child([] {
        const long result = raw_call(SYS_kill, -1, SIGUSR2);
        return result == 0 || result == -ESRCH || result == -EPERM ? refused("only its own") : untried("kill -1");
    });
}
Outcome descriptor_of_a_host_process(const Target& target) {
    return outcome_of("pidfd_open", raw_call(SYS_pidfd_open, target.host_process, 0U));
}
Outcome take_a_descriptor(const Target&) {
    const long first = raw_call(SYS_pidfd_open, ::getppid() == 0 ? ::getpid() : ::getppid(), 0U);
    if (first < 0) return outcome_of("pidfd_open", first);
    return outcome_of("pidfd_getfd", raw_call(SYS_pidfd_getfd, static_cast<int>(first), 0, 0U));
}
Outcome list_host_processes(const Target& target) {
    const std::string path = "/proc/" + std::to_string(target.host_process) + "/status";
    return outcome_of("open " + path, raw_call(SYS_open, path.c_str(), O_RDONLY));
}
Outcome environment_of_the_agent(const Target&) {
    std::vector<Outcome> outcomes{refused("no process shows it")};
    bool has_read_own = false;
    for (int process = 1; process < 64; ++process) {
        const std::string path = "/proc/" + std::to_string(process) + "/environ";
        const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
        if (file < 0) continue;
        std::vector<char> text(65'536);
        const ssize_t count = ::read(file, text.data(), text.size());
        ::close(file);
        if (count < 0) continue;
        has_read_own = true;
        const std::string_view all{text.data(), static_cast<std::size_t>(count)};
        if (all.find(kSecretVariable) != std::string_view::npos) return succeeded("read in " + path);
    }
    return has_read_own ? worst_of(outcomes) : untried("no environment could be read");
}
Outcome join_namespaces_of(int process) {
    std::vector<Outcome> outcomes;
    const std::string folder = "/proc/" + std::to_string(process) + "/ns/";
    for (const char* name : {"mnt", "pid", "net", "ipc", "uts", "cgroup", "user"}) {
        const int file = ::open((folder + name).c_str(), O_RDONLY | O_CLOEXEC);
        if (file < 0) {
            outcomes.push_back(outcome_of(name, -static_cast<long>(errno)));
            continue;
        }
        outcomes.push_back(in_child([file] {
            const long result = raw_call(SYS_setns, file, 0);
            return result == -EINVAL ? succeeded("one's own") : outcome_of("setns", result);
        }));
        ::close(file);
    }
    return worst_of(outcomes);
}
Outcome join_namespaces_of_first(const Target&) {
    return join_namespaces_of(1);
}
Outcome join_namespaces_of_host(const Target& target) {
    return join_namespaces_of(target.host_process);
}
// The parent of a namespace, by the descriptor of one's own.
Outcome parent_namespaces(const Target&) {
    constexpr unsigned long kGetUserNamespace = 0xb701;  // NS_GET_USERNS
    constexpr unsigned long kGetParent = 0xb702;         // NS_GET_PARENT
    std::vector<Outcome> outcomes;
    for (const char* name : {"/proc/self/ns/pid", "/proc/self/ns/user"}) {
        const int file = ::open(name, O_RDONLY | O_CLOEXEC);
        if (file < 0) return untried("no namespace file");
        outcomes.push_back(outcome_of("parent of " + std::string{name}, raw_call(SYS_ioctl, file, kGetParent)));
        const long owner = raw_call(SYS_ioctl, file, kGetUserNamespace);
        if (owner >= 0) {
            outcomes.push_back(in_child([owner] {
                const long result = raw_call(SYS_setns, static_cast<int>(owner), CLONE_NEWUSER);
                return result == -EINVAL ? refused("already in it") : outcome_of("setns", result);
            }));
        }
        ::close(file);
    }
    return worst_of(outcomes);
}
Outcome new_namespace(unsigned long flags, const char* name) {
    return in_child([flags, name] { return outcome_of(name, raw_call(SYS_unshare, flags)); });
}
Outcome new_user_namespace(const Target&) {
    return new_namespace(CLONE_NEWUSER, "unshare user");
}
Outcome new_mount_namespace(const Target&) {
    return new_namespace(CLONE_NEWNS, "unshare mount");
}
Outcome new_user_and_network_namespaces(const Target&) {
    return new_namespace(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS, "unshare user, net, mount");
}
Outcome clone_into_user_namespace(const Target&) {
    return in_child([] {
        const long child = raw_call(SYS_clone, CLONE_NEWUSER | SIGCHLD, nullptr, nullptr, nullptr, nullptr);
        if (child == 0) ::_exit(0);
        if (child > 0) ::waitpid(static_cast<pid_t>(child), nullptr, 0);
        return outcome_of("clone user", child);
    });
}
Outcome clone3_into_user_namespace(const Target&) {
    return in_child([] {
        clone_args arguments{};
        arguments.flags = CLONE_NEWUSER;
        arguments.exit_signal = SIGCHLD;
        const long child = raw_call(SYS_clone3, &arguments, sizeof(arguments));
        if (child == 0) ::_exit(0);
        if (child > 0) ::waitpid(static_cast<pid_t>(child), nullptr, 0);
        return outcome_of("clone3 user", child);
    });
}
Outcome nested_sandbox(const Target&) {
    return in_child([] {
        char* const command[] = {const_cast<char*>("bwrap"), const_cast<char*>("--ro-bind"), const_cast<char*>("/"),
                                 const_cast<char*>("/"),     const_cast<char*>("/bin/true"), nullptr};
        const pid_t child = ::fork();
        if (child == 0) {
            const int null = ::open("/dev/null", O_WRONLY);
            ::dup2(null, STDERR_FILENO);
            ::execv("/usr/bin/bwrap", command);
            ::_exit(127);  // an image without it has no such way
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? succeeded("a nested sandbox") : refused("it failed");
    });
}
Outcome map_other_users(const Target&) {
    return worst_of({opens_for_writing("/proc/1/uid_map"), in_child([] {
                         const int file = ::open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
                         if (file < 0) return outcome_of("open uid_map", -static_cast<long>(errno));
                         const ssize_t count = ::write(file, "0 0 1", 5);
                         return count == 5 ? succeeded("mapped") : refused("write to uid_map");
                     })});
}
Outcome real_time(const Target&) {
    return in_child([] {
        sched_param parameters{};
        parameters.sched_priority = 50;
        return outcome_of("sched_setscheduler", raw_call(SYS_sched_setscheduler, 0, SCHED_FIFO, &parameters));
    });
}
Outcome better_priority(const Target&) {
    return in_child([] { return outcome_of("setpriority", raw_call(SYS_setpriority, PRIO_PROCESS, 0, -10)); });
}
Outcome protect_from_memory_killer(const Target&) {
    return in_child([] {
        const int file = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
        if (file < 0) return outcome_of("open", -static_cast<long>(errno));
        return ::write(file, "-1000", 5) == 5 ? succeeded("protected") : refused("write to oom_score_adj");
    });
}
Outcome keys_into_the_terminal(const Target&) {
    const char key = 'x';
    std::vector<Outcome> outcomes;
    for (int file = 0; file < 3; ++file) {
        const long result = raw_call(SYS_ioctl, file, TIOCSTI, &key);
        outcomes.push_back(result == -ENOTTY ? refused("no terminal") : outcome_of("TIOCSTI", result));
    }
    return worst_of(outcomes);
}

constexpr Attempt kAttempts[] = {
    {"ptrace_first", Control::kNone, trace_the_first_process},
    {"ptrace_host", Control::kOutside, trace_a_host_process},
    {"ptrace_child", Control::kOutside, trace_a_child},
    {"process_vm_readv_first", Control::kNone, read_memory_of_first},
    {"process_vm_readv_host", Control::kOutside, read_memory_of_host},
    {"process_vm_writev_host", Control::kOutside, write_memory_of},
    {"proc_mem", Control::kOutside, memory_files},
    {"signal_host", Control::kOutside, signal_a_host_process},
    {"signal_everybody", Control::kNone, signal_everybody},
    {"pidfd_open_host", Control::kOutside, descriptor_of_a_host_process},
    {"pidfd_getfd", Control::kOutside, take_a_descriptor},
    {"list_host_processes", Control::kOutside, list_host_processes},
    {"environment_of_the_agent", Control::kNone, environment_of_the_agent},
    {"setns_first", Control::kNone, join_namespaces_of_first},
    {"setns_host", Control::kOutside, join_namespaces_of_host},
    {"parent_namespaces", Control::kNone, parent_namespaces},
    {"unshare_user", Control::kOutside, new_user_namespace},
    {"unshare_mount", Control::kOutside, new_mount_namespace},
    {"unshare_all", Control::kOutside, new_user_and_network_namespaces},
    {"clone_user", Control::kOutside, clone_into_user_namespace},
    {"clone3_user", Control::kOutside, clone3_into_user_namespace},
    {"nested_sandbox", Control::kNone, nested_sandbox},
    {"uid_map", Control::kNone, map_other_users},
    {"real_time", Control::kOutside, real_time},
    {"better_priority", Control::kOutside, better_priority},
    {"oom_score", Control::kNone, protect_from_memory_killer},
    {"terminal_injection", Control::kNone, keys_into_the_terminal},
};

}  // namespace

std::span<const Attempt> process_attempts() {
    return kAttempts;
}

}  // namespace vcity::escape
