// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CommonBase} from "forge-std/Base.sol";
import {StdCheats} from "forge-std/StdCheats.sol";
import {StdUtils} from "forge-std/StdUtils.sol";
import {Schedule} from "../../../src/interfaces/IVestingVault.sol";
import {GenesisNFT} from "../../../src/token/GenesisNFT.sol";
import {VCAIToken} from "../../../src/token/VCAIToken.sol";
import {VestingVault} from "../../../src/token/VestingVault.sol";

/// @dev Everyone who can act on the vault and on the Genesis NFTs, with a ledger of what each moved.
contract VestingHandler is CommonBase, StdCheats, StdUtils {
    VCAIToken public immutable token;
    VestingVault public immutable vault;
    GenesisNFT public immutable nft;
    address private immutable _grantor;
    address private immutable _dao;
    address private immutable _incentives;
    address private immutable _sale;

    address[] public actors;
    uint256 public released;
    uint256 public incentivePaid;
    uint256 public reservePaid;
    uint256 public liquidityGiven;
    uint256 public claims;
    uint256 public timeBefore;
    mapping(uint256 grantId => uint256) public grantReleased;
    mapping(uint256 tranche => uint256) public granted;

    constructor(VestingVault vault_, GenesisNFT nft_, address[4] memory roles) {
        vault = vault_;
        nft = nft_;
        token = VCAIToken(address(vault_.token()));
        (_grantor, _dao, _incentives, _sale) = (roles[0], roles[1], roles[2], roles[3]);
        for (uint160 i = 1; i <= 4; ++i) {
            actors.push(address(0xA0 + i));
        }
        timeBefore = block.timestamp;
    }

    function actorCount() external view returns (uint256) {
        return actors.length;
    }

    function _actor(uint256 seed) private view returns (address) {
        return actors[seed % actors.length];
    }

    function _tranche(uint256 seed) private view returns (uint16) {
        return uint16(seed % vault.trancheCount());
    }

    function passTime(uint256 time) external {
        timeBefore = block.timestamp;
        vm.warp(block.timestamp + bound(time, 1, 120 days));
    }

    function grant(uint256 tranche, uint256 to, uint256 amount) external {
        uint16 id = _tranche(tranche);
        (, Schedule memory schedule, uint256 already) = vault.trancheOf(id);
        uint256 left = schedule.allocation - already;
        if (left == 0) return;
        amount = bound(amount, 1, left);
        vm.prank(_grantor);
        vault.createGrant(id, _actor(to), amount);
        granted[id] += amount;
    }

    function release(uint256 tranche, uint256 of_) external {
        uint256 id = vault.grantIdOf(_tranche(tranche), _actor(of_));
        if (vault.releasable(id) == 0) return;
        uint256 before = token.balanceOf(_actor(of_));
        uint256 amount = vault.release(id);
        require(token.balanceOf(_actor(of_)) - before == amount, "paid to another");
        released += amount;
        grantReleased[id] += amount;
    }

    function give(uint256 tranche, uint256 from, uint256 to) external {
        uint16 trancheId = _tranche(tranche);
        (address giver, address taker) = (_actor(from), _actor(to));
        uint256 id = vault.grantIdOf(trancheId, giver);
        if (giver == taker || vault.grantOf(id).amount == 0) return;
        vm.prank(giver);
        uint256 target = vault.transferGrant(id, taker);
        grantReleased[target] += grantReleased[id];
        grantReleased[id] = 0;
    }

    function payIncentive(uint256 amount) external {
        uint256 available = vault.incentiveAvailable();
        if (available == 0) return;
        amount = bound(amount, 1, available);
        vm.prank(_incentives);
        vault.releaseIncentive(_incentives, amount);
        incentivePaid += amount;
    }

    function spendReserve(uint256 amount) external {
        uint256 left = vault.RESERVE_ALLOCATION() - reservePaid;
        if (left == 0 || block.timestamp < vault.tge()) return;
        amount = bound(amount, 1, left);
        vm.prank(_dao);
        vault.spendReserve(_dao, amount);
        reservePaid += amount;
    }

    function giveLiquidity(uint256 from, uint256 amount) external {
        address giver = _actor(from);
        uint256 balance = token.balanceOf(giver);
        if (balance == 0) return;
        amount = bound(amount, 1, balance);
        vm.startPrank(giver);
        token.approve(address(vault), amount);
        vault.fundLiquidity(amount);
        vm.stopPrank();
        liquidityGiven += amount;
    }

    function sell(uint256 to, uint256 count) external {
        uint256 left = nft.MAX_SUPPLY() - nft.minted();
        if (left == 0 || block.timestamp >= nft.saleEnd()) return;
        vm.prank(_sale);
        nft.mint(_actor(to), bound(count, 1, left < 20 ? left : 20));
    }

    function _someToken(uint256 seed) private view returns (uint256) {
        uint256 minted = nft.minted();
        return minted == 0 ? 0 : seed % minted + 1;
    }

    function claim(uint256 seed) external {
        uint256 id = _someToken(seed);
        if (id == 0 || nft.claimable(id) == 0 || nft.lockedUntil(id) > block.timestamp) return;
        vm.prank(nft.ownerOf(id));
        claims += nft.claim(id);
    }

    function promise_(uint256 seed, uint256 until) external {
        uint256 id = _someToken(seed);
        if (id == 0) return;
        uint256 earliest = nft.lockedUntil(id);
        if (earliest <= block.timestamp) earliest = block.timestamp + 1;
        vm.prank(nft.ownerOf(id));
        nft.lockClaims(id, uint64(bound(until, earliest, block.timestamp + 30 days)));
    }

    function sellOn(uint256 seed, uint256 to) external {
        uint256 id = _someToken(seed);
        if (id == 0) return;
        address holder = nft.ownerOf(id);
        vm.prank(holder);
        nft.transferFrom(holder, _actor(to), id);
    }

    function returnUnsold() external {
        if (block.timestamp < nft.saleEnd() || nft.unsoldReturned()) return;
        nft.returnUnsold();
    }
}
