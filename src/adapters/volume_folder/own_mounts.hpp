// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"

namespace vcity::adapters {

// Gives this process mounts of its own: what it mounts from now on is seen by it and its children only, and ends with
// the last of them, however it ends. An ordinary user gets them with a user namespace in which it keeps its number and
// has one right, to mount; programs that it starts have none. Call it before any thread starts. kUnavailable: the
// system does not allow it, and nothing has changed.
Result<void> enter_own_mounts();

}  // namespace vcity::adapters
