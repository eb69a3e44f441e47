// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {VeVCAI} from "../../src/governance/VeVCAI.sol";
import {IVeVCAI} from "../../src/interfaces/IVeVCAI.sol";
import {VCAIToken} from "../../src/token/VCAIToken.sol";

/// @dev Five holders lock, lengthen, withdraw and claim, strangers claim for them and give, the buyback notifies, the
/// governor takes snapshots, the DAO moves the limit, time passes by seconds or by years. Keeps its own ledger.
contract VeHandler is Test {
    uint256 public constant HOLDERS = 5;
    uint256 public constant MAX_SNAPSHOTS = 12;
    uint256 private constant WEEK = 7 days;

    VeVCAI private immutable _ve;
    VCAIToken private immutable _token;
    address private immutable _buyback;
    address private immutable _governor;
    address private immutable _dao;
    address public immutable stranger = makeAddr("stranger");

    uint256 public notified;
    uint256 public operations;
    mapping(address holder => uint256) public principal;
    mapping(address holder => uint256) public claimed;
    mapping(uint256 id => mapping(address holder => uint256)) public votes;
    mapping(uint256 id => uint256) public totals;

    constructor(VeVCAI ve, VCAIToken token, address buyback, address governor, address dao) {
        (_ve, _token, _buyback, _governor, _dao) = (ve, token, buyback, governor, dao);
        vm.prank(stranger);
        _token.approve(address(_ve), type(uint256).max);
        for (uint256 i = 0; i < HOLDERS; ++i) {
            vm.prank(holder(i));
            _token.approve(address(_ve), type(uint256).max);
        }
    }

    modifier counted() {
        ++operations;
        _;
    }

    function holder(uint256 seed) public pure returns (address) {
        return address(uint160(0x7000 + seed % HOLDERS));
    }

    function claimedByAll() external view returns (uint256 sum) {
        for (uint256 i = 0; i < HOLDERS; ++i) {
            sum += claimed[holder(i)];
        }
    }

    function lock(uint256 seed, uint256 amount, uint256 week) external counted {
        address who = holder(seed);
        if (_ended(who)) _withdraw(who);
        IVeVCAI.LockState memory held = _ve.locks(who);
        uint256 earliest = _ve.currentWeek() + 1;
        uint256 latest = earliest + 207;
        if (held.endWeek > earliest) earliest = held.endWeek;
        if (week % 3 != 0 && earliest + 3 < latest) latest = earliest + 3;
        week = bound(week, earliest, latest);
        uint256 most = _token.balanceOf(who) / (1 + amount % 1000);
        uint256 least = held.amount == 0 ? 1e18 : 0;
        if (most < least) return;
        amount = bound(amount, least, most);
        uint256 due = _ve.claimable(who);
        uint256 before = _token.balanceOf(who);
        vm.prank(who);
        _ve.lock(amount, week);
        assertEq(_token.balanceOf(who) + amount, before + due, "a lock costs its amount less the reward");
        claimed[who] += due;
        principal[who] += amount;
        assertEq(_ve.claimable(who), 0);
        assertGe(_ve.locks(who).root, held.root, "a change lowered a root");
    }

    function withdraw(uint256 seed) external counted {
        address who = holder(seed);
        if (_ended(who)) {
            _withdraw(who);
        } else {
            vm.prank(who);
            vm.expectRevert();
            _ve.withdraw();
        }
    }

    function claim(uint256 seed) external counted {
        address who = holder(seed);
        uint256 due = _ve.claimable(who);
        uint256 before = _token.balanceOf(who);
        vm.prank(stranger);
        assertEq(_ve.claim(who), due);
        assertEq(_token.balanceOf(who), before + due);
        claimed[who] += due;
        assertEq(_ve.claimable(who), 0);
    }

    function notify(uint256 amount) external counted {
        amount = bound(amount, 1, _token.balanceOf(_buyback) / 20);
        vm.prank(_buyback);
        _ve.notify(amount);
        notified += amount;
    }

    function give(uint256 amount) external counted {
        (uint256 left, uint256 rate,) = _ve.stream();
        amount = bound(amount, 1, _token.balanceOf(stranger) / 20);
        bool slows = left != 0 && ((left + amount) << 18) / 1 days < rate;
        if (slows) vm.expectRevert();
        vm.prank(stranger);
        _ve.notify(amount);
        if (slows) return;
        notified += amount;
        (, uint256 faster,) = _ve.stream();
        if (left != 0) assertGe(faster, rate, "a stranger slowed the stream");
    }

    function snapshot() external counted {
        if (_ve.snapshots() == MAX_SNAPSHOTS) return;
        vm.prank(_governor);
        uint256 id = _ve.snapshot();
        for (uint256 i = 0; i < HOLDERS; ++i) {
            votes[id][holder(i)] = _ve.weightOf(holder(i));
        }
        totals[id] = _ve.totalWeight();
    }

    function setLimit(uint256 limit) external counted {
        vm.prank(_dao);
        _ve.setParameters(IVeVCAI.Parameters(bound(limit, 1, 1_000_000) * 1e18));
    }

    function poke() external counted {
        uint256[HOLDERS] memory before = _claimables();
        _ve.poke();
        uint256[HOLDERS] memory afterwards = _claimables();
        for (uint256 i = 0; i < HOLDERS; ++i) {
            assertEq(before[i], afterwards[i], "a poke moved a reward");
        }
    }

    function pass(uint256 time) external {
        uint256[HOLDERS] memory before = _claimables();
        bool[HOLDERS] memory ended;
        for (uint256 i = 0; i < HOLDERS; ++i) {
            ended[i] = _ve.weightOf(holder(i)) == 0;
        }
        vm.warp(vm.getBlockTimestamp() + bound(time, 1, time % 7 == 0 ? 300 days : time % 3 == 0 ? 9 days : 2 hours));
        uint256[HOLDERS] memory afterwards = _claimables();
        for (uint256 i = 0; i < HOLDERS; ++i) {
            if (ended[i]) assertEq(afterwards[i], before[i], "earned without weight");
            else assertGe(afterwards[i] + 1e3, before[i], "time took a reward away");
        }
    }

    function _claimables() private view returns (uint256[HOLDERS] memory all) {
        for (uint256 i = 0; i < HOLDERS; ++i) {
            all[i] = _ve.claimable(holder(i));
        }
    }

    function _ended(address who) private view returns (bool) {
        IVeVCAI.LockState memory held = _ve.locks(who);
        return held.amount != 0 && _ve.timeOf(held.endWeek) <= vm.getBlockTimestamp();
    }

    function _withdraw(address who) private {
        uint256 due = _ve.claimable(who);
        uint256 before = _token.balanceOf(who);
        vm.prank(who);
        _ve.withdraw();
        assertEq(_token.balanceOf(who), before + principal[who] + due);
        principal[who] = 0;
        claimed[who] += due;
    }
}
