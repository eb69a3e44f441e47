// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IRewardStream} from "./IRewardStream.sol";

/// @title veVCAI: VCAI locked until a week of the holder's choice, for votes and for a share of what the treasury buys
/// @notice The weight of a lock is root * (unlock time - now) / TMAX and falls to zero by the second. `root` is the
/// square root of the amount, isqrt(amount * 1e18), from `linearBelow` VCAI on; below that it is linear,
/// amount * isqrt(linearBelow * 1e18) / linearBelow, so that splitting a small holding gains nothing. All amounts,
/// roots and weights have 18 decimals. Nothing here can be transferred, and no lock can be ended before its week.
///
/// VCAI given by `notify` streams out over one day and is shared by live weight, by the second and exactly. Rewards of
/// a time in which nobody is locked wait for the next lock. Times are unix seconds. Weeks are counted from `origin`, a
/// border of a unix week (Thursday 00:00 UTC); week `w` begins at `origin + w * 7 days`.
///
/// | parameter | range | who | meaning |
/// | --- | --- | --- | --- |
/// | linearBelow | 1 to 1,000,000 whole VCAI | PARAMS (DAO) | amount below which weight is linear in the amount |
interface IVeVCAI is IRewardStream {
    /// @notice A lock. It ends when week `endWeek` begins; a zero amount means that there is none.
    struct LockState {
        uint96 amount;
        uint80 root;
        uint16 endWeek;
    }

    /// @notice `linearBelow` in base units, a whole number of VCAI. A lock keeps the root it was made with until its
    /// holder changes it, and a change never lowers the root.
    struct Parameters {
        uint256 linearBelow;
    }

    /// @notice `added` came in and the lock of `user` now holds `amount` until the unix second `unlockTime`.
    event Locked(address indexed user, uint256 added, uint256 amount, uint256 root, uint256 unlockTime);
    event Withdrawn(address indexed user, uint256 amount);
    event Claimed(address indexed user, uint256 amount);
    /// @notice `amount` was given; all that is left in the stream now runs evenly until the unix second `finish`.
    event Notified(address indexed from, uint256 amount, uint256 finish);
    event SnapshotTaken(uint32 indexed id, uint256 totalWeight);
    event ParametersChanged(Parameters parameters);

    error TokenIsNotAContract(address token);
    error ParameterOutOfRange(bytes32 name, uint256 minimum, uint256 maximum, uint256 given);
    error EndWeekOutOfRange(uint256 earliest, uint256 latest, uint256 given);
    error AmountBelowMinimum(uint256 minimum, uint256 given);
    error AmountAboveMaximum(uint256 maximum, uint256 given);
    error LockEnded(address user, uint256 unlockTime);
    error StillLocked(address user, uint256 unlockTime);
    error NoLock(address user);
    error SnapshotUnknown(uint256 latest, uint256 given);

    /// @notice Creates a lock, adds to it and/or lengthens it: afterwards it holds `addAmount` more and ends at
    /// `endWeek`, which lies at most 208 weeks ahead and never before its present end. Rewards due are taken against
    /// the amount, so that the sender pays `addAmount` less what it has earned, or receives the difference.
    function lock(uint256 addAmount, uint256 endWeek) external;

    /// @notice The same with an ERC-2612 permit of the sender for `addAmount`.
    function lockWithPermit(uint256 addAmount, uint256 endWeek, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external;

    /// @notice Pays the sender's ended lock back, with all its rewards.
    function withdraw() external;

    /// @notice Pays `user` the rewards earned until now. Anyone may call; only `user` is paid.
    function claim(address user) external returns (uint256 amount);

    /// @notice Brings the accounts up to the present second. Never needed, changes nobody's share, anyone may call.
    function poke() external;

    /// @notice Takes `amount` from the sender and streams it, with what is left of the stream, over the next day.
    /// Anyone may give as long as that does not slow the stream down; a gift that does is for NOTIFIER alone (the
    /// buyback), so that nobody can put off the rewards of others with dust.
    function notify(uint256 amount) external override;

    /// @notice Freezes all weights of this second for a vote. Restricted to SNAPSHOT (the governor).
    /// @return id Counts from 1.
    function snapshot() external returns (uint32 id);

    /// @notice Changes the parameters for locks made or changed from now on. Restricted to PARAMS (the DAO).
    function setParameters(Parameters calldata parameters_) external;

    function parameters() external view returns (Parameters memory);

    /// @notice Weight of `user` at the snapshot `id`. Never changes, whatever the user does afterwards.
    function votesAt(address user, uint256 id) external view returns (uint256);

    /// @notice Weight of all locks together at the snapshot `id`.
    function totalAt(uint256 id) external view returns (uint256);

    /// @notice The unix second at which snapshot `id` was taken.
    function snapshotTime(uint256 id) external view returns (uint256);

    /// @notice How many snapshots there are; also the id of the latest.
    function snapshots() external view returns (uint256);

    /// @notice Weight of `user` now.
    function weightOf(address user) external view returns (uint256);

    /// @notice Weight of all locks together now.
    function totalWeight() external view returns (uint256);

    /// @notice VCAI in locks that have not ended. Walks the weeks that locks end in, at most 208 of them.
    function totalLocked() external view returns (uint256);

    /// @notice The lock of `user`, also an ended one that was not withdrawn.
    function locks(address user) external view returns (LockState memory);

    /// @notice What `claim(user)` would pay now.
    function claimable(address user) external view returns (uint256);

    /// @notice What is left of the stream, its rate in VCAI base units per second with 18 more binary digits, and the
    /// unix second at which it ends if somebody stays locked until then.
    function stream() external view returns (uint256 left, uint256 rate, uint256 finish);

    /// @notice The week now running.
    function currentWeek() external view returns (uint256);

    /// @notice The unix second at which `week` begins.
    function timeOf(uint256 week) external view returns (uint256);

    /// @notice Unix second at which week 0 begins.
    function origin() external view returns (uint256);

    /// @notice The VCAI token.
    function token() external view returns (IERC20);
}
