// SPDX-License-Identifier: Apache-2.0
#include "anvil.hpp"

#include <csignal>

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
constexpr const char* kProgram = VCITY_SOURCE_DIR "/contracts/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil";

std::uint16_t free_port() {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(listener >= 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    socklen_t size = sizeof address;
    CHECK(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    ::close(listener);
    return ntohs(address.sin_port);
}

}  // namespace

Anvil::Anvil(const std::vector<std::string>& more) : port_{free_port()} {
    // A test that aborts must not leave a chain behind.
    std::vector<std::string> words{
        kSetpriv, "--pdeathsig",         "KILL",     "--",         kProgram, "--host",     "127.0.0.1",
        "--port", std::to_string(port_), "--silent", "--accounts", "1",      "--hardfork", "shanghai"};
    words.insert(words.end(), more.begin(), more.end());
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    CHECK(posix_spawn_file_actions_init(&actions) == 0);
    CHECK(posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0) == 0);
    CHECK(posix_spawn_file_actions_addclosefrom_np(&actions, 3) == 0);
    CHECK(posix_spawn(&process_, kSetpriv, &actions, nullptr, arguments.data(), environ) == 0);
    posix_spawn_file_actions_destroy(&actions);
}

Anvil::~Anvil() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
}

}  // namespace vcity::integration
