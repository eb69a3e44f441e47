// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Hashes as PairHash} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IEscrow} from "../interfaces/IEscrow.sol";
import {IFraudProofs} from "../interfaces/IFraudProofs.sol";
import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {ISettlement} from "../interfaces/ISettlement.sol";
import {Hashes} from "../libraries/Hashes.sol";
import {Charge, Fault, ReceiptOpening, Role, SignedReceipt, Tier, UsageReceipt, Verdict} from "../types/Types.sol";

/// @title Judges proofs against posted batches; holds no money
/// @dev Everything that bounds what a proof can move is in Settlement. This contract can be replaced by another that
/// knows more faults, by granting it the roles.
///
/// | parameter | range | who |
/// | --- | --- | --- |
/// | court | a contract | PARAMS |
/// | verdictQuorum | [1, 32] | PARAMS |
/// | badSignature, foreignScheduler | Medium, Severe | PARAMS |
/// | rejectedByVerifiers | Minor, Medium, Severe | PARAMS |
/// | the tiers of all other faults | Minor, Medium | PARAMS |
contract FraudProofs is IFraudProofs, AccessManaged {
    /// @dev An upheld proof: what is wrong with which part of a batch, and who answers for it.
    struct Finding {
        Fault fault;
        address scheduler;
        uint64 index;
        bytes32 subject;
        address offender;
    }

    uint8 public constant MAX_VERDICT_QUORUM = 32;
    uint8 private constant REJECTED = 1;

    /// @inheritdoc IFraudProofs
    ISettlement public immutable settlement;
    /// @inheritdoc IFraudProofs
    INodeRegistry public immutable registry;
    IEscrow private immutable _escrow;

    Parameters private _parameters;
    mapping(bytes32 evidenceHash => bool) private _proven;
    /// @dev One more than the sum; zero for parts that nobody has shown.
    mapping(address client => mapping(bytes32 root => uint256)) private _sums;

    constructor(address authority_, ISettlement settlement_, Parameters memory parameters_) AccessManaged(authority_) {
        settlement = settlement_;
        registry = settlement_.registry();
        _escrow = settlement_.escrow();
        _setParameters(parameters_);
    }

    /// @inheritdoc IFraudProofs
    function challengeReceipt(Fault fault, Posted calldata posted, bytes calldata extra) external {
        bytes32 receiptHash = _checkPosted(posted);
        UsageReceipt calldata receipt = posted.signed.receipt;
        uint128 charged = _chargedTo(posted.scheduler, posted.index, receipt.client, posted.charges);
        bool upheld = false;
        if (fault == Fault.BadSignature) {
            upheld = _isForged(posted.scheduler, receiptHash, posted.signed);
        } else if (fault == Fault.OverQuote) {
            upheld = receipt.amount > receipt.quote;
        } else if (fault == Fault.Duplicate) {
            upheld = _isDuplicate(posted, extra);
        } else if (fault == Fault.ForeignScheduler) {
            upheld = receipt.scheduler != posted.scheduler;
        } else if (fault == Fault.ImpossibleTimes) {
            upheld = receipt.finishedAt < receipt.startedAt;
        } else if (fault == Fault.UncoveredClient) {
            upheld = charged == 0;
        }
        if (!upheld) revert NotAFault(fault, receiptHash);
        _void(Finding(fault, posted.scheduler, posted.index, receiptHash, posted.scheduler), receipt, charged);
    }

    /// @inheritdoc IFraudProofs
    function challengeByVerdict(Posted calldata posted, Verdict[] calldata verdicts, bytes[] calldata signatures)
        external
    {
        bytes32 receiptHash = _checkPosted(posted);
        UsageReceipt calldata receipt = posted.signed.receipt;
        uint128 charged = _chargedTo(posted.scheduler, posted.index, receipt.client, posted.charges);
        _checkVerdicts(receiptHash, receipt.node, verdicts, signatures);
        _void(
            Finding(Fault.RejectedByVerifiers, posted.scheduler, posted.index, receiptHash, receipt.node),
            receipt,
            charged
        );
    }

    /// @inheritdoc IFraudProofs
    function challengeEarnings(Underpayment calldata given) external {
        (address scheduler, uint64 index) = (given.scheduler, given.index);
        bytes32 leaf = Hashes.earningsLeaf(given.node, given.cumulative);
        ISettlement.BatchRecord memory batch = _batch(scheduler, index);
        _checkIncluded(batch.earningsRoot, leaf, given.cumulativeProof);
        if (given.previous != 0) {
            // There is no batch before the first, and nothing proves against a root of zero.
            bytes32 root = index == 0 ? bytes32(0) : _batch(scheduler, index - 1).earningsRoot;
            _checkIncluded(root, Hashes.earningsLeaf(given.node, given.previous), given.previousProof);
        }
        uint256 grown = given.cumulative > given.previous ? given.cumulative - given.previous : 0;
        uint256 earned = _sharesOf(batch, given);
        if (earned <= grown) revert NotAFault(Fault.EarningsTooLow, leaf);
        settlement.correctEarnings(scheduler, index, given.node, SafeCast.toUint128(earned - grown));
        Finding memory finding = Finding(Fault.EarningsTooLow, scheduler, index, leaf, scheduler);
        if (_isNew(finding)) _prosecute(finding, given.node, 0);
    }

    /// @inheritdoc IFraudProofs
    function sumReceipts(address client, ReceiptOpening[] calldata receipts) external returns (bytes32 root) {
        uint256 covered;
        (root, covered) = _sum(client, receipts);
        _sums[client][root] = covered + 1;
        emit ReceiptsSummed(client, root, receipts.length, covered);
    }

    /// @inheritdoc IFraudProofs
    function challengeCharge(Overcharge calldata given) external {
        (address scheduler, uint64 index, address client) = (given.scheduler, given.index, given.client);
        uint128 charged = _chargedTo(scheduler, index, client, given.charges);
        uint256 covered = _coveredBy(given);
        bytes32 subject = keccak256(abi.encode(scheduler, index, client));
        if (charged <= covered) revert NotAFault(Fault.ChargeAboveReceipts, subject);
        UsageReceipt memory excess;
        excess.client = client;
        // Not above `charged`.
        excess.amount = uint128(charged - covered);
        _void(Finding(Fault.ChargeAboveReceipts, scheduler, index, subject, scheduler), excess, charged);
    }

    /// @inheritdoc IFraudProofs
    function setParameters(Parameters calldata value) external restricted {
        _setParameters(value);
    }

    /// @inheritdoc IFraudProofs
    function parameters() external view returns (Parameters memory) {
        return _parameters;
    }

    /// @inheritdoc IFraudProofs
    function tierOf(Fault fault) public view returns (Tier) {
        Parameters storage current = _parameters;
        if (fault == Fault.BadSignature) return current.badSignature;
        if (fault == Fault.OverQuote) return current.overQuote;
        if (fault == Fault.Duplicate) return current.duplicate;
        if (fault == Fault.RejectedByVerifiers) return current.rejectedByVerifiers;
        if (fault == Fault.ForeignScheduler) return current.foreignScheduler;
        if (fault == Fault.ImpossibleTimes) return current.impossibleTimes;
        if (fault == Fault.UncoveredClient) return current.uncoveredClient;
        if (fault == Fault.EarningsTooLow) return current.earningsTooLow;
        return current.chargeAboveReceipts;
    }

    /// @dev Of several faults of one receipt the first voids it and every one is answered for, so that an offender
    /// gains nothing by proving the lightest itself.
    function _void(Finding memory finding, UsageReceipt memory receipt, uint128 charged) private {
        if (!_isNew(finding)) revert FaultAlreadyProven(finding.fault, finding.subject);
        uint128 loss = 0;
        if (!settlement.receiptVoided(finding.scheduler, finding.index, finding.subject)) {
            loss = settlement.voidReceipt(
                ISettlement.Voiding({
                    fault: finding.fault,
                    scheduler: finding.scheduler,
                    index: finding.index,
                    receiptHash: finding.subject,
                    client: receipt.client,
                    node: receipt.node,
                    amount: receipt.amount,
                    chargedToClient: charged
                })
            );
        }
        _prosecute(finding, receipt.client, loss);
    }

    /// @dev True once for each fault of each subject; marked before anything else is called.
    function _isNew(Finding memory finding) private returns (bool) {
        bytes32 evidenceHash = _evidenceOf(finding);
        if (_proven[evidenceHash]) return false;
        _proven[evidenceHash] = true;
        return true;
    }

    /// @dev A stranger has no stake, and the court knows no case against one.
    function _prosecute(Finding memory finding, address victim, uint128 loss) private {
        address offender = finding.offender;
        bytes32 evidenceHash = _evidenceOf(finding);
        uint256 caseId = 0;
        (bool registered,,,) = registry.standingOf(offender);
        if (registered) {
            if (loss == 0) victim = address(0);
            caseId =
                _parameters.court.openProven(offender, tierOf(finding.fault), victim, loss, msg.sender, evidenceHash);
        }
        emit FaultProven(
            finding.scheduler,
            finding.index,
            finding.subject,
            finding.fault,
            offender,
            msg.sender,
            loss,
            caseId,
            evidenceHash
        );
    }

    function _setParameters(Parameters memory value) private {
        if (address(value.court).code.length == 0) revert NotAContract("court", address(value.court));
        if (value.verdictQuorum == 0 || value.verdictQuorum > MAX_VERDICT_QUORUM) {
            revert ParameterOutOfRange("verdictQuorum", value.verdictQuorum, 1, MAX_VERDICT_QUORUM);
        }
        _checkTier("badSignature", value.badSignature, Tier.Medium, Tier.Severe);
        _checkTier("overQuote", value.overQuote, Tier.Minor, Tier.Medium);
        _checkTier("duplicate", value.duplicate, Tier.Minor, Tier.Medium);
        _checkTier("rejectedByVerifiers", value.rejectedByVerifiers, Tier.Minor, Tier.Severe);
        _checkTier("foreignScheduler", value.foreignScheduler, Tier.Medium, Tier.Severe);
        _checkTier("impossibleTimes", value.impossibleTimes, Tier.Minor, Tier.Medium);
        _checkTier("uncoveredClient", value.uncoveredClient, Tier.Minor, Tier.Medium);
        _checkTier("earningsTooLow", value.earningsTooLow, Tier.Minor, Tier.Medium);
        _checkTier("chargeAboveReceipts", value.chargeAboveReceipts, Tier.Minor, Tier.Medium);
        _parameters = value;
        emit ParametersChanged(value);
    }

    /// @dev The receipt is in the batch, and the batch can still be challenged.
    function _checkPosted(Posted calldata posted) private view returns (bytes32 receiptHash) {
        receiptHash = Hashes.receipt(posted.signed.receipt);
        ISettlement.BatchRecord memory batch = _batch(posted.scheduler, posted.index);
        if (block.timestamp >= batch.finalAt) {
            revert ISettlement.BatchFinal(posted.scheduler, posted.index, batch.finalAt);
        }
        _checkIncluded(batch.receiptsRoot, _leafOf(posted.signed), posted.proof);
    }

    function _batch(address scheduler, uint64 index) private view returns (ISettlement.BatchRecord memory batch) {
        batch = settlement.batchOf(scheduler, index);
        if (batch.finalAt == 0) revert ISettlement.BatchUnknown(scheduler, index);
    }

    /// @dev What the batch took from a client, over all its caps. Unknown batches have no hash, which nothing matches.
    function _chargedTo(address scheduler, uint64 index, address client, Charge[] calldata charges)
        private
        view
        returns (uint128 total)
    {
        bytes32 expected = settlement.chargesHashOf(scheduler, index);
        bytes32 given = Hashes.charges(charges);
        if (given != expected) revert ChargesMismatch(expected, given);
        for (uint256 i = 0; i < charges.length; ++i) {
            if (_escrow.clientOf(charges[i].capId) == client) total += charges[i].amount;
        }
    }

    /// @dev A scheduler answers for its batch: node and scheduler must have signed every receipt in it.
    function _isForged(address scheduler, bytes32 receiptHash, SignedReceipt calldata signed)
        private
        view
        returns (bool)
    {
        bytes32 digest = _digest(receiptHash);
        return !_signedBy(signed.receipt.node, digest, signed.nodeSignature)
            || !_signedBy(scheduler, digest, signed.schedulerSignature);
    }

    function _isDuplicate(Posted calldata posted, bytes calldata extra) private view returns (bool) {
        (uint64 otherIndex, SignedReceipt memory other, bytes32[] memory otherProof) =
            abi.decode(extra, (uint64, SignedReceipt, bytes32[]));
        UsageReceipt calldata receipt = posted.signed.receipt;
        if (otherIndex > posted.index || other.receipt.jobId != receipt.jobId) return false;
        // Evidence that was itself voided would let a challenger void both of a pair.
        if (settlement.receiptVoided(posted.scheduler, otherIndex, Hashes.receipt(other.receipt))) return false;
        bytes32 otherLeaf = _leafOf(other);
        _checkIncluded(_batch(posted.scheduler, otherIndex).receiptsRoot, otherLeaf, otherProof);
        if (otherIndex < posted.index) return true;
        if (otherLeaf == _leafOf(posted.signed)) return _provesTwoPlaces(otherLeaf, posted.proof, otherProof);
        return receipt.fencingToken <= other.receipt.fencingToken;
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
            if (!_signedBy(previous, _digest(Hashes.verdict(verdict)), signatures[i])) {
                revert BadVerdictSignature(i, previous);
            }
        }
    }

    /// @dev Digest in the domain of Settlement, in whose name receipts and verdicts are signed.
    function _digest(bytes32 structHash) private view returns (bytes32) {
        return MessageHashUtils.toTypedDataHash(settlement.domainSeparator(), structHash);
    }

    /// @dev What the receipts of one client in a batch add up to; the root shows that all receipts are there.
    function _coveredBy(Overcharge calldata given) private view returns (uint256 covered) {
        bytes32 root;
        if (given.parts.length == 0) {
            (root, covered) = _sum(given.client, given.receipts);
        } else {
            bytes32[] memory layer = given.parts;
            for (uint256 i = 0; i < layer.length; ++i) {
                uint256 known = _sums[given.client][layer[i]];
                if (known == 0) revert PartNotSummed(i, layer[i]);
                covered += known - 1;
            }
            root = _rootOf(layer);
        }
        bytes32 expected = _batch(given.scheduler, given.index).receiptsRoot;
        if (root != expected) revert RootMismatch(expected, root);
    }

    function _sum(address client, ReceiptOpening[] calldata receipts)
        private
        pure
        returns (bytes32 root, uint256 covered)
    {
        bytes32[] memory layer = new bytes32[](receipts.length);
        for (uint256 i = 0; i < receipts.length; ++i) {
            layer[i] = _leafOf(receipts[i]);
            if (receipts[i].receipt.client == client) covered += receipts[i].receipt.amount;
        }
        root = _rootOf(layer);
    }

    /// @dev The node's shares of the given receipts, each at the fee of the batch and rounded down by itself.
    function _sharesOf(ISettlement.BatchRecord memory batch, Underpayment calldata given)
        private
        pure
        returns (uint256 earned)
    {
        if (given.receipts.length != given.proofs.length) {
            revert ProofCountMismatch(given.receipts.length, given.proofs.length);
        }
        bytes32 last = bytes32(0);
        for (uint256 i = 0; i < given.receipts.length; ++i) {
            UsageReceipt calldata receipt = given.receipts[i].receipt;
            if (receipt.node != given.node) revert ReceiptOfAnotherNode(i, given.node, receipt.node);
            bytes32 leaf = _leafOf(given.receipts[i]);
            if (leaf <= last) revert ReceiptsNotAscending(i);
            last = leaf;
            _checkIncluded(batch.receiptsRoot, leaf, given.proofs[i]);
            earned += uint256(receipt.amount) * (10_000 - batch.feeBps) / 10_000;
        }
    }

    function _evidenceOf(Finding memory finding) private pure returns (bytes32) {
        return keccak256(abi.encode(finding.fault, finding.scheduler, finding.index, finding.subject));
    }

    function _checkTier(bytes32 name, Tier given, Tier minimum, Tier maximum) private pure {
        if (given < minimum || given > maximum) {
            revert ParameterOutOfRange(name, uint256(given), uint256(minimum), uint256(maximum));
        }
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
        for (uint256 i = 0; i < proof.length; ++i) {
            if (node == proof[i]) return true;
            node = PairHash.commutativeKeccak256(node, proof[i]);
        }
        return false;
    }

    /// @dev The protocol's tree: pairs are hashed in sorted order, an odd last node moves up unchanged. Overwrites
    /// `layer`.
    function _rootOf(bytes32[] memory layer) private pure returns (bytes32) {
        uint256 width = layer.length;
        if (width == 0) return bytes32(0);
        while (width > 1) {
            uint256 parents = (width + 1) / 2;
            for (uint256 i = 0; i < parents; ++i) {
                bool paired = 2 * i + 1 < width;
                layer[i] = paired ? PairHash.commutativeKeccak256(layer[2 * i], layer[2 * i + 1]) : layer[2 * i];
            }
            width = parents;
        }
        return layer[0];
    }

    function _checkIncluded(bytes32 root, bytes32 leaf, bytes32[] memory proof) private pure {
        if (!MerkleProof.verify(proof, root, leaf)) revert ISettlement.InvalidProof(root, leaf);
    }

    function _leafOf(SignedReceipt memory signed) private pure returns (bytes32) {
        return Hashes.receiptLeaf(Hashes.receipt(signed.receipt), signed.nodeSignature, signed.schedulerSignature);
    }

    function _leafOf(ReceiptOpening calldata opening) private pure returns (bytes32) {
        return
            Hashes.receiptLeaf(
                Hashes.receipt(opening.receipt), opening.nodeSignatureHash, opening.schedulerSignatureHash
            );
    }

    /// @dev Only a 65-byte signature with low s counts.
    function _signedBy(address signer, bytes32 digest, bytes memory signature) private pure returns (bool) {
        (address recovered, ECDSA.RecoverError failure,) = ECDSA.tryRecover(digest, signature);
        return failure == ECDSA.RecoverError.NoError && recovered == signer;
    }
}
