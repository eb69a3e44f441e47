// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {VCAIGovernor} from "../../src/governance/VCAIGovernor.sol";
import {IVCAIGovernor} from "../../src/interfaces/IVCAIGovernor.sol";
import {IVeVCAI} from "../../src/interfaces/IVeVCAI.sol";
import {GovernorFixture} from "./GovernorFixture.sol";
import {Target} from "./mocks/Wallets.sol";

/// @dev Stages, windows, limits and parameters. Votes are in GovernorVotes.t.sol.
contract VCAIGovernorTest is GovernorFixture {
    // -------------------------------------------------------------------------------------------- propose

    function test_ProposesAndKeepsWhatWasProposed() public {
        IVCAIGovernor.Call[] memory calls = new IVCAIGovernor.Call[](2);
        calls[0] = IVCAIGovernor.Call(address(ve), 0, hex"01020304");
        calls[1] = IVCAIGovernor.Call(dave, 7, "");
        bytes32 content = keccak256(abi.encode(keccak256(abi.encode(calls)), keccak256("why")));
        uint256 expected = uint256(keccak256(abi.encode(block.chainid, address(governor), alice, uint256(0), content)));
        vm.expectEmit(address(governor));
        emit IVCAIGovernor.Proposed(expected, alice, uint64(START + 7 days), uint64(START + 21 days), calls, "why");
        uint256 id = _propose(alice, calls);
        assertEq(id, expected);
        assertEq(abi.encode(governor.callsOf(id)), abi.encode(calls));
        assertEq(governor.proposalCount(alice), 1);
        assertEq(governor.operationOf(id), 0);
        IVCAIGovernor.Proposal memory proposal = governor.proposals(id);
        assertEq(proposal.proposer, alice);
        assertEq(proposal.openFrom, START + 7 days);
        assertEq(proposal.openUntil, START + 21 days);
        assertEq(proposal.snapshotId + proposal.votingUntil + proposal.queueUntil, 0);
        assertEq(proposal.executeFrom + proposal.executeUntil, 0);
        assertEq(proposal.votesFor + proposal.votesAgainst + proposal.votesAbstain, 0);
        _assertState(id, IVCAIGovernor.ProposalState.Discussion);
    }

    /// @dev Whoever copies a proposal gets another id, so copying and cancelling does not block it.
    function test_NobodyCanTakeAnothersIdOrCancelItForThem() public {
        uint256 copy = _propose(carol, _change());
        vm.prank(carol);
        governor.cancel(copy);
        uint256 id = _proposed();
        assertNotEq(id, copy);
        uint256 again = _proposed();
        assertNotEq(id, again);
        assertEq(governor.proposalCount(alice), 2);
        _assertState(id, IVCAIGovernor.ProposalState.Discussion);
        _assertState(copy, IVCAIGovernor.ProposalState.Cancelled);
    }

    function test_OneNeedsTheThresholdOfWeightNowToPropose() public {
        uint256 weight = ve.weightOf(alice);
        _setThreshold(uint96(weight));
        vm.warp(START);
        _proposed();
        vm.warp(START + 1);
        uint256 less = ve.weightOf(alice);
        assertLt(less, weight);
        vm.expectRevert(abi.encodeWithSelector(IVCAIGovernor.WeightBelowThreshold.selector, alice, weight, less));
        _proposed();
        vm.expectRevert(abi.encodeWithSelector(IVCAIGovernor.WeightBelowThreshold.selector, dave, weight, 0));
        _propose(dave, _change());
    }

    function _setThreshold(uint96 threshold) private {
        IVCAIGovernor.Parameters memory given = _defaults();
        given.proposerThreshold = threshold;
        vm.prank(address(timelock));
        governor.setParameters(given);
    }

    function test_TheCourtProposesWithoutWeight() public {
        uint256 id = _propose(court, _change());
        assertEq(governor.proposals(id).proposer, court);
    }

    function test_RefusesNoCallsAndTooMany() public {
        IVCAIGovernor.Call[] memory calls = new IVCAIGovernor.Call[](0);
        vm.expectRevert(abi.encodeWithSelector(IVCAIGovernor.WrongNumberOfCalls.selector, 1, 16, 0));
        _propose(alice, calls);
        calls = new IVCAIGovernor.Call[](17);
        vm.expectRevert(abi.encodeWithSelector(IVCAIGovernor.WrongNumberOfCalls.selector, 1, 16, 17));
        _propose(alice, calls);
        calls = new IVCAIGovernor.Call[](16);
        assertEq(governor.callsOf(_propose(alice, calls)).length, 16);
    }

    function test_RefusesCallsAndDescriptionsThatAreTooLong() public {
        uint256 rest = 16_384 - abi.encode(_call(dave, "")).length;
        assertEq(abi.encode(_call(dave, new bytes(rest))).length, 16_384);
        uint256 id = _propose(alice, _call(dave, new bytes(rest)));
        assertEq(governor.callsOf(id)[0].data.length, rest);
        vm.expectRevert(abi.encodeWithSelector(IVCAIGovernor.CallsTooLong.selector, 16_384, 16_416));
        _propose(alice, _call(dave, new bytes(rest + 1)));
        vm.startPrank(alice);
        governor.propose(_change(), string(new bytes(16_384)));
        vm.expectRevert(abi.encodeWithSelector(IVCAIGovernor.DescriptionTooLong.selector, 16_384, 16_385));
        governor.propose(_change(), string(new bytes(16_385)));
    }

    // -------------------------------------------------------------------------------------------- stages

    function test_TheVoteOpensAfterTheDiscussionAndNotASecondBefore() public {
        uint256 id = _proposed();
        vm.warp(START + 7 days - 1);
        _expectWrongState(id, IVCAIGovernor.ProposalState.Openable, IVCAIGovernor.ProposalState.Discussion);
        governor.openVote(id);
        vm.warp(START + 7 days);
        _assertState(id, IVCAIGovernor.ProposalState.Openable);
        vm.expectEmit(address(governor));
        emit IVCAIGovernor.VoteOpened(id, 1, uint64(START + 12 days), ve.totalWeight());
        vm.prank(dave);
        governor.openVote(id);
        _assertState(id, IVCAIGovernor.ProposalState.Voting);
        IVCAIGovernor.Proposal memory proposal = governor.proposals(id);
        assertEq(proposal.snapshotId, 1);
        assertEq(proposal.votingUntil, START + 12 days);
        assertEq(proposal.queueUntil, START + 22 days);
        assertEq(ve.snapshotTime(1), START + 7 days);
        _expectWrongState(id, IVCAIGovernor.ProposalState.Openable, IVCAIGovernor.ProposalState.Voting);
        governor.openVote(id);
    }

    function test_AProposalThatNobodyOpensExpires() public {
        uint256 id = _proposed();
        vm.warp(START + 21 days - 1);
        _assertState(id, IVCAIGovernor.ProposalState.Openable);
        vm.warp(START + 21 days);
        _assertState(id, IVCAIGovernor.ProposalState.Expired);
        _expectWrongState(id, IVCAIGovernor.ProposalState.Openable, IVCAIGovernor.ProposalState.Expired);
        governor.openVote(id);
        _expectWrongState(id, IVCAIGovernor.ProposalState.Openable, IVCAIGovernor.ProposalState.Expired);
        vm.prank(alice);
        governor.cancel(id);
    }

    function test_APassedProposalIsQueuedAndExecuted() public {
        uint256 id = _succeeded(_change());
        _assertState(id, IVCAIGovernor.ProposalState.Succeeded);
        _expectWrongState(id, IVCAIGovernor.ProposalState.Executable, IVCAIGovernor.ProposalState.Succeeded);
        governor.execute(id);
        uint64 from = uint64(_now() + DELAY);
        bytes32 operation = _operation(id, _change());
        vm.expectEmit(address(governor));
        emit IVCAIGovernor.Queued(id, operation, from, from + 12 days);
        vm.expectEmit(address(timelock));
        emit TimelockController.CallSalt(operation, bytes32(id));
        vm.prank(dave);
        governor.queue(id);
        assertEq(governor.operationOf(id), operation);
        assertEq(timelock.getTimestamp(operation), from);
        assertEq(governor.proposals(id).executeFrom, from);
        assertEq(governor.proposals(id).executeUntil, from + 12 days);
        _assertState(id, IVCAIGovernor.ProposalState.Queued);
        vm.warp(from - 1);
        _expectWrongState(id, IVCAIGovernor.ProposalState.Executable, IVCAIGovernor.ProposalState.Queued);
        governor.execute(id);
        vm.warp(from);
        _assertState(id, IVCAIGovernor.ProposalState.Executable);
        vm.expectEmit(address(governor));
        emit IVCAIGovernor.Executed(id);
        vm.prank(dave);
        governor.execute(id);
        assertEq(ve.parameters().linearBelow, 5_000e18);
        _assertState(id, IVCAIGovernor.ProposalState.Executed);
        _expectWrongState(id, IVCAIGovernor.ProposalState.Executable, IVCAIGovernor.ProposalState.Executed);
        governor.execute(id);
        _pass(365 days);
        _assertState(id, IVCAIGovernor.ProposalState.Executed);
    }

    function _operation(uint256 id, IVCAIGovernor.Call[] memory calls) private view returns (bytes32) {
        address[] memory targets = new address[](calls.length);
        uint256[] memory values = new uint256[](calls.length);
        bytes[] memory payloads = new bytes[](calls.length);
        for (uint256 i = 0; i < calls.length; ++i) {
            (targets[i], values[i], payloads[i]) = (calls[i].target, calls[i].value, calls[i].data);
        }
        return timelock.hashOperationBatch(targets, values, payloads, 0, bytes32(id));
    }

    function test_APassedProposalThatNobodyQueuesExpires() public {
        uint256 id = _succeeded(_change());
        uint256 end = governor.proposals(id).votingUntil;
        vm.warp(end + 10 days - 1);
        _assertState(id, IVCAIGovernor.ProposalState.Succeeded);
        vm.warp(end + 10 days);
        _assertState(id, IVCAIGovernor.ProposalState.Expired);
        _expectWrongState(id, IVCAIGovernor.ProposalState.Succeeded, IVCAIGovernor.ProposalState.Expired);
        governor.queue(id);
    }

    function test_AQueuedProposalThatNobodyExecutesExpiresAlsoInTheTimelock() public {
        uint256 id = _queuedWith(_change());
        uint256 until = governor.proposals(id).executeUntil;
        vm.warp(until - 1);
        _assertState(id, IVCAIGovernor.ProposalState.Executable);
        vm.warp(until);
        _assertState(id, IVCAIGovernor.ProposalState.Expired);
        _expectWrongState(id, IVCAIGovernor.ProposalState.Executable, IVCAIGovernor.ProposalState.Expired);
        governor.execute(id);
        IVCAIGovernor.Call memory only = _change()[0];
        vm.expectRevert();
        timelock.execute(only.target, only.value, only.data, 0, bytes32(id));
    }

    function test_RefusesToQueueTwice() public {
        uint256 id = _queuedWith(_change());
        _expectWrongState(id, IVCAIGovernor.ProposalState.Succeeded, IVCAIGovernor.ProposalState.Queued);
        governor.queue(id);
    }

    function test_ALongerDelayOfTheTimelockIsKept() public {
        uint256 id = _executedWith(_call(address(timelock), abi.encodeCall(TimelockController.updateDelay, (9 days))));
        _assertState(id, IVCAIGovernor.ProposalState.Executed);
        id = _queuedWith(_change());
        assertEq(governor.proposals(id).executeFrom, _now() + 9 days);
        _pass(9 days - 1);
        _assertState(id, IVCAIGovernor.ProposalState.Queued);
        _pass(1);
        governor.execute(id);
    }

    function test_AllCallsAreMadeInOrderOrNone() public {
        Target target = new Target();
        vm.deal(address(timelock), 5);
        IVCAIGovernor.Call[] memory calls = new IVCAIGovernor.Call[](2);
        calls[0] = IVCAIGovernor.Call(address(target), 5, abi.encodeCall(Target.add, (10)));
        calls[1] = IVCAIGovernor.Call(address(target), 0, abi.encodeCall(Target.refuse, (3)));
        uint256 id = _queuedWith(calls);
        _pass(DELAY);
        vm.expectRevert(abi.encodeWithSelector(Target.Refused.selector, 3));
        governor.execute(id);
        assertEq(target.sum(), 0);
        _assertState(id, IVCAIGovernor.ProposalState.Executable);
        calls[1].data = abi.encodeCall(Target.add, (100));
        id = _executedWith(calls);
        assertEq(target.sum(), 115);
        assertEq(address(target).balance, 5);
        _assertState(id, IVCAIGovernor.ProposalState.Executed);
    }

    function test_ACallThatExecutesAgainRevertsTheWhole() public {
        Target target = new Target();
        uint256 id = _queuedWith(_call(address(target), abi.encodeCall(Target.reenter, ())));
        target.arm(governor, id);
        _pass(DELAY);
        vm.expectRevert();
        governor.execute(id);
        assertEq(target.sum(), 0);
    }

    // -------------------------------------------------------------------------------------------- cancel

    function test_TheProposerCancelsUntilTheVoteOpens() public {
        uint256 id = _proposed();
        vm.expectRevert(abi.encodeWithSelector(IVCAIGovernor.NotProposer.selector, id, alice, bob));
        vm.prank(bob);
        governor.cancel(id);
        vm.expectEmit(address(governor));
        emit IVCAIGovernor.Cancelled(id);
        vm.prank(alice);
        governor.cancel(id);
        _assertState(id, IVCAIGovernor.ProposalState.Cancelled);
        _expectWrongState(id, IVCAIGovernor.ProposalState.Openable, IVCAIGovernor.ProposalState.Cancelled);
        vm.prank(alice);
        governor.cancel(id);
        _pass(7 days);
        _expectWrongState(id, IVCAIGovernor.ProposalState.Openable, IVCAIGovernor.ProposalState.Cancelled);
        governor.openVote(id);
        id = _proposed();
        _pass(7 days);
        vm.prank(alice);
        governor.cancel(id);
        _assertState(id, IVCAIGovernor.ProposalState.Cancelled);
    }

    function test_NobodyCancelsOnceTheVoteIsOpen() public {
        uint256 id = _opened();
        _expectWrongState(id, IVCAIGovernor.ProposalState.Openable, IVCAIGovernor.ProposalState.Voting);
        vm.prank(alice);
        governor.cancel(id);
    }

    function test_AnUnknownProposalIsRefusedEverywhere() public {
        bytes memory unknown = abi.encodeWithSelector(IVCAIGovernor.ProposalUnknown.selector, 42);
        vm.expectRevert(unknown);
        governor.state(42);
        vm.expectRevert(unknown);
        governor.openVote(42);
        vm.expectRevert(unknown);
        governor.castVote(42, IVCAIGovernor.Support.For);
        vm.expectRevert(unknown);
        governor.queue(42);
        vm.expectRevert(unknown);
        governor.execute(42);
        vm.expectRevert(unknown);
        governor.cancel(42);
        vm.expectRevert(unknown);
        governor.proposals(42);
        vm.expectRevert(unknown);
        governor.callsOf(42);
        vm.expectRevert(unknown);
        governor.operationOf(42);
    }

    // -------------------------------------------------------------------------------------------- parameters

    function test_OnlyTheDaoChangesParametersThroughAVote() public {
        IVCAIGovernor.Parameters memory given = _defaults();
        given.voting = 9 days;
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, alice));
        vm.prank(alice);
        governor.setParameters(given);
        IVCAIGovernor.Call[] memory calls =
            _call(address(governor), abi.encodeCall(IVCAIGovernor.setParameters, (given)));
        uint256 old = _queuedWith(calls);
        uint256 meanwhile = _proposed();
        _pass(DELAY);
        vm.expectEmit(address(governor));
        emit IVCAIGovernor.ParametersChanged(given);
        governor.execute(old);
        assertEq(abi.encode(governor.parameters()), abi.encode(given));
        _pass(7 days);
        governor.openVote(meanwhile);
        assertEq(governor.proposals(meanwhile).votingUntil, _now() + 5 days, "made under the old parameters");
        uint256 id = _opened();
        assertEq(governor.proposals(id).votingUntil, _now() + 9 days);
    }

    function test_ChangedWindowsDoNotReviveOldProposals() public {
        uint256 unopened = _proposed();
        uint256 unqueued = _succeeded(_change());
        vm.warp(START + 22 days);
        _assertState(unopened, IVCAIGovernor.ProposalState.Expired);
        _assertState(unqueued, IVCAIGovernor.ProposalState.Expired);
        IVCAIGovernor.Parameters memory given = _defaults();
        (given.openWindow, given.queueWindow, given.executeWindow) = (90 days, 90 days, 90 days);
        vm.prank(address(timelock));
        governor.setParameters(given);
        _assertState(unopened, IVCAIGovernor.ProposalState.Expired);
        _assertState(unqueued, IVCAIGovernor.ProposalState.Expired);
    }

    function _assertRefused(
        IVCAIGovernor.Parameters memory given,
        bytes32 name,
        uint256 low,
        uint256 high,
        uint256 got
    ) private {
        vm.expectRevert(abi.encodeWithSelector(IVCAIGovernor.ParameterOutOfRange.selector, name, low, high, got));
        vm.prank(address(timelock));
        governor.setParameters(given);
    }

    function test_RefusesParametersOutOfRange() public {
        IVCAIGovernor.Parameters memory given = _defaults();
        given.discussion = 7 days - 1;
        _assertRefused(given, "discussion", 7 days, 90 days, 7 days - 1);
        given.discussion = 90 days + 1;
        _assertRefused(given, "discussion", 7 days, 90 days, 90 days + 1);
        given = _defaults();
        given.openWindow = 1 days - 1;
        _assertRefused(given, "openWindow", 1 days, 90 days, 1 days - 1);
        given = _defaults();
        given.voting = 1 days - 1;
        _assertRefused(given, "voting", 1 days, 90 days, 1 days - 1);
        given = _defaults();
        given.queueWindow = 90 days + 1;
        _assertRefused(given, "queueWindow", 1 days, 90 days, 90 days + 1);
        given = _defaults();
        given.executeWindow = 0;
        _assertRefused(given, "executeWindow", 1 days, 90 days, 0);
        given = _defaults();
        given.proposerThreshold = 1e18 - 1;
        _assertRefused(given, "proposerThreshold", 1e18, 1_000e18, 1e18 - 1);
        given.proposerThreshold = 1_000e18 + 1;
        _assertRefused(given, "proposerThreshold", 1e18, 1_000e18, 1_000e18 + 1);
    }

    function test_TakesParametersAtBothEndsOfTheirRanges() public {
        vm.startPrank(address(timelock));
        governor.setParameters(IVCAIGovernor.Parameters(7 days, 1 days, 1 days, 1 days, 1 days, 1e18));
        governor.setParameters(IVCAIGovernor.Parameters(90 days, 90 days, 90 days, 90 days, 90 days, 1_000e18));
    }

    function test_TheMinimumOfTheWindowsIsASeventhOfTheDiscussionRoundedUp() public {
        assertEq(governor.minimumDiscussion(), 7 days);
        assertEq(governor.minimumWindow(), 1 days);
        IVCAIGovernor.Parameters memory given = IVCAIGovernor.Parameters(2, 1, 1, 1, 1, 1e18);
        VCAIGovernor quick = new VCAIGovernor(address(manager), ve, timelock, 2, given);
        assertEq(quick.minimumWindow(), 1);
        given = IVCAIGovernor.Parameters(8, 2, 2, 2, 2, 1e18);
        assertEq(new VCAIGovernor(address(manager), ve, timelock, 8, given).minimumWindow(), 2);
        given.voting = 1;
        vm.expectRevert(
            abi.encodeWithSelector(IVCAIGovernor.ParameterOutOfRange.selector, bytes32("voting"), 2, 90 days, 1)
        );
        this.deploy(address(ve), address(timelock), 8, given);
    }

    /// @dev An external call, so that what it reverts with can be expected.
    function deploy(address ve_, address timelock_, uint32 minimum, IVCAIGovernor.Parameters calldata given) external {
        new VCAIGovernor(address(manager), IVeVCAI(ve_), TimelockController(payable(timelock_)), minimum, given);
    }

    function test_RefusesToBeDeployedWrongly() public {
        vm.expectRevert(
            abi.encodeWithSelector(
                IVCAIGovernor.ParameterOutOfRange.selector, bytes32("minimumDiscussion"), 1, 90 days, 0
            )
        );
        this.deploy(address(ve), address(timelock), 0, _defaults());
        vm.expectRevert(abi.encodeWithSelector(IVCAIGovernor.NotAContract.selector, alice));
        this.deploy(alice, address(timelock), 7 days, _defaults());
        vm.expectRevert(abi.encodeWithSelector(IVCAIGovernor.NotAContract.selector, alice));
        this.deploy(address(ve), alice, 7 days, _defaults());
    }
}
