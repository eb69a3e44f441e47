// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IEscrow} from "../interfaces/IEscrow.sol";
import {INetworkFee} from "../interfaces/INetworkFee.sol";
import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {ISettlement} from "../interfaces/ISettlement.sol";
import {IUtilization} from "../interfaces/IUtilization.sol";
import {ExpiringPause} from "../libraries/ExpiringPause.sol";
import {Hashes} from "../libraries/Hashes.sol";
import {Batch, Charge, Role, UsageReceipt, Verdict} from "../types/Types.sol";

/// @title The books of the settlement: batches in, claims out, receipts voided
/// @dev Conservation: tokens held = sum of all pools. A pool grows by `totalEarned` of each batch and shrinks by
/// claims and by the node shares of voided receipts. What counts as a fault is judged by the contract that holds the
/// role for `voidReceipt`; the bounds that keep money where it belongs are all here. State is written before any token
/// moves.
///
/// | parameter | range | who |
/// | --- | --- | --- |
/// | treasury | a contract | PARAMS |
/// | challengeWindow | [1 s, 7 days], at most the registry's unbonding delay | PARAMS |
contract Settlement is ISettlement, ExpiringPause, EIP712 {
    using SafeERC20 for IERC20;

    struct SchedulerState {
        uint64 nextIndex;
        uint128 pool;
        uint40 lastFinalAt;
    }

    /// @dev `earnedThrough` sums `totalEarned` of this batch and all before it.
    struct BatchState {
        bytes32 receiptsRoot;
        bytes32 earningsRoot;
        bytes32 chargesHash;
        uint96 chargedLeft;
        uint96 earnedLeft;
        uint40 finalAt;
        uint16 feeBps;
        uint128 earnedThrough;
    }

    struct Earnings {
        uint128 claimed;
        uint128 voided;
        uint128 correction;
        uint64 correctedFrom;
    }

    uint256 private constant BPS = 10_000;
    uint32 public constant MAX_CHALLENGE_WINDOW = 7 days;

    /// @inheritdoc ISettlement
    IEscrow public immutable escrow;
    /// @inheritdoc ISettlement
    INodeRegistry public immutable registry;
    /// @inheritdoc ISettlement
    INetworkFee public immutable networkFee;
    /// @inheritdoc ISettlement
    IERC20 public immutable stable;

    mapping(address scheduler => SchedulerState) private _schedulers;
    mapping(address scheduler => mapping(uint64 index => BatchState)) private _batches;
    mapping(address scheduler => mapping(address node => Earnings)) private _earnings;
    mapping(address scheduler => mapping(uint64 index => mapping(bytes32 receiptHash => bool))) private _voided;
    mapping(address scheduler => mapping(uint64 index => mapping(address client => uint128))) private _credited;
    mapping(address scheduler => mapping(uint64 index => mapping(address node => uint128))) private _corrected;
    Parameters private _parameters;

    constructor(
        address authority_,
        IEscrow escrow_,
        INodeRegistry registry_,
        INetworkFee networkFee_,
        Parameters memory parameters_
    ) AccessManaged(authority_) EIP712("Vcity Settlement", "1") {
        escrow = escrow_;
        registry = registry_;
        networkFee = networkFee_;
        stable = escrow_.stable();
        _setParameters(parameters_);
    }

    /// @inheritdoc ISettlement
    function postBatch(Batch calldata batch, Charge[] calldata charges) external whenNotPaused {
        SchedulerState storage state = _schedulers[msg.sender];
        if (batch.index != state.nextIndex) revert BatchIndexMismatch(state.nextIndex, batch.index);
        if (batch.receiptCount == 0) revert EmptyBatch(msg.sender, batch.index);
        if (!registry.isActive(msg.sender, Role.Scheduler)) revert SchedulerInactive(msg.sender);
        BatchState storage record = _batches[msg.sender][batch.index];
        // Before the token moves, so that no claim in between can see a pool without its reserve.
        uint128 earnedBefore = batch.index == 0 ? 0 : _batches[msg.sender][batch.index - 1].earnedThrough;
        record.earnedThrough = earnedBefore + batch.totalEarned;
        state.nextIndex = batch.index + 1;
        state.pool += batch.totalEarned;

        uint128 totalCharged = escrow.charge(msg.sender, charges);
        for (uint256 i = 0; i < charges.length; ++i) {
            emit Charged(msg.sender, batch.index, charges[i].capId, charges[i].amount);
        }
        record.chargesHash = Hashes.charges(charges);
        _record(record, state, batch, totalCharged);
    }

    /// @inheritdoc ISettlement
    function claim(address scheduler, uint64 index, address node, uint128 cumulative, bytes32[] calldata proof)
        external
    {
        BatchState storage batch = _known(scheduler, index);
        if (block.timestamp < batch.finalAt) revert BatchNotFinal(scheduler, index, batch.finalAt);
        bytes32 leaf = Hashes.earningsLeaf(node, cumulative);
        if (!MerkleProof.verifyCalldata(proof, batch.earningsRoot, leaf)) {
            revert InvalidProof(batch.earningsRoot, leaf);
        }
        uint256 due = Math.min(_dueOf(scheduler, index, node, cumulative), _free(scheduler, batch));
        if (due == 0) revert NothingToClaim(scheduler, node);
        // Not above the pool, which is a uint128.
        uint128 amount = uint128(due);
        Earnings storage earnings = _earnings[scheduler][node];
        earnings.claimed += amount;
        _schedulers[scheduler].pool -= amount;
        emit Claimed(scheduler, node, index, amount, earnings.claimed);
        stable.safeTransfer(node, amount);
    }

    /// @inheritdoc ISettlement
    function voidReceipt(Voiding calldata voiding) external restricted returns (uint128 loss) {
        (address scheduler, uint64 index) = (voiding.scheduler, voiding.index);
        BatchState storage batch = _challengeable(scheduler, index);
        if (_voided[scheduler][index][voiding.receiptHash]) {
            revert ReceiptAlreadyVoided(scheduler, index, voiding.receiptHash);
        }
        _voided[scheduler][index][voiding.receiptHash] = true;
        uint128 before = _credited[scheduler][index][voiding.client];
        uint256 credit = Math.min(voiding.amount, voiding.chargedToClient - before);
        uint256 share = Math.min(_nodeShare(credit, batch.feeBps), batch.earnedLeft);
        // No credit is above what the batch charged, which is a uint96, and the pool holds all of a batch that is not
        // final.
        batch.chargedLeft -= uint96(credit);
        batch.earnedLeft -= uint96(share);
        _schedulers[scheduler].pool -= uint128(share);
        _earnings[scheduler][voiding.node].voided += uint128(share);
        _credited[scheduler][index][voiding.client] = before + uint128(credit);

        uint256 credited = share;
        if (credit != share) credited += _parameters.treasury.compensate(address(this), uint128(credit - share));
        loss = uint128(credit - credited);
        emit ReceiptVoided(
            scheduler,
            index,
            voiding.receiptHash,
            voiding.fault,
            voiding.client,
            voiding.node,
            uint128(credited),
            uint128(share)
        );
        if (credited != 0) {
            stable.forceApprove(address(escrow), credited);
            escrow.credit(voiding.client, uint128(credited));
        }
    }

    /// @inheritdoc ISettlement
    function correctEarnings(address scheduler, uint64 index, address node, uint128 shortfall)
        external
        restricted
        returns (uint128 added)
    {
        uint256 target = Math.min(shortfall, _challengeable(scheduler, index).earnedLeft);
        uint128 before = _corrected[scheduler][index][node];
        if (target <= before) revert EarningsAlreadyCorrected(scheduler, index, node, before);
        // Not above `shortfall`, which is a uint128.
        added = uint128(target) - before;
        _corrected[scheduler][index][node] = uint128(target);
        Earnings storage earnings = _earnings[scheduler][node];
        earnings.correction += added;
        if (index > earnings.correctedFrom) earnings.correctedFrom = index;
        emit EarningsCorrected(scheduler, node, index, added);
    }

    /// @inheritdoc ISettlement
    function setParameters(Parameters calldata value) external restricted {
        _setParameters(value);
    }

    /// @inheritdoc ISettlement
    function parameters() external view returns (Parameters memory) {
        return _parameters;
    }

    /// @inheritdoc ISettlement
    function batchOf(address scheduler, uint64 index) external view returns (BatchRecord memory) {
        BatchState storage batch = _batches[scheduler][index];
        return BatchRecord({
            receiptsRoot: batch.receiptsRoot,
            earningsRoot: batch.earningsRoot,
            chargedLeft: batch.chargedLeft,
            earnedLeft: batch.earnedLeft,
            finalAt: batch.finalAt,
            feeBps: batch.feeBps
        });
    }

    /// @inheritdoc ISettlement
    function chargesHashOf(address scheduler, uint64 index) external view returns (bytes32) {
        return _batches[scheduler][index].chargesHash;
    }

    /// @inheritdoc ISettlement
    function nextIndex(address scheduler) external view returns (uint64) {
        return _schedulers[scheduler].nextIndex;
    }

    /// @inheritdoc ISettlement
    function isFinal(address scheduler, uint64 index) external view returns (bool) {
        uint40 finalAt = _batches[scheduler][index].finalAt;
        return finalAt != 0 && block.timestamp >= finalAt;
    }

    /// @inheritdoc ISettlement
    function claimed(address scheduler, address node) external view returns (uint128) {
        return _earnings[scheduler][node].claimed;
    }

    /// @inheritdoc ISettlement
    function voided(address scheduler, address node) external view returns (uint128) {
        return _earnings[scheduler][node].voided;
    }

    /// @inheritdoc ISettlement
    function correctionOf(address scheduler, address node) external view returns (uint128 amount, uint64 fromIndex) {
        Earnings storage earnings = _earnings[scheduler][node];
        return (earnings.correction, earnings.correctedFrom);
    }

    /// @inheritdoc ISettlement
    function creditedOf(address scheduler, uint64 index, address client) external view returns (uint128) {
        return _credited[scheduler][index][client];
    }

    /// @inheritdoc ISettlement
    function pool(address scheduler) external view returns (uint128) {
        return _schedulers[scheduler].pool;
    }

    /// @inheritdoc ISettlement
    function receiptVoided(address scheduler, uint64 index, bytes32 receiptHash) external view returns (bool) {
        return _voided[scheduler][index][receiptHash];
    }

    /// @inheritdoc ISettlement
    function nodeShare(uint128 amount) external view returns (uint128) {
        return uint128(_nodeShare(amount, networkFee.feeBps()));
    }

    /// @inheritdoc IUtilization
    function unitsTotal() external view returns (uint128 consumed, uint128 available) {
        return networkFee.unitsTotal();
    }

    /// @inheritdoc ISettlement
    function receiptDigest(UsageReceipt calldata receipt) external view returns (bytes32) {
        return _hashTypedDataV4(Hashes.receipt(receipt));
    }

    /// @inheritdoc ISettlement
    function verdictDigest(Verdict calldata verdict) external view returns (bytes32) {
        return _hashTypedDataV4(Hashes.verdict(verdict));
    }

    /// @inheritdoc ISettlement
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    /// @dev Writes the rest of a batch and pays its fee. Jobs that nobody paid for count no units.
    function _record(
        BatchState storage record,
        SchedulerState storage state,
        Batch calldata batch,
        uint128 totalCharged
    ) private {
        bool isPaid = totalCharged != 0;
        (uint16 current, uint16 previous) =
            networkFee.count(isPaid ? batch.unitsConsumed : 0, isPaid ? batch.unitsAvailable : 0);
        if (batch.totalEarned > totalCharged) revert EarnedAboveCharged(totalCharged, batch.totalEarned);
        uint128 fee = totalCharged - batch.totalEarned;
        record.receiptsRoot = batch.receiptsRoot;
        record.earningsRoot = batch.earningsRoot;
        record.chargedLeft = SafeCast.toUint96(totalCharged);
        // Not above `totalCharged`.
        record.earnedLeft = uint96(batch.totalEarned);
        record.feeBps = _feeOf(fee, totalCharged, batch.receiptCount, current, previous);
        // Never before the batches in front of it, so that a claim knows which money is behind its root.
        uint40 finalAt = uint40(block.timestamp) + _parameters.challengeWindow;
        if (finalAt < state.lastFinalAt) finalAt = state.lastFinalAt;
        (record.finalAt, state.lastFinalAt) = (finalAt, finalAt);
        _emitPosted(batch, totalCharged, fee);
        if (fee == 0) return;
        stable.safeTransfer(address(_parameters.treasury), fee);
        _parameters.treasury.onFee(fee);
    }

    function _emitPosted(Batch calldata batch, uint128 totalCharged, uint128 fee) private {
        emit BatchPosted(
            msg.sender,
            batch.index,
            batch.receiptsRoot,
            batch.earningsRoot,
            batch.receiptCount,
            totalCharged,
            batch.totalEarned,
            fee,
            batch.unitsConsumed,
            batch.unitsAvailable
        );
    }

    function _setParameters(Parameters memory value) private {
        if (address(value.treasury).code.length == 0) revert NotAContract("treasury", address(value.treasury));
        // Else a scheduler could take its stake out while its receipts can still be challenged.
        uint256 longest = Math.min(MAX_CHALLENGE_WINDOW, registry.unbondingDelay());
        if (value.challengeWindow == 0 || value.challengeWindow > longest) {
            revert ParameterOutOfRange("challengeWindow", value.challengeWindow, 1, longest);
        }
        _parameters = value;
        emit ParametersChanged(value);
    }

    /// @dev What a node has earned by the root of a batch and did not get yet.
    function _dueOf(address scheduler, uint64 index, address node, uint128 cumulative) private view returns (uint256) {
        Earnings storage earnings = _earnings[scheduler][node];
        uint256 entitled = cumulative;
        if (index >= earnings.correctedFrom) entitled += earnings.correction;
        uint256 settled = uint256(earnings.claimed) + earnings.voided;
        return entitled > settled ? entitled - settled : 0;
    }

    /// @dev What the pool holds above the earnings of the batches behind this one.
    function _free(address scheduler, BatchState storage batch) private view returns (uint256) {
        SchedulerState storage state = _schedulers[scheduler];
        uint256 behind = _batches[scheduler][state.nextIndex - 1].earnedThrough - batch.earnedThrough;
        return state.pool > behind ? state.pool - behind : 0;
    }

    function _known(address scheduler, uint64 index) private view returns (BatchState storage batch) {
        batch = _batches[scheduler][index];
        if (batch.finalAt == 0) revert BatchUnknown(scheduler, index);
    }

    function _challengeable(address scheduler, uint64 index) private view returns (BatchState storage batch) {
        batch = _known(scheduler, index);
        if (block.timestamp >= batch.finalAt) revert BatchFinal(scheduler, index, batch.finalAt);
    }

    /// @dev Every receipt's node share is rounded down, so the fee may exceed its exact part by one unit a receipt.
    function _feeOf(uint256 fee, uint256 totalCharged, uint256 receiptCount, uint16 current, uint16 previous)
        private
        pure
        returns (uint16)
    {
        uint256 minimum = totalCharged * current / BPS;
        if (fee >= minimum && fee <= minimum + receiptCount) return current;
        uint256 before = totalCharged * previous / BPS;
        if (fee >= before && fee <= before + receiptCount) return previous;
        revert FeeOutOfBounds(fee, minimum, minimum + receiptCount);
    }

    function _nodeShare(uint256 amount, uint256 feeBps) private pure returns (uint256) {
        return amount * (BPS - feeBps) / BPS;
    }
}
