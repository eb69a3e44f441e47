// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IAgentNFT} from "./IAgentNFT.sol";
import {IRevenueSplitter} from "./IRevenueSplitter.sol";

/// @title Rights to call an agent: exclusive and shared licences for a term, prepaid calls, ratings by those who paid
/// @notice A licence survives the sale of the agent. An exclusive licence excludes everybody else, the holder too, and is
/// only sold while no shared licence runs. Prepaid calls stay the user's money until the user signs for them.
///
/// | parameter | bounds | who |
/// | --- | --- | --- |
/// | minTerm | 1 second to maxTerm | DAO |
/// | maxTerm | at most 1,461 days | DAO |
/// | refundDelay | at most 30 days | DAO |
/// | ratingThreshold | 1 to 100 USD | DAO |
interface ILicenseManager {
    enum LicenseKind {
        Exclusive,
        Shared
    }

    /// @notice Standing terms of a holder, in stablecoin base units; 0 means not offered.
    struct Terms {
        uint64 exclusivePerDay;
        uint64 sharedPerDay;
        uint64 perCall;
    }

    /// @notice An offer that the holder signs (EIP-712). It is good for one licence.
    /// @param licensee Who may take it; zero for anyone.
    /// @param duration Seconds.
    /// @param price For the whole term, in stablecoin base units; may be 0.
    /// @param tenure `tenureOf` the agent at signing: a later holder is not bound.
    /// @param deadline Last unix second at which it can be taken.
    struct LicenseOffer {
        uint256 agentId;
        address licensee;
        LicenseKind kind;
        uint64 duration;
        uint96 price;
        uint24 tenure;
        uint64 deadline;
        uint256 nonce;
    }

    /// @notice Prepaid calls of one user of one agent.
    /// @param escrowed Money that waits, in stablecoin base units.
    /// @param left Calls that it pays.
    /// @param used Calls signed for and paid, ever.
    /// @param refundAt When a requested refund can be taken; 0 for none.
    struct CallCredit {
        uint96 escrowed;
        uint32 left;
        uint64 used;
        uint64 refundAt;
    }

    /// @notice Sums over all ratings of an agent. `weightedStars / weight` is the mean weighted by money paid.
    struct RatingSum {
        uint32 count;
        uint40 stars;
        uint88 weight;
        uint96 weightedStars;
    }

    struct Parameters {
        uint64 minTerm;
        uint64 maxTerm;
        uint64 refundDelay;
        uint64 ratingThreshold;
    }

    event TermsSet(uint256 indexed agentId, address indexed holder, Terms terms, uint24 tenure);
    event Licensed(
        uint256 indexed agentId,
        address indexed licensee,
        LicenseKind kind,
        uint64 from,
        uint64 until,
        uint256 price,
        address indexed holder
    );
    event OfferNonceUsed(address indexed holder, uint256 nonce, bool cancelled);
    event CallsBought(uint256 indexed agentId, address indexed user, uint32 calls, uint256 price);
    event CallsRedeemed(
        uint256 indexed agentId,
        address indexed user,
        uint64 used,
        uint32 calls,
        uint256 amount,
        address indexed holder
    );
    event RefundRequested(uint256 indexed agentId, address indexed user, uint64 refundAt);
    event CallsRefunded(uint256 indexed agentId, address indexed user, uint32 calls, uint256 amount);
    event Rated(
        uint256 indexed agentId, address indexed user, uint8 stars, uint256 paid, bytes32 commentHash, string uri
    );
    event ParametersChanged(Parameters parameters);

    error TermBoundsInvalid(uint64 minTerm, uint64 maxTerm, uint64 limit);
    error RefundDelayTooLong(uint64 maximum, uint64 given);
    error RatingThresholdInvalid(uint64 minimum, uint64 maximum, uint64 given);
    error NotTheHolder(uint256 agentId, address holder, address caller);
    error NotOffered(uint256 agentId, LicenseKind kind);
    error CallsNotOffered(uint256 agentId);
    error PriceAboveMaximum(uint256 agentId, uint256 price, uint256 maximum);
    error DurationOutOfBounds(uint64 minimum, uint64 maximum, uint64 given);
    error TermTooLong(uint256 agentId, uint64 latest, uint64 until);
    error ExclusiveRunning(uint256 agentId, address user, uint64 until);
    error SharedRunning(uint256 agentId, uint64 until);
    error OfferNotForYou(uint256 agentId, address licensee, address caller);
    error OfferExpired(uint256 agentId, uint64 deadline);
    error OfferStale(uint256 agentId, uint24 tenure, uint24 offered);
    error NonceUsed(address holder, uint256 nonce);
    error BadOfferSignature(address holder, bytes32 digest);
    error CallsAreZero(uint256 agentId);
    error VoucherStale(uint256 agentId, address user, uint64 used, uint64 given);
    error CreditTooLow(uint256 agentId, address user, uint32 left, uint64 requested);
    error BadVoucherSignature(address user, bytes32 digest);
    error NoCredit(uint256 agentId, address user);
    error RefundPending(uint256 agentId, address user, uint64 refundAt);
    error RefundNotRequested(uint256 agentId, address user);
    error StarsOutOfRange(uint8 minimum, uint8 maximum, uint8 given);
    error NothingToRate(uint256 agentId, address user, uint256 paid, uint256 needed);
    error InsiderCannotRate(uint256 agentId, address user);

    /// @notice Publishes the prices at which anyone can be licensed. By the holder; they end when the agent changes hands.
    function setTerms(uint256 agentId, Terms calldata terms) external;

    /// @notice Buys or prolongs a licence at the holder's standing terms: price per day, by the second, rounded up.
    /// @param duration Seconds, from now or from the end of the sender's running licence of that kind.
    /// @param maxPrice The most that the sender pays.
    function buyLicense(uint256 agentId, LicenseKind kind, uint64 duration, uint256 maxPrice)
        external
        returns (uint64 until);

    /// @notice Takes an offer that the present holder signed: 65 bytes, or what an ERC-1271 holder accepts.
    function acceptOffer(LicenseOffer calldata offer, bytes calldata signature) external returns (uint64 until);

    /// @notice Makes a nonce of the sender useless, so that a signed offer can never be taken.
    function cancelNonce(uint256 nonce) external;

    /// @notice Prepays `calls` at the holder's price per call. The money stays here until the user signs for calls made.
    /// It withdraws a request for a refund.
    function buyCalls(uint256 agentId, uint32 calls, uint256 maxPrice) external;

    /// @notice Pays the holder for calls that the user signed for. Anyone may call.
    /// @param used All calls of this user to this agent, ever, this redemption included.
    /// @param signature The user's, over `voucherDigest`: 65 bytes, or what an ERC-1271 user accepts.
    function redeemCalls(uint256 agentId, address user, uint64 used, bytes calldata signature)
        external
        returns (uint256 amount);

    /// @notice Ends the sender's right to call by credit, and starts the delay in which the holder redeems what is signed.
    function requestRefund(uint256 agentId) external;

    /// @notice Pays the sender's unused credit back after the delay.
    function refund(uint256 agentId) external returns (uint256 amount);

    /// @notice Rates an agent with 1 to 5 stars. Only by one who paid at least the threshold since its last rating; neither
    /// holder nor developer.
    function rate(uint256 agentId, uint8 stars, bytes32 commentHash, string calldata uri) external;

    /// @notice Replaces all parameters. Restricted to the DAO.
    function setParameters(Parameters calldata value) external;

    /// @notice Whether `user` has the right to call the agent now: while an exclusive licence runs, its licensee alone;
    /// otherwise the holder, whoever the agent is lent to, shared licensees, and users with credit.
    function mayCall(uint256 agentId, address user) external view returns (bool);

    /// @notice The present holder's standing terms; zeros when it set none.
    function termsOf(uint256 agentId) external view returns (Terms memory);

    /// @notice The price of a licence at standing terms.
    function priceOf(uint256 agentId, LicenseKind kind, uint64 duration) external view returns (uint256);

    /// @notice End of the user's shared licence, unix seconds; 0 when it never had one.
    function sharedUntil(uint256 agentId, address user) external view returns (uint64);

    /// @notice The latest end of all shared licences of the agent.
    function latestShared(uint256 agentId) external view returns (uint64);

    function creditOf(uint256 agentId, address user) external view returns (CallCredit memory);

    /// @notice What the user paid since its last rating.
    function unratedPaymentOf(uint256 agentId, address user) external view returns (uint256);

    function ratingOf(uint256 agentId) external view returns (RatingSum memory);

    /// @notice The money of all users that waits here as credit.
    function totalEscrowed() external view returns (uint256);

    function nonceUsed(address holder, uint256 nonce) external view returns (bool);

    /// @return The EIP-712 digest that the holder signs (domain "Vcity Licenses").
    function offerDigest(LicenseOffer calldata offer) external view returns (bytes32);

    /// @return The EIP-712 digest that the user signs (domain "Vcity Licenses").
    function voucherDigest(uint256 agentId, address user, uint64 used) external view returns (bytes32);

    function domainSeparator() external view returns (bytes32);

    function parameters() external view returns (Parameters memory);

    function nft() external view returns (IAgentNFT);

    function splitter() external view returns (IRevenueSplitter);

    function stable() external view returns (IERC20);
}
