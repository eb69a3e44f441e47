// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IIncentive} from "../../../src/interfaces/IIncentive.sol";
import {IPriceOracle} from "../../../src/interfaces/IPriceOracle.sol";

/// @dev A price and a utilization that the test names.
contract Sources is IPriceOracle, IIncentive {
    error NoPrice();

    uint256 public weiPerUsd = 100e18;
    uint256 public utilization = 0.5e18;

    function setPrice(uint256 value) external {
        weiPerUsd = value;
    }

    function setUtilization(uint256 value) external {
        utilization = value;
    }

    function vcaiFor(uint256 usd) external view returns (uint256) {
        if (weiPerUsd == 0) revert NoPrice();
        return usd * weiPerUsd / 1e6;
    }

    function usdFor(uint256 vcai) external view returns (uint256) {
        if (weiPerUsd == 0) revert NoPrice();
        return vcai * 1e6 / weiPerUsd;
    }
}
