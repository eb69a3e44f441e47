// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {NodeRegistry} from "../../src/network/NodeRegistry.sol";
import {IIncentive} from "../../src/interfaces/IIncentive.sol";
import {INodeRegistry} from "../../src/interfaces/INodeRegistry.sol";
import {IPriceOracle} from "../../src/interfaces/IPriceOracle.sol";
import {Role} from "../../src/types/Types.sol";
import {RegistryFixture} from "./RegistryFixture.sol";
import {Sources} from "./mocks/Sources.sol";

contract StakeRequirementTest is RegistryFixture {
    uint8 private constant LARGE = 4;

    function test_Constructor_StartsAtTheGivenRate() public view {
        (uint256 rate, uint256 previous, uint64 nextAt) = registry.rates();
        assertEq(rate, RATE);
        assertEq(previous, RATE);
        assertEq(nextAt, 0);
        assertEq(registry.minimumStake(Role.Compute), COMPUTE);
        assertEq(registry.minimumStake(Role.Scheduler), SCHEDULER);
        assertEq(registry.minimumStake(Role.Verifier), COMPUTE);
        assertEq(registry.requirementOf(Role.Scheduler, 0), SCHEDULER);
        assertEq(registry.requirementOf(Role.Compute, 9), 0);
        assertEq(registry.unbondingDelay(), 7 days);
        assertEq(address(registry.oracle()), address(sources));
        assertEq(address(registry.incentive()), address(sources));
    }

    function test_RevertWhen_TheFirstRateIsTooLow() public {
        vm.expectRevert(_outOfRange("stakePerUsd", 999, 1_000, type(uint96).max));
        this.deploy(999);
        this.deploy(1_000);
    }

    /// @dev A call of its own, so that a revert of the constructor ends the call and not the test.
    function deploy(uint96 rate) external {
        new NodeRegistry(address(manager), vcai, _parameters(), rate);
    }

    function test_Recompute_LeavesTheRateAtHalfUtilizationAndTheSamePrice() public {
        vm.expectEmit(address(registry));
        emit INodeRegistry.RequirementsRecomputed(RATE, RATE, RATE, 0.5e18);
        registry.recomputeRequirements();
        (uint256 rate, uint256 previous, uint64 nextAt) = registry.rates();
        assertEq(rate, RATE);
        assertEq(previous, RATE);
        assertEq(nextAt, START + 7 days);
    }

    function test_Recompute_FollowsUtilization() public {
        sources.setUtilization(0.6e18);
        registry.recomputeRequirements();
        assertEq(registry.minimumStake(Role.Compute), COMPUTE * 110 / 100);
        vm.warp(START + 7 days);
        sources.setUtilization(0.3e18);
        registry.recomputeRequirements();
        assertEq(registry.minimumStake(Role.Compute), COMPUTE * 825 / 1_000);
    }

    function test_Recompute_FollowsThePrice() public {
        sources.setPrice(110e18);
        registry.recomputeRequirements();
        assertEq(registry.minimumStake(Role.Scheduler), SCHEDULER * 110 / 100);
    }

    function test_Recompute_NeverMovesByMoreThanAQuarter() public {
        sources.setPrice(1_000e18);
        vm.expectEmit(address(registry));
        emit INodeRegistry.RequirementsRecomputed(RATE, RATE * 125 / 100, 1_000e18, 0.5e18);
        registry.recomputeRequirements();
        assertEq(registry.minimumStake(Role.Compute), COMPUTE * 125 / 100);
        sources.setPrice(1);
        vm.warp(START + 7 days);
        registry.recomputeRequirements();
        assertEq(registry.minimumStake(Role.Compute), COMPUTE * 9_375 / 10_000);
    }

    function test_Recompute_CountsUtilizationAboveOneAsOne() public {
        INodeRegistry.Parameters memory wide = _parameters();
        wide.maxMoveBps = 5_000;
        registry.setParameters(wide);
        sources.setUtilization(7e18);
        vm.expectEmit(address(registry));
        emit INodeRegistry.RequirementsRecomputed(RATE, RATE * 15 / 10, RATE * 15 / 10, 1e18);
        registry.recomputeRequirements();
    }

    function test_RevertWhen_RecomputedWithinThePeriod() public {
        registry.recomputeRequirements();
        vm.warp(START + 7 days - 1);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.RecomputedTooSoon.selector, START + 7 days));
        registry.recomputeRequirements();
        vm.warp(START + 7 days);
        registry.recomputeRequirements();
    }

    function test_RevertWhen_ASourceIsMissing() public {
        vm.expectEmit(address(registry));
        emit INodeRegistry.SourcesChanged(address(0), address(sources));
        registry.setSources(IPriceOracle(address(0)), sources);
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.SourcesNotSet.selector, address(0), address(sources)));
        registry.recomputeRequirements();
        registry.setSources(sources, IIncentive(address(0)));
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.SourcesNotSet.selector, address(sources), address(0)));
        registry.recomputeRequirements();
    }

    function test_RevertWhen_ThereIsNoPriceAndTheRateStays() public {
        sources.setPrice(0);
        vm.expectRevert(Sources.NoPrice.selector);
        registry.recomputeRequirements();
        assertEq(registry.minimumStake(Role.Compute), COMPUTE);
    }

    function test_Recompute_NeverFallsBelowTheSmallestRate() public {
        NodeRegistry small = new NodeRegistry(address(manager), vcai, _parameters(), 1_001);
        small.setSources(sources, sources);
        sources.setPrice(1);
        small.recomputeRequirements();
        (uint256 rate,,) = small.rates();
        assertEq(rate, 1_000);
    }

    function test_Recompute_NeverRisesAboveTheLargestRate() public {
        NodeRegistry large = new NodeRegistry(address(manager), vcai, _parameters(), type(uint96).max - 1);
        large.setSources(sources, sources);
        sources.setPrice(type(uint128).max);
        large.recomputeRequirements();
        (uint256 rate,,) = large.rates();
        assertEq(rate, type(uint96).max);
    }

    function test_Grace_KeepsARegisteredNodeActiveForOnePeriod() public {
        _register(node, Role.Compute, COMPUTE);
        sources.setPrice(125e18);
        registry.recomputeRequirements();
        (uint256 current, uint256 enforced) = registry.requiredStake(node);
        assertEq(current, COMPUTE * 125 / 100);
        assertEq(enforced, COMPUTE);
        vm.warp(START + 7 days - 1);
        assertTrue(registry.isActive(node, Role.Compute));
        vm.warp(START + 7 days);
        assertFalse(registry.isActive(node, Role.Compute));
        (, enforced) = registry.requiredStake(node);
        assertEq(enforced, COMPUTE * 125 / 100);
        vm.prank(node);
        registry.topUp(COMPUTE / 4);
        assertTrue(registry.isActive(node, Role.Compute));
    }

    function test_Grace_DoesNotHelpThoseWhoRegisterNow() public {
        sources.setPrice(125e18);
        registry.recomputeRequirements();
        uint256 minimum = COMPUTE * 125 / 100;
        vm.expectRevert(
            abi.encodeWithSelector(
                INodeRegistry.StakeBelowMinimum.selector, Role.Compute, minimum, uint128(minimum - 1)
            )
        );
        _register(node, Role.Compute, uint128(minimum - 1));
        _register(node, Role.Compute, uint128(minimum));
    }

    function test_Grace_ALoweredRequirementCountsAtOnce() public {
        _register(node, Role.Compute, COMPUTE);
        sources.setPrice(75e18);
        registry.recomputeRequirements();
        vm.prank(node);
        registry.requestUnbond(COMPUTE / 4);
        assertTrue(registry.isActive(node, Role.Compute));
    }

    function test_Grace_HoldsForTheScheduler() public {
        _register(node, Role.Scheduler, SCHEDULER);
        INodeRegistry.Parameters memory dearer = _parameters();
        dearer.schedulerUsd = 2_000e6;
        vm.expectEmit(address(registry));
        emit INodeRegistry.BaseUsdChanged(Role.Scheduler, 0, 1_000e6, 2_000e6);
        vm.expectEmit(address(registry));
        emit INodeRegistry.ParametersChanged(dearer);
        registry.setParameters(dearer);
        assertEq(registry.minimumStake(Role.Scheduler), 2 * SCHEDULER);
        assertTrue(registry.isActive(node, Role.Scheduler));
        dearer.schedulerUsd = 3_000e6;
        vm.warp(START + 6 days);
        registry.setParameters(dearer);
        vm.warp(START + 13 days - 1);
        assertTrue(registry.isActive(node, Role.Scheduler));
        vm.warp(START + 13 days);
        assertFalse(registry.isActive(node, Role.Scheduler));
    }

    function test_Grace_IsNotRenewedByParametersThatLeaveTheBase() public {
        _register(node, Role.Compute, COMPUTE);
        INodeRegistry.Parameters memory dearer = _parameters();
        dearer.computeUsd = 101e6;
        registry.setParameters(dearer);
        vm.warp(START + 6 days);
        dearer.maxMoveBps = 0;
        registry.setParameters(dearer);
        vm.warp(START + 7 days);
        assertFalse(registry.isActive(node, Role.Compute));
    }

    function test_Grace_RaisedInTwoStepsThenLoweredNeedsTheLowest() public {
        _register(node, Role.Compute, COMPUTE);
        INodeRegistry.Parameters memory value = _parameters();
        value.computeUsd = 300e6;
        registry.setParameters(value);
        value.computeUsd = 50e6;
        registry.setParameters(value);
        (uint256 current, uint256 enforced) = registry.requiredStake(node);
        assertEq(current, COMPUTE / 2);
        assertEq(enforced, COMPUTE / 2);
    }

    function test_Class_MultipliesByGpus() public {
        _classify();
        assertEq(registry.classOf("H100"), LARGE);
        assertEq(registry.classOf("RTX 4090"), 0);
        assertEq(registry.requirementOf(Role.Compute, LARGE), 10 * COMPUTE);
        INodeRegistry.Registration memory registration = _registration(Role.Compute, 80 * COMPUTE - 1);
        (registration.gpuModel, registration.gpuCount) = ("H100", 8);
        vm.expectRevert(
            abi.encodeWithSelector(
                INodeRegistry.StakeBelowMinimum.selector, Role.Compute, 80 * COMPUTE, 80 * COMPUTE - 1
            )
        );
        vm.prank(node);
        registry.register(registration);
        registration.stake = 80 * COMPUTE;
        vm.prank(node);
        registry.register(registration);
        assertTrue(registry.isActive(node, Role.Compute));
        vm.warp(START + 7 days);
        assertTrue(registry.isActive(node, Role.Compute));
        vm.prank(node);
        registry.updateHardware("H100", 9, 1);
        assertFalse(registry.isActive(node, Role.Compute));
    }

    function test_Class_NoGpuCountsAsOneAndOtherRolesAsNone() public {
        INodeRegistry.Registration memory registration = _registration(Role.Compute, COMPUTE - 1);
        registration.gpuCount = 0;
        vm.expectRevert(
            abi.encodeWithSelector(INodeRegistry.StakeBelowMinimum.selector, Role.Compute, COMPUTE, COMPUTE - 1)
        );
        vm.prank(node);
        registry.register(registration);
        registration.role = Role.Verifier;
        registration.gpuCount = 50;
        registration.stake = COMPUTE;
        vm.prank(node);
        registry.register(registration);
        assertTrue(registry.isActive(node, Role.Verifier));
    }

    function test_Class_AMovedModelHasAGrace() public {
        _register(node, Role.Compute, COMPUTE);
        registry.setClassUsd(LARGE, 1_000e6);
        vm.expectEmit(address(registry));
        emit INodeRegistry.ClassOfModelSet("RTX 4090", LARGE);
        registry.setClassOf(_one("RTX 4090"), LARGE);
        (uint256 current, uint256 enforced) = registry.requiredStake(node);
        assertEq(current, 10 * COMPUTE);
        assertEq(enforced, COMPUTE);
        registry.setClassOf(_one("RTX 4090"), LARGE);
        vm.warp(START + 7 days - 1);
        assertTrue(registry.isActive(node, Role.Compute));
        vm.warp(START + 7 days);
        assertFalse(registry.isActive(node, Role.Compute));
        registry.setClassOf(_one("RTX 4090"), 0);
        assertTrue(registry.isActive(node, Role.Compute));
    }

    function test_Class_ASecondMoveKeepsTheCheaperOfTheGrace() public {
        _register(node, Role.Compute, COMPUTE);
        registry.setClassUsd(LARGE, 1_000e6);
        registry.setClassUsd(LARGE + 1, 2_000e6);
        registry.setClassOf(_one("RTX 4090"), LARGE);
        vm.warp(START + 1 days);
        registry.setClassOf(_one("RTX 4090"), LARGE + 1);
        (uint256 current, uint256 enforced) = registry.requiredStake(node);
        assertEq(current, 20 * COMPUTE);
        assertEq(enforced, COMPUTE);
        vm.warp(START + 8 days);
        assertFalse(registry.isActive(node, Role.Compute));
    }

    function test_Class_RaisedBaseHasAGrace() public {
        _classify();
        INodeRegistry.Registration memory registration = _registration(Role.Compute, 10 * COMPUTE);
        registration.gpuModel = "H100";
        vm.prank(node);
        registry.register(registration);
        vm.expectEmit(address(registry));
        emit INodeRegistry.BaseUsdChanged(Role.Compute, LARGE, 1_000e6, 1_001e6);
        registry.setClassUsd(LARGE, 1_001e6);
        assertTrue(registry.isActive(node, Role.Compute));
        vm.warp(START + 7 days);
        assertFalse(registry.isActive(node, Role.Compute));
    }

    function test_RevertWhen_TheClassHasNoBase() public {
        vm.expectRevert(abi.encodeWithSelector(INodeRegistry.ClassHasNoBase.selector, LARGE));
        registry.setClassOf(_one("H100"), LARGE);
        vm.expectRevert(_outOfRange("class", 0, 1, 255));
        registry.setClassUsd(0, 1);
        vm.expectRevert(_outOfRange("classUsd", 1e15 + 1, 0, 1e15));
        registry.setClassUsd(1, 1e15 + 1);
        registry.setClassUsd(1, 1e15);
    }

    function test_RevertWhen_AParameterIsOutOfRange() public {
        INodeRegistry.Parameters memory bad = _parameters();
        bad.computeUsd = 1e15 + 1;
        _expectOutOfRange("computeUsd", bad.computeUsd, 0, 1e15, bad);
        bad = _parameters();
        bad.schedulerUsd = 1e15 + 1;
        _expectOutOfRange("schedulerUsd", bad.schedulerUsd, 0, 1e15, bad);
        bad = _parameters();
        bad.verifierUsd = 1e15 + 1;
        _expectOutOfRange("verifierUsd", bad.verifierUsd, 0, 1e15, bad);
        bad = _parameters();
        bad.factorFloor = 0.1e18 - 1;
        _expectOutOfRange("factorFloor", bad.factorFloor, 0.1e18, 1e18, bad);
        bad.factorFloor = 1e18 + 1;
        _expectOutOfRange("factorFloor", bad.factorFloor, 0.1e18, 1e18, bad);
        bad = _parameters();
        bad.factorSlope = 2e18 + 1;
        _expectOutOfRange("factorSlope", bad.factorSlope, 0, 2e18, bad);
        bad = _parameters();
        bad.unbondingDelay = 59;
        _expectOutOfRange("unbondingDelay", 59, 60, 90 days, bad);
        bad.unbondingDelay = 90 days + 1;
        _expectOutOfRange("unbondingDelay", 90 days + 1, 60, 90 days, bad);
        bad = _parameters();
        bad.period = 59;
        _expectOutOfRange("period", 59, 60, 30 days, bad);
        bad.period = 30 days + 1;
        _expectOutOfRange("period", 30 days + 1, 60, 30 days, bad);
        bad = _parameters();
        bad.maxMoveBps = 5_001;
        _expectOutOfRange("maxMoveBps", 5_001, 0, 5_000, bad);
    }

    function test_SetParameters_TakesTheBounds() public {
        INodeRegistry.Parameters memory lowest = INodeRegistry.Parameters(0, 0, 0, 0.1e18, 0, 60, 60, 0);
        registry.setParameters(lowest);
        assertEq(abi.encode(registry.parameters()), abi.encode(lowest));
        INodeRegistry.Parameters memory highest =
            INodeRegistry.Parameters(1e15, 1e15, 1e15, 1e18, 2e18, 90 days, 30 days, 5_000);
        registry.setParameters(highest);
        assertEq(abi.encode(registry.parameters()), abi.encode(highest));
        assertEq(registry.unbondingDelay(), 90 days);
    }

    function testFuzz_Recompute_StaysWithinTheBounds(uint96 price, uint256 utilization, uint16 move) public {
        INodeRegistry.Parameters memory value = _parameters();
        value.maxMoveBps = uint16(bound(move, 0, 5_000));
        registry.setParameters(value);
        sources.setPrice(bound(price, 1, type(uint96).max));
        sources.setUtilization(utilization);
        for (uint256 i = 0; i < 5; ++i) {
            (uint256 before,, uint64 nextAt) = registry.rates();
            if (nextAt != 0) vm.warp(nextAt);
            registry.recomputeRequirements();
            (uint256 rate, uint256 previous,) = registry.rates();
            assertEq(previous, before);
            assertLe(rate, before + before * value.maxMoveBps / 10_000);
            assertGe(rate, before - before * value.maxMoveBps / 10_000);
        }
    }

    function testFuzz_Requirement_IsNeverRoundedDown(uint64 usd, uint96 rate) public {
        rate = uint96(bound(rate, 1_000, type(uint96).max));
        usd = uint64(bound(usd, 0, 1e15));
        INodeRegistry.Parameters memory value = _parameters();
        value.computeUsd = usd;
        NodeRegistry other = new NodeRegistry(address(manager), vcai, value, rate);
        uint256 one = other.requirementOf(Role.Compute, 0);
        assertGe(one * 1e6, uint256(usd) * rate);
        assertLt(one * 1e6, uint256(usd) * rate + 1e6);
    }

    function _classify() private {
        vm.expectEmit(address(registry));
        emit INodeRegistry.BaseUsdChanged(Role.Compute, LARGE, 0, 1_000e6);
        registry.setClassUsd(LARGE, 1_000e6);
        registry.setClassOf(_one("H100"), LARGE);
    }

    function _expectOutOfRange(
        bytes32 name,
        uint256 value,
        uint256 minimum,
        uint256 maximum,
        INodeRegistry.Parameters memory bad
    ) private {
        vm.expectRevert(_outOfRange(name, value, minimum, maximum));
        registry.setParameters(bad);
    }

    function _outOfRange(bytes32 name, uint256 value, uint256 minimum, uint256 maximum)
        private
        pure
        returns (bytes memory)
    {
        return abi.encodeWithSelector(INodeRegistry.ParameterOutOfRange.selector, name, value, minimum, maximum);
    }
}
