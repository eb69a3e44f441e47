// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {EIP712} from "solady/utils/EIP712.sol";
import {ICompensator} from "../interfaces/ICompensator.sol";
import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {IPriceOracle} from "../interfaces/IPriceOracle.sol";
import {ISlashingCourt} from "../interfaces/ISlashingCourt.sol";
import {IVCAIGovernor} from "../interfaces/IVCAIGovernor.sol";
import {IVerifierSet} from "../interfaces/IVerifierSet.sol";
import {ExactPull} from "../libraries/ExactPull.sol";
import {CourtBook} from "./CourtBook.sol";
import {Tier} from "../types/Types.sol";

/// @dev The way of a case. A pause stops new accusations, verdicts and executions; it does not stop proofs (whose
/// challenge windows would run out), appeals, their grant, or anybody's money. Sentences add up: two suspensions are
/// served one after the other and each ban stands by itself, so overturning one ruling leaves the others in force.
contract SlashingCourt is CourtBook, EIP712 {
    using SafeERC20 for IERC20;
    using ExactPull for IERC20;

    uint256 private constant MAX_URI_BYTES = 512;
    bytes32 private constant RULING_TYPEHASH = keccak256(
        "Ruling(uint256 caseId,uint8 round,address accused,uint8 tier,uint128 lossUsd,bytes32 evidenceHash)"
    );

    /// @dev Case that heard this evidence against this identity.
    mapping(bytes32 key => uint256 caseId) private _heard;
    mapping(address accused => uint256) private _openCases;
    mapping(address accused => uint256) private _bans;

    /// @param minimumPeriod_ Floor for every window and period: days in production, seconds on a test network.
    constructor(
        address authority_,
        INodeRegistry registry_,
        IVerifierSet verifiers_,
        ICompensator treasury_,
        IPriceOracle oracle_,
        IVCAIGovernor governor_,
        Parameters memory parameters_,
        uint32 minimumPeriod_
    )
        AccessManaged(authority_)
        CourtBook(registry_, verifiers_, treasury_, oracle_, governor_, parameters_, minimumPeriod_)
    {}

    /// @inheritdoc ISlashingCourt
    function accuse(Accusation calldata accusation) external whenNotPaused returns (uint256 caseId) {
        address accused = accusation.accused;
        address nominee = accusation.nominee == address(0) ? msg.sender : accusation.nominee;
        (bool registered,,,) = registry.standingOf(accused);
        if (!registered) revert AccusedIsUnknown(accused);
        if (msg.sender == accused || nominee == accused) revert AccusesItself(accused, msg.sender, nominee);
        if (accusation.evidenceHash == 0) revert EvidenceIsMissing(msg.sender);
        uint256 length = bytes(accusation.evidenceUri).length;
        if (length > MAX_URI_BYTES) revert UriTooLong(MAX_URI_BYTES, length);
        _checkLoss(accusation.victim, accusation.lossUsd, _parameters.maxLossUsd);
        caseId = ++caseCount;
        _hear(caseId, accused, accusation.evidenceHash);

        uint128 bond = _parameters.accusationBond;
        Case storage c = _cases[caseId];
        (c.accused, c.accuser, c.victim) = (accused, msg.sender, accusation.victim);
        if (nominee != msg.sender) c.nominee = nominee;
        (c.state, c.lossUsd, c.bond) = (CaseState.Open, accusation.lossUsd, bond);
        c.evidenceHash = accusation.evidenceHash;
        ++_openCases[accused];
        _emitOpened(caseId, nominee, bond, accusation);
        _startRound(caseId, c);
        stakeToken.pullExact(msg.sender, bond);
    }

    /// @inheritdoc ISlashingCourt
    function openProven(
        address accused,
        Tier tier,
        address victim,
        uint128 lossUsd,
        address accuser,
        bytes32 evidenceHash
    ) external restricted returns (uint256 caseId) {
        if (tier == Tier.None) revert TierIsNone(accused);
        _checkLoss(victim, lossUsd, type(uint128).max);
        // Whoever proves its own fault earns nothing by it.
        address rewarded = accuser == accused ? address(0) : accuser;
        caseId = ++caseCount;
        Case storage c = _cases[caseId];
        (c.accused, c.accuser, c.victim, c.lossUsd) = (accused, rewarded, victim, lossUsd);
        emit CaseProven(caseId, accused, rewarded, msg.sender, victim, lossUsd, evidenceHash);
        _rule(caseId, c, tier);
    }

    /// @inheritdoc ISlashingCourt
    function seatCommittee(uint256 caseId) external returns (address[] memory committee) {
        Case storage c = _inState(caseId, CaseState.Open);
        if (block.timestamp >= c.deadline) revert RoundIsOver(caseId, c.deadline);
        address[] memory excluded = new address[](4);
        (excluded[0], excluded[1], excluded[2], excluded[3]) = (c.accused, c.accuser, c.nominee, c.victim);
        committee = verifiers.draw(caseId, excluded);
        if (committee.length != 0) emit CommitteeSeated(caseId, c.round, committee);
    }

    /// @inheritdoc ISlashingCourt
    function nextRound(uint256 caseId) external {
        Case storage c = _inState(caseId, CaseState.Open);
        if (block.timestamp < c.deadline) revert RoundIsRunning(caseId, c.deadline);
        if (c.round < _parameters.maxRounds) {
            _startRound(caseId, c);
            return;
        }
        c.state = CaseState.Lapsed;
        emit CaseLapsed(caseId, c.accused, c.accuser, c.bond);
        _letGo(c.accused);
        _pay(c.accuser, c.bond);
    }

    /// @inheritdoc ISlashingCourt
    function submitVerdict(uint256 caseId, Tier tier, uint128 lossUsd, bytes[] calldata signatures)
        external
        whenNotPaused
    {
        Case storage c = _inState(caseId, CaseState.Open);
        if (block.timestamp >= c.deadline) revert RoundIsOver(caseId, c.deadline);
        uint128 highest = tier == Tier.None ? 0 : c.lossUsd;
        if (lossUsd > highest) revert LossTooHigh(highest, lossUsd);
        bytes32 digest = _rulingDigest(caseId, c, tier, lossUsd);
        verifiers.checkSignatures(address(this), caseId, digest, signatures);
        if (tier == Tier.None) {
            c.state = CaseState.Rejected;
            emit AccusationRejected(caseId, c.accused, c.accuser, c.bond);
            _letGo(c.accused);
            _pay(address(treasury), c.bond);
        } else {
            c.lossUsd = lossUsd;
            _letGo(c.accused);
            _rule(caseId, c, tier);
        }
    }

    /// @inheritdoc ISlashingCourt
    function appeal(uint256 caseId) external returns (uint256 proposalId) {
        Case storage c = _inState(caseId, CaseState.Ruled);
        if (block.timestamp >= c.deadline) revert AppealWindowOver(caseId, c.deadline);
        c.state = CaseState.Appealed;
        uint128 bond = _parameters.appealBond;
        (_appeals[caseId].appellant, _appeals[caseId].bond) = (msg.sender, bond);
        IVCAIGovernor.Call[] memory calls = new IVCAIGovernor.Call[](1);
        calls[0] = IVCAIGovernor.Call(address(this), 0, abi.encodeCall(ISlashingCourt.grantAppeal, (caseId)));
        proposalId = governor.propose(calls, "Appeal against a ruling of the court on a node");
        _appeals[caseId].proposalId = proposalId;
        emit CaseAppealed(caseId, msg.sender, proposalId, bond);
        stakeToken.pullExact(msg.sender, bond);
    }

    /// @inheritdoc ISlashingCourt
    function grantAppeal(uint256 caseId) external restricted {
        Case storage c = _inState(caseId, CaseState.Appealed);
        c.state = CaseState.Overturned;
        address accused = c.accused;
        uint128 taken = c.fromStake + c.fromUnbonding;
        _escrowed[accused] -= taken;
        emit AppealGranted(caseId, accused, c.fromStake, c.fromUnbonding);
        if (c.tier == Tier.Medium) _shortenSuspension(accused, c.suspension);
        if (c.tier == Tier.Severe && --_bans[accused] == 0) registry.unban(accused);
        if (taken != 0) {
            stakeToken.forceApprove(address(registry), taken);
            registry.restore(accused, c.fromStake, c.fromUnbonding);
        }
        _pay(_appeals[caseId].appellant, _appeals[caseId].bond);
        _pay(address(treasury), c.bond);
    }

    /// @inheritdoc ISlashingCourt
    function execute(uint256 caseId) external whenNotPaused {
        Case storage c = _cases[caseId];
        if (c.state == CaseState.Appealed) {
            uint256 proposalId = _appeals[caseId].proposalId;
            if (!_failed(governor.state(proposalId))) revert AppealUndecided(caseId, proposalId);
        } else {
            _inState(caseId, CaseState.Ruled);
            if (block.timestamp < c.deadline) revert AppealWindowRunning(caseId, c.deadline);
        }
        c.state = CaseState.Executed;
        _escrowed[c.accused] -= c.fromStake + c.fromUnbonding;
        _settle(caseId, c);
        address nominee = c.nominee == address(0) ? c.accuser : c.nominee;
        if (nominee != address(0)) verifiers.admit(nominee, caseId);
    }

    /// @inheritdoc ISlashingCourt
    function rulingDigest(uint256 caseId, Tier tier, uint128 lossUsd) external view returns (bytes32) {
        return _rulingDigest(caseId, _cases[caseId], tier, lossUsd);
    }

    /// @inheritdoc ISlashingCourt
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparator();
    }

    function _domainNameAndVersion() internal pure override returns (string memory name, string memory version) {
        return ("Vcity Court", "1");
    }

    function _hear(uint256 caseId, address accused, bytes32 evidenceHash) private {
        bytes32 key = keccak256(abi.encode(accused, evidenceHash));
        uint256 earlier = _heard[key];
        if (earlier != 0 && _cases[earlier].state != CaseState.Lapsed) {
            revert AlreadyAccused(earlier, accused, evidenceHash);
        }
        _heard[key] = caseId;
    }

    /// @dev Holds the unbonding stake of the accused for all rounds that may still come.
    function _startRound(uint256 caseId, Case storage c) private {
        uint256 roundsLeft = _parameters.maxRounds - c.round;
        c.round += 1;
        c.deadline = uint40(block.timestamp) + _parameters.answerPeriod;
        uint256 until = block.timestamp + roundsLeft * _parameters.answerPeriod;
        (,,, uint64 held) = registry.standingOf(c.accused);
        if (until > held) registry.hold(c.accused, uint64(until));
        uint64 drawBlock = verifiers.request(caseId);
        emit RoundStarted(caseId, c.round, drawBlock, c.deadline);
    }

    /// @dev One accusation less; the last one lets the unbonding stake go.
    function _letGo(address accused) private {
        if (--_openCases[accused] == 0) registry.hold(accused, 0);
    }

    /// @dev Takes the stake into escrow and bars the accused.
    function _rule(uint256 caseId, Case storage c, Tier tier) private {
        address accused = c.accused;
        uint128 amount = _penalty(c, accused, tier);
        c.state = CaseState.Ruled;
        c.tier = tier;
        c.deadline = uint40(block.timestamp) + _parameters.appealWindow;
        _escrowed[accused] += amount;
        emit CaseRuled(caseId, accused, tier, c.lossUsd, c.fromStake, c.fromUnbonding, c.deadline);
        if (tier == Tier.Medium) _extendSuspension(c);
        if (tier == Tier.Severe) {
            ++_bans[accused];
            registry.ban(accused);
        }
        if (amount != 0) registry.slash(accused, amount, address(this));
    }

    /// @dev Active stake first, as the registry takes it. Rounds down: never above the tier.
    function _penalty(Case storage c, address accused, Tier tier) private returns (uint128 amount) {
        (uint128 active, uint128 unbonding) = registry.stakeOf(accused);
        // Not above the stake, which is the sum of two parts of one token's supply.
        amount = uint128((uint256(active) + unbonding) * _shareOf(tier) / BPS);
        c.fromStake = uint128(Math.min(amount, active));
        c.fromUnbonding = amount - c.fromStake;
    }

    function _extendSuspension(Case storage c) private {
        uint40 period = _parameters.suspensionPeriod;
        c.suspension = period;
        (,, uint64 until,) = registry.standingOf(c.accused);
        registry.suspend(c.accused, uint64(Math.max(until, block.timestamp)) + period);
    }

    function _shortenSuspension(address accused, uint64 period) private {
        (,, uint64 until,) = registry.standingOf(accused);
        // Run out, or ended by the grant of an earlier appeal: there is nothing left to give back.
        if (until <= block.timestamp) return;
        until -= period;
        registry.suspend(accused, until > block.timestamp ? until : 0);
    }

    function _emitOpened(uint256 caseId, address nominee, uint128 bond, Accusation calldata accusation) private {
        emit CaseOpened(
            caseId,
            accusation.accused,
            msg.sender,
            nominee,
            accusation.victim,
            accusation.lossUsd,
            bond,
            accusation.evidenceHash,
            accusation.evidenceUri
        );
    }

    function _rulingDigest(uint256 caseId, Case storage c, Tier tier, uint128 lossUsd) private view returns (bytes32) {
        return _hashTypedData(
            keccak256(abi.encode(RULING_TYPEHASH, caseId, c.round, c.accused, tier, lossUsd, c.evidenceHash))
        );
    }

    function _shareOf(Tier tier) private view returns (uint256) {
        if (tier == Tier.Minor) return _parameters.minorBps;
        return tier == Tier.Medium ? _parameters.mediumBps : BPS;
    }

    function _inState(uint256 caseId, CaseState state) private view returns (Case storage c) {
        c = _cases[caseId];
        if (c.state != state) revert WrongState(caseId, c.state);
    }

    function _checkLoss(address victim, uint128 lossUsd, uint128 maximum) private pure {
        if (lossUsd != 0 && victim == address(0)) revert VictimIsMissing(lossUsd);
        if (lossUsd > maximum) revert LossTooHigh(maximum, lossUsd);
    }

    function _failed(IVCAIGovernor.ProposalState state) private pure returns (bool) {
        return state == IVCAIGovernor.ProposalState.Defeated || state == IVCAIGovernor.ProposalState.Expired
            || state == IVCAIGovernor.ProposalState.Cancelled;
    }
}
