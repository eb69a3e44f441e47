// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {VerifierSet} from "../../src/network/VerifierSet.sol";
import {IVerifierSet} from "../../src/interfaces/IVerifierSet.sol";
import {INodeRegistry} from "../../src/interfaces/INodeRegistry.sol";
import {Role, Tier} from "../../src/types/Types.sol";
import {CourtFixture} from "./CourtFixture.sol";

contract VerifierSetTest is CourtFixture {
    uint256 private constant CASE = 77;
    uint64 private constant DRAW_BLOCK = 1_004;

    function test_Appoint_AdmitsAndCounts() public {
        assertEq(verifiers.memberCount(), MEMBERS);
        assertEq(verifiers.memberAt(3), members[3]);
        assertEq(address(verifiers.registry()), address(registry));
        assertTrue(verifiers.isMember(members[0]));
        assertFalse(verifiers.isMember(stranger));
        assertFalse(verifiers.isAdmitted(stranger));
        vm.expectEmit(address(verifiers));
        emit IVerifierSet.MemberAppointed(stranger);
        verifiers.appoint(_list(stranger));
        assertTrue(verifiers.isAdmitted(stranger));
        assertFalse(verifiers.isMember(stranger), "not registered as a verifier");
        assertEq(verifiers.memberCount(), MEMBERS + 1);
    }

    function test_RevertWhen_AppointedTwiceOrZero() public {
        vm.expectRevert(abi.encodeWithSelector(IVerifierSet.AlreadyMember.selector, members[2]));
        verifiers.appoint(_list(members[2]));
        vm.expectRevert(IVerifierSet.MemberIsZero.selector);
        verifiers.appoint(_list(address(0)));
    }

    function test_Admit_IsIdempotent() public {
        vm.startPrank(court);
        vm.expectEmit(address(verifiers));
        emit IVerifierSet.MemberAdmitted(stranger, 5);
        verifiers.admit(stranger, 5);
        vm.recordLogs();
        verifiers.admit(stranger, 6);
        assertEq(vm.getRecordedLogs().length, 0);
        assertEq(verifiers.memberCount(), MEMBERS + 1);
        vm.expectRevert(IVerifierSet.MemberIsZero.selector);
        verifiers.admit(address(0), 5);
    }

    function test_Dismiss_MovesTheLastIntoTheGap() public {
        vm.expectEmit(address(verifiers));
        emit IVerifierSet.MemberDismissed(members[4]);
        verifiers.dismiss(members[4]);
        assertFalse(verifiers.isAdmitted(members[4]));
        assertEq(verifiers.memberCount(), MEMBERS - 1);
        assertEq(verifiers.memberAt(4), members[9]);
        verifiers.dismiss(members[9]);
        assertEq(verifiers.memberCount(), MEMBERS - 2);
        assertEq(verifiers.memberAt(4), members[8]);
        for (uint256 i = 0; i < verifiers.memberCount(); ++i) {
            assertTrue(verifiers.isAdmitted(verifiers.memberAt(i)));
        }
        vm.expectRevert(abi.encodeWithSelector(IVerifierSet.NotAMember.selector, members[4]));
        verifiers.dismiss(members[4]);
        verifiers.appoint(_list(members[4]));
        assertEq(verifiers.memberAt(8), members[4]);
    }

    function test_Member_NeedsAnActiveRegistration() public {
        vm.prank(members[1]);
        registry.requestUnbond(1);
        assertFalse(verifiers.isMember(members[1]));
        assertTrue(verifiers.isAdmitted(members[1]));
    }

    function test_Admission_IsNeededToBeAnActiveVerifier() public {
        address late = _member("late");
        assertTrue(registry.isActive(late, Role.Verifier), "open until the DAO names a set");
        vm.expectEmit(address(registry));
        emit INodeRegistry.AdmissionChanged(address(verifiers));
        registry.setAdmission(verifiers);
        assertEq(address(registry.admission()), address(verifiers));
        assertFalse(registry.isActive(late, Role.Verifier));
        assertFalse(verifiers.isMember(late));
        assertTrue(registry.isActive(members[0], Role.Verifier));
        assertTrue(registry.isActive(node, Role.Compute), "other roles are not asked");
        verifiers.appoint(_list(late));
        assertTrue(registry.isActive(late, Role.Verifier));
        assertTrue(verifiers.isMember(late));
        verifiers.dismiss(members[0]);
        assertFalse(registry.isActive(members[0], Role.Verifier));
    }

    function test_Draw_SeatsDistinctActiveOutsiders() public {
        _request();
        vm.prank(court);
        registry.ban(members[0]);
        vm.roll(DRAW_BLOCK + 1);
        address[] memory excluded = new address[](2);
        (excluded[0], excluded[1]) = (members[1], members[2]);
        vm.prank(court);
        address[] memory committee = verifiers.draw(CASE, excluded);
        assertEq(committee.length, 5);
        for (uint256 i = 0; i < 5; ++i) {
            assertTrue(verifiers.isMember(committee[i]));
            assertTrue(committee[i] != members[0] && committee[i] != members[1] && committee[i] != members[2]);
            for (uint256 j = 0; j < i; ++j) {
                assertNotEq(committee[i], committee[j]);
            }
        }
        assertEq(verifiers.committeeOf(court, CASE), committee);
        assertTrue(verifiers.drawOf(court, CASE).drawn);
        vm.expectRevert(abi.encodeWithSelector(IVerifierSet.AlreadyDrawn.selector, CASE, 1));
        vm.prank(court);
        verifiers.draw(CASE, excluded);
    }

    function test_Draw_EmitsWhatItDrew() public {
        _request();
        vm.roll(DRAW_BLOCK + 1);
        uint256 snapshot = vm.snapshotState();
        vm.prank(court);
        address[] memory committee = verifiers.draw(CASE, new address[](0));
        vm.revertToState(snapshot);
        vm.expectEmit(address(verifiers));
        emit IVerifierSet.CommitteeDrawn(court, CASE, 1, committee);
        vm.prank(court);
        verifiers.draw(CASE, new address[](0));
    }

    function test_Draw_DoesNotDependOnWhoCallsWhen() public {
        _request();
        vm.roll(DRAW_BLOCK + 1);
        uint256 snapshot = vm.snapshotState();
        vm.prank(court);
        address[] memory early = verifiers.draw(CASE, new address[](0));
        vm.revertToState(snapshot);
        vm.roll(DRAW_BLOCK + 256);
        vm.warp(START + 1 hours);
        vm.prevrandao(uint256(7));
        vm.prank(court);
        assertEq(verifiers.draw(CASE, new address[](0)), early);
    }

    function test_Draw_LooksOnlyAtThoseAdmittedBefore() public {
        for (uint256 i = 5; i < MEMBERS; ++i) {
            verifiers.dismiss(members[i]);
        }
        _request();
        for (uint256 i = 5; i < MEMBERS; ++i) {
            verifiers.appoint(_list(members[i]));
        }
        assertEq(verifiers.drawOf(court, CASE).candidates, 5);
        vm.roll(DRAW_BLOCK + 1);
        vm.prank(court);
        address[] memory committee = verifiers.draw(CASE, new address[](0));
        assertEq(committee.length, 5);
        for (uint256 i = 0; i < 5; ++i) {
            bool old = false;
            for (uint256 j = 0; j < 5; ++j) {
                if (committee[i] == members[j]) old = true;
            }
            assertTrue(old);
        }
        vm.prank(court);
        verifiers.request(CASE);
        assertEq(verifiers.drawOf(court, CASE).candidates, 5, "nor in the next round");
    }

    function test_Draw_SurvivesDismissalsAfterTheRequest() public {
        _request();
        for (uint256 i = 3; i < MEMBERS; ++i) {
            verifiers.dismiss(members[i]);
        }
        vm.roll(DRAW_BLOCK + 1);
        vm.prank(court);
        assertEq(verifiers.draw(CASE, new address[](0)).length, 3);
    }

    function test_RevertWhen_TooFewCanJudge() public {
        for (uint256 i = 3; i < MEMBERS; ++i) {
            verifiers.dismiss(members[i]);
        }
        _request();
        vm.roll(DRAW_BLOCK + 1);
        vm.expectRevert(abi.encodeWithSelector(IVerifierSet.CommitteeTooSmall.selector, CASE, 2, 3));
        vm.prank(court);
        verifiers.draw(CASE, _list(members[0]));
    }

    function test_RevertWhen_DrawnTooEarlyOrWithoutRequest() public {
        vm.startPrank(court);
        vm.expectRevert(abi.encodeWithSelector(IVerifierSet.DrawNotRequested.selector, CASE));
        verifiers.draw(CASE, new address[](0));
        vm.stopPrank();
        _request();
        vm.roll(DRAW_BLOCK);
        vm.startPrank(court);
        vm.expectRevert(abi.encodeWithSelector(IVerifierSet.DrawTooEarly.selector, CASE, DRAW_BLOCK));
        verifiers.draw(CASE, new address[](0));
    }

    function test_Draw_NamesAnotherBlockWhenTheHashIsGone() public {
        _request();
        vm.roll(DRAW_BLOCK + 257);
        vm.expectEmit(address(verifiers));
        emit IVerifierSet.DrawRequested(court, CASE, 1, DRAW_BLOCK + 257 + 4);
        vm.prank(court);
        assertEq(verifiers.draw(CASE, new address[](0)).length, 0);
        assertFalse(verifiers.drawOf(court, CASE).drawn);
        assertEq(verifiers.committeeOf(court, CASE).length, 0);
        vm.roll(DRAW_BLOCK + 257 + 5);
        vm.prank(court);
        assertEq(verifiers.draw(CASE, new address[](0)).length, 5);
    }

    function test_Request_StartsAnotherRoundWithoutACommittee() public {
        vm.expectEmit(address(verifiers));
        emit IVerifierSet.DrawRequested(court, CASE, 1, DRAW_BLOCK);
        _request();
        vm.roll(DRAW_BLOCK + 1);
        vm.startPrank(court);
        verifiers.draw(CASE, new address[](0));
        assertEq(verifiers.request(CASE), DRAW_BLOCK + 5);
        IVerifierSet.Draw memory draw = verifiers.drawOf(court, CASE);
        assertEq(draw.round, 2);
        assertFalse(draw.drawn);
        assertEq(draw.candidates, MEMBERS);
        assertEq(verifiers.committeeOf(court, CASE).length, 0);
        assertEq(verifiers.drawOf(stranger, CASE).round, 0, "each court has its own cases");
    }

    function test_Quorum_IsMoreThanItsPartAndNeverMoreThanAll() public {
        assertEq(verifiers.quorumOf(5), 4);
        assertEq(verifiers.quorumOf(4), 3);
        assertEq(verifiers.quorumOf(3), 2);
        assertEq(verifiers.quorumOf(1), 1);
        IVerifierSet.Parameters memory value = _verifierParameters();
        value.quorumBps = 5_000;
        verifiers.setParameters(value);
        assertEq(verifiers.quorumOf(4), 3);
        value.quorumBps = 10_000;
        verifiers.setParameters(value);
        assertEq(verifiers.quorumOf(5), 5);
    }

    function test_Signatures_ComeFromTheCommittee() public {
        uint256 caseId = _accuse(0);
        bytes32 digest = tribunal.rulingDigest(caseId, Tier.Minor, 0);
        bytes[] memory signatures = new bytes[](4);
        vm.expectRevert(abi.encodeWithSelector(IVerifierSet.CommitteeNotSeated.selector, caseId));
        verifiers.checkSignatures(address(tribunal), caseId, digest, signatures);
        address[] memory committee = _sorted(_seat(caseId));
        vm.expectRevert(abi.encodeWithSelector(IVerifierSet.QuorumNotReached.selector, caseId, 4, 3));
        verifiers.checkSignatures(address(tribunal), caseId, digest, new bytes[](3));
        for (uint256 i = 0; i < 4; ++i) {
            signatures[i] = _sign(committee[i], digest);
        }
        verifiers.checkSignatures(address(tribunal), caseId, digest, signatures);
        vm.expectRevert(abi.encodeWithSelector(IVerifierSet.CommitteeNotSeated.selector, caseId));
        verifiers.checkSignatures(court, caseId, digest, signatures);

        (signatures[1], signatures[2]) = (signatures[2], signatures[1]);
        _expectBad(caseId, digest, signatures, abi.encodeWithSelector(IVerifierSet.SignersNotAscending.selector, 2));
        signatures[2] = signatures[1];
        _expectBad(caseId, digest, signatures, abi.encodeWithSelector(IVerifierSet.SignersNotAscending.selector, 2));
        signatures[2] = hex"1234";
        _expectBad(caseId, digest, signatures, abi.encodeWithSelector(IVerifierSet.BadSignature.selector, 2));
        address outsider = _outsider(committee);
        signatures[2] = _sign(outsider, digest);
        _expectBad(
            caseId, digest, signatures, abi.encodeWithSelector(IVerifierSet.SignerNotInCommittee.selector, 2, outsider)
        );
    }

    function test_RevertWhen_ASignerIsNoLongerActive() public {
        uint256 caseId = _accuse(0);
        address[] memory committee = _sorted(_seat(caseId));
        bytes[] memory signatures = _signatures(caseId, Tier.Minor, 0, 5);
        vm.prank(court);
        registry.suspend(committee[4], START + 1 days);
        bytes32 digest = tribunal.rulingDigest(caseId, Tier.Minor, 0);
        _expectBad(
            caseId, digest, signatures, abi.encodeWithSelector(IVerifierSet.SignerInactive.selector, 4, committee[4])
        );
        verifiers.checkSignatures(address(tribunal), caseId, digest, _signatures(caseId, Tier.Minor, 0, 4));
    }

    /// @dev A call of its own, so that a revert of the constructor ends the call and not the test.
    function deploy(IVerifierSet.Parameters calldata value) external {
        new VerifierSet(address(manager), registry, value);
    }

    function test_RevertWhen_AParameterIsOutOfRange() public {
        IVerifierSet.Parameters memory bad = _verifierParameters();
        bad.committeeSize = 0;
        _expectOutOfRange("committeeSize", 0, 1, 15, bad);
        bad.committeeSize = 16;
        _expectOutOfRange("committeeSize", 16, 1, 15, bad);
        bad = _verifierParameters();
        bad.minimumCommittee = 0;
        _expectOutOfRange("minimumCommittee", 0, 1, 5, bad);
        bad.minimumCommittee = 6;
        _expectOutOfRange("minimumCommittee", 6, 1, 5, bad);
        bad = _verifierParameters();
        bad.quorumBps = 4_999;
        _expectOutOfRange("quorumBps", 4_999, 5_000, 10_000, bad);
        bad.quorumBps = 10_001;
        _expectOutOfRange("quorumBps", 10_001, 5_000, 10_000, bad);
        bad = _verifierParameters();
        bad.drawDelay = 0;
        _expectOutOfRange("drawDelay", 0, 1, 200, bad);
        bad.drawDelay = 201;
        _expectOutOfRange("drawDelay", 201, 1, 200, bad);
    }

    function test_SetParameters_TakesTheBounds() public {
        IVerifierSet.Parameters memory value = IVerifierSet.Parameters(1, 1, 5_000, 1);
        verifiers.setParameters(value);
        value = IVerifierSet.Parameters(15, 15, 10_000, 200);
        vm.expectEmit(address(verifiers));
        emit IVerifierSet.ParametersChanged(value);
        verifiers.setParameters(value);
        assertEq(abi.encode(verifiers.parameters()), abi.encode(value));
    }

    function test_RevertWhen_StrangerUsesRestrictedFunctions() public {
        bytes memory expected = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger);
        vm.startPrank(stranger);
        vm.expectRevert(expected);
        verifiers.admit(stranger, 1);
        vm.expectRevert(expected);
        verifiers.appoint(_list(stranger));
        vm.expectRevert(expected);
        verifiers.dismiss(members[0]);
        vm.expectRevert(expected);
        verifiers.request(1);
        vm.expectRevert(expected);
        verifiers.draw(1, new address[](0));
        vm.expectRevert(expected);
        verifiers.setParameters(_verifierParameters());
    }

    /// @dev Over many blocks every member is seated about as often as any other.
    function test_Draw_IsFair() public {
        uint256[] memory seats = new uint256[](MEMBERS);
        uint256 rounds = 600;
        for (uint256 i = 0; i < rounds; ++i) {
            vm.startPrank(court);
            uint64 drawBlock = verifiers.request(1_000 + i);
            vm.roll(drawBlock + 1);
            vm.setBlockhash(drawBlock, keccak256(abi.encode("block", i)));
            address[] memory committee = verifiers.draw(1_000 + i, new address[](0));
            vm.stopPrank();
            for (uint256 j = 0; j < committee.length; ++j) {
                for (uint256 k = 0; k < MEMBERS; ++k) {
                    if (committee[j] == members[k]) ++seats[k];
                }
            }
        }
        for (uint256 k = 0; k < MEMBERS; ++k) {
            // Mean 300, standard deviation 12.2.
            assertApproxEqAbs(seats[k], rounds / 2, 62);
        }
    }

    function testFuzz_Draw_NeverSeatsAnyoneTwice(bytes32 hash, uint8 size, uint8 inactive) public {
        IVerifierSet.Parameters memory value = _verifierParameters();
        value.committeeSize = uint8(bound(size, 1, 15));
        value.minimumCommittee = 1;
        verifiers.setParameters(value);
        inactive = uint8(bound(inactive, 0, MEMBERS - 1));
        for (uint256 i = 0; i < inactive; ++i) {
            vm.prank(court);
            registry.ban(members[i]);
        }
        _request();
        vm.roll(DRAW_BLOCK + 1);
        vm.setBlockhash(DRAW_BLOCK, hash | bytes32(uint256(1)));
        vm.prank(court);
        address[] memory committee = _sorted(verifiers.draw(CASE, new address[](0)));
        uint256 active = MEMBERS - inactive;
        assertEq(committee.length, active < value.committeeSize ? active : value.committeeSize);
        for (uint256 i = 1; i < committee.length; ++i) {
            assertLt(uint160(committee[i - 1]), uint160(committee[i]));
        }
    }

    function test_Draw_LooksAtNoMoreThanItsLimit() public {
        address[] memory idle = new address[](200);
        for (uint256 i = 0; i < 200; ++i) {
            idle[i] = address(uint160(0xdead0000 + i));
        }
        verifiers.appoint(idle);
        _request();
        vm.roll(DRAW_BLOCK + 1);
        vm.setBlockhash(DRAW_BLOCK, keccak256("idle"));
        uint256 before = gasleft();
        vm.prank(court);
        try verifiers.draw(CASE, new address[](0)) {} catch {}
        assertLt(before - gasleft(), 2_500_000);
    }

    function _request() private {
        vm.prank(court);
        assertEq(verifiers.request(CASE), block.number + 4);
    }

    function _list(address one) private pure returns (address[] memory list) {
        list = new address[](1);
        list[0] = one;
    }

    function _outsider(address[] memory committee) private view returns (address) {
        for (uint256 i = 0; i < MEMBERS; ++i) {
            bool inside = false;
            for (uint256 j = 0; j < committee.length; ++j) {
                if (committee[j] == members[i]) inside = true;
            }
            if (!inside) return members[i];
        }
        revert VerifierSetTestEveryoneIsInside();
    }

    error VerifierSetTestEveryoneIsInside();

    function _expectBad(uint256 caseId, bytes32 digest, bytes[] memory signatures, bytes memory expected) private {
        vm.expectRevert(expected);
        verifiers.checkSignatures(address(tribunal), caseId, digest, signatures);
    }

    function _expectOutOfRange(
        bytes32 name,
        uint256 value,
        uint256 minimum,
        uint256 maximum,
        IVerifierSet.Parameters memory bad
    ) private {
        bytes memory expected = abi.encodeWithSelector(
            IVerifierSet.ParameterOutOfRange.selector, name, value, minimum, maximum
        );
        vm.expectRevert(expected);
        verifiers.setParameters(bad);
        vm.expectRevert(expected);
        this.deploy(bad);
    }
}
