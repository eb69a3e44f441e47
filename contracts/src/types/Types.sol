// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @dev What an identity does in the network. The numbers are part of the protocol.
enum Role {
    Compute,
    Scheduler,
    Verifier
}

/// @dev Whether a node promises to stay (stable) or may leave at any time (flexible).
enum Kind {
    Stable,
    Flexible
}

/// @dev Why a receipt was voided.
enum Fault {
    BadSignature,
    OverQuote,
    Duplicate,
    RejectedByVerifiers
}

/// @dev How grave a fault is: what part of the stake it costs. `None` is no fault at all.
/// Minor: 5 to 10 %. Medium: 10 to 30 %, and no earnings for a while. Severe: all of it, and a ban for good.
enum Tier {
    None,
    Minor,
    Medium,
    Severe
}

/// @dev Signed by a client: what a scheduler may spend in its name. `expiry` is in unix seconds.
struct SpendingCap {
    address client;
    address scheduler;
    uint128 limit;
    uint64 expiry;
    uint256 nonce;
}

/// @dev One job as done and priced. Amounts in stablecoin base units, times in unix milliseconds.
struct UsageReceipt {
    bytes32 jobId;
    address client;
    address node;
    address scheduler;
    uint64 fencingToken;
    uint64 inputUnits;
    uint64 outputUnits;
    uint128 amount;
    uint128 quote;
    bytes32 modelRoot;
    bytes32 requestHash;
    bytes32 responseHash;
    bytes32 verificationRoot;
    uint64 startedAt;
    uint64 finishedAt;
}

/// @dev A receipt with the signatures over its EIP-712 digest; each is r || s || v, 65 bytes.
struct SignedReceipt {
    UsageReceipt receipt;
    bytes nodeSignature;
    bytes schedulerSignature;
}

/// @dev A verifier's finding about one receipt: outcome 0 accepted, 1 rejected. `checkedAt` in unix milliseconds.
struct Verdict {
    bytes32 receiptHash;
    address node;
    address verifier;
    uint8 outcome;
    bytes32 evidenceHash;
    uint64 checkedAt;
}

/// @dev What a scheduler posts each epoch. `earningsRoot` holds cumulative earnings per node over all its batches.
struct Batch {
    uint64 index;
    bytes32 receiptsRoot;
    bytes32 earningsRoot;
    uint32 receiptCount;
    uint128 totalEarned;
    uint64 unitsConsumed;
    uint64 unitsAvailable;
}

/// @dev The sum that one batch takes from one cap.
struct Charge {
    bytes32 capId;
    uint128 amount;
}
