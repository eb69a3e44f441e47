// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Batch, Charge, Fault, SignedReceipt, UsageReceipt, Verdict} from "../types/Types.sol";
import {IEscrow} from "./IEscrow.sol";
import {INodeRegistry} from "./INodeRegistry.sol";

/// @title Batches of receipts: charges, a challenge window, and claims by cumulative Merkle proof
interface ISettlement {
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

    /// @notice Shares are in basis points, the window in seconds, `bountyCap` in base units.
    struct Parameters {
        address treasury;
        uint32 challengeWindow;
        uint16 feeBps;
        uint16 slashBps;
        uint16 bountyBps;
        uint8 verdictQuorum;
        uint128 bountyCap;
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
    event Slashed(
        bytes32 indexed receiptHash,
        address indexed offender,
        address indexed challenger,
        uint128 taken,
        uint128 compensation,
        uint128 bounty,
        uint128 toTreasury
    );
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
    error NotAFault(Fault fault, bytes32 receiptHash);
    error ReceiptAlreadyVoided(address scheduler, bytes32 receiptHash);
    error QuorumNotReached(uint256 required, uint256 given);
    error SignatureCountMismatch(uint256 verdicts, uint256 signatures);
    error VerdictMismatch(uint256 position);
    error VerifiersNotAscending(uint256 position);
    error VerifierInactive(uint256 position, address verifier);
    error BadVerdictSignature(uint256 position, address verifier);
    error ParameterOutOfRange(bytes32 name, uint256 value);
    error StakeTokenMismatch(address stable, address stakeToken);

    /// @notice Posts the sender's next batch, takes its charges from the caps and pays the network fee.
    /// @dev `batch.index` must be `nextIndex(sender)`; posting the same batch again reverts `BatchIndexMismatch`.
    function postBatch(Batch calldata batch, Charge[] calldata charges) external;

    /// @notice Pays a node what a final batch says it has earned in all, less what was voided and already paid.
    /// @dev Anyone may call; the money goes to the node.
    function claim(address scheduler, uint64 index, address node, uint128 cumulative, bytes32[] calldata proof)
        external;

    /// @notice Voids a receipt of a batch that is not final, for a fault of the scheduler.
    /// @param extra Empty, but for `Duplicate` the ABI encoding of (uint64 otherIndex, SignedReceipt other,
    /// bytes32[] otherProof): another receipt of the same scheduler and job, in this or an earlier batch. Of two in one
    /// batch the one with the lower fencing token is voided; either if they are equal.
    function challengeReceipt(
        Fault fault,
        address scheduler,
        uint64 index,
        SignedReceipt calldata signed,
        bytes32[] calldata proof,
        bytes calldata extra
    ) external;

    /// @notice Voids a receipt of a batch that is not final, for a fault of the node found by a quorum of verifiers.
    /// @param verdicts Rejections of this receipt, in strictly ascending order of the verifier's address.
    /// @param signatures One for each verdict.
    function challengeByVerdict(
        address scheduler,
        uint64 index,
        SignedReceipt calldata signed,
        bytes32[] calldata proof,
        Verdict[] calldata verdicts,
        bytes[] calldata signatures
    ) external;

    /// @notice Replaces all parameters; batches already posted keep their window and fee share. Restricted.
    function setParameters(Parameters calldata value) external;

    function escrow() external view returns (IEscrow);

    function registry() external view returns (INodeRegistry);

    function stable() external view returns (IERC20);

    function parameters() external view returns (Parameters memory);

    function batchOf(address scheduler, uint64 index) external view returns (BatchRecord memory);

    function nextIndex(address scheduler) external view returns (uint64);

    /// @return False for an unknown batch.
    function isFinal(address scheduler, uint64 index) external view returns (bool);

    function claimed(address scheduler, address node) external view returns (uint128);

    function voided(address scheduler, address node) external view returns (uint128);

    /// @return What is held for the nodes of a scheduler.
    function pool(address scheduler) external view returns (uint128);

    function receiptVoided(address scheduler, bytes32 receiptHash) external view returns (bool);

    /// @return The node's part of an amount at the present fee: floor(amount * (10000 - feeBps) / 10000).
    function nodeShare(uint128 amount) external view returns (uint128);

    /// @return The EIP-712 digest that node and scheduler sign (domain "Vcity Settlement").
    function receiptDigest(UsageReceipt calldata receipt) external view returns (bytes32);

    /// @return The EIP-712 digest that a verifier signs (domain "Vcity Settlement").
    function verdictDigest(Verdict calldata verdict) external view returns (bytes32);

    function domainSeparator() external view returns (bytes32);
}
