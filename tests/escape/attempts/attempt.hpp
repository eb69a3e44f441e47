// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cerrno>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

// What a hostile job tries. The program is static, so that it runs in any image, and knows nothing of the sandbox.
namespace vcity::escape {

enum class Verdict : unsigned char {
    kRefused,    // it was tried, and it did not work
    kSucceeded,  // it worked: from inside a sandbox that is an escape
    kUntried,    // the attempt itself is broken: nothing was learned
};

struct Outcome {
    Verdict verdict = Verdict::kUntried;
    std::string detail;
};

// What the host has that a job must not reach; outside a sandbox all of it can be reached.
struct Target {
    std::string secret_file;      // absolute path; holds kSecret; open in the process that starts sandboxes
    std::string secret_socket;    // a listening Unix socket, absolute path
    std::string abstract_socket;  // the name of a listening abstract Unix socket
    std::string public_file;      // readable for everybody, mounted read-only at the same path
    std::string setuid_program;   // a copy of this program that belongs to root and is setuid
    std::string host_address;     // an address of the host on its network; empty: it has none
    std::uint16_t host_port = 0;  // a listener on 127.0.0.1 and on all other addresses
    int host_process = 0;         // one that runs as everybody's equal: nothing but namespaces protects it
    int shared_memory_key = 0;    // of a System V segment that everybody may attach
};

inline constexpr std::string_view kSecret = "the host's secret";
inline constexpr std::string_view kSecretVariable = "VCITY_ESCAPE_SECRET";

// Whether the attempt is also made outside any sandbox, as root, where it has to succeed: so it is known to be a real
// one. The others would harm the host or need hardware that it may not have.
enum class Control : unsigned char {
    kNone,
    kOutside,             // in mount, network and host-name namespaces of its own, so that the host stays as it is
    kOutsideWithNetwork,  // in the host's network
};

struct Attempt {
    std::string_view name;
    Control control = Control::kNone;
    Outcome (*run)(const Target& target) = nullptr;
};

std::span<const Attempt> file_attempts();
std::span<const Attempt> kernel_attempts();
std::span<const Attempt> mount_attempts();
std::span<const Attempt> network_attempts();
std::span<const Attempt> process_attempts();
std::span<const Attempt> privilege_attempts();
std::vector<Attempt> all_attempts();
// A program that takes all it can get and ends only when it is stopped; a name that is not known ends at once.
int run_bomb(std::string_view name);

Outcome refused(std::string detail);
Outcome succeeded(std::string detail);
Outcome untried(std::string detail);
// Of a system call: negative is errno. Errors that say that the arguments were wrong are kUntried.
Outcome outcome_of(std::string_view call, long result);
// The first success of several, else the first that was not tried, else refused.
Outcome worst_of(const std::vector<Outcome>& outcomes);
// The call's result or -errno.
template <class... Words>
long raw_call(long number, Words... words) {
    const long result = ::syscall(number, words...);
    return result < 0 ? -static_cast<long>(errno) : result;
}
// Runs it in a child process, which a filter may kill: that is a refusal.
Outcome in_child(const std::function<Outcome()>& run);
// Whether the file can be opened and holds the secret.
Outcome reads_secret(const std::string& path);
// Opens for writing, and writes what is there already where it can.
Outcome opens_for_writing(const std::string& path);

}  // namespace vcity::escape
