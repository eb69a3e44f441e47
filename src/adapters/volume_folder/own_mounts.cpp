// SPDX-License-Identifier: Apache-2.0
#include "adapters/volume_folder/own_mounts.hpp"

#include <cerrno>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adapters/volume_folder/descriptor.hpp"

namespace vcity::adapters {
namespace {

bool put(const char* path, const std::string& text) {
    const volume::Descriptor file{::open(path, O_WRONLY | O_CLOEXEC)};
    return file.is_open() && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

bool keep_only_mounting() {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    __user_cap_data_struct data[2]{};
    data[0].effective = 1U << CAP_SYS_ADMIN;
    data[0].permitted = 1U << CAP_SYS_ADMIN;
    return ::syscall(SYS_capset, &header, static_cast<__user_cap_data_struct*>(data)) == 0;
}

// 0, or errno of what failed.
int enter() {
    const uid_t user = ::geteuid();
    const gid_t group = ::getegid();
    const bool is_root = user == 0;
    if (::unshare(CLONE_NEWNS | (is_root ? 0 : CLONE_NEWUSER)) != 0) return errno;
    if (!is_root) {
        const std::string itself = std::to_string(user) + " " + std::to_string(user) + " 1";
        const std::string its_group = std::to_string(group) + " " + std::to_string(group) + " 1";
        const bool is_mapped = put("/proc/self/setgroups", "deny") && put("/proc/self/uid_map", itself) &&
                               put("/proc/self/gid_map", its_group);
        if (!is_mapped) return errno;
    }
    // Mounts of the machine still appear here, ours do not appear there.
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) return errno;
    return is_root || keep_only_mounting() ? 0 : errno;
}

}  // namespace

Result<void> enter_own_mounts() {
    // There is no way back from half of it: a child tries first.
    const pid_t child = ::fork();
    if (child == 0) ::_exit(enter());
    int status = 0;
    const bool is_over = child > 0 && ::waitpid(child, &status, 0) == child && WIFEXITED(status);
    const int failed = is_over ? WEXITSTATUS(status) : EAGAIN;
    if (failed == 0 && enter() == 0) return {};
    return make_error(Errc::kUnavailable,
                      "no mounts of its own for this process: " + std::generic_category().message(failed));
}

}  // namespace vcity::adapters
