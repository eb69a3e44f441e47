// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IAgentNFT} from "../interfaces/IAgentNFT.sol";
import {ILicenseManager} from "../interfaces/ILicenseManager.sol";
import {IRevenueSplitter} from "../interfaces/IRevenueSplitter.sol";
import {ExactPull} from "../libraries/ExactPull.sol";
import {ExpiringPause} from "../libraries/ExpiringPause.sol";

/// @dev Payments for agents, and ratings by those who made them. A payment counts once, in the rating that follows it, and
/// with its amount as weight: a crowd of paid strangers costs at least the platform's share of what it claims to have paid.
abstract contract AgentRatings is ILicenseManager, ExpiringPause {
    using ExactPull for IERC20;

    uint64 public constant MAX_TERM = 1_461 days;
    uint64 public constant MAX_REFUND_DELAY = 30 days;
    uint64 public constant MAX_RATING_THRESHOLD = 100e6;
    uint8 public constant MIN_STARS = 1;
    uint8 public constant MAX_STARS = 5;

    /// @inheritdoc ILicenseManager
    IAgentNFT public immutable nft;
    /// @inheritdoc ILicenseManager
    IRevenueSplitter public immutable splitter;
    /// @inheritdoc ILicenseManager
    IERC20 public immutable stable;

    Parameters internal _parameters;
    mapping(uint256 agentId => RatingSum) private _ratings;
    mapping(uint256 agentId => mapping(address user => uint256)) private _unrated;

    constructor(IRevenueSplitter splitter_, Parameters memory parameters_) {
        splitter = splitter_;
        nft = splitter_.nft();
        stable = splitter_.stable();
        _setParameters(parameters_);
    }

    /// @inheritdoc ILicenseManager
    function rate(uint256 agentId, uint8 stars, bytes32 commentHash, string calldata uri) external {
        if (stars < MIN_STARS || stars > MAX_STARS) revert StarsOutOfRange(MIN_STARS, MAX_STARS, stars);
        if (msg.sender == nft.ownerOf(agentId) || msg.sender == nft.agentOf(agentId).developer) {
            revert InsiderCannotRate(agentId, msg.sender);
        }
        uint256 paid = _unrated[agentId][msg.sender];
        uint256 needed = _parameters.ratingThreshold;
        if (paid < needed) revert NothingToRate(agentId, msg.sender, paid, needed);
        _unrated[agentId][msg.sender] = 0;
        RatingSum storage sum = _ratings[agentId];
        sum.count += 1;
        sum.stars += stars;
        // Not above what all stablecoins of the world sum to.
        sum.weight += uint88(paid);
        sum.weightedStars += uint96(paid * stars);
        emit Rated(agentId, msg.sender, stars, paid, commentHash, uri);
    }

    /// @inheritdoc ILicenseManager
    function setParameters(Parameters calldata value) external restricted {
        _setParameters(value);
    }

    /// @inheritdoc ILicenseManager
    function unratedPaymentOf(uint256 agentId, address user) external view returns (uint256) {
        return _unrated[agentId][user];
    }

    /// @inheritdoc ILicenseManager
    function ratingOf(uint256 agentId) external view returns (RatingSum memory) {
        return _ratings[agentId];
    }

    /// @inheritdoc ILicenseManager
    function parameters() external view returns (Parameters memory) {
        return _parameters;
    }

    /// @dev Passes on money that is here already, and remembers who paid it.
    function _passOn(uint256 agentId, address user, uint256 amount) internal {
        _unrated[agentId][user] += amount;
        splitter.pay(agentId, amount);
    }

    function _pullAndPassOn(uint256 agentId, address user, uint256 amount) internal {
        if (amount == 0) return;
        stable.pullExact(user, amount);
        _passOn(agentId, user, amount);
    }

    function _setParameters(Parameters memory value) private {
        if (value.minTerm == 0 || value.minTerm > value.maxTerm || value.maxTerm > MAX_TERM) {
            revert TermBoundsInvalid(value.minTerm, value.maxTerm, MAX_TERM);
        }
        if (value.refundDelay > MAX_REFUND_DELAY) revert RefundDelayTooLong(MAX_REFUND_DELAY, value.refundDelay);
        if (value.ratingThreshold == 0 || value.ratingThreshold > MAX_RATING_THRESHOLD) {
            revert RatingThresholdInvalid(1, MAX_RATING_THRESHOLD, value.ratingThreshold);
        }
        _parameters = value;
        emit ParametersChanged(value);
    }
}
