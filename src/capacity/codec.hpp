// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <variant>

#include "base/result.hpp"
#include "model/capacity.hpp"

namespace vcity::capacity {

using CapacityMessage = std::variant<CapacityChainChallenge,
                                     CapacityChainCommitment,
                                     CapacityDraw,
                                     CapacityOpening,
                                     CapacityFill,
                                     CapacitySweep,
                                     CapacityAnswer>;

inline constexpr std::size_t kMessageBytesMax = std::size_t{256} << 20U;

// Canonical bytes: "vcap", version 1, the message's number, session, card, then the fields in the order of the struct,
// little-endian; lists with their count before them, products in three bytes. Products must fit 24 bits.
Bytes encode(const CapacityMessage& message);

// Untrusted. kInvalid for anything but the canonical bytes of one message. Never allocates more than a few times the
// size of the input. Sizes that depend on the session are checked by those who know it.
Result<CapacityMessage> parse(ByteView bytes);

}  // namespace vcity::capacity
