// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Where VCAI goes that is shared out among lockers
/// @notice The one function of VeVCAI that whoever brings rewards needs.
interface IRewardStream {
    /// @notice Takes `amount` wei of VCAI from the sender, who must have approved it, and streams it to lockers.
    /// A gift that would slow the stream down is for role NOTIFIER alone.
    function notify(uint256 amount) external;
}
