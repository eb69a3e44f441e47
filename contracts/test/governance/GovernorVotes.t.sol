// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IVCAIGovernor} from "../../src/interfaces/IVCAIGovernor.sol";
import {IVeVCAI} from "../../src/interfaces/IVeVCAI.sol";
import {GovernorFixture} from "./GovernorFixture.sol";
import {FlashLender, FlashVoter, SigningWallet} from "./mocks/Wallets.sol";

/// @dev Who may vote, with what weight, and what is a majority.
contract GovernorVotesTest is GovernorFixture {
    IVCAIGovernor.Support private constant AGAINST = IVCAIGovernor.Support.Against;
    IVCAIGovernor.Support private constant FOR = IVCAIGovernor.Support.For;
    IVCAIGovernor.Support private constant ABSTAIN = IVCAIGovernor.Support.Abstain;

    function _end(uint256 id) private {
        vm.warp(governor.proposals(id).votingUntil);
    }

    function test_VotesAreCountedBySupport() public {
        uint256 id = _opened();
        vm.expectEmit(address(governor));
        emit IVCAIGovernor.VoteCast(id, alice, FOR, ve.votesAt(alice, 1));
        _vote(alice, id, FOR);
        vm.expectEmit(address(governor));
        emit IVCAIGovernor.VoteCast(id, bob, AGAINST, ve.votesAt(bob, 1));
        _vote(bob, id, AGAINST);
        vm.expectEmit(address(governor));
        emit IVCAIGovernor.VoteCast(id, carol, ABSTAIN, ve.votesAt(carol, 1));
        _vote(carol, id, ABSTAIN);
        IVCAIGovernor.Proposal memory proposal = governor.proposals(id);
        assertEq(proposal.votesFor, ve.votesAt(alice, 1));
        assertEq(proposal.votesAgainst, ve.votesAt(bob, 1));
        assertEq(proposal.votesAbstain, ve.votesAt(carol, 1));
        (bool voted, IVCAIGovernor.Support support) = governor.voteOf(id, bob);
        assertTrue(voted && support == AGAINST);
        (voted, support) = governor.voteOf(id, carol);
        assertTrue(voted && support == ABSTAIN);
        (voted,) = governor.voteOf(id, dave);
        assertFalse(voted);
    }

    function test_MoreThanHalfOfAllWeightMustBeInFavourNotOfTheVotesCast() public {
        uint256 id = _opened();
        _vote(alice, id, FOR);
        _end(id);
        _assertState(id, IVCAIGovernor.ProposalState.Defeated);
        _expectWrongState(id, IVCAIGovernor.ProposalState.Succeeded, IVCAIGovernor.ProposalState.Defeated);
        governor.queue(id);
        _pass(365 days);
        _assertState(id, IVCAIGovernor.ProposalState.Defeated);
    }

    /// @dev Carol holds exactly half, 300 of 600, at a second in which nothing is rounded: TMAX has the factor 27 * 487.
    function test_ExactlyHalfIsNotEnough() public {
        uint256 id = _proposed();
        _pass(7 days);
        _pass((ve.timeOf(200) - _now()) % (27 * 487));
        governor.openVote(id);
        _vote(carol, id, FOR);
        IVCAIGovernor.Proposal memory proposal = governor.proposals(id);
        assertEq(uint256(proposal.votesFor) * 2, ve.totalAt(proposal.snapshotId));
        _end(id);
        _assertState(id, IVCAIGovernor.ProposalState.Defeated);
    }

    function test_ALittleMoreThanHalfIsEnough() public {
        _lock(carol, 1e18, 200);
        uint256 id = _opened();
        _vote(carol, id, FOR);
        _vote(alice, id, AGAINST);
        _vote(bob, id, AGAINST);
        _end(id);
        _assertState(id, IVCAIGovernor.ProposalState.Succeeded);
    }

    function test_AgainstAndAbstainDoNotHelp() public {
        uint256 id = _opened();
        _vote(alice, id, ABSTAIN);
        _vote(bob, id, FOR);
        _vote(carol, id, ABSTAIN);
        _end(id);
        _assertState(id, IVCAIGovernor.ProposalState.Defeated);
    }

    function test_NobodyVotesTwice() public {
        uint256 id = _opened();
        _vote(alice, id, AGAINST);
        for (uint8 i = 0; i < 3; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IVCAIGovernor.AlreadyVoted.selector, id, alice));
            _vote(alice, id, IVCAIGovernor.Support(i));
        }
        assertEq(governor.proposals(id).votesAgainst, ve.votesAt(alice, 1));
    }

    function test_WithoutWeightThereIsNoVote() public {
        uint256 id = _opened();
        vm.expectRevert(abi.encodeWithSelector(IVCAIGovernor.NoWeight.selector, id, dave));
        _vote(dave, id, FOR);
    }

    function test_VotesAreTakenOnlyWhileTheVoteIsOpen() public {
        uint256 id = _proposed();
        _expectWrongState(id, IVCAIGovernor.ProposalState.Voting, IVCAIGovernor.ProposalState.Discussion);
        _vote(alice, id, FOR);
        _pass(7 days);
        _expectWrongState(id, IVCAIGovernor.ProposalState.Voting, IVCAIGovernor.ProposalState.Openable);
        _vote(alice, id, FOR);
        governor.openVote(id);
        _pass(5 days - 1);
        _vote(alice, id, FOR);
        _pass(1);
        _expectWrongState(id, IVCAIGovernor.ProposalState.Voting, IVCAIGovernor.ProposalState.Defeated);
        _vote(carol, id, FOR);
    }

    // -------------------------------------------------------------------------------------------- changed locks

    function test_AChangeOfALockAfterTheOpeningChangesNoVote() public {
        uint256 id = _opened();
        uint256 before = ve.votesAt(alice, 1);
        _lock(alice, 400_000_000e18, 208);
        _vote(alice, id, FOR);
        assertEq(governor.proposals(id).votesFor, before);
        _lock(alice, 1e18, 208);
        vm.expectRevert(abi.encodeWithSelector(IVCAIGovernor.AlreadyVoted.selector, id, alice));
        _vote(alice, id, FOR);
        token.transfer(dave, 1_000_000e18);
        vm.startPrank(dave);
        token.approve(address(ve), 1_000_000e18);
        ve.lock(1_000_000e18, 100);
        vm.expectRevert(abi.encodeWithSelector(IVCAIGovernor.NoWeight.selector, id, dave));
        governor.castVote(id, FOR);
    }

    /// @dev Money that left an ended lock and went into another one votes once.
    function test_TheSameMoneyDoesNotVoteTwice() public {
        _endow(dave);
        vm.warp(ve.timeOf(2) - 8 days);
        _lock(dave, 1_000_000e18, 2);
        uint256 id = _opened();
        assertGt(ve.votesAt(dave, 1), 0);
        _pass(1 days);
        vm.startPrank(dave);
        ve.withdraw();
        token.transfer(keeper, 1_000_000e18);
        vm.stopPrank();
        vm.startPrank(keeper);
        token.approve(address(ve), 1_000_000e18);
        ve.lock(1_000_000e18, 200);
        vm.expectRevert(abi.encodeWithSelector(IVCAIGovernor.NoWeight.selector, id, keeper));
        governor.castVote(id, FOR);
        vm.stopPrank();
        _vote(dave, id, FOR);
        assertEq(governor.proposals(id).votesFor, ve.votesAt(dave, 1));
    }

    // -------------------------------------------------------------------------------------------- flash loans

    function test_AFlashLoanCannotVote() public {
        uint256 id = _opened();
        FlashLender lender = new FlashLender();
        FlashVoter voter = new FlashVoter(ve, governor);
        token.transfer(address(lender), 5_000_000_000e18);
        vm.expectRevert(abi.encodeWithSelector(IVCAIGovernor.NoWeight.selector, id, address(voter)));
        lender.lend(token, voter, id, false);
    }

    /// @dev Even who opens the vote in the same transaction must leave the money locked, so the loan cannot be repaid.
    function test_AFlashLoanThatOpensTheVoteItselfCannotBeRepaid() public {
        uint256 id = _proposed();
        _pass(7 days);
        FlashLender lender = new FlashLender();
        FlashVoter voter = new FlashVoter(ve, governor);
        token.transfer(address(lender), 5_000_000_000e18);
        vm.expectRevert(
            abi.encodeWithSelector(IVeVCAI.StillLocked.selector, address(voter), ve.timeOf(ve.currentWeek() + 1))
        );
        lender.lend(token, voter, id, true);
        _assertState(id, IVCAIGovernor.ProposalState.Openable);
    }

    // -------------------------------------------------------------------------------------------- signatures

    function _sign(uint256 key, uint256 id, IVCAIGovernor.Support support, address voter)
        private
        view
        returns (bytes memory)
    {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, governor.ballotDigest(id, support, voter));
        return abi.encodePacked(r, s, v);
    }

    function test_TheDigestIsTheEip712MessageOfThisGovernor() public view {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Vcity Governor"),
                keccak256("1"),
                block.chainid,
                address(governor)
            )
        );
        bytes32 message =
            keccak256(abi.encode(keccak256("Ballot(uint256 id,uint8 support,address voter)"), 42, uint8(2), alice));
        assertEq(governor.ballotDigest(42, ABSTAIN, alice), keccak256(abi.encodePacked("\x19\x01", domain, message)));
    }

    function test_AnyoneBringsASignedVote() public {
        uint256 id = _opened();
        bytes memory signature = _sign(aliceKey, id, FOR, alice);
        vm.expectEmit(address(governor));
        emit IVCAIGovernor.VoteCast(id, alice, FOR, ve.votesAt(alice, 1));
        vm.prank(keeper);
        governor.castVoteBySig(id, FOR, alice, signature);
        vm.expectRevert(abi.encodeWithSelector(IVCAIGovernor.AlreadyVoted.selector, id, alice));
        governor.castVoteBySig(id, FOR, alice, signature);
        vm.expectRevert(abi.encodeWithSelector(IVCAIGovernor.AlreadyVoted.selector, id, alice));
        _vote(alice, id, AGAINST);
    }

    function test_ASignatureServesForNothingElse() public {
        uint256 id = _opened();
        uint256 other = _opened();
        bytes memory signature = _sign(aliceKey, id, FOR, alice);
        _assertBad(other, FOR, alice, signature);
        _assertBad(id, AGAINST, alice, signature);
        _assertBad(id, FOR, carol, signature);
        signature[64] = signature[64] == bytes1(uint8(27)) ? bytes1(uint8(28)) : bytes1(uint8(27));
        _assertBad(id, FOR, alice, signature);
        _assertBad(id, FOR, alice, "");
        _assertBad(id, FOR, address(0), signature);
    }

    function _assertBad(uint256 id, IVCAIGovernor.Support support, address voter, bytes memory signature) private {
        bytes32 digest = governor.ballotDigest(id, support, voter);
        vm.expectRevert(abi.encodeWithSelector(IVCAIGovernor.BadVoteSignature.selector, voter, digest));
        governor.castVoteBySig(id, support, voter, signature);
    }

    function test_AWalletContractSignsByErc1271() public {
        SigningWallet wallet = new SigningWallet();
        token.transfer(address(wallet), 10_000e18);
        wallet.lock(ve, 10_000e18, 100);
        uint256 id = _opened();
        _assertBad(id, FOR, address(wallet), "");
        wallet.approve(governor.ballotDigest(id, FOR, address(wallet)));
        governor.castVoteBySig(id, FOR, address(wallet), "");
        assertEq(governor.proposals(id).votesFor, ve.votesAt(address(wallet), 1));
    }
}
