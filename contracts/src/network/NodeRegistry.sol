// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {ExactPull} from "../libraries/ExactPull.sol";
import {Hashes} from "../libraries/Hashes.sol";
import {StakeRequirement} from "./StakeRequirement.sol";
import {Role} from "../types/Types.sol";

/// @dev Conservation: tokens held = sum over identities of (stake + unbonding). Stake only enters through `register`,
/// `topUp` and `restore`, and only leaves through `withdrawUnbonded` and `slash`. A registration writes five slots.
contract NodeRegistry is StakeRequirement, EIP712 {
    using SafeERC20 for IERC20;
    using ExactPull for IERC20;

    uint256 public constant MAX_URI_BYTES = 512;
    /// @notice An accusation can delay the payment of what is unbonding by no more than this, however many come.
    uint64 public constant MAX_HOLD = 30 days;

    /// @inheritdoc INodeRegistry
    IERC20 public immutable stakeToken;

    /// @param stakePerUsd Wei of VCAI for each stablecoin unit (1e6 base units) of base stake until the first
    /// recomputation.
    constructor(address authority_, IERC20 stakeToken_, Parameters memory parameters_, uint96 stakePerUsd)
        AccessManaged(authority_)
        EIP712("Vcity Link", "1")
        StakeRequirement(parameters_, stakePerUsd)
    {
        if (address(stakeToken_).code.length == 0) {
            revert TokenIsNotAContract(address(stakeToken_));
        }
        stakeToken = stakeToken_;
    }

    /// @inheritdoc INodeRegistry
    function register(Registration calldata registration) external {
        Record storage node = _nodes[msg.sender];
        if (node.banned) revert IdentityBanned(msg.sender);
        if (node.registeredAt != 0) revert AlreadyRegistered(msg.sender);
        uint256 minimum = _currentRequirement(registration.role, registration.gpuModel, registration.gpuCount);
        if (registration.stake < minimum) {
            revert StakeBelowMinimum(registration.role, minimum, registration.stake);
        }
        node.role = registration.role;
        node.kind = registration.kind;
        node.registeredAt = uint40(block.timestamp);
        node.gpuCount = registration.gpuCount;
        node.vramMib = registration.vramMib;
        node.stake = registration.stake;
        node.gpuModel = registration.gpuModel;
        emit Registered(msg.sender, registration.role, registration.kind, registration.stake);
        emit HardwareUpdated(msg.sender, registration.gpuModel, registration.gpuCount, registration.vramMib);
        _setEndpoint(node, registration.region, registration.endpointKey, registration.didDocumentUri);
        stakeToken.pullExact(msg.sender, registration.stake);
    }

    /// @inheritdoc INodeRegistry
    function updateHardware(bytes32 gpuModel, uint16 gpuCount, uint32 vramMib) external {
        Record storage node = _known(msg.sender);
        node.gpuModel = gpuModel;
        node.gpuCount = gpuCount;
        node.vramMib = vramMib;
        emit HardwareUpdated(msg.sender, gpuModel, gpuCount, vramMib);
    }

    /// @inheritdoc INodeRegistry
    function updateEndpoint(bytes32 region, bytes32 endpointKey, string calldata didDocumentUri) external {
        _setEndpoint(_known(msg.sender), region, endpointKey, didDocumentUri);
    }

    /// @inheritdoc INodeRegistry
    function topUp(uint128 amount) external {
        if (amount == 0) revert AmountIsZero(msg.sender);
        Record storage node = _known(msg.sender);
        if (node.banned) revert IdentityBanned(msg.sender);
        node.stake += amount;
        emit StakeAdded(msg.sender, amount, node.stake);
        stakeToken.pullExact(msg.sender, amount);
    }

    /// @inheritdoc INodeRegistry
    function requestUnbond(uint128 amount) external {
        if (amount == 0) revert AmountIsZero(msg.sender);
        Record storage node = _known(msg.sender);
        if (node.stake < amount) revert StakeTooLow(msg.sender, node.stake, amount);
        node.stake -= amount;
        node.unbonding += amount;
        node.unbondAt = uint40(block.timestamp) + _parameters.unbondingDelay;
        emit UnbondRequested(msg.sender, amount, node.unbonding, node.unbondAt);
    }

    /// @inheritdoc INodeRegistry
    function withdrawUnbonded() external {
        Record storage node = _nodes[msg.sender];
        uint128 amount = node.unbonding;
        if (amount == 0) revert NothingUnbonding(msg.sender);
        if (block.timestamp < node.unbondAt) revert StillUnbonding(msg.sender, node.unbondAt);
        uint64 heldUntil = uint64(Math.min(node.heldUntil, node.unbondAt + MAX_HOLD));
        if (block.timestamp < heldUntil) revert UnbondingHeld(msg.sender, heldUntil);
        node.unbonding = 0;
        emit Unbonded(msg.sender, amount);
        stakeToken.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc INodeRegistry
    function slash(address identity, uint128 amount, address beneficiary) external restricted returns (uint128 taken) {
        Record storage node = _nodes[identity];
        uint128 fromStake = amount < node.stake ? amount : node.stake;
        uint128 rest = amount - fromStake;
        uint128 fromUnbonding = rest < node.unbonding ? rest : node.unbonding;
        node.stake -= fromStake;
        node.unbonding -= fromUnbonding;
        taken = fromStake + fromUnbonding;
        emit StakeSlashed(identity, beneficiary, amount, taken);
        if (taken != 0) stakeToken.safeTransfer(beneficiary, taken);
    }

    /// @inheritdoc INodeRegistry
    function restore(address identity, uint128 toStake, uint128 toUnbonding) external restricted {
        Record storage node = _known(identity);
        node.stake += toStake;
        node.unbonding += toUnbonding;
        emit StakeRestored(identity, toStake, toUnbonding);
        stakeToken.pullExact(msg.sender, uint256(toStake) + toUnbonding);
    }

    /// @inheritdoc INodeRegistry
    function suspend(address identity, uint64 until) external restricted {
        _nodes[identity].suspendedUntil = uint40(until);
        emit SuspensionChanged(identity, until);
    }

    /// @inheritdoc INodeRegistry
    function hold(address identity, uint64 until) external restricted {
        _nodes[identity].heldUntil = uint40(until);
        emit HoldChanged(identity, until);
    }

    /// @inheritdoc INodeRegistry
    function ban(address identity) external restricted {
        _nodes[identity].banned = true;
        emit BanChanged(identity, true);
    }

    /// @inheritdoc INodeRegistry
    function unban(address identity) external restricted {
        _nodes[identity].banned = false;
        emit BanChanged(identity, false);
    }

    /// @inheritdoc INodeRegistry
    function nodeOf(address identity) external view returns (Node memory) {
        Record storage node = _nodes[identity];
        return Node({
            role: node.role,
            kind: node.kind,
            banned: node.banned,
            gpuCount: node.gpuCount,
            vramMib: node.vramMib,
            registeredAt: node.registeredAt,
            unbondAt: node.unbondAt,
            stake: node.stake,
            unbonding: node.unbonding,
            gpuModel: node.gpuModel,
            region: node.region,
            endpointKey: node.endpointKey,
            didDocumentHash: node.didDocumentHash,
            suspendedUntil: node.suspendedUntil,
            heldUntil: node.heldUntil
        });
    }

    /// @inheritdoc INodeRegistry
    function stakeOf(address identity) external view returns (uint128 active, uint128 unbonding) {
        Record storage node = _nodes[identity];
        return (node.stake, node.unbonding);
    }

    /// @inheritdoc INodeRegistry
    function isActive(address identity, Role role) external view returns (bool) {
        Record storage node = _nodes[identity];
        if (node.registeredAt == 0 || node.role != role || _isBarred(node)) return false;
        if (role == Role.Verifier && address(admission) != address(0) && !admission.isAdmitted(identity)) {
            return false;
        }
        uint128 stake = node.stake;
        bool leaving = stake == 0 && node.unbonding != 0;
        return !leaving && stake >= _enforcedRequirement(role, node);
    }

    /// @inheritdoc INodeRegistry
    function standingOf(address identity)
        external
        view
        returns (bool registered, bool banned, uint64 suspendedUntil, uint64 heldUntil)
    {
        Record storage node = _nodes[identity];
        return (node.registeredAt != 0, node.banned, node.suspendedUntil, node.heldUntil);
    }

    /// @inheritdoc INodeRegistry
    function isBarred(address identity) external view returns (bool) {
        return _isBarred(_nodes[identity]);
    }

    /// @inheritdoc INodeRegistry
    function linkHelloDigest(address peer, uint8 role, bytes32 challenge, uint64 issuedAt)
        external
        view
        returns (bytes32)
    {
        return _hashTypedDataV4(Hashes.linkHello(peer, role, challenge, issuedAt));
    }

    /// @inheritdoc INodeRegistry
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    function _setEndpoint(Record storage node, bytes32 region, bytes32 endpointKey, string calldata didDocumentUri)
        private
    {
        uint256 length = bytes(didDocumentUri).length;
        if (length > MAX_URI_BYTES) revert UriTooLong(MAX_URI_BYTES, length);
        if (bytes20(region) != region) revert RegionTooLong(20, region);
        node.region = bytes20(region);
        node.didDocumentHash = bytes12(keccak256(bytes(didDocumentUri)));
        node.endpointKey = endpointKey;
        emit EndpointUpdated(msg.sender, region, endpointKey, didDocumentUri);
    }

    function _isBarred(Record storage node) private view returns (bool) {
        return node.banned || block.timestamp < node.suspendedUntil;
    }

    function _known(address identity) private view returns (Record storage node) {
        node = _nodes[identity];
        if (node.registeredAt == 0) revert NotRegistered(identity);
    }
}
