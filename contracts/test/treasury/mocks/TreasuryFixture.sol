// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IUniswapV2Factory} from "@uniswap/v2-core/contracts/interfaces/IUniswapV2Factory.sol";
import {IUniswapV2Pair} from "@uniswap/v2-core/contracts/interfaces/IUniswapV2Pair.sol";
import {IUniswapV2Router02} from "@uniswap/v2-periphery/contracts/interfaces/IUniswapV2Router02.sol";
import {Test} from "forge-std/Test.sol";
import {Roles} from "../../../src/Roles.sol";
import {IBuybackExecutor} from "../../../src/interfaces/IBuybackExecutor.sol";
import {IRewardStream} from "../../../src/interfaces/IRewardStream.sol";
import {ITreasury} from "../../../src/interfaces/ITreasury.sol";
import {ITwapOracle} from "../../../src/interfaces/ITwapOracle.sol";
import {ExpiringPause} from "../../../src/libraries/ExpiringPause.sol";
import {DevStable} from "../../../src/token/DevStable.sol";
import {BuybackExecutor} from "../../../src/treasury/BuybackExecutor.sol";
import {Treasury} from "../../../src/treasury/Treasury.sol";
import {TwapOracle} from "../../../src/treasury/TwapOracle.sol";
import {MockStream, MockToken} from "./Mocks.sol";
import {Access} from "../../utils/Access.sol";

/// @dev Treasury, oracle and buyback over the real Uniswap v2, a pool of 1,000,000 USD and 30,000,000 VCAI. This
/// contract is the DAO and reports fees and compensation; whoever calls functions that are not opened to it is refused.
abstract contract TreasuryFixture is Test {
    using Access for AccessManager;

    uint256 internal constant START = 1_795_341_600;
    uint256 internal constant POOL_USD = 1_000_000e6;
    uint256 internal constant POOL_VCAI = 30_000_000e18;
    uint32 internal constant WINDOW = 30 minutes;
    uint32 internal constant MAX_AGE = 6 hours;
    uint128 internal constant RESERVE = 1_000e6;

    AccessManager internal manager;
    DevStable internal stable;
    MockToken internal vcai;
    MockStream internal stream;
    Treasury internal treasury;
    TwapOracle internal oracle;
    BuybackExecutor internal executor;
    IUniswapV2Factory internal factory;
    IUniswapV2Router02 internal router;
    IUniswapV2Pair internal pair;
    address internal stranger = makeAddr("stranger");

    function setUp() public virtual {
        vm.warp(START);
        manager = new AccessManager(address(this));
        stable = new DevStable();
        vcai = _newVcai(true);
        _deployExchange();
        _deployTreasury();
    }

    /// @dev A token whose address is on the wished side of the stablecoin's, so that it is token 1 of their pool or 0.
    function _newVcai(bool above) internal returns (MockToken token) {
        do {
            token = _makeToken();
        } while ((address(token) > address(stable)) != above);
    }

    function _makeToken() internal virtual returns (MockToken) {
        return new MockToken();
    }

    function _deployTreasury() internal {
        address authority = address(manager);
        stream = new MockStream(vcai);
        treasury = new Treasury(authority, stable, ITreasury.Parameters(RESERVE));
        oracle = new TwapOracle(authority, vcai, stable, 1 minutes, _oracleParameters());
        IRewardStream target = IRewardStream(address(stream));
        executor = new BuybackExecutor(authority, treasury, oracle, target, vcai, 1 hours, _buybackParameters());
        _open(address(treasury), ITreasury.onFee.selector, Roles.SETTLEMENT);
        _open(address(treasury), ITreasury.compensate.selector, Roles.COMPENSATION);
        _open(address(treasury), ITreasury.drawForBuyback.selector, Roles.BUYBACK);
        _open(address(treasury), ITreasury.spend.selector, Roles.PARAMS);
        _open(address(treasury), ITreasury.giveToLockers.selector, Roles.PARAMS);
        _open(address(treasury), ITreasury.setParameters.selector, Roles.PARAMS);
        _open(address(oracle), ITwapOracle.adoptPool.selector, Roles.PARAMS);
        _open(address(oracle), ITwapOracle.setParameters.selector, Roles.PARAMS);
        _open(address(executor), IBuybackExecutor.setParameters.selector, Roles.PARAMS);
        _open(address(executor), ExpiringPause.pause.selector, Roles.GUARDIAN);
        manager.grantRole(Roles.SETTLEMENT, address(this), 0);
        manager.grantRole(Roles.COMPENSATION, address(this), 0);
        manager.grantRole(Roles.PARAMS, address(this), 0);
        manager.grantRole(Roles.GUARDIAN, address(this), 0);
        manager.grantRole(Roles.BUYBACK, address(executor), 0);
    }

    function _open(address target, bytes4 selector, uint64 role) internal {
        manager.open(target, selector, role);
    }

    function _oracleParameters() internal pure returns (ITwapOracle.Parameters memory) {
        return
            ITwapOracle.Parameters({
                window: WINDOW, maximumAge: MAX_AGE, minimumReserve: 10_000e6, fallbackPrice: 30_000
            });
    }

    function _buybackParameters() internal pure returns (IBuybackExecutor.Parameters memory) {
        return IBuybackExecutor.Parameters({
            interval: 1 days, depthBps: 30, toleranceBps: 300, minimumSpend: 10e6, maximumSpend: 100_000e6
        });
    }

    function _deployExchange() internal {
        bytes memory code = _bytecode("node_modules/@uniswap/v2-core/build/UniswapV2Factory.json");
        factory = IUniswapV2Factory(_create(abi.encodePacked(code, abi.encode(address(this)))));
        code = _bytecode("node_modules/@uniswap/v2-periphery/build/UniswapV2Router02.json");
        router = IUniswapV2Router02(_create(abi.encodePacked(code, abi.encode(factory, address(1)))));
        _addPool(POOL_USD, POOL_VCAI);
    }

    function _addPool(uint256 usd, uint256 amount) internal {
        stable.mint(address(this), usd);
        vcai.mint(address(this), amount);
        stable.approve(address(router), type(uint256).max);
        vcai.approve(address(router), type(uint256).max);
        router.addLiquidity(address(stable), address(vcai), usd, amount, 0, 0, address(this), vm.getBlockTimestamp());
        pair = IUniswapV2Pair(factory.getPair(address(stable), address(vcai)));
    }

    /// @dev The artifacts of the npm packages differ in whether the code begins with 0x.
    function _bytecode(string memory path) private view returns (bytes memory) {
        string memory text = vm.parseJsonString(vm.readFile(path), ".bytecode");
        return vm.parseBytes(bytes(text)[1] == "x" ? text : string.concat("0x", text));
    }

    function _create(bytes memory code) private returns (address made) {
        assembly ("memory-safe") {
            made := create(0, add(code, 32), mload(code))
        }
        require(made != address(0), "creation failed");
    }

    function _wait(uint256 time) internal {
        vm.warp(vm.getBlockTimestamp() + time);
    }

    /// @dev Names the pool and waits for its first average.
    function _warmUp() internal {
        oracle.adoptPool(address(pair));
        oracle.observe();
        _wait(WINDOW);
        oracle.observe();
    }

    function _earn(uint128 amount) internal {
        stable.mint(address(treasury), amount);
        treasury.onFee(amount);
    }

    /// @dev Trades through the router with tokens made for it.
    function _trade(address who, IERC20 from, IERC20 to, uint256 amount) internal returns (uint256) {
        address[] memory path = new address[](2);
        (path[0], path[1]) = (address(from), address(to));
        vm.startPrank(who);
        from.approve(address(router), amount);
        uint256[] memory amounts = router.swapExactTokensForTokens(amount, 0, path, who, vm.getBlockTimestamp());
        vm.stopPrank();
        return amounts[1];
    }
}
