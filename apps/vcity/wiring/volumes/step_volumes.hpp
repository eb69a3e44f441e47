// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "ports/volume.hpp"
#include "wiring/role_host.hpp"
#include "wiring/role_options.hpp"

namespace vcity::wiring {

// How a node keeps the files of steps: encrypted, or in plain folders.
class StepVolumes {
  public:
    // Decides by the options and by what this machine allows. May give the process mounts of its own, so call it before
    // any thread starts. An error only when encryption is demanded and cannot be had.
    static Result<StepVolumes> choose(const NodeRunOptions& options);
    // Opens them under the role's state folder. Encrypted ones are tried first; when they fail, plain ones are opened
    // unless encryption is demanded. The log tells which.
    Result<std::unique_ptr<ports::Volumes>> open(const NodeRunOptions& options, RoleHost* host) const;

  private:
    std::string obstacle_;  // why they are not encrypted; empty: they are
};

// Whether this user could have encrypted volumes on this machine: what was found, or what is missing. Tries it in a
// child process; call it where no other thread runs.
Result<std::string> try_encrypted_volumes();

}  // namespace vcity::wiring
