// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Compute units of all posted batches since genesis
/// @notice Who needs the utilization of a period remembers these totals at its beginning and subtracts.
interface IUtilization {
    /// @return consumed Units that were paid for, `available` units that could have been used; both only ever grow.
    function unitsTotal() external view returns (uint128 consumed, uint128 available);
}
