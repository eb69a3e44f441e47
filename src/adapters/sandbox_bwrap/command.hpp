// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "adapters/sandbox_bwrap/sandbox.hpp"

namespace vcity::adapters {

// Descriptors that bubblewrap finds open beside standard input, output and error.
inline constexpr int kSeccompDescriptor = 3;
inline constexpr int kInfoDescriptor = 4;
// Of vcity-init, in sandboxes that can be reached.
inline constexpr int kControlDescriptor = 5;
// Bubblewrap's child waits for a byte from it before it starts the program.
inline constexpr int kBlockDescriptor = 6;
// And the contents of the spec's files from here on.
inline constexpr int kFirstFileDescriptor = 7;
inline constexpr std::size_t kFilesMax = 64;
inline constexpr std::size_t kSystemFilesMax = 2;

// What the command line depends on besides the spec.
struct SandboxHost {
    // Set when we are root: the user and group that the program runs as.
    std::optional<std::uint32_t> user_id;
    // /bin, /lib and the like as they are on this host: a link into /usr, or a directory to mount.
    struct SystemPath {
        std::string path;
        std::string link_target;  // empty: a directory
    };
    std::vector<SystemPath> system_paths;
    std::uint64_t open_files_hard_limit = 1'024;
    std::uint64_t processes_hard_limit = 1'024;
    // Numbers of those that this process may use, in the order in which a sandbox with a limit takes them.
    std::vector<std::uint32_t> cores;
};

// Files that programs of a reachable sandbox look into for their user's name: /etc/passwd and /etc/group. They follow
// the spec's own on the descriptors.
struct SystemFile {
    std::string path;
    std::string content;
};
std::vector<SystemFile> user_files(const ports::SandboxSpec& spec, const SandboxHost& host);

// Looks at this machine. The entropy picks the user id when we are root, and the cores.
SandboxHost inspect_host(std::uint64_t entropy);

Result<void> check_spec(const ports::SandboxSpec& spec, const BwrapSandboxOptions& options);

// The command line of bubblewrap, program name first. The spec has passed check_spec().
std::vector<std::string> make_command(const ports::SandboxSpec& spec,
                                      const SandboxHost& host,
                                      const BwrapSandboxOptions& options);

}  // namespace vcity::adapters
