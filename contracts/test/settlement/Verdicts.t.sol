// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IFraudProofs} from "../../src/interfaces/IFraudProofs.sol";
import {IProsecution} from "../../src/interfaces/IProsecution.sol";
import {ISettlement} from "../../src/interfaces/ISettlement.sol";
import {Hashes} from "../../src/libraries/Hashes.sol";
import {Fault, Role, SignedReceipt, Tier, Verdict} from "../../src/types/Types.sol";
import {ProofFixture} from "./ProofFixture.sol";

/// @dev Receipts that a quorum of verifiers rejected, and the parameters of the proofs.
contract VerdictsTest is ProofFixture {
    function _quorum(uint8 quorum) private {
        IFraudProofs.Parameters memory changed = fraudProofs.parameters();
        changed.verdictQuorum = quorum;
        fraudProofs.setParameters(changed);
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
        IFraudProofs.Posted memory posted = _posted(0, signed, _noProof);
        vm.prank(challenger);
        fraudProofs.challengeByVerdict(posted, verdicts, signatures);
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

    function test_Verdict_VoidsAndAccusesTheNode() public {
        SignedReceipt memory signed = _signed(_receipt(1, 10e6));
        _post(_one(signed), _capId, 0);
        (Verdict[] memory verdicts, bytes[] memory signatures) =
            _verdicts(Hashes.receipt(signed.receipt), _verifiers(1));
        _challengeByVerdict(signed, verdicts, signatures);
        assertEq(escrow.available(client.addr), 10e6);
        assertEq(treasury.compensated(), 0.5e6);
        _assertCase(1, node.addr, Tier.Medium, address(0), 0);
        assertEq(court.opened(1).evidenceHash, _evidence(Fault.RejectedByVerifiers, 0, Hashes.receipt(signed.receipt)));
    }

    /// @dev A stranger has no stake and the court would not take the case; the client gets its money all the same.
    function test_Verdict_AgainstAStrangerOpensNoCase() public {
        node = _actor("stranger");
        SignedReceipt memory signed = _signed(_receipt(1, 10e6));
        _post(_one(signed), _capId, 0);
        bytes32 receiptHash = Hashes.receipt(signed.receipt);
        (Verdict[] memory verdicts, bytes[] memory signatures) = _verdicts(receiptHash, _verifiers(1));
        bytes32 evidence = _evidence(Fault.RejectedByVerifiers, 0, receiptHash);
        vm.expectEmit(address(fraudProofs));
        emit IFraudProofs.FaultProven(
            scheduler.addr, 0, receiptHash, Fault.RejectedByVerifiers, node.addr, challenger, 0, 0, evidence
        );
        _challengeByVerdict(signed, verdicts, signatures);
        assertEq(escrow.available(client.addr), 10e6);
        assertEq(court.count(), 0);
    }

    function test_RevertWhen_VerdictIsAboutAReceiptThatIsNotThere() public {
        SignedReceipt memory signed = _signed(_receipt(1, 10e6));
        SignedReceipt memory other = _signed(_receipt(2, 10e6));
        _post(_one(signed), _capId, 0);
        (Verdict[] memory verdicts, bytes[] memory signatures) =
            _verdicts(Hashes.receipt(other.receipt), _verifiers(1));
        vm.expectRevert(abi.encodeWithSelector(ISettlement.InvalidProof.selector, _leaf(signed), _leaf(other)));
        _challengeByVerdict(other, verdicts, signatures);
    }

    function test_Verdict_NeedsTheQuorumOfDistinctVerifiers() public {
        _quorum(3);
        SignedReceipt memory signed = _signed(_receipt(1, 10e6));
        _post(_one(signed), _capId, 0);
        bytes32 receiptHash = Hashes.receipt(signed.receipt);
        Actor[] memory all = _verifiers(3);
        (Verdict[] memory verdicts, bytes[] memory signatures) = _verdicts(receiptHash, all);
        (verdicts[1], signatures[1]) = (verdicts[0], signatures[0]);
        vm.expectRevert(abi.encodeWithSelector(IFraudProofs.VerifiersNotAscending.selector, 1));
        _challengeByVerdict(signed, verdicts, signatures);
        Actor[] memory two = new Actor[](2);
        (two[0], two[1]) = (all[0], all[1]);
        (verdicts, signatures) = _verdicts(receiptHash, two);
        vm.expectRevert(abi.encodeWithSelector(IFraudProofs.QuorumNotReached.selector, 3, 2));
        _challengeByVerdict(signed, verdicts, signatures);
        (verdicts, signatures) = _verdicts(receiptHash, all);
        _challengeByVerdict(signed, verdicts, signatures);
        assertTrue(settlement.receiptVoided(scheduler.addr, 0, receiptHash));
    }

    function test_RevertWhen_VerdictDoesNotFit() public {
        SignedReceipt memory signed = _signed(_receipt(1, 10e6));
        _post(_one(signed), _capId, 0);
        bytes32 receiptHash = Hashes.receipt(signed.receipt);
        bytes memory expected = abi.encodeWithSelector(IFraudProofs.VerdictMismatch.selector, 0);
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
        vm.expectRevert(abi.encodeWithSelector(IFraudProofs.BadVerdictSignature.selector, 0, verifier.addr));
        _challengeByVerdict(signed, verdicts, signatures);
        vm.expectRevert(abi.encodeWithSelector(IFraudProofs.SignatureCountMismatch.selector, 1, 0));
        _challengeByVerdict(signed, verdicts, new bytes[](0));
        (verdicts, signatures) = _verdicts(receiptHash, _verifiers(1));
        registry.ban(verifier.addr);
        vm.expectRevert(abi.encodeWithSelector(IFraudProofs.VerifierInactive.selector, 0, verifier.addr));
        _challengeByVerdict(signed, verdicts, signatures);
    }

    function test_SetParameters_AppliesAndIsBounded() public {
        IFraudProofs.Parameters memory value = fraudProofs.parameters();
        value.verdictQuorum = 32;
        value.badSignature = Tier.Medium;
        value.overQuote = Tier.Medium;
        value.duplicate = Tier.Medium;
        value.rejectedByVerifiers = Tier.Severe;
        value.foreignScheduler = Tier.Severe;
        value.impossibleTimes = Tier.Medium;
        value.uncoveredClient = Tier.Medium;
        value.earningsTooLow = Tier.Minor;
        value.chargeAboveReceipts = Tier.Minor;
        vm.expectEmit(address(fraudProofs));
        emit IFraudProofs.ParametersChanged(value);
        fraudProofs.setParameters(value);
        Tier[9] memory expected = [
            Tier.Medium,
            Tier.Medium,
            Tier.Medium,
            Tier.Severe,
            Tier.Severe,
            Tier.Medium,
            Tier.Medium,
            Tier.Minor,
            Tier.Minor
        ];
        for (uint8 i = 0; i < 9; ++i) {
            assertEq(uint256(fraudProofs.tierOf(Fault(i))), uint256(expected[i]));
        }
        assertEq(fraudProofs.parameters().verdictQuorum, 32);
    }

    function test_TierOf_EachFaultHasItsOwn() public view {
        Tier[9] memory expected = [
            Tier.Severe,
            Tier.Minor,
            Tier.Minor,
            Tier.Medium,
            Tier.Medium,
            Tier.Minor,
            Tier.Minor,
            Tier.Medium,
            Tier.Medium
        ];
        for (uint8 i = 0; i < 9; ++i) {
            assertEq(uint256(fraudProofs.tierOf(Fault(i))), uint256(expected[i]));
        }
    }

    function test_RevertWhen_ParameterIsOutOfRange() public {
        IFraudProofs.Parameters memory bad = fraudProofs.parameters();
        bad.court = IProsecution(client.addr);
        vm.expectRevert(abi.encodeWithSelector(IFraudProofs.NotAContract.selector, bytes32("court"), client.addr));
        fraudProofs.setParameters(bad);
        bad = fraudProofs.parameters();
        bad.verdictQuorum = 0;
        _expectOutOfRange("verdictQuorum", 0, 1, 32, bad);
        bad.verdictQuorum = 33;
        _expectOutOfRange("verdictQuorum", 33, 1, 32, bad);
        _expectTiers(true);
        _expectTiers(false);
    }

    /// @dev Sets each tier in turn one step outside its range.
    function _expectTiers(bool tooLow) private {
        bytes32[9] memory names = [
            bytes32("badSignature"),
            "overQuote",
            "duplicate",
            "rejectedByVerifiers",
            "foreignScheduler",
            "impossibleTimes",
            "uncoveredClient",
            "earningsTooLow",
            "chargeAboveReceipts"
        ];
        uint8[9] memory lowest = [2, 1, 1, 1, 2, 1, 1, 1, 1];
        uint8[9] memory highest = [3, 2, 2, 3, 3, 2, 2, 2, 2];
        for (uint8 i = 0; i < 9; ++i) {
            uint8 given = tooLow ? lowest[i] - 1 : highest[i] + 1;
            if (given > 3) continue;
            IFraudProofs.Parameters memory bad = _withTier(i, Tier(given));
            _expectOutOfRange(names[i], given, lowest[i], highest[i], bad);
        }
    }

    function _withTier(uint8 fault, Tier tier) private view returns (IFraudProofs.Parameters memory value) {
        value = fraudProofs.parameters();
        if (fault == 0) value.badSignature = tier;
        if (fault == 1) value.overQuote = tier;
        if (fault == 2) value.duplicate = tier;
        if (fault == 3) value.rejectedByVerifiers = tier;
        if (fault == 4) value.foreignScheduler = tier;
        if (fault == 5) value.impossibleTimes = tier;
        if (fault == 6) value.uncoveredClient = tier;
        if (fault == 7) value.earningsTooLow = tier;
        if (fault == 8) value.chargeAboveReceipts = tier;
    }

    function _expectOutOfRange(
        bytes32 name,
        uint256 given,
        uint256 minimum,
        uint256 maximum,
        IFraudProofs.Parameters memory bad
    ) private {
        vm.expectRevert(
            abi.encodeWithSelector(IFraudProofs.ParameterOutOfRange.selector, name, given, minimum, maximum)
        );
        fraudProofs.setParameters(bad);
    }

    function test_RevertWhen_StrangerSetsParameters() public {
        IFraudProofs.Parameters memory same = fraudProofs.parameters();
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, scheduler.addr));
        vm.prank(scheduler.addr);
        fraudProofs.setParameters(same);
    }
}
