// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IIncentiveVault} from "./IIncentiveVault.sol";

/// @notice Who a tranche is for. Reserve and incentive pool are no tranches: they have functions of their own.
enum Category {
    Private,
    Public,
    Team,
    CoreStaff,
    Advisors,
    Liquidity,
    Partners
}

/// @notice How the part after the cliff is released: by the second, or in whole months.
enum Release {
    Linear,
    Monthly
}

/// @notice One slot: everything that the vested amount of a grant depends on, besides its own amount.
/// @param allocation Everything that may be granted in the tranche, wei.
/// @param upfront The part of `allocation` that is free at `start`, wei.
/// @param start Unix second from which all is counted (TGE; for partners the second of the issue).
/// @param cliffMonths Months after `start` in which nothing but `upfront` is free.
/// @param releaseMonths Months after the cliff over which the rest is released.
struct Schedule {
    uint96 allocation;
    uint96 upfront;
    uint40 start;
    uint8 cliffMonths;
    uint8 releaseMonths;
    Release release;
}

/// @notice A financing round, as given at deployment.
/// @param label Name for people, at most 32 bytes.
/// @param category Private or Public.
/// @param amount All of the round, wei.
/// @param upfront The part of `amount` that is free at TGE, wei.
struct Round {
    bytes32 label;
    Category category;
    uint96 amount;
    uint96 upfront;
    uint8 cliffMonths;
    uint8 releaseMonths;
    Release release;
}

/// @notice Lock and release terms of an issue to partners.
/// @param upfrontPpm Millionths of every partner's amount that are free at once.
struct PartnerTerms {
    uint32 upfrontPpm;
    uint8 cliffMonths;
    uint8 releaseMonths;
    Release release;
}

/// @notice A named partner and what it is granted, wei.
struct PartnerGrant {
    address partner;
    uint256 amount;
}

/// @title The vault of all allocations (white paper 3.1.2), exact to the wei
/// @notice Holds all of the genesis supply except the 30,000,000 VCAI of the Genesis NFTs:
///
/// | tranche (id) | VCAI | at TGE | then |
/// | --- | --- | --- | --- |
/// | team (0) | 1,500,000,000 | 0 | 18 months nothing, then 42 months by the second |
/// | core staff (1), a quarter of the team's fifth | 500,000,000 | 0 | as the team |
/// | advisors (2) | 1,000,000,000 | 0 | 18 months by the second |
/// | liquidity (3) | 70,000,000, and what the Genesis NFTs give back | all | |
/// | private rounds (4..) | 2,350,000,000 | 514,885,000 together (21.91 %) | by round |
/// | public rounds | 550,000,000 | 170,005,000 together (30.91 %) | by round |
/// | reserve and governance fund | 2,000,000,000 | | spent by the DAO |
/// | ecosystem incentive pool | 2,000,000,000 | 0 | 522 weeks |
/// | partners of a strategic issue (one tranche an issue) | what they bring | by proposal | by proposal |
///
/// @dev **Units of time.** MONTH = 2,629,800 s = 30.4375 days, a twelfth of a Julian year of 365.25 days, so that 48
/// months are exactly the 126,230,400 s of T_max; WEEK = 604,800 s.
///
/// **Vested amount** of a grant of A wei in a tranche with schedule s at unix second t, integers, `/` rounds down:
///
///     if t < s.start:                     0
///     U = A * s.upfront / s.allocation
///     e = t - s.start
///     c = s.cliffMonths * MONTH
///     if e < c:                           U
///     p = e - c
///     d = s.releaseMonths * MONTH
///     if p >= d:                          A          (so d = 0 frees everything at the end of the cliff)
///     if s.release == Monthly:            p = p - p % MONTH
///                                         U + (A - U) * p / d
///
/// With monthly release the first part after the cliff is free one month after the cliff ended.
///
/// **Incentive pool**: what may have left it by unix second t, together:
///
///     if t < tge:                         0
///     w = min((t - tge) / WEEK + 1, 522)
///                                         3,831,417e18 * w + (w == 522 ? 326e18 : 0)
///
/// **Grant ids.** A beneficiary has at most one grant in a tranche: id = tranche * 2^160 + beneficiary. A second grant
/// is added to the first; the schedule of a tranche never changes, so this changes nothing for anyone. A grant is one
/// storage slot. Grants cannot be taken back.
interface IVestingVault is IIncentiveVault {
    /// @notice What was granted to a beneficiary in a tranche, and what of it has been paid out, wei.
    struct Grant {
        uint96 amount;
        uint96 released;
    }

    /// @notice A tranche opened; its schedule never changes (liquidity alone may grow).
    event TrancheOpened(uint16 indexed tranche, Category indexed category, bytes32 label, Schedule schedule);
    event GrantCreated(uint256 indexed grantId, uint16 indexed tranche, address indexed beneficiary, uint256 amount);
    event Released(uint256 indexed grantId, address indexed beneficiary, uint256 amount);
    /// @notice A beneficiary gave its grant away; the amounts are all of it, the part already released included.
    event GrantTransferred(
        uint256 indexed fromGrantId, uint256 indexed toGrantId, address indexed to, uint256 amount, uint256 released
    );
    event IncentiveReleased(address indexed to, uint256 amount, uint256 releasedTotal);
    event ReserveSpent(address indexed to, uint256 amount, uint256 spentTotal);
    event LiquidityFunded(address indexed from, uint256 amount, uint256 allocation);

    error TokenIsNotAContract(address token);
    error TgeOutOfRange(uint256 latest, uint256 given);
    error RoundHasWrongCategory(uint256 round, Category category);
    error RoundIsEmpty(uint256 round);
    error UpfrontAboveAmount(uint256 round, uint256 amount, uint256 upfront);
    error RoundsDoNotSumUp(Category category, uint256 expected, uint256 given);
    error UpfrontDoesNotSumUp(Category category, uint256 expected, uint256 given);
    error UnknownTranche(uint256 tranche, uint256 trancheCount);
    error BeneficiaryNotAllowed(address beneficiary);
    error AmountIsZero(address caller);
    error TrancheExhausted(uint256 tranche, uint256 available, uint256 asked);
    error NothingToRelease(uint256 grantId, uint256 vested, uint256 released);
    error NotTheBeneficiary(uint256 grantId, address caller);
    error NoSuchGrant(uint256 grantId);
    error IncentiveScheduleExceeded(uint256 available, uint256 asked);
    error ReserveExceeded(uint256 available, uint256 asked);
    error BeforeTge(uint256 tge, uint256 timestampNow);
    error TooManyPartners(uint256 maximum, uint256 given);
    error UpfrontShareTooLarge(uint256 maximumPpm, uint256 givenPpm);
    error AllocationTooLarge(uint256 maximum, uint256 given);

    // ------------------------------------------------------------------------------------------------- grants

    /// @notice Grants `amount` wei of a tranche to `beneficiary`. Restricted to the role GRANTOR.
    function createGrant(uint16 tranche, address beneficiary, uint256 amount) external returns (uint256 grantId);

    /// @notice Opens a tranche that starts now, and grants all of it. Restricted to the role GRANTOR, from whom the sum
    /// of the amounts is pulled, so that a tranche of partners is always paid for by new tokens.
    /// @param grants At most 50. The same partner twice adds up.
    /// @return tranche The id of the new tranche.
    function openPartnerTranche(bytes32 label, PartnerTerms calldata terms, PartnerGrant[] calldata grants)
        external
        returns (uint16 tranche);

    /// @notice Pays out what is free of a grant. Anyone may call; the money goes to the beneficiary.
    function release(uint256 grantId) external returns (uint256 amount);

    /// @notice Gives the whole grant, with what was released of it, to `to`. Only the beneficiary may.
    /// @return toGrantId The grant of `to` in the same tranche, to which it was added.
    function transferGrant(uint256 grantId, address to) external returns (uint256 toGrantId);

    // ---------------------------------------------------------------------------------- pools and liquidity

    /// @notice Pays out of the incentive pool. Restricted to the role INCENTIVE and to the schedule above.
    function releaseIncentive(address to, uint256 amount) external override;

    /// @notice Pays out of the reserve and governance fund, from TGE on. Restricted to the role PARAMS (the DAO).
    function spendReserve(address to, uint256 amount) external;

    /// @notice Adds the caller's tokens to the liquidity tranche. Anyone may; the Genesis NFTs return their rest so.
    function fundLiquidity(uint256 amount) external;

    // ------------------------------------------------------------------------------------------------- views

    function token() external view returns (IERC20);

    /// @notice The unix second of the token generation event.
    function tge() external view returns (uint64);

    /// @notice Number of tranches; ids are 0 to this number less one.
    function trancheCount() external view returns (uint16);

    /// @notice A tranche, and what of its allocation has been granted, wei.
    function trancheOf(uint16 tranche)
        external
        view
        returns (Category category, Schedule memory schedule, uint256 granted);

    /// @notice The id of the grant of `beneficiary` in a tranche, whether or not there is one.
    function grantIdOf(uint16 tranche, address beneficiary) external pure returns (uint256 grantId);

    function grantOf(uint256 grantId) external view returns (Grant memory);

    /// @notice What is vested of a grant at unix second `timestamp`, wei, by the formula above.
    function vestedAt(uint256 grantId, uint256 timestamp) external view returns (uint256);

    /// @notice What `release` would pay now, wei.
    function releasable(uint256 grantId) external view returns (uint256);

    /// @notice What may have left the incentive pool by unix second `timestamp`, wei, by the formula above.
    function incentiveScheduledAt(uint256 timestamp) external view returns (uint256);

    /// @notice What `releaseIncentive` may pay now, wei.
    function incentiveAvailable() external view returns (uint256);

    function incentiveReleased() external view returns (uint256);

    function reserveSpent() external view returns (uint256);

    /// @notice What of the genesis tranches is free at TGE, wei: the float, less what the Genesis NFTs hold.
    function tgeFloat() external view returns (uint256);
}
