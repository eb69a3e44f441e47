// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Roles} from "../../src/Roles.sol";
import {DevStable} from "../../src/token/DevStable.sol";
import {Escrow} from "../../src/settlement/Escrow.sol";
import {IEscrow} from "../../src/interfaces/IEscrow.sol";
import {ExpiringPause} from "../../src/libraries/ExpiringPause.sol";
import {Charge, SpendingCap} from "../../src/types/Types.sol";
import {Fixture} from "../utils/Fixture.sol";
import {Wallet} from "./mocks/Wallet.sol";

contract EscrowTest is Fixture {
    /// @dev Stands in for the Settlement contract.
    address private settler = makeAddr("settler");

    function setUp() public override {
        super.setUp();
        manager.grantRole(Roles.SETTLEMENT, settler, 0);
    }

    function _signCap(SpendingCap memory cap) private view returns (bytes memory) {
        return _sign(client.key, escrow.capDigest(cap));
    }

    function _deposit(uint128 amount) private {
        vm.prank(client.addr);
        escrow.deposit(client.addr, amount);
    }

    function _charge(bytes32 capId, uint128 amount) private returns (uint128) {
        vm.prank(settler);
        return escrow.charge(scheduler.addr, _charges(capId, amount));
    }

    function test_Deposit_CreditsTheNamedAccount() public {
        vm.expectEmit(address(escrow));
        emit IEscrow.Deposited(node.addr, client.addr, 5e6);
        vm.prank(client.addr);
        escrow.deposit(node.addr, 5e6);
        assertEq(escrow.available(node.addr), 5e6);
        assertEq(escrow.available(client.addr), 0);
        assertEq(stable.balanceOf(address(escrow)), 5e6);
    }

    function test_RevertWhen_DepositIsZero() public {
        vm.expectRevert(abi.encodeWithSelector(IEscrow.AmountIsZero.selector, client.addr));
        _deposit(0);
    }

    function _permit(uint256 amount) private view returns (uint8 v, bytes32 r, bytes32 s) {
        bytes32 typeHash =
            keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        bytes32 structHash =
            keccak256(abi.encode(typeHash, client.addr, address(escrow), amount, stable.nonces(client.addr), START));
        return vm.sign(client.key, keccak256(abi.encodePacked(hex"1901", stable.DOMAIN_SEPARATOR(), structHash)));
    }

    function test_DepositWithPermit_NeedsNoApproval() public {
        vm.prank(client.addr);
        stable.approve(address(escrow), 0);
        (uint8 v, bytes32 r, bytes32 s) = _permit(7e6);
        vm.prank(client.addr);
        escrow.depositWithPermit(client.addr, 7e6, START, v, r, s);
        assertEq(escrow.available(client.addr), 7e6);
    }

    function test_DepositWithPermit_WorksWhenThePermitWasFrontRun() public {
        vm.prank(client.addr);
        stable.approve(address(escrow), 0);
        (uint8 v, bytes32 r, bytes32 s) = _permit(7e6);
        stable.permit(client.addr, address(escrow), 7e6, START, v, r, s);
        vm.prank(client.addr);
        escrow.depositWithPermit(client.addr, 7e6, START, v, r, s);
        assertEq(escrow.available(client.addr), 7e6);
    }

    function test_RevertWhen_PermitIsBadAndThereIsNoAllowance() public {
        vm.startPrank(client.addr);
        stable.approve(address(escrow), 0);
        vm.expectRevert();
        escrow.depositWithPermit(client.addr, 7e6, START, 27, bytes32(0), bytes32(0));
    }

    function test_Withdraw_PaysAfterTheDelayAndNotASecondBefore() public {
        _deposit(10e6);
        vm.startPrank(client.addr);
        escrow.requestWithdraw(4e6);
        assertEq(escrow.available(client.addr), 6e6);
        assertEq(escrow.withdrawal(client.addr).amount, 4e6);
        vm.warp(START + 1 hours - 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.WithdrawalPending.selector, client.addr, START + 1 hours));
        escrow.withdraw();
        vm.warp(START + 1 hours);
        escrow.withdraw();
        assertEq(stable.balanceOf(client.addr), FUNDS - 6e6);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.NothingToWithdraw.selector, client.addr));
        escrow.withdraw();
    }

    function test_Withdraw_SecondRequestRestartsTheDelay() public {
        _deposit(10e6);
        vm.startPrank(client.addr);
        escrow.requestWithdraw(4e6);
        vm.warp(START + 50 minutes);
        escrow.requestWithdraw(1e6);
        vm.warp(START + 1 hours);
        vm.expectRevert();
        escrow.withdraw();
        vm.warp(START + 110 minutes);
        escrow.withdraw();
        assertEq(stable.balanceOf(client.addr), FUNDS - 5e6);
    }

    function test_RevertWhen_WithdrawingMoreThanIsAvailable() public {
        _openCap(8e6);
        _deposit(2e6);
        vm.startPrank(client.addr);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.BalanceTooLow.selector, client.addr, 2e6, 2e6 + 1));
        escrow.requestWithdraw(2e6 + 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.AmountIsZero.selector, client.addr));
        escrow.requestWithdraw(0);
    }

    function test_OpenCap_LocksTheLimit() public {
        _deposit(10e6);
        SpendingCap memory cap = _cap(6e6);
        bytes memory signature = _signCap(cap);
        vm.expectEmit(address(escrow));
        emit IEscrow.CapOpened(escrow.capIdOf(cap), client.addr, scheduler.addr, 6e6, cap.expiry, cap.nonce);
        bytes32 capId = escrow.openCap(cap, signature);
        assertEq(escrow.available(client.addr), 4e6);
        assertEq(escrow.lockedOf(client.addr), 6e6);
        IEscrow.Cap memory stored = escrow.caps(capId);
        assertEq(stored.client, client.addr);
        assertEq(stored.scheduler, scheduler.addr);
        assertEq(stored.limit, 6e6);
        assertEq(stored.spent, 0);
        assertEq(stored.expiry, cap.expiry);
        assertFalse(stored.closed);
        assertTrue(escrow.nonceUsed(client.addr, cap.nonce));
    }

    function test_RevertWhen_CapNonceIsReplayed() public {
        _deposit(20e6);
        SpendingCap memory cap = _cap(6e6);
        bytes memory signature = _signCap(cap);
        escrow.openCap(cap, signature);
        bytes memory expected = abi.encodeWithSelector(IEscrow.NonceUsed.selector, client.addr, cap.nonce);
        vm.expectRevert(expected);
        escrow.openCap(cap, signature);
        cap.limit = 5e6;
        signature = _signCap(cap);
        vm.expectRevert(expected);
        escrow.openCap(cap, signature);
    }

    function test_RevertWhen_NonceIsCancelled() public {
        _deposit(20e6);
        SpendingCap memory cap = _cap(6e6);
        bytes memory signature = _signCap(cap);
        vm.prank(client.addr);
        escrow.cancelNonce(cap.nonce);
        bytes memory expected = abi.encodeWithSelector(IEscrow.NonceUsed.selector, client.addr, cap.nonce);
        vm.expectRevert(expected);
        escrow.openCap(cap, signature);
        vm.expectRevert(expected);
        vm.prank(client.addr);
        escrow.cancelNonce(cap.nonce);
    }

    function test_RevertWhen_SignatureIsForAnotherChain() public {
        _deposit(20e6);
        SpendingCap memory cap = _cap(6e6);
        bytes memory signature = _signCap(cap);
        vm.chainId(31_338);
        _expectBadSignature(cap);
        escrow.openCap(cap, signature);
    }

    function test_RevertWhen_SignatureIsForAnotherContract() public {
        _deposit(20e6);
        SpendingCap memory cap = _cap(6e6);
        Escrow other = new Escrow(address(manager), stable, _escrowParameters());
        bytes memory signature = _sign(client.key, other.capDigest(cap));
        _expectBadSignature(cap);
        escrow.openCap(cap, signature);
    }

    function _expectBadSignature(SpendingCap memory cap) private {
        vm.expectRevert(abi.encodeWithSelector(IEscrow.BadCapSignature.selector, cap.client, escrow.capDigest(cap)));
    }

    function test_RevertWhen_SignatureHasHighS() public {
        _deposit(20e6);
        SpendingCap memory cap = _cap(6e6);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(client.key, escrow.capDigest(cap));
        uint256 order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
        bytes memory high = abi.encodePacked(r, bytes32(order - uint256(s)), v == 27 ? uint8(28) : uint8(27));
        _expectBadSignature(cap);
        escrow.openCap(cap, high);
    }

    function test_RevertWhen_SignatureIsOfAnotherOrTruncated() public {
        _deposit(20e6);
        SpendingCap memory cap = _cap(6e6);
        bytes memory signature = _sign(node.key, escrow.capDigest(cap));
        _expectBadSignature(cap);
        escrow.openCap(cap, signature);
        _expectBadSignature(cap);
        escrow.openCap(cap, hex"00");
        _expectBadSignature(cap);
        escrow.openCap(cap, "");
    }

    function test_RevertWhen_CapIsExpiredWhenOpened() public {
        _deposit(20e6);
        SpendingCap memory cap = _cap(6e6);
        bytes memory signature = _signCap(cap);
        vm.warp(cap.expiry);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.CapExpired.selector, escrow.capIdOf(cap), cap.expiry));
        escrow.openCap(cap, signature);
        vm.warp(cap.expiry - 1);
        escrow.openCap(cap, signature);
    }

    function test_RevertWhen_ExpiryIsInMilliseconds() public {
        _deposit(20e6);
        SpendingCap memory cap = _cap(6e6);
        cap.expiry = START * 1_000;
        bytes memory signature = _signCap(cap);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.CapTermTooLong.selector, cap.expiry, START + 366 days));
        escrow.openCap(cap, signature);
    }

    function test_RevertWhen_CapIsZeroOrNotCovered() public {
        _deposit(6e6);
        SpendingCap memory cap = _cap(0);
        bytes memory signature = _signCap(cap);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.AmountIsZero.selector, client.addr));
        escrow.openCap(cap, signature);
        cap.limit = 6e6 + 1;
        signature = _signCap(cap);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.BalanceTooLow.selector, client.addr, 6e6, 6e6 + 1));
        escrow.openCap(cap, signature);
    }

    function test_OpenCap_AcceptsAContractWallet() public {
        SpendingCap memory cap = _cap(3e6);
        cap.client = vm.computeCreateAddress(address(this), vm.getNonce(address(this)));
        Wallet wallet = new Wallet(escrow.capDigest(cap));
        assertEq(address(wallet), cap.client);
        vm.prank(client.addr);
        escrow.deposit(cap.client, 5e6);
        escrow.openCap(cap, "anything");
        assertEq(escrow.lockedOf(cap.client), 3e6);
        cap.nonce += 1;
        _expectBadSignature(cap);
        escrow.openCap(cap, "anything");
    }

    function test_Charge_MovesTheSumAndCountsIt() public {
        bytes32 first = _openCap(6e6);
        bytes32 second = _openCap(4e6);
        Charge[] memory charges = new Charge[](3);
        charges[0] = Charge(first, 1e6);
        charges[1] = Charge(second, 4e6);
        charges[2] = Charge(first, 5e6);
        vm.prank(settler);
        assertEq(escrow.charge(scheduler.addr, charges), 10e6);
        assertEq(escrow.caps(first).spent, 6e6);
        assertEq(escrow.caps(second).spent, 4e6);
        assertEq(escrow.lockedOf(client.addr), 0);
        assertEq(stable.balanceOf(settler), 10e6);
    }

    function test_RevertWhen_ChargeIsAboveTheCap() public {
        bytes32 capId = _openCap(6e6);
        _charge(capId, 5e6);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.CapExceeded.selector, capId, 1e6, 1e6 + 1));
        _charge(capId, 1e6 + 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.CapExceeded.selector, capId, 1e6, type(uint128).max));
        _charge(capId, type(uint128).max);
    }

    function test_RevertWhen_ChargedByAnotherScheduler() public {
        bytes32 capId = _openCap(6e6);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.WrongScheduler.selector, capId, scheduler.addr, node.addr));
        vm.prank(settler);
        escrow.charge(node.addr, _charges(capId, 1));
    }

    function test_RevertWhen_CapIsUnknown() public {
        vm.expectRevert(abi.encodeWithSelector(IEscrow.CapUnknown.selector, bytes32("nothing")));
        _charge("nothing", 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.CapUnknown.selector, bytes32("nothing")));
        escrow.releaseCap("nothing");
    }

    function test_Charge_IsPossibleUntilExpiryPlusGrace() public {
        bytes32 capId = _openCap(6e6);
        uint64 expiry = escrow.caps(capId).expiry;
        vm.warp(expiry + 1 days);
        _charge(capId, 1e6);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.CapStillOpen.selector, capId, expiry + 1 days + 1));
        vm.prank(client.addr);
        escrow.releaseCap(capId);
        vm.warp(expiry + 1 days + 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.CapExpired.selector, capId, expiry));
        _charge(capId, 1e6);
        vm.prank(client.addr);
        escrow.releaseCap(capId);
        assertEq(escrow.available(client.addr), 5e6);
    }

    function test_ReleaseCap_BySchedulerGivesTheRestBackAtOnce() public {
        bytes32 capId = _openCap(6e6);
        _charge(capId, 2e6);
        vm.expectEmit(address(escrow));
        emit IEscrow.CapReleased(capId, client.addr, 4e6);
        vm.prank(scheduler.addr);
        escrow.releaseCap(capId);
        assertEq(escrow.available(client.addr), 4e6);
        assertEq(escrow.lockedOf(client.addr), 0);
        bytes memory expected = abi.encodeWithSelector(IEscrow.CapClosed.selector, capId);
        vm.expectRevert(expected);
        _charge(capId, 1);
        vm.expectRevert(expected);
        vm.prank(scheduler.addr);
        escrow.releaseCap(capId);
    }

    function test_Prepay_TakesWhatIsAvailableAndSendsItToTheCaller() public {
        _openCap(6e6);
        _deposit(4e6);
        vm.expectEmit(address(escrow));
        emit IEscrow.Prepaid(client.addr, settler, 3e6);
        vm.startPrank(settler);
        escrow.prepay(client.addr, 3e6);
        assertEq(escrow.available(client.addr), 1e6);
        assertEq(escrow.lockedOf(client.addr), 6e6);
        assertEq(stable.balanceOf(settler), 3e6);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.BalanceTooLow.selector, client.addr, 1e6, 1e6 + 1));
        escrow.prepay(client.addr, 1e6 + 1);
        vm.expectRevert(abi.encodeWithSelector(IEscrow.AmountIsZero.selector, client.addr));
        escrow.prepay(client.addr, 0);
        escrow.prepay(client.addr, 1e6);
        assertEq(escrow.available(client.addr), 0);
    }

    function test_ClientOf_NamesTheClientOfACap() public {
        assertEq(escrow.clientOf(_openCap(6e6)), client.addr);
        assertEq(escrow.clientOf("nothing"), address(0));
    }

    function test_Pause_StopsNewCapsAndNothingElse() public {
        bytes32 capId = _openCap(6e6);
        _deposit(20e6);
        SpendingCap memory cap = _cap(6e6);
        bytes memory signature = _signCap(cap);
        vm.prank(client.addr);
        escrow.requestWithdraw(1e6);
        escrow.pause(3 hours);
        vm.expectRevert(abi.encodeWithSelector(ExpiringPause.ModulePaused.selector, START + 3 hours));
        escrow.openCap(cap, signature);
        _charge(capId, 1e6);
        vm.prank(scheduler.addr);
        escrow.releaseCap(capId);
        vm.prank(settler);
        escrow.prepay(client.addr, 1e6);
        vm.warp(START + 1 hours);
        vm.prank(client.addr);
        escrow.withdraw();
        vm.warp(START + 3 hours);
        escrow.openCap(cap, signature);
    }

    function test_Credit_PullsFromTheCaller() public {
        stable.mint(settler, 3e6);
        vm.startPrank(settler);
        stable.approve(address(escrow), 3e6);
        escrow.credit(client.addr, 3e6);
        assertEq(escrow.available(client.addr), 3e6);
        assertEq(stable.balanceOf(settler), 0);
    }

    function test_RevertWhen_StrangerUsesRestrictedFunctions() public {
        bytes32 capId = _openCap(6e6);
        bytes memory expected =
            abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, scheduler.addr);
        vm.startPrank(scheduler.addr);
        vm.expectRevert(expected);
        escrow.charge(scheduler.addr, _charges(capId, 1));
        vm.expectRevert(expected);
        escrow.credit(client.addr, 1);
        vm.expectRevert(expected);
        escrow.prepay(client.addr, 1);
        vm.expectRevert(expected);
        escrow.pause(1);
        vm.expectRevert(expected);
        escrow.setParameters(IEscrow.Parameters(0, 0));
    }

    function test_SetParameters_AppliesAndIsBounded() public {
        escrow.setParameters(IEscrow.Parameters(5, 6));
        assertEq(escrow.parameters().withdrawDelay, 5);
        assertEq(escrow.parameters().capGrace, 6);
        bytes memory expected = abi.encodeWithSelector(IEscrow.DelayTooLong.selector, 30 days, 30 days + 1);
        vm.expectRevert(expected);
        escrow.setParameters(IEscrow.Parameters(30 days + 1, 0));
        vm.expectRevert(expected);
        escrow.setParameters(IEscrow.Parameters(0, 30 days + 1));
    }

    function test_RevertWhen_TokenIsNotAContract() public {
        IEscrow.Parameters memory parameters = _escrowParameters();
        vm.expectRevert(abi.encodeWithSelector(IEscrow.TokenIsNotAContract.selector, client.addr));
        new Escrow(address(manager), IERC20(client.addr), parameters);
    }

    function test_DevStable_HasSixDecimalsAndRefusesTheMainNetwork() public {
        assertEq(stable.decimals(), 6);
        vm.chainId(1);
        vm.expectRevert(abi.encodeWithSelector(DevStable.DevelopmentOnly.selector, 1));
        new DevStable();
    }

    function testFuzz_Cap_ConservesTheDeposit(uint128 limit, uint128 extra, uint128 spent) public {
        limit = uint128(bound(limit, 1, FUNDS / 2));
        extra = uint128(bound(extra, 0, FUNDS / 2 - 1));
        spent = uint128(bound(spent, 0, limit));
        if (extra != 0) _deposit(extra);
        bytes32 capId = _openCap(limit);
        _charge(capId, spent);
        vm.prank(scheduler.addr);
        escrow.releaseCap(capId);
        assertEq(escrow.available(client.addr), uint256(extra) + limit - spent);
        assertEq(stable.balanceOf(settler), spent);
        assertEq(stable.balanceOf(address(escrow)), escrow.available(client.addr));
    }
}
