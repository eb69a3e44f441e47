// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IVerifierSet} from "../../src/interfaces/IVerifierSet.sol";
import {ISlashingCourt} from "../../src/interfaces/ISlashingCourt.sol";
import {Tier} from "../../src/types/Types.sol";
import {CourtFixture} from "./CourtFixture.sol";
import {Sources} from "./mocks/Sources.sol";

contract CourtExecutionTest is CourtFixture {
    uint128 private constant CAP = 2_000e18;

    function test_Execute_WaitsForTheAppealWindow() public {
        uint256 caseId = _ruled(Tier.Minor, 0);
        vm.warp(START + WINDOW - 1);
        vm.expectRevert(abi.encodeWithSelector(ISlashingCourt.AppealWindowRunning.selector, caseId, START + WINDOW));
        tribunal.execute(caseId);
        vm.warp(START + WINDOW);
        vm.prank(stranger);
        tribunal.execute(caseId);
        _assertState(caseId, ISlashingCourt.CaseState.Executed);
        vm.expectRevert(_wrongState(caseId, ISlashingCourt.CaseState.Executed));
        tribunal.execute(caseId);
    }

    function test_RevertWhen_ExecutedBeforeARuling() public {
        vm.expectRevert(_wrongState(1, ISlashingCourt.CaseState.None));
        tribunal.execute(1);
        uint256 caseId = _accuse(0);
        vm.warp(START + 99 days);
        vm.expectRevert(_wrongState(caseId, ISlashingCourt.CaseState.Open));
        tribunal.execute(caseId);
    }

    function test_Execute_TheTreasuryPaysFirstAndTheAccuserIsCapped() public {
        stable.mint(address(treasury), 500e6);
        uint256 caseId = _ruled(Tier.Medium, 300e6);
        vm.warp(START + WINDOW);
        uint128 taken = COMPUTE / 5;
        vm.expectEmit(address(tribunal));
        emit ISlashingCourt.CaseExecuted(caseId, node, victim, 300e6, 0, taken / 4, taken - taken / 4, 0);
        vm.expectEmit(address(verifiers));
        emit IVerifierSet.MemberAdmitted(accuser, caseId);
        tribunal.execute(caseId);
        assertEq(stable.balanceOf(victim), 300e6);
        assertEq(stable.balanceOf(address(treasury)), 200e6);
        assertEq(vcai.balanceOf(victim), 0);
        assertEq(vcai.balanceOf(accuser), FUNDS + taken / 4, "bond and bounty");
        assertEq(vcai.balanceOf(address(treasury)), taken - taken / 4);
        assertEq(vcai.balanceOf(address(tribunal)), 0);
        assertEq(tribunal.escrowedOf(node), 0);
        assertEq(tribunal.shortfallOf(caseId), 0);
        assertTrue(verifiers.isAdmitted(accuser));
    }

    function test_Execute_TheStakePaysWhatTheTreasuryLacks() public {
        stable.mint(address(treasury), 10e6);
        uint256 caseId = _ruled(Tier.Severe, 60e6);
        vm.warp(START + WINDOW);
        // 50 USD at 100 VCAI each; a quarter of the remaining 5,000 is below the cap.
        vm.expectEmit(address(tribunal));
        emit ISlashingCourt.CaseExecuted(caseId, node, victim, 10e6, 5_000e18, 1_250e18, 3_750e18, 0);
        tribunal.execute(caseId);
        assertEq(stable.balanceOf(victim), 10e6);
        assertEq(vcai.balanceOf(victim), 5_000e18);
        assertEq(vcai.balanceOf(accuser), FUNDS + 1_250e18);
        assertEq(vcai.balanceOf(address(treasury)), 3_750e18);
        assertEq(vcai.balanceOf(address(tribunal)), 0);
    }

    function test_Execute_WhatIsStillMissingStaysOwedAndIsPaidLater() public {
        uint256 caseId = _ruled(Tier.Minor, 60e6);
        vm.warp(START + WINDOW);
        // 700 VCAI are 7 USD.
        vm.expectEmit(address(tribunal));
        emit ISlashingCourt.CaseExecuted(caseId, node, victim, 0, 700e18, 0, 0, 53e6);
        tribunal.execute(caseId);
        assertEq(vcai.balanceOf(victim), 700e18);
        assertEq(vcai.balanceOf(accuser), FUNDS, "the bond alone");
        assertEq(tribunal.shortfallOf(caseId), 53e6);
        vm.expectRevert(abi.encodeWithSelector(ISlashingCourt.TreasuryIsEmpty.selector, caseId, 53e6));
        tribunal.payShortfall(caseId);
        assertEq(tribunal.shortfallOf(caseId), 53e6);
        stable.mint(address(treasury), 50e6);
        vm.expectEmit(address(tribunal));
        emit ISlashingCourt.ShortfallPaid(caseId, victim, 50e6, 3e6);
        vm.prank(stranger);
        assertEq(tribunal.payShortfall(caseId), 50e6);
        stable.mint(address(treasury), 50e6);
        assertEq(tribunal.payShortfall(caseId), 3e6);
        assertEq(stable.balanceOf(victim), 53e6);
        vm.expectRevert(abi.encodeWithSelector(ISlashingCourt.NothingOwed.selector, caseId));
        tribunal.payShortfall(caseId);
    }

    function test_Execute_TheExactStakeCoversTheExactLoss() public {
        uint256 caseId = _ruled(Tier.Severe, 100e6);
        vm.warp(START + WINDOW);
        vm.expectEmit(address(tribunal));
        emit ISlashingCourt.CaseExecuted(caseId, node, victim, 0, COMPUTE, 0, 0, 0);
        tribunal.execute(caseId);
        assertEq(tribunal.shortfallOf(caseId), 0);
        assertEq(vcai.balanceOf(victim), COMPUTE);
    }

    function test_Execute_GoesOnWhenTheTreasuryRefuses() public {
        stable.mint(address(treasury), 500e6);
        treasury.setRefuses(true);
        uint256 caseId = _ruled(Tier.Severe, 60e6);
        vm.warp(START + WINDOW);
        tribunal.execute(caseId);
        assertEq(stable.balanceOf(victim), 0);
        assertEq(vcai.balanceOf(victim), 6_000e18);
    }

    function test_Execute_CountsNoMoreThanTheLossWhenTheTreasuryBoasts() public {
        stable.mint(address(treasury), 500e6);
        treasury.setBoast(1);
        uint256 caseId = _ruled(Tier.Severe, 60e6);
        vm.warp(START + WINDOW);
        tribunal.execute(caseId);
        assertEq(stable.balanceOf(victim), 60e6);
        assertEq(vcai.balanceOf(victim), 0);
        assertEq(tribunal.shortfallOf(caseId), 0);
    }

    function test_Execute_NeedsAPriceOnlyWhenTheTreasuryIsShort() public {
        stable.mint(address(treasury), 60e6);
        uint256 first = _proven(Tier.Minor, 60e6);
        uint256 second = _proven(Tier.Minor, 60e6);
        vm.warp(START + WINDOW);
        sources.setPrice(0);
        tribunal.execute(first);
        vm.expectRevert(Sources.NoPrice.selector);
        tribunal.execute(second);
        _assertState(second, ISlashingCourt.CaseState.Ruled);
        sources.setPrice(100e18);
        tribunal.execute(second);
    }

    function test_Execute_WithoutStakeTheWholeLossStaysOwed() public {
        vm.prank(prosecutor);
        uint256 caseId = tribunal.openProven(stranger, Tier.Severe, victim, 7e6, accuser, EVIDENCE);
        vm.warp(START + WINDOW);
        sources.setPrice(0);
        tribunal.execute(caseId);
        assertEq(tribunal.shortfallOf(caseId), 7e6);
        assertEq(vcai.balanceOf(accuser), FUNDS);
    }

    function test_Execute_AProofWithoutAccuserPaysNoBountyAndAdmitsNobody() public {
        vm.prank(prosecutor);
        uint256 caseId = tribunal.openProven(node, Tier.Severe, address(0), 0, address(0), EVIDENCE);
        vm.warp(START + WINDOW);
        tribunal.execute(caseId);
        assertEq(vcai.balanceOf(address(treasury)), COMPUTE);
        assertEq(verifiers.memberCount(), MEMBERS);
    }

    function test_Execute_AdmitsTheNominee() public {
        ISlashingCourt.Accusation memory accusation = _accusation(0);
        accusation.nominee = stranger;
        vm.prank(accuser);
        uint256 caseId = tribunal.accuse(accusation);
        _seat(caseId);
        _verdict(caseId, Tier.Minor, 0);
        vm.warp(START + WINDOW);
        tribunal.execute(caseId);
        assertTrue(verifiers.isAdmitted(stranger));
        assertFalse(verifiers.isAdmitted(accuser));
    }

    function test_Execute_TheBountyIsCapped() public {
        vm.prank(node);
        registry.topUp(COMPUTE);
        uint256 caseId = _proven(Tier.Severe, 0);
        vm.warp(START + WINDOW);
        tribunal.execute(caseId);
        assertEq(vcai.balanceOf(accuser), FUNDS + CAP);
        assertEq(vcai.balanceOf(address(treasury)), 2 * COMPUTE - CAP);
    }

    function test_Shortfall_CannotBePaidTwiceByReentering() public {
        uint256 caseId = _proven(Tier.Minor, 60e6);
        vm.warp(START + WINDOW);
        tribunal.execute(caseId);
        stable.mint(address(treasury), 200e6);
        treasury.callBack(address(tribunal), abi.encodeCall(ISlashingCourt.payShortfall, (caseId)));
        assertEq(tribunal.payShortfall(caseId), 53e6);
        assertTrue(treasury.hookFailed());
        assertEq(stable.balanceOf(victim), 53e6);
    }

    function test_Execute_CannotBeReentered() public {
        uint256 caseId = _proven(Tier.Severe, 60e6);
        vm.warp(START + WINDOW);
        treasury.callBack(address(tribunal), abi.encodeCall(ISlashingCourt.execute, (caseId)));
        tribunal.execute(caseId);
        assertTrue(treasury.hookFailed());
    }

    function testFuzz_Execute_VictimFirstAccuserNeverAll(
        uint128 loss,
        uint128 held,
        uint8 tierSeed,
        uint16 bountyBps,
        uint96 price
    ) public {
        ISlashingCourt.Parameters memory value = _courtParameters();
        value.bountyBps = uint16(bound(bountyBps, 0, 5_000));
        value.bountyCap = type(uint128).max;
        tribunal.setParameters(value);
        loss = uint128(bound(loss, 0, 1e15));
        held = uint128(bound(held, 0, 1e15));
        sources.setPrice(bound(price, 1e12, 1e24));
        stable.mint(address(treasury), held);
        uint256 caseId = _proven(Tier(bound(tierSeed, 1, 3)), loss);
        uint256 taken = tribunal.escrowedOf(node);
        vm.warp(START + WINDOW);
        tribunal.execute(caseId);

        uint256 paidUsd = stable.balanceOf(victim);
        uint256 paidVcai = vcai.balanceOf(victim);
        uint256 bounty = vcai.balanceOf(accuser) - FUNDS;
        uint256 rest = vcai.balanceOf(address(treasury));
        assertEq(paidUsd, loss < held ? loss : held, "the treasury pays as far as it can");
        assertEq(paidVcai + bounty + rest, taken, "every wei of the stake has one place");
        assertEq(vcai.balanceOf(address(tribunal)), 0);
        uint256 owed = tribunal.shortfallOf(caseId);
        if (owed != 0) assertEq(bounty + rest, 0, "nobody is paid while the victim is owed");
        assertApproxEqAbs(paidUsd + owed + sources.usdFor(paidVcai), loss, 2, "in full");
        if (bounty + rest != 0) assertLe(bounty, rest, "never the whole, nor more than half");
    }
}
