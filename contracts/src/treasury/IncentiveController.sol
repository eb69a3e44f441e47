// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {IIncentiveController} from "../interfaces/IIncentiveController.sol";
import {IIncentiveVault} from "../interfaces/IIncentiveVault.sol";
import {IRewardRoots} from "../interfaces/IRewardRoots.sol";
import {IUtilization} from "../interfaces/IUtilization.sol";
import {ExpiringPause} from "../libraries/ExpiringPause.sol";

/// @title Releases the ecosystem incentive pool and steers it between supply and demand
/// @notice Parameters (role PARAMS): periodLength, minimumPeriod to 28 days; releaseShare, 0 to 1e18; gain, 0.01e18 to
/// 1e18; target, 0.5e18 to 0.95e18; pocShare, 0 to 1e18.
/// @dev After the last week periods go on and set nothing free: the utilization they measure still sets stakes.
contract IncentiveController is IIncentiveController, ExpiringPause {
    using SafeERC20 for IERC20;

    uint256 public constant POOL = 2_000_000_000e18;
    uint256 public constant WEEKLY = 3_831_417e18;
    uint256 public constant WEEKS = 522;
    uint256 public constant START_SUPPLY_SHARE = 0.5e18;
    uint256 public constant START_UTILIZATION = 0.5e18;
    uint32 public constant MAX_PERIOD = 28 days;
    uint256 public constant MAX_MEMO_BYTES = 256;
    uint256 private constant ONE = 1e18;

    /// @inheritdoc IIncentiveController
    IERC20 public immutable vcai;
    /// @inheritdoc IIncentiveController
    IIncentiveVault public immutable vault;
    /// @inheritdoc IIncentiveController
    IUtilization public immutable units;
    /// @inheritdoc IIncentiveController
    IRewardRoots public immutable roots;
    /// @inheritdoc IIncentiveController
    uint40 public immutable startsAt;
    /// @inheritdoc IIncentiveController
    uint32 public immutable minimumPeriod;

    Parameters private _parameters;
    uint32 private _period;
    uint40 private _periodStart;
    uint40 private _periodEnd;
    uint64 private _supplyShare;
    uint64 private _utilization;
    uint128 private _released;
    uint128 private _withheld;
    uint128 private _consumed;
    uint128 private _available;

    /// @param startsAt_ Unix second at which the first period begins: the vault's, or later.
    constructor(
        address authority_,
        IERC20 vcai_,
        IIncentiveVault vault_,
        IUtilization units_,
        IRewardRoots roots_,
        uint40 startsAt_,
        uint32 minimumPeriod_,
        Parameters memory parameters_
    ) AccessManaged(authority_) {
        _checkContract(address(vcai_));
        _checkContract(address(vault_));
        _checkContract(address(units_));
        _checkContract(address(roots_));
        if (startsAt_ == 0) revert StartOutOfRange(1, startsAt_);
        _checkRange("minimumPeriod", minimumPeriod_, 1, MAX_PERIOD);
        (vcai, vault, units, roots) = (vcai_, vault_, units_, roots_);
        (startsAt, minimumPeriod) = (startsAt_, minimumPeriod_);
        _setParameters(parameters_);
        (_periodStart, _periodEnd) = (startsAt_, startsAt_ + parameters_.periodLength);
        (_supplyShare, _utilization) = (uint64(START_SUPPLY_SHARE), uint64(START_UTILIZATION));
        (_consumed, _available) = units_.unitsTotal();
        // The roots take what a period sets free; this contract holds VCAI at no other time.
        vcai_.forceApprove(address(roots_), type(uint256).max);
    }

    /// @inheritdoc IIncentiveController
    function closePeriod() external whenNotPaused {
        if (block.timestamp < _periodEnd) revert PeriodRunning(_period, _periodEnd);
        Parameters memory current = _parameters;
        Closed memory closed;
        (closed.startsAt, closed.endsAt, closed.supplyShare) = (_periodStart, _periodEnd, _supplyShare);
        _measure(closed, current);
        uint256 rewards = _split(closed, current);
        emit PeriodClosed(_period, closed);
        ++_period;
        (_periodStart, _periodEnd) = (closed.endsAt, closed.endsAt + current.periodLength);
        if (rewards == 0) return;
        vault.releaseIncentive(address(this), rewards);
        _fund(IRewardRoots.Kind.PoC, closed.toPoc);
        _fund(IRewardRoots.Kind.PoD, closed.toPod);
        _fund(IRewardRoots.Kind.DemandRebate, closed.toDemand);
    }

    /// @inheritdoc IIncentiveController
    function grant(address to, uint256 amount, string calldata memo) external restricted {
        if (to == address(0)) revert RecipientIsZero(amount);
        uint256 length = bytes(memo).length;
        if (length > MAX_MEMO_BYTES) revert MemoTooLong(MAX_MEMO_BYTES, length);
        if (amount > _withheld) revert WithheldExceeded(_withheld, amount);
        // Not more than a uint128, by the line above.
        _withheld -= uint128(amount);
        emit Granted(to, amount, memo);
        vault.releaseIncentive(to, amount);
    }

    /// @inheritdoc IIncentiveController
    function setParameters(Parameters calldata value) external restricted {
        _setParameters(value);
    }

    /// @inheritdoc IIncentiveController
    function utilization() external view returns (uint256) {
        return _utilization;
    }

    /// @inheritdoc IIncentiveController
    function supplyShare() external view returns (uint256) {
        return _supplyShare;
    }

    /// @inheritdoc IIncentiveController
    function currentPeriod() external view returns (uint32, uint40, uint40) {
        return (_period, _periodStart, _periodEnd);
    }

    /// @inheritdoc IIncentiveController
    function released() external view returns (uint128) {
        return _released;
    }

    /// @inheritdoc IIncentiveController
    function withheld() external view returns (uint128) {
        return _withheld;
    }

    /// @inheritdoc IIncentiveController
    function parameters() external view returns (Parameters memory) {
        return _parameters;
    }

    /// @inheritdoc IIncentiveController
    function freedBy(uint256 elapsed) public pure returns (uint256) {
        return elapsed < WEEKS * 7 days ? WEEKLY * elapsed / 7 days : POOL;
    }

    /// @dev Units since the last close, the utilization they make, and the supply share that follows from it.
    function _measure(Closed memory closed, Parameters memory current) private {
        (uint128 consumed, uint128 available) = units.unitsTotal();
        closed.consumed = consumed - _consumed;
        closed.available = available - _available;
        (_consumed, _available) = (consumed, available);
        if (closed.available == 0) {
            (closed.utilization, closed.nextSupplyShare) = (_utilization, closed.supplyShare);
            return;
        }
        closed.utilization = uint64(FixedPointMathLib.min(uint256(closed.consumed) * ONE / closed.available, ONE));
        closed.nextSupplyShare = _steer(closed.supplyShare, closed.utilization, current);
        (_utilization, _supplyShare) = (closed.utilization, closed.nextSupplyShare);
    }

    function _steer(uint64 share, uint64 measured, Parameters memory current) private pure returns (uint64) {
        // All are at most 1e18, and signed division rounds toward zero.
        int256 distance = int256(uint256(measured)) - int256(uint256(current.target));
        int256 next = int256(uint256(share)) + int256(uint256(current.gain)) * distance / int256(ONE);
        return uint64(uint256(FixedPointMathLib.clamp(next, 0, int256(ONE))));
    }

    /// @dev Shares out what the period sets free; every part that is rounded down leaves its wei to the next.
    function _split(Closed memory closed, Parameters memory current) private returns (uint256 rewards) {
        uint256 freed = freedBy(closed.endsAt - startsAt) - freedBy(closed.startsAt - startsAt);
        rewards = freed * current.releaseShare / ONE;
        uint256 supply = rewards * closed.supplyShare / ONE;
        // All of these are at most POOL, which is less than 2^91.
        closed.toPoc = uint128(supply * current.pocShare / ONE);
        closed.toPod = uint128(supply) - closed.toPoc;
        closed.toDemand = uint128(rewards - supply);
        closed.withheld = uint128(freed - rewards);
        _released += uint128(rewards);
        _withheld += closed.withheld;
    }

    function _fund(IRewardRoots.Kind kind, uint128 amount) private {
        if (amount != 0) roots.fund(kind, amount);
    }

    function _setParameters(Parameters memory value) private {
        _checkRange("periodLength", value.periodLength, minimumPeriod, MAX_PERIOD);
        _checkRange("releaseShare", value.releaseShare, 0, ONE);
        _checkRange("gain", value.gain, 0.01e18, ONE);
        _checkRange("target", value.target, 0.5e18, 0.95e18);
        _checkRange("pocShare", value.pocShare, 0, ONE);
        _parameters = value;
        emit ParametersChanged(value);
    }

    function _checkRange(bytes32 name, uint256 value, uint256 minimum, uint256 maximum) private pure {
        if (value < minimum || value > maximum) revert ParameterOutOfRange(name, value, minimum, maximum);
    }

    function _checkContract(address given) private view {
        if (given.code.length == 0) revert NotAContract(given);
    }
}
