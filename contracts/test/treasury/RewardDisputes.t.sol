// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRewardRoots} from "../../src/interfaces/IRewardRoots.sol";
import {Tree} from "../utils/Tree.sol";
import {EmissionFixture} from "./mocks/EmissionFixture.sol";

contract RewardDisputesTest is EmissionFixture {
    IRewardRoots.Kind private constant POC = IRewardRoots.Kind.PoC;
    uint40 private constant NEVER = type(uint40).max;

    uint256[] private live;
    uint256[] private disputed;

    function setUp() public override {
        super.setUp();
        _fund(POC, 1_000e18);
        live = _sums(10e18, 20e18, 30e18);
        disputed = _sums(50e18, 60e18, 70e18);
        _post(POC, live);
        _wait(DELAY);
        _post(POC, disputed);
    }

    function test_ADisputedRootPaysNothing() public {
        bytes32 root = Tree.root(_leaves(POC, disputed));
        vm.expectEmit(address(roots));
        emit IRewardRoots.RootDisputed(POC, 2, challenger, DISPUTE_BOND, "wrong sums");
        _dispute(POC);
        IRewardRoots.Dispute memory found = roots.disputeOf(POC, 2);
        assertEq(found.root, root);
        assertEq(found.poster, poster);
        assertEq(found.posterBond, POST_BOND);
        assertEq(found.challenger, challenger);
        assertEq(found.challengerBond, DISPUTE_BOND);
        assertEq(found.decidableUntil, vm.getBlockTimestamp() + 90 days);
        assertEq(roots.freeBond(challenger), 9_600e18);
        assertEq(roots.freeBond(poster), 9_000e18);
        IRewardRoots.Line memory line = roots.lineOf(POC);
        assertEq(line.liveAt, NEVER);
        assertEq(line.poster, address(0));
        assertEq(line.bond, 0);
        _wait(365 days);
        (bytes32 serves,) = roots.liveRoot(POC);
        assertEq(serves, Tree.root(_leaves(POC, live)));
        bytes32[] memory proof = Tree.proof(_leaves(POC, disputed), 0);
        bytes32 leaf = roots.leafOf(POC, _account(0), 50e18);
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.InvalidProof.selector, serves, leaf));
        roots.claim(POC, _account(0), 50e18, proof);
        assertEq(_claim(POC, live, 0), 10e18);
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.BondStillLocked.selector, POC, 2));
        roots.releaseBond(POC);
    }

    function test_ADisputeMustBeInTime() public {
        _wait(DELAY - 1);
        uint256 snapshot = vm.snapshotState();
        _dispute(POC);
        vm.revertToState(snapshot);
        _wait(1);
        _expectNotDisputable(2);
    }

    function test_OnlyTheNewestRootCanBeDisputedAndOnce() public {
        _expectNotDisputable(1);
        _expectNotDisputable(3);
        _dispute(POC);
        _expectNotDisputable(2);
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.NotDisputable.selector, IRewardRoots.Kind.PoD, 0));
        vm.prank(challenger);
        roots.dispute(IRewardRoots.Kind.PoD, 0, "");
    }

    function _expectNotDisputable(uint32 epoch) private {
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.NotDisputable.selector, POC, epoch));
        vm.prank(challenger);
        roots.dispute(POC, epoch, "");
    }

    function test_ADisputeNeedsABondAndAShortReason() public {
        _deposit(stranger, DISPUTE_BOND - 1);
        vm.startPrank(stranger);
        vm.expectRevert(
            abi.encodeWithSelector(IRewardRoots.BondTooLow.selector, stranger, DISPUTE_BOND - 1, DISPUTE_BOND)
        );
        roots.dispute(POC, 2, "");
        vm.stopPrank();
        vm.startPrank(challenger);
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.TextTooLong.selector, 256, 257));
        roots.dispute(POC, 2, string(new bytes(257)));
        roots.dispute(POC, 2, string(new bytes(256)));
    }

    function test_TheNextRootNeedNotWaitForTheDecision() public {
        _dispute(POC);
        uint256[] memory better = _sums(11e18, 21e18, 31e18);
        _post(POC, better);
        assertEq(roots.freeBond(poster), 8_000e18);
        IRewardRoots.Line memory line = roots.lineOf(POC);
        assertEq(line.epoch, 3);
        assertEq(line.previousRoot, Tree.root(_leaves(POC, live)));
        assertEq(line.previousTotal, 60e18);
        assertEq(_claim(POC, live, 0), 10e18);
        _wait(DELAY);
        assertEq(_claim(POC, better, 0), 1e18);
    }

    function test_ARootFoundGoodGoesLive() public {
        _dispute(POC);
        _wait(10 days);
        vm.expectEmit(address(roots));
        emit IRewardRoots.DisputeDecided(POC, 2, true, true, 240e18, 160e18);
        roots.decide(POC, 2, true);
        assertEq(roots.lineOf(POC).liveAt, vm.getBlockTimestamp());
        assertEq(roots.freeBond(poster), 10_240e18);
        assertEq(roots.freeBond(challenger), 9_600e18);
        assertEq(vcai.balanceOf(treasury), 160e18);
        assertEq(roots.disputeOf(POC, 2).challenger, address(0));
        assertEq(_claim(POC, disputed, 0), 50e18);
        _post(POC, _sums(51e18, 60e18, 70e18));
        assertEq(roots.lineOf(POC).previousTotal, 180e18);
    }

    function test_ARootFoundGoodTooLateStaysReplaced() public {
        _dispute(POC);
        uint256[] memory better = _sums(11e18, 21e18, 31e18);
        _post(POC, better);
        uint40 liveAt = roots.lineOf(POC).liveAt;
        vm.expectEmit(address(roots));
        emit IRewardRoots.DisputeDecided(POC, 2, true, false, 240e18, 160e18);
        roots.decide(POC, 2, true);
        assertEq(roots.lineOf(POC).liveAt, liveAt);
        assertEq(roots.freeBond(poster), 9_240e18);
    }

    function test_ARootFoundBadCostsItsBond() public {
        _dispute(POC);
        vm.expectEmit(address(roots));
        emit IRewardRoots.DisputeDecided(POC, 2, false, false, 600e18, 400e18);
        roots.decide(POC, 2, false);
        assertEq(roots.freeBond(poster), 9_000e18);
        assertEq(roots.freeBond(challenger), 10_600e18);
        assertEq(vcai.balanceOf(treasury), 400e18);
        assertEq(roots.lineOf(POC).liveAt, NEVER);
        (bytes32 serves,) = roots.liveRoot(POC);
        assertEq(serves, Tree.root(_leaves(POC, live)));
        vm.prank(challenger);
        roots.withdrawBond(10_600e18);
        assertEq(vcai.balanceOf(challenger), 10_600e18);
    }

    function test_ADisputeIsDecidedOnce() public {
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.NotDisputed.selector, POC, 2));
        roots.decide(POC, 2, true);
        _dispute(POC);
        roots.decide(POC, 2, true);
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.NotDisputed.selector, POC, 2));
        roots.decide(POC, 2, false);
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.NotDisputed.selector, POC, 2));
        roots.expireDispute(POC, 2);
    }

    function test_WithoutADecisionBothGetTheirBonds() public {
        _dispute(POC);
        uint256 until = vm.getBlockTimestamp() + 90 days;
        vm.warp(until - 1);
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.StillDecidable.selector, POC, 2, until));
        roots.expireDispute(POC, 2);
        vm.warp(until);
        vm.expectEmit(address(roots));
        emit IRewardRoots.DisputeExpired(POC, 2);
        vm.prank(stranger);
        roots.expireDispute(POC, 2);
        assertEq(roots.freeBond(poster), 10_000e18);
        assertEq(roots.freeBond(challenger), 10_000e18);
        assertEq(roots.lineOf(POC).liveAt, NEVER);
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.NotDisputed.selector, POC, 2));
        roots.decide(POC, 2, true);
    }

    function test_MoneyOfADisputedRootIsCommittedWhileItCanComeBack() public {
        _dispute(POC);
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.BudgetCommitted.selector, POC, 820e18, 820e18 + 1));
        roots.reallocate(POC, IRewardRoots.Kind.PoD, 820e18 + 1);
        _post(POC, live);
        _wait(DELAY);
        roots.reallocate(POC, IRewardRoots.Kind.PoD, 940e18);
        roots.decide(POC, 2, true);
        assertEq(_claim(POC, live, 0), 10e18);
    }

    function test_TheFirstRootCanBeDisputed() public {
        IRewardRoots.Kind kind = IRewardRoots.Kind.DemandRebate;
        _fund(kind, 100e18);
        uint256[] memory sums = _sums(1e18, 2e18, 3e18);
        _post(kind, sums);
        _dispute(kind);
        _wait(DELAY);
        bytes32[] memory proof = Tree.proof(_leaves(kind, sums), 0);
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.NoLiveRoot.selector, kind));
        roots.claim(kind, _account(0), 1e18, proof);
        roots.decide(kind, 1, true);
        assertEq(_claim(kind, sums, 0), 1e18);
    }

    function testFuzz_BondsAreConserved(uint16 winnerBps, uint96 postBond, uint96 disputeBond, bool good) public {
        IRewardRoots.Parameters memory value = _rootParameters();
        value.winnerBps = uint16(bound(winnerBps, 0, 9_000));
        value.postBond = uint96(bound(postBond, 1, 5_000e18));
        value.disputeBond = uint96(bound(disputeBond, 1, 5_000e18));
        _wait(DELAY);
        roots.setParameters(value);
        _post(POC, _sums(80e18, 60e18, 70e18));
        uint32 epoch = _dispute(POC);
        roots.decide(POC, epoch, good);
        uint256 lost = good ? value.disputeBond : value.postBond;
        uint256 gain = lost * value.winnerBps / 10_000;
        assertEq(roots.freeBond(good ? poster : challenger), 10_000e18 + gain);
        assertEq(roots.freeBond(good ? challenger : poster), 10_000e18 - lost);
        assertEq(vcai.balanceOf(treasury), lost - gain);
    }
}
