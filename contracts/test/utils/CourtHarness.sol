// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICompensator} from "../../src/interfaces/ICompensator.sol";
import {INodeRegistry} from "../../src/interfaces/INodeRegistry.sol";
import {IPriceOracle} from "../../src/interfaces/IPriceOracle.sol";
import {IVCAIGovernor} from "../../src/interfaces/IVCAIGovernor.sol";
import {IVerifierSet} from "../../src/interfaces/IVerifierSet.sol";
import {SlashingCourt} from "../../src/network/SlashingCourt.sol";

/// @dev The court with a door to the end of a case; whoever makes it stands in for all that it talks to.
contract CourtHarness is SlashingCourt {
    address public constant VICTIM = address(0x1001);
    address public constant ACCUSER = address(0x1002);

    constructor()
        SlashingCourt(
            msg.sender,
            INodeRegistry(msg.sender),
            IVerifierSet(msg.sender),
            ICompensator(msg.sender),
            IPriceOracle(msg.sender),
            IVCAIGovernor(msg.sender),
            Parameters(500, 1_000, 0, 1, 1, 1, 1, 0, 1, 1, 0),
            1
        )
    {}

    function settle(uint256 caseId, uint128 seized, uint128 lossUsd) external {
        Case storage c = _cases[caseId];
        (c.victim, c.accuser, c.fromStake, c.lossUsd) = (VICTIM, ACCUSER, seized, lossUsd);
        _settle(caseId, c);
    }
}
