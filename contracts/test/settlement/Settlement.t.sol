// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {Deployment} from "../../script/Deployment.sol";
import {DevStable} from "../../src/token/DevStable.sol";
import {Escrow} from "../../src/settlement/Escrow.sol";
import {Settlement} from "../../src/settlement/Settlement.sol";
import {IEscrow} from "../../src/interfaces/IEscrow.sol";
import {INodeRegistry} from "../../src/interfaces/INodeRegistry.sol";
import {ISettlement} from "../../src/interfaces/ISettlement.sol";
import {Hashes} from "../../src/libraries/Hashes.sol";
import {Batch, Charge, Role} from "../../src/types/Types.sol";
import {Fixture} from "../utils/Fixture.sol";
import {Tree} from "../utils/Tree.sol";

/// @dev Posting and claiming; challenges are in Challenges.t.sol.
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
        assertEq(stable.balanceOf(treasury), 0.5e6);
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
        assertEq(stable.balanceOf(treasury), 0.5e6 + 4);
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
        changed.feeBps = 1_000;
        settlement.setParameters(changed);
        assertEq(settlement.batchOf(scheduler.addr, 0).finalAt, START + WINDOW);
        assertEq(settlement.batchOf(scheduler.addr, 0).feeBps, 500);
        assertEq(settlement.nodeShare(100), 90);
    }

    function test_RevertWhen_ParameterIsOutOfRange() public {
        ISettlement.Parameters memory bad = settlement.parameters();
        bad.treasury = address(0);
        _expectOutOfRange("treasury", 0, bad);
        bad = settlement.parameters();
        bad.challengeWindow = 0;
        _expectOutOfRange("challengeWindow", 0, bad);
        bad.challengeWindow = 7 days + 1;
        _expectOutOfRange("challengeWindow", 7 days + 1, bad);
        bad = settlement.parameters();
        bad.feeBps = 3_001;
        _expectOutOfRange("feeBps", 3_001, bad);
        bad = settlement.parameters();
        bad.slashBps = 10_001;
        _expectOutOfRange("slashBps", 10_001, bad);
        bad = settlement.parameters();
        bad.bountyBps = 5_001;
        _expectOutOfRange("bountyBps", 5_001, bad);
        bad = settlement.parameters();
        bad.verdictQuorum = 0;
        _expectOutOfRange("verdictQuorum", 0, bad);
        bad.verdictQuorum = 33;
        _expectOutOfRange("verdictQuorum", 33, bad);
    }

    function test_RevertWhen_WindowIsLongerThanTheUnbondingDelay() public {
        INodeRegistry.Parameters memory shorter = registry.parameters();
        shorter.unbondingDelay = 30 minutes;
        registry.setParameters(shorter);
        _expectOutOfRange("challengeWindow", WINDOW, settlement.parameters());
    }

    function _expectOutOfRange(bytes32 name, uint256 value, ISettlement.Parameters memory bad) private {
        vm.expectRevert(abi.encodeWithSelector(ISettlement.ParameterOutOfRange.selector, name, value));
        settlement.setParameters(bad);
    }

    function test_RevertWhen_StrangerSetsParameters() public {
        ISettlement.Parameters memory same = settlement.parameters();
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, scheduler.addr));
        vm.prank(scheduler.addr);
        settlement.setParameters(same);
    }

    function test_RevertWhen_StakeIsInAnotherToken() public {
        DevStable other = new DevStable();
        Escrow otherEscrow = new Escrow(address(manager), other, Deployment.defaultEscrowParameters());
        ISettlement.Parameters memory parameters = settlement.parameters();
        vm.expectRevert(
            abi.encodeWithSelector(ISettlement.StakeTokenMismatch.selector, address(other), address(stable))
        );
        new Settlement(address(manager), otherEscrow, registry, parameters);
    }

    function testFuzz_PostBatch_AcceptsTheSumOfRoundedShares(uint64[8] memory amounts, uint16 feeBps) public {
        ISettlement.Parameters memory changed = settlement.parameters();
        changed.feeBps = uint16(bound(feeBps, 0, 3_000));
        settlement.setParameters(changed);
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
        assertEq(stable.balanceOf(treasury) + settlement.pool(scheduler.addr), charged);
    }
}
