// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ExpiringPause} from "../../../src/libraries/ExpiringPause.sol";

/// @dev A module with one function that a pause stops and one that it must not stop.
contract PausableModule is ExpiringPause {
    uint256 public obligations;
    uint256 public exits;

    constructor(address authority_) AccessManaged(authority_) {}

    function oblige() external whenNotPaused {
        ++obligations;
    }

    function leave() external {
        ++exits;
    }
}
