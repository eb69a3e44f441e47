// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {ExactPull} from "../libraries/ExactPull.sol";
import {Hashes} from "../libraries/Hashes.sol";
import {Role} from "../types/Types.sol";

/// @dev Conservation: tokens held = sum over identities of (stake + unbonding). Stake only enters through `register`
/// and `topUp`, and only leaves through `withdrawUnbonded` and `slash`.
contract NodeRegistry is INodeRegistry, AccessManaged, EIP712 {
    using SafeERC20 for IERC20;
    using ExactPull for IERC20;

    uint256 public constant MAX_URI_BYTES = 512;
    uint64 public constant MAX_UNBONDING_DELAY = 90 days;

    /// @inheritdoc INodeRegistry
    IERC20 public immutable stakeToken;

    mapping(address identity => Node) private _nodes;
    mapping(Role role => uint128) private _minimumStake;
    uint64 private _unbondingDelay;

    constructor(address authority_, IERC20 stakeToken_, Parameters memory parameters_)
        AccessManaged(authority_)
        EIP712("Vcity Link", "1")
    {
        if (address(stakeToken_).code.length == 0) {
            revert TokenIsNotAContract(address(stakeToken_));
        }
        stakeToken = stakeToken_;
        _setParameters(parameters_);
    }

    /// @inheritdoc INodeRegistry
    function register(Registration calldata registration) external {
        Node storage node = _nodes[msg.sender];
        if (node.registeredAt != 0) revert AlreadyRegistered(msg.sender);
        uint128 minimum = _minimumStake[registration.role];
        if (registration.stake < minimum) {
            revert StakeBelowMinimum(registration.role, minimum, registration.stake);
        }
        node.role = registration.role;
        node.kind = registration.kind;
        node.registeredAt = uint64(block.timestamp);
        node.stake = registration.stake;
        emit Registered(msg.sender, registration.role, registration.kind, registration.stake);
        _setHardware(node, registration.gpuModel, registration.gpuCount, registration.vramMib);
        _setEndpoint(node, registration.region, registration.endpointKey, registration.didDocumentUri);
        stakeToken.pullExact(msg.sender, registration.stake);
    }

    /// @inheritdoc INodeRegistry
    function updateHardware(bytes32 gpuModel, uint16 gpuCount, uint32 vramMib) external {
        _setHardware(_known(msg.sender), gpuModel, gpuCount, vramMib);
    }

    /// @inheritdoc INodeRegistry
    function updateEndpoint(bytes32 region, bytes32 endpointKey, string calldata didDocumentUri) external {
        _setEndpoint(_known(msg.sender), region, endpointKey, didDocumentUri);
    }

    /// @inheritdoc INodeRegistry
    function topUp(uint128 amount) external {
        if (amount == 0) revert AmountIsZero(msg.sender);
        Node storage node = _known(msg.sender);
        node.stake += amount;
        emit StakeAdded(msg.sender, amount, node.stake);
        stakeToken.pullExact(msg.sender, amount);
    }

    /// @inheritdoc INodeRegistry
    function requestUnbond(uint128 amount) external {
        if (amount == 0) revert AmountIsZero(msg.sender);
        Node storage node = _known(msg.sender);
        if (node.stake < amount) revert StakeTooLow(msg.sender, node.stake, amount);
        node.stake -= amount;
        node.unbonding += amount;
        node.unbondAt = uint64(block.timestamp) + _unbondingDelay;
        emit UnbondRequested(msg.sender, amount, node.unbonding, node.unbondAt);
    }

    /// @inheritdoc INodeRegistry
    function withdrawUnbonded() external {
        Node storage node = _nodes[msg.sender];
        uint128 amount = node.unbonding;
        if (amount == 0) revert NothingUnbonding(msg.sender);
        if (block.timestamp < node.unbondAt) revert StillUnbonding(msg.sender, node.unbondAt);
        node.unbonding = 0;
        emit Unbonded(msg.sender, amount);
        stakeToken.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc INodeRegistry
    function slash(address identity, uint128 amount, address beneficiary) external restricted returns (uint128 taken) {
        Node storage node = _nodes[identity];
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
    function ban(address identity) external restricted {
        _known(identity).banned = true;
        emit BanChanged(identity, true);
    }

    /// @inheritdoc INodeRegistry
    function unban(address identity) external restricted {
        _known(identity).banned = false;
        emit BanChanged(identity, false);
    }

    /// @inheritdoc INodeRegistry
    function setParameters(Parameters calldata value) external restricted {
        _setParameters(value);
    }

    /// @inheritdoc INodeRegistry
    function nodeOf(address identity) external view returns (Node memory) {
        return _nodes[identity];
    }

    /// @inheritdoc INodeRegistry
    function stakeOf(address identity) external view returns (uint128 active, uint128 unbonding) {
        Node storage node = _nodes[identity];
        return (node.stake, node.unbonding);
    }

    /// @inheritdoc INodeRegistry
    function isActive(address identity, Role role) external view returns (bool) {
        Node storage node = _nodes[identity];
        if (node.registeredAt == 0 || node.role != role || node.banned) return false;
        uint128 stake = node.stake;
        bool leaving = stake == 0 && node.unbonding != 0;
        return !leaving && stake >= _minimumStake[role];
    }

    /// @inheritdoc INodeRegistry
    function minimumStake(Role role) external view returns (uint128) {
        return _minimumStake[role];
    }

    /// @inheritdoc INodeRegistry
    function unbondingDelay() external view returns (uint64) {
        return _unbondingDelay;
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

    function _setHardware(Node storage node, bytes32 gpuModel, uint16 gpuCount, uint32 vramMib) private {
        node.gpuModel = gpuModel;
        node.gpuCount = gpuCount;
        node.vramMib = vramMib;
        emit HardwareUpdated(msg.sender, gpuModel, gpuCount, vramMib);
    }

    function _setEndpoint(Node storage node, bytes32 region, bytes32 endpointKey, string calldata didDocumentUri)
        private
    {
        uint256 length = bytes(didDocumentUri).length;
        if (length > MAX_URI_BYTES) revert UriTooLong(MAX_URI_BYTES, length);
        node.region = region;
        node.endpointKey = endpointKey;
        node.didDocumentUri = didDocumentUri;
        emit EndpointUpdated(msg.sender, region, endpointKey, didDocumentUri);
    }

    function _setParameters(Parameters memory value) private {
        if (value.unbondingDelay > MAX_UNBONDING_DELAY) {
            revert DelayTooLong(MAX_UNBONDING_DELAY, value.unbondingDelay);
        }
        _minimumStake[Role.Compute] = value.minimumCompute;
        _minimumStake[Role.Scheduler] = value.minimumScheduler;
        _minimumStake[Role.Verifier] = value.minimumVerifier;
        _unbondingDelay = value.unbondingDelay;
        emit ParametersChanged(value);
    }

    function _known(address identity) private view returns (Node storage node) {
        node = _nodes[identity];
        if (node.registeredAt == 0) revert NotRegistered(identity);
    }
}
