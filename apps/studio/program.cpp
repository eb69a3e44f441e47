// SPDX-License-Identifier: Apache-2.0
#include "program.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace vcity::studio {
namespace {

constexpr std::size_t kLineBytesMax = 64U << 10U;

std::vector<char*> pointers(const std::vector<std::string>& words) {
    std::vector<char*> list;
    for (const std::string& word : words) list.push_back(const_cast<char*>(word.c_str()));
    list.push_back(nullptr);
    return list;
}

// A file in memory, so that nobody has to write while the program reads. -1: it cannot be made.
int input_file(const std::string& input) {
    const int file = ::memfd_create("input", MFD_CLOEXEC);
    std::size_t written = 0;
    while (file >= 0 && written < input.size()) {
        const ssize_t count = ::write(file, input.data() + written, input.size() - written);
        if (count <= 0) {
            ::close(file);
            return -1;
        }
        written += static_cast<std::size_t>(count);
    }
    if (file >= 0) ::lseek(file, 0, SEEK_SET);
    return file;
}

void read_lines(int from, const std::function<void(std::string_view)>& on_line) {
    std::string pending;
    std::array<char, 4096> piece{};
    while (true) {
        const ssize_t count = ::read(from, piece.data(), piece.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        for (const char letter : std::string_view{piece.data(), static_cast<std::size_t>(count)}) {
            const bool is_end = letter == '\n' || letter == '\r';
            if (!is_end) pending.push_back(letter);
            if ((!is_end && pending.size() < kLineBytesMax) || pending.empty()) continue;
            on_line(pending);
            pending.clear();
        }
    }
    if (!pending.empty()) on_line(pending);
}

int await_end(pid_t process) {
    int status = 0;
    while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
    }
    constexpr int kSignalBase = 128;
    return WIFSIGNALED(status) ? kSignalBase + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

Result<int> run_program(const ProgramRun& run) {
    std::array<int, 2> output{};
    if (::pipe2(output.data(), O_CLOEXEC) != 0) return make_error(Errc::kExhausted, "no pipe can be made");
    const int input = input_file(run.input);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, output[1], STDERR_FILENO);
    pid_t process = 0;
    const int error = ::posix_spawn(&process, run.command.front().c_str(), &actions, nullptr,
                                    pointers(run.command).data(), pointers(run.environment).data());
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(output[1]);
    if (input >= 0) ::close(input);
    if (error != 0) {
        ::close(output[0]);
        return make_error(Errc::kUnavailable,
                          fmt::format("{} cannot be started: {}", run.command.front(), std::strerror(error)));
    }
    read_lines(output[0], run.on_line);
    ::close(output[0]);
    return await_end(process);
}

std::vector<std::string> plain_environment() {
    return {"PATH=/usr/bin:/bin",
            "HOME=/tmp",
            "LANG=C.UTF-8",
            "LC_ALL=C.UTF-8",
            "TZ=UTC",
            "OMP_NUM_THREADS=1",
            "OMP_THREAD_LIMIT=1",
            "OPENBLAS_NUM_THREADS=1",
            "MALLOC_ARENA_MAX=2",
            "PYTHONNOUSERSITE=1",
            "PYTHONHASHSEED=0"};
}

}  // namespace vcity::studio
