// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {
    IScaledUIAmount,
    IScaledUIAmountBalances,
    IScaledUIAmountConversion,
    IScaledUIAmountNewUIMultiplier
} from "./IScaledUIAmount.sol";

/// @title VCAI, "Vcity.ai Token" (white paper 3.1.1, 3.7.3)
/// @notice 18 decimals. 10,000,000,000 VCAI are minted once at genesis; after that only the issuance role mints, and
/// never more in a calendar year (UTC) than a twentieth of the supply with which that year opened. Nobody can burn,
/// pause, freeze or move what belongs to another. A split changes what wallets show (ERC-8056), never a raw balance.
/// @dev ERC-20, ERC-2612 permit, ERC-8056 with all its extensions, ERC-165. All amounts are raw (wei).
interface IVCAIToken is
    IERC20,
    IScaledUIAmount,
    IScaledUIAmountNewUIMultiplier,
    IScaledUIAmountConversion,
    IScaledUIAmountBalances
{
    /// @notice A part of the genesis supply.
    struct Allocation {
        address to;
        uint256 amount;
    }

    /// @notice All of the genesis supply exists now, in `allocations` parts.
    event Genesis(uint256 supply, uint256 allocations);
    /// @notice New tokens were issued; `mintedInYear` is the sum of the calendar year so far, this issue included.
    event Issued(address indexed to, uint256 indexed year, uint256 amount, uint256 mintedInYear);

    error NotTheGenesisMinter(address caller, address genesisMinter);
    error GenesisAlreadyMinted(uint256 supply);
    error GenesisNotMinted(address caller);
    error GenesisSumWrong(uint256 expected, uint256 given);
    error YearlyCapExceeded(uint256 year, uint256 cap, uint256 mintedInYear, uint256 asked);
    error MultiplierOutOfRange(uint256 minimum, uint256 maximum, uint256 given);
    error EffectiveInThePast(uint256 timestampNow, uint256 effectiveAt);
    error EffectiveTooLate(uint256 latest, uint256 effectiveAt);

    /// @notice Mints the genesis supply. Only the genesis minter, only once, and the sum must be exactly
    /// 10,000,000,000e18.
    function mintGenesis(Allocation[] calldata allocations) external;

    /// @notice Mints new tokens. Restricted to the role ISSUANCE and, in every calendar year (UTC), to a twentieth of
    /// that year's opening supply, rounded down. The year of genesis opens with the genesis supply.
    function mint(address to, uint256 amount) external;

    /// @notice Sets what wallets show for one token, 1e18 being one to one. Restricted to the role REPRICING.
    /// @param newMultiplier Between 1e9 and 1e27.
    /// @param effectiveAt_ Unix second from which it counts: now or later, at most a year ahead. A change that is still
    /// pending is replaced.
    function setUIMultiplier(uint256 newMultiplier, uint256 effectiveAt_) external;

    /// @notice Who could, once, mint the genesis supply.
    function genesisMinter() external view returns (address);

    /// @notice The calendar year (UTC) now, the supply it opened with, what was minted in it, and what still may be.
    function issuance() external view returns (uint256 year, uint256 opening, uint256 minted, uint256 available);
}
