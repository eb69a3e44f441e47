// SPDX-License-Identifier: Apache-2.0
#include "adapters/sandbox_slurm/program.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <optional>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.hpp"

namespace vcity::adapters {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kOutputMax = 1U << 20U;

std::vector<char*> pointers_to(std::vector<std::string>* words) {
    std::vector<char*> pointers;
    pointers.reserve(words->size() + 1);
    for (std::string& word : *words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    return pointers;
}

// The write end of the pipe becomes its output and error; nothing else is inherited.
int start(std::vector<std::string> command, std::vector<std::string> environment, int output, pid_t* id) {
    posix_spawn_file_actions_t actions;
    CHECK(posix_spawn_file_actions_init(&actions) == 0);
    CHECK(posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0) == 0);
    CHECK(posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO) == 0);
    CHECK(posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO) == 0);
    CHECK(posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1) == 0);
    const std::vector<char*> words = pointers_to(&command);
    const std::vector<char*> variables = pointers_to(&environment);
    const int failed = posix_spawnp(id, words.front(), &actions, nullptr, words.data(), variables.data());
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

// Until the program has closed its output; false at the deadline.
bool read_all(int input, Clock::time_point deadline, std::string* output) {
    std::array<char, 4'096> piece{};
    for (;;) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
        if (left <= 0) return false;
        pollfd waited{.fd = input, .events = POLLIN, .revents = 0};
        const int ready = ::poll(&waited, 1, static_cast<int>(left));
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) return false;
        const ssize_t count = ::read(input, piece.data(), piece.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return true;
        const std::size_t room = kOutputMax - output->size();
        output->append(piece.data(), std::min(room, static_cast<std::size_t>(count)));
    }
}

Result<ProgramEnd> run_here(std::vector<std::string> command,
                            std::vector<std::string> environment,
                            Clock::time_point deadline) {
    const std::string name = command.front();
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) != 0) return make_error(Errc::kExhausted, name + ": no pipe");
    pid_t id = 0;
    const int failed = start(std::move(command), std::move(environment), ends[1], &id);
    ::close(ends[1]);
    if (failed != 0) {
        ::close(ends[0]);
        return make_error(Errc::kUnavailable, name + ": " + std::system_category().message(failed));
    }
    ProgramEnd end;
    const bool is_over = read_all(ends[0], deadline, &end.output);
    ::close(ends[0]);
    if (!is_over) ::kill(id, SIGKILL);
    int status = 0;
    while (::waitpid(id, &status, 0) < 0 && errno == EINTR) {
    }
    if (!is_over) return make_error(Errc::kTimeout, name + " did not answer in time");
    end.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return end;
}

}  // namespace

Task<Result<ProgramEnd>> run_program(Runtime* runtime,
                                     std::vector<std::string> command,
                                     std::vector<std::string> environment,
                                     Duration patience) {
    CHECK(!command.empty());
    std::optional<Result<ProgramEnd>> end;
    const Clock::time_point deadline = Clock::now() + patience;
    std::function<void()> work = [&] { end = run_here(std::move(command), std::move(environment), deadline); };
    co_await runtime->compute(std::move(work));
    co_return *std::move(end);
}

}  // namespace vcity::adapters
