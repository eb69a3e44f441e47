// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProsecution} from "../../../src/interfaces/IProsecution.sol";
import {Tier} from "../../../src/types/Types.sol";

/// @dev Remembers the cases it is asked to open.
contract MockCourt is IProsecution {
    struct Opened {
        address prosecutor;
        address accused;
        Tier tier;
        address victim;
        uint128 lossUsd;
        address accuser;
        bytes32 evidenceHash;
    }

    Opened[] private _cases;
    bool public refuses;

    error Refused(address accused);

    function refuse(bool value) external {
        refuses = value;
    }

    function openProven(
        address accused,
        Tier tier,
        address victim,
        uint128 lossUsd,
        address accuser,
        bytes32 evidenceHash
    ) external returns (uint256 caseId) {
        if (refuses) revert Refused(accused);
        _cases.push(Opened(msg.sender, accused, tier, victim, lossUsd, accuser, evidenceHash));
        return _cases.length;
    }

    function count() external view returns (uint256) {
        return _cases.length;
    }

    /// @dev Cases are numbered from 1.
    function opened(uint256 caseId) external view returns (Opened memory) {
        return _cases[caseId - 1];
    }
}
