// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Test} from "forge-std/Test.sol";
import {Roles} from "../../src/Roles.sol";
import {IAgreements} from "../../src/interfaces/IAgreements.sol";
import {IEscrow} from "../../src/interfaces/IEscrow.sol";
import {IFeeTreasury} from "../../src/interfaces/IFeeTreasury.sol";
import {IFraudProofs} from "../../src/interfaces/IFraudProofs.sol";
import {INetworkFee} from "../../src/interfaces/INetworkFee.sol";
import {INodeRegistry} from "../../src/interfaces/INodeRegistry.sol";
import {ISettlement} from "../../src/interfaces/ISettlement.sol";
import {ITreasury} from "../../src/interfaces/ITreasury.sol";
import {Hashes} from "../../src/libraries/Hashes.sol";
import {NodeRegistry} from "../../src/network/NodeRegistry.sol";
import {Agreements} from "../../src/settlement/Agreements.sol";
import {Escrow} from "../../src/settlement/Escrow.sol";
import {FraudProofs} from "../../src/settlement/FraudProofs.sol";
import {NetworkFee} from "../../src/settlement/NetworkFee.sol";
import {Settlement} from "../../src/settlement/Settlement.sol";
import {DevStable} from "../../src/token/DevStable.sol";
import {Treasury} from "../../src/treasury/Treasury.sol";
import {
    Batch,
    Charge,
    Kind,
    ReceiptOpening,
    Role,
    SignedReceipt,
    SpendingCap,
    Tier,
    UsageReceipt,
    Verdict
} from "../../src/types/Types.sol";
import {MockCourt} from "../settlement/mocks/MockCourt.sol";
import {Tree} from "./Tree.sol";
import {Access} from "./Access.sol";
import {Defaults} from "./Defaults.sol";

/// @dev The contracts of settlement with the real registry and treasury and a court that only remembers, funded
/// actors, and builders of what they sign. This contract is admin, DAO and guardian. Stake is in the stablecoin, one
/// base unit for one, and the fee stays at 5 %, so that figures are easy to follow; tests of the fee move its bounds.
abstract contract Fixture is Test {
    using Access for AccessManager;

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
    FraudProofs internal fraudProofs;
    NetworkFee internal networkFee;
    Agreements internal agreements;
    Treasury internal treasury;
    MockCourt internal court;

    Actor internal client;
    Actor internal node;
    Actor internal scheduler;
    Actor internal verifier;
    uint256 private _nextNonce;
    mapping(address scheduler => mapping(uint64 index => Charge[])) private _chargesOf;

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
        manager = new AccessManager(address(this));
        address authority = address(manager);
        registry = new NodeRegistry(authority, token, _registryParameters(), 1e6);
        escrow = new Escrow(authority, token, _escrowParameters());
        treasury = new Treasury(authority, token, ITreasury.Parameters(0));
        court = new MockCourt();
        networkFee = new NetworkFee(authority, 50_000, _feeParameters());
        settlement = new Settlement(authority, escrow, registry, networkFee, _settlementParameters());
        fraudProofs = new FraudProofs(authority, settlement, _proofParameters());
        agreements = new Agreements(authority, escrow, networkFee, _agreementParameters());
        _wire();
    }

    function _wire() private {
        manager.grantRole(Roles.SETTLEMENT, address(settlement), 0);
        manager.grantRole(Roles.SETTLEMENT, address(agreements), 0);
        manager.grantRole(Roles.COMPENSATION, address(settlement), 0);
        manager.grantRole(Roles.FRAUD_PROOFS, address(fraudProofs), 0);
        _open(address(escrow), IEscrow.charge.selector, Roles.SETTLEMENT);
        _open(address(escrow), IEscrow.credit.selector, Roles.SETTLEMENT);
        _open(address(escrow), IEscrow.prepay.selector, Roles.SETTLEMENT);
        _open(address(treasury), ITreasury.onFee.selector, Roles.SETTLEMENT);
        _open(address(treasury), ITreasury.compensate.selector, Roles.COMPENSATION);
        _open(address(networkFee), INetworkFee.count.selector, Roles.SETTLEMENT);
        _open(address(settlement), ISettlement.voidReceipt.selector, Roles.FRAUD_PROOFS);
        _open(address(settlement), ISettlement.correctEarnings.selector, Roles.FRAUD_PROOFS);
    }

    function _open(address target, bytes4 selector, uint64 role) private {
        manager.open(target, selector, role);
    }

    function _registryParameters() internal pure returns (INodeRegistry.Parameters memory) {
        return Defaults.registry();
    }

    function _escrowParameters() internal pure returns (IEscrow.Parameters memory) {
        return IEscrow.Parameters({withdrawDelay: 1 hours, capGrace: 1 days});
    }

    function _feeParameters() internal pure returns (INetworkFee.Parameters memory) {
        return
            INetworkFee.Parameters({
                minimumPpm: 50_000, maximumPpm: 50_000, feePeriod: 1 days, unitsMaximum: 1_000_000
            });
    }

    function _settlementParameters() internal view returns (ISettlement.Parameters memory) {
        return ISettlement.Parameters({treasury: IFeeTreasury(address(treasury)), challengeWindow: uint32(WINDOW)});
    }

    function _agreementParameters() internal view returns (IAgreements.Parameters memory) {
        return IAgreements.Parameters({
            treasury: IFeeTreasury(address(treasury)), disputeWindow: 21 days, renewalGrace: 3 days
        });
    }

    function _proofParameters() internal view returns (IFraudProofs.Parameters memory) {
        return IFraudProofs.Parameters({
            court: court,
            verdictQuorum: 1,
            badSignature: Tier.Severe,
            overQuote: Tier.Minor,
            duplicate: Tier.Minor,
            rejectedByVerifiers: Tier.Medium,
            foreignScheduler: Tier.Medium,
            impossibleTimes: Tier.Minor,
            uncoveredClient: Tier.Minor,
            earningsTooLow: Tier.Medium,
            chargeAboveReceipts: Tier.Medium
        });
    }

    /// @dev From now on the fee is `feePpm`, whatever is used.
    function _setFee(uint32 feePpm) internal {
        INetworkFee.Parameters memory changed = networkFee.parameters();
        (changed.minimumPpm, changed.maximumPpm) = (feePpm, feePpm);
        networkFee.setParameters(changed);
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

    function _opening(SignedReceipt memory signed) internal pure returns (ReceiptOpening memory) {
        return ReceiptOpening(signed.receipt, keccak256(signed.nodeSignature), keccak256(signed.schedulerSignature));
    }

    /// @dev What a batch that went through `_postBatch` was posted with.
    function _chargesAt(uint64 index) internal view returns (Charge[] memory) {
        return _chargesOf[scheduler.addr][index];
    }

    function _posted(uint64 index, SignedReceipt memory signed, bytes32[] memory proof)
        internal
        view
        returns (IFraudProofs.Posted memory)
    {
        return IFraudProofs.Posted(scheduler.addr, index, signed, proof, _chargesAt(index));
    }

    /// @dev Posts in the name of the present scheduler and remembers the charges.
    function _postBatch(Batch memory batch, Charge[] memory charges) internal {
        vm.prank(scheduler.addr);
        settlement.postBatch(batch, charges);
        for (uint256 i = 0; i < charges.length; ++i) {
            _chargesOf[scheduler.addr][batch.index].push(charges[i]);
        }
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
        _postBatch(batch, _charges(capId, charged));
    }

    function _verdict(bytes32 receiptHash, address by) internal view returns (Verdict memory) {
        return Verdict(receiptHash, node.addr, by, 1, keccak256("evidence"), START * 1_000 + 500);
    }
}
