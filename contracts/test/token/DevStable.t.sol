// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {DevStable} from "../../src/token/DevStable.sol";

contract DevStableTest is Test {
    function test_HasSixDecimalsAndMintsForAnyone() public {
        DevStable stable = new DevStable();
        stable.mint(address(7), 5e6);
        assertEq(stable.decimals(), 6);
        assertEq(stable.balanceOf(address(7)), 5e6);
        assertEq(stable.symbol(), "vUSD");
    }

    function test_RefusesToExistOnTheMainNetwork() public {
        vm.chainId(1);
        vm.expectRevert(abi.encodeWithSelector(DevStable.DevelopmentOnly.selector, 1));
        new DevStable();
    }

    struct Payment {
        address from;
        address to;
        uint256 value;
        uint256 validAfter;
        uint256 validBefore;
        bytes32 nonce;
    }

    uint256 private constant KEY = 0xA11CE;

    function _payment() private view returns (Payment memory) {
        return Payment(vm.addr(KEY), address(8), 3e6, block.timestamp - 1, block.timestamp + 60, keccak256("once"));
    }

    function _sign(DevStable stable, Payment memory payment) private view returns (uint8 v, bytes32 r, bytes32 s) {
        bytes32 terms = keccak256(
            abi.encode(
                stable.TRANSFER_WITH_AUTHORIZATION_TYPEHASH(),
                payment.from,
                payment.to,
                payment.value,
                payment.validAfter,
                payment.validBefore,
                payment.nonce
            )
        );
        return vm.sign(KEY, keccak256(abi.encodePacked("\x19\x01", stable.DOMAIN_SEPARATOR(), terms)));
    }

    function _send(DevStable stable, Payment memory payment, uint8 v, bytes32 r, bytes32 s) private {
        stable.transferWithAuthorization(
            payment.from, payment.to, payment.value, payment.validAfter, payment.validBefore, payment.nonce, v, r, s
        );
    }

    function _funded() private returns (DevStable stable) {
        vm.warp(1_800_000_000);
        stable = new DevStable();
        stable.mint(vm.addr(KEY), 10e6);
    }

    function test_ASignedPaymentIsMadeOnceByAnybody() public {
        DevStable stable = _funded();
        Payment memory payment = _payment();
        (uint8 v, bytes32 r, bytes32 s) = _sign(stable, payment);
        vm.prank(address(99));
        _send(stable, payment, v, r, s);
        assertEq(stable.balanceOf(payment.to), 3e6);
        assertTrue(stable.authorizationState(payment.from, payment.nonce));
        vm.expectRevert(
            abi.encodeWithSelector(DevStable.AuthorizationUsedOrCanceled.selector, payment.from, payment.nonce)
        );
        _send(stable, payment, v, r, s);
    }

    function test_ASignedPaymentHoldsForItsTermsOnly() public {
        DevStable stable = _funded();
        Payment memory payment = _payment();
        (uint8 v, bytes32 r, bytes32 s) = _sign(stable, payment);
        payment.value = 4e6;
        vm.expectRevert(abi.encodeWithSelector(DevStable.AuthorizationSignerMismatch.selector, payment.from));
        _send(stable, payment, v, r, s);
        payment = _payment();
        payment.to = address(9);
        vm.expectRevert(abi.encodeWithSelector(DevStable.AuthorizationSignerMismatch.selector, payment.from));
        _send(stable, payment, v, r, s);
    }

    function test_ASignedPaymentHasItsTime() public {
        DevStable stable = _funded();
        Payment memory payment = _payment();
        (uint8 v, bytes32 r, bytes32 s) = _sign(stable, payment);
        vm.warp(payment.validBefore);
        vm.expectRevert(abi.encodeWithSelector(DevStable.AuthorizationExpired.selector, payment.validBefore));
        _send(stable, payment, v, r, s);
        vm.warp(payment.validAfter);
        vm.expectRevert(abi.encodeWithSelector(DevStable.AuthorizationNotYetValid.selector, payment.validAfter));
        _send(stable, payment, v, r, s);
    }

    function test_APayerCallsASignedPaymentOff() public {
        DevStable stable = _funded();
        Payment memory payment = _payment();
        (uint8 v, bytes32 r, bytes32 s) = _sign(stable, payment);
        vm.prank(payment.from);
        stable.cancelAuthorization(payment.nonce);
        vm.expectRevert(
            abi.encodeWithSelector(DevStable.AuthorizationUsedOrCanceled.selector, payment.from, payment.nonce)
        );
        _send(stable, payment, v, r, s);
    }
}
