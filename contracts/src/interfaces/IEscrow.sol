// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Charge, SpendingCap} from "../types/Types.sol";

/// @title Clients' stablecoin: deposits, delayed withdrawals and spending caps that lock funds for a scheduler
interface IEscrow {
    /// @notice An opened cap. `limit - spent` is locked until the cap is closed.
    struct Cap {
        address client;
        address scheduler;
        uint128 limit;
        uint128 spent;
        uint64 expiry;
        bool closed;
    }

    /// @notice A withdrawal on its way; it can be taken at `availableAt` (unix seconds).
    struct Withdrawal {
        uint128 amount;
        uint64 availableAt;
    }

    /// @notice Delay of withdrawals, and how long after its expiry a cap can still be charged; in seconds.
    struct Parameters {
        uint64 withdrawDelay;
        uint64 capGrace;
    }

    event Deposited(address indexed client, address indexed payer, uint128 amount);
    event WithdrawalRequested(address indexed client, uint128 amount, uint128 total, uint64 availableAt);
    event Withdrawn(address indexed client, uint128 amount);
    event CapOpened(
        bytes32 indexed capId,
        address indexed client,
        address indexed scheduler,
        uint128 limit,
        uint64 expiry,
        uint256 nonce
    );
    event CapCharged(bytes32 indexed capId, address indexed client, uint128 amount);
    event CapReleased(bytes32 indexed capId, address indexed client, uint128 unspent);
    event NonceCancelled(address indexed client, uint256 nonce);
    event Credited(address indexed client, uint128 amount);
    event Prepaid(address indexed client, address indexed payee, uint128 amount);
    event ParametersChanged(Parameters parameters);

    error AmountIsZero(address client);
    error BalanceTooLow(address client, uint128 available, uint128 requested);
    error NothingToWithdraw(address client);
    error WithdrawalPending(address client, uint64 availableAt);
    error NonceUsed(address client, uint256 nonce);
    error BadCapSignature(address client, bytes32 digest);
    error CapExpired(bytes32 capId, uint64 expiry);
    error CapTermTooLong(uint64 expiry, uint64 latest);
    error CapUnknown(bytes32 capId);
    error CapClosed(bytes32 capId);
    error CapStillOpen(bytes32 capId, uint256 releasableAt);
    error CapExceeded(bytes32 capId, uint128 remaining, uint128 requested);
    error WrongScheduler(bytes32 capId, address expected, address given);
    error DelayTooLong(uint64 maximum, uint64 given);
    error TokenIsNotAContract(address token);

    /// @notice Pays `amount` from the sender into the balance of `to`.
    function deposit(address to, uint128 amount) external;

    /// @notice The same, with an ERC-2612 permit of the sender for this contract.
    function depositWithPermit(address to, uint128 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s) external;

    /// @notice Sets `amount` aside for withdrawal. A second request adds to the first and restarts the delay for both.
    function requestWithdraw(uint128 amount) external;

    /// @notice Pays out what was set aside, after the delay.
    function withdraw() external;

    /// @notice Opens a cap signed by its client and locks its limit. Anyone may call; each nonce opens one cap. Not
    /// while the module is paused; everything by which clients get their money back works all the same.
    /// @param signature 65 bytes r || s || v with low s, or what an ERC-1271 client contract accepts.
    function openCap(SpendingCap calldata cap, bytes calldata signature) external returns (bytes32 capId);

    /// @notice Takes the charges of one batch from caps that name `scheduler`; sends the sum to the caller.
    /// Restricted.
    function charge(address scheduler, Charge[] calldata charges) external returns (uint128 total);

    /// @notice Closes a cap and gives the unspent part back to its client: by the scheduler at any time, by anyone
    /// once the cap can no longer be charged.
    function releaseCap(bytes32 capId) external;

    /// @notice Makes a nonce of the sender useless, so that a signed but unopened cap can never be opened.
    function cancelNonce(uint256 nonce) external;

    /// @notice Takes `amount` out of what `client` has available and sends it to the caller, who has checked the
    /// client's consent. Restricted to the contracts that settle.
    function prepay(address client, uint128 amount) external;

    /// @notice Pulls `amount` from the caller into the balance of `client`, as a refund. Restricted.
    function credit(address client, uint128 amount) external;

    /// @notice Replaces all parameters. Restricted.
    function setParameters(Parameters calldata value) external;

    function stable() external view returns (IERC20);

    function available(address client) external view returns (uint128);

    function lockedOf(address client) external view returns (uint128);

    function caps(bytes32 capId) external view returns (Cap memory);

    /// @return The client of a cap, zero for an unknown one; cheaper than `caps`.
    function clientOf(bytes32 capId) external view returns (address);

    function withdrawal(address client) external view returns (Withdrawal memory);

    function nonceUsed(address client, uint256 nonce) external view returns (bool);

    function parameters() external view returns (Parameters memory);

    /// @return The id of a cap, which is its EIP-712 struct hash.
    function capIdOf(SpendingCap calldata cap) external pure returns (bytes32);

    /// @return The EIP-712 digest that the client signs (domain "Vcity Escrow").
    function capDigest(SpendingCap calldata cap) external view returns (bytes32);

    function domainSeparator() external view returns (bytes32);
}
