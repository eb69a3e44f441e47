// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title What the court needs of the Treasury
interface ICompensator {
    /// @notice Pays stablecoin to `to`, up to `amount` and up to what is held.
    function compensate(address to, uint128 amount) external returns (uint128 paid);

    function stable() external view returns (IERC20);
}
