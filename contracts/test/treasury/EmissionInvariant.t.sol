// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {Roles} from "../../src/Roles.sol";
import {IIncentiveController} from "../../src/interfaces/IIncentiveController.sol";
import {IRewardRoots} from "../../src/interfaces/IRewardRoots.sol";
import {IncentiveController} from "../../src/treasury/IncentiveController.sol";
import {RewardRoots} from "../../src/treasury/RewardRoots.sol";
import {Tree} from "../utils/Tree.sol";
import {MockToken, MockUnits} from "./mocks/Mocks.sol";
import {EmissionFixture} from "./mocks/EmissionFixture.sol";

/// @dev The network counts units, the keeper closes periods, verifiers post honest and lying roots, watchers dispute,
/// the DAO decides and grants, accounts claim.
contract EmissionHandler is Test {
    uint256 public constant ACCOUNTS = 3;

    RewardRoots private immutable _roots;
    IncentiveController private immutable _controller;
    MockUnits private immutable _units;
    MockToken private immutable _vcai;
    address[2] private _posters;
    address private immutable _challenger;

    mapping(IRewardRoots.Kind kind => mapping(uint32 epoch => uint256[3])) private _sums;
    uint256 public granted;
    mapping(IRewardRoots.Kind kind => uint256) public claimed;
    uint256 public bondsIn;
    uint256 public bondsOut;
    uint32[] private _open;
    IRewardRoots.Kind[] private _openKinds;

    constructor(
        RewardRoots roots,
        IncentiveController controller,
        MockUnits units,
        MockToken vcai,
        address[2] memory posters,
        address challenger
    ) {
        (_roots, _controller, _units, _vcai) = (roots, controller, units, vcai);
        (_posters, _challenger) = (posters, challenger);
    }

    function account(uint256 i) public pure returns (address) {
        return address(uint160(0xB000 + i % ACCOUNTS));
    }

    function _kind(uint256 seed) private pure returns (IRewardRoots.Kind) {
        IRewardRoots.Kind[3] memory kinds =
            [IRewardRoots.Kind.PoC, IRewardRoots.Kind.PoD, IRewardRoots.Kind.DemandRebate];
        return kinds[seed % 3];
    }

    function work(uint64 consumed, uint64 available) external {
        _units.add(consumed, available);
    }

    function closePeriod() external {
        (,, uint40 ends) = _controller.currentPeriod();
        if (vm.getBlockTimestamp() < ends) vm.warp(ends);
        _controller.closePeriod();
    }

    function setParameters(uint32 length, uint64 share, uint64 gain, uint64 pocShare) external {
        IIncentiveController.Parameters memory value = _controller.parameters();
        value.periodLength = uint32(bound(length, 1 days, 28 days));
        value.releaseShare = uint64(bound(share, 0, 1e18));
        value.gain = uint64(bound(gain, 0.01e18, 1e18));
        value.pocShare = uint64(bound(pocShare, 0, 1e18));
        _controller.setParameters(value);
    }

    function grant(uint256 amount) external {
        if (_controller.withheld() == 0) return;
        amount = bound(amount, 1, _controller.withheld());
        _controller.grant(address(0xdead), amount, "");
        granted += amount;
    }

    /// @dev A root whose leaves may add up to more than it says.
    function post(uint256 seed, uint96[3] calldata more, uint96 lie, bool other) external {
        IRewardRoots.Kind kind = _kind(seed);
        IRewardRoots.Line memory line = _roots.lineOf(kind);
        bool pending = line.liveAt != type(uint40).max && vm.getBlockTimestamp() < line.liveAt;
        if (pending) return;
        uint32 epoch = line.epoch + 1;
        bytes32[] memory leaves = new bytes32[](ACCOUNTS);
        uint256 total = 0;
        for (uint256 i = 0; i < ACCOUNTS; ++i) {
            uint256 room = (line.funded - line.claimed) / 3;
            uint256 sum = _roots.claimedBy(kind, account(i)) + (room == 0 ? 0 : more[i] % room);
            _sums[kind][epoch][i] = sum;
            leaves[i] = _roots.leafOf(kind, account(i), sum);
            total += sum;
        }
        if (lie % 3 == 0) total = bound(lie, line.claimed, total);
        vm.prank(_posters[other ? 1 : 0]);
        _roots.postRoot(kind, epoch, Tree.root(leaves), total, "");
    }

    function dispute(uint256 seed) external {
        IRewardRoots.Kind kind = _kind(seed);
        IRewardRoots.Line memory line = _roots.lineOf(kind);
        bool pending = line.liveAt != type(uint40).max && vm.getBlockTimestamp() < line.liveAt;
        if (!pending || _roots.freeBond(_challenger) < _roots.parameters().disputeBond) return;
        vm.prank(_challenger);
        _roots.dispute(kind, line.epoch, "");
        _open.push(line.epoch);
        _openKinds.push(kind);
    }

    function decide(uint256 seed, bool good) external {
        if (_open.length == 0) return;
        uint256 i = seed % _open.length;
        _roots.decide(_openKinds[i], _open[i], good);
        (_open[i], _openKinds[i]) = (_open[_open.length - 1], _openKinds[_open.length - 1]);
        _open.pop();
        _openKinds.pop();
    }

    function claim(uint256 seed, uint256 i) external {
        IRewardRoots.Kind kind = _kind(seed);
        (bytes32 root, uint256 total) = _roots.liveRoot(kind);
        if (root == 0) return;
        i %= ACCOUNTS;
        IRewardRoots.Line memory line = _roots.lineOf(kind);
        // The live root is the newest or the last before it that was not disputed.
        uint32 epoch = line.epoch;
        bytes32[] memory leaves = _leaves(kind, epoch);
        while (Tree.root(leaves) != root) leaves = _leaves(kind, --epoch);
        uint256 sum = _sums[kind][epoch][i];
        uint256 already = _roots.claimedBy(kind, account(i));
        bytes32[] memory proof = Tree.proof(leaves, i);
        if (sum <= already || sum - already + line.claimed > total) {
            vm.expectRevert();
            _roots.claim(kind, account(i), sum, proof);
            return;
        }
        assertEq(_roots.claim(kind, account(i), sum, proof), sum - already);
        claimed[kind] += sum - already;
    }

    function _leaves(IRewardRoots.Kind kind, uint32 epoch) private view returns (bytes32[] memory leaves) {
        leaves = new bytes32[](ACCOUNTS);
        for (uint256 i = 0; i < ACCOUNTS; ++i) {
            leaves[i] = _roots.leafOf(kind, account(i), _sums[kind][epoch][i]);
        }
    }

    function bonds(uint256 seed, uint96 amount, bool adds) external {
        address[3] memory all = [_posters[0], _posters[1], _challenger];
        address who = all[seed % 3];
        uint256 free = _roots.freeBond(who);
        vm.startPrank(who);
        if (adds) {
            amount = uint96(bound(amount, 1, 100e18));
            _vcai.mint(who, amount);
            _vcai.approve(address(_roots), amount);
            _roots.depositBond(amount);
            bondsIn += amount;
        } else if (free > 20_000e18) {
            amount = uint96(bound(amount, 1, free - 20_000e18));
            _roots.withdrawBond(amount);
            bondsOut += amount;
        }
        vm.stopPrank();
    }

    function releaseBond(uint256 seed) external {
        IRewardRoots.Kind kind = _kind(seed);
        IRewardRoots.Line memory line = _roots.lineOf(kind);
        if (line.bond != 0 && vm.getBlockTimestamp() >= line.liveAt) _roots.releaseBond(kind);
    }

    function reallocate(uint256 from, uint256 to, uint96 amount) external {
        if (from % 3 == to % 3) return;
        IRewardRoots.Line memory line = _roots.lineOf(_kind(from));
        uint256 most = line.total;
        if (line.claimed > most) most = line.claimed;
        if (line.previousTotal > most) most = line.previousTotal;
        if (line.funded <= most) return;
        _roots.reallocate(_kind(from), _kind(to), bound(amount, 1, line.funded - most));
    }

    function wait(uint32 time) external {
        vm.warp(vm.getBlockTimestamp() + bound(time, 1, 12 hours));
    }

    function lockedBonds() external view returns (uint256 locked) {
        for (uint256 i = 0; i < 3; ++i) {
            locked += _roots.lineOf(_kind(i)).bond;
        }
        for (uint256 i = 0; i < _open.length; ++i) {
            IRewardRoots.Dispute memory found = _roots.disputeOf(_openKinds[i], _open[i]);
            locked += uint256(found.posterBond) + found.challengerBond;
        }
    }
}

contract EmissionInvariantTest is EmissionFixture {
    EmissionHandler private handler;
    address private second = makeAddr("second poster");

    function setUp() public override {
        super.setUp();
        registry.set(second, true);
        _deposit(poster, 1_000_000e18);
        _deposit(second, 1_010_000e18);
        _deposit(challenger, 1_000_000e18);
        handler = new EmissionHandler(roots, controller, units, vcai, [poster, second], challenger);
        manager.grantRole(Roles.PARAMS, address(handler), 0);
        targetContract(address(handler));
    }

    function invariant_NoMoreThanTheScheduleIsReleased() public view {
        (, uint40 begins,) = controller.currentPeriod();
        uint256 freed = controller.freedBy(begins - START);
        assertEq(controller.released() + controller.withheld() + handler.granted(), freed);
        assertEq(vault.incentiveReleased(), controller.released() + handler.granted());
        assertLe(vault.incentiveReleased(), (uint256(begins - START) * WEEKLY) / 7 days + 326e18);
        assertLe(freed, POOL);
        assertLe(controller.supplyShare(), 1e18);
        assertLe(controller.utilization(), 1e18);
        assertEq(vcai.balanceOf(address(controller)), 0);
    }

    function invariant_EveryKindPaysOutOfItsOwnMoney() public view {
        uint256 funded = 0;
        for (uint256 i = 0; i < 4; ++i) {
            IRewardRoots.Kind kind = IRewardRoots.Kind(i);
            IRewardRoots.Line memory line = roots.lineOf(kind);
            assertEq(line.claimed, handler.claimed(kind));
            assertLe(line.claimed, line.funded);
            assertLe(line.total, line.funded);
            funded += line.funded;
        }
        assertEq(funded, controller.released());
    }

    function invariant_RewardsAndBondsAreConserved() public view {
        uint256 rewards = controller.released();
        for (uint256 i = 0; i < 4; ++i) {
            rewards -= roots.lineOf(IRewardRoots.Kind(i)).claimed;
        }
        uint256 free = roots.freeBond(poster) + roots.freeBond(second) + roots.freeBond(challenger);
        uint256 bonds = free + handler.lockedBonds();
        assertEq(vcai.balanceOf(address(roots)), rewards + bonds);
        uint256 deposited = 3_030_000e18 + handler.bondsIn() - handler.bondsOut();
        assertEq(bonds + vcai.balanceOf(treasury), deposited);
    }
}
