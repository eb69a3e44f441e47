// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Roles} from "../../src/Roles.sol";
import {IEscrow} from "../../src/interfaces/IEscrow.sol";
import {IFraudProofs} from "../../src/interfaces/IFraudProofs.sol";
import {ISettlement} from "../../src/interfaces/ISettlement.sol";
import {ITreasury} from "../../src/interfaces/ITreasury.sol";
import {Hashes} from "../../src/libraries/Hashes.sol";
import {Batch, Charge, Fault, Role, SignedReceipt, Tier, UsageReceipt} from "../../src/types/Types.sol";
import {Tree} from "../utils/Tree.sol";
import {MockCourt} from "./mocks/MockCourt.sol";
import {ProofFixture} from "./ProofFixture.sol";

/// @dev Faults that a receipt shows, and what voiding one does to the books.
contract ReceiptProofsTest is ProofFixture {
    function test_BadNodeSignature_VoidsCompensatesAndAccuses() public {
        SignedReceipt memory signed = _signed(_receipt(1, 10e6));
        signed.nodeSignature = _sign(client.key, settlement.receiptDigest(signed.receipt));
        _post(_one(signed), _capId, 0);
        bytes32 receiptHash = Hashes.receipt(signed.receipt);
        bytes32 evidence = _evidence(Fault.BadSignature, 0, receiptHash);
        vm.expectEmit(address(settlement));
        emit ISettlement.ReceiptVoided(
            scheduler.addr, 0, receiptHash, Fault.BadSignature, client.addr, node.addr, 10e6, 9.5e6
        );
        vm.expectEmit(address(fraudProofs));
        emit IFraudProofs.FaultProven(
            scheduler.addr, 0, receiptHash, Fault.BadSignature, scheduler.addr, challenger, 0, 1, evidence
        );
        _challenge(Fault.BadSignature, 0, signed, "");
        _assertTenCameBack(0, signed, Fault.BadSignature);
        assertEq(court.opened(1).evidenceHash, evidence);
        assertEq(settlement.pool(scheduler.addr), 0);
        assertEq(stable.balanceOf(address(settlement)), 0);
        assertEq(stable.balanceOf(address(treasury)), 0);
        assertEq(settlement.creditedOf(scheduler.addr, 0, client.addr), 10e6);
        ISettlement.BatchRecord memory batch = settlement.batchOf(scheduler.addr, 0);
        assertEq(batch.chargedLeft, 0);
        assertEq(batch.earnedLeft, 0);
    }

    function test_BadSchedulerSignature_IsAFault() public {
        SignedReceipt memory signed = _signed(_receipt(1, 10e6));
        signed.schedulerSignature = "";
        _post(_one(signed), _capId, 0);
        _challenge(Fault.BadSignature, 0, signed, "");
        _assertTenCameBack(0, signed, Fault.BadSignature);
    }

    function test_HighSSignature_IsAFault() public {
        SignedReceipt memory signed = _signed(_receipt(1, 10e6));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(node.key, settlement.receiptDigest(signed.receipt));
        uint256 order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
        signed.nodeSignature = abi.encodePacked(r, bytes32(order - uint256(s)), v == 27 ? uint8(28) : uint8(27));
        _post(_one(signed), _capId, 0);
        _challenge(Fault.BadSignature, 0, signed, "");
        _assertTenCameBack(0, signed, Fault.BadSignature);
    }

    function test_SignaturesForAnotherChain_AreAFault() public {
        vm.chainId(31_338);
        SignedReceipt memory signed = _signed(_receipt(1, 10e6));
        vm.chainId(31_337);
        _post(_one(signed), _capId, 0);
        _challenge(Fault.BadSignature, 0, signed, "");
        _assertTenCameBack(0, signed, Fault.BadSignature);
    }

    /// @dev Even if the one who posts it signed it as well.
    function test_ReceiptOfAnotherScheduler_IsAFaultOfItsOwn() public {
        UsageReceipt memory receipt = _receipt(1, 10e6);
        receipt.scheduler = client.addr;
        SignedReceipt memory signed = _signed(receipt);
        _post(_one(signed), _capId, 0);
        _expectNotAFault(Fault.BadSignature, signed);
        _challenge(Fault.BadSignature, 0, signed, "");
        _challenge(Fault.ForeignScheduler, 0, signed, "");
        _assertTenCameBack(0, signed, Fault.ForeignScheduler);
    }

    function test_OverQuote_IsAFaultFromOneUnitOn() public {
        SignedReceipt memory signed = _overQuoted(1, 10e6);
        _post(_one(signed), _capId, 0);
        _challenge(Fault.OverQuote, 0, signed, "");
        _assertTenCameBack(0, signed, Fault.OverQuote);
    }

    function test_ImpossibleTimes_IsAReceiptThatEndsBeforeItStarts() public {
        UsageReceipt memory receipt = _receipt(1, 10e6);
        receipt.finishedAt = receipt.startedAt;
        SignedReceipt memory instant = _signed(receipt);
        _post(_one(instant), _capId, 0);
        _expectNotAFault(Fault.ImpossibleTimes, instant);
        _challenge(Fault.ImpossibleTimes, 0, instant, "");
        receipt.finishedAt = receipt.startedAt - 1;
        SignedReceipt memory signed = _signed(receipt);
        _post(_one(signed), _capId, 9.5e6);
        _challenge(Fault.ImpossibleTimes, 1, signed, "");
        _assertTenCameBack(1, signed, Fault.ImpossibleTimes);
    }

    /// @dev The client was never charged, so it gets nothing: the money is that of whoever was charged.
    function test_UncoveredClient_IsVoidedWithoutACredit() public {
        UsageReceipt memory receipt = _receipt(1, 10e6);
        receipt.client = makeAddr("accomplice");
        SignedReceipt memory signed = _signed(receipt);
        _post(_one(signed), _capId, 0);
        vm.expectCall(address(treasury), abi.encodeWithSelector(ITreasury.compensate.selector), 0);
        vm.expectCall(address(escrow), abi.encodeWithSelector(IEscrow.credit.selector), 0);
        _challenge(Fault.UncoveredClient, 0, signed, "");
        assertTrue(settlement.receiptVoided(scheduler.addr, 0, Hashes.receipt(receipt)));
        assertEq(escrow.available(receipt.client), 0);
        assertEq(escrow.available(client.addr), 0);
        assertEq(settlement.pool(scheduler.addr), 9.5e6);
        assertEq(treasury.compensated(), 0);
        _assertCase(1, scheduler.addr, Tier.Minor, address(0), 0);
    }

    /// @dev A client charged nothing is as uncovered as one that is not in the list.
    function test_UncoveredClient_OfAChargeOfNothing() public {
        Actor memory charged = client;
        client = _actor("other client");
        bytes32 empty = _openCap(1e6);
        SignedReceipt memory signed = _signed(_receipt(1, 10e6));
        Charge[] memory charges = new Charge[](2);
        (charges[0], charges[1]) = (Charge(_capId, 10e6), Charge(empty, 0));
        _postBatch(Batch(0, _leaf(signed), bytes32(0), 1, 9.5e6, 0, 0), charges);
        _challenge(Fault.UncoveredClient, 0, signed, "");
        assertEq(escrow.available(client.addr), 0);
        assertEq(escrow.available(charged.addr), 0);
    }

    function test_RevertWhen_ReceiptIsFaultless() public {
        SignedReceipt memory signed = _signed(_receipt(1, 10e6));
        _post(_one(signed), _capId, 0);
        for (uint8 i = 0; i < 9; ++i) {
            Fault fault = Fault(i);
            _expectNotAFault(fault, signed);
            _challenge(fault, 0, signed, fault == Fault.Duplicate ? _extra(0, signed, _noProof) : bytes(""));
        }
        vm.expectRevert();
        _challenge(Fault.Duplicate, 0, signed, hex"1234");
        assertEq(court.count(), 0);
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

    function test_RevertWhen_ChargesAreNotThoseOfTheBatch() public {
        SignedReceipt memory signed = _overQuoted(1, 10e6);
        _post(_one(signed), _capId, 0);
        IFraudProofs.Posted memory posted = _posted(0, signed, _noProof);
        bytes32 expected = keccak256(abi.encode(posted.charges));
        posted.charges = _charges(_capId, 11e6);
        bytes32 given = keccak256(abi.encode(posted.charges));
        vm.expectRevert(abi.encodeWithSelector(IFraudProofs.ChargesMismatch.selector, expected, given));
        fraudProofs.challengeReceipt(Fault.OverQuote, posted, "");
    }

    function test_RevertWhen_ChallengedTwice() public {
        SignedReceipt memory signed = _overQuoted(1, 10e6);
        _post(_one(signed), _capId, 0);
        _challenge(Fault.OverQuote, 0, signed, "");
        bytes32 receiptHash = Hashes.receipt(signed.receipt);
        vm.expectRevert(abi.encodeWithSelector(IFraudProofs.FaultAlreadyProven.selector, Fault.OverQuote, receiptHash));
        _challenge(Fault.OverQuote, 0, signed, "");
    }

    /// @dev Who forges a receipt and proves a lighter fault of it itself still answers for the forgery.
    function test_Challenge_EveryFaultOfAReceiptIsAnsweredForAndPaidOnce() public {
        SignedReceipt memory signed = _overQuoted(1, 10e6);
        signed.nodeSignature = "";
        _post(_one(signed), _capId, 0);
        _challenge(Fault.OverQuote, 0, signed, "");
        _assertTenCameBack(0, signed, Fault.OverQuote);
        _challenge(Fault.BadSignature, 0, signed, "");
        assertEq(escrow.available(client.addr), 10e6);
        assertEq(treasury.compensated(), 0.5e6);
        _assertCase(2, scheduler.addr, Tier.Severe, address(0), 0);
    }

    /// @dev A receipt that was posted twice is one receipt in each batch: voiding one does not shield the other.
    function test_Void_InOneBatchLeavesTheSameReceiptOfAnotherToItsOwnProof() public {
        SignedReceipt memory signed = _overQuoted(1, 10e6);
        _post(_one(signed), _capId, 0);
        _post(_one(signed), _capId, 9.5e6);
        _challenge(Fault.Duplicate, 1, signed, _extra(0, signed, _noProof));
        _challenge(Fault.OverQuote, 0, signed, "");
        assertEq(escrow.available(client.addr), 20e6);
        assertEq(settlement.pool(scheduler.addr), 0);
        assertEq(court.count(), 2);
    }

    /// @dev Also of what was voided already.
    function test_RevertWhen_AnotherFaultIsProvenAfterTheWindow() public {
        SignedReceipt memory signed = _overQuoted(1, 10e6);
        signed.nodeSignature = "";
        _post(_one(signed), _capId, 0);
        _challenge(Fault.OverQuote, 0, signed, "");
        vm.warp(START + WINDOW);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.BatchFinal.selector, scheduler.addr, 0, START + WINDOW));
        _challenge(Fault.BadSignature, 0, signed, "");
    }

    /// @dev The bounds of the books hold whoever has the right to void.
    function test_VoidReceipt_ChecksForItself() public {
        manager.grantRole(Roles.FRAUD_PROOFS, address(this), 0);
        ISettlement.Voiding memory voiding = ISettlement.Voiding(
            Fault.OverQuote, scheduler.addr, 0, keccak256("receipt"), client.addr, node.addr, 10e6, 10e6
        );
        bytes memory unknown = abi.encodeWithSelector(ISettlement.BatchUnknown.selector, scheduler.addr, 0);
        vm.expectRevert(unknown);
        settlement.voidReceipt(voiding);
        vm.expectRevert(unknown);
        settlement.correctEarnings(scheduler.addr, 0, node.addr, 1);
        _post(_one(_signed(_receipt(1, 10e6))), _capId, 0);
        settlement.voidReceipt(voiding);
        vm.expectRevert(
            abi.encodeWithSelector(ISettlement.ReceiptAlreadyVoided.selector, scheduler.addr, 0, keccak256("receipt"))
        );
        settlement.voidReceipt(voiding);
        vm.warp(START + WINDOW);
        bytes memory late = abi.encodeWithSelector(ISettlement.BatchFinal.selector, scheduler.addr, 0, START + WINDOW);
        vm.expectRevert(late);
        settlement.voidReceipt(voiding);
        vm.expectRevert(late);
        settlement.correctEarnings(scheduler.addr, 0, node.addr, 1);
    }

    function test_Challenge_EndsExactlyAtTheEndOfTheWindow() public {
        SignedReceipt memory signed = _overQuoted(1, 10e6);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.BatchUnknown.selector, scheduler.addr, 0));
        _challenge(Fault.OverQuote, 0, signed, "");
        _post(_one(signed), _capId, 0);
        vm.warp(START + WINDOW);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.BatchFinal.selector, scheduler.addr, 0, START + WINDOW));
        _challenge(Fault.OverQuote, 0, signed, "");
        vm.warp(START + WINDOW - 1);
        _challenge(Fault.OverQuote, 0, signed, "");
        _assertTenCameBack(0, signed, Fault.OverQuote);
    }

    function test_Voided_IsNotPaidAndLaterEarningsAre() public {
        SignedReceipt[] memory both = _two(_overQuoted(1, 10e6), _signed(_receipt(2, 4e6)));
        (, uint128 cumulative) = _post(both, _capId, 0);
        _challengeIn(Fault.OverQuote, 0, both, 0);
        vm.warp(START + WINDOW);
        settlement.claim(scheduler.addr, 0, node.addr, cumulative, _noProof);
        assertEq(settlement.claimed(scheduler.addr, node.addr), 3.8e6);
        assertEq(settlement.pool(scheduler.addr), 0);
        (, cumulative) = _post(_one(_signed(_receipt(3, 2e6))), _capId, cumulative);
        vm.warp(START + 2 * WINDOW);
        settlement.claim(scheduler.addr, 1, node.addr, cumulative, _noProof);
        assertEq(settlement.claimed(scheduler.addr, node.addr), 3.8e6 + 1.9e6);
        assertEq(stable.balanceOf(address(settlement)), 0);
    }

    /// @dev The treasury is empty: what it lacks is the loss that the court makes good.
    function test_Void_PassesOnWhatTheTreasuryCannotPay() public {
        SignedReceipt memory signed = _overQuoted(1, 10e6);
        _post(_one(signed), _capId, 0);
        treasury.spend(IERC20(address(stable)), address(this), 0.4e6, "elsewhere");
        _challenge(Fault.OverQuote, 0, signed, "");
        assertEq(escrow.available(client.addr), 9.6e6);
        assertEq(settlement.creditedOf(scheduler.addr, 0, client.addr), 10e6);
        _assertCase(1, scheduler.addr, Tier.Minor, client.addr, 0.4e6);
    }

    /// @dev A court that refuses takes the whole proof back: nobody escapes its case by a trick with gas.
    function test_RevertWhen_TheCourtRefuses() public {
        SignedReceipt memory signed = _overQuoted(1, 10e6);
        _post(_one(signed), _capId, 0);
        court.refuse(true);
        vm.expectRevert(abi.encodeWithSelector(MockCourt.Refused.selector, scheduler.addr));
        _challenge(Fault.OverQuote, 0, signed, "");
        assertFalse(settlement.receiptVoided(scheduler.addr, 0, Hashes.receipt(signed.receipt)));
    }

    /// @dev A second scheduler that posts the first one's receipt harms itself alone.
    function test_ForeignReceipt_DoesNotShieldTheRealOne() public {
        SignedReceipt memory signed = _overQuoted(1, 10e6);
        _post(_one(signed), _capId, 0);
        Actor memory honest = scheduler;
        scheduler = _actor("accomplice");
        _register(scheduler, Role.Scheduler, 1_000e6);
        _post(_one(signed), _openCap(10e6), 0);
        _challenge(Fault.ForeignScheduler, 0, signed, "");
        scheduler = honest;
        assertFalse(settlement.receiptVoided(scheduler.addr, 0, Hashes.receipt(signed.receipt)));
        _challenge(Fault.OverQuote, 0, signed, "");
        assertTrue(settlement.receiptVoided(scheduler.addr, 0, Hashes.receipt(signed.receipt)));
    }

    /// @dev A scheduler forges a receipt over a fortune for an accomplice and challenges it itself: who was not
    /// charged gets nothing, so neither other clients' money nor the treasury's gets out this way.
    function test_ForgedReceipt_PaysNobodyWhoWasNotCharged() public {
        _post(_one(_signed(_receipt(1, 100e6))), _capId, 0);
        UsageReceipt memory forged = _receipt(2, 900e6);
        forged.client = makeAddr("accomplice");
        SignedReceipt memory signed = SignedReceipt(forged, "", "");
        _postBatch(Batch(1, _leaf(signed), bytes32(0), 1, 0.95e6, 0, 0), _charges(_capId, 1e6));
        _challenge(Fault.BadSignature, 1, signed, "");
        assertEq(escrow.available(forged.client), 0);
        assertEq(treasury.compensated(), 0);
        assertEq(settlement.pool(scheduler.addr), 95.95e6);
    }

    /// @dev Nor does a client that was charged get more than that.
    function test_ForgedReceipt_PaysNoMoreThanItsClientWasCharged() public {
        Actor memory victim = client;
        client = _actor("accomplice");
        bytes32 small = _openCap(1e6);
        SignedReceipt memory signed = SignedReceipt(_receipt(2, 900e6), "", "");
        Charge[] memory charges = new Charge[](2);
        (charges[0], charges[1]) = (Charge(_capId, 100e6), Charge(small, 1e6));
        _postBatch(Batch(0, _leaf(signed), bytes32(0), 1, 95.95e6, 0, 0), charges);
        _challenge(Fault.BadSignature, 0, signed, "");
        assertEq(escrow.available(client.addr), 1e6);
        assertEq(settlement.pool(scheduler.addr), 95e6);
        assertEq(escrow.available(victim.addr), 0);
    }

    /// @dev Two caps of one client count together.
    function test_Void_CountsAllCapsOfTheClient() public {
        bytes32 second = _openCap(10e6);
        SignedReceipt memory signed = _overQuoted(1, 10e6);
        Charge[] memory charges = new Charge[](2);
        (charges[0], charges[1]) = (Charge(_capId, 4e6), Charge(second, 6e6));
        _postBatch(Batch(0, _leaf(signed), bytes32(0), 1, 9.5e6, 0, 0), charges);
        _challenge(Fault.OverQuote, 0, signed, "");
        _assertTenCameBack(0, signed, Fault.OverQuote);
    }

    /// @dev Two forged receipts over the whole charge of a batch; both are voided.
    function test_Void_OfSeveralReceiptsStaysWithinTheBatch() public {
        _post(_one(_signed(_receipt(1, 100e6))), _capId, 0);
        _voidForged(10e6, 10e6, 9.5e6);
        assertEq(treasury.compensated(), 0.5e6);
    }

    /// @dev The batch earned two units less than its rounded shares; other batches' money does not make up for it.
    function test_Void_TakesNoMoreFromThePoolThanTheBatchPutIn() public {
        _post(_one(_signed(_receipt(1, 100e6))), _capId, 0);
        _voidForged(5e6, 10e6, 9.5e6 - 2);
        assertEq(treasury.compensated(), 0.5e6 + 2);
    }

    /// @dev Posts two forged receipts of `amount` each in a batch that charged and earned as given, and voids both.
    function _voidForged(uint128 amount, uint128 charged, uint128 earned) private {
        SignedReceipt[] memory forged =
            _two(SignedReceipt(_receipt(2, amount), "", ""), SignedReceipt(_receipt(3, amount), "", ""));
        Batch memory batch = Batch(1, Tree.root(_leaves(forged)), bytes32(0), 2, earned, 0, 0);
        _postBatch(batch, _charges(_capId, charged));
        _challengeIn(Fault.BadSignature, 1, forged, 0);
        _challengeIn(Fault.BadSignature, 1, forged, 1);
        assertEq(escrow.available(client.addr), 10e6);
        assertEq(settlement.pool(scheduler.addr), 95e6);
    }

    function testFuzz_Void_CreditsInFullAndConserves(uint128 amount, uint16 feeBps, uint128 spent) public {
        amount = uint128(bound(amount, 1, 900e6));
        uint32 feePpm = uint32(bound(feeBps, 1, 3_000)) * 100;
        _setFee(feePpm);
        SignedReceipt memory signed = _overQuoted(1, amount);
        _post(_one(signed), _capId, 0);
        uint128 fee = amount - settlement.nodeShare(amount);
        spent = uint128(bound(spent, 0, fee));
        if (spent != 0) treasury.spend(IERC20(address(stable)), address(this), spent, "");
        _challenge(Fault.OverQuote, 0, signed, "");
        assertEq(escrow.available(client.addr), amount - spent);
        assertEq(settlement.pool(scheduler.addr), 0);
        assertEq(stable.balanceOf(address(settlement)), 0);
        assertEq(stable.balanceOf(address(treasury)), 0);
        assertEq(court.opened(1).lossUsd, spent);
    }
}
