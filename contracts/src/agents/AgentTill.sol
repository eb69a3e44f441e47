// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @title The till of one agent
/// @notice Takes plain token transfers and obeys the RevenueSplitter alone. All tills are clones of one of these; who made
/// it is in its code, so there is nothing to initialise and nothing to take over.
contract AgentTill {
    using SafeERC20 for IERC20;

    address public immutable splitter;

    error NotTheSplitter(address splitter, address caller);

    constructor() {
        splitter = msg.sender;
    }

    /// @notice Sends `amount` of `token` to `to`. Only by the splitter.
    function release(IERC20 token, address to, uint256 amount) external {
        if (msg.sender != splitter) revert NotTheSplitter(splitter, msg.sender);
        token.safeTransfer(to, amount);
    }
}
