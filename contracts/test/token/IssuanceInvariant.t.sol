// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Roles} from "../../src/Roles.sol";
import {Repricing} from "../../src/token/Repricing.sol";
import {IssuanceHandler} from "./handlers/IssuanceHandler.sol";
import {TokenFixture} from "./TokenFixture.sol";

/// @dev The supply grows by issues that were earned, by a twentieth a year at most, and splits move nothing.
contract IssuanceInvariantTest is TokenFixture {
    IssuanceHandler private _handler;

    function setUp() public override {
        super.setUp();
        Repricing atOnce = new Repricing(address(manager), token, 0);
        _open(address(atOnce), Repricing.reprice.selector, Roles.PARAMS, dao);
        manager.grantRole(Roles.REPRICING, address(atOnce), 0);
        _handler = new IssuanceHandler(strategic, atOnce, dao);
        vm.warp(TGE);
        vm.prank(dao);
        vault.spendReserve(address(_handler), 2_000_000_000e18);
        targetContract(address(_handler));
    }

    function invariant_TheSupplyIsGenesisAndWhatWasIssued() public view {
        assertEq(token.totalSupply(), 10_000_000_000e18 + _handler.issued());
        assertEq(token.balanceOf(address(strategic)), 0);
    }

    function invariant_NoYearIssuesMoreThanATwentiethOfItsOpening() public view {
        for (uint256 i = 0; i < _handler.yearCount(); ++i) {
            uint256 year = _handler.yearsSeen(i);
            assertLe(_handler.mintedIn(year) * 20, _handler.openingOf(year));
        }
        uint256 present = _handler.yearsSeen(_handler.yearCount() - 1);
        (uint256 year_, uint256 opening, uint256 minted, uint256 available) = token.issuance();
        assertEq(year_, present);
        assertEq(opening, _handler.openingOf(present));
        assertEq(minted, _handler.mintedIn(present));
        assertEq(available, opening / 20 - minted);
    }

    function invariant_NoMoreIssuesThanStepsClimbed() public view {
        (uint256 revenueSteps, uint256 lockSteps, uint256 executed) = strategic.steps();
        assertEq(executed, _handler.executed());
        assertLe(executed, _handler.highestSteps());
        uint256 both = revenueSteps < lockSteps ? revenueSteps : lockSteps;
        assertEq(strategic.quota(), both > executed ? both - executed : 0);
    }

    function invariant_PartnersGrantsAreHeldInTheVault() public view {
        assertEq(
            token.balanceOf(address(vault)),
            VAULT_SUPPLY - 2_000_000_000e18 + _handler.issued() - _handler.partnersPaid()
        );
        assertEq(vault.trancheCount(), 9 + _handler.executed());
    }

    function invariant_SplitsMultiplyWhatIsShownAlone() public view {
        assertEq(token.uiMultiplier(), _handler.numerator() * 1e18);
        assertEq(token.totalSupplyUI(), token.totalSupply() * _handler.numerator());
    }
}
