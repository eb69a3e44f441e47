// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {DevStable} from "../../src/token/DevStable.sol";

contract DevStableTest is Test {
    function test_HasSixDecimalsAndMintsForAnyone() public {
        DevStable stable = new DevStable();
        stable.mint(address(7), 5e6);
        assertEq(stable.decimals(), 6);
        assertEq(stable.balanceOf(address(7)), 5e6);
        assertEq(stable.symbol(), "vUSD");
    }

    function test_RefusesToExistOnTheMainNetwork() public {
        vm.chainId(1);
        vm.expectRevert(abi.encodeWithSelector(DevStable.DevelopmentOnly.selector, 1));
        new DevStable();
    }
}
