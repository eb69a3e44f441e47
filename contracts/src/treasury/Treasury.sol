// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {IRewardStream} from "../interfaces/IRewardStream.sol";
import {ITreasury} from "../interfaces/ITreasury.sol";

/// @title All revenue of the protocol
/// @notice Parameters (role PARAMS): reserveTarget, 0 to 10,000,000 USD.
/// @dev Conservation: received() = held + boughtBack + compensated + spent, where what came in is known by what is held
/// and what went out, so nobody has to report gifts. Fees are reported and can never exceed it.
contract Treasury is ITreasury, AccessManaged {
    using SafeERC20 for IERC20;
    using SafeCast for uint256;

    uint128 public constant MAX_RESERVE = 10_000_000e6;
    uint256 public constant MAX_MEMO_BYTES = 256;

    /// @inheritdoc ITreasury
    IERC20 public immutable stable;

    uint128 private _fees;
    uint128 private _compensated;
    // One slot: what a buyback touches, and what `onFee` reads besides.
    uint96 private _boughtBack;
    uint96 private _spent;
    uint64 private _reserveTarget;

    constructor(address authority_, IERC20 stable_, Parameters memory parameters_) AccessManaged(authority_) {
        if (address(stable_).code.length == 0) revert NotAContract(address(stable_));
        stable = stable_;
        _setParameters(parameters_);
    }

    /// @inheritdoc ITreasury
    function onFee(uint128 amount) external restricted {
        uint128 total = _fees + amount;
        uint256 everything = received();
        if (total > everything) revert FeeNotReceived(total, everything);
        _fees = total;
        emit FeeReceived(msg.sender, amount, total);
    }

    /// @inheritdoc ITreasury
    function drawForBuyback(uint256 max) external restricted returns (uint256 amount) {
        amount = FixedPointMathLib.min(max, availableForBuyback());
        if (amount == 0) return 0;
        uint96 total = _boughtBack + amount.toUint96();
        _boughtBack = total;
        // The cast above proves that the amount fits.
        emit BuybackDrawn(msg.sender, uint128(amount), total);
        stable.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc ITreasury
    function compensate(address to, uint128 amount) external restricted returns (uint128 paid) {
        if (to == address(0)) revert RecipientIsZero(address(stable), amount);
        // The smaller of a uint128 and the balance fits.
        paid = uint128(FixedPointMathLib.min(amount, stable.balanceOf(address(this))));
        _compensated += paid;
        emit Compensated(msg.sender, to, amount, paid);
        if (paid != 0) stable.safeTransfer(to, paid);
    }

    /// @inheritdoc ITreasury
    function spend(IERC20 token, address to, uint256 amount, string calldata memo) external restricted {
        if (to == address(0)) revert RecipientIsZero(address(token), amount);
        uint256 length = bytes(memo).length;
        if (length > MAX_MEMO_BYTES) revert MemoTooLong(MAX_MEMO_BYTES, length);
        _checkFunds(token, amount);
        if (token == stable) _spent += amount.toUint96();
        emit Spent(address(token), to, amount, memo);
        token.safeTransfer(to, amount);
    }

    /// @inheritdoc ITreasury
    function giveToLockers(IRewardStream stream, IERC20 vcai, uint256 amount) external restricted {
        // It would leave uncounted.
        if (vcai == stable) revert StableIsNotAReward(address(vcai));
        _checkFunds(vcai, amount);
        emit GivenToLockers(address(stream), address(vcai), amount);
        vcai.forceApprove(address(stream), amount);
        stream.notify(amount);
        vcai.forceApprove(address(stream), 0);
    }

    /// @inheritdoc ITreasury
    function setParameters(Parameters calldata value) external restricted {
        _setParameters(value);
    }

    /// @inheritdoc ITreasury
    function parameters() external view returns (Parameters memory) {
        return Parameters(_reserveTarget);
    }

    /// @inheritdoc ITreasury
    function netFees() external view returns (uint256) {
        return FixedPointMathLib.zeroFloorSub(_fees, _compensated);
    }

    /// @inheritdoc ITreasury
    function fees() external view returns (uint128) {
        return _fees;
    }

    /// @inheritdoc ITreasury
    function compensated() external view returns (uint128) {
        return _compensated;
    }

    /// @inheritdoc ITreasury
    function boughtBack() external view returns (uint128) {
        return _boughtBack;
    }

    /// @inheritdoc ITreasury
    function spent() external view returns (uint128) {
        return _spent;
    }

    /// @inheritdoc ITreasury
    function received() public view returns (uint256) {
        return stable.balanceOf(address(this)) + _boughtBack + _compensated + _spent;
    }

    /// @inheritdoc ITreasury
    function availableForBuyback() public view returns (uint256) {
        return FixedPointMathLib.zeroFloorSub(stable.balanceOf(address(this)), _reserveTarget);
    }

    function _checkFunds(IERC20 token, uint256 amount) private view {
        if (amount == 0) revert AmountIsZero(address(token));
        uint256 held = token.balanceOf(address(this));
        if (amount > held) revert InsufficientFunds(address(token), held, amount);
    }

    function _setParameters(Parameters memory value) private {
        if (value.reserveTarget > MAX_RESERVE) revert ReserveTargetTooHigh(MAX_RESERVE, value.reserveTarget);
        // MAX_RESERVE fits.
        _reserveTarget = uint64(value.reserveTarget);
        emit ParametersChanged(value);
    }
}
