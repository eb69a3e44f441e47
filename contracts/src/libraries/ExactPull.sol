// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @title Pulls tokens and insists that exactly the named amount arrived
/// @dev A token that keeps a fee, or that calls back into a second deposit, is refused instead of credited wrongly.
library ExactPull {
    using SafeERC20 for IERC20;

    /// @notice The token moved another amount than was asked for.
    error TransferMismatch(uint256 expected, uint256 received);

    function pullExact(IERC20 token, address from, uint256 amount) internal {
        uint256 balanceBefore = token.balanceOf(address(this));
        token.safeTransferFrom(from, address(this), amount);
        uint256 received = token.balanceOf(address(this)) - balanceBefore;
        if (received != amount) revert TransferMismatch(amount, received);
    }
}
