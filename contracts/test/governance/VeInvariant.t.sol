// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IVeVCAI} from "../../src/interfaces/IVeVCAI.sol";
import {VeFixture} from "./VeFixture.sol";
import {VeHandler} from "./VeHandler.sol";

contract VeInvariant is VeFixture {
    /// @dev Base units that may be lost to rounding in one operation, over all locks, and from the start.
    uint256 private constant DUST = 1_000;
    uint256 private constant SLACK = 100 * DUST;
    // Storage of VeVCAI after the slot of AccessManaged: flow, shift, locked, ring, weeks.
    uint256 private constant LOCKED_SLOT = 3;
    uint256 private constant RING_SLOT = 4;
    uint256 private constant WEEKS_SLOT = 5;

    VeHandler private _handler;

    function setUp() public override {
        super.setUp();
        _handler = new VeHandler(ve, token, buyback, snapshooter, dao);
        for (uint256 i = 0; i < _handler.HOLDERS(); ++i) {
            token.transfer(_handler.holder(i), RICHES);
        }
        token.transfer(_handler.stranger(), RICHES);
        bytes4[] memory selectors = new bytes4[](9);
        selectors[0] = VeHandler.lock.selector;
        selectors[1] = VeHandler.withdraw.selector;
        selectors[2] = VeHandler.claim.selector;
        selectors[3] = VeHandler.notify.selector;
        selectors[4] = VeHandler.give.selector;
        selectors[5] = VeHandler.snapshot.selector;
        selectors[6] = VeHandler.setLimit.selector;
        selectors[7] = VeHandler.poke.selector;
        selectors[8] = VeHandler.pass.selector;
        targetSelector(FuzzSelector(address(_handler), selectors));
        targetContract(address(_handler));
    }

    function _slot(uint256 slot) private view returns (uint256) {
        return uint256(vm.load(address(ve), bytes32(slot)));
    }

    function _weekSlot(uint256 week) private view returns (uint256) {
        return _slot(uint256(keccak256(abi.encode(week, WEEKS_SLOT))));
    }

    /// @dev The packed sums, the weeks, the ring and the next end are the sums over the live locks.
    function invariant_SumsAreTheSumsOverLiveLocks() public {
        ve.poke();
        uint256 roots;
        uint256 rootWeeks;
        uint256 ring;
        uint256 next;
        for (uint256 i = 0; i < _handler.HOLDERS(); ++i) {
            IVeVCAI.LockState memory held = ve.locks(_handler.holder(i));
            if (held.amount == 0 || ve.timeOf(held.endWeek) <= _now()) continue;
            roots += held.root;
            rootWeeks += uint256(held.root) * held.endWeek;
            ring |= 1 << (held.endWeek & 255);
            if (next == 0 || held.endWeek < next) next = held.endWeek;
            assertEq(_weekSlot(held.endWeek), _endingAt(held.endWeek));
        }
        assertEq(_slot(RING_SLOT), ring);
        assertEq(_slot(LOCKED_SLOT), rootWeeks << 144 | roots << 48 | next << 32 | ve.snapshots());
    }

    function _endingAt(uint256 week) private view returns (uint256 sum) {
        for (uint256 i = 0; i < _handler.HOLDERS(); ++i) {
            IVeVCAI.LockState memory held = ve.locks(_handler.holder(i));
            if (held.endWeek == week) sum += uint256(held.amount) << 96 | held.root;
        }
    }

    function invariant_TotalsAreTheSumsAlsoBeforeAnyoneAccountsForTheEnds() public view {
        uint256 weight;
        uint256 locked;
        for (uint256 i = 0; i < _handler.HOLDERS(); ++i) {
            IVeVCAI.LockState memory held = ve.locks(_handler.holder(i));
            weight += ve.weightOf(_handler.holder(i));
            assertEq(held.amount, _handler.principal(_handler.holder(i)));
            if (ve.timeOf(held.endWeek) > _now()) locked += held.amount;
            else assertEq(ve.weightOf(_handler.holder(i)), 0);
        }
        assertApproxEqAbs(ve.totalWeight(), weight, _handler.HOLDERS());
        assertEq(ve.totalLocked(), locked);
    }

    function invariant_PastVotesNeverChangeAndAddUp() public view {
        for (uint256 id = 1; id <= ve.snapshots(); ++id) {
            uint256 sum;
            for (uint256 i = 0; i < _handler.HOLDERS(); ++i) {
                address who = _handler.holder(i);
                assertEq(ve.votesAt(who, id), _handler.votes(id, who));
                sum += ve.votesAt(who, id);
            }
            assertEq(ve.totalAt(id), _handler.totals(id));
            assertApproxEqAbs(sum, ve.totalAt(id), _handler.HOLDERS());
        }
    }

    /// @dev What was given is claimed, claimable, still to come, or dust; and the tokens for it and for all locks are here.
    function invariant_NothingIsCreatedAndOnlyDustIsLost() public view {
        uint256 accounted = _handler.claimedByAll() + _left();
        uint256 principal;
        for (uint256 i = 0; i < _handler.HOLDERS(); ++i) {
            accounted += ve.claimable(_handler.holder(i));
            principal += _handler.principal(_handler.holder(i));
        }
        assertLe(accounted, _handler.notified(), "rewards were created");
        assertLe(_handler.notified() - accounted, DUST * _handler.operations() + SLACK, "more than dust was lost");
        assertEq(token.balanceOf(address(ve)) + _handler.claimedByAll(), principal + _handler.notified());
    }

    /// @dev When all locks are over, everyone takes everything, and dust and the waiting stream remain.
    function afterInvariant() public {
        vm.warp(_now() + 1_600 days);
        for (uint256 i = 0; i < _handler.HOLDERS(); ++i) {
            if (ve.locks(_handler.holder(i)).amount != 0) _handler.withdraw(i);
        }
        assertEq(ve.totalWeight() + ve.totalLocked(), 0);
        assertEq(_slot(LOCKED_SLOT) >> 32, 0);
        assertEq(_slot(RING_SLOT), 0);
        assertLe(token.balanceOf(address(ve)) - _left(), DUST * _handler.operations() + SLACK);
        invariant_PastVotesNeverChangeAndAddUp();
    }
}
