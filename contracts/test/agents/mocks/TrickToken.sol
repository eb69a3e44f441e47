// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DevStable} from "../../../src/token/DevStable.sol";
import {SmartAccount} from "./SmartAccount.sol";

/// @dev A token that can keep a fee, answer false, or let an accomplice act in the middle of a transfer.
contract TrickToken is DevStable {
    bool public keepsFee;
    bool public answersFalse;
    uint256 public attacks;
    bool public attackSucceeded;
    SmartAccount private _accomplice;
    address private _target;
    bytes private _call;

    function keepFee(bool on) external {
        keepsFee = on;
    }

    function answerFalse(bool on) external {
        answersFalse = on;
    }

    function plan(SmartAccount accomplice, address target, bytes calldata call) external {
        (_accomplice, _target, _call) = (accomplice, target, call);
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        return !answersFalse && super.transfer(to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        return !answersFalse && super.transferFrom(from, to, amount);
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (keepsFee && from != address(0)) {
            super._update(from, address(0xfee), 1);
            amount -= 1;
        }
        super._update(from, to, amount);
        if (address(_accomplice) != address(0) && from != address(0)) {
            SmartAccount accomplice = _accomplice;
            _accomplice = SmartAccount(address(0));
            ++attacks;
            try accomplice.act(_target, _call) {
                attackSucceeded = true;
            } catch {}
        }
    }
}
