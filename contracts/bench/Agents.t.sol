// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ILicenseManager} from "../src/interfaces/ILicenseManager.sol";
import {AgentFixture} from "../test/agents/AgentFixture.sol";

/// @dev Gas of whole transactions, written to snapshots/agents.json. "first" means that the account has none yet.
contract AgentsBench is AgentFixture {
    uint256 private agentId;

    function setUp() public override {
        super.setUp();
        stable.mint(treasury, 1e6);
        agentId = _mint(alice);
        _setTerms(alice, agentId, 50e6, 5e6, 0.01e6);
    }

    function _snapshot(string memory operation) private {
        vm.snapshotGasLastCall("agents", operation);
    }

    function test_Mint() public {
        vm.prank(bob);
        nft.mint(bob, ROYALTY, CREATOR, _record(2), FEE);
        _snapshot("mint_first");
        vm.prank(bob);
        nft.mint(bob, ROYALTY, CREATOR, _record(3), FEE);
        _snapshot("mint");
    }

    function test_Life() public {
        vm.startPrank(alice);
        nft.publishVersion(agentId, _record(4));
        _snapshot("publishVersion");
        nft.setUser(agentId, carol, START + 1 days);
        _snapshot("setUser");
        nft.transferFrom(alice, bob, agentId);
        _snapshot("transfer");
        vm.stopPrank();
    }

    function test_Licenses() public {
        vm.startPrank(bob);
        licenses.buyLicense(agentId, ILicenseManager.LicenseKind.Shared, 30 days, 150e6);
        _snapshot("buyShared_first");
        licenses.buyLicense(agentId, ILicenseManager.LicenseKind.Shared, 30 days, 150e6);
        _snapshot("buyShared_renewal");
        licenses.rate(agentId, 5, 0, "");
        _snapshot("rate_first");
        vm.warp(START + 61 days);
        licenses.buyLicense(agentId, ILicenseManager.LicenseKind.Exclusive, 30 days, 1_500e6);
        _snapshot("buyExclusive");
        vm.stopPrank();
    }

    function test_Calls() public {
        vm.prank(bob);
        licenses.buyCalls(agentId, 1_000, 10e6);
        _snapshot("buyCalls_first");
        bytes memory signature = _sign(bobKey, licenses.voucherDigest(agentId, bob, 10));
        licenses.redeemCalls(agentId, bob, 10, signature);
        signature = _sign(bobKey, licenses.voucherDigest(agentId, bob, 500));
        licenses.redeemCalls(agentId, bob, 500, signature);
        _snapshot("redeemCalls");
    }

    function test_Revenue() public {
        address till = splitter.tillOf(agentId);
        stable.mint(till, 100e6);
        splitter.sweep(agentId);
        _snapshot("sweep_first");
        stable.mint(till, 100e6);
        splitter.sweep(agentId);
        _snapshot("sweep");
        splitter.withdraw(alice);
        _snapshot("withdraw");
    }

    function test_Market() public {
        uint64 expiry = START + 30 days;
        vm.startPrank(alice);
        nft.approve(address(market), agentId);
        market.list(agentId, 1_000e6, expiry);
        _snapshot("list");
        vm.stopPrank();
        uint48 nonce = nft.stateNonce(agentId);
        vm.prank(bob);
        market.buy(agentId, 1_000e6, nonce);
        _snapshot("buy");
        nonce = nft.stateNonce(agentId);
        vm.prank(carol);
        market.makeOffer(agentId, 900e6, expiry, nonce);
        _snapshot("makeOffer");
        vm.startPrank(bob);
        nft.approve(address(market), agentId);
        market.acceptOffer(agentId, carol, 0);
        _snapshot("acceptOffer");
        vm.stopPrank();
    }
}
