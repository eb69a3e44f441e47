// SPDX-License-Identifier: Apache-2.0
#include "attempt.hpp"

#include <algorithm>
#include <cstring>

#include <fcntl.h>
#include <sys/wait.h>

namespace vcity::escape {
namespace {

// These say that the kernel understood the attempt and did not want it, or has no such thing here.
bool is_refusal(long error) {
    constexpr long kBroken[] = {EFAULT, EINVAL, EBADF, E2BIG, ENAMETOOLONG, EINTR};
    return std::ranges::find(kBroken, error) == std::end(kBroken);
}

constexpr int kChildSaysRefused = 40;
constexpr int kChildSaysSucceeded = 41;
constexpr int kChildSaysUntried = 42;

}  // namespace

Outcome refused(std::string detail) {
    return {Verdict::kRefused, std::move(detail)};
}
Outcome succeeded(std::string detail) {
    return {Verdict::kSucceeded, std::move(detail)};
}
Outcome untried(std::string detail) {
    return {Verdict::kUntried, std::move(detail)};
}

Outcome outcome_of(std::string_view call, long result) {
    const std::string name{call};
    if (result >= 0) return succeeded(name + " returned " + std::to_string(result));
    const std::string said = name + ": " + std::strerror(static_cast<int>(-result));
    return is_refusal(-result) ? refused(said) : untried(said);
}

Outcome worst_of(const std::vector<Outcome>& outcomes) {
    if (outcomes.empty()) return untried("nothing to try");
    for (const Verdict verdict : {Verdict::kSucceeded, Verdict::kUntried}) {
        const auto found = std::ranges::find(outcomes, verdict, &Outcome::verdict);
        if (found != outcomes.end()) return *found;
    }
    return outcomes.front();
}

std::vector<Attempt> all_attempts() {
    std::vector<Attempt> all;
    for (const auto part : {file_attempts(), kernel_attempts(), mount_attempts(), network_attempts(),
                            process_attempts(), privilege_attempts()}) {
        all.insert(all.end(), part.begin(), part.end());
    }
    return all;
}

Outcome in_child(const std::function<Outcome()>& run) {
    const pid_t child = ::fork();
    if (child < 0) return untried("fork: " + std::string{std::strerror(errno)});
    if (child == 0) {
        switch (run().verdict) {
            case Verdict::kRefused: ::_exit(kChildSaysRefused);
            case Verdict::kSucceeded: ::_exit(kChildSaysSucceeded);
            case Verdict::kUntried: ::_exit(kChildSaysUntried);
        }
        ::_exit(kChildSaysUntried);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) return refused("killed by signal " + std::to_string(WTERMSIG(status)));
    const int code = WEXITSTATUS(status);
    if (code == kChildSaysSucceeded) return succeeded("in a child process");
    if (code == kChildSaysRefused) return refused("in a child process");
    return untried("the child process ended with " + std::to_string(code));
}

Outcome reads_secret(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) return outcome_of("open " + path, -static_cast<long>(errno));
    char text[256];
    const ssize_t count = ::read(file, text, sizeof(text));
    const long error = errno;
    ::close(file);
    if (count < 0) return outcome_of("read " + path, -error);
    const bool is_secret = std::string_view{text, static_cast<std::size_t>(count)}.find(kSecret) != std::string::npos;
    return is_secret ? succeeded("read the secret at " + path) : refused(path + " holds something else");
}

Outcome opens_for_writing(const std::string& path) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) return outcome_of("open " + path, -static_cast<long>(errno));
    ::close(file);
    return succeeded("opened " + path);
}

}  // namespace vcity::escape
