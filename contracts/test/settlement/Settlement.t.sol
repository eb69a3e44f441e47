// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IEscrow} from "../../src/interfaces/IEscrow.sol";
import {IFeeTreasury} from "../../src/interfaces/IFeeTreasury.sol";
import {INodeRegistry} from "../../src/interfaces/INodeRegistry.sol";
import {ISettlement} from "../../src/interfaces/ISettlement.sol";
import {ITreasury} from "../../src/interfaces/ITreasury.sol";
import {Hashes} from "../../src/libraries/Hashes.sol";
import {Batch, Charge, Role} from "../../src/types/Types.sol";
import {ExpiringPause} from "../../src/libraries/ExpiringPause.sol";
import {Fixture} from "../utils/Fixture.sol";
import {Tree} from "../utils/Tree.sol";

/// @dev Posting and claiming; what voids receipts is in ReceiptProofs.t.sol and SumProofs.t.sol.
contract SettlementTest is Fixture {
    bytes32[] private _noProof;
    bytes32 private _capId;

    function setUp() public override {
        super.setUp();
        _registerAll();
        _capId = _openCap(100e6);
    }

    /// @dev A batch that charges 10.000000 and gives 9.500000 to the node.
    function _batch(uint64 index, uint128 cumulative) private view returns (Batch memory) {
        return Batch({
            index: index,
            receiptsRoot: keccak256("receipts"),
            earningsRoot: Hashes.earningsLeaf(node.addr, cumulative),
            receiptCount: 4,
            totalEarned: 9.5e6,
            unitsConsumed: 30,
            unitsAvailable: 100
        });
    }

    function _postTen(uint64 index) private {
        vm.prank(scheduler.addr);
        settlement.postBatch(_batch(index, 9.5e6 * uint128(index + 1)), _charges(_capId, 10e6));
    }

    function _claim(uint64 index, uint128 cumulative) private {
        settlement.claim(scheduler.addr, index, node.addr, cumulative, _noProof);
    }

    function test_PostBatch_ChargesPaysTheFeeAndHoldsTheRest() public {
        Batch memory batch = _batch(0, 9.5e6);
        vm.expectEmit(address(settlement));
        emit ISettlement.Charged(scheduler.addr, 0, _capId, 10e6);
        vm.expectEmit(address(settlement));
        emit ISettlement.BatchPosted(
            scheduler.addr, 0, batch.receiptsRoot, batch.earningsRoot, 4, 10e6, 9.5e6, 0.5e6, 30, 100
        );
        _postTen(0);
        assertEq(stable.balanceOf(address(treasury)), 0.5e6);
        assertEq(stable.balanceOf(address(settlement)), 9.5e6);
        assertEq(settlement.pool(scheduler.addr), 9.5e6);
        assertEq(settlement.nextIndex(scheduler.addr), 1);
        assertEq(escrow.lockedOf(client.addr), 90e6);
        ISettlement.BatchRecord memory stored = settlement.batchOf(scheduler.addr, 0);
        assertEq(stored.receiptsRoot, batch.receiptsRoot);
        assertEq(stored.earningsRoot, batch.earningsRoot);
        assertEq(stored.chargedLeft, 10e6);
        assertEq(stored.earnedLeft, 9.5e6);
        assertEq(stored.finalAt, START + WINDOW);
        assertEq(stored.feeBps, 500);
    }

    function test_RevertWhen_BatchIsPostedTwice() public {
        _postTen(0);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.BatchIndexMismatch.selector, 1, 0));
        _postTen(0);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.BatchIndexMismatch.selector, 1, 2));
        _postTen(2);
    }

    function test_RevertWhen_SchedulerIsInactive() public {
        bytes memory expected = abi.encodeWithSelector(ISettlement.SchedulerInactive.selector, scheduler.addr);
        registry.ban(scheduler.addr);
        vm.expectRevert(expected);
        _postTen(0);
        registry.unban(scheduler.addr);
        vm.prank(scheduler.addr);
        registry.requestUnbond(1);
        vm.expectRevert(expected);
        _postTen(0);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.SchedulerInactive.selector, node.addr));
        vm.prank(node.addr);
        settlement.postBatch(_batch(0, 9.5e6), _charges(_capId, 10e6));
    }

    function test_RevertWhen_CapNamesAnotherScheduler() public {
        Actor memory other = _actor("other scheduler");
        _register(other, Role.Scheduler, 1_000e6);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.WrongScheduler.selector, _capId, scheduler.addr, other.addr));
        vm.prank(other.addr);
        settlement.postBatch(_batch(0, 9.5e6), _charges(_capId, 10e6));
    }

    function test_RevertWhen_BatchIsEmpty() public {
        Batch memory batch = _batch(0, 0);
        batch.receiptCount = 0;
        vm.expectRevert(abi.encodeWithSelector(ISettlement.EmptyBatch.selector, scheduler.addr, 0));
        vm.prank(scheduler.addr);
        settlement.postBatch(batch, _charges(_capId, 10e6));
    }

    function test_PostBatch_OfFreeJobsNeedsNoCharges() public {
        Batch memory batch = _batch(0, 0);
        batch.totalEarned = 0;
        vm.prank(scheduler.addr);
        settlement.postBatch(batch, new Charge[](0));
        assertEq(settlement.nextIndex(scheduler.addr), 1);
        assertEq(settlement.pool(scheduler.addr), 0);
    }

    function test_RevertWhen_ChargedAboveTheCap() public {
        vm.expectRevert(abi.encodeWithSelector(IEscrow.CapExceeded.selector, _capId, 100e6, 100e6 + 1));
        vm.prank(scheduler.addr);
        settlement.postBatch(_batch(0, 9.5e6), _charges(_capId, 100e6 + 1));
    }

    function test_PostBatch_FeeMayBeOneUnitAReceiptAboveItsExactPart() public {
        Batch memory batch = _batch(0, 0);
        batch.totalEarned = 9.5e6 - 5;
        vm.startPrank(scheduler.addr);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.FeeOutOfBounds.selector, 0.5e6 + 5, 0.5e6, 0.5e6 + 4));
        settlement.postBatch(batch, _charges(_capId, 10e6));
        batch.totalEarned = 9.5e6 + 1;
        vm.expectRevert(abi.encodeWithSelector(ISettlement.FeeOutOfBounds.selector, 0.5e6 - 1, 0.5e6, 0.5e6 + 4));
        settlement.postBatch(batch, _charges(_capId, 10e6));
        batch.totalEarned = 10e6 + 1;
        vm.expectRevert(abi.encodeWithSelector(ISettlement.EarnedAboveCharged.selector, 10e6, 10e6 + 1));
        settlement.postBatch(batch, _charges(_capId, 10e6));
        batch.totalEarned = 9.5e6 - 4;
        settlement.postBatch(batch, _charges(_capId, 10e6));
        assertEq(stable.balanceOf(address(treasury)), 0.5e6 + 4);
    }

    function test_Claim_OpensExactlyAtTheEndOfTheWindow() public {
        _postTen(0);
        vm.warp(START + WINDOW - 1);
        assertFalse(settlement.isFinal(scheduler.addr, 0));
        vm.expectRevert(abi.encodeWithSelector(ISettlement.BatchNotFinal.selector, scheduler.addr, 0, START + WINDOW));
        _claim(0, 9.5e6);
        vm.warp(START + WINDOW);
        assertTrue(settlement.isFinal(scheduler.addr, 0));
        vm.expectEmit(address(settlement));
        emit ISettlement.Claimed(scheduler.addr, node.addr, 0, 9.5e6, 9.5e6);
        _claim(0, 9.5e6);
        assertEq(stable.balanceOf(node.addr), FUNDS - 100e6 + 9.5e6);
        assertEq(stable.balanceOf(address(settlement)), 0);
        assertEq(settlement.claimed(scheduler.addr, node.addr), 9.5e6);
    }

    function test_Claim_IsPaidOnceInAnyOrder() public {
        _postTen(0);
        _postTen(1);
        _postTen(2);
        vm.warp(START + WINDOW);
        bytes memory nothing = abi.encodeWithSelector(ISettlement.NothingToClaim.selector, scheduler.addr, node.addr);
        _claim(1, 19e6);
        vm.expectRevert(nothing);
        _claim(0, 9.5e6);
        vm.expectRevert(nothing);
        _claim(1, 19e6);
        _claim(2, 28.5e6);
        vm.expectRevert(nothing);
        _claim(2, 28.5e6);
        assertEq(stable.balanceOf(node.addr), FUNDS - 100e6 + 28.5e6);
        assertEq(settlement.pool(scheduler.addr), 0);
    }

    function test_RevertWhen_ClaimIsNotInTheTree() public {
        _postTen(0);
        vm.warp(START + WINDOW);
        bytes32 leaf = Hashes.earningsLeaf(node.addr, 9.5e6 + 1);
        vm.expectRevert(
            abi.encodeWithSelector(ISettlement.InvalidProof.selector, Hashes.earningsLeaf(node.addr, 9.5e6), leaf)
        );
        _claim(0, 9.5e6 + 1);
        vm.expectRevert();
        settlement.claim(scheduler.addr, 0, client.addr, 9.5e6, _noProof);
    }

    function test_RevertWhen_ClaimIsFromAnUnknownBatch() public {
        vm.expectRevert(abi.encodeWithSelector(ISettlement.BatchUnknown.selector, scheduler.addr, 0));
        _claim(0, 9.5e6);
        assertFalse(settlement.isFinal(scheduler.addr, 0));
    }

    function test_Claim_OfZeroReverts() public {
        Batch memory batch = _batch(0, 0);
        vm.prank(scheduler.addr);
        settlement.postBatch(batch, _charges(_capId, 10e6));
        vm.warp(START + WINDOW);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.NothingToClaim.selector, scheduler.addr, node.addr));
        _claim(0, 0);
    }

    /// @dev A scheduler that promises more than it collected cannot reach another scheduler's pool.
    function test_Claim_NeverPaysMoreThanTheOwnPool() public {
        Actor memory honest = scheduler;
        _postTen(0);
        scheduler = _actor("greedy scheduler");
        _register(scheduler, Role.Scheduler, 1_000e6);
        _capId = _openCap(10e6);
        vm.prank(scheduler.addr);
        settlement.postBatch(_batch(0, 1_000e6), _charges(_capId, 10e6));
        vm.warp(START + WINDOW);
        _claim(0, 1_000e6);
        assertEq(stable.balanceOf(node.addr), FUNDS - 100e6 + 9.5e6);
        assertEq(settlement.pool(scheduler.addr), 0);
        assertEq(settlement.pool(honest.addr), 9.5e6);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.NothingToClaim.selector, scheduler.addr, node.addr));
        _claim(0, 1_000e6);
    }

    function test_Claim_WorksForEveryLeafOfALargerTree() public {
        bytes32[] memory leaves = new bytes32[](5);
        uint128[5] memory earned = [uint128(1e6), 2e6, 3e6, 0.5e6, 3e6];
        for (uint256 i = 0; i < leaves.length; ++i) {
            leaves[i] = Hashes.earningsLeaf(address(uint160(0x1000 + i)), earned[i]);
        }
        Batch memory batch = _batch(0, 0);
        batch.earningsRoot = Tree.root(leaves);
        vm.prank(scheduler.addr);
        settlement.postBatch(batch, _charges(_capId, 10e6));
        vm.warp(START + WINDOW);
        for (uint256 i = 0; i < leaves.length; ++i) {
            address account = address(uint160(0x1000 + i));
            settlement.claim(scheduler.addr, 0, account, earned[i], Tree.proof(leaves, i));
            assertEq(stable.balanceOf(account), earned[i]);
        }
        assertEq(stable.balanceOf(address(settlement)), 0);
    }

    function test_SetParameters_LeavesPostedBatchesAlone() public {
        _postTen(0);
        ISettlement.Parameters memory changed = settlement.parameters();
        changed.challengeWindow = 2 hours;
        vm.expectEmit(address(settlement));
        emit ISettlement.ParametersChanged(changed);
        settlement.setParameters(changed);
        assertEq(settlement.batchOf(scheduler.addr, 0).finalAt, START + WINDOW);
        assertEq(settlement.parameters().challengeWindow, 2 hours);
    }

    /// @dev A claim relies on batches getting final in their order, also when the window was shortened.
    function test_SetParameters_AShorterWindowLetsNoBatchOvertakeAnother() public {
        _postTen(0);
        ISettlement.Parameters memory changed = settlement.parameters();
        changed.challengeWindow = 1;
        settlement.setParameters(changed);
        _postTen(1);
        assertEq(settlement.batchOf(scheduler.addr, 1).finalAt, START + WINDOW);
        vm.warp(START + WINDOW);
        _postTen(2);
        assertEq(settlement.batchOf(scheduler.addr, 2).finalAt, START + WINDOW + 1);
    }

    function test_RevertWhen_ParameterIsOutOfRange() public {
        ISettlement.Parameters memory bad = settlement.parameters();
        bad.treasury = IFeeTreasury(client.addr);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.NotAContract.selector, bytes32("treasury"), client.addr));
        settlement.setParameters(bad);
        _expectWindowOutOfRange(0, 7 days);
        _expectWindowOutOfRange(7 days + 1, 7 days);
        bad = settlement.parameters();
        bad.challengeWindow = 7 days;
        settlement.setParameters(bad);
        bad.challengeWindow = 1;
        settlement.setParameters(bad);
    }

    function test_RevertWhen_WindowIsLongerThanTheUnbondingDelay() public {
        INodeRegistry.Parameters memory short = _registryParameters();
        short.unbondingDelay = 30 minutes;
        registry.setParameters(short);
        _expectWindowOutOfRange(30 minutes + 1, 30 minutes);
        short.unbondingDelay = 30 days;
        registry.setParameters(short);
        _expectWindowOutOfRange(7 days + 1, 7 days);
    }

    function _expectWindowOutOfRange(uint32 window, uint256 longest) private {
        ISettlement.Parameters memory bad = settlement.parameters();
        bad.challengeWindow = window;
        bytes32 name = "challengeWindow";
        vm.expectRevert(abi.encodeWithSelector(ISettlement.ParameterOutOfRange.selector, name, window, 1, longest));
        settlement.setParameters(bad);
    }

    function test_RevertWhen_StrangerUsesRestrictedFunctions() public {
        ISettlement.Parameters memory same = settlement.parameters();
        ISettlement.Voiding memory voiding;
        bytes memory expected =
            abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, scheduler.addr);
        vm.startPrank(scheduler.addr);
        vm.expectRevert(expected);
        settlement.setParameters(same);
        vm.expectRevert(expected);
        settlement.voidReceipt(voiding);
        vm.expectRevert(expected);
        settlement.correctEarnings(scheduler.addr, 0, node.addr, 1);
        vm.expectRevert(expected);
        settlement.pause(1);
    }

    function test_Pause_StopsPostingAndNothingElse() public {
        _postTen(0);
        settlement.pause(2 days);
        uint64 until = START + 2 days;
        vm.expectRevert(abi.encodeWithSelector(ExpiringPause.ModulePaused.selector, until));
        _postTen(1);
        vm.warp(START + WINDOW);
        _claim(0, 9.5e6);
        vm.warp(until);
        _postTen(1);
    }

    /// @dev A batch that was on its way when the fee changed is not lost.
    function test_PostBatch_MayUseTheFeeFromBeforeAChangeForOnePeriod() public {
        _setFee(60_000);
        assertEq(settlement.nodeShare(100), 94);
        _postTen(0);
        assertEq(settlement.batchOf(scheduler.addr, 0).feeBps, 500);
        Batch memory batch = _batch(1, 0);
        batch.totalEarned = 9.4e6;
        vm.prank(scheduler.addr);
        settlement.postBatch(batch, _charges(_capId, 10e6));
        assertEq(settlement.batchOf(scheduler.addr, 1).feeBps, 600);
        batch.index = 2;
        batch.totalEarned = 9.45e6;
        vm.expectRevert(abi.encodeWithSelector(ISettlement.FeeOutOfBounds.selector, 0.55e6, 0.6e6, 0.6e6 + 4));
        vm.prank(scheduler.addr);
        settlement.postBatch(batch, _charges(_capId, 10e6));
        vm.warp(START + 1 days);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.FeeOutOfBounds.selector, 0.5e6, 0.6e6, 0.6e6 + 4));
        _postTen(2);
    }

    /// @dev The fee from before has the same bounds as the present one: exact, and a unit a receipt more.
    function test_PostBatch_TheFeeFromBeforeIsBoundedToo() public {
        _setFee(60_000);
        Batch memory batch = _batch(0, 0);
        vm.startPrank(scheduler.addr);
        batch.totalEarned = 9.5e6 + 1;
        vm.expectRevert(abi.encodeWithSelector(ISettlement.FeeOutOfBounds.selector, 0.5e6 - 1, 0.6e6, 0.6e6 + 4));
        settlement.postBatch(batch, _charges(_capId, 10e6));
        batch.totalEarned = 9.5e6 - 5;
        vm.expectRevert(abi.encodeWithSelector(ISettlement.FeeOutOfBounds.selector, 0.5e6 + 5, 0.6e6, 0.6e6 + 4));
        settlement.postBatch(batch, _charges(_capId, 10e6));
        batch.totalEarned = 9.5e6 - 4;
        settlement.postBatch(batch, _charges(_capId, 10e6));
        assertEq(settlement.batchOf(scheduler.addr, 0).feeBps, 500);
        batch.index = 1;
        batch.totalEarned = 9.4e6 - 4;
        settlement.postBatch(batch, _charges(_capId, 10e6));
        assertEq(settlement.batchOf(scheduler.addr, 1).feeBps, 600);
    }

    function test_PostBatch_CountsUnitsOfPaidJobsOnly() public {
        _postTen(0);
        (uint128 consumed, uint128 available) = settlement.unitsTotal();
        assertEq(consumed, 30);
        assertEq(available, 100);
        Batch memory free = _batch(1, 0);
        free.totalEarned = 0;
        vm.prank(scheduler.addr);
        settlement.postBatch(free, new Charge[](0));
        (consumed, available) = networkFee.unitsTotal();
        assertEq(consumed, 30);
        assertEq(available, 100);
    }

    function test_PostBatch_TellsTheTreasuryOfItsFee() public {
        _postTen(0);
        assertEq(treasury.netFees(), 0.5e6);
        Batch memory batch = _batch(1, 0);
        batch.totalEarned = 0;
        vm.expectCall(address(treasury), abi.encodeWithSelector(ITreasury.onFee.selector), 0);
        vm.prank(scheduler.addr);
        settlement.postBatch(batch, new Charge[](0));
        assertEq(treasury.netFees(), 0.5e6);
    }

    function test_PostBatch_KeepsTheHashOfItsCharges() public {
        _postTen(0);
        assertEq(settlement.chargesHashOf(scheduler.addr, 0), keccak256(abi.encode(_charges(_capId, 10e6))));
        assertEq(settlement.chargesHashOf(scheduler.addr, 1), bytes32(0));
    }

    /// @dev What keeps compensation whole: a root that gives a node too much cannot reach batches that are open to
    /// challenge.
    function test_Claim_LeavesTheMoneyOfOpenBatchesAlone() public {
        vm.prank(scheduler.addr);
        settlement.postBatch(_batch(0, 100e6), _charges(_capId, 10e6));
        vm.warp(START + WINDOW - 1);
        _postTen(1);
        vm.warp(START + WINDOW);
        _claim(0, 100e6);
        assertEq(settlement.claimed(scheduler.addr, node.addr), 9.5e6);
        assertEq(settlement.pool(scheduler.addr), 9.5e6);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.NothingToClaim.selector, scheduler.addr, node.addr));
        _claim(0, 100e6);
        vm.warp(START + 2 * WINDOW);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.NothingToClaim.selector, scheduler.addr, node.addr));
        _claim(0, 100e6);
        _claim(1, 19e6);
        assertEq(settlement.pool(scheduler.addr), 0);
    }

    function testFuzz_PostBatch_AcceptsTheSumOfRoundedShares(uint64[8] memory amounts, uint16 feeBps) public {
        _setFee(uint32(bound(feeBps, 1, 3_000)) * 100);
        Batch memory batch = _batch(0, 0);
        batch.totalEarned = 0;
        batch.receiptCount = 8;
        uint128 charged = 0;
        for (uint256 i = 0; i < amounts.length; ++i) {
            uint128 amount = uint128(bound(amounts[i], 0, 12e6));
            charged += amount;
            batch.totalEarned += settlement.nodeShare(amount);
        }
        vm.prank(scheduler.addr);
        settlement.postBatch(batch, _charges(_capId, charged));
        assertEq(stable.balanceOf(address(treasury)) + settlement.pool(scheduler.addr), charged);
    }
}
