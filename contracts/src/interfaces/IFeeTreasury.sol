// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What settlement needs of the Treasury
interface IFeeTreasury {
    /// @notice Counts a network fee that the sender has just transferred. Restricted to the contracts that settle.
    /// @param amount Base units of the stablecoin.
    function onFee(uint128 amount) external;

    /// @notice Pays stablecoin to `to`, up to `amount` and up to what is held. Restricted.
    /// @return paid What was paid, base units of the stablecoin.
    function compensate(address to, uint128 amount) external returns (uint128 paid);
}
