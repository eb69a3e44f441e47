// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/runtime.hpp"
#include "ports/chain.hpp"
#include "telemetry/log.hpp"

namespace vcity::services {

struct RegistrationDeps {
    Runtime* runtime = nullptr;
    ports::ChainReader* reader = nullptr;
    ports::ChainWriter* writer = nullptr;
    Log log;
};

// Makes sure that record.identity is registered and active in its role, with patience until *stopping. Safe to repeat:
// it reads before it writes. kDenied when the identity is registered in another role or is not active; kUnavailable
// when it was told to stop.
Task<Result<void>> ensure_registered(RegistrationDeps deps, NodeRecord record, const bool* stopping);

}  // namespace vcity::services
