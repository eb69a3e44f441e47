// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Hashes as PairHash} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {INodeRegistry} from "../../src/interfaces/INodeRegistry.sol";
import {IRewardRoots} from "../../src/interfaces/IRewardRoots.sol";
import {ExactPull} from "../../src/libraries/ExactPull.sol";
import {ExpiringPause} from "../../src/libraries/ExpiringPause.sol";
import {RewardRoots} from "../../src/treasury/RewardRoots.sol";
import {Tree} from "../utils/Tree.sol";
import {EmissionFixture} from "./mocks/EmissionFixture.sol";

contract RewardRootsTest is EmissionFixture {
    IRewardRoots.Kind private constant POC = IRewardRoots.Kind.PoC;
    IRewardRoots.Kind private constant POD = IRewardRoots.Kind.PoD;
    IRewardRoots.Kind private constant TIER = IRewardRoots.Kind.FeeTier;
    IRewardRoots.Kind private constant REBATE = IRewardRoots.Kind.DemandRebate;

    function setUp() public override {
        super.setUp();
        _fund(POC, 1_000e18);
        _fund(POD, 500e18);
    }

    /// @dev Posts and waits until the root is live.
    function _postLive(IRewardRoots.Kind kind, uint256[] memory sums) private {
        _post(kind, sums);
        _wait(DELAY);
    }

    function test_KnowsWhatItWasMadeWith() public view {
        assertEq(address(roots.vcai()), address(vcai));
        assertEq(address(roots.registry()), address(registry));
        assertEq(roots.treasury(), treasury);
        assertEq(roots.minimumDelay(), 1 minutes);
        assertEq(abi.encode(roots.parameters()), abi.encode(_rootParameters()));
    }

    function test_FundsAKind() public {
        vcai.mint(address(this), 7);
        vcai.approve(address(roots), 7);
        vm.expectEmit(address(roots));
        emit IRewardRoots.Funded(POC, 7, 1_000e18 + 7);
        roots.fund(POC, 7);
        assertEq(roots.lineOf(POC).funded, 1_000e18 + 7);
        assertEq(vcai.balanceOf(address(roots)), 21_500e18 + 7);
    }

    function test_RefusesFundsThatCannotBe() public {
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.KindHasNoMoney.selector, TIER));
        roots.fund(TIER, 1);
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.AmountIsZero.selector, address(this)));
        roots.fund(POC, 0);
        vm.expectRevert(abi.encodeWithSelector(SafeCast.SafeCastOverflowedUintDowncast.selector, 96, 1 << 96));
        roots.fund(POC, 1 << 96);
    }

    function test_RefusesATokenThatKeepsAFee() public {
        vcai.mint(address(this), 10);
        vcai.approve(address(roots), 10);
        vcai.misbehave(true, false);
        vm.expectRevert(abi.encodeWithSelector(ExactPull.TransferMismatch.selector, 10, 9));
        roots.fund(POC, 10);
        vm.expectRevert(abi.encodeWithSelector(ExactPull.TransferMismatch.selector, 10, 9));
        roots.depositBond(10);
    }

    function test_DepositsAndWithdrawsBonds() public {
        vcai.mint(stranger, 30);
        vm.startPrank(stranger);
        vcai.approve(address(roots), 30);
        vm.expectEmit(address(roots));
        emit IRewardRoots.BondDeposited(stranger, 10, 10);
        roots.depositBond(10);
        vm.expectEmit(address(roots));
        emit IRewardRoots.BondDeposited(stranger, 20, 30);
        roots.depositBond(20);
        vm.expectEmit(address(roots));
        emit IRewardRoots.BondWithdrawn(stranger, 12, 18);
        roots.withdrawBond(12);
        assertEq(vcai.balanceOf(stranger), 12);
        assertEq(roots.freeBond(stranger), 18);
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.BondTooLow.selector, stranger, 18, 19));
        roots.withdrawBond(19);
        roots.withdrawBond(18);
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.AmountIsZero.selector, stranger));
        roots.withdrawBond(0);
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.AmountIsZero.selector, stranger));
        roots.depositBond(0);
    }

    function test_PostsARoot() public {
        uint40 liveAt = uint40(START + DELAY);
        vm.expectEmit(address(roots));
        emit IRewardRoots.RootPosted(POC, 1, poster, "root", 900e18, liveAt, POST_BOND, "ipfs://leaves");
        _postAs(poster, POC, "root", 900e18);
        IRewardRoots.Line memory line = roots.lineOf(POC);
        assertEq(line.root, "root");
        assertEq(line.previousRoot, 0);
        assertEq(line.total, 900e18);
        assertEq(line.epoch, 1);
        assertEq(line.liveAt, liveAt);
        assertEq(line.poster, poster);
        assertEq(line.bond, POST_BOND);
        assertEq(roots.freeBond(poster), 9_000e18);
        (bytes32 live,) = roots.liveRoot(POC);
        assertEq(live, 0);
        _wait(DELAY - 1);
        (live,) = roots.liveRoot(POC);
        assertEq(live, 0);
        _wait(1);
        uint256 total;
        (live, total) = roots.liveRoot(POC);
        assertEq(live, "root");
        assertEq(total, 900e18);
    }

    function test_ThePreviousRootServesUntilTheNextIsLive() public {
        uint256[] memory first = _sums(10e18, 20e18, 30e18);
        uint256[] memory second = _sums(15e18, 40e18, 30e18);
        _postLive(POC, first);
        _post(POC, second);
        IRewardRoots.Line memory line = roots.lineOf(POC);
        assertEq(line.previousRoot, Tree.root(_leaves(POC, first)));
        assertEq(line.previousTotal, 60e18);
        assertEq(line.total, 85e18);
        (bytes32 live, uint256 total) = roots.liveRoot(POC);
        assertEq(live, line.previousRoot);
        assertEq(total, 60e18);
        assertEq(_claim(POC, first, 0), 10e18);
        _wait(DELAY);
        assertEq(_claim(POC, second, 0), 5e18);
        assertEq(_claim(POC, second, 1), 40e18);
        uint256[] memory third = _sums(16e18, 40e18, 30e18);
        _postLive(POC, third);
        assertEq(_claim(POC, third, 0), 1e18);
        assertEq(roots.lineOf(POC).previousTotal, 85e18);
        assertEq(vcai.balanceOf(_account(0)), 16e18);
    }

    function test_PostingAgainIsRefused() public {
        _post(POC, _sums(1, 2, 3));
        vm.startPrank(poster);
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.EpochMismatch.selector, POC, 2, 1));
        roots.postRoot(POC, 1, "root", 6, "");
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.EpochMismatch.selector, POC, 2, 3));
        roots.postRoot(POC, 3, "root", 6, "");
        _wait(DELAY - 1);
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.RootPending.selector, POC, 1, START + DELAY));
        roots.postRoot(POC, 2, "root", 6, "");
        _wait(1);
        roots.postRoot(POC, 2, "root", 6, "");
        roots.postRoot(POD, 1, "root", 6, "");
    }

    function test_OnlyActiveVerifiersPost() public {
        _deposit(stranger, POST_BOND);
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.NotAnActiveVerifier.selector, stranger));
        vm.prank(stranger);
        roots.postRoot(POC, 1, "root", 1, "");
    }

    function test_RefusesRootsThatCannotBe() public {
        vm.startPrank(poster);
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.RootIsZero.selector, POC));
        roots.postRoot(POC, 1, 0, 1, "");
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.TotalAboveFunded.selector, POC, 1_000e18, 1_000e18 + 1));
        roots.postRoot(POC, 1, "root", 1_000e18 + 1, "");
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.TextTooLong.selector, 256, 257));
        roots.postRoot(POC, 1, "root", 1, string(new bytes(257)));
        roots.postRoot(POC, 1, "root", 1_000e18, string(new bytes(256)));
    }

    function test_ATotalIsNeverBelowWhatWasClaimed() public {
        uint256[] memory sums = _sums(10, 20, 30);
        _postLive(POC, sums);
        _claim(POC, sums, 0);
        vm.startPrank(poster);
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.TotalBelowClaimed.selector, POC, 10, 9));
        roots.postRoot(POC, 2, "root", 9, "");
        roots.postRoot(POC, 2, "root", 10, "");
    }

    function test_PostingNeedsABond() public {
        vm.prank(poster);
        roots.withdrawBond(9_000e18 + 1);
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.BondTooLow.selector, poster, POST_BOND - 1, POST_BOND));
        vm.prank(poster);
        roots.postRoot(POC, 1, "root", 1, "");
    }

    function test_TheSamePosterKeepsItsBondLocked() public {
        _postLive(POC, _sums(1, 2, 3));
        vm.prank(poster);
        roots.withdrawBond(9_000e18);
        vm.recordLogs();
        _post(POC, _sums(2, 2, 3));
        assertEq(vm.getRecordedLogs().length, 1);
        assertEq(roots.freeBond(poster), 0);
        assertEq(roots.lineOf(POC).bond, POST_BOND);
    }

    function test_AChangedBondIsExchanged() public {
        _postLive(POC, _sums(1, 2, 3));
        IRewardRoots.Parameters memory value = _rootParameters();
        value.postBond = 2_500e18;
        roots.setParameters(value);
        _post(POC, _sums(2, 2, 3));
        assertEq(roots.freeBond(poster), 7_500e18);
        assertEq(roots.lineOf(POC).bond, 2_500e18);
    }

    function test_ANewPosterFreesTheOld() public {
        _postLive(POC, _sums(1, 2, 3));
        registry.set(challenger, true);
        vm.expectEmit(address(roots));
        emit IRewardRoots.BondReleased(poster, POC, 1, POST_BOND);
        _postAs(challenger, POC, "root", 6);
        assertEq(roots.freeBond(poster), 10_000e18);
        assertEq(roots.freeBond(challenger), 9_000e18);
        assertEq(roots.lineOf(POC).poster, challenger);
    }

    function test_ReleasesTheBondOfALiveRoot() public {
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.BondStillLocked.selector, POC, 0));
        roots.releaseBond(POC);
        _post(POC, _sums(1, 2, 3));
        _wait(DELAY - 1);
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.BondStillLocked.selector, POC, 1));
        roots.releaseBond(POC);
        _wait(1);
        vm.expectEmit(address(roots));
        emit IRewardRoots.BondReleased(poster, POC, 1, POST_BOND);
        roots.releaseBond(POC);
        assertEq(roots.freeBond(poster), 10_000e18);
        assertEq(roots.lineOf(POC).poster, address(0));
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.BondStillLocked.selector, POC, 1));
        roots.releaseBond(POC);
        _post(POC, _sums(1, 2, 4));
        assertEq(roots.freeBond(poster), 9_000e18);
    }

    function test_PaysTheAccountWhoeverClaims() public {
        uint256[] memory sums = _sums(10e18, 20e18, 30e18);
        _postLive(POC, sums);
        bytes32[] memory proof = Tree.proof(_leaves(POC, sums), 1);
        vm.expectEmit(address(roots));
        emit IRewardRoots.Claimed(POC, _account(1), 20e18, 20e18);
        vm.prank(stranger);
        assertEq(roots.claim(POC, _account(1), 20e18, proof), 20e18);
        assertEq(vcai.balanceOf(_account(1)), 20e18);
        assertEq(roots.claimedBy(POC, _account(1)), 20e18);
        assertEq(roots.lineOf(POC).claimed, 20e18);
    }

    function test_PaysOnce() public {
        uint256[] memory sums = _sums(10e18, 20e18, 30e18);
        _postLive(POC, sums);
        _claim(POC, sums, 1);
        bytes32[] memory proof = Tree.proof(_leaves(POC, sums), 1);
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.NothingToClaim.selector, POC, _account(1), 20e18, 20e18));
        roots.claim(POC, _account(1), 20e18, proof);
        sums = _sums(10e18, 19e18, 31e18);
        _postLive(POC, sums);
        proof = Tree.proof(_leaves(POC, sums), 1);
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.NothingToClaim.selector, POC, _account(1), 20e18, 19e18));
        roots.claim(POC, _account(1), 19e18, proof);
    }

    function test_RefusesWithoutALiveRoot() public {
        uint256[] memory sums = _sums(1, 2, 3);
        _post(POC, sums);
        bytes32[] memory proof = Tree.proof(_leaves(POC, sums), 1);
        _wait(DELAY - 1);
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.NoLiveRoot.selector, POC));
        roots.claim(POC, _account(1), 2, proof);
        _wait(1);
        roots.claim(POC, _account(1), 2, proof);
    }

    function test_RefusesWrongProofs() public {
        uint256[] memory sums = _sums(10, 20, 30);
        _postLive(POC, sums);
        bytes32[] memory proof = Tree.proof(_leaves(POC, sums), 0);
        bytes32 root = Tree.root(_leaves(POC, sums));
        bytes32 leaf = roots.leafOf(POC, _account(0), 11);
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.InvalidProof.selector, root, leaf));
        roots.claim(POC, _account(0), 11, proof);
        leaf = roots.leafOf(POC, _account(1), 10);
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.InvalidProof.selector, root, leaf));
        roots.claim(POC, _account(1), 10, proof);
    }

    function test_ALeafOfOneKindIsNoneOfAnother() public {
        uint256[] memory sums = _sums(10, 20, 30);
        bytes32[] memory leaves = _leaves(POC, sums);
        _postAs(poster, POD, Tree.root(leaves), 60);
        _wait(DELAY);
        bytes32 leaf = roots.leafOf(POD, _account(0), 10);
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.InvalidProof.selector, Tree.root(leaves), leaf));
        roots.claim(POD, _account(0), 10, Tree.proof(leaves, 0));
    }

    function test_TheLeafIsAsPublished() public view {
        bytes32 inner = keccak256(abi.encode(uint8(1), _account(7), uint256(12)));
        assertEq(roots.leafOf(POD, _account(7), 12), keccak256(abi.encodePacked(inner)));
    }

    /// @dev The two children of a node, 64 bytes, are no leaf: a leaf is a hash of a hash of 96 bytes.
    function test_AnInnerNodeIsNoLeaf() public {
        uint256[] memory sums = _sums(10, 20, 30);
        bytes32[] memory leaves = _leaves(POC, sums);
        _postLive(POC, sums);
        bytes32 node = PairHash.commutativeKeccak256(leaves[0], leaves[1]);
        bytes32[] memory proof = new bytes32[](1);
        proof[0] = leaves[2];
        assertEq(PairHash.commutativeKeccak256(node, proof[0]), Tree.root(leaves));
        bytes32 leaf = roots.leafOf(POC, address(uint160(uint256(leaves[0]))), uint256(leaves[1]));
        assertNotEq(leaf, node);
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.InvalidProof.selector, Tree.root(leaves), leaf));
        roots.claim(POC, address(uint160(uint256(leaves[0]))), uint256(leaves[1]), proof);
    }

    /// @dev A root whose leaves add up to more than it says pays no more than it says, and nothing of other kinds.
    function test_ABadRootCannotDrainAnotherBudget() public {
        uint256[] memory bad = _sums(300e18, 400e18, 1_000e18);
        _postAs(poster, POC, Tree.root(_leaves(POC, bad)), 600e18);
        _wait(DELAY);
        assertEq(_claim(POC, bad, 0), 300e18);
        bytes32[] memory proof = Tree.proof(_leaves(POC, bad), 1);
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.BudgetExhausted.selector, POC, 300e18, 400e18));
        roots.claim(POC, _account(1), 400e18, proof);
        // What comes later is safe, too: the next root names its own sum.
        _fund(POC, 100e18);
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.BudgetExhausted.selector, POC, 300e18, 400e18));
        roots.claim(POC, _account(1), 400e18, proof);
        uint256[] memory good = _sums(0, 200e18, 100e18);
        _postLive(POD, good);
        assertEq(_claim(POD, good, 1), 200e18);
        assertEq(_claim(POD, good, 2), 100e18);
    }

    function test_TheWholeBudgetCanBeClaimed() public {
        uint256[] memory sums = _sums(300e18, 400e18, 300e18);
        _postLive(POC, sums);
        _claim(POC, sums, 0);
        _claim(POC, sums, 1);
        _claim(POC, sums, 2);
        assertEq(roots.lineOf(POC).claimed, 1_000e18);
    }

    function test_ASumThatFellBelowWhatWasClaimedPaysNothing() public {
        uint256[] memory sums = _sums(300e18, 400e18, 300e18);
        _postLive(POC, sums);
        uint256[] memory smaller = _sums(100e18, 100e18, 500e18);
        _post(POC, smaller);
        _claim(POC, sums, 0);
        _claim(POC, sums, 1);
        assertEq(_sum(smaller), roots.lineOf(POC).claimed);
        _wait(DELAY);
        bytes32[] memory proof = Tree.proof(_leaves(POC, smaller), 2);
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.BudgetExhausted.selector, POC, 0, 500e18));
        roots.claim(POC, _account(2), 500e18, proof);
    }

    function test_AMuchSmallerSumPaysNothingEither() public {
        uint256[] memory sums = _sums(300e18, 400e18, 300e18);
        _postLive(POC, sums);
        uint256[] memory smaller = _sums(0, 0, 5e18);
        _post(POC, smaller);
        _claim(POC, sums, 0);
        _wait(DELAY);
        bytes32[] memory proof = Tree.proof(_leaves(POC, smaller), 2);
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.BudgetExhausted.selector, POC, 0, 5e18));
        roots.claim(POC, _account(2), 5e18, proof);
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.TotalBelowClaimed.selector, POC, 300e18, 299e18));
        vm.prank(poster);
        roots.postRoot(POC, 3, "root", 299e18, "");
    }

    function test_FeeTiersAreProvenAndNotPaid() public {
        uint256[] memory tiers = _sums(100, 250, 500);
        bytes32[] memory leaves = _leaves(TIER, tiers);
        bytes32[] memory proof = Tree.proof(leaves, 1);
        bytes32[] memory none = new bytes32[](0);
        assertFalse(roots.tierOf(_account(1), 250, proof));
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.TotalAboveFunded.selector, TIER, 0, 1));
        vm.prank(poster);
        roots.postRoot(TIER, 1, Tree.root(leaves), 1, "");
        _postAs(poster, TIER, Tree.root(leaves), 0);
        assertFalse(roots.tierOf(_account(1), 250, proof));
        _wait(DELAY);
        assertTrue(roots.tierOf(_account(1), 250, proof));
        assertFalse(roots.tierOf(_account(1), 251, proof));
        assertFalse(roots.tierOf(_account(0), 250, proof));
        assertFalse(roots.tierOf(_account(1), 250, none));
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.KindHasNoMoney.selector, TIER));
        roots.claim(TIER, _account(1), 250, proof);
    }

    function test_TheDaoMovesUnusedMoney() public {
        uint256[] memory sums = _sums(100e18, 200e18, 300e18);
        _postLive(POC, sums);
        vm.expectEmit(address(roots));
        emit IRewardRoots.Reallocated(POC, REBATE, 400e18);
        roots.reallocate(POC, REBATE, 400e18);
        assertEq(roots.lineOf(POC).funded, 600e18);
        assertEq(roots.lineOf(REBATE).funded, 400e18);
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.BudgetCommitted.selector, POC, 0, 1));
        roots.reallocate(POC, REBATE, 1);
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.SameKind.selector, POC));
        roots.reallocate(POC, POC, 0);
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.KindHasNoMoney.selector, TIER));
        roots.reallocate(POC, TIER, 0);
    }

    function test_MoneyOfThePreviousRootIsCommittedUntilTheNextIsLive() public {
        _postLive(POC, _sums(100e18, 200e18, 300e18));
        _post(POC, _sums(1, 0, 0));
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.BudgetCommitted.selector, POC, 400e18, 400e18 + 1));
        roots.reallocate(POC, REBATE, 400e18 + 1);
        _wait(DELAY);
        roots.reallocate(POC, REBATE, 1_000e18 - 1);
    }

    function test_MoneyOfThePendingRootIsCommitted() public {
        _postLive(POC, _sums(1, 0, 0));
        _post(POC, _sums(100e18, 200e18, 300e18));
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.BudgetCommitted.selector, POC, 400e18, 400e18 + 1));
        roots.reallocate(POC, REBATE, 400e18 + 1);
    }

    function test_ClaimedMoneyIsGone() public {
        uint256[] memory sums = _sums(300e18, 400e18, 300e18);
        _postLive(POC, sums);
        _post(POC, _sums(1, 0, 0));
        _claim(POC, sums, 0);
        _wait(DELAY);
        vm.expectRevert(abi.encodeWithSelector(IRewardRoots.BudgetCommitted.selector, POC, 700e18, 700e18 + 1));
        roots.reallocate(POC, REBATE, 700e18 + 1);
        roots.reallocate(POC, REBATE, 700e18);
    }

    function test_APauseStopsNewRootsOnly() public {
        uint256[] memory sums = _sums(10, 20, 30);
        _post(POC, sums);
        _post(POD, sums);
        roots.pause(1 days);
        vm.expectRevert(abi.encodeWithSelector(ExpiringPause.ModulePaused.selector, roots.pausedUntil()));
        vm.prank(poster);
        roots.postRoot(POC, 2, "root", 1, "");
        _dispute(POD);
        _wait(DELAY);
        assertEq(_claim(POC, sums, 0), 10);
        vm.prank(poster);
        roots.withdrawBond(1);
        roots.releaseBond(POC);
    }

    function test_ATokenThatAnswersFalseUndoesTheClaim() public {
        uint256[] memory sums = _sums(10, 20, 30);
        _postLive(POC, sums);
        vcai.misbehave(false, true);
        bytes32[] memory proof = Tree.proof(_leaves(POC, sums), 0);
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, vcai));
        roots.claim(POC, _account(0), 10, proof);
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, vcai));
        vm.prank(poster);
        roots.withdrawBond(5);
    }

    function test_ATokenThatCallsBackIsNotPaidTwice() public {
        uint256[] memory sums = _sums(10, 20, 30);
        _postLive(POC, sums);
        bytes32[] memory proof = Tree.proof(_leaves(POC, sums), 0);
        vcai.callBack(address(roots), abi.encodeCall(IRewardRoots.claim, (POC, _account(0), 10, proof)));
        roots.claim(POC, _account(0), 10, proof);
        assertTrue(vcai.callFailed());
        assertEq(
            vcai.callError(), abi.encodeWithSelector(IRewardRoots.NothingToClaim.selector, POC, _account(0), 10, 10)
        );
        assertEq(vcai.balanceOf(_account(0)), 10);
    }

    function testFuzz_EveryoneGetsExactlyItsSum(uint64[3] memory first, uint64[3] memory more, uint8 early) public {
        uint256[] memory one = _sums(first[0], first[1], first[2]);
        uint256[] memory two = _sums(one[0] + more[0], one[1] + more[1], one[2] + more[2]);
        _postLive(POC, one);
        for (uint256 i = 0; i < 3; ++i) {
            if ((early >> i) & 1 == 1 && one[i] != 0) _claim(POC, one, i);
        }
        _postLive(POC, two);
        for (uint256 i = 0; i < 3; ++i) {
            if (two[i] > roots.claimedBy(POC, _account(i))) _claim(POC, two, i);
            assertEq(vcai.balanceOf(_account(i)), two[i]);
        }
        assertEq(roots.lineOf(POC).claimed, _sum(two));
    }

    function test_KeepsParametersInRange() public {
        IRewardRoots.Parameters memory value = IRewardRoots.Parameters(7 days, 9_000, 1_000_000e18, 1_000_000e18);
        vm.expectEmit(address(roots));
        emit IRewardRoots.ParametersChanged(value);
        roots.setParameters(value);
        assertEq(abi.encode(roots.parameters()), abi.encode(value));
        roots.setParameters(IRewardRoots.Parameters(1 minutes, 0, 1, 1));
        _refuses("delay", 1 minutes - 1, 1 minutes, 7 days, IRewardRoots.Parameters(1 minutes - 1, 0, 1, 1));
        _refuses("delay", 7 days + 1, 1 minutes, 7 days, IRewardRoots.Parameters(7 days + 1, 0, 1, 1));
        _refuses("winnerBps", 9_001, 0, 9_000, IRewardRoots.Parameters(1 days, 9_001, 1, 1));
        _refuses("postBond", 0, 1, 1e24, IRewardRoots.Parameters(1 days, 0, 0, 1));
        _refuses("postBond", 1e24 + 1, 1, 1e24, IRewardRoots.Parameters(1 days, 0, 1e24 + 1, 1));
        _refuses("disputeBond", 0, 1, 1e24, IRewardRoots.Parameters(1 days, 0, 1, 0));
        _refuses("disputeBond", 1e24 + 1, 1, 1e24, IRewardRoots.Parameters(1 days, 0, 1, 1e24 + 1));
    }

    function _refuses(
        bytes32 name,
        uint256 value,
        uint256 minimum,
        uint256 maximum,
        IRewardRoots.Parameters memory parameters
    ) private {
        _expectRange(name, value, minimum, maximum);
        roots.setParameters(parameters);
    }

    function _expectRange(bytes32 name, uint256 value, uint256 minimum, uint256 maximum) private {
        vm.expectRevert(
            abi.encodeWithSelector(IRewardRoots.ParameterOutOfRange.selector, name, value, minimum, maximum)
        );
    }

    function test_RefusesToBeMadeWrongly() public {
        for (uint256 i = 0; i < 3; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IRewardRoots.NotAContract.selector, stranger));
            this.make(i, 1 minutes);
        }
        _expectRange("minimumDelay", 0, 1, 7 days);
        this.make(9, 0);
        _expectRange("minimumDelay", 7 days + 1, 1, 7 days);
        this.make(9, 7 days + 1);
        assertEq(this.make(9, 1).minimumDelay(), 1);
        _expectRange("delay", DELAY, 7 days, 7 days);
        this.make(9, 7 days);
    }

    /// @dev Part `wrong` is no contract. In a call of its own, so that what the constructor reverts with is its answer.
    function make(uint256 wrong, uint40 minimumDelay) external returns (RewardRoots) {
        return new RewardRoots(
            address(manager),
            wrong == 0 ? IERC20(stranger) : vcai,
            INodeRegistry(wrong == 1 ? stranger : address(registry)),
            wrong == 2 ? stranger : treasury,
            minimumDelay,
            _rootParameters()
        );
    }

    function test_RefusesStrangers() public {
        bytes memory refused = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger);
        vm.startPrank(stranger);
        vm.expectRevert(refused);
        roots.fund(POC, 1);
        vm.expectRevert(refused);
        roots.reallocate(POC, POD, 0);
        vm.expectRevert(refused);
        roots.decide(POC, 1, true);
        vm.expectRevert(refused);
        roots.setParameters(_rootParameters());
        vm.expectRevert(refused);
        roots.pause(1);
    }
}
