// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {Roles} from "../../src/Roles.sol";
import {INetworkFee} from "../../src/interfaces/INetworkFee.sol";
import {NetworkFee} from "../../src/settlement/NetworkFee.sol";
import {Fixture} from "../utils/Fixture.sol";

/// @dev This contract stands in for Settlement; the fee begins at 5 % between 1 % and 10 %.
contract NetworkFeeTest is Fixture {
    function setUp() public override {
        super.setUp();
        networkFee.setParameters(_wide());
        manager.grantRole(Roles.SETTLEMENT, address(this), 0);
    }

    function _wide() private pure returns (INetworkFee.Parameters memory) {
        return
            INetworkFee.Parameters({
                minimumPpm: 10_000, maximumPpm: 100_000, feePeriod: 1 days, unitsMaximum: 1_000_000
            });
    }

    /// @dev Counts units and lets the period end.
    function _period(uint64 consumed, uint64 available) private {
        networkFee.count(consumed, available);
        vm.warp(networkFee.nextUpdateAt());
        networkFee.update();
    }

    function test_Construction_StartsWithTheGivenFee() public {
        vm.expectRevert(_outOfRange("feePpm", 9_999, 10_000, 100_000));
        new NetworkFee(address(manager), 9_999, _wide());
        vm.expectRevert(_outOfRange("feePpm", 100_001, 10_000, 100_000));
        new NetworkFee(address(manager), 100_001, _wide());
        address expected = vm.computeCreateAddress(address(this), vm.getNonce(address(this)));
        vm.expectEmit(expected);
        emit INetworkFee.ParametersChanged(_wide());
        vm.expectEmit(expected);
        emit INetworkFee.FeeChanged(10_000, 10_000, 0);
        NetworkFee made = new NetworkFee(address(manager), 10_000, _wide());
        assertEq(made.feePpm(), 10_000);
        assertEq(made.feeBps(), 100);
        assertEq(made.nextUpdateAt(), START + 1 days);
        (uint16 current, uint16 previous) = made.feesAllowed();
        assertEq(current, 100);
        assertEq(previous, 100);
        new NetworkFee(address(manager), 100_000, _wide());
    }

    /// @dev next = fee + fee * (u - 0.8) / 0.8 / 8.
    function test_NextFee_FollowsTheFormula() public view {
        _assertNext(50_000, 0, 100, 43_750, 0);
        _assertNext(50_000, 80, 100, 50_000, 800_000);
        _assertNext(50_000, 100, 100, 51_562, 1_000_000);
        _assertNext(50_000, 60, 100, 48_438, 600_000);
        _assertNext(50_000, 95, 100, 51_171, 950_000);
        _assertNext(50_000, 200, 100, 51_562, 1_000_000);
        _assertNext(50_000, 1, 3, 46_355, 333_333);
    }

    function test_NextFee_StaysWithinBounds() public view {
        _assertNext(11_000, 0, 100, 10_000, 0);
        _assertNext(99_000, 100, 100, 100_000, 1_000_000);
    }

    function test_NextFee_StandsStillWhenNothingWasOffered() public view {
        _assertNext(50_000, 0, 0, 50_000, 0);
        _assertNext(50_000, 5, 0, 50_000, 0);
        _assertNext(5_000, 5, 0, 10_000, 0);
    }

    function _assertNext(uint32 fee, uint128 consumed, uint128 available, uint32 next, uint32 utilization)
        private
        view
    {
        (uint32 got, uint32 measured) = networkFee.nextFee(fee, consumed, available);
        assertEq(got, next, "fee");
        assertEq(measured, utilization, "utilization");
    }

    function test_Update_WaitsForTheEndOfThePeriod() public {
        networkFee.count(0, 100);
        vm.warp(START + 1 days - 1);
        vm.expectRevert(abi.encodeWithSelector(INetworkFee.FeePeriodRunning.selector, START + 1 days));
        networkFee.update();
        vm.warp(START + 1 days);
        vm.expectEmit(address(networkFee));
        emit INetworkFee.FeeChanged(50_000, 43_750, 0);
        vm.prank(client.addr);
        networkFee.update();
        assertEq(networkFee.feePpm(), 43_750);
        assertEq(networkFee.feeBps(), 437);
        assertEq(networkFee.nextUpdateAt(), START + 2 days);
        vm.expectRevert(abi.encodeWithSelector(INetworkFee.FeePeriodRunning.selector, START + 2 days));
        networkFee.update();
    }

    function test_Update_CountsEachPeriodByItself() public {
        _period(0, 100);
        _period(100, 100);
        assertEq(networkFee.feePpm(), 45_117);
        _period(0, 0);
        assertEq(networkFee.feePpm(), 45_117);
        (uint128 consumed, uint128 available) = networkFee.unitsTotal();
        assertEq(consumed, 100);
        assertEq(available, 200);
    }

    /// @dev Whoever counts first after the end of a period updates the fee, its own units included.
    function test_Count_UpdatesWhenThePeriodIsOver() public {
        networkFee.count(0, 100);
        vm.warp(START + 1 days - 1);
        (uint16 current, uint16 previous) = networkFee.count(0, 0);
        assertEq(current, 500);
        assertEq(previous, 500);
        vm.warp(START + 1 days);
        (current, previous) = networkFee.count(80, 0);
        assertEq(networkFee.feePpm(), 50_000);
        vm.warp(START + 2 days);
        (current, previous) = networkFee.count(0, 100);
        assertEq(current, 437);
        assertEq(previous, 500);
    }

    function test_FeesAllowed_TheOneBeforeLapsesAfterAPeriod() public {
        _period(0, 100);
        vm.warp(START + 2 days - 1);
        _assertAllowed(437, 500);
        vm.warp(START + 2 days);
        _assertAllowed(437, 437);
        networkFee.count(0, 100);
        _assertAllowed(382, 437);
    }

    function _assertAllowed(uint16 current, uint16 previous) private view {
        (uint16 now_, uint16 before) = networkFee.feesAllowed();
        assertEq(now_, current);
        assertEq(before, previous);
    }

    /// @dev One scheduler that claims to have offered the world counts for no more than the maximum.
    function test_Count_ClipsBothFigures() public {
        networkFee.count(type(uint64).max, type(uint64).max);
        (uint128 consumed, uint128 available) = networkFee.unitsTotal();
        assertEq(consumed, 1_000_000);
        assertEq(available, 1_000_000);
        networkFee.count(1_000_000, 999_999);
        (consumed, available) = networkFee.unitsTotal();
        assertEq(consumed, 2_000_000);
        assertEq(available, 1_999_999);
    }

    function test_SetParameters_MovesTheFeeIntoTheBoundsAndKeepsTheOldOneForAPeriod() public {
        vm.warp(START + 12 hours);
        INetworkFee.Parameters memory changed = _wide();
        changed.minimumPpm = 60_000;
        vm.expectEmit(address(networkFee));
        emit INetworkFee.ParametersChanged(changed);
        vm.expectEmit(address(networkFee));
        emit INetworkFee.FeeChanged(50_000, 60_000, 0);
        networkFee.setParameters(changed);
        assertEq(networkFee.parameters().minimumPpm, 60_000);
        _assertAllowed(600, 500);
        assertEq(networkFee.nextUpdateAt(), START + 36 hours);
        vm.warp(START + 36 hours - 1);
        _assertAllowed(600, 500);
        changed.maximumPpm = 60_000;
        vm.recordLogs();
        networkFee.setParameters(changed);
        assertEq(vm.getRecordedLogs().length, 1, "the fee did not move");
        assertEq(networkFee.nextUpdateAt(), START + 36 hours);
        (changed.minimumPpm, changed.maximumPpm) = (10_000, 40_000);
        networkFee.setParameters(changed);
        _assertAllowed(400, 600);
    }

    function test_RevertWhen_ParameterIsOutOfRange() public {
        INetworkFee.Parameters memory bad = _wide();
        bad.maximumPpm = 300_001;
        _expectOutOfRange("maximumPpm", 300_001, 100, 300_000, bad);
        bad.maximumPpm = 99;
        _expectOutOfRange("maximumPpm", 99, 100, 300_000, bad);
        bad = _wide();
        bad.minimumPpm = 99;
        _expectOutOfRange("minimumPpm", 99, 100, 100_000, bad);
        bad.minimumPpm = 100_001;
        _expectOutOfRange("minimumPpm", 100_001, 100, 100_000, bad);
        bad = _wide();
        bad.feePeriod = 59;
        _expectOutOfRange("feePeriod", 59, 60, 30 days, bad);
        bad.feePeriod = 30 days + 1;
        _expectOutOfRange("feePeriod", 30 days + 1, 60, 30 days, bad);
        bad = _wide();
        bad.unitsMaximum = 0;
        _expectOutOfRange("unitsMaximum", 0, 1, type(uint64).max, bad);
        networkFee.setParameters(INetworkFee.Parameters(100, 300_000, 60, 1));
        networkFee.setParameters(INetworkFee.Parameters(300_000, 300_000, 30 days, type(uint64).max));
        networkFee.setParameters(INetworkFee.Parameters(100, 100, 30 days, 1));
    }

    function _outOfRange(bytes32 name, uint256 value, uint256 minimum, uint256 maximum)
        private
        pure
        returns (bytes memory)
    {
        return abi.encodeWithSelector(INetworkFee.ParameterOutOfRange.selector, name, value, minimum, maximum);
    }

    function _expectOutOfRange(
        bytes32 name,
        uint256 value,
        uint256 minimum,
        uint256 maximum,
        INetworkFee.Parameters memory bad
    ) private {
        vm.expectRevert(_outOfRange(name, value, minimum, maximum));
        networkFee.setParameters(bad);
    }

    function test_RevertWhen_StrangerUsesRestrictedFunctions() public {
        bytes memory expected = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, client.addr);
        INetworkFee.Parameters memory same = _wide();
        vm.startPrank(client.addr);
        vm.expectRevert(expected);
        networkFee.count(1, 1);
        vm.expectRevert(expected);
        networkFee.setParameters(same);
    }

    function testFuzz_NextFee_MovesTowardTheTargetAndByAnEighthAtMost(uint32 fee, uint64 consumed, uint64 available)
        public
        view
    {
        fee = uint32(bound(fee, 10_000, 100_000));
        available = uint64(bound(available, 1, type(uint64).max));
        (uint32 next, uint32 utilization) = networkFee.nextFee(fee, consumed, available);
        assertGe(next, 10_000);
        assertLe(next, 100_000);
        if (utilization >= 800_000) assertGe(next, fee);
        if (utilization <= 800_000) assertLe(next, fee);
        assertLe(next, uint256(fee) + fee / 32);
        assertGe(next, uint256(fee) - fee / 8);
    }
}
