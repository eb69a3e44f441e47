// SPDX-License-Identifier: Apache-2.0
#include "podman.hpp"

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.hpp"

namespace vcity::integration {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSettings = R"([engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[network]
network_backend = "netavark"
)";

constexpr const char* kRecipe = R"(FROM scratch
COPY busybox /bin/busybox
COPY busybox /bin/sh
ENV PATH=/bin
)";

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

bool answers(const std::string& path) {
    const int connection = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    CHECK(path.size() < sizeof(address.sun_path));
    path.copy(address.sun_path, path.size());
    const bool is_there = ::connect(connection, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
    ::close(connection);
    return is_there;
}

}  // namespace

Podman::Podman() {
    std::string pattern = (fs::temp_directory_path() / "vcity-podman-XXXXXX").string();
    CHECK(::mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
    fs::permissions(folder_, fs::perms{0755});
    for (const char* name : {"root", "run", "net", "image", "scratch"}) fs::create_directory(folder_ + "/" + name);
    std::ofstream{folder_ + "/containers.conf"} << kSettings;
    std::ofstream{folder_ + "/image/Containerfile"} << kRecipe;
    fs::copy_file("/bin/busybox", folder_ + "/image/busybox");
    command("build --quiet --tag localhost/vcity-test:1 " + folder_ + "/image");
    image_ = command("image inspect --format '{{index .RepoDigests 0}}' localhost/vcity-test:1");
    CHECK(image_.find("@sha256:") != std::string::npos);
    serve();
}

Podman::~Podman() {
    command("rm --all --force --time 0 2>/dev/null");
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    output_of("grep -o '" + folder_ + "[^ ]*' /proc/mounts | sort -r | xargs -r umount -l 2>/dev/null");
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

std::string Podman::command(const std::string& words) const {
    return output_of("CONTAINERS_CONF=" + folder_ + "/containers.conf podman --root " + folder_ + "/root --runroot " +
                     folder_ + "/run --network-config-dir " + folder_ + "/net " + words);
}

void Podman::restart() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    serve();
}

void Podman::serve() {
    fs::remove(socket());
    const std::string setting = "CONTAINERS_CONF=" + folder_ + "/containers.conf";
    const std::string script = "cd " + folder_ + " && exec setpriv --pdeathsig KILL -- podman --root " + folder_ +
                               "/root --runroot " + folder_ + "/run --network-config-dir " + folder_ +
                               "/net system service --time=0 unix://" + socket();
    std::vector<std::string> words{"/usr/bin/env", setting, "/bin/sh", "-c", script};
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    CHECK(posix_spawn_file_actions_init(&actions) == 0);
    CHECK(posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0) == 0);
    CHECK(posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0) == 0);
    CHECK(posix_spawn_file_actions_addclosefrom_np(&actions, 3) == 0);
    CHECK(posix_spawn(&process_, "/usr/bin/env", &actions, nullptr, arguments.data(), environ) == 0);
    posix_spawn_file_actions_destroy(&actions);
    for (int attempt = 0; attempt < 1'000 && !answers(socket()); ++attempt) {
        ::poll(nullptr, 0, 10);
    }
}

}  // namespace vcity::integration
