// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IVCAIGovernor} from "../../../src/interfaces/IVCAIGovernor.sol";
import {IVeVCAI} from "../../../src/interfaces/IVeVCAI.sol";

/// @dev A wallet contract that approves one digest (ERC-1271) and can lock.
contract SigningWallet {
    bytes32 private _approved;

    function approve(bytes32 digest) external {
        _approved = digest;
    }

    function lock(IVeVCAI ve, uint256 amount, uint256 week) external {
        ve.token().approve(address(ve), amount);
        ve.lock(amount, week);
    }

    function isValidSignature(bytes32 digest, bytes calldata) external view returns (bytes4) {
        return digest == _approved ? this.isValidSignature.selector : bytes4(0xffffffff);
    }
}

/// @dev Lends its whole balance within one transaction and insists on having it back.
contract FlashLender {
    error NotRepaid(uint256 lent, uint256 returned);

    function lend(IERC20 token, FlashVoter to, uint256 proposal, bool open) external {
        uint256 amount = token.balanceOf(address(this));
        token.transfer(address(to), amount);
        to.onLoan(amount, proposal, open);
        uint256 returned = token.balanceOf(address(this));
        if (returned != amount) revert NotRepaid(amount, returned);
    }
}

/// @dev Locks what it borrowed, votes, and tries to get the lock back at once.
contract FlashVoter {
    IVeVCAI private immutable _ve;
    IVCAIGovernor private immutable _governor;

    constructor(IVeVCAI ve, IVCAIGovernor governor) {
        (_ve, _governor) = (ve, governor);
    }

    function onLoan(uint256 amount, uint256 proposal, bool open) external {
        _ve.token().approve(address(_ve), amount);
        _ve.lock(amount, _ve.currentWeek() + 1);
        if (open) _governor.openVote(proposal);
        _governor.castVote(proposal, IVCAIGovernor.Support.For);
        _ve.withdraw();
        _ve.token().transfer(msg.sender, amount);
    }
}

/// @dev A call target that reverts, takes value, or calls back.
contract Target {
    error Refused(uint256 code);

    uint256 public sum;
    IVCAIGovernor private _governor;
    uint256 private _id;

    function add(uint256 amount) external payable {
        sum += amount + msg.value;
    }

    function refuse(uint256 code) external pure {
        revert Refused(code);
    }

    function arm(IVCAIGovernor governor, uint256 id) external {
        (_governor, _id) = (governor, id);
    }

    function reenter() external {
        ++sum;
        if (sum == 1) _governor.execute(_id);
    }
}
