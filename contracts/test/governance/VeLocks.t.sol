// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {VeVCAI} from "../../src/governance/VeVCAI.sol";
import {IVeVCAI} from "../../src/interfaces/IVeVCAI.sol";
import {VeFixture} from "./VeFixture.sol";

/// @dev Making, changing and ending locks, without rewards.
contract VeLocksTest is VeFixture {
    function _assertLock(address who, uint256 amount, uint256 root, uint256 week) private view {
        IVeVCAI.LockState memory held = ve.locks(who);
        assertEq(held.amount, amount);
        assertEq(held.root, root);
        assertEq(held.endWeek, week);
    }

    function _sign(uint256 amount, uint256 deadline) private view returns (uint8, bytes32, bytes32) {
        bytes32 typehash =
            keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        bytes32 message = keccak256(abi.encode(typehash, alice, address(ve), amount, token.nonces(alice), deadline));
        return vm.sign(aliceKey, keccak256(abi.encodePacked("\x19\x01", token.DOMAIN_SEPARATOR(), message)));
    }

    // -------------------------------------------------------------------------------------------- beginning

    function test_BeginsEmptyAtTheBorderOfAUnixWeek() public view {
        assertEq(ve.origin(), START - START % WEEK);
        assertEq(ve.origin() % WEEK, 0);
        assertEq(ve.currentWeek(), 0);
        assertEq(ve.timeOf(3), ve.origin() + 3 * WEEK);
        assertEq(address(ve.token()), address(token));
        assertEq(ve.parameters().linearBelow, LINEAR_BELOW);
        assertEq(ve.totalWeight() + ve.totalLocked() + ve.snapshots() + ve.claimable(alice) + ve.weightOf(alice), 0);
        assertEq(_left(), 0);
    }

    function test_RefusesATokenThatIsNoContract() public {
        vm.expectRevert(abi.encodeWithSelector(IVeVCAI.TokenIsNotAContract.selector, alice));
        this.deploy(alice);
    }

    /// @dev An external call, so that what it reverts with can be expected.
    function deploy(address token_) external {
        new VeVCAI(address(manager), IERC20(token_), IVeVCAI.Parameters(LINEAR_BELOW));
    }

    // -------------------------------------------------------------------------------------------- lock

    function test_CreatesALock() public {
        vm.expectEmit(address(ve));
        emit IVeVCAI.Locked(alice, 40_000e18, 40_000e18, 200e18, ve.timeOf(104));
        _lock(alice, 40_000e18, 104);
        _assertLock(alice, 40_000e18, 200e18, 104);
        assertEq(token.balanceOf(address(ve)), 40_000e18);
        assertEq(token.balanceOf(alice), RICHES - 40_000e18);
        uint256 weight = 200e18 * (ve.timeOf(104) - START) / TMAX;
        assertEq(ve.weightOf(alice), weight);
        assertEq(ve.totalWeight(), weight);
        assertEq(ve.totalLocked(), 40_000e18);
    }

    function test_AFullLockWeighsTheWhitePapersFormula() public {
        _toWeek(1);
        _lock(alice, 1_000_000e18, _week(208));
        // 1000 * 208 weeks / 126,230,400 s
        assertEq(ve.weightOf(alice), uint256(1_000e18) * 125_798_400 / 126_230_400);
        assertApproxEqRel(ve.weightOf(alice), 996.58e18, 1e13);
    }

    function test_WeightDecaysLinearlyBySecondToZeroAtTheEnd() public {
        _lock(alice, 40_000e18, 2);
        uint256 end = ve.timeOf(2);
        for (uint256 left = 3; left > 0; --left) {
            vm.warp(end - left);
            assertEq(ve.weightOf(alice), 200e18 * left / TMAX);
            assertEq(ve.totalWeight(), 200e18 * left / TMAX);
            assertEq(ve.totalLocked(), 40_000e18);
        }
        vm.warp(end);
        assertEq(ve.weightOf(alice) + ve.totalWeight() + ve.totalLocked(), 0);
        vm.warp(end + 1);
        assertEq(ve.weightOf(alice) + ve.totalWeight() + ve.totalLocked(), 0);
    }

    function test_DoublingTheAmountAdds41PercentOfWeight() public {
        _lock(alice, 100_000e18, 100);
        _lock(bob, 200_000e18, 100);
        assertApproxEqRel(ve.weightOf(bob), ve.weightOf(alice) * 1_414_213_562 / 1e9, 1e10);
    }

    function test_WeightIsLinearBelowTheLimit() public {
        _lock(alice, 5_000e18, 100);
        _lock(bob, 2_500e18, 100);
        _assertLock(alice, 5_000e18, 50e18, 100);
        _assertLock(bob, 2_500e18, 25e18, 100);
    }

    function test_TopsUpALock() public {
        _lock(alice, 10_000e18, 50);
        vm.expectEmit(address(ve));
        emit IVeVCAI.Locked(alice, 30_000e18, 40_000e18, 200e18, ve.timeOf(50));
        _lock(alice, 30_000e18, 50);
        _assertLock(alice, 40_000e18, 200e18, 50);
        assertEq(ve.totalLocked(), 40_000e18);
        assertEq(ve.totalWeight(), ve.weightOf(alice));
        assertEq(token.balanceOf(address(ve)), 40_000e18);
    }

    function test_ExtendsALock() public {
        _lock(alice, 10_000e18, 50);
        _lock(bob, 40_000e18, 50);
        vm.expectEmit(address(ve));
        emit IVeVCAI.Locked(alice, 0, 10_000e18, 100e18, ve.timeOf(60));
        _lock(alice, 0, 60);
        _assertLock(alice, 10_000e18, 100e18, 60);
        assertEq(ve.totalLocked(), 50_000e18);
        assertApproxEqAbs(ve.totalWeight(), ve.weightOf(alice) + ve.weightOf(bob), 1);
        vm.warp(ve.timeOf(50));
        assertEq(ve.totalWeight(), ve.weightOf(alice));
        assertEq(ve.totalLocked(), 10_000e18);
        vm.warp(ve.timeOf(60));
        assertEq(ve.totalWeight(), 0);
    }

    function test_TopsUpAndExtendsAtOnce() public {
        _lock(alice, 10_000e18, 50);
        _lock(alice, 30_000e18, 60);
        _assertLock(alice, 40_000e18, 200e18, 60);
        assertEq(ve.totalLocked(), 40_000e18);
        vm.warp(ve.timeOf(50));
        ve.poke();
        assertEq(ve.totalWeight(), ve.weightOf(alice));
        assertEq(ve.totalLocked(), 40_000e18);
        vm.warp(ve.timeOf(60));
        ve.poke();
        assertEq(ve.totalWeight() + ve.totalLocked(), 0);
        _withdraw(alice);
        assertEq(token.balanceOf(alice), RICHES);
    }

    /// @dev The only lock of the nearest week leaves it: the next end is then another one.
    function test_ExtendingTheNearestLockFindsTheNextEnd() public {
        _lock(alice, 10_000e18, 5);
        _lock(bob, 40_000e18, 7);
        _lock(alice, 0, 9);
        vm.warp(ve.timeOf(6));
        assertEq(ve.totalLocked(), 50_000e18);
        vm.warp(ve.timeOf(8));
        assertEq(ve.totalLocked(), 10_000e18);
        assertEq(ve.totalWeight(), ve.weightOf(alice));
        ve.poke();
        assertEq(ve.totalLocked(), 10_000e18);
        assertEq(ve.totalWeight(), ve.weightOf(alice));
        _lock(carol, 10_000e18, 10);
        vm.warp(ve.timeOf(9));
        assertEq(ve.totalWeight(), ve.weightOf(carol));
    }

    /// @dev A lock that is not the nearest leaves its week: the nearest stays.
    function test_ExtendingALaterLockLeavesTheNearestEnd() public {
        _lock(alice, 10_000e18, 5);
        _lock(bob, 40_000e18, 7);
        _lock(bob, 0, 12);
        vm.warp(ve.timeOf(6));
        assertEq(ve.totalWeight(), ve.weightOf(bob));
        assertEq(ve.totalLocked(), 40_000e18);
        ve.poke();
        vm.warp(ve.timeOf(8));
        assertEq(ve.totalWeight(), ve.weightOf(bob));
        vm.warp(ve.timeOf(12));
        assertEq(ve.totalWeight() + ve.totalLocked(), 0);
    }

    function test_AnEarlierEndThanAllOthersIsTheNextOne() public {
        _lock(alice, 10_000e18, 9);
        _lock(bob, 40_000e18, 3);
        _lock(carol, 90_000e18, 6);
        vm.warp(ve.timeOf(3));
        ve.poke();
        assertEq(ve.totalLocked(), 100_000e18);
        vm.warp(ve.timeOf(6));
        ve.poke();
        assertEq(ve.totalLocked(), 10_000e18);
        assertEq(ve.totalWeight(), ve.weightOf(alice));
        vm.warp(ve.timeOf(9));
        ve.poke();
        assertEq(ve.totalLocked(), 0);
    }

    function test_RefusesAnEndInThePresentWeekAndBeyond208Weeks() public {
        _pass(WEEK);
        uint256 week = ve.currentWeek();
        vm.startPrank(alice);
        vm.expectRevert(abi.encodeWithSelector(IVeVCAI.EndWeekOutOfRange.selector, week + 1, week + 208, week));
        ve.lock(1e18, week);
        vm.expectRevert(abi.encodeWithSelector(IVeVCAI.EndWeekOutOfRange.selector, week + 1, week + 208, week + 209));
        ve.lock(1e18, week + 209);
        ve.lock(1e18, week + 1);
        ve.lock(1e18, week + 208);
    }

    function test_TheEarliestEndAdvancesInTheFirstSecondOfAWeek() public {
        vm.warp(ve.timeOf(1) - 1);
        uint256 snapshotId = vm.snapshotState();
        _lock(alice, 1e18, 1);
        assertEq(ve.weightOf(alice), uint256(0.01e18) / TMAX);
        vm.revertToState(snapshotId);
        vm.warp(ve.timeOf(1));
        vm.expectRevert(abi.encodeWithSelector(IVeVCAI.EndWeekOutOfRange.selector, 2, 209, 1));
        _lock(alice, 1e18, 1);
        _lock(alice, 1e18, 209);
    }

    function test_RefusesToShortenALock() public {
        _lock(alice, 10_000e18, 50);
        vm.expectRevert(abi.encodeWithSelector(IVeVCAI.EndWeekOutOfRange.selector, 50, 208, 49));
        _lock(alice, 1e18, 49);
    }

    function test_RefusesToChangeAnEndedLock() public {
        _lock(alice, 10_000e18, 2);
        vm.warp(ve.timeOf(2) - 1);
        uint256 snapshotId = vm.snapshotState();
        _lock(alice, 1e18, 3);
        vm.revertToState(snapshotId);
        vm.warp(ve.timeOf(2));
        vm.expectRevert(abi.encodeWithSelector(IVeVCAI.LockEnded.selector, alice, ve.timeOf(2)));
        _lock(alice, 1e18, 3);
    }

    function test_RefusesLessThanOneVcai() public {
        vm.expectRevert(abi.encodeWithSelector(IVeVCAI.AmountBelowMinimum.selector, 1e18, 1e18 - 1));
        _lock(alice, 1e18 - 1, 2);
        vm.expectRevert(abi.encodeWithSelector(IVeVCAI.AmountBelowMinimum.selector, 1e18, 0));
        _lock(alice, 0, 2);
        _lock(alice, 1e18, 2);
        _lock(alice, 1, 2);
        assertEq(ve.locks(alice).amount, 1e18 + 1);
    }

    function test_RefusesMoreThanItCanCount() public {
        _lock(alice, 1e18, 2);
        uint256 most = uint256(type(uint96).max) - 1e18;
        vm.expectRevert(abi.encodeWithSelector(IVeVCAI.AmountAboveMaximum.selector, most, most + 1));
        _lock(alice, most + 1, 2);
        vm.expectRevert(abi.encodeWithSelector(IVeVCAI.AmountAboveMaximum.selector, most, type(uint256).max));
        _lock(alice, type(uint256).max, 2);
        vm.expectPartialRevert(IERC20Errors.ERC20InsufficientBalance.selector);
        _lock(alice, most, 2);
    }

    // -------------------------------------------------------------------------------------------- permit

    function test_LocksWithAPermit() public {
        vm.prank(alice);
        token.approve(address(ve), 0);
        (uint8 v, bytes32 r, bytes32 s) = _sign(10_000e18, START + 60);
        vm.prank(alice);
        ve.lockWithPermit(10_000e18, 50, START + 60, v, r, s);
        _assertLock(alice, 10_000e18, 100e18, 50);
    }

    function test_LocksWithAPermitThatSomebodyUsedFirst() public {
        vm.prank(alice);
        token.approve(address(ve), 0);
        (uint8 v, bytes32 r, bytes32 s) = _sign(10_000e18, START + 60);
        vm.prank(bob);
        token.permit(alice, address(ve), 10_000e18, START + 60, v, r, s);
        vm.prank(alice);
        ve.lockWithPermit(10_000e18, 50, START + 60, v, r, s);
        _assertLock(alice, 10_000e18, 100e18, 50);
    }

    function test_RefusesABadPermitForWantOfAllowance() public {
        vm.prank(alice);
        token.approve(address(ve), 0);
        (uint8 v, bytes32 r, bytes32 s) = _sign(9_999e18, START + 60);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(ve), 0, 10_000e18)
        );
        vm.prank(alice);
        ve.lockWithPermit(10_000e18, 50, START + 60, v, r, s);
    }

    // -------------------------------------------------------------------------------------------- withdraw

    function test_WithdrawsAtTheEndAndNotASecondBefore() public {
        _lock(alice, 10_000e18, 2);
        uint256 end = ve.timeOf(2);
        vm.warp(end - 1);
        vm.expectRevert(abi.encodeWithSelector(IVeVCAI.StillLocked.selector, alice, end));
        _withdraw(alice);
        vm.warp(end);
        vm.expectEmit(address(ve));
        emit IVeVCAI.Withdrawn(alice, 10_000e18);
        vm.recordLogs();
        _withdraw(alice);
        assertEq(vm.getRecordedLogs().length, 2, "no event of a claim of nothing");
        _assertLock(alice, 0, 0, 0);
        assertEq(token.balanceOf(alice), RICHES);
        assertEq(token.balanceOf(address(ve)), 0);
        assertEq(ve.totalLocked(), 0);
    }

    function test_RefusesAWithdrawalOfNothingOrTwice() public {
        vm.expectRevert(abi.encodeWithSelector(IVeVCAI.NoLock.selector, alice));
        _withdraw(alice);
        _lock(alice, 10_000e18, 2);
        _lock(bob, 10_000e18, 2);
        vm.warp(ve.timeOf(3));
        _withdraw(alice);
        vm.expectRevert(abi.encodeWithSelector(IVeVCAI.NoLock.selector, alice));
        _withdraw(alice);
        assertEq(token.balanceOf(address(ve)), 10_000e18, "the other lock is untouched");
    }

    function test_LocksAnewAfterAWithdrawal() public {
        _lock(alice, 10_000e18, 2);
        vm.warp(ve.timeOf(2));
        _withdraw(alice);
        _lock(alice, 40_000e18, 30);
        _assertLock(alice, 40_000e18, 200e18, 30);
        assertEq(ve.totalLocked(), 40_000e18);
        assertEq(ve.totalWeight(), ve.weightOf(alice));
    }

    /// @dev What a borrower within one transaction would need.
    function test_ALockCannotBeUndoneInTheSameSecond() public {
        _lock(alice, RICHES, 1);
        vm.expectRevert(abi.encodeWithSelector(IVeVCAI.StillLocked.selector, alice, ve.timeOf(1)));
        _withdraw(alice);
    }

    // -------------------------------------------------------------------------------------------- totals

    function test_TotalLockedCountsEveryWeekOnceAlsoAfterIdleYears() public {
        uint256 total;
        for (uint256 i = 1; i <= 208; ++i) {
            address who = address(uint160(0x1000 + i));
            token.transfer(who, 1e18 * i);
            vm.prank(who);
            token.approve(address(ve), type(uint256).max);
            _lock(who, 1e18 * i, i);
            total += 1e18 * i;
        }
        assertEq(ve.totalLocked(), total);
        uint256 gone;
        for (uint256 i = 1; i <= 60; ++i) {
            gone += 1e18 * i;
        }
        vm.warp(ve.timeOf(60));
        assertEq(ve.totalLocked(), total - gone, "before anyone touched it");
        assertEq(ve.totalWeight(), _weightOfAll(208));
        ve.poke();
        assertEq(ve.totalLocked(), total - gone);
        assertEq(ve.totalWeight(), _weightOfAll(208));
        vm.warp(ve.timeOf(207));
        assertEq(ve.totalLocked(), 208e18);
        vm.warp(ve.timeOf(300));
        assertEq(ve.totalLocked() + ve.totalWeight(), 0);
        ve.poke();
        assertEq(ve.totalLocked() + ve.totalWeight(), 0);
        _lock(alice, 7e18, 400);
        assertEq(ve.totalLocked(), 7e18);
        assertEq(ve.totalWeight(), ve.weightOf(alice));
    }

    function _weightOfAll(uint256 count) private view returns (uint256 sum) {
        for (uint256 i = 1; i <= count; ++i) {
            IVeVCAI.LockState memory held = ve.locks(address(uint160(0x1000 + i)));
            uint256 end = ve.timeOf(held.endWeek);
            if (end > _now()) sum += uint256(held.root) * (end - _now());
        }
        sum /= TMAX;
    }

    // -------------------------------------------------------------------------------------------- parameters

    function test_TheDaoChangesTheLimit() public {
        vm.expectEmit(address(ve));
        emit IVeVCAI.ParametersChanged(IVeVCAI.Parameters(1_000_000e18));
        _setLinearBelow(1_000_000e18);
        assertEq(ve.parameters().linearBelow, 1_000_000e18);
        _lock(alice, 10_000e18, 50);
        _assertLock(alice, 10_000e18, 10e18, 50);
        _setLinearBelow(1e18);
        _lock(bob, 10_000e18, 50);
        _assertLock(bob, 10_000e18, 100e18, 50);
        _lock(alice, 0, 50);
        _assertLock(alice, 10_000e18, 100e18, 50);
        assertApproxEqAbs(ve.totalWeight(), ve.weightOf(alice) + ve.weightOf(bob), 1);
    }

    function test_AChangeOfALockNeverLowersItsWeightEvenIfTheLimitRose() public {
        _lock(alice, 20_000e18, 50);
        uint256 root = ve.locks(alice).root;
        _setLinearBelow(1_000_000e18);
        _lock(alice, 1e18, 50);
        _assertLock(alice, 20_001e18, root, 50);
        _lock(alice, 500_000e18, 50);
        _assertLock(alice, 520_001e18, 520.001e18, 50);
        assertEq(ve.totalWeight(), ve.weightOf(alice));
    }

    function test_RefusesParametersOutOfRange() public {
        uint256[4] memory wrong = [uint256(0), 1e18 - 1, 1.5e18, 1_000_001e18];
        for (uint256 i = 0; i < wrong.length; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    IVeVCAI.ParameterOutOfRange.selector, bytes32("linearBelow"), 1e18, 1_000_000e18, wrong[i]
                )
            );
            _setLinearBelow(wrong[i]);
        }
    }

    function test_OnlyTheDaoChangesParametersAndOnlyTheGovernorTakesSnapshots() public {
        vm.startPrank(alice);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, alice));
        ve.setParameters(IVeVCAI.Parameters(LINEAR_BELOW));
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, alice));
        ve.snapshot();
    }

    function test_AChangeOfParametersLeavesAStreamAlone() public {
        _lock(alice, 10_000e18, 50);
        _notify(86_400e18);
        _pass(1000);
        _setLinearBelow(1e18);
        assertApproxEqAbs(ve.claimable(alice), 1000e18, 1);
        assertApproxEqAbs(_left(), 85_400e18, 1);
    }
}
