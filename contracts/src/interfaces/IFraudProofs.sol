// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Charge, Fault, ReceiptOpening, SignedReceipt, Tier, Verdict} from "../types/Types.sol";
import {INodeRegistry} from "./INodeRegistry.sol";
import {IProsecution} from "./IProsecution.sol";
import {ISettlement} from "./ISettlement.sol";

/// @title Proofs that a posted batch is wrong
/// @notice Anyone may bring one until the batch is final. An upheld proof gives the client back in full what the batch
/// took from it for the receipt, and opens a case in the SlashingCourt against whoever is at fault; the court takes
/// the stake, hears appeals and pays the one who brought the proof. Proofs cannot be paused.
interface IFraudProofs {
    /// @notice A receipt as it stands in a batch. `charges` is what the batch was posted with, all of it: it says what
    /// the client paid.
    struct Posted {
        address scheduler;
        uint64 index;
        SignedReceipt signed;
        bytes32[] proof;
        Charge[] charges;
    }

    /// @notice That a node's cumulative earnings grew by less than its shares of these receipts. `previous` is what
    /// batch `index - 1` says of the node; zero needs no proof. `receipts` in strictly ascending order of their
    /// leaves, each with its proof.
    struct Underpayment {
        address scheduler;
        uint64 index;
        address node;
        uint128 cumulative;
        bytes32[] cumulativeProof;
        uint128 previous;
        bytes32[] previousProof;
        ReceiptOpening[] receipts;
        bytes32[][] proofs;
    }

    /// @notice That a client was charged more than its receipts say: all receipts of the batch in the order of its
    /// tree, or, if they are too many for one transaction, the roots of its parts that `sumReceipts` has seen.
    struct Overcharge {
        address scheduler;
        uint64 index;
        address client;
        Charge[] charges;
        ReceiptOpening[] receipts;
        bytes32[] parts;
    }

    /// @notice What the DAO may change, with its hard bounds.
    /// - `court`: where cases are opened; a contract.
    /// - `verdictQuorum`: rejections by distinct active verifiers that void a receipt, in [1, 32].
    /// - the tier of each fault. What a bug can cause costs a minor or medium penalty: `overQuote`, `duplicate`,
    ///   `impossibleTimes`, `uncoveredClient`, `earningsTooLow`, `chargeAboveReceipts`. What takes intent costs a
    ///   medium or severe one: `badSignature`, `foreignScheduler`. `rejectedByVerifiers` may be any.
    struct Parameters {
        IProsecution court;
        uint8 verdictQuorum;
        Tier badSignature;
        Tier overQuote;
        Tier duplicate;
        Tier rejectedByVerifiers;
        Tier foreignScheduler;
        Tier impossibleTimes;
        Tier uncoveredClient;
        Tier earningsTooLow;
        Tier chargeAboveReceipts;
    }

    /// @notice A proof was upheld. Each fault of each receipt is answered for once; the money comes back with the
    /// first. `caseId` is the court's case, zero if the offender is not registered and so has no stake. `subject` is
    /// the hash of the receipt, or of what else is wrong; `loss` what is not compensated yet.
    event FaultProven(
        address indexed scheduler,
        uint64 indexed index,
        bytes32 indexed subject,
        Fault fault,
        address offender,
        address challenger,
        uint128 loss,
        uint256 caseId,
        bytes32 evidenceHash
    );
    /// @notice So much of the receipts under this root is the client's.
    event ReceiptsSummed(address indexed client, bytes32 indexed root, uint256 receipts, uint256 covered);
    event ParametersChanged(Parameters parameters);

    error NotAFault(Fault fault, bytes32 subject);
    error FaultAlreadyProven(Fault fault, bytes32 subject);
    error ChargesMismatch(bytes32 expected, bytes32 given);
    error RootMismatch(bytes32 expected, bytes32 given);
    error PartNotSummed(uint256 position, bytes32 root);
    error ReceiptsNotAscending(uint256 position);
    error ReceiptOfAnotherNode(uint256 position, address expected, address given);
    error ProofCountMismatch(uint256 receipts, uint256 proofs);
    error QuorumNotReached(uint256 required, uint256 given);
    error SignatureCountMismatch(uint256 verdicts, uint256 signatures);
    error VerdictMismatch(uint256 position);
    error VerifiersNotAscending(uint256 position);
    error VerifierInactive(uint256 position, address verifier);
    error BadVerdictSignature(uint256 position, address verifier);
    error ParameterOutOfRange(bytes32 name, uint256 value, uint256 minimum, uint256 maximum);
    error NotAContract(bytes32 name, address given);

    /// @notice Voids a receipt for a fault of the scheduler that the receipt itself or the batch shows:
    /// `BadSignature`, `OverQuote`, `Duplicate`, `ForeignScheduler`, `ImpossibleTimes` (it ends before it starts) or
    /// `UncoveredClient` (no cap of the receipt's client was charged).
    /// @param extra Empty, but for `Duplicate` the ABI encoding of (uint64 otherIndex, SignedReceipt other, bytes32[]
    /// otherProof): another receipt of the same scheduler and job, in this or an earlier batch. Of two in one batch
    /// the one with the lower fencing token is voided; either if they are equal.
    function challengeReceipt(Fault fault, Posted calldata posted, bytes calldata extra) external;

    /// @notice Voids a receipt for a fault of the node found by a quorum of verifiers.
    /// @param verdicts Rejections of this receipt, in strictly ascending order of the verifier's address.
    /// @param signatures One for each verdict.
    function challengeByVerdict(Posted calldata posted, Verdict[] calldata verdicts, bytes[] calldata signatures)
        external;

    /// @notice Corrects earnings that grew too little (`EarningsTooLow`): the node can claim the difference once the
    /// batch is final. The scheduler's books must leave it out from then on. A proof with more receipts adds to one
    /// with fewer, but opens no second case.
    function challengeEarnings(Underpayment calldata underpayment) external;

    /// @notice Remembers what the receipts of a part of a tree add up to for a client. All parts but the last must
    /// hold the same power of two of receipts, in the order of the tree; else their roots do not give that of the
    /// batch.
    /// @return root The root of the part.
    function sumReceipts(address client, ReceiptOpening[] calldata receipts) external returns (bytes32 root);

    /// @notice Gives a client back what it was charged without a receipt (`ChargeAboveReceipts`).
    function challengeCharge(Overcharge calldata overcharge) external;

    /// @notice Replaces all parameters. Restricted to the DAO.
    function setParameters(Parameters calldata value) external;

    function settlement() external view returns (ISettlement);

    function registry() external view returns (INodeRegistry);

    function parameters() external view returns (Parameters memory);

    /// @return How grave a fault is at present.
    function tierOf(Fault fault) external view returns (Tier);
}
