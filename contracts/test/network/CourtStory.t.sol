// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {VCAIGovernor} from "../../src/governance/VCAIGovernor.sol";
import {NodeRegistry} from "../../src/network/NodeRegistry.sol";
import {SlashingCourt} from "../../src/network/SlashingCourt.sol";
import {VerifierSet} from "../../src/network/VerifierSet.sol";
import {DevStable} from "../../src/token/DevStable.sol";
import {Treasury} from "../../src/treasury/Treasury.sol";
import {TwapOracle} from "../../src/treasury/TwapOracle.sol";
import {ICompensator} from "../../src/interfaces/ICompensator.sol";
import {INodeRegistry} from "../../src/interfaces/INodeRegistry.sol";
import {ISlashingCourt} from "../../src/interfaces/ISlashingCourt.sol";
import {ITreasury} from "../../src/interfaces/ITreasury.sol";
import {ITwapOracle} from "../../src/interfaces/ITwapOracle.sol";
import {IVCAIGovernor} from "../../src/interfaces/IVCAIGovernor.sol";
import {IVeVCAI} from "../../src/interfaces/IVeVCAI.sol";
import {IVerifierSet} from "../../src/interfaces/IVerifierSet.sol";
import {Roles} from "../../src/Roles.sol";
import {Kind, Role, Tier} from "../../src/types/Types.sol";
import {VeFixture} from "../governance/VeFixture.sol";
import {Sources} from "./mocks/Sources.sol";

/// @dev Registry and court with the real token, vote escrow, governor, timelock, treasury and oracle. One VCAI is a cent.
contract CourtStoryTest is VeFixture {
    uint128 private constant STAKE = 10_000e18;
    uint128 private constant BOND = 1_000e18;

    TimelockController private timelock;
    VCAIGovernor private governor;
    DevStable private stable;
    Treasury private treasury;
    TwapOracle private oracle;
    NodeRegistry private registry;
    VerifierSet private verifiers;
    SlashingCourt private tribunal;
    address private node = makeAddr("node");
    address private accuser = makeAddr("accuser");
    address private victim = makeAddr("victim");
    address[] private members;
    mapping(address member => uint256) private keys;

    function setUp() public override {
        super.setUp();
        vm.roll(1_000);
        stable = new DevStable();
        treasury = new Treasury(address(manager), stable, ITreasury.Parameters(0));
        oracle = new TwapOracle(
            address(manager), token, stable, 1 hours, ITwapOracle.Parameters(1 hours, 1 days, 1, 10_000)
        );
        timelock = new TimelockController(2 days, new address[](0), new address[](0), address(this));
        governor = new VCAIGovernor(
            address(manager),
            ve,
            timelock,
            7 days,
            IVCAIGovernor.Parameters(7 days, 14 days, 5 days, 10 days, 12 days, 50e18)
        );
        timelock.grantRole(timelock.PROPOSER_ROLE(), address(governor));
        timelock.grantRole(timelock.EXECUTOR_ROLE(), address(governor));
        _deployNetwork();
        _wire();
        vm.startPrank(alice);
        ve.lock(40_000e18, ve.currentWeek() + 200);
        vm.stopPrank();
        _fund(node, address(registry), STAKE);
        _register(node, Role.Compute);
        _fund(node, address(tribunal), 5 * BOND);
        _fund(accuser, address(tribunal), BOND);
        for (uint256 i = 0; i < 3; ++i) {
            (address member, uint256 key) = makeAddrAndKey(string.concat("member ", vm.toString(i)));
            (keys[member]) = key;
            members.push(member);
            _fund(member, address(registry), STAKE);
            _register(member, Role.Verifier);
        }
        verifiers.appoint(members);
    }

    function _deployNetwork() private {
        registry = new NodeRegistry(
            address(manager),
            token,
            INodeRegistry.Parameters(100e6, 1_000e6, 100e6, 0.5e18, 1e18, 7 days, 7 days, 2_500),
            100e18
        );
        registry.setSources(oracle, new Sources());
        verifiers = new VerifierSet(address(manager), registry, IVerifierSet.Parameters(3, 3, 6_000, 4));
        registry.setAdmission(verifiers);
        tribunal = new SlashingCourt(
            address(manager),
            registry,
            verifiers,
            ICompensator(address(treasury)),
            oracle,
            governor,
            ISlashingCourt.Parameters(
                700, 2_000, 2_500, 3, 1 days, 7 days, 30 days, 2_000e18, BOND, 5 * BOND, 1_000e6
            ),
            1 hours
        );
    }

    function _wire() private {
        _open(address(ve), IVeVCAI.snapshot.selector, Roles.SNAPSHOT, address(governor));
        _open(address(governor), IVCAIGovernor.propose.selector, Roles.APPEALS, address(tribunal));
        _open(address(tribunal), ISlashingCourt.grantAppeal.selector, Roles.PARAMS, address(timelock));
        _open(address(treasury), ITreasury.compensate.selector, Roles.COMPENSATION, address(tribunal));
        bytes4[6] memory ofRegistry = [
            INodeRegistry.slash.selector,
            INodeRegistry.restore.selector,
            INodeRegistry.suspend.selector,
            INodeRegistry.hold.selector,
            INodeRegistry.ban.selector,
            INodeRegistry.unban.selector
        ];
        for (uint256 i = 0; i < 6; ++i) {
            _open(address(registry), ofRegistry[i], Roles.COURT, address(tribunal));
        }
        _open(address(verifiers), IVerifierSet.admit.selector, Roles.COURT, address(tribunal));
        _open(address(verifiers), IVerifierSet.request.selector, Roles.COURT, address(tribunal));
        _open(address(verifiers), IVerifierSet.draw.selector, Roles.COURT, address(tribunal));
    }

    function test_TheDaoOverturnsARulingAndEverythingIsAsBefore() public {
        INodeRegistry.Node memory before = registry.nodeOf(node);
        (uint256 caseId, uint256 proposalId) = _appealed();
        assertTrue(registry.nodeOf(node).banned);
        _pass(7 days);
        governor.openVote(proposalId);
        vm.prank(alice);
        governor.castVote(proposalId, IVCAIGovernor.Support.For);
        _pass(5 days);
        governor.queue(proposalId);
        vm.expectRevert(abi.encodeWithSelector(ISlashingCourt.AppealUndecided.selector, caseId, proposalId));
        tribunal.execute(caseId);
        _pass(2 days);
        governor.execute(proposalId);
        assertEq(abi.encode(registry.nodeOf(node)), abi.encode(before));
        assertTrue(registry.isActive(node, Role.Compute));
        assertEq(token.balanceOf(node), 5 * BOND);
        assertEq(token.balanceOf(address(treasury)), BOND);
        assertEq(token.balanceOf(address(tribunal)), 0);
    }

    function test_WithoutAMajorityTheRulingStandsAndTheVictimIsMadeWhole() public {
        stable.mint(address(treasury), 20e6);
        (uint256 caseId, uint256 proposalId) = _appealed();
        _pass(7 days);
        governor.openVote(proposalId);
        _pass(5 days);
        assertEq(uint8(governor.state(proposalId)), uint8(IVCAIGovernor.ProposalState.Defeated));
        tribunal.execute(caseId);
        // 60 USD: 20 from the treasury, 40 in VCAI at a cent each. A quarter of the remaining 6,000 is the bounty.
        assertEq(stable.balanceOf(victim), 20e6);
        assertEq(token.balanceOf(victim), 4_000e18);
        assertEq(token.balanceOf(accuser), BOND + 1_500e18);
        assertEq(token.balanceOf(address(treasury)), 4_500e18 + 5 * BOND);
        assertEq(treasury.compensated(), 20e6);
        assertEq(token.balanceOf(address(tribunal)), 0);
        assertTrue(verifiers.isAdmitted(accuser));
    }

    function test_AnIgnoredProposalExpiresAndTheRulingStands() public {
        (uint256 caseId,) = _appealed();
        _pass(21 days + 1);
        tribunal.execute(caseId);
        assertEq(uint8(tribunal.caseOf(caseId).state), uint8(ISlashingCourt.CaseState.Executed));
    }

    function test_RequirementsFollowTheOracle() public {
        registry.recomputeRequirements();
        assertEq(registry.minimumStake(Role.Compute), STAKE);
        oracle.setParameters(ITwapOracle.Parameters(1 hours, 1 days, 1, 9_090));
        _pass(7 days);
        registry.recomputeRequirements();
        assertEq(registry.minimumStake(Role.Compute), 100 * oracle.vcaiFor(1e6));
    }

    function _appealed() private returns (uint256 caseId, uint256 proposalId) {
        vm.prank(accuser);
        caseId = tribunal.accuse(
            ISlashingCourt.Accusation(node, address(0), victim, 60e6, keccak256("evidence"), "ipfs://evidence")
        );
        vm.roll(1_005);
        address[] memory committee = tribunal.seatCommittee(caseId);
        bytes32 digest = tribunal.rulingDigest(caseId, Tier.Severe, 60e6);
        bytes[] memory signatures = new bytes[](3);
        address previous = address(0);
        for (uint256 i = 0; i < 3; ++i) {
            address next = address(type(uint160).max);
            for (uint256 j = 0; j < 3; ++j) {
                if (committee[j] > previous && committee[j] < next) next = committee[j];
            }
            (uint8 v, bytes32 r, bytes32 s) = vm.sign(keys[next], digest);
            signatures[i] = abi.encodePacked(r, s, v);
            previous = next;
        }
        tribunal.submitVerdict(caseId, Tier.Severe, 60e6, signatures);
        assertEq(tribunal.escrowedOf(node), STAKE);
        vm.prank(node);
        proposalId = tribunal.appeal(caseId);
    }

    function _fund(address who, address spender, uint256 amount) private {
        token.transfer(who, amount);
        vm.prank(who);
        token.approve(spender, amount);
    }

    function _register(address who, Role role) private {
        vm.prank(who);
        registry.register(
            INodeRegistry.Registration(role, Kind.Stable, "H100", 1, 1, "eu", keccak256("key"), "https://x", STAKE)
        );
    }
}
