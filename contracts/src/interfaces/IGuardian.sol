// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IVCAIGovernor} from "./IVCAIGovernor.sol";

/// @title The guardian: one account that may hold the network up, never move anything
/// @notice Its holder can pause a pausable module (the pause ends by itself, see ExpiringPause), end such a pause early,
/// and cancel a proposal that waits in the timelock. It can do nothing else, and it cannot cancel its own replacement.
interface IGuardian {
    event PausedModule(address indexed module, address indexed holder, uint64 duration);
    event UnpausedModule(address indexed module, address indexed holder);
    event CancelledProposal(uint256 indexed id, bytes32 indexed operation, address indexed holder);
    event HolderChanged(address indexed previous, address indexed holder);

    error NotHolder(address holder, address caller);
    error GovernorIsNotAContract(address governor);
    error NotQueued(uint256 id);
    /// @notice The proposal does nothing but replace the holder.
    error ReplacementCannotBeCancelled(uint256 id);

    /// @notice Stops `module` for `duration` seconds, at most 7 days, not again within 21 days. Only the holder.
    function pause(address module, uint64 duration) external;

    /// @notice Ends a pause of `module` early. Only the holder.
    function unpause(address module) external;

    /// @notice Cancels a queued proposal of the governor in the timelock. Only the holder.
    function cancel(uint256 id) external;

    /// @notice Names another holder, or nobody (zero). Restricted to PARAMS (the DAO).
    function setHolder(address holder_) external;

    /// @notice The account that may use the guardian.
    function holder() external view returns (address);

    function governor() external view returns (IVCAIGovernor);
}
