// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {
    Category,
    IVestingVault,
    PartnerGrant,
    PartnerTerms,
    Release,
    Schedule
} from "../../src/interfaces/IVestingVault.sol";
import {ExactPull} from "../../src/libraries/ExactPull.sol";
import {Roles} from "../../src/Roles.sol";
import {VestingVault} from "../../src/token/VestingVault.sol";
import {FeeToken} from "./mocks/FeeToken.sol";
import {PlainToken} from "./mocks/PlainToken.sol";
import {Rounds} from "./Rounds.sol";
import {TokenFixture} from "./TokenFixture.sol";

/// @dev The vault's incentive pool, reserve, liquidity and tranches of partners.
contract VestingPoolsTest is TokenFixture {
    uint256 private constant WEEKLY = 3_831_417e18;
    uint16 private constant LIQUIDITY = 3;
    uint16 private constant FIRST_PARTNERS = 9;

    function _incentive(uint256 amount) private {
        vm.prank(incentives);
        vault.releaseIncentive(bob, amount);
    }

    function _spend(uint256 amount) private {
        vm.prank(dao);
        vault.spendReserve(bob, amount);
    }

    // ----------------------------------------------------------------------------------------- incentive pool

    function test_SchedulesAPeriodForEveryWeekThatHasStarted() public view {
        assertEq(vault.incentiveScheduledAt(TGE - 1), 0);
        assertEq(vault.incentiveScheduledAt(TGE), WEEKLY);
        assertEq(vault.incentiveScheduledAt(TGE + 7 days - 1), WEEKLY);
        assertEq(vault.incentiveScheduledAt(TGE + 7 days), 2 * WEEKLY);
        assertEq(vault.incentiveScheduledAt(TGE + 520 * 7 days), 521 * WEEKLY);
        assertEq(vault.incentiveScheduledAt(TGE + 521 * 7 days - 1), 521 * WEEKLY);
        assertEq(vault.incentiveScheduledAt(TGE + 521 * 7 days), 2_000_000_000e18);
        assertEq(vault.incentiveScheduledAt(TGE + 522 * 7 days), 2_000_000_000e18);
        assertEq(vault.incentiveScheduledAt(type(uint256).max), 2_000_000_000e18);
        assertEq(522 * WEEKLY + 326e18, 2_000_000_000e18);
    }

    function test_ReleasesIncentivesWithinTheSchedule() public {
        vm.warp(TGE - 1);
        vm.expectRevert(abi.encodeWithSelector(IVestingVault.IncentiveScheduleExceeded.selector, 0, 1));
        _incentive(1);
        vm.warp(TGE);
        vm.expectEmit(address(vault));
        emit IVestingVault.IncentiveReleased(bob, WEEKLY - 1, WEEKLY - 1);
        _incentive(WEEKLY - 1);
        vm.expectRevert(abi.encodeWithSelector(IVestingVault.IncentiveScheduleExceeded.selector, 1, 2));
        _incentive(2);
        _incentive(1);
        assertEq(vault.incentiveAvailable(), 0);
        assertEq(vault.incentiveReleased(), WEEKLY);
        assertEq(token.balanceOf(bob), WEEKLY);
    }

    function test_KeepsWhatWasNotReleasedForLaterWeeks() public {
        vm.warp(TGE + 10 * 7 days);
        assertEq(vault.incentiveAvailable(), 11 * WEEKLY);
        _incentive(11 * WEEKLY);
        vm.warp(TGE + 11 * 7 days);
        assertEq(vault.incentiveAvailable(), WEEKLY);
        vm.expectEmit(address(vault));
        emit IVestingVault.IncentiveReleased(bob, 5, 11 * WEEKLY + 5);
        _incentive(5);
    }

    function test_ReleasesNoIncentiveForAStrangerNorOfNothing() public {
        vm.warp(TGE);
        _expectUnauthorized(stranger);
        vault.releaseIncentive(stranger, 1);
        vm.expectRevert(abi.encodeWithSelector(IVestingVault.AmountIsZero.selector, incentives));
        _incentive(0);
    }

    // ------------------------------------------------------------------------------------------------ reserve

    function test_SpendsTheReserveFromTgeOnAndNotAWeiMore() public {
        vm.warp(TGE - 1);
        vm.expectRevert(abi.encodeWithSelector(IVestingVault.BeforeTge.selector, TGE, TGE - 1));
        _spend(1);
        vm.warp(TGE);
        vm.expectEmit(address(vault));
        emit IVestingVault.ReserveSpent(bob, 1_500_000_000e18, 1_500_000_000e18);
        _spend(1_500_000_000e18);
        vm.expectRevert(
            abi.encodeWithSelector(IVestingVault.ReserveExceeded.selector, 500_000_000e18, 500_000_000e18 + 1)
        );
        _spend(500_000_000e18 + 1);
        vm.expectEmit(address(vault));
        emit IVestingVault.ReserveSpent(bob, 500_000_000e18, 2_000_000_000e18);
        _spend(500_000_000e18);
        assertEq(vault.reserveSpent(), 2_000_000_000e18);
        assertEq(token.balanceOf(bob), 2_000_000_000e18);
        vm.expectRevert(abi.encodeWithSelector(IVestingVault.ReserveExceeded.selector, 0, 1));
        _spend(1);
    }

    function test_SpendsNoReserveForAStrangerNorOfNothing() public {
        vm.warp(TGE);
        _expectUnauthorized(grantor);
        vault.spendReserve(grantor, 1);
        vm.expectRevert(abi.encodeWithSelector(IVestingVault.AmountIsZero.selector, dao));
        _spend(0);
    }

    // ---------------------------------------------------------------------------------------------- liquidity

    function test_AddsGivenTokensToLiquidity() public {
        vm.warp(TGE);
        _spend(30e18);
        vm.startPrank(bob);
        token.approve(address(vault), 30e18);
        vm.expectEmit(address(vault));
        emit IVestingVault.LiquidityFunded(bob, 10e18, 70_000_010e18);
        vault.fundLiquidity(10e18);
        vault.fundLiquidity(20e18);
        vm.stopPrank();
        assertEq(token.balanceOf(bob), 0);
        assertEq(token.balanceOf(address(vault)), VAULT_SUPPLY);
        (, Schedule memory schedule,) = vault.trancheOf(LIQUIDITY);
        assertEq(schedule.allocation, 70_000_030e18);
        assertEq(schedule.upfront, 70_000_030e18);
        uint256 id = _grant(LIQUIDITY, alice, 70_000_030e18);
        vault.release(id);
        assertEq(token.balanceOf(alice), 70_000_030e18);
    }

    function test_RefusesLiquidityOfNothingAndWithoutTokens() public {
        vm.expectRevert(abi.encodeWithSelector(IVestingVault.AmountIsZero.selector, address(this)));
        vault.fundLiquidity(0);
        uint256 tooMuch = uint256(type(uint96).max) - 70_000_000e18 + 1;
        vm.expectRevert(
            abi.encodeWithSelector(
                IVestingVault.AllocationTooLarge.selector, type(uint96).max, uint256(type(uint96).max) + 1
            )
        );
        vault.fundLiquidity(tooMuch);
    }

    function test_RefusesATokenThatKeepsAFee() public {
        FeeToken fee = new FeeToken();
        VestingVault other = new VestingVault(address(manager), fee, TGE, Rounds.all());
        _open(address(other), VestingVault.openPartnerTranche.selector, Roles.GRANTOR, grantor);
        fee.mint(grantor, 100);
        vm.startPrank(grantor);
        fee.approve(address(other), 100);
        vm.expectRevert(abi.encodeWithSelector(ExactPull.TransferMismatch.selector, 10, 9));
        other.fundLiquidity(10);
        vm.expectRevert(abi.encodeWithSelector(ExactPull.TransferMismatch.selector, 10, 9));
        other.openPartnerTranche("p", PartnerTerms(0, 0, 0, Release.Linear), _partners(10, 0));
        vm.stopPrank();
    }

    // ----------------------------------------------------------------------------------------------- partners

    /// @dev One grant to alice, and one to bob if `second` is not zero.
    function _partners(uint256 first, uint256 second) private view returns (PartnerGrant[] memory grants) {
        grants = new PartnerGrant[](second == 0 ? 1 : 2);
        grants[0] = PartnerGrant(alice, first);
        if (second != 0) grants[1] = PartnerGrant(bob, second);
    }

    function _fundGrantor(uint256 amount) private {
        vm.warp(TGE);
        vm.prank(dao);
        vault.spendReserve(grantor, amount);
        vm.prank(grantor);
        token.approve(address(vault), amount);
    }

    function test_OpensATrancheForPartnersOnTheirTerms() public {
        _fundGrantor(1_000e18);
        vm.warp(TGE + 5 days);
        Schedule memory expected = Schedule(1_000e18, 125e18, uint40(TGE + 5 days), 3, 10, Release.Monthly);
        vm.expectEmit(address(vault));
        emit IVestingVault.TrancheOpened(FIRST_PARTNERS, Category.Partners, "series x", expected);
        vm.expectEmit(address(vault));
        emit IVestingVault.GrantCreated(vault.grantIdOf(FIRST_PARTNERS, alice), FIRST_PARTNERS, alice, 600e18);
        vm.prank(grantor);
        uint16 tranche = vault.openPartnerTranche(
            "series x", PartnerTerms(125_000, 3, 10, Release.Monthly), _partners(600e18, 400e18)
        );
        assertEq(tranche, FIRST_PARTNERS);
        (Category category, Schedule memory schedule, uint256 granted) = vault.trancheOf(tranche);
        assertEq(uint256(category), uint256(Category.Partners));
        assertEq(keccak256(abi.encode(schedule)), keccak256(abi.encode(expected)));
        assertEq(granted, 1_000e18);
        assertEq(token.balanceOf(grantor), 0);
        uint256 id = vault.grantIdOf(tranche, bob);
        assertEq(vault.releasable(id), 50e18);
        vm.warp(TGE + 5 days + 4 * MONTH);
        assertEq(vault.release(id), 50e18 + 35e18);
        vm.warp(TGE + 5 days + 13 * MONTH);
        vault.release(id);
        vault.release(vault.grantIdOf(tranche, alice));
        assertEq(token.balanceOf(alice) + token.balanceOf(bob), 1_000e18);
        vm.expectRevert(abi.encodeWithSelector(IVestingVault.TrancheExhausted.selector, tranche, 0, 1));
        _grant(tranche, stranger, 1);
        // The float at TGE is of the genesis tranches alone.
        assertEq(vault.tgeFloat(), 754_890_000e18);
    }

    function test_FreesEverythingAtTheEndOfACliffWithoutMonthsAfterIt() public {
        _fundGrantor(10e18);
        vm.prank(grantor);
        uint16 tranche =
            vault.openPartnerTranche("p", PartnerTerms(200_000, 3, 0, Release.Linear), _partners(10e18, 0));
        uint256 id = vault.grantIdOf(tranche, alice);
        assertEq(vault.vestedAt(id, TGE), 2e18);
        assertEq(vault.vestedAt(id, TGE + 3 * MONTH - 1), 2e18);
        assertEq(vault.vestedAt(id, TGE + 3 * MONTH), 10e18);
    }

    function test_AddsUpAPartnerNamedTwice() public {
        _fundGrantor(10e18);
        PartnerGrant[] memory grants = _partners(4e18, 6e18);
        grants[1].partner = alice;
        vm.prank(grantor);
        uint16 tranche = vault.openPartnerTranche("p", PartnerTerms(1_000_000, 0, 0, Release.Linear), grants);
        assertEq(vault.grantOf(vault.grantIdOf(tranche, alice)).amount, 10e18);
    }

    function test_RefusesPartnersForAStranger() public {
        _expectUnauthorized(stranger);
        vault.openPartnerTranche("p", PartnerTerms(0, 0, 0, Release.Linear), _partners(1, 1));
    }

    function test_RefusesMoreThanFiftyPartners() public {
        _fundGrantor(50);
        PartnerGrant[] memory grants = new PartnerGrant[](51);
        vm.expectRevert(abi.encodeWithSelector(IVestingVault.TooManyPartners.selector, 50, 51));
        vm.prank(grantor);
        vault.openPartnerTranche("p", PartnerTerms(0, 0, 0, Release.Linear), grants);
        grants = new PartnerGrant[](50);
        for (uint160 i = 0; i < 50; ++i) {
            grants[i] = PartnerGrant(address(i + 1), 1);
        }
        vm.prank(grantor);
        vault.openPartnerTranche("p", PartnerTerms(0, 0, 0, Release.Linear), grants);
    }

    function test_RefusesTermsThatFreeMoreThanEverything() public {
        vm.expectRevert(abi.encodeWithSelector(IVestingVault.UpfrontShareTooLarge.selector, 1_000_000, 1_000_001));
        vm.prank(grantor);
        vault.openPartnerTranche("p", PartnerTerms(1_000_001, 0, 0, Release.Linear), _partners(1, 1));
    }

    function test_RefusesPartnersWithNothingOrTooMuch() public {
        PartnerTerms memory terms = PartnerTerms(0, 0, 0, Release.Linear);
        vm.expectRevert(abi.encodeWithSelector(IVestingVault.AmountIsZero.selector, grantor));
        vm.prank(grantor);
        vault.openPartnerTranche("p", terms, new PartnerGrant[](0));
        PartnerGrant[] memory grants = _partners(1, 1);
        grants[1].amount = 0;
        vm.expectRevert(abi.encodeWithSelector(IVestingVault.AmountIsZero.selector, grantor));
        vm.prank(grantor);
        vault.openPartnerTranche("p", terms, grants);
        uint256 tooMuch = uint256(type(uint96).max) + 1;
        vm.expectRevert(abi.encodeWithSelector(IVestingVault.AllocationTooLarge.selector, type(uint96).max, tooMuch));
        vm.prank(grantor);
        vault.openPartnerTranche("p", terms, _partners(tooMuch - 1, 1));
    }

    function test_TakesExactlyTheLargestAllocation() public {
        VestingVault other = new VestingVault(address(manager), _coins(type(uint96).max), TGE, Rounds.all());
        _open(address(other), VestingVault.openPartnerTranche.selector, Roles.GRANTOR, grantor);
        IERC20 coins = other.token();
        vm.startPrank(grantor);
        coins.approve(address(other), type(uint256).max);
        uint16 tranche = other.openPartnerTranche(
            "p", PartnerTerms(1_000_000, 0, 0, Release.Linear), _partners(type(uint96).max, 0)
        );
        vm.stopPrank();
        other.release(other.grantIdOf(tranche, alice));
        assertEq(coins.balanceOf(alice), type(uint96).max);
    }

    function _coins(uint256 amount) private returns (IERC20) {
        PlainToken coins = new PlainToken();
        coins.mint(grantor, amount);
        return coins;
    }
}
