// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ILockedTotal, INetFees, IStrategicIssuance} from "../../src/interfaces/IStrategicIssuance.sol";
import {IVCAIToken} from "../../src/interfaces/IVCAIToken.sol";
import {
    Category,
    IVestingVault,
    PartnerGrant,
    PartnerTerms,
    Release,
    Schedule
} from "../../src/interfaces/IVestingVault.sol";
import {StrategicIssuance} from "../../src/token/StrategicIssuance.sol";
import {TokenFixture} from "./TokenFixture.sol";

contract StrategicIssuanceTest is TokenFixture {
    uint256 private constant STEP_USD = 2_000_000e6;
    uint256 private constant STEP_VCAI = 500_000_000e18;

    function setUp() public override {
        super.setUp();
        vm.warp(TGE);
    }

    /// @dev So many wei locked, out of the reserve.
    function _lock(uint256 amount) private {
        vm.prank(dao);
        vault.spendReserve(address(this), amount);
        token.approve(address(ve), amount);
        ve.lock(amount, TGE + 208 weeks);
    }

    function _climb(uint256 revenueSteps, uint256 lockSteps) private {
        treasury.setNetFees(revenueSteps * STEP_USD);
        if (lockSteps != 0) _lock(lockSteps * STEP_VCAI);
    }

    function _grants(uint256 toAlice, uint256 toBob) private view returns (PartnerGrant[] memory grants) {
        grants = new PartnerGrant[](2);
        grants[0] = PartnerGrant(alice, toAlice);
        grants[1] = PartnerGrant(bob, toBob);
    }

    function _terms() private pure returns (PartnerTerms memory) {
        return PartnerTerms(100_000, 6, 12, Release.Monthly);
    }

    function _issue(uint256 toAlice, uint256 toBob) private returns (uint16) {
        vm.prank(dao);
        return strategic.issue("partners", "GPU supply in Asia", _terms(), _grants(toAlice, toBob));
    }

    function _expectNoQuota(uint256 revenueSteps, uint256 lockSteps, uint256 executed) private {
        vm.expectRevert(abi.encodeWithSelector(IStrategicIssuance.NoQuota.selector, revenueSteps, lockSteps, executed));
    }

    function _assertSteps(uint256 revenueSteps, uint256 lockSteps, uint256 executed) private view {
        (uint256 revenue, uint256 locked, uint256 done) = strategic.steps();
        assertEq(revenue, revenueSteps, "revenue steps");
        assertEq(locked, lockSteps, "lock steps");
        assertEq(done, executed, "executed");
    }

    // ------------------------------------------------------------------------------------------------ deployment

    function test_ReadsTheTokenFromTheVault() public view {
        assertEq(address(strategic.token()), address(token));
        assertEq(address(strategic.vault()), address(vault));
        assertEq(address(strategic.treasury()), address(treasury));
        assertEq(address(strategic.ve()), address(ve));
    }

    function test_RefusesPartsThatAreNoContracts() public {
        _expectNotAContract();
        new StrategicIssuance(address(manager), IVestingVault(stranger), treasury, ve, 0);
        _expectNotAContract();
        new StrategicIssuance(address(manager), vault, INetFees(stranger), ve, 0);
        _expectNotAContract();
        new StrategicIssuance(address(manager), vault, treasury, ILockedTotal(stranger), 0);
    }

    function _expectNotAContract() private {
        vm.expectRevert(abi.encodeWithSelector(IStrategicIssuance.NotAContract.selector, stranger));
    }

    function test_GoesOnCountingWhereAPredecessorEnded() public {
        _climb(5, 3);
        StrategicIssuance next = new StrategicIssuance(address(manager), vault, treasury, ve, 2);
        assertEq(next.quota(), 1);
        next = new StrategicIssuance(address(manager), vault, treasury, ve, 3);
        assertEq(next.quota(), 0);
        next = new StrategicIssuance(address(manager), vault, treasury, ve, 4);
        assertEq(next.quota(), 0);
    }

    // --------------------------------------------------------------------------------------------------- quota

    function test_HasAQuotaOnlyWhenBothStepsAreReached() public {
        assertEq(strategic.quota(), 0);
        treasury.setNetFees(STEP_USD - 1);
        _lock(STEP_VCAI);
        assertEq(strategic.quota(), 0);
        _assertSteps(0, 1, 0);
        treasury.setNetFees(STEP_USD);
        assertEq(strategic.quota(), 1);
        _assertSteps(1, 1, 0);
        ve.unlock(1);
        assertEq(strategic.quota(), 0);
        _assertSteps(1, 0, 0);
    }

    function test_TakesTheSmallerOfBothSteps() public {
        _climb(7, 2);
        assertEq(strategic.quota(), 2);
        treasury.setNetFees(STEP_USD);
        assertEq(strategic.quota(), 1);
    }

    function testFuzz_ComputesTheQuota(uint256 fees, uint256 locked, uint8 executed) public {
        fees = bound(fees, 0, 1_000_000_000e6);
        locked = bound(locked, 1, 2_000_000_000e18);
        treasury.setNetFees(fees);
        _lock(locked);
        StrategicIssuance next = new StrategicIssuance(address(manager), vault, treasury, ve, executed);
        uint256 reached = 0;
        while ((reached + 1) * STEP_USD <= fees && (reached + 1) * STEP_VCAI <= locked) ++reached;
        assertEq(next.quota(), executed >= reached ? 0 : reached - executed);
    }

    // -------------------------------------------------------------------------------------------------- issuing

    function test_MintsToPartnersAsLockedGrants() public {
        _climb(1, 1);
        vm.expectEmit(address(token));
        emit IVCAIToken.Issued(address(strategic), 2026, 100_000_000e18, 100_000_000e18);
        vm.expectEmit(address(strategic));
        emit IStrategicIssuance.StrategicIssue(1, 9, "partners", 100_000_000e18, "GPU supply in Asia");
        uint16 tranche = _issue(60_000_000e18, 40_000_000e18);
        assertEq(tranche, 9);
        assertEq(token.totalSupply(), 10_100_000_000e18);
        assertEq(token.balanceOf(address(strategic)), 0);
        assertEq(token.allowance(address(strategic), address(vault)), 0);
        (Category category, Schedule memory schedule, uint256 granted) = vault.trancheOf(tranche);
        assertEq(uint256(category), uint256(Category.Partners));
        assertEq(schedule.allocation, 100_000_000e18);
        assertEq(schedule.upfront, 10_000_000e18);
        assertEq(schedule.start, TGE);
        assertEq(schedule.cliffMonths, 6);
        assertEq(schedule.releaseMonths, 12);
        assertEq(granted, 100_000_000e18);
        assertEq(vault.releasable(vault.grantIdOf(tranche, alice)), 6_000_000e18);
        vm.warp(TGE + 18 * MONTH);
        vault.release(vault.grantIdOf(tranche, alice));
        vault.release(vault.grantIdOf(tranche, bob));
        assertEq(token.balanceOf(alice), 60_000_000e18);
        assertEq(token.balanceOf(bob), 40_000_000e18);
    }

    function test_UsesAQuotaForEveryIssue() public {
        _expectNoQuota(0, 0, 0);
        _issue(1, 1);
        _climb(3, 2);
        _issue(1e18, 1e18);
        _assertSteps(3, 2, 1);
        assertEq(strategic.quota(), 1);
        vm.expectEmit(true, false, false, false);
        emit IStrategicIssuance.StrategicIssue(2, 0, 0, 0, "");
        _issue(1e18, 1e18);
        assertEq(strategic.quota(), 0);
        _expectNoQuota(3, 2, 2);
        _issue(1e18, 1e18);
        treasury.setNetFees(0);
        assertEq(strategic.quota(), 0);
        _expectNoQuota(0, 2, 2);
        _issue(1e18, 1e18);
    }

    function test_StaysWithinTheYearsCapWhateverTheQuota() public {
        _climb(3, 3);
        _issue(300_000_000e18, 199_999_999e18);
        vm.expectRevert(
            abi.encodeWithSelector(
                IVCAIToken.YearlyCapExceeded.selector, 2026, 500_000_000e18, 499_999_999e18, 1e18 + 1
            )
        );
        _issue(1e18, 1);
        _issue(0.5e18, 0.5e18);
        vm.expectRevert(
            abi.encodeWithSelector(IVCAIToken.YearlyCapExceeded.selector, 2026, 500_000_000e18, 500_000_000e18, 2)
        );
        _issue(1, 1);
        assertEq(strategic.quota(), 1);
    }

    function test_IssuesForTheDaoAlone() public {
        _climb(1, 1);
        _expectUnauthorized(stranger);
        strategic.issue("p", "p", _terms(), _grants(1, 1));
    }

    function test_AsksForAPurpose() public {
        _climb(1, 1);
        vm.expectRevert(abi.encodeWithSelector(IStrategicIssuance.PurposeMissing.selector, bytes32("p")));
        vm.prank(dao);
        strategic.issue("p", "", _terms(), _grants(1, 1));
    }

    function test_RefusesAnIssueToNobody() public {
        _climb(1, 1);
        vm.expectRevert(abi.encodeWithSelector(IVestingVault.AmountIsZero.selector, address(strategic)));
        vm.prank(dao);
        strategic.issue("p", "p", _terms(), new PartnerGrant[](0));
    }

    /// @dev What is locked cannot be taken back in the same transaction, so a loan cannot raise the steps; a fall of the
    /// steps below what was executed leaves no quota, and what was issued stays.
    function test_LeavesNoQuotaWhenStepsFallBelowWhatWasExecuted() public {
        _climb(2, 2);
        _issue(1e18, 1e18);
        _issue(1e18, 1e18);
        ve.unlock(STEP_VCAI + 1);
        _assertSteps(2, 0, 2);
        assertEq(strategic.quota(), 0);
        assertEq(token.totalSupply(), 10_000_000_004e18);
    }
}
