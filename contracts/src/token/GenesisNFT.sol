// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IGenesisNFT} from "../interfaces/IGenesisNFT.sol";
import {IVestingVault} from "../interfaces/IVestingVault.sol";
import {VestingMath} from "./VestingMath.sol";

/// @dev Conservation: tokens held >= minted * ENTITLEMENT - sum of claims, and until `returnUnsold` also the share of
/// the tokens not minted. After the sale `minted` cannot change, so the rest that is returned is never owed to anyone.
contract GenesisNFT is IGenesisNFT, ERC721, AccessManaged {
    using SafeERC20 for IERC20;

    /// @dev One slot for each token; it follows the token, whoever holds it.
    struct Claims {
        uint96 claimed;
        uint64 lockedUntil;
    }

    uint256 public constant MAX_SUPPLY = 3_000;
    uint256 public constant ENTITLEMENT = VestingMath.NFT_ENTITLEMENT;
    uint256 public constant MAX_CLAIM_LOCK = 30 days;
    uint256 public constant MAX_SALE_AFTER_TGE = 365 days;

    /// @inheritdoc IGenesisNFT
    IERC20 public immutable token;
    /// @inheritdoc IGenesisNFT
    IVestingVault public immutable vault;
    /// @inheritdoc IGenesisNFT
    uint64 public immutable tge;
    /// @inheritdoc IGenesisNFT
    uint64 public immutable saleEnd;

    mapping(uint256 tokenId => Claims) private _claims;
    /// @inheritdoc IGenesisNFT
    uint256 public minted;
    /// @inheritdoc IGenesisNFT
    bool public unsoldReturned;
    string private _uri;

    /// @param vault_ The vault, whose token and TGE count here too.
    /// @param saleEnd_ Later than now, and at most 365 days after TGE.
    constructor(address authority_, IVestingVault vault_, uint64 saleEnd_, string memory baseUri)
        ERC721("Vcity.ai Genesis", "VGENESIS")
        AccessManaged(authority_)
    {
        if (address(vault_).code.length == 0) revert NotAContract(address(vault_));
        vault = vault_;
        token = vault_.token();
        tge = vault_.tge();
        uint256 latest = tge + MAX_SALE_AFTER_TGE;
        if (saleEnd_ <= block.timestamp || saleEnd_ > latest) {
            revert SaleEndOutOfRange(block.timestamp + 1, latest, saleEnd_);
        }
        saleEnd = saleEnd_;
        _setBaseUri(baseUri);
    }

    /// @inheritdoc IGenesisNFT
    function mint(address to, uint256 count) external restricted returns (uint256 firstId) {
        if (block.timestamp >= saleEnd) revert SaleOver(saleEnd);
        if (count == 0) revert NothingMinted(to);
        uint256 before = minted;
        if (count > MAX_SUPPLY - before) revert SoldOut(MAX_SUPPLY - before, count);
        minted = before + count;
        firstId = before + 1;
        for (uint256 i = 0; i < count; ++i) {
            _mint(to, firstId + i);
        }
    }

    /// @inheritdoc IGenesisNFT
    function claim(uint256 tokenId) external returns (uint256 amount) {
        return _claim(tokenId);
    }

    /// @inheritdoc IGenesisNFT
    function claimMany(uint256[] calldata tokenIds) external returns (uint256 amount) {
        for (uint256 i = 0; i < tokenIds.length; ++i) {
            amount += _claim(tokenIds[i]);
        }
    }

    /// @inheritdoc IGenesisNFT
    function lockClaims(uint256 tokenId, uint64 until) external {
        if (_requireOwned(tokenId) != msg.sender) revert NotHolderNorApproved(tokenId, msg.sender);
        Claims storage claims = _claims[tokenId];
        uint256 earliest = Math.max(block.timestamp + 1, claims.lockedUntil);
        uint256 latest = block.timestamp + MAX_CLAIM_LOCK;
        if (until < earliest || until > latest) revert LockOutOfRange(earliest, latest, until);
        claims.lockedUntil = until;
        emit ClaimsLocked(tokenId, msg.sender, until);
    }

    /// @inheritdoc IGenesisNFT
    function returnUnsold() external returns (uint256 amount) {
        if (block.timestamp < saleEnd) revert SaleNotOver(saleEnd);
        if (unsoldReturned) revert AlreadyReturned(minted);
        unsoldReturned = true;
        uint256 unsold = MAX_SUPPLY - minted;
        amount = unsold * ENTITLEMENT;
        emit UnsoldReturned(unsold, amount);
        if (amount == 0) return 0;
        token.forceApprove(address(vault), amount);
        vault.fundLiquidity(amount);
    }

    /// @inheritdoc IGenesisNFT
    function setBaseUri(string calldata baseUri) external restricted {
        _setBaseUri(baseUri);
    }

    /// @inheritdoc IGenesisNFT
    function claimed(uint256 tokenId) external view returns (uint256) {
        return _claims[tokenId].claimed;
    }

    /// @inheritdoc IGenesisNFT
    function lockedUntil(uint256 tokenId) external view returns (uint64) {
        return _claims[tokenId].lockedUntil;
    }

    /// @inheritdoc IGenesisNFT
    function unlockedAt(uint256 timestamp) public view returns (uint256) {
        return VestingMath.nftUnlocked(tge, timestamp);
    }

    /// @inheritdoc IGenesisNFT
    function claimable(uint256 tokenId) external view returns (uint256) {
        _requireOwned(tokenId);
        return unlockedAt(block.timestamp) - _claims[tokenId].claimed;
    }

    function _claim(uint256 tokenId) private returns (uint256 amount) {
        address holder = _requireOwned(tokenId);
        if (!_isAuthorized(holder, msg.sender, tokenId)) revert NotHolderNorApproved(tokenId, msg.sender);
        Claims storage claims = _claims[tokenId];
        if (block.timestamp < claims.lockedUntil) revert ClaimsAreLocked(tokenId, claims.lockedUntil);
        uint256 unlocked = unlockedAt(block.timestamp);
        amount = unlocked - claims.claimed;
        if (amount == 0) revert NothingToClaim(tokenId, unlocked, claims.claimed);
        // Safe: at most ENTITLEMENT.
        claims.claimed = uint96(unlocked);
        emit Claimed(tokenId, holder, amount, unlocked);
        token.safeTransfer(holder, amount);
    }

    function _setBaseUri(string memory baseUri) private {
        _uri = baseUri;
        emit BaseUriSet(baseUri);
    }

    function _baseURI() internal view override returns (string memory) {
        return _uri;
    }
}
