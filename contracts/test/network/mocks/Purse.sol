// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ICompensator} from "../../../src/interfaces/ICompensator.sol";

/// @dev A treasury: pays what it has, or refuses, or says it paid more than was asked, or calls back.
contract Purse is ICompensator {
    error Refused();
    error CallFailed(bytes reason);

    IERC20 public immutable stable;
    bool public refuses;
    uint128 public boast;
    address private _hook;
    bytes private _call;
    bool public hookFailed;

    constructor(IERC20 stable_) {
        stable = stable_;
    }

    function setRefuses(bool value) external {
        refuses = value;
    }

    function setBoast(uint128 value) external {
        boast = value;
    }

    function callBack(address hook, bytes calldata call) external {
        (_hook, _call) = (hook, call);
    }

    function compensate(address to, uint128 amount) external returns (uint128 paid) {
        if (refuses) revert Refused();
        if (_hook != address(0)) {
            (bool done,) = _hook.call(_call);
            hookFailed = !done;
        }
        uint256 held = stable.balanceOf(address(this));
        paid = amount < held ? amount : uint128(held);
        if (paid != 0) stable.transfer(to, paid);
        paid += boast;
    }
}
