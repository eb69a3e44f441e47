// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IRewardStream} from "./IRewardStream.sol";
import {ITreasury} from "./ITreasury.sol";
import {ITwapOracle} from "./ITwapOracle.sol";

/// @title Buys VCAI with the protocol's revenue and gives all of it to lockers
/// @notice At most once in `interval` anyone may call `buy`. It spends what the treasury offers, but no more than
/// `depthBps` of the pool, and only if the pool gives at least the averaged price less `toleranceBps`. What is not
/// spent stays in the treasury for the next time.
///
/// Why a sandwich does not pay: whoever trades before and after pays the pool's 0.3 % twice and gains, by the move of
/// the price that the buyback makes, less than that as long as the buyback is at most 0.3 % of the pool. `depthBps` can
/// therefore never exceed 30.
interface IBuybackExecutor {
    /// @notice `interval`: seconds between two buybacks, minimumInterval to 30 days. `depthBps`: largest share of the
    /// pool's stablecoin, 1 to 30. `toleranceBps`: how much worse than the average the result may be, fee and price
    /// impact included, 1 to 1000. `minimumSpend`, `maximumSpend`: base units; less is not worth the gas, more is never
    /// spent at once.
    struct Parameters {
        uint32 interval;
        uint16 depthBps;
        uint16 toleranceBps;
        uint64 minimumSpend;
        uint64 maximumSpend;
    }

    /// @notice `spent` in base units, `bought` and `minimum` in wei of VCAI; `nextAt` is a unix second.
    event BoughtBack(address indexed caller, uint256 spent, uint256 bought, uint256 minimum, uint40 nextAt);
    event ParametersChanged(Parameters parameters);

    error NotAContract(address given);
    error TooEarly(uint256 nextAt);
    error TooLittleToSpend(uint256 available, uint256 minimum);
    /// @notice The pool gives less VCAI than the average price less the tolerance.
    error PriceTooHigh(uint256 offered, uint256 minimum);
    error ParameterOutOfRange(bytes32 name, uint256 value, uint256 minimum, uint256 maximum);

    /// @notice Buys once. Anyone may call, unless paused.
    /// @return spent Base units of the stablecoin.
    /// @return bought Wei of VCAI, all of which went to lockers.
    function buy() external returns (uint256 spent, uint256 bought);

    /// @notice Replaces all parameters; a buyback already due stays due. Restricted to role PARAMS.
    function setParameters(Parameters calldata value) external;

    function treasury() external view returns (ITreasury);

    function oracle() external view returns (ITwapOracle);

    function stream() external view returns (IRewardStream);

    function stable() external view returns (IERC20);

    function vcai() external view returns (IERC20);

    function minimumInterval() external view returns (uint32);

    function parameters() external view returns (Parameters memory);

    /// @return The unix second from which `buy` may be called; zero before the first time.
    function nextAt() external view returns (uint40);
}
