// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Category, IVestingVault, Release, Round, Schedule} from "../../src/interfaces/IVestingVault.sol";
import {VestingVault} from "../../src/token/VestingVault.sol";
import {Rounds} from "./Rounds.sol";
import {TokenFixture} from "./TokenFixture.sol";

/// @dev What is deployed, and grants of the genesis tranches. Pools and partners are in VestingPools.t.sol.
contract VestingVaultTest is TokenFixture {
    uint16 private constant TEAM = 0;
    uint16 private constant CORE_STAFF = 1;
    uint16 private constant ADVISORS = 2;
    uint16 private constant LIQUIDITY = 3;

    // -------------------------------------------------------------------------------------------- deployment

    function _deploy(Round[] memory rounds) private returns (VestingVault) {
        return new VestingVault(address(manager), token, TGE, rounds);
    }

    function test_AllocatesTheWhitePapersSharesExactly() public view {
        uint256 onePercent = 100_000_000e18;
        uint256[7] memory byCategory;
        for (uint16 tranche = 0; tranche < vault.trancheCount(); ++tranche) {
            (Category category, Schedule memory schedule, uint256 granted) = vault.trancheOf(tranche);
            byCategory[uint256(category)] += schedule.allocation;
            assertEq(schedule.start, TGE);
            assertEq(granted, 0);
        }
        assertEq(byCategory[uint256(Category.Private)], onePercent * 235 / 10);
        assertEq(byCategory[uint256(Category.Public)], onePercent * 55 / 10);
        assertEq(byCategory[uint256(Category.Team)], onePercent * 15);
        assertEq(byCategory[uint256(Category.CoreStaff)], onePercent * 5);
        assertEq(byCategory[uint256(Category.CoreStaff)] * 4, onePercent * 20);
        assertEq(byCategory[uint256(Category.Advisors)], onePercent * 10);
        assertEq(byCategory[uint256(Category.Liquidity)] + NFT_SUPPLY, onePercent);
        assertEq(byCategory[uint256(Category.Partners)], 0);
        uint256 sum = NFT_SUPPLY + vault.RESERVE_ALLOCATION() + vault.INCENTIVE_ALLOCATION();
        for (uint256 i = 0; i < byCategory.length; ++i) {
            sum += byCategory[i];
        }
        assertEq(sum, 10_000_000_000e18);
        assertEq(token.balanceOf(address(vault)) + token.balanceOf(address(nft)), sum);
    }

    function test_FreesTheWhitePapersFloatAtTge() public view {
        uint256 privateUpfront = 0;
        uint256 publicUpfront = 0;
        uint256 everything = NFT_SUPPLY;
        for (uint16 tranche = 0; tranche < vault.trancheCount(); ++tranche) {
            (Category category, Schedule memory schedule,) = vault.trancheOf(tranche);
            everything += schedule.upfront;
            if (category == Category.Private) privateUpfront += schedule.upfront;
            if (category == Category.Public) publicUpfront += schedule.upfront;
        }
        // 21.91 % and 30.91 % to the wei.
        assertEq(privateUpfront * 10_000, uint256(2_350_000_000e18) * 2_191);
        assertEq(publicUpfront * 10_000, uint256(550_000_000e18) * 3_091);
        // 784,890,000 of 10,000,000,000: the 7.85 % of the white paper, rounded to its two decimals.
        assertEq(everything, 784_890_000e18);
        uint256 hundredthsOfPercent = (everything * 10_000 + 5_000_000_000e18) / 10_000_000_000e18;
        assertEq(hundredthsOfPercent, 785);
        assertEq(vault.tgeFloat() + NFT_SUPPLY, everything);
    }

    function test_AnnouncesItsTranches() public {
        Schedule memory team = Schedule(1_500_000_000e18, 0, uint40(TGE), 18, 42, Release.Linear);
        Schedule memory staff = Schedule(500_000_000e18, 0, uint40(TGE), 18, 42, Release.Linear);
        Schedule memory advisors = Schedule(1_000_000_000e18, 0, uint40(TGE), 0, 18, Release.Linear);
        Schedule memory liquidity = Schedule(70_000_000e18, 70_000_000e18, uint40(TGE), 0, 0, Release.Linear);
        Schedule memory seed = Schedule(500_000_000e18, 50_000_000e18, uint40(TGE), 6, 24, Release.Monthly);
        vm.expectEmit(false, true, true, true);
        emit IVestingVault.TrancheOpened(TEAM, Category.Team, "team", team);
        vm.expectEmit(false, true, true, true);
        emit IVestingVault.TrancheOpened(CORE_STAFF, Category.CoreStaff, "core staff", staff);
        vm.expectEmit(false, true, true, true);
        emit IVestingVault.TrancheOpened(ADVISORS, Category.Advisors, "advisors", advisors);
        vm.expectEmit(false, true, true, true);
        emit IVestingVault.TrancheOpened(LIQUIDITY, Category.Liquidity, "liquidity", liquidity);
        vm.expectEmit(false, true, true, true);
        emit IVestingVault.TrancheOpened(Rounds.SEED, Category.Private, "seed", seed);
        VestingVault fresh = _deploy(Rounds.all());
        assertEq(fresh.trancheCount(), 9);
        (Category category, Schedule memory got,) = fresh.trancheOf(Rounds.SEED);
        assertEq(uint256(category), uint256(Category.Private));
        assertEq(keccak256(abi.encode(got)), keccak256(abi.encode(seed)));
        assertEq(address(fresh.token()), address(token));
        assertEq(fresh.tge(), TGE);
        assertEq(fresh.MONTH() * 48, 126_230_400);
        assertEq(fresh.TEAM(), TEAM);
        assertEq(fresh.CORE_STAFF(), CORE_STAFF);
        assertEq(fresh.ADVISORS(), ADVISORS);
        assertEq(fresh.LIQUIDITY(), LIQUIDITY);
    }

    function test_RefusesATokenWithoutCode() public {
        vm.expectRevert(abi.encodeWithSelector(IVestingVault.TokenIsNotAContract.selector, alice));
        new VestingVault(address(manager), IERC20(alice), TGE, Rounds.all());
    }

    function test_RefusesATgeMoreThanTwoYearsAhead() public {
        uint64 latest = DEPLOYED + 730 days;
        new VestingVault(address(manager), token, latest, Rounds.all());
        vm.expectRevert(abi.encodeWithSelector(IVestingVault.TgeOutOfRange.selector, latest, latest + 1));
        new VestingVault(address(manager), token, latest + 1, Rounds.all());
    }

    function test_RefusesRoundsOfAnotherCategory() public {
        Round[] memory rounds = Rounds.all();
        rounds[3].category = Category.Team;
        vm.expectRevert(abi.encodeWithSelector(IVestingVault.RoundHasWrongCategory.selector, 3, Category.Team));
        _deploy(rounds);
    }

    function test_RefusesAnEmptyRound() public {
        Round[] memory rounds = Rounds.all();
        rounds[2].amount = 0;
        vm.expectRevert(abi.encodeWithSelector(IVestingVault.RoundIsEmpty.selector, 2));
        _deploy(rounds);
    }

    function test_RefusesARoundThatFreesMoreThanItHas() public {
        Round[] memory rounds = Rounds.all();
        (uint256 amount, uint256 upfront) = (rounds[1].amount, uint256(rounds[1].amount) + 1);
        rounds[1].upfront = uint96(upfront);
        vm.expectRevert(abi.encodeWithSelector(IVestingVault.UpfrontAboveAmount.selector, 1, amount, upfront));
        _deploy(rounds);
    }

    function test_AcceptsARoundThatFreesEverything() public {
        Round[] memory rounds = Rounds.all();
        // The sums stay: community 250,000,000 (62.5M free) and launch 300,000,000 (107.505M free) become one round that
        // frees all it has and one that frees nothing.
        rounds[3].amount = 170_005_000e18;
        rounds[3].upfront = 170_005_000e18;
        rounds[4].amount = 379_995_000e18;
        rounds[4].upfront = 0;
        assertEq(_deploy(rounds).tgeFloat(), vault.tgeFloat());
    }

    function test_RefusesRoundsThatMissTheCategoryByAWei() public {
        Round[] memory rounds = Rounds.all();
        rounds[0].amount += 1;
        _expectSum(Category.Private, 2_350_000_000e18, 2_350_000_000e18 + 1);
        _deploy(rounds);
        rounds[0].amount -= 2;
        _expectSum(Category.Private, 2_350_000_000e18, 2_350_000_000e18 - 1);
        _deploy(rounds);
        rounds[0].amount += 1;
        rounds[4].amount -= 1;
        _expectSum(Category.Public, 550_000_000e18, 550_000_000e18 - 1);
        _deploy(rounds);
    }

    function _expectSum(Category category, uint256 expected, uint256 given) private {
        vm.expectRevert(abi.encodeWithSelector(IVestingVault.RoundsDoNotSumUp.selector, category, expected, given));
    }

    function test_RefusesRoundsThatMissTheTgeShareByAWei() public {
        Round[] memory rounds = Rounds.all();
        rounds[0].upfront += 1;
        _expectUpfront(Category.Private, 514_885_000e18, 514_885_000e18 + 1);
        _deploy(rounds);
        rounds[0].upfront -= 1;
        rounds[3].upfront -= 1;
        _expectUpfront(Category.Public, 170_005_000e18, 170_005_000e18 - 1);
        _deploy(rounds);
    }

    function _expectUpfront(Category category, uint256 expected, uint256 given) private {
        vm.expectRevert(abi.encodeWithSelector(IVestingVault.UpfrontDoesNotSumUp.selector, category, expected, given));
    }

    // ------------------------------------------------------------------------------------------------ grants

    function test_GrantsOutOfATranche() public {
        uint256 id = uint256(uint160(alice));
        vm.expectEmit(address(vault));
        emit IVestingVault.GrantCreated(id, TEAM, alice, 7e18);
        assertEq(_grant(TEAM, alice, 7e18), id);
        id = (2 << 160) | uint256(uint160(alice));
        assertEq(_grant(ADVISORS, alice, 1e18), id);
        assertEq(vault.grantIdOf(ADVISORS, alice), id);
        assertEq(vault.grantOf(id).amount, 1e18);
        assertEq(vault.grantOf(id).released, 0);
    }

    function test_AddsASecondGrantToTheFirst() public {
        uint256 id = _grant(TEAM, alice, 7e18);
        assertEq(_grant(TEAM, alice, 5e18), id);
        assertEq(vault.grantOf(id).amount, 12e18);
        (,, uint256 granted) = vault.trancheOf(TEAM);
        assertEq(granted, 12e18);
    }

    function test_RefusesToGrantForAStranger() public {
        _expectUnauthorized(stranger);
        vault.createGrant(TEAM, stranger, 1);
    }

    function test_RefusesToGrantMoreThanTheTrancheHasLeft() public {
        _grant(CORE_STAFF, alice, 499_999_999e18);
        vm.expectRevert(abi.encodeWithSelector(IVestingVault.TrancheExhausted.selector, CORE_STAFF, 1e18, 1e18 + 1));
        _grant(CORE_STAFF, bob, 1e18 + 1);
        _grant(CORE_STAFF, bob, 1e18);
        vm.expectRevert(abi.encodeWithSelector(IVestingVault.TrancheExhausted.selector, CORE_STAFF, 0, 1));
        _grant(CORE_STAFF, alice, 1);
    }

    function test_RefusesGrantsToNobodyToItselfAndOfNothing() public {
        vm.expectRevert(abi.encodeWithSelector(IVestingVault.BeneficiaryNotAllowed.selector, address(0)));
        _grant(TEAM, address(0), 1);
        vm.expectRevert(abi.encodeWithSelector(IVestingVault.BeneficiaryNotAllowed.selector, address(vault)));
        _grant(TEAM, address(vault), 1);
        vm.expectRevert(abi.encodeWithSelector(IVestingVault.AmountIsZero.selector, grantor));
        _grant(TEAM, alice, 0);
    }

    function test_KnowsNoOtherTranches() public {
        vm.expectRevert(abi.encodeWithSelector(IVestingVault.UnknownTranche.selector, 9, 9));
        _grant(9, alice, 1);
        vm.expectRevert(abi.encodeWithSelector(IVestingVault.UnknownTranche.selector, 9, 9));
        vault.trancheOf(9);
        vault.trancheOf(8);
    }

    // --------------------------------------------------------------------------------------------- schedules

    function _assertVested(uint256 id, uint256 timestamp, uint256 expected) private view {
        assertEq(vault.vestedAt(id, timestamp), expected);
    }

    function test_TeamWaitsEighteenMonthsThenVestsOverFortyTwo() public {
        // 42 months are 110,451,600 seconds: a wei and a half a second make the rounding visible.
        uint256 amount = 165_677_400;
        for (uint16 tranche = TEAM; tranche <= CORE_STAFF; ++tranche) {
            uint256 id = _grant(tranche, alice, amount);
            uint256 cliff = TGE + 18 * MONTH;
            _assertVested(id, TGE - 1, 0);
            _assertVested(id, TGE, 0);
            _assertVested(id, cliff - 1, 0);
            _assertVested(id, cliff, 0);
            _assertVested(id, cliff + 1, 1);
            _assertVested(id, cliff + 2, 3);
            _assertVested(id, cliff + 3, 4);
            _assertVested(id, cliff + 21 * MONTH, amount / 2);
            uint256 end = TGE + 60 * MONTH;
            _assertVested(id, end - 1, amount - 2);
            _assertVested(id, end, amount);
            _assertVested(id, end + 1, amount);
            _assertVested(id, type(uint256).max, amount);
        }
    }

    function test_AdvisorsVestOverEighteenMonthsFromTge() public {
        uint256 amount = 18e18;
        uint256 id = _grant(ADVISORS, alice, amount);
        _assertVested(id, TGE, 0);
        _assertVested(id, TGE + 1, amount / (18 * MONTH));
        for (uint256 month = 1; month <= 18; ++month) {
            _assertVested(id, TGE + month * MONTH, month * 1e18);
        }
        _assertVested(id, TGE + 18 * MONTH - 1, amount - amount / (18 * MONTH) - 1);
    }

    function test_LiquidityIsFreeAtTge() public {
        uint256 id = _grant(LIQUIDITY, alice, 70_000_000e18);
        _assertVested(id, TGE - 1, 0);
        _assertVested(id, TGE, 70_000_000e18);
    }

    function test_ARoundWithACliffAndMonthsVestsInSteps() public {
        // Seed: a tenth at TGE, six months nothing, then 24 equal months.
        uint256 id = _grant(Rounds.SEED, alice, 240e18);
        _assertVested(id, TGE - 1, 0);
        _assertVested(id, TGE, 24e18);
        uint256 cliff = TGE + 6 * MONTH;
        _assertVested(id, cliff - 1, 24e18);
        _assertVested(id, cliff, 24e18);
        _assertVested(id, cliff + MONTH - 1, 24e18);
        for (uint256 month = 1; month <= 24; ++month) {
            _assertVested(id, cliff + month * MONTH, 24e18 + month * 9e18);
            if (month < 24) _assertVested(id, cliff + (month + 1) * MONTH - 1, 24e18 + month * 9e18);
        }
        _assertVested(id, cliff + 24 * MONTH - 1, 24e18 + 23 * 9e18);
    }

    function test_ARoundByTheSecondVestsFromTge() public {
        // Growth: 29.4885 % at TGE, the rest over 12 months.
        uint256 id = _grant(Rounds.GROWTH, alice, 1_000_000e18);
        _assertVested(id, TGE, 294_885e18);
        _assertVested(id, TGE + 3 * MONTH, 294_885e18 + 705_115e18 / 4);
        _assertVested(id, TGE + 1, 294_885e18 + uint256(705_115e18) / (12 * MONTH));
        _assertVested(id, TGE + 12 * MONTH, 1_000_000e18);
    }

    function test_KnowsNothingVestedOfAGrantThatIsNone() public view {
        uint256 id = vault.grantIdOf(TEAM, alice);
        _assertVested(id, TGE + 100 * MONTH, 0);
        assertEq(vault.releasable(id), 0);
    }

    /// @dev The same amount from the definition in another form: rational, rounded once for the upfront part and once for
    /// the rest, by counting down from the end.
    function testFuzz_VestsMonotonouslyBetweenUpfrontAndAll(
        uint16 tranche,
        uint96 amount,
        uint40 earlier,
        uint40 later
    ) public {
        tranche = uint16(bound(tranche, 0, 8));
        (, Schedule memory schedule,) = vault.trancheOf(tranche);
        amount = uint96(bound(amount, 1, schedule.allocation));
        earlier = uint40(bound(earlier, TGE, TGE + 70 * MONTH));
        later = uint40(bound(later, earlier, TGE + 80 * MONTH));
        uint256 id = _grant(tranche, alice, amount);
        uint256 upfront = uint256(amount) * schedule.upfront / schedule.allocation;
        assertLe(vault.vestedAt(id, earlier), vault.vestedAt(id, later));
        assertLe(vault.vestedAt(id, later), amount);
        assertGe(vault.vestedAt(id, earlier), upfront);
        uint256 end = TGE + (uint256(schedule.cliffMonths) + schedule.releaseMonths) * MONTH;
        if (earlier < end && earlier >= TGE + schedule.cliffMonths * MONTH) {
            uint256 duration = schedule.releaseMonths * MONTH;
            uint256 missing = end - earlier;
            if (schedule.release == Release.Monthly) missing = (missing + MONTH - 1) / MONTH * MONTH;
            uint256 rest = amount - upfront;
            // amount - ceil(rest * missing / duration)
            assertEq(vault.vestedAt(id, earlier), amount - (rest * missing + duration - 1) / duration);
        }
    }

    // --------------------------------------------------------------------------------------------- releasing

    function test_ReleasesWhatIsVestedToTheBeneficiaryWhoeverCalls() public {
        uint256 id = _grant(Rounds.SEED, alice, 240e18);
        vm.warp(TGE);
        assertEq(vault.releasable(id), 24e18);
        vm.expectEmit(address(vault));
        emit IVestingVault.Released(id, alice, 24e18);
        vm.prank(stranger);
        assertEq(vault.release(id), 24e18);
        assertEq(token.balanceOf(alice), 24e18);
        assertEq(token.balanceOf(stranger), 0);
        assertEq(vault.releasable(id), 0);
        vm.warp(TGE + 9 * MONTH);
        assertEq(vault.release(id), 27e18);
        assertEq(vault.grantOf(id).released, 51e18);
        vm.warp(TGE + 100 * MONTH);
        assertEq(vault.release(id), 189e18);
        assertEq(token.balanceOf(alice), 240e18);
        assertEq(token.balanceOf(address(vault)), VAULT_SUPPLY - 240e18);
        vm.expectRevert(abi.encodeWithSelector(IVestingVault.NothingToRelease.selector, id, 240e18, 240e18));
        vault.release(id);
    }

    function test_ReleasesNothingBeforeTge() public {
        uint256 id = _grant(LIQUIDITY, alice, 1e18);
        vm.warp(TGE - 1);
        vm.expectRevert(abi.encodeWithSelector(IVestingVault.NothingToRelease.selector, id, 0, 0));
        vault.release(id);
        vm.warp(TGE);
        vault.release(id);
        assertEq(token.balanceOf(alice), 1e18);
    }

    function test_RefusesToReleaseWhatWasNeverGranted() public {
        uint256 id = vault.grantIdOf(TEAM, alice);
        vm.expectRevert(abi.encodeWithSelector(IVestingVault.NoSuchGrant.selector, id));
        vault.release(id);
    }

    function test_CountsALaterAdditionFromTheSameStart() public {
        uint256 id = _grant(ADVISORS, alice, 18e18);
        vm.warp(TGE + 9 * MONTH);
        vault.release(id);
        _grant(ADVISORS, alice, 18e18);
        assertEq(vault.releasable(id), 9e18);
        vault.release(id);
        assertEq(token.balanceOf(alice), 18e18);
    }

    // ---------------------------------------------------------------------------------------- giving it away

    function test_GivesAGrantAwayWithItsHistory() public {
        uint256 id = _grant(Rounds.SEED, alice, 240e18);
        uint256 bobs = _grant(Rounds.SEED, bob, 24e18);
        vm.warp(TGE);
        vault.release(id);
        vault.release(bobs);
        vm.expectEmit(address(vault));
        emit IVestingVault.GrantTransferred(id, bobs, bob, 240e18, 24e18);
        vm.prank(alice);
        assertEq(vault.transferGrant(id, bob), bobs);
        assertEq(vault.grantOf(id).amount, 0);
        assertEq(vault.grantOf(id).released, 0);
        assertEq(vault.grantOf(bobs).amount, 264e18);
        assertEq(vault.grantOf(bobs).released, 26.4e18);
        vm.expectRevert(abi.encodeWithSelector(IVestingVault.NothingToRelease.selector, bobs, 26.4e18, 26.4e18));
        vault.release(bobs);
        vm.warp(TGE + 100 * MONTH);
        vault.release(bobs);
        assertEq(token.balanceOf(bob), 240e18);
        (,, uint256 granted) = vault.trancheOf(Rounds.SEED);
        assertEq(granted, 264e18);
    }

    function test_LetsOnlyTheBeneficiaryGiveAGrantAway() public {
        uint256 id = _grant(TEAM, alice, 1e18);
        vm.expectRevert(abi.encodeWithSelector(IVestingVault.NotTheBeneficiary.selector, id, grantor));
        vm.prank(grantor);
        vault.transferGrant(id, grantor);
    }

    function test_RefusesToGiveAGrantToNobodyToTheVaultOrToItself() public {
        uint256 id = _grant(TEAM, alice, 1e18);
        address[3] memory refused = [address(0), address(vault), alice];
        for (uint256 i = 0; i < refused.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IVestingVault.BeneficiaryNotAllowed.selector, refused[i]));
            vm.prank(alice);
            vault.transferGrant(id, refused[i]);
        }
        assertEq(vault.grantOf(id).amount, 1e18);
    }

    function test_RefusesToGiveAwayWhatWasNeverGranted() public {
        uint256 id = vault.grantIdOf(TEAM, alice);
        vm.expectRevert(abi.encodeWithSelector(IVestingVault.NoSuchGrant.selector, id));
        vm.prank(alice);
        vault.transferGrant(id, bob);
    }

    function testFuzz_NeitherGainsNorStrandsByMerging(uint96 one, uint96 other, uint40 first, uint40 second) public {
        uint16 tranche = Rounds.STRATEGIC;
        one = uint96(bound(one, 1, 400_000_000e18));
        other = uint96(bound(other, 1, 400_000_000e18));
        first = uint40(bound(first, TGE, TGE + 30 * MONTH));
        second = uint40(bound(second, first, TGE + 30 * MONTH));
        uint256 alices = _grant(tranche, alice, one);
        uint256 bobs = _grant(tranche, bob, other);
        vm.warp(first);
        if (vault.releasable(alices) != 0) vault.release(alices);
        if (vault.releasable(bobs) != 0) vault.release(bobs);
        vm.prank(alice);
        vault.transferGrant(alices, bob);
        vm.warp(second);
        if (vault.releasable(bobs) != 0) vault.release(bobs);
        assertLe(token.balanceOf(alice) + token.balanceOf(bob), vault.vestedAt(bobs, second));
        vm.warp(TGE + 40 * MONTH);
        if (vault.releasable(bobs) != 0) vault.release(bobs);
        assertEq(token.balanceOf(alice) + token.balanceOf(bob), uint256(one) + other);
    }
}
