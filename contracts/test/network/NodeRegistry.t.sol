// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Deployment} from "../../script/Deployment.sol";
import {NodeRegistry} from "../../src/network/NodeRegistry.sol";
import {INodeRegistry} from "../../src/interfaces/INodeRegistry.sol";
import {Role} from "../../src/types/Types.sol";
import {Fixture} from "../utils/Fixture.sol";

contract NodeRegistryTest is Fixture {
    address private slasher = makeAddr("slasher");

    function setUp() public override {
        super.setUp();
        manager.grantRole(Deployment.SETTLEMENT_ROLE, slasher, 0);
    }

    function test_Register_StoresClaimsAndPullsStake() public {
        vm.expectEmit(address(registry));
        emit INodeRegistry.Registered(node.addr, Role.Compute, _registration(Role.Compute, 0).kind, 150e6);
        _register(node, Role.Compute, 150e6);
        INodeRegistry.Node memory stored = registry.nodeOf(node.addr);
        assertEq(stored.registeredAt, START);
        assertEq(stored.gpuCount, 2);
        assertEq(stored.vramMib, 98_304);
        assertEq(stored.region, "eu-central");
        assertEq(stored.endpointKey, keccak256("endpoint"));
        assertEq(stored.didDocumentUri, "https://node.example/did.json");
        assertEq(stored.stake, 150e6);
        assertEq(stable.balanceOf(address(registry)), 150e6);
        assertTrue(registry.isActive(node.addr, Role.Compute));
        assertFalse(registry.isActive(node.addr, Role.Scheduler));
    }

    function test_RevertWhen_RegisteredTwice() public {
        _register(node, Role.Compute, 100e6);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.AlreadyRegistered.selector, node.addr));
        _register(node, Role.Verifier, 100e6);
    }

    function test_RevertWhen_StakeIsBelowMinimum() public {
        vm.expectRevert(
            abi.encodeWithSelector(INodeRegistry.StakeBelowMinimum.selector, Role.Scheduler, 1_000e6, 1_000e6 - 1)
        );
        _register(scheduler, Role.Scheduler, 1_000e6 - 1);
    }

    function test_RevertWhen_UriIsTooLong() public {
        INodeRegistry.Registration memory registration = _registration(Role.Compute, 100e6);
        registration.didDocumentUri = string(new bytes(513));
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.UriTooLong.selector, 512, 513));
        vm.prank(node.addr);
        registry.register(registration);
    }

    function test_RevertWhen_AllowanceIsMissing() public {
        vm.prank(node.addr);
        stable.approve(address(registry), 0);
        vm.expectRevert();
        _register(node, Role.Compute, 100e6);
    }

    function test_Update_ReplacesClaims() public {
        _register(node, Role.Compute, 100e6);
        vm.startPrank(node.addr);
        registry.updateHardware("other", 8, 196_608);
        registry.updateEndpoint("asia", keccak256("key 2"), "");
        vm.stopPrank();
        INodeRegistry.Node memory stored = registry.nodeOf(node.addr);
        assertEq(stored.gpuModel, "other");
        assertEq(stored.gpuCount, 8);
        assertEq(stored.vramMib, 196_608);
        assertEq(stored.region, "asia");
        assertEq(stored.endpointKey, keccak256("key 2"));
        assertEq(stored.didDocumentUri, "");
    }

    function test_RevertWhen_StrangerUpdates() public {
        bytes memory expected = abi.encodeWithSelector(INodeRegistry.NotRegistered.selector, client.addr);
        vm.startPrank(client.addr);
        vm.expectRevert(expected);
        registry.updateHardware("x", 1, 1);
        vm.expectRevert(expected);
        registry.updateEndpoint("x", "y", "");
        vm.expectRevert(expected);
        registry.topUp(1);
        vm.expectRevert(expected);
        registry.requestUnbond(1);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NothingUnbonding.selector, client.addr));
        registry.withdrawUnbonded();
    }

    function test_RevertWhen_AmountIsZero() public {
        _register(node, Role.Compute, 100e6);
        bytes memory expected = abi.encodeWithSelector(INodeRegistry.AmountIsZero.selector, node.addr);
        vm.startPrank(node.addr);
        vm.expectRevert(expected);
        registry.topUp(0);
        vm.expectRevert(expected);
        registry.requestUnbond(0);
    }

    function test_Unbond_PaysAfterTheDelayAndNotASecondBefore() public {
        _register(node, Role.Compute, 150e6);
        vm.startPrank(node.addr);
        registry.requestUnbond(50e6);
        assertTrue(registry.isActive(node.addr, Role.Compute));
        vm.warp(START + 7 days - 1);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.StillUnbonding.selector, node.addr, START + 7 days));
        registry.withdrawUnbonded();
        vm.warp(START + 7 days);
        registry.withdrawUnbonded();
        assertEq(stable.balanceOf(node.addr), FUNDS - 100e6);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NothingUnbonding.selector, node.addr));
        registry.withdrawUnbonded();
    }

    function test_Unbond_SecondRequestRestartsTheDelay() public {
        _register(node, Role.Compute, 150e6);
        vm.startPrank(node.addr);
        registry.requestUnbond(10e6);
        vm.warp(START + 6 days);
        registry.requestUnbond(10e6);
        vm.warp(START + 7 days);
        vm.expectRevert();
        registry.withdrawUnbonded();
        vm.warp(START + 13 days);
        registry.withdrawUnbonded();
        assertEq(stable.balanceOf(node.addr), FUNDS - 130e6);
    }

    function test_RevertWhen_UnbondingMoreThanTheStake() public {
        _register(node, Role.Compute, 100e6);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.StakeTooLow.selector, node.addr, 100e6, 100e6 + 1));
        vm.prank(node.addr);
        registry.requestUnbond(100e6 + 1);
    }

    function test_IsActive_EndsBelowTheMinimumAndReturnsWithTopUp() public {
        _register(node, Role.Compute, 100e6);
        vm.startPrank(node.addr);
        registry.requestUnbond(1);
        assertFalse(registry.isActive(node.addr, Role.Compute));
        registry.topUp(1);
        assertTrue(registry.isActive(node.addr, Role.Compute));
    }

    function test_IsActive_IsFalseWhenLeavingAltogetherEvenWithoutMinimum() public {
        _register(node, Role.Compute, 100e6);
        registry.setParameters(INodeRegistry.Parameters(0, 0, 0, 7 days));
        vm.prank(node.addr);
        registry.requestUnbond(100e6);
        assertFalse(registry.isActive(node.addr, Role.Compute));
    }

    function test_Ban_IsTakenBackOnAppeal() public {
        _register(node, Role.Compute, 100e6);
        registry.ban(node.addr);
        assertFalse(registry.isActive(node.addr, Role.Compute));
        registry.unban(node.addr);
        assertTrue(registry.isActive(node.addr, Role.Compute));
    }

    function test_Slash_TakesStakeFirstThenUnbonding() public {
        _register(node, Role.Compute, 100e6);
        vm.prank(node.addr);
        registry.requestUnbond(60e6);
        vm.startPrank(slasher);
        assertEq(registry.slash(node.addr, 50e6, treasury), 50e6);
        (uint128 active, uint128 unbonding) = registry.stakeOf(node.addr);
        assertEq(active, 0);
        assertEq(unbonding, 50e6);
        assertEq(registry.slash(node.addr, 1_000e6, treasury), 50e6);
        assertEq(registry.slash(node.addr, 1, treasury), 0);
        assertEq(stable.balanceOf(treasury), 100e6);
        vm.stopPrank();
        vm.warp(START + 8 days);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NothingUnbonding.selector, node.addr));
        vm.prank(node.addr);
        registry.withdrawUnbonded();
    }

    function test_RevertWhen_StrangerUsesRestrictedFunctions() public {
        bytes memory expected = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, client.addr);
        vm.startPrank(client.addr);
        vm.expectRevert(expected);
        registry.slash(node.addr, 1, client.addr);
        vm.expectRevert(expected);
        registry.ban(node.addr);
        vm.expectRevert(expected);
        registry.unban(node.addr);
        vm.expectRevert(expected);
        registry.setParameters(INodeRegistry.Parameters(0, 0, 0, 0));
    }

    function test_SetParameters_AppliesAndBoundsTheDelay() public {
        registry.setParameters(INodeRegistry.Parameters(1, 2, 3, 4));
        assertEq(registry.minimumStake(Role.Compute), 1);
        assertEq(registry.minimumStake(Role.Scheduler), 2);
        assertEq(registry.minimumStake(Role.Verifier), 3);
        assertEq(registry.unbondingDelay(), 4);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.DelayTooLong.selector, 90 days, 90 days + 1));
        registry.setParameters(INodeRegistry.Parameters(0, 0, 0, 90 days + 1));
    }

    function test_RevertWhen_TokenIsNotAContract() public {
        INodeRegistry.Parameters memory parameters = Deployment.defaultRegistryParameters();
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.TokenIsNotAContract.selector, client.addr));
        new NodeRegistry(address(manager), IERC20(client.addr), parameters);
    }

    function test_LinkHello_DigestDependsOnChain() public {
        bytes32 digest = registry.linkHelloDigest(node.addr, 0, keccak256("challenge"), 1);
        bytes32 separator = registry.domainSeparator();
        vm.chainId(5);
        assertNotEq(registry.linkHelloDigest(node.addr, 0, keccak256("challenge"), 1), digest);
        assertNotEq(registry.domainSeparator(), separator);
    }

    function testFuzz_Slash_NeverTakesMoreThanThereIs(uint128 stake, uint128 out, uint128 amount) public {
        stake = uint128(bound(stake, 100e6, FUNDS));
        out = uint128(bound(out, 1, stake));
        _register(node, Role.Compute, stake);
        vm.prank(node.addr);
        registry.requestUnbond(out);
        vm.prank(slasher);
        uint128 taken = registry.slash(node.addr, amount, treasury);
        assertEq(taken, amount < stake ? amount : stake);
        (uint128 active, uint128 unbonding) = registry.stakeOf(node.addr);
        assertEq(uint256(active) + unbonding + taken, stake);
        assertEq(stable.balanceOf(address(registry)), uint256(active) + unbonding);
    }
}
