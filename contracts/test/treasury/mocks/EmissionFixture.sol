// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {Test} from "forge-std/Test.sol";
import {Roles} from "../../../src/Roles.sol";
import {IIncentiveController} from "../../../src/interfaces/IIncentiveController.sol";
import {IIncentiveVault} from "../../../src/interfaces/IIncentiveVault.sol";
import {INodeRegistry} from "../../../src/interfaces/INodeRegistry.sol";
import {IRewardRoots} from "../../../src/interfaces/IRewardRoots.sol";
import {IUtilization} from "../../../src/interfaces/IUtilization.sol";
import {Category, Release, Round} from "../../../src/interfaces/IVestingVault.sol";
import {ExpiringPause} from "../../../src/libraries/ExpiringPause.sol";
import {VestingVault} from "../../../src/token/VestingVault.sol";
import {IncentiveController} from "../../../src/treasury/IncentiveController.sol";
import {RewardRoots} from "../../../src/treasury/RewardRoots.sol";
import {Tree} from "../../utils/Tree.sol";
import {MockRegistry, MockToken, MockUnits} from "./Mocks.sol";
import {Access} from "../../utils/Access.sol";

/// @dev Reward roots, incentive controller and the real vault, all from the same second on. This contract is the DAO
/// and may fund rewards.
abstract contract EmissionFixture is Test {
    using Access for AccessManager;

    uint40 internal constant START = 1_795_341_600;
    uint256 internal constant POOL = 2_000_000_000e18;
    uint256 internal constant WEEKLY = 3_831_417e18;
    uint96 internal constant POST_BOND = 1_000e18;
    uint96 internal constant DISPUTE_BOND = 400e18;
    uint40 internal constant DELAY = 6 hours;

    AccessManager internal manager;
    MockToken internal vcai;
    MockRegistry internal registry;
    MockUnits internal units;
    VestingVault internal vault;
    RewardRoots internal roots;
    IncentiveController internal controller;
    address internal treasury;
    address internal poster = makeAddr("poster");
    address internal challenger = makeAddr("challenger");
    address internal stranger = makeAddr("stranger");

    function setUp() public virtual {
        vm.warp(START);
        manager = new AccessManager(address(this));
        vcai = _makeToken();
        registry = new MockRegistry();
        units = new MockUnits();
        treasury = address(new MockUnits());
        address authority = address(manager);
        vault = new VestingVault(authority, vcai, START, _rounds());
        vcai.mint(address(vault), 9_970_000_000e18);
        INodeRegistry nodes = INodeRegistry(address(registry));
        roots = new RewardRoots(authority, vcai, nodes, treasury, 1 minutes, _rootParameters());
        controller = _newController(START, 1 days);
        _wire();
        registry.set(poster, true);
        _deposit(poster, 10_000e18);
        _deposit(challenger, 10_000e18);
    }

    function _makeToken() internal virtual returns (MockToken) {
        return new MockToken();
    }

    function _newController(uint40 start, uint32 minimumPeriod) internal returns (IncentiveController) {
        IIncentiveVault from = IIncentiveVault(address(vault));
        IUtilization counted = IUtilization(address(units));
        return new IncentiveController(
            address(manager), vcai, from, counted, roots, start, minimumPeriod, _incentiveParameters()
        );
    }

    function _wire() private {
        _open(address(vault), VestingVault.releaseIncentive.selector, Roles.INCENTIVE);
        _open(address(roots), IRewardRoots.fund.selector, Roles.REWARD_FUNDER);
        _open(address(roots), IRewardRoots.reallocate.selector, Roles.PARAMS);
        _open(address(roots), IRewardRoots.decide.selector, Roles.PARAMS);
        _open(address(roots), IRewardRoots.setParameters.selector, Roles.PARAMS);
        _open(address(roots), ExpiringPause.pause.selector, Roles.GUARDIAN);
        _open(address(controller), IIncentiveController.grant.selector, Roles.PARAMS);
        _open(address(controller), IIncentiveController.setParameters.selector, Roles.PARAMS);
        _open(address(controller), ExpiringPause.pause.selector, Roles.GUARDIAN);
        manager.grantRole(Roles.INCENTIVE, address(controller), 0);
        manager.grantRole(Roles.REWARD_FUNDER, address(controller), 0);
        manager.grantRole(Roles.REWARD_FUNDER, address(this), 0);
        manager.grantRole(Roles.PARAMS, address(this), 0);
        manager.grantRole(Roles.GUARDIAN, address(this), 0);
    }

    function _open(address target, bytes4 selector, uint64 role) internal {
        manager.open(target, selector, role);
    }

    function _rounds() private pure returns (Round[] memory rounds) {
        rounds = new Round[](2);
        rounds[0] = Round("seed", Category.Private, 2_350_000_000e18, 514_885_000e18, 0, 12, Release.Monthly);
        rounds[1] = Round("public", Category.Public, 550_000_000e18, 170_005_000e18, 0, 12, Release.Monthly);
    }

    function _rootParameters() internal pure returns (IRewardRoots.Parameters memory) {
        return
            IRewardRoots.Parameters({delay: DELAY, winnerBps: 6_000, postBond: POST_BOND, disputeBond: DISPUTE_BOND});
    }

    function _incentiveParameters() internal pure returns (IIncentiveController.Parameters memory) {
        return IIncentiveController.Parameters({
            periodLength: 7 days, releaseShare: 1e18, gain: 0.1e18, target: 0.8e18, pocShare: 0.4e18
        });
    }

    function _deposit(address who, uint256 amount) internal {
        vcai.mint(who, amount);
        vm.startPrank(who);
        vcai.approve(address(roots), amount);
        roots.depositBond(amount);
        vm.stopPrank();
    }

    function _fund(IRewardRoots.Kind kind, uint256 amount) internal {
        vcai.mint(address(this), amount);
        vcai.approve(address(roots), amount);
        roots.fund(kind, amount);
    }

    function _account(uint256 i) internal pure returns (address) {
        return address(uint160(0xA000 + i));
    }

    /// @dev Leaves of accounts 0, 1, … with the given sums.
    function _leaves(IRewardRoots.Kind kind, uint256[] memory sums) internal view returns (bytes32[] memory leaves) {
        leaves = new bytes32[](sums.length);
        for (uint256 i = 0; i < sums.length; ++i) {
            leaves[i] = roots.leafOf(kind, _account(i), sums[i]);
        }
    }

    function _sums(uint256 a, uint256 b, uint256 c) internal pure returns (uint256[] memory sums) {
        sums = new uint256[](3);
        (sums[0], sums[1], sums[2]) = (a, b, c);
    }

    function _sum(uint256[] memory sums) internal pure returns (uint256 total) {
        for (uint256 i = 0; i < sums.length; ++i) {
            total += sums[i];
        }
    }

    /// @dev Posts the next root over these sums, honestly.
    function _post(IRewardRoots.Kind kind, uint256[] memory sums) internal returns (uint32 epoch) {
        return _postAs(poster, kind, Tree.root(_leaves(kind, sums)), _sum(sums));
    }

    function _postAs(address who, IRewardRoots.Kind kind, bytes32 root, uint256 total)
        internal
        returns (uint32 epoch)
    {
        epoch = roots.lineOf(kind).epoch + 1;
        vm.prank(who);
        roots.postRoot(kind, epoch, root, total, "ipfs://leaves");
    }

    function _dispute(IRewardRoots.Kind kind) internal returns (uint32 epoch) {
        epoch = roots.lineOf(kind).epoch;
        vm.prank(challenger);
        roots.dispute(kind, epoch, "wrong sums");
    }

    function _claim(IRewardRoots.Kind kind, uint256[] memory sums, uint256 i) internal returns (uint256) {
        return roots.claim(kind, _account(i), sums[i], Tree.proof(_leaves(kind, sums), i));
    }

    function _wait(uint256 time) internal {
        vm.warp(vm.getBlockTimestamp() + time);
    }
}
