// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAgreements} from "../../src/interfaces/IAgreements.sol";
import {IEscrow} from "../../src/interfaces/IEscrow.sol";
import {IFraudProofs} from "../../src/interfaces/IFraudProofs.sol";
import {INodeRegistry} from "../../src/interfaces/INodeRegistry.sol";
import {ISettlement} from "../../src/interfaces/ISettlement.sol";
import {DevStable} from "../../src/token/DevStable.sol";
import {ExactPull} from "../../src/libraries/ExactPull.sol";
import {Hashes} from "../../src/libraries/Hashes.sol";
import {Agreement, AgreementKind, Batch, Fault, Role, SignedReceipt, UsageReceipt} from "../../src/types/Types.sol";
import {Fixture} from "../utils/Fixture.sol";

/// @dev A token that can keep a fee, answer false, or call the attacker back in the middle of every transfer.
contract HostileToken is DevStable {
    enum Trick {
        None,
        KeepFee,
        AnswerFalse,
        CallBack
    }

    Trick private _trick;
    address private _attacker;
    bytes private _call;
    address private _target;
    bool private _calling;
    bool public attackSucceeded;
    uint256 public attacks;

    function play(Trick trick) external {
        _trick = trick;
    }

    function callBack(address attacker, address target, bytes calldata data) external {
        (_trick, _attacker, _target, _call) = (Trick.CallBack, attacker, target, data);
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        if (_trick == Trick.AnswerFalse) return false;
        return super.transfer(to, amount);
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (_trick == Trick.KeepFee && from != address(0)) {
            super._update(from, address(0xfee), 1);
            amount -= 1;
        }
        super._update(from, to, amount);
        if (_trick == Trick.CallBack && !_calling && from != address(0)) {
            _calling = true;
            ++attacks;
            (bool success,) = _attacker.call(abi.encodeCall(Attacker.act, (_target, _call)));
            if (success) attackSucceeded = true;
            _calling = false;
        }
    }
}

/// @dev Has the rights of a client, node and claimant, and does what the token tells it in mid-transfer.
contract Attacker {
    function act(address target, bytes calldata data) external returns (bytes memory) {
        (bool success, bytes memory result) = target.call(data);
        if (!success) {
            assembly ("memory-safe") {
                revert(add(result, 32), mload(result))
            }
        }
        return result;
    }
}

contract HostileTokenTest is Fixture {
    HostileToken private token;
    Attacker private attacker;

    function setUp() public override {
        vm.warp(START);
        token = new HostileToken();
        stable = token;
        _deploy(token);
        client = _actor("client");
        node = _actor("node");
        scheduler = _actor("scheduler");
        verifier = _actor("verifier");
        _registerAll();
        attacker = new Attacker();
        token.mint(address(attacker), FUNDS);
        _as(address(token), abi.encodeCall(token.approve, (address(escrow), type(uint256).max)));
        _as(address(token), abi.encodeCall(token.approve, (address(registry), type(uint256).max)));
    }

    function _as(address target, bytes memory data) private {
        attacker.act(target, data);
    }

    function _expectMismatch(uint256 expected, uint256 received) private {
        vm.expectRevert(abi.encodeWithSelector(ExactPull.TransferMismatch.selector, expected, received));
    }

    function test_RevertWhen_TokenKeepsAFee() public {
        token.play(HostileToken.Trick.KeepFee);
        vm.startPrank(client.addr);
        _expectMismatch(5e6, 5e6 - 1);
        escrow.deposit(client.addr, 5e6);
        _expectMismatch(100e6, 100e6 - 1);
        registry.register(_registration(Role.Compute, 100e6));
        vm.stopPrank();
        _expectMismatch(1e6, 1e6 - 1);
        vm.prank(node.addr);
        registry.topUp(1e6);
    }

    function test_RevertWhen_TokenAnswersFalse() public {
        bytes32 capId = _openCap(5e6);
        vm.startPrank(client.addr);
        escrow.deposit(client.addr, 5e6);
        escrow.requestWithdraw(5e6);
        vm.warp(START + 1 hours);
        token.play(HostileToken.Trick.AnswerFalse);
        vm.expectRevert();
        escrow.withdraw();
        vm.stopPrank();
        assertEq(escrow.withdrawal(client.addr).amount, 5e6);
        vm.expectRevert();
        vm.prank(scheduler.addr);
        settlement.postBatch(Batch(0, 0, 0, 1, 1, 0, 0), _charges(capId, 1));
    }

    /// @dev A deposit inside a deposit would be counted twice by a naive balance difference.
    function test_Deposit_InsideADepositIsRefused() public {
        bytes memory again = abi.encodeCall(IEscrow.deposit, (address(attacker), 3e6));
        token.callBack(address(attacker), address(escrow), again);
        _expectMismatch(5e6, 8e6);
        _as(address(escrow), abi.encodeCall(IEscrow.deposit, (address(attacker), 5e6)));
        assertEq(escrow.available(address(attacker)), 0);
    }

    function test_Withdraw_InsideAWithdrawPaysOnce() public {
        _openCap(50e6);
        _as(address(escrow), abi.encodeCall(IEscrow.deposit, (address(attacker), 5e6)));
        _as(address(escrow), abi.encodeCall(IEscrow.requestWithdraw, (5e6)));
        vm.warp(START + 1 hours);
        bytes memory withdraw = abi.encodeCall(IEscrow.withdraw, ());
        token.callBack(address(attacker), address(escrow), withdraw);
        _as(address(escrow), withdraw);
        _assertAttackFailed();
        assertEq(token.balanceOf(address(attacker)), FUNDS);
        assertEq(token.balanceOf(address(escrow)), 50e6);
    }

    function test_WithdrawUnbonded_InsideItselfPaysOnce() public {
        bytes memory register = abi.encodeCall(INodeRegistry.register, (_registration(Role.Compute, 100e6)));
        _as(address(registry), register);
        _as(address(registry), abi.encodeCall(INodeRegistry.requestUnbond, (100e6)));
        vm.warp(START + 7 days);
        bytes memory withdraw = abi.encodeCall(INodeRegistry.withdrawUnbonded, ());
        token.callBack(address(attacker), address(registry), withdraw);
        _as(address(registry), withdraw);
        _assertAttackFailed();
        assertEq(token.balanceOf(address(attacker)), FUNDS);
    }

    function test_Register_InsideRegisterIsRefused() public {
        bytes memory register = abi.encodeCall(INodeRegistry.register, (_registration(Role.Compute, 100e6)));
        token.callBack(address(attacker), address(registry), register);
        _as(address(registry), register);
        _assertAttackFailed();
    }

    function test_Claim_InsideAClaimPaysOnce() public {
        bytes32 capId = _openCap(50e6);
        Batch memory batch = Batch(0, 0, Hashes.earningsLeaf(address(attacker), 9.5e6), 1, 9.5e6, 0, 0);
        vm.startPrank(scheduler.addr);
        settlement.postBatch(batch, _charges(capId, 10e6));
        batch.index = 1;
        batch.earningsRoot = bytes32(0);
        settlement.postBatch(batch, _charges(capId, 10e6));
        vm.stopPrank();
        vm.warp(START + WINDOW);
        bytes memory claim =
            abi.encodeCall(ISettlement.claim, (scheduler.addr, 0, address(attacker), 9.5e6, new bytes32[](0)));
        token.callBack(address(attacker), address(settlement), claim);
        _as(address(settlement), claim);
        _assertAttackFailed();
        assertEq(token.balanceOf(address(attacker)), FUNDS + 9.5e6);
        assertEq(settlement.pool(scheduler.addr), 9.5e6);
    }

    function test_Challenge_InsideAChallengePaysOnce() public {
        bytes32 capId = _openCap(50e6);
        UsageReceipt memory receipt = _receipt(1, 10e6);
        receipt.quote = 0;
        SignedReceipt memory signed = _signed(receipt);
        _post(_one(signed), capId, 0);
        bytes memory challenge =
            abi.encodeCall(IFraudProofs.challengeReceipt, (Fault.OverQuote, _posted(0, signed, new bytes32[](0)), ""));
        token.callBack(address(attacker), address(fraudProofs), challenge);
        _as(address(fraudProofs), challenge);
        _assertAttackFailed();
        assertEq(escrow.available(client.addr), 10e6);
        assertEq(token.balanceOf(address(settlement)), 0);
        assertEq(court.count(), 1);
    }

    /// @dev In the middle of the charge the batch is in the books already, so an older root cannot reach its money.
    function test_PostBatch_ReservesItsMoneyBeforeItMoves() public {
        bytes32 capId = _openCap(50e6);
        Batch memory batch = Batch(0, 0, Hashes.earningsLeaf(address(attacker), 100e6), 1, 9.5e6, 0, 0);
        vm.prank(scheduler.addr);
        settlement.postBatch(batch, _charges(capId, 10e6));
        vm.warp(START + WINDOW);
        bytes memory claim =
            abi.encodeCall(ISettlement.claim, (scheduler.addr, 0, address(attacker), 100e6, new bytes32[](0)));
        token.callBack(address(attacker), address(settlement), claim);
        batch.index = 1;
        vm.prank(scheduler.addr);
        settlement.postBatch(batch, _charges(capId, 10e6));
        assertTrue(token.attackSucceeded(), "the claim of the final batch is due");
        assertEq(token.balanceOf(address(attacker)), FUNDS + 9.5e6);
        assertEq(settlement.pool(scheduler.addr), 9.5e6);
        assertEq(token.balanceOf(address(settlement)), 9.5e6);
    }

    /// @dev While a batch pays its fee, its money is already accounted for and nobody can take it.
    function test_PostBatch_GivesNothingToAClaimInBetween() public {
        bytes32 capId = _openCap(50e6);
        Batch memory batch = Batch(0, 0, Hashes.earningsLeaf(address(attacker), 9.5e6), 1, 9.5e6, 0, 0);
        bytes memory claim =
            abi.encodeCall(ISettlement.claim, (scheduler.addr, 0, address(attacker), 9.5e6, new bytes32[](0)));
        token.callBack(address(attacker), address(settlement), claim);
        vm.prank(scheduler.addr);
        settlement.postBatch(batch, _charges(capId, 10e6));
        _assertAttackFailed();
        assertEq(settlement.pool(scheduler.addr), 9.5e6);
        assertEq(token.balanceOf(address(settlement)), 9.5e6);
    }

    /// @dev Terms by which the attacker is client, provider and payee at once.
    function _ownAgreement(AgreementKind kind) private returns (bytes32 id) {
        Agreement memory terms;
        (terms.client, terms.provider, terms.payee) = (address(attacker), address(attacker), address(attacker));
        terms.kind = kind;
        (terms.price, terms.duration, terms.periods) = (10e6, 10 hours, 1);
        if (kind == AgreementKind.Subscription) terms.periods = 3;
        if (kind == AgreementKind.Spot) (terms.rate, terms.maximumRate) = (0.5e6, 1e6);
        terms.expiry = type(uint64).max;
        _as(address(escrow), abi.encodeCall(IEscrow.deposit, (address(attacker), 100e6)));
        id = agreements.idOf(terms);
        _as(address(agreements), abi.encodeCall(IAgreements.open, (terms, "", "")));
    }

    /// @dev The attacker has 100 in the escrow and somebody else's money lies in the agreements as well.
    function test_Agreements_EndInsideTheirEndPayOnce() public {
        bytes32 id = _ownAgreement(AgreementKind.Spot);
        token.mint(address(agreements), 500e6);
        vm.warp(START + 4 hours);
        bytes memory cancel = abi.encodeCall(IAgreements.cancel, (id));
        token.callBack(address(attacker), address(agreements), cancel);
        _as(address(agreements), cancel);
        _assertAttackFailed();
        assertEq(escrow.available(address(attacker)), 98e6);
        assertEq(agreements.owed(address(attacker)), 1.9e6);
        assertEq(token.balanceOf(address(agreements)), 500e6 + 1.9e6);
    }

    function test_Agreements_SettleInsideSettleBooksOnce() public {
        bytes32 id = _ownAgreement(AgreementKind.Spot);
        token.mint(address(agreements), 500e6);
        vm.warp(START + 10 hours);
        bytes memory settle = abi.encodeCall(IAgreements.settle, (id));
        token.callBack(address(attacker), address(agreements), settle);
        _as(address(agreements), settle);
        assertGt(token.attacks(), 0);
        assertEq(escrow.available(address(attacker)), 95e6);
        assertEq(agreements.owed(address(attacker)), 4.75e6);
        assertEq(treasury.fees(), 0.25e6);
        assertEq(token.balanceOf(address(agreements)), 500e6 + 4.75e6);
    }

    function test_Agreements_RenewInsideRenewIsRefused() public {
        bytes32 id = _ownAgreement(AgreementKind.Subscription);
        vm.warp(START + 10 hours);
        bytes memory renew = abi.encodeCall(IAgreements.renew, (id));
        token.callBack(address(attacker), address(agreements), renew);
        _as(address(agreements), renew);
        _assertAttackFailed();
        assertEq(escrow.available(address(attacker)), 80e6);
        assertEq(token.balanceOf(address(agreements)), 9.5e6 + 10e6);
    }

    /// @dev A renewal that is cancelled before its money arrived refunds that money and no other.
    function test_Agreements_CancelInsideRenewRefundsTheNewPeriod() public {
        bytes32 id = _ownAgreement(AgreementKind.Subscription);
        token.mint(address(agreements), 500e6);
        vm.warp(START + 10 hours);
        bytes memory cancel = abi.encodeCall(IAgreements.cancel, (id));
        token.callBack(address(attacker), address(agreements), cancel);
        _as(address(agreements), abi.encodeCall(IAgreements.renew, (id)));
        assertTrue(token.attackSucceeded());
        assertEq(escrow.available(address(attacker)), 90e6);
        assertEq(token.balanceOf(address(agreements)), 500e6 + 9.5e6);
    }

    function test_Agreements_WithdrawInsideAWithdrawPaysOnce() public {
        bytes32 id = _ownAgreement(AgreementKind.Reserved);
        token.mint(address(agreements), 500e6);
        vm.warp(START + 10 hours);
        agreements.settle(id);
        bytes memory withdraw = abi.encodeCall(IAgreements.withdraw, (address(attacker)));
        token.callBack(address(attacker), address(agreements), withdraw);
        _as(address(agreements), withdraw);
        _assertAttackFailed();
        assertEq(token.balanceOf(address(attacker)), FUNDS - 100e6 + 9.5e6);
        assertEq(token.balanceOf(address(agreements)), 500e6);
    }

    function _assertAttackFailed() private view {
        assertGt(token.attacks(), 0, "the token never called back");
        assertFalse(token.attackSucceeded());
    }
}
