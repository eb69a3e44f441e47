// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IVerifierSet} from "./IVerifierSet.sol";

/// @title Anchors of reputation: one root of feedback summaries per verifier and epoch
/// @notice In the manner of ERC-8004, feedback is given and kept off chain, signed by those who give it; a verifier sums
/// up what it saw of every identity in an epoch and anchors the Merkle root here. Different verifiers may disagree:
/// readers choose whom they believe, and an unfounded summary is evidence for the court. Nobody is paid by this.
interface IReputation {
    /// @notice What a verifier says of one identity in one epoch. `score` is 0 to 100, the mean of `count` feedbacks;
    /// `detailHash` commits to the signed feedbacks behind it.
    struct Summary {
        address subject;
        uint64 count;
        uint8 score;
        bytes32 detailHash;
    }

    /// @notice A verifier anchored its summaries of an epoch. `uri` is where the tree can be fetched.
    event FeedbackAnchored(uint64 indexed epoch, address indexed verifier, bytes32 root, uint32 subjects, string uri);
    /// @notice Somebody brought one summary of an anchored root on chain, for those who follow events.
    event FeedbackShown(
        address indexed subject,
        address indexed verifier,
        uint64 indexed epoch,
        uint64 count,
        uint8 score,
        bytes32 detailHash
    );

    error NotAVerifier(address account);
    error EpochNotOver(uint64 epoch, uint64 current);
    error AlreadyAnchored(uint64 epoch, address verifier);
    error RootIsZero(uint64 epoch);
    error UriTooLong(uint256 maximum, uint256 given);
    error ScoreTooHigh(uint8 maximum, uint8 given);
    error InvalidProof(bytes32 root, bytes32 leaf);
    error EpochLengthIsZero();

    /// @notice Anchors the sender's summaries of an epoch that is over; once. Only an active member of the verifier set.
    function anchor(uint64 epoch, bytes32 root, uint32 subjects, string calldata uri) external;

    /// @notice Emits one summary that belongs to an anchored root. Anyone.
    function show(address verifier, uint64 epoch, Summary calldata summary, bytes32[] calldata proof) external;

    function verifiers() external view returns (IVerifierSet);

    /// @notice Seconds of an epoch; epochs are counted from unix time zero.
    function epochLength() external view returns (uint64);

    function currentEpoch() external view returns (uint64);

    /// @return Zero if that verifier anchored nothing for that epoch.
    function rootOf(address verifier, uint64 epoch) external view returns (bytes32);

    /// @notice Whether a summary belongs to what a verifier anchored for an epoch.
    function isAnchored(address verifier, uint64 epoch, Summary calldata summary, bytes32[] calldata proof)
        external
        view
        returns (bool);

    /// @return keccak256(bytes.concat(keccak256(abi.encode(subject, count, score, detailHash)))).
    function leafOf(Summary calldata summary) external pure returns (bytes32);
}
