// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "async/task.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"

namespace vcity::ports {

// Bytes both ways, in order: a connection to a port, or the ends of a program. Owned by one task; at most one read()
// and one write() wait at the same time, and none when it is destroyed, which ends it.
class ByteStream {
  public:
    virtual ~ByteStream() = default;
    // 1..max bytes; none: the other side has finished. kUnavailable: it broke or was aborted.
    virtual Task<Result<Bytes>> read(std::size_t max) = 0;
    // All of them; waits while the other side takes nothing. kUnavailable as above.
    virtual Task<Result<void>> write(Bytes bytes) = 0;
    // Nothing more will be written: the other side reads the end. Reading goes on. Idempotent.
    virtual void finish() = 0;
    // Ends both ways and every wait at once. Idempotent.
    virtual void abort() = 0;
};

}  // namespace vcity::ports
