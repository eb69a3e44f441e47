// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IAgreements} from "../../src/interfaces/IAgreements.sol";
import {IEscrow} from "../../src/interfaces/IEscrow.sol";
import {IFeeTreasury} from "../../src/interfaces/IFeeTreasury.sol";
import {ExpiringPause} from "../../src/libraries/ExpiringPause.sol";
import {Agreements} from "../../src/settlement/Agreements.sol";
import {Agreement, AgreementKind} from "../../src/types/Types.sol";
import {AgreementFixture} from "./AgreementFixture.sol";
import {Wallet} from "./mocks/Wallet.sol";

/// @dev Consent, opening, revoking, parameters, payouts; what each kind does over time is in AgreementKinds.t.sol.
contract AgreementsTest is AgreementFixture {
    function test_Open_TakesThePriceAndKeepsTheTerms() public {
        Agreement memory terms = _terms(AgreementKind.Spot);
        terms.start = START + 1 hours;
        bytes32 id = agreements.idOf(terms);
        vm.expectEmit(address(agreements));
        emit IAgreements.AgreementOpened(
            id,
            client.addr,
            provider.addr,
            AgreementKind.Spot,
            payee,
            100e6,
            START + 1 hours,
            START + 11 hours,
            500,
            terms.specification
        );
        vm.expectEmit(address(escrow));
        emit IEscrow.Prepaid(client.addr, address(agreements), 100e6);
        assertEq(_open(terms), id);
        IAgreements.State memory state = agreements.agreementOf(id);
        assertEq(uint256(state.kind), uint256(AgreementKind.Spot));
        assertEq(uint256(state.status), uint256(IAgreements.Status.Active));
        assertEq(state.feeBps, 500);
        assertEq(state.periodsLeft, 0);
        assertEq(state.acceptance, 0);
        assertEq(state.client, client.addr);
        assertEq(state.provider, provider.addr);
        assertEq(state.payee, payee);
        assertEq(state.prepaid, 100e6);
        assertEq(state.begin, START + 1 hours);
        assertEq(state.end, START + 11 hours);
        assertEq(state.rate, 5e6);
        assertEq(state.maximumRate, 12e6);
        assertEq(state.rateSince, START + 1 hours);
        _assertMoney(900e6, 0, 0, 100e6);
    }

    function test_Open_BeginsNowWhenTheStartIsPast() public {
        Agreement memory terms = _terms(AgreementKind.Subscription);
        terms.start = START - 5 hours;
        IAgreements.State memory state = agreements.agreementOf(_open(terms));
        assertEq(state.begin, START);
        assertEq(state.end, START + 10 hours);
        assertEq(state.periodsLeft, 2);
        assertEq(state.rateSince, 0);
        terms = _terms(AgreementKind.Task);
        assertEq(agreements.agreementOf(_open(terms)).acceptance, 2 hours);
    }

    function test_Open_ASideThatCallsNeedsNoSignature() public {
        Agreement memory terms = _terms(AgreementKind.Reserved);
        bytes memory byProvider = _sign(provider.key, agreements.digestOf(terms));
        vm.prank(client.addr);
        agreements.open(terms, "", byProvider);
        terms = _terms(AgreementKind.Reserved);
        bytes memory byClient = _sign(client.key, agreements.digestOf(terms));
        vm.prank(provider.addr);
        agreements.open(terms, byClient, "");
        _assertMoney(800e6, 0, 0, 200e6);
    }

    function test_Open_AcceptsContractWalletsOnBothSides() public {
        Agreement memory terms = _terms(AgreementKind.Reserved);
        terms.client = vm.computeCreateAddress(address(this), vm.getNonce(address(this)));
        terms.provider = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1);
        bytes32 digest = agreements.digestOf(terms);
        new Wallet(digest);
        new Wallet(digest);
        vm.prank(client.addr);
        escrow.deposit(terms.client, 100e6);
        agreements.open(terms, "anything", "anything");
        assertEq(escrow.available(terms.client), 0);
    }

    function _expectBadConsent(Agreement memory terms, address signer) private {
        vm.expectRevert(abi.encodeWithSelector(IAgreements.BadConsent.selector, agreements.idOf(terms), signer));
    }

    function test_RevertWhen_EitherSideDidNotSignTheseTerms() public {
        Agreement memory terms = _terms(AgreementKind.Reserved);
        bytes32 digest = agreements.digestOf(terms);
        bytes memory byClient = _sign(client.key, digest);
        bytes memory byProvider = _sign(provider.key, digest);
        _expectBadConsent(terms, client.addr);
        agreements.open(terms, byProvider, byProvider);
        _expectBadConsent(terms, provider.addr);
        agreements.open(terms, byClient, byClient);
        _expectBadConsent(terms, client.addr);
        agreements.open(terms, "", byProvider);
        vm.expectRevert();
        vm.prank(client.addr);
        agreements.open(terms, byClient, "");
        terms.price += 1;
        _expectBadConsent(terms, client.addr);
        agreements.open(terms, byClient, byProvider);
        terms.price -= 1;
        vm.chainId(31_338);
        _expectBadConsent(terms, client.addr);
        agreements.open(terms, byClient, byProvider);
    }

    /// @dev Every field is part of what is signed.
    function test_IdOf_ChangesWithEveryField() public {
        Agreement memory base = _terms(AgreementKind.Task);
        bytes32 id = agreements.idOf(base);
        bytes memory encoded = abi.encode(base);
        for (uint256 i = 0; i < 14; ++i) {
            bytes memory changed = bytes.concat(encoded);
            changed[32 * i + 31] = bytes1(uint8(changed[32 * i + 31]) ^ 1);
            assertTrue(agreements.idOf(abi.decode(changed, (Agreement))) != id);
        }
        bytes32 typeHash = keccak256(
            "Agreement(uint8 kind,address client,address provider,address payee,uint128 price,uint128 rate,"
            "uint128 maximumRate,uint64 start,uint64 duration,uint32 periods,uint32 acceptance,uint64 expiry,"
            "bytes32 specification,uint256 nonce)"
        );
        assertEq(id, keccak256(bytes.concat(typeHash, encoded)));
        bytes32 domain = agreements.domainSeparator();
        assertEq(agreements.digestOf(base), keccak256(bytes.concat(hex"1901", domain, id)));
        bytes32 domainType =
            keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
        bytes32 name = keccak256("Vcity Agreements");
        assertEq(domain, keccak256(abi.encode(domainType, name, keccak256("1"), block.chainid, address(agreements))));
    }

    function test_RevertWhen_OpenedTwice() public {
        Agreement memory terms = _terms(AgreementKind.Reserved);
        bytes32 id = _open(terms);
        bytes memory expected =
            abi.encodeWithSelector(IAgreements.AgreementKnown.selector, id, IAgreements.Status.Active);
        bytes32 digest = agreements.digestOf(terms);
        (bytes memory byClient, bytes memory byProvider) = (_sign(client.key, digest), _sign(provider.key, digest));
        vm.expectRevert(expected);
        agreements.open(terms, byClient, byProvider);
        _cancel(id, client);
        vm.expectRevert(abi.encodeWithSelector(IAgreements.AgreementKnown.selector, id, IAgreements.Status.Ended));
        agreements.open(terms, byClient, byProvider);
    }

    function test_RevertWhen_ConsentExpired() public {
        Agreement memory terms = _terms(AgreementKind.Reserved);
        bytes32 digest = agreements.digestOf(terms);
        (bytes memory byClient, bytes memory byProvider) = (_sign(client.key, digest), _sign(provider.key, digest));
        vm.warp(terms.expiry);
        vm.expectRevert(
            abi.encodeWithSelector(IAgreements.ConsentExpired.selector, agreements.idOf(terms), terms.expiry)
        );
        agreements.open(terms, byClient, byProvider);
        vm.warp(terms.expiry - 1);
        agreements.open(terms, byClient, byProvider);
    }

    function test_Revoke_ByEitherSideMakesTheTermsWorthless() public {
        for (uint256 i = 0; i < 2; ++i) {
            Agreement memory terms = _terms(AgreementKind.Reserved);
            bytes32 id = agreements.idOf(terms);
            address by = i == 0 ? client.addr : provider.addr;
            _expectNotAParty(id, payee);
            vm.prank(payee);
            agreements.revoke(terms);
            vm.expectEmit(address(agreements));
            emit IAgreements.AgreementRevoked(id, by);
            vm.prank(by);
            agreements.revoke(terms);
            bytes32 digest = agreements.digestOf(terms);
            (bytes memory byClient, bytes memory byProvider) = (_sign(client.key, digest), _sign(provider.key, digest));
            bytes memory known =
                abi.encodeWithSelector(IAgreements.AgreementKnown.selector, id, IAgreements.Status.Revoked);
            vm.expectRevert(known);
            agreements.open(terms, byClient, byProvider);
            vm.expectRevert(known);
            vm.prank(by);
            agreements.revoke(terms);
            (uint128 share, uint128 refunded) = agreements.settle(id);
            assertEq(share + refunded, 0);
        }
    }

    function test_RevertWhen_RevokingWhatIsOpen() public {
        Agreement memory terms = _terms(AgreementKind.Reserved);
        bytes32 id = _open(terms);
        vm.expectRevert(abi.encodeWithSelector(IAgreements.AgreementKnown.selector, id, IAgreements.Status.Active));
        vm.prank(client.addr);
        agreements.revoke(terms);
    }

    function test_RevertWhen_TheClientHasTooLittle() public {
        Agreement memory terms = _terms(AgreementKind.Reserved);
        terms.price = 1_000e6 + 1;
        bytes32 digest = agreements.digestOf(terms);
        (bytes memory byClient, bytes memory byProvider) = (_sign(client.key, digest), _sign(provider.key, digest));
        vm.expectRevert(abi.encodeWithSelector(IEscrow.BalanceTooLow.selector, client.addr, 1_000e6, 1_000e6 + 1));
        agreements.open(terms, byClient, byProvider);
    }

    function _expectTerm(Agreement memory terms, bytes32 name, uint256 value, uint256 minimum, uint256 maximum)
        private
    {
        bytes32 digest = agreements.digestOf(terms);
        (bytes memory byClient, bytes memory byProvider) = (_sign(client.key, digest), _sign(provider.key, digest));
        vm.expectRevert(abi.encodeWithSelector(IAgreements.TermOutOfRange.selector, name, value, minimum, maximum));
        agreements.open(terms, byClient, byProvider);
    }

    function test_RevertWhen_AnAmountOrTimeIsOutOfRange() public {
        Agreement memory terms = _terms(AgreementKind.Reserved);
        terms.price = 0;
        _expectTerm(terms, "price", 0, 1, type(uint96).max);
        terms.price = uint128(type(uint96).max) + 1;
        _expectTerm(terms, "price", terms.price, 1, type(uint96).max);
        terms = _terms(AgreementKind.Reserved);
        terms.duration = 0;
        _expectTerm(terms, "duration", 0, 1, 366 days);
        terms.duration = 366 days + 1;
        _expectTerm(terms, "duration", 366 days + 1, 1, 366 days);
        terms = _terms(AgreementKind.Reserved);
        terms.start = START * 1_000;
        _expectTerm(terms, "start", START * 1_000, 0, START + 366 days);
        terms.start = START + 366 days + 1;
        _expectTerm(terms, "start", START + 366 days + 1, 0, START + 366 days);
        (terms.start, terms.duration) = (START + 366 days, 366 days);
        _open(terms);
        terms = _terms(AgreementKind.Reserved);
        terms.duration = 1;
        terms.price = 1;
        _open(terms);
    }

    function test_RevertWhen_ATermDoesNotFitTheKind() public {
        for (uint8 i = 0; i < 4; ++i) {
            AgreementKind kind = AgreementKind(i);
            bool isSpot = kind == AgreementKind.Spot;
            Agreement memory terms = _terms(kind);
            uint32 periods = kind == AgreementKind.Subscription ? 120 : 1;
            terms.periods = 0;
            _expectTerm(terms, "periods", 0, 1, periods);
            terms.periods = periods + 1;
            _expectTerm(terms, "periods", periods + 1, 1, periods);
            terms = _terms(kind);
            uint32 acceptance = kind == AgreementKind.Task ? 90 days : 0;
            terms.acceptance = acceptance + 1;
            _expectTerm(terms, "acceptance", acceptance + 1, 0, acceptance);
            terms = _terms(kind);
            uint128 rate = isSpot ? uint128(type(uint96).max) : 0;
            terms.maximumRate = rate + 1;
            _expectTerm(terms, "maximumRate", rate + 1, isSpot ? 1 : 0, rate);
            terms = _terms(kind);
            terms.rate = terms.maximumRate + 1;
            _expectTerm(terms, "rate", terms.rate, 0, terms.maximumRate);
        }
        Agreement memory free = _terms(AgreementKind.Spot);
        (free.rate, free.maximumRate) = (0, 0);
        _expectTerm(free, "maximumRate", 0, 1, type(uint96).max);
        free.maximumRate = 1;
        _open(free);
        Agreement memory long = _terms(AgreementKind.Subscription);
        long.periods = 120;
        _open(long);
        Agreement memory trusting = _terms(AgreementKind.Task);
        trusting.acceptance = 90 days;
        _open(trusting);
    }

    function test_RevertWhen_ThereIsNoPayee() public {
        Agreement memory terms = _terms(AgreementKind.Reserved);
        terms.payee = address(0);
        bytes32 digest = agreements.digestOf(terms);
        (bytes memory byClient, bytes memory byProvider) = (_sign(client.key, digest), _sign(provider.key, digest));
        vm.expectRevert(abi.encodeWithSelector(IAgreements.PartyIsMissing.selector, bytes32("payee")));
        agreements.open(terms, byClient, byProvider);
    }

    function test_Settle_OfAnUnknownAgreementReverts() public {
        _expectWrongStatus("nothing", IAgreements.Status.None);
        agreements.settle("nothing");
        _expectNotAParty("nothing", client.addr);
        _cancel("nothing", client);
        assertEq(agreements.accruedOf("nothing"), 0);
    }

    function test_Withdraw_PaysThePayeeOnce() public {
        bytes32 id = _openKind(AgreementKind.Reserved);
        vm.warp(START + 10 hours);
        agreements.settle(id);
        vm.expectEmit(address(agreements));
        emit IAgreements.PayeePaid(payee, 95e6);
        vm.prank(client.addr);
        assertEq(agreements.withdraw(payee), 95e6);
        assertEq(stable.balanceOf(payee), 95e6);
        assertEq(stable.balanceOf(address(agreements)), 0);
        vm.expectRevert(abi.encodeWithSelector(IAgreements.NothingOwed.selector, payee));
        agreements.withdraw(payee);
    }

    function test_Pause_StopsNewObligationsAndNothingElse() public {
        Agreement memory terms = _terms(AgreementKind.Reserved);
        bytes32 digest = agreements.digestOf(terms);
        (bytes memory byClient, bytes memory byProvider) = (_sign(client.key, digest), _sign(provider.key, digest));
        bytes32 subscription = _openKind(AgreementKind.Subscription);
        bytes32 reserved = _openKind(AgreementKind.Reserved);
        bytes32 task = _delivered();
        agreements.pause(2 days);
        bytes memory paused = abi.encodeWithSelector(ExpiringPause.ModulePaused.selector, START + 2 days);
        vm.expectRevert(paused);
        agreements.open(terms, byClient, byProvider);
        vm.warp(START + 10 hours);
        vm.expectRevert(paused);
        agreements.renew(subscription);
        agreements.settle(task);
        _cancel(subscription, client);
        agreements.settle(reserved);
        agreements.withdraw(payee);
        assertEq(stable.balanceOf(payee), 3 * 95e6);
        vm.warp(START + 2 days);
        vm.expectRevert(
            abi.encodeWithSelector(IAgreements.ConsentExpired.selector, agreements.idOf(terms), terms.expiry)
        );
        agreements.open(terms, byClient, byProvider);
    }

    function test_SetParameters_AppliesAndIsBounded() public {
        IAgreements.Parameters memory value = agreements.parameters();
        (value.disputeWindow, value.renewalGrace) = (1 minutes, 1 minutes);
        vm.expectEmit(address(agreements));
        emit IAgreements.ParametersChanged(value);
        agreements.setParameters(value);
        (value.disputeWindow, value.renewalGrace) = (90 days, 30 days);
        agreements.setParameters(value);
        assertEq(agreements.parameters().disputeWindow, 90 days);
        assertEq(agreements.parameters().renewalGrace, 30 days);
        _expectParameter("disputeWindow", 59, 90 days);
        _expectParameter("disputeWindow", 90 days + 1, 90 days);
        _expectParameter("renewalGrace", 59, 30 days);
        _expectParameter("renewalGrace", 30 days + 1, 30 days);
        value.treasury = IFeeTreasury(client.addr);
        vm.expectRevert(abi.encodeWithSelector(IAgreements.NotAContract.selector, bytes32("treasury"), client.addr));
        agreements.setParameters(value);
        vm.expectRevert(abi.encodeWithSelector(IAgreements.NotAContract.selector, bytes32("treasury"), client.addr));
        new Agreements(address(manager), escrow, networkFee, value);
    }

    function _expectParameter(bytes32 name, uint32 value, uint256 maximum) private {
        IAgreements.Parameters memory bad = agreements.parameters();
        if (name == "disputeWindow") bad.disputeWindow = value;
        else bad.renewalGrace = value;
        vm.expectRevert(abi.encodeWithSelector(IAgreements.ParameterOutOfRange.selector, name, value, 60, maximum));
        agreements.setParameters(bad);
    }

    function test_RevertWhen_StrangerUsesRestrictedFunctions() public {
        bytes32 id = _disputed();
        IAgreements.Parameters memory same = agreements.parameters();
        bytes memory expected = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, client.addr);
        vm.startPrank(client.addr);
        vm.expectRevert(expected);
        agreements.setParameters(same);
        vm.expectRevert(expected);
        agreements.decide(id, true);
        vm.expectRevert(expected);
        agreements.pause(1);
    }

    function test_Construction_NamesItsSurroundings() public view {
        assertEq(address(agreements.escrow()), address(escrow));
        assertEq(address(agreements.networkFee()), address(networkFee));
        assertEq(address(agreements.stable()), address(stable));
    }
}
