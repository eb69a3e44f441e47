// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISettlement} from "../../src/interfaces/ISettlement.sol";
import {Hashes} from "../../src/libraries/Hashes.sol";
import {Batch, Charge, Fault, Role, SignedReceipt, UsageReceipt, Verdict} from "../../src/types/Types.sol";
import {Fixture} from "../utils/Fixture.sol";
import {Tree} from "../utils/Tree.sol";

contract ChallengesTest is Fixture {
    address private challenger = makeAddr("challenger");
    bytes32[] private _noProof;
    bytes32 private _capId;

    function setUp() public override {
        super.setUp();
        _registerAll();
        _capId = _openCap(1_000e6);
    }

    function _challenge(Fault fault, uint64 index, SignedReceipt memory signed, bytes memory extra) private {
        vm.prank(challenger);
        settlement.challengeReceipt(fault, scheduler.addr, index, signed, _noProof, extra);
    }

    function _expectNotAFault(Fault fault, SignedReceipt memory signed) private {
        vm.expectRevert(abi.encodeWithSelector(ISettlement.NotAFault.selector, fault, Hashes.receipt(signed.receipt)));
    }

    function _extra(uint64 index, SignedReceipt memory other, bytes32[] memory proof)
        private
        pure
        returns (bytes memory)
    {
        return abi.encode(index, other, proof);
    }

    /// @dev The scheduler's stake of 1000 loses a tenth; the client gets its 10, the challenger a tenth of the rest.
    function _assertSchedulerPaidForTen(SignedReceipt memory signed) private view {
        assertTrue(settlement.receiptVoided(scheduler.addr, Hashes.receipt(signed.receipt)));
        assertEq(escrow.available(client.addr), 10e6);
        (uint128 stake,) = registry.stakeOf(scheduler.addr);
        assertEq(stake, 900e6);
        // 100 slashed, 0.5 of it completes the compensation of 9.5 from the pool.
        assertEq(stable.balanceOf(challenger), 9.95e6);
        assertEq(settlement.voided(scheduler.addr, node.addr), 9.5e6);
    }

    function test_BadNodeSignature_VoidsAndSlashesTheScheduler() public {
        SignedReceipt memory signed = _signed(_receipt(1, 10e6));
        signed.nodeSignature = _sign(client.key, settlement.receiptDigest(signed.receipt));
        _post(_one(signed), _capId, 0);
        bytes32 receiptHash = Hashes.receipt(signed.receipt);
        vm.expectEmit(address(settlement));
        emit ISettlement.ReceiptVoided(
            scheduler.addr, 0, receiptHash, Fault.BadSignature, client.addr, node.addr, 10e6, 9.5e6
        );
        vm.expectEmit(address(settlement));
        emit ISettlement.Slashed(receiptHash, scheduler.addr, challenger, 100e6, 0.5e6, 9.95e6, 89.55e6);
        _challenge(Fault.BadSignature, 0, signed, "");
        _assertSchedulerPaidForTen(signed);
        assertEq(stable.balanceOf(treasury), 0.5e6 + 89.55e6);
        assertEq(stable.balanceOf(address(settlement)), 0);
    }

    function test_BadSchedulerSignature_IsAFault() public {
        SignedReceipt memory signed = _signed(_receipt(1, 10e6));
        signed.schedulerSignature = "";
        _post(_one(signed), _capId, 0);
        _challenge(Fault.BadSignature, 0, signed, "");
        _assertSchedulerPaidForTen(signed);
    }

    function test_HighSSignature_IsAFault() public {
        SignedReceipt memory signed = _signed(_receipt(1, 10e6));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(node.key, settlement.receiptDigest(signed.receipt));
        uint256 order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
        signed.nodeSignature = abi.encodePacked(r, bytes32(order - uint256(s)), v == 27 ? uint8(28) : uint8(27));
        _post(_one(signed), _capId, 0);
        _challenge(Fault.BadSignature, 0, signed, "");
        _assertSchedulerPaidForTen(signed);
    }

    function test_ReceiptOfAnotherScheduler_IsAFault() public {
        UsageReceipt memory receipt = _receipt(1, 10e6);
        receipt.scheduler = client.addr;
        SignedReceipt memory signed = _signed(receipt);
        _post(_one(signed), _capId, 0);
        _challenge(Fault.BadSignature, 0, signed, "");
        _assertSchedulerPaidForTen(signed);
    }

    function test_SignaturesForAnotherChain_AreAFault() public {
        vm.chainId(31_338);
        SignedReceipt memory signed = _signed(_receipt(1, 10e6));
        vm.chainId(31_337);
        _post(_one(signed), _capId, 0);
        _challenge(Fault.BadSignature, 0, signed, "");
        _assertSchedulerPaidForTen(signed);
    }

    function test_OverQuote_VoidsAndSlashesTheScheduler() public {
        UsageReceipt memory receipt = _receipt(1, 10e6);
        receipt.quote = 10e6 - 1;
        SignedReceipt memory signed = _signed(receipt);
        _post(_one(signed), _capId, 0);
        _challenge(Fault.OverQuote, 0, signed, "");
        _assertSchedulerPaidForTen(signed);
    }

    function test_RevertWhen_ReceiptIsFaultless() public {
        SignedReceipt memory signed = _signed(_receipt(1, 10e6));
        _post(_one(signed), _capId, 0);
        _expectNotAFault(Fault.BadSignature, signed);
        _challenge(Fault.BadSignature, 0, signed, "");
        _expectNotAFault(Fault.OverQuote, signed);
        _challenge(Fault.OverQuote, 0, signed, "");
        _expectNotAFault(Fault.Duplicate, signed);
        _challenge(Fault.Duplicate, 0, signed, _extra(0, signed, _noProof));
        _expectNotAFault(Fault.RejectedByVerifiers, signed);
        _challenge(Fault.RejectedByVerifiers, 0, signed, "");
        vm.expectRevert();
        _challenge(Fault.Duplicate, 0, signed, hex"1234");
    }

    /// @dev The leaf binds the signatures, so nobody can put a bad one beside a posted receipt.
    function test_RevertWhen_SignatureWasExchanged() public {
        SignedReceipt memory signed = _signed(_receipt(1, 10e6));
        bytes32 root = _leaf(signed);
        _post(_one(signed), _capId, 0);
        signed.nodeSignature = "";
        vm.expectRevert(abi.encodeWithSelector(ISettlement.InvalidProof.selector, root, _leaf(signed)));
        _challenge(Fault.BadSignature, 0, signed, "");
    }

    function test_RevertWhen_ChallengedTwice() public {
        UsageReceipt memory receipt = _receipt(1, 10e6);
        receipt.quote = 0;
        SignedReceipt memory signed = _signed(receipt);
        _post(_one(signed), _capId, 0);
        _challenge(Fault.OverQuote, 0, signed, "");
        bytes32 receiptHash = Hashes.receipt(receipt);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.ReceiptAlreadyVoided.selector, scheduler.addr, receiptHash));
        _challenge(Fault.OverQuote, 0, signed, "");
    }

    function test_Challenge_EndsExactlyAtTheEndOfTheWindow() public {
        UsageReceipt memory receipt = _receipt(1, 10e6);
        receipt.quote = 0;
        SignedReceipt memory signed = _signed(receipt);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.BatchUnknown.selector, scheduler.addr, 0));
        _challenge(Fault.OverQuote, 0, signed, "");
        _post(_one(signed), _capId, 0);
        vm.warp(START + WINDOW);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.BatchFinal.selector, scheduler.addr, 0, START + WINDOW));
        _challenge(Fault.OverQuote, 0, signed, "");
        vm.warp(START + WINDOW - 1);
        _challenge(Fault.OverQuote, 0, signed, "");
        _assertSchedulerPaidForTen(signed);
    }

    function test_Voided_IsNotPaidAndLaterEarningsAre() public {
        UsageReceipt memory receipt = _receipt(1, 10e6);
        receipt.quote = 0;
        SignedReceipt memory bad = _signed(receipt);
        (, uint128 cumulative) = _post(_two(bad, _signed(_receipt(2, 4e6))), _capId, 0);
        bytes32[] memory proof = Tree.proof(_leaves(_two(bad, _signed(_receipt(2, 4e6)))), 0);
        vm.prank(challenger);
        settlement.challengeReceipt(Fault.OverQuote, scheduler.addr, 0, bad, proof, "");
        vm.warp(START + WINDOW);
        settlement.claim(scheduler.addr, 0, node.addr, cumulative, _noProof);
        assertEq(settlement.claimed(scheduler.addr, node.addr), 3.8e6);
        assertEq(settlement.pool(scheduler.addr), 0);
        // The slash took the scheduler below its minimum; it works again once it has topped up.
        vm.prank(scheduler.addr);
        registry.topUp(100e6);
        (, cumulative) = _post(_one(_signed(_receipt(3, 2e6))), _capId, cumulative);
        vm.warp(START + 2 * WINDOW);
        settlement.claim(scheduler.addr, 1, node.addr, cumulative, _noProof);
        assertEq(settlement.claimed(scheduler.addr, node.addr), 3.8e6 + 1.9e6);
        assertEq(stable.balanceOf(address(settlement)), 0);
    }

    function test_Duplicate_InALaterBatchIsVoided() public {
        SignedReceipt memory signed = _signed(_receipt(1, 10e6));
        _post(_one(signed), _capId, 0);
        _post(_one(signed), _capId, 9.5e6);
        _expectNotAFault(Fault.Duplicate, signed);
        _challenge(Fault.Duplicate, 0, signed, _extra(1, signed, _noProof));
        _challenge(Fault.Duplicate, 1, signed, _extra(0, signed, _noProof));
        _assertSchedulerPaidForTen(signed);
        assertEq(settlement.pool(scheduler.addr), 9.5e6);
        vm.warp(START + WINDOW);
        settlement.claim(scheduler.addr, 1, node.addr, 19e6, _noProof);
        assertEq(settlement.claimed(scheduler.addr, node.addr), 9.5e6);
    }

    function test_Duplicate_TheEarlierBatchStandsWhateverItsFencingToken() public {
        SignedReceipt memory first = _signed(_receipt(1, 10e6));
        UsageReceipt memory again = _receipt(1, 10e6);
        again.fencingToken = 2;
        SignedReceipt memory second = _signed(again);
        _post(_one(first), _capId, 0);
        _post(_one(second), _capId, 9.5e6);
        _expectNotAFault(Fault.Duplicate, first);
        _challenge(Fault.Duplicate, 0, first, _extra(1, second, _noProof));
        _challenge(Fault.Duplicate, 1, second, _extra(0, first, _noProof));
        _assertSchedulerPaidForTen(second);
    }

    function test_Duplicate_EvidenceMayBeFinalAlready() public {
        SignedReceipt memory signed = _signed(_receipt(1, 10e6));
        _post(_one(signed), _capId, 0);
        vm.warp(START + WINDOW);
        UsageReceipt memory again = _receipt(1, 10e6);
        again.fencingToken = 2;
        SignedReceipt memory second = _signed(again);
        _post(_one(second), _capId, 9.5e6);
        _challenge(Fault.Duplicate, 1, second, _extra(0, signed, _noProof));
        _assertSchedulerPaidForTen(second);
    }

    function test_Duplicate_InOneBatchVoidsTheOlderLeaseAndOnlyThat() public {
        SignedReceipt memory older = _signed(_receipt(1, 10e6));
        UsageReceipt memory receipt = _receipt(1, 10e6);
        receipt.fencingToken = 2;
        SignedReceipt memory newer = _signed(receipt);
        bytes32[] memory leaves = _leaves(_two(older, newer));
        _post(_two(older, newer), _capId, 0);
        _expectNotAFault(Fault.Duplicate, newer);
        settlement.challengeReceipt(
            Fault.Duplicate, scheduler.addr, 0, newer, Tree.proof(leaves, 1), _extra(0, older, Tree.proof(leaves, 0))
        );
        vm.prank(challenger);
        settlement.challengeReceipt(
            Fault.Duplicate, scheduler.addr, 0, older, Tree.proof(leaves, 0), _extra(0, newer, Tree.proof(leaves, 1))
        );
        _assertSchedulerPaidForTen(older);
        assertFalse(settlement.receiptVoided(scheduler.addr, Hashes.receipt(receipt)));
    }

    function test_Duplicate_OneOfAPairSurvivesWhenTokensAreEqual() public {
        UsageReceipt memory receipt = _receipt(1, 10e6);
        receipt.outputUnits += 1;
        SignedReceipt[] memory pair = _two(_signed(_receipt(1, 10e6)), _signed(receipt));
        bytes32[] memory leaves = _leaves(pair);
        _post(pair, _capId, 0);
        bytes memory extra = _extra(0, pair[1], Tree.proof(leaves, 1));
        vm.prank(challenger);
        settlement.challengeReceipt(Fault.Duplicate, scheduler.addr, 0, pair[0], Tree.proof(leaves, 0), extra);
        extra = _extra(0, pair[0], Tree.proof(leaves, 0));
        _expectNotAFault(Fault.Duplicate, pair[1]);
        settlement.challengeReceipt(Fault.Duplicate, scheduler.addr, 0, pair[1], Tree.proof(leaves, 1), extra);
    }

    /// @dev The same leaf twice in one tree, wherever the two places are.
    function testFuzz_Duplicate_TheSameLeafTwiceIsFound(uint256 size, uint256 first, uint256 second) public {
        size = bound(size, 2, 9);
        first = bound(first, 0, size - 1);
        second = bound(second, 0, size - 2);
        if (second >= first) ++second;
        SignedReceipt[] memory all = new SignedReceipt[](size);
        for (uint256 i = 0; i < size; ++i) {
            all[i] = _signed(_receipt(i == second ? first : i, 1e6));
        }
        bytes32[] memory leaves = _leaves(all);
        _post(all, _capId, 0);
        settlement.challengeReceipt(
            Fault.Duplicate,
            scheduler.addr,
            0,
            all[second],
            Tree.proof(leaves, second),
            _extra(0, all[first], Tree.proof(leaves, first))
        );
        assertEq(escrow.available(client.addr), 1e6);
    }

    function testFuzz_Duplicate_NoLeafIsItsOwnDuplicate(uint256 size, uint256 index) public {
        size = bound(size, 1, 9);
        index = bound(index, 0, size - 1);
        SignedReceipt[] memory all = new SignedReceipt[](size);
        for (uint256 i = 0; i < size; ++i) {
            all[i] = _signed(_receipt(i, 1e6));
        }
        bytes32[] memory proof = Tree.proof(_leaves(all), index);
        _post(all, _capId, 0);
        _expectNotAFault(Fault.Duplicate, all[index]);
        settlement.challengeReceipt(
            Fault.Duplicate, scheduler.addr, 0, all[index], proof, _extra(0, all[index], proof)
        );
    }

    function test_Duplicate_NeedsTheSameJobAndAnIncludedEvidence() public {
        SignedReceipt memory first = _signed(_receipt(1, 10e6));
        SignedReceipt memory second = _signed(_receipt(2, 10e6));
        _post(_one(first), _capId, 0);
        _post(_one(second), _capId, 9.5e6);
        _expectNotAFault(Fault.Duplicate, second);
        _challenge(Fault.Duplicate, 1, second, _extra(0, first, _noProof));
        SignedReceipt memory invented = _signed(_receipt(2, 5e6));
        vm.expectRevert(abi.encodeWithSelector(ISettlement.InvalidProof.selector, _leaf(first), _leaf(invented)));
        _challenge(Fault.Duplicate, 1, second, _extra(0, invented, _noProof));
    }

    /// @dev A second scheduler that posts the first one's receipt harms itself alone.
    function test_ForeignReceipt_DoesNotShieldTheRealOne() public {
        UsageReceipt memory receipt = _receipt(1, 10e6);
        receipt.quote = 0;
        SignedReceipt memory signed = _signed(receipt);
        _post(_one(signed), _capId, 0);
        Actor memory honest = scheduler;
        scheduler = _actor("accomplice");
        _register(scheduler, Role.Scheduler, 1_000e6);
        _post(_one(signed), _openCap(10e6), 0);
        _challenge(Fault.BadSignature, 0, signed, "");
        scheduler = honest;
        assertFalse(settlement.receiptVoided(scheduler.addr, Hashes.receipt(receipt)));
        _challenge(Fault.OverQuote, 0, signed, "");
        assertTrue(settlement.receiptVoided(scheduler.addr, Hashes.receipt(receipt)));
    }

    /// @dev A scheduler forges a receipt over a fortune for an accomplice and challenges it itself: the accomplice gets
    /// no more than this batch took in, so neither stake nor other batches' money gets out this way.
    function test_ForgedReceipt_PaysNoMoreThanItsBatchCharged() public {
        _post(_one(_signed(_receipt(1, 100e6))), _capId, 0);
        UsageReceipt memory forged = _receipt(2, 900e6);
        forged.client = makeAddr("accomplice");
        SignedReceipt memory signed = SignedReceipt(forged, "", "");
        Batch memory batch = Batch(1, _leaf(signed), bytes32(0), 1, 0.95e6, 0, 0);
        vm.prank(scheduler.addr);
        settlement.postBatch(batch, _charges(_capId, 1e6));
        vm.prank(scheduler.addr);
        settlement.challengeReceipt(Fault.BadSignature, scheduler.addr, 1, signed, _noProof, "");
        assertEq(escrow.available(forged.client), 1e6);
        assertEq(settlement.pool(scheduler.addr), 95e6);
        (uint128 stake,) = registry.stakeOf(scheduler.addr);
        assertEq(stake, 900e6);
    }

    /// @dev Two forged receipts over the whole charge of a batch; both are voided.
    function test_Void_OfSeveralReceiptsStaysWithinTheBatch() public {
        _post(_one(_signed(_receipt(1, 100e6))), _capId, 0);
        SignedReceipt[] memory forged =
            _two(SignedReceipt(_receipt(2, 10e6), "", ""), SignedReceipt(_receipt(3, 10e6), "", ""));
        _postForged(forged, 10e6, 9.5e6);
        _voidBoth(forged);
        assertEq(escrow.available(client.addr), 10e6);
        assertEq(settlement.pool(scheduler.addr), 95e6);
    }

    /// @dev The batch earned two units less than its rounded shares; other batches' money does not make up for it.
    function test_Void_TakesNoMoreFromThePoolThanTheBatchPutIn() public {
        _post(_one(_signed(_receipt(1, 100e6))), _capId, 0);
        SignedReceipt[] memory forged =
            _two(SignedReceipt(_receipt(2, 5e6), "", ""), SignedReceipt(_receipt(3, 5e6), "", ""));
        _postForged(forged, 10e6, 9.5e6 - 2);
        _voidBoth(forged);
        assertEq(escrow.available(client.addr), 10e6);
        assertEq(settlement.pool(scheduler.addr), 95e6);
    }

    function _postForged(SignedReceipt[] memory forged, uint128 charged, uint128 earned) private {
        Batch memory batch = Batch(1, Tree.root(_leaves(forged)), bytes32(0), 2, earned, 0, 0);
        vm.prank(scheduler.addr);
        settlement.postBatch(batch, _charges(_capId, charged));
    }

    function _voidBoth(SignedReceipt[] memory forged) private {
        for (uint256 i = 0; i < 2; ++i) {
            bytes32[] memory proof = Tree.proof(_leaves(forged), i);
            settlement.challengeReceipt(Fault.BadSignature, scheduler.addr, 1, forged[i], proof, "");
        }
    }

    function _quorum(uint8 quorum) private {
        ISettlement.Parameters memory changed = settlement.parameters();
        changed.verdictQuorum = quorum;
        settlement.setParameters(changed);
    }

    function _verdicts(bytes32 receiptHash, Actor[] memory by)
        private
        view
        returns (Verdict[] memory verdicts, bytes[] memory signatures)
    {
        verdicts = new Verdict[](by.length);
        signatures = new bytes[](by.length);
        for (uint256 i = 0; i < by.length; ++i) {
            verdicts[i] = _verdict(receiptHash, by[i].addr);
            signatures[i] = _sign(by[i].key, settlement.verdictDigest(verdicts[i]));
        }
    }

    function _challengeByVerdict(SignedReceipt memory signed, Verdict[] memory verdicts, bytes[] memory signatures)
        private
    {
        vm.prank(challenger);
        settlement.challengeByVerdict(scheduler.addr, 0, signed, _noProof, verdicts, signatures);
    }

    function _verifiers(uint256 count) private returns (Actor[] memory all) {
        all = new Actor[](count);
        all[0] = verifier;
        for (uint256 i = 1; i < count; ++i) {
            all[i] = _actor(string.concat("verifier ", vm.toString(i)));
            _register(all[i], Role.Verifier, 100e6);
            for (uint256 k = i; k > 0 && all[k].addr < all[k - 1].addr; --k) {
                (all[k], all[k - 1]) = (all[k - 1], all[k]);
            }
        }
    }

    function test_Verdict_VoidsAndSlashesTheNode() public {
        SignedReceipt memory signed = _signed(_receipt(1, 10e6));
        _post(_one(signed), _capId, 0);
        (Verdict[] memory verdicts, bytes[] memory signatures) =
            _verdicts(Hashes.receipt(signed.receipt), _verifiers(1));
        _challengeByVerdict(signed, verdicts, signatures);
        assertEq(escrow.available(client.addr), 10e6);
        (uint128 stake,) = registry.stakeOf(node.addr);
        assertEq(stake, 90e6);
        (stake,) = registry.stakeOf(scheduler.addr);
        assertEq(stake, 1_000e6);
        assertEq(stable.balanceOf(challenger), 0.95e6);
        assertEq(stable.balanceOf(treasury), 0.5e6 + 8.55e6);
    }

    function test_Verdict_NeedsTheQuorumOfDistinctVerifiers() public {
        _quorum(3);
        SignedReceipt memory signed = _signed(_receipt(1, 10e6));
        _post(_one(signed), _capId, 0);
        bytes32 receiptHash = Hashes.receipt(signed.receipt);
        Actor[] memory all = _verifiers(3);
        (Verdict[] memory verdicts, bytes[] memory signatures) = _verdicts(receiptHash, all);
        (verdicts[1], signatures[1]) = (verdicts[0], signatures[0]);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.VerifiersNotAscending.selector, 1));
        _challengeByVerdict(signed, verdicts, signatures);
        Actor[] memory two = new Actor[](2);
        (two[0], two[1]) = (all[0], all[1]);
        (verdicts, signatures) = _verdicts(receiptHash, two);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.QuorumNotReached.selector, 3, 2));
        _challengeByVerdict(signed, verdicts, signatures);
        (verdicts, signatures) = _verdicts(receiptHash, all);
        _challengeByVerdict(signed, verdicts, signatures);
        assertTrue(settlement.receiptVoided(scheduler.addr, receiptHash));
    }

    function test_RevertWhen_VerdictDoesNotFit() public {
        SignedReceipt memory signed = _signed(_receipt(1, 10e6));
        _post(_one(signed), _capId, 0);
        bytes32 receiptHash = Hashes.receipt(signed.receipt);
        bytes memory expected = abi.encodeWithSelector(ISettlement.VerdictMismatch.selector, 0);
        (Verdict[] memory verdicts, bytes[] memory signatures) = _verdicts(keccak256("another"), _verifiers(1));
        vm.expectRevert(expected);
        _challengeByVerdict(signed, verdicts, signatures);
        verdicts[0] = _verdict(receiptHash, verifier.addr);
        verdicts[0].outcome = 0;
        vm.expectRevert(expected);
        _challengeByVerdict(signed, verdicts, signatures);
        verdicts[0].outcome = 1;
        verdicts[0].node = client.addr;
        vm.expectRevert(expected);
        _challengeByVerdict(signed, verdicts, signatures);
        verdicts[0].node = node.addr;
        vm.expectRevert(abi.encodeWithSelector(ISettlement.BadVerdictSignature.selector, 0, verifier.addr));
        _challengeByVerdict(signed, verdicts, signatures);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.SignatureCountMismatch.selector, 1, 0));
        _challengeByVerdict(signed, verdicts, new bytes[](0));
        (verdicts, signatures) = _verdicts(receiptHash, _verifiers(1));
        registry.ban(verifier.addr);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.VerifierInactive.selector, 0, verifier.addr));
        _challengeByVerdict(signed, verdicts, signatures);
    }

    /// @dev Unbonding does not save a node from the penalty, and the client is made whole from what is left.
    function test_Verdict_ReachesUnbondingStake() public {
        SignedReceipt memory signed = _signed(_receipt(1, 10e6));
        _post(_one(signed), _capId, 0);
        vm.prank(node.addr);
        registry.requestUnbond(100e6);
        (Verdict[] memory verdicts, bytes[] memory signatures) =
            _verdicts(Hashes.receipt(signed.receipt), _verifiers(1));
        _challengeByVerdict(signed, verdicts, signatures);
        (uint128 stake, uint128 unbonding) = registry.stakeOf(node.addr);
        assertEq(stake, 0);
        assertEq(unbonding, 90e6);
        assertEq(escrow.available(client.addr), 10e6);
    }

    /// @dev Without any stake the client still gets the node's share out of the pool.
    function test_Verdict_OfAnUnstakedNodeCreditsThePool() public {
        node = _actor("stranger");
        SignedReceipt memory signed = _signed(_receipt(1, 10e6));
        _post(_one(signed), _capId, 0);
        (Verdict[] memory verdicts, bytes[] memory signatures) =
            _verdicts(Hashes.receipt(signed.receipt), _verifiers(1));
        _challengeByVerdict(signed, verdicts, signatures);
        assertEq(escrow.available(client.addr), 9.5e6);
        assertEq(stable.balanceOf(challenger), 0);
    }

    /// @dev A missing compensation above the usual share of the stake is taken from the stake all the same.
    function test_Void_TakesMoreThanTheUsualShareWhenTheClientNeedsIt() public {
        ISettlement.Parameters memory changed = settlement.parameters();
        changed.slashBps = 0;
        settlement.setParameters(changed);
        UsageReceipt memory receipt = _receipt(1, 10e6);
        receipt.quote = 0;
        SignedReceipt memory signed = _signed(receipt);
        _post(_one(signed), _capId, 0);
        _challenge(Fault.OverQuote, 0, signed, "");
        assertEq(escrow.available(client.addr), 10e6);
        (uint128 stake,) = registry.stakeOf(scheduler.addr);
        assertEq(stake, 1_000e6 - 0.5e6);
        assertEq(stable.balanceOf(challenger), 0);
    }

    function test_Bounty_IsCapped() public {
        ISettlement.Parameters memory changed = settlement.parameters();
        changed.bountyCap = 1e6;
        settlement.setParameters(changed);
        UsageReceipt memory receipt = _receipt(1, 10e6);
        receipt.quote = 0;
        SignedReceipt memory signed = _signed(receipt);
        _post(_one(signed), _capId, 0);
        _challenge(Fault.OverQuote, 0, signed, "");
        assertEq(stable.balanceOf(challenger), 1e6);
    }

    function testFuzz_Void_CreditsInFullAndConserves(uint128 amount, uint16 feeBps, uint16 slashBps) public {
        amount = uint128(bound(amount, 1, 900e6));
        ISettlement.Parameters memory changed = settlement.parameters();
        changed.feeBps = uint16(bound(feeBps, 0, 3_000));
        changed.slashBps = uint16(bound(slashBps, 0, 10_000));
        settlement.setParameters(changed);
        UsageReceipt memory receipt = _receipt(1, amount);
        receipt.quote = 0;
        SignedReceipt memory signed = _signed(receipt);
        _post(_one(signed), _capId, 0);
        _challenge(Fault.OverQuote, 0, signed, "");
        (uint128 stake,) = registry.stakeOf(scheduler.addr);
        assertEq(escrow.available(client.addr), amount);
        assertEq(settlement.pool(scheduler.addr), 0);
        assertEq(stable.balanceOf(address(settlement)), 0);
        uint256 spread = stable.balanceOf(challenger) + stable.balanceOf(treasury);
        assertEq(spread + stake, 1_000e6, "fee came back out of the stake, nothing else moved");
    }
}
