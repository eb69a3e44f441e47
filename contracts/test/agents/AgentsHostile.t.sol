// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IAgentMarket} from "../../src/interfaces/IAgentMarket.sol";
import {IAgentNFT} from "../../src/interfaces/IAgentNFT.sol";
import {ILicenseManager} from "../../src/interfaces/ILicenseManager.sol";
import {ExactPull} from "../../src/libraries/ExactPull.sol";
import {AgentFixture} from "./AgentFixture.sol";
import {SmartAccount} from "./mocks/SmartAccount.sol";
import {TrickToken} from "./mocks/TrickToken.sol";

/// @dev A stablecoin that cheats, and an accomplice that acts in the middle of its transfers.
contract AgentsHostileTest is AgentFixture {
    TrickToken private token;
    SmartAccount private accomplice;
    uint64 private constant EXPIRY = START + 30 days;

    function setUp() public override {
        vm.warp(START);
        token = new TrickToken();
        _deploy(token);
        accomplice = new SmartAccount(bob);
        _fund(address(accomplice));
        _mint(alice);
        _setTerms(alice, 1, 50e6, 5e6, 0.01e6);
    }

    function _expectMismatch(uint256 expected, uint256 received) private {
        vm.expectRevert(abi.encodeWithSelector(ExactPull.TransferMismatch.selector, expected, received));
    }

    function _expectFailedOperation() private {
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(token)));
    }

    function _attackFailed() private view {
        assertEq(token.attacks(), 1, "the token never called back");
        assertFalse(token.attackSucceeded());
    }

    function test_TokenThatKeepsAFeeIsRefusedEverywhere() public {
        address till = splitter.tillOf(1);
        token.mint(till, 10e6);
        token.keepFee(true);
        _expectMismatch(FEE, FEE - 1);
        vm.prank(developer);
        nft.mint(alice, 0, 0, _record(1), FEE);
        vm.startPrank(bob);
        _expectMismatch(100, 99);
        splitter.pay(1, 100);
        _expectMismatch(10e6, 10e6 - 1);
        splitter.sweep(1);
        _expectMismatch(0.01e6, 0.01e6 - 1);
        licenses.buyCalls(1, 1, 1e6);
        _expectMismatch(5e6, 5e6 - 1);
        licenses.buyLicense(1, ILicenseManager.LicenseKind.Shared, 1 days, 5e6);
        _expectMismatch(100e6, 100e6 - 1);
        market.makeOffer(1, 100e6, EXPIRY, 1);
        vm.stopPrank();
        _list(alice, 1, 100e6);
        _expectMismatch(100e6, 100e6 - 1);
        vm.prank(bob);
        market.buy(1, 100e6, 1);
        assertEq(nft.ownerOf(1), alice);
    }

    function test_TokenThatAnswersFalseIsRefusedEverywhere() public {
        token.mint(splitter.tillOf(1), 10e6);
        vm.startPrank(bob);
        splitter.pay(1, 100e6);
        licenses.buyCalls(1, 10, 1e6);
        licenses.requestRefund(1);
        market.makeOffer(1, 100e6, EXPIRY, 1);
        vm.warp(START + REFUND_DELAY);
        token.answerFalse(true);
        _expectFailedOperation();
        splitter.pay(1, 100);
        _expectFailedOperation();
        splitter.sweep(1);
        _expectFailedOperation();
        splitter.withdraw(alice);
        _expectFailedOperation();
        licenses.refund(1);
        _expectFailedOperation();
        market.cancelOffer(1);
        vm.stopPrank();
        _expectFailedOperation();
        vm.prank(developer);
        nft.mint(alice, 0, 0, _record(1), FEE);
        assertEq(splitter.owed(alice), 70e6);
        assertEq(market.offerOf(1, bob).amount, 100e6);
        assertEq(licenses.creditOf(1, bob).left, 10);
    }

    function test_WithdrawInsideAWithdrawPaysOnce() public {
        vm.prank(alice);
        nft.transferFrom(alice, address(accomplice), 1);
        vm.prank(bob);
        splitter.pay(1, 100e6);
        bytes memory call = abi.encodeCall(splitter.withdraw, (address(accomplice)));
        token.plan(accomplice, address(splitter), call);
        splitter.withdraw(address(accomplice));
        _attackFailed();
        assertEq(token.balanceOf(address(accomplice)), FUNDS + 70e6);
    }

    function test_PaymentInsideASweepIsRefused() public {
        token.mint(splitter.tillOf(1), 10e6);
        token.plan(accomplice, address(splitter), abi.encodeCall(splitter.pay, (1, 1e6)));
        _expectMismatch(10e6, 10.9e6);
        splitter.sweep(1);
    }

    function test_SweepInsideASweepCountsOnce() public {
        token.mint(splitter.tillOf(1), 10e6);
        token.plan(accomplice, address(splitter), abi.encodeCall(splitter.sweep, (1)));
        splitter.sweep(1);
        assertEq(splitter.owed(alice), 7e6);
        assertEq(splitter.totalOwed(), token.balanceOf(address(splitter)));
    }

    function test_RefundInsideARefundPaysOnce() public {
        accomplice.act(address(licenses), abi.encodeCall(licenses.buyCalls, (1, 100, 1e6)));
        accomplice.act(address(licenses), abi.encodeCall(licenses.requestRefund, (1)));
        vm.prank(bob);
        licenses.buyCalls(1, 100, 1e6);
        vm.warp(START + REFUND_DELAY);
        bytes memory call = abi.encodeCall(licenses.refund, (1));
        token.plan(accomplice, address(licenses), call);
        accomplice.act(address(licenses), call);
        _attackFailed();
        assertEq(token.balanceOf(address(accomplice)), FUNDS);
        assertEq(token.balanceOf(address(licenses)), 1e6);
    }

    function test_PurchaseInsideAPurchaseIsRefused() public {
        token.plan(accomplice, address(licenses), abi.encodeCall(licenses.buyCalls, (1, 100, 1e6)));
        _expectMismatch(0.01e6, 1.01e6);
        vm.prank(bob);
        licenses.buyCalls(1, 1, 1e6);
    }

    function test_CancelInsideACancelPaysOnce() public {
        _accompliceBids();
        vm.prank(bob);
        market.makeOffer(1, 100e6, EXPIRY, 1);
        bytes memory call = abi.encodeCall(market.cancelOffer, (1));
        token.plan(accomplice, address(market), call);
        accomplice.act(address(market), call);
        _attackFailed();
        assertEq(token.balanceOf(address(accomplice)), FUNDS);
        assertEq(market.totalHeld(), 100e6);
        assertEq(token.balanceOf(address(market)), 100e6);
    }

    function _accompliceBids() private {
        accomplice.act(address(market), abi.encodeCall(market.makeOffer, (1, 100e6, EXPIRY, 1)));
    }

    /// @dev The bidder tries to take its money back while its offer is being accepted.
    function test_CancelInsideAnAcceptIsRefused() public {
        _accompliceBids();
        _mint(alice);
        accomplice.act(address(market), abi.encodeCall(market.makeOffer, (2, 50e6, EXPIRY, 1)));
        vm.prank(alice);
        nft.approve(address(market), 1);
        uint256 before = vm.snapshotState();
        // The offer that is being taken, and another one of the same bidder.
        for (uint256 id = 1; id <= 2; ++id) {
            token.plan(accomplice, address(market), abi.encodeCall(market.cancelOffer, (id)));
            vm.prank(alice);
            market.acceptOffer(1, address(accomplice), 0);
            _attackFailed();
            assertEq(nft.ownerOf(1), address(accomplice));
            assertEq(market.totalHeld(), token.balanceOf(address(market)));
            vm.revertToState(before);
        }
    }

    function test_WithdrawInsideASaleIsRefused() public {
        _mint(alice);
        _list(alice, 2, 100e6);
        vm.prank(carol);
        market.buy(2, 100e6, 1);
        assertGt(market.owed(alice), 0);
        _accompliceBids();
        _list(alice, 1, 100e6);
        bytes[4] memory calls = [
            abi.encodeCall(market.withdraw, (alice)),
            abi.encodeCall(market.cancelOffer, (1)),
            abi.encodeCall(market.buy, (1, 100e6, 1)),
            abi.encodeCall(market.makeOffer, (1, 1, EXPIRY, 1))
        ];
        uint256 before = vm.snapshotState();
        for (uint256 i = 0; i < calls.length; ++i) {
            token.plan(accomplice, address(market), calls[i]);
            vm.prank(bob);
            market.buy(1, 100e6, 1);
            _attackFailed();
            assertEq(nft.ownerOf(1), bob);
            assertEq(market.totalHeld(), token.balanceOf(address(market)));
            vm.revertToState(before);
        }
    }

    /// @dev The seller encumbers the agent while the buyer pays.
    function test_AgentChangedDuringThePaymentIsNotSold() public {
        vm.prank(alice);
        nft.transferFrom(alice, address(accomplice), 1);
        uint48 nonce = nft.stateNonce(1);
        accomplice.act(address(nft), abi.encodeCall(nft.approve, (address(market), 1)));
        accomplice.act(address(market), abi.encodeCall(market.list, (1, 100e6, EXPIRY)));
        token.plan(accomplice, address(nft), abi.encodeCall(nft.setUser, (1, carol, START + 365 days)));
        vm.expectRevert(abi.encodeWithSelector(IAgentMarket.AgentChanged.selector, 1, nonce + 1, nonce));
        vm.prank(bob);
        market.buy(1, 100e6, nonce);
    }

    function test_MintInsideAMintGivesTwoAgentsForTwoFees() public {
        bytes memory call = abi.encodeCall(IAgentNFT.mint, (address(accomplice), 0, 0, _record(3), FEE));
        token.plan(accomplice, address(nft), call);
        _expectMismatch(FEE, 2 * FEE);
        vm.prank(developer);
        nft.mint(alice, 0, 0, _record(2), FEE);
        assertEq(nft.totalMinted(), 1);
    }

    function test_HostileTokenInATillHarmsOnlyItself() public {
        TrickToken other = new TrickToken();
        other.mint(splitter.tillOf(1), 100);
        token.mint(splitter.tillOf(1), 10e6);
        other.plan(accomplice, address(splitter), abi.encodeCall(splitter.rescue, (1, other)));
        splitter.rescue(1, other);
        assertEq(other.attacks(), 1);
        assertFalse(other.attackSucceeded());
        assertEq(other.balanceOf(alice), 100);
        assertEq(splitter.sweep(1), 10e6);
    }
}
