// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Test} from "forge-std/Test.sol";
import {VeVCAI} from "../../src/governance/VeVCAI.sol";
import {IVeVCAI} from "../../src/interfaces/IVeVCAI.sol";
import {ExactPull} from "../../src/libraries/ExactPull.sol";
import {FeeToken, HookToken, RefusingToken} from "./mocks/HostileTokens.sol";

/// @dev The token is ours and does none of this; the vote escrow holds on its own all the same.
contract VeHostileTokenTest is Test {
    function _escrow(ERC20 token) private returns (VeVCAI ve) {
        vm.warp(1_800_000_000);
        ve = new VeVCAI(address(new AccessManager(address(this))), token, IVeVCAI.Parameters(1e18));
        token.approve(address(ve), type(uint256).max);
    }

    function test_RefusesATokenThatKeepsAFee() public {
        VeVCAI ve = _escrow(new FeeToken());
        vm.expectRevert(abi.encodeWithSelector(ExactPull.TransferMismatch.selector, 100e18, 99e18));
        ve.lock(100e18, 10);
        vm.expectRevert(abi.encodeWithSelector(ExactPull.TransferMismatch.selector, 100e18, 99e18));
        ve.notify(100e18);
    }

    function test_RefusesATokenThatOnlySaysNo() public {
        RefusingToken token = new RefusingToken();
        VeVCAI ve = _escrow(token);
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(token)));
        ve.lock(100e18, 10);
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(token)));
        ve.notify(100e18);
    }

    function test_ReenteringAClaimPaysNothingTwice() public {
        HookToken token = new HookToken();
        VeVCAI ve = _escrow(token);
        ve.lock(100e18, 1);
        ve.notify(86_400e18);
        token.arm(ve, address(this));
        vm.warp(block.timestamp + 1_000);
        uint256 before = token.balanceOf(address(this));
        assertApproxEqAbs(ve.claim(address(this)), 1_000e18, 1e3);
        assertApproxEqAbs(token.balanceOf(address(this)) - before, 1_000e18, 1e3);
        vm.warp(ve.timeOf(1));
        ve.withdraw();
        assertApproxEqAbs(token.balanceOf(address(this)), 1e28, 1e3);
    }
}
