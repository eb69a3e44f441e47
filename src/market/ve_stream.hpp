// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/uint256.hpp"
#include "base/vcai.hpp"

// The reward stream of the vote escrow: rewards flow at a constant rate to weights that fall linearly, so that a share
// is the integral of rate * weight / total weight (contracts/src/governance/LockMath.sol). One
// logarithm a segment; any error of it moves rewards between lockers and never creates any.
namespace vcity::market {

// The natural logarithm of x / 1e18, times 1e18, bit for bit as the chain computes it (Solady's lnWad). x in
// [1e18, 2^255): kInvalid outside.
Result<Uint256> ln_wad(const Uint256& x);

// Binary digits behind the point of the accumulators and of what is derived from them (LockMath.DIGITS).
inline constexpr unsigned kStreamDigits = 104;

// A time without a lock's end inside.
struct StreamSegment {
    Uint256 weight_start;  // W = aw * week - b * t at its start, in (0, 2^124)
    Uint256 weight_end;    // at its end: 0 when every live lock ends there, else at most weight_start
    Uint256 decay;         // b, the sum of live strengths, in (0, 2^96): what W loses a second
    Uint256 emission;      // q: wei of the segment times 2^104, below 2^199
};

// By how much the two accumulators grow: i0 = integral of rate / W, rounded down; j = integral of
// rate * (t - start) / W, rounded up. weight_start * i0 - decay * j <= emission, always.
struct StreamIncrement {
    Uint256 i0;
    Uint256 j;
};
// kInvalid for a segment outside the bounds above.
Result<StreamIncrement> stream_increment(const StreamSegment& segment);

// T * I0 - I1 modulo 2^160: the mark from which a lock that ends at `end_seconds` counts its rewards.
Uint256 stream_mark(const Uint256& i0, const Uint256& i1, std::uint64_t end_seconds);
// What a lock of that strength (below 2^96) earned between two of its marks, in wei, rounded down.
Uint256 stream_earned(U128 strength, const Uint256& from, const Uint256& to);

}  // namespace vcity::market
