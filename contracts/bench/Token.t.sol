// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {PartnerGrant, PartnerTerms, Release} from "../src/interfaces/IVestingVault.sol";
import {Rounds} from "../test/token/Rounds.sol";
import {TokenFixture} from "../test/token/TokenFixture.sol";

/// @dev Gas of whole transactions (profile bench isolates calls), written to snapshots/token.json. Accounts that receive
/// tokens held some before.
contract TokenBench is TokenFixture {
    function setUp() public override {
        super.setUp();
        _grant(Rounds.GROWTH, alice, 1_000e18);
        _grant(Rounds.SEED, alice, 240e18);
        vm.prank(sale);
        nft.mint(alice, 2);
        vm.warp(TGE);
        vault.release(vault.grantIdOf(Rounds.GROWTH, alice));
        vm.startPrank(dao);
        vault.spendReserve(alice, 1_000_000_000e18);
        vault.spendReserve(bob, 1e18);
        vm.stopPrank();
        treasury.setNetFees(10_000_000e6);
        vm.startPrank(alice);
        token.approve(address(ve), type(uint256).max);
        ve.lock(900_000_000e18, TGE + 208 weeks);
        vm.stopPrank();
        vm.prank(incentives);
        vault.releaseIncentive(bob, 1e18);
        vm.warp(TGE + 30 days);
    }

    function test_Transfer() public {
        vm.prank(alice);
        token.transfer(bob, 1e18);
        vm.snapshotGasLastCall("token", "transfer");
    }

    function test_CreateGrant() public {
        vm.prank(grantor);
        vault.createGrant(Rounds.SEED, bob, 1e18);
        vm.snapshotGasLastCall("token", "createGrant");
    }

    function test_Release() public {
        vault.release(vault.grantIdOf(Rounds.GROWTH, alice));
        vm.snapshotGasLastCall("token", "release");
    }

    function test_ReleaseFirst() public {
        vault.release(vault.grantIdOf(Rounds.SEED, alice));
        vm.snapshotGasLastCall("token", "release_first");
    }

    function test_TransferGrant() public {
        uint256 id = vault.grantIdOf(Rounds.GROWTH, alice);
        vm.prank(alice);
        vault.transferGrant(id, bob);
        vm.snapshotGasLastCall("token", "transferGrant");
    }

    function test_ReleaseIncentive() public {
        vm.prank(incentives);
        vault.releaseIncentive(bob, 1e18);
        vm.snapshotGasLastCall("token", "releaseIncentive");
    }

    function test_SpendReserve() public {
        vm.prank(dao);
        vault.spendReserve(bob, 1e18);
        vm.snapshotGasLastCall("token", "spendReserve");
    }

    function test_ClaimGenesisNft() public {
        vm.prank(alice);
        nft.claim(1);
        vm.snapshotGasLastCall("token", "nft_claim_first");
        vm.warp(TGE + 2 * MONTH);
        vm.prank(alice);
        nft.claim(1);
        vm.snapshotGasLastCall("token", "nft_claim");
    }

    function test_MintGenesisNft() public {
        vm.warp(DEPLOYED);
        vm.prank(sale);
        nft.mint(alice, 1);
        vm.snapshotGasLastCall("token", "nft_mint");
    }

    function test_Issue() public {
        PartnerGrant[] memory grants = new PartnerGrant[](1);
        grants[0] = PartnerGrant(bob, 1e18);
        vm.prank(dao);
        strategic.issue("bench", "bench", PartnerTerms(0, 12, 12, Release.Monthly), grants);
        vm.snapshotGasLastCall("token", "issue_one_partner");
    }

    function test_Reprice() public {
        vm.prank(dao);
        repricing.reprice(10, 1, block.timestamp + NOTICE);
        vm.snapshotGasLastCall("token", "reprice");
    }
}
