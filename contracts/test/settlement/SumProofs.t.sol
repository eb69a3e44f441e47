// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IFraudProofs} from "../../src/interfaces/IFraudProofs.sol";
import {ISettlement} from "../../src/interfaces/ISettlement.sol";
import {Hashes} from "../../src/libraries/Hashes.sol";
import {Batch, Charge, Fault, ReceiptOpening, Role, SignedReceipt, Tier} from "../../src/types/Types.sol";
import {Tree} from "../utils/Tree.sol";
import {ProofFixture} from "./ProofFixture.sol";

/// @dev Sums that do not fit the receipts: earnings that grew too little, charges above what was delivered.
contract SumProofsTest is ProofFixture {
    SignedReceipt[] private _all;

    function _three(uint128 a, uint128 b, uint128 c) private returns (SignedReceipt[] memory all) {
        delete _all;
        _all.push(_signed(_receipt(1, a)));
        _all.push(_signed(_receipt(2, b)));
        _all.push(_signed(_receipt(3, c)));
        return _all;
    }

    /// @dev Posts receipts with an earnings root that says `cumulative` of the node.
    function _postWith(SignedReceipt[] memory all, uint128 charged, uint128 earned, uint128 cumulative) private {
        Batch memory batch = Batch({
            index: settlement.nextIndex(scheduler.addr),
            receiptsRoot: Tree.root(_leaves(all)),
            earningsRoot: Hashes.earningsLeaf(node.addr, cumulative),
            receiptCount: uint32(all.length),
            totalEarned: earned,
            unitsConsumed: 0,
            unitsAvailable: 0
        });
        _postBatch(batch, _charges(_capId, charged));
    }

    /// @dev The first `count` receipts as evidence, sorted as they must be.
    function _underpayment(uint64 index, SignedReceipt[] memory all, uint256 count, uint128 cumulative)
        private
        view
        returns (IFraudProofs.Underpayment memory made)
    {
        made.scheduler = scheduler.addr;
        made.index = index;
        made.node = node.addr;
        made.cumulative = cumulative;
        made.receipts = new ReceiptOpening[](count);
        made.proofs = new bytes32[][](count);
        bytes32[] memory leaves = _leaves(all);
        bytes32 last = bytes32(0);
        for (uint256 i = 0; i < count; ++i) {
            uint256 next = type(uint256).max;
            for (uint256 k = 0; k < count; ++k) {
                if (leaves[k] > last && (next == type(uint256).max || leaves[k] < leaves[next])) next = k;
            }
            made.receipts[i] = _opening(all[next]);
            made.proofs[i] = Tree.proof(leaves, next);
            last = leaves[next];
        }
    }

    function _prove(IFraudProofs.Underpayment memory made) private {
        vm.prank(challenger);
        fraudProofs.challengeEarnings(made);
    }

    function _expectNotUnderpaid(uint128 cumulative) private {
        bytes32 leaf = Hashes.earningsLeaf(node.addr, cumulative);
        vm.expectRevert(abi.encodeWithSelector(IFraudProofs.NotAFault.selector, Fault.EarningsTooLow, leaf));
    }

    function test_EarningsTooLow_LetsTheNodeClaimTheDifference() public {
        SignedReceipt[] memory all = _three(10e6, 4e6, 2e6);
        _postWith(all, 16e6, 15.2e6, 6e6);
        bytes32 leaf = Hashes.earningsLeaf(node.addr, 6e6);
        vm.expectEmit(address(settlement));
        emit ISettlement.EarningsCorrected(scheduler.addr, node.addr, 0, 9.2e6);
        vm.expectEmit(address(fraudProofs));
        emit IFraudProofs.FaultProven(
            scheduler.addr,
            0,
            leaf,
            Fault.EarningsTooLow,
            scheduler.addr,
            challenger,
            0,
            1,
            _evidence(Fault.EarningsTooLow, 0, leaf)
        );
        _prove(_underpayment(0, all, 3, 6e6));
        _assertCase(1, scheduler.addr, Tier.Medium, address(0), 0);
        (uint128 amount, uint64 from) = settlement.correctionOf(scheduler.addr, node.addr);
        assertEq(amount, 9.2e6);
        assertEq(from, 0);
        assertEq(settlement.pool(scheduler.addr), 15.2e6);
        vm.warp(START + WINDOW);
        settlement.claim(scheduler.addr, 0, node.addr, 6e6, _noProof);
        assertEq(settlement.claimed(scheduler.addr, node.addr), 15.2e6);
    }

    function test_EarningsTooLow_CountsFromTheBatchBefore() public {
        SignedReceipt[] memory first = _one(_signed(_receipt(9, 10e6)));
        _postWith(first, 10e6, 9.5e6, 9.5e6);
        SignedReceipt[] memory all = _three(10e6, 4e6, 2e6);
        _postWith(all, 16e6, 15.2e6, 9.5e6 + 15.2e6 - 1);
        IFraudProofs.Underpayment memory made = _underpayment(1, all, 3, 9.5e6 + 15.2e6 - 1);
        // Without what came before nothing is missing.
        _expectNotUnderpaid(made.cumulative);
        _prove(made);
        made.previous = 9.5e6;
        _prove(made);
        (uint128 amount, uint64 from) = settlement.correctionOf(scheduler.addr, node.addr);
        assertEq(amount, 1);
        assertEq(from, 1);
        // Roots of earlier batches do not know of it.
        vm.warp(START + WINDOW);
        settlement.claim(scheduler.addr, 0, node.addr, 9.5e6, _noProof);
        assertEq(settlement.claimed(scheduler.addr, node.addr), 9.5e6);
        settlement.claim(scheduler.addr, 1, node.addr, made.cumulative, _noProof);
        assertEq(settlement.claimed(scheduler.addr, node.addr), 24.7e6);
    }

    function test_EarningsTooLow_OfEarningsThatShrank() public {
        _postWith(_one(_signed(_receipt(9, 10e6))), 10e6, 9.5e6, 9.5e6);
        SignedReceipt[] memory all = _one(_signed(_receipt(1, 4e6)));
        _postWith(all, 4e6, 3.8e6, 2e6);
        IFraudProofs.Underpayment memory made = _underpayment(1, all, 1, 2e6);
        made.previous = 9.5e6;
        _prove(made);
        (uint128 amount,) = settlement.correctionOf(scheduler.addr, node.addr);
        assertEq(amount, 3.8e6);
    }

    function test_RevertWhen_EarningsAreExact() public {
        SignedReceipt[] memory all = _three(10e6, 4e6, 2e6);
        _postWith(all, 16e6, 15.2e6, 15.2e6);
        IFraudProofs.Underpayment memory made = _underpayment(0, all, 3, 15.2e6);
        _expectNotUnderpaid(15.2e6);
        _prove(made);
        IFraudProofs.Underpayment memory nothing = _underpayment(0, all, 0, 15.2e6);
        _expectNotUnderpaid(15.2e6);
        _prove(nothing);
    }

    /// @dev Nobody can keep a node from its full correction by proving a part of it first, and the scheduler is
    /// accused once for one root.
    function test_EarningsTooLow_AFullProofAddsToAPartialOne() public {
        SignedReceipt[] memory all = _three(10e6, 4e6, 2e6);
        _postWith(all, 16e6, 15.2e6, 0);
        _prove(_underpayment(0, all, 1, 0));
        _prove(_underpayment(0, all, 3, 0));
        (uint128 amount,) = settlement.correctionOf(scheduler.addr, node.addr);
        assertEq(amount, 15.2e6);
        assertEq(court.count(), 1);
        IFraudProofs.Underpayment memory again = _underpayment(0, all, 2, 0);
        vm.expectRevert(
            abi.encodeWithSelector(ISettlement.EarningsAlreadyCorrected.selector, scheduler.addr, 0, node.addr, 15.2e6)
        );
        _prove(again);
    }

    /// @dev A receipt over a fortune corrects nothing beyond what the batch brought in.
    function test_EarningsTooLow_IsBoundedByWhatIsLeftOfTheBatch() public {
        SignedReceipt[] memory all = _two(_overQuoted(1, 900e6), _overQuoted(2, 4e6));
        _postWith(all, 10e6, 9.5e6, 0);
        _challengeIn(Fault.OverQuote, 0, all, 1);
        _prove(_underpayment(0, all, 1, 0));
        (uint128 amount,) = settlement.correctionOf(scheduler.addr, node.addr);
        assertEq(amount, 9.5e6 - 3.8e6);
    }

    /// @dev What is voided later is not paid, corrected or not.
    function test_EarningsTooLow_AVoidedReceiptIsNotPaid() public {
        SignedReceipt[] memory all = _two(_overQuoted(1, 10e6), _signed(_receipt(2, 4e6)));
        _postWith(all, 14e6, 13.3e6, 0);
        _prove(_underpayment(0, all, 2, 0));
        _challengeIn(Fault.OverQuote, 0, all, 0);
        vm.warp(START + WINDOW);
        settlement.claim(scheduler.addr, 0, node.addr, 0, _noProof);
        assertEq(settlement.claimed(scheduler.addr, node.addr), 3.8e6);
        assertEq(settlement.pool(scheduler.addr), 0);
        assertEq(escrow.available(client.addr), 10e6);
    }

    /// @dev A correction of a later batch does not loosen an earlier one.
    function test_EarningsTooLow_OfTwoBatchesCountsFromTheLater() public {
        SignedReceipt[] memory first = _one(_signed(_receipt(1, 10e6)));
        _postWith(first, 10e6, 9.5e6, 9e6);
        SignedReceipt[] memory second = _one(_signed(_receipt(2, 10e6)));
        _postWith(second, 10e6, 9.5e6, 18e6);
        IFraudProofs.Underpayment memory made = _underpayment(1, second, 1, 18e6);
        made.previous = 9e6;
        _prove(made);
        _prove(_underpayment(0, first, 1, 9e6));
        (uint128 amount, uint64 from) = settlement.correctionOf(scheduler.addr, node.addr);
        assertEq(amount, 1e6);
        assertEq(from, 1);
        assertEq(court.count(), 2);
    }

    function test_RevertWhen_UnderpaymentIsNotProven() public {
        _postWith(_one(_signed(_receipt(9, 1e6))), 1e6, 0.95e6, 0.95e6);
        SignedReceipt[] memory all = _three(10e6, 4e6, 2e6);
        _postWith(all, 16e6, 15.2e6, 1e6);
        bytes32 root = Hashes.earningsLeaf(node.addr, 1e6);
        // A cumulative or previous sum that is not in the trees.
        IFraudProofs.Underpayment memory made = _underpayment(1, all, 3, 2e6);
        vm.expectRevert(
            abi.encodeWithSelector(ISettlement.InvalidProof.selector, root, Hashes.earningsLeaf(node.addr, 2e6))
        );
        _prove(made);
        made = _underpayment(1, all, 3, 1e6);
        made.previous = 1;
        bytes32 before = Hashes.earningsLeaf(node.addr, 0.95e6);
        vm.expectRevert(
            abi.encodeWithSelector(ISettlement.InvalidProof.selector, before, Hashes.earningsLeaf(node.addr, 1))
        );
        _prove(made);
        // The same receipt twice, or in no order.
        made = _underpayment(1, all, 3, 1e6);
        made.receipts[1] = made.receipts[0];
        made.proofs[1] = made.proofs[0];
        vm.expectRevert(abi.encodeWithSelector(IFraudProofs.ReceiptsNotAscending.selector, 1));
        _prove(made);
        made = _underpayment(1, all, 3, 1e6);
        made.proofs[2] = made.proofs[0];
        bytes32 leaf = Hashes.receiptLeaf(
            Hashes.receipt(made.receipts[2].receipt),
            made.receipts[2].nodeSignatureHash,
            made.receipts[2].schedulerSignatureHash
        );
        vm.expectRevert(abi.encodeWithSelector(ISettlement.InvalidProof.selector, Tree.root(_leaves(all)), leaf));
        _prove(made);
        made.proofs = new bytes32[][](2);
        vm.expectRevert(abi.encodeWithSelector(IFraudProofs.ProofCountMismatch.selector, 3, 2));
        _prove(made);
    }

    function test_RevertWhen_ReceiptIsOfAnotherNode() public {
        Actor memory victim = node;
        node = _actor("another node");
        SignedReceipt[] memory all = _one(_signed(_receipt(1, 10e6)));
        (node, victim) = (victim, node);
        _postWith(all, 10e6, 9.5e6, 0);
        IFraudProofs.Underpayment memory made = _underpayment(0, all, 1, 0);
        vm.expectRevert(abi.encodeWithSelector(IFraudProofs.ReceiptOfAnotherNode.selector, 0, node.addr, victim.addr));
        _prove(made);
    }

    function test_RevertWhen_UnderpaymentIsOfAnUnknownOrFinalBatch() public {
        SignedReceipt[] memory all = _one(_signed(_receipt(1, 10e6)));
        IFraudProofs.Underpayment memory made = _underpayment(0, all, 1, 0);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.BatchUnknown.selector, scheduler.addr, 0));
        _prove(made);
        _postWith(all, 10e6, 9.5e6, 0);
        made.previous = 1;
        vm.expectRevert(
            abi.encodeWithSelector(ISettlement.InvalidProof.selector, bytes32(0), Hashes.earningsLeaf(node.addr, 1))
        );
        _prove(made);
        made.previous = 0;
        vm.warp(START + WINDOW);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.BatchFinal.selector, scheduler.addr, 0, START + WINDOW));
        _prove(made);
    }

    function _overcharge(uint64 index, SignedReceipt[] memory all)
        private
        view
        returns (IFraudProofs.Overcharge memory made)
    {
        made.scheduler = scheduler.addr;
        made.index = index;
        made.client = client.addr;
        made.charges = _chargesAt(index);
        made.receipts = new ReceiptOpening[](all.length);
        for (uint256 i = 0; i < all.length; ++i) {
            made.receipts[i] = _opening(all[i]);
        }
    }

    function _prove(IFraudProofs.Overcharge memory made) private {
        vm.prank(challenger);
        fraudProofs.challengeCharge(made);
    }

    function _subject(uint64 index) private view returns (bytes32) {
        return keccak256(abi.encode(scheduler.addr, index, client.addr));
    }

    function test_ChargeAboveReceipts_GivesTheExcessBack() public {
        SignedReceipt[] memory all = _three(10e6, 4e6, 2e6);
        _postWith(all, 26e6, 24.7e6, 15.2e6);
        vm.expectEmit(address(settlement));
        emit ISettlement.ReceiptVoided(
            scheduler.addr, 0, _subject(0), Fault.ChargeAboveReceipts, client.addr, address(0), 10e6, 9.5e6
        );
        IFraudProofs.Overcharge memory made = _overcharge(0, all);
        _prove(made);
        _assertCase(1, scheduler.addr, Tier.Medium, address(0), 0);
        assertEq(escrow.available(client.addr), 10e6);
        assertEq(settlement.pool(scheduler.addr), 15.2e6);
        vm.expectRevert(
            abi.encodeWithSelector(IFraudProofs.FaultAlreadyProven.selector, Fault.ChargeAboveReceipts, _subject(0))
        );
        _prove(made);
        vm.warp(START + WINDOW);
        settlement.claim(scheduler.addr, 0, node.addr, 15.2e6, _noProof);
        assertEq(stable.balanceOf(address(settlement)), 0);
    }

    /// @dev Excess and receipts together never give more back than was charged.
    function test_ChargeAboveReceipts_AndVoidedReceiptsAddUpToTheCharge() public {
        SignedReceipt[] memory all = _two(_overQuoted(1, 10e6), _signed(_receipt(2, 4e6)));
        _postWith(all, 20e6, 19e6, 13.3e6);
        _challengeIn(Fault.OverQuote, 0, all, 0);
        _prove(_overcharge(0, all));
        assertEq(escrow.available(client.addr), 16e6);
        assertEq(settlement.creditedOf(scheduler.addr, 0, client.addr), 16e6);
        assertEq(settlement.pool(scheduler.addr), 3.8e6);
    }

    function test_ChargeAboveReceipts_CountsOnlyTheClientsOwnReceipts() public {
        Actor memory victim = client;
        SignedReceipt memory own = _signed(_receipt(1, 4e6));
        client = _actor("other client");
        SignedReceipt[] memory all = _two(own, _signed(_receipt(2, 6e6)));
        client = victim;
        _postWith(all, 10e6, 9.5e6, 9.5e6);
        _prove(_overcharge(0, all));
        assertEq(escrow.available(client.addr), 6e6);
    }

    /// @dev A batch without a receipts tree covers nothing.
    function test_ChargeAboveReceipts_OfABatchWithoutReceipts() public {
        Batch memory batch = Batch(0, bytes32(0), bytes32(0), 1, 9.5e6, 0, 0);
        _postBatch(batch, _charges(_capId, 10e6));
        _prove(_overcharge(0, new SignedReceipt[](0)));
        assertEq(escrow.available(client.addr), 10e6);
    }

    /// @dev A batch too large for one transaction is shown in parts of a power of two, the last one smaller.
    function testFuzz_ChargeAboveReceipts_CanBeShownInParts(uint256 size, uint256 level) public {
        size = bound(size, 1, 13);
        uint256 width = 1 << bound(level, 0, 3);
        SignedReceipt[] memory all = new SignedReceipt[](size);
        for (uint256 i = 0; i < size; ++i) {
            all[i] = SignedReceipt(_receipt(i, 1e6), "", "");
            if (i % 3 == 2) all[i].receipt.client = node.addr;
        }
        uint128 own = uint128(size - size / 3) * 1e6;
        _postWith(all, own + 7e6, settlement.nodeShare(own + 7e6), 0);
        IFraudProofs.Overcharge memory made = _overcharge(0, all);
        made.parts = new bytes32[]((size + width - 1) / width);
        for (uint256 p = 0; p < made.parts.length; ++p) {
            uint256 count = (p + 1) * width < size ? width : size - p * width;
            ReceiptOpening[] memory part = new ReceiptOpening[](count);
            for (uint256 i = 0; i < count; ++i) {
                part[i] = made.receipts[p * width + i];
            }
            made.parts[p] = fraudProofs.sumReceipts(client.addr, part);
        }
        made.receipts = new ReceiptOpening[](0);
        _prove(made);
        assertEq(escrow.available(client.addr), 7e6);
    }

    function test_SumReceipts_CountsForOneClientAndOneRoot() public {
        SignedReceipt[] memory all = _three(10e6, 4e6, 2e6);
        _postWith(all, 26e6, 24.7e6, 15.2e6);
        IFraudProofs.Overcharge memory made = _overcharge(0, all);
        bytes32 root = Tree.root(_leaves(all));
        vm.expectEmit(address(fraudProofs));
        emit IFraudProofs.ReceiptsSummed(node.addr, root, 3, 0);
        fraudProofs.sumReceipts(node.addr, made.receipts);
        made.parts = new bytes32[](1);
        made.parts[0] = root;
        vm.expectRevert(abi.encodeWithSelector(IFraudProofs.PartNotSummed.selector, 0, root));
        _prove(made);
        vm.expectEmit(address(fraudProofs));
        emit IFraudProofs.ReceiptsSummed(client.addr, root, 3, 16e6);
        assertEq(fraudProofs.sumReceipts(client.addr, made.receipts), root);
        _prove(made);
        assertEq(escrow.available(client.addr), 10e6);
    }

    function test_RevertWhen_ChargeIsCovered() public {
        SignedReceipt[] memory all = _three(10e6, 4e6, 2e6);
        _postWith(all, 16e6, 15.2e6, 15.2e6);
        IFraudProofs.Overcharge memory made = _overcharge(0, all);
        vm.expectRevert(
            abi.encodeWithSelector(IFraudProofs.NotAFault.selector, Fault.ChargeAboveReceipts, _subject(0))
        );
        _prove(made);
    }

    function test_RevertWhen_ReceiptsAreNotAllOfTheBatch() public {
        SignedReceipt[] memory all = _three(10e6, 4e6, 2e6);
        _postWith(all, 26e6, 24.7e6, 15.2e6);
        SignedReceipt[] memory part = _two(all[0], all[1]);
        IFraudProofs.Overcharge memory made = _overcharge(0, part);
        vm.expectRevert(
            abi.encodeWithSelector(
                IFraudProofs.RootMismatch.selector, Tree.root(_leaves(all)), Tree.root(_leaves(part))
            )
        );
        _prove(made);
        made.parts = new bytes32[](2);
        made.parts[0] = fraudProofs.sumReceipts(client.addr, made.receipts);
        made.parts[1] = made.parts[0];
        bytes32 twice = keccak256(bytes.concat(made.parts[0], made.parts[0]));
        vm.expectRevert(abi.encodeWithSelector(IFraudProofs.RootMismatch.selector, Tree.root(_leaves(all)), twice));
        _prove(made);
        made = _overcharge(0, all);
        made.charges = _charges(_capId, 27e6);
        vm.expectRevert(
            abi.encodeWithSelector(
                IFraudProofs.ChargesMismatch.selector,
                keccak256(abi.encode(_chargesAt(0))),
                keccak256(abi.encode(made.charges))
            )
        );
        _prove(made);
        made = _overcharge(0, all);
        vm.warp(START + WINDOW);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.BatchFinal.selector, scheduler.addr, 0, START + WINDOW));
        _prove(made);
    }

    /// @dev The tree that the proof rebuilds is the protocol's, for any number of receipts.
    function testFuzz_ChargeAboveReceipts_RebuildsAnyTree(uint256 size, uint128 excess) public {
        size = bound(size, 1, 9);
        excess = uint128(bound(excess, 1, 100e6));
        SignedReceipt[] memory all = new SignedReceipt[](size);
        for (uint256 i = 0; i < size; ++i) {
            all[i] = SignedReceipt(_receipt(i, 1e6), "", "");
        }
        uint128 charged = uint128(size) * 1e6 + excess;
        _postWith(all, charged, settlement.nodeShare(charged), 0);
        _prove(_overcharge(0, all));
        assertEq(escrow.available(client.addr), excess);
    }

    function test_ForeignPool_IsOutOfReachOfEveryProof() public {
        SignedReceipt[] memory honest = _one(_signed(_receipt(1, 100e6)));
        _postWith(honest, 100e6, 95e6, 95e6);
        Actor memory first = scheduler;
        scheduler = _actor("second scheduler");
        _register(scheduler, Role.Scheduler, 1_000e6);
        _capId = _openCap(10e6);
        SignedReceipt[] memory all = _one(_overQuoted(2, 10e6));
        _postWith(all, 10e6, 9.5e6, 0);
        _prove(_underpayment(0, all, 1, 0));
        _challengeIn(Fault.OverQuote, 0, all, 0);
        assertEq(settlement.pool(scheduler.addr), 0);
        assertEq(settlement.pool(first.addr), 95e6);
    }
}
