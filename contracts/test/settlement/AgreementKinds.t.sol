// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAgreements} from "../../src/interfaces/IAgreements.sol";
import {IEscrow} from "../../src/interfaces/IEscrow.sol";
import {ITreasury} from "../../src/interfaces/ITreasury.sol";
import {Agreement, AgreementKind} from "../../src/types/Types.sol";
import {AgreementFixture} from "./AgreementFixture.sol";

/// @dev What each kind of agreement does over its life, second by second.
contract AgreementKindsTest is AgreementFixture {
    // Reserved

    function test_Reserved_AccruesBySecondsAndEndsByItself() public {
        bytes32 id = _openKind(AgreementKind.Reserved);
        (uint128 share, uint128 refunded) = agreements.settle(id);
        assertEq(share + refunded, 0);
        vm.warp(START + 4 hours);
        assertEq(agreements.accruedOf(id), 40e6);
        vm.expectEmit(address(agreements));
        emit IAgreements.AgreementAccrued(id, payee, 38e6, 2e6);
        (share, refunded) = agreements.settle(id);
        assertEq(share, 38e6);
        assertEq(refunded, 0);
        _assertMoney(900e6, 38e6, 2e6, 60e6);
        vm.recordLogs();
        (share,) = agreements.settle(id);
        assertEq(share, 0);
        assertEq(vm.getRecordedLogs().length, 0, "a repeated call does nothing");
        vm.warp(START + 10 hours - 1);
        agreements.settle(id);
        assertEq(uint256(_statusOf(id)), uint256(IAgreements.Status.Active));
        vm.warp(START + 10 hours);
        _expectEnded(id, IAgreements.Ending.Completed, 0);
        agreements.settle(id);
        assertEq(uint256(_statusOf(id)), uint256(IAgreements.Status.Ended));
        _assertMoney(900e6, 95e6, 5e6, 0);
        assertEq(agreements.accruedOf(id), 100e6);
        vm.warp(START + 20 hours);
        (share, refunded) = agreements.settle(id);
        assertEq(share + refunded, 0);
        _expectWrongStatus(id, IAgreements.Status.Ended);
        _cancel(id, client);
    }

    function test_Reserved_CostsNothingBeforeItsStart() public {
        Agreement memory terms = _terms(AgreementKind.Reserved);
        terms.start = START + 5 hours;
        bytes32 id = _open(terms);
        vm.warp(START + 5 hours);
        assertEq(agreements.accruedOf(id), 0);
        agreements.settle(id);
        _expectEnded(id, IAgreements.Ending.Cancelled, 100e6);
        vm.expectCall(address(treasury), abi.encodeWithSelector(ITreasury.onFee.selector), 0);
        _cancel(id, client);
        _assertMoney(1_000e6, 0, 0, 0);
        terms = _terms(AgreementKind.Reserved);
        terms.start = START + 9 hours;
        id = _open(terms);
        assertEq(agreements.accruedOf(id), 0);
        vm.warp(START + 14 hours);
        assertEq(agreements.accruedOf(id), 50e6);
    }

    function test_Reserved_IsRefundedProRataWhoeverStops() public {
        Actor[2] memory sides = [client, provider];
        for (uint256 i = 0; i < 2; ++i) {
            bytes32 id = _openKind(AgreementKind.Reserved);
            vm.warp(vm.getBlockTimestamp() + 3 hours);
            _expectNotAParty(id, payee);
            vm.prank(payee);
            agreements.cancel(id);
            _expectEnded(id, IAgreements.Ending.Cancelled, 70e6);
            _cancel(id, sides[i]);
        }
        _assertMoney(1_000e6 - 60e6, 57e6, 3e6, 0);
    }

    /// @dev A cancellation after the end is no longer one.
    function test_Reserved_CancelAfterTheEndCompletes() public {
        bytes32 id = _openKind(AgreementKind.Reserved);
        vm.warp(START + 11 hours);
        _expectEnded(id, IAgreements.Ending.Completed, 0);
        vm.expectCall(address(escrow), abi.encodeWithSelector(IEscrow.credit.selector), 0);
        _cancel(id, client);
        _assertMoney(900e6, 95e6, 5e6, 0);
    }

    function testFuzz_Reserved_ItDoesNotMatterHowOftenItIsSettled(
        uint96 price,
        uint32 duration,
        uint32[5] memory waits
    ) public {
        Agreement memory terms = _terms(AgreementKind.Reserved);
        terms.price = uint128(bound(price, 1, 400e6));
        terms.duration = bound32(duration, 1, 366 days);
        bytes32 often = _open(terms);
        terms.nonce += 1_000;
        terms.payee = makeAddr("other payee");
        bytes32 once = _open(terms);
        for (uint256 i = 0; i < waits.length; ++i) {
            vm.warp(vm.getBlockTimestamp() + waits[i] % (terms.duration / 4 + 1));
            agreements.settle(often);
        }
        agreements.settle(once);
        assertEq(agreements.owed(payee), agreements.owed(terms.payee), "the same to a unit");
        uint256 elapsed = vm.getBlockTimestamp() - START;
        if (elapsed > terms.duration) elapsed = terms.duration;
        uint256 accrued = terms.price * elapsed / terms.duration;
        assertEq(agreements.owed(payee), accrued * 9_500 / 10_000);
        assertEq(treasury.fees(), 2 * (accrued - accrued * 9_500 / 10_000));
    }

    function bound32(uint256 value, uint256 minimum, uint256 maximum) private pure returns (uint64) {
        return uint64(bound(value, minimum, maximum));
    }

    // Subscription

    function test_Subscription_IsRenewedAsOftenAsTheClientConsented() public {
        bytes32 id = _openKind(AgreementKind.Subscription);
        vm.warp(START + 10 hours - 1);
        vm.expectRevert(abi.encodeWithSelector(IAgreements.PeriodRunning.selector, id, START + 10 hours));
        agreements.renew(id);
        vm.warp(START + 11 hours);
        vm.expectEmit(address(agreements));
        emit IAgreements.AgreementRenewed(id, 100e6, START + 11 hours, START + 21 hours, 500, 1);
        vm.prank(payee);
        agreements.renew(id);
        // The hour in between costs nothing.
        _assertMoney(800e6, 95e6, 5e6, 100e6);
        vm.warp(START + 16 hours);
        agreements.settle(id);
        _assertMoney(800e6, 142.5e6, 7.5e6, 50e6);
        vm.warp(START + 21 hours);
        agreements.renew(id);
        assertEq(agreements.agreementOf(id).periodsLeft, 0);
        vm.warp(START + 31 hours);
        vm.expectRevert(abi.encodeWithSelector(IAgreements.NoPeriodsLeft.selector, id, START + 31 hours));
        agreements.renew(id);
        _expectEnded(id, IAgreements.Ending.Completed, 0);
        agreements.settle(id);
        _assertMoney(700e6, 285e6, 15e6, 0);
        _expectWrongStatus(id, IAgreements.Status.Ended);
        agreements.renew(id);
    }

    function test_Subscription_TakesTheFeeOfTheDayOfEachPeriod() public {
        bytes32 id = _openKind(AgreementKind.Subscription);
        _setFee(100_000);
        vm.warp(START + 5 hours);
        agreements.settle(id);
        _assertMoney(900e6, 47.5e6, 2.5e6, 50e6);
        vm.warp(START + 10 hours);
        agreements.renew(id);
        _assertMoney(800e6, 95e6, 5e6, 100e6);
        assertEq(agreements.agreementOf(id).feeBps, 1_000);
        vm.warp(START + 20 hours);
        agreements.settle(id);
        _assertMoney(800e6, 185e6, 15e6, 0);
        assertEq(uint256(_statusOf(id)), uint256(IAgreements.Status.Active));
    }

    function test_Subscription_LapsesAfterTheGrace() public {
        bytes32 id = _openKind(AgreementKind.Subscription);
        uint64 lapses = START + 10 hours + 3 days;
        vm.warp(lapses);
        agreements.settle(id);
        assertEq(uint256(_statusOf(id)), uint256(IAgreements.Status.Active));
        uint256 before = vm.snapshotState();
        agreements.renew(id);
        vm.revertToState(before);
        vm.warp(lapses + 1);
        vm.expectRevert(abi.encodeWithSelector(IAgreements.RenewalLapsed.selector, id, lapses));
        agreements.renew(id);
        _expectEnded(id, IAgreements.Ending.Completed, 0);
        agreements.settle(id);
        _assertMoney(900e6, 95e6, 5e6, 0);
    }

    function test_Subscription_CannotBeRenewedWithoutMoney() public {
        bytes32 id = _openKind(AgreementKind.Subscription);
        vm.prank(client.addr);
        escrow.requestWithdraw(850e6);
        vm.warp(START + 10 hours);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.BalanceTooLow.selector, client.addr, 50e6, 100e6));
        agreements.renew(id);
        _expectEnded(id, IAgreements.Ending.Cancelled, 0);
        _cancel(id, provider);
        assertEq(agreements.owed(payee), 95e6);
    }

    function test_Subscription_IsRefundedProRataAndNeverRenewedAfterwards() public {
        bytes32 id = _openKind(AgreementKind.Subscription);
        vm.warp(START + 10 hours);
        agreements.renew(id);
        vm.warp(START + 12 hours);
        _expectEnded(id, IAgreements.Ending.Cancelled, 80e6);
        _cancel(id, client);
        _assertMoney(880e6, 95e6 + 19e6, 6e6, 0);
        vm.warp(START + 20 hours);
        _expectWrongStatus(id, IAgreements.Status.Ended);
        agreements.renew(id);
    }

    function test_RevertWhen_RenewingAnotherKind() public {
        bytes32 id = _openKind(AgreementKind.Reserved);
        _expectWrongKind(id, AgreementKind.Reserved);
        agreements.renew(id);
    }

    // Spot

    function test_Spot_AccruesAtItsRateUntilItIsStopped() public {
        bytes32 id = _openKind(AgreementKind.Spot);
        vm.warp(START + 90 minutes);
        assertEq(agreements.accruedOf(id), 7.5e6);
        _expectEnded(id, IAgreements.Ending.Cancelled, 92.5e6);
        _cancel(id, client);
        _assertMoney(992.5e6, 7.125e6, 0.375e6, 0);
    }

    function test_Spot_CanBePreemptedByTheProvider() public {
        bytes32 id = _openKind(AgreementKind.Spot);
        vm.warp(START + 2 hours);
        _expectEnded(id, IAgreements.Ending.Preempted, 90e6);
        _cancel(id, provider);
        _assertMoney(990e6, 9.5e6, 0.5e6, 0);
    }

    function test_Spot_TheRateMovesUpToTheClientsMaximum() public {
        bytes32 id = _openKind(AgreementKind.Spot);
        vm.warp(START + 2 hours);
        vm.expectRevert(abi.encodeWithSelector(IAgreements.RateAboveMaximum.selector, id, 12e6, 12e6 + 1));
        vm.prank(provider.addr);
        agreements.setRate(id, 12e6 + 1);
        _expectNotAParty(id, client.addr);
        vm.prank(client.addr);
        agreements.setRate(id, 1);
        vm.expectEmit(address(agreements));
        emit IAgreements.AgreementAccrued(id, payee, 9.5e6, 0.5e6);
        vm.expectEmit(address(agreements));
        emit IAgreements.RateChanged(id, 5e6, 12e6);
        vm.prank(provider.addr);
        agreements.setRate(id, 12e6);
        assertEq(agreements.accruedOf(id), 10e6);
        vm.warp(START + 4 hours);
        assertEq(agreements.accruedOf(id), 34e6);
        vm.prank(provider.addr);
        agreements.setRate(id, 0);
        vm.warp(START + 9 hours);
        assertEq(agreements.accruedOf(id), 34e6);
        vm.warp(START + 10 hours);
        _expectEnded(id, IAgreements.Ending.Completed, 66e6);
        agreements.settle(id);
        _assertMoney(966e6, 32.3e6, 1.7e6, 0);
        _expectWrongStatus(id, IAgreements.Status.Ended);
        vm.prank(provider.addr);
        agreements.setRate(id, 1);
    }

    /// @dev Before the beginning a rate may be set, and still nothing accrues.
    function test_Spot_ARateSetBeforeTheBeginningCountsFromThere() public {
        Agreement memory terms = _terms(AgreementKind.Spot);
        terms.start = START + 3 hours;
        bytes32 id = _open(terms);
        vm.warp(START + 1 hours);
        vm.prank(provider.addr);
        agreements.setRate(id, 10e6);
        assertEq(agreements.agreementOf(id).rateSince, START + 3 hours);
        vm.warp(START + 3 hours);
        assertEq(agreements.accruedOf(id), 0);
        vm.warp(START + 4 hours);
        assertEq(agreements.accruedOf(id), 10e6);
    }

    function test_Spot_EndsWhenTheBudgetIsUsedUp() public {
        Agreement memory terms = _terms(AgreementKind.Spot);
        terms.rate = 12e6;
        bytes32 id = _open(terms);
        vm.warp(START + 8 hours);
        agreements.settle(id);
        assertEq(uint256(_statusOf(id)), uint256(IAgreements.Status.Active));
        assertEq(agreements.accruedOf(id), 96e6);
        vm.warp(START + 8 hours + 20 minutes);
        _expectEnded(id, IAgreements.Ending.Completed, 0);
        agreements.settle(id);
        _assertMoney(900e6, 95e6, 5e6, 0);
        terms.nonce += 1_000;
        id = _open(terms);
        vm.warp(vm.getBlockTimestamp() + 9 hours);
        assertEq(agreements.accruedOf(id), 100e6);
    }

    function test_Spot_StopsAccruingAtItsLongestTime() public {
        bytes32 id = _openKind(AgreementKind.Spot);
        vm.warp(START + 30 hours);
        assertEq(agreements.accruedOf(id), 50e6);
        _expectWrongStatus(id, IAgreements.Status.Ended);
        vm.prank(provider.addr);
        agreements.setRate(id, 12e6);
        agreements.settle(id);
        _assertMoney(950e6, 47.5e6, 2.5e6, 0);
    }

    function test_RevertWhen_SettingTheRateOfAnotherKind() public {
        bytes32 id = _openKind(AgreementKind.Reserved);
        _expectWrongKind(id, AgreementKind.Reserved);
        vm.prank(provider.addr);
        agreements.setRate(id, 0);
    }

    // Task

    function _deliver(bytes32 id) private {
        vm.prank(provider.addr);
        agreements.deliver(id, keccak256("result"));
    }

    function test_Task_IsPaidWhenNobodyDisputes() public {
        bytes32 id = _openKind(AgreementKind.Task);
        vm.warp(START + 10 hours);
        assertEq(agreements.accruedOf(id), 0);
        agreements.settle(id);
        vm.expectEmit(address(agreements));
        emit IAgreements.TaskDelivered(id, keccak256("result"), START + 12 hours);
        _deliver(id);
        assertEq(uint256(_statusOf(id)), uint256(IAgreements.Status.Delivered));
        vm.warp(START + 12 hours - 1);
        (uint128 share, uint128 refunded) = agreements.settle(id);
        assertEq(share + refunded, 0);
        vm.warp(START + 12 hours);
        vm.expectRevert(abi.encodeWithSelector(IAgreements.DisputeTooLate.selector, id, START + 12 hours));
        vm.prank(client.addr);
        agreements.dispute(id, "");
        _expectEnded(id, IAgreements.Ending.Completed, 0);
        (share,) = agreements.settle(id);
        assertEq(share, 95e6);
        _assertMoney(900e6, 95e6, 5e6, 0);
    }

    function test_Task_IsPaidAtOnceWhenAccepted() public {
        bytes32 id = _delivered();
        _expectNotAParty(id, provider.addr);
        vm.prank(provider.addr);
        agreements.accept(id);
        _expectEnded(id, IAgreements.Ending.Completed, 0);
        vm.prank(client.addr);
        agreements.accept(id);
        _assertMoney(900e6, 95e6, 5e6, 0);
        _expectWrongStatus(id, IAgreements.Status.Ended);
        vm.prank(client.addr);
        agreements.accept(id);
    }

    function test_Task_IsRefundedWhenItsTimeRunsOut() public {
        bytes32 id = _openKind(AgreementKind.Task);
        vm.warp(START + 10 hours + 1);
        vm.expectRevert(abi.encodeWithSelector(IAgreements.DeliveryTooLate.selector, id, START + 10 hours));
        _deliver(id);
        _expectEnded(id, IAgreements.Ending.Undelivered, 100e6);
        (, uint128 refunded) = agreements.settle(id);
        assertEq(refunded, 100e6);
        _assertMoney(1_000e6, 0, 0, 0);
    }

    function test_Task_CanBeCancelledByTheProviderUntilItDelivered() public {
        bytes32 id = _openKind(AgreementKind.Task);
        vm.warp(START + 10 hours);
        _expectEnded(id, IAgreements.Ending.Cancelled, 100e6);
        _cancel(id, provider);
        _assertMoney(1_000e6, 0, 0, 0);
        id = _delivered();
        _expectWrongStatus(id, IAgreements.Status.Delivered);
        _cancel(id, provider);
    }

    function test_Task_CanBeCancelledByTheClientUntilItBegan() public {
        Agreement memory terms = _terms(AgreementKind.Task);
        terms.start = START + 1 hours;
        bytes32 early = _open(terms);
        terms.nonce += 1_000;
        bytes32 late = _open(terms);
        vm.warp(START + 1 hours - 1);
        _cancel(early, client);
        _assertMoney(900e6, 0, 0, 100e6);
        vm.warp(START + 1 hours);
        vm.expectRevert(abi.encodeWithSelector(IAgreements.TaskUnderWay.selector, late, START + 11 hours));
        _cancel(late, client);
        vm.warp(START + 11 hours + 1);
        _expectEnded(late, IAgreements.Ending.Undelivered, 100e6);
        _cancel(late, client);
        _assertMoney(1_000e6, 0, 0, 0);
    }

    function test_Task_CanOnlyBeDeliveredOnceAndByTheProvider() public {
        bytes32 id = _openKind(AgreementKind.Task);
        _expectNotAParty(id, client.addr);
        vm.prank(client.addr);
        agreements.deliver(id, "");
        _deliver(id);
        _expectWrongStatus(id, IAgreements.Status.Delivered);
        _deliver(id);
        bytes32 reserved = _openKind(AgreementKind.Reserved);
        _expectWrongKind(reserved, AgreementKind.Reserved);
        _deliver(reserved);
    }

    // Disputes

    function test_Dispute_TimesOutInTheClientsFavour() public {
        bytes32 id = _delivered();
        _expectNotAParty(id, provider.addr);
        vm.prank(provider.addr);
        agreements.dispute(id, keccak256("evidence"));
        vm.warp(START + 2 hours - 1);
        uint64 until = START + 2 hours - 1 + 21 days;
        vm.expectEmit(address(agreements));
        emit IAgreements.TaskDisputed(id, client.addr, keccak256("evidence"), until);
        vm.prank(client.addr);
        agreements.dispute(id, keccak256("evidence"));
        _expectWrongStatus(id, IAgreements.Status.Disputed);
        vm.prank(client.addr);
        agreements.dispute(id, "");
        vm.warp(until - 1);
        (uint128 share, uint128 refunded) = agreements.settle(id);
        assertEq(share + refunded, 0);
        vm.warp(until);
        vm.expectRevert(abi.encodeWithSelector(IAgreements.DecisionTooLate.selector, id, until));
        agreements.decide(id, true);
        _expectEnded(id, IAgreements.Ending.DisputeTimedOut, 100e6);
        agreements.settle(id);
        _assertMoney(1_000e6, 0, 0, 0);
    }

    function test_Dispute_IsDecidedForTheProvider() public {
        bytes32 id = _disputed();
        vm.warp(START + 21 days - 1);
        vm.expectEmit(address(agreements));
        emit IAgreements.TaskDecided(id, true);
        _expectEnded(id, IAgreements.Ending.Completed, 0);
        agreements.decide(id, true);
        _assertMoney(900e6, 95e6, 5e6, 0);
        _expectWrongStatus(id, IAgreements.Status.Ended);
        agreements.decide(id, false);
    }

    function test_Dispute_IsDecidedForTheClient() public {
        bytes32 id = _disputed();
        vm.expectEmit(address(agreements));
        emit IAgreements.TaskDecided(id, false);
        _expectEnded(id, IAgreements.Ending.DecidedForClient, 100e6);
        agreements.decide(id, false);
        _assertMoney(1_000e6, 0, 0, 0);
    }

    function test_Dispute_EndsWhenTheProviderConcedesOrTheClientAccepts() public {
        bytes32 id = _disputed();
        _expectNotAParty(id, client.addr);
        vm.prank(client.addr);
        agreements.concede(id);
        _expectEnded(id, IAgreements.Ending.Conceded, 100e6);
        vm.prank(provider.addr);
        agreements.concede(id);
        _assertMoney(1_000e6, 0, 0, 0);
        id = _disputed();
        vm.prank(client.addr);
        agreements.accept(id);
        _assertMoney(900e6, 95e6, 5e6, 0);
        id = _delivered();
        vm.prank(provider.addr);
        agreements.concede(id);
        _assertMoney(900e6, 95e6, 5e6, 0);
    }

    function test_RevertWhen_ThereIsNothingToAcceptOrConcede() public {
        bytes32 id = _openKind(AgreementKind.Task);
        _expectWrongStatus(id, IAgreements.Status.Active);
        vm.prank(client.addr);
        agreements.accept(id);
        _expectWrongStatus(id, IAgreements.Status.Active);
        vm.prank(provider.addr);
        agreements.concede(id);
        _expectWrongStatus(id, IAgreements.Status.Active);
        vm.prank(client.addr);
        agreements.dispute(id, "");
        _expectWrongStatus(id, IAgreements.Status.Active);
        agreements.decide(id, true);
    }

    /// @dev One unit: the payee's part is rounded down, the network gets the rest.
    function test_Rounding_NeverPaysThePayeeTooMuch() public {
        Agreement memory terms = _terms(AgreementKind.Reserved);
        terms.price = 1;
        bytes32 id = _open(terms);
        vm.warp(START + 10 hours - 1);
        assertEq(agreements.accruedOf(id), 0);
        vm.warp(START + 10 hours);
        agreements.settle(id);
        assertEq(agreements.owed(payee), 0);
        assertEq(treasury.fees(), 1);
    }
}
