// SPDX-License-Identifier: Apache-2.0
#include "adapters/sandbox_bwrap/spawn.hpp"

#include <cerrno>
#include <csignal>
#include <system_error>

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "adapters/sandbox_bwrap/command.hpp"
#include "base/check.hpp"

namespace vcity::adapters {
namespace {

// Above every number that the child's own descriptors get, so that none is overwritten before it is duplicated.
constexpr int kFirstHighDescriptor = kFirstFileDescriptor + static_cast<int>(kFilesMax + kSystemFilesMax);

Error failure(const std::string& what, int number) {
    const bool is_limit = number == EMFILE || number == ENFILE || number == EAGAIN || number == ENOMEM;
    return make_error(is_limit ? Errc::kExhausted : Errc::kUnavailable,
                      "sandbox: " + what + ": " + std::system_category().message(number));
}

Result<Descriptor> move_high(Descriptor low) {
    Descriptor high{::fcntl(low.get(), F_DUPFD_CLOEXEC, kFirstHighDescriptor)};
    if (!high.is_open()) return failure("dup", errno);
    return high;
}

enum class OurEnd : unsigned char { kRead, kWrite };

// Our end does not block; the child's does, as programs expect.
Result<Pipe> make_pipe(OurEnd ours) {
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) != 0) return failure("pipe", errno);
    Descriptor first{ends[0]};
    Descriptor second{ends[1]};
    Pipe pipe;
    TRY(pipe.read_end, move_high(std::move(first)));
    TRY(pipe.write_end, move_high(std::move(second)));
    const int our_end = ours == OurEnd::kRead ? pipe.read_end.get() : pipe.write_end.get();
    if (::fcntl(our_end, F_SETFL, O_NONBLOCK) != 0) return failure("fcntl", errno);
    return pipe;
}

class SpawnActions {
  public:
    SpawnActions() { CHECK(posix_spawn_file_actions_init(&actions_) == 0); }
    ~SpawnActions() { posix_spawn_file_actions_destroy(&actions_); }
    SpawnActions(const SpawnActions&) = delete;
    SpawnActions& operator=(const SpawnActions&) = delete;

    void duplicate(const Descriptor& from, int to) {
        CHECK(posix_spawn_file_actions_adddup2(&actions_, from.get(), to) == 0);
    }
    void close(int number) { CHECK(posix_spawn_file_actions_addclose(&actions_, number) == 0); }
    void close_from(int first) { CHECK(posix_spawn_file_actions_addclosefrom_np(&actions_, first) == 0); }
    const posix_spawn_file_actions_t* get() const { return &actions_; }

  private:
    posix_spawn_file_actions_t actions_{};
};

class SpawnAttributes {
  public:
    SpawnAttributes() {
        CHECK(posix_spawnattr_init(&attributes_) == 0);
        sigset_t none;
        sigset_t all;
        sigemptyset(&none);
        sigfillset(&all);
        CHECK(posix_spawnattr_setsigmask(&attributes_, &none) == 0);
        CHECK(posix_spawnattr_setsigdefault(&attributes_, &all) == 0);
        CHECK(posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) == 0);
    }
    ~SpawnAttributes() { posix_spawnattr_destroy(&attributes_); }
    SpawnAttributes(const SpawnAttributes&) = delete;
    SpawnAttributes& operator=(const SpawnAttributes&) = delete;
    const posix_spawnattr_t* get() const { return &attributes_; }

  private:
    posix_spawnattr_t attributes_{};
};

}  // namespace

Result<Descriptor> make_file(ByteView content) {
    Descriptor low{::memfd_create("input", MFD_CLOEXEC)};
    if (!low.is_open()) return failure("memfd", errno);
    TRY(Descriptor file, move_high(std::move(low)));
    while (!content.empty()) {
        const ssize_t written = ::write(file.get(), content.data(), content.size());
        if (written < 0 && errno != EINTR) return failure("write", errno);
        if (written > 0) content = content.subspan(static_cast<std::size_t>(written));
    }
    if (::lseek(file.get(), 0, SEEK_SET) != 0) return failure("seek", errno);
    return file;
}

Result<Pipe> make_socket_pair(int type) {
    int ends[2] = {-1, -1};
    if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) != 0) return failure("socketpair", errno);
    Descriptor theirs{ends[0]};
    Descriptor ours{ends[1]};
    Pipe pair;
    TRY(pair.read_end, move_high(std::move(theirs)));
    TRY(pair.write_end, move_high(std::move(ours)));
    if (::fcntl(pair.write_end.get(), F_SETFL, O_NONBLOCK) != 0) return failure("fcntl", errno);
    return pair;
}

Result<ChildProcess> spawn_bwrap(const std::vector<std::string>& command,
                                 const Descriptor& seccomp_filter,
                                 const std::vector<Descriptor>& files,
                                 bool is_reachable) {
    TRY(Pipe input, make_pipe(OurEnd::kWrite));
    TRY(Pipe output, make_pipe(OurEnd::kRead));
    TRY(Pipe error, make_pipe(OurEnd::kRead));
    TRY(Pipe info, make_pipe(OurEnd::kRead));
    TRY(Pipe block, make_pipe(OurEnd::kWrite));
    const Descriptor filter{::fcntl(seccomp_filter.get(), F_DUPFD_CLOEXEC, kFirstHighDescriptor)};
    if (!filter.is_open()) return failure("dup", errno);

    Pipe control;
    if (is_reachable) {
        TRY(control, make_socket_pair(SOCK_SEQPACKET));
    }

    SpawnActions actions;
    actions.duplicate(input.read_end, STDIN_FILENO);
    actions.duplicate(output.write_end, STDOUT_FILENO);
    actions.duplicate(error.write_end, STDERR_FILENO);
    actions.duplicate(filter, kSeccompDescriptor);
    actions.duplicate(info.write_end, kInfoDescriptor);
    if (is_reachable) {
        actions.duplicate(control.read_end, kControlDescriptor);
    } else {
        actions.close(kControlDescriptor);
    }
    actions.duplicate(block.read_end, kBlockDescriptor);
    int next = kFirstFileDescriptor;
    for (const Descriptor& file : files) actions.duplicate(file, next++);
    actions.close_from(next);

    std::vector<std::string> words = command;
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    char* environment[] = {nullptr};
    const SpawnAttributes attributes;
    pid_t id = 0;
    const int status =
        posix_spawn(&id, arguments.front(), actions.get(), attributes.get(), arguments.data(), environment);
    if (status != 0) return failure("start " + command.front(), status);

    Result<Descriptor> process = open_process(id);
    if (!process) {
        ::kill(id, SIGKILL);
        ::waitpid(id, nullptr, 0);
        return process.error();
    }
    return ChildProcess{*std::move(process),       std::move(input.write_end), std::move(output.read_end),
                        std::move(error.read_end), std::move(info.read_end),   std::move(control.write_end),
                        std::move(block.write_end)};
}

Result<Descriptor> open_process(pid_t id) {
    Descriptor process{static_cast<int>(::syscall(SYS_pidfd_open, id, 0))};
    if (!process.is_open()) return failure("pidfd_open", errno);
    return process;
}

std::optional<ProcessEnd> reap(const Descriptor& process) {
    siginfo_t info{};
    // glibc's name for P_PIDFD is an enumerator of another type.
    const int status = ::waitid(P_PIDFD, static_cast<id_t>(process.get()), &info, WEXITED | WNOHANG);
    if (status != 0) return errno == EINTR ? std::nullopt : std::optional<ProcessEnd>{{128 + SIGKILL, true}};
    if (info.si_pid == 0) return std::nullopt;
    if (info.si_code == CLD_EXITED) return ProcessEnd{info.si_status, false};
    return ProcessEnd{128 + info.si_status, true};
}

void send_kill(const Descriptor& process) {
    ::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0);
}

}  // namespace vcity::adapters
