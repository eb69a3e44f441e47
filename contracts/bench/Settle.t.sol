// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {IFraudProofs} from "../src/interfaces/IFraudProofs.sol";
import {Hashes} from "../src/libraries/Hashes.sol";
import {
    Agreement,
    AgreementKind,
    Batch,
    Charge,
    Fault,
    ReceiptOpening,
    SignedReceipt,
    SpendingCap,
    UsageReceipt
} from "../src/types/Types.sol";
import {Fixture} from "../test/utils/Fixture.sol";
import {Tree} from "../test/utils/Tree.sol";

/// @dev Gas of whole transactions (profile bench isolates calls), written to snapshots/settle.json. Every figure is
/// steady state: caps are open, the scheduler has posted before, treasury and nodes hold tokens. What a batch costs on
/// chain depends on the number of caps it charges; receipts and nodes are in the roots alone.
contract SettleBench is Fixture {
    uint128 private constant AMOUNT = 2_345;

    bytes32[] private _capIds;
    bytes32[] private _earningsLeaves;
    uint128[] private _cumulative;

    function setUp() public override {
        super.setUp();
        _registerAll();
    }

    /// @dev Opens a cap for each of `clients` clients.
    function _prepare(uint256 clients) private {
        for (uint256 i = 0; i < clients; ++i) {
            client = _actor(string.concat("client ", vm.toString(i)));
            _capIds.push(_openCap(5_000e6));
        }
    }

    function _nodeAt(uint256 i) private pure returns (address) {
        return address(uint160(uint256(keccak256(abi.encode("node", i)))));
    }

    /// @dev The next batch of `receipts` equal jobs, spread evenly over the clients and over `nodes` nodes.
    function _build(uint256 receipts, uint256 nodes) private returns (Batch memory batch, Charge[] memory charges) {
        charges = new Charge[](_capIds.length);
        for (uint256 i = 0; i < charges.length; ++i) {
            charges[i] = Charge(_capIds[i], AMOUNT * uint128(receipts / charges.length));
        }
        uint128 share = settlement.nodeShare(AMOUNT);
        bytes32[] memory earnings = new bytes32[](nodes);
        for (uint256 i = 0; i < nodes; ++i) {
            if (_cumulative.length == i) _cumulative.push(0);
            _cumulative[i] += share * uint128(receipts / nodes);
            earnings[i] = Hashes.earningsLeaf(_nodeAt(i), _cumulative[i]);
        }
        _earningsLeaves = earnings;
        uint64 index = settlement.nextIndex(scheduler.addr);
        batch = Batch({
            index: index,
            receiptsRoot: keccak256(abi.encode("receipts", index)),
            earningsRoot: Tree.root(earnings),
            receiptCount: uint32(receipts),
            totalEarned: share * uint128(receipts),
            unitsConsumed: 987_654_321,
            unitsAvailable: 1_987_654_321
        });
    }

    function _postNext(uint256 receipts, uint256 nodes) private {
        (Batch memory batch, Charge[] memory charges) = _build(receipts, nodes);
        vm.prank(scheduler.addr);
        settlement.postBatch(batch, charges);
    }

    function _measure(uint256 receipts, uint256 clients, uint256 nodes) private {
        _prepare(clients);
        _postNext(receipts, nodes);
        _postNext(receipts, nodes);
        vm.snapshotGasLastCall("settle", string.concat("postBatch_", vm.toString(receipts)));
    }

    function test_PostBatch_1() public {
        _measure(1, 1, 1);
    }

    function test_PostBatch_100() public {
        _measure(100, 10, 10);
    }

    function test_PostBatch_10000() public {
        _measure(10_000, 100, 50);
    }

    function test_Claim() public {
        _prepare(1);
        _postNext(5_000, 50);
        vm.warp(START + WINDOW);
        _claim(0);
        _postNext(5_000, 50);
        vm.warp(START + 2 * WINDOW);
        _claim(1);
        vm.snapshotGasLastCall("settle", "claim");
    }

    function _claim(uint64 index) private {
        bytes32[] memory proof = Tree.proof(_earningsLeaves, 17);
        settlement.claim(scheduler.addr, index, _nodeAt(17), _cumulative[17], proof);
    }

    function test_Clients() public {
        _prepare(1);
        vm.prank(client.addr);
        escrow.deposit(client.addr, 50e6);
        vm.snapshotGasLastCall("settle", "deposit");
        SpendingCap memory cap = _cap(25e6);
        bytes memory signature = _sign(client.key, escrow.capDigest(cap));
        bytes32 capId = escrow.openCap(cap, signature);
        vm.snapshotGasLastCall("settle", "openCap");
        vm.prank(scheduler.addr);
        escrow.releaseCap(capId);
        vm.snapshotGasLastCall("settle", "releaseCap");
    }

    /// @dev A proof against a batch of 10,000 receipts and 100 clients: all charges are part of it.
    function test_Challenge() public {
        _prepare(100);
        UsageReceipt memory receipt = _receipt(1, AMOUNT);
        receipt.quote = 0;
        SignedReceipt memory signed = _signed(receipt);
        bytes32[] memory proof = new bytes32[](14);
        for (uint256 i = 0; i < proof.length; ++i) {
            proof[i] = keccak256(abi.encode("sibling", i));
        }
        (Batch memory batch, Charge[] memory charges) = _build(10_000, 50);
        batch.receiptsRoot = MerkleProof.processProof(proof, _leaf(signed));
        _postBatch(batch, charges);
        IFraudProofs.Posted memory posted = _posted(batch.index, signed, proof);
        fraudProofs.challengeReceipt(Fault.OverQuote, posted, "");
        vm.snapshotGasLastCall("settle", "challenge_10000");
    }

    /// @dev The proof that needs every receipt of its batch, for a batch of 500.
    function test_ChallengeCharge() public {
        _prepare(1);
        SignedReceipt[] memory all = new SignedReceipt[](500);
        for (uint256 i = 0; i < all.length; ++i) {
            all[i] = _signed(_receipt(i, AMOUNT));
        }
        uint128 charged = AMOUNT * 500 + 1e6;
        bytes32 root = Tree.root(_leaves(all));
        _postBatch(Batch(0, root, bytes32(0), 500, settlement.nodeShare(charged), 0, 0), _charges(_capIds[0], charged));
        IFraudProofs.Overcharge memory proof;
        (proof.scheduler, proof.client, proof.charges) = (scheduler.addr, client.addr, _chargesAt(0));
        proof.receipts = new ReceiptOpening[](all.length);
        for (uint256 i = 0; i < all.length; ++i) {
            proof.receipts[i] = _opening(all[i]);
        }
        fraudProofs.challengeCharge(proof);
        vm.snapshotGasLastCall("settle", "challengeCharge_500");
    }

    function _terms(AgreementKind kind) private view returns (Agreement memory terms) {
        terms.kind = kind;
        (terms.client, terms.provider, terms.payee) = (client.addr, node.addr, node.addr);
        terms.price = 100e6;
        terms.duration = 30 days;
        terms.periods = kind == AgreementKind.Subscription ? 12 : 1;
        terms.expiry = type(uint64).max;
    }

    function test_Agreements() public {
        vm.prank(client.addr);
        escrow.deposit(client.addr, 1_000e6);
        Agreement memory terms = _terms(AgreementKind.Reserved);
        _openAgreement(terms);
        terms = _terms(AgreementKind.Subscription);
        bytes32 id = _openAgreement(terms);
        vm.snapshotGasLastCall("settle", "agreement_open");
        vm.warp(START + 10 days);
        agreements.settle(id);
        vm.warp(START + 20 days);
        agreements.settle(id);
        vm.snapshotGasLastCall("settle", "agreement_settle");
        agreements.withdraw(node.addr);
        vm.snapshotGasLastCall("settle", "agreement_withdraw");
        vm.warp(START + 30 days);
        agreements.renew(id);
        vm.snapshotGasLastCall("settle", "agreement_renew");
        vm.warp(START + 40 days);
        vm.prank(client.addr);
        agreements.cancel(id);
        vm.snapshotGasLastCall("settle", "agreement_cancel");
    }

    function _openAgreement(Agreement memory terms) private returns (bytes32) {
        bytes32 digest = agreements.digestOf(terms);
        (bytes memory byClient, bytes memory byNode) = (_sign(client.key, digest), _sign(node.key, digest));
        return agreements.open(terms, byClient, byNode);
    }
}
