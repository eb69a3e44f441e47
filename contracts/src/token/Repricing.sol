// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IRepricing} from "../interfaces/IRepricing.sol";
import {IVCAIToken} from "../interfaces/IVCAIToken.sol";

/// @dev Needs the role REPRICING and nothing else: it can touch no balance.
contract Repricing is IRepricing, AccessManaged {
    uint256 public constant MAX_RATIO = 1_000;
    uint64 public constant MAX_NOTICE = 90 days;

    IVCAIToken public immutable token;
    /// @inheritdoc IRepricing
    uint64 public immutable minimumNotice;

    /// @param minimumNotice_ Seconds, at most 90 days: a week on a real network, seconds on a development network.
    constructor(address authority_, IVCAIToken token_, uint64 minimumNotice_) AccessManaged(authority_) {
        if (address(token_).code.length == 0) revert NotAContract(address(token_));
        if (minimumNotice_ > MAX_NOTICE) revert NoticeOutOfRange(MAX_NOTICE, minimumNotice_);
        token = token_;
        minimumNotice = minimumNotice_;
    }

    /// @inheritdoc IRepricing
    function reprice(uint256 numerator, uint256 denominator, uint256 effectiveAt) external restricted {
        if (numerator == 0 || denominator == 0 || numerator > MAX_RATIO || denominator > MAX_RATIO) {
            revert RatioOutOfRange(MAX_RATIO, numerator, denominator);
        }
        if (numerator == denominator) revert NothingChanges(numerator, denominator);
        if (token.effectiveAt() > block.timestamp) revert ChangePending(token.effectiveAt());
        uint256 earliest = block.timestamp + minimumNotice;
        if (effectiveAt < earliest) revert NoticeTooShort(earliest, effectiveAt);
        uint256 multiplier = token.uiMultiplier();
        if (multiplier * numerator % denominator != 0) revert SplitIsNotExact(multiplier, numerator, denominator);
        uint256 next = multiplier * numerator / denominator;
        emit Repriced(numerator, denominator, multiplier, next, effectiveAt);
        token.setUIMultiplier(next, effectiveAt);
    }

    /// @inheritdoc IRepricing
    function cancel() external restricted {
        if (token.effectiveAt() <= block.timestamp) revert NoChangePending(token.effectiveAt());
        uint256 multiplier = token.uiMultiplier();
        emit RepricingCancelled(multiplier, token.newUIMultiplier());
        token.setUIMultiplier(multiplier, block.timestamp);
    }
}
