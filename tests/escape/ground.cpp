// SPDX-License-Identifier: Apache-2.0
#include "ground.hpp"

#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/check.hpp"

namespace vcity::escape {
namespace {

namespace fs = std::filesystem;

void write_file(const fs::path& path, std::string_view text) {
    std::ofstream{path} << text;
    fs::permissions(path, fs::perms::owner_all | fs::perms::group_read | fs::perms::others_read);
}

int listen_at(const sockaddr* address, socklen_t size) {
    const int file = ::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(file >= 0);
    CHECK(::bind(file, address, size) == 0);
    CHECK(::listen(file, 64) == 0);
    return file;
}

// The first address of this machine that others reach it at.
std::string own_address() {
    ifaddrs* all = nullptr;
    if (::getifaddrs(&all) != 0) return {};
    std::string found;
    for (const ifaddrs* entry = all; entry != nullptr && found.empty(); entry = entry->ifa_next) {
        if (entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != AF_INET) continue;
        if ((entry->ifa_flags & IFF_LOOPBACK) != 0 || (entry->ifa_flags & IFF_UP) == 0) continue;
        sockaddr_in address{};
        std::memcpy(&address, entry->ifa_addr, sizeof(address));
        char text[INET_ADDRSTRLEN] = {};
        if (::inet_ntop(AF_INET, &address.sin_addr, text, sizeof(text)) != nullptr) found = text;
    }
    ::freeifaddrs(all);
    return found;
}

std::string read_whole(const fs::path& path) {
    std::ifstream file{path, std::ios::binary};
    std::ostringstream text;
    text << file.rdbuf();  // which does not throw when the process or the group has just ended
    return text.str();
}

}  // namespace

Ground::Ground(const std::string& program) {
    std::string name = (fs::temp_directory_path() / "vcity-escape-XXXXXX").string();
    CHECK(::mkdtemp(name.data()) != nullptr);
    folder_ = name;
    fs::permissions(folder_, fs::perms{0755});
    make_files(program);
    make_listeners();
    make_process();
    target_.shared_memory_key = 0x5645'0000 + (::getpid() & 0xffff);
    segment_ = ::shmget(target_.shared_memory_key, 4096, IPC_CREAT | 0666);
    CHECK(segment_ >= 0);
    CHECK(::setenv(std::string{kSecretVariable}.c_str(), "1", 1) == 0);
}

Ground::~Ground() {
    ::kill(target_.host_process, SIGKILL);
    ::waitpid(target_.host_process, nullptr, 0);
    ::shmctl(segment_, IPC_RMID, nullptr);
    for (const int file : open_) ::close(file);
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

void Ground::make_files(const std::string& program) {
    fs::create_directory(folder_ / "public");
    target_.secret_file = (folder_ / ("secret-" + folder_.filename().string())).string();
    write_file(target_.secret_file, kSecret);
    // Open and without O_CLOEXEC: what starts sandboxes must close it.
    open_.push_back(::open(target_.secret_file.c_str(), O_RDONLY));  // NOLINT(android-cloexec-open)
    target_.public_file = (public_folder() / "file").string();
    write_file(target_.public_file, "a public file");
    target_.setuid_program = (public_folder() / "setuid").string();
    fs::copy_file(program, public_folder() / "escape");
    fs::copy_file(program, target_.setuid_program);
    fs::permissions(public_folder() / "escape", fs::perms{0755});
    CHECK(::chmod(target_.setuid_program.c_str(), 04755) == 0);
}

void Ground::make_listeners() {
    sockaddr_in everywhere{};
    everywhere.sin_family = AF_INET;
    open_.push_back(listen_at(reinterpret_cast<const sockaddr*>(&everywhere), sizeof(everywhere)));
    socklen_t size = sizeof(everywhere);
    CHECK(::getsockname(open_.back(), reinterpret_cast<sockaddr*>(&everywhere), &size) == 0);
    target_.host_port = ntohs(everywhere.sin_port);
    target_.host_address = own_address();

    sockaddr_un local{};
    local.sun_family = AF_UNIX;
    target_.secret_socket = (folder_ / "socket").string();
    std::strncpy(local.sun_path, target_.secret_socket.c_str(), sizeof(local.sun_path) - 1);
    open_.push_back(listen_at(reinterpret_cast<const sockaddr*>(&local), sizeof(local)));
    fs::permissions(target_.secret_socket, fs::perms::all);

    sockaddr_un abstract{};
    abstract.sun_family = AF_UNIX;
    target_.abstract_socket = folder_.filename().string();
    std::memcpy(abstract.sun_path + 1, target_.abstract_socket.data(), target_.abstract_socket.size());
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + target_.abstract_socket.size());
    open_.push_back(listen_at(reinterpret_cast<const sockaddr*>(&abstract), length));
}

void Ground::make_process() {
    const pid_t child = ::fork();
    CHECK(child >= 0);
    if (child == 0) {
        if (::geteuid() == 0) (void)!::setuid(65'534);
        for (;;) ::pause();
    }
    target_.host_process = child;
}

Target Ground::inside() const {
    Target target = target_;
    target.public_file = std::string{kPublicFolder} + "/file";
    target.setuid_program = std::string{kPublicFolder} + "/setuid";
    return target;
}

bool Ground::is_process_alive() const {
    return ::waitpid(target_.host_process, nullptr, WNOHANG) == 0;
}

Ran Ground::run_outside(const Attempt& attempt) const {
    std::string command = "/usr/bin/unshare --mount --uts --propagation private ";
    if (attempt.control == Control::kOutside) command += "--net ";
    command += (public_folder() / "escape").string() + " " + std::string{attempt.name};
    for (const std::string& word : words_of(target_)) command += " '" + word + "'";
    FILE* pipe = ::popen((command + " 2>&1").c_str(), "re");
    CHECK(pipe != nullptr);
    Ran ran;
    char text[4096];
    while (std::fgets(text, sizeof(text), pipe) != nullptr) ran.output += text;
    const int status = ::pclose(pipe);
    if (WIFEXITED(status)) ran.status = WEXITSTATUS(status);
    return ran;
}

std::vector<std::string> words_of(const Target& target) {
    return {target.secret_file,
            target.secret_socket,
            target.abstract_socket,
            target.public_file,
            target.setuid_program,
            target.host_address.empty() ? "-" : target.host_address,
            std::to_string(target.host_port),
            std::to_string(target.host_process),
            std::to_string(target.shared_memory_key)};
}

std::vector<pid_t> processes_with(const std::string& word) {
    std::vector<pid_t> found;
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator{"/proc", error}) {
        const std::string name = entry.path().filename().string();
        pid_t id = 0;
        const auto [end, failed] = std::from_chars(name.data(), name.data() + name.size(), id);
        if (failed != std::errc{} || end != name.data() + name.size()) continue;
        if (read_whole(entry.path() / "cmdline").find(word) != std::string::npos) found.push_back(id);
    }
    return found;
}

std::uint64_t resident_mib(const std::vector<pid_t>& processes) {
    std::uint64_t kib = 0;
    for (const pid_t id : processes) {
        std::ifstream file{"/proc/" + std::to_string(id) + "/status"};
        for (std::string line; std::getline(file, line);) {
            if (!line.starts_with("RssAnon:")) continue;
            kib += std::strtoull(line.c_str() + std::strlen("RssAnon:"), nullptr, 10);
        }
    }
    return kib / 1024;
}

}  // namespace vcity::escape
