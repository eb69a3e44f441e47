// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IVeVCAI} from "../../../src/interfaces/IVeVCAI.sol";

/// @dev Keeps one percent of every transfer.
contract FeeToken is ERC20("Fee", "FEE") {
    constructor() {
        _mint(msg.sender, 1e28);
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (from != address(0) && to != address(0)) super._update(from, address(0xdead), amount / 100);
        super._update(from, to, from == address(0) ? amount : amount - amount / 100);
    }
}

/// @dev Says no instead of reverting.
contract RefusingToken is ERC20("No", "NO") {
    function transferFrom(address, address, uint256) public pure override returns (bool) {
        return false;
    }

    function transfer(address, uint256) public pure override returns (bool) {
        return false;
    }
}

/// @dev Calls back into the vote escrow on behalf of whoever is paid, as a token with hooks would.
contract HookToken is ERC20("Hook", "HOOK") {
    IVeVCAI private _ve;
    address private _user;
    bool private _inside;

    constructor() {
        _mint(msg.sender, 1e28);
    }

    function arm(IVeVCAI ve, address user) external {
        (_ve, _user) = (ve, user);
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (address(_ve) == address(0) || _inside || from != address(_ve)) return;
        _inside = true;
        _ve.claim(_user);
        _inside = false;
    }
}
