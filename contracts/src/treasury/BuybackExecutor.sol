// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IUniswapV2Pair} from "@uniswap/v2-core/contracts/interfaces/IUniswapV2Pair.sol";
import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {IBuybackExecutor} from "../interfaces/IBuybackExecutor.sol";
import {IRewardStream} from "../interfaces/IRewardStream.sol";
import {ITreasury} from "../interfaces/ITreasury.sol";
import {ITwapOracle} from "../interfaces/ITwapOracle.sol";
import {ExpiringPause} from "../libraries/ExpiringPause.sol";

/// @title Buys VCAI with the protocol's revenue and gives all of it to lockers
/// @notice Parameters (role PARAMS): interval, minimumInterval to 30 days; depthBps, 1 to 30; toleranceBps, 1 to 1000;
/// minimumSpend, from 1; maximumSpend, from minimumSpend.
/// @dev Swaps with the pool itself, not through a router, so that the market is the one whose average sets the bound;
/// the bound is part of the same call, and the pool pays exactly the amount asked for or reverts. The contract keeps
/// nothing: stablecoin that somebody sends here is spent, VCAI goes to lockers with what was bought.
contract BuybackExecutor is IBuybackExecutor, ExpiringPause {
    using SafeERC20 for IERC20;

    /// @dev The parameters, and the unix second from which to buy again, in one slot.
    struct State {
        uint32 interval;
        uint16 depthBps;
        uint16 toleranceBps;
        uint64 minimumSpend;
        uint64 maximumSpend;
        uint40 nextAt;
    }

    uint32 public constant MAX_INTERVAL = 30 days;
    /// @notice The pool's fee of 0.3 % on both trades of a sandwich is more than a buyback of this size lets it gain.
    uint16 public constant MAX_DEPTH_BPS = 30;
    uint16 public constant MAX_TOLERANCE_BPS = 1_000;
    uint256 private constant BPS = 10_000;
    uint256 private constant Q112 = 1 << 112;

    /// @inheritdoc IBuybackExecutor
    ITreasury public immutable treasury;
    /// @inheritdoc IBuybackExecutor
    ITwapOracle public immutable oracle;
    /// @inheritdoc IBuybackExecutor
    IRewardStream public immutable stream;
    /// @inheritdoc IBuybackExecutor
    IERC20 public immutable stable;
    /// @inheritdoc IBuybackExecutor
    IERC20 public immutable vcai;
    /// @inheritdoc IBuybackExecutor
    uint32 public immutable minimumInterval;

    State private _state;

    constructor(
        address authority_,
        ITreasury treasury_,
        ITwapOracle oracle_,
        IRewardStream stream_,
        IERC20 vcai_,
        uint32 minimumInterval_,
        Parameters memory parameters_
    ) AccessManaged(authority_) {
        _checkContract(address(treasury_));
        _checkContract(address(oracle_));
        _checkContract(address(stream_));
        _checkContract(address(vcai_));
        _checkRange("minimumInterval", minimumInterval_, 1, MAX_INTERVAL);
        (treasury, oracle, stream, vcai, minimumInterval) = (treasury_, oracle_, stream_, vcai_, minimumInterval_);
        stable = treasury_.stable();
        _setParameters(parameters_);
        // The stream takes what was bought; this contract holds VCAI at no other time.
        vcai_.forceApprove(address(stream_), type(uint256).max);
    }

    /// @inheritdoc IBuybackExecutor
    function buy() external whenNotPaused returns (uint256 spent, uint256 bought) {
        State memory current = _state;
        if (block.timestamp < current.nextAt) revert TooEarly(current.nextAt);
        uint40 next = uint40(block.timestamp) + current.interval;
        _state.nextAt = next;
        (address pool, bool stableFirst, uint224 average, uint64 observedReserve) = oracle.market();
        (uint256 reserveIn, uint256 reserveOut) = _reserves(pool, stableFirst);
        spent = _collect(current, FixedPointMathLib.min(reserveIn, observedReserve));
        uint256 minimum = _minimumOut(spent, average, current.toleranceBps);
        bought = _amountOut(spent, reserveIn, reserveOut);
        if (bought < minimum) revert PriceTooHigh(bought, minimum);
        stable.safeTransfer(pool, spent);
        IUniswapV2Pair(pool).swap(stableFirst ? 0 : bought, stableFirst ? bought : 0, address(this), "");
        bought = vcai.balanceOf(address(this));
        emit BoughtBack(msg.sender, spent, bought, minimum, next);
        stream.notify(bought);
    }

    /// @inheritdoc IBuybackExecutor
    function setParameters(Parameters calldata value) external restricted {
        _setParameters(value);
    }

    /// @inheritdoc IBuybackExecutor
    function parameters() external view returns (Parameters memory) {
        State memory current = _state;
        return Parameters({
            interval: current.interval,
            depthBps: current.depthBps,
            toleranceBps: current.toleranceBps,
            minimumSpend: current.minimumSpend,
            maximumSpend: current.maximumSpend
        });
    }

    /// @inheritdoc IBuybackExecutor
    function nextAt() external view returns (uint40) {
        return _state.nextAt;
    }

    /// @dev Brings together what this buyback spends. The depth is the smaller of now and the last observation:
    /// liquidity that is lent for one transaction does not raise it.
    function _collect(State memory current, uint256 depth) private returns (uint256 amount) {
        uint256 most = FixedPointMathLib.min(depth * current.depthBps / BPS, current.maximumSpend);
        amount = FixedPointMathLib.min(stable.balanceOf(address(this)), most);
        amount += treasury.drawForBuyback(most - amount);
        if (amount < current.minimumSpend) revert TooLittleToSpend(amount, current.minimumSpend);
    }

    function _reserves(address pool, bool stableFirst) private view returns (uint256, uint256) {
        (uint112 reserve0, uint112 reserve1,) = IUniswapV2Pair(pool).getReserves();
        return stableFirst ? (reserve0, reserve1) : (reserve1, reserve0);
    }

    /// @dev The amount is below 2^64 (maximumSpend) and the tolerance below BPS; the quotient of an average of at
    /// least one is below 2^176.
    function _minimumOut(uint256 amount, uint224 average, uint16 toleranceBps) private pure returns (uint256) {
        unchecked {
            return amount * Q112 / average * (BPS - toleranceBps) / BPS;
        }
    }

    /// @dev Uniswap v2: the constant product after the fee of 0.3 %. The amount is below 2^64 and the reserves are
    /// below 2^112, so nothing overflows; the pool has stablecoin.
    function _amountOut(uint256 amountIn, uint256 reserveIn, uint256 reserveOut) private pure returns (uint256) {
        unchecked {
            uint256 afterFee = amountIn * 997;
            return afterFee * reserveOut / (reserveIn * 1_000 + afterFee);
        }
    }

    function _setParameters(Parameters memory value) private {
        _checkRange("interval", value.interval, minimumInterval, MAX_INTERVAL);
        _checkRange("depthBps", value.depthBps, 1, MAX_DEPTH_BPS);
        _checkRange("toleranceBps", value.toleranceBps, 1, MAX_TOLERANCE_BPS);
        _checkRange("minimumSpend", value.minimumSpend, 1, type(uint64).max);
        _checkRange("maximumSpend", value.maximumSpend, value.minimumSpend, type(uint64).max);
        _state = State({
            interval: value.interval,
            depthBps: value.depthBps,
            toleranceBps: value.toleranceBps,
            minimumSpend: value.minimumSpend,
            maximumSpend: value.maximumSpend,
            nextAt: _state.nextAt
        });
        emit ParametersChanged(value);
    }

    function _checkRange(bytes32 name, uint256 value, uint256 minimum, uint256 maximum) private pure {
        if (value < minimum || value > maximum) revert ParameterOutOfRange(name, value, minimum, maximum);
    }

    function _checkContract(address given) private view {
        if (given.code.length == 0) revert NotAContract(given);
    }
}
