// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Release, Schedule} from "../interfaces/IVestingVault.sol";

/// @title The arithmetic of vesting, in integers that round down
/// @dev The formulas stand in IVestingVault and IGenesisNFT; src/market computes the same in C++.
library VestingMath {
    /// @notice 30.4375 days: 48 of them are the 126,230,400 s of T_max.
    uint256 internal constant MONTH = 2_629_800;
    uint256 internal constant WEEK = 604_800;

    uint256 internal constant INCENTIVE_WEEKS = 522;
    uint256 internal constant INCENTIVE_PER_WEEK = 3_831_417e18;
    /// @notice 2,000,000,000 less 522 times 3,831,417: comes with the last week.
    uint256 internal constant INCENTIVE_REMAINDER = 326e18;

    uint256 internal constant NFT_ENTITLEMENT = 10_000e18;
    uint256 internal constant NFT_UPFRONT = 2_500e18;
    uint256 internal constant NFT_PER_MONTH = 1_250e18;
    uint256 internal constant NFT_MONTHS = 6;

    /// @notice What is vested of `amount` wei under `schedule` at unix second `timestamp`.
    function vested(Schedule memory schedule, uint256 amount, uint256 timestamp) internal pure returns (uint256) {
        if (timestamp < schedule.start) return 0;
        uint256 elapsed = timestamp - schedule.start;
        uint256 cliff = schedule.cliffMonths * MONTH;
        uint256 upfront = amount * schedule.upfront / schedule.allocation;
        if (elapsed < cliff) return upfront;
        uint256 passed = elapsed - cliff;
        uint256 duration = schedule.releaseMonths * MONTH;
        if (passed >= duration) return amount;
        if (schedule.release == Release.Monthly) passed -= passed % MONTH;
        return upfront + (amount - upfront) * passed / duration;
    }

    /// @notice What may have left the incentive pool by unix second `timestamp`, all together, wei.
    function incentiveScheduled(uint256 tge, uint256 timestamp) internal pure returns (uint256) {
        if (timestamp < tge) return 0;
        uint256 weeksStarted = (timestamp - tge) / WEEK + 1;
        if (weeksStarted < INCENTIVE_WEEKS) return INCENTIVE_PER_WEEK * weeksStarted;
        return INCENTIVE_PER_WEEK * INCENTIVE_WEEKS + INCENTIVE_REMAINDER;
    }

    /// @notice What is unlocked for each Genesis NFT at unix second `timestamp`, wei.
    function nftUnlocked(uint256 tge, uint256 timestamp) internal pure returns (uint256) {
        if (timestamp < tge) return 0;
        uint256 monthsPassed = (timestamp - tge) / MONTH;
        return NFT_UPFRONT + NFT_PER_MONTH * (monthsPassed < NFT_MONTHS ? monthsPassed : NFT_MONTHS);
    }
}
