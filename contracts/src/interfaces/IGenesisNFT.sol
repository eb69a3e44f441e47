// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IVestingVault} from "./IVestingVault.sol";

/// @title The Genesis NFT (white paper 3.1.3)
/// @notice At most 3,000 tokens (ids 1 to 3,000), sold before TGE. Each entitles its holder to 10,000 VCAI: 2,500 at
/// TGE and 1,250 after each of the six months that follow. What was claimed is kept by token id, so it follows the token
/// when it is sold, and a buyer can read it. 30,000,000 VCAI, 30 % of the initial liquidity, are held here for it; what
/// was not sold goes back to the liquidity tranche of the vault after the sale.
/// @dev Unlocked at unix second t: 0 before tge, then 2,500e18 + 1,250e18 * min((t - tge) / MONTH, 6), with
/// MONTH = 2,629,800 s.
interface IGenesisNFT is IERC721 {
    event Claimed(uint256 indexed tokenId, address indexed holder, uint256 amount, uint256 claimedTotal);
    /// @notice The holder promised that nothing is claimed before `until`, whoever holds the token.
    event ClaimsLocked(uint256 indexed tokenId, address indexed holder, uint64 until);
    event UnsoldReturned(uint256 unsold, uint256 amount);
    event BaseUriSet(string baseUri);

    error NotAContract(address given);
    error SaleEndOutOfRange(uint256 earliest, uint256 latest, uint256 given);
    error SaleOver(uint256 saleEnd);
    error SaleNotOver(uint256 saleEnd);
    error SoldOut(uint256 available, uint256 asked);
    error NothingMinted(address to);
    error NothingToClaim(uint256 tokenId, uint256 unlocked, uint256 claimed);
    error NotHolderNorApproved(uint256 tokenId, address caller);
    error ClaimsAreLocked(uint256 tokenId, uint256 until);
    error LockOutOfRange(uint256 earliest, uint256 latest, uint256 given);
    error AlreadyReturned(uint256 tokensSold);

    /// @notice Mints `count` tokens to a buyer, until the sale ends. Restricted to the role GENESIS_SALE.
    /// @dev No call goes to the buyer: a contract must be able to handle ERC-721 by itself.
    /// @return firstId The first of the new ids; the others follow it.
    function mint(address to, uint256 count) external returns (uint256 firstId);

    /// @notice Pays what is unlocked and not yet claimed to the holder. The holder, or whom it approved, may call.
    function claim(uint256 tokenId) external returns (uint256 amount);

    /// @notice As `claim`, for several tokens, each to its holder. Reverts if any of them cannot be claimed.
    function claimMany(uint256[] calldata tokenIds) external returns (uint256 amount);

    /// @notice Promises that nothing is claimed before `until`, so that nobody empties a token between a buyer's look and
    /// the sale. At most 30 days ahead, and never earlier than promised. The promise stays with the token when it is
    /// transferred (else a transfer to and fro would end it); a buyer reads it in `lockedUntil`. Only the holder.
    function lockClaims(uint256 tokenId, uint64 until) external;

    /// @notice Sends the share of the tokens that were not sold to the vault's liquidity tranche. Anyone may, once,
    /// after the sale has ended.
    function returnUnsold() external returns (uint256 amount);

    /// @notice Sets the prefix of all `tokenURI`. Restricted to the role PARAMS.
    function setBaseUri(string calldata baseUri) external;

    function token() external view returns (IERC20);

    function vault() external view returns (IVestingVault);

    /// @notice The unix second of the token generation event.
    function tge() external view returns (uint64);

    /// @notice The unix second from which nothing is minted and the unsold rest may be returned.
    function saleEnd() external view returns (uint64);

    /// @notice Number of tokens minted so far.
    function minted() external view returns (uint256);

    /// @notice Whether the unsold rest has gone back to the liquidity tranche.
    function unsoldReturned() external view returns (bool);

    /// @notice What was paid out for a token so far, wei.
    function claimed(uint256 tokenId) external view returns (uint256);

    /// @notice The unix second before which nothing can be claimed for a token, by a holder's promise; zero or past if none.
    function lockedUntil(uint256 tokenId) external view returns (uint64);

    /// @notice What is unlocked for each token at unix second `timestamp`, wei.
    function unlockedAt(uint256 timestamp) external view returns (uint256);

    /// @notice What `claim` would pay now, wei, were it not for a promise.
    function claimable(uint256 tokenId) external view returns (uint256);
}
