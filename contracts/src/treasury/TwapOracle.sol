// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IUniswapV2Pair} from "@uniswap/v2-core/contracts/interfaces/IUniswapV2Pair.sol";
import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {IPriceOracle} from "../interfaces/IPriceOracle.sol";
import {ITwapOracle} from "../interfaces/ITwapOracle.sol";

/// @title The price of VCAI as an average over time of one Uniswap v2 pool
/// @notice Parameters (role PARAMS): window, minimumWindow to 1 day; maximumAge, window to 7 days; minimumReserve,
/// from 1; fallbackPrice, 0 (none) to 1,000,000 USD.
/// @dev Uniswap's accumulators count price times seconds as UQ112x112 and wrap at 2^256, its clock at 2^32; only
/// differences are used, and those are right across a wrap. Average and time of observation share one slot.
contract TwapOracle is ITwapOracle, AccessManaged {
    uint32 public constant MAX_WINDOW = 1 days;
    uint32 public constant MAX_AGE = 7 days;
    uint128 public constant MAX_FALLBACK_PRICE = 1_000_000e6;
    uint256 private constant ONE_VCAI = 1e18;
    uint256 private constant Q112 = 1 << 112;

    IERC20 public immutable vcai;
    IERC20 public immutable stable;
    /// @inheritdoc ITwapOracle
    uint32 public immutable minimumWindow;
    /// @dev Uniswap sorts the tokens of a pool by address.
    bool private immutable _stableIsToken0;

    Parameters private _parameters;
    uint224 private _average;
    uint32 private _averagedAt;
    address private _pool;
    uint32 private _observedAt;
    uint64 private _observedReserve;
    uint256 private _cumulative;

    constructor(address authority_, IERC20 vcai_, IERC20 stable_, uint32 minimumWindow_, Parameters memory parameters_)
        AccessManaged(authority_)
    {
        if (address(vcai_).code.length == 0) revert NotAContract(address(vcai_));
        if (address(stable_).code.length == 0) revert NotAContract(address(stable_));
        _checkRange("minimumWindow", minimumWindow_, 1, MAX_WINDOW);
        (vcai, stable, minimumWindow) = (vcai_, stable_, minimumWindow_);
        _stableIsToken0 = address(stable_) < address(vcai_);
        _setParameters(parameters_);
    }

    /// @inheritdoc ITwapOracle
    function observe() external {
        address pool_ = _pool;
        if (pool_ == address(0)) revert NoPool();
        uint32 now_ = uint32(block.timestamp);
        (uint256 cumulative, uint256 reserve) = _read(pool_, now_);
        uint32 last = _observedAt;
        uint32 covered;
        unchecked {
            covered = now_ - last; // modulo 2^32, like Uniswap's clock
        }
        bool starts = last == 0 || covered > _parameters.maximumAge;
        if (!starts && covered < _parameters.window) {
            revert TooEarly(block.timestamp + _parameters.window - covered);
        }
        uint256 before = _cumulative;
        _cumulative = cumulative;
        _observedAt = now_;
        _observedReserve = uint64(FixedPointMathLib.min(reserve, type(uint64).max));
        if (starts) {
            emit WindowStarted(pool_, reserve);
            return;
        }
        if (_average == 0) emit FallbackEnded(pool_);
        unchecked {
            // Modulo 2^256, as Uniswap intends; a mean of prices below 2^224 is below 2^224.
            _average = uint224((cumulative - before) / covered);
        }
        _averagedAt = now_;
        emit Observed(pool_, _average, covered, reserve);
    }

    /// @inheritdoc ITwapOracle
    function adoptPool(address pool_) external restricted {
        if (pool_ != address(0)) {
            if (pool_.code.length == 0) revert NotAContract(pool_);
            address token0 = IUniswapV2Pair(pool_).token0();
            address token1 = IUniswapV2Pair(pool_).token1();
            (address first, address second) =
                _stableIsToken0 ? (address(stable), address(vcai)) : (address(vcai), address(stable));
            if (token0 != first || token1 != second) revert WrongPool(pool_, token0, token1);
        }
        _pool = pool_;
        (_average, _averagedAt, _observedAt, _observedReserve, _cumulative) = (0, 0, 0, 0, 0);
        emit PoolAdopted(pool_);
    }

    /// @inheritdoc ITwapOracle
    function setParameters(Parameters calldata value) external restricted {
        _setParameters(value);
    }

    /// @inheritdoc IPriceOracle
    function vcaiFor(uint256 usd) external view returns (uint256) {
        uint224 average = _youngAverage();
        if (average == 0) return FixedPointMathLib.fullMulDiv(usd, ONE_VCAI, _fallbackPrice());
        return FixedPointMathLib.fullMulDiv(usd, Q112, average);
    }

    /// @inheritdoc IPriceOracle
    function usdFor(uint256 amount) external view returns (uint256) {
        uint224 average = _youngAverage();
        if (average == 0) return FixedPointMathLib.fullMulDiv(amount, _fallbackPrice(), ONE_VCAI);
        return FixedPointMathLib.fullMulDiv(amount, average, Q112);
    }

    /// @inheritdoc ITwapOracle
    function market() external view returns (address, bool, uint224, uint64) {
        uint224 average = _youngAverage();
        if (average == 0) revert NoPrice();
        return (_pool, _stableIsToken0, average, _observedReserve);
    }

    /// @inheritdoc ITwapOracle
    function pool() external view returns (address) {
        return _pool;
    }

    /// @inheritdoc ITwapOracle
    function lastAverage() external view returns (uint224, uint32) {
        return (_average, _averagedAt);
    }

    /// @inheritdoc ITwapOracle
    function observedAt() external view returns (uint32) {
        return _observedAt;
    }

    /// @inheritdoc ITwapOracle
    function usesFallback() external view returns (bool) {
        return _average == 0 && _parameters.fallbackPrice != 0;
    }

    /// @inheritdoc ITwapOracle
    function parameters() external view returns (Parameters memory) {
        return _parameters;
    }

    function _fallbackPrice() private view returns (uint256 price) {
        price = _parameters.fallbackPrice;
        if (price == 0) revert NoPrice();
    }

    /// @dev Zero when there is none yet.
    function _youngAverage() private view returns (uint224 average) {
        uint32 averagedAt;
        (average, averagedAt) = (_average, _averagedAt);
        if (average == 0) return 0;
        uint32 age;
        unchecked {
            age = uint32(block.timestamp) - averagedAt; // modulo 2^32
        }
        uint32 oldest = _parameters.maximumAge;
        if (age > oldest) revert PriceIsStale(block.timestamp - age, oldest);
    }

    /// @dev The accumulator of the price of VCAI in the stablecoin as it would be if the pool were touched now.
    function _read(address pool_, uint32 now_) private view returns (uint256 cumulative, uint256 reserve) {
        (uint112 reserve0, uint112 reserve1, uint32 touchedAt) = IUniswapV2Pair(pool_).getReserves();
        bool first = _stableIsToken0;
        uint256 other;
        (reserve, other) = first ? (reserve0, reserve1) : (reserve1, reserve0);
        if (reserve < _parameters.minimumReserve || other == 0) {
            revert PoolTooThin(reserve, _parameters.minimumReserve);
        }
        // price0 is token1 per token0: with the stablecoin as token 1 it is the price of VCAI.
        cumulative =
            first ? IUniswapV2Pair(pool_).price1CumulativeLast() : IUniswapV2Pair(pool_).price0CumulativeLast();
        unchecked {
            // Both differences are meant to wrap, see above.
            cumulative += ((reserve << 112) / other) * uint32(now_ - touchedAt);
        }
    }

    function _setParameters(Parameters memory value) private {
        _checkRange("window", value.window, minimumWindow, MAX_WINDOW);
        _checkRange("maximumAge", value.maximumAge, value.window, MAX_AGE);
        _checkRange("minimumReserve", value.minimumReserve, 1, type(uint64).max);
        _checkRange("fallbackPrice", value.fallbackPrice, 0, MAX_FALLBACK_PRICE);
        _parameters = value;
        emit ParametersChanged(value);
    }

    function _checkRange(bytes32 name, uint256 value, uint256 minimum, uint256 maximum) private pure {
        if (value < minimum || value > maximum) revert ParameterOutOfRange(name, value, minimum, maximum);
    }
}
