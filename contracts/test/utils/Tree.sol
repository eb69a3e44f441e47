// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Hashes as PairHash} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";

/// @dev The protocol's Merkle tree, written for tests: an odd last node moves up unchanged.
library Tree {
    function root(bytes32[] memory leaves) internal pure returns (bytes32) {
        if (leaves.length == 0) return bytes32(0);
        bytes32[] memory layer = leaves;
        while (layer.length > 1) layer = _parents(layer);
        return layer[0];
    }

    function proof(bytes32[] memory leaves, uint256 index) internal pure returns (bytes32[] memory path) {
        bytes32[] memory found = new bytes32[](256);
        uint256 length = 0;
        bytes32[] memory layer = leaves;
        while (layer.length > 1) {
            uint256 sibling = index ^ 1;
            if (sibling < layer.length) found[length++] = layer[sibling];
            layer = _parents(layer);
            index >>= 1;
        }
        path = new bytes32[](length);
        for (uint256 i = 0; i < length; ++i) {
            path[i] = found[i];
        }
    }

    function _parents(bytes32[] memory layer) private pure returns (bytes32[] memory parents) {
        parents = new bytes32[]((layer.length + 1) / 2);
        for (uint256 i = 0; i < parents.length; ++i) {
            bool paired = 2 * i + 1 < layer.length;
            parents[i] = paired ? PairHash.commutativeKeccak256(layer[2 * i], layer[2 * i + 1]) : layer[2 * i];
        }
    }
}
