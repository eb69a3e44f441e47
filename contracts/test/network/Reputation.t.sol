// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Reputation} from "../../src/network/Reputation.sol";
import {IReputation} from "../../src/interfaces/IReputation.sol";
import {Tree} from "../utils/Tree.sol";
import {CourtFixture} from "./CourtFixture.sol";

contract ReputationTest is CourtFixture {
    Reputation private reputation;
    IReputation.Summary[] private summaries;
    bytes32[] private leaves;
    uint64 private epoch;

    function setUp() public override {
        super.setUp();
        reputation = new Reputation(verifiers, 1 days);
        for (uint64 i = 0; i < 5; ++i) {
            IReputation.Summary memory summary =
                IReputation.Summary(address(uint160(0x9000 + i)), 10 + i, uint8(90 + i), keccak256(abi.encode(i)));
            summaries.push(summary);
            leaves.push(reputation.leafOf(summary));
        }
        epoch = reputation.currentEpoch() - 1;
    }

    function test_Epoch_IsCountedFromUnixTime() public view {
        assertEq(reputation.epochLength(), 1 days);
        assertEq(address(reputation.verifiers()), address(verifiers));
        assertEq(reputation.currentEpoch(), START / 1 days);
    }

    function test_Leaf_IsHashedTwice() public view {
        IReputation.Summary memory s = summaries[0];
        bytes32 inner = keccak256(abi.encode(s.subject, s.count, s.score, s.detailHash));
        assertEq(leaves[0], keccak256(bytes.concat(inner)));
    }

    function test_Anchor_IsOncePerVerifierAndEpoch() public {
        bytes32 root = Tree.root(leaves);
        vm.startPrank(members[0]);
        vm.expectEmit(address(reputation));
        emit IReputation.FeedbackAnchored(epoch, members[0], root, 5, "ipfs://tree");
        reputation.anchor(epoch, root, 5, "ipfs://tree");
        assertEq(reputation.rootOf(members[0], epoch), root);
        vm.expectRevert(abi.encodeWithSelector(IReputation.AlreadyAnchored.selector, epoch, members[0]));
        reputation.anchor(epoch, keccak256("other"), 5, "");
        reputation.anchor(epoch - 1, keccak256("other"), 5, "");
        vm.stopPrank();
        vm.prank(members[1]);
        reputation.anchor(epoch, keccak256("another view"), 5, "");
        assertEq(reputation.rootOf(members[0], epoch), root);
    }

    function test_RevertWhen_TheEpochIsNotOver() public {
        vm.startPrank(members[0]);
        vm.expectRevert(abi.encodeWithSelector(IReputation.EpochNotOver.selector, epoch + 1, epoch + 1));
        reputation.anchor(epoch + 1, keccak256("x"), 1, "");
        vm.warp((uint256(epoch) + 2) * 1 days - 1);
        vm.expectRevert(abi.encodeWithSelector(IReputation.EpochNotOver.selector, epoch + 1, epoch + 1));
        reputation.anchor(epoch + 1, keccak256("x"), 1, "");
        vm.warp((uint256(epoch) + 2) * 1 days);
        reputation.anchor(epoch + 1, keccak256("x"), 1, "");
    }

    function test_RevertWhen_NotAnActiveMember() public {
        vm.expectRevert(abi.encodeWithSelector(IReputation.NotAVerifier.selector, stranger));
        vm.prank(stranger);
        reputation.anchor(epoch, keccak256("x"), 1, "");
        vm.prank(court);
        registry.suspend(members[0], START + 1);
        vm.expectRevert(abi.encodeWithSelector(IReputation.NotAVerifier.selector, members[0]));
        vm.prank(members[0]);
        reputation.anchor(epoch, keccak256("x"), 1, "");
    }

    function test_RevertWhen_TheRootIsZeroOrTheUriTooLong() public {
        vm.startPrank(members[0]);
        vm.expectRevert(abi.encodeWithSelector(IReputation.RootIsZero.selector, epoch));
        reputation.anchor(epoch, 0, 1, "");
        vm.expectRevert(abi.encodeWithSelector(IReputation.UriTooLong.selector, 512, 513));
        reputation.anchor(epoch, keccak256("x"), 1, string(new bytes(513)));
        reputation.anchor(epoch, keccak256("x"), 1, string(new bytes(512)));
        vm.stopPrank();
        vm.expectRevert(IReputation.EpochLengthIsZero.selector);
        this.deploy(0);
    }

    /// @dev A call of its own, so that a revert of the constructor ends the call and not the test.
    function deploy(uint64 epochLength) external {
        new Reputation(verifiers, epochLength);
    }

    function test_Show_EmitsWhatIsInTheTree() public {
        vm.prank(members[0]);
        reputation.anchor(epoch, Tree.root(leaves), 5, "");
        for (uint256 i = 0; i < 5; ++i) {
            IReputation.Summary memory s = summaries[i];
            bytes32[] memory proof = Tree.proof(leaves, i);
            assertTrue(reputation.isAnchored(members[0], epoch, s, proof));
            assertFalse(reputation.isAnchored(members[1], epoch, s, proof));
            vm.expectEmit(address(reputation));
            emit IReputation.FeedbackShown(s.subject, members[0], epoch, s.count, s.score, s.detailHash);
            vm.prank(stranger);
            reputation.show(members[0], epoch, s, proof);
        }
    }

    function test_RevertWhen_ASummaryIsNotInTheTree() public {
        bytes32 root = Tree.root(leaves);
        vm.prank(members[0]);
        reputation.anchor(epoch, root, 5, "");
        IReputation.Summary memory s = summaries[2];
        s.score = 1;
        bytes32[] memory proof = Tree.proof(leaves, 2);
        bytes32 leaf = reputation.leafOf(s);
        assertFalse(reputation.isAnchored(members[0], epoch, s, proof));
        vm.expectRevert(abi.encodeWithSelector(IReputation.InvalidProof.selector, root, leaf));
        reputation.show(members[0], epoch, s, proof);
        vm.expectRevert(abi.encodeWithSelector(IReputation.InvalidProof.selector, bytes32(0), leaf));
        reputation.show(members[1], epoch, s, proof);
        s.score = 101;
        vm.expectRevert(abi.encodeWithSelector(IReputation.ScoreTooHigh.selector, 100, 101));
        reputation.show(members[0], epoch, s, proof);
    }

    function test_Show_AllowsTheFullScore() public {
        IReputation.Summary memory s = IReputation.Summary(node, 1, 100, 0);
        bytes32 leaf = reputation.leafOf(s);
        vm.prank(members[0]);
        reputation.anchor(epoch, leaf, 1, "");
        reputation.show(members[0], epoch, s, new bytes32[](0));
    }
}
