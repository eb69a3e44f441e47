// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ICompensator} from "./ICompensator.sol";
import {INodeRegistry} from "./INodeRegistry.sol";
import {IPriceOracle} from "./IPriceOracle.sol";
import {IVCAIGovernor} from "./IVCAIGovernor.sol";
import {IVerifierSet} from "./IVerifierSet.sol";
import {Tier} from "../types/Types.sol";
import {IProsecution} from "./IProsecution.sol";

/// @title Accusations, rulings by committee or proof, slash escrow, appeals, compensation
/// @notice A case is opened by an accusation with a bond, which a random committee judges, or by a proof that another
/// contract checked. A ruling takes the stake into the court at once and can be appealed by anyone with a bond for one
/// window; the DAO decides the appeal. Then users are compensated first and in full: in stablecoin out of the treasury
/// as far as it has any, the rest in VCAI out of the stake. Of what remains the accuser gets a capped part, never all.
/// Should the treasury be unable to pay somebody, the stake pays instead, and what it cannot cover stays owed.
interface ISlashingCourt is IProsecution {
    /// @notice Where a case stands.
    /// - `Open`: accused, waits for its committee. `Rejected`, `Lapsed` (nobody judged in time): ends of such a case.
    /// - `Ruled`: stake is in escrow, the window for an appeal runs. `Appealed`: the DAO has it.
    /// - `Executed`: compensated and shared out. `Overturned`: the appeal was granted and everything restored.
    enum CaseState {
        None,
        Open,
        Rejected,
        Lapsed,
        Ruled,
        Appealed,
        Executed,
        Overturned
    }

    /// @notice What somebody claims. `nominee` becomes a verifier if it is upheld: the accuser itself or another address
    /// of its own, since one identity has one role. `victim` may be zero if `lossUsd` is.
    struct Accusation {
        address accused;
        address nominee;
        address victim;
        uint128 lossUsd;
        bytes32 evidenceHash;
        string evidenceUri;
    }

    /// @notice A case. `nominee` is zero if it is the accuser itself. The `evidenceHash` of a proven case is in its event
    /// alone. `deadline`: end of the round while `Open`, end of the appeal window while `Ruled`. `lossUsd` is in
    /// base units of the stablecoin, everything else in wei of VCAI. `fromStake` and `fromUnbonding` say where the
    /// escrowed stake came from; `suspension` by how many seconds the ruling moved the end of the suspension.
    struct Case {
        address accused;
        uint40 deadline;
        CaseState state;
        Tier tier;
        uint8 round;
        address accuser;
        uint40 suspension;
        address nominee;
        address victim;
        uint128 lossUsd;
        uint128 bond;
        uint128 fromStake;
        uint128 fromUnbonding;
        bytes32 evidenceHash;
    }

    /// @notice The appeal of a case: who brought it, what it left as a bond, and the proposal that decides.
    struct Appeal {
        address appellant;
        uint128 bond;
        uint256 proposalId;
    }

    /// @notice What the DAO may change, with its hard bounds.
    /// - `minorBps` in [500, 1000], `mediumBps` in [1000, 3000] basis points of the stake; severe is always all of it.
    /// - `bountyBps` in [0, 5000] of what is left after compensation, `bountyCap` in wei of VCAI.
    /// - `accusationBond`, `appealBond`: wei of VCAI, above zero.
    /// - `answerPeriod`: seconds a committee has, `appealWindow`: both in [minimumPeriod, 30 days].
    /// - `suspensionPeriod`: seconds that a medium fault costs, in [minimumPeriod, 365 days].
    /// - `maxRounds` in [1, 10]: committees that are tried before a case lapses.
    /// - `maxLossUsd`: the most that a committee can award, base units of the stablecoin. Proofs have no such limit.
    struct Parameters {
        uint16 minorBps;
        uint16 mediumBps;
        uint16 bountyBps;
        uint8 maxRounds;
        uint32 answerPeriod;
        uint32 appealWindow;
        uint32 suspensionPeriod;
        uint128 bountyCap;
        uint128 accusationBond;
        uint128 appealBond;
        uint128 maxLossUsd;
    }

    event CaseOpened(
        uint256 indexed caseId,
        address indexed accused,
        address indexed accuser,
        address nominee,
        address victim,
        uint128 lossUsd,
        uint128 bond,
        bytes32 evidenceHash,
        string evidenceUri
    );
    /// @notice A contract that checked a proof opened a case that is already ruled.
    event CaseProven(
        uint256 indexed caseId,
        address indexed accused,
        address indexed accuser,
        address prosecutor,
        address victim,
        uint128 lossUsd,
        bytes32 evidenceHash
    );
    event RoundStarted(uint256 indexed caseId, uint8 round, uint64 drawBlock, uint40 deadline);
    event CommitteeSeated(uint256 indexed caseId, uint8 round, address[] committee);
    /// @notice The committee found no fault: the accuser's bond went to the treasury.
    event AccusationRejected(uint256 indexed caseId, address indexed accused, address indexed accuser, uint128 bond);
    /// @notice Nobody judged in time: the bond goes back to the accuser.
    event CaseLapsed(uint256 indexed caseId, address indexed accused, address indexed accuser, uint128 bond);
    /// @notice A fault was found. The stake is in the court's escrow now.
    event CaseRuled(
        uint256 indexed caseId,
        address indexed accused,
        Tier tier,
        uint128 lossUsd,
        uint128 fromStake,
        uint128 fromUnbonding,
        uint40 appealableUntil
    );
    event CaseAppealed(uint256 indexed caseId, address indexed appellant, uint256 indexed proposalId, uint128 bond);
    /// @notice The DAO granted the appeal: stake, suspension and ban are as before the ruling.
    event AppealGranted(uint256 indexed caseId, address indexed accused, uint128 toStake, uint128 toUnbonding);
    /// @notice The end of a case. Amounts: `paidUsd` and `shortfallUsd` in base units of the stablecoin, others in wei.
    event CaseExecuted(
        uint256 indexed caseId,
        address indexed accused,
        address indexed victim,
        uint128 paidUsd,
        uint128 paidVcai,
        uint128 bounty,
        uint128 toTreasury,
        uint128 shortfallUsd
    );
    /// @notice A later payment on what a victim was still owed.
    event ShortfallPaid(uint256 indexed caseId, address indexed victim, uint128 paidUsd, uint128 shortfallUsd);
    event ParametersChanged(Parameters parameters);

    error AccusedIsUnknown(address accused);
    error AccusesItself(address accused, address accuser, address nominee);
    error EvidenceIsMissing(address accuser);
    error UriTooLong(uint256 maximum, uint256 given);
    error VictimIsMissing(uint128 lossUsd);
    error LossTooHigh(uint128 maximum, uint128 given);
    error AlreadyAccused(uint256 caseId, address accused, bytes32 evidenceHash);
    error WrongState(uint256 caseId, CaseState state);
    error RoundIsOver(uint256 caseId, uint40 deadline);
    error RoundIsRunning(uint256 caseId, uint40 deadline);
    error TierIsNone(address accused);
    error AppealWindowOver(uint256 caseId, uint40 deadline);
    error AppealWindowRunning(uint256 caseId, uint40 deadline);
    error AppealUndecided(uint256 caseId, uint256 proposalId);
    error NothingOwed(uint256 caseId);
    error TreasuryIsEmpty(uint256 caseId, uint128 owedUsd);
    error ParameterOutOfRange(bytes32 name, uint256 value, uint256 minimum, uint256 maximum);

    /// @notice Accuses a registered identity. The same evidence against the same identity is heard once, unless the case
    /// lapsed. Pulls `accusationBond` from the sender, and holds back what the accused
    /// has unbonding until the case is over.
    function accuse(Accusation calldata accusation) external returns (uint256 caseId);

    /// @notice Opens a case that needs no committee, because the sender checked the proof. Restricted to prosecutors.
    /// @param victim Who lost `lossUsd` (not compensated yet); zero if nobody did.
    /// @param accuser Who brought the proof: gets the bounty and is admitted as a verifier; may be zero.
    function openProven(
        address accused,
        Tier tier,
        address victim,
        uint128 lossUsd,
        address accuser,
        bytes32 evidenceHash
    ) external override returns (uint256 caseId);

    /// @notice Draws the committee of an open case once the deciding block is past. Anyone. Returns nobody if the block
    /// is too long ago: then another was named and it must be called again.
    function seatCommittee(uint256 caseId) external returns (address[] memory committee);

    /// @notice Closes the round of an open case whose time is over: asks for another committee, or lapses the case after
    /// `maxRounds` and returns the bond. Anyone.
    function nextRound(uint256 caseId) external;

    /// @notice Brings the finding of the committee. Anyone.
    /// @param tier `None` rejects the accusation.
    /// @param lossUsd What the committee awards to the victim, at most what was claimed; zero with `None`.
    /// @param signatures Over `rulingDigest`, checked by `IVerifierSet.checkSignatures`.
    function submitVerdict(uint256 caseId, Tier tier, uint128 lossUsd, bytes[] calldata signatures) external;

    /// @notice Appeals against a ruling inside the window. Anyone; pulls `appealBond`, which comes back if the DAO grants
    /// the appeal and is lost otherwise. The court itself proposes `grantAppeal` to the governor.
    function appeal(uint256 caseId) external returns (uint256 proposalId);

    /// @notice Undoes a ruling exactly. Restricted to the DAO, by the proposal that the appeal made.
    function grantAppeal(uint256 caseId) external;

    /// @notice Ends a ruled case after its window, or after its appeal failed: compensation, bounty, rest. Anyone.
    function execute(uint256 caseId) external;

    /// @notice Pays what a victim is still owed, out of the treasury, as far as it has any. Anyone.
    function payShortfall(uint256 caseId) external returns (uint128 paidUsd);

    /// @notice Replaces all parameters; cases already ruled keep what was taken. Restricted to the DAO.
    function setParameters(Parameters calldata value) external;

    /// @notice No window and no period is ever shorter than this, in seconds.
    function minimumPeriod() external view returns (uint32);

    function registry() external view returns (INodeRegistry);

    function stakeToken() external view returns (IERC20);

    function parameters() external view returns (Parameters memory);

    function verifiers() external view returns (IVerifierSet);

    function treasury() external view returns (ICompensator);

    function oracle() external view returns (IPriceOracle);

    function governor() external view returns (IVCAIGovernor);

    function caseOf(uint256 caseId) external view returns (Case memory);

    function appealOf(uint256 caseId) external view returns (Appeal memory);

    function caseCount() external view returns (uint256);

    /// @notice The present committee of a case; empty before it is drawn.
    function committeeOf(uint256 caseId) external view returns (address[] memory);

    /// @notice Stake of an identity in the court's escrow. Stake = active + unbonding + this.
    function escrowedOf(address accused) external view returns (uint128);

    /// @notice What victims of an executed case are still owed, base units of the stablecoin.
    function shortfallOf(uint256 caseId) external view returns (uint128);

    /// @notice The EIP-712 digest that a committee member signs (domain "Vcity Court", version "1").
    function rulingDigest(uint256 caseId, Tier tier, uint128 lossUsd) external view returns (bytes32);

    function domainSeparator() external view returns (bytes32);
}
