// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {Test} from "forge-std/Test.sol";
import {Roles} from "../../src/Roles.sol";
import {GenesisNFT} from "../../src/token/GenesisNFT.sol";
import {Repricing} from "../../src/token/Repricing.sol";
import {StrategicIssuance} from "../../src/token/StrategicIssuance.sol";
import {VCAIToken} from "../../src/token/VCAIToken.sol";
import {VestingVault} from "../../src/token/VestingVault.sol";
import {IVCAIToken} from "../../src/interfaces/IVCAIToken.sol";
import {Rounds} from "./Rounds.sol";
import {MockLock, MockTreasury} from "./mocks/Sources.sol";
import {Access} from "../utils/Access.sol";

/// @dev The token and all that hands it out, wired as in production, with the genesis supply minted a day before TGE.
abstract contract TokenFixture is Test {
    using Access for AccessManager;

    /// @dev 2026-03-01 00:00:00 UTC.
    uint64 internal constant DEPLOYED = 1_772_323_200;
    uint64 internal constant TGE = DEPLOYED + 1 days;
    uint64 internal constant SALE_END = TGE;
    uint64 internal constant MONTH = 2_629_800;
    uint64 internal constant NOTICE = 7 days;
    uint256 internal constant VAULT_SUPPLY = 9_970_000_000e18;
    uint256 internal constant NFT_SUPPLY = 30_000_000e18;

    AccessManager internal manager;
    VCAIToken internal token;
    VestingVault internal vault;
    GenesisNFT internal nft;
    StrategicIssuance internal strategic;
    Repricing internal repricing;
    MockTreasury internal treasury;
    MockLock internal ve;

    address internal dao = makeAddr("dao");
    address internal grantor = makeAddr("grantor");
    address internal incentives = makeAddr("incentive controller");
    address internal sale = makeAddr("sale");
    address internal alice = makeAddr("alice");
    address internal bob = makeAddr("bob");
    address internal stranger = makeAddr("stranger");

    function setUp() public virtual {
        vm.warp(DEPLOYED);
        manager = new AccessManager(address(this));
        token = new VCAIToken(address(manager), address(this));
        vault = new VestingVault(address(manager), token, TGE, Rounds.all());
        nft = new GenesisNFT(address(manager), vault, SALE_END, "ipfs://genesis/");
        treasury = new MockTreasury();
        ve = new MockLock(token);
        strategic = new StrategicIssuance(address(manager), vault, treasury, ve, 0);
        repricing = new Repricing(address(manager), token, NOTICE);
        _wire();
        token.mintGenesis(_genesis());
    }

    function _genesis() internal view returns (IVCAIToken.Allocation[] memory allocations) {
        allocations = new IVCAIToken.Allocation[](2);
        allocations[0] = IVCAIToken.Allocation(address(vault), VAULT_SUPPLY);
        allocations[1] = IVCAIToken.Allocation(address(nft), NFT_SUPPLY);
    }

    function _wire() private {
        _open(address(token), VCAIToken.mint.selector, Roles.ISSUANCE, address(strategic));
        _open(address(token), VCAIToken.setUIMultiplier.selector, Roles.REPRICING, address(repricing));
        _open(address(vault), VestingVault.createGrant.selector, Roles.GRANTOR, grantor);
        _open(address(vault), VestingVault.openPartnerTranche.selector, Roles.GRANTOR, address(strategic));
        _open(address(vault), VestingVault.releaseIncentive.selector, Roles.INCENTIVE, incentives);
        _open(address(vault), VestingVault.spendReserve.selector, Roles.PARAMS, dao);
        _open(address(nft), GenesisNFT.mint.selector, Roles.GENESIS_SALE, sale);
        _open(address(nft), GenesisNFT.setBaseUri.selector, Roles.PARAMS, dao);
        _open(address(strategic), StrategicIssuance.issue.selector, Roles.PARAMS, dao);
        _open(address(repricing), Repricing.reprice.selector, Roles.PARAMS, dao);
        _open(address(repricing), Repricing.cancel.selector, Roles.PARAMS, dao);
    }

    function _open(address target, bytes4 selector, uint64 role, address holder) internal {
        manager.open(target, selector, role);
        manager.grantRole(role, holder, 0);
    }

    /// @dev The next call of `caller` must be refused for want of a role.
    function _expectUnauthorized(address caller) internal {
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, caller));
        vm.prank(caller);
    }

    function _grant(uint16 tranche, address beneficiary, uint256 amount) internal returns (uint256 grantId) {
        vm.prank(grantor);
        return vault.createGrant(tranche, beneficiary, amount);
    }
}
