// SPDX-License-Identifier: Apache-2.0
#include "adapters/sandbox_bwrap/seccomp.hpp"

#include <cerrno>
#include <memory>
#include <string>
#include <system_error>

#include <linux/netlink.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

namespace vcity::adapters {
namespace {

constexpr const char* kRefusedCalls[] = {
    "acct",
    "add_key",
    "adjtimex",
    "bpf",
    "clock_adjtime",
    "clock_settime",
    "delete_module",
    "fanotify_init",
    "finit_module",
    "fsconfig",
    "fsmount",
    "fsopen",
    "fspick",
    "init_module",
    "io_uring_enter",
    "io_uring_register",
    "io_uring_setup",
    "ioperm",
    "iopl",
    "kcmp",
    "kexec_file_load",
    "kexec_load",
    "keyctl",
    "lookup_dcookie",
    "mount",
    "mount_setattr",
    "move_mount",
    "name_to_handle_at",
    "nfsservctl",
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
    "quotactl_fd",
    "reboot",
    "request_key",
    "setdomainname",
    "sethostname",
    "setns",
    "settimeofday",
    "swapoff",
    "swapon",
    "syslog",
    "umount2",
    "unshare",
    "uselib",
    "userfaultfd",
    "vhangup",
};

// All clone flags that make a namespace: time, mount, cgroup, uts, ipc, user, pid, net.
constexpr std::uint64_t kNamespaceFlags[] = {CLONE_NEWNS,   CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
                                             CLONE_NEWUSER, CLONE_NEWPID,    CLONE_NEWNET};
constexpr std::uint64_t kTerminalInjections[] = {TIOCSTI, TIOCLINUX};

bool is_allowed_family(int family) {
    return family == AF_UNSPEC || family == AF_UNIX || family == AF_INET || family == AF_INET6 || family == AF_NETLINK;
}

struct Release {
    void operator()(void* filter) const { seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, Release>;

Error failure(const std::string& what, int status) {
    return make_error(Errc::kUnavailable,
                      "seccomp: " + what + ": " + std::system_category().message(status < 0 ? -status : status));
}

template <class... Comparisons>
Result<void> refuse(const Filter& filter, const char* name, int error, Comparisons... comparisons) {
    const int number = seccomp_syscall_resolve_name(name);
    // Calls that this architecture or this library does not know cannot be made through the filter's back either.
    if (number == __NR_SCMP_ERROR || number < 0) return {};
    const int status = seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(static_cast<std::uint16_t>(error)), number,
                                        sizeof...(comparisons), comparisons...);
    if (status != 0) return failure(name, status);
    return {};
}

scmp_arg_cmp has_flag(unsigned argument, std::uint64_t flag) {
    return {.arg = argument, .op = SCMP_CMP_MASKED_EQ, .datum_a = flag, .datum_b = flag};
}

// The kernel looks at the low 32 bits only, so a filter on all 64 could be passed by setting a higher one.
scmp_arg_cmp equals_low(unsigned argument, std::uint64_t value) {
    return {.arg = argument, .op = SCMP_CMP_MASKED_EQ, .datum_a = 0xffffffff, .datum_b = value};
}

Result<void> add_rules(const Filter& filter) {
    for (const char* name : kRefusedCalls) {
        TRY_OK(refuse(filter, name, EPERM));
    }
    TRY_OK(refuse(filter, "clone3", ENOSYS));
    for (const std::uint64_t flag : kNamespaceFlags) {
        TRY_OK(refuse(filter, "clone", EPERM, has_flag(0, flag)));
    }
    for (const std::uint64_t request : kTerminalInjections) {
        TRY_OK(refuse(filter, "ioctl", EPERM, equals_low(1, request)));
    }
    for (int family = 0; family < AF_MAX; ++family) {
        if (is_allowed_family(family)) continue;
        TRY_OK(refuse(filter, "socket", EAFNOSUPPORT, equals_low(0, static_cast<std::uint64_t>(family))));
    }
    // Interfaces and addresses may be asked for; firewalls, auditing, devices' events and the rest may not.
    const scmp_arg_cmp is_netlink = equals_low(0, AF_NETLINK);
    const scmp_arg_cmp is_not_route{.arg = 2, .op = SCMP_CMP_NE, .datum_a = NETLINK_ROUTE, .datum_b = 0};
    TRY_OK(refuse(filter, "socket", EPROTONOSUPPORT, is_netlink, is_not_route));
    return {};
}

}  // namespace

Result<Descriptor> make_seccomp_filter() {
    const Filter filter{seccomp_init(SCMP_ACT_ALLOW)};
    if (!filter) return make_error(Errc::kUnavailable, "seccomp: no filter");
    TRY_OK(add_rules(filter));
    Descriptor file{::memfd_create("vcity-seccomp", MFD_CLOEXEC)};
    if (!file.is_open()) return failure("memfd_create", errno);
    const int status = seccomp_export_bpf(filter.get(), file.get());
    if (status != 0) return failure("export", status);
    if (::lseek(file.get(), 0, SEEK_SET) != 0) return failure("lseek", errno);
    return file;
}

}  // namespace vcity::adapters
