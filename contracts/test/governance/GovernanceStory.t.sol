// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IAccessManager} from "@openzeppelin/contracts/access/manager/IAccessManager.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {Roles} from "../../src/Roles.sol";
import {VCAIGovernor} from "../../src/governance/VCAIGovernor.sol";
import {IGuardian} from "../../src/interfaces/IGuardian.sol";
import {IVCAIGovernor} from "../../src/interfaces/IVCAIGovernor.sol";
import {IVeVCAI} from "../../src/interfaces/IVeVCAI.sol";
import {GovernorFixture} from "./GovernorFixture.sol";

/// @dev Whole stories on the wiring as deployed: who can do what, and nobody else.
contract GovernanceStoryTest is GovernorFixture {
    /// @dev Proposed, discussed, voted on, queued and executed: the DAO moves a parameter of another contract.
    function test_TheDaoChangesAParameterFromBeginningToEnd() public {
        assertEq(ve.parameters().linearBelow, LINEAR_BELOW);
        vm.prank(bob);
        uint256 id = governor.propose(_change(), "Lower the limit of linear weight to 5,000 VCAI.");
        vm.warp(START + 3 days);
        _assertState(id, IVCAIGovernor.ProposalState.Discussion);
        vm.warp(START + 8 days);
        vm.prank(dave);
        governor.openVote(id);
        _vote(bob, id, IVCAIGovernor.Support.Against);
        vm.warp(START + 10 days);
        _vote(alice, id, IVCAIGovernor.Support.For);
        _vote(carol, id, IVCAIGovernor.Support.For);
        vm.warp(START + 13 days);
        vm.prank(dave);
        governor.queue(id);
        vm.warp(START + 15 days);
        vm.expectEmit(address(ve));
        emit IVeVCAI.ParametersChanged(IVeVCAI.Parameters(5_000e18));
        vm.prank(dave);
        governor.execute(id);
        assertEq(ve.parameters().linearBelow, 5_000e18);
        _endow(dave);
        _lock(dave, 5_000e18, 100);
        assertEq(ve.locks(dave).root, 70_710_678_118_654_752_440);
    }

    /// @dev The administrator of all rights is the timelock: the DAO can replace a module by moving its role.
    function test_TheDaoReplacesTheGovernorItself() public {
        VCAIGovernor next = new VCAIGovernor(address(manager), ve, timelock, 7 days, _defaults());
        bytes32 proposer = timelock.PROPOSER_ROLE();
        bytes32 executor = timelock.EXECUTOR_ROLE();
        IVCAIGovernor.Call[] memory calls = new IVCAIGovernor.Call[](6);
        calls[0].target = address(manager);
        calls[0].data = abi.encodeCall(IAccessManager.grantRole, (Roles.SNAPSHOT, address(next), 0));
        calls[1].target = address(manager);
        calls[1].data = abi.encodeCall(IAccessManager.revokeRole, (Roles.SNAPSHOT, address(governor)));
        calls[2].data = abi.encodeCall(IAccessControl.grantRole, (proposer, address(next)));
        calls[3].data = abi.encodeCall(IAccessControl.grantRole, (executor, address(next)));
        calls[4].data = abi.encodeCall(IAccessControl.revokeRole, (proposer, address(governor)));
        calls[5].data = abi.encodeCall(IAccessControl.revokeRole, (executor, address(governor)));
        for (uint256 i = 2; i < 6; ++i) {
            calls[i].target = address(timelock);
        }
        uint256 abandoned = _proposed();
        _executedWith(calls);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, address(governor)));
        governor.openVote(abandoned);
        governor = next;
        _executedWith(_change());
        assertEq(ve.parameters().linearBelow, 5_000e18);
    }

    function test_NobodyButTheGovernorSchedulesOrExecutesInTheTimelock() public {
        address[5] memory all = [address(this), alice, holder, address(guardian), keeper];
        bytes memory data = abi.encodeCall(IVeVCAI.setParameters, (IVeVCAI.Parameters(5_000e18)));
        uint256 id = _queuedWith(_change());
        _pass(DELAY);
        for (uint256 i = 0; i < all.length; ++i) {
            bytes4 refused = IAccessControl.AccessControlUnauthorizedAccount.selector;
            vm.startPrank(all[i]);
            vm.expectRevert(abi.encodeWithSelector(refused, all[i], timelock.PROPOSER_ROLE()));
            timelock.schedule(address(ve), 0, data, 0, 0, DELAY);
            vm.expectRevert(abi.encodeWithSelector(refused, all[i], timelock.EXECUTOR_ROLE()));
            timelock.execute(address(ve), 0, data, 0, bytes32(id));
            if (all[i] != address(guardian)) {
                bytes32 operation = governor.operationOf(id);
                vm.expectRevert(abi.encodeWithSelector(refused, all[i], timelock.CANCELLER_ROLE()));
                timelock.cancel(operation);
            }
            vm.stopPrank();
        }
    }

    function test_TheDeployerKeepsNoPower() public {
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessManager.AccessManagerUnauthorizedAccount.selector, address(this), manager.ADMIN_ROLE()
            )
        );
        manager.grantRole(Roles.PARAMS, address(this), 0);
        vm.expectRevert(
            abi.encodeWithSelector(
                IAccessControl.AccessControlUnauthorizedAccount.selector, address(this), timelock.DEFAULT_ADMIN_ROLE()
            )
        );
        this.grantInTimelock();
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, address(this)));
        ve.setParameters(IVeVCAI.Parameters(5_000e18));
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, address(this)));
        ve.snapshot();
        vm.expectRevert(abi.encodeWithSelector(TimelockController.TimelockUnauthorizedCaller.selector, address(this)));
        timelock.updateDelay(0);
    }

    function grantInTimelock() external {
        timelock.grantRole(bytes32(0), alice);
    }

    /// @dev A lock that costs no time to vote with still costs its time to get back.
    function test_AMajorityBoughtOvernightIsHeldUpByTheDelayAndTheGuardian() public {
        _endow(dave);
        _lock(dave, RICHES, _week(208));
        uint256 id = _propose(dave, _call(address(token), hex"deadbeef"));
        _pass(7 days);
        governor.openVote(id);
        _vote(dave, id, IVCAIGovernor.Support.For);
        _pass(5 days);
        governor.queue(id);
        vm.prank(holder);
        guardian.cancel(id);
        _assertState(id, IVCAIGovernor.ProposalState.Cancelled);
        _pass(204 weeks);
        vm.expectRevert();
        _withdraw(dave);
    }

    /// @dev What the court does with an appeal: it proposes without weight, and reads the outcome from the state.
    function test_AnAppealOfTheCourtIsDecidedByTheVote() public {
        uint256 refused = _propose(court, _change());
        uint256 granted = _propose(court, _change());
        _pass(7 days);
        governor.openVote(refused);
        governor.openVote(granted);
        _vote(alice, refused, IVCAIGovernor.Support.For);
        _vote(alice, granted, IVCAIGovernor.Support.For);
        _vote(carol, granted, IVCAIGovernor.Support.For);
        _pass(5 days);
        _assertState(refused, IVCAIGovernor.ProposalState.Defeated);
        governor.queue(granted);
        _pass(DELAY);
        governor.execute(granted);
        _assertState(granted, IVCAIGovernor.ProposalState.Executed);
    }

    /// @dev The revenue of lockers goes on while everything else is voted on and paused.
    function test_RewardsAndExitsDoNotDependOnGovernance() public {
        vm.prank(buyback);
        ve.notify(86_400e18);
        uint256 id = _opened();
        vm.prank(holder);
        IGuardian(guardian).pause(address(module), 7 days);
        _pass(1 days);
        assertApproxEqAbs(ve.claim(alice) + ve.claim(bob) + ve.claim(carol), 86_400e18, 1e3);
        vm.warp(ve.timeOf(200));
        _withdraw(alice);
        assertGt(token.balanceOf(alice), RICHES);
        _assertState(id, IVCAIGovernor.ProposalState.Defeated);
    }
}
