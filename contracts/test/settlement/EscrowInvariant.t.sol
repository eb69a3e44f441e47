// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {Roles} from "../../src/Roles.sol";
import {DevStable} from "../../src/token/DevStable.sol";
import {Escrow} from "../../src/settlement/Escrow.sol";
import {IEscrow} from "../../src/interfaces/IEscrow.sol";
import {Charge, SpendingCap} from "../../src/types/Types.sol";
import {Fixture} from "../utils/Fixture.sol";

/// @dev Three clients and two schedulers do whatever they may; this contract stands in for the Settlement contract.
contract EscrowHandler is Test {
    uint256 public constant CLIENTS = 3;

    Escrow private immutable _escrow;
    DevStable private immutable _stable;
    address[3] public clients;
    uint256[3] private _keys;
    bytes32[] public capIds;
    uint256 public deposited;
    uint256 public credited;
    uint256 public charged;
    uint256 public withdrawn;
    uint256 public prepaid;

    constructor(Escrow escrow, DevStable stable) {
        (_escrow, _stable) = (escrow, stable);
        for (uint256 i = 0; i < CLIENTS; ++i) {
            (clients[i], _keys[i]) = makeAddrAndKey(string.concat("client ", vm.toString(i)));
            vm.prank(clients[i]);
            stable.approve(address(escrow), type(uint256).max);
        }
        stable.approve(address(escrow), type(uint256).max);
    }

    function capCount() external view returns (uint256) {
        return capIds.length;
    }

    function deposit(uint256 seed, uint256 beneficiary, uint128 amount) external {
        amount = uint128(bound(amount, 1, 1_000e6));
        address payer = clients[seed % CLIENTS];
        _stable.mint(payer, amount);
        vm.prank(payer);
        _escrow.deposit(clients[beneficiary % CLIENTS], amount);
        deposited += amount;
    }

    function requestWithdraw(uint256 seed, uint128 amount) external {
        address who = clients[seed % CLIENTS];
        uint128 most = _escrow.available(who);
        if (most == 0) return;
        vm.prank(who);
        _escrow.requestWithdraw(uint128(bound(amount, 1, most)));
    }

    function withdraw(uint256 seed) external {
        address who = clients[seed % CLIENTS];
        IEscrow.Withdrawal memory waiting = _escrow.withdrawal(who);
        if (waiting.amount == 0 || vm.getBlockTimestamp() < waiting.availableAt) return;
        vm.prank(who);
        _escrow.withdraw();
        withdrawn += waiting.amount;
    }

    function openCap(uint256 seed, uint128 limit, uint32 term) external {
        uint256 i = seed % CLIENTS;
        uint128 most = _escrow.available(clients[i]);
        if (most == 0) return;
        SpendingCap memory cap = SpendingCap({
            client: clients[i],
            scheduler: address(uint160(1 + seed % 2)),
            limit: uint128(bound(limit, 1, most)),
            expiry: uint64(vm.getBlockTimestamp() + bound(term, 1, 3 days)),
            nonce: capIds.length
        });
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(_keys[i], _escrow.capDigest(cap));
        capIds.push(_escrow.openCap(cap, abi.encodePacked(r, s, v)));
    }

    function _pick(uint256 seed) private view returns (bytes32 capId, IEscrow.Cap memory cap, bool chargeable) {
        if (capIds.length == 0) return (capId, cap, false);
        capId = capIds[seed % capIds.length];
        cap = _escrow.caps(capId);
        uint256 end = uint256(cap.expiry) + _escrow.parameters().capGrace;
        chargeable = !cap.closed && vm.getBlockTimestamp() <= end;
    }

    function charge(uint256 seed, uint128 amount) external {
        (bytes32 capId, IEscrow.Cap memory cap, bool chargeable) = _pick(seed);
        if (!chargeable) return;
        Charge[] memory charges = new Charge[](1);
        charges[0] = Charge(capId, uint128(bound(amount, 0, cap.limit - cap.spent)));
        charged += _escrow.charge(cap.scheduler, charges);
    }

    function overcharge(uint256 seed, uint128 excess) external {
        (bytes32 capId, IEscrow.Cap memory cap, bool chargeable) = _pick(seed);
        if (!chargeable) return;
        Charge[] memory charges = new Charge[](1);
        charges[0] = Charge(capId, uint128(bound(excess, cap.limit - cap.spent + 1, type(uint128).max)));
        vm.expectRevert();
        _escrow.charge(cap.scheduler, charges);
    }

    function release(uint256 seed, bool byScheduler) external {
        (bytes32 capId, IEscrow.Cap memory cap, bool chargeable) = _pick(seed);
        if (capId == 0 || cap.closed) return;
        if (chargeable && !byScheduler) vm.expectRevert();
        vm.prank(byScheduler ? cap.scheduler : cap.client);
        _escrow.releaseCap(capId);
    }

    function credit(uint256 seed, uint128 amount) external {
        amount = uint128(bound(amount, 0, charged));
        _stable.mint(address(this), amount);
        _escrow.credit(clients[seed % CLIENTS], amount);
        credited += amount;
    }

    function prepay(uint256 seed, uint128 amount, bool tooMuch) external {
        address who = clients[seed % CLIENTS];
        uint128 most = _escrow.available(who);
        amount = tooMuch ? most + 1 : uint128(bound(amount, 0, most));
        if (amount == 0 || tooMuch) vm.expectRevert();
        _escrow.prepay(who, amount);
        if (!tooMuch) prepaid += amount;
    }

    function wait(uint256 time) external {
        vm.warp(vm.getBlockTimestamp() + bound(time, 1, 1 days));
    }
}

contract EscrowInvariantTest is Fixture {
    EscrowHandler private handler;

    function setUp() public override {
        super.setUp();
        handler = new EscrowHandler(escrow, stable);
        manager.grantRole(Roles.SETTLEMENT, address(handler), 0);
        targetContract(address(handler));
    }

    function invariant_MoneyIsConserved() public view {
        uint256 inside = 0;
        for (uint256 i = 0; i < handler.CLIENTS(); ++i) {
            address who = handler.clients(i);
            inside += uint256(escrow.available(who)) + escrow.lockedOf(who) + escrow.withdrawal(who).amount;
        }
        assertEq(stable.balanceOf(address(escrow)), inside);
        assertEq(
            handler.deposited() + handler.credited(),
            inside + handler.charged() + handler.prepaid() + handler.withdrawn()
        );
    }

    function invariant_LockedIsWhatIsLeftOfOpenCaps() public view {
        uint256[3] memory left;
        for (uint256 i = 0; i < handler.capCount(); ++i) {
            IEscrow.Cap memory cap = escrow.caps(handler.capIds(i));
            assertLe(cap.spent, cap.limit);
            if (cap.closed) continue;
            for (uint256 k = 0; k < left.length; ++k) {
                if (handler.clients(k) == cap.client) left[k] += cap.limit - cap.spent;
            }
        }
        for (uint256 k = 0; k < left.length; ++k) {
            assertEq(escrow.lockedOf(handler.clients(k)), left[k]);
        }
    }
}
