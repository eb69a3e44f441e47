// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC2981} from "@openzeppelin/contracts/interfaces/IERC2981.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";

/// @title AI agents as ERC-721 tokens: developer, versions, sealed payload, use rights
/// @notice An agent id is its token id. `tokenURI` is the registration file of ERC-8004; by default it is
/// content-addressed (an IPFS CID made of the stored SHA-256), so it cannot change behind a holder's back.
///
/// | parameter | bounds | who |
/// | --- | --- | --- |
/// | treasury | not zero | DAO |
/// | creationFee | at most 1,000 USD | DAO |
interface IAgentNFT is IERC721, IERC2981 {
    /// @notice What one version of an agent is made of.
    /// @param metadataHash SHA-256 of the registration file (JSON), which also names the till and the endpoints.
    /// @param modelCommitment Commitment to model, weights and prompts (the `modelRoot` of receipts).
    /// @param sealedKeyHash Keccak-256 of the payload key, encrypted for the holder (ERC-7857); zero when not encrypted.
    /// @param payloadUri Where the encrypted payload lies; may be empty.
    struct VersionRecord {
        bytes32 metadataHash;
        bytes32 modelCommitment;
        bytes32 sealedKeyHash;
        string payloadUri;
    }

    /// @notice What is known of an agent.
    /// @param developer Identity bound to the agent; receives royalties and the creator's share.
    /// @param royaltyBps Part of every sale for the developer, in 1/10,000; fixed at minting.
    /// @param creatorBps Part of all usage revenue for the developer, in 1/10,000; fixed at minting.
    /// @param version Number of the newest version, from 1.
    /// @param nonce State nonce, see `stateNonce`.
    struct Agent {
        address developer;
        uint16 royaltyBps;
        uint16 creatorBps;
        uint16 version;
        uint48 nonce;
    }

    struct Parameters {
        address treasury;
        uint64 creationFee;
    }

    event AgentMinted(
        uint256 indexed agentId,
        address indexed developer,
        address indexed owner,
        uint16 royaltyBps,
        uint16 creatorBps,
        uint256 fee
    );
    /// @notice ERC-8004.
    event Registered(uint256 indexed agentId, string agentURI, address indexed owner);
    /// @notice ERC-8004.
    event URIUpdated(uint256 indexed agentId, string newURI, address indexed updatedBy);
    /// @notice ERC-8004.
    event MetadataSet(
        uint256 indexed agentId, string indexed indexedMetadataKey, string metadataKey, bytes metadataValue
    );
    event VersionPublished(
        uint256 indexed agentId,
        bytes32 indexed metadataHash,
        bytes32 indexed modelCommitment,
        uint16 version,
        bytes32 sealedKeyHash,
        string payloadUri,
        address publisher
    );
    /// @notice ERC-4906: caches of `tokenURI` are stale.
    event MetadataUpdate(uint256 _tokenId);
    /// @notice The payload key of a version was encrypted for `recipient` (ERC-7857).
    event KeySealed(
        uint256 indexed agentId, uint16 version, address indexed recipient, bytes32 sealedKeyHash, string uri
    );
    /// @notice Something changed that matters to a buyer.
    event StateChanged(uint256 indexed agentId, uint48 nonce);
    event MaintainerSet(uint256 indexed agentId, address indexed maintainer, uint24 tenure);
    event DeveloperProposed(uint256 indexed agentId, address indexed developer, address indexed successor);
    event DeveloperChanged(uint256 indexed agentId, address indexed previous, address indexed developer);
    /// @notice ERC-4907.
    event UpdateUser(uint256 indexed tokenId, address indexed user, uint64 expires);
    event ParametersChanged(Parameters parameters);

    error TokenIsNotAContract(address token);
    error TreasuryIsZero(address treasury);
    error CreationFeeTooHigh(uint64 maximum, uint64 given);
    error CreationFeeRose(uint256 fee, uint256 acceptable);
    error RoyaltyTooHigh(uint16 maximum, uint16 given);
    error CreatorShareTooHigh(uint16 maximum, uint16 given);
    error MetadataHashIsZero(uint256 agentId);
    error NotThePublisher(uint256 agentId, address caller);
    error NotTheHolder(uint256 agentId, address caller);
    error NotTheDeveloper(uint256 agentId, address developer, address caller);
    error NotTheSuccessor(uint256 agentId, address successor, address caller);
    error NotTheUser(uint256 agentId, address user, address caller);
    error UserIsZero(uint256 agentId);
    error UserTermRunning(uint256 agentId, address user, uint64 expires);
    error UserTermInvalid(uint256 agentId, uint64 earliest, uint64 latest, uint64 given);
    error VersionUnknown(uint256 agentId, uint16 version);

    /// @notice Mints an agent to `to`; the sender becomes its developer and pays the creation fee to the Treasury.
    /// @param royaltyBps At most MAX_ROYALTY_BPS.
    /// @param creatorBps At most MAX_CREATOR_BPS.
    /// @param maxFee The highest creation fee the sender accepts, in stablecoin base units.
    /// @dev CreationFeeRose, RoyaltyTooHigh, CreatorShareTooHigh, MetadataHashIsZero, ModulePaused.
    function mint(address to, uint16 royaltyBps, uint16 creatorBps, VersionRecord calldata first, uint256 maxFee)
        external
        returns (uint256 agentId);

    /// @notice Publishes the next version; `tokenURI` follows it. By the holder, one it approved, or its maintainer.
    function publishVersion(uint256 agentId, VersionRecord calldata record) external returns (uint16 version);

    /// @notice Replaces the content-addressed `tokenURI` by any URI until the next version; empty restores it.
    /// By the holder, one it approved, or its maintainer (ERC-8004).
    function setAgentURI(uint256 agentId, string calldata newURI) external;

    /// @notice Stores one metadata entry (ERC-8004). By the holder, one it approved, or its maintainer.
    function setMetadata(uint256 agentId, string calldata key, bytes calldata value) external;

    /// @notice Records that the payload key of the newest version was encrypted for `recipient`, for instance a buyer.
    /// By the holder, one it approved, its maintainer, or the developer.
    function sealKey(uint256 agentId, address recipient, bytes32 sealedKeyHash, string calldata uri) external;

    /// @notice Lets `maintainer` publish versions until the agent changes hands; zero ends it. By the holder.
    function setMaintainer(uint256 agentId, address maintainer) external;

    /// @notice Names a successor of the developer's identity (lost or rotated key). By the developer.
    function proposeDeveloper(uint256 agentId, address successor) external;

    /// @notice Takes over as developer, royalties included. By the named successor.
    function acceptDeveloper(uint256 agentId) external;

    /// @notice ERC-4907: lends the use of the agent, for nothing. By the holder or one it approved. A term that was given
    /// stands until it ends or its user gives it up: not even the holder, or a later one, can shorten it.
    function setUser(uint256 tokenId, address user, uint64 expires) external;

    /// @notice Grants or prolongs a paid exclusive use. Restricted to the LicenseManager.
    function lend(uint256 agentId, address user, uint64 expires) external;

    /// @notice Ends the sender's own term before its time.
    function giveUpUse(uint256 agentId) external;

    /// @notice Raises the state nonce because an encumbrance outside this contract changed. Restricted to the
    /// LicenseManager.
    function touch(uint256 agentId) external;

    /// @notice Replaces all parameters. Restricted to the DAO.
    function setParameters(Parameters calldata value) external;

    /// @notice ERC-4907: who has the use of the agent now, or zero.
    function userOf(uint256 tokenId) external view returns (address);

    /// @notice ERC-4907: unix second at which the latest term ends or ended.
    function userExpires(uint256 tokenId) external view returns (uint256);

    /// @notice The paid exclusive user and the end of its term; zeros when there is none.
    function exclusiveOf(uint256 agentId) external view returns (address user, uint64 expires);

    /// @notice A number that rises with every change that matters to a buyer: version, URI, metadata, use rights, licences,
    /// holder. The upper 24 bits count the changes of hands.
    function stateNonce(uint256 agentId) external view returns (uint48);

    /// @notice How often the agent changed hands. Whatever a holder promised is bound to its tenure.
    function tenureOf(uint256 agentId) external view returns (uint24);

    function agentOf(uint256 agentId) external view returns (Agent memory);

    /// @notice The maintainer that the present holder named, or zero.
    function maintainerOf(uint256 agentId) external view returns (address);

    function successorOf(uint256 agentId) external view returns (address);

    /// @notice SHA-256 of the registration file of a version.
    function metadataHashOf(uint256 agentId, uint16 version) external view returns (bytes32);

    /// @notice ERC-8004.
    function getMetadata(uint256 agentId, string calldata key) external view returns (bytes memory);

    /// @notice How many agents were minted; ids run from 1.
    function totalMinted() external view returns (uint256);

    function parameters() external view returns (Parameters memory);

    function stable() external view returns (IERC20);
}
