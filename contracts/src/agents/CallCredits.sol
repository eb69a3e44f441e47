// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {ILicenseManager} from "../interfaces/ILicenseManager.sol";
import {ExactPull} from "../libraries/ExactPull.sol";
import {AgentRatings} from "./AgentRatings.sol";

/// @dev Standing terms, and calls paid in advance. Each user and agent have one credit: money, calls left, calls ever used.
/// A redemption of n of m calls left takes n/m of the money, rounded down, and the last call takes all that is left, so
/// the sum of redemptions and refunds is the sum of purchases. Conservation: tokens held = `totalEscrowed` = sum of the
/// credits. A voucher that was signed and not redeemed before a refund stays good against a later credit: those calls
/// were made.
abstract contract CallCredits is AgentRatings, EIP712 {
    using SafeERC20 for IERC20;
    using ExactPull for IERC20;

    struct StandingTerms {
        Terms terms;
        uint24 tenure;
    }

    bytes32 internal constant VOUCHER_TYPEHASH = keccak256("CallVoucher(uint256 agentId,address user,uint64 used)");

    mapping(uint256 agentId => StandingTerms) private _terms;
    mapping(uint256 agentId => mapping(address user => CallCredit)) private _credits;
    /// @inheritdoc ILicenseManager
    uint256 public totalEscrowed;

    /// @inheritdoc ILicenseManager
    function setTerms(uint256 agentId, Terms calldata terms) external {
        address holder = nft.ownerOf(agentId);
        if (msg.sender != holder) revert NotTheHolder(agentId, holder, msg.sender);
        uint24 tenure = nft.tenureOf(agentId);
        _terms[agentId] = StandingTerms(terms, tenure);
        emit TermsSet(agentId, msg.sender, terms, tenure);
    }

    /// @inheritdoc ILicenseManager
    function buyCalls(uint256 agentId, uint32 calls, uint256 maxPrice) external whenNotPaused {
        if (calls == 0) revert CallsAreZero(agentId);
        uint256 perCall = termsOf(agentId).perCall;
        if (perCall == 0) revert CallsNotOffered(agentId);
        (address licensee, uint64 until) = nft.exclusiveOf(agentId);
        if (licensee != address(0)) revert ExclusiveRunning(agentId, licensee, until);
        uint256 price = perCall * calls;
        if (price > maxPrice) revert PriceAboveMaximum(agentId, price, maxPrice);
        CallCredit storage credit = _credits[agentId][msg.sender];
        // A product of a uint64 and a uint32 fits.
        credit.escrowed += uint96(price);
        credit.left += calls;
        credit.refundAt = 0;
        totalEscrowed += price;
        emit CallsBought(agentId, msg.sender, calls, price);
        stable.pullExact(msg.sender, price);
    }

    /// @inheritdoc ILicenseManager
    function redeemCalls(uint256 agentId, address user, uint64 used, bytes calldata signature)
        external
        returns (uint256 amount)
    {
        CallCredit storage credit = _credits[agentId][user];
        if (used <= credit.used) revert VoucherStale(agentId, user, credit.used, used);
        uint64 calls = used - credit.used;
        uint32 left = credit.left;
        if (calls > left) revert CreditTooLow(agentId, user, left, calls);
        bytes32 digest = voucherDigest(agentId, user, used);
        if (!SignatureChecker.isValidSignatureNow(user, digest, signature)) revert BadVoucherSignature(user, digest);
        uint256 escrowed = credit.escrowed;
        // The last call gives calls == left, and with it all that is escrowed.
        amount = escrowed * calls / left;
        credit.escrowed = uint96(escrowed - amount);
        credit.left = uint32(left - calls);
        credit.used = used;
        totalEscrowed -= amount;
        emit CallsRedeemed(agentId, user, used, uint32(calls), amount, nft.ownerOf(agentId));
        // Every call was bought for at least one base unit, so the amount is not zero.
        _passOn(agentId, user, amount);
    }

    /// @inheritdoc ILicenseManager
    function requestRefund(uint256 agentId) external {
        CallCredit storage credit = _credits[agentId][msg.sender];
        if (credit.left == 0) revert NoCredit(agentId, msg.sender);
        credit.refundAt = uint64(block.timestamp) + _parameters.refundDelay;
        emit RefundRequested(agentId, msg.sender, credit.refundAt);
    }

    /// @inheritdoc ILicenseManager
    function refund(uint256 agentId) external returns (uint256 amount) {
        CallCredit storage credit = _credits[agentId][msg.sender];
        uint32 left = credit.left;
        uint64 refundAt = credit.refundAt;
        if (left == 0) revert NoCredit(agentId, msg.sender);
        if (refundAt == 0) revert RefundNotRequested(agentId, msg.sender);
        if (block.timestamp < refundAt) revert RefundPending(agentId, msg.sender, refundAt);
        amount = credit.escrowed;
        (credit.escrowed, credit.left, credit.refundAt) = (0, 0, 0);
        totalEscrowed -= amount;
        emit CallsRefunded(agentId, msg.sender, left, amount);
        stable.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc ILicenseManager
    function creditOf(uint256 agentId, address user) external view returns (CallCredit memory) {
        return _credits[agentId][user];
    }

    /// @inheritdoc ILicenseManager
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    /// @inheritdoc ILicenseManager
    function termsOf(uint256 agentId) public view returns (Terms memory terms) {
        StandingTerms storage standing = _terms[agentId];
        if (standing.tenure == nft.tenureOf(agentId)) terms = standing.terms;
    }

    /// @inheritdoc ILicenseManager
    function voucherDigest(uint256 agentId, address user, uint64 used) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(VOUCHER_TYPEHASH, agentId, user, used)));
    }

    /// @dev Whether the user has calls left and has not asked for its money back.
    function _hasCredit(uint256 agentId, address user) internal view returns (bool) {
        CallCredit storage credit = _credits[agentId][user];
        return credit.left != 0 && credit.refundAt == 0;
    }
}
