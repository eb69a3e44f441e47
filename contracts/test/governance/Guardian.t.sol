// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {Guardian} from "../../src/governance/Guardian.sol";
import {IGuardian} from "../../src/interfaces/IGuardian.sol";
import {IVCAIGovernor} from "../../src/interfaces/IVCAIGovernor.sol";
import {ExpiringPause} from "../../src/libraries/ExpiringPause.sol";
import {GovernorFixture} from "./GovernorFixture.sol";

/// @dev What the guardian can do, that it ends by itself, and that it can do nothing else.
contract GuardianTest is GovernorFixture {
    function _expectNotHolder(address caller) private {
        vm.expectRevert(abi.encodeWithSelector(IGuardian.NotHolder.selector, holder, caller));
    }

    function test_PausesAModuleForATimeThatEndsByItself() public {
        vm.expectEmit(address(guardian));
        emit IGuardian.PausedModule(address(module), holder, 3 days);
        vm.prank(holder);
        guardian.pause(address(module), 3 days);
        vm.expectRevert(abi.encodeWithSelector(ExpiringPause.ModulePaused.selector, uint64(START + 3 days)));
        module.oblige();
        module.leave();
        vm.warp(START + 3 days - 1);
        vm.expectRevert(abi.encodeWithSelector(ExpiringPause.ModulePaused.selector, uint64(START + 3 days)));
        module.oblige();
        vm.warp(START + 3 days);
        module.oblige();
        assertEq(module.obligations(), 1);
        assertEq(module.exits(), 1);
    }

    function test_CannotPauseAgainBeforeTheCooldownNorForLonger() public {
        vm.startPrank(holder);
        vm.expectRevert(
            abi.encodeWithSelector(ExpiringPause.PauseTooLong.selector, uint64(7 days), uint64(7 days + 1))
        );
        guardian.pause(address(module), 7 days + 1);
        guardian.pause(address(module), 7 days);
        vm.warp(START + 21 days - 1);
        vm.expectRevert(abi.encodeWithSelector(ExpiringPause.PauseCoolingDown.selector, uint64(START + 21 days)));
        guardian.pause(address(module), 1);
        vm.warp(START + 21 days);
        guardian.pause(address(module), 1);
    }

    function test_EndsAPauseEarly() public {
        vm.startPrank(holder);
        guardian.pause(address(module), 3 days);
        vm.expectEmit(address(guardian));
        emit IGuardian.UnpausedModule(address(module), holder);
        guardian.unpause(address(module));
        module.oblige();
        vm.expectRevert(ExpiringPause.NotPaused.selector);
        guardian.unpause(address(module));
    }

    function test_CancelsAQueuedProposal() public {
        uint256 id = _queuedWith(_change());
        bytes32 operation = governor.operationOf(id);
        vm.expectEmit(address(guardian));
        emit IGuardian.CancelledProposal(id, operation, holder);
        vm.prank(holder);
        guardian.cancel(id);
        assertFalse(timelock.isOperation(operation));
        _assertState(id, IVCAIGovernor.ProposalState.Cancelled);
        _pass(DELAY);
        _expectWrongState(id, IVCAIGovernor.ProposalState.Executable, IVCAIGovernor.ProposalState.Cancelled);
        governor.execute(id);
        _expectWrongState(id, IVCAIGovernor.ProposalState.Succeeded, IVCAIGovernor.ProposalState.Cancelled);
        governor.queue(id);
        assertEq(ve.parameters().linearBelow, LINEAR_BELOW);
    }

    function test_CannotCancelWhatIsNotQueuedOrIsDone() public {
        uint256 id = _succeeded(_change());
        vm.startPrank(holder);
        vm.expectRevert(abi.encodeWithSelector(IGuardian.NotQueued.selector, id));
        guardian.cancel(id);
        vm.expectRevert(abi.encodeWithSelector(IVCAIGovernor.ProposalUnknown.selector, 42));
        guardian.cancel(42);
        vm.stopPrank();
        governor.queue(id);
        _pass(DELAY);
        governor.execute(id);
        vm.expectPartialRevert(TimelockController.TimelockUnexpectedOperationState.selector);
        vm.prank(holder);
        guardian.cancel(id);
    }

    function test_OnlyTheHolderMayUseIt() public {
        uint256 id = _queuedWith(_change());
        vm.startPrank(dave);
        _expectNotHolder(dave);
        guardian.pause(address(module), 1 days);
        _expectNotHolder(dave);
        guardian.unpause(address(module));
        _expectNotHolder(dave);
        guardian.cancel(id);
    }

    function test_TheDaoReplacesTheHolderAndTheHolderCannotCancelThat() public {
        uint256 id = _queuedWith(_call(address(guardian), abi.encodeCall(IGuardian.setHolder, (dave))));
        vm.expectRevert(abi.encodeWithSelector(IGuardian.ReplacementCannotBeCancelled.selector, id));
        vm.prank(holder);
        guardian.cancel(id);
        _pass(DELAY);
        vm.expectEmit(address(guardian));
        emit IGuardian.HolderChanged(holder, dave);
        governor.execute(id);
        assertEq(guardian.holder(), dave);
        vm.expectRevert(abi.encodeWithSelector(IGuardian.NotHolder.selector, dave, holder));
        vm.prank(holder);
        guardian.pause(address(module), 1 days);
        vm.prank(dave);
        guardian.pause(address(module), 1 days);
    }

    /// @dev Otherwise any attack would travel with a replacement of the guardian.
    function test_AReplacementThatComesWithSomethingElseCanBeCancelled() public {
        IVCAIGovernor.Call[] memory calls = new IVCAIGovernor.Call[](2);
        calls[0] = IVCAIGovernor.Call(address(guardian), 0, abi.encodeCall(IGuardian.setHolder, (dave)));
        calls[1] = _change()[0];
        _assertCancellable(calls);
        _assertCancellable(_call(address(ve), abi.encodeCall(IGuardian.setHolder, (dave))));
        _assertCancellable(_call(address(guardian), abi.encodeCall(IGuardian.cancel, (1))));
    }

    function _assertCancellable(IVCAIGovernor.Call[] memory calls) private {
        uint256 id = _queuedWith(calls);
        vm.prank(holder);
        guardian.cancel(id);
        _assertState(id, IVCAIGovernor.ProposalState.Cancelled);
    }

    function test_NobodyElseReplacesTheHolder() public {
        address[2] memory all = [holder, dave];
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, all[i]));
            vm.prank(all[i]);
            guardian.setHolder(dave);
        }
    }

    function test_KnowsItsGovernorAndRefusesOneThatIsNoContract() public {
        assertEq(address(guardian.governor()), address(governor));
        vm.expectEmit();
        emit IGuardian.HolderChanged(address(0), dave);
        assertEq(new Guardian(address(manager), governor, dave).holder(), dave);
        vm.expectRevert(abi.encodeWithSelector(IGuardian.GovernorIsNotAContract.selector, dave));
        this.deploy(dave);
    }

    /// @dev An external call, so that what it reverts with can be expected.
    function deploy(address governor_) external {
        new Guardian(address(manager), IVCAIGovernor(governor_), holder);
    }
}
