// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ILockedTotal, INetFees} from "../../../src/interfaces/IStrategicIssuance.sol";

/// @dev Net fees as a test sets them.
contract MockTreasury is INetFees {
    uint256 public netFees;

    function setNetFees(uint256 fees) external {
        netFees = fees;
    }
}

/// @dev A lock that holds real tokens and knows its weight, enough to see whether a split touches it.
contract MockLock is ILockedTotal {
    uint256 internal constant MAX_TIME = 126_230_400;

    IERC20 public immutable token;
    uint256 public totalLocked;
    mapping(address account => uint256) public lockedOf;
    mapping(address account => uint256) public endOf;

    constructor(IERC20 token_) {
        token = token_;
    }

    function lock(uint256 amount, uint256 end) external {
        lockedOf[msg.sender] += amount;
        endOf[msg.sender] = end;
        totalLocked += amount;
        token.transferFrom(msg.sender, address(this), amount);
    }

    function unlock(uint256 amount) external {
        lockedOf[msg.sender] -= amount;
        totalLocked -= amount;
        token.transfer(msg.sender, amount);
    }

    function weightOf(address account) external view returns (uint256) {
        if (block.timestamp >= endOf[account]) return 0;
        return lockedOf[account] * (endOf[account] - block.timestamp) / MAX_TIME;
    }
}
