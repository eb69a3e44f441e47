// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAgreements} from "../../src/interfaces/IAgreements.sol";
import {Agreement, AgreementKind} from "../../src/types/Types.sol";
import {Fixture} from "../utils/Fixture.sol";

/// @dev Two clients, two providers, two payees and the DAO do whatever they may with agreements of every kind. The
/// ghost ledger keeps what each agreement may cost at most and what it did cost.
contract AgreementHandler is Fixture {
    uint256 public constant SIDES = 2;

    Actor[2] private _clients;
    Actor[2] private _providers;
    address[2] public payees;
    bytes32[] private _ids;
    Agreement[] private _terms;
    uint256 private _opened;

    uint256 public deposited;
    uint256 public withdrawn;
    uint256 public fees;
    mapping(bytes32 id => uint256) public taken;
    mapping(bytes32 id => uint256) public refunded;
    mapping(bytes32 id => uint256) public shares;
    mapping(bytes32 id => uint256) public feesOf;

    function start() external {
        super.setUp();
        for (uint256 i = 0; i < SIDES; ++i) {
            _clients[i] = _actor(string.concat("client ", vm.toString(i)));
            _providers[i] = _actor(string.concat("provider ", vm.toString(i)));
            payees[i] = makeAddr(string.concat("payee ", vm.toString(i)));
            vm.prank(_clients[i].addr);
            escrow.deposit(_clients[i].addr, 5_000e6);
            deposited += 5_000e6;
        }
    }

    function open(uint256 seed, uint96 price, uint32 duration, uint32 delay, uint8 kind) external {
        Agreement memory terms;
        terms.kind = AgreementKind(kind % 4);
        Actor memory by = _clients[seed % SIDES];
        Actor memory with = _providers[(seed / 2) % SIDES];
        (terms.client, terms.provider) = (by.addr, with.addr);
        terms.payee = payees[(seed / 4) % SIDES];
        terms.price = uint128(bound(price, 1, 100e6));
        terms.start = uint64(vm.getBlockTimestamp()) + delay % 2 hours;
        terms.duration = uint64(bound(duration, 1, 2 days));
        terms.periods = terms.kind == AgreementKind.Subscription ? uint32(1 + (seed / 8) % 3) : 1;
        terms.acceptance = terms.kind == AgreementKind.Task ? uint32((seed / 16) % 6 hours) : 0;
        if (terms.kind == AgreementKind.Spot) (terms.rate, terms.maximumRate) = (terms.price / 10, terms.price);
        if (terms.maximumRate == 0 && terms.kind == AgreementKind.Spot) return;
        terms.expiry = uint64(vm.getBlockTimestamp()) + 1;
        terms.nonce = ++_opened;
        if (escrow.available(by.addr) < terms.price) return;
        bytes32 digest = agreements.digestOf(terms);
        bytes32 id = agreements.open(terms, _sign(by.key, digest), _sign(with.key, digest));
        _ids.push(id);
        _terms.push(terms);
        taken[id] = terms.price;
    }

    /// @dev Does `call` as `who` and books what it moved; a call that must fail must also move nothing.
    function _act(uint256 i, address who, bytes memory call, bool mayFail) private returns (bool success) {
        (bytes32 id, Agreement storage terms) = (_ids[i], _terms[i]);
        uint256 owed = agreements.owed(terms.payee);
        uint256 balance = escrow.available(terms.client);
        uint256 treasuryBefore = treasury.fees();
        vm.prank(who);
        (success,) = address(agreements).call(call);
        if (!success) {
            assertTrue(mayFail, "must not fail");
            return false;
        }
        shares[id] += agreements.owed(terms.payee) - owed;
        feesOf[id] += treasury.fees() - treasuryBefore;
        fees += treasury.fees() - treasuryBefore;
        uint256 after_ = escrow.available(terms.client);
        if (after_ >= balance) refunded[id] += after_ - balance;
        else taken[id] += balance - after_;
    }

    function _pick(uint256 seed) private view returns (uint256 i, bool found) {
        return _ids.length == 0 ? (0, false) : (seed % _ids.length, true);
    }

    /// @dev Settling never fails, whatever the state, and a second time does nothing.
    function settle(uint256 seed) external {
        (uint256 i, bool found) = _pick(seed);
        if (!found) return;
        _act(i, address(this), abi.encodeCall(IAgreements.settle, (_ids[i])), false);
        (uint128 share, uint128 refund) = agreements.settle(_ids[i]);
        assertEq(share + refund, 0, "idempotent");
    }

    function cancel(uint256 seed, bool byProvider) external {
        (uint256 i, bool found) = _pick(seed);
        if (!found) return;
        Agreement storage terms = _terms[i];
        bool mayFail =
            terms.kind == AgreementKind.Task || agreements.agreementOf(_ids[i]).status != IAgreements.Status.Active;
        address who = byProvider ? terms.provider : terms.client;
        _act(i, who, abi.encodeCall(IAgreements.cancel, (_ids[i])), mayFail);
    }

    function renew(uint256 seed) external {
        (uint256 i, bool found) = _pick(seed);
        if (found) _act(i, address(this), abi.encodeCall(IAgreements.renew, (_ids[i])), true);
    }

    function setRate(uint256 seed, uint128 rate) external {
        (uint256 i, bool found) = _pick(seed);
        if (!found) return;
        rate = uint128(bound(rate, 0, uint256(_terms[i].maximumRate) + 1));
        _act(i, _terms[i].provider, abi.encodeCall(IAgreements.setRate, (_ids[i], rate)), true);
    }

    function task(uint256 seed, uint8 step, bool yes) external {
        (uint256 i, bool found) = _pick(seed);
        if (!found) return;
        (bytes32 id, Agreement storage terms) = (_ids[i], _terms[i]);
        step = step % 5;
        if (step == 0) _act(i, terms.provider, abi.encodeCall(IAgreements.deliver, (id, 0)), true);
        if (step == 1) _act(i, terms.client, abi.encodeCall(IAgreements.dispute, (id, 0)), true);
        if (step == 2) _act(i, terms.client, abi.encodeCall(IAgreements.accept, (id)), true);
        if (step == 3) _act(i, terms.provider, abi.encodeCall(IAgreements.concede, (id)), true);
        if (step == 4) _act(i, address(this), abi.encodeCall(IAgreements.decide, (id, yes)), true);
    }

    function withdraw(uint256 seed) external {
        address payee = payees[seed % SIDES];
        uint256 owed = agreements.owed(payee);
        if (owed == 0) vm.expectRevert();
        agreements.withdraw(payee);
        withdrawn += owed;
        assertEq(agreements.owed(payee), 0);
    }

    function moveFee(uint32 feePpm) external {
        _setFee(uint32(bound(feePpm, 100, 300_000)));
    }

    function wait(uint256 time) external {
        vm.warp(vm.getBlockTimestamp() + bound(time, 1, 1 days));
    }

    /// @dev B6: all deposits = what clients still have + what was earned and not withdrawn + what is prepaid + what
    /// was withdrawn + fees, and each contract holds exactly its part.
    function checkMoney() external view {
        uint256 running = 0;
        for (uint256 i = 0; i < _ids.length; ++i) {
            IAgreements.State memory state = agreements.agreementOf(_ids[i]);
            if (state.status != IAgreements.Status.Ended) running += state.prepaid - state.accrued;
        }
        uint256 owed = uint256(agreements.owed(payees[0])) + agreements.owed(payees[1]);
        uint256 clients = uint256(escrow.available(_clients[0].addr)) + escrow.available(_clients[1].addr);
        assertEq(stable.balanceOf(address(agreements)), running + owed, "agreements");
        assertEq(stable.balanceOf(address(escrow)), clients, "escrow");
        assertEq(stable.balanceOf(payees[0]) + stable.balanceOf(payees[1]), withdrawn, "payees");
        assertEq(stable.balanceOf(address(treasury)), fees, "treasury");
        assertEq(deposited, clients + running + owed + withdrawn + fees, "sum");
    }

    function checkConsent() external view {
        for (uint256 i = 0; i < _ids.length; ++i) {
            (bytes32 id, Agreement storage terms) = (_ids[i], _terms[i]);
            IAgreements.State memory state = agreements.agreementOf(id);
            assertLe(taken[id], terms.price * terms.periods, "never more than consented");
            assertLe(state.rate, terms.maximumRate, "never above the maximum bid");
            assertLe(agreements.accruedOf(id), terms.price, "no period costs more than its price");
            uint256 spent = shares[id] + feesOf[id];
            if (state.status == IAgreements.Status.Ended) {
                assertEq(taken[id], spent + refunded[id], "all of it is somebody's in the end");
            } else {
                assertEq(taken[id], spent + refunded[id] + state.prepaid - state.accrued, "open");
            }
            if (terms.kind == AgreementKind.Task) {
                assertTrue(spent == 0 || refunded[id] == 0, "a task is paid or refunded");
            }
        }
    }
}

contract AgreementsInvariantTest is Fixture {
    AgreementHandler private handler;

    function setUp() public override {
        handler = new AgreementHandler();
        handler.start();
        bytes4[] memory selectors = new bytes4[](9);
        selectors[0] = AgreementHandler.open.selector;
        selectors[1] = AgreementHandler.settle.selector;
        selectors[2] = AgreementHandler.cancel.selector;
        selectors[3] = AgreementHandler.renew.selector;
        selectors[4] = AgreementHandler.setRate.selector;
        selectors[5] = AgreementHandler.task.selector;
        selectors[6] = AgreementHandler.withdraw.selector;
        selectors[7] = AgreementHandler.moveFee.selector;
        selectors[8] = AgreementHandler.wait.selector;
        targetSelector(FuzzSelector({addr: address(handler), selectors: selectors}));
        targetContract(address(handler));
    }

    function invariant_MoneyIsConserved() public view {
        handler.checkMoney();
    }

    function invariant_NobodyPaysMoreThanConsented() public view {
        handler.checkConsent();
    }
}
