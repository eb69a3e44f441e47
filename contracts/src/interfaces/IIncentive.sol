// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title How busy the network was in the last closed period
/// @notice What the node registry needs of the IncentiveController.
interface IIncentive {
    /// @return The share of the available compute units that were consumed; 1e18 is all of them, never above.
    function utilization() external view returns (uint256);
}
