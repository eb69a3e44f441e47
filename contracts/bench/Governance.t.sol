// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {Roles} from "../src/Roles.sol";
import {VCAIGovernor} from "../src/governance/VCAIGovernor.sol";
import {IVCAIGovernor} from "../src/interfaces/IVCAIGovernor.sol";
import {IVeVCAI} from "../src/interfaces/IVeVCAI.sol";
import {VeFixture} from "../test/governance/VeFixture.sol";

/// @dev Gas of whole transactions (profile bench isolates calls), written to snapshots/governance.json. Sixty locks end
/// in sixty weeks, a stream runs, holders have approved once and for all.
///
/// Anchor, Velodrome V2 measured the same way: create 395,934, top up 200,508, extend 191,786, withdraw 226,974, claim
/// 215,671 after one week and 1,344,637 after fifty.
contract GovernanceBench is VeFixture {
    uint256 private constant LOCKS = 60;

    VCAIGovernor private _governor;

    function setUp() public override {
        super.setUp();
        for (uint256 i = 1; i <= LOCKS; ++i) {
            _endow(_holder(i), 1_000_000e18);
            _lock(_holder(i), 1_000e18 * i, _week(1 + i * 3));
        }
        _notify(1_000_000e18);
        _pass(1 hours);
        ve.poke();
        _pass(10 minutes);
        TimelockController timelock = new TimelockController(2 days, new address[](0), new address[](0), address(this));
        _governor = new VCAIGovernor(
            address(manager),
            ve,
            timelock,
            7 days,
            IVCAIGovernor.Parameters(7 days, 14 days, 5 days, 10 days, 12 days, 1e18)
        );
        timelock.grantRole(timelock.PROPOSER_ROLE(), address(_governor));
        timelock.grantRole(timelock.EXECUTOR_ROLE(), address(_governor));
        manager.grantRole(Roles.SNAPSHOT, address(_governor), 0);
        manager.grantRole(Roles.PARAMS, address(timelock), 0);
    }

    function _holder(uint256 i) private pure returns (address) {
        return address(uint160(0x1000 + i));
    }

    function _endow(address who, uint256 amount) private {
        token.transfer(who, amount);
        vm.prank(who);
        token.approve(address(ve), type(uint256).max);
    }

    function _measured(string memory operation) private {
        vm.snapshotGasLastCall("governance", operation);
    }

    function _measureLock(address who, uint256 amount, uint256 weeks_, string memory operation) private {
        _lock(who, amount, _week(weeks_));
        _measured(operation);
    }

    function test_CreateLock() public {
        _endow(address(0x9999));
        _measureLock(address(0x9999), 1_000e18, 1 + 150, "lock_create_used_week");
    }

    function test_CreateLockInANewWeek() public {
        _endow(address(0x9999));
        _measureLock(address(0x9999), 1_000e18, 1 + 151, "lock_create_new_week");
    }

    function test_TopUp() public {
        _measureLock(_holder(40), 1_000e18, 1 + 120, "lock_top_up");
    }

    function test_TopUpAfterSnapshot() public {
        _snapshot();
        _pass(10 minutes);
        _measureLock(_holder(40), 1_000e18, 1 + 120, "lock_top_up_first_after_a_snapshot");
    }

    function test_Extend() public {
        _endow(address(0x9999));
        _lock(address(0x9999), 1_000e18, _week(1 + 120));
        _pass(10 minutes);
        _measureLock(address(0x9999), 0, 1 + 123, "lock_extend");
    }

    function test_ExtendTheOnlyLockOfItsWeek() public {
        _measureLock(_holder(40), 0, 1 + 123, "lock_extend_out_of_an_emptied_week");
    }

    function test_Claim() public {
        ve.claim(_holder(40));
        _measured("claim");
    }

    function test_ClaimAfterAYear() public {
        _pass(52 weeks);
        ve.poke();
        _notify(1_000e18);
        _pass(1 hours);
        ve.claim(_holder(40));
        _measured("claim_after_50_weeks");
    }

    function test_ClaimAfterIdleWeeks() public {
        _pass(26 weeks);
        ve.claim(_holder(40));
        _measured("claim_first_after_26_idle_weeks_with_8_ends");
    }

    function test_Poke() public {
        ve.poke();
        _measured("poke");
    }

    function test_PokeAfterIdleYears() public {
        _pass(4 * 365 days);
        ve.poke();
        _measured("poke_after_4_idle_years_with_60_ends");
    }

    function test_Notify() public {
        _notify(1_000_000e18);
        _measured("notify");
    }

    function test_NotifyDaily() public {
        _pass(1 days);
        _notify(1_000_000e18);
        _measured("notify_daily");
    }

    function test_Snapshot() public {
        _snapshot();
        _pass(10 minutes);
        _snapshot();
        _measured("snapshot");
    }

    function test_Withdraw() public {
        _pass(4 weeks);
        ve.poke();
        _pass(10 minutes);
        _withdraw(_holder(1));
        _measured("withdraw");
    }

    function test_WithdrawWithHistory() public {
        _snapshot();
        _pass(4 weeks);
        ve.poke();
        _pass(10 minutes);
        _withdraw(_holder(1));
        _measured("withdraw_with_history");
    }

    function test_WithdrawAsTheFirstAfterTheEnd() public {
        _pass(4 weeks);
        _withdraw(_holder(1));
        _measured("withdraw_as_the_first_after_the_end");
    }

    function test_GiveByAStranger() public {
        _notify(1_000_000e18);
        _pass(10 minutes);
        vm.prank(_holder(60));
        ve.notify(900_000e18);
        _measured("notify_by_a_stranger");
    }

    /// @dev A buyback below the present rate, for which the access manager is asked.
    function test_NotifyThatSlowsTheStream() public {
        _notify(1e18);
        _measured("notify_slowing_the_stream");
    }

    function test_ProposalFromBeginningToEnd() public {
        IVCAIGovernor.Call[] memory calls = new IVCAIGovernor.Call[](1);
        calls[0] =
            IVCAIGovernor.Call(address(ve), 0, abi.encodeCall(IVeVCAI.setParameters, (IVeVCAI.Parameters(5_000e18))));
        vm.prank(_holder(60));
        uint256 id = _governor.propose(calls, "Lower the limit of linear weight to 5,000 VCAI.");
        _measured("propose_one_call");
        _pass(7 days);
        _governor.openVote(id);
        _measured("open_vote");
        for (uint256 i = 2; i <= LOCKS; ++i) {
            vm.prank(_holder(i));
            _governor.castVote(id, IVCAIGovernor.Support.For);
        }
        _measured("cast_vote");
        _pass(5 days);
        _governor.queue(id);
        _measured("queue");
        _pass(2 days);
        _governor.execute(id);
        _measured("execute");
    }
}
