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

/// @dev What was proven against a batch. The first four and the next three void a receipt, `EarningsTooLow` and
/// `ChargeAboveReceipts` concern the sums of a batch. The numbers are part of the protocol.
enum Fault {
    BadSignature,
    OverQuote,
    Duplicate,
    RejectedByVerifiers,
    ForeignScheduler,
    ImpossibleTimes,
    UncoveredClient,
    EarningsTooLow,
    ChargeAboveReceipts
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

/// @dev A leaf of the receipts tree without the signatures themselves: enough to rebuild the tree.
struct ReceiptOpening {
    UsageReceipt receipt;
    bytes32 nodeSignatureHash;
    bytes32 schedulerSignatureHash;
}

/// @dev How an agreement is paid. The numbers are part of the protocol. Task: a fixed price once the result is
/// delivered and accepted. Subscription: a price for each period, accruing by the second, renewed. Reserved: a price
/// for a term, accruing by the second. Spot: a rate by the second that the provider may move up to the client's
/// maximum bid, until the budget is used up or either side stops.
enum AgreementKind {
    Task,
    Subscription,
    Reserved,
    Spot
}

/// @dev What client and provider both sign (EIP-712, domain "Vcity Agreements"). Amounts in stablecoin base units,
/// times and durations in seconds.
/// - `payee` gets the money: the provider itself, a node, an agent's till.
/// - `price`: Task the price; Subscription the price of one period; Reserved the price of the term; Spot the budget.
/// - `rate`, `maximumRate`: Spot only, base units an hour: the rate at first and the client's maximum bid. Else zero.
/// - `start`: not before. Zero or past: when the agreement is opened.
/// - `duration`: Task the time to deliver; Subscription one period; Reserved the term; Spot the longest time.
/// - `periods`: Subscription only, how many periods the client consents to, the first included. Else one.
/// - `acceptance`: Task only, how long the client may dispute a delivery. Else zero.
/// - `expiry`: after this the signatures open nothing.
/// - `specification`: hash of what is to be done; `nonce` makes equal agreements differ.
struct Agreement {
    AgreementKind kind;
    address client;
    address provider;
    address payee;
    uint128 price;
    uint128 rate;
    uint128 maximumRate;
    uint64 start;
    uint64 duration;
    uint32 periods;
    uint32 acceptance;
    uint64 expiry;
    bytes32 specification;
    uint256 nonce;
}
