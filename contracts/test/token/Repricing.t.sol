// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRepricing} from "../../src/interfaces/IRepricing.sol";
import {IScaledUIAmount} from "../../src/interfaces/IScaledUIAmount.sol";
import {IVCAIToken} from "../../src/interfaces/IVCAIToken.sol";
import {PartnerGrant, PartnerTerms, Release} from "../../src/interfaces/IVestingVault.sol";
import {Roles} from "../../src/Roles.sol";
import {Repricing} from "../../src/token/Repricing.sol";
import {Rounds} from "./Rounds.sol";
import {TokenFixture} from "./TokenFixture.sol";

contract RepricingTest is TokenFixture {
    uint256 private constant EARLIEST = uint256(DEPLOYED) + NOTICE;

    function _reprice(uint256 numerator, uint256 denominator, uint256 effectiveAt) private {
        vm.prank(dao);
        repricing.reprice(numerator, denominator, effectiveAt);
    }

    // ------------------------------------------------------------------------------------------------ deployment

    function test_KnowsItsTokenAndNotice() public view {
        assertEq(address(repricing.token()), address(token));
        assertEq(repricing.minimumNotice(), NOTICE);
    }

    function test_RefusesATokenWithoutCodeAndANoticeAboveNinetyDays() public {
        vm.expectRevert(abi.encodeWithSelector(IRepricing.NotAContract.selector, stranger));
        new Repricing(address(manager), IVCAIToken(stranger), NOTICE);
        vm.expectRevert(abi.encodeWithSelector(IRepricing.NoticeOutOfRange.selector, 90 days, 90 days + 1));
        new Repricing(address(manager), token, 90 days + 1);
        assertEq(new Repricing(address(manager), token, 90 days).minimumNotice(), 90 days);
    }

    // -------------------------------------------------------------------------------------------------- splits

    function test_SplitsAtTheSecondDecided() public {
        vm.expectEmit(address(repricing));
        emit IRepricing.Repriced(10, 1, 1e18, 10e18, EARLIEST);
        vm.expectEmit(address(token));
        emit IScaledUIAmount.UIMultiplierUpdated(1e18, 10e18, EARLIEST);
        _reprice(10, 1, EARLIEST);
        vm.warp(EARLIEST - 1);
        assertEq(token.uiMultiplier(), 1e18);
        vm.warp(EARLIEST);
        assertEq(token.uiMultiplier(), 10e18);
    }

    function test_MultipliesSplitsAndTakesThemBackExactly() public {
        _reprice(3, 2, EARLIEST);
        vm.warp(EARLIEST);
        _reprice(5, 1, EARLIEST + NOTICE);
        vm.warp(EARLIEST + NOTICE);
        assertEq(token.uiMultiplier(), 7.5e18);
        _reprice(2, 15, EARLIEST + 2 * NOTICE);
        vm.warp(EARLIEST + 2 * NOTICE);
        assertEq(token.uiMultiplier(), 1e18);
    }

    function test_RefusesRatiosOutOfRange() public {
        uint256[2][4] memory refused = [[uint256(0), 1], [uint256(1), 0], [uint256(1_001), 1], [uint256(1), 1_001]];
        for (uint256 i = 0; i < refused.length; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(IRepricing.RatioOutOfRange.selector, 1_000, refused[i][0], refused[i][1])
            );
            _reprice(refused[i][0], refused[i][1], EARLIEST);
        }
        vm.expectRevert(abi.encodeWithSelector(IRepricing.NothingChanges.selector, 7, 7));
        _reprice(7, 7, EARLIEST);
        _reprice(1_000, 1, EARLIEST);
        vm.warp(EARLIEST);
        _reprice(1, 1_000, EARLIEST + NOTICE);
        assertEq(token.newUIMultiplier(), 1e18);
    }

    function test_RefusesASplitThatDoesNotDivide() public {
        vm.expectRevert(abi.encodeWithSelector(IRepricing.SplitIsNotExact.selector, 1e18, 1, 3));
        _reprice(1, 3, EARLIEST);
        _reprice(3, 1, EARLIEST);
        vm.warp(EARLIEST);
        _reprice(1, 3, EARLIEST + NOTICE);
        vm.warp(EARLIEST + NOTICE);
        assertEq(token.uiMultiplier(), 1e18);
    }

    function test_GivesExchangesNotice() public {
        vm.expectRevert(abi.encodeWithSelector(IRepricing.NoticeTooShort.selector, EARLIEST, EARLIEST - 1));
        _reprice(2, 1, EARLIEST - 1);
    }

    function test_DecidesOneSplitAtATime() public {
        _reprice(2, 1, EARLIEST);
        vm.warp(EARLIEST - 1);
        vm.expectRevert(abi.encodeWithSelector(IRepricing.ChangePending.selector, EARLIEST));
        _reprice(2, 1, EARLIEST + NOTICE);
        vm.warp(EARLIEST);
        _reprice(2, 1, EARLIEST + NOTICE);
        assertEq(token.newUIMultiplier(), 4e18);
    }

    function test_CallsAPendingSplitOff() public {
        vm.expectRevert(abi.encodeWithSelector(IRepricing.NoChangePending.selector, 0));
        vm.prank(dao);
        repricing.cancel();
        _reprice(2, 1, EARLIEST);
        vm.warp(EARLIEST - 1);
        vm.expectEmit(address(repricing));
        emit IRepricing.RepricingCancelled(1e18, 2e18);
        vm.prank(dao);
        repricing.cancel();
        vm.warp(EARLIEST);
        assertEq(token.uiMultiplier(), 1e18);
        vm.expectRevert(abi.encodeWithSelector(IRepricing.NoChangePending.selector, EARLIEST - 1));
        vm.prank(dao);
        repricing.cancel();
        _reprice(2, 1, EARLIEST + NOTICE);
        vm.warp(EARLIEST + NOTICE);
        vm.expectRevert(abi.encodeWithSelector(IRepricing.NoChangePending.selector, EARLIEST + NOTICE));
        vm.prank(dao);
        repricing.cancel();
        assertEq(token.uiMultiplier(), 2e18);
    }

    function test_SplitsForTheDaoAlone() public {
        _expectUnauthorized(stranger);
        repricing.reprice(2, 1, EARLIEST);
        _reprice(2, 1, EARLIEST);
        _expectUnauthorized(stranger);
        repricing.cancel();
    }

    // ----------------------------------------------------------------------------------------------- neutrality

    struct Everything {
        uint256 supply;
        uint256 vaultBalance;
        uint256 nftBalance;
        uint256 lockBalance;
        uint256 aliceBalance;
        uint256 grantAmount;
        uint256 releasable;
        uint256 incentiveAvailable;
        uint256 claimed;
        uint256 claimable;
        uint256 locked;
        uint256 weight;
        uint256 quota;
        uint256 executed;
        uint256 available;
        uint256 allowance;
    }

    function _everything(uint256 grantId) private view returns (Everything memory seen) {
        seen.supply = token.totalSupply();
        seen.vaultBalance = token.balanceOf(address(vault));
        seen.nftBalance = token.balanceOf(address(nft));
        seen.lockBalance = token.balanceOf(address(ve));
        seen.aliceBalance = token.balanceOf(alice);
        seen.grantAmount = vault.grantOf(grantId).amount;
        seen.releasable = vault.releasable(grantId);
        seen.incentiveAvailable = vault.incentiveAvailable();
        seen.claimed = nft.claimed(1);
        seen.claimable = nft.claimable(1);
        seen.locked = ve.totalLocked();
        seen.weight = ve.weightOf(alice);
        seen.quota = strategic.quota();
        (,, seen.executed) = strategic.steps();
        (,,, seen.available) = token.issuance();
        seen.allowance = token.allowance(alice, bob);
    }

    /// @dev Alice holds a grant half paid out, an NFT half claimed, a lock and an allowance; one issue was made.
    function _live() private returns (uint256 grantId) {
        grantId = _grant(Rounds.SEED, alice, 240e18);
        vm.prank(sale);
        nft.mint(alice, 1);
        vm.warp(TGE);
        vault.release(grantId);
        vm.prank(dao);
        vault.spendReserve(alice, 2_000_000_000e18);
        treasury.setNetFees(4_000_000e6);
        vm.startPrank(alice);
        nft.claim(1);
        token.approve(address(ve), type(uint256).max);
        ve.lock(1_000_000_000e18, TGE + 208 weeks);
        token.approve(bob, 77e18);
        vm.stopPrank();
        PartnerGrant[] memory grants = new PartnerGrant[](1);
        grants[0] = PartnerGrant(bob, 100e18);
        vm.prank(dao);
        strategic.issue("p", "growth", PartnerTerms(0, 1, 1, Release.Linear), grants);
    }

    function testFuzz_ChangesNothingButWhatIsShown(uint256 numerator) public {
        numerator = bound(numerator, 2, 1_000);
        uint256 grantId = _live();
        vm.warp(TGE + 10 * MONTH);
        Repricing atOnce = new Repricing(address(manager), token, 0);
        _open(address(atOnce), Repricing.reprice.selector, Roles.PARAMS, dao);
        manager.grantRole(Roles.REPRICING, address(atOnce), 0);
        Everything memory before = _everything(grantId);
        assertEq(before.quota, 1);
        assertGt(before.releasable, 0);
        assertGt(before.claimable, 0);
        assertGt(before.weight, 0);
        uint256 shown = token.balanceOfUI(alice);
        vm.prank(dao);
        atOnce.reprice(numerator, 1, block.timestamp);
        assertEq(keccak256(abi.encode(_everything(grantId))), keccak256(abi.encode(before)));
        assertEq(token.balanceOfUI(alice), shown * numerator);
        // Shares of the whole are what they were, also as shown.
        assertEq(token.balanceOfUI(alice) * before.supply, before.aliceBalance * token.totalSupplyUI());
        // And all of it is paid out in the same raw amounts.
        vault.release(grantId);
        vm.prank(alice);
        nft.claim(1);
        assertEq(token.balanceOf(alice), before.aliceBalance + before.releasable + before.claimable);
    }
}
