// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ITwapOracle} from "../../src/interfaces/ITwapOracle.sol";
import {TwapOracle} from "../../src/treasury/TwapOracle.sol";
import {MockPair} from "./mocks/Mocks.sol";
import {TreasuryFixture} from "./mocks/TreasuryFixture.sol";

contract TwapOracleTest is TreasuryFixture {
    uint256 private constant Q112 = 1 << 112;
    uint224 private constant SPOT = uint224((POOL_USD * Q112) / POOL_VCAI);

    function test_KnowsWhatItWasMadeWith() public view {
        assertEq(address(oracle.vcai()), address(vcai));
        assertEq(address(oracle.stable()), address(stable));
        assertEq(oracle.minimumWindow(), 1 minutes);
        assertEq(abi.encode(oracle.parameters()), abi.encode(_oracleParameters()));
        assertEq(oracle.pool(), address(0));
        assertTrue(oracle.usesFallback());
    }

    function test_RefusesTokensThatAreNoContracts() public {
        vm.expectRevert(abi.encodeWithSelector(ITwapOracle.NotAContract.selector, stranger));
        this.make(IERC20(stranger), stable, 1 minutes, _oracleParameters());
        vm.expectRevert(abi.encodeWithSelector(ITwapOracle.NotAContract.selector, stranger));
        this.make(vcai, IERC20(stranger), 1 minutes, _oracleParameters());
    }

    /// @dev In a call of its own, so that what the constructor reverts with is its answer.
    function make(IERC20 first, IERC20 second, uint32 minimumWindow, ITwapOracle.Parameters calldata value)
        external
        returns (TwapOracle)
    {
        return new TwapOracle(address(manager), first, second, minimumWindow, value);
    }

    function test_RefusesAMinimumWindowOutOfRange() public {
        ITwapOracle.Parameters memory value = _oracleParameters();
        _expectRange("minimumWindow", 0, 1, 1 days);
        this.make(vcai, stable, 0, value);
        _expectRange("minimumWindow", 1 days + 1, 1, 1 days);
        this.make(vcai, stable, 1 days + 1, value);
        value.window = value.maximumAge = 1 days;
        this.make(vcai, stable, 1 days, value);
        value.window = 1;
        assertEq(this.make(vcai, stable, 1, value).minimumWindow(), 1);
    }

    function _expectRange(bytes32 name, uint256 value, uint256 minimum, uint256 maximum) private {
        vm.expectRevert(
            abi.encodeWithSelector(ITwapOracle.ParameterOutOfRange.selector, name, value, minimum, maximum)
        );
    }

    function test_TheFallbackPriceServesWithoutAPool() public view {
        assertEq(oracle.vcaiFor(3e6), 100e18);
        assertEq(oracle.usdFor(100e18), 3e6);
        assertEq(oracle.usdFor(100e18 - 1), 3e6 - 1);
    }

    function test_WithoutPoolAndFallbackThereIsNoPrice() public {
        ITwapOracle.Parameters memory value = _oracleParameters();
        value.fallbackPrice = 0;
        oracle.setParameters(value);
        assertFalse(oracle.usesFallback());
        vm.expectRevert(ITwapOracle.NoPrice.selector);
        oracle.vcaiFor(1);
        vm.expectRevert(ITwapOracle.NoPrice.selector);
        oracle.usdFor(1);
    }

    function test_ATraderNeverGetsTheFallback() public {
        vm.expectRevert(ITwapOracle.NoPrice.selector);
        oracle.market();
        vm.expectRevert(ITwapOracle.NoPool.selector);
        oracle.observe();
    }

    function test_AdoptsAPoolAndWarmsUp() public {
        vm.expectEmit(address(oracle));
        emit ITwapOracle.PoolAdopted(address(pair));
        oracle.adoptPool(address(pair));
        assertEq(oracle.pool(), address(pair));
        vm.expectEmit(address(oracle));
        emit ITwapOracle.WindowStarted(address(pair), POOL_USD);
        oracle.observe();
        assertEq(oracle.observedAt(), START);
        assertTrue(oracle.usesFallback());
        _wait(WINDOW - 1);
        vm.expectRevert(abi.encodeWithSelector(ITwapOracle.TooEarly.selector, START + WINDOW));
        oracle.observe();
        _wait(1);
        vm.expectEmit(address(oracle));
        emit ITwapOracle.FallbackEnded(address(pair));
        vm.expectEmit(address(oracle));
        emit ITwapOracle.Observed(address(pair), SPOT, WINDOW, POOL_USD);
        oracle.observe();
        assertFalse(oracle.usesFallback());
        (uint224 average, uint32 averagedAt) = oracle.lastAverage();
        assertEq(average, SPOT);
        assertEq(averagedAt, START + WINDOW);
        assertEq(oracle.observedAt(), START + WINDOW);
        assertApproxEqRel(oracle.vcaiFor(1e6), 30e18, 1e10);
        assertApproxEqAbs(oracle.usdFor(30e18), 1e6, 1);
    }

    function test_TheFallbackEndsOnce() public {
        _warmUp();
        _wait(WINDOW);
        vm.recordLogs();
        oracle.observe();
        assertEq(vm.getRecordedLogs().length, 1);
    }

    function test_GivesATraderTheMarket() public {
        _warmUp();
        (address pool, bool stableFirst, uint224 average, uint64 reserve) = oracle.market();
        assertEq(pool, address(pair));
        assertTrue(stableFirst);
        assertEq(average, SPOT);
        assertEq(reserve, POOL_USD);
    }

    function test_WorksWithTheTokensTheOtherWayRound() public {
        vcai = _newVcai(false);
        _deployExchange();
        _deployTreasury();
        assertEq(pair.token1(), address(stable));
        _warmUp();
        (, bool stableFirst, uint224 average, uint64 reserve) = oracle.market();
        assertFalse(stableFirst);
        assertEq(average, SPOT);
        assertEq(reserve, POOL_USD);
    }

    function test_AveragesOverTime() public {
        oracle.adoptPool(address(pair));
        oracle.observe();
        _wait(600);
        stable.mint(stranger, POOL_USD);
        _trade(stranger, stable, vcai, 200_000e6);
        (uint112 usd, uint112 amount,) = pair.getReserves();
        _wait(1_800);
        oracle.observe();
        (uint224 average,) = oracle.lastAverage();
        uint256 spot = (uint256(usd) << 112) / amount;
        assertEq(average, (uint256(SPOT) * 600 + spot * 1_800) / 2_400);
    }

    function test_AMoveWithinOneBlockDoesNotCount() public {
        _warmUp();
        _wait(WINDOW);
        stable.mint(stranger, 5 * POOL_USD);
        uint256 got = _trade(stranger, stable, vcai, 5 * POOL_USD);
        oracle.observe();
        _trade(stranger, vcai, stable, got);
        (uint224 average,) = oracle.lastAverage();
        assertEq(average, SPOT);
    }

    function test_AnOldAverageServesNoMore() public {
        _warmUp();
        _wait(MAX_AGE);
        assertGt(oracle.vcaiFor(1e6), 0);
        oracle.market();
        _wait(1);
        bytes memory stale = abi.encodeWithSelector(ITwapOracle.PriceIsStale.selector, START + WINDOW, MAX_AGE);
        vm.expectRevert(stale);
        oracle.vcaiFor(1e6);
        vm.expectRevert(stale);
        oracle.usdFor(1e18);
        vm.expectRevert(stale);
        oracle.market();
        assertFalse(oracle.usesFallback());
    }

    function test_AnAverageNeverCoversMoreThanTheMaximumAge() public {
        _warmUp();
        _wait(MAX_AGE);
        oracle.observe();
        (, uint32 averagedAt) = oracle.lastAverage();
        assertEq(averagedAt, vm.getBlockTimestamp());
        _wait(MAX_AGE + 1);
        vm.expectEmit(address(oracle));
        emit ITwapOracle.WindowStarted(address(pair), POOL_USD);
        oracle.observe();
        (, uint32 unchanged) = oracle.lastAverage();
        assertEq(unchanged, averagedAt);
        vm.expectRevert(abi.encodeWithSelector(ITwapOracle.PriceIsStale.selector, averagedAt, MAX_AGE));
        oracle.vcaiFor(1e6);
        _wait(WINDOW);
        oracle.observe();
        oracle.vcaiFor(1e6);
    }

    function test_RefusesAThinPool() public {
        ITwapOracle.Parameters memory value = _oracleParameters();
        value.minimumReserve = uint64(POOL_USD);
        oracle.setParameters(value);
        oracle.adoptPool(address(pair));
        oracle.observe();
        value.minimumReserve = uint64(POOL_USD) + 1;
        oracle.setParameters(value);
        _wait(WINDOW);
        vm.expectRevert(abi.encodeWithSelector(ITwapOracle.PoolTooThin.selector, POOL_USD, POOL_USD + 1));
        oracle.observe();
    }

    function test_RefusesAPoolWithoutVcai() public {
        MockPair mock = new MockPair(address(stable), address(vcai));
        oracle.adoptPool(address(mock));
        mock.set(uint112(POOL_USD), 0, uint32(START), 0, 0);
        vm.expectRevert(abi.encodeWithSelector(ITwapOracle.PoolTooThin.selector, POOL_USD, 10_000e6));
        oracle.observe();
    }

    function test_RefusesWrongPools() public {
        vm.expectRevert(abi.encodeWithSelector(ITwapOracle.NotAContract.selector, stranger));
        oracle.adoptPool(stranger);
        address other = address(treasury);
        address[2][4] memory wrong = [
            [address(stable), other],
            [other, address(vcai)],
            [address(stable), address(stable)],
            [address(vcai), address(stable)]
        ];
        for (uint256 i = 0; i < wrong.length; ++i) {
            address bad = address(new MockPair(wrong[i][0], wrong[i][1]));
            vm.expectRevert(abi.encodeWithSelector(ITwapOracle.WrongPool.selector, bad, wrong[i][0], wrong[i][1]));
            oracle.adoptPool(bad);
        }
    }

    function test_AnotherPoolBeginsAnew() public {
        _warmUp();
        MockPair mock = new MockPair(address(stable), address(vcai));
        oracle.adoptPool(address(mock));
        (uint224 average, uint32 averagedAt) = oracle.lastAverage();
        assertEq(average, 0);
        assertEq(averagedAt, 0);
        assertEq(oracle.observedAt(), 0);
        assertTrue(oracle.usesFallback());
        assertEq(oracle.vcaiFor(3e6), 100e18);
        vm.expectEmit(address(oracle));
        emit ITwapOracle.PoolAdopted(address(0));
        oracle.adoptPool(address(0));
        vm.expectRevert(ITwapOracle.NoPool.selector);
        oracle.observe();
    }

    /// @dev Accumulator and clock both wrap within the window; the average does not notice.
    function test_AccumulatorsMayWrap() public {
        uint256 first = (1 << 32) - 600;
        vm.warp(first);
        MockPair mock = new MockPair(address(stable), address(vcai));
        oracle.adoptPool(address(mock));
        uint256 price = Q112 / 1e12;
        uint256 begin = type(uint256).max - price * 900;
        mock.set(1e18, 1e30, uint32(first), 7, begin);
        oracle.observe();
        vm.warp(first + 1_800);
        unchecked {
            mock.set(2e18, 1e30, uint32(1_100), 7, begin + price * 1_700);
        }
        oracle.observe();
        (uint224 average, uint32 averagedAt) = oracle.lastAverage();
        // 1,700 s at the price and 100 s, since the pool was touched, at twice the price.
        assertApproxEqAbs(average, (price * 1_700 + price * 2 * 100) / 1_800, 2);
        assertEq(averagedAt, 1_200);
        vm.warp(first + 1_800 + MAX_AGE);
        assertGt(oracle.usdFor(1e18), 0);
        vm.warp(first + 1_801 + MAX_AGE);
        vm.expectRevert(abi.encodeWithSelector(ITwapOracle.PriceIsStale.selector, first + 1_800, MAX_AGE));
        oracle.usdFor(1e18);
    }

    function test_TheObservedReserveSaturates() public {
        MockPair mock = new MockPair(address(stable), address(vcai));
        oracle.adoptPool(address(mock));
        mock.set(uint112(1 << 64), 1e24, uint32(START), 0, 0);
        oracle.observe();
        _wait(WINDOW);
        oracle.observe();
        (,,, uint64 reserve) = oracle.market();
        assertEq(reserve, type(uint64).max);
        mock.set(uint112(1 << 63), 1e24, uint32(START) + WINDOW, 0, 1 << 120);
        _wait(WINDOW);
        oracle.observe();
        (,,, reserve) = oracle.market();
        assertEq(reserve, 1 << 63);
    }

    function test_KeepsParametersInRange() public {
        ITwapOracle.Parameters memory value = ITwapOracle.Parameters(1 days, 7 days, type(uint64).max, 1_000_000e6);
        vm.expectEmit(address(oracle));
        emit ITwapOracle.ParametersChanged(value);
        oracle.setParameters(value);
        assertEq(abi.encode(oracle.parameters()), abi.encode(value));
        value.maximumAge = 7 days + 1;
        _expectRange("maximumAge", 7 days + 1, 1 days, 7 days);
        oracle.setParameters(value);
        value.maximumAge = 1 days - 1;
        _expectRange("maximumAge", 1 days - 1, 1 days, 7 days);
        oracle.setParameters(value);
        value.maximumAge = value.window = 1 minutes;
        value.minimumReserve = 1;
        value.fallbackPrice = 0;
        oracle.setParameters(value);
        value.window = 1 minutes - 1;
        _expectRange("window", 1 minutes - 1, 1 minutes, 1 days);
        oracle.setParameters(value);
        value.window = 1 days + 1;
        _expectRange("window", 1 days + 1, 1 minutes, 1 days);
        oracle.setParameters(value);
        value = _oracleParameters();
        value.minimumReserve = 0;
        _expectRange("minimumReserve", 0, 1, type(uint64).max);
        oracle.setParameters(value);
        value.minimumReserve = 1;
        value.fallbackPrice = 1_000_000e6 + 1;
        _expectRange("fallbackPrice", 1_000_000e6 + 1, 0, 1_000_000e6);
        oracle.setParameters(value);
    }

    function test_RefusesStrangers() public {
        bytes memory refused = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger);
        vm.startPrank(stranger);
        vm.expectRevert(refused);
        oracle.adoptPool(address(pair));
        vm.expectRevert(refused);
        oracle.setParameters(_oracleParameters());
    }

    function testFuzz_PricesAgreeAndRoundDown(uint112 usd, uint112 amount, uint96 asked) public {
        usd = uint112(bound(usd, 10_000e6, 1e15));
        amount = uint112(bound(amount, 1e22, 1e28));
        MockPair mock = new MockPair(address(stable), address(vcai));
        oracle.adoptPool(address(mock));
        mock.set(usd, amount, uint32(START), 0, 0);
        oracle.observe();
        _wait(WINDOW);
        oracle.observe();
        (uint224 average,) = oracle.lastAverage();
        assertEq(average, (uint256(usd) << 112) / amount);
        uint256 there = oracle.usdFor(asked);
        assertLe(there, uint256(asked) * usd / amount);
        assertLe(oracle.usdFor(oracle.vcaiFor(asked)), asked);
        assertApproxEqAbs(there, uint256(asked) * usd / amount, 1);
    }
}
