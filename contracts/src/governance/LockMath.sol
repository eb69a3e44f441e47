// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {LibBit} from "solady/utils/LibBit.sol";

/// @title Arithmetic of linearly decaying locks and of the rewards they share
/// @dev Weights are kept without the constant 1/TMAX: w_i(t) = root_i * (T_i - t), and W(t) = A - B t with A = sum of
/// root_i * T_i and B = sum of root_i. Times are seconds since the origin.
///
/// A stream of rate r from t0 to t1, with no lock ending in between, earns lock i
///   root_i * (T_i * I0 - I1),   I0 = integral of r/W dt,   I1 = integral of r t/W dt = t0 I0 + J,
/// where I0 = R / L(W0, W1) with R = r (t1 - t0) and L the logarithmic mean, and J = (W0 I0 - R) / B. So one logarithm
/// serves every lock. The shares add up to A I0 - B I1 = R whatever the error of I0 is: an error moves rewards between
/// locks and never creates any, as long as no share is negative, which is so exactly when R/W0 <= I0 <= R/W1. I0 is
/// clamped to that range, so that solvency rests on no series.
library LockMath {
    /// @dev Binary digits behind the point of I0, I1 and of what is derived from them. They are kept modulo 2^160, since
    /// only differences between two times of one lock are used, and those are small: what a lock earns in its life is
    /// below 2^104 base units (the whole supply, every day for four years) and root >= 1e15 > 2^49, so a difference is
    /// below 2^(104 + 104 - 49) = 2^159.
    uint256 internal constant DIGITS = 104;
    /// @dev Binary digits behind the point of the stream's rate.
    uint256 internal constant RATE_DIGITS = 18;
    uint256 private constant MODULUS_MASK = type(uint160).max;

    /// @notice Square root of the amount with 18 decimals, linear below `linearBelow`; rounded down.
    function root(uint256 amount, uint256 linearBelow) internal pure returns (uint256) {
        if (amount >= linearBelow) return FixedPointMathLib.sqrt(amount * 1e18);
        return amount * FixedPointMathLib.sqrt(linearBelow * 1e18) / linearBelow;
    }

    /// @notice The increments I0 and J (with DIGITS binary digits) of a segment over which the weight falls from `w0` > 0
    /// to `w1`, `b` being the sum of roots, and `q` = R * 2^DIGITS. I0 rounds down within its range, J rounds up.
    /// @dev Bounds: b < 2^96, w0 < 2^124, q < 2^199 (R < 2^95), q/w0 < 2^150, w0 * I0 <= q * W0/L < 2^205. Nothing can
    /// overflow. With w1 = 0 every live lock ends at t1 and J = 0 is exact. No share is negative: for T >= t1,
    /// (T - t0) I0 >= (W0 I0 - q)/b because I0 <= q/w1, and the left side is whole, so it is not below J either.
    function increments(uint256 w0, uint256 w1, uint256 b, uint256 q) internal pure returns (uint256 i0, uint256 j) {
        unchecked {
            i0 = q / w0;
            if (w1 == 0) return (i0, 0);
            uint256 mean = (((q << 1) / (w0 + w1)) * inverseMeanFactor(w0, w1)) >> 96;
            i0 = FixedPointMathLib.clamp(mean, i0, q / w1);
            uint256 product = w0 * i0;
            if (product > q) j = (product - q + b - 1) / b;
        }
    }

    /// @notice (w0 + w1) / (2 L(w0, w1)) = atanh(x)/x with x = (w0 - w1)/(w0 + w1), 96 binary digits; 0 < w1 <= w0.
    /// @dev Below x = 1/16 five terms of the series leave less than 2^-51, above it a logarithm is taken. w0/w1 < 2^64,
    /// so that the logarithm is below 45e18 < 2^66.
    function inverseMeanFactor(uint256 w0, uint256 w1) internal pure returns (uint256 factor) {
        unchecked {
            uint256 x = ((w0 - w1) << 96) / (w0 + w1);
            if (x >= 1 << 92) {
                uint256 logarithm = uint256(FixedPointMathLib.lnWad(int256(w0 * 1e18 / w1)));
                return ((logarithm << 187) / (x * 1e18)) << 4;
            }
            uint256 y = (x * x) >> 96;
            factor = 0x1745d1745d1745d1745d1745; // 2^96/11
            factor = 0x1c71c71c71c71c71c71c71c7 + ((y * factor) >> 96); // 2^96/9
            factor = 0x249249249249249249249249 + ((y * factor) >> 96); // 2^96/7
            factor = 0x333333333333333333333333 + ((y * factor) >> 96); // 2^96/5
            factor = 0x555555555555555555555555 + ((y * factor) >> 96); // 2^96/3
            factor = (1 << 96) + ((y * factor) >> 96);
        }
    }

    /// @notice T * I0 - I1 modulo 2^160: the mark from which a lock that ends at `time` counts its rewards.
    function mark(uint256 i0, uint256 i1, uint256 time) internal pure returns (uint256) {
        unchecked {
            return (time * i0 - i1) & MODULUS_MASK;
        }
    }

    /// @notice What a lock earned between two marks, rounded down.
    function earned(uint256 root_, uint256 from, uint256 to) internal pure returns (uint256) {
        unchecked {
            return (((to - from) & MODULUS_MASK) * root_) >> DIGITS;
        }
    }

    /// @notice First week >= `from` whose bit is set in `ring`, where week w has bit w % 256; 0 if none is.
    function nextWeek(uint256 ring, uint256 from) internal pure returns (uint256) {
        unchecked {
            if (ring == 0) return 0;
            uint256 shift = from & 255;
            return from + LibBit.ffs((ring >> shift) | (ring << (256 - shift)));
        }
    }
}
