// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISettlement} from "../../src/interfaces/ISettlement.sol";
import {Hashes} from "../../src/libraries/Hashes.sol";
import {Fault, Role, SignedReceipt, UsageReceipt} from "../../src/types/Types.sol";
import {Tree} from "../utils/Tree.sol";
import {ProofFixture} from "./ProofFixture.sol";

/// @dev One job settled twice: in two batches, twice in one, or as the same leaf in two places.
contract DuplicateProofsTest is ProofFixture {
    function test_Duplicate_InALaterBatchIsVoided() public {
        SignedReceipt memory signed = _signed(_receipt(1, 10e6));
        _post(_one(signed), _capId, 0);
        _post(_one(signed), _capId, 9.5e6);
        _expectNotAFault(Fault.Duplicate, signed);
        _challenge(Fault.Duplicate, 0, signed, _extra(1, signed, _noProof));
        _challenge(Fault.Duplicate, 1, signed, _extra(0, signed, _noProof));
        _assertTenCameBack(1, signed, Fault.Duplicate);
        assertFalse(settlement.receiptVoided(scheduler.addr, 0, Hashes.receipt(signed.receipt)));
        assertEq(settlement.pool(scheduler.addr), 9.5e6);
        vm.warp(START + WINDOW);
        settlement.claim(scheduler.addr, 1, node.addr, 19e6, _noProof);
        assertEq(settlement.claimed(scheduler.addr, node.addr), 9.5e6);
    }

    function test_Duplicate_TheEarlierBatchStandsWhateverItsFencingToken() public {
        SignedReceipt memory first = _signed(_receipt(1, 10e6));
        UsageReceipt memory again = _receipt(1, 10e6);
        again.fencingToken = 2;
        SignedReceipt memory second = _signed(again);
        _post(_one(first), _capId, 0);
        _post(_one(second), _capId, 9.5e6);
        _expectNotAFault(Fault.Duplicate, first);
        _challenge(Fault.Duplicate, 0, first, _extra(1, second, _noProof));
        _challenge(Fault.Duplicate, 1, second, _extra(0, first, _noProof));
        _assertTenCameBack(1, second, Fault.Duplicate);
    }

    function test_Duplicate_EvidenceMayBeFinalAlready() public {
        SignedReceipt memory signed = _signed(_receipt(1, 10e6));
        _post(_one(signed), _capId, 0);
        vm.warp(START + WINDOW);
        UsageReceipt memory again = _receipt(1, 10e6);
        again.fencingToken = 2;
        SignedReceipt memory second = _signed(again);
        _post(_one(second), _capId, 9.5e6);
        _challenge(Fault.Duplicate, 1, second, _extra(0, signed, _noProof));
        _assertTenCameBack(1, second, Fault.Duplicate);
    }

    function test_Duplicate_InOneBatchVoidsTheOlderLeaseAndOnlyThat() public {
        SignedReceipt memory older = _signed(_receipt(1, 10e6));
        UsageReceipt memory receipt = _receipt(1, 10e6);
        receipt.fencingToken = 2;
        SignedReceipt memory newer = _signed(receipt);
        bytes32[] memory leaves = _leaves(_two(older, newer));
        _post(_two(older, newer), _capId, 0);
        _expectNotAFault(Fault.Duplicate, newer);
        _challengeAt(Fault.Duplicate, 0, newer, Tree.proof(leaves, 1), _extra(0, older, Tree.proof(leaves, 0)));
        _challengeAt(Fault.Duplicate, 0, older, Tree.proof(leaves, 0), _extra(0, newer, Tree.proof(leaves, 1)));
        _assertTenCameBack(0, older, Fault.Duplicate);
        assertFalse(settlement.receiptVoided(scheduler.addr, 0, Hashes.receipt(receipt)));
    }

    function test_Duplicate_OneOfAPairSurvivesWhenTokensAreEqual() public {
        UsageReceipt memory receipt = _receipt(1, 10e6);
        receipt.outputUnits += 1;
        SignedReceipt[] memory pair = _two(_signed(_receipt(1, 10e6)), _signed(receipt));
        bytes32[] memory leaves = _leaves(pair);
        _post(pair, _capId, 0);
        bytes memory extra = _extra(0, pair[1], Tree.proof(leaves, 1));
        _challengeAt(Fault.Duplicate, 0, pair[0], Tree.proof(leaves, 0), extra);
        extra = _extra(0, pair[0], Tree.proof(leaves, 0));
        _expectNotAFault(Fault.Duplicate, pair[1]);
        _challengeAt(Fault.Duplicate, 0, pair[1], Tree.proof(leaves, 1), extra);
    }

    /// @dev The same leaf twice in one tree, wherever the two places are.
    function testFuzz_Duplicate_TheSameLeafTwiceIsFound(uint256 size, uint256 first, uint256 second) public {
        size = bound(size, 2, 9);
        first = bound(first, 0, size - 1);
        second = bound(second, 0, size - 2);
        if (second >= first) ++second;
        SignedReceipt[] memory all = new SignedReceipt[](size);
        for (uint256 i = 0; i < size; ++i) {
            all[i] = _signed(_receipt(i == second ? first : i, 1e6));
        }
        bytes32[] memory leaves = _leaves(all);
        _post(all, _capId, 0);
        _challengeAt(
            Fault.Duplicate,
            0,
            all[second],
            Tree.proof(leaves, second),
            _extra(0, all[first], Tree.proof(leaves, first))
        );
        assertEq(escrow.available(client.addr), 1e6);
    }

    function testFuzz_Duplicate_NoLeafIsItsOwnDuplicate(uint256 size, uint256 index) public {
        size = bound(size, 1, 9);
        index = bound(index, 0, size - 1);
        SignedReceipt[] memory all = new SignedReceipt[](size);
        for (uint256 i = 0; i < size; ++i) {
            all[i] = _signed(_receipt(i, 1e6));
        }
        bytes32[] memory proof = Tree.proof(_leaves(all), index);
        _post(all, _capId, 0);
        _expectNotAFault(Fault.Duplicate, all[index]);
        _challengeAt(Fault.Duplicate, 0, all[index], proof, _extra(0, all[index], proof));
    }

    function test_Duplicate_NeedsTheSameJobAndAnIncludedEvidence() public {
        SignedReceipt memory first = _signed(_receipt(1, 10e6));
        SignedReceipt memory second = _signed(_receipt(2, 10e6));
        _post(_one(first), _capId, 0);
        _post(_one(second), _capId, 9.5e6);
        _expectNotAFault(Fault.Duplicate, second);
        _challenge(Fault.Duplicate, 1, second, _extra(0, first, _noProof));
        SignedReceipt memory invented = _signed(_receipt(2, 5e6));
        vm.expectRevert(abi.encodeWithSelector(ISettlement.InvalidProof.selector, _leaf(first), _leaf(invented)));
        _challenge(Fault.Duplicate, 1, second, _extra(0, invented, _noProof));
    }

    function test_Duplicate_EvidenceMustBeOfAKnownBatch() public {
        SignedReceipt memory first = _signed(_receipt(1, 10e6));
        _post(_one(first), _capId, 0);
        scheduler = _actor("other scheduler");
        _register(scheduler, Role.Scheduler, 1_000e6);
        SignedReceipt memory second = _signed(_receipt(1, 10e6));
        _post(_one(second), _openCap(10e6), 0);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.InvalidProof.selector, _leaf(second), _leaf(first)));
        _challenge(Fault.Duplicate, 0, second, _extra(0, first, _noProof));
    }
}
