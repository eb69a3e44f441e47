// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IAgentNFT} from "./IAgentNFT.sol";
import {IRevenueSplitter} from "./IRevenueSplitter.sol";

/// @title Sales of agents for the stablecoin
/// @notice The agent stays with its holder until it is sold; the holder approves this contract. Before a sale the till is
/// swept in the seller's favour: revenue up to the sale is the seller's, after it the buyer's. A buyer names the state nonce
/// it saw, so nothing that matters to it can change in between. Running licences go with the agent.
///
/// | parameter | bounds | who |
/// | --- | --- | --- |
/// | treasury | not zero | DAO |
/// | commissionBps | at most 1,000 | DAO |
interface IAgentMarket {
    /// @notice A holder's offer to sell. It ends when the agent changes hands.
    /// @param commissionBps The commission when it was listed, which applies to the sale.
    /// @param expiry First unix second at which it is no longer good.
    struct Listing {
        address seller;
        uint96 price;
        uint64 expiry;
        uint24 tenure;
        uint16 commissionBps;
    }

    /// @notice A buyer's offer; `amount` of the stablecoin waits in this contract.
    /// @param expiry First unix second at which it is no longer good.
    struct Offer {
        uint96 amount;
        uint64 expiry;
        uint48 nonce;
    }

    struct Parameters {
        address treasury;
        uint16 commissionBps;
    }

    event Listed(
        uint256 indexed agentId,
        address indexed seller,
        uint256 price,
        uint64 expiry,
        uint24 tenure,
        uint16 commissionBps
    );
    event Unlisted(uint256 indexed agentId, address indexed seller);
    event OfferMade(uint256 indexed agentId, address indexed bidder, uint256 amount, uint64 expiry, uint48 nonce);
    event OfferCancelled(uint256 indexed agentId, address indexed bidder, uint256 amount);
    /// @notice `price` = commission + royalty + what the seller gets.
    event AgentSold(
        uint256 indexed agentId,
        address indexed seller,
        address indexed buyer,
        uint256 price,
        uint256 commission,
        uint256 royalty,
        address royaltyReceiver
    );
    event Withdrawn(address indexed account, uint256 amount);
    event ParametersChanged(Parameters parameters);

    error TreasuryIsZero(address treasury);
    error CommissionTooHigh(uint16 maximum, uint16 given);
    error PriceIsZero(uint256 agentId);
    error ExpiryOutOfBounds(uint256 earliest, uint256 latest, uint64 given);
    error NotTheHolder(uint256 agentId, address holder, address caller);
    error NotListed(uint256 agentId);
    error ListingStale(uint256 agentId, address seller);
    error ListingExpired(uint256 agentId, uint64 expiry);
    error ListingStillGood(uint256 agentId, address seller);
    error PriceAboveMaximum(uint256 agentId, uint256 price, uint256 maximum);
    error AgentChanged(uint256 agentId, uint48 nonce, uint48 expected);
    error BuyerIsTheHolder(uint256 agentId, address holder);
    error OfferExists(uint256 agentId, address bidder, uint256 amount);
    error NoOffer(uint256 agentId, address bidder);
    error OfferExpired(uint256 agentId, address bidder, uint64 expiry);
    error ProceedsTooLow(uint256 agentId, uint256 proceeds, uint256 minimum);
    error NothingToWithdraw(address account);

    /// @notice Offers the sender's agent for `price` until `expiry`; replaces an earlier listing.
    function list(uint256 agentId, uint96 price, uint64 expiry) external;

    /// @notice Takes a listing away: its seller at any time, anyone when it is no longer good.
    function unlist(uint256 agentId) external;

    /// @notice Buys a listed agent.
    /// @param maxPrice The most that the sender pays.
    /// @param nonce The agent's state nonce that the sender has seen.
    function buy(uint256 agentId, uint256 maxPrice, uint48 nonce) external;

    /// @notice Offers `amount` for an agent in the state `nonce`; the money waits here. One offer per bidder and agent.
    function makeOffer(uint256 agentId, uint96 amount, uint64 expiry, uint48 nonce) external;

    /// @notice Takes the sender's offer and its money back, at any time.
    function cancelOffer(uint256 agentId) external;

    /// @notice Sells the sender's agent to a bidder.
    /// @param minProceeds The least that must be left for the sender.
    function acceptOffer(uint256 agentId, address bidder, uint256 minProceeds) external;

    /// @notice Pays out what `account` has from sales and royalties, to `account`. Anyone may call.
    function withdraw(address account) external returns (uint256 amount);

    /// @notice Replaces all parameters. Restricted to the DAO.
    function setParameters(Parameters calldata value) external;

    /// @notice The listing as stored; it may be stale or expired, see `isListed`.
    function listingOf(uint256 agentId) external view returns (Listing memory);

    /// @notice Whether the agent can be bought now, the holder's approval included.
    function isListed(uint256 agentId) external view returns (bool);

    function offerOf(uint256 agentId, address bidder) external view returns (Offer memory);

    /// @notice What waits for `account` from sales and royalties.
    function owed(address account) external view returns (uint256);

    /// @notice Everything that this contract holds for others: offers and what is owed.
    function totalHeld() external view returns (uint256);

    function parameters() external view returns (Parameters memory);

    function nft() external view returns (IAgentNFT);

    function splitter() external view returns (IRevenueSplitter);

    function stable() external view returns (IERC20);
}
