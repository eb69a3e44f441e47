// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/uint256.hpp"
#include "base/vcai.hpp"

// The reward stream of the vote escrow: rewards flow at a constant rate to weights that fall linearly, so that a share
// is the integral of rate * weight / total weight (contracts/src/governance/VeVCAI.sol, shared/anchors B1). One
// logarithm a segment; any error of it moves rewards between lockers and never creates any.
namespace vcity::market {

// The natural logarithm of x / 1e18, times 1e18, bit for bit as the chain computes it (Solady's lnWad). x in
// [1e18, 2^255): kInvalid outside.
Result<Uint256> ln_wad(const Uint256& x);

// A time without a lock's end inside.
struct StreamSegment {
    Uint256 weight_start;  // W = aw * week - b * t at its start, in (0, 2^123)
    Uint256 weight_end;    // at its end: 0 when every live lock ends there, else at most weight_start
    Uint256 decay;         // b, the sum of live strengths: what W loses a second
    Uint256 emission;      // q: wei of the segment times 2^128, below 2^222
};

// By how much the two accumulators grow, in Q128: inc0 = integral of rate / W, rounded down; j = integral of
// rate * (t - start) / W, rounded up. weight_start * inc0 - decay * j <= emission, always.
struct StreamIncrement {
    Uint256 inc0;
    Uint256 j;
};
// kInvalid for a segment outside the bounds above.
Result<StreamIncrement> stream_increment(const StreamSegment& segment);

// What a lock of that strength earned between two readings of T * g0 - g1, as claim() pays it:
// max(later - earlier, 0) * strength >> 128, the difference as a signed number.
Uint256 stream_due(const Uint256& earlier, const Uint256& later, const Uint256& strength);

}  // namespace vcity::market
