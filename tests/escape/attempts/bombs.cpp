// SPDX-License-Identifier: Apache-2.0
// Programs that take all they can get. Each prints "armed" first, goes on at its limit, and has to be stopped.
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "attempt.hpp"

namespace vcity::escape {
namespace {

constexpr std::size_t kPiece = 1U << 20U;
// A sandbox that does not hold lets a bomb have this much, and the test fails; the host shall live.
constexpr unsigned long long kPiecesMax = 1'536;
constexpr unsigned long long kPiecesOfChildMax = 24;
constexpr unsigned long long kFilesMax = 300'000;

void at_the_limit(const char* what, unsigned long long count) {
    std::printf("limit %s %llu\n", what, count);
    std::fflush(stdout);
}

[[noreturn]] void stay() {
    for (;;) ::pause();
}

// Processes that make processes, deaf to what could be ignored.
[[noreturn]] void fork_bomb() {
    for (int number = 1; number < 32; ++number) ::signal(number, SIG_IGN);
    bool has_met = false;
    for (;;) {
        if (::fork() >= 0) continue;
        if (!has_met && ::getppid() <= 2) at_the_limit("processes", 0);
        has_met = true;
    }
}

void* spin(void*) {
    for (;;) ::sched_yield();
}

[[noreturn]] void thread_bomb() {
    unsigned long long count = 0;
    pthread_attr_t attributes;
    ::pthread_attr_init(&attributes);
    ::pthread_attr_setstacksize(&attributes, 65'536);
    pthread_t thread{};
    while (::pthread_create(&thread, &attributes, spin, nullptr) == 0) ++count;
    at_the_limit("threads", count);
    stay();
}

unsigned long long take_memory(unsigned long long pieces_max) {
    unsigned long long pieces = 0;
    while (pieces < pieces_max) {
        void* piece = ::mmap(nullptr, kPiece, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (piece == MAP_FAILED) return pieces;
        std::memset(piece, 1, kPiece);
        ++pieces;
    }
    return pieces;
}

[[noreturn]] void memory_bomb() {
    at_the_limit("mib", take_memory(kPiecesMax));
    stay();
}

// Each process stays below its own limit; together they pass any sum.
[[noreturn]] void memory_of_many() {
    unsigned long long children = 0;
    for (;;) {
        const pid_t child = ::fork();
        if (child == 0) {
            take_memory(kPiecesOfChildMax);
            stay();
        }
        if (child < 0) break;
        ++children;
    }
    at_the_limit("children", children);
    stay();
}

// Memory that belongs to no address space.
[[noreturn]] void memory_of_files() {
    unsigned long long pieces = 0;
    const std::vector<char> piece(kPiece, 'x');
    for (;;) {
        const int file = ::memfd_create("bomb", MFD_CLOEXEC);
        if (file < 0) break;
        while (pieces < kPiecesMax && ::write(file, piece.data(), piece.size()) > 0) ++pieces;
        if (pieces >= kPiecesMax) break;
    }
    at_the_limit("mib", pieces);
    stay();
}

[[noreturn]] void shared_memory_bomb() {
    unsigned long long pieces = 0;
    for (; pieces < kPiecesMax; ++pieces) {
        const int segment = ::shmget(IPC_PRIVATE, kPiece, IPC_CREAT | 0600);
        if (segment < 0) break;
        void* here = ::shmat(segment, nullptr, 0);
        if (reinterpret_cast<std::intptr_t>(here) == -1) break;
        std::memset(here, 1, kPiece);
        ::shmdt(here);
    }
    at_the_limit("mib", pieces);
    stay();
}

unsigned long long fill(const std::string& folder) {
    unsigned long long pieces = 0;
    const std::vector<char> piece(kPiece, 'x');
    const int file = ::open((folder + "/bomb").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) return 0;
    while (pieces < kPiecesMax && ::write(file, piece.data(), piece.size()) == static_cast<ssize_t>(kPiece)) ++pieces;
    ::close(file);
    return pieces;
}

[[noreturn]] void disk_bomb() {
    unsigned long long pieces = 0;
    for (const char* folder : {"/job", "/tmp", "/dev/shm", "/var/tmp", "/run"}) pieces += fill(folder);
    at_the_limit("mib", pieces);
    stay();
}

[[noreturn]] void inode_bomb() {
    unsigned long long files = 0;
    const std::string folder = ::access("/job", W_OK) == 0 ? "/job/" : "/tmp/";
    for (; files < kFilesMax; ++files) {
        const int file = ::open((folder + std::to_string(files)).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (file < 0) break;
        ::close(file);
    }
    at_the_limit("files", files);
    stay();
}

[[noreturn]] void descriptor_bomb() {
    unsigned long long count = 0;
    while (::open("/dev/null", O_RDONLY) >= 0) ++count;
    at_the_limit("descriptors", count);
    stay();
}

// The kernel keeps what nobody reads.
[[noreturn]] void pipe_bomb() {
    unsigned long long bytes = 0;
    const std::vector<char> piece(65'536, 'x');
    for (;;) {
        int ends[2] = {-1, -1};
        if (::pipe2(ends, O_NONBLOCK) != 0) break;
        (void)::fcntl(ends[1], F_SETPIPE_SZ, kPiece);
        for (ssize_t count = 0; (count = ::write(ends[1], piece.data(), piece.size())) > 0;) {
            bytes += static_cast<unsigned long long>(count);
        }
    }
    for (;;) {
        int ends[2] = {-1, -1};
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) != 0) break;
        while (::write(ends[1], piece.data(), piece.size()) > 0) bytes += piece.size();
    }
    at_the_limit("bytes", bytes);
    stay();
}

[[noreturn]] void log_bomb() {
    const std::string line(4'000, 'l');
    for (;;) {
        (void)!::write(STDERR_FILENO, line.data(), line.size());
        (void)!::write(STDERR_FILENO, "\n", 1);
    }
}

[[noreturn]] void output_bomb() {
    const std::vector<char> piece(65'536, 'o');
    for (;;) (void)!::write(STDOUT_FILENO, piece.data(), piece.size());
}

[[noreturn]] void compute_bomb() {
    for (int count = 0; count < 8; ++count) {
        if (::fork() == 0) break;
    }
    for (volatile unsigned long long number = 0;;) number = number + 1;
}

[[noreturn]] void deaf() {
    for (int number = 1; number < 65; ++number) ::signal(number, SIG_IGN);
    stay();
}

struct Bomb {
    std::string_view name;
    void (*run)();
};

constexpr Bomb kBombs[] = {
    {"fork_bomb", fork_bomb},
    {"thread_bomb", thread_bomb},
    {"memory_bomb", memory_bomb},
    {"memory_of_many", memory_of_many},
    {"memory_of_files", memory_of_files},
    {"shared_memory_bomb", shared_memory_bomb},
    {"disk_bomb", disk_bomb},
    {"inode_bomb", inode_bomb},
    {"descriptor_bomb", descriptor_bomb},
    {"pipe_bomb", pipe_bomb},
    {"log_bomb", log_bomb},
    {"output_bomb", output_bomb},
    {"compute_bomb", compute_bomb},
    {"deaf", deaf},
};

}  // namespace

int run_bomb(std::string_view name) {
    for (const Bomb& bomb : kBombs) {
        if (bomb.name != name) continue;
        std::printf("armed %.*s\n", static_cast<int>(name.size()), name.data());
        std::fflush(stdout);
        bomb.run();
    }
    return 1;
}

}  // namespace vcity::escape
