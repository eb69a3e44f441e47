// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {
    Category,
    IVestingVault,
    PartnerGrant,
    PartnerTerms,
    Release,
    Round,
    Schedule
} from "../interfaces/IVestingVault.sol";
import {ExactPull} from "../libraries/ExactPull.sol";
import {VestingMath} from "./VestingMath.sol";

/// @dev Conservation: tokens held = sum over tranches of (allocation - released) + what is left of the incentive pool and
/// of the reserve, as soon as the genesis supply has been minted here. A grant never exceeds what is left of its tranche,
/// what is released of it never exceeds what is vested, and nothing but `fundLiquidity` and `openPartnerTranche`, which
/// bring the tokens with them, adds to an allocation.
contract VestingVault is IVestingVault, AccessManaged {
    using SafeERC20 for IERC20;
    using ExactPull for IERC20;

    /// @dev What has been granted of a tranche, and who it is for; releases do not touch it.
    struct Account {
        uint96 granted;
        Category category;
    }

    uint256 public constant MONTH = VestingMath.MONTH;
    uint256 public constant MAX_PARTNERS = 50;
    uint256 public constant MAX_TGE_DELAY = 730 days;
    uint256 private constant PPM = 1_000_000;

    uint96 public constant PRIVATE_ALLOCATION = 2_350_000_000e18;
    uint96 public constant PRIVATE_UPFRONT = 514_885_000e18;
    uint96 public constant PUBLIC_ALLOCATION = 550_000_000e18;
    uint96 public constant PUBLIC_UPFRONT = 170_005_000e18;
    uint96 public constant TEAM_ALLOCATION = 1_500_000_000e18;
    uint96 public constant CORE_STAFF_ALLOCATION = 500_000_000e18;
    uint96 public constant ADVISORS_ALLOCATION = 1_000_000_000e18;
    uint96 public constant LIQUIDITY_ALLOCATION = 70_000_000e18;
    uint256 public constant RESERVE_ALLOCATION = 2_000_000_000e18;
    uint256 public constant INCENTIVE_ALLOCATION = 2_000_000_000e18;

    uint16 public constant TEAM = 0;
    uint16 public constant CORE_STAFF = 1;
    uint16 public constant ADVISORS = 2;
    uint16 public constant LIQUIDITY = 3;

    /// @inheritdoc IVestingVault
    IERC20 public immutable token;
    /// @inheritdoc IVestingVault
    uint64 public immutable tge;
    uint16 private immutable _genesisTranches;

    mapping(uint256 tranche => Schedule) private _schedules;
    mapping(uint256 tranche => Account) private _accounts;
    mapping(uint256 grantId => Grant) private _grants;
    /// @inheritdoc IVestingVault
    uint16 public trancheCount;
    uint112 private _incentiveReleased;
    uint112 private _reserveSpent;

    constructor(address authority_, IERC20 token_, uint64 tge_, Round[] memory rounds) AccessManaged(authority_) {
        if (address(token_).code.length == 0) revert TokenIsNotAContract(address(token_));
        uint256 latest = block.timestamp + MAX_TGE_DELAY;
        if (tge_ > latest) revert TgeOutOfRange(latest, tge_);
        token = token_;
        tge = tge_;
        Schedule memory schedule = Schedule(TEAM_ALLOCATION, 0, uint40(tge_), 18, 42, Release.Linear);
        _openTranche(Category.Team, "team", schedule);
        schedule.allocation = CORE_STAFF_ALLOCATION;
        _openTranche(Category.CoreStaff, "core staff", schedule);
        schedule = Schedule(ADVISORS_ALLOCATION, 0, uint40(tge_), 0, 18, Release.Linear);
        _openTranche(Category.Advisors, "advisors", schedule);
        schedule = Schedule(LIQUIDITY_ALLOCATION, LIQUIDITY_ALLOCATION, uint40(tge_), 0, 0, Release.Linear);
        _openTranche(Category.Liquidity, "liquidity", schedule);
        _openRounds(rounds, uint40(tge_));
        _genesisTranches = trancheCount;
    }

    // ------------------------------------------------------------------------------------------------- grants

    /// @inheritdoc IVestingVault
    function createGrant(uint16 tranche, address beneficiary, uint256 amount)
        external
        restricted
        returns (uint256 grantId)
    {
        if (tranche >= trancheCount) revert UnknownTranche(tranche, trancheCount);
        return _grant(tranche, beneficiary, amount);
    }

    /// @inheritdoc IVestingVault
    function openPartnerTranche(bytes32 label, PartnerTerms calldata terms, PartnerGrant[] calldata grants)
        external
        restricted
        returns (uint16 tranche)
    {
        if (grants.length > MAX_PARTNERS) revert TooManyPartners(MAX_PARTNERS, grants.length);
        if (terms.upfrontPpm > PPM) revert UpfrontShareTooLarge(PPM, terms.upfrontPpm);
        uint256 sum = 0;
        for (uint256 i = 0; i < grants.length; ++i) {
            sum += grants[i].amount;
        }
        if (sum == 0) revert AmountIsZero(msg.sender);
        uint96 allocation = _toUint96(sum);
        // The casts are safe: the part of a uint96, and seconds.
        Schedule memory schedule = Schedule({
            allocation: allocation,
            upfront: uint96(sum * terms.upfrontPpm / PPM),
            start: uint40(block.timestamp),
            cliffMonths: terms.cliffMonths,
            releaseMonths: terms.releaseMonths,
            release: terms.release
        });
        tranche = _openTranche(Category.Partners, label, schedule);
        for (uint256 i = 0; i < grants.length; ++i) {
            _grant(tranche, grants[i].partner, grants[i].amount);
        }
        token.pullExact(msg.sender, sum);
    }

    /// @inheritdoc IVestingVault
    function release(uint256 grantId) external returns (uint256 amount) {
        Grant storage grant = _grants[grantId];
        Grant memory known = grant;
        if (known.amount == 0) revert NoSuchGrant(grantId);
        uint256 vested = VestingMath.vested(_schedules[grantId >> 160], known.amount, block.timestamp);
        if (vested <= known.released) revert NothingToRelease(grantId, vested, known.released);
        amount = vested - known.released;
        // Safe: vested <= amount of the grant, a uint96.
        grant.released = uint96(vested);
        address beneficiary = address(uint160(grantId));
        emit Released(grantId, beneficiary, amount);
        token.safeTransfer(beneficiary, amount);
    }

    /// @inheritdoc IVestingVault
    function transferGrant(uint256 grantId, address to) external returns (uint256 toGrantId) {
        if (msg.sender != address(uint160(grantId))) revert NotTheBeneficiary(grantId, msg.sender);
        if (to == msg.sender) revert BeneficiaryNotAllowed(to);
        _checkBeneficiary(to);
        Grant memory moved = _grants[grantId];
        if (moved.amount == 0) revert NoSuchGrant(grantId);
        delete _grants[grantId];
        toGrantId = grantIdOf(uint16(grantId >> 160), to);
        Grant storage target = _grants[toGrantId];
        // The vested amount of a sum is at least the sum of the vested amounts, so released <= vested holds on.
        target.amount += moved.amount;
        target.released += moved.released;
        emit GrantTransferred(grantId, toGrantId, to, moved.amount, moved.released);
    }

    // ---------------------------------------------------------------------------------- pools and liquidity

    /// @inheritdoc IVestingVault
    function releaseIncentive(address to, uint256 amount) external restricted {
        if (amount == 0) revert AmountIsZero(msg.sender);
        uint256 available = incentiveAvailable();
        if (amount > available) revert IncentiveScheduleExceeded(available, amount);
        // Safe: both pools are 2e27 wei < 2^112.
        _incentiveReleased += uint112(amount);
        emit IncentiveReleased(to, amount, _incentiveReleased);
        token.safeTransfer(to, amount);
    }

    /// @inheritdoc IVestingVault
    function spendReserve(address to, uint256 amount) external restricted {
        if (amount == 0) revert AmountIsZero(msg.sender);
        if (block.timestamp < tge) revert BeforeTge(tge, block.timestamp);
        uint256 available = RESERVE_ALLOCATION - _reserveSpent;
        if (amount > available) revert ReserveExceeded(available, amount);
        _reserveSpent += uint112(amount);
        emit ReserveSpent(to, amount, _reserveSpent);
        token.safeTransfer(to, amount);
    }

    /// @inheritdoc IVestingVault
    function fundLiquidity(uint256 amount) external {
        if (amount == 0) revert AmountIsZero(msg.sender);
        Schedule storage schedule = _schedules[LIQUIDITY];
        uint96 allocation = _toUint96(schedule.allocation + amount);
        schedule.allocation = allocation;
        schedule.upfront = allocation;
        emit LiquidityFunded(msg.sender, amount, allocation);
        token.pullExact(msg.sender, amount);
    }

    // ------------------------------------------------------------------------------------------------- views

    /// @inheritdoc IVestingVault
    function trancheOf(uint16 tranche)
        external
        view
        returns (Category category, Schedule memory schedule, uint256 granted)
    {
        if (tranche >= trancheCount) revert UnknownTranche(tranche, trancheCount);
        Account memory account = _accounts[tranche];
        return (account.category, _schedules[tranche], account.granted);
    }

    /// @inheritdoc IVestingVault
    function grantIdOf(uint16 tranche, address beneficiary) public pure returns (uint256 grantId) {
        return (uint256(tranche) << 160) | uint160(beneficiary);
    }

    /// @inheritdoc IVestingVault
    function grantOf(uint256 grantId) external view returns (Grant memory) {
        return _grants[grantId];
    }

    /// @inheritdoc IVestingVault
    function vestedAt(uint256 grantId, uint256 timestamp) public view returns (uint256) {
        uint256 amount = _grants[grantId].amount;
        if (amount == 0) return 0;
        return VestingMath.vested(_schedules[grantId >> 160], amount, timestamp);
    }

    /// @inheritdoc IVestingVault
    function releasable(uint256 grantId) external view returns (uint256) {
        return vestedAt(grantId, block.timestamp) - _grants[grantId].released;
    }

    /// @inheritdoc IVestingVault
    function incentiveScheduledAt(uint256 timestamp) external view returns (uint256) {
        return VestingMath.incentiveScheduled(tge, timestamp);
    }

    /// @inheritdoc IVestingVault
    function incentiveAvailable() public view returns (uint256) {
        return VestingMath.incentiveScheduled(tge, block.timestamp) - _incentiveReleased;
    }

    /// @inheritdoc IVestingVault
    function incentiveReleased() external view returns (uint256) {
        return _incentiveReleased;
    }

    /// @inheritdoc IVestingVault
    function reserveSpent() external view returns (uint256) {
        return _reserveSpent;
    }

    /// @inheritdoc IVestingVault
    function tgeFloat() external view returns (uint256 amount) {
        for (uint256 tranche = 0; tranche < _genesisTranches; ++tranche) {
            amount += _schedules[tranche].upfront;
        }
    }

    // ----------------------------------------------------------------------------------------------- inside

    function _openRounds(Round[] memory rounds, uint40 start) private {
        uint256[2] memory amounts;
        uint256[2] memory upfronts;
        for (uint256 i = 0; i < rounds.length; ++i) {
            Round memory round = rounds[i];
            if (round.category > Category.Public) revert RoundHasWrongCategory(i, round.category);
            if (round.amount == 0) revert RoundIsEmpty(i);
            if (round.upfront > round.amount) revert UpfrontAboveAmount(i, round.amount, round.upfront);
            amounts[uint256(round.category)] += round.amount;
            upfronts[uint256(round.category)] += round.upfront;
            Schedule memory schedule =
                Schedule(round.amount, round.upfront, start, round.cliffMonths, round.releaseMonths, round.release);
            _openTranche(round.category, round.label, schedule);
        }
        _checkSums(Category.Private, PRIVATE_ALLOCATION, PRIVATE_UPFRONT, amounts[0], upfronts[0]);
        _checkSums(Category.Public, PUBLIC_ALLOCATION, PUBLIC_UPFRONT, amounts[1], upfronts[1]);
    }

    function _checkSums(
        Category category,
        uint256 expectedAmount,
        uint256 expectedUpfront,
        uint256 amount,
        uint256 upfront
    ) private pure {
        if (amount != expectedAmount) revert RoundsDoNotSumUp(category, expectedAmount, amount);
        if (upfront != expectedUpfront) revert UpfrontDoesNotSumUp(category, expectedUpfront, upfront);
    }

    function _openTranche(Category category, bytes32 label, Schedule memory schedule)
        private
        returns (uint16 tranche)
    {
        tranche = trancheCount++;
        _schedules[tranche] = schedule;
        _accounts[tranche].category = category;
        emit TrancheOpened(tranche, category, label, schedule);
    }

    function _grant(uint16 tranche, address beneficiary, uint256 amount) private returns (uint256 grantId) {
        _checkBeneficiary(beneficiary);
        if (amount == 0) revert AmountIsZero(msg.sender);
        Account storage account = _accounts[tranche];
        uint256 available = _schedules[tranche].allocation - account.granted;
        if (amount > available) revert TrancheExhausted(tranche, available, amount);
        grantId = grantIdOf(tranche, beneficiary);
        // Safe: amount <= allocation, a uint96, and so is the sum of all grants of the tranche.
        account.granted += uint96(amount);
        _grants[grantId].amount += uint96(amount);
        emit GrantCreated(grantId, tranche, beneficiary, amount);
    }

    function _checkBeneficiary(address beneficiary) private view {
        if (beneficiary == address(0) || beneficiary == address(this)) revert BeneficiaryNotAllowed(beneficiary);
    }

    function _toUint96(uint256 allocation) private pure returns (uint96) {
        if (allocation > type(uint96).max) revert AllocationTooLarge(type(uint96).max, allocation);
        return uint96(allocation);
    }
}
