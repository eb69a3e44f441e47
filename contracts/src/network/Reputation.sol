// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {IReputation} from "../interfaces/IReputation.sol";
import {IVerifierSet} from "../interfaces/IVerifierSet.sol";

/// @dev Holds nothing and decides nothing: no administrator, no parameters, one slot an anchor.
contract Reputation is IReputation {
    uint256 public constant MAX_URI_BYTES = 512;
    uint8 public constant MAX_SCORE = 100;

    /// @inheritdoc IReputation
    IVerifierSet public immutable verifiers;
    /// @inheritdoc IReputation
    uint64 public immutable epochLength;

    mapping(address verifier => mapping(uint64 epoch => bytes32)) private _roots;

    constructor(IVerifierSet verifiers_, uint64 epochLength_) {
        if (epochLength_ == 0) revert EpochLengthIsZero();
        verifiers = verifiers_;
        epochLength = epochLength_;
    }

    /// @inheritdoc IReputation
    function anchor(uint64 epoch, bytes32 root, uint32 subjects, string calldata uri) external {
        uint64 current = currentEpoch();
        if (epoch >= current) revert EpochNotOver(epoch, current);
        if (root == 0) revert RootIsZero(epoch);
        if (bytes(uri).length > MAX_URI_BYTES) revert UriTooLong(MAX_URI_BYTES, bytes(uri).length);
        if (_roots[msg.sender][epoch] != 0) revert AlreadyAnchored(epoch, msg.sender);
        if (!verifiers.isMember(msg.sender)) revert NotAVerifier(msg.sender);
        _roots[msg.sender][epoch] = root;
        emit FeedbackAnchored(epoch, msg.sender, root, subjects, uri);
    }

    /// @inheritdoc IReputation
    function show(address verifier, uint64 epoch, Summary calldata summary, bytes32[] calldata proof) external {
        if (summary.score > MAX_SCORE) revert ScoreTooHigh(MAX_SCORE, summary.score);
        if (!isAnchored(verifier, epoch, summary, proof)) {
            revert InvalidProof(_roots[verifier][epoch], leafOf(summary));
        }
        emit FeedbackShown(summary.subject, verifier, epoch, summary.count, summary.score, summary.detailHash);
    }

    /// @inheritdoc IReputation
    function rootOf(address verifier, uint64 epoch) external view returns (bytes32) {
        return _roots[verifier][epoch];
    }

    /// @inheritdoc IReputation
    function currentEpoch() public view returns (uint64) {
        return uint64(block.timestamp) / epochLength;
    }

    /// @inheritdoc IReputation
    function isAnchored(address verifier, uint64 epoch, Summary calldata summary, bytes32[] calldata proof)
        public
        view
        returns (bool)
    {
        bytes32 root = _roots[verifier][epoch];
        return root != 0 && MerkleProof.verifyCalldata(proof, root, leafOf(summary));
    }

    /// @inheritdoc IReputation
    function leafOf(Summary calldata summary) public pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(summary))));
    }
}
