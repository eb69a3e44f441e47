// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {ExactPull} from "../../src/libraries/ExactPull.sol";
import {ExpiringPause} from "../../src/libraries/ExpiringPause.sol";
import {INodeRegistry} from "../../src/interfaces/INodeRegistry.sol";
import {ISlashingCourt} from "../../src/interfaces/ISlashingCourt.sol";
import {IVerifierSet} from "../../src/interfaces/IVerifierSet.sol";
import {Tier} from "../../src/types/Types.sol";
import {CourtFixture} from "./CourtFixture.sol";

contract CourtAccusationTest is CourtFixture {
    function test_Accuse_OpensACaseAndTakesTheBond() public {
        vm.expectEmit(address(tribunal));
        emit ISlashingCourt.CaseOpened(1, node, accuser, accuser, victim, 500e6, BOND, EVIDENCE, "ipfs://evidence");
        vm.expectEmit(address(registry));
        emit INodeRegistry.HoldChanged(node, START + 3 * ANSWER);
        vm.expectEmit(address(tribunal));
        emit ISlashingCourt.RoundStarted(1, 1, 1_004, uint40(START) + ANSWER);
        uint256 caseId = _accuse(500e6);
        assertEq(caseId, 1);
        assertEq(tribunal.caseCount(), 1);
        ISlashingCourt.Case memory c = tribunal.caseOf(caseId);
        assertEq(c.accused, node);
        assertEq(c.accuser, accuser);
        assertEq(c.nominee, address(0), "the accuser itself");
        assertEq(c.victim, victim);
        assertEq(c.lossUsd, 500e6);
        assertEq(c.bond, BOND);
        assertEq(c.evidenceHash, EVIDENCE);
        assertEq(c.round, 1);
        assertEq(c.deadline, START + ANSWER);
        assertEq(uint8(c.tier), uint8(Tier.None));
        _assertState(caseId, ISlashingCourt.CaseState.Open);
        assertEq(vcai.balanceOf(address(tribunal)), BOND);
        assertEq(vcai.balanceOf(accuser), FUNDS - BOND);
        assertEq(registry.nodeOf(node).heldUntil, START + 3 * ANSWER);
    }

    function test_Constructor_RemembersItsParts() public view {
        assertEq(address(tribunal.registry()), address(registry));
        assertEq(address(tribunal.verifiers()), address(verifiers));
        assertEq(address(tribunal.treasury()), address(treasury));
        assertEq(address(tribunal.oracle()), address(sources));
        assertEq(address(tribunal.governor()), address(dao));
        assertEq(address(tribunal.stakeToken()), address(vcai));
        assertEq(tribunal.minimumPeriod(), 1 hours);
    }

    function test_Accuse_MayNameAnotherNominee() public {
        ISlashingCourt.Accusation memory accusation = _accusation(0);
        accusation.nominee = stranger;
        vm.prank(accuser);
        assertEq(tribunal.caseOf(tribunal.accuse(accusation)).nominee, stranger);
    }

    function test_RevertWhen_TheAccusedIsUnknown() public {
        ISlashingCourt.Accusation memory accusation = _accusation(0);
        accusation.accused = stranger;
        _expectRefused(accusation, abi.encodeWithSelector(ISlashingCourt.AccusedIsUnknown.selector, stranger));
    }

    function test_RevertWhen_SomebodyAccusesItself() public {
        vm.expectRevert(abi.encodeWithSelector(ISlashingCourt.AccusesItself.selector, node, node, node));
        vm.prank(node);
        tribunal.accuse(_accusation(0));
        ISlashingCourt.Accusation memory accusation = _accusation(0);
        accusation.nominee = stranger;
        vm.expectRevert(abi.encodeWithSelector(ISlashingCourt.AccusesItself.selector, node, node, stranger));
        vm.prank(node);
        tribunal.accuse(accusation);
        accusation.nominee = node;
        _expectRefused(accusation, abi.encodeWithSelector(ISlashingCourt.AccusesItself.selector, node, accuser, node));
    }

    function test_RevertWhen_EvidenceIsMissingOrItsAddressTooLong() public {
        ISlashingCourt.Accusation memory accusation = _accusation(0);
        accusation.evidenceHash = 0;
        _expectRefused(accusation, abi.encodeWithSelector(ISlashingCourt.EvidenceIsMissing.selector, accuser));
        accusation = _accusation(0);
        accusation.evidenceUri = string(new bytes(513));
        _expectRefused(accusation, abi.encodeWithSelector(ISlashingCourt.UriTooLong.selector, 512, 513));
        accusation.evidenceUri = string(new bytes(512));
        vm.prank(accuser);
        tribunal.accuse(accusation);
    }

    function test_RevertWhen_TheLossHasNoVictimOrIsTooHigh() public {
        ISlashingCourt.Accusation memory accusation = _accusation(1);
        accusation.victim = address(0);
        _expectRefused(accusation, abi.encodeWithSelector(ISlashingCourt.VictimIsMissing.selector, 1));
        accusation = _accusation(MAX_LOSS + 1);
        _expectRefused(accusation, abi.encodeWithSelector(ISlashingCourt.LossTooHigh.selector, MAX_LOSS, MAX_LOSS + 1));
        _accuse(MAX_LOSS);
    }

    function test_RevertWhen_TheSameEvidenceIsBroughtTwice() public {
        uint256 caseId = _accuse(0);
        bytes memory expected = abi.encodeWithSelector(ISlashingCourt.AlreadyAccused.selector, caseId, node, EVIDENCE);
        _expectRefused(_accusation(0), expected);
        _seat(caseId);
        _verdict(caseId, Tier.None, 0);
        _expectRefused(_accusation(0), expected);
        ISlashingCourt.Accusation memory other = _accusation(0);
        other.evidenceHash = keccak256("other");
        vm.prank(accuser);
        tribunal.accuse(other);
        other.accused = members[0];
        vm.prank(accuser);
        tribunal.accuse(other);
    }

    function test_RevertWhen_TheBondIsMissing() public {
        vm.prank(accuser);
        vcai.approve(address(tribunal), BOND - 1);
        _expectRefused(
            _accusation(0),
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(tribunal), BOND - 1, BOND)
        );
    }

    function test_RevertWhen_TheBondArrivesShort() public {
        vcai.setFee(1);
        _expectRefused(_accusation(0), abi.encodeWithSelector(ExactPull.TransferMismatch.selector, BOND, BOND - 1));
    }

    function test_RevertWhen_Paused() public {
        uint256 caseId = _accuse(0);
        _seat(caseId);
        bytes[] memory signatures = _signatures(caseId, Tier.None, 0, 4);
        vm.prank(guardian);
        tribunal.pause(1 days);
        bytes memory expected = abi.encodeWithSelector(ExpiringPause.ModulePaused.selector, START + 1 days);
        _expectRefused(_accusation(0), expected);
        vm.expectRevert(expected);
        tribunal.submitVerdict(caseId, Tier.None, 0, signatures);
        vm.expectRevert(expected);
        tribunal.execute(caseId);
        uint256 proven = _proven(Tier.Minor, 0);
        _appeal(proven);
        dao.grant(tribunal.appealOf(proven).proposalId);
    }

    function test_Hold_ReachesAMaturedUnbonding() public {
        vm.prank(node);
        registry.requestUnbond(COMPUTE);
        vm.warp(START + 7 days);
        uint256 caseId = _accuse(0);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.UnbondingHeld.selector, node, START + 10 days));
        vm.prank(node);
        registry.withdrawUnbonded();
        _seat(caseId);
        _verdict(caseId, Tier.Severe, 0);
        assertEq(tribunal.escrowedOf(node), COMPUTE);
        assertEq(_stake(node), 0);
    }

    function test_Hold_EndsWithTheLastCaseOnly() public {
        uint256 first = _accuse(0);
        ISlashingCourt.Accusation memory other = _accusation(0);
        other.evidenceHash = keccak256("other");
        vm.warp(START + 1 hours);
        vm.prank(accuser);
        uint256 second = tribunal.accuse(other);
        assertEq(registry.nodeOf(node).heldUntil, START + 1 hours + 3 * ANSWER);
        _seat(first);
        _seat(second);
        _verdict(second, Tier.None, 0);
        assertEq(registry.nodeOf(node).heldUntil, START + 1 hours + 3 * ANSWER);
        _verdict(first, Tier.Minor, 0);
        assertEq(registry.nodeOf(node).heldUntil, 0);
    }

    function test_Seat_DrawsNeitherSideNorVictimNorNominee() public {
        address[4] memory near = [members[0], members[1], members[2], members[3]];
        _approve(near[0]);
        ISlashingCourt.Accusation memory accusation = _accusation(5);
        (accusation.accused, accusation.nominee, accusation.victim) = (near[1], near[2], near[3]);
        for (uint256 i = 0; i < 8; ++i) {
            accusation.evidenceHash = keccak256(abi.encode(i));
            vm.prank(near[0]);
            uint256 caseId = tribunal.accuse(accusation);
            uint64 drawBlock = verifiers.drawOf(address(tribunal), caseId).drawBlock;
            vm.roll(drawBlock + 1);
            vm.setBlockhash(drawBlock, keccak256(abi.encode("hash", i)));
            address[] memory committee = tribunal.seatCommittee(caseId);
            assertEq(committee.length, 5);
            for (uint256 j = 0; j < 5; ++j) {
                for (uint256 k = 0; k < 4; ++k) {
                    assertNotEq(committee[j], near[k]);
                }
            }
        }
    }

    function test_Seat_TellsWhomItSeated() public {
        uint256 caseId = _accuse(0);
        assertEq(tribunal.committeeOf(caseId).length, 0);
        uint256 snapshot = vm.snapshotState();
        address[] memory committee = _seat(caseId);
        vm.revertToState(snapshot);
        vm.roll(1_005);
        vm.expectEmit(address(tribunal));
        emit ISlashingCourt.CommitteeSeated(caseId, 1, committee);
        vm.prank(stranger);
        tribunal.seatCommittee(caseId);
        assertEq(tribunal.committeeOf(caseId), committee);
    }

    function test_Seat_SaysNothingWhenAnotherBlockWasNamed() public {
        uint256 caseId = _accuse(0);
        vm.roll(1_004 + 257);
        vm.recordLogs();
        assertEq(tribunal.seatCommittee(caseId).length, 0);
        assertEq(vm.getRecordedLogs().length, 1, "the verifier set's event alone");
        assertEq(_seat(caseId).length, 5);
    }

    function test_RevertWhen_TheRoundIsOver() public {
        uint256 caseId = _accuse(0);
        _seat(caseId);
        bytes[] memory signatures = _signatures(caseId, Tier.Minor, 0, 4);
        vm.warp(START + ANSWER);
        bytes memory expected = abi.encodeWithSelector(ISlashingCourt.RoundIsOver.selector, caseId, START + ANSWER);
        vm.expectRevert(expected);
        tribunal.seatCommittee(caseId);
        vm.expectRevert(expected);
        tribunal.submitVerdict(caseId, Tier.Minor, 0, signatures);
        vm.warp(START + ANSWER - 1);
        tribunal.submitVerdict(caseId, Tier.Minor, 0, signatures);
    }

    function test_NextRound_DrawsAnotherCommitteeWhoseSignaturesAloneCount() public {
        uint256 caseId = _accuse(0);
        _seat(caseId);
        bytes[] memory old = _signatures(caseId, Tier.Minor, 0, 4);
        bytes32 oldDigest = tribunal.rulingDigest(caseId, Tier.Minor, 0);
        vm.warp(START + ANSWER - 1);
        vm.expectRevert(abi.encodeWithSelector(ISlashingCourt.RoundIsRunning.selector, caseId, START + ANSWER));
        tribunal.nextRound(caseId);
        vm.warp(START + ANSWER);
        vm.expectEmit(address(tribunal));
        emit ISlashingCourt.RoundStarted(caseId, 2, uint64(block.number) + 4, uint40(START) + 2 * ANSWER);
        vm.prank(stranger);
        tribunal.nextRound(caseId);
        assertNotEq(tribunal.rulingDigest(caseId, Tier.Minor, 0), oldDigest);
        vm.expectRevert(abi.encodeWithSelector(IVerifierSet.CommitteeNotSeated.selector, caseId));
        tribunal.submitVerdict(caseId, Tier.Minor, 0, old);
        _seat(caseId);
        vm.expectRevert();
        tribunal.submitVerdict(caseId, Tier.Minor, 0, old);
        _verdict(caseId, Tier.Minor, 0);
        _assertState(caseId, ISlashingCourt.CaseState.Ruled);
    }

    function test_NextRound_ExtendsTheHoldWhenItComesLate() public {
        uint256 caseId = _accuse(0);
        vm.warp(START + 5 * ANSWER);
        tribunal.nextRound(caseId);
        assertEq(registry.nodeOf(node).heldUntil, START + 7 * ANSWER);
        vm.warp(START + 6 * ANSWER);
        vm.recordLogs();
        tribunal.nextRound(caseId);
        assertEq(vm.getRecordedLogs().length, 2, "a draw and a round, no other hold");
        assertEq(registry.nodeOf(node).heldUntil, START + 7 * ANSWER);
    }

    function test_Lapse_ReturnsTheBondAndLetsGo() public {
        uint256 caseId = _accuse(0);
        for (uint256 i = 1; i < 3; ++i) {
            vm.warp(START + i * ANSWER);
            tribunal.nextRound(caseId);
            _assertState(caseId, ISlashingCourt.CaseState.Open);
        }
        vm.warp(START + 3 * ANSWER);
        vm.expectEmit(address(tribunal));
        emit ISlashingCourt.CaseLapsed(caseId, node, accuser, BOND);
        tribunal.nextRound(caseId);
        _assertState(caseId, ISlashingCourt.CaseState.Lapsed);
        assertEq(vcai.balanceOf(accuser), FUNDS);
        assertEq(vcai.balanceOf(address(tribunal)), 0);
        assertEq(registry.nodeOf(node).heldUntil, 0);
        vm.expectRevert(_wrongState(caseId, ISlashingCourt.CaseState.Lapsed));
        tribunal.nextRound(caseId);
        assertEq(_accuse(0), 2, "the same evidence may be brought again");
    }

    function test_Reject_ForfeitsTheBond() public {
        uint256 caseId = _accuse(100e6);
        _seat(caseId);
        vm.expectRevert(abi.encodeWithSelector(ISlashingCourt.LossTooHigh.selector, 0, 1));
        tribunal.submitVerdict(caseId, Tier.None, 1, new bytes[](0));
        bytes[] memory signatures = _signatures(caseId, Tier.None, 0, 4);
        vm.expectEmit(address(tribunal));
        emit ISlashingCourt.AccusationRejected(caseId, node, accuser, BOND);
        vm.prank(stranger);
        tribunal.submitVerdict(caseId, Tier.None, 0, signatures);
        _assertState(caseId, ISlashingCourt.CaseState.Rejected);
        assertEq(vcai.balanceOf(address(treasury)), BOND);
        assertEq(vcai.balanceOf(address(tribunal)), 0);
        assertEq(registry.nodeOf(node).heldUntil, 0);
        assertEq(_stake(node), COMPUTE);
        assertFalse(verifiers.isAdmitted(accuser));
        vm.expectRevert(_wrongState(caseId, ISlashingCourt.CaseState.Rejected));
        tribunal.submitVerdict(caseId, Tier.None, 0, signatures);
    }

    function test_RevertWhen_TheCommitteeAwardsMoreThanWasClaimed() public {
        uint256 caseId = _accuse(100e6);
        _seat(caseId);
        vm.expectRevert(abi.encodeWithSelector(ISlashingCourt.LossTooHigh.selector, 100e6, 100e6 + 1));
        tribunal.submitVerdict(caseId, Tier.Minor, 100e6 + 1, new bytes[](0));
    }

    function test_RevertWhen_TheQuorumIsNotReached() public {
        uint256 caseId = _accuse(0);
        _seat(caseId);
        bytes[] memory signatures = _signatures(caseId, Tier.Minor, 0, 3);
        vm.expectRevert(abi.encodeWithSelector(IVerifierSet.QuorumNotReached.selector, caseId, 4, 3));
        tribunal.submitVerdict(caseId, Tier.Minor, 0, signatures);
    }

    function test_RevertWhen_SignaturesAreForAnotherVerdict() public {
        uint256 caseId = _accuse(100e6);
        _seat(caseId);
        bytes[] memory signatures = _signatures(caseId, Tier.Minor, 50e6, 4);
        vm.expectRevert();
        tribunal.submitVerdict(caseId, Tier.Medium, 50e6, signatures);
        vm.expectRevert();
        tribunal.submitVerdict(caseId, Tier.Minor, 51e6, signatures);
        tribunal.submitVerdict(caseId, Tier.Minor, 50e6, signatures);
    }

    function test_RevertWhen_SeatedOrMovedOnWithoutACase() public {
        bytes memory expected = _wrongState(9, ISlashingCourt.CaseState.None);
        vm.expectRevert(expected);
        tribunal.seatCommittee(9);
        vm.expectRevert(expected);
        tribunal.nextRound(9);
        vm.expectRevert(expected);
        tribunal.submitVerdict(9, Tier.None, 0, new bytes[](0));
    }

    function test_Digest_CoversEverythingThatIsDecided() public {
        uint256 caseId = _accuse(0);
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256(
                    "Ruling(uint256 caseId,uint8 round,address accused,uint8 tier,uint128 lossUsd,bytes32 evidenceHash)"
                ),
                caseId,
                1,
                node,
                Tier.Medium,
                5,
                EVIDENCE
            )
        );
        bytes32 separator = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Vcity Court"),
                keccak256("1"),
                block.chainid,
                address(tribunal)
            )
        );
        assertEq(tribunal.domainSeparator(), separator);
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", separator, structHash));
        assertEq(tribunal.rulingDigest(caseId, Tier.Medium, 5), digest);
    }

    function _expectRefused(ISlashingCourt.Accusation memory accusation, bytes memory expected) private {
        vm.expectRevert(expected);
        vm.prank(accuser);
        tribunal.accuse(accusation);
    }
}
