// SPDX-License-Identifier: Apache-2.0
#include "postgres.hpp"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>

#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.hpp"

namespace vcity::integration {
namespace {

namespace fs = std::filesystem;

pid_t spawn(std::vector<std::string> words) {
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    CHECK(posix_spawn_file_actions_init(&actions) == 0);
    CHECK(posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0) == 0);
    CHECK(posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0) == 0);
    CHECK(posix_spawn_file_actions_addclosefrom_np(&actions, 3) == 0);
    // A group of its own, so that signals reach every process of the server.
    posix_spawnattr_t attributes;
    CHECK(posix_spawnattr_init(&attributes) == 0);
    CHECK(posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP) == 0);
    pid_t process = 0;
    CHECK(posix_spawn(&process, arguments[0], &actions, &attributes, arguments.data(), environ) == 0);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return process;
}

int run(std::vector<std::string> words) {
    int status = 0;
    CHECK(::waitpid(spawn(std::move(words)), &status, 0) > 0);
    return status;
}

// Whether this process has ended, at the latest after so many milliseconds.
bool has_ended(int pidfd, int milliseconds) {
    pollfd entry{.fd = pidfd, .events = POLLIN, .revents = 0};
    return ::poll(&entry, 1, milliseconds) > 0;
}

int open_pidfd(pid_t process) {
    return static_cast<int>(::syscall(SYS_pidfd_open, process, 0U));
}

std::optional<pid_t> parent_of(const fs::path& folder) {
    std::ifstream file{folder / "stat"};
    std::string text;
    if (!std::getline(file, text)) return std::nullopt;
    // "pid (name) state parent ...": the name may hold anything, so from the last parenthesis on.
    const std::size_t name_end = text.rfind(')');
    if (name_end == std::string::npos || name_end + 4 > text.size()) return std::nullopt;
    return static_cast<pid_t>(std::strtol(text.c_str() + name_end + 4, nullptr, 10));
}

// The newest version there is.
std::string find_programs() {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator{"/usr/lib/postgresql"}) {
        found.push_back((entry.path() / "bin").string());
    }
    CHECK(!found.empty());
    return *std::ranges::max_element(found);
}

}  // namespace

Postgres::Postgres() : programs_{find_programs()} {
    std::string name = (fs::temp_directory_path() / "vcity-pg-XXXXXX").string();
    CHECK(::mkdtemp(name.data()) != nullptr);
    folder_ = name;
    if (::geteuid() == 0) {
        const passwd* user = ::getpwnam("postgres");
        CHECK(user != nullptr);
        CHECK(::chown(folder_.c_str(), user->pw_uid, user->pw_gid) == 0);
    }
    const std::vector<std::string> make{
        programs_ + "/initdb", "-D", folder_ + "/data", "-U", "vcity", "-A", "trust", "-E", "UTF8", "--locale=C",
        "--no-instructions"};
    CHECK(run(as_server(make)) == 0);
    start();
}

Postgres::~Postgres() {
    kill();
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

std::vector<std::string> Postgres::as_server(std::vector<std::string> words) const {
    std::vector<std::string> prefix{"/usr/bin/setpriv", "--pdeathsig", "KILL"};
    if (::geteuid() == 0) prefix.insert(prefix.end(), {"--reuid", "postgres", "--regid", "postgres", "--clear-groups"});
    prefix.emplace_back("--");
    words.insert(words.begin(), prefix.begin(), prefix.end());
    return words;
}

std::string Postgres::uri() const {
    return "postgresql:///postgres?user=vcity&host=" + folder_;
}

void Postgres::start() {
    process_ = spawn(as_server({programs_ + "/postgres", "-D", folder_ + "/data", "-k", folder_, "-h", "", "-c",
                                "log_min_messages=fatal", "-c", "shared_buffers=16MB"}));
    const int server = open_pidfd(process_);
    int tries = 0;
    while (run({programs_ + "/pg_isready", "-q", "-h", folder_}) != 0) {
        CHECK(++tries < 600);  // it did not come up in 30 s
        CHECK(!has_ended(server, 50));
    }
    ::close(server);
}

// The server's children are in sessions of their own; they are found by their parent.
std::vector<pid_t> Postgres::children() const {
    std::vector<pid_t> found;
    for (const auto& entry : fs::directory_iterator{"/proc"}) {
        if (parent_of(entry.path()) != process_) continue;
        found.push_back(std::stoi(entry.path().filename().string()));
    }
    return found;
}

void Postgres::kill() {
    if (process_ == 0) return;
    ::kill(process_, SIGSTOP);  // so that it starts nothing in place of what dies
    std::vector<int> orphans;
    for (const pid_t child : children()) {
        orphans.push_back(open_pidfd(child));
        ::kill(child, SIGKILL);
    }
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    process_ = 0;
    // The next server does not start while one of them still holds the shared memory.
    for (const int orphan : orphans) {
        CHECK(has_ended(orphan, 10'000));
        ::close(orphan);
    }
}

void Postgres::pause() {
    ::kill(process_, SIGSTOP);
    for (const pid_t child : children()) ::kill(child, SIGSTOP);
}

void Postgres::resume() {
    for (const pid_t child : children()) ::kill(child, SIGCONT);
    ::kill(process_, SIGCONT);
}

}  // namespace vcity::integration
