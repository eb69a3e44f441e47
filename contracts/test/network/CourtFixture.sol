// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SlashingCourt} from "../../src/network/SlashingCourt.sol";
import {VerifierSet} from "../../src/network/VerifierSet.sol";
import {ExpiringPause} from "../../src/libraries/ExpiringPause.sol";
import {ISlashingCourt} from "../../src/interfaces/ISlashingCourt.sol";
import {IVCAIGovernor} from "../../src/interfaces/IVCAIGovernor.sol";
import {IVerifierSet} from "../../src/interfaces/IVerifierSet.sol";
import {Roles} from "../../src/Roles.sol";
import {Role, Tier} from "../../src/types/Types.sol";
import {Coin} from "./mocks/Coin.sol";
import {Dao} from "./mocks/Dao.sol";
import {Purse} from "./mocks/Purse.sol";
import {RegistryFixture} from "./RegistryFixture.sol";

/// @dev Registry, verifier set with ten members, court; treasury and DAO are stand-ins. 1 USD is 100 VCAI.
abstract contract CourtFixture is RegistryFixture {
    uint256 internal constant MEMBERS = 10;
    uint128 internal constant BOND = 1_000e18;
    uint128 internal constant APPEAL_BOND = 5_000e18;
    uint128 internal constant MAX_LOSS = 1_000e6;
    uint32 internal constant ANSWER = 1 days;
    uint32 internal constant WINDOW = 7 days;
    bytes32 internal constant EVIDENCE = keccak256("evidence");

    Coin internal stable;
    Purse internal treasury;
    Dao internal dao;
    VerifierSet internal verifiers;
    SlashingCourt internal tribunal;
    mapping(address member => uint256) internal keys;
    address[] internal members;
    address internal accuser = makeAddr("accuser");
    address internal victim = makeAddr("victim");
    address internal prosecutor = makeAddr("prosecutor");
    address internal guardian = makeAddr("guardian");

    function setUp() public virtual override {
        super.setUp();
        vm.roll(1_000);
        stable = new Coin();
        treasury = new Purse(stable);
        dao = new Dao();
        verifiers = new VerifierSet(address(manager), registry, _verifierParameters());
        tribunal = new SlashingCourt(
            address(manager),
            registry,
            verifiers,
            treasury,
            sources,
            IVCAIGovernor(address(dao)),
            _courtParameters(),
            1 hours
        );
        _wire();
        for (uint256 i = 0; i < MEMBERS; ++i) {
            _member(string.concat("member ", vm.toString(i)));
        }
        verifiers.appoint(members);
        _approve(accuser);
        _approve(node);
        _register(node, Role.Compute, COMPUTE);
    }

    function _wire() private {
        manager.grantRole(Roles.COURT, address(tribunal), 0);
        manager.grantRole(Roles.PROSECUTOR, prosecutor, 0);
        manager.grantRole(Roles.GUARDIAN, guardian, 0);
        manager.grantRole(Roles.PARAMS, address(dao), 0);
        _allow(address(verifiers), IVerifierSet.admit.selector, Roles.COURT);
        _allow(address(verifiers), IVerifierSet.request.selector, Roles.COURT);
        _allow(address(verifiers), IVerifierSet.draw.selector, Roles.COURT);
        _allow(address(tribunal), ISlashingCourt.openProven.selector, Roles.PROSECUTOR);
        _allow(address(tribunal), ISlashingCourt.grantAppeal.selector, Roles.PARAMS);
        _allow(address(tribunal), ExpiringPause.pause.selector, Roles.GUARDIAN);
        _allow(address(tribunal), ExpiringPause.unpause.selector, Roles.GUARDIAN);
    }

    function _verifierParameters() internal pure returns (IVerifierSet.Parameters memory) {
        return IVerifierSet.Parameters({committeeSize: 5, minimumCommittee: 3, quorumBps: 6_000, drawDelay: 4});
    }

    function _courtParameters() internal pure returns (ISlashingCourt.Parameters memory) {
        return ISlashingCourt.Parameters({
            minorBps: 700,
            mediumBps: 2_000,
            bountyBps: 2_500,
            maxRounds: 3,
            answerPeriod: ANSWER,
            appealWindow: WINDOW,
            suspensionPeriod: 30 days,
            bountyCap: 2_000e18,
            accusationBond: BOND,
            appealBond: APPEAL_BOND,
            maxLossUsd: MAX_LOSS
        });
    }

    /// @dev An active verifier whose key is known; not admitted yet.
    function _member(string memory name) internal returns (address member) {
        uint256 key;
        (member, key) = makeAddrAndKey(name);
        keys[member] = key;
        members.push(member);
        _fund(member);
        _register(member, Role.Verifier, COMPUTE);
    }

    function _approve(address who) internal {
        vcai.mint(who, FUNDS);
        vm.prank(who);
        vcai.approve(address(tribunal), type(uint256).max);
    }

    function _accusation(uint128 lossUsd) internal view returns (ISlashingCourt.Accusation memory) {
        return ISlashingCourt.Accusation({
            accused: node,
            nominee: address(0),
            victim: lossUsd == 0 ? address(0) : victim,
            lossUsd: lossUsd,
            evidenceHash: EVIDENCE,
            evidenceUri: "ipfs://evidence"
        });
    }

    function _accuse(uint128 lossUsd) internal returns (uint256 caseId) {
        vm.prank(accuser);
        return tribunal.accuse(_accusation(lossUsd));
    }

    function _seat(uint256 caseId) internal returns (address[] memory committee) {
        vm.roll(verifiers.drawOf(address(tribunal), caseId).drawBlock + 1);
        return tribunal.seatCommittee(caseId);
    }

    /// @dev Signatures of the first `count` of the committee in ascending order.
    function _signatures(uint256 caseId, Tier tier, uint128 lossUsd, uint256 count)
        internal
        view
        returns (bytes[] memory signatures)
    {
        address[] memory sorted = _sorted(tribunal.committeeOf(caseId));
        bytes32 digest = tribunal.rulingDigest(caseId, tier, lossUsd);
        signatures = new bytes[](count);
        for (uint256 i = 0; i < count; ++i) {
            signatures[i] = _sign(sorted[i], digest);
        }
    }

    function _sign(address member, bytes32 digest) internal view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(keys[member], digest);
        return abi.encodePacked(r, s, v);
    }

    function _sorted(address[] memory values) internal pure returns (address[] memory) {
        for (uint256 i = 1; i < values.length; ++i) {
            for (uint256 j = i; j != 0 && values[j] < values[j - 1]; --j) {
                (values[j], values[j - 1]) = (values[j - 1], values[j]);
            }
        }
        return values;
    }

    function _verdict(uint256 caseId, Tier tier, uint128 lossUsd) internal {
        tribunal.submitVerdict(caseId, tier, lossUsd, _signatures(caseId, tier, lossUsd, 4));
    }

    /// @dev A case brought, seated and ruled at once.
    function _ruled(Tier tier, uint128 lossUsd) internal returns (uint256 caseId) {
        caseId = _accuse(lossUsd);
        _seat(caseId);
        _verdict(caseId, tier, lossUsd);
    }

    function _proven(Tier tier, uint128 lossUsd) internal returns (uint256 caseId) {
        vm.prank(prosecutor);
        return tribunal.openProven(node, tier, lossUsd == 0 ? address(0) : victim, lossUsd, accuser, EVIDENCE);
    }

    function _appeal(uint256 caseId) internal returns (uint256 proposalId) {
        vm.prank(node);
        return tribunal.appeal(caseId);
    }

    function _stake(address who) internal view returns (uint256) {
        (uint128 active, uint128 unbonding) = registry.stakeOf(who);
        return uint256(active) + unbonding;
    }

    function _state(uint256 caseId) internal view returns (ISlashingCourt.CaseState) {
        return tribunal.caseOf(caseId).state;
    }

    function _assertState(uint256 caseId, ISlashingCourt.CaseState expected) internal view {
        assertEq(uint8(_state(caseId)), uint8(expected));
    }

    function _wrongState(uint256 caseId, ISlashingCourt.CaseState state) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(ISlashingCourt.WrongState.selector, caseId, state);
    }
}
