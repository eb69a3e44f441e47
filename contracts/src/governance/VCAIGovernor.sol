// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {AuthorityUtils} from "@openzeppelin/contracts/access/manager/AuthorityUtils.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {SSTORE2} from "solady/utils/SSTORE2.sol";
import {IVCAIGovernor} from "../interfaces/IVCAIGovernor.sol";
import {IVeVCAI} from "../interfaces/IVeVCAI.sol";

/// @dev The governor must be the timelock's only proposer and only executor, otherwise expired proposals could still be
/// carried out there. What happened to a queued proposal is read from the timelock, so a cancellation there counts.
contract VCAIGovernor is IVCAIGovernor, AccessManaged, EIP712 {
    uint256 public constant MAX_CALLS = 16;
    uint256 public constant MAX_CALLS_BYTES = 16_384;
    uint256 public constant MAX_DESCRIPTION_BYTES = 16_384;
    uint32 public constant MAX_WINDOW = 90 days;
    uint96 public constant MIN_PROPOSER_THRESHOLD = 1e18;
    uint96 public constant MAX_PROPOSER_THRESHOLD = 1_000e18;
    bytes32 private constant BALLOT_TYPEHASH = keccak256("Ballot(uint256 id,uint8 support,address voter)");

    /// @dev `calls` is a contract whose code is the encoded calls.
    struct Stored {
        address proposer;
        uint64 openFrom;
        uint32 openWindow;
        address calls;
        uint64 votingUntil;
        uint32 snapshotId;
        uint32 voting;
        uint32 queueWindow;
        uint32 executeWindow;
        uint64 executeFrom;
        bool cancelled;
        uint128 votesFor;
        uint128 votesAgainst;
        uint128 votesAbstain;
        bytes32 operation;
    }

    /// @inheritdoc IVCAIGovernor
    IVeVCAI public immutable ve;
    /// @inheritdoc IVCAIGovernor
    TimelockController public immutable timelock;
    /// @inheritdoc IVCAIGovernor
    uint32 public immutable minimumDiscussion;
    /// @inheritdoc IVCAIGovernor
    uint32 public immutable minimumWindow;

    /// @inheritdoc IVCAIGovernor
    mapping(address proposer => uint256) public proposalCount;
    Parameters private _parameters;
    mapping(uint256 id => Stored) private _proposals;
    /// @dev 0 for no vote, else the vote's support + 1.
    mapping(uint256 id => mapping(address voter => uint8)) private _votes;

    constructor(
        address authority_,
        IVeVCAI ve_,
        TimelockController timelock_,
        uint32 minimumDiscussion_,
        Parameters memory parameters_
    ) AccessManaged(authority_) EIP712("Vcity Governor", "1") {
        if (address(ve_).code.length == 0) revert NotAContract(address(ve_));
        if (address(timelock_).code.length == 0) revert NotAContract(address(timelock_));
        _checkRange("minimumDiscussion", 1, MAX_WINDOW, minimumDiscussion_);
        ve = ve_;
        timelock = timelock_;
        minimumDiscussion = minimumDiscussion_;
        minimumWindow = (minimumDiscussion_ + 6) / 7;
        _setParameters(parameters_);
    }

    // ---------------------------------------------------------------------------------------------- stages

    /// @inheritdoc IVCAIGovernor
    function propose(Call[] calldata calls, string calldata description) external returns (uint256 id) {
        Parameters memory current = _parameters;
        _checkProposer(current.proposerThreshold);
        bytes memory encoded = _encode(calls);
        if (bytes(description).length > MAX_DESCRIPTION_BYTES) {
            revert DescriptionTooLong(MAX_DESCRIPTION_BYTES, bytes(description).length);
        }
        uint256 count = proposalCount[msg.sender]++;
        bytes32 content = keccak256(abi.encode(keccak256(encoded), keccak256(bytes(description))));
        id = uint256(keccak256(abi.encode(block.chainid, address(this), msg.sender, count, content)));
        Stored storage proposal = _proposals[id];
        proposal.proposer = msg.sender;
        proposal.openFrom = uint64(block.timestamp) + current.discussion;
        proposal.openWindow = current.openWindow;
        proposal.voting = current.voting;
        proposal.queueWindow = current.queueWindow;
        proposal.executeWindow = current.executeWindow;
        proposal.calls = SSTORE2.write(encoded);
        emit Proposed(id, msg.sender, proposal.openFrom, _openUntil(proposal), calls, description);
    }

    /// @inheritdoc IVCAIGovernor
    function openVote(uint256 id) external {
        Stored storage proposal = _inState(id, ProposalState.Openable);
        uint64 votingUntil = uint64(block.timestamp) + proposal.voting;
        uint32 snapshotId = ve.snapshot();
        (proposal.votingUntil, proposal.snapshotId) = (votingUntil, snapshotId);
        emit VoteOpened(id, snapshotId, votingUntil, ve.totalAt(snapshotId));
    }

    /// @inheritdoc IVCAIGovernor
    function castVote(uint256 id, Support support) external {
        _castVote(id, support, msg.sender);
    }

    /// @inheritdoc IVCAIGovernor
    function castVoteBySig(uint256 id, Support support, address voter, bytes calldata signature) external {
        bytes32 digest = ballotDigest(id, support, voter);
        if (!SignatureChecker.isValidSignatureNow(voter, digest, signature)) revert BadVoteSignature(voter, digest);
        _castVote(id, support, voter);
    }

    /// @inheritdoc IVCAIGovernor
    function queue(uint256 id) external {
        Stored storage proposal = _inState(id, ProposalState.Succeeded);
        (address[] memory targets, uint256[] memory values, bytes[] memory payloads) = _batch(proposal);
        uint256 delay = timelock.getMinDelay();
        bytes32 operation = timelock.hashOperationBatch(targets, values, payloads, 0, bytes32(id));
        proposal.operation = operation;
        proposal.executeFrom = uint64(block.timestamp + delay);
        emit Queued(id, operation, proposal.executeFrom, _executeUntil(proposal));
        timelock.scheduleBatch(targets, values, payloads, 0, bytes32(id), delay);
    }

    /// @inheritdoc IVCAIGovernor
    function execute(uint256 id) external {
        Stored storage proposal = _inState(id, ProposalState.Executable);
        (address[] memory targets, uint256[] memory values, bytes[] memory payloads) = _batch(proposal);
        emit Executed(id);
        timelock.executeBatch(targets, values, payloads, 0, bytes32(id));
    }

    /// @inheritdoc IVCAIGovernor
    function cancel(uint256 id) external {
        ProposalState present = state(id);
        Stored storage proposal = _proposals[id];
        if (msg.sender != proposal.proposer) revert NotProposer(id, proposal.proposer, msg.sender);
        if (present > ProposalState.Openable) revert WrongState(id, ProposalState.Openable, present);
        proposal.cancelled = true;
        emit Cancelled(id);
    }

    function _castVote(uint256 id, Support support, address voter) private {
        Stored storage proposal = _proposals[id];
        uint256 snapshotId = proposal.snapshotId;
        if (snapshotId == 0 || block.timestamp >= proposal.votingUntil) {
            revert WrongState(id, ProposalState.Voting, state(id));
        }
        if (_votes[id][voter] != 0) revert AlreadyVoted(id, voter);
        _votes[id][voter] = uint8(support) + 1;
        uint256 weight = ve.votesAt(voter, snapshotId);
        if (weight == 0) revert NoWeight(id, voter);
        // Weights are below 2^97, the sum of all of them too.
        if (support == Support.For) proposal.votesFor += uint128(weight);
        else if (support == Support.Against) proposal.votesAgainst += uint128(weight);
        else proposal.votesAbstain += uint128(weight);
        emit VoteCast(id, voter, support, weight);
    }

    function _checkProposer(uint256 threshold) private view {
        uint256 weight = ve.weightOf(msg.sender);
        if (weight >= threshold) return;
        (bool allowed,) = AuthorityUtils.canCallWithDelay(authority(), msg.sender, address(this), msg.sig);
        if (!allowed) revert WeightBelowThreshold(msg.sender, threshold, weight);
    }

    function _encode(Call[] calldata calls) private pure returns (bytes memory encoded) {
        if (calls.length == 0 || calls.length > MAX_CALLS) revert WrongNumberOfCalls(1, MAX_CALLS, calls.length);
        encoded = abi.encode(calls);
        if (encoded.length > MAX_CALLS_BYTES) revert CallsTooLong(MAX_CALLS_BYTES, encoded.length);
    }

    function _batch(Stored storage proposal)
        private
        view
        returns (address[] memory targets, uint256[] memory values, bytes[] memory payloads)
    {
        Call[] memory calls = abi.decode(SSTORE2.read(proposal.calls), (Call[]));
        targets = new address[](calls.length);
        values = new uint256[](calls.length);
        payloads = new bytes[](calls.length);
        for (uint256 i = 0; i < calls.length; ++i) {
            (targets[i], values[i], payloads[i]) = (calls[i].target, calls[i].value, calls[i].data);
        }
    }

    // ---------------------------------------------------------------------------------------------- state

    /// @inheritdoc IVCAIGovernor
    function state(uint256 id) public view returns (ProposalState) {
        Stored storage proposal = _proposals[id];
        if (proposal.proposer == address(0)) revert ProposalUnknown(id);
        if (proposal.cancelled) return ProposalState.Cancelled;
        if (proposal.snapshotId == 0) {
            if (block.timestamp < proposal.openFrom) return ProposalState.Discussion;
            return block.timestamp < _openUntil(proposal) ? ProposalState.Openable : ProposalState.Expired;
        }
        if (block.timestamp < proposal.votingUntil) return ProposalState.Voting;
        if (proposal.operation == 0) {
            if (uint256(proposal.votesFor) * 2 <= ve.totalAt(proposal.snapshotId)) return ProposalState.Defeated;
            return block.timestamp < _queueUntil(proposal) ? ProposalState.Succeeded : ProposalState.Expired;
        }
        TimelockController.OperationState operation = timelock.getOperationState(proposal.operation);
        if (operation == TimelockController.OperationState.Unset) return ProposalState.Cancelled;
        if (operation == TimelockController.OperationState.Done) return ProposalState.Executed;
        if (block.timestamp < proposal.executeFrom) return ProposalState.Queued;
        return block.timestamp < _executeUntil(proposal) ? ProposalState.Executable : ProposalState.Expired;
    }

    function _inState(uint256 id, ProposalState needed) private view returns (Stored storage proposal) {
        ProposalState present = state(id);
        if (present != needed) revert WrongState(id, needed, present);
        return _proposals[id];
    }

    function _openUntil(Stored storage proposal) private view returns (uint64) {
        return proposal.openFrom + proposal.openWindow;
    }

    function _queueUntil(Stored storage proposal) private view returns (uint64) {
        return proposal.votingUntil + proposal.queueWindow;
    }

    function _executeUntil(Stored storage proposal) private view returns (uint64) {
        return proposal.executeFrom + proposal.executeWindow;
    }

    /// @inheritdoc IVCAIGovernor
    function proposals(uint256 id) external view returns (Proposal memory) {
        Stored storage stored = _known(id);
        bool opened = stored.snapshotId != 0;
        bool queued = stored.operation != 0;
        return Proposal({
            proposer: stored.proposer,
            openFrom: stored.openFrom,
            openUntil: _openUntil(stored),
            snapshotId: stored.snapshotId,
            votingUntil: stored.votingUntil,
            queueUntil: opened ? _queueUntil(stored) : 0,
            executeFrom: stored.executeFrom,
            executeUntil: queued ? _executeUntil(stored) : 0,
            votesFor: stored.votesFor,
            votesAgainst: stored.votesAgainst,
            votesAbstain: stored.votesAbstain
        });
    }

    /// @inheritdoc IVCAIGovernor
    function callsOf(uint256 id) external view returns (Call[] memory) {
        return abi.decode(SSTORE2.read(_known(id).calls), (Call[]));
    }

    /// @inheritdoc IVCAIGovernor
    function operationOf(uint256 id) external view returns (bytes32) {
        return _known(id).operation;
    }

    /// @inheritdoc IVCAIGovernor
    function voteOf(uint256 id, address voter) external view returns (bool voted, Support support) {
        uint8 vote = _votes[id][voter];
        if (vote != 0) (voted, support) = (true, Support(vote - 1));
    }

    /// @inheritdoc IVCAIGovernor
    function ballotDigest(uint256 id, Support support, address voter) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(BALLOT_TYPEHASH, id, support, voter)));
    }

    function _known(uint256 id) private view returns (Stored storage proposal) {
        proposal = _proposals[id];
        if (proposal.proposer == address(0)) revert ProposalUnknown(id);
    }

    // ---------------------------------------------------------------------------------------------- parameters

    /// @inheritdoc IVCAIGovernor
    function setParameters(Parameters calldata parameters_) external restricted {
        _setParameters(parameters_);
    }

    /// @inheritdoc IVCAIGovernor
    function parameters() external view returns (Parameters memory) {
        return _parameters;
    }

    function _setParameters(Parameters memory given) private {
        _checkRange("discussion", minimumDiscussion, MAX_WINDOW, given.discussion);
        _checkRange("openWindow", minimumWindow, MAX_WINDOW, given.openWindow);
        _checkRange("voting", minimumWindow, MAX_WINDOW, given.voting);
        _checkRange("queueWindow", minimumWindow, MAX_WINDOW, given.queueWindow);
        _checkRange("executeWindow", minimumWindow, MAX_WINDOW, given.executeWindow);
        _checkRange("proposerThreshold", MIN_PROPOSER_THRESHOLD, MAX_PROPOSER_THRESHOLD, given.proposerThreshold);
        _parameters = given;
        emit ParametersChanged(given);
    }

    function _checkRange(bytes32 name, uint256 minimum, uint256 maximum, uint256 given) private pure {
        if (given < minimum || given > maximum) revert ParameterOutOfRange(name, minimum, maximum, given);
    }
}
