// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IEscrow} from "../interfaces/IEscrow.sol";
import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {ISettlement} from "../interfaces/ISettlement.sol";
import {Hashes} from "../libraries/Hashes.sol";
import {Batch, Charge, Role} from "../types/Types.sol";

/// @title The books of the settlement: batches in, claims out
/// @dev Conservation: tokens held = sum of all pools. A pool grows by `totalEarned` of each batch and shrinks by claims
/// and by the node shares of voided receipts.
abstract contract SettlementLedger is ISettlement, AccessManaged {
    using SafeERC20 for IERC20;

    struct SchedulerState {
        uint64 nextIndex;
        uint128 pool;
    }

    struct Earnings {
        uint128 claimed;
        uint128 voided;
    }

    uint256 internal constant BPS = 10_000;
    uint32 public constant MAX_CHALLENGE_WINDOW = 7 days;
    uint16 public constant MAX_FEE_BPS = 3_000;
    uint16 public constant MAX_BOUNTY_BPS = 5_000;
    uint8 public constant MAX_VERDICT_QUORUM = 32;

    /// @inheritdoc ISettlement
    IEscrow public immutable escrow;
    /// @inheritdoc ISettlement
    INodeRegistry public immutable registry;
    /// @inheritdoc ISettlement
    IERC20 public immutable stable;

    mapping(address scheduler => SchedulerState) internal _schedulers;
    mapping(address scheduler => mapping(uint64 index => BatchRecord)) internal _batches;
    mapping(address scheduler => mapping(address node => Earnings)) internal _earnings;
    Parameters internal _parameters;

    constructor(IEscrow escrow_, INodeRegistry registry_, Parameters memory parameters_) {
        escrow = escrow_;
        registry = registry_;
        stable = escrow_.stable();
        // Compensation is paid out of slashed stake, so both must be the same money for now.
        if (address(stable) != address(registry_.stakeToken())) {
            revert StakeTokenMismatch(address(stable), address(registry_.stakeToken()));
        }
        _setParameters(parameters_);
    }

    /// @inheritdoc ISettlement
    function postBatch(Batch calldata batch, Charge[] calldata charges) external {
        SchedulerState storage state = _schedulers[msg.sender];
        if (batch.index != state.nextIndex) revert BatchIndexMismatch(state.nextIndex, batch.index);
        if (batch.receiptCount == 0) revert EmptyBatch(msg.sender, batch.index);
        if (!registry.isActive(msg.sender, Role.Scheduler)) revert SchedulerInactive(msg.sender);
        state.nextIndex = batch.index + 1;
        state.pool += batch.totalEarned;

        uint128 totalCharged = escrow.charge(msg.sender, charges);
        for (uint256 i = 0; i < charges.length; ++i) {
            emit Charged(msg.sender, batch.index, charges[i].capId, charges[i].amount);
        }
        Parameters memory current = _parameters;
        uint128 fee = _checkedFee(totalCharged, batch.totalEarned, batch.receiptCount, current.feeBps);
        _batches[msg.sender][batch.index] = BatchRecord({
            receiptsRoot: batch.receiptsRoot,
            earningsRoot: batch.earningsRoot,
            chargedLeft: SafeCast.toUint96(totalCharged),
            earnedLeft: SafeCast.toUint96(batch.totalEarned),
            finalAt: uint40(block.timestamp) + current.challengeWindow,
            feeBps: current.feeBps
        });
        _emitPosted(batch, totalCharged, fee);
        stable.safeTransfer(current.treasury, fee);
    }

    /// @inheritdoc ISettlement
    function claim(address scheduler, uint64 index, address node, uint128 cumulative, bytes32[] calldata proof)
        external
    {
        BatchRecord storage batch = _known(scheduler, index);
        if (block.timestamp < batch.finalAt) revert BatchNotFinal(scheduler, index, batch.finalAt);
        bytes32 leaf = Hashes.earningsLeaf(node, cumulative);
        if (!MerkleProof.verifyCalldata(proof, batch.earningsRoot, leaf)) {
            revert InvalidProof(batch.earningsRoot, leaf);
        }
        Earnings storage earnings = _earnings[scheduler][node];
        SchedulerState storage state = _schedulers[scheduler];
        uint256 settled = uint256(earnings.claimed) + earnings.voided;
        uint256 due = cumulative > settled ? cumulative - settled : 0;
        // Not above the pool, which is a uint128.
        uint128 amount = uint128(Math.min(due, state.pool));
        if (amount == 0) revert NothingToClaim(scheduler, node);
        earnings.claimed += amount;
        state.pool -= amount;
        emit Claimed(scheduler, node, index, amount, earnings.claimed);
        stable.safeTransfer(node, amount);
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
        return _batches[scheduler][index];
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
    function pool(address scheduler) external view returns (uint128) {
        return _schedulers[scheduler].pool;
    }

    /// @inheritdoc ISettlement
    function nodeShare(uint128 amount) external view returns (uint128) {
        return uint128(_nodeShare(amount, _parameters.feeBps));
    }

    function _known(address scheduler, uint64 index) internal view returns (BatchRecord storage batch) {
        batch = _batches[scheduler][index];
        if (batch.finalAt == 0) revert BatchUnknown(scheduler, index);
    }

    function _nodeShare(uint256 amount, uint256 feeBps) internal pure returns (uint256) {
        return amount * (BPS - feeBps) / BPS;
    }

    /// @dev Every receipt's node share is rounded down, so the fee may exceed its exact part by one unit a receipt.
    function _checkedFee(uint128 totalCharged, uint128 totalEarned, uint256 receiptCount, uint256 feeBps)
        private
        pure
        returns (uint128 fee)
    {
        if (totalEarned > totalCharged) revert EarnedAboveCharged(totalCharged, totalEarned);
        fee = totalCharged - totalEarned;
        uint256 minimum = uint256(totalCharged) * feeBps / BPS;
        if (fee < minimum || fee > minimum + receiptCount) {
            revert FeeOutOfBounds(fee, minimum, minimum + receiptCount);
        }
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
        if (value.treasury == address(0)) revert ParameterOutOfRange("treasury", 0);
        _checkRange("challengeWindow", value.challengeWindow, 1, MAX_CHALLENGE_WINDOW);
        // Else a scheduler could take its stake out while its receipts can still be challenged.
        _checkRange("challengeWindow", value.challengeWindow, 1, registry.unbondingDelay());
        _checkRange("feeBps", value.feeBps, 0, MAX_FEE_BPS);
        _checkRange("slashBps", value.slashBps, 0, BPS);
        _checkRange("bountyBps", value.bountyBps, 0, MAX_BOUNTY_BPS);
        _checkRange("verdictQuorum", value.verdictQuorum, 1, MAX_VERDICT_QUORUM);
        _parameters = value;
        emit ParametersChanged(value);
    }

    function _checkRange(bytes32 name, uint256 value, uint256 minimum, uint256 maximum) private pure {
        if (value < minimum || value > maximum) revert ParameterOutOfRange(name, value);
    }
}
