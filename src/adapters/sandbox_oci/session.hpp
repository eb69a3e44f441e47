// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "adapters/sandbox_oci/process.hpp"
#include "ports/sandbox.hpp"

namespace vcity::adapters {

// Starts a program in a running container, under the container's own limits.
Task<Result<std::unique_ptr<ports::SandboxSession>>> open_session(std::shared_ptr<OciShared> shared,
                                                                  std::string container,
                                                                  ports::SandboxCommand command,
                                                                  TimePoint deadline);

}  // namespace vcity::adapters
