// SPDX-License-Identifier: Apache-2.0
// A library that notes in /tmp which processes load it, and with what rights: "user permitted-capabilities;".
#include <cstdio>

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

[[gnu::constructor]] void note() {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    __user_cap_data_struct data[2] = {};
    ::syscall(SYS_capget, &header, data);
    char text[64];
    const int size = std::snprintf(text, sizeof(text), "%u %x;", ::geteuid(), data[0].permitted);
    const int file = ::open("/tmp/escape-preload-note", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (file < 0 || size < 0) return;
    (void)!::write(file, text, static_cast<std::size_t>(size));
    ::close(file);
}

}  // namespace

// Makes it one that LD_AUDIT takes.
extern "C" unsigned la_version(unsigned version) {
    return version;
}
