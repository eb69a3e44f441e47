// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {NodeRegistry} from "../../src/network/NodeRegistry.sol";
import {IVerifierSet} from "../../src/interfaces/IVerifierSet.sol";
import {INodeRegistry} from "../../src/interfaces/INodeRegistry.sol";
import {ExactPull} from "../../src/libraries/ExactPull.sol";
import {Kind, Role} from "../../src/types/Types.sol";
import {RegistryFixture} from "./RegistryFixture.sol";

contract NodeRegistryTest is RegistryFixture {
    address private treasury = makeAddr("treasury");

    function test_Register_StoresClaimsAndPullsStake() public {
        vm.expectEmit(address(registry));
        emit INodeRegistry.Registered(node, Role.Compute, Kind.Flexible, COMPUTE);
        vm.expectEmit(address(registry));
        emit INodeRegistry.HardwareUpdated(node, "RTX 4090", 1, 98_304);
        vm.expectEmit(address(registry));
        emit INodeRegistry.EndpointUpdated(node, "eu-central", keccak256("endpoint"), "https://node.example/did.json");
        _register(node, Role.Compute, COMPUTE);
        INodeRegistry.Node memory stored = registry.nodeOf(node);
        assertEq(uint8(stored.role), uint8(Role.Compute));
        assertEq(uint8(stored.kind), uint8(Kind.Flexible));
        assertFalse(stored.banned);
        assertEq(stored.registeredAt, START);
        assertEq(stored.gpuModel, "RTX 4090");
        assertEq(stored.gpuCount, 1);
        assertEq(stored.vramMib, 98_304);
        assertEq(stored.region, "eu-central");
        assertEq(stored.endpointKey, keccak256("endpoint"));
        assertEq(stored.didDocumentHash, bytes12(keccak256("https://node.example/did.json")));
        assertEq(stored.stake, COMPUTE);
        assertEq(stored.unbonding, 0);
        assertEq(stored.unbondAt, 0);
        assertEq(stored.suspendedUntil, 0);
        assertEq(stored.heldUntil, 0);
        assertEq(vcai.balanceOf(address(registry)), COMPUTE);
        assertEq(vcai.balanceOf(node), FUNDS - COMPUTE);
        assertTrue(registry.isActive(node, Role.Compute));
        assertFalse(registry.isActive(node, Role.Scheduler));
        assertFalse(registry.isActive(node, Role.Verifier));
        assertFalse(registry.isActive(stranger, Role.Compute));
    }

    function test_Register_KeepsRoleAndKindOfAStableScheduler() public {
        INodeRegistry.Registration memory registration = _registration(Role.Scheduler, SCHEDULER);
        registration.kind = Kind.Stable;
        vm.prank(node);
        registry.register(registration);
        assertEq(uint8(registry.nodeOf(node).role), uint8(Role.Scheduler));
        assertEq(uint8(registry.nodeOf(node).kind), uint8(Kind.Stable));
        assertTrue(registry.isActive(node, Role.Scheduler));
    }

    function test_RevertWhen_RegisteredTwice() public {
        _register(node, Role.Compute, COMPUTE);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.AlreadyRegistered.selector, node));
        _register(node, Role.Verifier, COMPUTE);
    }

    function test_RevertWhen_RegisteredAgainAfterTakingEverythingOut() public {
        _register(node, Role.Compute, COMPUTE);
        vm.startPrank(node);
        registry.requestUnbond(COMPUTE);
        vm.warp(START + 7 days);
        registry.withdrawUnbonded();
        vm.stopPrank();
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.AlreadyRegistered.selector, node));
        _register(node, Role.Compute, COMPUTE);
    }

    function test_RevertWhen_StakeIsBelowMinimum() public {
        vm.expectRevert(
            abi.encodeWithSelector(INodeRegistry.StakeBelowMinimum.selector, Role.Scheduler, SCHEDULER, SCHEDULER - 1)
        );
        _register(node, Role.Scheduler, SCHEDULER - 1);
    }

    function test_RevertWhen_UriIsTooLong() public {
        INodeRegistry.Registration memory registration = _registration(Role.Compute, COMPUTE);
        registration.didDocumentUri = string(new bytes(513));
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.UriTooLong.selector, 512, 513));
        vm.prank(node);
        registry.register(registration);
        registration.didDocumentUri = string(new bytes(512));
        vm.prank(node);
        registry.register(registration);
        assertEq(registry.nodeOf(node).didDocumentHash, bytes12(keccak256(new bytes(512))));
    }

    function test_RevertWhen_TheRegionIsTooLong() public {
        INodeRegistry.Registration memory registration = _registration(Role.Compute, COMPUTE);
        registration.region = "123456789012345678901";
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.RegionTooLong.selector, 20, registration.region));
        vm.prank(node);
        registry.register(registration);
        registration.region = "12345678901234567890";
        vm.prank(node);
        registry.register(registration);
        assertEq(registry.nodeOf(node).region, registration.region);
    }

    function test_RevertWhen_AllowanceIsMissing() public {
        vm.prank(node);
        vcai.approve(address(registry), COMPUTE - 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientAllowance.selector, address(registry), COMPUTE - 1, COMPUTE
            )
        );
        _register(node, Role.Compute, COMPUTE);
    }

    function test_RevertWhen_TheTokenKeepsAFee() public {
        vcai.setFee(1);
        vm.expectRevert(abi.encodeWithSelector(ExactPull.TransferMismatch.selector, COMPUTE, COMPUTE - 1));
        _register(node, Role.Compute, COMPUTE);
        vcai.setFee(0);
        _register(node, Role.Compute, COMPUTE);
        vcai.setFee(1);
        vm.expectRevert(abi.encodeWithSelector(ExactPull.TransferMismatch.selector, 5, 4));
        vm.prank(node);
        registry.topUp(5);
    }

    function test_RevertWhen_TheTokenReentersAWithdrawal() public {
        _register(node, Role.Compute, COMPUTE);
        vm.startPrank(node);
        registry.requestUnbond(COMPUTE);
        vm.warp(START + 7 days);
        vcai.callBack(address(registry), abi.encodeCall(INodeRegistry.withdrawUnbonded, ()));
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NothingUnbonding.selector, address(vcai)));
        registry.withdrawUnbonded();
    }

    function test_Update_ReplacesClaims() public {
        _register(node, Role.Compute, COMPUTE);
        vm.startPrank(node);
        vm.expectEmit(address(registry));
        emit INodeRegistry.HardwareUpdated(node, "other", 8, 196_608);
        registry.updateHardware("other", 8, 196_608);
        vm.expectEmit(address(registry));
        emit INodeRegistry.EndpointUpdated(node, "asia", keccak256("key 2"), "");
        registry.updateEndpoint("asia", keccak256("key 2"), "");
        vm.stopPrank();
        INodeRegistry.Node memory stored = registry.nodeOf(node);
        assertEq(stored.gpuModel, "other");
        assertEq(stored.gpuCount, 8);
        assertEq(stored.vramMib, 196_608);
        assertEq(stored.region, "asia");
        assertEq(stored.endpointKey, keccak256("key 2"));
        assertEq(stored.didDocumentHash, bytes12(keccak256("")));
        assertEq(stored.stake, COMPUTE);
        assertEq(stored.registeredAt, START);
    }

    function test_RevertWhen_StrangerUpdates() public {
        bytes memory expected = abi.encodeWithSelector(INodeRegistry.NotRegistered.selector, stranger);
        vm.startPrank(stranger);
        vm.expectRevert(expected);
        registry.updateHardware("x", 1, 1);
        vm.expectRevert(expected);
        registry.updateEndpoint("x", "y", "");
        vm.expectRevert(expected);
        registry.topUp(1);
        vm.expectRevert(expected);
        registry.requestUnbond(1);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NothingUnbonding.selector, stranger));
        registry.withdrawUnbonded();
        vm.stopPrank();
        vm.expectRevert(expected);
        vm.prank(court);
        registry.restore(stranger, 1, 0);
    }

    function test_RevertWhen_AmountIsZero() public {
        _register(node, Role.Compute, COMPUTE);
        bytes memory expected = abi.encodeWithSelector(INodeRegistry.AmountIsZero.selector, node);
        vm.startPrank(node);
        vm.expectRevert(expected);
        registry.topUp(0);
        vm.expectRevert(expected);
        registry.requestUnbond(0);
    }

    function test_TopUp_AddsToTheStake() public {
        _register(node, Role.Compute, COMPUTE);
        vm.expectEmit(address(registry));
        emit INodeRegistry.StakeAdded(node, 7, COMPUTE + 7);
        vm.prank(node);
        registry.topUp(7);
        assertEq(registry.nodeOf(node).stake, COMPUTE + 7);
        assertEq(vcai.balanceOf(address(registry)), COMPUTE + 7);
    }

    function test_Unbond_PaysAfterTheDelayAndNotASecondBefore() public {
        _register(node, Role.Compute, COMPUTE + 50);
        vm.startPrank(node);
        vm.expectEmit(address(registry));
        emit INodeRegistry.UnbondRequested(node, 50, 50, START + 7 days);
        registry.requestUnbond(50);
        assertTrue(registry.isActive(node, Role.Compute));
        vm.warp(START + 7 days - 1);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.StillUnbonding.selector, node, START + 7 days));
        registry.withdrawUnbonded();
        vm.warp(START + 7 days);
        vm.expectEmit(address(registry));
        emit INodeRegistry.Unbonded(node, 50);
        registry.withdrawUnbonded();
        assertEq(vcai.balanceOf(node), FUNDS - COMPUTE);
        assertEq(registry.nodeOf(node).unbonding, 0);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NothingUnbonding.selector, node));
        registry.withdrawUnbonded();
    }

    function test_Unbond_SecondRequestRestartsTheDelay() public {
        _register(node, Role.Compute, COMPUTE + 50);
        vm.startPrank(node);
        registry.requestUnbond(10);
        vm.warp(START + 6 days);
        registry.requestUnbond(11);
        vm.warp(START + 13 days - 1);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.StillUnbonding.selector, node, START + 13 days));
        registry.withdrawUnbonded();
        vm.warp(START + 13 days);
        registry.withdrawUnbonded();
        assertEq(vcai.balanceOf(node), FUNDS - COMPUTE - 29);
    }

    function test_RevertWhen_UnbondingMoreThanTheStake() public {
        _register(node, Role.Compute, COMPUTE);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.StakeTooLow.selector, node, COMPUTE, COMPUTE + 1));
        vm.prank(node);
        registry.requestUnbond(COMPUTE + 1);
    }

    function test_IsActive_EndsBelowTheMinimumAndReturnsWithTopUp() public {
        _register(node, Role.Compute, COMPUTE);
        vm.startPrank(node);
        registry.requestUnbond(1);
        assertFalse(registry.isActive(node, Role.Compute));
        registry.topUp(1);
        assertTrue(registry.isActive(node, Role.Compute));
    }

    function test_IsActive_IsFalseWhenLeavingAltogetherEvenWithoutMinimum() public {
        INodeRegistry.Parameters memory free = _parameters();
        free.computeUsd = 0;
        registry.setParameters(free);
        _register(node, Role.Compute, 5);
        vm.prank(node);
        registry.requestUnbond(5);
        assertFalse(registry.isActive(node, Role.Compute));
        address other = makeAddr("other");
        _register(other, Role.Compute, 0);
        assertTrue(registry.isActive(other, Role.Compute));
    }

    function test_Ban_KeepsOutForGoodUntilAnAppeal() public {
        _register(node, Role.Compute, COMPUTE);
        vm.expectEmit(address(registry));
        emit INodeRegistry.BanChanged(node, true);
        vm.prank(court);
        registry.ban(node);
        assertFalse(registry.isActive(node, Role.Compute));
        assertTrue(registry.isBarred(node));
        assertTrue(registry.nodeOf(node).banned);
        bytes memory expected = abi.encodeWithSelector(INodeRegistry.IdentityBanned.selector, node);
        vm.expectRevert(expected);
        _register(node, Role.Compute, COMPUTE);
        vm.expectRevert(expected);
        vm.prank(node);
        registry.topUp(1);
        vm.expectEmit(address(registry));
        emit INodeRegistry.BanChanged(node, false);
        vm.prank(court);
        registry.unban(node);
        assertTrue(registry.isActive(node, Role.Compute));
        assertFalse(registry.isBarred(node));
    }

    function test_Ban_StopsAnIdentityThatNeverRegistered() public {
        vm.prank(court);
        registry.ban(node);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.IdentityBanned.selector, node));
        _register(node, Role.Compute, COMPUTE);
        vm.prank(court);
        registry.unban(node);
        _register(node, Role.Compute, COMPUTE);
    }

    function test_Ban_LeavesWhatIsNotSlashedToItsOwner() public {
        _register(node, Role.Compute, COMPUTE);
        vm.prank(court);
        registry.ban(node);
        vm.startPrank(node);
        registry.requestUnbond(COMPUTE);
        vm.warp(START + 7 days);
        registry.withdrawUnbonded();
        assertEq(vcai.balanceOf(node), FUNDS);
    }

    function test_Suspend_EndsByItselfToTheSecond() public {
        _register(node, Role.Compute, COMPUTE);
        vm.expectEmit(address(registry));
        emit INodeRegistry.SuspensionChanged(node, START + 10 days);
        vm.prank(court);
        registry.suspend(node, START + 10 days);
        assertEq(registry.nodeOf(node).suspendedUntil, START + 10 days);
        assertFalse(registry.isActive(node, Role.Compute));
        assertTrue(registry.isBarred(node));
        vm.warp(START + 10 days - 1);
        assertFalse(registry.isActive(node, Role.Compute));
        vm.warp(START + 10 days);
        assertTrue(registry.isActive(node, Role.Compute));
        assertFalse(registry.isBarred(node));
    }

    function test_Hold_DelaysAWithdrawalButNotForEver() public {
        _register(node, Role.Compute, COMPUTE);
        vm.prank(node);
        registry.requestUnbond(10);
        vm.expectEmit(address(registry));
        emit INodeRegistry.HoldChanged(node, START + 9 days);
        vm.prank(court);
        registry.hold(node, START + 9 days);
        assertEq(registry.nodeOf(node).heldUntil, START + 9 days);
        vm.warp(START + 9 days - 1);
        vm.startPrank(node);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.UnbondingHeld.selector, node, START + 9 days));
        registry.withdrawUnbonded();
        vm.stopPrank();
        vm.prank(court);
        registry.hold(node, START + 99 days);
        vm.warp(START + 37 days - 1);
        vm.startPrank(node);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.UnbondingHeld.selector, node, START + 37 days));
        registry.withdrawUnbonded();
        vm.warp(START + 37 days);
        registry.withdrawUnbonded();
        assertEq(vcai.balanceOf(node), FUNDS - COMPUTE + 10);
    }

    function test_Hold_LetsGoAtOnce() public {
        _register(node, Role.Compute, COMPUTE);
        vm.prank(node);
        registry.requestUnbond(10);
        vm.startPrank(court);
        registry.hold(node, START + 9 days);
        registry.hold(node, 0);
        vm.stopPrank();
        vm.warp(START + 7 days);
        vm.prank(node);
        registry.withdrawUnbonded();
        assertEq(vcai.balanceOf(node), FUNDS - COMPUTE + 10);
    }

    function test_Slash_TakesStakeFirstThenUnbonding() public {
        _register(node, Role.Compute, COMPUTE);
        vm.prank(node);
        registry.requestUnbond(COMPUTE - 100);
        vm.startPrank(court);
        vm.expectEmit(address(registry));
        emit INodeRegistry.StakeSlashed(node, treasury, 150, 150);
        assertEq(registry.slash(node, 150, treasury), 150);
        (uint128 active, uint128 unbonding) = registry.stakeOf(node);
        assertEq(active, 0);
        assertEq(unbonding, COMPUTE - 150);
        assertEq(registry.slash(node, COMPUTE, treasury), COMPUTE - 150);
        vm.expectEmit(address(registry));
        emit INodeRegistry.StakeSlashed(node, treasury, 1, 0);
        assertEq(registry.slash(node, 1, treasury), 0);
        assertEq(vcai.balanceOf(treasury), COMPUTE);
        vm.stopPrank();
        vm.warp(START + 8 days);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.NothingUnbonding.selector, node));
        vm.prank(node);
        registry.withdrawUnbonded();
    }

    function test_Restore_GivesBothPartsBack() public {
        _register(node, Role.Compute, COMPUTE);
        vm.prank(node);
        registry.requestUnbond(100);
        vm.startPrank(court);
        registry.slash(node, COMPUTE, court);
        vm.expectEmit(address(registry));
        emit INodeRegistry.StakeRestored(node, COMPUTE - 100, 100);
        registry.restore(node, COMPUTE - 100, 100);
        vm.stopPrank();
        (uint128 active, uint128 unbonding) = registry.stakeOf(node);
        assertEq(active, COMPUTE - 100);
        assertEq(unbonding, 100);
        assertEq(vcai.balanceOf(court), FUNDS);
        assertEq(vcai.balanceOf(address(registry)), COMPUTE);
        vm.warp(START + 7 days);
        vm.prank(node);
        registry.withdrawUnbonded();
        assertEq(vcai.balanceOf(node), FUNDS - COMPUTE + 100);
    }

    function test_RevertWhen_StrangerUsesRestrictedFunctions() public {
        bytes memory expected = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger);
        vm.startPrank(stranger);
        vm.expectRevert(expected);
        registry.slash(node, 1, stranger);
        vm.expectRevert(expected);
        registry.restore(node, 1, 1);
        vm.expectRevert(expected);
        registry.suspend(node, 1);
        vm.expectRevert(expected);
        registry.hold(node, 1);
        vm.expectRevert(expected);
        registry.ban(node);
        vm.expectRevert(expected);
        registry.unban(node);
        vm.expectRevert(expected);
        registry.setParameters(_parameters());
        vm.expectRevert(expected);
        registry.setSources(sources, sources);
        vm.expectRevert(expected);
        registry.setAdmission(IVerifierSet(address(0)));
        vm.expectRevert(expected);
        registry.setClassOf(_one("x"), 0);
        vm.expectRevert(expected);
        registry.setClassUsd(1, 1);
    }

    function test_RevertWhen_TokenIsNotAContract() public {
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.TokenIsNotAContract.selector, stranger));
        this.deploy(IERC20(stranger));
    }

    /// @dev A call of its own, so that a revert of the constructor ends the call and not the test.
    function deploy(IERC20 token) external {
        new NodeRegistry(address(manager), token, _parameters(), RATE);
    }

    function test_LinkHello_DigestDependsOnChain() public {
        bytes32 digest = registry.linkHelloDigest(node, 0, keccak256("challenge"), 1);
        bytes32 separator = registry.domainSeparator();
        assertNotEq(registry.linkHelloDigest(node, 1, keccak256("challenge"), 1), digest);
        vm.chainId(5);
        assertNotEq(registry.linkHelloDigest(node, 0, keccak256("challenge"), 1), digest);
        assertNotEq(registry.domainSeparator(), separator);
    }

    function testFuzz_Slash_NeverTakesMoreThanThereIs(uint128 stake, uint128 out, uint128 amount) public {
        stake = uint128(bound(stake, COMPUTE, FUNDS));
        out = uint128(bound(out, 1, stake));
        _register(node, Role.Compute, stake);
        vm.prank(node);
        registry.requestUnbond(out);
        vm.prank(court);
        uint128 taken = registry.slash(node, amount, treasury);
        assertEq(taken, amount < stake ? amount : stake);
        (uint128 active, uint128 unbonding) = registry.stakeOf(node);
        assertEq(uint256(active) + unbonding + taken, stake);
        assertEq(vcai.balanceOf(address(registry)), uint256(active) + unbonding);
    }
}
