// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {SlashingCourt} from "../../src/network/SlashingCourt.sol";
import {INodeRegistry} from "../../src/interfaces/INodeRegistry.sol";
import {ISlashingCourt} from "../../src/interfaces/ISlashingCourt.sol";
import {IVCAIGovernor} from "../../src/interfaces/IVCAIGovernor.sol";
import {Role, Tier} from "../../src/types/Types.sol";
import {CourtFixture} from "./CourtFixture.sol";

contract CourtRulingTest is CourtFixture {
    function test_Minor_TakesItsPartIntoEscrowAtOnce() public {
        uint256 caseId = _accuse(10e6);
        _seat(caseId);
        uint128 penalty = COMPUTE * 700 / 10_000;
        bytes[] memory signatures = _signatures(caseId, Tier.Minor, 5e6, 4);
        vm.expectEmit(address(tribunal));
        emit ISlashingCourt.CaseRuled(caseId, node, Tier.Minor, 5e6, penalty, 0, uint40(START) + WINDOW);
        tribunal.submitVerdict(caseId, Tier.Minor, 5e6, signatures);
        ISlashingCourt.Case memory c = tribunal.caseOf(caseId);
        assertEq(uint8(c.tier), uint8(Tier.Minor));
        assertEq(c.lossUsd, 5e6, "what the committee awarded, not what was claimed");
        assertEq(c.fromStake, penalty);
        assertEq(c.fromUnbonding, 0);
        assertEq(c.deadline, START + WINDOW);
        assertEq(c.suspension, 0);
        _assertState(caseId, ISlashingCourt.CaseState.Ruled);
        assertEq(tribunal.escrowedOf(node), penalty);
        assertEq(_stake(node), COMPUTE - penalty);
        assertEq(vcai.balanceOf(address(tribunal)), penalty + BOND);
        assertFalse(registry.isBarred(node));
        assertFalse(verifiers.isAdmitted(accuser), "not before it is final");
    }

    function test_Medium_Suspends() public {
        uint256 caseId = _ruled(Tier.Medium, 0);
        assertEq(tribunal.escrowedOf(node), COMPUTE * 2_000 / 10_000);
        assertEq(tribunal.caseOf(caseId).suspension, 30 days);
        assertEq(registry.nodeOf(node).suspendedUntil, START + 30 days);
        assertTrue(registry.isBarred(node));
        assertFalse(registry.nodeOf(node).banned);
    }

    function test_Severe_TakesEverythingAndBans() public {
        vm.prank(node);
        registry.requestUnbond(COMPUTE / 4);
        uint256 caseId = _ruled(Tier.Severe, 0);
        ISlashingCourt.Case memory c = tribunal.caseOf(caseId);
        assertEq(c.fromStake, COMPUTE - COMPUTE / 4);
        assertEq(c.fromUnbonding, COMPUTE / 4);
        assertEq(tribunal.escrowedOf(node), COMPUTE);
        assertEq(_stake(node), 0);
        assertTrue(registry.nodeOf(node).banned);
        assertEq(registry.nodeOf(node).suspendedUntil, 0);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.IdentityBanned.selector, node));
        _register(node, Role.Compute, COMPUTE);
    }

    function test_Penalty_TakesActiveStakeFirst() public {
        vm.prank(node);
        registry.requestUnbond(COMPUTE - 100);
        uint256 caseId = _ruled(Tier.Medium, 0);
        ISlashingCourt.Case memory c = tribunal.caseOf(caseId);
        assertEq(c.fromStake, 100);
        assertEq(c.fromUnbonding, COMPUTE / 5 - 100);
        (uint128 active, uint128 unbonding) = registry.stakeOf(node);
        assertEq(active, 0);
        assertEq(unbonding, COMPUTE - COMPUTE / 5);
    }

    function test_Sentences_AddUp() public {
        _proven(Tier.Medium, 0);
        vm.warp(START + 10 days);
        uint256 second = _proven(Tier.Medium, 0);
        assertEq(registry.nodeOf(node).suspendedUntil, START + 60 days);
        uint256 afterFirst = COMPUTE * 8 / 10;
        assertEq(tribunal.caseOf(second).fromStake, afterFirst / 5);
        assertEq(tribunal.escrowedOf(node), COMPUTE - afterFirst + afterFirst / 5);
    }

    function test_Suspension_CountsFromNowWhenAnEarlierOneIsOver() public {
        _proven(Tier.Medium, 0);
        vm.warp(START + 31 days);
        assertFalse(registry.isBarred(node));
        _proven(Tier.Medium, 0);
        assertEq(registry.nodeOf(node).suspendedUntil, START + 61 days);
    }

    function test_Proven_IsRuledWithoutACommittee() public {
        vm.expectEmit(address(tribunal));
        emit ISlashingCourt.CaseProven(1, node, accuser, prosecutor, victim, 5_000e6, EVIDENCE);
        vm.expectEmit(address(tribunal));
        emit ISlashingCourt.CaseRuled(1, node, Tier.Medium, 5_000e6, COMPUTE / 5, 0, uint40(START) + WINDOW);
        uint256 caseId = _proven(Tier.Medium, 5_000e6);
        ISlashingCourt.Case memory c = tribunal.caseOf(caseId);
        assertEq(c.accused, node);
        assertEq(c.accuser, accuser);
        assertEq(c.nominee, address(0));
        assertEq(c.victim, victim);
        assertEq(c.lossUsd, 5_000e6, "proofs are not capped");
        assertEq(c.bond, 0);
        assertEq(c.round, 0);
        assertEq(c.evidenceHash, 0, "in the event");
        assertEq(vcai.balanceOf(address(tribunal)), COMPUTE / 5);
        assertEq(registry.nodeOf(node).heldUntil, 0);
        vm.expectRevert(_wrongState(caseId, ISlashingCourt.CaseState.Ruled));
        tribunal.seatCommittee(caseId);
    }

    function test_Proven_ReachesSomebodyWithoutStake() public {
        vm.prank(prosecutor);
        uint256 caseId = tribunal.openProven(stranger, Tier.Severe, victim, 7e6, accuser, EVIDENCE);
        assertEq(tribunal.caseOf(caseId).fromStake, 0);
        assertTrue(registry.isBarred(stranger));
        _fund(stranger);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.IdentityBanned.selector, stranger));
        _register(stranger, Role.Compute, COMPUTE);
    }

    function test_Proven_RewardsNobodyForItsOwnFault() public {
        vm.prank(prosecutor);
        uint256 caseId = tribunal.openProven(node, Tier.Minor, address(0), 0, node, EVIDENCE);
        assertEq(tribunal.caseOf(caseId).accuser, address(0));
        assertEq(tribunal.caseOf(caseId).nominee, address(0));
    }

    function test_RevertWhen_AProofHasNoTierOrNoVictim() public {
        vm.startPrank(prosecutor);
        vm.expectRevert(abi.encodeWithSelector(ISlashingCourt.TierIsNone.selector, node));
        tribunal.openProven(node, Tier.None, victim, 1, accuser, EVIDENCE);
        vm.expectRevert(abi.encodeWithSelector(ISlashingCourt.VictimIsMissing.selector, 1));
        tribunal.openProven(node, Tier.Minor, address(0), 1, accuser, EVIDENCE);
    }

    function test_RevertWhen_StrangerUsesRestrictedFunctions() public {
        bytes memory expected = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger);
        vm.startPrank(stranger);
        vm.expectRevert(expected);
        tribunal.openProven(node, Tier.Minor, address(0), 0, accuser, EVIDENCE);
        vm.expectRevert(expected);
        tribunal.grantAppeal(1);
        vm.expectRevert(expected);
        tribunal.setParameters(_courtParameters());
        vm.expectRevert(expected);
        tribunal.pause(1);
        vm.expectRevert(expected);
        tribunal.unpause();
    }

    /// @dev A call of its own, so that a revert of the constructor ends the call and not the test.
    function deploy(ISlashingCourt.Parameters calldata value) external {
        new SlashingCourt(
            address(manager), registry, verifiers, treasury, sources, IVCAIGovernor(address(dao)), value, 1 hours
        );
    }

    function test_RevertWhen_AParameterIsOutOfRange() public {
        ISlashingCourt.Parameters memory bad = _courtParameters();
        bad.minorBps = 499;
        _expectOutOfRange("minorBps", 499, 500, 1_000, bad);
        bad.minorBps = 1_001;
        _expectOutOfRange("minorBps", 1_001, 500, 1_000, bad);
        bad = _courtParameters();
        bad.mediumBps = 999;
        _expectOutOfRange("mediumBps", 999, 1_000, 3_000, bad);
        bad.mediumBps = 3_001;
        _expectOutOfRange("mediumBps", 3_001, 1_000, 3_000, bad);
        bad = _courtParameters();
        bad.bountyBps = 5_001;
        _expectOutOfRange("bountyBps", 5_001, 0, 5_000, bad);
        bad = _courtParameters();
        bad.maxRounds = 0;
        _expectOutOfRange("maxRounds", 0, 1, 10, bad);
        bad.maxRounds = 11;
        _expectOutOfRange("maxRounds", 11, 1, 10, bad);
        bad = _courtParameters();
        bad.answerPeriod = 1 hours - 1;
        _expectOutOfRange("answerPeriod", 1 hours - 1, 1 hours, 30 days, bad);
        bad.answerPeriod = 30 days + 1;
        _expectOutOfRange("answerPeriod", 30 days + 1, 1 hours, 30 days, bad);
        bad = _courtParameters();
        bad.appealWindow = 1 hours - 1;
        _expectOutOfRange("appealWindow", 1 hours - 1, 1 hours, 30 days, bad);
        bad.appealWindow = 30 days + 1;
        _expectOutOfRange("appealWindow", 30 days + 1, 1 hours, 30 days, bad);
        bad = _courtParameters();
        bad.suspensionPeriod = 1 hours - 1;
        _expectOutOfRange("suspensionPeriod", 1 hours - 1, 1 hours, 365 days, bad);
        bad.suspensionPeriod = 365 days + 1;
        _expectOutOfRange("suspensionPeriod", 365 days + 1, 1 hours, 365 days, bad);
        bad = _courtParameters();
        bad.accusationBond = 0;
        _expectOutOfRange("accusationBond", 0, 1, type(uint128).max, bad);
        bad = _courtParameters();
        bad.appealBond = 0;
        _expectOutOfRange("appealBond", 0, 1, type(uint128).max, bad);
    }

    function test_SetParameters_TakesTheBounds() public {
        ISlashingCourt.Parameters memory value =
            ISlashingCourt.Parameters(500, 1_000, 0, 1, 1 hours, 1 hours, 1 hours, 0, 1, 1, 0);
        tribunal.setParameters(value);
        value = ISlashingCourt.Parameters(
            1_000,
            3_000,
            5_000,
            10,
            30 days,
            30 days,
            365 days,
            type(uint128).max,
            type(uint128).max,
            type(uint128).max,
            type(uint128).max
        );
        vm.expectEmit(address(tribunal));
        emit ISlashingCourt.ParametersChanged(value);
        tribunal.setParameters(value);
        assertEq(abi.encode(tribunal.parameters()), abi.encode(value));
    }

    function testFuzz_Penalty_NeverExceedsTheTier(uint128 extra, uint128 out, uint8 tierSeed, uint16 share) public {
        ISlashingCourt.Parameters memory value = _courtParameters();
        value.minorBps = uint16(bound(share, 500, 1_000));
        value.mediumBps = uint16(bound(share, 1_000, 3_000));
        tribunal.setParameters(value);
        extra = uint128(bound(extra, 1, FUNDS - COMPUTE));
        vm.startPrank(node);
        registry.topUp(extra);
        registry.requestUnbond(uint128(bound(out, 1, COMPUTE + extra)));
        vm.stopPrank();
        Tier tier = Tier(bound(tierSeed, 1, 3));
        uint256 before = _stake(node);
        uint256 caseId = _proven(tier, 0);
        uint256 taken = before - _stake(node);
        assertEq(taken, tribunal.escrowedOf(node));
        assertEq(taken, uint256(tribunal.caseOf(caseId).fromStake) + tribunal.caseOf(caseId).fromUnbonding);
        uint256 bps = tier == Tier.Minor ? value.minorBps : tier == Tier.Medium ? value.mediumBps : 10_000;
        assertEq(taken, before * bps / 10_000);
        assertEq(_stake(node) + tribunal.escrowedOf(node), before);
    }

    function _expectOutOfRange(
        bytes32 name,
        uint256 value,
        uint256 minimum,
        uint256 maximum,
        ISlashingCourt.Parameters memory bad
    ) private {
        bytes memory expected = abi.encodeWithSelector(
            ISlashingCourt.ParameterOutOfRange.selector, name, value, minimum, maximum
        );
        vm.expectRevert(expected);
        tribunal.setParameters(bad);
        vm.expectRevert(expected);
        this.deploy(bad);
    }
}
