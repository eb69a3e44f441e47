// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ICompensator} from "../interfaces/ICompensator.sol";
import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {IPriceOracle} from "../interfaces/IPriceOracle.sol";
import {ISlashingCourt} from "../interfaces/ISlashingCourt.sol";
import {IVCAIGovernor} from "../interfaces/IVCAIGovernor.sol";
import {IVerifierSet} from "../interfaces/IVerifierSet.sol";
import {ExpiringPause} from "../libraries/ExpiringPause.sol";

/// @title The books of the court: cases, slash escrow, credits, compensation, parameters
/// @dev Conservation: VCAI held = bonds of open, ruled and appealed cases and of appeals + escrowed stake. The stablecoin
/// never passes through. VCAI has no hooks and refuses nobody, so paying it out at once cannot block a case; what the
/// treasury pays can fail, and then the stake pays. A caller cannot make it fail by a shortage of gas: what is left of
/// the gas after such a failure would not carry the rest of the execution.
abstract contract CourtBook is ISlashingCourt, ExpiringPause {
    using SafeERC20 for IERC20;

    uint256 internal constant BPS = 10_000;
    uint16 private constant MAX_BOUNTY_BPS = 5_000;
    uint256 private constant MAX_WINDOW = 30 days;
    uint256 private constant MAX_SUSPENSION = 365 days;
    uint256 private constant MAX_ROUNDS = 10;

    /// @inheritdoc ISlashingCourt
    uint32 public immutable minimumPeriod;
    /// @inheritdoc ISlashingCourt
    INodeRegistry public immutable registry;
    /// @inheritdoc ISlashingCourt
    IERC20 public immutable stakeToken;

    /// @inheritdoc ISlashingCourt
    IVerifierSet public immutable verifiers;
    /// @inheritdoc ISlashingCourt
    ICompensator public immutable treasury;
    /// @inheritdoc ISlashingCourt
    IPriceOracle public immutable oracle;
    /// @inheritdoc ISlashingCourt
    IVCAIGovernor public immutable governor;

    /// @inheritdoc ISlashingCourt
    uint256 public caseCount;
    mapping(uint256 caseId => Case) internal _cases;
    mapping(uint256 caseId => Appeal) internal _appeals;
    mapping(address accused => uint128) internal _escrowed;
    mapping(uint256 caseId => uint128) private _shortfalls;
    Parameters internal _parameters;

    constructor(
        INodeRegistry registry_,
        IVerifierSet verifiers_,
        ICompensator treasury_,
        IPriceOracle oracle_,
        IVCAIGovernor governor_,
        Parameters memory parameters_,
        uint32 minimumPeriod_
    ) {
        registry = registry_;
        stakeToken = registry_.stakeToken();
        (verifiers, treasury, oracle, governor) = (verifiers_, treasury_, oracle_, governor_);
        minimumPeriod = minimumPeriod_;
        _setParameters(parameters_);
    }

    /// @inheritdoc ISlashingCourt
    function payShortfall(uint256 caseId) external returns (uint128 paidUsd) {
        uint128 owed = _shortfalls[caseId];
        if (owed == 0) revert NothingOwed(caseId);
        _shortfalls[caseId] = 0;
        address victim = _cases[caseId].victim;
        paidUsd = _compensate(victim, owed);
        if (paidUsd == 0) revert TreasuryIsEmpty(caseId, owed);
        _shortfalls[caseId] = owed - paidUsd;
        emit ShortfallPaid(caseId, victim, paidUsd, owed - paidUsd);
    }

    /// @inheritdoc ISlashingCourt
    function setParameters(Parameters calldata value) external restricted {
        _setParameters(value);
    }

    /// @inheritdoc ISlashingCourt
    function parameters() external view returns (Parameters memory) {
        return _parameters;
    }

    /// @inheritdoc ISlashingCourt
    function caseOf(uint256 caseId) external view returns (Case memory) {
        return _cases[caseId];
    }

    /// @inheritdoc ISlashingCourt
    function appealOf(uint256 caseId) external view returns (Appeal memory) {
        return _appeals[caseId];
    }

    /// @inheritdoc ISlashingCourt
    function committeeOf(uint256 caseId) external view returns (address[] memory) {
        return verifiers.committeeOf(address(this), caseId);
    }

    /// @inheritdoc ISlashingCourt
    function escrowedOf(address accused) external view returns (uint128) {
        return _escrowed[accused];
    }

    /// @inheritdoc ISlashingCourt
    function shortfallOf(uint256 caseId) external view returns (uint128) {
        return _shortfalls[caseId];
    }

    /// @dev Shares out the escrowed stake of a case: the victim in full, then the bounty, then the treasury. All state
    /// of the case but the shortfall has been written before.
    function _settle(uint256 caseId, Case storage c) internal {
        uint128 rest = c.fromStake + c.fromUnbonding;
        (address victim, uint128 loss) = (c.victim, c.lossUsd);
        uint128 paidUsd = _compensate(victim, loss);
        (uint128 paidVcai, uint128 shortfall) = _priced(loss - paidUsd, rest);
        _shortfalls[caseId] = shortfall;
        rest -= paidVcai;
        uint128 bounty = 0;
        if (c.accuser != address(0)) {
            // Not above `rest`.
            bounty = uint128(Math.min(uint256(rest) * _parameters.bountyBps / BPS, _parameters.bountyCap));
        }
        rest -= bounty;
        emit CaseExecuted(caseId, c.accused, victim, paidUsd, paidVcai, bounty, rest, shortfall);
        _pay(victim, paidVcai);
        _pay(c.accuser, bounty + c.bond);
        _pay(address(treasury), rest + _appeals[caseId].bond);
    }

    function _pay(address to, uint128 amount) internal {
        if (amount != 0) stakeToken.safeTransfer(to, amount);
    }

    /// @dev What the treasury pays now: nothing if it refuses, never counted above what was asked.
    function _compensate(address victim, uint128 amount) private returns (uint128) {
        if (amount == 0) return 0;
        try treasury.compensate(victim, amount) returns (uint128 paid) {
            return paid < amount ? paid : amount;
        } catch {
            return 0;
        }
    }

    /// @dev What the treasury could not pay, in stake at the oracle's price, and what even that leaves owed.
    function _priced(uint128 missing, uint128 available) private view returns (uint128 paid, uint128 shortfall) {
        if (missing == 0 || available == 0) return (0, missing);
        uint256 needed = oracle.vcaiFor(missing);
        if (needed <= available) return (uint128(needed), 0);
        return (available, uint128(missing - Math.min(missing, oracle.usdFor(available))));
    }

    function _setParameters(Parameters memory value) private {
        _checkRange("minorBps", value.minorBps, 500, 1_000);
        _checkRange("mediumBps", value.mediumBps, 1_000, 3_000);
        _checkRange("bountyBps", value.bountyBps, 0, MAX_BOUNTY_BPS);
        _checkRange("maxRounds", value.maxRounds, 1, MAX_ROUNDS);
        _checkRange("answerPeriod", value.answerPeriod, minimumPeriod, MAX_WINDOW);
        _checkRange("appealWindow", value.appealWindow, minimumPeriod, MAX_WINDOW);
        _checkRange("suspensionPeriod", value.suspensionPeriod, minimumPeriod, MAX_SUSPENSION);
        _checkRange("accusationBond", value.accusationBond, 1, type(uint128).max);
        _checkRange("appealBond", value.appealBond, 1, type(uint128).max);
        _parameters = value;
        emit ParametersChanged(value);
    }

    function _checkRange(bytes32 name, uint256 value, uint256 minimum, uint256 maximum) private pure {
        if (value < minimum || value > maximum) revert ParameterOutOfRange(name, value, minimum, maximum);
    }
}
