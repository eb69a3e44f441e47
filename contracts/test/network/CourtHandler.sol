// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {NodeRegistry} from "../../src/network/NodeRegistry.sol";
import {SlashingCourt} from "../../src/network/SlashingCourt.sol";
import {VerifierSet} from "../../src/network/VerifierSet.sol";
import {INodeRegistry} from "../../src/interfaces/INodeRegistry.sol";
import {ISlashingCourt} from "../../src/interfaces/ISlashingCourt.sol";
import {IVCAIGovernor} from "../../src/interfaces/IVCAIGovernor.sol";
import {Kind, Role, Tier} from "../../src/types/Types.sol";
import {Coin} from "./mocks/Coin.sol";
import {Dao} from "./mocks/Dao.sol";
import {Sources} from "./mocks/Sources.sol";

/// @dev What the handler plays with.
struct Stage {
    NodeRegistry registry;
    VerifierSet verifiers;
    SlashingCourt tribunal;
    Coin vcai;
    Coin stable;
    Dao dao;
    Sources sources;
    address treasury;
    address prosecutor;
}

/// @dev Five nodes join, leave, are accused, judged, proven guilty, appeal, and win or lose; the price moves and weeks
/// pass. A ledger of its own follows every wei of stake and bonds.
contract CourtHandler is Test {
    uint256 public constant IDENTITIES = 5;

    Stage private _s;
    mapping(address member => uint256) private _keys;
    mapping(address identity => uint256) public staked;
    mapping(address identity => uint256) public withdrawn;
    mapping(address identity => uint256) public lost;
    mapping(address identity => uint256) public openCases;
    mapping(uint256 caseId => uint256) public stakeAtRuling;
    mapping(uint256 caseId => uint256) public compensatedUsd;
    mapping(address identity => uint256) public bans;
    uint256 public bonds;
    uint256 public overturned;
    uint256 public executed;
    uint256 private _evidence;

    constructor(Stage memory stage, address[] memory members, uint256[] memory keys) {
        _s = stage;
        for (uint256 i = 0; i < members.length; ++i) {
            _keys[members[i]] = keys[i];
        }
    }

    function identity(uint256 seed) public pure returns (address) {
        return address(uint160(0x1000 + seed % IDENTITIES));
    }

    function accuserOf(uint256 seed) public pure returns (address) {
        return address(uint160(0x2000 + seed % 2));
    }

    address public constant VICTIM = address(0x3000);

    function join(uint256 seed, uint128 amount) external {
        address who = identity(seed);
        INodeRegistry.Node memory node = _s.registry.nodeOf(who);
        uint256 minimum = _s.registry.minimumStake(Role.Compute);
        amount = uint128(bound(amount, node.registeredAt != 0 ? 1 : minimum, minimum + 100_000e18));
        _give(who, address(_s.registry), amount);
        vm.startPrank(who);
        if (node.banned) {
            bytes memory expected = abi.encodeWithSelector(INodeRegistry.IdentityBanned.selector, who);
            vm.expectRevert(expected);
            _s.registry.register(INodeRegistry.Registration(Role.Compute, Kind.Stable, 0, 1, 1, 0, 0, "", amount));
            vm.expectRevert(node.registeredAt == 0 ? _notRegistered(who) : expected);
            _s.registry.topUp(amount);
        } else if (node.registeredAt != 0) {
            _s.registry.topUp(amount);
            staked[who] += amount;
        } else {
            _s.registry.register(INodeRegistry.Registration(Role.Compute, Kind.Stable, 0, 1, 1, 0, 0, "", amount));
            staked[who] += amount;
        }
        vm.stopPrank();
    }

    function unbond(uint256 seed, uint128 amount) external {
        address who = identity(seed);
        (uint128 active,) = _s.registry.stakeOf(who);
        if (active == 0) return;
        vm.prank(who);
        _s.registry.requestUnbond(uint128(bound(amount, 1, active)));
    }

    function withdraw(uint256 seed) external {
        address who = identity(seed);
        INodeRegistry.Node memory node = _s.registry.nodeOf(who);
        uint256 time = vm.getBlockTimestamp();
        uint256 heldUntil = node.heldUntil < node.unbondAt + 30 days ? node.heldUntil : node.unbondAt + 30 days;
        bool allowed = node.unbonding != 0 && time >= node.unbondAt && time >= heldUntil;
        if (!allowed) vm.expectRevert();
        vm.prank(who);
        _s.registry.withdrawUnbonded();
        if (allowed) withdrawn[who] += node.unbonding;
    }

    function accuse(uint256 seed, uint256 by, uint128 loss) external {
        address who = identity(seed);
        if (_s.registry.nodeOf(who).registeredAt == 0) return;
        ISlashingCourt.Parameters memory rules = _s.tribunal.parameters();
        _give(accuserOf(by), address(_s.tribunal), rules.accusationBond);
        vm.prank(accuserOf(by));
        _s.tribunal
            .accuse(
                ISlashingCourt.Accusation(
                    who, address(0), VICTIM, uint128(bound(loss, 0, rules.maxLossUsd)), _newEvidence(), ""
                )
            );
        bonds += rules.accusationBond;
        ++openCases[who];
    }

    function prove(uint256 seed, uint256 by, uint8 tier, uint128 loss) external {
        address who = identity(seed);
        Tier grade = Tier(bound(tier, 1, 3));
        (uint128 active, uint128 unbonding) = _s.registry.stakeOf(who);
        vm.prank(_s.prosecutor);
        uint256 caseId = _s.tribunal
        .openProven(who, grade, VICTIM, uint128(bound(loss, 0, 1_000e6)), accuserOf(by), _newEvidence());
        stakeAtRuling[caseId] = uint256(active) + unbonding;
        if (grade == Tier.Severe) ++bans[who];
    }

    /// @dev Seats the committee if need be, and lets it say what the seed says; or lets the round pass.
    function judge(uint256 seed, uint8 tier, uint256 mood) external {
        (uint256 caseId, ISlashingCourt.Case memory c) = _find(seed, ISlashingCourt.CaseState.Open);
        if (caseId == 0) return;
        if (vm.getBlockTimestamp() >= c.deadline || mood % 4 == 0) {
            _passRound(caseId, c);
            return;
        }
        if (_s.tribunal.committeeOf(caseId).length == 0) {
            vm.roll(_s.verifiers.drawOf(address(_s.tribunal), caseId).drawBlock + 1);
            _s.tribunal.seatCommittee(caseId);
        }
        Tier grade = Tier(bound(tier, 0, 3));
        uint128 loss = grade == Tier.None ? 0 : uint128(bound(mood, 0, c.lossUsd));
        (uint128 active, uint128 unbonding) = _s.registry.stakeOf(c.accused);
        _s.tribunal.submitVerdict(caseId, grade, loss, _signatures(caseId, grade, loss));
        --openCases[c.accused];
        if (grade == Tier.None) bonds -= c.bond;
        else stakeAtRuling[caseId] = uint256(active) + unbonding;
        if (grade == Tier.Severe) ++bans[c.accused];
    }

    function appeal(uint256 seed) external {
        (uint256 caseId, ISlashingCourt.Case memory c) = _find(seed, ISlashingCourt.CaseState.Ruled);
        if (caseId == 0 || vm.getBlockTimestamp() >= c.deadline) return;
        uint128 bond = _s.tribunal.parameters().appealBond;
        _give(c.accused, address(_s.tribunal), bond);
        vm.prank(c.accused);
        _s.tribunal.appeal(caseId);
        bonds += bond;
    }

    function decide(uint256 seed, bool granted) external {
        (uint256 caseId, ISlashingCourt.Case memory c) = _find(seed, ISlashingCourt.CaseState.Appealed);
        if (caseId == 0) return;
        ISlashingCourt.Appeal memory appealed = _s.tribunal.appealOf(caseId);
        if (!granted) {
            _s.dao.setState(appealed.proposalId, IVCAIGovernor.ProposalState.Defeated);
            return;
        }
        (uint128 active, uint128 unbonding) = _s.registry.stakeOf(c.accused);
        _s.dao.grant(appealed.proposalId);
        (uint128 newActive, uint128 newUnbonding) = _s.registry.stakeOf(c.accused);
        assertEq(newActive, active + c.fromStake, "active part restored exactly");
        assertEq(newUnbonding, unbonding + c.fromUnbonding, "unbonding part restored exactly");
        bonds -= c.bond + appealed.bond;
        if (c.tier == Tier.Severe) --bans[c.accused];
        ++overturned;
    }

    function execute(uint256 seed) external {
        ISlashingCourt.CaseState wanted =
            seed % 2 == 0 ? ISlashingCourt.CaseState.Ruled : ISlashingCourt.CaseState.Appealed;
        (uint256 caseId, ISlashingCourt.Case memory c) = _find(seed, wanted);
        if (caseId == 0) return;
        ISlashingCourt.Appeal memory appealed = _s.tribunal.appealOf(caseId);
        bool due = wanted == ISlashingCourt.CaseState.Ruled
            ? vm.getBlockTimestamp() >= c.deadline
            : _s.dao.state(appealed.proposalId) == IVCAIGovernor.ProposalState.Defeated;
        uint256 usdBefore = _s.stable.balanceOf(VICTIM);
        uint256 vcaiBefore = _s.vcai.balanceOf(VICTIM);
        uint256 accuserBefore = _s.vcai.balanceOf(c.accuser);
        if (!due) vm.expectRevert();
        _s.tribunal.execute(caseId);
        if (!due) return;
        uint256 taken = uint256(c.fromStake) + c.fromUnbonding;
        uint256 paidVcai = _s.vcai.balanceOf(VICTIM) - vcaiBefore;
        compensatedUsd[caseId] = _s.stable.balanceOf(VICTIM) - usdBefore + _s.sources.usdFor(paidVcai);
        uint256 bounty = _s.vcai.balanceOf(c.accuser) - accuserBefore - c.bond;
        assertLe(2 * bounty, taken - paidVcai, "the accuser never gets more than half of what is left");
        if (_s.tribunal.shortfallOf(caseId) != 0) assertEq(paidVcai, taken, "nobody before the victim");
        lost[c.accused] += taken;
        bonds -= c.bond + appealed.bond;
        ++executed;
    }

    function fillTreasury(uint128 amount) external {
        _s.stable.mint(_s.treasury, bound(amount, 0, 500e6));
    }

    function movePrice(uint256 price, uint256 used) external {
        _s.sources.setPrice(bound(price, 1e18, 1_000e18));
        _s.sources.setUtilization(bound(used, 0, 2e18));
    }

    function recompute() external {
        (uint256 before,, uint64 nextAt) = _s.registry.rates();
        if (vm.getBlockTimestamp() < nextAt) vm.expectRevert();
        _s.registry.recomputeRequirements();
        (uint256 rate,,) = _s.registry.rates();
        assertLe(rate, before + before / 4);
        assertGe(rate, before - before / 4);
    }

    function wait(uint256 time) external {
        vm.warp(vm.getBlockTimestamp() + bound(time, 1, 6 days));
    }

    function _passRound(uint256 caseId, ISlashingCourt.Case memory c) private {
        if (vm.getBlockTimestamp() < c.deadline) vm.warp(c.deadline);
        _s.tribunal.nextRound(caseId);
        if (_s.tribunal.caseOf(caseId).state != ISlashingCourt.CaseState.Lapsed) return;
        --openCases[c.accused];
        bonds -= c.bond;
    }

    function _find(uint256 seed, ISlashingCourt.CaseState state)
        private
        view
        returns (uint256, ISlashingCourt.Case memory c)
    {
        uint256 count = _s.tribunal.caseCount();
        for (uint256 i = 0; i < count; ++i) {
            uint256 caseId = 1 + addmod(seed, i, count);
            c = _s.tribunal.caseOf(caseId);
            if (c.state == state) return (caseId, c);
        }
        return (0, c);
    }

    function _signatures(uint256 caseId, Tier tier, uint128 loss) private view returns (bytes[] memory signatures) {
        address[] memory committee = _s.tribunal.committeeOf(caseId);
        bytes32 digest = _s.tribunal.rulingDigest(caseId, tier, loss);
        signatures = new bytes[](committee.length);
        address previous = address(0);
        for (uint256 i = 0; i < committee.length; ++i) {
            address next = address(type(uint160).max);
            for (uint256 j = 0; j < committee.length; ++j) {
                if (committee[j] > previous && committee[j] < next) next = committee[j];
            }
            (uint8 v, bytes32 r, bytes32 s) = vm.sign(_keys[next], digest);
            signatures[i] = abi.encodePacked(r, s, v);
            previous = next;
        }
    }

    function _give(address who, address spender, uint256 amount) private {
        _s.vcai.mint(who, amount);
        vm.prank(who);
        _s.vcai.approve(spender, amount);
    }

    function _newEvidence() private returns (bytes32) {
        return keccak256(abi.encode(++_evidence));
    }

    function _notRegistered(address who) private pure returns (bytes memory) {
        return abi.encodeWithSelector(INodeRegistry.NotRegistered.selector, who);
    }
}
