// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISlashingCourt} from "../../src/interfaces/ISlashingCourt.sol";
import {INodeRegistry} from "../../src/interfaces/INodeRegistry.sol";
import {Role, Tier} from "../../src/types/Types.sol";
import {CourtFixture} from "./CourtFixture.sol";
import {CourtHandler, Stage} from "./CourtHandler.sol";

contract CourtInvariantTest is CourtFixture {
    CourtHandler private handler;
    uint256 private others;

    function setUp() public override {
        super.setUp();
        uint256[] memory memberKeys = new uint256[](MEMBERS);
        for (uint256 i = 0; i < MEMBERS; ++i) {
            memberKeys[i] = keys[members[i]];
        }
        handler = new CourtHandler(
            Stage(registry, verifiers, tribunal, vcai, stable, dao, sources, address(treasury), prosecutor),
            members,
            memberKeys
        );
        // However the price moves, the verifiers keep enough at stake.
        for (uint256 i = 0; i < MEMBERS; ++i) {
            vm.prank(members[i]);
            registry.topUp(1_000_000e18);
        }
        others = vcai.balanceOf(address(registry));
        targetContract(address(handler));
    }

    function invariant_StakeIsActivePlusUnbondingPlusEscrow() public view {
        uint256 inside = 0;
        uint256 escrowed = 0;
        for (uint256 i = 0; i < handler.IDENTITIES(); ++i) {
            address who = handler.identity(i);
            (uint128 active, uint128 unbonding) = registry.stakeOf(who);
            uint256 held = tribunal.escrowedOf(who);
            assertEq(
                handler.staked(who) - handler.withdrawn(who) - handler.lost(who), uint256(active) + unbonding + held
            );
            inside += uint256(active) + unbonding;
            escrowed += held;
        }
        assertEq(vcai.balanceOf(address(registry)), others + inside);
        assertEq(vcai.balanceOf(address(tribunal)), escrowed + handler.bonds());
        assertEq(stable.balanceOf(address(tribunal)), 0);
    }

    function invariant_NoPenaltyIsAboveItsTier() public view {
        uint256 count = tribunal.caseCount();
        for (uint256 caseId = 1; caseId <= count; ++caseId) {
            ISlashingCourt.Case memory c = tribunal.caseOf(caseId);
            uint256 taken = uint256(c.fromStake) + c.fromUnbonding;
            uint256 bps =
                c.tier == Tier.None ? 0 : c.tier == Tier.Minor ? 1_000 : c.tier == Tier.Medium ? 3_000 : 10_000;
            assertLe(taken, handler.stakeAtRuling(caseId) * bps / 10_000);
        }
    }

    function invariant_VictimsAreMadeWholeOrStillOwed() public view {
        uint256 count = tribunal.caseCount();
        for (uint256 caseId = 1; caseId <= count; ++caseId) {
            ISlashingCourt.Case memory c = tribunal.caseOf(caseId);
            if (c.state != ISlashingCourt.CaseState.Executed) continue;
            assertApproxEqAbs(handler.compensatedUsd(caseId) + tribunal.shortfallOf(caseId), c.lossUsd, 2);
        }
    }

    function invariant_BansAndHoldsFollowTheCases() public view {
        for (uint256 i = 0; i < handler.IDENTITIES(); ++i) {
            address who = handler.identity(i);
            INodeRegistry.Node memory stored = registry.nodeOf(who);
            assertEq(stored.banned, handler.bans(who) != 0);
            if (stored.banned) assertFalse(registry.isActive(who, Role.Compute));
            assertEq(stored.heldUntil != 0, handler.openCases(who) != 0);
        }
    }
}
