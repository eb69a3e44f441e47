// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {LockMath} from "../../src/governance/LockMath.sol";

/// @dev White-box: what ends in whole base units is too coarse to see a rounding in the wrong direction.
contract LockMathTest is Test {
    uint256 private constant TMAX = 126_230_400;

    function test_TheRootIsTheSquareRootFromTheLimitOnAndLinearBelow() public pure {
        assertEq(LockMath.root(10_000e18, 10_000e18), 100e18);
        assertEq(LockMath.root(1_000_000e18, 10_000e18), 1_000e18);
        assertEq(LockMath.root(2e18, 1e18), 1_414_213_562_373_095_048);
        assertEq(LockMath.root(1e18, 10_000e18), 0.01e18);
        assertEq(LockMath.root(2_500e18, 10_000e18), 25e18);
        assertEq(LockMath.root(9_999e18, 10_000e18), 99.99e18);
        assertEq(LockMath.root(1e18, 1_000_000e18), 1e15);
        assertEq(LockMath.root(1e18, 3e18), uint256(1e18 * 1_732_050_807_568_877_293) / 3e18);
    }

    function testFuzz_TheRootNeverFallsNorJumpsAtTheLimit(uint256 limit, uint256 amount, uint256 more) public pure {
        limit = bound(limit, 1, 1_000_000) * 1e18;
        amount = bound(amount, 1e18, 1e28);
        more = bound(more, 0, 1e28);
        assertLe(LockMath.root(amount, limit), LockMath.root(amount + more, limit));
        assertLe(LockMath.root(amount, limit), amount, "so that the sum of roots fits where the supply does");
        assertGe(LockMath.root(amount, limit), 1e15, "the bound that keeps marks within 160 bits");
        assertApproxEqAbs(LockMath.root(limit - 1, limit), LockMath.root(limit, limit), 2);
    }

    function testFuzz_SplittingBelowTheLimitGainsNothing(uint256 a, uint256 b) public pure {
        a = bound(a, 1e18, 5_000e18);
        b = bound(b, 1e18, 5_000e18);
        uint256 whole = LockMath.root(a + b, 10_000e18);
        assertApproxEqAbs(LockMath.root(a, 10_000e18) + LockMath.root(b, 10_000e18), whole, 1);
    }

    function testFuzz_SharesAreNeverNegativeAndNeverAddUpToMoreThanWasEmitted(
        uint256 b,
        uint256 duration,
        uint256 rest,
        uint256 amount
    ) public pure {
        b = bound(b, 1e15, 1e29);
        duration = bound(duration, 1, 1 days);
        rest = bound(rest, 0, TMAX);
        amount = bound(amount, 1, 1e28);
        uint256 w1 = b * rest;
        uint256 w0 = w1 + b * duration;
        uint256 q = amount << LockMath.DIGITS;
        (uint256 i0, uint256 j) = LockMath.increments(w0, w1, b, q);
        assertLe(w0 * i0 - b * j, q, "more than was emitted");
        assertGe(w0 * i0 - b * j + b + w0, q, "lost more than one unit in the last place per unit of weight");
        assertGe(i0 * duration, j, "the lock that ends first has a negative share");
        assertGe(i0, q / w0);
        if (w1 != 0) assertLe(i0, q / w1);
    }

    /// @dev Small sums of roots, so that the division by them often leaves nothing, or all but one.
    function testFuzz_JIsRoundedUpAndNoFurther(uint256 b, uint256 duration, uint256 rest, uint256 q) public pure {
        b = bound(b, 1, 4);
        rest = bound(rest, 1, 100);
        duration = bound(duration, 1, 100);
        q = bound(q, 1 << 40, 1 << 104);
        uint256 w0 = b * (rest + duration);
        (uint256 i0, uint256 j) = LockMath.increments(w0, b * rest, b, q);
        assertGe(w0 * i0 + w0, q);
        uint256 excess = w0 * i0 > q ? w0 * i0 - q : 0;
        assertEq(j, excess / b + (excess % b == 0 ? 0 : 1));
    }

    /// @dev A whale that ends at the end of the segment beside the smallest lock that goes on: the steepest fall.
    function testFuzz_TheSameForTheSteepestFall(uint256 b, uint256 w1, uint256 duration, uint256 amount) public pure {
        b = bound(b, 1e20, 7e28);
        duration = bound(duration, 1, 1 days);
        w1 = bound(w1, 1e15, 1e22);
        amount = bound(amount, 1, 1.9e28);
        uint256 w0 = w1 + b * duration;
        uint256 q = amount << LockMath.DIGITS;
        (uint256 i0, uint256 j) = LockMath.increments(w0, w1, b, q);
        assertLe(w0 * i0 - b * j, q);
        assertGe(w0 * i0 - b * j + b + w0, q);
        assertGe(i0 * duration, j);
    }

    /// @dev atanh(x)/x * 2^96 computed with 50 digits, on both sides of x = 1/16.
    function test_TheMeanFactorMatchesKnownValues() public pure {
        uint256 one = 1 << 96;
        assertEq(LockMath.inverseMeanFactor(5, 5), one);
        // x = 1/3: atanh(1/3)*3 = 1.5 * ln 2
        assertApproxEqRel(LockMath.inverseMeanFactor(2e18, 1e18), one * 1_039_720_770_839_917_964 / 1e18, 10);
        // x = 1/31: 15.5 * ln(16/15)
        assertApproxEqRel(LockMath.inverseMeanFactor(16e18, 15e18), one * 1_000_347_077_632_353_160 / 1e18, 10);
        // x = 1/16 exactly: 8 * ln(17/15), the first value of the logarithm's branch
        assertApproxEqRel(LockMath.inverseMeanFactor(17e18, 15e18), one * 1_001_305_143_632_048_114 / 1e18, 100);
        // x = 0.998001998...: ln(1000) / (2x)
        assertApproxEqRel(LockMath.inverseMeanFactor(1_000e18, 1e18), one * 3_460_792_309_439_999_594 / 1e18, 10);
    }

    function testFuzz_BothBranchesOfTheMeanFactorAgreeWithTheMidpointAndTheLogarithmicBounds(uint256 w0, uint256 w1)
        public
        pure
    {
        w1 = bound(w1, 1e15, 1e36);
        w0 = bound(w0, w1, w1 * 1e9);
        uint256 factor = LockMath.inverseMeanFactor(w0, w1);
        // geometric <= logarithmic <= arithmetic mean: 1 <= factor, and factor^2 <= (w0 + w1)^2 / (4 w0 w1)
        assertGe(factor + (1 << 46), 1 << 96);
        uint256 square = (factor >> 48) ** 2;
        uint256 ratio = ((w0 + w1) << 48) / w0 * ((((w0 + w1) << 48) / w1)) / 4;
        assertLe(square, ratio + (ratio >> 40) + (1 << 50));
    }

    function testFuzz_MarksAreDifferencesModulo160Bits(uint256 i0, uint256 i1, uint256 grown, uint32 time)
        public
        pure
    {
        i0 = bound(i0, 0, type(uint160).max);
        i1 = bound(i1, 0, type(uint160).max);
        grown = bound(grown, 0, 1 << 120);
        unchecked {
            uint256 from = LockMath.mark(i0, i1, time);
            uint256 to = LockMath.mark(i0 + grown, i1, time);
            assertLe(from, type(uint160).max);
            assertEq(LockMath.earned(1e20, from, to), (grown * time * 1e20) >> 104);
        }
    }

    function test_EarnedRoundsDownAndSurvivesAWrap() public pure {
        assertEq(LockMath.earned(1, 0, (1 << 104) - 1), 0);
        assertEq(LockMath.earned(1, 0, 1 << 104), 1);
        assertEq(LockMath.earned(7, type(uint160).max, (1 << 104) - 1), 7);
        assertEq(LockMath.mark(3, 5, 1), type(uint160).max - 1);
    }

    function testFuzz_NextWeekFindsTheFirstSetBit(uint256 ring, uint16 from) public pure {
        uint256 found = LockMath.nextWeek(ring, from);
        if (ring == 0) {
            assertEq(found, 0);
            return;
        }
        uint256 expected = from;
        while (ring >> (expected & 255) & 1 == 0) ++expected;
        assertEq(found, expected);
    }

    function testFuzz_NextWeekWrapsAround(uint8 bit, uint16 from) public pure {
        uint256 found = LockMath.nextWeek(1 << uint256(bit), from);
        assertEq(found & 255, bit);
        assertGe(found, from);
        assertLt(found, uint256(from) + 256);
    }
}
