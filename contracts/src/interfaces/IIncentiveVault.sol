// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Where the ecosystem incentive pool lies
/// @notice The one function of VestingVault that the IncentiveController needs. The vault keeps its own bound on what may
/// have been released by now and refuses more.
interface IIncentiveVault {
    /// @notice Sends `amount` wei of VCAI out of the incentive pool. Restricted to role INCENTIVE.
    function releaseIncentive(address to, uint256 amount) external;
}
