// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRewardStream} from "../../src/interfaces/IRewardStream.sol";
import {IVeVCAI} from "../../src/interfaces/IVeVCAI.sol";
import {Roles} from "../../src/Roles.sol";
import {VeVCAI} from "../../src/governance/VeVCAI.sol";
import {BuybackExecutor} from "../../src/treasury/BuybackExecutor.sol";
import {TreasuryFixture} from "./mocks/TreasuryFixture.sol";

/// @dev The whole way of the money with the real VeVCAI: fee, treasury, pool, stream, claim.
contract BuybackToLockersTest is TreasuryFixture {
    VeVCAI private ve;
    address private locker = makeAddr("locker");

    function setUp() public override {
        super.setUp();
        ve = new VeVCAI(address(manager), vcai, IVeVCAI.Parameters(10_000e18));
        _open(address(ve), IVeVCAI.notify.selector, Roles.NOTIFIER);
        IRewardStream stream_ = IRewardStream(address(ve));
        executor =
            new BuybackExecutor(address(manager), treasury, oracle, stream_, vcai, 1 hours, _buybackParameters());
        manager.grantRole(Roles.BUYBACK, address(executor), 0);
        manager.grantRole(Roles.NOTIFIER, address(executor), 0);
        manager.grantRole(Roles.NOTIFIER, address(treasury), 0);
        vcai.mint(locker, 50_000e18);
        vm.startPrank(locker);
        vcai.approve(address(ve), 50_000e18);
        ve.lock(50_000e18, (vm.getBlockTimestamp() - ve.origin()) / 7 days + 100);
        vm.stopPrank();
        _warmUp();
    }

    function test_FeesEndInTheHandsOfLockers() public {
        _earn(RESERVE + 500e6);
        (, uint256 bought) = executor.buy();
        assertGt(bought, 14_000e18);
        assertEq(ve.claimable(locker), 0);
        _wait(1 days);
        uint256 got = ve.claim(locker);
        assertApproxEqAbs(got, bought, 1e6);
        assertLe(got, bought);
        assertEq(vcai.balanceOf(locker), got);
    }

    function test_ASecondBuybackMayBeSmaller() public {
        _earn(RESERVE + 500e6);
        executor.buy();
        _wait(1 days);
        oracle.observe();
        _wait(WINDOW);
        oracle.observe();
        _earn(20e6);
        (uint256 spent,) = executor.buy();
        assertEq(spent, 20e6);
    }

    function test_TheTreasuryGivesSlashedStakeToLockers() public {
        vcai.mint(address(treasury), 77e18);
        treasury.giveToLockers(IRewardStream(address(ve)), vcai, 77e18);
        _wait(1 days);
        assertApproxEqAbs(ve.claim(locker), 77e18, 1e6);
    }
}
