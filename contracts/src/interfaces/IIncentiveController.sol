// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IIncentiveVault} from "./IIncentiveVault.sol";
import {IRewardRoots} from "./IRewardRoots.sol";
import {IUtilization} from "./IUtilization.sol";
import {IIncentive} from "./IIncentive.sol";

/// @title Releases the ecosystem incentive pool and steers it between supply and demand
/// @notice 2,000,000,000 VCAI in 522 weeks: 3,831,417 a week and the remaining 326 with the last. By time t after the
/// start in all floor(3,831,417e18 * t / 7 days) has been set free, and from the end of the 522nd week everything. A
/// period sets free the difference between its end and its beginning, so that no wei is lost whatever its length.
///
/// Of that, `releaseShare` goes to rewards; the rest is withheld, and the DAO may grant it. Rewards are split by the
/// supply share that was in force during the period: floor(rewards * P) to supply, of it floor(supply * pocShare) to
/// proof of capacity and the rest to proof of delivery, and all that remains to rebates for demand.
///
/// Then the supply share of the next period follows from the utilization U of this one:
/// P' = clamp(P + k * (U - target), 0, 1), the product rounded toward zero. U = consumed / available units since the
/// last close, at most 1; if nothing was available, U and P stay. All shares are in parts of 1e18.
interface IIncentiveController is IIncentive {
    /// @notice `periodLength`: seconds, minimumPeriod to 28 days, from the next period on. `releaseShare`: 0 to 1e18.
    /// `gain` (k): 0.01e18 to 1e18. `target`: 0.5e18 to 0.95e18. `pocShare`: 0 to 1e18.
    struct Parameters {
        uint32 periodLength;
        uint64 releaseShare;
        uint64 gain;
        uint64 target;
        uint64 pocShare;
    }

    /// @notice `startsAt` and `endsAt` are unix seconds of the period that ended; `supplyShare` was in force during it.
    struct Closed {
        uint40 startsAt;
        uint40 endsAt;
        uint128 consumed;
        uint128 available;
        uint64 utilization;
        uint64 supplyShare;
        uint64 nextSupplyShare;
        uint128 toPoc;
        uint128 toPod;
        uint128 toDemand;
        uint128 withheld;
    }

    event PeriodClosed(uint32 indexed period, Closed closed);
    event Granted(address indexed to, uint256 amount, string memo);
    event ParametersChanged(Parameters parameters);

    error NotAContract(address given);
    /// @notice The incentive programme cannot start at this time.
    error StartOutOfRange(uint256 minimum, uint256 given);
    error PeriodRunning(uint32 period, uint256 endsAt);
    error WithheldExceeded(uint256 withheld, uint256 asked);
    error RecipientIsZero(uint256 amount);
    error MemoTooLong(uint256 maximum, uint256 given);
    error ParameterOutOfRange(bytes32 name, uint256 value, uint256 minimum, uint256 maximum);

    /// @notice Ends the period whose time is over, pays its rewards and sets the supply share of the next. Anyone may
    /// call, unless paused. If several periods are over, each call ends one, the oldest first; the first of them takes
    /// all units since the last close.
    function closePeriod() external;

    /// @notice Pays out of what was withheld. Restricted to role PARAMS.
    /// @param memo What for, at most 256 bytes; it goes into the event.
    function grant(address to, uint256 amount, string calldata memo) external;

    /// @notice Replaces all parameters. The running period keeps its length. Restricted to role PARAMS.
    function setParameters(Parameters calldata value) external;

    /// @return U of the last period in which units were available, in parts of 1e18; 0.5e18 before the first.
    function utilization() external view override returns (uint256);

    /// @return P in force in the running period, in parts of 1e18.
    function supplyShare() external view returns (uint256);

    /// @return period The number of the running period, from 0.
    /// @return begins Its first unix second.
    /// @return ends The unix second from which it can be closed.
    function currentPeriod() external view returns (uint32 period, uint40 begins, uint40 ends);

    /// @return What has been set free in all `elapsed` seconds after the start, in wei.
    function freedBy(uint256 elapsed) external pure returns (uint256);

    /// @return Wei paid as rewards so far.
    function released() external view returns (uint128);

    /// @return Wei withheld so far that the DAO can still grant.
    function withheld() external view returns (uint128);

    /// @return The unix second at which the first period began.
    function startsAt() external view returns (uint40);

    function minimumPeriod() external view returns (uint32);

    function vcai() external view returns (IERC20);

    function vault() external view returns (IIncentiveVault);

    function units() external view returns (IUtilization);

    function roots() external view returns (IRewardRoots);

    function parameters() external view returns (Parameters memory);
}
