// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {Test} from "forge-std/Test.sol";
import {Roles} from "../../src/Roles.sol";
import {VeVCAI} from "../../src/governance/VeVCAI.sol";
import {IVCAIToken} from "../../src/interfaces/IVCAIToken.sol";
import {IVeVCAI} from "../../src/interfaces/IVeVCAI.sol";
import {VCAIToken} from "../../src/token/VCAIToken.sol";
import {Access} from "../utils/Access.sol";

/// @dev The vote escrow on the real token and access manager. Everyone named has a billion VCAI and has approved.
abstract contract VeFixture is Test {
    using Access for AccessManager;

    uint256 internal constant START = 1_800_000_000;
    uint256 internal constant WEEK = 7 days;
    uint256 internal constant TMAX = 126_230_400;
    uint256 internal constant LINEAR_BELOW = 10_000e18;
    uint256 internal constant RICHES = 1_000_000_000e18;

    AccessManager internal manager;
    VCAIToken internal token;
    VeVCAI internal ve;
    address internal alice;
    uint256 internal aliceKey;
    address internal bob = makeAddr("bob");
    address internal carol = makeAddr("carol");
    address internal buyback = makeAddr("buyback");
    address internal snapshooter = makeAddr("governor");
    address internal dao = makeAddr("dao");

    function setUp() public virtual {
        vm.warp(START);
        (alice, aliceKey) = makeAddrAndKey("alice");
        manager = new AccessManager(address(this));
        token = new VCAIToken(address(manager), address(this));
        IVCAIToken.Allocation[] memory all = new IVCAIToken.Allocation[](1);
        all[0] = IVCAIToken.Allocation(address(this), 10_000_000_000e18);
        token.mintGenesis(all);
        ve = new VeVCAI(address(manager), token, IVeVCAI.Parameters(LINEAR_BELOW));
        _open(address(ve), IVeVCAI.snapshot.selector, Roles.SNAPSHOT, snapshooter);
        _open(address(ve), IVeVCAI.notify.selector, Roles.NOTIFIER, buyback);
        _open(address(ve), IVeVCAI.setParameters.selector, Roles.PARAMS, dao);
        for (uint256 i = 0; i < 4; ++i) {
            _endow([alice, bob, carol, buyback][i]);
        }
    }

    function _open(address target, bytes4 selector, uint64 role, address member) internal {
        manager.open(target, selector, role);
        manager.grantRole(role, member, 0);
    }

    function _endow(address who) internal {
        token.transfer(who, RICHES);
        vm.prank(who);
        token.approve(address(ve), type(uint256).max);
    }

    function _now() internal view returns (uint256) {
        return vm.getBlockTimestamp();
    }

    function _pass(uint256 time) internal {
        vm.warp(_now() + time);
    }

    /// @dev To the first second of the week `ahead` weeks from now.
    function _toWeek(uint256 ahead) internal {
        vm.warp(ve.timeOf(ve.currentWeek() + ahead));
    }

    /// @dev The week that begins `ahead` weeks after the present one.
    function _week(uint256 ahead) internal view returns (uint256) {
        return ve.currentWeek() + ahead;
    }

    function _lock(address who, uint256 amount, uint256 week) internal {
        vm.prank(who);
        ve.lock(amount, week);
    }

    function _withdraw(address who) internal {
        vm.prank(who);
        ve.withdraw();
    }

    function _notify(uint256 amount) internal {
        vm.prank(buyback);
        ve.notify(amount);
    }

    function _snapshot() internal returns (uint32) {
        vm.prank(snapshooter);
        return ve.snapshot();
    }

    function _setLinearBelow(uint256 amount) internal {
        vm.prank(dao);
        ve.setParameters(IVeVCAI.Parameters(amount));
    }

    function _left() internal view returns (uint256 left) {
        (left,,) = ve.stream();
    }

    function _finish() internal view returns (uint256 finish) {
        (,, finish) = ve.stream();
    }
}
