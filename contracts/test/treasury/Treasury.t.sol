// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IRewardStream} from "../../src/interfaces/IRewardStream.sol";
import {ITreasury} from "../../src/interfaces/ITreasury.sol";
import {Roles} from "../../src/Roles.sol";
import {Treasury} from "../../src/treasury/Treasury.sol";
import {MockToken} from "./mocks/Mocks.sol";
import {TreasuryFixture} from "./mocks/TreasuryFixture.sol";

contract TreasuryTest is TreasuryFixture {
    address private victim = makeAddr("victim");

    function setUp() public override {
        super.setUp();
        manager.grantRole(Roles.BUYBACK, address(this), 0);
    }

    function _assertConserved() private view {
        uint256 out = uint256(treasury.boughtBack()) + treasury.compensated() + treasury.spent();
        assertEq(treasury.received(), stable.balanceOf(address(treasury)) + out);
    }

    function test_KnowsItsTokenAndParameters() public view {
        assertEq(address(treasury.stable()), address(stable));
        assertEq(treasury.parameters().reserveTarget, RESERVE);
        assertEq(treasury.netFees(), 0);
    }

    function test_RefusesATokenThatIsNoContract() public {
        vm.expectRevert(abi.encodeWithSelector(ITreasury.NotAContract.selector, stranger));
        this.make(IERC20(stranger), 0);
        vm.expectRevert(
            abi.encodeWithSelector(ITreasury.ReserveTargetTooHigh.selector, 10_000_000e6, 10_000_000e6 + 1)
        );
        this.make(stable, 10_000_000e6 + 1);
    }

    /// @dev In a call of its own, so that what the constructor reverts with is its answer.
    function make(IERC20 token, uint128 reserveTarget) external returns (Treasury) {
        return new Treasury(address(manager), token, ITreasury.Parameters(reserveTarget));
    }

    function test_CountsFees() public {
        stable.mint(address(treasury), 300);
        vm.expectEmit(address(treasury));
        emit ITreasury.FeeReceived(address(this), 100, 100);
        treasury.onFee(100);
        vm.expectEmit(address(treasury));
        emit ITreasury.FeeReceived(address(this), 200, 300);
        treasury.onFee(200);
        assertEq(treasury.fees(), 300);
        assertEq(treasury.netFees(), 300);
        assertEq(treasury.received(), 300);
    }

    function test_RefusesAFeeThatDidNotCome() public {
        _earn(300);
        vm.expectRevert(abi.encodeWithSelector(ITreasury.FeeNotReceived.selector, 301, 300));
        treasury.onFee(1);
    }

    function test_CountsWhatWentOutAsReceived() public {
        _earn(2_000e6);
        treasury.drawForBuyback(400e6);
        treasury.compensate(victim, 300e6);
        treasury.spend(stable, stranger, 200e6, "audit");
        assertEq(treasury.received(), 2_000e6);
        assertEq(treasury.boughtBack(), 400e6);
        assertEq(treasury.compensated(), 300e6);
        assertEq(treasury.spent(), 200e6);
        assertEq(stable.balanceOf(address(treasury)), 1_100e6);
        vm.expectRevert(abi.encodeWithSelector(ITreasury.FeeNotReceived.selector, 2_000e6 + 1, 2_000e6));
        treasury.onFee(1);
        _earn(1);
        assertEq(treasury.fees(), 2_000e6 + 1);
    }

    function test_GiftsAreReceivedButAreNoFees() public {
        stable.mint(address(treasury), 5_000e6);
        assertEq(treasury.received(), 5_000e6);
        assertEq(treasury.netFees(), 0);
        assertEq(treasury.availableForBuyback(), 4_000e6);
    }

    function test_BuybacksLeaveTheReserve() public {
        _earn(RESERVE);
        assertEq(treasury.availableForBuyback(), 0);
        assertEq(treasury.drawForBuyback(type(uint256).max), 0);
        _earn(50e6);
        assertEq(treasury.availableForBuyback(), 50e6);
        vm.expectEmit(address(treasury));
        emit ITreasury.BuybackDrawn(address(this), 20e6, 20e6);
        assertEq(treasury.drawForBuyback(20e6), 20e6);
        vm.expectEmit(address(treasury));
        emit ITreasury.BuybackDrawn(address(this), 30e6, 50e6);
        assertEq(treasury.drawForBuyback(type(uint256).max), 30e6);
        assertEq(stable.balanceOf(address(this)), 50e6);
        assertEq(stable.balanceOf(address(treasury)), RESERVE);
        assertEq(treasury.drawForBuyback(0), 0);
    }

    function test_DrawingNothingIsNoEvent() public {
        vm.recordLogs();
        treasury.drawForBuyback(1);
        assertEq(vm.getRecordedLogs().length, 0);
    }

    function test_CompensationUsesTheReserveAndLowersNetFees() public {
        _earn(900e6);
        vm.expectEmit(address(treasury));
        emit ITreasury.Compensated(address(this), victim, 250e6, 250e6);
        assertEq(treasury.compensate(victim, 250e6), 250e6);
        assertEq(treasury.netFees(), 650e6);
        assertEq(stable.balanceOf(victim), 250e6);
    }

    function test_CompensationStopsAtWhatIsHeld() public {
        _earn(100e6);
        vm.expectEmit(address(treasury));
        emit ITreasury.Compensated(address(this), victim, 250e6, 100e6);
        assertEq(treasury.compensate(victim, 250e6), 100e6);
        vm.expectEmit(address(treasury));
        emit ITreasury.Compensated(address(this), victim, 150e6, 0);
        assertEq(treasury.compensate(victim, 150e6), 0);
        assertEq(stable.balanceOf(victim), 100e6);
        assertEq(treasury.netFees(), 0);
    }

    function test_NothingIsTransferredWhenNothingIsHeld() public {
        vm.mockCallRevert(address(stable), abi.encodeWithSelector(IERC20.transfer.selector), "must not be called");
        assertEq(treasury.compensate(victim, 150e6), 0);
    }

    function test_NetFeesAreNeverNegative() public {
        _earn(100e6);
        stable.mint(address(treasury), 500e6);
        treasury.compensate(victim, 100e6);
        assertEq(treasury.netFees(), 0);
        treasury.compensate(victim, 50e6);
        assertEq(treasury.netFees(), 0);
        _earn(60e6);
        assertEq(treasury.netFees(), 10e6);
    }

    function test_RefusesToCompensateNobody() public {
        vm.expectRevert(abi.encodeWithSelector(ITreasury.RecipientIsZero.selector, stable, 7));
        treasury.compensate(address(0), 7);
    }

    function test_TheDaoSpendsAnyToken() public {
        _earn(900e6);
        vcai.mint(address(treasury), 5e18);
        vm.expectEmit(address(treasury));
        emit ITreasury.Spent(address(stable), stranger, 900e6, "grant 1");
        treasury.spend(stable, stranger, 900e6, "grant 1");
        vm.expectEmit(address(treasury));
        emit ITreasury.Spent(address(vcai), stranger, 5e18, "grant 2");
        treasury.spend(vcai, stranger, 5e18, "grant 2");
        assertEq(stable.balanceOf(stranger), 900e6);
        assertEq(vcai.balanceOf(stranger), 5e18);
        assertEq(treasury.spent(), 900e6);
        _assertConserved();
    }

    function test_RefusesSpendingThatCannotBe() public {
        _earn(10);
        vm.expectRevert(abi.encodeWithSelector(ITreasury.RecipientIsZero.selector, stable, 5));
        treasury.spend(stable, address(0), 5, "");
        vm.expectRevert(abi.encodeWithSelector(ITreasury.AmountIsZero.selector, stable));
        treasury.spend(stable, stranger, 0, "");
        vm.expectRevert(abi.encodeWithSelector(ITreasury.InsufficientFunds.selector, stable, 10, 11));
        treasury.spend(stable, stranger, 11, "");
        string memory memo = string(new bytes(257));
        vm.expectRevert(abi.encodeWithSelector(ITreasury.MemoTooLong.selector, 256, 257));
        treasury.spend(stable, stranger, 5, memo);
        treasury.spend(stable, stranger, 5, string(new bytes(256)));
    }

    function test_GivesVcaiToLockers() public {
        vcai.mint(address(treasury), 9e18);
        vm.expectEmit(address(treasury));
        emit ITreasury.GivenToLockers(address(stream), address(vcai), 4e18);
        treasury.giveToLockers(IRewardStream(address(stream)), vcai, 4e18);
        assertEq(stream.notified(), 4e18);
        assertEq(vcai.balanceOf(address(stream)), 4e18);
        assertEq(vcai.allowance(address(treasury), address(stream)), 0);
    }

    function test_AStreamThatTakesLessLosesItsAllowance() public {
        vcai.mint(address(treasury), 9e18);
        vm.mockCall(address(stream), abi.encodeWithSelector(IRewardStream.notify.selector), "");
        treasury.giveToLockers(IRewardStream(address(stream)), vcai, 4e18);
        assertEq(vcai.allowance(address(treasury), address(stream)), 0);
    }

    function test_RefusesGiftsThatCannotBe() public {
        _earn(10);
        IRewardStream to = IRewardStream(address(stream));
        vm.expectRevert(abi.encodeWithSelector(ITreasury.StableIsNotAReward.selector, stable));
        treasury.giveToLockers(to, stable, 1);
        vm.expectRevert(abi.encodeWithSelector(ITreasury.AmountIsZero.selector, vcai));
        treasury.giveToLockers(to, vcai, 0);
        vm.expectRevert(abi.encodeWithSelector(ITreasury.InsufficientFunds.selector, vcai, 0, 1));
        treasury.giveToLockers(to, vcai, 1);
    }

    function test_KeepsParametersInRange() public {
        vm.expectEmit(address(treasury));
        emit ITreasury.ParametersChanged(ITreasury.Parameters(10_000_000e6));
        treasury.setParameters(ITreasury.Parameters(10_000_000e6));
        assertEq(treasury.parameters().reserveTarget, 10_000_000e6);
        vm.expectRevert(
            abi.encodeWithSelector(ITreasury.ReserveTargetTooHigh.selector, 10_000_000e6, 10_000_000e6 + 1)
        );
        treasury.setParameters(ITreasury.Parameters(10_000_000e6 + 1));
    }

    function test_RefusesStrangers() public {
        bytes[7] memory calls = [
            abi.encodeCall(ITreasury.onFee, (0)),
            abi.encodeCall(ITreasury.drawForBuyback, (1)),
            abi.encodeCall(ITreasury.compensate, (stranger, 1)),
            abi.encodeCall(ITreasury.spend, (stable, stranger, 1, "")),
            abi.encodeCall(ITreasury.giveToLockers, (IRewardStream(address(stream)), vcai, 1)),
            abi.encodeCall(ITreasury.setParameters, (ITreasury.Parameters(0))),
            abi.encodeWithSignature("setAuthority(address)", stranger)
        ];
        _earn(5_000e6);
        vcai.mint(address(treasury), 1);
        for (uint256 i = 0; i < calls.length; ++i) {
            vm.prank(stranger);
            (bool success, bytes memory answer) = address(treasury).call(calls[i]);
            assertFalse(success);
            assertEq(answer, abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger));
        }
    }

    function test_ATokenThatAnswersFalseIsRefused() public {
        MockToken bad = new MockToken();
        bad.mint(address(treasury), 10);
        bad.misbehave(false, true);
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, bad));
        treasury.spend(bad, stranger, 10, "");
    }

    function test_ATokenThatCallsBackFindsTheBooksDone() public {
        MockToken hostile = new MockToken();
        Treasury other = new Treasury(address(manager), hostile, ITreasury.Parameters(0));
        _open(address(other), ITreasury.compensate.selector, Roles.COMPENSATION);
        manager.grantRole(Roles.COMPENSATION, address(hostile), 0);
        hostile.mint(address(other), 100);
        hostile.callBack(address(other), abi.encodeCall(ITreasury.compensate, (stranger, 100)));
        assertEq(other.compensate(victim, 60), 60);
        assertFalse(hostile.callFailed());
        assertEq(hostile.balanceOf(victim), 60);
        assertEq(hostile.balanceOf(stranger), 40);
        assertEq(other.compensated(), 100);
        assertEq(other.received(), 100);
    }

    function testFuzz_NothingIsLost(uint128[5] memory amounts) public {
        for (uint256 i = 0; i < 5; ++i) {
            amounts[i] = uint128(bound(amounts[i], 1, 1e15));
        }
        _earn(amounts[0]);
        uint256 drawn = treasury.drawForBuyback(amounts[1]);
        uint256 paid = treasury.compensate(victim, amounts[2]);
        _earn(amounts[3]);
        uint256 held = stable.balanceOf(address(treasury));
        uint256 asked = bound(amounts[4], 1, held);
        treasury.spend(stable, stranger, asked, "");
        assertEq(uint256(amounts[0]) + amounts[3], drawn + paid + asked + stable.balanceOf(address(treasury)));
        assertEq(treasury.received(), uint256(amounts[0]) + amounts[3]);
        _assertConserved();
    }
}
