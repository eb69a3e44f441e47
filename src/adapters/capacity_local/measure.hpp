// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "capacity/device.hpp"
#include "capacity/session.hpp"

namespace vcity::adapters {

// What a device without a data sheet may claim: its own speed over a short chain and a store of 64 MiB, once each after
// a warm-up. Takes about a second of a processor; the device must be idle. Errors are the device's.
Result<capacity::CardClaim> measure_claim(capacity::Device* device, std::uint64_t memory_bytes);

}  // namespace vcity::adapters
