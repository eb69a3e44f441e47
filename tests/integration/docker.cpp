// SPDX-License-Identifier: Apache-2.0
#include "docker.hpp"

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.hpp"

namespace vcity::integration {
namespace {

namespace fs = std::filesystem;

constexpr int kAttempts = 2'000;  // 10 ms each

std::string output_of(const std::string& words) {
    std::FILE* pipe = ::popen(words.c_str(), "r");
    CHECK(pipe != nullptr);
    std::string text;
    std::array<char, 4'096> piece{};
    while (const std::size_t size = std::fread(piece.data(), 1, piece.size(), pipe)) text.append(piece.data(), size);
    ::pclose(pipe);
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}

std::uint16_t free_port() {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    CHECK(::bind(socket, reinterpret_cast<sockaddr*>(&address), size) == 0);
    CHECK(::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    ::close(socket);
    return ntohs(address.sin_port);
}

// Dies with this process, and says what it says into `log`.
pid_t spawn(const std::string& command, const std::string& log) {
    const std::string script = "exec setpriv --pdeathsig KILL -- " + command + " > " + log + " 2>&1";
    std::vector<std::string> words{"/bin/sh", "-c", script};
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    CHECK(posix_spawn_file_actions_init(&actions) == 0);
    CHECK(posix_spawn_file_actions_addclosefrom_np(&actions, 3) == 0);
    pid_t process = 0;
    CHECK(posix_spawn(&process, "/bin/sh", &actions, nullptr, arguments.data(), environ) == 0);
    posix_spawn_file_actions_destroy(&actions);
    return process;
}

void end(pid_t process, int signal) {
    ::kill(process, signal);
    ::waitpid(process, nullptr, 0);
}

}  // namespace

Docker::Docker() {
    std::string pattern = (fs::temp_directory_path() / "vcity-docker-XXXXXX").string();
    CHECK(::mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
    fs::permissions(folder_, fs::perms{0755});
    for (const char* name : {"image/bin", "scratch", "registry"}) fs::create_directories(folder_ + "/" + name);
    // What does without bridges and rules of the host's; containers outlive the daemon.
    std::ofstream{folder_ + "/daemon.json"}
        << R"({"data-root": ")" << folder_ << R"(/data", "exec-root": ")" << folder_ << R"(/exec", "pidfile": ")"
        << folder_ << R"(/pid", "hosts": ["unix://)" << socket() << R"("], "bridge": "none", "iptables": false,)"
        << R"("ip-forward": false, "ip-masq": false, "storage-driver": "vfs",)"
        << R"("exec-opts": ["native.cgroupdriver=cgroupfs"], "live-restore": true})";
    serve_images();
    serve();
    for (const char* name : {"busybox", "sh"}) fs::copy_file("/bin/busybox", folder_ + "/image/bin/" + name);
    const std::string name = registry_ + "vcity-test:1";
    output_of("tar -C " + folder_ + "/image -c . | docker -H unix://" + socket() +
              " import --change 'ENV PATH=/bin' - " + name);
    command("push --quiet " + name);
    image_ = command("image inspect --format '{{index .RepoDigests 0}}' " + name);
    CHECK(image_.find("@sha256:") != std::string::npos);
}

Docker::~Docker() {
    command("ps --all --quiet | xargs -r docker -H unix://" + socket() + " rm --force");
    end(daemon_, SIGTERM);
    end(images_, SIGKILL);
    output_of("grep -o '" + folder_ + "[^ ]*' /proc/mounts | sort -r | xargs -r umount -l 2>/dev/null");
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

std::string Docker::command(const std::string& words) const {
    return output_of("docker -H unix://" + socket() + " " + words);
}

void Docker::restart() {
    end(daemon_, SIGKILL);
    // What it started beside itself dies with it, a moment later: a new daemon must not take it for alive.
    const std::string containerd = folder_ + "/exec/containerd/containerd.pid";
    output_of("pid=$(cat " + containerd + "); while kill -KILL $pid 2>/dev/null; do sleep 0.01; done");
    std::error_code ignored;
    fs::remove(containerd, ignored);
    fs::remove(folder_ + "/pid", ignored);
    serve();
}

void Docker::serve() {
    daemon_ = spawn("dockerd --config-file " + folder_ + "/daemon.json", folder_ + "/daemon.log");
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        if (!command("version --format '{{.Server.Version}}' 2>/dev/null").empty()) return;
        ::poll(nullptr, 0, 10);
    }
    CHECK(false);
}

void Docker::serve_images() {
    const std::string address = "127.0.0.1:" + std::to_string(free_port());
    registry_ = address + "/";
    std::ofstream{folder_ + "/registry.yml"} << "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: " << folder_
                                             << "/registry\nhttp:\n  addr: " << address << "\n";
    images_ = spawn("docker-registry serve " + folder_ + "/registry.yml", folder_ + "/registry.log");
}

}  // namespace vcity::integration
