// SPDX-License-Identifier: Apache-2.0
#include "swtpm.hpp"

#include <csignal>
#include <filesystem>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.hpp"

namespace vcity::integration {
namespace {

constexpr const char* kSetpriv = "/usr/bin/setpriv";
constexpr const char* kProgram = "/usr/bin/swtpm";
constexpr int kTries = 5;
constexpr int kPolls = 500;
constexpr int kPollMicros = 10'000;

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

bool binds(std::uint16_t port, std::uint16_t* chosen) {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(listener >= 0);
    sockaddr_in address = loopback(port);
    socklen_t size = sizeof address;
    const bool is_bound = ::bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                          ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0;
    ::close(listener);
    if (is_bound && chosen != nullptr) *chosen = ntohs(address.sin_port);
    return is_bound;
}

// The TPM's control port is the next one.
std::uint16_t free_port_pair() {
    std::uint16_t port = 0;
    do {
        CHECK(binds(0, &port));
    } while (port == 0xffff || !binds(static_cast<std::uint16_t>(port + 1), nullptr));
    return port;
}

bool answers(std::uint16_t port) {
    const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(client >= 0);
    const sockaddr_in address = loopback(port);
    const bool is_up = ::connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(client);
    return is_up;
}

}  // namespace

Swtpm::Swtpm() {
    std::string folder = std::filesystem::temp_directory_path() / "vcity-swtpm-XXXXXX";
    CHECK(::mkdtemp(folder.data()) != nullptr);
    state_ = folder;
    int tries = 0;
    while (!start()) CHECK(++tries < kTries);
}

bool Swtpm::start() {
    port_ = free_port_pair();
    std::vector<std::string> words{kSetpriv,
                                   "--pdeathsig",
                                   "KILL",
                                   "--",
                                   kProgram,
                                   "socket",
                                   "--tpm2",
                                   "--tpmstate",
                                   "dir=" + state_,
                                   "--server",
                                   "type=tcp,bindaddr=127.0.0.1,port=" + std::to_string(port_),
                                   "--ctrl",
                                   "type=tcp,bindaddr=127.0.0.1,port=" + std::to_string(port_ + 1),
                                   "--flags",
                                   "not-need-init,startup-clear"};
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    CHECK(posix_spawn_file_actions_init(&actions) == 0);
    CHECK(posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0) == 0);
    CHECK(posix_spawn_file_actions_addclosefrom_np(&actions, 3) == 0);
    CHECK(posix_spawn(&process_, kSetpriv, &actions, nullptr, arguments.data(), environ) == 0);
    posix_spawn_file_actions_destroy(&actions);
    for (int i = 0; i < kPolls; ++i) {
        if (answers(static_cast<std::uint16_t>(port_ + 1))) return true;
        if (::waitpid(process_, nullptr, WNOHANG) == process_) return false;
        ::usleep(kPollMicros);
    }
    return false;
}

Swtpm::~Swtpm() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    std::error_code ignored;
    std::filesystem::remove_all(state_, ignored);
}

}  // namespace vcity::integration
