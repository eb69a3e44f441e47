// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IBuybackExecutor} from "../../src/interfaces/IBuybackExecutor.sol";
import {IRewardStream} from "../../src/interfaces/IRewardStream.sol";
import {ITreasury} from "../../src/interfaces/ITreasury.sol";
import {ITwapOracle} from "../../src/interfaces/ITwapOracle.sol";
import {ExpiringPause} from "../../src/libraries/ExpiringPause.sol";
import {BuybackExecutor} from "../../src/treasury/BuybackExecutor.sol";
import {TreasuryFixture} from "./mocks/TreasuryFixture.sol";

contract BuybackExecutorTest is TreasuryFixture {
    uint256 private constant CAP = POOL_USD * 30 / 10_000;

    function setUp() public override {
        super.setUp();
        _warmUp();
    }

    function _expectedOut(uint256 amount) private view returns (uint256) {
        (uint112 reserve0, uint112 reserve1,) = pair.getReserves();
        bool first = pair.token0() == address(stable);
        return router.getAmountOut(amount, first ? reserve0 : reserve1, first ? reserve1 : reserve0);
    }

    function _minimum(uint256 amount) private view returns (uint256) {
        (uint224 average,) = oracle.lastAverage();
        return (amount << 112) / average * 9_700 / 10_000;
    }

    function test_KnowsWhatItWasMadeWith() public view {
        assertEq(address(executor.treasury()), address(treasury));
        assertEq(address(executor.oracle()), address(oracle));
        assertEq(address(executor.stream()), address(stream));
        assertEq(address(executor.stable()), address(stable));
        assertEq(address(executor.vcai()), address(vcai));
        assertEq(executor.minimumInterval(), 1 hours);
        assertEq(executor.nextAt(), 0);
        assertEq(abi.encode(executor.parameters()), abi.encode(_buybackParameters()));
    }

    function test_BuysAndGivesEverythingToLockers() public {
        _earn(RESERVE + 500e6);
        uint256 expected = _expectedOut(500e6);
        uint40 next = uint40(vm.getBlockTimestamp() + 1 days);
        vm.expectEmit(address(executor));
        emit IBuybackExecutor.BoughtBack(stranger, 500e6, expected, _minimum(500e6), next);
        vm.prank(stranger);
        (uint256 spent, uint256 bought) = executor.buy();
        assertEq(spent, 500e6);
        assertEq(bought, expected);
        assertEq(executor.nextAt(), next);
        assertEq(stream.notified(), expected);
        assertEq(stream.calls(), 1);
        assertEq(vcai.balanceOf(address(stream)), expected);
        assertEq(vcai.balanceOf(address(executor)), 0);
        assertEq(stable.balanceOf(address(executor)), 0);
        assertEq(stable.balanceOf(address(treasury)), RESERVE);
        assertEq(treasury.boughtBack(), 500e6);
        assertEq(stable.balanceOf(address(pair)), POOL_USD + 500e6);
    }

    function test_WorksWithTheTokensTheOtherWayRound() public {
        vcai = _newVcai(false);
        _deployExchange();
        _deployTreasury();
        _warmUp();
        _earn(RESERVE + 500e6);
        uint256 expected = _expectedOut(500e6);
        (, uint256 bought) = executor.buy();
        assertEq(bought, expected);
        assertEq(stream.notified(), expected);
    }

    function test_BuysOnceInAnInterval() public {
        _earn(RESERVE + 10_000e6);
        executor.buy();
        uint256 next = executor.nextAt();
        while (vm.getBlockTimestamp() + WINDOW < next) {
            _wait(WINDOW);
            oracle.observe();
        }
        vm.warp(next - 1);
        vm.expectRevert(abi.encodeWithSelector(IBuybackExecutor.TooEarly.selector, next));
        executor.buy();
        vm.warp(next);
        executor.buy();
        assertEq(executor.nextAt(), next + 1 days);
    }

    function test_TheRestStaysForTheNextTime() public {
        _earn(RESERVE + 10_000e6);
        (uint256 spent,) = executor.buy();
        assertEq(spent, CAP);
        assertEq(stable.balanceOf(address(treasury)), RESERVE + 10_000e6 - CAP);
        assertEq(stable.balanceOf(address(executor)), 0);
    }

    function test_SpendsAtMostTheMaximum() public {
        IBuybackExecutor.Parameters memory value = _buybackParameters();
        value.maximumSpend = 1_000e6;
        executor.setParameters(value);
        _earn(RESERVE + 10_000e6);
        (uint256 spent,) = executor.buy();
        assertEq(spent, 1_000e6);
    }

    function test_RefusesToSpendTooLittle() public {
        _earn(RESERVE + 10e6 - 1);
        vm.expectRevert(abi.encodeWithSelector(IBuybackExecutor.TooLittleToSpend.selector, 10e6 - 1, 10e6));
        executor.buy();
        assertEq(executor.nextAt(), 0);
        _earn(1);
        (uint256 spent,) = executor.buy();
        assertEq(spent, 10e6);
    }

    function test_SpendsWhatWasSentHereFirst() public {
        _earn(RESERVE + 10_000e6);
        stable.mint(address(executor), 100e6);
        vcai.mint(address(executor), 7e18);
        uint256 expected = _expectedOut(CAP);
        (uint256 spent, uint256 bought) = executor.buy();
        assertEq(spent, CAP);
        assertEq(bought, expected + 7e18);
        assertEq(stream.notified(), expected + 7e18);
        assertEq(treasury.boughtBack(), CAP - 100e6);
    }

    function test_DrawsNothingWhenEnoughWasSentHere() public {
        stable.mint(address(executor), CAP + 5);
        _earn(RESERVE + 10_000e6);
        (uint256 spent,) = executor.buy();
        assertEq(spent, CAP);
        assertEq(treasury.boughtBack(), 0);
        assertEq(stable.balanceOf(address(executor)), 5);
    }

    function test_RefusesWithoutAnAverage() public {
        _earn(RESERVE + 500e6);
        oracle.adoptPool(address(pair));
        vm.expectRevert(ITwapOracle.NoPrice.selector);
        executor.buy();
    }

    function test_RefusesAStaleAverage() public {
        _earn(RESERVE + 500e6);
        uint256 averagedAt = vm.getBlockTimestamp();
        _wait(MAX_AGE + 1);
        vm.expectRevert(abi.encodeWithSelector(ITwapOracle.PriceIsStale.selector, averagedAt, MAX_AGE));
        executor.buy();
    }

    function test_RefusesAPriceAboveTheAverage() public {
        _earn(RESERVE + 500e6);
        stable.mint(stranger, POOL_USD);
        _trade(stranger, stable, vcai, 20_000e6);
        bytes memory refused =
            abi.encodeWithSelector(IBuybackExecutor.PriceTooHigh.selector, _expectedOut(500e6), _minimum(500e6));
        vm.expectRevert(refused);
        executor.buy();
        assertEq(treasury.boughtBack(), 0);
        assertEq(executor.nextAt(), 0);
    }

    function test_TheBoundIsExact() public {
        _earn(RESERVE + 500e6);
        uint256 offered = _expectedOut(500e6);
        vm.mockCall(
            address(oracle),
            abi.encodeCall(ITwapOracle.market, ()),
            abi.encode(address(pair), true, _averageFor(offered), uint64(POOL_USD))
        );
        executor.buy();
    }

    /// @dev The average at which the least acceptable result for 500 USD is as near to `offered` as it gets, from
    /// below.
    function _averageFor(uint256 offered) private pure returns (uint224 average) {
        average = uint224((uint256(500e6) << 112) * 9_700 / (offered * 10_000));
        while ((uint256(500e6) << 112) / average * 9_700 / 10_000 > offered) ++average;
    }

    function test_LentLiquidityDoesNotRaiseTheDepth() public {
        _earn(RESERVE + 50_000e6);
        _addPool(POOL_USD * 10, POOL_VCAI * 10);
        (uint256 spent,) = executor.buy();
        assertEq(spent, CAP);
    }

    function test_LiquidityThatLeftLowersTheDepth() public {
        _earn(RESERVE + 50_000e6);
        pair.transfer(address(pair), pair.balanceOf(address(this)) / 2);
        pair.burn(address(this));
        (uint112 usd,,) = pair.getReserves();
        (uint256 spent,) = executor.buy();
        assertEq(spent, uint256(usd) * 30 / 10_000);
        assertLt(spent, CAP);
    }

    function test_APausedModuleDoesNotBuy() public {
        _earn(RESERVE + 500e6);
        executor.pause(1 hours);
        vm.expectRevert(abi.encodeWithSelector(ExpiringPause.ModulePaused.selector, executor.pausedUntil()));
        executor.buy();
        vm.warp(executor.pausedUntil());
        executor.buy();
    }

    /// @dev The attack on the real pool: buy before, let the buyback push the price, sell after.
    function testFuzz_ASandwichLosesMoney(uint256 size, uint128 revenue, uint16 depthBps) public {
        IBuybackExecutor.Parameters memory value = _buybackParameters();
        value.depthBps = uint16(bound(depthBps, 1, 30));
        value.toleranceBps = 1_000;
        value.maximumSpend = type(uint64).max;
        executor.setParameters(value);
        _earn(RESERVE + uint128(bound(revenue, 100e6, 100_000e6)));
        size = bound(size, 1e3, POOL_USD);
        stable.mint(stranger, size);
        uint256 got = _trade(stranger, stable, vcai, size);
        try executor.buy() {} catch {}
        uint256 back = _trade(stranger, vcai, stable, got);
        assertLe(back, size);
    }

    function test_TheBestSandwichLosesMoneyToo() public {
        IBuybackExecutor.Parameters memory value = _buybackParameters();
        value.toleranceBps = 1_000;
        value.maximumSpend = type(uint64).max;
        executor.setParameters(value);
        _earn(RESERVE + 100_000e6);
        uint256 snapshot = vm.snapshotState();
        uint256 bought = 0;
        for (uint256 size = 1e6; size < POOL_USD; size = size * 3 / 2) {
            stable.mint(stranger, size);
            uint256 got = _trade(stranger, stable, vcai, size);
            try executor.buy() {
                ++bought;
            } catch {}
            assertLe(_trade(stranger, vcai, stable, got), size);
            vm.revertToState(snapshot);
        }
        // The attack is refused when it moves the price by more than the tolerance; below that it is carried out.
        assertGt(bought, 10);
    }

    function testFuzz_SellingFirstLosesMoneyToo(uint256 size, uint128 revenue) public {
        _earn(RESERVE + uint128(bound(revenue, 100e6, 100_000e6)));
        size = bound(size, 1e15, POOL_VCAI);
        vcai.mint(stranger, size);
        uint256 got = _trade(stranger, vcai, stable, size);
        try executor.buy() {} catch {}
        assertLe(_trade(stranger, stable, vcai, got), size);
    }

    function test_KeepsParametersInRange() public {
        IBuybackExecutor.Parameters memory value =
            IBuybackExecutor.Parameters(30 days, 30, 1_000, type(uint64).max, type(uint64).max);
        vm.expectEmit(address(executor));
        emit IBuybackExecutor.ParametersChanged(value);
        executor.setParameters(value);
        assertEq(abi.encode(executor.parameters()), abi.encode(value));
        executor.setParameters(IBuybackExecutor.Parameters(1 hours, 1, 1, 1, 1));
        _expectRange("interval", 1 hours - 1, 1 hours, 30 days);
        executor.setParameters(IBuybackExecutor.Parameters(1 hours - 1, 1, 1, 1, 1));
        _expectRange("interval", 30 days + 1, 1 hours, 30 days);
        executor.setParameters(IBuybackExecutor.Parameters(30 days + 1, 1, 1, 1, 1));
        _expectRange("depthBps", 0, 1, 30);
        executor.setParameters(IBuybackExecutor.Parameters(1 hours, 0, 1, 1, 1));
        _expectRange("depthBps", 31, 1, 30);
        executor.setParameters(IBuybackExecutor.Parameters(1 hours, 31, 1, 1, 1));
        _expectRange("toleranceBps", 0, 1, 1_000);
        executor.setParameters(IBuybackExecutor.Parameters(1 hours, 1, 0, 1, 1));
        _expectRange("toleranceBps", 1_001, 1, 1_000);
        executor.setParameters(IBuybackExecutor.Parameters(1 hours, 1, 1_001, 1, 1));
        _expectRange("minimumSpend", 0, 1, type(uint64).max);
        executor.setParameters(IBuybackExecutor.Parameters(1 hours, 1, 1, 0, 1));
        _expectRange("maximumSpend", 4, 5, type(uint64).max);
        executor.setParameters(IBuybackExecutor.Parameters(1 hours, 1, 1, 5, 4));
    }

    function test_NewParametersDoNotMoveTheNextTime() public {
        _earn(RESERVE + 500e6);
        executor.buy();
        uint40 next = executor.nextAt();
        executor.setParameters(IBuybackExecutor.Parameters(1 hours, 1, 1, 1, 1));
        assertEq(executor.nextAt(), next);
    }

    function _expectRange(bytes32 name, uint256 value, uint256 minimum, uint256 maximum) private {
        vm.expectRevert(
            abi.encodeWithSelector(IBuybackExecutor.ParameterOutOfRange.selector, name, value, minimum, maximum)
        );
    }

    function test_RefusesPartsThatAreNoContracts() public {
        for (uint256 i = 0; i < 4; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IBuybackExecutor.NotAContract.selector, stranger));
            this.make(i, 1 hours);
        }
        _expectRange("minimumInterval", 0, 1, 30 days);
        this.make(9, 0);
        _expectRange("minimumInterval", 30 days + 1, 1, 30 days);
        this.make(9, 30 days + 1);
        assertEq(this.make(9, 1).minimumInterval(), 1);
    }

    /// @dev Part `wrong` is no contract. In a call of its own, so that what the constructor reverts with is its answer.
    function make(uint256 wrong, uint32 minimumInterval) external returns (BuybackExecutor) {
        return new BuybackExecutor(
            address(manager),
            wrong == 0 ? ITreasury(stranger) : treasury,
            wrong == 1 ? ITwapOracle(stranger) : oracle,
            IRewardStream(wrong == 2 ? stranger : address(stream)),
            wrong == 3 ? IERC20(stranger) : vcai,
            minimumInterval,
            _buybackParameters()
        );
    }

    function test_RefusesStrangers() public {
        bytes memory refused = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger);
        vm.startPrank(stranger);
        vm.expectRevert(refused);
        executor.setParameters(_buybackParameters());
        vm.expectRevert(refused);
        executor.pause(1);
    }
}
