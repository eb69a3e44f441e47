// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IUniswapV2Pair} from "@uniswap/v2-core/contracts/interfaces/IUniswapV2Pair.sol";
import {IUniswapV2Router02} from "@uniswap/v2-periphery/contracts/interfaces/IUniswapV2Router02.sol";
import {Test} from "forge-std/Test.sol";
import {Roles} from "../../src/Roles.sol";
import {IBuybackExecutor} from "../../src/interfaces/IBuybackExecutor.sol";
import {DevStable} from "../../src/token/DevStable.sol";
import {BuybackExecutor} from "../../src/treasury/BuybackExecutor.sol";
import {Treasury} from "../../src/treasury/Treasury.sol";
import {TwapOracle} from "../../src/treasury/TwapOracle.sol";
import {MockToken} from "./mocks/Mocks.sol";
import {TreasuryFixture} from "./mocks/TreasuryFixture.sol";

/// @dev Payers, victims, the DAO, traders, the keeper, and a ledger of its own.
contract TreasuryHandler is Test {
    Treasury private immutable _treasury;
    TwapOracle private immutable _oracle;
    BuybackExecutor private immutable _executor;
    DevStable private immutable _stable;
    MockToken private immutable _vcai;
    IUniswapV2Router02 private immutable _router;
    IUniswapV2Pair private immutable _pair;

    uint256 public paidIn;
    uint256 public fees;
    uint256 public bought;
    uint256 public compensated;
    uint256 public spent;
    uint256 public vcaiBought;
    uint256 public lastBuy;
    uint256 public buys;

    constructor(
        Treasury treasury,
        TwapOracle oracle,
        BuybackExecutor executor,
        DevStable stable,
        MockToken vcai,
        IUniswapV2Router02 router,
        IUniswapV2Pair pair
    ) {
        (_treasury, _oracle, _executor, _stable) = (treasury, oracle, executor, stable);
        (_vcai, _router, _pair) = (vcai, router, pair);
    }

    function payFee(uint128 amount) external {
        amount = uint128(bound(amount, 1, 20_000e6));
        _stable.mint(address(_treasury), amount);
        _treasury.onFee(amount);
        fees += amount;
        paidIn += amount;
    }

    function donate(uint128 amount) external {
        amount = uint128(bound(amount, 1, 1_000e6));
        _stable.mint(address(_treasury), amount);
        paidIn += amount;
    }

    function compensate(uint128 amount) external {
        amount = uint128(bound(amount, 0, 3_000e6));
        uint256 held = _stable.balanceOf(address(_treasury));
        uint256 paid = _treasury.compensate(address(0xdead), amount);
        assertEq(paid, amount < held ? amount : held);
        compensated += paid;
    }

    function spend(uint128 amount) external {
        uint256 held = _stable.balanceOf(address(_treasury));
        if (held == 0) return;
        amount = uint128(bound(amount, 1, held < 500e6 ? held : 500e6));
        _treasury.spend(_stable, address(0xbeef), amount, "");
        spent += amount;
    }

    function observe() public {
        uint256 due = _oracle.observedAt() + 30 minutes;
        if (vm.getBlockTimestamp() < due) vm.warp(due);
        _oracle.observe();
    }

    function trade(uint256 amount, bool buys_) external {
        address[] memory path = new address[](2);
        (path[0], path[1]) = buys_ ? (address(_stable), address(_vcai)) : (address(_vcai), address(_stable));
        amount = buys_ ? bound(amount, 1e6, 50_000e6) : bound(amount, 1e18, 1_000_000e18);
        if (buys_) _stable.mint(address(this), amount);
        else _vcai.mint(address(this), amount);
        MockToken(path[0]).approve(address(_router), amount);
        _router.swapExactTokensForTokens(amount, 0, path, address(0xcafe), vm.getBlockTimestamp());
    }

    /// @dev The keeper: waits for the interval and a young average, and tries to buy.
    function buy() external {
        if (vm.getBlockTimestamp() < _executor.nextAt()) vm.warp(_executor.nextAt());
        observe();
        (uint224 average, uint32 averagedAt) = _oracle.lastAverage();
        if (averagedAt != uint32(vm.getBlockTimestamp())) return;
        uint256 available = _treasury.availableForBuyback();
        uint256 before = _stable.balanceOf(address(_pair));
        try _executor.buy() returns (uint256 out, uint256 got) {
            assertLe(out, available);
            assertLe(out, before * 30 / 10_000);
            assertGe(got, (out << 112) / average * 9_700 / 10_000);
            if (buys != 0) assertGe(vm.getBlockTimestamp() - lastBuy, 1 days);
            bought += out;
            vcaiBought += got;
            lastBuy = vm.getBlockTimestamp();
            ++buys;
        } catch (bytes memory reason) {
            bytes4 what = bytes4(reason);
            bool known =
                what == IBuybackExecutor.PriceTooHigh.selector || what == IBuybackExecutor.TooLittleToSpend.selector;
            assertTrue(known);
        }
    }

    function tooEarly() external {
        if (vm.getBlockTimestamp() >= _executor.nextAt()) return;
        vm.expectRevert();
        _executor.buy();
    }
}

contract TreasuryInvariantTest is TreasuryFixture {
    TreasuryHandler private handler;

    function setUp() public override {
        super.setUp();
        _warmUp();
        handler = new TreasuryHandler(treasury, oracle, executor, stable, vcai, router, pair);
        manager.grantRole(Roles.SETTLEMENT, address(handler), 0);
        manager.grantRole(Roles.COMPENSATION, address(handler), 0);
        manager.grantRole(Roles.PARAMS, address(handler), 0);
        targetContract(address(handler));
    }

    function invariant_StablecoinIsConserved() public view {
        uint256 out = uint256(treasury.boughtBack()) + treasury.compensated() + treasury.spent();
        assertEq(handler.paidIn(), stable.balanceOf(address(treasury)) + out);
        assertEq(treasury.received(), handler.paidIn());
        assertEq(treasury.fees(), handler.fees());
        assertEq(treasury.boughtBack(), handler.bought());
        assertEq(treasury.compensated(), handler.compensated());
        assertEq(treasury.spent(), handler.spent());
        uint256 net = handler.fees() > handler.compensated() ? handler.fees() - handler.compensated() : 0;
        assertEq(treasury.netFees(), net);
    }

    function invariant_EverythingBoughtGoesToLockers() public view {
        assertEq(stream.notified(), handler.vcaiBought());
        assertEq(vcai.balanceOf(address(stream)), handler.vcaiBought());
        assertEq(vcai.balanceOf(address(executor)), 0);
        assertEq(stable.balanceOf(address(executor)), 0);
    }
}
