// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IGuardian} from "../interfaces/IGuardian.sol";
import {IVCAIGovernor} from "../interfaces/IVCAIGovernor.sol";
import {ExpiringPause} from "../libraries/ExpiringPause.sol";

/// @dev Holds the role GUARDIAN (pause and unpause of every pausable module) and CANCELLER_ROLE in the timelock.
contract Guardian is IGuardian, AccessManaged {
    /// @inheritdoc IGuardian
    IVCAIGovernor public immutable governor;
    /// @inheritdoc IGuardian
    address public holder;

    modifier onlyHolder() {
        if (msg.sender != holder) revert NotHolder(holder, msg.sender);
        _;
    }

    constructor(address authority_, IVCAIGovernor governor_, address holder_) AccessManaged(authority_) {
        if (address(governor_).code.length == 0) revert GovernorIsNotAContract(address(governor_));
        governor = governor_;
        _setHolder(holder_);
    }

    /// @inheritdoc IGuardian
    function pause(address module, uint64 duration) external onlyHolder {
        emit PausedModule(module, msg.sender, duration);
        ExpiringPause(module).pause(duration);
    }

    /// @inheritdoc IGuardian
    function unpause(address module) external onlyHolder {
        emit UnpausedModule(module, msg.sender);
        ExpiringPause(module).unpause();
    }

    /// @inheritdoc IGuardian
    function cancel(uint256 id) external onlyHolder {
        IVCAIGovernor.Call[] memory calls = governor.callsOf(id);
        if (
            calls.length == 1 && calls[0].target == address(this)
                && bytes4(calls[0].data) == IGuardian.setHolder.selector
        ) {
            revert ReplacementCannotBeCancelled(id);
        }
        bytes32 operation = governor.operationOf(id);
        if (operation == 0) revert NotQueued(id);
        emit CancelledProposal(id, operation, msg.sender);
        governor.timelock().cancel(operation);
    }

    /// @inheritdoc IGuardian
    function setHolder(address holder_) external restricted {
        _setHolder(holder_);
    }

    function _setHolder(address holder_) private {
        emit HolderChanged(holder, holder_);
        holder = holder_;
    }
}
