// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {Guardian} from "../../src/governance/Guardian.sol";
import {VCAIGovernor} from "../../src/governance/VCAIGovernor.sol";
import {VeVCAI} from "../../src/governance/VeVCAI.sol";
import {IVCAIGovernor} from "../../src/interfaces/IVCAIGovernor.sol";
import {GovernorFixture} from "./GovernorFixture.sol";
import {Target} from "./mocks/Wallets.sol";

/// @dev Proposers, voters, keepers, the guardian and time. Each proposal adds its own power of 256 to a counter, which so
/// shows which were executed, and how often. Locks change all the time.
contract GovernorHandler is Test {
    uint256 public constant VOTERS = 4;
    uint256 public constant MAX_PROPOSALS = 30;

    VCAIGovernor private immutable _governor;
    VeVCAI private immutable _ve;
    Guardian private immutable _guardian;
    Target private immutable _target;
    address[VOTERS] private _voters;

    uint256[] public ids;
    mapping(uint256 id => uint256[3]) private _tally;
    mapping(uint256 id => mapping(address voter => uint256)) public votes;
    mapping(uint256 id => uint8) public finalState;
    mapping(uint256 id => uint256) public executions;

    constructor(VCAIGovernor governor, VeVCAI ve, Guardian guardian, Target target, address[VOTERS] memory voters) {
        (_governor, _ve, _guardian, _target, _voters) = (governor, ve, guardian, target, voters);
    }

    function count() external view returns (uint256) {
        return ids.length;
    }

    function voter(uint256 i) external view returns (address) {
        return _voters[i];
    }

    function tallyOf(uint256 id) external view returns (uint256[3] memory) {
        return _tally[id];
    }

    function _pick(uint256 seed) private view returns (uint256) {
        return ids.length == 0 ? 0 : ids[seed % ids.length];
    }

    function _is(uint256 id, IVCAIGovernor.ProposalState state) private view returns (bool) {
        return id != 0 && _governor.state(id) == state;
    }

    function propose(uint256 seed) external {
        address who = _voters[seed % 3];
        if (ids.length == MAX_PROPOSALS || _ve.weightOf(who) < _governor.parameters().proposerThreshold) return;
        IVCAIGovernor.Call[] memory calls = new IVCAIGovernor.Call[](1);
        calls[0] = IVCAIGovernor.Call(address(_target), 0, abi.encodeCall(Target.add, (1 << (8 * ids.length))));
        vm.prank(who);
        ids.push(_governor.propose(calls, "add"));
    }

    /// @dev Tries every step, whatever the state; it succeeds exactly in the state that the step needs.
    function step(uint256 seed, uint8 kind) external {
        uint256 id = _pick(seed);
        if (id == 0) return;
        kind = uint8(bound(kind, 0, 3));
        IVCAIGovernor.ProposalState present = _governor.state(id);
        IVCAIGovernor.ProposalState needed = [
            IVCAIGovernor.ProposalState.Openable,
            IVCAIGovernor.ProposalState.Succeeded,
            IVCAIGovernor.ProposalState.Executable,
            IVCAIGovernor.ProposalState.Discussion
        ][kind];
        if (kind == 3 && present == IVCAIGovernor.ProposalState.Openable) needed = present;
        if (present != needed) vm.expectRevert();
        if (kind == 0) _governor.openVote(id);
        else if (kind == 1) _governor.queue(id);
        else if (kind == 2) _execute(id, present == needed);
        else _cancel(id, present == needed);
    }

    function _execute(uint256 id, bool succeeds) private {
        _governor.execute(id);
        if (succeeds) ++executions[id];
    }

    /// @dev Moves one proposal to its next stage at the right time, so that long paths are walked often.
    function advance(uint256 seed) external {
        uint256 id = _pick(seed);
        if (id == 0) return;
        IVCAIGovernor.ProposalState present = _governor.state(id);
        IVCAIGovernor.Proposal memory proposal = _governor.proposals(id);
        if (present == IVCAIGovernor.ProposalState.Discussion) {
            vm.warp(proposal.openFrom);
            _governor.openVote(id);
        } else if (present == IVCAIGovernor.ProposalState.Voting) {
            if (seed % 4 != 0) _majority(id, proposal.snapshotId);
            vm.warp(proposal.votingUntil);
        } else if (present == IVCAIGovernor.ProposalState.Succeeded) {
            _governor.queue(id);
        } else if (present == IVCAIGovernor.ProposalState.Queued) {
            vm.warp(proposal.executeFrom);
            _execute(id, true);
        }
    }

    /// @dev All who have not voted are in favour.
    function _majority(uint256 id, uint256 snapshotId) private {
        for (uint256 i = 0; i < VOTERS; ++i) {
            address from = _voters[i];
            uint256 weight = _ve.votesAt(from, snapshotId);
            if (weight == 0 || votes[id][from] != 0) continue;
            vm.prank(from);
            _governor.castVote(id, IVCAIGovernor.Support.For);
            _tally[id][uint256(IVCAIGovernor.Support.For)] += weight;
            ++votes[id][from];
        }
    }

    function _cancel(uint256 id, bool succeeds) private {
        if (succeeds) {
            address proposer = _governor.proposals(id).proposer;
            vm.prank(proposer);
        }
        _governor.cancel(id);
    }

    function vote(uint256 seed, uint256 who, uint8 support) external {
        uint256 id = _pick(seed);
        if (!_is(id, IVCAIGovernor.ProposalState.Voting)) return;
        support = support % 4 > 2 ? 1 : support % 4;
        address from = _voters[who % VOTERS];
        uint256 weight = _ve.votesAt(from, _governor.proposals(id).snapshotId);
        bool refused = votes[id][from] != 0 || weight == 0;
        if (refused) vm.expectRevert();
        vm.prank(from);
        _governor.castVote(id, IVCAIGovernor.Support(support));
        if (refused) return;
        _tally[id][support] += weight;
        ++votes[id][from];
    }

    function changeLock(uint256 who, uint256 amount, uint256 week) external {
        address from = _voters[who % VOTERS];
        uint256 least = _ve.locks(from).endWeek;
        if (_ve.timeOf(least) <= vm.getBlockTimestamp()) return;
        vm.prank(from);
        _ve.lock(bound(amount, 1e18, 1_000e18), bound(week, least, least < 215 ? 208 : least));
    }

    function guard(uint256 seed) external {
        uint256 id = _pick(seed);
        if (seed % 4 != 0 || !_is(id, IVCAIGovernor.ProposalState.Queued)) return;
        vm.prank(_guardian.holder());
        _guardian.cancel(id);
    }

    function pass(uint256 time) external {
        vm.warp(vm.getBlockTimestamp() + bound(time, 1, 5 days));
    }

    /// @dev Final states, once seen, are remembered.
    function remember() external {
        for (uint256 i = 0; i < ids.length; ++i) {
            uint8 state = uint8(_governor.state(ids[i]));
            if (state >= uint8(IVCAIGovernor.ProposalState.Executed)) finalState[ids[i]] = state;
        }
    }
}

contract GovernorInvariant is GovernorFixture {
    GovernorHandler private _handler;
    Target private _target;

    function setUp() public override {
        super.setUp();
        _target = new Target();
        _endow(dave);
        _lock(dave, 1_000e18, 30);
        _handler = new GovernorHandler(governor, ve, guardian, _target, [alice, bob, carol, dave]);
        bytes4[] memory selectors = new bytes4[](9);
        selectors[0] = GovernorHandler.propose.selector;
        selectors[1] = GovernorHandler.step.selector;
        selectors[2] = GovernorHandler.vote.selector;
        selectors[3] = GovernorHandler.changeLock.selector;
        selectors[4] = GovernorHandler.guard.selector;
        selectors[5] = GovernorHandler.pass.selector;
        selectors[6] = GovernorHandler.remember.selector;

        selectors[7] = GovernorHandler.advance.selector;
        selectors[8] = GovernorHandler.vote.selector;
        targetSelector(FuzzSelector(address(_handler), selectors));
        targetContract(address(_handler));
    }

    function invariant_TalliesAreTheVotesAndNeverMoreThanThereIs() public view {
        for (uint256 i = 0; i < _handler.count(); ++i) {
            uint256 id = _handler.ids(i);
            uint256[3] memory tally = _handler.tallyOf(id);
            IVCAIGovernor.Proposal memory proposal = governor.proposals(id);
            assertEq(proposal.votesAgainst, tally[0]);
            assertEq(proposal.votesFor, tally[1]);
            assertEq(proposal.votesAbstain, tally[2]);
            if (proposal.snapshotId != 0) {
                assertLe(tally[0] + tally[1] + tally[2], ve.totalAt(proposal.snapshotId));
            }
            for (uint256 k = 0; k < _handler.VOTERS(); ++k) {
                address who = _handler.voter(k);
                (bool voted,) = governor.voteOf(id, who);
                assertEq(_handler.votes(id, who), voted ? 1 : 0);
            }
        }
    }

    /// @dev Executed means: passed by a majority of all weight, and carried out exactly once.
    function invariant_OnlyMajoritiesAreCarriedOutAndOnlyOnce() public view {
        uint256 expected;
        for (uint256 i = 0; i < _handler.count(); ++i) {
            uint256 id = _handler.ids(i);
            bool executed = governor.state(id) == IVCAIGovernor.ProposalState.Executed;
            assertEq(_handler.executions(id), executed ? 1 : 0);
            if (!executed) continue;
            expected += 1 << (8 * i);
            IVCAIGovernor.Proposal memory proposal = governor.proposals(id);
            assertGt(_handler.tallyOf(id)[1] * 2, ve.totalAt(proposal.snapshotId));
            assertGe(proposal.executeFrom, proposal.votingUntil + DELAY);
            assertGe(proposal.votingUntil, proposal.openFrom + 5 days);
        }
        assertEq(_target.sum(), expected);
    }

    function invariant_FinalStatesAreFinal() public view {
        for (uint256 i = 0; i < _handler.count(); ++i) {
            uint256 id = _handler.ids(i);
            uint8 seen = _handler.finalState(id);
            if (seen != 0) assertEq(uint8(governor.state(id)), seen);
        }
    }
}
