// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IVestingVault, Schedule} from "../../src/interfaces/IVestingVault.sol";
import {TokenFixture} from "./TokenFixture.sol";

/// @dev Ten years of the real contracts: every week of the incentive pool, and every wei of every allocation.
contract TenYearsTest is TokenFixture {
    uint256 private constant WEEKS = 522;
    uint256 private constant POOL = 2_000_000_000e18;
    uint16 private constant LIQUIDITY = 3;
    uint256 private constant HOLDERS = 7;

    function _releaseIncentive(uint256 amount) private {
        vm.prank(incentives);
        vault.releaseIncentive(incentives, amount);
    }

    function _refuseIncentive(uint256 available, uint256 asked) private {
        vm.expectRevert(abi.encodeWithSelector(IVestingVault.IncentiveScheduleExceeded.selector, available, asked));
        _releaseIncentive(asked);
    }

    function test_ReleasesExactlyTwoBillionInFiveHundredTwentyTwoWeeks() public {
        uint256 sum = 0;
        for (uint256 week = 0; week < WEEKS; ++week) {
            uint256 begin = TGE + week * 7 days;
            uint256 period = week < WEEKS - 1 ? 3_831_417e18 : 3_831_417e18 + 326e18;
            vm.warp(begin - 1);
            _refuseIncentive(0, 1);
            vm.warp(begin);
            _refuseIncentive(period, period + 1);
            _releaseIncentive(period);
            sum += period;
            assertEq(vault.incentiveReleased(), sum);
        }
        assertEq(sum, POOL);
        assertEq(token.balanceOf(incentives), POOL);
        vm.warp(TGE + 100 * 365 days);
        _refuseIncentive(0, 1);
        assertEq(token.balanceOf(address(vault)), VAULT_SUPPLY - POOL);
    }

    /// @dev Whatever weeks are missed and whatever is taken, never more than the schedule, and in the end all of it.
    /// forge-config: default.fuzz.runs = 16
    function testFuzz_ReleasesTwoBillionWhateverWeeksAreMissed(uint256 seed) public {
        uint256 taken = 0;
        for (uint256 week = 0; week < WEEKS; ++week) {
            seed = uint256(keccak256(abi.encode(seed)));
            vm.warp(TGE + week * 7 days + seed % 7 days);
            uint256 available = vault.incentiveAvailable();
            assertEq(taken + available, week < WEEKS - 1 ? (week + 1) * 3_831_417e18 : POOL);
            if (seed % 3 == 0) continue;
            uint256 amount = seed % 3 == 1 ? available : available / 2;
            if (amount == 0) continue;
            _releaseIncentive(amount);
            taken += amount;
        }
        if (taken < POOL) _releaseIncentive(POOL - taken);
        assertEq(token.balanceOf(incentives), POOL);
        _refuseIncentive(0, 1);
    }

    // ------------------------------------------------------------------------------------------ every allocation

    function _holder(uint256 i) private pure returns (address) {
        return address(uint160(0x1000 + i));
    }

    /// @dev All of a tranche, in uneven parts.
    function _grantAll(uint16 tranche) private {
        (, Schedule memory schedule, uint256 granted) = vault.trancheOf(tranche);
        uint256 left = schedule.allocation - granted;
        for (uint256 i = 0; i < HOLDERS - 1; ++i) {
            uint256 part = left * 3 / 10 + i;
            _grant(tranche, _holder(i), part);
            left -= part;
        }
        _grant(tranche, _holder(HOLDERS - 1), left);
    }

    function _releaseAll() private {
        for (uint16 tranche = 0; tranche < vault.trancheCount(); ++tranche) {
            for (uint256 i = 0; i < HOLDERS; ++i) {
                uint256 id = vault.grantIdOf(tranche, _holder(i));
                if (vault.releasable(id) != 0) vault.release(id);
            }
        }
    }

    function _held() private view returns (uint256 sum) {
        for (uint256 i = 0; i < HOLDERS; ++i) {
            sum += token.balanceOf(_holder(i));
        }
    }

    function test_PaysOutTheFloatAtTgeExactly() public {
        for (uint16 tranche = 0; tranche < vault.trancheCount(); ++tranche) {
            _grantAll(tranche);
        }
        vm.warp(TGE);
        _releaseAll();
        // Each grant rounds its own upfront part down by less than a wei.
        assertLe(_held(), vault.tgeFloat());
        assertGt(_held() + HOLDERS * vault.trancheCount(), vault.tgeFloat());
        assertEq(vault.tgeFloat() + NFT_SUPPLY, 784_890_000e18);
    }

    function test_PaysOutTenBillionToTheLastWei() public {
        uint256 sold = 123;
        vm.prank(sale);
        nft.mint(_holder(0), sold);
        for (uint16 tranche = 0; tranche < vault.trancheCount(); ++tranche) {
            if (tranche != LIQUIDITY) _grantAll(tranche);
        }
        vm.warp(SALE_END);
        nft.returnUnsold();
        _grantAll(LIQUIDITY);
        uint256 held = 0;
        for (uint256 month = 0; month <= 60; ++month) {
            vm.warp(TGE + month * MONTH);
            _releaseAll();
            assertGe(_held(), held);
            held = _held();
        }
        for (uint256 id = 1; id <= sold; ++id) {
            vm.prank(_holder(0));
            nft.claim(id);
        }
        vm.prank(dao);
        vault.spendReserve(dao, 2_000_000_000e18);
        vm.warp(TGE + 521 * 7 days);
        _releaseIncentive(POOL);
        assertEq(token.balanceOf(address(vault)), 0);
        assertEq(token.balanceOf(address(nft)), 0);
        assertEq(_held(), 6_000_000_000e18);
        assertEq(token.totalSupply(), 10_000_000_000e18);
    }
}
