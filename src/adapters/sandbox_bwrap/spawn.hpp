// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "adapters/sandbox_bwrap/descriptor.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"

namespace vcity::adapters {

// A child process and our ends of its pipes, all non-blocking.
struct ChildProcess {
    Descriptor process;  // pidfd: readable once it ended
    Descriptor input;
    Descriptor output;
    Descriptor error;
    Descriptor info;
    Descriptor control;  // to vcity-init; not open in a sandbox without ways in
    Descriptor release;  // one byte lets the program start
};

struct ProcessEnd {
    int status = 0;  // exit status, or 128 + the signal
    bool is_by_signal = false;
};

struct Pipe {
    Descriptor read_end;
    Descriptor write_end;
};

// Sockets of the local family, both ways: read_end is for the child, write_end is ours and does not block.
Result<Pipe> make_socket_pair(int type);

// A file in memory with this content, to be read from its beginning.
Result<Descriptor> make_file(ByteView content);

// Starts bubblewrap with that command line; the filter becomes its kSeccompDescriptor, the files those from
// kFirstFileDescriptor on. The child inherits no other descriptor, no environment and no signal mask.
Result<ChildProcess> spawn_bwrap(const std::vector<std::string>& command,
                                 const Descriptor& seccomp_filter,
                                 const std::vector<Descriptor>& files,
                                 bool is_reachable);

// nullopt while it runs; else its exit status, 128 + n for signal n. Reaps it: call it until it gives a value, then
// never again.
std::optional<ProcessEnd> reap(const Descriptor& process);

Result<Descriptor> open_process(pid_t id);
void send_kill(const Descriptor& process);

}  // namespace vcity::adapters
