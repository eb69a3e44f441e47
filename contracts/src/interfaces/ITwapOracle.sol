// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IPriceOracle} from "./IPriceOracle.sol";

/// @title The price of VCAI as an average over time of one Uniswap v2 pool
/// @notice Somebody, as a rule the keeper, calls `observe` at least once in `maximumAge`. Each call that lies
/// `window` or more after the one before fixes the average between the two. Nobody can move that average within one
/// block; to move it at all a price has to be held against the market for a good part of the window.
///
/// The pool is named by the DAO, because anyone may create a pool at any price. Until a named pool has its first
/// average, the fallback price of the DAO serves. From then on the average serves alone, and when it is too old every
/// question reverts.
interface ITwapOracle is IPriceOracle {
    /// @notice `window`: shortest time between two observations, in seconds, minimumWindow to 1 day. `maximumAge`: an
    /// average older than this serves no more, and none covers more time than this; from `window` to 7 days.
    /// `minimumReserve`: stablecoin base units that must lie in the pool for an observation, at least 1.
    /// `fallbackPrice`: base units for one whole VCAI while there is no average, 0 for none.
    struct Parameters {
        uint32 window;
        uint32 maximumAge;
        uint64 minimumReserve;
        uint128 fallbackPrice;
    }

    /// @notice The DAO named another pool, or none (zero). The fallback price serves until the first average.
    event PoolAdopted(address indexed pool);
    /// @notice A window began; there is no new average.
    event WindowStarted(address indexed pool, uint256 reserve);
    /// @notice `average` is in base units per wei, as UQ112x112; `covered` in seconds; `reserve` in base units.
    event Observed(address indexed pool, uint224 average, uint32 covered, uint256 reserve);
    /// @notice The first average of the pool replaces the fallback price.
    event FallbackEnded(address indexed pool);
    event ParametersChanged(Parameters parameters);

    error NotAContract(address given);
    /// @notice The pool trades other tokens than VCAI and the stablecoin.
    error WrongPool(address pool, address token0, address token1);
    error NoPool();
    /// @notice There is neither an average nor a fallback price.
    error NoPrice();
    error PriceIsStale(uint256 averagedAt, uint256 maximumAge);
    error TooEarly(uint256 observableFrom);
    error PoolTooThin(uint256 reserve, uint256 minimum);
    error ParameterOutOfRange(bytes32 name, uint256 value, uint256 minimum, uint256 maximum);

    /// @notice Takes an observation of the pool. Anyone may call.
    /// @dev If the last observation is older than `maximumAge`, a new window begins and there is no new average.
    function observe() external;

    /// @notice Names the pool; zero for none. Forgets all observations. Restricted to role PARAMS.
    function adoptPool(address pool_) external;

    /// @notice Replaces all parameters. Restricted to role PARAMS.
    function setParameters(Parameters calldata value) external;

    /// @notice What a trader in this pool needs. Reverts like a price, and `NoPrice` while the fallback serves.
    /// @return pool_ The pool.
    /// @return stableIsToken0 Which side the stablecoin is on.
    /// @return average_ Base units of the stablecoin per wei of VCAI, UQ112x112.
    /// @return observedReserve Stablecoin in the pool at the last observation, in base units.
    function market()
        external
        view
        returns (address pool_, bool stableIsToken0, uint224 average_, uint64 observedReserve);

    function pool() external view returns (address);

    /// @return average The last average as UQ112x112, zero for none, and the unix second at which it was fixed.
    function lastAverage() external view returns (uint224 average, uint32 averagedAt);

    /// @return The unix second (modulo 2^32) of the last observation, zero for none.
    function observedAt() external view returns (uint32);

    /// @return Whether the fallback price serves.
    function usesFallback() external view returns (bool);

    function minimumWindow() external view returns (uint32);

    function parameters() external view returns (Parameters memory);
}
