// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Roles} from "../../src/Roles.sol";
import {ICompensator} from "../../src/interfaces/ICompensator.sol";
import {IFraudProofs} from "../../src/interfaces/IFraudProofs.sol";
import {INodeRegistry} from "../../src/interfaces/INodeRegistry.sol";
import {IPriceOracle} from "../../src/interfaces/IPriceOracle.sol";
import {IProsecution} from "../../src/interfaces/IProsecution.sol";
import {ISettlement} from "../../src/interfaces/ISettlement.sol";
import {ISlashingCourt} from "../../src/interfaces/ISlashingCourt.sol";
import {ITreasury} from "../../src/interfaces/ITreasury.sol";
import {IVCAIGovernor} from "../../src/interfaces/IVCAIGovernor.sol";
import {IVerifierSet} from "../../src/interfaces/IVerifierSet.sol";
import {SlashingCourt} from "../../src/network/SlashingCourt.sol";
import {VerifierSet} from "../../src/network/VerifierSet.sol";
import {Fault, SignedReceipt, Tier} from "../../src/types/Types.sol";
import {ProofFixture} from "./ProofFixture.sol";

/// @dev One for one, as the stake of these tests is in the stablecoin.
contract Parity is IPriceOracle {
    function vcaiFor(uint256 usd) external pure returns (uint256) {
        return usd;
    }

    function usdFor(uint256 vcai) external pure returns (uint256) {
        return vcai;
    }
}

/// @dev A proof with the real court: the stake moves at once, and after the appeal window the client has everything
/// back.
contract CourtIntegrationTest is ProofFixture {
    SlashingCourt private tribunal;

    function setUp() public override {
        super.setUp();
        VerifierSet verifiers = new VerifierSet(address(manager), registry, IVerifierSet.Parameters(3, 3, 6_000, 4));
        tribunal = new SlashingCourt(
            address(manager),
            registry,
            verifiers,
            ICompensator(address(treasury)),
            new Parity(),
            IVCAIGovernor(address(this)),
            ISlashingCourt.Parameters(700, 2_000, 2_500, 3, 1 days, 7 days, 30 days, 2_000e18, 1e6, 1e6, 1_000e6),
            1 hours
        );
        manager.grantRole(Roles.COURT, address(tribunal), 0);
        manager.grantRole(Roles.COMPENSATION, address(tribunal), 0);
        manager.grantRole(Roles.PROSECUTOR, address(fraudProofs), 0);
        bytes4[] memory selectors = new bytes4[](6);
        selectors[0] = INodeRegistry.slash.selector;
        selectors[1] = INodeRegistry.restore.selector;
        selectors[2] = INodeRegistry.suspend.selector;
        selectors[3] = INodeRegistry.ban.selector;
        selectors[4] = INodeRegistry.unban.selector;
        selectors[5] = INodeRegistry.hold.selector;
        manager.setTargetFunctionRole(address(registry), selectors, Roles.COURT);
        selectors = new bytes4[](1);
        selectors[0] = IVerifierSet.admit.selector;
        manager.setTargetFunctionRole(address(verifiers), selectors, Roles.COURT);
        selectors[0] = ISlashingCourt.openProven.selector;
        manager.setTargetFunctionRole(address(tribunal), selectors, Roles.PROSECUTOR);
        IFraudProofs.Parameters memory parameters = fraudProofs.parameters();
        parameters.court = IProsecution(address(tribunal));
        fraudProofs.setParameters(parameters);
    }

    function test_Proof_TakesTheStakeAtOnceAndMakesTheClientWhole() public {
        SignedReceipt memory signed = _overQuoted(1, 10e6);
        _post(_one(signed), _capId, 0);
        treasury.spend(IERC20(address(stable)), address(0xdead), 0.5e6, "nothing is left for compensation");
        _challenge(Fault.OverQuote, 0, signed, "");
        assertEq(escrow.available(client.addr), 9.5e6);
        ISlashingCourt.Case memory opened = tribunal.caseOf(1);
        assertEq(opened.accused, scheduler.addr);
        assertEq(opened.accuser, challenger);
        assertEq(opened.victim, client.addr);
        assertEq(opened.lossUsd, 0.5e6);
        assertEq(uint256(opened.tier), uint256(Tier.Minor));
        (uint128 stake,) = registry.stakeOf(scheduler.addr);
        assertEq(stake, 930e6, "seven per cent");
        vm.warp(START + 8 days);
        uint256 before = stable.balanceOf(client.addr);
        tribunal.execute(1);
        assertEq(stable.balanceOf(client.addr) - before, 0.5e6, "the rest of the ten");
    }

    /// @dev A forgery costs everything and the right to come back.
    function test_Forgery_CostsTheWholeStake() public {
        SignedReceipt memory signed = _signed(_receipt(1, 10e6));
        signed.nodeSignature = "";
        _post(_one(signed), _capId, 0);
        _challenge(Fault.BadSignature, 0, signed, "");
        (uint128 stake,) = registry.stakeOf(scheduler.addr);
        assertEq(stake, 0);
        assertTrue(registry.isBarred(scheduler.addr));
        assertEq(escrow.available(client.addr), 10e6);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.SchedulerInactive.selector, scheduler.addr));
        this.postAgain(signed);
    }

    function postAgain(SignedReceipt memory signed) external {
        _post(_one(signed), _capId, 0);
    }
}
