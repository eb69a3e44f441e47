// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {INodeRegistry} from "./INodeRegistry.sol";

/// @title Who may judge, and who judges which case
/// @notice Whoever brings an accusation that is upheld is admitted; the DAO names the first. A committee is drawn by lot
/// with the hash of a block that did not exist when the case was opened, from those admitted before it was opened, so
/// that neither side can choose it. Only members with an active verifier registration and stake are drawn.
interface IVerifierSet {
    /// @notice One drawing of lots. `drawBlock` is zero for a case that never asked, `candidates` counts the members at
    /// the time of the request: who was admitted later cannot be drawn.
    struct Draw {
        uint64 drawBlock;
        uint32 candidates;
        uint32 round;
        bool drawn;
    }

    /// @notice Hard bounds: `committeeSize` in [1, 15]; `minimumCommittee` in [1, committeeSize]: fewer active members
    /// judge nothing; `quorumBps` in [5000, 10000]: more than this part of the committee must sign; `drawDelay` in
    /// [1, 200] blocks until the block whose hash decides.
    struct Parameters {
        uint8 committeeSize;
        uint8 minimumCommittee;
        uint16 quorumBps;
        uint16 drawDelay;
    }

    event MemberAdmitted(address indexed member, uint256 indexed caseId);
    event MemberAppointed(address indexed member);
    event MemberDismissed(address indexed member);
    event DrawRequested(address indexed court, uint256 indexed caseId, uint32 round, uint64 drawBlock);
    event CommitteeDrawn(address indexed court, uint256 indexed caseId, uint32 round, address[] members);
    event ParametersChanged(Parameters parameters);

    error MemberIsZero();
    error AlreadyMember(address member);
    error NotAMember(address account);
    error DrawNotRequested(uint256 caseId);
    error DrawTooEarly(uint256 caseId, uint64 drawBlock);
    error AlreadyDrawn(uint256 caseId, uint32 round);
    error CommitteeTooSmall(uint256 caseId, uint256 found, uint256 minimum);
    error CommitteeNotSeated(uint256 caseId);
    error QuorumNotReached(uint256 caseId, uint256 required, uint256 given);
    error SignersNotAscending(uint256 position);
    error SignerNotInCommittee(uint256 position, address signer);
    error SignerInactive(uint256 position, address signer);
    error BadSignature(uint256 position);
    error ParameterOutOfRange(bytes32 name, uint256 value, uint256 minimum, uint256 maximum);

    /// @notice Admits whoever had an accusation upheld; does nothing for a member. Restricted to the court.
    function admit(address member, uint256 caseId) external;

    /// @notice Names members without a case: the first ones. Restricted to the DAO.
    function appoint(address[] calldata members) external;

    /// @notice Takes a membership away. Restricted to the DAO.
    function dismiss(address member) external;

    /// @notice Asks for a committee, or for another one when the last did not answer. Restricted to the court.
    function request(uint256 caseId) external returns (uint64 drawBlock);

    /// @notice Draws the committee of the sender's case once the deciding block is past. If nobody came within 256
    /// blocks the hash is gone: another block is named, `committee` is empty, and the draw must be made again.
    /// Restricted to the court, which lets anyone ask.
    /// @param excluded Who must not judge: accused, accuser and those near them.
    function draw(uint256 caseId, address[] calldata excluded) external returns (address[] memory committee);

    /// @notice Replaces all parameters; counts for draws from now on. Restricted to the DAO.
    function setParameters(Parameters calldata value) external;

    function registry() external view returns (INodeRegistry);

    function parameters() external view returns (Parameters memory);

    /// @notice Admitted, and active as a verifier in the registry.
    function isMember(address account) external view returns (bool);

    /// @notice Admitted, active or not.
    function isAdmitted(address account) external view returns (bool);

    function memberCount() external view returns (uint256);

    function memberAt(uint256 index) external view returns (address);

    /// @notice The present committee of a court's case; empty before it is drawn.
    function committeeOf(address court, uint256 caseId) external view returns (address[] memory);

    function drawOf(address court, uint256 caseId) external view returns (Draw memory);

    /// @notice Reverts unless enough members of the present committee of a court's case signed, each once and each still
    /// an active verifier.
    /// @param signatures Over `digest`, 65 bytes each, in strictly ascending order of the signers' addresses.
    function checkSignatures(address court, uint256 caseId, bytes32 digest, bytes[] calldata signatures) external view;

    /// @notice How many of a committee of this size must sign: more than `quorumBps`, never more than all.
    function quorumOf(uint256 size) external view returns (uint256);
}
