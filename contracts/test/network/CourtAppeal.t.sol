// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {INodeRegistry} from "../../src/interfaces/INodeRegistry.sol";
import {ISlashingCourt} from "../../src/interfaces/ISlashingCourt.sol";
import {IVCAIGovernor} from "../../src/interfaces/IVCAIGovernor.sol";
import {Role, Tier} from "../../src/types/Types.sol";
import {CourtFixture} from "./CourtFixture.sol";
import {Dao} from "./mocks/Dao.sol";

contract CourtAppealTest is CourtFixture {
    function test_Appeal_MakesTheProposalThatGrantsIt() public {
        uint256 caseId = _ruled(Tier.Severe, 0);
        vm.expectEmit(address(tribunal));
        emit ISlashingCourt.CaseAppealed(caseId, node, 1_001, APPEAL_BOND);
        uint256 proposalId = _appeal(caseId);
        assertEq(proposalId, 1_001);
        assertEq(dao.proposerOf(proposalId), address(tribunal));
        assertEq(dao.descriptionOf(proposalId), "Appeal against a ruling of the court on a node");
        IVCAIGovernor.Call memory call = dao.callOf(proposalId);
        assertEq(call.target, address(tribunal));
        assertEq(call.value, 0);
        assertEq(call.data, abi.encodeCall(ISlashingCourt.grantAppeal, (caseId)));
        ISlashingCourt.Appeal memory stored = tribunal.appealOf(caseId);
        assertEq(stored.appellant, node);
        assertEq(stored.bond, APPEAL_BOND);
        assertEq(stored.proposalId, proposalId);
        _assertState(caseId, ISlashingCourt.CaseState.Appealed);
        assertEq(vcai.balanceOf(address(tribunal)), COMPUTE + BOND + APPEAL_BOND);
        vm.expectRevert(_wrongState(caseId, ISlashingCourt.CaseState.Appealed));
        _appeal(caseId);
    }

    function test_Appeal_IsOpenToAnyoneUntilTheWindowEnds() public {
        uint256 caseId = _ruled(Tier.Minor, 0);
        _approve(stranger);
        vm.warp(START + WINDOW);
        vm.expectRevert(abi.encodeWithSelector(ISlashingCourt.AppealWindowOver.selector, caseId, START + WINDOW));
        vm.prank(stranger);
        tribunal.appeal(caseId);
        vm.warp(START + WINDOW - 1);
        vm.prank(stranger);
        tribunal.appeal(caseId);
        assertEq(tribunal.appealOf(caseId).appellant, stranger);
    }

    function test_RevertWhen_TheAppealBondIsMissing() public {
        uint256 caseId = _ruled(Tier.Minor, 0);
        vm.prank(node);
        vcai.approve(address(tribunal), 1);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(tribunal), 1, APPEAL_BOND)
        );
        _appeal(caseId);
    }

    function test_RevertWhen_ThereIsNothingToAppeal() public {
        vm.expectRevert(_wrongState(5, ISlashingCourt.CaseState.None));
        _appeal(5);
        uint256 caseId = _accuse(0);
        vm.expectRevert(_wrongState(caseId, ISlashingCourt.CaseState.Open));
        _appeal(caseId);
    }

    function test_Grant_RestoresASevereCaseExactly() public {
        vm.prank(node);
        registry.requestUnbond(COMPUTE / 4);
        INodeRegistry.Node memory before = registry.nodeOf(node);
        uint256 accuserBefore = vcai.balanceOf(accuser);
        uint256 nodeBefore = vcai.balanceOf(node);
        uint256 caseId = _ruled(Tier.Severe, 100e6);
        uint256 proposalId = _appeal(caseId);
        vm.warp(START + 20 days);
        vm.expectEmit(address(tribunal));
        emit ISlashingCourt.AppealGranted(caseId, node, COMPUTE - COMPUTE / 4, COMPUTE / 4);
        dao.grant(proposalId);
        assertEq(abi.encode(registry.nodeOf(node)), abi.encode(before));
        assertEq(tribunal.escrowedOf(node), 0);
        assertEq(vcai.balanceOf(address(tribunal)), 0);
        assertEq(vcai.balanceOf(node), nodeBefore, "its bond came back");
        assertEq(vcai.balanceOf(accuser), accuserBefore - BOND);
        assertEq(vcai.balanceOf(address(treasury)), BOND, "the accuser's bond is lost");
        assertEq(vcai.allowance(address(tribunal), address(registry)), 0);
        _assertState(caseId, ISlashingCourt.CaseState.Overturned);
        assertFalse(verifiers.isAdmitted(accuser));
        vm.expectRevert(_wrongState(caseId, ISlashingCourt.CaseState.Overturned));
        tribunal.execute(caseId);
        vm.expectRevert();
        dao.grant(proposalId);
    }

    function test_Grant_RestoresAMediumCaseExactly() public {
        INodeRegistry.Node memory before = registry.nodeOf(node);
        uint256 caseId = _ruled(Tier.Medium, 0);
        uint256 proposalId = _appeal(caseId);
        vm.warp(START + 3 days);
        assertFalse(registry.isActive(node, Role.Compute));
        dao.grant(proposalId);
        assertEq(abi.encode(registry.nodeOf(node)), abi.encode(before));
        assertTrue(registry.isActive(node, Role.Compute));
    }

    function test_Grant_LeavesOtherSuspensionsInForce() public {
        uint256 first = _proven(Tier.Medium, 0);
        _proven(Tier.Medium, 0);
        assertEq(registry.nodeOf(node).suspendedUntil, START + 60 days);
        uint256 proposalId = _appeal(first);
        dao.grant(proposalId);
        assertEq(registry.nodeOf(node).suspendedUntil, START + 30 days);
        assertTrue(registry.isBarred(node));
    }

    function test_Grant_EndsASuspensionWhoseRestIsOver() public {
        uint256 first = _proven(Tier.Medium, 0);
        _proven(Tier.Medium, 0);
        uint256 proposalId = _appeal(first);
        vm.warp(START + 30 days);
        dao.grant(proposalId);
        assertEq(registry.nodeOf(node).suspendedUntil, 0);
    }

    /// @dev Found by the deep invariants: the second grant had nothing left to shorten and failed.
    function test_Grant_OfTwoSuspensionsThatHaveRunOutRestoresBoth() public {
        uint256 stake = _stake(node);
        uint256 first = _proven(Tier.Medium, 0);
        uint256 second = _proven(Tier.Medium, 0);
        uint256 firstProposal = _appeal(first);
        uint256 secondProposal = _appeal(second);
        vm.warp(START + 60 days);
        dao.grant(firstProposal);
        dao.grant(secondProposal);
        assertEq(_stake(node), stake);
        assertFalse(registry.isBarred(node));
        _assertState(second, ISlashingCourt.CaseState.Overturned);
    }

    function test_Grant_LeavesOtherBansInForce() public {
        uint256 first = _proven(Tier.Severe, 0);
        uint256 second = _proven(Tier.Severe, 0);
        dao.grant(_appeal(first));
        assertTrue(registry.nodeOf(node).banned);
        assertEq(_stake(node), COMPUTE);
        dao.grant(_appeal(second));
        assertFalse(registry.nodeOf(node).banned);
    }

    function test_Grant_OfAMinorCaseLeavesSuspensionAndBanAlone() public {
        uint256 minor = _proven(Tier.Minor, 0);
        _proven(Tier.Medium, 0);
        _proven(Tier.Severe, 0);
        dao.grant(_appeal(minor));
        assertEq(registry.nodeOf(node).suspendedUntil, START + 30 days);
        assertTrue(registry.nodeOf(node).banned);
        assertEq(_stake(node), COMPUTE * 7 / 100);
    }

    function test_Grant_WorksWithoutAnyStake() public {
        vm.prank(prosecutor);
        uint256 caseId = tribunal.openProven(stranger, Tier.Severe, victim, 7e6, accuser, EVIDENCE);
        dao.grant(_appeal(caseId));
        assertFalse(registry.isBarred(stranger));
    }

    function test_RevertWhen_GrantedWithoutAnAppeal() public {
        uint256 caseId = _proven(Tier.Minor, 0);
        vm.expectRevert(_wrongState(caseId, ISlashingCourt.CaseState.Ruled));
        vm.prank(address(dao));
        tribunal.grantAppeal(caseId);
    }

    function test_Execute_WaitsForTheDecision() public {
        uint256 caseId = _proven(Tier.Minor, 0);
        uint256 proposalId = _appeal(caseId);
        vm.warp(START + 99 days);
        for (uint8 i = 0; i < 10; ++i) {
            IVCAIGovernor.ProposalState state = IVCAIGovernor.ProposalState(i);
            dao.setState(proposalId, state);
            uint256 snapshot = vm.snapshotState();
            bool failed = state == IVCAIGovernor.ProposalState.Defeated || state == IVCAIGovernor.ProposalState.Expired
                || state == IVCAIGovernor.ProposalState.Cancelled;
            if (!failed) {
                vm.expectRevert(abi.encodeWithSelector(ISlashingCourt.AppealUndecided.selector, caseId, proposalId));
            }
            tribunal.execute(caseId);
            vm.revertToState(snapshot);
        }
    }

    function test_Execute_AfterAFailedAppealTakesItsBond() public {
        uint256 caseId = _proven(Tier.Severe, 0);
        uint256 proposalId = _appeal(caseId);
        dao.setState(proposalId, IVCAIGovernor.ProposalState.Defeated);
        tribunal.execute(caseId);
        assertEq(vcai.balanceOf(address(treasury)), COMPUTE - 2_000e18 + APPEAL_BOND);
        assertEq(vcai.balanceOf(accuser), FUNDS + 2_000e18);
        assertEq(vcai.balanceOf(address(tribunal)), 0);
        vm.expectRevert(abi.encodeWithSelector(Dao.CallFailed.selector, _wrongState(caseId, _state(caseId))));
        dao.grant(proposalId);
    }
}
