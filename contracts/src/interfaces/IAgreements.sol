// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Agreement, AgreementKind} from "../types/Types.sol";
import {IEscrow} from "./IEscrow.sol";
import {IFeeTreasury} from "./IFeeTreasury.sol";
import {INetworkFee} from "./INetworkFee.sol";

/// @title Prepaid agreements between a client and a provider: tasks, subscriptions, reserved and spot capacity
/// @notice Both sides sign the same terms; the client's part comes out of its balance in the Escrow and waits here.
/// What accrues belongs to the payee less the network fee of the day the period began; what is left goes back to the
/// client's balance. Nobody is ever paid, and nobody ever charged, beyond what both signed. All calls that settle are
/// safe to repeat, and none of them depends on a payee or client being able to take money.
interface IAgreements {
    /// @notice Where an agreement stands. `Delivered` and `Disputed` concern tasks alone.
    enum Status {
        None,
        Active,
        Delivered,
        Disputed,
        Ended,
        Revoked
    }

    /// @notice Why an agreement ended.
    /// - `Completed`: all paid. `Cancelled`: one side stopped it. `Preempted`: the provider took spot capacity back.
    /// - `Undelivered`: the task's time ran out. `DecidedForClient`, `Conceded`, `DisputeTimedOut`: ends of a dispute,
    ///   all in the client's favour.
    enum Ending {
        Completed,
        Cancelled,
        Preempted,
        Undelivered,
        DecidedForClient,
        Conceded,
        DisputeTimedOut
    }

    /// @notice What the chain keeps of an agreement. Amounts in base units of the stablecoin, times in unix seconds.
    /// - `prepaid`: taken from the client for the present period; `accrued` what of it was settled, `paid` the payee's
    ///   part of that.
    /// - `begin`, `end`: of the present period; of a task the time to deliver.
    /// - `rate`, `maximumRate` (an hour), `accruedBefore`, `rateSince`: spot only.
    /// - `waitsUntil`: of a task, until when its delivery can be disputed, then until when the dispute can be decided.
    struct State {
        AgreementKind kind;
        Status status;
        uint16 feeBps;
        uint32 periodsLeft;
        uint32 acceptance;
        address client;
        address provider;
        uint96 prepaid;
        address payee;
        uint96 accrued;
        uint96 paid;
        uint40 begin;
        uint40 end;
        uint40 waitsUntil;
        uint40 rateSince;
        uint96 rate;
        uint96 maximumRate;
        uint96 accruedBefore;
    }

    /// @notice What the DAO may change, with its hard bounds.
    /// - `treasury`: gets the fees; a contract.
    /// - `disputeWindow`: seconds in which a dispute must be decided, in [1 minute, 90 days]; then the client wins.
    /// - `renewalGrace`: seconds after the end of a period in which a subscription can be renewed, in [1 minute, 30
    ///   days].
    struct Parameters {
        IFeeTreasury treasury;
        uint32 disputeWindow;
        uint32 renewalGrace;
    }

    event AgreementOpened(
        bytes32 indexed id,
        address indexed client,
        address indexed provider,
        AgreementKind kind,
        address payee,
        uint128 prepaid,
        uint64 begin,
        uint64 end,
        uint16 feeBps,
        bytes32 specification
    );
    event AgreementRenewed(
        bytes32 indexed id, uint128 prepaid, uint64 begin, uint64 end, uint16 feeBps, uint32 periodsLeft
    );
    /// @notice So much was earned since the last time: `share` for the payee, `fee` for the network.
    event AgreementAccrued(bytes32 indexed id, address indexed payee, uint128 share, uint128 fee);
    event AgreementEnded(bytes32 indexed id, address indexed client, Ending ending, uint128 refunded);
    /// @notice One side took its signature back before the agreement was opened.
    event AgreementRevoked(bytes32 indexed id, address indexed by);
    event TaskDelivered(bytes32 indexed id, bytes32 resultHash, uint64 disputableUntil);
    event TaskDisputed(bytes32 indexed id, address indexed client, bytes32 evidenceHash, uint64 decidableUntil);
    event TaskDecided(bytes32 indexed id, bool delivered);
    event RateChanged(bytes32 indexed id, uint128 previousRate, uint128 rate);
    event PayeePaid(address indexed payee, uint128 amount);
    event ParametersChanged(Parameters parameters);

    error ConsentExpired(bytes32 id, uint64 expiry);
    error BadConsent(bytes32 id, address signer);
    error AgreementKnown(bytes32 id, Status status);
    error TermOutOfRange(bytes32 name, uint256 value, uint256 minimum, uint256 maximum);
    error PartyIsMissing(bytes32 name);
    error NotAParty(bytes32 id, address caller);
    error WrongStatus(bytes32 id, Status status);
    error WrongKind(bytes32 id, AgreementKind kind);
    error DeliveryTooLate(bytes32 id, uint64 deadline);
    error TaskUnderWay(bytes32 id, uint64 deadline);
    error DisputeTooLate(bytes32 id, uint64 disputableUntil);
    error DecisionTooLate(bytes32 id, uint64 decidableUntil);
    error PeriodRunning(bytes32 id, uint64 end);
    error RenewalLapsed(bytes32 id, uint64 renewableUntil);
    error NoPeriodsLeft(bytes32 id, uint64 end);
    error RateAboveMaximum(bytes32 id, uint128 maximum, uint128 given);
    error NothingOwed(address payee);
    error ParameterOutOfRange(bytes32 name, uint256 value, uint256 minimum, uint256 maximum);
    error NotAContract(bytes32 name, address given);

    /// @notice Opens an agreement that both sides signed and takes the first payment. Anyone may call; a side that
    /// calls itself needs no signature. The same terms open one agreement, once. Not while the module is paused.
    /// @param clientSignature 65 bytes r || s || v with low s, or what an ERC-1271 contract accepts; so the
    /// provider's.
    function open(Agreement calldata terms, bytes calldata clientSignature, bytes calldata providerSignature)
        external
        returns (bytes32 id);

    /// @notice Makes terms that the sender signed, and that are not open yet, worthless for good.
    function revoke(Agreement calldata terms) external;

    /// @notice Books what has accrued until now, and ends what has run its course. Anyone, any time; does nothing if
    /// there is nothing to do.
    /// @return share What the payee gained, `refunded` what the client got back.
    function settle(bytes32 id) external returns (uint128 share, uint128 refunded);

    /// @notice Begins the next period of a subscription now, after the last one ended. Anyone; the client consented to
    /// `periods` of them. Not while the module is paused.
    function renew(bytes32 id) external;

    /// @notice Ends an agreement: what accrued until now is the payee's, the rest goes back to the client. By either
    /// side at any time; a task by its provider until it delivered and by its client until it began.
    function cancel(bytes32 id) external;

    /// @notice Sets the hourly rate of spot capacity from now on, at most the client's maximum bid. By the provider.
    function setRate(bytes32 id, uint128 rate) external;

    /// @notice Says that a task is done. By the provider, until its time is over.
    function deliver(bytes32 id, bytes32 resultHash) external;

    /// @notice Pays for a delivered or disputed task at once. By the client.
    function accept(bytes32 id) external;

    /// @notice Disputes a delivery inside the time for it. By the client. If nobody decides inside the dispute window
    /// the client gets its money back. Misbehaviour of the provider itself is a matter for the SlashingCourt.
    function dispute(bytes32 id, bytes32 evidenceHash) external;

    /// @notice Gives in to a dispute: the client gets everything back. By the provider.
    function concede(bytes32 id) external;

    /// @notice Decides a dispute. Restricted to the court or the DAO.
    function decide(bytes32 id, bool delivered) external;

    /// @notice Pays an account what agreements earned it. Anyone may call; the money goes to the payee.
    function withdraw(address payee) external returns (uint128 amount);

    /// @notice Replaces all parameters. Restricted to the DAO.
    function setParameters(Parameters calldata value) external;

    function escrow() external view returns (IEscrow);

    function networkFee() external view returns (INetworkFee);

    function stable() external view returns (IERC20);

    function parameters() external view returns (Parameters memory);

    function agreementOf(bytes32 id) external view returns (State memory);

    /// @return What the present period has accrued by now, settled or not.
    function accruedOf(bytes32 id) external view returns (uint128);

    /// @return What waits for a payee.
    function owed(address payee) external view returns (uint128);

    /// @return The id of an agreement, which is its EIP-712 struct hash.
    function idOf(Agreement calldata terms) external pure returns (bytes32);

    /// @return The EIP-712 digest that both sides sign (domain "Vcity Agreements").
    function digestOf(Agreement calldata terms) external view returns (bytes32);

    function domainSeparator() external view returns (bytes32);
}
