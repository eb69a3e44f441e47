// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC2981} from "@openzeppelin/contracts/interfaces/IERC2981.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {LibString} from "solady/utils/LibString.sol";
import {IAgentNFT} from "../interfaces/IAgentNFT.sol";
import {ExactPull} from "../libraries/ExactPull.sol";
import {ExpiringPause} from "../libraries/ExpiringPause.sol";

/// @dev The state of an agent is one slot, its use right another, and each version one more; all else about a version is
/// in its event and, through the hash, in the registration file. A change of hands moves the state nonce to the next
/// multiple of 2^24, any other change adds one, so the nonce never falls and its upper half counts the holders. Nobody but
/// the holder, whom it trusts, and who pays it for a licence can raise it: a developer must not be able to stop a sale.
contract AgentNFT is ERC721, ExpiringPause, IAgentNFT {
    using SafeERC20 for IERC20;

    struct Use {
        address user;
        uint64 expires;
        bool exclusive;
    }

    struct Maintainer {
        address account;
        uint24 tenure;
    }

    /// @dev One slot, which a mint reads and writes once.
    struct Books {
        address treasury;
        uint64 creationFee;
        uint32 minted;
    }

    uint16 public constant MAX_ROYALTY_BPS = 1_000;
    uint16 public constant MAX_CREATOR_BPS = 5_000;
    uint64 public constant MAX_CREATION_FEE = 1_000e6;
    /// @notice The longest term of a free loan; the LicenseManager has its own bound below MAX_LEND_TERM.
    uint64 public constant MAX_USER_TERM = 366 days;
    uint64 public constant MAX_LEND_TERM = 1_461 days;

    uint256 private constant BPS = 10_000;
    uint48 private constant TENURE_MASK = (1 << 24) - 1;
    bytes4 private constant ERC4907_ID = 0xad092b5c;
    bytes4 private constant ERC4906_ID = 0x49064906;

    /// @inheritdoc IAgentNFT
    IERC20 public immutable stable;

    Books private _books;
    mapping(uint256 agentId => Agent) private _agents;
    mapping(uint256 agentId => Use) private _uses;
    mapping(uint256 agentId => mapping(uint16 version => bytes32)) private _metadataHashes;
    mapping(uint256 agentId => Maintainer) private _maintainers;
    mapping(uint256 agentId => address) private _successors;
    mapping(uint256 agentId => string) private _uris;
    mapping(uint256 agentId => mapping(string key => bytes)) private _metadata;

    modifier onlyPublisher(uint256 agentId) {
        if (!_mayPublish(agentId, msg.sender)) revert NotThePublisher(agentId, msg.sender);
        _;
    }

    constructor(address authority_, IERC20 stable_, Parameters memory parameters_)
        ERC721("Vcity Agent", "VAGENT")
        AccessManaged(authority_)
    {
        if (address(stable_).code.length == 0) {
            revert TokenIsNotAContract(address(stable_));
        }
        stable = stable_;
        _setParameters(parameters_);
    }

    /// @inheritdoc IAgentNFT
    function mint(address to, uint16 royaltyBps, uint16 creatorBps, VersionRecord calldata first, uint256 maxFee)
        external
        whenNotPaused
        returns (uint256 agentId)
    {
        if (royaltyBps > MAX_ROYALTY_BPS) revert RoyaltyTooHigh(MAX_ROYALTY_BPS, royaltyBps);
        if (creatorBps > MAX_CREATOR_BPS) revert CreatorShareTooHigh(MAX_CREATOR_BPS, creatorBps);
        Books memory books = _books;
        if (books.creationFee > maxFee) revert CreationFeeRose(books.creationFee, maxFee);
        _books.minted = ++books.minted;
        agentId = books.minted;
        _agents[agentId] = Agent(msg.sender, royaltyBps, creatorBps, 1, 1);
        _mint(to, agentId);
        emit AgentMinted(agentId, msg.sender, to, royaltyBps, creatorBps, books.creationFee);
        emit Registered(agentId, _contentUri(first.metadataHash), to);
        _recordVersion(agentId, 1, first);
        _payFee(books.treasury, books.creationFee);
    }

    /// @inheritdoc IAgentNFT
    function publishVersion(uint256 agentId, VersionRecord calldata record)
        external
        onlyPublisher(agentId)
        returns (uint16 version)
    {
        version = ++_agents[agentId].version;
        delete _uris[agentId];
        _recordVersion(agentId, version, record);
        emit MetadataUpdate(agentId);
        _bump(agentId);
    }

    /// @inheritdoc IAgentNFT
    function setAgentURI(uint256 agentId, string calldata newURI) external onlyPublisher(agentId) {
        _uris[agentId] = newURI;
        emit URIUpdated(agentId, newURI, msg.sender);
        emit MetadataUpdate(agentId);
        _bump(agentId);
    }

    /// @inheritdoc IAgentNFT
    function setMetadata(uint256 agentId, string calldata key, bytes calldata value) external onlyPublisher(agentId) {
        _metadata[agentId][key] = value;
        emit MetadataSet(agentId, key, key, value);
        _bump(agentId);
    }

    /// @inheritdoc IAgentNFT
    function sealKey(uint256 agentId, address recipient, bytes32 sealedKeyHash, string calldata uri) external {
        Agent storage agent = _agents[agentId];
        if (!_mayPublish(agentId, msg.sender) && msg.sender != agent.developer) {
            revert NotThePublisher(agentId, msg.sender);
        }
        emit KeySealed(agentId, agent.version, recipient, sealedKeyHash, uri);
    }

    /// @inheritdoc IAgentNFT
    function setMaintainer(uint256 agentId, address maintainer) external {
        if (_requireOwned(agentId) != msg.sender) revert NotTheHolder(agentId, msg.sender);
        uint24 tenure = tenureOf(agentId);
        _maintainers[agentId] = Maintainer(maintainer, tenure);
        emit MaintainerSet(agentId, maintainer, tenure);
    }

    /// @inheritdoc IAgentNFT
    function proposeDeveloper(uint256 agentId, address successor) external {
        address developer = _agents[agentId].developer;
        if (msg.sender != developer) revert NotTheDeveloper(agentId, developer, msg.sender);
        _successors[agentId] = successor;
        emit DeveloperProposed(agentId, developer, successor);
    }

    /// @inheritdoc IAgentNFT
    function acceptDeveloper(uint256 agentId) external {
        address successor = _successors[agentId];
        if (msg.sender != successor) revert NotTheSuccessor(agentId, successor, msg.sender);
        delete _successors[agentId];
        emit DeveloperChanged(agentId, _agents[agentId].developer, successor);
        _agents[agentId].developer = successor;
    }

    /// @inheritdoc IAgentNFT
    function setUser(uint256 tokenId, address user, uint64 expires) external {
        _checkAuthorized(_requireOwned(tokenId), msg.sender, tokenId);
        Use storage use = _uses[tokenId];
        if (block.timestamp < use.expires) revert UserTermRunning(tokenId, use.user, use.expires);
        _setUse(tokenId, Use(user, expires, false), MAX_USER_TERM);
    }

    /// @inheritdoc IAgentNFT
    function lend(uint256 agentId, address user, uint64 expires) external restricted {
        _requireOwned(agentId);
        Use storage use = _uses[agentId];
        if (block.timestamp < use.expires && (use.user != user || expires < use.expires)) {
            revert UserTermRunning(agentId, use.user, use.expires);
        }
        _setUse(agentId, Use(user, expires, true), MAX_LEND_TERM);
    }

    /// @inheritdoc IAgentNFT
    function giveUpUse(uint256 agentId) external {
        address user = userOf(agentId);
        if (user == address(0) || user != msg.sender) revert NotTheUser(agentId, user, msg.sender);
        delete _uses[agentId];
        emit UpdateUser(agentId, address(0), 0);
        _bump(agentId);
    }

    /// @inheritdoc IAgentNFT
    function touch(uint256 agentId) external restricted {
        _requireOwned(agentId);
        _bump(agentId);
    }

    /// @inheritdoc IAgentNFT
    function setParameters(Parameters calldata value) external restricted {
        _setParameters(value);
    }

    /// @inheritdoc IAgentNFT
    function exclusiveOf(uint256 agentId) external view returns (address user, uint64 expires) {
        Use storage use = _uses[agentId];
        if (use.exclusive && block.timestamp < use.expires) return (use.user, use.expires);
    }

    /// @inheritdoc IAgentNFT
    function userExpires(uint256 tokenId) external view returns (uint256) {
        return _uses[tokenId].expires;
    }

    /// @inheritdoc IAgentNFT
    function stateNonce(uint256 agentId) external view returns (uint48) {
        return _agents[agentId].nonce;
    }

    /// @inheritdoc IAgentNFT
    function agentOf(uint256 agentId) external view returns (Agent memory) {
        return _agents[agentId];
    }

    /// @inheritdoc IAgentNFT
    function successorOf(uint256 agentId) external view returns (address) {
        return _successors[agentId];
    }

    /// @inheritdoc IAgentNFT
    function metadataHashOf(uint256 agentId, uint16 version) external view returns (bytes32 metadataHash) {
        metadataHash = _metadataHashes[agentId][version];
        if (metadataHash == 0) revert VersionUnknown(agentId, version);
    }

    /// @inheritdoc IAgentNFT
    function getMetadata(uint256 agentId, string calldata key) external view returns (bytes memory) {
        return _metadata[agentId][key];
    }

    /// @inheritdoc IAgentNFT
    function totalMinted() external view returns (uint256) {
        return _books.minted;
    }

    /// @inheritdoc IAgentNFT
    function parameters() external view returns (Parameters memory) {
        return Parameters(_books.treasury, _books.creationFee);
    }

    /// @inheritdoc IERC2981
    function royaltyInfo(uint256 tokenId, uint256 salePrice) external view returns (address receiver, uint256 amount) {
        Agent storage agent = _agents[tokenId];
        return (agent.developer, salePrice * agent.royaltyBps / BPS);
    }

    /// @inheritdoc IAgentNFT
    function userOf(uint256 tokenId) public view returns (address) {
        Use storage use = _uses[tokenId];
        return block.timestamp < use.expires ? use.user : address(0);
    }

    /// @inheritdoc IAgentNFT
    function tenureOf(uint256 agentId) public view returns (uint24) {
        return uint24(_agents[agentId].nonce >> 24);
    }

    /// @inheritdoc IAgentNFT
    function maintainerOf(uint256 agentId) public view returns (address) {
        Maintainer storage maintainer = _maintainers[agentId];
        return maintainer.tenure == tenureOf(agentId) ? maintainer.account : address(0);
    }

    /// @notice The registration file of the newest version (ERC-8004).
    function tokenURI(uint256 tokenId) public view override returns (string memory) {
        _requireOwned(tokenId);
        string memory uri = _uris[tokenId];
        if (bytes(uri).length != 0) return uri;
        return _contentUri(_metadataHashes[tokenId][_agents[tokenId].version]);
    }

    /// @notice ERC-165: ERC-721 with metadata, ERC-2981, ERC-4906, ERC-4907.
    function supportsInterface(bytes4 interfaceId) public view override(ERC721, IERC165) returns (bool) {
        return interfaceId == type(IERC2981).interfaceId || interfaceId == ERC4907_ID || interfaceId == ERC4906_ID
            || super.supportsInterface(interfaceId);
    }

    /// @dev A transfer begins a new tenure; use rights and licences stay as they are.
    function _update(address to, uint256 tokenId, address auth) internal override returns (address from) {
        from = super._update(to, tokenId, auth);
        if (from != address(0)) {
            uint48 nonce = (_agents[tokenId].nonce | TENURE_MASK) + 1;
            _agents[tokenId].nonce = nonce;
            emit StateChanged(tokenId, nonce);
        }
    }

    function _bump(uint256 agentId) private {
        uint48 nonce = ++_agents[agentId].nonce;
        emit StateChanged(agentId, nonce);
    }

    function _recordVersion(uint256 agentId, uint16 version, VersionRecord calldata record) private {
        if (record.metadataHash == 0) revert MetadataHashIsZero(agentId);
        _metadataHashes[agentId][version] = record.metadataHash;
        emit VersionPublished(
            agentId,
            record.metadataHash,
            record.modelCommitment,
            version,
            record.sealedKeyHash,
            record.payloadUri,
            msg.sender
        );
    }

    function _setUse(uint256 agentId, Use memory use, uint64 maxTerm) private {
        if (use.user == address(0)) revert UserIsZero(agentId);
        uint64 earliest = uint64(block.timestamp) + 1;
        uint64 latest = uint64(block.timestamp) + maxTerm;
        if (use.expires < earliest || use.expires > latest) {
            revert UserTermInvalid(agentId, earliest, latest, use.expires);
        }
        _uses[agentId] = use;
        emit UpdateUser(agentId, use.user, use.expires);
        _bump(agentId);
    }

    /// @dev Straight to the Treasury, and exactly.
    function _payFee(address treasury, uint256 fee) private {
        if (fee == 0) return;
        uint256 balanceBefore = stable.balanceOf(treasury);
        stable.safeTransferFrom(msg.sender, treasury, fee);
        uint256 received = stable.balanceOf(treasury) - balanceBefore;
        if (received != fee) revert ExactPull.TransferMismatch(fee, received);
    }

    function _setParameters(Parameters memory value) private {
        if (value.treasury == address(0)) revert TreasuryIsZero(value.treasury);
        if (value.creationFee > MAX_CREATION_FEE) revert CreationFeeTooHigh(MAX_CREATION_FEE, value.creationFee);
        _books.treasury = value.treasury;
        _books.creationFee = value.creationFee;
        emit ParametersChanged(value);
    }

    function _mayPublish(uint256 agentId, address account) private view returns (bool) {
        return _isAuthorized(_requireOwned(agentId), account, agentId)
            || (account != address(0) && account == maintainerOf(agentId));
    }

    /// @dev CIDv1, raw, SHA-256, in base 16: the file is one block, so its plain hash is its address.
    function _contentUri(bytes32 metadataHash) private pure returns (string memory) {
        return string.concat("ipfs://f01551220", LibString.toHexStringNoPrefix(uint256(metadataHash), 32));
    }
}
