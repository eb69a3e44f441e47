// SPDX-License-Identifier: Apache-2.0
#include "adapters/volume_folder/crypt_mount.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adapters/volume_folder/folder_volume.hpp"
#include "base/secret.hpp"

namespace vcity::adapters::volume {
namespace {

constexpr std::size_t kWordsMax = 2000;
constexpr const char* kReady = "Filesystem mounted and ready";
constexpr int kEndPatienceMs = 10'000;
constexpr int kNotStarted = 127;

struct Pipe {
    Descriptor out;
    Descriptor in;
};

Result<Pipe> make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_error("pipe", errno);
    return Pipe{Descriptor{ends[0]}, Descriptor{ends[1]}};
}

// Overwritten when it goes; its bytes fit into a pipe.
SecretBytes in_hex(ByteView key) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    Bytes text;
    text.reserve(2 * key.size());
    for (const std::uint8_t byte : key) {
        text.push_back(static_cast<std::uint8_t>(kDigits[byte >> 4U]));
        text.push_back(static_cast<std::uint8_t>(kDigits[byte & 15U]));
    }
    return SecretBytes{std::move(text)};
}

// The right to mount, which this process has in its own user namespace, passes on to the program. Without effect for
// root, who passes on all rights, and for those who have none.
void pass_on_mounting() {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    __user_cap_data_struct data[2]{};
    if (::syscall(SYS_capget, &header, static_cast<__user_cap_data_struct*>(data)) != 0) return;
    data[0].inheritable = data[0].permitted & (1U << CAP_SYS_ADMIN);
    ::syscall(SYS_capset, &header, static_cast<__user_cap_data_struct*>(data));
    ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_ADMIN, 0, 0);
}

// In the child, between fork and exec: system calls only.
[[noreturn]] void become(pid_t parent, int input, int errors, char* const* arguments, char* const* environment) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(kNotStarted);
    ::setsid();  // Ctrl-C is for the agent
    ::dup2(input, STDIN_FILENO);
    ::dup2(errors, STDOUT_FILENO);
    ::dup2(errors, STDERR_FILENO);
    ::syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0U);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    if (::geteuid() != 0) pass_on_mounting();
    ::execve(arguments[0], arguments, environment);
    ::_exit(kNotStarted);
}

std::vector<char*> pointers(std::vector<std::string>* words) {
    std::vector<char*> pointers;
    for (std::string& word : *words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    return pointers;
}

}  // namespace

Result<CryptMount> CryptMount::start(const std::string& program, std::string cipher, std::string files, ByteView key) {
    TRY(const Pipe input, make_pipe());
    Descriptor errors{::memfd_create("gocryptfs", MFD_CLOEXEC)};
    if (!errors.is_open()) return system_error("memfd", errno);
    std::vector<std::string> words{program, "-fg", "-nosyslog", "-masterkey=stdin"};
    // Root's sandboxes have users of their own; an ordinary user's are that user.
    if (::geteuid() == 0) words.emplace_back("-allow_other");
    words.insert(words.end(), {"--", std::move(cipher), files});
    std::vector<std::string> variables{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "GOMAXPROCS=2", "GOTRACEBACK=none"};
    const std::vector<char*> arguments = pointers(&words);
    const std::vector<char*> environment = pointers(&variables);
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child < 0) return system_error("fork", errno);
    if (child == 0) become(parent, input.out.get(), errors.get(), arguments.data(), environment.data());
    Descriptor process{static_cast<int>(::syscall(SYS_pidfd_open, child, 0))};
    const SecretBytes text = in_hex(key);
    const auto bytes = static_cast<ssize_t>(text.reveal().size());
    const bool is_told = ::write(input.in.get(), text.reveal().data(), text.reveal().size()) == bytes;
    if (!process.is_open() || !is_told) {
        const Error error = system_error("starting gocryptfs", errno);
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
        return error;
    }
    return CryptMount{std::move(process), std::move(errors), std::move(files)};
}

std::string CryptMount::words() const {
    std::string words(kWordsMax, '\0');
    const ssize_t got = ::pread(errors_.get(), words.data(), words.size(), 0);
    words.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return words;
}

bool CryptMount::is_ready() const {
    return words().find(kReady) != std::string::npos;
}

std::string CryptMount::last_words() const {
    pollfd wait{.fd = process_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&wait, 1, 0) == 0) return {};
    const std::string said = words();
    return said.empty() ? "gocryptfs ended" : said.substr(0, said.find_last_not_of('\n') + 1);
}

void CryptMount::end() const {
    ::umount2(files_.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
    ::syscall(SYS_pidfd_send_signal, process_.get(), SIGKILL, nullptr, 0);
    pollfd wait{.fd = process_.get(), .events = POLLIN, .revents = 0};
    ::poll(&wait, 1, kEndPatienceMs);
    siginfo_t info{};
    // glibc's name for P_PIDFD is an enumerator of another type.
    ::waitid(P_PIDFD, static_cast<id_t>(process_.get()), &info, WEXITED | WNOHANG);
}

}  // namespace vcity::adapters::volume
