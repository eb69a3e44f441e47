// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IEscrow} from "../interfaces/IEscrow.sol";
import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {ISettlement} from "../interfaces/ISettlement.sol";
import {Hashes} from "../libraries/Hashes.sol";
import {SettlementLedger} from "./SettlementLedger.sol";
import {Fault, Role, SignedReceipt, UsageReceipt, Verdict} from "../types/Types.sol";

/// @dev Challenges on top of the ledger. All state is written before any token moves, and what a challenge pays out is
/// bounded by what its own batch took in, so a scheduler cannot use a forged receipt to reach other batches' money or
/// to carry its stake out past the unbonding delay.
contract Settlement is SettlementLedger, EIP712 {
    using SafeERC20 for IERC20;

    /// @dev An upheld challenge: what is wrong with which receipt, and who answers for it.
    struct Finding {
        Fault fault;
        address scheduler;
        uint64 index;
        bytes32 receiptHash;
        address offender;
    }

    uint8 private constant REJECTED = 1;

    mapping(address scheduler => mapping(bytes32 receiptHash => bool)) private _voidedReceipts;

    constructor(address authority_, IEscrow escrow_, INodeRegistry registry_, Parameters memory parameters_)
        AccessManaged(authority_)
        EIP712("Vcity Settlement", "1")
        SettlementLedger(escrow_, registry_, parameters_)
    {}

    /// @inheritdoc ISettlement
    function challengeReceipt(
        Fault fault,
        address scheduler,
        uint64 index,
        SignedReceipt calldata signed,
        bytes32[] calldata proof,
        bytes calldata extra
    ) external {
        bytes32 receiptHash = _checkChallengeable(scheduler, index, signed, proof);
        bool upheld = false;
        if (fault == Fault.BadSignature) {
            upheld = _isForged(scheduler, receiptHash, signed);
        } else if (fault == Fault.OverQuote) {
            upheld = signed.receipt.amount > signed.receipt.quote;
        } else if (fault == Fault.Duplicate) {
            upheld = _isDuplicate(scheduler, index, signed, proof, extra);
        }
        if (!upheld) revert NotAFault(fault, receiptHash);
        _void(Finding(fault, scheduler, index, receiptHash, scheduler), signed.receipt);
    }

    /// @inheritdoc ISettlement
    function challengeByVerdict(
        address scheduler,
        uint64 index,
        SignedReceipt calldata signed,
        bytes32[] calldata proof,
        Verdict[] calldata verdicts,
        bytes[] calldata signatures
    ) external {
        bytes32 receiptHash = _checkChallengeable(scheduler, index, signed, proof);
        address node = signed.receipt.node;
        _checkVerdicts(receiptHash, node, verdicts, signatures);
        _void(Finding(Fault.RejectedByVerifiers, scheduler, index, receiptHash, node), signed.receipt);
    }

    /// @inheritdoc ISettlement
    function receiptVoided(address scheduler, bytes32 receiptHash) external view returns (bool) {
        return _voidedReceipts[scheduler][receiptHash];
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

    /// @dev The offender loses `slashBps` of its stake, or more if the compensation needs more. The client is made
    /// whole first, then the challenger gets its bounty, and the treasury the rest.
    function _void(Finding memory finding, UsageReceipt calldata receipt) private {
        _voidedReceipts[finding.scheduler][finding.receiptHash] = true;
        (uint256 credit, uint256 share) = _takeBack(finding.scheduler, finding.index, receipt);
        uint256 missing = credit - share;
        uint256 taken = _slash(finding.offender, missing);
        uint256 compensation = Math.min(taken, missing);
        credit = share + compensation;
        emit ReceiptVoided(
            finding.scheduler,
            finding.index,
            finding.receiptHash,
            finding.fault,
            receipt.client,
            receipt.node,
            uint128(credit),
            uint128(share)
        );
        _shareOut(finding, taken, compensation);
        if (credit != 0) {
            stable.forceApprove(address(escrow), credit);
            escrow.credit(receipt.client, uint128(credit));
        }
    }

    function _slash(address offender, uint256 missing) private returns (uint128 taken) {
        (uint128 active, uint128 unbonding) = registry.stakeOf(offender);
        uint256 penalty = (uint256(active) + unbonding) * _parameters.slashBps / BPS;
        // Not above the larger of a uint128 stake and a uint96 batch total.
        return registry.slash(offender, uint128(Math.max(penalty, missing)), address(this));
    }

    /// @dev Takes a voided receipt out of its batch and the node's share out of the pool.
    /// @return credit What the client paid for it, `share` the part of that which the pool still holds.
    function _takeBack(address scheduler, uint64 index, UsageReceipt calldata receipt)
        private
        returns (uint256 credit, uint256 share)
    {
        BatchRecord storage batch = _batches[scheduler][index];
        SchedulerState storage state = _schedulers[scheduler];
        credit = Math.min(receipt.amount, batch.chargedLeft);
        share = Math.min(_nodeShare(credit, batch.feeBps), Math.min(batch.earnedLeft, state.pool));
        batch.chargedLeft -= uint96(credit);
        batch.earnedLeft -= uint96(share);
        state.pool -= uint128(share);
        _earnings[scheduler][receipt.node].voided += uint128(share);
    }

    function _shareOut(Finding memory finding, uint256 taken, uint256 compensation) private {
        uint256 rest = taken - compensation;
        uint256 bounty = Math.min(rest * _parameters.bountyBps / BPS, _parameters.bountyCap);
        uint256 toTreasury = rest - bounty;
        emit Slashed(
            finding.receiptHash,
            finding.offender,
            msg.sender,
            uint128(taken),
            uint128(compensation),
            uint128(bounty),
            uint128(toTreasury)
        );
        if (bounty != 0) stable.safeTransfer(msg.sender, bounty);
        if (toTreasury != 0) stable.safeTransfer(_parameters.treasury, toTreasury);
    }

    /// @dev The receipt is in the batch, the batch can still be challenged, and the receipt was not voided before.
    function _checkChallengeable(
        address scheduler,
        uint64 index,
        SignedReceipt calldata signed,
        bytes32[] calldata proof
    ) private view returns (bytes32 receiptHash) {
        BatchRecord storage batch = _known(scheduler, index);
        if (block.timestamp >= batch.finalAt) revert BatchFinal(scheduler, index, batch.finalAt);
        receiptHash = Hashes.receipt(signed.receipt);
        if (_voidedReceipts[scheduler][receiptHash]) revert ReceiptAlreadyVoided(scheduler, receiptHash);
        _checkIncluded(batch.receiptsRoot, _leafOf(signed), proof);
    }

    /// @dev A scheduler answers for its batch: it must have signed every receipt in it, under its own name.
    function _isForged(address scheduler, bytes32 receiptHash, SignedReceipt calldata signed)
        private
        view
        returns (bool)
    {
        bytes32 digest = _hashTypedDataV4(receiptHash);
        return signed.receipt.scheduler != scheduler || !_signedBy(signed.receipt.node, digest, signed.nodeSignature)
            || !_signedBy(scheduler, digest, signed.schedulerSignature);
    }

    function _isDuplicate(
        address scheduler,
        uint64 index,
        SignedReceipt calldata signed,
        bytes32[] calldata proof,
        bytes calldata extra
    ) private view returns (bool) {
        (uint64 otherIndex, SignedReceipt memory other, bytes32[] memory otherProof) =
            abi.decode(extra, (uint64, SignedReceipt, bytes32[]));
        if (otherIndex > index || other.receipt.jobId != signed.receipt.jobId) return false;
        // Evidence that was itself voided would let a challenger void both of a pair.
        if (_voidedReceipts[scheduler][Hashes.receipt(other.receipt)]) return false;
        bytes32 otherLeaf = _leafOf(other);
        _checkIncluded(_known(scheduler, otherIndex).receiptsRoot, otherLeaf, otherProof);
        if (otherIndex < index) return true;
        if (otherLeaf == _leafOf(signed)) return _provesTwoPlaces(otherLeaf, proof, otherProof);
        return signed.receipt.fencingToken <= other.receipt.fencingToken;
    }

    /// @dev Two valid proofs of one leaf differ only if it is in the tree twice; they are equal for two places only if
    /// somewhere on the way up both children are the same.
    function _provesTwoPlaces(bytes32 leaf, bytes32[] memory proof, bytes32[] memory otherProof)
        private
        pure
        returns (bool)
    {
        if (keccak256(abi.encode(proof)) != keccak256(abi.encode(otherProof))) return true;
        bytes32 node = leaf;
        bytes32[] memory step = new bytes32[](1);
        for (uint256 i = 0; i < proof.length; ++i) {
            if (node == proof[i]) return true;
            step[0] = proof[i];
            node = MerkleProof.processProof(step, node);
        }
        return false;
    }

    function _checkVerdicts(
        bytes32 receiptHash,
        address node,
        Verdict[] calldata verdicts,
        bytes[] calldata signatures
    ) private view {
        uint256 quorum = _parameters.verdictQuorum;
        if (verdicts.length < quorum) revert QuorumNotReached(quorum, verdicts.length);
        if (signatures.length != verdicts.length) revert SignatureCountMismatch(verdicts.length, signatures.length);
        address previous = address(0);
        for (uint256 i = 0; i < verdicts.length; ++i) {
            Verdict calldata verdict = verdicts[i];
            if (verdict.receiptHash != receiptHash || verdict.node != node || verdict.outcome != REJECTED) {
                revert VerdictMismatch(i);
            }
            if (verdict.verifier <= previous) revert VerifiersNotAscending(i);
            previous = verdict.verifier;
            if (!registry.isActive(previous, Role.Verifier)) revert VerifierInactive(i, previous);
            bytes32 digest = _hashTypedDataV4(Hashes.verdict(verdict));
            if (!_signedBy(previous, digest, signatures[i])) revert BadVerdictSignature(i, previous);
        }
    }

    function _checkIncluded(bytes32 root, bytes32 leaf, bytes32[] memory proof) private pure {
        if (!MerkleProof.verify(proof, root, leaf)) revert InvalidProof(root, leaf);
    }

    function _leafOf(SignedReceipt memory signed) private pure returns (bytes32) {
        return Hashes.receiptLeaf(Hashes.receipt(signed.receipt), signed.nodeSignature, signed.schedulerSignature);
    }

    /// @dev Only a 65-byte signature with low s counts.
    function _signedBy(address signer, bytes32 digest, bytes memory signature) private pure returns (bool) {
        (address recovered, ECDSA.RecoverError failure,) = ECDSA.tryRecover(digest, signature);
        return failure == ECDSA.RecoverError.NoError && recovered == signer;
    }
}
