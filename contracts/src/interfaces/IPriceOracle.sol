// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The price of VCAI in the stablecoin, averaged over time
/// @notice Both directions use the same time-weighted average and round down. They revert when no price is known that is
/// young enough: whoever asks must be able to wait.
interface IPriceOracle {
    /// @param usd Base units of the stablecoin.
    /// @return vcai Wei of VCAI worth as much.
    function vcaiFor(uint256 usd) external view returns (uint256 vcai);

    /// @param vcai Wei of VCAI.
    /// @return usd Base units of the stablecoin worth as much.
    function usdFor(uint256 vcai) external view returns (uint256 usd);
}
