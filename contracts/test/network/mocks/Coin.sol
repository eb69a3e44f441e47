// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @dev Stands for VCAI: anybody mints. It can be told to keep a fee, or to call somebody in the middle of a transfer.
contract Coin is ERC20("Coin", "COIN") {
    uint256 public fee;
    address private _hook;
    bytes private _call;

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function setFee(uint256 value) external {
        fee = value;
    }

    /// @dev `call` is made to `hook` once, in the middle of the next transfer.
    function callBack(address hook, bytes calldata call) external {
        (_hook, _call) = (hook, call);
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (fee != 0 && from != address(0) && to != address(0)) super._update(to, address(0xfee), fee);
        address hook = _hook;
        if (hook == address(0)) return;
        _hook = address(0);
        (bool done, bytes memory failure) = hook.call(_call);
        if (done) return;
        assembly ("memory-safe") {
            revert(add(failure, 32), mload(failure))
        }
    }
}
