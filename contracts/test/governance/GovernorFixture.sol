// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {Roles} from "../../src/Roles.sol";
import {Guardian} from "../../src/governance/Guardian.sol";
import {VCAIGovernor} from "../../src/governance/VCAIGovernor.sol";
import {IGuardian} from "../../src/interfaces/IGuardian.sol";
import {IVCAIGovernor} from "../../src/interfaces/IVCAIGovernor.sol";
import {IVeVCAI} from "../../src/interfaces/IVeVCAI.sol";
import {ExpiringPause} from "../../src/libraries/ExpiringPause.sol";
import {PausableModule} from "./mocks/PausableModule.sol";
import {VeFixture} from "./VeFixture.sol";

/// @dev The whole of governance as it is deployed: the timelock administers the access manager and itself, the governor
/// alone proposes and executes in it, the guardian cancels in it and pauses modules. Alice has 200, Bob 100, Carol 300
/// of root until week 200; Dave has none.
abstract contract GovernorFixture is VeFixture {
    uint256 internal constant DELAY = 2 days;

    TimelockController internal timelock;
    VCAIGovernor internal governor;
    Guardian internal guardian;
    PausableModule internal module;
    address internal dave = makeAddr("dave");
    address internal keeper = makeAddr("keeper");
    address internal holder = makeAddr("guardian's holder");
    address internal court = makeAddr("court");

    function setUp() public virtual override {
        super.setUp();
        timelock = new TimelockController(DELAY, new address[](0), new address[](0), address(this));
        governor = new VCAIGovernor(address(manager), ve, timelock, 7 days, _defaults());
        guardian = new Guardian(address(manager), governor, holder);
        module = new PausableModule(address(manager));
        timelock.grantRole(timelock.PROPOSER_ROLE(), address(governor));
        timelock.grantRole(timelock.EXECUTOR_ROLE(), address(governor));
        timelock.grantRole(timelock.CANCELLER_ROLE(), address(guardian));
        _open(address(ve), IVeVCAI.snapshot.selector, Roles.SNAPSHOT, address(governor));
        _open(address(ve), IVeVCAI.setParameters.selector, Roles.PARAMS, address(timelock));
        _open(address(governor), IVCAIGovernor.setParameters.selector, Roles.PARAMS, address(timelock));
        _open(address(governor), IVCAIGovernor.propose.selector, Roles.APPEALS, court);
        _open(address(guardian), IGuardian.setHolder.selector, Roles.PARAMS, address(timelock));
        _open(address(module), ExpiringPause.pause.selector, Roles.GUARDIAN, address(guardian));
        _open(address(module), ExpiringPause.unpause.selector, Roles.GUARDIAN, address(guardian));
        manager.revokeRole(Roles.PARAMS, dao);
        manager.revokeRole(Roles.SNAPSHOT, snapshooter);
        manager.grantRole(manager.ADMIN_ROLE(), address(timelock), 0);
        manager.renounceRole(manager.ADMIN_ROLE(), address(this));
        timelock.renounceRole(timelock.DEFAULT_ADMIN_ROLE(), address(this));
        _lock(alice, 40_000e18, 200);
        _lock(bob, 10_000e18, 200);
        _lock(carol, 90_000e18, 200);
    }

    function _defaults() internal pure returns (IVCAIGovernor.Parameters memory) {
        return IVCAIGovernor.Parameters({
            discussion: 7 days,
            openWindow: 14 days,
            voting: 5 days,
            queueWindow: 10 days,
            executeWindow: 12 days,
            proposerThreshold: 50e18
        });
    }

    function _call(address target, bytes memory data) internal pure returns (IVCAIGovernor.Call[] memory calls) {
        calls = new IVCAIGovernor.Call[](1);
        calls[0] = IVCAIGovernor.Call(target, 0, data);
    }

    /// @dev A change of the vote escrow's only parameter.
    function _change() internal view returns (IVCAIGovernor.Call[] memory) {
        return _call(address(ve), abi.encodeCall(IVeVCAI.setParameters, (IVeVCAI.Parameters(5_000e18))));
    }

    function _propose(address who, IVCAIGovernor.Call[] memory calls) internal returns (uint256) {
        vm.prank(who);
        return governor.propose(calls, "why");
    }

    function _proposed() internal returns (uint256) {
        return _propose(alice, _change());
    }

    function _opened() internal returns (uint256) {
        return _openedWith(_change());
    }

    function _openedWith(IVCAIGovernor.Call[] memory calls) internal returns (uint256 id) {
        id = _propose(alice, calls);
        _pass(7 days);
        vm.prank(keeper);
        governor.openVote(id);
    }

    function _vote(address who, uint256 id, IVCAIGovernor.Support support) internal {
        vm.prank(who);
        governor.castVote(id, support);
    }

    function _succeeded(IVCAIGovernor.Call[] memory calls) internal returns (uint256 id) {
        id = _openedWith(calls);
        _vote(alice, id, IVCAIGovernor.Support.For);
        _vote(carol, id, IVCAIGovernor.Support.For);
        _pass(5 days);
    }

    function _queuedWith(IVCAIGovernor.Call[] memory calls) internal returns (uint256 id) {
        id = _succeeded(calls);
        vm.prank(keeper);
        governor.queue(id);
    }

    function _executedWith(IVCAIGovernor.Call[] memory calls) internal returns (uint256 id) {
        id = _queuedWith(calls);
        _pass(DELAY);
        vm.prank(keeper);
        governor.execute(id);
    }

    function _assertState(uint256 id, IVCAIGovernor.ProposalState state) internal view {
        assertEq(uint8(governor.state(id)), uint8(state));
    }

    function _expectWrongState(uint256 id, IVCAIGovernor.ProposalState needed, IVCAIGovernor.ProposalState present)
        internal
    {
        vm.expectRevert(abi.encodeWithSelector(IVCAIGovernor.WrongState.selector, id, needed, present));
    }
}
