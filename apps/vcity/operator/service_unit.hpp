// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.hpp"

namespace vcity::cli {

inline constexpr const char* kServiceName = "vcity-node.service";

struct ServiceOptions {
    std::string program;  // absolute path of vcity
    std::string config;   // of `vcity node run --config`
    std::string state;    // the only folder it may write
    std::string user;     // of a system unit; empty for a unit of the user's own
};
// The text of the systemd unit: starts again when it dies, sees the system read-only, no homes, no privileges. It keeps
// what bubblewrap needs: user namespaces, mounts inside them, and an unmasked /proc.
std::string service_unit(const ServiceOptions& options);

bool has_systemd();
// Writes the unit (for root: under /etc/systemd/system; else under the user's configuration), and starts it now and at
// every boot. Errors carry what systemctl said.
Result<void> install_service(const ServiceOptions& options);
// "active", "inactive", "failed"; "none" where there is no systemd or no such unit.
std::string service_state(bool is_user_service);
// "start", "stop" or "restart".
Result<void> control_service(const std::string& verb, bool is_user_service);

// For root: makes the system user that runs the node where there is none, and gives it the folder.
Result<void> hand_to_user(const std::string& user, const std::string& folder);

}  // namespace vcity::cli
