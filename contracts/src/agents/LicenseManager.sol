// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {BitMaps} from "@openzeppelin/contracts/utils/structs/BitMaps.sol";
import {ILicenseManager} from "../interfaces/ILicenseManager.sol";
import {IRevenueSplitter} from "../interfaces/IRevenueSplitter.sol";
import {AgentRatings} from "./AgentRatings.sol";
import {CallCredits} from "./CallCredits.sol";

/// @dev Licences for a term, on top of terms, credits and ratings. The exclusive licence itself lies in the AgentNFT, as a
/// use right that nobody can reset; the shared ones lie here. Both raise the state nonce, since a buyer of the agent has to
/// honour them.
contract LicenseManager is CallCredits {
    using SafeERC20 for IERC20;
    using BitMaps for BitMaps.BitMap;

    bytes32 private constant OFFER_TYPEHASH = keccak256(
        "LicenseOffer(uint256 agentId,address licensee,uint8 kind,uint64 duration,uint96 price,uint24 tenure,"
        "uint64 deadline,uint256 nonce)"
    );

    /// @inheritdoc ILicenseManager
    mapping(uint256 agentId => mapping(address user => uint64)) public sharedUntil;
    /// @inheritdoc ILicenseManager
    mapping(uint256 agentId => uint64) public latestShared;
    mapping(address holder => BitMaps.BitMap) private _nonces;

    constructor(address authority_, IRevenueSplitter splitter_, Parameters memory parameters_)
        AccessManaged(authority_)
        EIP712("Vcity Licenses", "1")
        AgentRatings(splitter_, parameters_)
    {
        // The splitter pulls from its caller alone.
        stable.forceApprove(address(splitter_), type(uint256).max);
    }

    /// @inheritdoc ILicenseManager
    function buyLicense(uint256 agentId, LicenseKind kind, uint64 duration, uint256 maxPrice)
        external
        whenNotPaused
        returns (uint64 until)
    {
        uint256 price = priceOf(agentId, kind, duration);
        if (price > maxPrice) revert PriceAboveMaximum(agentId, price, maxPrice);
        return _grant(agentId, kind, duration, price);
    }

    /// @inheritdoc ILicenseManager
    function acceptOffer(LicenseOffer calldata offer, bytes calldata signature)
        external
        whenNotPaused
        returns (uint64 until)
    {
        uint256 agentId = offer.agentId;
        if (offer.licensee != address(0) && offer.licensee != msg.sender) {
            revert OfferNotForYou(agentId, offer.licensee, msg.sender);
        }
        if (block.timestamp > offer.deadline) revert OfferExpired(agentId, offer.deadline);
        uint24 tenure = nft.tenureOf(agentId);
        if (tenure != offer.tenure) revert OfferStale(agentId, tenure, offer.tenure);
        address holder = nft.ownerOf(agentId);
        _useNonce(holder, offer.nonce, false);
        bytes32 digest = offerDigest(offer);
        if (!SignatureChecker.isValidSignatureNow(holder, digest, signature)) {
            revert BadOfferSignature(holder, digest);
        }
        return _grant(agentId, offer.kind, offer.duration, offer.price);
    }

    /// @inheritdoc ILicenseManager
    function cancelNonce(uint256 nonce) external {
        _useNonce(msg.sender, nonce, true);
    }

    /// @inheritdoc ILicenseManager
    function mayCall(uint256 agentId, address user) external view returns (bool) {
        (address licensee,) = nft.exclusiveOf(agentId);
        if (licensee != address(0)) return user == licensee;
        return user == nft.ownerOf(agentId) || block.timestamp < sharedUntil[agentId][user]
            || (user != address(0) && user == nft.userOf(agentId)) || _hasCredit(agentId, user);
    }

    /// @inheritdoc ILicenseManager
    function nonceUsed(address holder, uint256 nonce) external view returns (bool) {
        return _nonces[holder].get(nonce);
    }

    /// @inheritdoc ILicenseManager
    function priceOf(uint256 agentId, LicenseKind kind, uint64 duration) public view returns (uint256) {
        Terms memory terms = termsOf(agentId);
        uint256 perDay = kind == LicenseKind.Exclusive ? terms.exclusivePerDay : terms.sharedPerDay;
        if (perDay == 0) revert NotOffered(agentId, kind);
        return Math.ceilDiv(perDay * duration, 1 days);
    }

    /// @inheritdoc ILicenseManager
    function offerDigest(LicenseOffer calldata offer) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(OFFER_TYPEHASH, offer)));
    }

    /// @dev Rights first, money last.
    function _grant(uint256 agentId, LicenseKind kind, uint64 duration, uint256 price) private returns (uint64 until) {
        Parameters memory bounds = _parameters;
        if (duration < bounds.minTerm || duration > bounds.maxTerm) {
            revert DurationOutOfBounds(bounds.minTerm, bounds.maxTerm, duration);
        }
        uint64 from = kind == LicenseKind.Exclusive ? _beginExclusive(agentId) : _beginShared(agentId);
        until = from + duration;
        uint64 latest = uint64(block.timestamp) + bounds.maxTerm;
        if (until > latest) revert TermTooLong(agentId, latest, until);
        emit Licensed(agentId, msg.sender, kind, from, until, price, nft.ownerOf(agentId));
        if (kind == LicenseKind.Exclusive) {
            nft.lend(agentId, msg.sender, until);
        } else {
            sharedUntil[agentId][msg.sender] = until;
            if (until > latestShared[agentId]) latestShared[agentId] = until;
            nft.touch(agentId);
        }
        _pullAndPassOn(agentId, msg.sender, price);
    }

    function _useNonce(address holder, uint256 nonce, bool cancelled) private {
        BitMaps.BitMap storage used = _nonces[holder];
        if (used.get(nonce)) revert NonceUsed(holder, nonce);
        used.set(nonce);
        emit OfferNonceUsed(holder, nonce, cancelled);
    }

    /// @dev When a term that the sender buys now would begin: an exclusive one excludes, so nobody else may have a right.
    function _beginExclusive(uint256 agentId) private view returns (uint64) {
        uint64 shared = latestShared[agentId];
        if (block.timestamp < shared) revert SharedRunning(agentId, shared);
        (address licensee, uint64 until) = nft.exclusiveOf(agentId);
        if (licensee == address(0)) return uint64(block.timestamp);
        if (licensee != msg.sender) revert ExclusiveRunning(agentId, licensee, until);
        return until;
    }

    function _beginShared(uint256 agentId) private view returns (uint64) {
        (address licensee, uint64 until) = nft.exclusiveOf(agentId);
        if (licensee != address(0)) revert ExclusiveRunning(agentId, licensee, until);
        return uint64(Math.max(block.timestamp, sharedUntil[agentId][msg.sender]));
    }
}
