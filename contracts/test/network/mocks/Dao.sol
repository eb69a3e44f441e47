// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IVCAIGovernor} from "../../../src/interfaces/IVCAIGovernor.sol";

/// @dev A governor whose proposals are in the state that the test names, and which carries them out itself.
contract Dao {
    error CallFailed(bytes reason);

    uint256 public count;
    mapping(uint256 id => IVCAIGovernor.ProposalState) public state;
    mapping(uint256 id => address) public proposerOf;
    mapping(uint256 id => string) public descriptionOf;
    mapping(uint256 id => IVCAIGovernor.Call) private _calls;

    function propose(IVCAIGovernor.Call[] calldata calls, string calldata description) external returns (uint256 id) {
        assert(calls.length == 1);
        id = 1_000 + ++count;
        _calls[id] = calls[0];
        proposerOf[id] = msg.sender;
        descriptionOf[id] = description;
    }

    function callOf(uint256 id) external view returns (IVCAIGovernor.Call memory) {
        return _calls[id];
    }

    function setState(uint256 id, IVCAIGovernor.ProposalState value) external {
        state[id] = value;
    }

    function grant(uint256 id) external {
        (bool done, bytes memory reason) = _calls[id].target.call{value: _calls[id].value}(_calls[id].data);
        if (!done) revert CallFailed(reason);
        state[id] = IVCAIGovernor.ProposalState.Executed;
    }
}
