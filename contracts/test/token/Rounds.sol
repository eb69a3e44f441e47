// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Category, Release, Round} from "../../src/interfaces/IVestingVault.sol";

/// @dev Financing rounds that add up to the white paper's shares; the same table stands in
/// docs/decisions/contracts/0010-token-and-vesting.md.
library Rounds {
    uint16 internal constant SEED = 4;
    uint16 internal constant STRATEGIC = 5;
    uint16 internal constant GROWTH = 6;
    uint16 internal constant COMMUNITY = 7;
    uint16 internal constant LAUNCH = 8;

    function all() internal pure returns (Round[] memory rounds) {
        rounds = new Round[](5);
        rounds[0] = Round("seed", Category.Private, 500_000_000e18, 50_000_000e18, 6, 24, Release.Monthly);
        rounds[1] = Round("strategic", Category.Private, 850_000_000e18, 170_000_000e18, 3, 18, Release.Monthly);
        rounds[2] = Round("growth", Category.Private, 1_000_000_000e18, 294_885_000e18, 0, 12, Release.Linear);
        rounds[3] = Round("community", Category.Public, 250_000_000e18, 62_500_000e18, 0, 9, Release.Monthly);
        rounds[4] = Round("launch", Category.Public, 300_000_000e18, 107_505_000e18, 0, 6, Release.Linear);
    }
}
