// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Test} from "forge-std/Test.sol";
import {Deployment} from "../../script/Deployment.sol";
import {DevStable} from "../../src/token/DevStable.sol";
import {Escrow} from "../../src/settlement/Escrow.sol";
import {NodeRegistry} from "../../src/network/NodeRegistry.sol";
import {Settlement} from "../../src/settlement/Settlement.sol";
import {IEscrow} from "../../src/interfaces/IEscrow.sol";
import {INodeRegistry} from "../../src/interfaces/INodeRegistry.sol";
import {ISettlement} from "../../src/interfaces/ISettlement.sol";
import {Hashes} from "../../src/libraries/Hashes.sol";
import {Batch, Charge, Kind, Role, SignedReceipt, SpendingCap, UsageReceipt, Verdict} from "../../src/types/Types.sol";
import {Tree} from "./Tree.sol";

/// @dev All contracts with default parameters, funded actors, and builders of what they sign. This contract is admin.
abstract contract Fixture is Test {
    struct Actor {
        address addr;
        uint256 key;
    }

    uint64 internal constant START = 1_795_341_600;
    uint64 internal constant WINDOW = 1 hours;
    uint128 internal constant FUNDS = 10_000e6;

    AccessManager internal manager;
    DevStable internal stable;
    NodeRegistry internal registry;
    Escrow internal escrow;
    Settlement internal settlement;
    address internal treasury = makeAddr("treasury");

    Actor internal client;
    Actor internal node;
    Actor internal scheduler;
    Actor internal verifier;
    uint256 private _nextNonce;

    function setUp() public virtual {
        vm.warp(START);
        stable = new DevStable();
        _deploy(stable);
        client = _actor("client");
        node = _actor("node");
        scheduler = _actor("scheduler");
        verifier = _actor("verifier");
    }

    function _deploy(IERC20 token) internal {
        Deployment.Contracts memory made = Deployment.deploy(
            address(this),
            token,
            Deployment.defaultRegistryParameters(),
            Deployment.defaultEscrowParameters(),
            Deployment.defaultSettlementParameters(treasury)
        );
        manager = made.accessManager;
        registry = made.registry;
        escrow = made.escrow;
        settlement = made.settlement;
    }

    /// @dev An account with money and with allowances for registry and escrow.
    function _actor(string memory name) internal returns (Actor memory actor) {
        (actor.addr, actor.key) = makeAddrAndKey(name);
        stable.mint(actor.addr, FUNDS);
        vm.startPrank(actor.addr);
        stable.approve(address(registry), type(uint256).max);
        stable.approve(address(escrow), type(uint256).max);
        vm.stopPrank();
    }

    function _registration(Role role, uint128 stake) internal pure returns (INodeRegistry.Registration memory) {
        return INodeRegistry.Registration({
            role: role,
            kind: Kind.Flexible,
            gpuModel: "none",
            gpuCount: 1,
            vramMib: 98_304,
            region: "eu-central",
            endpointKey: keccak256("endpoint"),
            didDocumentUri: "https://node.example/did.json",
            stake: stake
        });
    }

    function _register(Actor memory actor, Role role, uint128 stake) internal {
        vm.prank(actor.addr);
        registry.register(_registration(role, stake));
    }

    function _registerAll() internal {
        _register(node, Role.Compute, 100e6);
        _register(scheduler, Role.Scheduler, 1_000e6);
        _register(verifier, Role.Verifier, 100e6);
    }

    function _sign(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function _cap(uint128 limit) internal returns (SpendingCap memory) {
        return SpendingCap(client.addr, scheduler.addr, limit, uint64(vm.getBlockTimestamp()) + 30 days, _nextNonce++);
    }

    /// @dev Deposits `limit` for the client and opens a cap of that size.
    function _openCap(uint128 limit) internal returns (bytes32 capId) {
        vm.prank(client.addr);
        escrow.deposit(client.addr, limit);
        SpendingCap memory cap = _cap(limit);
        return escrow.openCap(cap, _sign(client.key, escrow.capDigest(cap)));
    }

    function _receipt(uint256 job, uint128 amount) internal view returns (UsageReceipt memory receipt) {
        receipt.jobId = bytes32(job);
        receipt.client = client.addr;
        receipt.node = node.addr;
        receipt.scheduler = scheduler.addr;
        receipt.fencingToken = 1;
        receipt.inputUnits = 10;
        receipt.outputUnits = 20;
        receipt.amount = amount;
        receipt.quote = amount;
        receipt.modelRoot = keccak256("model");
        receipt.requestHash = keccak256("request");
        receipt.responseHash = keccak256("response");
        receipt.verificationRoot = keccak256("trace");
        receipt.startedAt = START * 1_000;
        receipt.finishedAt = START * 1_000 + 250;
    }

    function _signed(UsageReceipt memory receipt) internal view returns (SignedReceipt memory) {
        bytes32 digest = settlement.receiptDigest(receipt);
        return SignedReceipt(receipt, _sign(node.key, digest), _sign(scheduler.key, digest));
    }

    function _leaf(SignedReceipt memory signed) internal pure returns (bytes32) {
        return Hashes.receiptLeaf(Hashes.receipt(signed.receipt), signed.nodeSignature, signed.schedulerSignature);
    }

    function _leaves(SignedReceipt[] memory all) internal pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](all.length);
        for (uint256 i = 0; i < all.length; ++i) {
            leaves[i] = _leaf(all[i]);
        }
    }

    function _one(SignedReceipt memory signed) internal pure returns (SignedReceipt[] memory all) {
        all = new SignedReceipt[](1);
        all[0] = signed;
    }

    function _two(SignedReceipt memory a, SignedReceipt memory b) internal pure returns (SignedReceipt[] memory all) {
        all = new SignedReceipt[](2);
        (all[0], all[1]) = (a, b);
    }

    function _charges(bytes32 capId, uint128 amount) internal pure returns (Charge[] memory charges) {
        charges = new Charge[](1);
        charges[0] = Charge(capId, amount);
    }

    /// @dev Posts the receipts, charged to one cap, with the earnings of one node as the only earnings leaf.
    /// @param earnedBefore What that node had earned in earlier batches.
    function _post(SignedReceipt[] memory all, bytes32 capId, uint128 earnedBefore)
        internal
        returns (uint64 index, uint128 cumulative)
    {
        uint128 charged = 0;
        uint128 earned = 0;
        for (uint256 i = 0; i < all.length; ++i) {
            charged += all[i].receipt.amount;
            earned += settlement.nodeShare(all[i].receipt.amount);
        }
        index = settlement.nextIndex(scheduler.addr);
        cumulative = earnedBefore + earned;
        Batch memory batch = Batch({
            index: index,
            receiptsRoot: Tree.root(_leaves(all)),
            earningsRoot: Hashes.earningsLeaf(all[0].receipt.node, cumulative),
            receiptCount: uint32(all.length),
            totalEarned: earned,
            unitsConsumed: 30,
            unitsAvailable: 100
        });
        vm.prank(scheduler.addr);
        settlement.postBatch(batch, _charges(capId, charged));
    }

    function _verdict(bytes32 receiptHash, address by) internal view returns (Verdict memory) {
        return Verdict(receiptHash, node.addr, by, 1, keccak256("evidence"), START * 1_000 + 500);
    }
}
