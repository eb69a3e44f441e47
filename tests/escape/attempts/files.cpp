// SPDX-License-Identifier: Apache-2.0
// Reading and writing what belongs to the host, and taking it along by links.
#include <cstdlib>
#include <cstring>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "attempt.hpp"

namespace vcity::escape {
namespace {

Outcome read_the_secret(const Target& target) {
    return reads_secret(target.secret_file);
}
Outcome read_through_a_link(const Target& target) {
    const std::string link = "/tmp/escape-link-" + std::to_string(::getpid());
    if (::symlink(target.secret_file.c_str(), link.c_str()) != 0) return untried("symlink");
    Outcome outcome = reads_secret(link);
    ::unlink(link.c_str());
    return outcome;
}
// The first process of the sandbox, and one of the host by its number there.
Outcome read_through_roots_of_others(const Target& target) {
    const std::string other = "/proc/" + std::to_string(target.host_process) + "/root";
    return worst_of({reads_secret("/proc/1/root" + target.secret_file), reads_secret(other + target.secret_file)});
}
Outcome read_through_folders_of_others(const Target& target) {
    const std::string path = "/cwd/../../../../../../../.." + target.secret_file;
    return worst_of(
        {reads_secret("/proc/1" + path), reads_secret("/proc/" + std::to_string(target.host_process) + path)});
}
// Descriptors that lead out of the sandbox: folders of the host, or the secret itself.
Outcome read_through_descriptors(const Target& target) {
    std::vector<Outcome> outcomes;
    for (int number = 0; number < 256; ++number) {
        const std::string own = "/proc/self/fd/" + std::to_string(number);
        const std::string first = "/proc/1/fd/" + std::to_string(number);
        for (const std::string& path : {own, first}) {
            struct stat facts{};
            // A read from a pipe would take bytes that are not ours; only what can be opened again counts.
            if (::stat(path.c_str(), &facts) == 0 && S_ISREG(facts.st_mode)) outcomes.push_back(reads_secret(path));
            outcomes.push_back(reads_secret(path + "/../../../../../../.." + target.secret_file));
        }
    }
    return worst_of(outcomes);
}
Outcome search_all_folders(const Target& target) {
    const std::string name = target.secret_file.substr(target.secret_file.rfind('/') + 1);
    std::vector<std::string> folders{"/"};
    std::size_t seen = 0;
    for (; seen < folders.size() && seen < 3'000; ++seen) {
        DIR* folder = ::opendir(folders[seen].c_str());
        if (folder == nullptr) continue;
        while (const dirent* entry = ::readdir(folder)) {
            const std::string_view child = entry->d_name;
            if (child == "." || child == "..") continue;
            if (child == name) {
                ::closedir(folder);
                return succeeded("found it in " + folders[seen]);
            }
            const bool is_skipped = folders[seen] == "/" && (child == "proc" || child == "usr");
            if (entry->d_type == DT_DIR && !is_skipped) folders.push_back(folders[seen] + "/" + std::string{child});
        }
        ::closedir(folder);
    }
    return seen > 3 ? refused("not among " + std::to_string(seen) + " folders") : untried("no folder could be read");
}
Outcome read_shadow(const Target&) {
    return worst_of({outcome_of("shadow", raw_call(SYS_open, "/etc/shadow", O_RDONLY)),
                     outcome_of("host keys", raw_call(SYS_open, "/etc/ssh/ssh_host_ed25519_key", O_RDONLY))});
}
Outcome write_system_folders(const Target&) {
    std::vector<Outcome> outcomes;
    for (const char* path : {"/escape", "/usr/escape", "/usr/bin/escape", "/etc/escape", "/etc/ld.so.preload",
                             "/lib/escape", "/dev/escape", "/proc/escape", "/sys/escape"}) {
        const long file = raw_call(SYS_open, path, O_WRONLY | O_CREAT | O_EXCL, 0600);
        outcomes.push_back(outcome_of(path, file));
    }
    return worst_of(outcomes);
}
Outcome write_a_mounted_file(const Target& target) {
    return worst_of({opens_for_writing(target.public_file),
                     outcome_of("truncate", raw_call(SYS_truncate, target.public_file.c_str(), 0L)),
                     outcome_of("chmod", raw_call(SYS_chmod, target.public_file.c_str(), 0777)),
                     outcome_of("unlink", raw_call(SYS_unlink, (target.public_file + ".no").c_str()))});
}
Outcome write_through_shared_memory(const Target& target) {
    const int file = ::open(target.public_file.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return untried("no public file");
    void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    return page == MAP_FAILED ? outcome_of("mmap", -static_cast<long>(errno)) : succeeded("mapped for writing");
}
// A descriptor for reading, made one for writing by way of /proc.
Outcome reopen_for_writing(const Target& target) {
    const int file = ::open(target.public_file.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return untried("no public file");
    return opens_for_writing("/proc/self/fd/" + std::to_string(file));
}
Outcome link_a_host_file(const Target& target) {
    const long result = raw_call(SYS_link, target.public_file.c_str(), "/tmp/escape-hard-link");
    ::unlink("/tmp/escape-hard-link");
    return outcome_of("link", result);
}
// CVE-2019-5736: the program that made the sandbox is what /proc/self/exe leads to.
Outcome overwrite_the_runtime(const Target&) {
    return worst_of(
        {opens_for_writing("/proc/1/exe"), opens_for_writing("/proc/self/exe"), opens_for_writing("/usr/bin/bwrap")});
}
// One process swaps a name between a file and a link to the secret, the other opens it: whichever it gets, the link
// leads nowhere inside.
Outcome race_links(const Target& target) {
    const std::string folder = "/tmp/escape-race-" + std::to_string(::getpid());
    if (::mkdir(folder.c_str(), 0700) != 0) return untried("mkdir");
    const std::string name = folder + "/x";
    const std::string link = folder + "/link";
    const std::string file = folder + "/file";
    const pid_t child = ::fork();
    if (child < 0) return untried("fork");
    if (child == 0) {
        for (int round = 0; round < 100'000; ++round) {
            if (::symlink(target.secret_file.c_str(), link.c_str()) == 0) ::rename(link.c_str(), name.c_str());
            const int made = ::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
            if (made >= 0) ::close(made);
            ::rename(file.c_str(), name.c_str());
        }
        ::_exit(0);
    }
    Outcome outcome = refused("100,000 swaps");
    while (::waitpid(child, nullptr, WNOHANG) == 0) {
        Outcome now = reads_secret(name);
        if (now.verdict == Verdict::kSucceeded) outcome = std::move(now);
    }
    return outcome;
}
// What a runtime copies or mounts later by name must not be followed: here the names of the sandbox's own folders.
Outcome replace_own_folders(const Target&) {
    std::vector<Outcome> outcomes;
    for (const char* path : {"/job", "/tmp", "/proc", "/dev", "/etc", "/usr"}) {
        outcomes.push_back(outcome_of(path, raw_call(SYS_rename, path, "/tmp/escape-moved")));
    }
    return worst_of(outcomes);
}
Outcome open_the_socket(const Target& target) {
    const int file = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (file < 0) return untried("socket");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, target.secret_socket.c_str(), sizeof(address.sun_path) - 1);
    return outcome_of("connect", raw_call(SYS_connect, file, &address, sizeof(address)));
}
Outcome open_the_abstract_socket(const Target& target) {
    const int file = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (file < 0) return untried("socket");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path + 1, target.abstract_socket.data(), target.abstract_socket.size());
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + target.abstract_socket.size());
    return outcome_of("connect", raw_call(SYS_connect, file, &address, size));
}
Outcome open_sockets_of_daemons(const Target&) {
    std::vector<Outcome> outcomes;
    for (const char* path :
         {"/run/docker.sock", "/var/run/docker.sock", "/run/podman/podman.sock", "/run/containerd/containerd.sock",
          "/run/dbus/system_bus_socket", "/run/systemd/private"}) {
        const int file = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
        outcomes.push_back(outcome_of(path, raw_call(SYS_connect, file, &address, sizeof(address))));
        ::close(file);
    }
    return worst_of(outcomes);
}
Outcome attach_shared_memory(const Target& target) {
    const int segment = ::shmget(target.shared_memory_key, 0, 0);
    if (segment < 0) return outcome_of("shmget", -static_cast<long>(errno));
    return succeeded("the host's segment is there");
}
Outcome read_devices_of_terminals(const Target&) {
    return worst_of({opens_for_writing("/dev/tty"), opens_for_writing("/dev/tty0"), opens_for_writing("/dev/tty1"),
                     opens_for_writing("/dev/console"), opens_for_writing("/dev/pts/0"),
                     opens_for_writing("/dev/ttyS0"), opens_for_writing("/dev/input/event0")});
}

constexpr Attempt kAttempts[] = {
    {"read_the_secret", Control::kOutside, read_the_secret},
    {"read_through_a_link", Control::kOutside, read_through_a_link},
    {"proc_1_root", Control::kOutside, read_through_roots_of_others},
    {"proc_1_cwd", Control::kOutside, read_through_folders_of_others},
    {"descriptors", Control::kNone, read_through_descriptors},
    {"search_all_folders", Control::kNone, search_all_folders},
    {"read_shadow", Control::kOutside, read_shadow},
    {"write_system_folders", Control::kNone, write_system_folders},
    {"write_a_mounted_file", Control::kNone, write_a_mounted_file},
    {"write_by_shared_mapping", Control::kNone, write_through_shared_memory},
    {"reopen_for_writing", Control::kOutside, reopen_for_writing},
    {"hard_link", Control::kNone, link_a_host_file},
    {"overwrite_the_runtime", Control::kNone, overwrite_the_runtime},
    {"symlink_race", Control::kOutside, race_links},
    {"replace_own_folders", Control::kNone, replace_own_folders},
    {"unix_socket", Control::kOutside, open_the_socket},
    {"abstract_socket", Control::kOutsideWithNetwork, open_the_abstract_socket},
    {"sockets_of_daemons", Control::kNone, open_sockets_of_daemons},
    {"shared_memory", Control::kOutside, attach_shared_memory},
    {"terminals", Control::kNone, read_devices_of_terminals},
};

}  // namespace

std::span<const Attempt> file_attempts() {
    return kAttempts;
}

}  // namespace vcity::escape
