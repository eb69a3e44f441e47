// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "codec/json.hpp"
#include "ports/sandbox.hpp"

namespace vcity::adapters {

enum class EngineDialect : std::uint8_t {
    kLibpod,  // podman's own API: user namespaces, CDI
    kDocker,  // the Docker Engine API, which podman answers as well
};

// How a container is to be made, beside what the spec says.
struct ContainerSetting {
    EngineDialect dialect = EngineDialect::kLibpod;
    bool is_podman = false;       // behind the API of Docker: it knows fewer options of mounts
    std::string name;             // of the container
    std::string owner;            // label: the node it belongs to
    std::string job_source;       // folder of the host for /job; empty: none
    std::string seccomp_file;     // of the host, for libpod; empty: the engine's own
    std::string seccomp_profile;  // the same as Docker wants it, as JSON
    std::string network;          // empty: none at all
    bool maps_users = false;      // a user namespace of its own; else it is the engine's business
    std::string user;             // who the program is; empty: what the image says
    std::uint32_t first_user_id = 0;
    std::uint32_t open_files_max = 1'024;
    std::uint64_t scratch_bytes_max = 256U << 20U;
    std::uint64_t log_bytes_max = 16U << 20U;
};

inline constexpr const char* kOwnerLabel = "vcity.owner";
inline constexpr const char* kNameLabel = "vcity.name";    // of the container
inline constexpr const char* kJoinsLabel = "vcity.joins";  // "yes": errors go with the output

// kInvalid with a sentence for whoever wrote the spec.
Result<void> check_container_spec(const ports::SandboxSpec& spec);
// Whether a reference names content: NAME@sha256:64 hex digits.
bool names_digest(const std::string& image);
// The digest of such a reference.
std::string digest_of_image(const std::string& image);

// The body that asks the engine for a container: nothing of the host but the mounts, a read-only root, no
// capabilities and none to be gained, no network but the named one, limits on memory, swap, processes, CPU time, files
// and logs.
codec::Json create_body(const ports::SandboxSpec& spec, const ContainerSetting& setting);

// An engine's seccomp profile without the calls that only attackers of the kernel need. kCorrupt: it is none.
Result<std::string> tighten_seccomp(std::string_view profile);

// Escapes a part of a path or a query (RFC 3986).
std::string escape(std::string_view text);

}  // namespace vcity::adapters
