// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {IVerifierSet} from "../interfaces/IVerifierSet.sol";
import {Role} from "../types/Types.sol";

/// @dev Members are only ever appended (the DAO's dismissal moves the last into the gap), so the first `candidates` of
/// them are those of the time of the request. The deciding hash is fixed once its block is past: whoever calls `draw`
/// changes nothing, and letting 256 blocks pass to get another hash works only if nobody else calls. A block's proposer
/// can withhold its block once to get another hash; that is priced by the block reward and by the size of the quorum.
contract VerifierSet is IVerifierSet, AccessManaged {
    uint256 private constant BPS = 10_000;
    uint256 public constant MAX_COMMITTEE = 15;
    uint256 public constant MAX_DRAW_DELAY = 200;
    /// @notice So many members are looked at in one draw; the inactive among them are passed over.
    uint256 public constant MAX_TRIES = 64;

    /// @inheritdoc IVerifierSet
    INodeRegistry public immutable registry;

    Parameters private _parameters;
    address[] private _members;
    /// @dev Position in `_members` plus one.
    mapping(address member => uint256) private _positions;
    mapping(address court => mapping(uint256 caseId => Draw)) private _draws;
    mapping(address court => mapping(uint256 caseId => address[])) private _committees;

    constructor(address authority_, INodeRegistry registry_, Parameters memory parameters_) AccessManaged(authority_) {
        registry = registry_;
        _setParameters(parameters_);
    }

    /// @inheritdoc IVerifierSet
    function admit(address member, uint256 caseId) external restricted {
        if (_positions[member] != 0) return;
        _add(member);
        emit MemberAdmitted(member, caseId);
    }

    /// @inheritdoc IVerifierSet
    function appoint(address[] calldata members) external restricted {
        for (uint256 i = 0; i < members.length; ++i) {
            if (_positions[members[i]] != 0) revert AlreadyMember(members[i]);
            _add(members[i]);
            emit MemberAppointed(members[i]);
        }
    }

    /// @inheritdoc IVerifierSet
    function dismiss(address member) external restricted {
        uint256 position = _positions[member];
        if (position == 0) revert NotAMember(member);
        address last = _members[_members.length - 1];
        _members[position - 1] = last;
        _positions[last] = position;
        _members.pop();
        delete _positions[member];
        emit MemberDismissed(member);
    }

    /// @inheritdoc IVerifierSet
    function request(uint256 caseId) external restricted returns (uint64 drawBlock) {
        Draw storage draw_ = _draws[msg.sender][caseId];
        if (draw_.drawBlock == 0) draw_.candidates = uint32(_members.length);
        draw_.round += 1;
        draw_.drawn = false;
        delete _committees[msg.sender][caseId];
        return _nameBlock(caseId, draw_);
    }

    /// @inheritdoc IVerifierSet
    function draw(uint256 caseId, address[] calldata excluded)
        external
        restricted
        returns (address[] memory committee)
    {
        Draw storage draw_ = _draws[msg.sender][caseId];
        uint64 drawBlock = draw_.drawBlock;
        if (drawBlock == 0) revert DrawNotRequested(caseId);
        if (draw_.drawn) revert AlreadyDrawn(caseId, draw_.round);
        if (block.number <= drawBlock) revert DrawTooEarly(caseId, drawBlock);
        bytes32 decider = blockhash(drawBlock);
        if (decider == 0) {
            _nameBlock(caseId, draw_);
            return committee;
        }
        bytes32 seed = keccak256(abi.encode(decider, msg.sender, caseId, draw_.round));
        committee = _pick(seed, draw_.candidates, excluded);
        uint256 minimum = _parameters.minimumCommittee;
        if (committee.length < minimum) revert CommitteeTooSmall(caseId, committee.length, minimum);
        draw_.drawn = true;
        _committees[msg.sender][caseId] = committee;
        emit CommitteeDrawn(msg.sender, caseId, draw_.round, committee);
    }

    /// @inheritdoc IVerifierSet
    function setParameters(Parameters calldata value) external restricted {
        _setParameters(value);
    }

    /// @inheritdoc IVerifierSet
    function parameters() external view returns (Parameters memory) {
        return _parameters;
    }

    /// @inheritdoc IVerifierSet
    function isMember(address account) external view returns (bool) {
        return _positions[account] != 0 && registry.isActive(account, Role.Verifier);
    }

    /// @inheritdoc IVerifierSet
    function isAdmitted(address account) external view returns (bool) {
        return _positions[account] != 0;
    }

    /// @inheritdoc IVerifierSet
    function memberCount() external view returns (uint256) {
        return _members.length;
    }

    /// @inheritdoc IVerifierSet
    function memberAt(uint256 index) external view returns (address) {
        return _members[index];
    }

    /// @inheritdoc IVerifierSet
    function committeeOf(address court, uint256 caseId) external view returns (address[] memory) {
        return _committees[court][caseId];
    }

    /// @inheritdoc IVerifierSet
    function drawOf(address court, uint256 caseId) external view returns (Draw memory) {
        return _draws[court][caseId];
    }

    /// @inheritdoc IVerifierSet
    function checkSignatures(address court, uint256 caseId, bytes32 digest, bytes[] calldata signatures)
        external
        view
    {
        address[] memory committee = _committees[court][caseId];
        if (committee.length == 0) revert CommitteeNotSeated(caseId);
        uint256 quorum = quorumOf(committee.length);
        if (signatures.length < quorum) revert QuorumNotReached(caseId, quorum, signatures.length);
        address previous = address(0);
        for (uint256 i = 0; i < signatures.length; ++i) {
            (address signer, ECDSA.RecoverError failure,) = ECDSA.tryRecover(digest, signatures[i]);
            if (failure != ECDSA.RecoverError.NoError) revert BadSignature(i);
            if (!_contains(committee, signer)) revert SignerNotInCommittee(i, signer);
            if (signer <= previous) revert SignersNotAscending(i);
            previous = signer;
            if (!registry.isActive(signer, Role.Verifier)) revert SignerInactive(i, signer);
        }
    }

    /// @inheritdoc IVerifierSet
    function quorumOf(uint256 size) public view returns (uint256) {
        return Math.min(size * _parameters.quorumBps / BPS + 1, size);
    }

    function _add(address member) private {
        if (member == address(0)) revert MemberIsZero();
        _members.push(member);
        _positions[member] = _members.length;
    }

    function _nameBlock(uint256 caseId, Draw storage draw_) private returns (uint64 drawBlock) {
        drawBlock = uint64(block.number) + _parameters.drawDelay;
        draw_.drawBlock = drawBlock;
        emit DrawRequested(msg.sender, caseId, draw_.round, drawBlock);
    }

    /// @dev Draws without putting back (Fisher-Yates, whose exchanged positions are kept in two short lists) until the
    /// committee is full.
    function _pick(bytes32 seed, uint256 candidates, address[] memory excluded)
        private
        view
        returns (address[] memory picked)
    {
        uint256 count = Math.min(candidates, _members.length);
        uint256 tries = Math.min(count, MAX_TRIES);
        uint256 size = _parameters.committeeSize;
        address[] memory found = new address[](size);
        uint256[] memory keys = new uint256[](tries);
        uint256[] memory values = new uint256[](tries);
        uint256 length = 0;
        for (uint256 i = 0; i < tries && length < size; ++i) {
            uint256 chosen = i + uint256(keccak256(abi.encode(seed, i))) % (count - i);
            address member = _members[_valueAt(keys, values, i, chosen)];
            keys[i] = chosen;
            values[i] = _valueAt(keys, values, i, i);
            if (_mayJudge(member, excluded)) found[length++] = member;
        }
        picked = new address[](length);
        for (uint256 i = 0; i < length; ++i) {
            picked[i] = found[i];
        }
    }

    /// @dev What is at a position after the first `steps` exchanges: the latest exchange of that position counts.
    function _valueAt(uint256[] memory keys, uint256[] memory values, uint256 steps, uint256 position)
        private
        pure
        returns (uint256)
    {
        for (uint256 i = steps; i != 0; --i) {
            if (keys[i - 1] == position) return values[i - 1];
        }
        return position;
    }

    function _mayJudge(address member, address[] memory excluded) private view returns (bool) {
        return !_contains(excluded, member) && registry.isActive(member, Role.Verifier);
    }

    function _contains(address[] memory accounts, address account) private pure returns (bool) {
        for (uint256 i = 0; i < accounts.length; ++i) {
            if (accounts[i] == account) return true;
        }
        return false;
    }

    function _setParameters(Parameters memory value) private {
        _checkRange("committeeSize", value.committeeSize, 1, MAX_COMMITTEE);
        _checkRange("minimumCommittee", value.minimumCommittee, 1, value.committeeSize);
        _checkRange("quorumBps", value.quorumBps, BPS / 2, BPS);
        _checkRange("drawDelay", value.drawDelay, 1, MAX_DRAW_DELAY);
        _parameters = value;
        emit ParametersChanged(value);
    }

    function _checkRange(bytes32 name, uint256 value, uint256 minimum, uint256 maximum) private pure {
        if (value < minimum || value > maximum) revert ParameterOutOfRange(name, value, minimum, maximum);
    }
}
