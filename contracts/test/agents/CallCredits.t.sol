// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ILicenseManager} from "../../src/interfaces/ILicenseManager.sol";
import {IRevenueSplitter} from "../../src/interfaces/IRevenueSplitter.sol";
import {AgentFixture} from "./AgentFixture.sol";
import {SmartAccount} from "./mocks/SmartAccount.sol";

/// @dev Prepaid calls and ratings.
contract CallCreditsTest is AgentFixture {
    uint64 private constant PER_CALL = 0.01e6;

    function setUp() public override {
        super.setUp();
        _mint(alice);
        _setTerms(alice, 1, 50e6, 5e6, PER_CALL);
    }

    function _buy(address who, uint32 calls) private {
        vm.prank(who);
        licenses.buyCalls(1, calls, type(uint256).max);
    }

    function _redeem(uint64 used) private returns (uint256) {
        bytes memory signature = _sign(bobKey, licenses.voucherDigest(1, bob, used));
        return licenses.redeemCalls(1, bob, used, signature);
    }

    function _expectRedeemReverts(uint64 used, bytes memory reason) private {
        bytes memory signature = _sign(bobKey, licenses.voucherDigest(1, bob, used));
        vm.expectRevert(reason);
        licenses.redeemCalls(1, bob, used, signature);
    }

    function _credit() private view returns (ILicenseManager.CallCredit memory) {
        return licenses.creditOf(1, bob);
    }

    // --- credit

    function test_BoughtCallsWaitAsTheUsersMoney() public {
        vm.expectEmit(address(licenses));
        emit ILicenseManager.CallsBought(1, bob, 1_000, 10e6);
        vm.prank(bob);
        licenses.buyCalls(1, 1_000, 10e6);
        assertEq(_credit().escrowed, 10e6);
        assertEq(_credit().left, 1_000);
        assertEq(_credit().used, 0);
        assertEq(licenses.totalEscrowed(), 10e6);
        assertEq(stable.balanceOf(address(licenses)), 10e6);
        assertEq(stable.balanceOf(bob), FUNDS - 10e6);
        assertTrue(licenses.mayCall(1, bob));
        assertEq(nft.stateNonce(1), 1);
        assertEq(licenses.unratedPaymentOf(1, bob), 0);
    }

    function test_RefusesCallsThatAreNotOfferedOrTooDear() public {
        vm.startPrank(bob);
        vm.expectRevert(abi.encodeWithSelector(ILicenseManager.CallsAreZero.selector, 1));
        licenses.buyCalls(1, 0, 1e6);
        vm.expectRevert(abi.encodeWithSelector(ILicenseManager.PriceAboveMaximum.selector, 1, 10e6, 10e6 - 1));
        licenses.buyCalls(1, 1_000, 10e6 - 1);
        vm.stopPrank();
        _setTerms(alice, 1, 50e6, 5e6, 0);
        vm.expectRevert(abi.encodeWithSelector(ILicenseManager.CallsNotOffered.selector, 1));
        vm.prank(bob);
        licenses.buyCalls(1, 1, 1e6);
    }

    function test_SignedCallsArePaidToTheHolder() public {
        _buy(bob, 1_000);
        bytes memory signature = _sign(bobKey, licenses.voucherDigest(1, bob, 250));
        vm.expectEmit(address(licenses));
        emit ILicenseManager.CallsRedeemed(1, bob, 250, 250, 2.5e6, alice);
        vm.expectEmit(address(splitter));
        emit IRevenueSplitter.RevenueShared(1, alice, developer, 1.75e6, 0.5e6, 0.25e6);
        vm.prank(carol);
        assertEq(licenses.redeemCalls(1, bob, 250, signature), 2.5e6);
        assertEq(_credit().escrowed, 7.5e6);
        assertEq(_credit().left, 750);
        assertEq(_credit().used, 250);
        assertEq(licenses.totalEscrowed(), 7.5e6);
        assertEq(licenses.unratedPaymentOf(1, bob), 2.5e6);
        assertEq(_redeem(1_000), 7.5e6);
        assertEq(_credit().escrowed, 0);
        assertEq(licenses.totalEscrowed(), 0);
        assertFalse(licenses.mayCall(1, bob));
        assertEq(splitter.owed(alice), 7e6);
    }

    function test_VoucherPaysOnce() public {
        _buy(bob, 10);
        _redeem(4);
        _expectRedeemReverts(4, abi.encodeWithSelector(ILicenseManager.VoucherStale.selector, 1, bob, 4, 4));
        _expectRedeemReverts(3, abi.encodeWithSelector(ILicenseManager.VoucherStale.selector, 1, bob, 4, 3));
        _expectRedeemReverts(11, abi.encodeWithSelector(ILicenseManager.CreditTooLow.selector, 1, bob, 6, 7));
        _redeem(10);
        _expectRedeemReverts(11, abi.encodeWithSelector(ILicenseManager.CreditTooLow.selector, 1, bob, 0, 1));
    }

    function test_RefusesAVoucherThatTheUserDidNotSign() public {
        _buy(bob, 10);
        bytes32 digest = licenses.voucherDigest(1, bob, 4);
        bytes memory signature = _sign(aliceKey, digest);
        bytes memory refusal = abi.encodeWithSelector(ILicenseManager.BadVoucherSignature.selector, bob, digest);
        vm.expectRevert(refusal);
        licenses.redeemCalls(1, bob, 4, signature);
        // Signed, but for another agent.
        signature = _sign(bobKey, licenses.voucherDigest(2, bob, 4));
        vm.expectRevert(refusal);
        licenses.redeemCalls(1, bob, 4, signature);
    }

    function test_VoucherDigestIsEip712() public view {
        bytes32 structHash = keccak256(
            abi.encode(keccak256("CallVoucher(uint256 agentId,address user,uint64 used)"), 1, bob, uint64(4))
        );
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", licenses.domainSeparator(), structHash));
        assertEq(licenses.voucherDigest(1, bob, 4), digest);
    }

    function test_ContractUserSignsByErc1271() public {
        SmartAccount account = new SmartAccount(bob);
        stable.mint(address(account), 1e6);
        account.act(address(stable), abi.encodeCall(stable.approve, (address(licenses), 1e6)));
        account.act(address(licenses), abi.encodeCall(licenses.buyCalls, (1, 10, 1e6)));
        bytes memory signature = _sign(bobKey, licenses.voucherDigest(1, address(account), 3));
        assertEq(licenses.redeemCalls(1, address(account), 3, signature), 3 * PER_CALL);
    }

    /// @dev Two purchases at two prices: calls are paid at the mean, and nothing is left over.
    function testFuzz_RedemptionsAddUpToThePurchases(uint32 a, uint32 b, uint64 priceA, uint64 priceB, uint64 first)
        public
    {
        (a, b) = (uint32(bound(a, 1, 1_000)), uint32(bound(b, 1, 1_000)));
        (priceA, priceB) = (uint64(bound(priceA, 1, 100e6)), uint64(bound(priceB, 1, 100e6)));
        _setTerms(alice, 1, 0, 0, priceA);
        _buy(bob, a);
        _setTerms(alice, 1, 0, 0, priceB);
        _buy(bob, b);
        uint256 total = uint256(a) * priceA + uint256(b) * priceB;
        first = uint64(bound(first, 1, uint256(a) + b));
        uint256 paid = _redeem(first);
        assertEq(paid, total * first / (uint256(a) + b));
        assertGe(paid, first);
        if (first != uint256(a) + b) paid += _redeem(a + b);
        assertEq(paid, total);
        assertEq(licenses.totalEscrowed(), 0);
        assertEq(stable.balanceOf(address(licenses)), 0);
    }

    function test_CallsSignedForAfterASalePayTheNewHolder() public {
        _buy(bob, 10);
        vm.prank(alice);
        nft.transferFrom(alice, carol, 1);
        assertTrue(licenses.mayCall(1, bob));
        _redeem(10);
        assertEq(splitter.owed(alice), 0);
        assertEq(splitter.owed(carol), 0.07e6);
    }

    // --- refund

    function test_RefundComesAfterTheDelayAndEndsTheRight() public {
        _buy(bob, 1_000);
        _redeem(100);
        vm.startPrank(bob);
        vm.expectRevert(abi.encodeWithSelector(ILicenseManager.RefundNotRequested.selector, 1, bob));
        licenses.refund(1);
        vm.expectEmit(address(licenses));
        emit ILicenseManager.RefundRequested(1, bob, START + REFUND_DELAY);
        licenses.requestRefund(1);
        assertFalse(licenses.mayCall(1, bob));
        vm.warp(START + REFUND_DELAY - 1);
        vm.expectRevert(abi.encodeWithSelector(ILicenseManager.RefundPending.selector, 1, bob, START + REFUND_DELAY));
        licenses.refund(1);
        vm.warp(START + REFUND_DELAY);
        vm.expectEmit(address(licenses));
        emit ILicenseManager.CallsRefunded(1, bob, 900, 9e6);
        assertEq(licenses.refund(1), 9e6);
        assertEq(stable.balanceOf(bob), FUNDS - 1e6);
        assertEq(licenses.totalEscrowed(), 0);
        assertEq(_credit().left, 0);
        assertEq(_credit().refundAt, 0);
        assertEq(_credit().used, 100);
        vm.expectRevert(abi.encodeWithSelector(ILicenseManager.NoCredit.selector, 1, bob));
        licenses.refund(1);
        vm.expectRevert(abi.encodeWithSelector(ILicenseManager.NoCredit.selector, 1, bob));
        licenses.requestRefund(1);
        vm.stopPrank();
    }

    function test_HolderRedeemsWhatIsSignedDuringTheDelay() public {
        _buy(bob, 10);
        vm.prank(bob);
        licenses.requestRefund(1);
        vm.warp(START + REFUND_DELAY - 1);
        assertEq(_redeem(10), 10 * PER_CALL);
        vm.warp(START + REFUND_DELAY);
        vm.expectRevert(abi.encodeWithSelector(ILicenseManager.NoCredit.selector, 1, bob));
        vm.prank(bob);
        licenses.refund(1);
    }

    function test_BuyingAgainWithdrawsTheRequest() public {
        _buy(bob, 10);
        vm.prank(bob);
        licenses.requestRefund(1);
        _buy(bob, 1);
        assertTrue(licenses.mayCall(1, bob));
        assertEq(_credit().left, 11);
        vm.warp(START + REFUND_DELAY);
        vm.expectRevert(abi.encodeWithSelector(ILicenseManager.RefundNotRequested.selector, 1, bob));
        vm.prank(bob);
        licenses.refund(1);
    }

    function test_VoucherFromBeforeARefundStaysGood() public {
        _buy(bob, 10);
        vm.prank(bob);
        licenses.requestRefund(1);
        vm.warp(START + REFUND_DELAY);
        vm.prank(bob);
        licenses.refund(1);
        _expectRedeemReverts(4, abi.encodeWithSelector(ILicenseManager.CreditTooLow.selector, 1, bob, 0, 4));
        _buy(bob, 10);
        assertEq(_redeem(4), 4 * PER_CALL);
    }

    // --- ratings

    function _rate(address who, uint8 stars) private {
        vm.prank(who);
        licenses.rate(1, stars, keccak256("comment"), "ipfs://comment");
    }

    function test_OnePaymentOneRating() public {
        _buy(bob, 1_000);
        _redeem(500);
        vm.expectEmit(address(licenses));
        emit ILicenseManager.Rated(1, bob, 4, 5e6, keccak256("comment"), "ipfs://comment");
        _rate(bob, 4);
        assertEq(licenses.unratedPaymentOf(1, bob), 0);
        vm.expectRevert(abi.encodeWithSelector(ILicenseManager.NothingToRate.selector, 1, bob, 0, 1e6));
        _rate(bob, 5);
        vm.prank(carol);
        licenses.buyLicense(1, ILicenseManager.LicenseKind.Shared, 2 days, 10e6);
        _rate(carol, 1);
        ILicenseManager.RatingSum memory sum = licenses.ratingOf(1);
        assertEq(sum.count, 2);
        assertEq(sum.stars, 5);
        assertEq(sum.weight, 15e6);
        assertEq(sum.weightedStars, 30e6);
    }

    function test_RatingNeedsThePayment() public {
        _buy(bob, 1_000);
        vm.expectRevert(abi.encodeWithSelector(ILicenseManager.NothingToRate.selector, 1, bob, 0, 1e6));
        _rate(bob, 5);
        _redeem(99);
        vm.expectRevert(abi.encodeWithSelector(ILicenseManager.NothingToRate.selector, 1, bob, 0.99e6, 1e6));
        _rate(bob, 5);
        _redeem(100);
        _rate(bob, 5);
        assertEq(licenses.ratingOf(1).weight, 1e6);
        // What was paid for one agent does not rate another.
        _mint(alice);
        vm.expectRevert(abi.encodeWithSelector(ILicenseManager.NothingToRate.selector, 2, bob, 0, 1e6));
        vm.prank(bob);
        licenses.rate(2, 5, 0, "");
    }

    function test_StarsAreOneToFive() public {
        vm.prank(bob);
        licenses.buyLicense(1, ILicenseManager.LicenseKind.Shared, 2 days, 10e6);
        vm.expectRevert(abi.encodeWithSelector(ILicenseManager.StarsOutOfRange.selector, 1, 5, 0));
        _rate(bob, 0);
        vm.expectRevert(abi.encodeWithSelector(ILicenseManager.StarsOutOfRange.selector, 1, 5, 6));
        _rate(bob, 6);
        _rate(bob, 1);
        vm.prank(bob);
        licenses.buyLicense(1, ILicenseManager.LicenseKind.Shared, 2 days, 10e6);
        _rate(bob, 5);
        assertEq(licenses.ratingOf(1).stars, 6);
    }

    function test_InsidersDoNotRate() public {
        vm.prank(alice);
        licenses.buyLicense(1, ILicenseManager.LicenseKind.Shared, 2 days, 10e6);
        vm.prank(developer);
        licenses.buyLicense(1, ILicenseManager.LicenseKind.Shared, 2 days, 10e6);
        vm.expectRevert(abi.encodeWithSelector(ILicenseManager.InsiderCannotRate.selector, 1, alice));
        _rate(alice, 5);
        vm.expectRevert(abi.encodeWithSelector(ILicenseManager.InsiderCannotRate.selector, 1, developer));
        _rate(developer, 5);
    }
}
