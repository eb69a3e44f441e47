// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IIncentive} from "../interfaces/IIncentive.sol";
import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {IPriceOracle} from "../interfaces/IPriceOracle.sol";
import {IVerifierSet} from "../interfaces/IVerifierSet.sol";
import {Kind, Role} from "../types/Types.sol";

/// @title How much stake is asked for
/// @notice requirement = base of the class in USD * rate * number of GPUs, where the rate (wei of VCAI for each USD)
/// follows price * (floor + slope * utilization) and one recomputation a period moves it by at most `maxMoveBps`.
/// @dev One rate for all classes makes the weekly step one write. Whatever raises a requirement (rate, base, class of a
/// model) keeps the old value beside the new one until a grace is over; who is registered needs the smaller.
abstract contract StakeRequirement is INodeRegistry, AccessManaged {
    /// @dev First slot: 29 bytes, second: stake. What contracts read most is together.
    struct Record {
        Role role;
        Kind kind;
        bool banned;
        uint16 gpuCount;
        uint32 vramMib;
        uint40 registeredAt;
        uint40 unbondAt;
        uint40 suspendedUntil;
        uint40 heldUntil;
        uint128 stake;
        uint128 unbonding;
        bytes32 gpuModel;
        bytes20 region;
        bytes12 didDocumentHash;
        bytes32 endpointKey;
    }

    struct Rate {
        uint96 current;
        uint96 previous;
        uint40 nextAt;
    }

    struct Base {
        uint64 usd;
        uint64 previousUsd;
        uint40 graceUntil;
    }

    struct ModelClass {
        uint8 class;
        uint8 previous;
        uint40 graceUntil;
    }

    uint256 private constant BPS = 10_000;
    uint256 private constant ONE = 1e18;
    uint256 private constant USD_UNIT = 1e6;
    uint64 public constant MAX_BASE_USD = 1e15;
    uint96 public constant MIN_RATE = 1_000;
    uint256 public constant MIN_PERIOD = 1 minutes;
    uint256 public constant MAX_PERIOD = 30 days;
    uint256 public constant MAX_UNBONDING_DELAY = 90 days;
    uint256 public constant MAX_MOVE_BPS = 5_000;

    mapping(address identity => Record) internal _nodes;
    Parameters internal _parameters;
    Rate private _rate;
    mapping(Role role => mapping(uint8 class => Base)) private _bases;
    mapping(bytes32 gpuModel => ModelClass) private _classes;
    /// @inheritdoc INodeRegistry
    IPriceOracle public oracle;
    /// @inheritdoc INodeRegistry
    IIncentive public incentive;
    /// @inheritdoc INodeRegistry
    IVerifierSet public admission;

    constructor(Parameters memory parameters_, uint96 stakePerUsd) {
        _checkRange("stakePerUsd", stakePerUsd, MIN_RATE, type(uint96).max);
        _rate = Rate(stakePerUsd, stakePerUsd, 0);
        _setParameters(parameters_);
    }

    /// @inheritdoc INodeRegistry
    function recomputeRequirements() external {
        Rate memory rate = _rate;
        if (block.timestamp < rate.nextAt) revert RecomputedTooSoon(rate.nextAt);
        if (address(oracle) == address(0) || address(incentive) == address(0)) {
            revert SourcesNotSet(address(oracle), address(incentive));
        }
        uint256 utilization = Math.min(incentive.utilization(), ONE);
        uint256 factor = _parameters.factorFloor + _parameters.factorSlope * utilization / ONE;
        uint256 target = Math.mulDiv(oracle.vcaiFor(USD_UNIT), factor, ONE);
        uint256 move = uint256(rate.current) * _parameters.maxMoveBps / BPS;
        uint256 next = Math.max(Math.min(target, rate.current + move), rate.current - move);
        next = Math.min(Math.max(next, MIN_RATE), type(uint96).max);
        // Not above the uint96 maximum just taken.
        _rate = Rate(uint96(next), rate.current, uint40(block.timestamp) + _parameters.period);
        emit RequirementsRecomputed(rate.current, next, target, utilization);
    }

    /// @inheritdoc INodeRegistry
    function setParameters(Parameters calldata value) external restricted {
        _setParameters(value);
    }

    /// @inheritdoc INodeRegistry
    function setSources(IPriceOracle oracle_, IIncentive incentive_) external restricted {
        oracle = oracle_;
        incentive = incentive_;
        emit SourcesChanged(address(oracle_), address(incentive_));
    }

    /// @inheritdoc INodeRegistry
    function setAdmission(IVerifierSet verifierSet) external restricted {
        admission = verifierSet;
        emit AdmissionChanged(address(verifierSet));
    }

    /// @inheritdoc INodeRegistry
    function setClassOf(bytes32[] calldata gpuModels, uint8 class) external restricted {
        if (_bases[Role.Compute][class].graceUntil == 0) revert ClassHasNoBase(class);
        uint40 graceUntil = _graceFromNow();
        for (uint256 i = 0; i < gpuModels.length; ++i) {
            ModelClass memory model = _classes[gpuModels[i]];
            if (model.class == class) continue;
            _classes[gpuModels[i]] = ModelClass(class, _cheaperClass(model), graceUntil);
            emit ClassOfModelSet(gpuModels[i], class);
        }
    }

    /// @inheritdoc INodeRegistry
    function setClassUsd(uint8 class, uint64 usd) external restricted {
        _checkRange("class", class, 1, type(uint8).max);
        _setBase(Role.Compute, class, usd, "classUsd");
    }

    /// @inheritdoc INodeRegistry
    function parameters() external view returns (Parameters memory) {
        return _parameters;
    }

    /// @inheritdoc INodeRegistry
    function classOf(bytes32 gpuModel) external view returns (uint8) {
        return _classes[gpuModel].class;
    }

    /// @inheritdoc INodeRegistry
    function requirementOf(Role role, uint8 class) external view returns (uint256) {
        return _stakeFor(_bases[role][class].usd, _rate.current, 1);
    }

    /// @inheritdoc INodeRegistry
    function minimumStake(Role role) external view returns (uint256) {
        return _stakeFor(_bases[role][0].usd, _rate.current, 1);
    }

    /// @inheritdoc INodeRegistry
    function requiredStake(address identity) external view returns (uint256 current, uint256 enforced) {
        Record storage node = _nodes[identity];
        Role role = node.role;
        return (_currentRequirement(role, node.gpuModel, node.gpuCount), _enforcedRequirement(role, node));
    }

    /// @inheritdoc INodeRegistry
    function rates() external view returns (uint256 rate, uint256 previous, uint64 nextAt) {
        return (_rate.current, _rate.previous, _rate.nextAt);
    }

    /// @inheritdoc INodeRegistry
    function unbondingDelay() external view returns (uint64) {
        return _parameters.unbondingDelay;
    }

    function _currentRequirement(Role role, bytes32 gpuModel, uint256 gpuCount) internal view returns (uint256) {
        if (role != Role.Compute) return _stakeFor(_bases[role][0].usd, _rate.current, 1);
        return _stakeFor(_bases[role][_classes[gpuModel].class].usd, _rate.current, gpuCount);
    }

    /// @dev The smaller of old and new while a grace lasts, for each of rate, base and class.
    function _enforcedRequirement(Role role, Record storage node) internal view returns (uint256) {
        Rate memory rate = _rate;
        uint256 perUsd = rate.current;
        if (block.timestamp < rate.nextAt) perUsd = Math.min(perUsd, rate.previous);
        if (role != Role.Compute) return _stakeFor(_enforcedUsd(role, 0), perUsd, 1);
        uint256 usd = _enforcedUsd(role, _cheaperClass(_classes[node.gpuModel]));
        return _stakeFor(usd, perUsd, node.gpuCount);
    }

    function _setParameters(Parameters memory value) private {
        _checkRange("factorFloor", value.factorFloor, ONE / 10, ONE);
        _checkRange("factorSlope", value.factorSlope, 0, 2 * ONE);
        _checkRange("unbondingDelay", value.unbondingDelay, MIN_PERIOD, MAX_UNBONDING_DELAY);
        _checkRange("period", value.period, MIN_PERIOD, MAX_PERIOD);
        _checkRange("maxMoveBps", value.maxMoveBps, 0, MAX_MOVE_BPS);
        _parameters = value;
        _setBase(Role.Compute, 0, value.computeUsd, "computeUsd");
        _setBase(Role.Scheduler, 0, value.schedulerUsd, "schedulerUsd");
        _setBase(Role.Verifier, 0, value.verifierUsd, "verifierUsd");
        emit ParametersChanged(value);
    }

    /// @dev The old value of the grace is what was enforced until now, so two raises in a row grant no more than one.
    function _setBase(Role role, uint8 class, uint64 usd, bytes32 name) private {
        _checkRange(name, usd, 0, MAX_BASE_USD);
        Base storage base = _bases[role][class];
        uint64 previousUsd = base.usd;
        if (base.graceUntil != 0 && previousUsd == usd) return;
        // Not above a uint64 base.
        uint64 enforced = base.graceUntil == 0 ? usd : uint64(_enforcedUsd(role, class));
        _bases[role][class] = Base(usd, enforced, _graceFromNow());
        emit BaseUsdChanged(role, class, previousUsd, usd);
    }

    function _enforcedUsd(Role role, uint8 class) private view returns (uint256) {
        Base memory base = _bases[role][class];
        return block.timestamp < base.graceUntil ? Math.min(base.usd, base.previousUsd) : base.usd;
    }

    /// @dev What is enforced of a model: the cheaper of its old and new class while the grace lasts.
    function _cheaperClass(ModelClass memory model) private view returns (uint8) {
        if (block.timestamp >= model.graceUntil) return model.class;
        bool oldIsCheaper = _enforcedUsd(Role.Compute, model.previous) < _enforcedUsd(Role.Compute, model.class);
        return oldIsCheaper ? model.previous : model.class;
    }

    function _graceFromNow() private view returns (uint40) {
        return uint40(block.timestamp) + _parameters.period;
    }

    /// @dev Rounds up. A claim of no GPU counts as one.
    function _stakeFor(uint256 usd, uint256 perUsd, uint256 count) private pure returns (uint256) {
        return Math.ceilDiv(usd * perUsd * Math.max(count, 1), USD_UNIT);
    }

    function _checkRange(bytes32 name, uint256 value, uint256 minimum, uint256 maximum) private pure {
        if (value < minimum || value > maximum) revert ParameterOutOfRange(name, value, minimum, maximum);
    }
}
