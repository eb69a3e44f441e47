// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IAgreements} from "../interfaces/IAgreements.sol";
import {IEscrow} from "../interfaces/IEscrow.sol";
import {INetworkFee} from "../interfaces/INetworkFee.sol";
import {ExpiringPause} from "../libraries/ExpiringPause.sol";
import {Hashes} from "../libraries/Hashes.sol";
import {Agreement, AgreementKind} from "../types/Types.sol";

/// @title Prepaid agreements
/// @dev Conservation: tokens held = sum over running agreements of (prepaid - accrued) + sum of what payees are owed.
/// All state is written before any token moves. What accrues is a function of time alone (and of the rates the
/// provider set), rounded down; the payee's part is the floor of the sum, so it does not matter how often anyone
/// settles.
///
/// | parameter | range | who |
/// | --- | --- | --- |
/// | treasury | a contract | PARAMS |
/// | disputeWindow | [1 minute, 90 days] | PARAMS |
/// | renewalGrace | [1 minute, 30 days] | PARAMS |
contract Agreements is IAgreements, ExpiringPause, EIP712 {
    using SafeERC20 for IERC20;

    /// @dev What one call moves: the payee's part, the network's, and what goes back to the client.
    struct Flow {
        uint128 share;
        uint128 fee;
        uint128 refund;
    }

    uint256 private constant BPS = 10_000;
    uint256 private constant RATE_SECONDS = 1 hours;
    /// @notice No single payment may bind money for longer; it also catches times given in milliseconds.
    uint64 public constant MAX_TERM = 366 days;
    uint32 public constant MAX_PERIODS = 120;
    uint32 public constant MAX_ACCEPTANCE = 90 days;
    uint32 public constant MAX_DISPUTE_WINDOW = 90 days;
    uint32 public constant MAX_RENEWAL_GRACE = 30 days;
    uint32 public constant MIN_WINDOW = 1 minutes;

    /// @inheritdoc IAgreements
    IEscrow public immutable escrow;
    /// @inheritdoc IAgreements
    INetworkFee public immutable networkFee;
    /// @inheritdoc IAgreements
    IERC20 public immutable stable;

    mapping(bytes32 id => State) private _states;
    /// @inheritdoc IAgreements
    mapping(address payee => uint128) public owed;
    Parameters private _parameters;

    constructor(address authority_, IEscrow escrow_, INetworkFee networkFee_, Parameters memory parameters_)
        AccessManaged(authority_)
        EIP712("Vcity Agreements", "1")
    {
        escrow = escrow_;
        networkFee = networkFee_;
        stable = escrow_.stable();
        _setParameters(parameters_);
        // The escrow pulls refunds, and nothing else, when this contract asks it to.
        stable.forceApprove(address(escrow_), type(uint256).max);
    }

    /// @inheritdoc IAgreements
    function open(Agreement calldata terms, bytes calldata clientSignature, bytes calldata providerSignature)
        external
        whenNotPaused
        returns (bytes32 id)
    {
        id = Hashes.agreement(terms);
        State storage state = _states[id];
        if (state.status != Status.None) revert AgreementKnown(id, state.status);
        if (block.timestamp >= terms.expiry) revert ConsentExpired(id, terms.expiry);
        _checkTerms(terms);
        _checkConsent(id, terms.client, clientSignature);
        _checkConsent(id, terms.provider, providerSignature);
        _start(state, terms);
        _emitOpened(id, terms, state);
        escrow.prepay(terms.client, terms.price);
    }

    /// @inheritdoc IAgreements
    function revoke(Agreement calldata terms) external {
        bytes32 id = Hashes.agreement(terms);
        if (msg.sender != terms.client && msg.sender != terms.provider) revert NotAParty(id, msg.sender);
        State storage state = _states[id];
        if (state.status != Status.None) revert AgreementKnown(id, state.status);
        state.status = Status.Revoked;
        emit AgreementRevoked(id, msg.sender);
    }

    /// @inheritdoc IAgreements
    function settle(bytes32 id) external returns (uint128 share, uint128 refunded) {
        State storage state = _states[id];
        if (state.status == Status.None) revert WrongStatus(id, Status.None);
        Flow memory flow;
        _advance(id, state, flow);
        _move(state, flow);
        return (flow.share, flow.refund);
    }

    /// @inheritdoc IAgreements
    function renew(bytes32 id) external whenNotPaused {
        State storage state = _states[id];
        if (state.status != Status.Active) revert WrongStatus(id, state.status);
        if (state.kind != AgreementKind.Subscription) revert WrongKind(id, state.kind);
        (uint64 end, uint64 time) = (state.end, uint64(block.timestamp));
        if (time < end) revert PeriodRunning(id, end);
        if (state.periodsLeft == 0) revert NoPeriodsLeft(id, end);
        if (time > end + _parameters.renewalGrace) revert RenewalLapsed(id, end + _parameters.renewalGrace);
        Flow memory flow;
        _book(id, state, flow, state.prepaid);
        state.end = uint40(time + end - state.begin);
        state.begin = uint40(time);
        state.periodsLeft -= 1;
        state.feeBps = networkFee.feeBps();
        (state.accrued, state.paid) = (0, 0);
        emit AgreementRenewed(id, state.prepaid, state.begin, state.end, state.feeBps, state.periodsLeft);
        escrow.prepay(state.client, state.prepaid);
        _move(state, flow);
    }

    /// @inheritdoc IAgreements
    function cancel(bytes32 id) external {
        State storage state = _party(id);
        if (state.status != Status.Active) revert WrongStatus(id, state.status);
        Flow memory flow;
        _advance(id, state, flow);
        if (state.status == Status.Active) {
            bool byProvider = msg.sender == state.provider;
            if (state.kind == AgreementKind.Task && !byProvider && block.timestamp >= state.begin) {
                revert TaskUnderWay(id, state.end);
            }
            bool preempted = byProvider && state.kind == AgreementKind.Spot;
            _end(id, state, flow, preempted ? Ending.Preempted : Ending.Cancelled);
        }
        _move(state, flow);
    }

    /// @inheritdoc IAgreements
    function setRate(bytes32 id, uint128 rate) external {
        State storage state = _byProvider(id);
        if (state.kind != AgreementKind.Spot) revert WrongKind(id, state.kind);
        if (rate > state.maximumRate) revert RateAboveMaximum(id, state.maximumRate, rate);
        Flow memory flow;
        _advance(id, state, flow);
        if (state.status != Status.Active) revert WrongStatus(id, state.status);
        emit RateChanged(id, state.rate, rate);
        // Not above `maximumRate`, which is a uint96.
        state.rate = uint96(rate);
        state.accruedBefore = state.accrued;
        if (block.timestamp > state.begin) state.rateSince = uint40(block.timestamp);
        _move(state, flow);
    }

    /// @inheritdoc IAgreements
    function deliver(bytes32 id, bytes32 resultHash) external {
        State storage state = _byProvider(id);
        if (state.kind != AgreementKind.Task) revert WrongKind(id, state.kind);
        if (state.status != Status.Active) revert WrongStatus(id, state.status);
        if (block.timestamp > state.end) revert DeliveryTooLate(id, state.end);
        state.status = Status.Delivered;
        state.waitsUntil = uint40(block.timestamp) + state.acceptance;
        emit TaskDelivered(id, resultHash, state.waitsUntil);
    }

    /// @inheritdoc IAgreements
    function accept(bytes32 id) external {
        State storage state = _byClient(id);
        _checkDelivered(id, state);
        _finish(id, state, true, Ending.Completed);
    }

    /// @inheritdoc IAgreements
    function dispute(bytes32 id, bytes32 evidenceHash) external {
        State storage state = _byClient(id);
        if (state.status != Status.Delivered) revert WrongStatus(id, state.status);
        if (block.timestamp >= state.waitsUntil) revert DisputeTooLate(id, state.waitsUntil);
        state.status = Status.Disputed;
        state.waitsUntil = uint40(block.timestamp) + _parameters.disputeWindow;
        emit TaskDisputed(id, msg.sender, evidenceHash, state.waitsUntil);
    }

    /// @inheritdoc IAgreements
    function concede(bytes32 id) external {
        State storage state = _byProvider(id);
        _checkDelivered(id, state);
        _finish(id, state, false, Ending.Conceded);
    }

    /// @inheritdoc IAgreements
    function decide(bytes32 id, bool delivered) external restricted {
        State storage state = _states[id];
        if (state.status != Status.Disputed) revert WrongStatus(id, state.status);
        if (block.timestamp >= state.waitsUntil) revert DecisionTooLate(id, state.waitsUntil);
        emit TaskDecided(id, delivered);
        _finish(id, state, delivered, delivered ? Ending.Completed : Ending.DecidedForClient);
    }

    /// @inheritdoc IAgreements
    function withdraw(address payee) external returns (uint128 amount) {
        amount = owed[payee];
        if (amount == 0) revert NothingOwed(payee);
        owed[payee] = 0;
        emit PayeePaid(payee, amount);
        stable.safeTransfer(payee, amount);
    }

    /// @inheritdoc IAgreements
    function setParameters(Parameters calldata value) external restricted {
        _setParameters(value);
    }

    /// @inheritdoc IAgreements
    function parameters() external view returns (Parameters memory) {
        return _parameters;
    }

    /// @inheritdoc IAgreements
    function agreementOf(bytes32 id) external view returns (State memory) {
        return _states[id];
    }

    /// @inheritdoc IAgreements
    function accruedOf(bytes32 id) external view returns (uint128) {
        State storage state = _states[id];
        return state.status == Status.Active ? uint128(_accruedNow(state)) : state.accrued;
    }

    /// @inheritdoc IAgreements
    function idOf(Agreement calldata terms) external pure returns (bytes32) {
        return Hashes.agreement(terms);
    }

    /// @inheritdoc IAgreements
    function digestOf(Agreement calldata terms) external view returns (bytes32) {
        return _hashTypedDataV4(Hashes.agreement(terms));
    }

    /// @inheritdoc IAgreements
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    function _start(State storage state, Agreement calldata terms) private {
        uint40 begin = uint40(Math.max(terms.start, block.timestamp));
        state.kind = terms.kind;
        state.status = Status.Active;
        state.feeBps = networkFee.feeBps();
        state.periodsLeft = terms.periods - 1;
        state.acceptance = terms.acceptance;
        state.client = terms.client;
        state.provider = terms.provider;
        state.payee = terms.payee;
        // Price and rates were checked to fit.
        state.prepaid = uint96(terms.price);
        state.begin = begin;
        state.end = begin + uint40(terms.duration);
        if (terms.kind != AgreementKind.Spot) return;
        state.rate = uint96(terms.rate);
        state.maximumRate = uint96(terms.maximumRate);
        state.rateSince = begin;
    }

    function _emitOpened(bytes32 id, Agreement calldata terms, State storage state) private {
        emit AgreementOpened(
            id,
            terms.client,
            terms.provider,
            terms.kind,
            terms.payee,
            terms.price,
            state.begin,
            state.end,
            state.feeBps,
            terms.specification
        );
    }

    /// @dev Brings an agreement to the present: books what accrued, and ends it if its time has come.
    function _advance(bytes32 id, State storage state, Flow memory flow) private {
        (Status status, uint256 time) = (state.status, block.timestamp);
        if (state.kind == AgreementKind.Task) {
            if (status == Status.Active && time > state.end) {
                _end(id, state, flow, Ending.Undelivered);
            } else if (status == Status.Delivered && time >= state.waitsUntil) {
                _book(id, state, flow, state.prepaid);
                _end(id, state, flow, Ending.Completed);
            } else if (status == Status.Disputed && time >= state.waitsUntil) {
                _end(id, state, flow, Ending.DisputeTimedOut);
            }
        } else if (status == Status.Active) {
            _book(id, state, flow, _accruedNow(state));
            if (time < state.end && state.accrued < state.prepaid) return;
            bool renewable = state.periodsLeft != 0 && time <= uint256(state.end) + _parameters.renewalGrace;
            if (!renewable) _end(id, state, flow, Ending.Completed);
        }
    }

    /// @dev The end of a task: paid in full or refunded in full.
    function _finish(bytes32 id, State storage state, bool isPaid, Ending ending) private {
        Flow memory flow;
        if (isPaid) _book(id, state, flow, state.prepaid);
        _end(id, state, flow, ending);
        _move(state, flow);
    }

    /// @dev Books that `total` of the prepaid sum has accrued in all.
    function _book(bytes32 id, State storage state, Flow memory flow, uint256 total) private {
        uint256 accruedBefore = state.accrued;
        if (total == accruedBefore) return;
        uint256 paid = total * (BPS - state.feeBps) / BPS;
        flow.share = uint128(paid - state.paid);
        flow.fee = uint128(total - accruedBefore) - flow.share;
        // Neither is above `prepaid`, which is a uint96.
        (state.accrued, state.paid) = (uint96(total), uint96(paid));
        owed[state.payee] += flow.share;
        emit AgreementAccrued(id, state.payee, flow.share, flow.fee);
    }

    function _end(bytes32 id, State storage state, Flow memory flow, Ending ending) private {
        state.status = Status.Ended;
        flow.refund = state.prepaid - state.accrued;
        emit AgreementEnded(id, state.client, ending, flow.refund);
    }

    /// @dev All tokens that a call moves, after everything is written.
    function _move(State storage state, Flow memory flow) private {
        if (flow.refund != 0) escrow.credit(state.client, flow.refund);
        if (flow.fee == 0) return;
        stable.safeTransfer(address(_parameters.treasury), flow.fee);
        _parameters.treasury.onFee(flow.fee);
    }

    function _setParameters(Parameters memory value) private {
        if (address(value.treasury).code.length == 0) revert NotAContract("treasury", address(value.treasury));
        _checkParameter("disputeWindow", value.disputeWindow, MAX_DISPUTE_WINDOW);
        _checkParameter("renewalGrace", value.renewalGrace, MAX_RENEWAL_GRACE);
        _parameters = value;
        emit ParametersChanged(value);
    }

    function _accruedNow(State storage state) private view returns (uint256) {
        if (state.kind == AgreementKind.Task) return 0;
        (uint256 begin, uint256 end) = (state.begin, state.end);
        uint256 until = Math.min(block.timestamp, end);
        if (state.kind != AgreementKind.Spot) {
            return until > begin ? state.prepaid * (until - begin) / (end - begin) : 0;
        }
        uint256 since = state.rateSince;
        uint256 running = until > since ? state.rate * (until - since) / RATE_SECONDS : 0;
        return Math.min(state.accruedBefore + running, state.prepaid);
    }

    function _party(bytes32 id) private view returns (State storage state) {
        state = _states[id];
        if (msg.sender != state.client && msg.sender != state.provider) revert NotAParty(id, msg.sender);
    }

    function _byClient(bytes32 id) private view returns (State storage state) {
        state = _states[id];
        if (msg.sender != state.client) revert NotAParty(id, msg.sender);
    }

    function _byProvider(bytes32 id) private view returns (State storage state) {
        state = _states[id];
        if (msg.sender != state.provider) revert NotAParty(id, msg.sender);
    }

    function _checkDelivered(bytes32 id, State storage state) private view {
        if (state.status != Status.Delivered && state.status != Status.Disputed) {
            revert WrongStatus(id, state.status);
        }
    }

    function _checkConsent(bytes32 id, address signer, bytes calldata signature) private view {
        if (msg.sender == signer) return;
        if (!SignatureChecker.isValidSignatureNow(signer, _hashTypedDataV4(id), signature)) {
            revert BadConsent(id, signer);
        }
    }

    function _checkTerms(Agreement calldata terms) private view {
        if (terms.payee == address(0)) revert PartyIsMissing("payee");
        bool isSpot = terms.kind == AgreementKind.Spot;
        _checkTerm("price", terms.price, 1, type(uint96).max);
        _checkTerm("start", terms.start, 0, block.timestamp + MAX_TERM);
        _checkTerm("duration", terms.duration, 1, MAX_TERM);
        _checkTerm("periods", terms.periods, 1, terms.kind == AgreementKind.Subscription ? MAX_PERIODS : 1);
        _checkTerm("acceptance", terms.acceptance, 0, terms.kind == AgreementKind.Task ? MAX_ACCEPTANCE : 0);
        _checkTerm("maximumRate", terms.maximumRate, isSpot ? 1 : 0, isSpot ? type(uint96).max : 0);
        _checkTerm("rate", terms.rate, 0, terms.maximumRate);
    }

    function _checkTerm(bytes32 name, uint256 value, uint256 minimum, uint256 maximum) private pure {
        if (value < minimum || value > maximum) revert TermOutOfRange(name, value, minimum, maximum);
    }

    function _checkParameter(bytes32 name, uint256 value, uint256 maximum) private pure {
        if (value < MIN_WINDOW || value > maximum) revert ParameterOutOfRange(name, value, MIN_WINDOW, maximum);
    }
}
