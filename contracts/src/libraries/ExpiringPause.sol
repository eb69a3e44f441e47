// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";

/// @title A pause that ends by itself
/// @notice The guardian can stop a module for at most `MAX_PAUSE`, and not again before `PAUSE_COOLDOWN` has passed after
/// that pause began, so that it can hold the network up but never seize it. Only new obligations are stopped: functions
/// by which people take their own money out must not carry `whenNotPaused`.
abstract contract ExpiringPause is AccessManaged {
    uint64 public constant MAX_PAUSE = 7 days;
    uint64 public constant PAUSE_COOLDOWN = 21 days;

    uint64 private _pausedAt;
    uint64 private _pausedUntil;

    event Paused(uint64 until);
    event Unpaused();

    error ModulePaused(uint64 until);
    error PauseCoolingDown(uint64 pausableFrom);
    error PauseTooLong(uint64 maximum, uint64 given);
    error NotPaused();

    modifier whenNotPaused() {
        if (block.timestamp < _pausedUntil) revert ModulePaused(_pausedUntil);
        _;
    }

    /// @notice Stops the module for `duration` seconds. Restricted to the guardian.
    function pause(uint64 duration) external restricted {
        if (duration == 0 || duration > MAX_PAUSE) revert PauseTooLong(MAX_PAUSE, duration);
        uint64 pausableFrom = _pausedAt == 0 ? 0 : _pausedAt + PAUSE_COOLDOWN;
        if (block.timestamp < pausableFrom) revert PauseCoolingDown(pausableFrom);
        _pausedAt = uint64(block.timestamp);
        _pausedUntil = uint64(block.timestamp) + duration;
        emit Paused(_pausedUntil);
    }

    /// @notice Ends a pause early. Restricted to the guardian. The cooldown still counts from its beginning.
    function unpause() external restricted {
        if (block.timestamp >= _pausedUntil) revert NotPaused();
        _pausedUntil = 0;
        emit Unpaused();
    }

    /// @notice The unix second at which the present pause ends; in the past or zero when there is none.
    function pausedUntil() external view returns (uint64) {
        return _pausedUntil;
    }
}
