// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {INodeRegistry} from "../../src/interfaces/INodeRegistry.sol";

/// @dev The registry's parameters of the deployment plan's production profile.
library Defaults {
    function registry() internal pure returns (INodeRegistry.Parameters memory) {
        return INodeRegistry.Parameters({
            computeUsd: 100e6,
            schedulerUsd: 1_000e6,
            verifierUsd: 100e6,
            factorFloor: 0.5e18,
            factorSlope: 1e18,
            unbondingDelay: 7 days,
            period: 7 days,
            maxMoveBps: 2_500
        });
    }
}
