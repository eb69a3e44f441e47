// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {BitMaps} from "@openzeppelin/contracts/utils/structs/BitMaps.sol";
import {IEscrow} from "../interfaces/IEscrow.sol";
import {ExactPull} from "../libraries/ExactPull.sol";
import {ExpiringPause} from "../libraries/ExpiringPause.sol";
import {Hashes} from "../libraries/Hashes.sol";
import {Charge, SpendingCap} from "../types/Types.sol";

/// @dev Conservation: tokens held = sum over clients of (available + locked + waiting withdrawal), and locked = sum of
/// what is left of the client's open caps.
contract Escrow is IEscrow, ExpiringPause, EIP712 {
    using SafeERC20 for IERC20;
    using ExactPull for IERC20;
    using BitMaps for BitMaps.BitMap;

    /// @dev `remaining` and `scheduler` share a slot, so that a charge writes one slot of the cap.
    struct CapState {
        address client;
        uint64 expiry;
        bool closed;
        address scheduler;
        uint96 remaining;
        uint96 limit;
    }

    struct Account {
        uint128 available;
        uint128 locked;
    }

    /// @notice No cap may bind money for longer; it also catches an expiry given in milliseconds.
    uint64 public constant MAX_CAP_TERM = 366 days;
    uint64 public constant MAX_DELAY = 30 days;

    /// @inheritdoc IEscrow
    IERC20 public immutable stable;

    mapping(address client => Account) private _accounts;
    mapping(address client => Withdrawal) private _withdrawals;
    mapping(address client => BitMaps.BitMap) private _nonces;
    mapping(bytes32 capId => CapState) private _caps;
    Parameters private _parameters;

    constructor(address authority_, IERC20 stable_, Parameters memory parameters_)
        AccessManaged(authority_)
        EIP712("Vcity Escrow", "1")
    {
        if (address(stable_).code.length == 0) revert TokenIsNotAContract(address(stable_));
        stable = stable_;
        _setParameters(parameters_);
    }

    /// @inheritdoc IEscrow
    function deposit(address to, uint128 amount) external {
        _deposit(to, amount);
    }

    /// @inheritdoc IEscrow
    function depositWithPermit(address to, uint128 amount, uint256 deadline, uint8 v, bytes32 r, bytes32 s) external {
        // Someone may have submitted the permit first; what counts is whether the allowance is there.
        try IERC20Permit(address(stable)).permit(msg.sender, address(this), amount, deadline, v, r, s) {} catch {}
        _deposit(to, amount);
    }

    /// @inheritdoc IEscrow
    function requestWithdraw(uint128 amount) external {
        if (amount == 0) revert AmountIsZero(msg.sender);
        _takeAvailable(msg.sender, amount);
        Withdrawal storage waiting = _withdrawals[msg.sender];
        waiting.amount += amount;
        waiting.availableAt = uint64(block.timestamp) + _parameters.withdrawDelay;
        emit WithdrawalRequested(msg.sender, amount, waiting.amount, waiting.availableAt);
    }

    /// @inheritdoc IEscrow
    function withdraw() external {
        Withdrawal memory waiting = _withdrawals[msg.sender];
        if (waiting.amount == 0) revert NothingToWithdraw(msg.sender);
        if (block.timestamp < waiting.availableAt) revert WithdrawalPending(msg.sender, waiting.availableAt);
        delete _withdrawals[msg.sender];
        emit Withdrawn(msg.sender, waiting.amount);
        stable.safeTransfer(msg.sender, waiting.amount);
    }

    /// @inheritdoc IEscrow
    function openCap(SpendingCap calldata cap, bytes calldata signature)
        external
        whenNotPaused
        returns (bytes32 capId)
    {
        capId = Hashes.cap(cap);
        if (cap.limit == 0) revert AmountIsZero(cap.client);
        if (block.timestamp >= cap.expiry) revert CapExpired(capId, cap.expiry);
        uint64 latest = uint64(block.timestamp) + MAX_CAP_TERM;
        if (cap.expiry > latest) revert CapTermTooLong(cap.expiry, latest);
        _useNonce(cap.client, cap.nonce);
        bytes32 digest = _hashTypedDataV4(capId);
        if (!SignatureChecker.isValidSignatureNow(cap.client, digest, signature)) {
            revert BadCapSignature(cap.client, digest);
        }
        _takeAvailable(cap.client, cap.limit);
        _accounts[cap.client].locked += cap.limit;
        uint96 limit = SafeCast.toUint96(cap.limit);
        _caps[capId] = CapState(cap.client, cap.expiry, false, cap.scheduler, limit, limit);
        emit CapOpened(capId, cap.client, cap.scheduler, cap.limit, cap.expiry, cap.nonce);
    }

    /// @inheritdoc IEscrow
    function charge(address scheduler, Charge[] calldata charges) external restricted returns (uint128 total) {
        uint256 grace = _parameters.capGrace;
        for (uint256 i = 0; i < charges.length; ++i) {
            _charge(scheduler, charges[i].capId, charges[i].amount, grace);
            total += charges[i].amount;
        }
        stable.safeTransfer(msg.sender, total);
    }

    /// @inheritdoc IEscrow
    function releaseCap(bytes32 capId) external {
        CapState storage cap = _openCap(capId);
        uint256 releasableAt = uint256(cap.expiry) + _parameters.capGrace + 1;
        if (msg.sender != cap.scheduler && block.timestamp < releasableAt) revert CapStillOpen(capId, releasableAt);
        address client = cap.client;
        uint128 unspent = cap.remaining;
        cap.closed = true;
        Account storage account = _accounts[client];
        account.locked -= unspent;
        account.available += unspent;
        emit CapReleased(capId, client, unspent);
    }

    /// @inheritdoc IEscrow
    function cancelNonce(uint256 nonce) external {
        _useNonce(msg.sender, nonce);
        emit NonceCancelled(msg.sender, nonce);
    }

    /// @inheritdoc IEscrow
    function prepay(address client, uint128 amount) external restricted {
        if (amount == 0) revert AmountIsZero(client);
        _takeAvailable(client, amount);
        emit Prepaid(client, msg.sender, amount);
        stable.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IEscrow
    function credit(address client, uint128 amount) external restricted {
        stable.pullExact(msg.sender, amount);
        _accounts[client].available += amount;
        emit Credited(client, amount);
    }

    /// @inheritdoc IEscrow
    function setParameters(Parameters calldata value) external restricted {
        _setParameters(value);
    }

    /// @inheritdoc IEscrow
    function available(address client) external view returns (uint128) {
        return _accounts[client].available;
    }

    /// @inheritdoc IEscrow
    function lockedOf(address client) external view returns (uint128) {
        return _accounts[client].locked;
    }

    /// @inheritdoc IEscrow
    function caps(bytes32 capId) external view returns (Cap memory) {
        CapState storage cap = _caps[capId];
        return Cap(cap.client, cap.scheduler, cap.limit, cap.limit - cap.remaining, cap.expiry, cap.closed);
    }

    /// @inheritdoc IEscrow
    function clientOf(bytes32 capId) external view returns (address) {
        return _caps[capId].client;
    }

    /// @inheritdoc IEscrow
    function withdrawal(address client) external view returns (Withdrawal memory) {
        return _withdrawals[client];
    }

    /// @inheritdoc IEscrow
    function nonceUsed(address client, uint256 nonce) external view returns (bool) {
        return _nonces[client].get(nonce);
    }

    /// @inheritdoc IEscrow
    function parameters() external view returns (Parameters memory) {
        return _parameters;
    }

    /// @inheritdoc IEscrow
    function capIdOf(SpendingCap calldata cap) external pure returns (bytes32) {
        return Hashes.cap(cap);
    }

    /// @inheritdoc IEscrow
    function capDigest(SpendingCap calldata cap) external view returns (bytes32) {
        return _hashTypedDataV4(Hashes.cap(cap));
    }

    /// @inheritdoc IEscrow
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    /// @dev The balance is credited only after the money is there, so a token that calls back gains nothing.
    function _deposit(address to, uint128 amount) private {
        if (amount == 0) revert AmountIsZero(to);
        stable.pullExact(msg.sender, amount);
        _accounts[to].available += amount;
        emit Deposited(to, msg.sender, amount);
    }

    function _charge(address scheduler, bytes32 capId, uint128 amount, uint256 grace) private {
        CapState storage cap = _openCap(capId);
        if (cap.scheduler != scheduler) revert WrongScheduler(capId, cap.scheduler, scheduler);
        if (block.timestamp > cap.expiry + grace) revert CapExpired(capId, cap.expiry);
        if (amount > cap.remaining) revert CapExceeded(capId, cap.remaining, amount);
        // Not above `remaining`, which is a uint96.
        cap.remaining -= uint96(amount);
        address client = cap.client;
        _accounts[client].locked -= amount;
        emit CapCharged(capId, client, amount);
    }

    function _takeAvailable(address client, uint128 amount) private {
        Account storage account = _accounts[client];
        if (account.available < amount) revert BalanceTooLow(client, account.available, amount);
        account.available -= amount;
    }

    function _useNonce(address client, uint256 nonce) private {
        if (_nonces[client].get(nonce)) revert NonceUsed(client, nonce);
        _nonces[client].set(nonce);
    }

    function _setParameters(Parameters memory value) private {
        if (value.withdrawDelay > MAX_DELAY) revert DelayTooLong(MAX_DELAY, value.withdrawDelay);
        if (value.capGrace > MAX_DELAY) revert DelayTooLong(MAX_DELAY, value.capGrace);
        _parameters = value;
        emit ParametersChanged(value);
    }

    function _openCap(bytes32 capId) private view returns (CapState storage cap) {
        cap = _caps[capId];
        if (cap.expiry == 0) revert CapUnknown(capId);
        if (cap.closed) revert CapClosed(capId);
    }
}
