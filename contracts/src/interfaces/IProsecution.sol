// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Tier} from "../types/Types.sol";

/// @title What the fraud proofs need of the SlashingCourt
interface IProsecution {
    /// @notice Opens a case that needs no committee, because the sender checked the proof. Restricted to prosecutors.
    /// @param victim Who lost `lossUsd` (base units of the stablecoin, not compensated yet); zero if nobody did.
    /// @param accuser Who brought the proof.
    function openProven(
        address accused,
        Tier tier,
        address victim,
        uint128 lossUsd,
        address accuser,
        bytes32 evidenceHash
    ) external returns (uint256 caseId);
}
