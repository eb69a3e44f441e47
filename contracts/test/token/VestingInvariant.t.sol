// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IVestingVault, Schedule} from "../../src/interfaces/IVestingVault.sol";
import {VestingHandler} from "./handlers/VestingHandler.sol";
import {TokenFixture} from "./TokenFixture.sol";

/// @dev Whatever anyone does: nobody gets more than is vested, and what is promised is held to the wei.
contract VestingInvariantTest is TokenFixture {
    VestingHandler private _handler;

    function setUp() public override {
        super.setUp();
        _handler = new VestingHandler(vault, nft, [grantor, dao, incentives, sale]);
        targetContract(address(_handler));
    }

    function _returned() private view returns (uint256) {
        return nft.unsoldReturned() ? (3_000 - nft.minted()) * 10_000e18 : 0;
    }

    function invariant_TheVaultHoldsWhatItOwesToTheWei() public view {
        uint256 paid = _handler.released() + _handler.incentivePaid() + _handler.reservePaid();
        assertEq(token.balanceOf(address(vault)), VAULT_SUPPLY + _returned() + _handler.liquidityGiven() - paid);
        assertEq(vault.incentiveReleased(), _handler.incentivePaid());
        assertEq(vault.reserveSpent(), _handler.reservePaid());
    }

    function invariant_AllocationsAddUpToTenBillion() public view {
        uint256 sum = vault.RESERVE_ALLOCATION() + vault.INCENTIVE_ALLOCATION() + NFT_SUPPLY;
        for (uint16 tranche = 0; tranche < vault.trancheCount(); ++tranche) {
            (, Schedule memory schedule,) = vault.trancheOf(tranche);
            sum += schedule.allocation;
        }
        assertEq(sum, 10_000_000_000e18 + _returned() + _handler.liquidityGiven());
        assertEq(token.totalSupply(), 10_000_000_000e18);
    }

    function invariant_NoGrantPaysMoreThanIsVestedNorMoreThanItself() public view {
        for (uint16 tranche = 0; tranche < vault.trancheCount(); ++tranche) {
            uint256 amounts = 0;
            for (uint256 i = 0; i < _handler.actorCount(); ++i) {
                uint256 id = vault.grantIdOf(tranche, _handler.actors(i));
                IVestingVault.Grant memory grant = vault.grantOf(id);
                uint256 vested = vault.vestedAt(id, block.timestamp);
                assertLe(grant.released, vested);
                assertLe(vested, grant.amount);
                assertLe(vault.vestedAt(id, _handler.timeBefore()), vested);
                assertEq(vault.releasable(id), vested - grant.released);
                assertEq(grant.released, _handler.grantReleased(id));
                amounts += grant.amount;
            }
            (, Schedule memory schedule, uint256 granted) = vault.trancheOf(tranche);
            assertEq(granted, amounts);
            assertEq(granted, _handler.granted(tranche));
            assertLe(granted, schedule.allocation);
        }
    }

    function invariant_TheIncentivePoolStaysWithinItsWeeks() public view {
        uint256 weeksStarted = block.timestamp < TGE ? 0 : (block.timestamp - TGE) / 7 days + 1;
        uint256 most = weeksStarted >= 522 ? 2_000_000_000e18 : weeksStarted * 3_831_417e18;
        assertLe(vault.incentiveReleased(), most);
        assertEq(vault.incentiveReleased() + vault.incentiveAvailable(), most);
    }

    function invariant_EveryGenesisNftIsCovered() public view {
        uint256 minted = nft.minted();
        assertLe(minted, 3_000);
        uint256 claimed = 0;
        uint256 unlocked = nft.unlockedAt(block.timestamp);
        for (uint256 id = 1; id <= minted; ++id) {
            assertLe(nft.claimed(id), unlocked);
            claimed += nft.claimed(id);
        }
        assertEq(claimed, _handler.claims());
        assertEq(token.balanceOf(address(nft)), NFT_SUPPLY - _returned() - claimed);
        assertGe(token.balanceOf(address(nft)), minted * 10_000e18 - claimed);
    }
}
