// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {Test} from "forge-std/Test.sol";
import {Roles} from "../src/Roles.sol";
import {VeVCAI} from "../src/governance/VeVCAI.sol";
import {IVeVCAI} from "../src/interfaces/IVeVCAI.sol";

contract Coin is ERC20("a", "b") {
    constructor() {
        _mint(msg.sender, 1e28);
    }
}

/// @dev Gas of whole transactions (profile bench isolates calls), written to snapshots/governance.json. Sixty locks end
/// in sixty weeks, a stream runs, holders have approved once and for all.
contract GovernanceBench is Test {
    uint256 private constant LOCKS = 60;

    AccessManager private _manager;
    Coin private _token;
    VeVCAI private _ve;

    function setUp() public {
        vm.warp(1_800_000_000);
        _manager = new AccessManager(address(this));
        _token = new Coin();
        _ve = new VeVCAI(address(_manager), _token, IVeVCAI.Parameters(10_000e18));
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = IVeVCAI.snapshot.selector;
        _manager.setTargetFunctionRole(address(_ve), selectors, Roles.SNAPSHOT);
        _manager.grantRole(Roles.SNAPSHOT, address(this), 0);
        for (uint256 i = 1; i <= LOCKS; ++i) {
            _fund(_holder(i));
            uint256 week = _week(1 + i * 3);
            vm.prank(_holder(i));
            _ve.lock(1_000e18 * i, week);
        }
        _token.approve(address(_ve), type(uint256).max);
        _ve.notify(1_000_000e18);
        _pass(1 hours);
        _ve.poke();
        _pass(10 minutes);
    }

    function _holder(uint256 i) private pure returns (address) {
        return address(uint160(0x1000 + i));
    }

    function _fund(address who) private {
        _token.transfer(who, 1_000_000e18);
        vm.prank(who);
        _token.approve(address(_ve), type(uint256).max);
    }

    function _week(uint256 ahead) private view returns (uint256) {
        return _ve.currentWeek() + ahead;
    }

    function _pass(uint256 time) private {
        vm.warp(vm.getBlockTimestamp() + time);
    }

    function _measured(string memory operation) private {
        vm.snapshotGasLastCall("governance", operation);
    }

    function _lock(address who, uint256 amount, uint256 weeks_, string memory operation) private {
        uint256 week = _week(weeks_);
        vm.prank(who);
        _ve.lock(amount, week);
        _measured(operation);
    }

    function test_CreateLock() public {
        _fund(address(0x9999));
        _lock(address(0x9999), 1_000e18, 1 + 150, "lock_create_used_week");
    }

    function test_CreateLockInANewWeek() public {
        _fund(address(0x9999));
        _lock(address(0x9999), 1_000e18, 1 + 151, "lock_create_new_week");
    }

    function test_TopUp() public {
        _lock(_holder(40), 1_000e18, 1 + 120, "lock_top_up");
    }

    function test_TopUpAfterSnapshot() public {
        _ve.snapshot();
        _pass(10 minutes);
        _lock(_holder(40), 1_000e18, 1 + 120, "lock_top_up_first_after_a_snapshot");
    }

    function test_Extend() public {
        _fund(address(0x9999));
        uint256 week = _week(1 + 120);
        vm.prank(address(0x9999));
        _ve.lock(1_000e18, week);
        _pass(10 minutes);
        _lock(address(0x9999), 0, 1 + 123, "lock_extend");
    }

    function test_ExtendTheOnlyLockOfItsWeek() public {
        _lock(_holder(40), 0, 1 + 123, "lock_extend_out_of_an_emptied_week");
    }

    function test_Claim() public {
        _ve.claim(_holder(40));
        _measured("claim");
    }

    function test_ClaimAfterAYear() public {
        _pass(52 weeks);
        _ve.poke();
        _ve.notify(1_000e18);
        _pass(1 hours);
        _ve.claim(_holder(40));
        _measured("claim_after_50_weeks");
    }

    function test_ClaimAfterIdleWeeks() public {
        _pass(26 weeks);
        _ve.claim(_holder(40));
        _measured("claim_first_after_26_idle_weeks_with_8_ends");
    }

    function test_Poke() public {
        _ve.poke();
        _measured("poke");
    }

    function test_PokeAfterIdleYears() public {
        _pass(4 * 365 days);
        _ve.poke();
        _measured("poke_after_4_idle_years_with_60_ends");
    }

    function test_Notify() public {
        _ve.notify(1_000_000e18);
        _measured("notify");
    }

    function test_NotifyDaily() public {
        _pass(1 days);
        _ve.notify(1_000_000e18);
        _measured("notify_daily");
    }

    function test_Snapshot() public {
        _ve.snapshot();
        _pass(10 minutes);
        _ve.snapshot();
        _measured("snapshot");
    }

    function test_Withdraw() public {
        _pass(4 weeks);
        _ve.poke();
        _pass(10 minutes);
        vm.prank(_holder(1));
        _ve.withdraw();
        _measured("withdraw");
    }

    function test_WithdrawWithHistory() public {
        _ve.snapshot();
        _pass(4 weeks);
        _ve.poke();
        _pass(10 minutes);
        vm.prank(_holder(1));
        _ve.withdraw();
        _measured("withdraw_with_history");
    }
}
