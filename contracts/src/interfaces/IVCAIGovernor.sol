// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {IVeVCAI} from "./IVeVCAI.sol";

/// @title The DAO: proposals are discussed, voted on by veVCAI, and carried out through the timelock
/// @notice A proposal is discussed first; then anyone opens the vote, which freezes all weights of that second. It passes
/// only if more than half of all veVCAI, not of the votes cast, is in favour. Then anyone queues it in the timelock and,
/// after the timelock's delay, executes it. Each of these steps has a window; a proposal that misses one expires. Its
/// windows are those in force when it was made. Times are unix seconds, weights have 18 decimals.
///
/// | parameter | range | who | meaning |
/// | --- | --- | --- | --- |
/// | discussion | minimumDiscussion to 90 days | PARAMS | seconds from the proposal to the earliest vote |
/// | openWindow | minimumWindow to 90 days | PARAMS | seconds in which the vote can be opened |
/// | voting | minimumWindow to 90 days | PARAMS | seconds from the opening to the end of the vote |
/// | queueWindow | minimumWindow to 90 days | PARAMS | seconds in which a passed proposal can be queued |
/// | executeWindow | minimumWindow to 90 days | PARAMS | seconds in which a queued, due proposal can be executed |
/// | proposerThreshold | 1e18 to 1,000e18 weight | PARAMS | weight needed to propose |
interface IVCAIGovernor {
    struct Call {
        address target;
        uint256 value;
        bytes data;
    }

    /// @notice What a vote says. Only `For` counts towards the majority.
    enum Support {
        Against,
        For,
        Abstain
    }

    /// @notice Discussion: not yet votable. Openable: anyone may open the vote. Voting: votes are taken. Succeeded: can
    /// be queued. Queued: waits in the timelock. Executable: the timelock's delay is over. The rest are final: Executed,
    /// Defeated (no majority), Expired (a window was missed), Cancelled (by the proposer, or by the guardian in the
    /// timelock).
    enum ProposalState {
        Discussion,
        Openable,
        Voting,
        Succeeded,
        Queued,
        Executable,
        Executed,
        Defeated,
        Expired,
        Cancelled
    }

    /// @notice Lengths of the stages in seconds, and the weight that a proposer must have when it proposes.
    struct Parameters {
        uint32 discussion;
        uint32 openWindow;
        uint32 voting;
        uint32 queueWindow;
        uint32 executeWindow;
        uint96 proposerThreshold;
    }

    /// @notice A proposal. `snapshotId` is zero until the vote is opened. Every `...Until` is the first second at which
    /// the step is no longer possible; those of steps not yet reached are zero.
    struct Proposal {
        address proposer;
        uint64 openFrom;
        uint64 openUntil;
        uint32 snapshotId;
        uint64 votingUntil;
        uint64 queueUntil;
        uint64 executeFrom;
        uint64 executeUntil;
        uint128 votesFor;
        uint128 votesAgainst;
        uint128 votesAbstain;
    }

    event Proposed(
        uint256 indexed id,
        address indexed proposer,
        uint64 openFrom,
        uint64 openUntil,
        Call[] calls,
        string description
    );
    event VoteOpened(uint256 indexed id, uint32 indexed snapshotId, uint64 votingUntil, uint256 totalWeight);
    event VoteCast(uint256 indexed id, address indexed voter, Support support, uint256 weight);
    event Queued(uint256 indexed id, bytes32 indexed operation, uint64 executeFrom, uint64 executeUntil);
    event Executed(uint256 indexed id);
    event Cancelled(uint256 indexed id);
    event ParametersChanged(Parameters parameters);

    error NotAContract(address given);
    error ParameterOutOfRange(bytes32 name, uint256 minimum, uint256 maximum, uint256 given);
    error WeightBelowThreshold(address proposer, uint256 threshold, uint256 weight);
    error WrongNumberOfCalls(uint256 minimum, uint256 maximum, uint256 given);
    error CallsTooLong(uint256 maximumBytes, uint256 given);
    error DescriptionTooLong(uint256 maximumBytes, uint256 given);
    error ProposalUnknown(uint256 id);
    error WrongState(uint256 id, ProposalState needed, ProposalState present);
    error NotProposer(uint256 id, address proposer, address caller);
    error AlreadyVoted(uint256 id, address voter);
    error NoWeight(uint256 id, address voter);
    error BadVoteSignature(address voter, bytes32 digest);

    /// @notice Proposes `calls`, to be made by the timelock in their order and all or none. The sender needs
    /// `proposerThreshold` of weight now, or the role that opens this function (APPEALS: the court).
    /// @param description Kept in the event alone.
    /// @return id Hash of this contract, the sender, its count of proposals, the calls and the description: nobody else
    /// can take it first.
    function propose(Call[] calldata calls, string calldata description) external returns (uint256 id);

    /// @notice Opens the vote and freezes the weights. Anyone may call, after the discussion and within `openWindow`.
    function openVote(uint256 id) external;

    /// @notice Votes with the weight that the sender had when the vote was opened. Once and for all.
    function castVote(uint256 id, Support support) external;

    /// @notice The same for `voter`, who signed the EIP-712 message Ballot(uint256 id,uint8 support,address voter).
    /// @param signature 65 bytes r || s || v with low s, or what an ERC-1271 contract accepts.
    function castVoteBySig(uint256 id, Support support, address voter, bytes calldata signature) external;

    /// @notice Puts a passed proposal into the timelock. Anyone may call, within `queueWindow`.
    function queue(uint256 id) external;

    /// @notice Carries a queued proposal out. Anyone may call, after the timelock's delay and within `executeWindow`.
    /// Values of calls come out of the timelock.
    function execute(uint256 id) external;

    /// @notice Takes the sender's proposal back. Only before the vote is opened.
    function cancel(uint256 id) external;

    /// @notice Changes the parameters for proposals made from now on. Restricted to PARAMS.
    function setParameters(Parameters calldata parameters_) external;

    function parameters() external view returns (Parameters memory);

    function state(uint256 id) external view returns (ProposalState);

    function proposals(uint256 id) external view returns (Proposal memory);

    /// @notice The calls of a proposal.
    function callsOf(uint256 id) external view returns (Call[] memory);

    /// @notice Id of a queued proposal's operation in the timelock.
    function operationOf(uint256 id) external view returns (bytes32);

    /// @notice Whether `voter` has voted, and what.
    function voteOf(uint256 id, address voter) external view returns (bool voted, Support support);

    /// @notice How many proposals `proposer` has made.
    function proposalCount(address proposer) external view returns (uint256);

    /// @notice The EIP-712 digest that a voter signs.
    function ballotDigest(uint256 id, Support support, address voter) external view returns (bytes32);

    /// @notice No discussion is ever shorter than this.
    function minimumDiscussion() external view returns (uint32);

    /// @notice No other window is ever shorter than this: a seventh of `minimumDiscussion`, rounded up.
    function minimumWindow() external view returns (uint32);

    function ve() external view returns (IVeVCAI);

    function timelock() external view returns (TimelockController);
}
