// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {PartnerGrant, PartnerTerms} from "./IVestingVault.sol";

/// @title What issuance asks of the treasury
interface INetFees {
    /// @notice Fees taken in since genesis less compensation paid, in stablecoin base units (6 decimals).
    function netFees() external view returns (uint256);
}

/// @title What issuance asks of the vote escrow
interface ILockedTotal {
    /// @notice VCAI locked now, principal, wei.
    function totalLocked() external view returns (uint256);
}

/// @title Strategic issuance (white paper 3.7)
/// @notice The DAO may issue new VCAI to named partners, under lock and release terms that it voted on, once for every
/// step that both the network's revenue and its holders' commitment have climbed:
///
///     quota = max(0, min(netFees / 2,000,000 USD, totalLocked / 500,000,000 VCAI) - executed)
///
/// @dev Integer divisions rounding down; 2,000,000e6 and 500,000,000e18 in base units. The quota is read when the issue is
/// executed. Locked VCAI cannot be withdrawn before its end, so it cannot be borrowed for one transaction. How much may be
/// issued in a calendar year is bounded by the token itself. A partner's payment belongs into the same proposal:
/// the partner approves the timelock, and a call of stablecoin.transferFrom(partner, treasury, price) beside `issue`
/// makes delivery and payment one.
interface IStrategicIssuance {
    /// @notice Issue `number` (from 1) was executed and its tokens were locked in `tranche` of the vault.
    event StrategicIssue(
        uint256 indexed number, uint256 indexed tranche, bytes32 indexed label, uint256 amount, string purpose
    );

    error NotAContract(address given);
    error NoQuota(uint256 revenueSteps, uint256 lockSteps, uint256 executed);
    error PurposeMissing(bytes32 label);

    /// @notice Mints to partners as locked grants of the vault, and uses one quota. Restricted to the role PARAMS (DAO).
    /// @param label Name of the tranche for people.
    /// @param purpose What the issue is for, as the proposal says it.
    /// @param terms When what part is free, counted from the execution.
    /// @param grants The partners and their amounts, wei.
    /// @return tranche The tranche of the vault that holds the grants.
    function issue(bytes32 label, string calldata purpose, PartnerTerms calldata terms, PartnerGrant[] calldata grants)
        external
        returns (uint16 tranche);

    /// @notice Issues that may be executed now.
    function quota() external view returns (uint256);

    /// @notice Steps of 2,000,000 USD of net fees, steps of 500,000,000 VCAI locked, and issues executed so far.
    function steps() external view returns (uint256 revenueSteps, uint256 lockSteps, uint256 executed);
}
