// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IUtilization} from "./IUtilization.sol";

/// @title The network fee, which follows supply and demand, and the units it follows
/// @notice Once a period the fee moves toward the level at which 80 % of what is offered is used: by at most an eighth
/// down (nothing is used) and a thirty-second up (everything is used). Whoever settles may use the fee from before a
/// change for one more period, so that no batch fails because the fee moved while it was on its way.
interface INetworkFee is IUtilization {
    /// @notice What the DAO may change, with its hard bounds.
    /// - `minimumPpm`, `maximumPpm`: parts per million, minimum <= maximum <= 300000.
    /// - `feePeriod`: seconds between two changes, in [1 minute, 30 days].
    /// - `unitsMaximum`: the most units of either sort that one batch can count, so that one scheduler cannot fake the
    ///   utilization of all; at least 1.
    struct Parameters {
        uint32 minimumPpm;
        uint32 maximumPpm;
        uint32 feePeriod;
        uint64 unitsMaximum;
    }

    /// @notice The fee of the next period. `utilizationPpm` is that of the period that ended, millionths.
    event FeeChanged(uint32 previousPpm, uint32 feePpm, uint32 utilizationPpm);
    event ParametersChanged(Parameters parameters);

    error FeePeriodRunning(uint64 nextAt);
    error ParameterOutOfRange(bytes32 name, uint256 value, uint256 minimum, uint256 maximum);

    /// @notice Counts the units of a batch, and updates the fee if its period is over. Restricted to the contracts
    /// that settle.
    /// @return current The fee in basis points, `previous` the one that may be used instead (the same if none may).
    function count(uint64 consumed, uint64 available) external returns (uint16 current, uint16 previous);

    /// @notice Updates the fee once its period is over. Anyone; `count` does it as well.
    function update() external;

    /// @notice Replaces all parameters; the present fee is moved into the new bounds at once. Restricted to the DAO.
    function setParameters(Parameters calldata value) external;

    /// @notice The fee in parts per million.
    function feePpm() external view returns (uint32);

    /// @notice The fee that is charged, basis points: `feePpm / 100`.
    function feeBps() external view returns (uint16);

    /// @notice The fees that may be used now, basis points; equal when the one before has lapsed.
    function feesAllowed() external view returns (uint16 current, uint16 previous);

    /// @notice When the fee can move next, unix seconds.
    function nextUpdateAt() external view returns (uint64);

    /// @notice The fee that follows from a fee and the units of a period, within bounds. All in parts per million.
    function nextFee(uint32 fee, uint128 consumed, uint128 available)
        external
        view
        returns (uint32 next, uint32 utilizationPpm);

    function parameters() external view returns (Parameters memory);
}
