// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IERC20Errors, IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {AgentTill} from "../../src/agents/AgentTill.sol";
import {RevenueSplitter} from "../../src/agents/RevenueSplitter.sol";
import {IAgentNFT} from "../../src/interfaces/IAgentNFT.sol";
import {IRevenueSplitter} from "../../src/interfaces/IRevenueSplitter.sol";
import {DevStable} from "../../src/token/DevStable.sol";
import {AgentFixture} from "./AgentFixture.sol";

contract RevenueSplitterTest is AgentFixture {
    address private till;

    function setUp() public override {
        super.setUp();
        _mint(alice);
        till = splitter.tillOf(1);
    }

    function _treasuryGain() private view returns (uint256) {
        return stable.balanceOf(treasury) - FEE;
    }

    function test_PaymentIsSharedAtOnce() public {
        vm.expectEmit(address(splitter));
        emit IRevenueSplitter.Paid(1, bob, 100e6);
        vm.expectEmit(address(splitter));
        emit IRevenueSplitter.RevenueShared(1, alice, developer, 70e6, 20e6, 10e6);
        vm.prank(bob);
        splitter.pay(1, 100e6);
        assertEq(splitter.owed(alice), 70e6);
        assertEq(splitter.owed(developer), 20e6);
        assertEq(splitter.totalOwed(), 90e6);
        assertEq(_treasuryGain(), 10e6);
        assertEq(stable.balanceOf(address(splitter)), 90e6);
        assertEq(stable.balanceOf(bob), FUNDS - 100e6);
    }

    function testFuzz_SharesAddUpToThePayment(uint96 amount, uint16 creatorBps, uint16 platformBps) public {
        creatorBps = uint16(bound(creatorBps, 0, 5_000));
        platformBps = uint16(bound(platformBps, 0, 3_000));
        vm.prank(dao);
        splitter.setParameters(IRevenueSplitter.Parameters(treasury, platformBps));
        vm.prank(developer);
        uint256 id = nft.mint(alice, 0, creatorBps, _record(1), FEE);
        uint256 before = stable.balanceOf(treasury);
        (uint256 holderShare, uint256 creatorShare, uint256 platformShare) = splitter.sharesOf(id, amount);
        assertEq(holderShare + creatorShare + platformShare, amount);
        assertEq(creatorShare, uint256(amount) * creatorBps / 10_000);
        assertEq(platformShare, uint256(amount) * platformBps / 10_000);
        assertGe(holderShare, uint256(amount) * 2_000 / 10_000);
        if (amount == 0) return;
        stable.mint(splitter.tillOf(id), amount);
        assertEq(splitter.sweep(id), amount);
        assertEq(splitter.owed(alice), holderShare);
        assertEq(splitter.owed(developer), creatorShare);
        assertEq(stable.balanceOf(treasury) - before, platformShare);
    }

    function test_TillIsPaidBeforeItExists() public {
        assertEq(till.code.length, 0);
        assertTrue(till != splitter.tillOf(2));
        vm.prank(bob);
        stable.transfer(till, 100e6);
        vm.expectEmit(address(splitter));
        emit IRevenueSplitter.TillOpened(1, till);
        vm.expectEmit(address(splitter));
        emit IRevenueSplitter.TillSwept(1, till, 100e6);
        vm.expectEmit(address(splitter));
        emit IRevenueSplitter.RevenueShared(1, alice, developer, 70e6, 20e6, 10e6);
        assertEq(splitter.sweep(1), 100e6);
        assertGt(till.code.length, 0);
        assertEq(stable.balanceOf(till), 0);
        assertEq(splitter.totalOwed(), 90e6);
        assertEq(stable.balanceOf(address(splitter)), 90e6);
        stable.mint(till, 10e6);
        assertEq(splitter.sweep(1), 10e6);
        assertEq(splitter.owed(alice), 77e6);
        assertEq(splitter.tillOf(1), till);
    }

    function test_EmptyTillGivesNothingAndIsNotOpened() public {
        assertEq(splitter.sweep(1), 0);
        assertEq(till.code.length, 0);
        assertEq(splitter.totalOwed(), 0);
    }

    function test_SweepGoesToTheHolderOfThatMoment() public {
        stable.mint(till, 100e6);
        vm.prank(alice);
        nft.transferFrom(alice, carol, 1);
        splitter.sweep(1);
        assertEq(splitter.owed(alice), 0);
        assertEq(splitter.owed(carol), 70e6);
    }

    function test_MoneyForAnUnmintedAgentWaits() public {
        address later = splitter.tillOf(2);
        stable.mint(later, 100e6);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 2));
        splitter.sweep(2);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 2));
        vm.prank(bob);
        splitter.pay(2, 1e6);
        _mint(bob);
        assertEq(splitter.sweep(2), 100e6);
        assertEq(splitter.owed(bob), 70e6);
    }

    function test_HolderWhoIsTheDeveloperGetsBothShares() public {
        _mint(developer);
        vm.prank(bob);
        splitter.pay(2, 100e6);
        assertEq(splitter.owed(developer), 90e6);
        assertEq(splitter.totalOwed(), 90e6);
    }

    function test_DustGoesToTheHolder() public {
        vm.prank(bob);
        splitter.pay(1, 9);
        assertEq(splitter.owed(alice), 8);
        assertEq(splitter.owed(developer), 1);
        assertEq(_treasuryGain(), 0);
    }

    function test_RefusesToPayNothing() public {
        vm.expectRevert(abi.encodeWithSelector(IRevenueSplitter.AmountIsZero.selector, 1));
        splitter.pay(1, 0);
    }

    function test_AnyoneWithdrawsForTheOwnerOfTheMoney() public {
        vm.prank(bob);
        splitter.pay(1, 100e6);
        vm.expectEmit(address(splitter));
        emit IRevenueSplitter.Withdrawn(alice, 70e6);
        vm.prank(carol);
        assertEq(splitter.withdraw(alice), 70e6);
        assertEq(stable.balanceOf(alice), FUNDS + 70e6);
        assertEq(stable.balanceOf(carol), FUNDS);
        assertEq(splitter.owed(alice), 0);
        assertEq(splitter.totalOwed(), 20e6);
        vm.expectRevert(abi.encodeWithSelector(IRevenueSplitter.NothingToWithdraw.selector, alice));
        splitter.withdraw(alice);
    }

    function test_RescuesOtherTokensForTheHolder() public {
        DevStable other = new DevStable();
        other.mint(till, 5);
        vm.expectEmit(address(splitter));
        emit IRevenueSplitter.TillOpened(1, till);
        vm.expectEmit(address(splitter));
        emit IRevenueSplitter.Rescued(1, address(other), alice, 5);
        vm.prank(bob);
        assertEq(splitter.rescue(1, other), 5);
        assertEq(other.balanceOf(alice), 5);
        vm.expectRevert(abi.encodeWithSelector(IRevenueSplitter.NotARescue.selector, 1, address(other)));
        splitter.rescue(1, other);
    }

    function test_RescueCannotBypassTheShares() public {
        stable.mint(till, 5);
        vm.expectRevert(abi.encodeWithSelector(IRevenueSplitter.NotARescue.selector, 1, address(stable)));
        splitter.rescue(1, stable);
    }

    function test_TillObeysTheSplitterOnly() public {
        stable.mint(till, 100e6);
        splitter.sweep(1);
        AgentTill implementation = splitter.tillImplementation();
        assertEq(implementation.splitter(), address(splitter));
        assertEq(AgentTill(till).splitter(), address(splitter));
        vm.startPrank(alice);
        bytes memory refusal = abi.encodeWithSelector(AgentTill.NotTheSplitter.selector, address(splitter), alice);
        vm.expectRevert(refusal);
        AgentTill(till).release(stable, alice, 1);
        vm.expectRevert(refusal);
        implementation.release(stable, alice, 1);
        vm.stopPrank();
    }

    function test_DonationIsNobodysShare() public {
        stable.mint(address(splitter), 5e6);
        vm.prank(bob);
        splitter.pay(1, 100e6);
        stable.mint(till, 100e6);
        splitter.sweep(1);
        assertEq(splitter.totalOwed(), 180e6);
        assertEq(stable.balanceOf(address(splitter)), 185e6);
    }

    function test_PayerNeedsTheMoney() public {
        address poor = makeAddr("poor");
        vm.startPrank(poor);
        stable.approve(address(splitter), 1e6);
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, poor, 0, 1e6));
        splitter.pay(1, 1e6);
        vm.stopPrank();
    }

    function test_DaoSetsParametersWithinBounds() public {
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, alice));
        vm.prank(alice);
        splitter.setParameters(IRevenueSplitter.Parameters(alice, 0));
        vm.startPrank(dao);
        vm.expectRevert(abi.encodeWithSelector(IRevenueSplitter.TreasuryIsZero.selector, address(0)));
        splitter.setParameters(IRevenueSplitter.Parameters(address(0), 0));
        vm.expectRevert(abi.encodeWithSelector(IRevenueSplitter.PlatformShareTooHigh.selector, 3_000, 3_001));
        splitter.setParameters(IRevenueSplitter.Parameters(treasury, 3_001));
        vm.expectEmit(address(splitter));
        emit IRevenueSplitter.ParametersChanged(IRevenueSplitter.Parameters(carol, 3_000));
        splitter.setParameters(IRevenueSplitter.Parameters(carol, 3_000));
        vm.stopPrank();
        assertEq(splitter.parameters().treasury, carol);
        assertEq(splitter.parameters().platformBps, 3_000);
        vm.prank(bob);
        splitter.pay(1, 100e6);
        assertEq(stable.balanceOf(carol), FUNDS + 30e6);
    }

    function test_RefusesAnNftWithoutCode() public {
        vm.expectRevert(abi.encodeWithSelector(IRevenueSplitter.TokenIsNotAContract.selector, alice));
        new RevenueSplitter(address(manager), IAgentNFT(alice), IRevenueSplitter.Parameters(treasury, 0));
    }

    function test_KnowsItsNeighbours() public view {
        assertEq(address(splitter.nft()), address(nft));
        assertEq(address(splitter.stable()), address(stable));
        assertEq(address(IERC20(address(nft.stable()))), address(stable));
    }
}
