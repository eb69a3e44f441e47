// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Role ids of the one AccessManager that all governed contracts obey
/// @dev Role 0 (administration) belongs to the timelock. Who holds what, and which functions a role opens, is written in
/// deployments/plan.json and nowhere else. The numbers are part of the deployment; never reuse one.
library Roles {
    /// @notice Escrow.charge, credit and prepay, NetworkFee.count, Treasury.onFee: Settlement and Agreements.
    uint64 internal constant SETTLEMENT = 1;
    /// @notice Every `setParameters` and every other decision of the DAO: the timelock.
    uint64 internal constant PARAMS = 2;
    /// @notice NodeRegistry.slash, restore, suspend, ban, unban; VerifierSet.admit: the SlashingCourt.
    uint64 internal constant COURT = 3;
    /// @notice `pause` and `unpause` of every pausable module: the Guardian contract.
    uint64 internal constant GUARDIAN = 4;
    /// @notice VeVCAI.notify: the BuybackExecutor (and the Treasury's gifts).
    uint64 internal constant NOTIFIER = 5;
    /// @notice VeVCAI.snapshot: the Governor.
    uint64 internal constant SNAPSHOT = 6;
    /// @notice Treasury.drawForBuyback: the BuybackExecutor.
    uint64 internal constant BUYBACK = 7;
    /// @notice VestingVault.releaseIncentive: the IncentiveController.
    uint64 internal constant INCENTIVE = 8;
    /// @notice RewardRoots.fund: the IncentiveController.
    uint64 internal constant REWARD_FUNDER = 9;
    /// @notice VCAIToken.mint: StrategicIssuance.
    uint64 internal constant ISSUANCE = 10;
    /// @notice VCAIToken.setUIMultiplier: Repricing.
    uint64 internal constant REPRICING = 11;
    /// @notice Treasury.compensate: Settlement and the SlashingCourt.
    uint64 internal constant COMPENSATION = 12;
    /// @notice SlashingCourt.openProven: FraudProofs, whose proofs need no committee.
    uint64 internal constant PROSECUTOR = 13;
    /// @notice VCAIGovernor.propose without the weight threshold: the SlashingCourt, for appeals.
    uint64 internal constant APPEALS = 14;
    /// @notice GenesisNFT.mint: the sale account or contract that the DAO names.
    uint64 internal constant GENESIS_SALE = 15;
    /// @notice VestingVault.createGrant: the foundation for rounds, StrategicIssuance for partners.
    uint64 internal constant GRANTOR = 16;
    // 17 was never granted and stays free.
    /// @notice AgentNFT.lend and AgentNFT.touch: the LicenseManager.
    uint64 internal constant LICENSES = 18;
    /// @notice Settlement.voidReceipt and correctEarnings: FraudProofs.
    uint64 internal constant FRAUD_PROOFS = 19;
}
