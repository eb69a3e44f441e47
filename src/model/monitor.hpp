// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/bytes.hpp"
#include "base/time.hpp"

namespace vcity {

// What a monitor vouches for: that it saw this root as the one commitment to this job's computation, at this time,
// under a key of this epoch. EIP-712, domain "Vcity Monitor"; see market/typed_hashes.hpp.
struct MonitorSeal {
    JobId job_id;
    Hash verification_root;
    Hash request_hash;
    Hash client_nonce;
    Hash model_root;
    std::uint64_t epoch = 0;
    UnixMillis sealed_at{0};

    bool operator==(const MonitorSeal&) const = default;
};
struct SignedSeal {
    MonitorSeal seal;
    Signature signature;  // by the monitor's key

    bool operator==(const SignedSeal&) const = default;
};

}  // namespace vcity
