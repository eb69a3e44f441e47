// SPDX-License-Identifier: Apache-2.0
#include "devnet/child.hpp"

#include <csignal>

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace vcity::cli {
namespace {

// Between fork and exec only async-signal-safe calls are allowed.
[[noreturn]] void become(char* const* arguments, int log, pid_t parent) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    // The parent may have gone before the line above took effect.
    if (getppid() != parent) _exit(127);
    // A group of its own, so that Ctrl-C reaches the parent only and the stop is in order.
    setpgid(0, 0);
    const int nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, STDIN_FILENO);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    std::signal(SIGPIPE, SIG_DFL);
    execv(arguments[0], arguments);
    _exit(127);
}

}  // namespace

Result<Child> Child::start(const ChildSpec& spec) {
    const int log = open(spec.log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log < 0) return make_error(Errc::kDenied, fmt::format("cannot write {}", spec.log_path));
    std::vector<std::string> words = spec.command;
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const pid_t parent = getpid();
    const pid_t pid = fork();
    if (pid == 0) become(arguments.data(), log, parent);
    close(log);
    if (pid < 0) return make_error(Errc::kExhausted, fmt::format("cannot start {}", spec.name));
    return Child{pid};
}

bool Child::is_running() {
    if (ended_) return false;
    int status = 0;
    const pid_t result = waitpid(pid_, &status, WNOHANG);
    if (result == 0) return true;
    ended_ = true;
    if (WIFEXITED(status)) exit_text_ = fmt::format("exit status {}", WEXITSTATUS(status));
    if (WIFSIGNALED(status)) exit_text_ = fmt::format("signal {}", WTERMSIG(status));
    return false;
}

void Child::signal(int number) const {
    if (!ended_) kill(pid_, number);
}

}  // namespace vcity::cli
