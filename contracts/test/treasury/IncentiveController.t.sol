// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IIncentiveController} from "../../src/interfaces/IIncentiveController.sol";
import {IIncentiveVault} from "../../src/interfaces/IIncentiveVault.sol";
import {IRewardRoots} from "../../src/interfaces/IRewardRoots.sol";
import {IUtilization} from "../../src/interfaces/IUtilization.sol";
import {IVestingVault} from "../../src/interfaces/IVestingVault.sol";
import {ExpiringPause} from "../../src/libraries/ExpiringPause.sol";
import {IncentiveController} from "../../src/treasury/IncentiveController.sol";
import {EmissionFixture} from "./mocks/EmissionFixture.sol";

contract IncentiveControllerTest is EmissionFixture {
    function _closeWith(uint128 consumed, uint128 available) private {
        units.add(consumed, available);
        (,, uint40 ends) = controller.currentPeriod();
        vm.warp(ends);
        controller.closePeriod();
    }

    function _funded(IRewardRoots.Kind kind) private view returns (uint256) {
        return roots.lineOf(kind).funded;
    }

    function _fundedInAll() private view returns (uint256) {
        return
            _funded(IRewardRoots.Kind.PoC) + _funded(IRewardRoots.Kind.PoD) + _funded(IRewardRoots.Kind.DemandRebate);
    }

    function test_KnowsWhatItWasMadeWith() public view {
        assertEq(address(controller.vcai()), address(vcai));
        assertEq(address(controller.vault()), address(vault));
        assertEq(address(controller.units()), address(units));
        assertEq(address(controller.roots()), address(roots));
        assertEq(controller.startsAt(), START);
        assertEq(controller.minimumPeriod(), 1 days);
        assertEq(abi.encode(controller.parameters()), abi.encode(_incentiveParameters()));
        (uint32 period, uint40 begins, uint40 ends) = controller.currentPeriod();
        assertEq(period, 0);
        assertEq(begins, START);
        assertEq(ends, START + 7 days);
        assertEq(controller.supplyShare(), 0.5e18);
        assertEq(controller.utilization(), 0.5e18);
        assertEq(controller.released(), 0);
    }

    function test_AgreesWithTheVault() public view {
        assertEq(controller.POOL(), vault.INCENTIVE_ALLOCATION());
        for (uint256 week = 1; week <= 522; ++week) {
            uint256 scheduled = vault.incentiveScheduledAt(START + (week - 1) * 7 days);
            assertEq(controller.freedBy(week * 7 days), scheduled);
        }
        assertEq(controller.freedBy(0), 0);
        assertEq(controller.freedBy(1 days), WEEKLY / 7);
        assertEq(controller.freedBy(522 * 7 days - 1), WEEKLY * (522 * 7 days - 1) / 7 days);
        assertEq(controller.freedBy(10_000 weeks), POOL);
    }

    /// @dev White paper 3.4.3, situation one.
    function test_SixtyPercentUtilizationLowersTheSupplyShareByTwoPoints() public {
        _closeWith(60, 100);
        assertEq(controller.utilization(), 0.6e18);
        assertEq(controller.supplyShare(), 0.48e18);
    }

    /// @dev White paper 3.4.3, situation two.
    function test_NinetyFivePercentUtilizationRaisesTheSupplyShareByOneAndAHalfPoints() public {
        _closeWith(95, 100);
        assertEq(controller.utilization(), 0.95e18);
        assertEq(controller.supplyShare(), 0.515e18);
    }

    function test_AtTheTargetNothingMoves() public {
        _closeWith(80, 100);
        assertEq(controller.supplyShare(), 0.5e18);
    }

    function test_ClosesAPeriod() public {
        _wait(7 days - 1);
        vm.expectRevert(abi.encodeWithSelector(IIncentiveController.PeriodRunning.selector, 0, START + 7 days));
        controller.closePeriod();
        _wait(1);
        units.add(60, 100);
        IIncentiveController.Closed memory closed = IIncentiveController.Closed({
            startsAt: START,
            endsAt: START + 7 days,
            consumed: 60,
            available: 100,
            utilization: 0.6e18,
            supplyShare: 0.5e18,
            nextSupplyShare: 0.48e18,
            toPoc: uint128(WEEKLY / 2 * 2 / 5),
            toPod: uint128(WEEKLY / 2 * 3 / 5),
            toDemand: uint128(WEEKLY / 2),
            withheld: 0
        });
        vm.expectEmit(address(controller));
        emit IIncentiveController.PeriodClosed(0, closed);
        vm.prank(stranger);
        controller.closePeriod();
        (uint32 period, uint40 begins, uint40 ends) = controller.currentPeriod();
        assertEq(period, 1);
        assertEq(begins, START + 7 days);
        assertEq(ends, START + 14 days);
        assertEq(_funded(IRewardRoots.Kind.PoC), WEEKLY / 5);
        assertEq(_funded(IRewardRoots.Kind.PoD), WEEKLY * 3 / 10);
        assertEq(_funded(IRewardRoots.Kind.DemandRebate), WEEKLY / 2);
        assertEq(vcai.balanceOf(address(controller)), 0);
        assertEq(controller.released(), WEEKLY);
    }

    function test_TheShareInForceDuringThePeriodSplitsIt() public {
        _closeWith(60, 100);
        uint256 demand = _funded(IRewardRoots.Kind.DemandRebate);
        _closeWith(95, 100);
        assertEq(_funded(IRewardRoots.Kind.DemandRebate) - demand, WEEKLY - WEEKLY * 48 / 100);
        assertEq(controller.supplyShare(), 0.495e18);
    }

    function test_WithoutUnitsNothingMoves() public {
        _closeWith(60, 100);
        _closeWith(0, 0);
        assertEq(controller.supplyShare(), 0.48e18);
        assertEq(controller.utilization(), 0.6e18);
        assertEq(_fundedInAll(), 2 * WEEKLY);
    }

    function test_ConsumingMoreThanThereWasIsFullUse() public {
        _closeWith(300, 100);
        assertEq(controller.utilization(), 1e18);
        assertEq(controller.supplyShare(), 0.52e18);
    }

    function test_TheSupplyShareStaysBetweenZeroAndOne() public {
        IIncentiveController.Parameters memory value = _incentiveParameters();
        value.gain = 1e18;
        value.target = 0.5e18;
        controller.setParameters(value);
        _closeWith(0, 100);
        assertEq(controller.supplyShare(), 0);
        _closeWith(0, 100);
        assertEq(controller.supplyShare(), 0);
        uint256 before = _funded(IRewardRoots.Kind.DemandRebate);
        _closeWith(100, 100);
        assertEq(_funded(IRewardRoots.Kind.DemandRebate) - before, WEEKLY);
        assertEq(controller.supplyShare(), 0.5e18);
        _closeWith(100, 100);
        assertEq(controller.supplyShare(), 1e18);
        _closeWith(100, 100);
        assertEq(controller.supplyShare(), 1e18);
        before = _funded(IRewardRoots.Kind.DemandRebate);
        _closeWith(100, 100);
        assertEq(_funded(IRewardRoots.Kind.DemandRebate), before);
    }

    function test_MissedPeriodsAreCaughtUpOneByOne() public {
        units.add(60, 100);
        vm.warp(START + 22 days);
        controller.closePeriod();
        assertEq(controller.supplyShare(), 0.48e18);
        controller.closePeriod();
        controller.closePeriod();
        assertEq(controller.supplyShare(), 0.48e18);
        assertEq(controller.released(), 3 * WEEKLY);
        vm.expectRevert(abi.encodeWithSelector(IIncentiveController.PeriodRunning.selector, 3, START + 28 days));
        controller.closePeriod();
    }

    function test_OldUnitsDoNotCount() public {
        units.add(1_000, 1_000);
        controller = _newController(START, 1 days);
        vm.mockCall(address(vault), abi.encodeWithSelector(IIncentiveVault.releaseIncentive.selector), "");
        vm.mockCall(address(roots), abi.encodeWithSelector(IRewardRoots.fund.selector), "");
        _closeWith(60, 100);
        assertEq(controller.utilization(), 0.6e18);
    }

    function test_TheRunningPeriodKeepsItsLength() public {
        IIncentiveController.Parameters memory value = _incentiveParameters();
        value.periodLength = 1 days;
        controller.setParameters(value);
        (,, uint40 ends) = controller.currentPeriod();
        assertEq(ends, START + 7 days);
        _closeWith(1, 2);
        (,, ends) = controller.currentPeriod();
        assertEq(ends, START + 8 days);
        _closeWith(1, 2);
        assertEq(controller.released(), WEEKLY + WEEKLY / 7);
    }

    function test_ALowerReleaseShareWithholdsForGrants() public {
        IIncentiveController.Parameters memory value = _incentiveParameters();
        value.releaseShare = 0.75e18;
        controller.setParameters(value);
        _closeWith(80, 100);
        assertEq(controller.released(), WEEKLY * 3 / 4);
        assertEq(controller.withheld(), WEEKLY / 4);
        assertEq(_fundedInAll(), WEEKLY * 3 / 4);
        vm.expectEmit(address(controller));
        emit IIncentiveController.Granted(stranger, 1_000e18, "developer grant");
        controller.grant(stranger, 1_000e18, "developer grant");
        assertEq(vcai.balanceOf(stranger), 1_000e18);
        assertEq(controller.withheld(), WEEKLY / 4 - 1_000e18);
        controller.grant(stranger, WEEKLY / 4 - 1_000e18, string(new bytes(256)));
        vm.expectRevert(abi.encodeWithSelector(IIncentiveController.WithheldExceeded.selector, 0, 1));
        controller.grant(stranger, 1, "");
    }

    function test_RefusesGrantsThatCannotBe() public {
        vm.expectRevert(abi.encodeWithSelector(IIncentiveController.RecipientIsZero.selector, 5));
        controller.grant(address(0), 5, "");
        vm.expectRevert(abi.encodeWithSelector(IIncentiveController.MemoTooLong.selector, 256, 257));
        controller.grant(stranger, 5, string(new bytes(257)));
        vm.expectRevert(abi.encodeWithSelector(IIncentiveController.WithheldExceeded.selector, 0, 5));
        controller.grant(stranger, 5, "");
    }

    function test_AShareOfZeroReleasesNothing() public {
        IIncentiveController.Parameters memory value = _incentiveParameters();
        value.releaseShare = 0;
        controller.setParameters(value);
        _closeWith(60, 100);
        assertEq(controller.released(), 0);
        assertEq(controller.withheld(), WEEKLY);
        assertEq(controller.supplyShare(), 0.48e18);
        assertEq(vault.incentiveReleased(), 0);
    }

    function test_EmptyPartsAreNotFunded() public {
        IIncentiveController.Parameters memory value = _incentiveParameters();
        value.pocShare = 0;
        controller.setParameters(value);
        _closeWith(80, 100);
        assertEq(_funded(IRewardRoots.Kind.PoC), 0);
        assertEq(_funded(IRewardRoots.Kind.PoD), WEEKLY / 2);
        value.pocShare = 1e18;
        controller.setParameters(value);
        _closeWith(80, 100);
        assertEq(_funded(IRewardRoots.Kind.PoC), WEEKLY / 2);
        assertEq(_funded(IRewardRoots.Kind.PoD), WEEKLY / 2);
    }

    /// @dev Ten years: every week exact, the last with the remaining 326 VCAI, and nothing afterwards.
    function test_ReleasesThePoolExactlyIn522Weeks() public {
        for (uint256 week = 0; week < 522; ++week) {
            uint256 before = controller.released();
            // Anything between none and full use.
            _closeWith(uint128(uint256(keccak256(abi.encode(week))) % 101), 100);
            assertEq(controller.released() - before, week == 521 ? WEEKLY + 326e18 : WEEKLY);
            assertLe(controller.supplyShare(), 1e18);
        }
        assertEq(controller.released(), POOL);
        assertEq(vault.incentiveReleased(), POOL);
        assertEq(_fundedInAll(), POOL);
        assertEq(vcai.balanceOf(address(roots)), POOL + 20_000e18);
        assertEq(vcai.balanceOf(address(vault)), 7_970_000_000e18);
        uint256 share = controller.supplyShare();
        _closeWith(100, 100);
        assertEq(controller.released(), POOL);
        assertEq(controller.utilization(), 1e18);
        assertEq(controller.supplyShare(), share + 0.02e18);
    }

    function testFuzz_NoWeiIsLostWhateverThePeriods(uint32[12] memory lengths, uint64 share) public {
        IIncentiveController.Parameters memory value = _incentiveParameters();
        value.releaseShare = uint64(bound(share, 0, 1e18));
        for (uint256 i = 0; i < lengths.length; ++i) {
            value.periodLength = uint32(bound(lengths[i], 1 days, 28 days));
            controller.setParameters(value);
            _closeWith(uint128(i), 12);
            (, uint40 begins,) = controller.currentPeriod();
            assertEq(controller.released() + controller.withheld(), controller.freedBy(begins - START));
            assertEq(_fundedInAll(), controller.released());
        }
    }

    function testFuzz_TheSupplyShareFollowsTheFormula(uint64 consumed, uint64 available, uint64 gain, uint64 target)
        public
    {
        IIncentiveController.Parameters memory value = _incentiveParameters();
        value.gain = uint64(bound(gain, 0.01e18, 1e18));
        value.target = uint64(bound(target, 0.5e18, 0.95e18));
        available = uint64(bound(available, 1, type(uint64).max));
        controller.setParameters(value);
        _closeWith(consumed, available);
        uint256 used = uint256(consumed) * 1e18 / available;
        if (used > 1e18) used = 1e18;
        // Signed division rounds toward zero.
        int256 expected = 0.5e18 + int256(uint256(value.gain)) * (int256(used) - int256(uint256(value.target))) / 1e18;
        if (expected < 0) expected = 0;
        if (expected > 1e18) expected = 1e18;
        assertEq(controller.supplyShare(), uint256(expected));
        assertEq(controller.utilization(), used);
    }

    function test_TheVaultRefusesAControllerThatStartsTooEarly() public {
        vm.warp(START + 1 days);
        IncentiveController early = _newController(START - 21 days, 1 days);
        manager.grantRole(8, address(early), 0);
        manager.grantRole(9, address(early), 0);
        early.closePeriod();
        vm.expectRevert(abi.encodeWithSelector(IVestingVault.IncentiveScheduleExceeded.selector, 0, WEEKLY));
        early.closePeriod();
    }

    function test_APausedModuleDoesNotClose() public {
        _wait(7 days);
        controller.pause(1 hours);
        vm.expectRevert(abi.encodeWithSelector(ExpiringPause.ModulePaused.selector, controller.pausedUntil()));
        controller.closePeriod();
        vm.warp(controller.pausedUntil());
        controller.closePeriod();
    }

    function test_KeepsParametersInRange() public {
        IIncentiveController.Parameters memory value =
            IIncentiveController.Parameters(28 days, 1e18, 1e18, 0.95e18, 1e18);
        vm.expectEmit(address(controller));
        emit IIncentiveController.ParametersChanged(value);
        controller.setParameters(value);
        assertEq(abi.encode(controller.parameters()), abi.encode(value));
        controller.setParameters(IIncentiveController.Parameters(1 days, 0, 0.01e18, 0.5e18, 0));
        _refuses(
            "periodLength", 1 days - 1, 1 days, 28 days, IIncentiveController.Parameters(1 days - 1, 0, 1e17, 8e17, 0)
        );
        _refuses(
            "periodLength",
            28 days + 1,
            1 days,
            28 days,
            IIncentiveController.Parameters(28 days + 1, 0, 1e17, 8e17, 0)
        );
        _refuses("releaseShare", 1e18 + 1, 0, 1e18, IIncentiveController.Parameters(1 days, 1e18 + 1, 1e17, 8e17, 0));
        _refuses("gain", 1e16 - 1, 1e16, 1e18, IIncentiveController.Parameters(1 days, 0, 1e16 - 1, 8e17, 0));
        _refuses("gain", 1e18 + 1, 1e16, 1e18, IIncentiveController.Parameters(1 days, 0, 1e18 + 1, 8e17, 0));
        _refuses("target", 5e17 - 1, 5e17, 95e16, IIncentiveController.Parameters(1 days, 0, 1e17, 5e17 - 1, 0));
        _refuses("target", 95e16 + 1, 5e17, 95e16, IIncentiveController.Parameters(1 days, 0, 1e17, 95e16 + 1, 0));
        _refuses("pocShare", 1e18 + 1, 0, 1e18, IIncentiveController.Parameters(1 days, 0, 1e17, 8e17, 1e18 + 1));
    }

    function _refuses(
        bytes32 name,
        uint256 value,
        uint256 minimum,
        uint256 maximum,
        IIncentiveController.Parameters memory parameters
    ) private {
        _expectRange(name, value, minimum, maximum);
        controller.setParameters(parameters);
    }

    function _expectRange(bytes32 name, uint256 value, uint256 minimum, uint256 maximum) private {
        vm.expectRevert(
            abi.encodeWithSelector(IIncentiveController.ParameterOutOfRange.selector, name, value, minimum, maximum)
        );
    }

    function test_RefusesToBeMadeWrongly() public {
        for (uint256 i = 0; i < 4; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IIncentiveController.NotAContract.selector, stranger));
            this.make(i, START, 1 days);
        }
        vm.expectRevert(abi.encodeWithSelector(IIncentiveController.StartOutOfRange.selector, 1, 0));
        this.make(9, 0, 1 days);
        _expectRange("minimumPeriod", 0, 1, 28 days);
        this.make(9, START, 0);
        _expectRange("minimumPeriod", 28 days + 1, 1, 28 days);
        this.make(9, START, 28 days + 1);
        assertEq(this.make(9, 1, 1).minimumPeriod(), 1);
        // The largest minimum is accepted as such: the length is then what is out of range.
        _expectRange("periodLength", 7 days, 28 days, 28 days);
        this.make(9, START, 28 days);
    }

    /// @dev Part `wrong` is no contract. In a call of its own, so that what the constructor reverts with is its answer.
    function make(uint256 wrong, uint40 start, uint32 minimumPeriod) external returns (IncentiveController) {
        return new IncentiveController(
            address(manager),
            wrong == 0 ? IERC20(stranger) : vcai,
            IIncentiveVault(wrong == 1 ? stranger : address(vault)),
            IUtilization(wrong == 2 ? stranger : address(units)),
            wrong == 3 ? IRewardRoots(stranger) : roots,
            start,
            minimumPeriod,
            _incentiveParameters()
        );
    }

    function test_RefusesStrangers() public {
        bytes memory refused = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger);
        vm.startPrank(stranger);
        vm.expectRevert(refused);
        controller.grant(stranger, 0, "");
        vm.expectRevert(refused);
        controller.setParameters(_incentiveParameters());
        vm.expectRevert(refused);
        controller.pause(1);
    }
}
