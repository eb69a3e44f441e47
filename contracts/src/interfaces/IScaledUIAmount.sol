// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title ERC-8056, core: how many units a wallet shows for one unit of the ledger
/// @notice Balances, transfers and allowances are raw amounts and never change by themselves. A wallet shows
/// raw * uiMultiplier / 1e18.
interface IScaledUIAmount {
    /// @notice The shown unit changes from `oldMultiplier` to `newMultiplier` at the unix second `effectiveAtTimestamp`.
    event UIMultiplierUpdated(uint256 oldMultiplier, uint256 newMultiplier, uint256 effectiveAtTimestamp);

    /// @notice The multiplier that counts now; 1e18 is one to one.
    function uiMultiplier() external view returns (uint256);
}

/// @title ERC-8056, pending change
interface IScaledUIAmountNewUIMultiplier {
    /// @notice The multiplier that was decided last. It is pending only while `effectiveAt` lies in the future.
    function newUIMultiplier() external view returns (uint256);

    /// @notice Unix second from which `newUIMultiplier` counts; it stays readable afterwards.
    function effectiveAt() external view returns (uint256);
}

/// @title ERC-8056, conversions at the multiplier that counts now
interface IScaledUIAmountConversion {
    /// @notice What a wallet shows for a raw amount, rounded down.
    function toUIAmount(uint256 rawAmount) external view returns (uint256);

    /// @notice The raw amount for what a person typed, rounded down: never more than was typed.
    function fromUIAmount(uint256 uiAmount) external view returns (uint256);
}

/// @title ERC-8056, balances as shown
interface IScaledUIAmountBalances {
    /// @notice The balance of `account` as a wallet shows it.
    function balanceOfUI(address account) external view returns (uint256);

    /// @notice The supply as a wallet shows it.
    function totalSupplyUI() external view returns (uint256);
}
