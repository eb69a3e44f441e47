// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @title A stablecoin for development networks: 6 decimals, ERC-2612 permit, and anyone may mint
/// @dev Refuses to exist on Ethereum's main network; on any real chain a real stablecoin takes its place.
contract DevStable is ERC20, ERC20Permit {
    /// @notice This token is worthless by design and must not be deployed here.
    error DevelopmentOnly(uint256 chainId);

    constructor() ERC20("Vcity Development Dollar", "vUSD") ERC20Permit("Vcity Development Dollar") {
        if (block.chainid == 1) revert DevelopmentOnly(block.chainid);
    }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function decimals() public pure override returns (uint8) {
        return 6;
    }
}
