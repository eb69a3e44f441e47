// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "async/task.hpp"
#include "base/time.hpp"
#include "model/monitor.hpp"

namespace vcity::ports {

// The key under which a monitor seals now, as it goes into the header of a trace.
struct MonitorKey {
    Hash hash;  // keccak-256 of the public key
    std::uint64_t epoch = 0;

    bool operator==(const MonitorKey&) const = default;
};

// The monitor beside a node: it vouches for what the node committed to, before anybody draws a place of it. Used on the
// node's runtime; every call may be repeated.
class Sealer {
  public:
    virtual ~Sealer() = default;
    // Ask before a job starts; a key can seal until the end of the epoch after its own.
    virtual Task<Result<MonitorKey>> current(TimePoint deadline) = 0;
    // The seal with its time set by the monitor; the same again for the same root. kConflict: the job has a seal of
    // another root; kNotFound: no key of this epoch any more; kInvalid: not the monitor's model; kExhausted: too many
    // at once; kUnavailable, kTimeout: no monitor.
    virtual Task<Result<SignedSeal>> seal(MonitorSeal wanted, TimePoint deadline) = 0;
};

}  // namespace vcity::ports
