// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IVeVCAI} from "../../src/interfaces/IVeVCAI.sol";
import {VeFixture} from "./VeFixture.sol";

/// @dev Snapshots: what they freeze never changes, whatever holders do afterwards.
contract VeVotesTest is VeFixture {
    uint256 private constant USERS = 3;

    /// @dev Weights as they were when the snapshot was taken.
    mapping(uint256 id => uint256[USERS]) private _seen;
    mapping(uint256 id => uint256) private _seenTotal;

    function _who(uint256 i) private view returns (address) {
        return [alice, bob, carol][i];
    }

    function _freeze() private returns (uint256 id) {
        id = _snapshot();
        for (uint256 i = 0; i < USERS; ++i) {
            _seen[id][i] = ve.weightOf(_who(i));
        }
        _seenTotal[id] = ve.totalWeight();
    }

    function _assertFrozen() private view {
        for (uint256 id = 1; id <= ve.snapshots(); ++id) {
            uint256 sum;
            for (uint256 i = 0; i < USERS; ++i) {
                uint256 votes = ve.votesAt(_who(i), id);
                assertEq(votes, _seen[id][i]);
                sum += votes;
            }
            assertEq(ve.totalAt(id), _seenTotal[id]);
            assertApproxEqAbs(sum, _seenTotal[id], USERS);
        }
    }

    function test_FreezesTheWeightsOfItsSecond() public {
        _lock(alice, 10_000e18, 100);
        _lock(bob, 40_000e18, 10);
        uint256 total = (100e18 * (ve.timeOf(100) - START) + 200e18 * (ve.timeOf(10) - START)) / TMAX;
        vm.expectEmit(address(ve));
        emit IVeVCAI.SnapshotTaken(1, total);
        assertEq(_snapshot(), 1);
        assertEq(ve.snapshots(), 1);
        assertEq(ve.snapshotTime(1), START);
        assertEq(ve.totalAt(1), total);
        assertEq(ve.votesAt(alice, 1), 100e18 * (ve.timeOf(100) - START) / TMAX);
        assertEq(ve.votesAt(bob, 1), 200e18 * (ve.timeOf(10) - START) / TMAX);
        assertEq(ve.votesAt(carol, 1), 0);
        _pass(50 weeks);
        assertEq(ve.totalAt(1), total);
        assertEq(ve.snapshotTime(1), START);
    }

    function test_CountsFromOne() public {
        assertEq(_snapshot(), 1);
        assertEq(_snapshot(), 2);
        assertEq(_snapshot(), 3);
        assertEq(ve.snapshots(), 3);
    }

    function test_RefusesASnapshotThatDoesNotExist() public {
        vm.expectRevert(abi.encodeWithSelector(IVeVCAI.SnapshotUnknown.selector, 0, 0));
        ve.votesAt(alice, 0);
        vm.expectRevert(abi.encodeWithSelector(IVeVCAI.SnapshotUnknown.selector, 0, 1));
        ve.totalAt(1);
        _snapshot();
        vm.expectRevert(abi.encodeWithSelector(IVeVCAI.SnapshotUnknown.selector, 1, 0));
        ve.totalAt(0);
        vm.expectRevert(abi.encodeWithSelector(IVeVCAI.SnapshotUnknown.selector, 1, 2));
        ve.snapshotTime(2);
        assertEq(ve.totalAt(1), 0);
    }

    function test_ALockMadeInTheSameSecondAfterTheSnapshotDoesNotVote() public {
        _lock(alice, 10_000e18, 100);
        _freeze();
        _lock(carol, RICHES, 208);
        _lock(alice, RICHES / 2, 208);
        assertEq(ve.votesAt(carol, 1), 0);
        _assertFrozen();
    }

    function test_EveryChangeAfterASnapshotLeavesItAlone() public {
        _lock(alice, 10_000e18, 100);
        _lock(bob, 40_000e18, 3);
        _freeze();
        _lock(alice, 30_000e18, 100);
        _assertFrozen();
        _lock(alice, 0, 120);
        _assertFrozen();
        _freeze();
        _freeze();
        _lock(alice, 0, 130);
        _freeze();
        _assertFrozen();
        vm.warp(ve.timeOf(3));
        _withdraw(bob);
        _assertFrozen();
        _freeze();
        _lock(bob, 1_000e18, 5);
        _freeze();
        _assertFrozen();
        vm.warp(ve.timeOf(6));
        _freeze();
        _withdraw(bob);
        _freeze();
        _lock(bob, 1_000e18, 50);
        _lock(carol, 9_000e18, 60);
        _assertFrozen();
        _freeze();
        _pass(1 weeks);
        _lock(bob, 1_000e18, 50);
        _lock(carol, 0, 61);
        _freeze();
        _assertFrozen();
    }

    function test_ManyRecordsAreFoundEachByItself() public {
        _lock(alice, 10_000e18, 100);
        for (uint256 i = 0; i < 9; ++i) {
            for (uint256 k = 0; k <= i % 3; ++k) {
                _freeze();
                _pass(1 hours);
            }
            _lock(alice, 1_000e18, 100 + i);
        }
        _freeze();
        _assertFrozen();
    }

    function test_EndsThatNobodyAccountedForAreCountedByTheSnapshot() public {
        _lock(alice, 10_000e18, 2);
        _lock(bob, 40_000e18, 3);
        _lock(carol, 90_000e18, 100);
        _notify(86_400e18);
        vm.warp(ve.timeOf(3) - 1);
        _freeze();
        assertEq(ve.votesAt(alice, 1), 0);
        assertEq(ve.votesAt(bob, 1), uint256(200e18) / TMAX);
        vm.warp(ve.timeOf(3));
        _freeze();
        assertEq(ve.votesAt(bob, 2), 0);
        assertEq(ve.totalAt(2), ve.votesAt(carol, 2));
        _assertFrozen();
        assertApproxEqAbs(ve.claimable(alice) + ve.claimable(bob) + ve.claimable(carol), 86_400e18, 1e3);
    }

    function test_ASnapshotDoesNotTouchTheStream() public {
        _lock(alice, 10_000e18, 100);
        _notify(86_400e18);
        _pass(1_000);
        _snapshot();
        assertApproxEqAbs(ve.claimable(alice), 1_000e18, 1);
        _pass(1_000);
        assertApproxEqAbs(ve.claimable(alice), 2_000e18, 1);
        assertEq(_left(), 84_400e18);
    }

    function testFuzz_VotesAddUpToTheTotalAtAnyTime(uint256[3] memory amounts, uint16[3] memory ends, uint32 time)
        public
    {
        for (uint256 i = 0; i < USERS; ++i) {
            _lock(_who(i), bound(amounts[i], 1e18, RICHES), bound(ends[i], 1, 208));
        }
        _pass(bound(time, 0, 210 weeks));
        _freeze();
        _assertFrozen();
    }
}
