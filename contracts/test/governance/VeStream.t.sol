// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IVeVCAI} from "../../src/interfaces/IVeVCAI.sol";
import {VeFixture} from "./VeFixture.sol";

/// @dev The reward stream: who earns what, and that nothing is ever created.
contract VeStreamTest is VeFixture {
    uint256 private constant GIFT = 86_400e18; // one VCAI a second

    function _claim(address who) private returns (uint256 amount) {
        uint256 promised = ve.claimable(who);
        uint256 before = token.balanceOf(who);
        amount = ve.claim(who);
        assertEq(amount, promised, "claimable is what claim pays");
        assertEq(token.balanceOf(who) - before, amount);
    }

    // -------------------------------------------------------------------------------------------- shares

    function test_OneLockEarnsTheStreamBySecond() public {
        _lock(alice, 10_000e18, 100);
        vm.expectEmit(address(ve));
        emit IVeVCAI.Notified(buyback, GIFT, START + 1 days);
        _notify(GIFT);
        (uint256 left, uint256 rate, uint256 finish) = ve.stream();
        assertEq(left, GIFT);
        assertEq(rate, 1e18 << 18);
        assertEq(finish, START + 1 days);
        assertEq(ve.claimable(alice), 0);
        _pass(1);
        assertApproxEqAbs(ve.claimable(alice), 1e18, 1);
        _pass(999);
        vm.expectEmit(address(ve));
        emit IVeVCAI.Claimed(alice, ve.claimable(alice));
        assertApproxEqAbs(_claim(alice), 1_000e18, 1);
        assertEq(_left(), GIFT - 1_000e18);
        assertEq(_claim(alice), 0);
        _pass(2 days);
        assertApproxEqAbs(_claim(alice), GIFT - 1_000e18, 2);
        assertEq(_left(), 0);
        assertEq(_finish(), START + 1 days);
        _pass(2 days);
        assertEq(_claim(alice), 0);
    }

    function test_AClaimOfNothingPaysAndSaysNothing() public {
        vm.recordLogs();
        assertEq(ve.claim(alice), 0);
        assertEq(vm.getRecordedLogs().length, 0);
    }

    function test_AnyoneMayClaimForAHolderAndOnlyTheHolderIsPaid() public {
        _lock(alice, 10_000e18, 100);
        _notify(GIFT);
        _pass(500);
        vm.prank(bob);
        uint256 amount = ve.claim(alice);
        assertApproxEqAbs(amount, 500e18, 1);
        assertEq(token.balanceOf(bob), RICHES);
        assertEq(token.balanceOf(alice), RICHES - 10_000e18 + amount);
    }

    /// @dev A stranger who claims for others all the time costs them less than a base unit each time.
    function test_ClaimingEverySecondTakesNothingAway() public {
        _lock(alice, 123_456e18, 100);
        _lock(bob, 5_432e18, 7);
        _notify(GIFT / 7);
        uint256 sum;
        for (uint256 i = 0; i < 300; ++i) {
            _pass(1);
            sum += _claim(alice) + _claim(bob);
        }
        assertLe(sum, GIFT / 7 - _left());
        assertApproxEqAbs(sum, GIFT / 7 - _left(), 300 * 4);
    }

    function test_LocksOfOneEndShareByRoot() public {
        _lock(alice, 10_000e18, 1);
        _lock(bob, 40_000e18, 1);
        _notify(GIFT);
        _pass(1 days);
        uint256 a = _claim(alice);
        uint256 b = _claim(bob);
        assertApproxEqAbs(a, GIFT / 3, 1e3);
        assertApproxEqAbs(b, 2 * GIFT / 3, 1e3);
        assertLe(a + b, GIFT);
    }

    /// @dev Second by second, against the midpoint of each second, over a time in which one lock ends.
    function test_MatchesASumSecondBySecondAcrossAnEnd() public {
        vm.warp(ve.timeOf(1) - 3_600);
        address[3] memory who = [alice, bob, carol];
        _lock(alice, 100_000e18, 200);
        _lock(bob, 400_000e18, 50);
        _lock(carol, 7_700e18, 1);
        _notify(240_000e18);
        uint256[3] memory expected;
        uint256[3] memory roots;
        uint256[3] memory ends;
        for (uint256 i = 0; i < 3; ++i) {
            roots[i] = ve.locks(who[i]).root;
            ends[i] = 2 * ve.timeOf(ve.locks(who[i]).endWeek);
        }
        uint256 perSecond = uint256(240_000e36) / 86_400;
        for (uint256 t = _now(); t < ve.timeOf(1) + 3_600; ++t) {
            uint256[3] memory weight;
            uint256 total;
            for (uint256 i = 0; i < 3; ++i) {
                if (ends[i] > 2 * t + 1) weight[i] = roots[i] * (ends[i] - 2 * t - 1);
                total += weight[i];
            }
            for (uint256 i = 0; i < 3; ++i) {
                expected[i] += perSecond * weight[i] / total;
            }
        }
        _pass(7_200);
        for (uint256 i = 0; i < 3; ++i) {
            assertApproxEqRel(_claim(who[i]), expected[i] / 1e18, 1e9);
        }
    }

    /// @dev How often anybody pokes, and when, moves at most dust; and nothing is created either way.
    function testFuzz_PokesChangeNobodysShare(
        uint256[3] memory amounts,
        uint16[2] memory ends,
        uint256 gift,
        uint8 pokes,
        uint32 time
    ) public {
        pokes = uint8(bound(pokes, 1, 40));
        time = uint32(bound(time, 1, 3 weeks));
        gift = bound(gift, 1e18, RICHES);
        _lock(alice, bound(amounts[0], 1e18, RICHES), bound(ends[0], 1, 208));
        _lock(bob, bound(amounts[1], 1e18, RICHES), bound(ends[1], 1, 208));
        _lock(carol, bound(amounts[2], 1e18, RICHES), 1);
        _notify(gift);
        uint256 begin = _now();
        uint256 snapshotId = vm.snapshotState();
        vm.warp(begin + time);
        uint256[3] memory once = [_claim(alice), _claim(bob), _claim(carol)];
        assertLe(once[0] + once[1] + once[2] + _left(), gift);
        vm.revertToState(snapshotId);
        for (uint256 i = 1; i <= pokes; ++i) {
            vm.warp(begin + uint256(time) * i / pokes);
            ve.poke();
        }
        uint256[3] memory often = [_claim(alice), _claim(bob), _claim(carol)];
        assertLe(often[0] + often[1] + often[2] + _left(), gift);
        for (uint256 i = 0; i < 3; ++i) {
            assertApproxEqAbs(once[i], often[i], once[i] / 1e15 + 1e3);
        }
    }

    function test_ALockMadeInTheSecondOfANotifyEarnsOnlyFromThenOn() public {
        _lock(alice, 10_000e18, 100);
        _notify(GIFT);
        _pass(40_000);
        _notify(GIFT);
        _lock(bob, 10_000e18, 100);
        assertEq(ve.claimable(bob), 0);
        assertApproxEqAbs(ve.claimable(alice), 40_000e18, 1);
        _pass(1_000);
        uint256 emitted = (GIFT - 40_000e18 + GIFT) * 1_000 / 86_400;
        assertApproxEqAbs(_claim(bob), emitted / 2, 1e6);
        assertApproxEqAbs(_claim(alice), 40_000e18 + emitted / 2, 1e6);
    }

    function test_AnEndedLockEarnsNothingAndKeepsWhatItEarned() public {
        _lock(alice, 10_000e18, 1);
        _lock(bob, 10_000e18, 100);
        vm.warp(ve.timeOf(1) - 100);
        _notify(GIFT);
        _pass(100);
        uint256 earned = ve.claimable(alice);
        assertGt(earned, 0);
        _pass(10_000);
        assertEq(ve.claimable(alice), earned);
        uint256 snapshotId = vm.snapshotState();
        assertEq(_claim(alice), earned);
        assertEq(_claim(alice), 0);
        vm.revertToState(snapshotId);
        ve.poke();
        assertEq(ve.claimable(alice), earned);
        _pass(100 weeks);
        vm.expectEmit(address(ve));
        emit IVeVCAI.Withdrawn(alice, 10_000e18);
        vm.expectEmit(address(ve));
        emit IVeVCAI.Claimed(alice, earned);
        _withdraw(alice);
        assertEq(token.balanceOf(alice), RICHES + earned);
        assertEq(ve.claimable(alice), 0);
        assertApproxEqAbs(_claim(bob), GIFT - earned, 1e3);
    }

    function test_ANewLockAfterAWithdrawalEarnsNothingFromBefore() public {
        _lock(alice, 10_000e18, 1);
        _lock(bob, 10_000e18, 100);
        vm.warp(ve.timeOf(1) + 100);
        _withdraw(alice);
        _notify(GIFT);
        _pass(1_000);
        _lock(alice, 10_000e18, 100);
        assertEq(ve.claimable(alice), 0);
        assertApproxEqAbs(ve.claimable(bob), 1_000e18, 1e3);
    }

    // -------------------------------------------------------------------------------------------- netting

    function test_ATopUpTakesTheRewardAgainstTheAmount() public {
        _lock(alice, 10_000e18, 100);
        _notify(GIFT);
        _pass(1_000);
        uint256 due = ve.claimable(alice);
        uint256 before = token.balanceOf(alice);
        vm.expectEmit(address(ve));
        emit IVeVCAI.Claimed(alice, due);
        _lock(alice, 5_000e18, 100);
        assertEq(token.balanceOf(alice), before - 5_000e18 + due);
        assertEq(ve.locks(alice).amount, 15_000e18);
        assertEq(ve.claimable(alice), 0);
    }

    function test_AnExtensionPaysTheReward() public {
        _lock(alice, 10_000e18, 100);
        _notify(GIFT);
        _pass(1_000);
        uint256 due = ve.claimable(alice);
        uint256 before = token.balanceOf(alice);
        _lock(alice, 0, 101);
        assertEq(token.balanceOf(alice), before + due);
        assertEq(ve.claimable(alice), 0);
        _pass(1_000);
        assertApproxEqAbs(ve.claimable(alice), 1_000e18, 1e3);
    }

    function test_ARewardAboveTheAddedAmountPaysTheDifference() public {
        _lock(alice, 10_000e18, 100);
        _notify(GIFT);
        _pass(1_000);
        uint256 due = ve.claimable(alice);
        uint256 before = token.balanceOf(alice);
        _lock(alice, 400e18, 100);
        assertEq(token.balanceOf(alice), before + due - 400e18);
        _pass(1_000);
        due = ve.claimable(alice);
        before = token.balanceOf(alice);
        vm.prank(alice);
        token.approve(address(ve), 0);
        vm.recordLogs();
        _lock(alice, due, 100);
        assertEq(vm.getRecordedLogs().length, 2, "locked and claimed, no transfer");
        assertEq(token.balanceOf(alice), before, "equal amounts move nothing");
    }

    // -------------------------------------------------------------------------------------------- pause

    function test_TheStreamWaitsWhileNobodyIsLocked() public {
        _notify(GIFT);
        _pass(10_000);
        assertEq(_left(), GIFT);
        assertEq(_finish(), START + 10_000 + 1 days);
        ve.poke();
        _pass(10_000);
        _lock(alice, 10_000e18, 100);
        assertEq(ve.claimable(alice), 0, "not even to the first comer");
        assertEq(_finish(), START + 20_000 + 1 days);
        _pass(500);
        assertApproxEqAbs(_claim(alice), 500e18, 1e3);
        _pass(1 days);
        assertApproxEqAbs(_claim(alice), GIFT - 500e18, 1e3);
        assertEq(_left(), 0);
    }

    function test_TheStreamWaitsAfterTheLastLockEndedAndGoesOn() public {
        _lock(alice, 10_000e18, 1);
        vm.warp(ve.timeOf(1) - 400);
        _notify(GIFT);
        _pass(50 weeks);
        assertEq(_left(), GIFT - 400e18);
        assertApproxEqAbs(_claim(alice), 400e18, 1e3);
        _lock(bob, 10_000e18, 100);
        _pass(2 days);
        assertApproxEqAbs(_claim(bob), GIFT - 400e18, 1e3);
        assertLe(ve.claimable(alice), 0);
    }

    function test_AStreamThatIsOverDoesNotMoveWhileNobodyIsLocked() public {
        _lock(alice, 10_000e18, 1);
        _notify(GIFT);
        vm.warp(START + 1 days);
        ve.poke();
        vm.warp(ve.timeOf(2));
        assertEq(_finish(), START + 1 days);
        ve.poke();
        _pass(WEEK);
        assertEq(_finish(), START + 1 days);
    }

    // -------------------------------------------------------------------------------------------- notify

    function test_TheBuybackMayAddAtAnyTimeAndSpreadsWhatIsLeft() public {
        _lock(alice, 10_000e18, 100);
        _notify(GIFT);
        _pass(43_200);
        _notify(100e18);
        (uint256 left, uint256 rate, uint256 finish) = ve.stream();
        assertApproxEqAbs(left, 43_300e18, 1);
        assertApproxEqAbs(rate, (43_300e18 << 18) / uint256(86_400), 1);
        assertEq(finish, _now() + 1 days);
        _pass(1 days);
        assertApproxEqAbs(_claim(alice), GIFT + 100e18, 1e3);
    }

    function test_AnyoneMayGiveWhatDoesNotSlowTheStream() public {
        _lock(alice, 10_000e18, 100);
        vm.prank(bob);
        ve.notify(GIFT);
        _pass(10_000);
        // As much as was streamed since: the rate stays.
        vm.prank(carol);
        ve.notify(10_000e18);
        (uint256 left, uint256 rate, uint256 finish) = ve.stream();
        assertEq(left, GIFT);
        assertEq(rate, 1e18 << 18);
        assertEq(finish, _now() + 1 days);
        assertEq(token.balanceOf(carol), RICHES - 10_000e18);
    }

    function test_OnlyTheBuybackMaySlowTheStream() public {
        _lock(alice, 10_000e18, 100);
        _notify(GIFT);
        _pass(10_000);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, bob));
        vm.prank(bob);
        ve.notify(10_000e18 - 86_400);
        _pass(76_399);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, bob));
        vm.prank(bob);
        ve.notify(1);
        _pass(1);
        vm.prank(bob);
        ve.notify(1);
        (, uint256 rate,) = ve.stream();
        assertEq(rate, uint256(1 << 18) / 86_400);
    }

    function test_AGiftNeverDelaysAnybodysReward() public {
        _lock(alice, 10_000e18, 100);
        _notify(GIFT);
        _pass(20_000);
        uint256 snapshotId = vm.snapshotState();
        uint256[4] memory without;
        for (uint256 i = 0; i < 4; ++i) {
            _pass(20_000);
            without[i] = ve.claimable(alice);
        }
        vm.revertToState(snapshotId);
        vm.prank(bob);
        ve.notify(20_001e18);
        for (uint256 i = 0; i < 4; ++i) {
            _pass(20_000);
            assertGe(ve.claimable(alice) + 1, without[i]);
        }
    }

    function test_RefusesAGiftOfNothingAndMoreThanItCanCount() public {
        vm.expectRevert(abi.encodeWithSelector(IVeVCAI.AmountBelowMinimum.selector, 1, 0));
        _notify(0);
        uint256 most = 1 << 94;
        vm.expectRevert(abi.encodeWithSelector(IVeVCAI.AmountAboveMaximum.selector, most, most + 1));
        _notify(most + 1);
        _notify(GIFT);
        vm.expectRevert(abi.encodeWithSelector(IVeVCAI.AmountAboveMaximum.selector, most - GIFT, most - GIFT + 1));
        _notify(most - GIFT + 1);
        deal(address(token), buyback, most - GIFT);
        _notify(most - GIFT);
        assertApproxEqAbs(_left(), most, 1);
    }

    function test_ADonationByTransferChangesNothing() public {
        _lock(alice, 10_000e18, 100);
        _notify(GIFT);
        token.transfer(address(ve), 1_000e18);
        _pass(1 days);
        assertApproxEqAbs(_claim(alice), GIFT, 1e3);
        assertEq(ve.totalLocked(), 10_000e18);
    }

    // -------------------------------------------------------------------------------------------- extremes

    /// @dev The smallest root there can be takes a whole day of all the supply in its last second of weight.
    function test_TheLargestStreamForTheSmallestLockDoesNotOverflow() public {
        _setLinearBelow(1_000_000e18);
        _lock(alice, 1e18, 1);
        assertEq(ve.locks(alice).root, 1e15);
        vm.warp(ve.timeOf(1) - 1);
        uint256 most = 1 << 94;
        deal(address(token), buyback, most);
        _notify(most);
        vm.warp(ve.timeOf(1));
        assertApproxEqAbs(_claim(alice), most / 86_400, 1e6);
        // Nobody else: the rest waits. The next lock takes it all, through many notifies.
        _lock(bob, 1e18, 209);
        for (uint256 i = 0; i < 50; ++i) {
            _pass(1 days);
            if (i == 0) assertApproxEqAbs(_claim(bob), most - most / 86_400, 1e6);
            deal(address(token), buyback, most);
            _notify(most);
        }
        _pass(1 days);
        deal(address(token), address(ve), 100 * most);
        assertApproxEqAbs(_claim(bob), 50 * most, 1e6);
    }

    /// @dev A whale's end and the smallest lock's survival: weight falls by 2^40 within one day.
    function test_TheSteepestFallOfWeightIsExact() public {
        _setLinearBelow(1_000_000e18);
        _lock(alice, RICHES, 1);
        _lock(bob, 1e18, 2);
        vm.warp(ve.timeOf(1) - 1 days);
        _notify(GIFT);
        _pass(1 days);
        uint256 whale = _claim(alice);
        uint256 small = _claim(bob);
        assertLe(whale + small, GIFT);
        assertApproxEqAbs(whale + small, GIFT, 1e3);
        // computed with 60 digits
        assertApproxEqAbs(small, 295_800_688_397_131_933, 1e3);
        assertApproxEqAbs(whale, 86_399_704_199_311_602_868_066, 1e3);
        _pass(1);
        assertEq(_left(), 0);
    }

    /// @dev Four idle years with an end in every week; then everyone gets what poking every day would have given.
    function test_FourIdleYearsWithAnEndInEveryWeek() public {
        for (uint256 i = 1; i <= 208; ++i) {
            address who = address(uint160(0x1000 + i));
            token.transfer(who, 1_000e18);
            vm.prank(who);
            token.approve(address(ve), type(uint256).max);
            _lock(who, 1_000e18, i);
        }
        _notify(GIFT);
        uint256 snapshotId = vm.snapshotState();
        vm.warp(ve.timeOf(1) + 4 * 366 days);
        uint256[4] memory idle;
        uint256 paid;
        for (uint256 i = 1; i <= 208; ++i) {
            uint256 amount = _claim(address(uint160(0x1000 + i)));
            paid += amount;
            if (i % 52 == 0) idle[i / 52 - 1] = amount;
            _withdraw(address(uint160(0x1000 + i)));
        }
        assertLe(paid, GIFT);
        assertApproxEqAbs(paid, GIFT, 1e6);
        assertEq(token.balanceOf(address(ve)), GIFT - paid);
        assertEq(ve.totalWeight() + ve.totalLocked() + _left(), 0);
        vm.revertToState(snapshotId);
        for (uint256 i = 0; i < 10; ++i) {
            _pass(0.1 days);
            ve.poke();
        }
        for (uint256 i = 1; i <= 4; ++i) {
            assertApproxEqAbs(ve.claimable(address(uint160(0x1000 + i * 52))), idle[i - 1], 1e6);
        }
    }

    /// @dev The same in the middle of a stream that outlives many ends, because it waited.
    function test_DailyGiftsOverYearsReachTheLastUnit() public {
        _lock(alice, 50_000e18, 30);
        _lock(bob, 1e18, 60);
        _lock(carol, RICHES / 2, 90);
        uint256 given;
        for (uint256 i = 0; i < 100; ++i) {
            _notify(1_000e18 + i);
            given += 1_000e18 + i;
            _pass(i % 7 == 0 ? 3 weeks / 4 : 1 days + i);
        }
        vm.warp(ve.timeOf(90));
        uint256 paid = _claim(alice) + _claim(bob) + _claim(carol);
        assertLe(paid + _left(), given);
        assertApproxEqAbs(paid + _left(), given, 1e6);
    }
}
