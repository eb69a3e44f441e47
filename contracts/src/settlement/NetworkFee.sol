// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {INetworkFee} from "../interfaces/INetworkFee.sol";
import {IUtilization} from "../interfaces/IUtilization.sol";

/// @title The network fee
/// @dev In the manner of a base fee: next = fee + fee * (u - target) / target / 8, within the DAO's bounds. The
/// minimum is one basis point, since a fee of zero could never rise again.
///
/// | parameter | range | who |
/// | --- | --- | --- |
/// | minimumPpm | [100, maximumPpm] | PARAMS |
/// | maximumPpm | [100, 300000] | PARAMS |
/// | feePeriod | [1 minute, 30 days] | PARAMS |
/// | unitsMaximum | >= 1 | PARAMS |
contract NetworkFee is INetworkFee, AccessManaged {
    uint32 public constant TARGET_PPM = 800_000;
    uint32 public constant MAX_FEE_PPM = 300_000;
    uint32 public constant MIN_FEE_PPM = 100;
    uint32 public constant MIN_PERIOD = 1 minutes;
    uint32 public constant MAX_PERIOD = 30 days;
    uint256 private constant PPM = 1_000_000;
    uint256 private constant PPM_PER_BPS = 100;
    int256 private constant DAMPING = 8;

    /// @dev `startedAt`: when the running period began, which is when the fee could last move.
    struct State {
        uint32 feePpm;
        uint32 previousPpm;
        uint40 startedAt;
    }

    struct Units {
        uint128 consumed;
        uint128 available;
    }

    State private _state;
    Units private _total;
    Units private _atStart;
    Parameters private _parameters;

    /// @param feePpm_ The first fee, within the bounds of `parameters_`.
    constructor(address authority_, uint32 feePpm_, Parameters memory parameters_) AccessManaged(authority_) {
        _check(parameters_);
        _checkRange("feePpm", feePpm_, parameters_.minimumPpm, parameters_.maximumPpm);
        _parameters = parameters_;
        _state = State(feePpm_, feePpm_, uint40(block.timestamp));
        emit ParametersChanged(parameters_);
        emit FeeChanged(feePpm_, feePpm_, 0);
    }

    /// @inheritdoc INetworkFee
    function count(uint64 consumed, uint64 available) external restricted returns (uint16 current, uint16 previous) {
        uint64 most = _parameters.unitsMaximum;
        if (consumed > most) consumed = most;
        if (available > most) available = most;
        Units storage total = _total;
        // Sums of uint64 in a uint128: 2^64 batches would be needed to overflow.
        total.consumed += consumed;
        total.available += available;
        if (block.timestamp >= nextUpdateAt()) _update();
        return feesAllowed();
    }

    /// @inheritdoc INetworkFee
    function update() external {
        if (block.timestamp < nextUpdateAt()) revert FeePeriodRunning(nextUpdateAt());
        _update();
    }

    /// @inheritdoc INetworkFee
    function setParameters(Parameters calldata value) external restricted {
        _check(value);
        _parameters = value;
        emit ParametersChanged(value);
        uint32 fee = _state.feePpm;
        uint32 within = _clamp(int256(uint256(fee)));
        if (within == fee) return;
        // The period starts anew, so that the fee before can be used for all of one; its units stay counted.
        _state = State(within, fee, uint40(block.timestamp));
        emit FeeChanged(fee, within, 0);
    }

    /// @inheritdoc INetworkFee
    function feePpm() external view returns (uint32) {
        return _state.feePpm;
    }

    /// @inheritdoc INetworkFee
    function feeBps() external view returns (uint16) {
        return uint16(_state.feePpm / PPM_PER_BPS);
    }

    /// @inheritdoc INetworkFee
    function parameters() external view returns (Parameters memory) {
        return _parameters;
    }

    /// @inheritdoc IUtilization
    function unitsTotal() external view returns (uint128 consumed, uint128 available) {
        return (_total.consumed, _total.available);
    }

    /// @inheritdoc INetworkFee
    function feesAllowed() public view returns (uint16 current, uint16 previous) {
        current = uint16(_state.feePpm / PPM_PER_BPS);
        previous = block.timestamp < nextUpdateAt() ? uint16(_state.previousPpm / PPM_PER_BPS) : current;
    }

    /// @inheritdoc INetworkFee
    function nextUpdateAt() public view returns (uint64) {
        return uint64(_state.startedAt) + _parameters.feePeriod;
    }

    /// @inheritdoc INetworkFee
    function nextFee(uint32 fee, uint128 consumed, uint128 available)
        public
        view
        returns (uint32 next, uint32 utilizationPpm)
    {
        // Nothing was offered, so nothing is known about supply and demand.
        if (available == 0) return (_clamp(int256(uint256(fee))), 0);
        utilizationPpm = uint32(Math.min(uint256(consumed) * PPM / available, PPM));
        int256 target = int256(uint256(TARGET_PPM));
        int256 signed = int256(uint256(fee));
        int256 delta = signed * (int256(uint256(utilizationPpm)) - target) / target / DAMPING;
        next = _clamp(signed + delta);
    }

    function _update() private {
        uint128 consumed = _total.consumed - _atStart.consumed;
        uint128 available = _total.available - _atStart.available;
        uint32 fee = _state.feePpm;
        (uint32 next, uint32 utilizationPpm) = nextFee(fee, consumed, available);
        _state = State(next, fee, uint40(block.timestamp));
        _atStart = _total;
        emit FeeChanged(fee, next, utilizationPpm);
    }

    function _clamp(int256 fee) private view returns (uint32) {
        if (fee < int256(uint256(_parameters.minimumPpm))) return _parameters.minimumPpm;
        if (fee > int256(uint256(_parameters.maximumPpm))) return _parameters.maximumPpm;
        // Within bounds that are uint32.
        return uint32(uint256(fee));
    }

    function _check(Parameters memory value) private pure {
        _checkRange("maximumPpm", value.maximumPpm, MIN_FEE_PPM, MAX_FEE_PPM);
        _checkRange("minimumPpm", value.minimumPpm, MIN_FEE_PPM, value.maximumPpm);
        _checkRange("feePeriod", value.feePeriod, MIN_PERIOD, MAX_PERIOD);
        _checkRange("unitsMaximum", value.unitsMaximum, 1, type(uint64).max);
    }

    function _checkRange(bytes32 name, uint256 value, uint256 minimum, uint256 maximum) private pure {
        if (value < minimum || value > maximum) revert ParameterOutOfRange(name, value, minimum, maximum);
    }
}
