// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {LicenseManager} from "../../src/agents/LicenseManager.sol";
import {IAgentNFT} from "../../src/interfaces/IAgentNFT.sol";
import {ILicenseManager} from "../../src/interfaces/ILicenseManager.sol";
import {IRevenueSplitter} from "../../src/interfaces/IRevenueSplitter.sol";
import {ExpiringPause} from "../../src/libraries/ExpiringPause.sol";
import {AgentFixture} from "./AgentFixture.sol";
import {SmartAccount} from "./mocks/SmartAccount.sol";

contract LicenseManagerTest is AgentFixture {
    ILicenseManager.LicenseKind private constant EXCLUSIVE = ILicenseManager.LicenseKind.Exclusive;
    ILicenseManager.LicenseKind private constant SHARED = ILicenseManager.LicenseKind.Shared;
    uint64 private constant TERM = 10 days;

    function setUp() public override {
        super.setUp();
        _mint(alice);
        _setTerms(alice, 1, 50e6, 5e6, 0.01e6);
    }

    function _buy(address who, ILicenseManager.LicenseKind kind, uint64 duration) private returns (uint64) {
        vm.prank(who);
        return licenses.buyLicense(1, kind, duration, type(uint256).max);
    }

    function _offer(address licensee) private pure returns (ILicenseManager.LicenseOffer memory) {
        return ILicenseManager.LicenseOffer({
            agentId: 1,
            licensee: licensee,
            kind: EXCLUSIVE,
            duration: TERM,
            price: 100e6,
            tenure: 0,
            deadline: START + 1 days,
            nonce: 7
        });
    }

    function _accept(address who, ILicenseManager.LicenseOffer memory offer) private returns (uint64) {
        bytes memory signature = _sign(aliceKey, licenses.offerDigest(offer));
        vm.prank(who);
        return licenses.acceptOffer(offer, signature);
    }

    /// @dev The call that the next line makes, so that `expectRevert` does not catch the digest.
    function _expectAcceptReverts(address who, ILicenseManager.LicenseOffer memory offer, bytes memory reason)
        private
    {
        bytes memory signature = _sign(aliceKey, licenses.offerDigest(offer));
        vm.expectRevert(reason);
        vm.prank(who);
        licenses.acceptOffer(offer, signature);
    }

    function _exclusiveRunning(address user, uint64 until) private pure returns (bytes memory) {
        return abi.encodeWithSelector(ILicenseManager.ExclusiveRunning.selector, 1, user, until);
    }

    // --- standing terms

    function test_HolderSetsTermsForItsTenure() public {
        ILicenseManager.Terms memory terms = ILicenseManager.Terms(1, 2, 3);
        vm.expectEmit(address(licenses));
        emit ILicenseManager.TermsSet(1, alice, terms, 0);
        vm.prank(alice);
        licenses.setTerms(1, terms);
        assertEq(licenses.termsOf(1).exclusivePerDay, 1);
        assertEq(licenses.termsOf(1).sharedPerDay, 2);
        assertEq(licenses.termsOf(1).perCall, 3);
        vm.prank(alice);
        nft.transferFrom(alice, bob, 1);
        assertEq(licenses.termsOf(1).exclusivePerDay, 0);
        assertEq(licenses.termsOf(1).perCall, 0);
        vm.expectRevert(abi.encodeWithSelector(ILicenseManager.NotTheHolder.selector, 1, bob, alice));
        vm.prank(alice);
        licenses.setTerms(1, terms);
        vm.expectEmit(address(licenses));
        emit ILicenseManager.TermsSet(1, bob, terms, 1);
        vm.prank(bob);
        licenses.setTerms(1, terms);
        assertEq(licenses.termsOf(1).sharedPerDay, 2);
    }

    function test_PriceIsPerSecondRoundedUp() public {
        assertEq(licenses.priceOf(1, SHARED, 1 days), 5e6);
        assertEq(licenses.priceOf(1, EXCLUSIVE, 1 days), 50e6);
        assertEq(licenses.priceOf(1, SHARED, 86_401), 5_000_058);
        _setTerms(alice, 1, 0, 1, 0);
        assertEq(licenses.priceOf(1, SHARED, 1), 1);
        vm.expectRevert(abi.encodeWithSelector(ILicenseManager.NotOffered.selector, 1, EXCLUSIVE));
        licenses.priceOf(1, EXCLUSIVE, 1);
        _setTerms(alice, 1, 1, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(ILicenseManager.NotOffered.selector, 1, SHARED));
        licenses.priceOf(1, SHARED, 1);
    }

    // --- shared licences

    function test_SharedLicenceRunsToTheSecondOfItsEnd() public {
        vm.expectEmit(address(licenses));
        emit ILicenseManager.Licensed(1, bob, SHARED, START, START + TERM, 50e6, alice);
        vm.expectEmit(address(nft));
        emit IAgentNFT.StateChanged(1, 2);
        vm.expectEmit(address(splitter));
        emit IRevenueSplitter.RevenueShared(1, alice, developer, 35e6, 10e6, 5e6);
        assertEq(_buy(bob, SHARED, TERM), START + TERM);
        assertEq(stable.balanceOf(bob), FUNDS - 50e6);
        assertEq(stable.balanceOf(address(licenses)), 0);
        assertEq(licenses.sharedUntil(1, bob), START + TERM);
        assertEq(licenses.latestShared(1), START + TERM);
        vm.warp(START + TERM - 1);
        assertTrue(licenses.mayCall(1, bob));
        assertFalse(licenses.mayCall(1, carol));
        vm.warp(START + TERM);
        assertFalse(licenses.mayCall(1, bob));
    }

    function test_SharedLicencesDoNotExcludeEachOther() public {
        _buy(bob, SHARED, TERM);
        _buy(carol, SHARED, TERM / 2);
        assertEq(licenses.latestShared(1), START + TERM);
        assertTrue(licenses.mayCall(1, bob));
        assertTrue(licenses.mayCall(1, carol));
        assertTrue(licenses.mayCall(1, alice));
        assertFalse(licenses.mayCall(1, developer));
    }

    function test_SharedLicenceIsProlongedFromItsEnd() public {
        _buy(bob, SHARED, TERM);
        vm.warp(START + 1 days);
        vm.expectEmit(address(licenses));
        emit ILicenseManager.Licensed(1, bob, SHARED, START + TERM, START + 2 * TERM, 50e6, alice);
        assertEq(_buy(bob, SHARED, TERM), START + 2 * TERM);
        vm.warp(START + 3 * TERM);
        assertEq(_buy(bob, SHARED, TERM), START + 4 * TERM);
    }

    function test_SharedLicenceSurvivesTransfer() public {
        _buy(bob, SHARED, TERM);
        vm.prank(alice);
        nft.transferFrom(alice, carol, 1);
        assertTrue(licenses.mayCall(1, bob));
        assertTrue(licenses.mayCall(1, carol));
        assertFalse(licenses.mayCall(1, alice));
        assertEq(splitter.owed(alice), 35e6);
        assertEq(splitter.owed(carol), 0);
    }

    // --- exclusive licences

    function test_ExclusiveLicenceExcludesEverybodyElse() public {
        vm.prank(carol);
        licenses.buyCalls(1, 5, 1e6);
        vm.expectEmit(address(licenses));
        emit ILicenseManager.Licensed(1, bob, EXCLUSIVE, START, START + TERM, 500e6, alice);
        assertEq(_buy(bob, EXCLUSIVE, TERM), START + TERM);
        assertEq(nft.userOf(1), bob);
        assertEq(nft.stateNonce(1), 2);
        vm.warp(START + TERM - 1);
        assertTrue(licenses.mayCall(1, bob));
        assertFalse(licenses.mayCall(1, alice));
        assertFalse(licenses.mayCall(1, carol));
        assertFalse(licenses.mayCall(1, address(0)));
        vm.warp(START + TERM);
        assertFalse(licenses.mayCall(1, bob));
        assertTrue(licenses.mayCall(1, alice));
        assertTrue(licenses.mayCall(1, carol));
        assertFalse(licenses.mayCall(1, address(0)));
    }

    function test_ExclusiveTermRefusesOtherBuyers() public {
        _buy(bob, EXCLUSIVE, TERM);
        bytes memory running = _exclusiveRunning(bob, START + TERM);
        vm.startPrank(carol);
        vm.expectRevert(running);
        licenses.buyLicense(1, SHARED, TERM, type(uint256).max);
        vm.expectRevert(running);
        licenses.buyLicense(1, EXCLUSIVE, TERM, type(uint256).max);
        vm.expectRevert(running);
        licenses.buyCalls(1, 1, 1e6);
        vm.warp(START + TERM);
        licenses.buyLicense(1, EXCLUSIVE, TERM, type(uint256).max);
        vm.stopPrank();
        assertEq(nft.userOf(1), carol);
    }

    function test_SharedTermRefusesAnExclusiveOne() public {
        _buy(bob, SHARED, TERM);
        vm.expectRevert(abi.encodeWithSelector(ILicenseManager.SharedRunning.selector, 1, START + TERM));
        vm.prank(carol);
        licenses.buyLicense(1, EXCLUSIVE, TERM, type(uint256).max);
        vm.warp(START + TERM);
        _buy(carol, EXCLUSIVE, TERM);
    }

    function test_ExclusiveLicenceIsProlongedByItsLicensee() public {
        _buy(bob, EXCLUSIVE, TERM);
        vm.warp(START + 1 days);
        assertEq(_buy(bob, EXCLUSIVE, TERM), START + 2 * TERM);
        assertEq(nft.userExpires(1), START + 2 * TERM);
        vm.warp(START + 2 * TERM);
        assertEq(_buy(bob, EXCLUSIVE, TERM), START + 3 * TERM);
    }

    function test_ExclusiveLicenceSurvivesTransferAndSale() public {
        _buy(bob, EXCLUSIVE, TERM);
        vm.prank(alice);
        nft.transferFrom(alice, carol, 1);
        assertTrue(licenses.mayCall(1, bob));
        assertFalse(licenses.mayCall(1, carol));
        vm.expectRevert(abi.encodeWithSelector(IAgentNFT.UserTermRunning.selector, 1, bob, START + TERM));
        vm.prank(carol);
        nft.setUser(1, carol, START + 1 days);
    }

    function test_FreeLoanAddsARightAndExcludesNobody() public {
        _buy(carol, SHARED, TERM);
        vm.prank(alice);
        nft.setUser(1, bob, START + TERM);
        assertTrue(licenses.mayCall(1, bob));
        assertTrue(licenses.mayCall(1, carol));
        assertTrue(licenses.mayCall(1, alice));
        vm.warp(START + TERM);
        vm.prank(alice);
        nft.setUser(1, bob, START + 2 * TERM);
        vm.expectRevert(abi.encodeWithSelector(IAgentNFT.UserTermRunning.selector, 1, bob, START + 2 * TERM));
        vm.prank(carol);
        licenses.buyLicense(1, EXCLUSIVE, TERM, type(uint256).max);
    }

    // --- bounds

    function test_RefusesAPriceAboveTheMaximum() public {
        vm.startPrank(bob);
        vm.expectRevert(abi.encodeWithSelector(ILicenseManager.PriceAboveMaximum.selector, 1, 5e6, 5e6 - 1));
        licenses.buyLicense(1, SHARED, 1 days, 5e6 - 1);
        licenses.buyLicense(1, SHARED, 1 days, 5e6);
        vm.stopPrank();
    }

    function _expectDuration(uint64 given) private {
        vm.expectRevert(abi.encodeWithSelector(ILicenseManager.DurationOutOfBounds.selector, 1 hours, 366 days, given));
    }

    function test_BoundsDurations() public {
        vm.startPrank(bob);
        _expectDuration(1 hours - 1);
        licenses.buyLicense(1, SHARED, 1 hours - 1, type(uint256).max);
        _expectDuration(366 days + 1);
        licenses.buyLicense(1, SHARED, 366 days + 1, type(uint256).max);
        licenses.buyLicense(1, SHARED, 1 hours, type(uint256).max);
        vm.expectRevert(
            abi.encodeWithSelector(
                ILicenseManager.TermTooLong.selector, 1, START + 366 days, START + 366 days + 1 hours
            )
        );
        licenses.buyLicense(1, SHARED, 366 days, type(uint256).max);
        vm.warp(START + 1 hours);
        licenses.buyLicense(1, SHARED, 366 days, type(uint256).max);
        vm.stopPrank();
    }

    function test_UnknownAgentHasNoRightsToSell() public {
        vm.expectRevert(abi.encodeWithSelector(ILicenseManager.NotOffered.selector, 2, SHARED));
        licenses.buyLicense(2, SHARED, TERM, 0);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 2));
        licenses.setTerms(2, ILicenseManager.Terms(1, 1, 1));
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 2));
        licenses.mayCall(2, alice);
    }

    // --- signed offers

    function test_SignedOfferGivesOneLicence() public {
        vm.expectEmit(address(licenses));
        emit ILicenseManager.OfferNonceUsed(alice, 7, false);
        vm.expectEmit(address(licenses));
        emit ILicenseManager.Licensed(1, bob, EXCLUSIVE, START, START + TERM, 100e6, alice);
        assertEq(_accept(bob, _offer(bob)), START + TERM);
        assertTrue(licenses.nonceUsed(alice, 7));
        assertFalse(licenses.nonceUsed(alice, 6));
        assertEq(splitter.owed(alice), 70e6);
        _expectAcceptReverts(bob, _offer(bob), abi.encodeWithSelector(ILicenseManager.NonceUsed.selector, alice, 7));
    }

    function test_OfferToAnyoneIsTakenByTheFirst() public {
        _accept(carol, _offer(address(0)));
        _expectAcceptReverts(
            bob, _offer(address(0)), abi.encodeWithSelector(ILicenseManager.NonceUsed.selector, alice, 7)
        );
    }

    function test_OfferForSomebodyElseIsRefused() public {
        _expectAcceptReverts(
            carol, _offer(bob), abi.encodeWithSelector(ILicenseManager.OfferNotForYou.selector, 1, bob, carol)
        );
    }

    function test_OfferEndsAfterItsDeadline() public {
        vm.warp(START + 1 days + 1);
        _expectAcceptReverts(
            bob, _offer(bob), abi.encodeWithSelector(ILicenseManager.OfferExpired.selector, 1, START + 1 days)
        );
        vm.warp(START + 1 days);
        _accept(bob, _offer(bob));
    }

    function test_OfferDoesNotBindALaterHolder() public {
        vm.prank(alice);
        nft.transferFrom(alice, carol, 1);
        _expectAcceptReverts(bob, _offer(bob), abi.encodeWithSelector(ILicenseManager.OfferStale.selector, 1, 1, 0));
        // Nor does it wake up when the agent comes back.
        vm.prank(carol);
        nft.transferFrom(carol, alice, 1);
        _expectAcceptReverts(bob, _offer(bob), abi.encodeWithSelector(ILicenseManager.OfferStale.selector, 1, 2, 0));
    }

    function test_RefusesASignatureOfAnotherOverAnother() public {
        ILicenseManager.LicenseOffer memory offer = _offer(bob);
        bytes32 digest = licenses.offerDigest(offer);
        bytes memory signature = _sign(carolKey, digest);
        vm.expectRevert(abi.encodeWithSelector(ILicenseManager.BadOfferSignature.selector, alice, digest));
        vm.prank(bob);
        licenses.acceptOffer(offer, signature);
        signature = _sign(aliceKey, digest);
        offer.price = 1;
        digest = licenses.offerDigest(offer);
        vm.expectRevert(abi.encodeWithSelector(ILicenseManager.BadOfferSignature.selector, alice, digest));
        vm.prank(bob);
        licenses.acceptOffer(offer, signature);
    }

    function test_OfferDigestIsEip712() public view {
        bytes32 typehash = keccak256(
            "LicenseOffer(uint256 agentId,address licensee,uint8 kind,uint64 duration,uint96 price,uint24 tenure,uint64 deadline,uint256 nonce)"
        );
        ILicenseManager.LicenseOffer memory o = _offer(bob);
        bytes32 structHash = keccak256(
            abi.encode(typehash, o.agentId, o.licensee, o.kind, o.duration, o.price, o.tenure, o.deadline, o.nonce)
        );
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Vcity Licenses"),
                keccak256("1"),
                block.chainid,
                address(licenses)
            )
        );
        assertEq(licenses.domainSeparator(), domain);
        assertEq(licenses.offerDigest(o), keccak256(abi.encodePacked(hex"1901", domain, structHash)));
    }

    function test_HolderCancelsASignedOffer() public {
        vm.expectEmit(address(licenses));
        emit ILicenseManager.OfferNonceUsed(alice, 7, true);
        vm.prank(alice);
        licenses.cancelNonce(7);
        bytes memory used = abi.encodeWithSelector(ILicenseManager.NonceUsed.selector, alice, 7);
        _expectAcceptReverts(bob, _offer(bob), used);
        vm.expectRevert(used);
        vm.prank(alice);
        licenses.cancelNonce(7);
    }

    function test_FreeOfferMovesNoMoney() public {
        ILicenseManager.LicenseOffer memory offer = _offer(bob);
        (offer.price, offer.kind) = (0, SHARED);
        assertEq(_accept(bob, offer), START + TERM);
        assertEq(stable.balanceOf(bob), FUNDS);
        assertEq(splitter.totalOwed(), 0);
        assertTrue(licenses.mayCall(1, bob));
        assertEq(licenses.unratedPaymentOf(1, bob), 0);
    }

    function test_ContractHolderSignsByErc1271() public {
        SmartAccount account = new SmartAccount(alice);
        vm.prank(alice);
        nft.transferFrom(alice, address(account), 1);
        ILicenseManager.LicenseOffer memory offer = _offer(bob);
        offer.tenure = 1;
        _accept(bob, offer);
        assertEq(splitter.owed(address(account)), 70e6);
    }

    // --- pause and parameters

    function test_PauseStopsNewLicencesOnly() public {
        vm.prank(bob);
        licenses.buyCalls(1, 5, 1e6);
        vm.prank(guardian);
        licenses.pause(1 days);
        bytes memory paused = abi.encodeWithSelector(ExpiringPause.ModulePaused.selector, START + 1 days);
        vm.startPrank(bob);
        vm.expectRevert(paused);
        licenses.buyLicense(1, SHARED, TERM, type(uint256).max);
        vm.expectRevert(paused);
        licenses.buyCalls(1, 5, 1e6);
        ILicenseManager.LicenseOffer memory offer = _offer(bob);
        vm.expectRevert(paused);
        licenses.acceptOffer(offer, "");
        licenses.requestRefund(1);
        vm.stopPrank();
        assertTrue(licenses.mayCall(1, alice));
    }

    function _set(uint64 minTerm, uint64 maxTerm, uint64 delay, uint64 threshold) private {
        vm.prank(dao);
        licenses.setParameters(ILicenseManager.Parameters(minTerm, maxTerm, delay, threshold));
    }

    function _expectTermBounds(uint64 minTerm, uint64 maxTerm) private {
        vm.expectRevert(
            abi.encodeWithSelector(ILicenseManager.TermBoundsInvalid.selector, minTerm, maxTerm, 1_461 days)
        );
    }

    function test_DaoSetsParametersWithinBounds() public {
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, alice));
        vm.prank(alice);
        licenses.setParameters(_licenseParameters());
        _expectTermBounds(0, 1);
        _set(0, 1, 0, 1);
        _expectTermBounds(3, 2);
        _set(3, 2, 0, 1);
        _expectTermBounds(1, 1_461 days + 1);
        _set(1, 1_461 days + 1, 0, 1);
        vm.expectRevert(abi.encodeWithSelector(ILicenseManager.RefundDelayTooLong.selector, 30 days, 30 days + 1));
        _set(1, 1, 30 days + 1, 1);
        vm.expectRevert(abi.encodeWithSelector(ILicenseManager.RatingThresholdInvalid.selector, 1, 100e6, 0));
        _set(1, 1, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(ILicenseManager.RatingThresholdInvalid.selector, 1, 100e6, 100e6 + 1));
        _set(1, 1, 0, 100e6 + 1);
        vm.expectEmit(address(licenses));
        emit ILicenseManager.ParametersChanged(ILicenseManager.Parameters(2, 1_461 days, 30 days, 100e6));
        _set(2, 1_461 days, 30 days, 100e6);
        ILicenseManager.Parameters memory now_ = licenses.parameters();
        assertEq(now_.minTerm, 2);
        assertEq(now_.maxTerm, 1_461 days);
        assertEq(now_.refundDelay, 30 days);
        assertEq(now_.ratingThreshold, 100e6);
        _set(5, 5, 0, 1);
    }

    function test_LongestTermFitsTheUseRight() public {
        _set(1, 1_461 days, 0, 1);
        assertEq(_buy(bob, EXCLUSIVE, 1_461 days), START + 1_461 days);
    }

    function test_KnowsItsNeighbours() public view {
        assertEq(address(licenses.nft()), address(nft));
        assertEq(address(licenses.splitter()), address(splitter));
        assertEq(address(licenses.stable()), address(stable));
    }
}
