// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Batch, Charge, Fault, UsageReceipt, Verdict} from "../types/Types.sol";
import {IEscrow} from "./IEscrow.sol";
import {IFeeTreasury} from "./IFeeTreasury.sol";
import {INetworkFee} from "./INetworkFee.sol";
import {INodeRegistry} from "./INodeRegistry.sol";
import {IUtilization} from "./IUtilization.sol";

/// @title The books of the network: batches of receipts in, claims by cumulative Merkle proof out
/// @notice A batch waits for its challenge window. Until then whoever shows a fault to the FraudProofs contract has
/// the receipt voided here; after that its earnings can be claimed. Three bounds hold whatever a scheduler posts: a
/// client never gets back more than the batch took from it, a claim never reaches the money of batches that are not
/// final, and a scheduler only ever reaches its own pool.
interface ISettlement is IUtilization {
    /// @notice What the chain keeps of a batch. `chargedLeft` and `earnedLeft` shrink as receipts are voided, so no
    /// challenge can pay out more than the batch brought in. `finalAt` is zero for an unknown batch.
    struct BatchRecord {
        bytes32 receiptsRoot;
        bytes32 earningsRoot;
        uint96 chargedLeft;
        uint96 earnedLeft;
        uint40 finalAt;
        uint16 feeBps;
    }

    /// @notice What the DAO may change, with its hard bounds.
    /// - `treasury`: gets the fees and pays the fee part of compensations; a contract.
    /// - `challengeWindow`: seconds, in [1, 7 days] and not above the registry's unbonding delay.
    struct Parameters {
        IFeeTreasury treasury;
        uint32 challengeWindow;
    }

    /// @notice What a proven fault takes back. `receiptHash` names the receipt (or the sums) and is voided once;
    /// `chargedToClient` is what the batch took from the client.
    struct Voiding {
        Fault fault;
        address scheduler;
        uint64 index;
        bytes32 receiptHash;
        address client;
        address node;
        uint128 amount;
        uint128 chargedToClient;
    }

    event BatchPosted(
        address indexed scheduler,
        uint64 indexed index,
        bytes32 receiptsRoot,
        bytes32 earningsRoot,
        uint32 receiptCount,
        uint128 totalCharged,
        uint128 totalEarned,
        uint128 fee,
        uint64 unitsConsumed,
        uint64 unitsAvailable
    );
    event Charged(address indexed scheduler, uint64 indexed index, bytes32 indexed capId, uint128 amount);
    event Claimed(address indexed scheduler, address indexed node, uint64 index, uint128 amount, uint128 claimed);
    /// @notice `credited` went to the client's balance in the Escrow: `nodeShare` of it out of the scheduler's pool,
    /// the rest out of the Treasury.
    event ReceiptVoided(
        address indexed scheduler,
        uint64 indexed index,
        bytes32 indexed receiptHash,
        Fault fault,
        address client,
        address node,
        uint128 credited,
        uint128 nodeShare
    );
    /// @notice A node showed that its cumulative earnings grew too little: so much more than they say may be claimed
    /// with the root of this batch and of later ones.
    event EarningsCorrected(address indexed scheduler, address indexed node, uint64 indexed index, uint128 amount);
    event ParametersChanged(Parameters parameters);

    error SchedulerInactive(address scheduler);
    error BatchIndexMismatch(uint64 expected, uint64 given);
    error EmptyBatch(address scheduler, uint64 index);
    error EarnedAboveCharged(uint128 totalCharged, uint128 totalEarned);
    error FeeOutOfBounds(uint256 fee, uint256 minimum, uint256 maximum);
    error BatchUnknown(address scheduler, uint64 index);
    error BatchNotFinal(address scheduler, uint64 index, uint40 finalAt);
    error BatchFinal(address scheduler, uint64 index, uint40 finalAt);
    error InvalidProof(bytes32 root, bytes32 leaf);
    error NothingToClaim(address scheduler, address node);
    error ReceiptAlreadyVoided(address scheduler, uint64 index, bytes32 receiptHash);
    error EarningsAlreadyCorrected(address scheduler, uint64 index, address node, uint128 corrected);
    error ParameterOutOfRange(bytes32 name, uint256 value, uint256 minimum, uint256 maximum);
    error NotAContract(bytes32 name, address given);

    /// @notice Posts the sender's next batch, takes its charges from the caps and pays the network fee. Not while the
    /// module is paused.
    /// @dev `batch.index` must be `nextIndex(sender)`; posting the same batch again reverts `BatchIndexMismatch`. The
    /// fee may be the present one or, for one fee period after a change, the one before.
    function postBatch(Batch calldata batch, Charge[] calldata charges) external;

    /// @notice Pays a node what a final batch says it has earned in all, less what was voided and already paid.
    /// @dev Anyone may call; the money goes to the node. The money of later batches is out of reach: it becomes
    /// claimable with their own roots.
    function claim(address scheduler, uint64 index, address node, uint128 cumulative, bytes32[] calldata proof)
        external;

    /// @notice Voids a receipt of a batch that is not final and gives the client back what it paid for it. Restricted
    /// to the FraudProofs contract.
    /// @return loss What of it nobody paid back: the fee part, where the Treasury has too little.
    function voidReceipt(Voiding calldata voiding) external returns (uint128 loss);

    /// @notice Lets a node claim `shortfall` more than its cumulative earnings say, from the batch `index` on, at most
    /// what is left of the batch. A later proof of a larger shortfall adds the difference. Restricted to the
    /// FraudProofs contract.
    /// @return added What was added.
    function correctEarnings(address scheduler, uint64 index, address node, uint128 shortfall)
        external
        returns (uint128 added);

    /// @notice Replaces all parameters; batches already posted keep their window and fee share. Restricted to the DAO.
    function setParameters(Parameters calldata value) external;

    function escrow() external view returns (IEscrow);

    function registry() external view returns (INodeRegistry);

    function networkFee() external view returns (INetworkFee);

    function stable() external view returns (IERC20);

    function parameters() external view returns (Parameters memory);

    function batchOf(address scheduler, uint64 index) external view returns (BatchRecord memory);

    /// @return The hash of what a batch charged: keccak256(abi.encode(Charge[])).
    function chargesHashOf(address scheduler, uint64 index) external view returns (bytes32);

    function nextIndex(address scheduler) external view returns (uint64);

    /// @return False for an unknown batch.
    function isFinal(address scheduler, uint64 index) external view returns (bool);

    function claimed(address scheduler, address node) external view returns (uint128);

    function voided(address scheduler, address node) external view returns (uint128);

    /// @return amount What a node may claim above its cumulative earnings, with roots of the batch `fromIndex` and
    /// later.
    function correctionOf(address scheduler, address node) external view returns (uint128 amount, uint64 fromIndex);

    /// @return What a client got back of one batch.
    function creditedOf(address scheduler, uint64 index, address client) external view returns (uint128);

    /// @return What is held for the nodes of a scheduler.
    function pool(address scheduler) external view returns (uint128);

    /// @return Whether a receipt (or what else was proven wrong) was voided in that batch.
    function receiptVoided(address scheduler, uint64 index, bytes32 receiptHash) external view returns (bool);

    /// @return The node's part of an amount at the present fee: floor(amount * (10000 - feeBps) / 10000).
    function nodeShare(uint128 amount) external view returns (uint128);

    /// @return The EIP-712 digest that node and scheduler sign (domain "Vcity Settlement").
    function receiptDigest(UsageReceipt calldata receipt) external view returns (bytes32);

    /// @return The EIP-712 digest that a verifier signs (domain "Vcity Settlement").
    function verdictDigest(Verdict calldata verdict) external view returns (bytes32);

    function domainSeparator() external view returns (bytes32);
}
