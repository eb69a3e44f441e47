// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Agreement, Charge, SpendingCap, UsageReceipt, Verdict} from "../types/Types.sol";

/// @title EIP-712 struct hashes and Merkle leaves of the protocol
/// @dev Every struct hashed here has only static fields, so `abi.encode(TYPEHASH, value)` is the EIP-712 encoding.
/// Every function has a vector in tests/vectors that C++, Solidity and TypeScript read.
library Hashes {
    bytes32 internal constant RECEIPT_TYPEHASH = keccak256(
        "UsageReceipt(bytes32 jobId,address client,address node,address scheduler,uint64 fencingToken,"
        "uint64 inputUnits,uint64 outputUnits,uint128 amount,uint128 quote,bytes32 modelRoot,bytes32 requestHash,"
        "bytes32 responseHash,bytes32 verificationRoot,uint64 startedAt,uint64 finishedAt)"
    );
    bytes32 internal constant CAP_TYPEHASH =
        keccak256("SpendingCap(address client,address scheduler,uint128 limit,uint64 expiry,uint256 nonce)");
    bytes32 internal constant VERDICT_TYPEHASH = keccak256(
        "Verdict(bytes32 receiptHash,address node,address verifier,uint8 outcome,bytes32 evidenceHash,uint64 checkedAt)"
    );
    bytes32 internal constant LINK_HELLO_TYPEHASH =
        keccak256("LinkHello(address peer,uint8 role,bytes32 challenge,uint64 issuedAt)");
    bytes32 internal constant AGREEMENT_TYPEHASH = keccak256(
        "Agreement(uint8 kind,address client,address provider,address payee,uint128 price,uint128 rate,"
        "uint128 maximumRate,uint64 start,uint64 duration,uint32 periods,uint32 acceptance,uint64 expiry,"
        "bytes32 specification,uint256 nonce)"
    );

    function receipt(UsageReceipt memory value) internal pure returns (bytes32) {
        return keccak256(abi.encode(RECEIPT_TYPEHASH, value));
    }

    function cap(SpendingCap memory value) internal pure returns (bytes32) {
        return keccak256(abi.encode(CAP_TYPEHASH, value));
    }

    function verdict(Verdict memory value) internal pure returns (bytes32) {
        return keccak256(abi.encode(VERDICT_TYPEHASH, value));
    }

    function linkHello(address peer, uint8 role, bytes32 challenge, uint64 issuedAt) internal pure returns (bytes32) {
        return keccak256(abi.encode(LINK_HELLO_TYPEHASH, peer, role, challenge, issuedAt));
    }

    function agreement(Agreement memory value) internal pure returns (bytes32) {
        return keccak256(abi.encode(AGREEMENT_TYPEHASH, value));
    }

    /// @dev What a batch keeps of its charges, so that a proof can show which caps it charged.
    function charges(Charge[] memory values) internal pure returns (bytes32) {
        return keccak256(abi.encode(values));
    }

    /// @dev Leaf of the receipts tree. It binds both signatures, so a scheduler cannot exchange them after posting.
    function receiptLeaf(bytes32 receiptHash, bytes memory nodeSignature, bytes memory schedulerSignature)
        internal
        pure
        returns (bytes32)
    {
        return receiptLeaf(receiptHash, keccak256(nodeSignature), keccak256(schedulerSignature));
    }

    /// @dev The same from the hashes of the signatures.
    function receiptLeaf(bytes32 receiptHash, bytes32 nodeSignatureHash, bytes32 schedulerSignatureHash)
        internal
        pure
        returns (bytes32)
    {
        return _leaf(abi.encode(receiptHash, nodeSignatureHash, schedulerSignatureHash));
    }

    /// @dev Leaf of the earnings tree.
    function earningsLeaf(address node, uint128 cumulative) internal pure returns (bytes32) {
        return _leaf(abi.encode(node, cumulative));
    }

    /// @dev Hashed twice, so that no inner node of a tree can be presented as a leaf.
    function _leaf(bytes memory data) private pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(data)));
    }
}
