// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {IAgentMarket} from "../interfaces/IAgentMarket.sol";
import {IAgentNFT} from "../interfaces/IAgentNFT.sol";
import {IRevenueSplitter} from "../interfaces/IRevenueSplitter.sol";
import {ExactPull} from "../libraries/ExactPull.sol";
import {ExpiringPause} from "../libraries/ExpiringPause.sol";

/// @dev Conservation: tokens held = `totalHeld` = sum of offers and of `owed`, but for tokens sent here by mistake. Agents
/// move with `transferFrom`: both sides asked for the sale, and no receiver is called back.
contract AgentMarket is IAgentMarket, ExpiringPause, ReentrancyGuard {
    using SafeERC20 for IERC20;
    using ExactPull for IERC20;

    struct Sale {
        uint256 agentId;
        address seller;
        address buyer;
        uint256 price;
        uint256 commissionBps;
        uint48 nonce;
    }

    uint16 public constant MAX_COMMISSION_BPS = 1_000;
    /// @notice No listing or offer stands longer; it also catches an expiry given in milliseconds.
    uint64 public constant MAX_EXPIRY = 366 days;
    uint256 private constant BPS = 10_000;

    /// @inheritdoc IAgentMarket
    IAgentNFT public immutable nft;
    /// @inheritdoc IAgentMarket
    IRevenueSplitter public immutable splitter;
    /// @inheritdoc IAgentMarket
    IERC20 public immutable stable;

    Parameters private _parameters;
    mapping(uint256 agentId => Listing) private _listings;
    mapping(uint256 agentId => mapping(address bidder => Offer)) private _offers;
    /// @inheritdoc IAgentMarket
    mapping(address account => uint256) public owed;
    /// @inheritdoc IAgentMarket
    uint256 public totalHeld;

    constructor(address authority_, IRevenueSplitter splitter_, Parameters memory parameters_)
        AccessManaged(authority_)
    {
        splitter = splitter_;
        nft = splitter_.nft();
        stable = splitter_.stable();
        _setParameters(parameters_);
    }

    /// @inheritdoc IAgentMarket
    function list(uint256 agentId, uint96 price, uint64 expiry) external whenNotPaused {
        _checkHolder(agentId);
        if (price == 0) revert PriceIsZero(agentId);
        _checkExpiry(expiry);
        uint24 tenure = nft.tenureOf(agentId);
        uint16 commissionBps = _parameters.commissionBps;
        _listings[agentId] = Listing(msg.sender, price, expiry, tenure, commissionBps);
        emit Listed(agentId, msg.sender, price, expiry, tenure, commissionBps);
    }

    /// @inheritdoc IAgentMarket
    function unlist(uint256 agentId) external {
        Listing memory listing = _listings[agentId];
        if (listing.seller == address(0)) revert NotListed(agentId);
        if (msg.sender != listing.seller && _isGood(agentId, listing)) {
            revert ListingStillGood(agentId, listing.seller);
        }
        delete _listings[agentId];
        emit Unlisted(agentId, listing.seller);
    }

    /// @inheritdoc IAgentMarket
    function buy(uint256 agentId, uint256 maxPrice, uint48 nonce) external whenNotPaused nonReentrant {
        Listing memory listing = _listings[agentId];
        if (listing.seller == address(0)) revert NotListed(agentId);
        if (nft.tenureOf(agentId) != listing.tenure) revert ListingStale(agentId, listing.seller);
        if (block.timestamp >= listing.expiry) revert ListingExpired(agentId, listing.expiry);
        if (msg.sender == listing.seller) revert BuyerIsTheHolder(agentId, listing.seller);
        if (listing.price > maxPrice) revert PriceAboveMaximum(agentId, listing.price, maxPrice);
        delete _listings[agentId];
        stable.pullExact(msg.sender, listing.price);
        totalHeld += listing.price;
        _sell(Sale(agentId, listing.seller, msg.sender, listing.price, listing.commissionBps, nonce));
    }

    /// @inheritdoc IAgentMarket
    function makeOffer(uint256 agentId, uint96 amount, uint64 expiry, uint48 nonce)
        external
        whenNotPaused
        nonReentrant
    {
        if (amount == 0) revert PriceIsZero(agentId);
        _checkExpiry(expiry);
        address holder = nft.ownerOf(agentId);
        if (msg.sender == holder) revert BuyerIsTheHolder(agentId, holder);
        _checkNonce(agentId, nonce);
        uint256 standing = _offers[agentId][msg.sender].amount;
        if (standing != 0) revert OfferExists(agentId, msg.sender, standing);
        _offers[agentId][msg.sender] = Offer(amount, expiry, nonce);
        totalHeld += amount;
        emit OfferMade(agentId, msg.sender, amount, expiry, nonce);
        stable.pullExact(msg.sender, amount);
    }

    /// @inheritdoc IAgentMarket
    function cancelOffer(uint256 agentId) external nonReentrant {
        uint256 amount = _offers[agentId][msg.sender].amount;
        if (amount == 0) revert NoOffer(agentId, msg.sender);
        delete _offers[agentId][msg.sender];
        totalHeld -= amount;
        emit OfferCancelled(agentId, msg.sender, amount);
        stable.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IAgentMarket
    function acceptOffer(uint256 agentId, address bidder, uint256 minProceeds) external whenNotPaused nonReentrant {
        _checkHolder(agentId);
        Offer memory offer = _offers[agentId][bidder];
        if (offer.amount == 0) revert NoOffer(agentId, bidder);
        if (block.timestamp >= offer.expiry) revert OfferExpired(agentId, bidder, offer.expiry);
        if (bidder == msg.sender) revert BuyerIsTheHolder(agentId, bidder);
        delete _offers[agentId][bidder];
        delete _listings[agentId];
        uint256 commissionBps = _parameters.commissionBps;
        uint256 proceeds = _sell(Sale(agentId, msg.sender, bidder, offer.amount, commissionBps, offer.nonce));
        if (proceeds < minProceeds) revert ProceedsTooLow(agentId, proceeds, minProceeds);
    }

    /// @inheritdoc IAgentMarket
    function withdraw(address account) external nonReentrant returns (uint256 amount) {
        amount = owed[account];
        if (amount == 0) revert NothingToWithdraw(account);
        owed[account] = 0;
        totalHeld -= amount;
        emit Withdrawn(account, amount);
        stable.safeTransfer(account, amount);
    }

    /// @inheritdoc IAgentMarket
    function setParameters(Parameters calldata value) external restricted {
        _setParameters(value);
    }

    /// @inheritdoc IAgentMarket
    function listingOf(uint256 agentId) external view returns (Listing memory) {
        return _listings[agentId];
    }

    /// @inheritdoc IAgentMarket
    function isListed(uint256 agentId) external view returns (bool) {
        Listing memory listing = _listings[agentId];
        if (listing.seller == address(0) || !_isGood(agentId, listing)) return false;
        return nft.getApproved(agentId) == address(this) || nft.isApprovedForAll(listing.seller, address(this));
    }

    /// @inheritdoc IAgentMarket
    function offerOf(uint256 agentId, address bidder) external view returns (Offer memory) {
        return _offers[agentId][bidder];
    }

    /// @inheritdoc IAgentMarket
    function parameters() external view returns (Parameters memory) {
        return _parameters;
    }

    /// @dev The price is here already. The till is swept while the seller still holds the agent, so that what was earned
    /// until now is the seller's; then the agent moves, and the commission leaves last.
    function _sell(Sale memory sale) private returns (uint256 proceeds) {
        splitter.sweep(sale.agentId);
        (address receiver, uint256 royalty) = nft.royaltyInfo(sale.agentId, sale.price);
        uint256 commission = sale.price * sale.commissionBps / BPS;
        proceeds = sale.price - commission - royalty;
        owed[sale.seller] += proceeds;
        owed[receiver] += royalty;
        totalHeld -= commission;
        emit AgentSold(sale.agentId, sale.seller, sale.buyer, sale.price, commission, royalty, receiver);
        // As late as can be: whatever happened in this transaction, the buyer gets the agent that it saw.
        _checkNonce(sale.agentId, sale.nonce);
        nft.transferFrom(sale.seller, sale.buyer, sale.agentId);
        if (commission != 0) stable.safeTransfer(_parameters.treasury, commission);
    }

    function _setParameters(Parameters memory value) private {
        if (value.treasury == address(0)) revert TreasuryIsZero(value.treasury);
        if (value.commissionBps > MAX_COMMISSION_BPS) {
            revert CommissionTooHigh(MAX_COMMISSION_BPS, value.commissionBps);
        }
        _parameters = value;
        emit ParametersChanged(value);
    }

    function _checkHolder(uint256 agentId) private view {
        address holder = nft.ownerOf(agentId);
        if (msg.sender != holder) revert NotTheHolder(agentId, holder, msg.sender);
    }

    function _checkNonce(uint256 agentId, uint48 expected) private view {
        uint48 nonce = nft.stateNonce(agentId);
        if (nonce != expected) revert AgentChanged(agentId, nonce, expected);
    }

    function _checkExpiry(uint64 expiry) private view {
        uint256 latest = block.timestamp + MAX_EXPIRY;
        if (expiry <= block.timestamp || expiry > latest) {
            revert ExpiryOutOfBounds(block.timestamp + 1, latest, expiry);
        }
    }

    /// @dev A tenure has one holder, so the seller is the holder exactly while the tenure is that of the listing.
    function _isGood(uint256 agentId, Listing memory listing) private view returns (bool) {
        return block.timestamp < listing.expiry && nft.tenureOf(agentId) == listing.tenure;
    }
}
