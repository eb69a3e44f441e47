// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {IAgentMarket} from "../../src/interfaces/IAgentMarket.sol";
import {ILicenseManager} from "../../src/interfaces/ILicenseManager.sol";
import {IRevenueSplitter} from "../../src/interfaces/IRevenueSplitter.sol";
import {ExpiringPause} from "../../src/libraries/ExpiringPause.sol";
import {AgentFixture} from "./AgentFixture.sol";
import {SmartAccount} from "./mocks/SmartAccount.sol";

contract AgentMarketTest is AgentFixture {
    uint96 private constant PRICE = 1_000e6;
    uint64 private constant EXPIRY = START + 30 days;

    function setUp() public override {
        super.setUp();
        _mint(alice);
    }

    function _buy(address who, uint48 nonce) private {
        vm.prank(who);
        market.buy(1, PRICE, nonce);
    }

    function _bid(address who, uint96 amount) private {
        uint48 nonce = nft.stateNonce(1);
        vm.prank(who);
        market.makeOffer(1, amount, EXPIRY, nonce);
    }

    function _accept(address seller, address bidder) private {
        vm.startPrank(seller);
        nft.approve(address(market), 1);
        market.acceptOffer(1, bidder, 0);
        vm.stopPrank();
    }

    function _expectChanged(uint48 nonce, uint48 expected) private {
        vm.expectRevert(abi.encodeWithSelector(IAgentMarket.AgentChanged.selector, 1, nonce, expected));
    }

    // --- listing

    function test_ListingKeepsTheAgentWithItsHolder() public {
        assertFalse(market.isListed(1));
        vm.expectEmit(address(market));
        emit IAgentMarket.Listed(1, alice, PRICE, EXPIRY, 0, COMMISSION);
        vm.prank(alice);
        market.list(1, PRICE, EXPIRY);
        assertEq(nft.ownerOf(1), alice);
        assertFalse(market.isListed(1), "not approved yet");
        vm.startPrank(alice);
        nft.approve(address(market), 1);
        assertTrue(market.isListed(1));
        nft.approve(address(0), 1);
        assertFalse(market.isListed(1));
        nft.setApprovalForAll(address(market), true);
        assertTrue(market.isListed(1));
        vm.stopPrank();
        IAgentMarket.Listing memory listing = market.listingOf(1);
        assertEq(listing.seller, alice);
        assertEq(listing.price, PRICE);
        assertEq(listing.expiry, EXPIRY);
        assertEq(listing.tenure, 0);
        assertEq(listing.commissionBps, COMMISSION);
    }

    function _expectExpiry(uint64 given) private {
        vm.expectRevert(
            abi.encodeWithSelector(IAgentMarket.ExpiryOutOfBounds.selector, START + 1, START + 366 days, given)
        );
    }

    function test_BoundsListings() public {
        vm.expectRevert(abi.encodeWithSelector(IAgentMarket.NotTheHolder.selector, 1, alice, bob));
        vm.prank(bob);
        market.list(1, PRICE, EXPIRY);
        vm.startPrank(alice);
        vm.expectRevert(abi.encodeWithSelector(IAgentMarket.PriceIsZero.selector, 1));
        market.list(1, 0, EXPIRY);
        _expectExpiry(START);
        market.list(1, PRICE, START);
        _expectExpiry(START + 366 days + 1);
        market.list(1, PRICE, START + 366 days + 1);
        market.list(1, PRICE, START + 366 days);
        market.list(1, PRICE, START + 1);
        vm.stopPrank();
    }

    function test_SellerUnlistsAtAnyTime() public {
        vm.expectRevert(abi.encodeWithSelector(IAgentMarket.NotListed.selector, 1));
        market.unlist(1);
        _list(alice, 1, PRICE);
        vm.expectEmit(address(market));
        emit IAgentMarket.Unlisted(1, alice);
        vm.prank(alice);
        market.unlist(1);
        vm.expectRevert(abi.encodeWithSelector(IAgentMarket.NotListed.selector, 1));
        _buy(bob, 1);
    }

    function test_AnyoneClearsAListingThatIsNoLongerGood() public {
        _list(alice, 1, PRICE);
        bytes memory good = abi.encodeWithSelector(IAgentMarket.ListingStillGood.selector, 1, alice);
        vm.warp(EXPIRY - 1);
        vm.expectRevert(good);
        vm.prank(bob);
        market.unlist(1);
        vm.warp(EXPIRY);
        vm.prank(bob);
        market.unlist(1);
        _list(alice, 1, PRICE);
        vm.prank(alice);
        nft.transferFrom(alice, carol, 1);
        vm.prank(bob);
        market.unlist(1);
        assertEq(market.listingOf(1).seller, address(0));
    }

    // --- buying

    function test_SalePaysSellerDeveloperAndTreasury() public {
        _list(alice, 1, PRICE);
        vm.expectEmit(address(market));
        emit IAgentMarket.AgentSold(1, alice, bob, PRICE, 25e6, 50e6, developer);
        vm.expectEmit(address(nft));
        emit IERC721.Transfer(alice, bob, 1);
        _buy(bob, 1);
        assertEq(nft.ownerOf(1), bob);
        assertEq(nft.getApproved(1), address(0));
        assertEq(market.owed(alice), 925e6);
        assertEq(market.owed(developer), 50e6);
        assertEq(market.totalHeld(), 975e6);
        assertEq(stable.balanceOf(address(market)), 975e6);
        assertEq(stable.balanceOf(treasury), FEE + 25e6);
        assertEq(stable.balanceOf(bob), FUNDS - PRICE);
        assertEq(market.listingOf(1).seller, address(0));
        assertFalse(market.isListed(1));
    }

    function test_DeveloperWhoSellsGetsItsOwnRoyalty() public {
        _mint(developer);
        _list(developer, 2, PRICE);
        vm.prank(bob);
        market.buy(2, PRICE, 1);
        assertEq(market.owed(developer), 975e6);
    }

    function testFuzz_PriceIsSharedToTheUnit(uint96 price, uint16 royaltyBps, uint16 commissionBps) public {
        price = uint96(bound(price, 1, FUNDS));
        royaltyBps = uint16(bound(royaltyBps, 0, 1_000));
        commissionBps = uint16(bound(commissionBps, 0, 1_000));
        vm.prank(dao);
        market.setParameters(IAgentMarket.Parameters(treasury, commissionBps));
        vm.prank(developer);
        uint256 id = nft.mint(alice, royaltyBps, 0, _record(1), FEE);
        uint256 before = stable.balanceOf(treasury);
        _list(alice, id, price);
        vm.prank(bob);
        market.buy(id, price, 1);
        uint256 commission = stable.balanceOf(treasury) - before;
        assertEq(commission, uint256(price) * commissionBps / 10_000);
        assertEq(market.owed(developer), uint256(price) * royaltyBps / 10_000);
        assertEq(market.owed(alice) + market.owed(developer) + commission, price);
        assertEq(market.totalHeld(), stable.balanceOf(address(market)));
    }

    function test_RefusesAPriceAboveTheMaximum() public {
        _list(alice, 1, PRICE);
        vm.expectRevert(abi.encodeWithSelector(IAgentMarket.PriceAboveMaximum.selector, 1, PRICE, PRICE - 1));
        vm.prank(bob);
        market.buy(1, PRICE - 1, 1);
    }

    function test_ListingEndsAtItsExpiry() public {
        _list(alice, 1, PRICE);
        vm.warp(EXPIRY);
        assertFalse(market.isListed(1));
        vm.expectRevert(abi.encodeWithSelector(IAgentMarket.ListingExpired.selector, 1, EXPIRY));
        _buy(bob, 1);
        vm.warp(EXPIRY - 1);
        assertTrue(market.isListed(1));
        _buy(bob, 1);
    }

    function test_OldListingDoesNotWakeUpWhenTheAgentComesBack() public {
        _list(alice, 1, PRICE);
        vm.prank(alice);
        nft.transferFrom(alice, carol, 1);
        vm.prank(carol);
        nft.transferFrom(carol, alice, 1);
        vm.prank(alice);
        nft.approve(address(market), 1);
        uint48 nonce = nft.stateNonce(1);
        assertFalse(market.isListed(1));
        vm.expectRevert(abi.encodeWithSelector(IAgentMarket.ListingStale.selector, 1, alice));
        _buy(bob, nonce);
    }

    function test_HolderDoesNotBuyFromItself() public {
        _list(alice, 1, PRICE);
        vm.expectRevert(abi.encodeWithSelector(IAgentMarket.BuyerIsTheHolder.selector, 1, alice));
        _buy(alice, 1);
    }

    function test_SaleNeedsTheHoldersApproval() public {
        vm.prank(alice);
        market.list(1, PRICE, EXPIRY);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721InsufficientApproval.selector, address(market), 1));
        _buy(bob, 1);
        assertEq(stable.balanceOf(bob), FUNDS);
    }

    function test_CommissionIsThatOfTheListing() public {
        _list(alice, 1, PRICE);
        vm.prank(dao);
        market.setParameters(IAgentMarket.Parameters(carol, 1_000));
        _buy(bob, 1);
        assertEq(market.owed(alice), 925e6);
        assertEq(stable.balanceOf(carol), FUNDS + 25e6);
    }

    // --- bound to the state

    function test_BuyerGetsTheAgentThatItSaw() public {
        _list(alice, 1, PRICE);
        vm.prank(alice);
        nft.publishVersion(1, _record(2));
        assertTrue(market.isListed(1));
        _expectChanged(2, 1);
        _buy(bob, 1);
        _buy(bob, 2);
    }

    function test_LicenceSoldJustBeforeTheSaleStopsIt() public {
        _list(alice, 1, PRICE);
        _setTerms(alice, 1, 1, 1, 0);
        vm.prank(carol);
        licenses.buyLicense(1, ILicenseManager.LicenseKind.Exclusive, 366 days, 1e6);
        _expectChanged(2, 1);
        _buy(bob, 1);
        _bid(bob, PRICE);
        vm.prank(alice);
        nft.setMetadata(1, "k", "v");
        vm.startPrank(alice);
        _expectChanged(3, 2);
        market.acceptOffer(1, bob, 0);
        vm.stopPrank();
    }

    function test_RevenueUntilTheSaleIsTheSellersAndLaterTheBuyers() public {
        address till = splitter.tillOf(1);
        stable.mint(till, 100e6);
        _list(alice, 1, PRICE);
        vm.expectEmit(address(splitter));
        emit IRevenueSplitter.TillSwept(1, till, 100e6);
        _buy(bob, 1);
        assertEq(splitter.owed(alice), 70e6);
        assertEq(splitter.owed(bob), 0);
        stable.mint(till, 10e6);
        splitter.sweep(1);
        assertEq(splitter.owed(alice), 70e6);
        assertEq(splitter.owed(bob), 7e6);
        _bid(carol, PRICE);
        stable.mint(till, 10e6);
        _accept(bob, carol);
        assertEq(splitter.owed(bob), 14e6);
    }

    function test_RunningLicencesGoWithTheAgent() public {
        _setTerms(alice, 1, 50e6, 5e6, 0);
        vm.prank(carol);
        licenses.buyLicense(1, ILicenseManager.LicenseKind.Exclusive, 10 days, 500e6);
        _list(alice, 1, PRICE);
        _buy(bob, 2);
        assertTrue(licenses.mayCall(1, carol));
        assertFalse(licenses.mayCall(1, bob));
        vm.warp(START + 10 days);
        assertTrue(licenses.mayCall(1, bob));
    }

    // --- offers

    function test_OfferWaitsAsMoney() public {
        vm.expectEmit(address(market));
        emit IAgentMarket.OfferMade(1, bob, 900e6, EXPIRY, 1);
        _bid(bob, 900e6);
        assertEq(stable.balanceOf(bob), FUNDS - 900e6);
        assertEq(market.totalHeld(), 900e6);
        IAgentMarket.Offer memory offer = market.offerOf(1, bob);
        assertEq(offer.amount, 900e6);
        assertEq(offer.expiry, EXPIRY);
        assertEq(offer.nonce, 1);
    }

    function test_AcceptedOfferIsASale() public {
        _bid(bob, PRICE);
        _list(alice, 1, 2 * PRICE);
        vm.expectEmit(address(market));
        emit IAgentMarket.AgentSold(1, alice, bob, PRICE, 25e6, 50e6, developer);
        vm.prank(alice);
        market.acceptOffer(1, bob, 925e6);
        assertEq(nft.ownerOf(1), bob);
        assertEq(market.owed(alice), 925e6);
        assertEq(market.totalHeld(), 975e6);
        assertEq(market.offerOf(1, bob).amount, 0);
        assertEq(market.listingOf(1).seller, address(0));
        vm.expectRevert(abi.encodeWithSelector(IAgentMarket.NoOffer.selector, 1, bob));
        vm.prank(bob);
        market.cancelOffer(1);
    }

    function test_SellerNamesTheLeastItTakes() public {
        _bid(bob, PRICE);
        vm.startPrank(alice);
        nft.approve(address(market), 1);
        vm.expectRevert(abi.encodeWithSelector(IAgentMarket.ProceedsTooLow.selector, 1, 925e6, 925e6 + 1));
        market.acceptOffer(1, bob, 925e6 + 1);
        vm.stopPrank();
        assertEq(nft.ownerOf(1), alice);
    }

    function test_OnlyTheHolderAccepts() public {
        _bid(bob, PRICE);
        vm.expectRevert(abi.encodeWithSelector(IAgentMarket.NotTheHolder.selector, 1, alice, carol));
        vm.prank(carol);
        market.acceptOffer(1, bob, 0);
        vm.expectRevert(abi.encodeWithSelector(IAgentMarket.NoOffer.selector, 1, carol));
        vm.prank(alice);
        market.acceptOffer(1, carol, 0);
    }

    function test_OfferEndsAtItsExpiryAndComesBack() public {
        _bid(bob, PRICE);
        vm.prank(alice);
        nft.approve(address(market), 1);
        vm.warp(EXPIRY);
        vm.expectRevert(abi.encodeWithSelector(IAgentMarket.OfferExpired.selector, 1, bob, EXPIRY));
        vm.prank(alice);
        market.acceptOffer(1, bob, 0);
        vm.expectEmit(address(market));
        emit IAgentMarket.OfferCancelled(1, bob, PRICE);
        vm.prank(bob);
        market.cancelOffer(1);
        assertEq(stable.balanceOf(bob), FUNDS);
        assertEq(market.totalHeld(), 0);
        assertEq(market.offerOf(1, bob).amount, 0);
    }

    function test_OfferIsGoodUntilTheSecondBeforeItsExpiry() public {
        _bid(bob, PRICE);
        vm.warp(EXPIRY - 1);
        _accept(alice, bob);
        assertEq(nft.ownerOf(1), bob);
    }

    function test_BoundsOffers() public {
        vm.startPrank(bob);
        vm.expectRevert(abi.encodeWithSelector(IAgentMarket.PriceIsZero.selector, 1));
        market.makeOffer(1, 0, EXPIRY, 1);
        _expectExpiry(START);
        market.makeOffer(1, PRICE, START, 1);
        _expectChanged(1, 2);
        market.makeOffer(1, PRICE, EXPIRY, 2);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 2));
        market.makeOffer(2, PRICE, EXPIRY, 0);
        market.makeOffer(1, PRICE, EXPIRY, 1);
        vm.expectRevert(abi.encodeWithSelector(IAgentMarket.OfferExists.selector, 1, bob, PRICE));
        market.makeOffer(1, PRICE, EXPIRY, 1);
        vm.stopPrank();
        vm.expectRevert(abi.encodeWithSelector(IAgentMarket.BuyerIsTheHolder.selector, 1, alice));
        vm.prank(alice);
        market.makeOffer(1, PRICE, EXPIRY, 1);
    }

    function test_BidderWhoBecameTheHolderCannotSellToItself() public {
        _bid(bob, PRICE);
        vm.prank(alice);
        nft.transferFrom(alice, bob, 1);
        vm.startPrank(bob);
        nft.approve(address(market), 1);
        vm.expectRevert(abi.encodeWithSelector(IAgentMarket.BuyerIsTheHolder.selector, 1, bob));
        market.acceptOffer(1, bob, 0);
        market.cancelOffer(1);
        vm.stopPrank();
    }

    function test_ManyBiddersBidForOneAgent() public {
        _bid(bob, 900e6);
        _bid(carol, 950e6);
        assertEq(market.totalHeld(), 1_850e6);
        _accept(alice, carol);
        vm.prank(bob);
        market.cancelOffer(1);
        assertEq(stable.balanceOf(bob), FUNDS);
    }

    /// @dev The account refuses callbacks; the market makes none.
    function test_ContractWithoutReceiverHookCanBuyAndSell() public {
        SmartAccount account = new SmartAccount(bob);
        _fund(address(account));
        _list(alice, 1, PRICE);
        account.act(address(market), abi.encodeCall(market.buy, (1, PRICE, 1)));
        assertEq(nft.ownerOf(1), address(account));
        _bid(carol, PRICE);
        account.act(address(nft), abi.encodeCall(nft.approve, (address(market), 1)));
        account.act(address(market), abi.encodeCall(market.acceptOffer, (1, carol, 0)));
        assertEq(nft.ownerOf(1), carol);
    }

    // --- withdrawal, pause, parameters

    function test_AnyoneWithdrawsForTheOwnerOfTheMoney() public {
        _list(alice, 1, PRICE);
        _buy(bob, 1);
        vm.expectEmit(address(market));
        emit IAgentMarket.Withdrawn(alice, 925e6);
        vm.prank(carol);
        assertEq(market.withdraw(alice), 925e6);
        assertEq(stable.balanceOf(alice), FUNDS + 925e6);
        assertEq(market.totalHeld(), 50e6);
        vm.expectRevert(abi.encodeWithSelector(IAgentMarket.NothingToWithdraw.selector, alice));
        market.withdraw(alice);
    }

    function test_PauseStopsSalesButNotOnesOwnMoney() public {
        _list(alice, 1, PRICE);
        _bid(bob, PRICE);
        _mint(alice);
        _list(alice, 2, PRICE);
        vm.prank(carol);
        market.buy(2, PRICE, 1);
        vm.prank(guardian);
        market.pause(1 days);
        bytes memory paused = abi.encodeWithSelector(ExpiringPause.ModulePaused.selector, START + 1 days);
        vm.startPrank(alice);
        vm.expectRevert(paused);
        market.list(1, PRICE, EXPIRY);
        vm.expectRevert(paused);
        market.acceptOffer(1, bob, 0);
        market.unlist(1);
        vm.stopPrank();
        vm.startPrank(bob);
        vm.expectRevert(paused);
        market.buy(1, PRICE, 1);
        vm.expectRevert(paused);
        market.makeOffer(1, PRICE, EXPIRY, 1);
        market.cancelOffer(1);
        vm.stopPrank();
        market.withdraw(alice);
    }

    function test_DaoSetsParametersWithinBounds() public {
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, alice));
        vm.prank(alice);
        market.setParameters(IAgentMarket.Parameters(alice, 0));
        vm.startPrank(dao);
        vm.expectRevert(abi.encodeWithSelector(IAgentMarket.TreasuryIsZero.selector, address(0)));
        market.setParameters(IAgentMarket.Parameters(address(0), 0));
        vm.expectRevert(abi.encodeWithSelector(IAgentMarket.CommissionTooHigh.selector, 1_000, 1_001));
        market.setParameters(IAgentMarket.Parameters(treasury, 1_001));
        vm.expectEmit(address(market));
        emit IAgentMarket.ParametersChanged(IAgentMarket.Parameters(carol, 1_000));
        market.setParameters(IAgentMarket.Parameters(carol, 1_000));
        vm.stopPrank();
        assertEq(market.parameters().treasury, carol);
        assertEq(market.parameters().commissionBps, 1_000);
        assertEq(address(market.nft()), address(nft));
        assertEq(address(market.splitter()), address(splitter));
        assertEq(address(market.stable()), address(stable));
    }
}
