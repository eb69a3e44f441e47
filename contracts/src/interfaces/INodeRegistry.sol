// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Kind, Role} from "../types/Types.sol";

/// @title Identities of the network: role, hardware claims, endpoint key and stake
/// @notice An identity is an address; its DID is `did:ethr:<chain id>:<address>`. One identity has one role for life.
interface INodeRegistry {
    /// @notice What an identity states about itself when it registers.
    struct Registration {
        Role role;
        Kind kind;
        bytes32 gpuModel;
        uint16 gpuCount;
        uint32 vramMib;
        bytes32 region;
        bytes32 endpointKey;
        string didDocumentUri;
        uint128 stake;
    }

    /// @notice What the registry knows of an identity. `registeredAt` is zero for a stranger.
    struct Node {
        Role role;
        Kind kind;
        bool banned;
        uint16 gpuCount;
        uint32 vramMib;
        uint64 registeredAt;
        uint64 unbondAt;
        uint128 stake;
        uint128 unbonding;
        bytes32 gpuModel;
        bytes32 region;
        bytes32 endpointKey;
        string didDocumentUri;
    }

    /// @notice Minimum stake per role in base units of the stake token, and the unbonding delay in seconds.
    struct Parameters {
        uint128 minimumCompute;
        uint128 minimumScheduler;
        uint128 minimumVerifier;
        uint64 unbondingDelay;
    }

    event Registered(address indexed identity, Role indexed role, Kind kind, uint128 stake);
    event HardwareUpdated(address indexed identity, bytes32 gpuModel, uint16 gpuCount, uint32 vramMib);
    event EndpointUpdated(address indexed identity, bytes32 region, bytes32 endpointKey, string didDocumentUri);
    event StakeAdded(address indexed identity, uint128 amount, uint128 stake);
    event UnbondRequested(address indexed identity, uint128 amount, uint128 unbonding, uint64 unbondAt);
    event Unbonded(address indexed identity, uint128 amount);
    event StakeSlashed(address indexed identity, address indexed beneficiary, uint128 requested, uint128 taken);
    event BanChanged(address indexed identity, bool banned);
    event ParametersChanged(Parameters parameters);

    error AlreadyRegistered(address identity);
    error NotRegistered(address identity);
    error StakeBelowMinimum(Role role, uint128 minimum, uint128 given);
    error AmountIsZero(address identity);
    error StakeTooLow(address identity, uint128 stake, uint128 requested);
    error NothingUnbonding(address identity);
    error StillUnbonding(address identity, uint64 unbondAt);
    error UriTooLong(uint256 maximum, uint256 given);
    error DelayTooLong(uint64 maximum, uint64 given);
    error TokenIsNotAContract(address token);

    /// @notice Registers the sender and pulls its stake. An identity registers once.
    function register(Registration calldata registration) external;

    /// @notice Replaces the hardware claims of the sender.
    function updateHardware(bytes32 gpuModel, uint16 gpuCount, uint32 vramMib) external;

    /// @notice Replaces region, endpoint key and DID document of the sender.
    function updateEndpoint(bytes32 region, bytes32 endpointKey, string calldata didDocumentUri) external;

    /// @notice Adds to the stake of the sender.
    function topUp(uint128 amount) external;

    /// @notice Starts unbonding `amount`. A second request adds to the first and restarts the delay for both.
    function requestUnbond(uint128 amount) external;

    /// @notice Pays out what has been unbonding for the whole delay. Until then it can still be slashed.
    function withdrawUnbonded() external;

    /// @notice Takes up to `amount`, from the active stake first, then from what is unbonding. Restricted.
    /// @return taken What was really there to take; zero for a stranger.
    function slash(address identity, uint128 amount, address beneficiary) external returns (uint128 taken);

    /// @notice Excludes an identity from work; its stake stays slashable and can be unbonded. Restricted.
    function ban(address identity) external;

    /// @notice Takes a ban back, after an appeal. Restricted.
    function unban(address identity) external;

    /// @notice Replaces all parameters. Restricted.
    function setParameters(Parameters calldata value) external;

    function stakeToken() external view returns (IERC20);

    function nodeOf(address identity) external view returns (Node memory);

    /// @return active The stake that counts, `unbonding` what is on its way out; both can be slashed.
    function stakeOf(address identity) external view returns (uint128 active, uint128 unbonding);

    /// @notice Registered in that role, not banned, at least the minimum at stake, not leaving altogether.
    function isActive(address identity, Role role) external view returns (bool);

    function minimumStake(Role role) external view returns (uint128);

    function unbondingDelay() external view returns (uint64);

    /// @notice EIP-712 digest that a peer signs to authenticate a link (domain "Vcity Link").
    /// @param role As in the link protocol: 0 compute, 1 scheduler, 2 verifier, 3 gateway.
    function linkHelloDigest(address peer, uint8 role, bytes32 challenge, uint64 issuedAt)
        external
        view
        returns (bytes32);

    function domainSeparator() external view returns (bytes32);
}
