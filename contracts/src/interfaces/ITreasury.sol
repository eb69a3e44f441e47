// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IRewardStream} from "./IRewardStream.sol";
import {ICompensator} from "./ICompensator.sol";
import {IFeeTreasury} from "./IFeeTreasury.sol";

/// @title All revenue of the protocol
/// @notice Stablecoin comes in as network fees, commissions and gifts. It leaves in three ways only: as buybacks of
/// VCAI, as compensation of wronged users, and by a decision of the DAO. At any time
/// received = held + bought back + compensated + spent. VCAI from slashed stake and lost bonds lies here too, until the
/// DAO spends it or gives it to lockers.
interface ITreasury is ICompensator, IFeeTreasury {
    /// @notice `reserveTarget`: stablecoin base units that buybacks leave alone, so that victims can be paid at once;
    /// at most MAX_RESERVE.
    struct Parameters {
        uint128 reserveTarget;
    }

    event FeeReceived(address indexed from, uint128 amount, uint128 fees);
    event BuybackDrawn(address indexed executor, uint128 amount, uint128 boughtBack);
    /// @notice `paid` is less than `asked` when the treasury holds less.
    event Compensated(address indexed caller, address indexed to, uint128 asked, uint128 paid);
    event Spent(address indexed token, address indexed to, uint256 amount, string memo);
    event GivenToLockers(address indexed stream, address indexed token, uint256 amount);
    event ParametersChanged(Parameters parameters);

    /// @notice A contract was expected at this address.
    error NotAContract(address given);
    /// @notice The fees reported so far exceed all stablecoin that ever came in: the fee was not transferred.
    error FeeNotReceived(uint256 feesReported, uint256 received);
    error AmountIsZero(address token);
    /// @notice The stablecoin goes to lockers by buybacks only.
    error StableIsNotAReward(address token);
    error RecipientIsZero(address token, uint256 amount);
    error InsufficientFunds(address token, uint256 held, uint256 asked);
    error MemoTooLong(uint256 maximum, uint256 given);
    error ReserveTargetTooHigh(uint256 maximum, uint256 given);

    /// @notice Counts a fee that the sender has just transferred here. Restricted to role SETTLEMENT.
    /// @param amount Stablecoin base units.
    function onFee(uint128 amount) external override;

    /// @notice Pays the sender what buybacks may use, at most `max`. Restricted to role BUYBACK.
    /// @return amount Zero while no more than the compensation reserve is held.
    function drawForBuyback(uint256 max) external returns (uint256 amount);

    /// @notice Pays a wronged user, at most what is held, the reserve included. Lowers `netFees`. Restricted to role
    /// COMPENSATION.
    /// @param to Must be able to take the stablecoin; callers that must not fail name the escrow.
    /// @return paid What was sent; the caller makes up the rest by other means.
    function compensate(address to, uint128 amount)
        external
        override(ICompensator, IFeeTreasury)
        returns (uint128 paid);

    /// @notice Pays out any token by decision of the DAO. Restricted to role PARAMS.
    /// @param memo What for, at most 256 bytes; it goes into the event.
    function spend(IERC20 token, address to, uint256 amount, string calldata memo) external;

    /// @notice Gives VCAI held here to lockers, by decision of the DAO. Restricted to role PARAMS; the treasury
    /// itself must hold role NOTIFIER.
    function giveToLockers(IRewardStream stream, IERC20 vcai, uint256 amount) external;

    /// @notice Replaces all parameters. Restricted to role PARAMS.
    function setParameters(Parameters calldata value) external;

    function stable() external view override returns (IERC20);

    function parameters() external view returns (Parameters memory);

    /// @return Fees less compensation since genesis, in base units; zero when more was compensated than came in as
    /// fees. Gifts and plain transfers do not count.
    function netFees() external view returns (uint256);

    /// @return Fees counted since genesis.
    function fees() external view returns (uint128);

    /// @return Paid to wronged users since genesis.
    function compensated() external view returns (uint128);

    /// @return Handed out for buybacks since genesis.
    function boughtBack() external view returns (uint128);

    /// @return Stablecoin spent by the DAO since genesis.
    function spent() external view returns (uint128);

    /// @return All stablecoin that ever came in, by whatever way.
    function received() external view returns (uint256);

    /// @return What the next buyback may draw.
    function availableForBuyback() external view returns (uint256);
}
