// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAgreements} from "../../src/interfaces/IAgreements.sol";
import {Agreement, AgreementKind} from "../../src/types/Types.sol";
import {Fixture} from "../utils/Fixture.sol";

/// @dev A client with 1000 in the escrow, a provider, a payee, and terms of each kind over 100 at a fee of 5 %.
abstract contract AgreementFixture is Fixture {
    Actor internal provider;
    address internal payee = makeAddr("payee");
    uint256 private _nonce;

    function setUp() public virtual override {
        super.setUp();
        provider = _actor("provider");
        vm.prank(client.addr);
        escrow.deposit(client.addr, 1_000e6);
    }

    function _terms(AgreementKind kind) internal returns (Agreement memory terms) {
        terms.kind = kind;
        terms.client = client.addr;
        terms.provider = provider.addr;
        terms.payee = payee;
        terms.price = 100e6;
        terms.duration = 10 hours;
        terms.periods = kind == AgreementKind.Subscription ? 3 : 1;
        terms.acceptance = kind == AgreementKind.Task ? 2 hours : 0;
        terms.rate = kind == AgreementKind.Spot ? 5e6 : 0;
        terms.maximumRate = kind == AgreementKind.Spot ? 12e6 : 0;
        terms.expiry = uint64(vm.getBlockTimestamp()) + 1 days;
        terms.specification = keccak256("what is to be done");
        terms.nonce = _nonce++;
    }

    function _open(Agreement memory terms) internal returns (bytes32 id) {
        bytes32 digest = agreements.digestOf(terms);
        return agreements.open(terms, _sign(client.key, digest), _sign(provider.key, digest));
    }

    function _openKind(AgreementKind kind) internal returns (bytes32 id) {
        return _open(_terms(kind));
    }

    function _delivered() internal returns (bytes32 id) {
        id = _openKind(AgreementKind.Task);
        vm.prank(provider.addr);
        agreements.deliver(id, keccak256("result"));
    }

    function _disputed() internal returns (bytes32 id) {
        id = _delivered();
        vm.prank(client.addr);
        agreements.dispute(id, keccak256("evidence"));
    }

    function _cancel(bytes32 id, Actor memory by) internal {
        vm.prank(by.addr);
        agreements.cancel(id);
    }

    function _statusOf(bytes32 id) internal view returns (IAgreements.Status) {
        return agreements.agreementOf(id).status;
    }

    function _expectWrongStatus(bytes32 id, IAgreements.Status status) internal {
        vm.expectRevert(abi.encodeWithSelector(IAgreements.WrongStatus.selector, id, status));
    }

    function _expectNotAParty(bytes32 id, address caller) internal {
        vm.expectRevert(abi.encodeWithSelector(IAgreements.NotAParty.selector, id, caller));
    }

    function _expectWrongKind(bytes32 id, AgreementKind kind) internal {
        vm.expectRevert(abi.encodeWithSelector(IAgreements.WrongKind.selector, id, kind));
    }

    function _expectEnded(bytes32 id, IAgreements.Ending ending, uint128 refunded) internal {
        vm.expectEmit(address(agreements));
        emit IAgreements.AgreementEnded(id, client.addr, ending, refunded);
    }

    /// @dev The client of 1000 has so much left, the payee so much owed, and the treasury the rest of what was spent;
    /// the contract holds what is owed and what is prepaid and not accrued.
    function _assertMoney(uint128 left, uint128 owed, uint128 fees, uint128 open) internal view {
        assertEq(escrow.available(client.addr), left, "client");
        assertEq(agreements.owed(payee), owed, "payee");
        assertEq(treasury.fees(), fees, "fees counted");
        assertEq(stable.balanceOf(address(treasury)), fees, "fees held");
        assertEq(stable.balanceOf(address(agreements)), uint256(owed) + open, "held");
        assertEq(uint256(left) + owed + fees + open, 1_000e6, "sum");
    }
}
