// SPDX-License-Identifier: Apache-2.0
// Ways to see or change what the host has mounted.
#include <cstring>
#include <vector>

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "attempt.hpp"

namespace vcity::escape {
namespace {

constexpr const char* kPoint = "/tmp";

Outcome mount_tmpfs(const Target&) {
    return outcome_of("mount tmpfs", raw_call(SYS_mount, "none", kPoint, "tmpfs", 0UL, nullptr));
}
Outcome mount_proc(const Target&) {
    return outcome_of("mount proc", raw_call(SYS_mount, "proc", kPoint, "proc", 0UL, nullptr));
}
Outcome mount_sysfs(const Target&) {
    return outcome_of("mount sysfs", raw_call(SYS_mount, "sysfs", kPoint, "sysfs", 0UL, nullptr));
}
Outcome mount_cgroup(const Target&) {
    return outcome_of("mount cgroup2", raw_call(SYS_mount, "none", kPoint, "cgroup2", 0UL, nullptr));
}
Outcome mount_devices(const Target&) {
    return outcome_of("mount devpts", raw_call(SYS_mount, "none", kPoint, "devpts", 0UL, "newinstance"));
}
Outcome mount_overlay(const Target&) {
    const std::string options = "lowerdir=/usr:/bin";
    return outcome_of("mount overlay", raw_call(SYS_mount, "none", kPoint, "overlay", 0UL, options.c_str()));
}
Outcome mount_bind(const Target&) {
    return outcome_of("mount --bind", raw_call(SYS_mount, "/usr", kPoint, nullptr, MS_BIND, nullptr));
}
Outcome remount_usr_writable(const Target&) {
    (void)raw_call(SYS_mount, "/usr", "/usr", nullptr, MS_BIND, nullptr);  // so that the control has a mount there
    return outcome_of("remount /usr", raw_call(SYS_mount, nullptr, "/usr", nullptr, MS_REMOUNT | MS_BIND, nullptr));
}
Outcome make_mounts_shared(const Target&) {
    return outcome_of("make / shared", raw_call(SYS_mount, nullptr, "/", nullptr, MS_SHARED | MS_REC, nullptr));
}
Outcome unmount_proc(const Target&) {
    return outcome_of("umount /proc", raw_call(SYS_umount2, "/proc", MNT_DETACH));
}
Outcome unmount_root(const Target&) {
    return outcome_of("umount /", raw_call(SYS_umount2, "/", MNT_DETACH));
}
Outcome new_mount_calls(const Target&) {
    return outcome_of("fsopen", raw_call(SYS_fsopen, "tmpfs", 0U));
}
Outcome clone_mount_tree(const Target&) {
    return outcome_of("open_tree", raw_call(SYS_open_tree, AT_FDCWD, "/", OPEN_TREE_CLONE | 0U));
}
Outcome move_a_mount(const Target&) {
    return outcome_of("move_mount", raw_call(SYS_move_mount, AT_FDCWD, "/proc", AT_FDCWD, "/tmp", 0U));
}
Outcome change_mount_flags(const Target&) {
    mount_attr attributes{};
    attributes.attr_clr = MOUNT_ATTR_RDONLY;
    return outcome_of("mount_setattr", raw_call(SYS_mount_setattr, AT_FDCWD, "/", 0U, &attributes, sizeof(attributes)));
}
Outcome pivot_the_root(const Target&) {
    // Of two folders on one mount the kernel says EBUSY or EINVAL even to root, but only after it asked for the right.
    const long result = raw_call(SYS_pivot_root, "/tmp", "/tmp");
    if (result == -EINVAL || result == -EBUSY) return succeeded("pivot_root was not refused");
    return outcome_of("pivot_root", result);
}
Outcome change_root(const Target&) {
    return outcome_of("chroot", raw_call(SYS_chroot, "/tmp"));
}
// The way out of a chroot that keeps a descriptor of what is above.
Outcome leave_by_parent_folders(const Target& target) {
    return reads_secret("/proc/self/cwd/../../../../../../../../../.." + target.secret_file);
}

struct FileHandle {
    unsigned bytes = 8;
    int type = 1;
    std::uint64_t inode = 2;  // the root of an ext4
};

Outcome open_by_handle(const Target&) {
    FileHandle handle;
    const long result = raw_call(SYS_open_by_handle_at, AT_FDCWD, &handle, O_RDONLY);
    // Root gets further: to a handle that this file system does not have.
    if (result == -ESTALE || result == -EOPNOTSUPP || result == -EINVAL) return succeeded("the handle was looked up");
    return outcome_of("open_by_handle_at", result);
}
Outcome make_block_device(const Target&) {
    return outcome_of("mknod block", raw_call(SYS_mknod, "/tmp/escape-disk", S_IFBLK | 0600, makedev(8, 0)));
}
Outcome make_memory_device(const Target&) {
    return outcome_of("mknod mem", raw_call(SYS_mknod, "/tmp/escape-mem", S_IFCHR | 0600, makedev(1, 1)));
}
Outcome quota_of_a_disk(const Target&) {
    const long result = raw_call(SYS_quotactl, 0x800002 << 8, "/dev/vda", 0, nullptr);
    if (result == -ENODEV || result == -ENOENT) return refused("there is no such disk");
    return outcome_of("quotactl", result);
}
Outcome watch_the_file_system(const Target&) {
    return outcome_of("fanotify_init", raw_call(SYS_fanotify_init, 0x4U, 0U));
}
Outcome attach_a_loop_device(const Target&) {
    return worst_of({opens_for_writing("/dev/loop-control"), opens_for_writing("/dev/loop0")});
}
Outcome open_fuse(const Target&) {
    return worst_of({opens_for_writing("/dev/fuse"), opens_for_writing("/dev/cuse")});
}

constexpr Attempt kAttempts[] = {
    {"mount_tmpfs", Control::kOutside, mount_tmpfs},
    {"mount_proc", Control::kOutside, mount_proc},
    {"mount_sysfs", Control::kOutside, mount_sysfs},
    {"mount_cgroup", Control::kOutside, mount_cgroup},
    {"mount_devpts", Control::kOutside, mount_devices},
    {"mount_overlay", Control::kNone, mount_overlay},
    {"mount_bind", Control::kOutside, mount_bind},
    {"remount_usr_writable", Control::kOutside, remount_usr_writable},
    {"make_mounts_shared", Control::kOutside, make_mounts_shared},
    {"umount_proc", Control::kOutside, unmount_proc},
    {"umount_root", Control::kNone, unmount_root},
    {"fsopen", Control::kOutside, new_mount_calls},
    {"open_tree", Control::kOutside, clone_mount_tree},
    {"move_mount", Control::kOutside, move_a_mount},
    {"mount_setattr", Control::kOutside, change_mount_flags},
    {"pivot_root", Control::kOutside, pivot_the_root},
    {"chroot", Control::kOutside, change_root},
    {"parent_folders", Control::kOutside, leave_by_parent_folders},
    {"open_by_handle", Control::kOutside, open_by_handle},
    {"mknod_block", Control::kNone, make_block_device},
    {"mknod_mem", Control::kNone, make_memory_device},
    {"quotactl", Control::kNone, quota_of_a_disk},
    {"fanotify", Control::kOutside, watch_the_file_system},
    {"loop_device", Control::kNone, attach_a_loop_device},
    {"fuse", Control::kNone, open_fuse},
};

}  // namespace

std::span<const Attempt> mount_attempts() {
    return kAttempts;
}

}  // namespace vcity::escape
