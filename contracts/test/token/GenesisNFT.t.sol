// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IGenesisNFT} from "../../src/interfaces/IGenesisNFT.sol";
import {IVestingVault, Schedule} from "../../src/interfaces/IVestingVault.sol";
import {Roles} from "../../src/Roles.sol";
import {GenesisNFT} from "../../src/token/GenesisNFT.sol";
import {TokenFixture} from "./TokenFixture.sol";

contract GenesisNFTTest is TokenFixture {
    function _sell(address to, uint256 count) private returns (uint256 firstId) {
        vm.prank(sale);
        return nft.mint(to, count);
    }

    function _claim(address caller, uint256 tokenId) private returns (uint256) {
        vm.prank(caller);
        return nft.claim(tokenId);
    }

    // -------------------------------------------------------------------------------------------- deployment

    function test_TakesTokenAndTgeFromTheVault() public view {
        assertEq(address(nft.token()), address(token));
        assertEq(address(nft.vault()), address(vault));
        assertEq(nft.tge(), TGE);
        assertEq(nft.saleEnd(), SALE_END);
        assertEq(nft.name(), "Vcity.ai Genesis");
        assertEq(nft.symbol(), "VGENESIS");
        assertEq(nft.MAX_SUPPLY() * nft.ENTITLEMENT(), NFT_SUPPLY);
        // At most 30 % of the initial liquidity.
        assertEq(NFT_SUPPLY * 10, 3 * (NFT_SUPPLY + vault.LIQUIDITY_ALLOCATION()));
    }

    function test_RefusesAVaultWithoutCode() public {
        vm.expectRevert(abi.encodeWithSelector(IGenesisNFT.NotAContract.selector, alice));
        new GenesisNFT(address(manager), IVestingVault(alice), SALE_END, "");
    }

    function test_RefusesASaleThatEndsNowOrAYearAfterTge() public {
        uint64 latest = TGE + 365 days;
        _expectSaleEnd(latest, DEPLOYED);
        new GenesisNFT(address(manager), vault, DEPLOYED, "");
        _expectSaleEnd(latest, latest + 1);
        new GenesisNFT(address(manager), vault, latest + 1, "");
        assertEq(new GenesisNFT(address(manager), vault, DEPLOYED + 1, "").saleEnd(), DEPLOYED + 1);
        assertEq(new GenesisNFT(address(manager), vault, latest, "").saleEnd(), latest);
    }

    function _expectSaleEnd(uint64 latest, uint64 given) private {
        vm.expectRevert(abi.encodeWithSelector(IGenesisNFT.SaleEndOutOfRange.selector, DEPLOYED + 1, latest, given));
    }

    function test_AnnouncesAndChangesItsUri() public {
        _sell(alice, 12);
        assertEq(nft.tokenURI(12), "ipfs://genesis/12");
        vm.expectEmit(address(nft));
        emit IGenesisNFT.BaseUriSet("https://vcity.ai/genesis/");
        vm.prank(dao);
        nft.setBaseUri("https://vcity.ai/genesis/");
        assertEq(nft.tokenURI(12), "https://vcity.ai/genesis/12");
        _expectUnauthorized(stranger);
        nft.setBaseUri("x");
    }

    // ---------------------------------------------------------------------------------------------------- sale

    function test_MintsConsecutiveIdsFromOne() public {
        assertEq(_sell(alice, 2), 1);
        assertEq(_sell(bob, 3), 3);
        assertEq(nft.minted(), 5);
        assertEq(nft.balanceOf(alice), 2);
        assertEq(nft.ownerOf(1), alice);
        assertEq(nft.ownerOf(2), alice);
        assertEq(nft.ownerOf(3), bob);
        assertEq(nft.ownerOf(5), bob);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 6));
        nft.ownerOf(6);
    }

    function test_SellsThreeThousandAndNotOneMore() public {
        _sell(alice, 2_998);
        vm.expectRevert(abi.encodeWithSelector(IGenesisNFT.SoldOut.selector, 2, 3));
        _sell(bob, 3);
        assertEq(_sell(bob, 2), 2_999);
        vm.expectRevert(abi.encodeWithSelector(IGenesisNFT.SoldOut.selector, 0, 1));
        _sell(bob, 1);
        assertEq(nft.minted(), 3_000);
    }

    function test_SellsOnlyThroughTheSaleAndUntilItEnds() public {
        _expectUnauthorized(stranger);
        nft.mint(stranger, 1);
        vm.expectRevert(abi.encodeWithSelector(IGenesisNFT.NothingMinted.selector, alice));
        _sell(alice, 0);
        vm.warp(SALE_END - 1);
        _sell(alice, 1);
        vm.warp(SALE_END);
        vm.expectRevert(abi.encodeWithSelector(IGenesisNFT.SaleOver.selector, SALE_END));
        _sell(alice, 1);
    }

    // -------------------------------------------------------------------------------------------------- claims

    function test_UnlocksAQuarterAtTgeAndTheRestInSixMonths() public view {
        assertEq(nft.unlockedAt(TGE - 1), 0);
        assertEq(nft.unlockedAt(TGE), 2_500e18);
        for (uint256 month = 1; month <= 6; ++month) {
            assertEq(nft.unlockedAt(TGE + month * MONTH - 1), 2_500e18 + (month - 1) * 1_250e18);
            assertEq(nft.unlockedAt(TGE + month * MONTH), 2_500e18 + month * 1_250e18);
        }
        assertEq(nft.unlockedAt(TGE + 6 * MONTH), 10_000e18);
        assertEq(nft.unlockedAt(TGE + 7 * MONTH), 10_000e18);
        assertEq(nft.unlockedAt(type(uint256).max), 10_000e18);
    }

    function test_PaysTheHolderWhatIsUnlocked() public {
        uint256 id = _sell(alice, 1);
        vm.warp(TGE);
        assertEq(nft.claimable(id), 2_500e18);
        vm.expectEmit(address(nft));
        emit IGenesisNFT.Claimed(id, alice, 2_500e18, 2_500e18);
        assertEq(_claim(alice, id), 2_500e18);
        assertEq(nft.claimed(id), 2_500e18);
        assertEq(nft.claimable(id), 0);
        vm.expectRevert(abi.encodeWithSelector(IGenesisNFT.NothingToClaim.selector, id, 2_500e18, 2_500e18));
        _claim(alice, id);
        vm.warp(TGE + 3 * MONTH);
        vm.expectEmit(address(nft));
        emit IGenesisNFT.Claimed(id, alice, 3_750e18, 6_250e18);
        _claim(alice, id);
        vm.warp(TGE + 20 * MONTH);
        _claim(alice, id);
        assertEq(token.balanceOf(alice), 10_000e18);
        assertEq(token.balanceOf(address(nft)), NFT_SUPPLY - 10_000e18);
    }

    function test_PaysNothingBeforeTge() public {
        uint256 id = _sell(alice, 1);
        vm.warp(TGE - 1);
        vm.expectRevert(abi.encodeWithSelector(IGenesisNFT.NothingToClaim.selector, id, 0, 0));
        _claim(alice, id);
    }

    function test_LetsTheHolderAndWhomItApprovedClaimForTheHolder() public {
        uint256 id = _sell(alice, 1);
        vm.warp(TGE);
        vm.expectRevert(abi.encodeWithSelector(IGenesisNFT.NotHolderNorApproved.selector, id, bob));
        _claim(bob, id);
        vm.prank(alice);
        nft.approve(bob, id);
        _claim(bob, id);
        assertEq(token.balanceOf(alice), 2_500e18);
        assertEq(token.balanceOf(bob), 0);
        vm.prank(alice);
        nft.setApprovalForAll(stranger, true);
        vm.warp(TGE + MONTH);
        _claim(stranger, id);
        assertEq(token.balanceOf(alice), 3_750e18);
    }

    function test_KnowsNoClaimOnATokenThatIsNone() public {
        vm.warp(TGE);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 1));
        nft.claim(1);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 1));
        nft.claimable(1);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 1));
        nft.lockClaims(1, TGE + 1);
    }

    function test_ClaimsFollowTheTokenWhenItIsSold() public {
        uint256 id = _sell(alice, 1);
        vm.warp(TGE);
        _claim(alice, id);
        vm.prank(alice);
        nft.transferFrom(alice, bob, id);
        assertEq(nft.claimed(id), 2_500e18);
        vm.expectRevert(abi.encodeWithSelector(IGenesisNFT.NothingToClaim.selector, id, 2_500e18, 2_500e18));
        _claim(bob, id);
        vm.warp(TGE + MONTH);
        vm.expectRevert(abi.encodeWithSelector(IGenesisNFT.NotHolderNorApproved.selector, id, alice));
        _claim(alice, id);
        _claim(bob, id);
        assertEq(token.balanceOf(bob), 1_250e18);
    }

    function test_ClaimsSeveralTokensEachForItsHolder() public {
        _sell(alice, 2);
        _sell(bob, 1);
        vm.prank(bob);
        nft.approve(alice, 3);
        vm.warp(TGE);
        uint256[] memory ids = new uint256[](3);
        (ids[0], ids[1], ids[2]) = (1, 2, 3);
        vm.prank(alice);
        assertEq(nft.claimMany(ids), 7_500e18);
        assertEq(token.balanceOf(alice), 5_000e18);
        assertEq(token.balanceOf(bob), 2_500e18);
        vm.expectRevert(abi.encodeWithSelector(IGenesisNFT.NothingToClaim.selector, 1, 2_500e18, 2_500e18));
        vm.prank(alice);
        nft.claimMany(ids);
    }

    // ------------------------------------------------------------------------------------------------ promises

    function test_KeepsAHoldersPromiseWhoeverHoldsTheToken() public {
        uint256 id = _sell(alice, 1);
        vm.warp(TGE);
        uint64 until = TGE + 5 days;
        vm.expectEmit(address(nft));
        emit IGenesisNFT.ClaimsLocked(id, alice, until);
        vm.prank(alice);
        nft.lockClaims(id, until);
        assertEq(nft.lockedUntil(id), until);
        vm.startPrank(alice);
        nft.transferFrom(alice, alice, id);
        nft.transferFrom(alice, bob, id);
        vm.stopPrank();
        vm.warp(until - 1);
        vm.expectRevert(abi.encodeWithSelector(IGenesisNFT.ClaimsAreLocked.selector, id, until));
        _claim(bob, id);
        assertEq(nft.claimable(id), 2_500e18);
        vm.warp(until);
        assertEq(_claim(bob, id), 2_500e18);
    }

    function test_LetsAPromiseGrowButNotShrink() public {
        uint256 id = _sell(alice, 1);
        vm.startPrank(alice);
        nft.lockClaims(id, DEPLOYED + 10 days);
        nft.lockClaims(id, DEPLOYED + 10 days);
        _expectLockRange(DEPLOYED + 10 days, DEPLOYED + 30 days, DEPLOYED + 10 days - 1);
        nft.lockClaims(id, DEPLOYED + 10 days - 1);
        _expectLockRange(DEPLOYED + 10 days, DEPLOYED + 30 days, DEPLOYED + 30 days + 1);
        nft.lockClaims(id, DEPLOYED + 30 days + 1);
        nft.lockClaims(id, DEPLOYED + 30 days);
        vm.stopPrank();
        assertEq(nft.lockedUntil(id), DEPLOYED + 30 days);
    }

    function test_RefusesAPromiseUntilNow() public {
        uint256 id = _sell(alice, 1);
        vm.startPrank(alice);
        _expectLockRange(DEPLOYED + 1, DEPLOYED + 30 days, DEPLOYED);
        nft.lockClaims(id, DEPLOYED);
        nft.lockClaims(id, DEPLOYED + 1);
        vm.stopPrank();
    }

    function _expectLockRange(uint64 earliest, uint64 latest, uint64 given) private {
        vm.expectRevert(abi.encodeWithSelector(IGenesisNFT.LockOutOfRange.selector, earliest, latest, given));
    }

    function test_LetsOnlyTheHolderPromise() public {
        uint256 id = _sell(alice, 1);
        vm.prank(alice);
        nft.approve(bob, id);
        vm.expectRevert(abi.encodeWithSelector(IGenesisNFT.NotHolderNorApproved.selector, id, bob));
        vm.prank(bob);
        nft.lockClaims(id, DEPLOYED + 1);
    }

    // -------------------------------------------------------------------------------------------------- unsold

    function test_ReturnsTheUnsoldRestToLiquidityAfterTheSale() public {
        _sell(alice, 1_000);
        vm.warp(SALE_END - 1);
        vm.expectRevert(abi.encodeWithSelector(IGenesisNFT.SaleNotOver.selector, SALE_END));
        nft.returnUnsold();
        vm.warp(SALE_END);
        vm.expectEmit(address(nft));
        emit IGenesisNFT.UnsoldReturned(2_000, 20_000_000e18);
        vm.prank(stranger);
        assertEq(nft.returnUnsold(), 20_000_000e18);
        assertTrue(nft.unsoldReturned());
        (, Schedule memory schedule,) = vault.trancheOf(3);
        assertEq(schedule.allocation, 90_000_000e18);
        assertEq(token.balanceOf(address(nft)), 10_000_000e18);
        assertEq(token.balanceOf(address(vault)), VAULT_SUPPLY + 20_000_000e18);
        assertEq(token.allowance(address(nft), address(vault)), 0);
        vm.expectRevert(abi.encodeWithSelector(IGenesisNFT.AlreadyReturned.selector, 1_000));
        nft.returnUnsold();
    }

    function test_ReturnsNothingWhenAllWereSold() public {
        _sell(alice, 3_000);
        vm.warp(SALE_END);
        vm.expectEmit(address(nft));
        emit IGenesisNFT.UnsoldReturned(0, 0);
        assertEq(nft.returnUnsold(), 0);
        assertTrue(nft.unsoldReturned());
        assertEq(token.balanceOf(address(nft)), NFT_SUPPLY);
    }

    function test_PaysEveryHolderInFullAfterTheRestIsReturned() public {
        _sell(alice, 3);
        vm.warp(TGE + 6 * MONTH);
        nft.returnUnsold();
        for (uint256 id = 1; id <= 3; ++id) {
            _claim(alice, id);
        }
        assertEq(token.balanceOf(alice), 30_000e18);
        assertEq(token.balanceOf(address(nft)), 0);
    }

    function test_SellsAfterTgeWhereTheSaleEndsLater() public {
        GenesisNFT late = new GenesisNFT(address(manager), vault, TGE + 10 days, "");
        _open(address(late), GenesisNFT.mint.selector, Roles.GENESIS_SALE, sale);
        deal(address(token), address(late), NFT_SUPPLY);
        vm.warp(TGE + 9 days);
        vm.prank(sale);
        late.mint(alice, 1);
        vm.prank(alice);
        assertEq(late.claim(1), 2_500e18);
    }
}
