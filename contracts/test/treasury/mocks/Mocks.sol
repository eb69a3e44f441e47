// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Role} from "../../../src/types/Types.sol";

/// @dev A token of 18 decimals that anyone may mint and that can be made to misbehave.
contract MockToken is ERC20 {
    bool public keepsFee;
    bool public answersFalse;
    address private _callTarget;
    bytes private _callData;
    bool public callFailed;
    bytes public callError;

    constructor() ERC20("Mock", "MOCK") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function misbehave(bool keepsFee_, bool answersFalse_) external {
        (keepsFee, answersFalse) = (keepsFee_, answersFalse_);
    }

    /// @dev The next transfer calls `target` in its middle.
    function callBack(address target, bytes calldata data) external {
        (_callTarget, _callData) = (target, data);
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        if (answersFalse) return false;
        return super.transfer(to, amount);
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (keepsFee && from != address(0)) {
            super._update(from, address(0xfee), 1);
            amount -= 1;
        }
        super._update(from, to, amount);
        if (_callTarget != address(0) && from != address(0)) {
            address target = _callTarget;
            _callTarget = address(0);
            bool success;
            (success, callError) = target.call(_callData);
            callFailed = !success;
        }
    }
}

/// @dev VeVCAI as far as rewards go: pulls what it is told of.
contract MockStream {
    IERC20 private immutable _vcai;
    uint256 public notified;
    uint256 public calls;

    constructor(IERC20 vcai) {
        _vcai = vcai;
    }

    function notify(uint256 amount) external {
        notified += amount;
        ++calls;
        require(_vcai.transferFrom(msg.sender, address(this), amount), "transfer");
    }
}

contract MockRegistry {
    mapping(address account => bool) public verifiers;

    function set(address account, bool active) external {
        verifiers[account] = active;
    }

    function isActive(address account, Role role) external view returns (bool) {
        return role == Role.Verifier && verifiers[account];
    }
}

contract MockUnits {
    uint128 private _consumed;
    uint128 private _available;

    function add(uint128 consumed, uint128 available) external {
        _consumed += consumed;
        _available += available;
    }

    function unitsTotal() external view returns (uint128, uint128) {
        return (_consumed, _available);
    }
}

/// @dev A pool whose accumulators, reserves and clock can be set at will.
contract MockPair {
    address public token0;
    address public token1;
    uint256 public price0CumulativeLast;
    uint256 public price1CumulativeLast;
    uint112 private _reserve0;
    uint112 private _reserve1;
    uint32 private _touchedAt;

    constructor(address first, address second) {
        (token0, token1) = (first, second);
    }

    function set(uint112 reserve0, uint112 reserve1, uint32 touchedAt, uint256 cumulative0, uint256 cumulative1)
        external
    {
        (_reserve0, _reserve1, _touchedAt) = (reserve0, reserve1, touchedAt);
        (price0CumulativeLast, price1CumulativeLast) = (cumulative0, cumulative1);
    }

    function getReserves() external view returns (uint112, uint112, uint32) {
        return (_reserve0, _reserve1, _touchedAt);
    }
}
