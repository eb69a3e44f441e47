// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {INodeRegistry} from "./INodeRegistry.sol";

/// @title Rewards by Merkle root: who has earned how much since the beginning
/// @notice An active verifier posts a root over (account, everything it has earned of this kind since genesis) and
/// puts up a bond. After a delay the root is live and anyone may bring an account what it has not been paid yet.
/// Within the delay anyone may dispute the root with a bond of its own: then it pays nothing until the DAO has
/// decided, while the next root can already be posted. The loser's bond goes to the winner and the treasury.
///
/// Each kind has its own money. A root names the sum of all its leaves; claims under it never exceed that sum, and
/// the sum never exceeds what the kind has been given. So a root that lies cannot touch another kind, nor money that
/// later roots hand out; what it can reach is at most its own sum less what has been claimed.
///
/// Kinds: PoC (capacity), PoD (delivered work; loyalty, referral and first-join bonuses are part of these two),
/// FeeTier (no money: which share of the fee a node gets back), DemandRebate. A demand rebate must never exceed the
/// network fee that the account itself paid in the period: the chain does not see who paid which fee, so this is a
/// rule of the published computation that verifiers check, and a root that breaks it loses its dispute.
///
/// Leaf = keccak256(keccak256(abi.encode(uint8 kind, address account, uint256 cumulative))); inner nodes hash the
/// sorted pair. The double hash keeps inner nodes from being presented as leaves.
interface IRewardRoots {
    enum Kind {
        PoC,
        PoD,
        FeeTier,
        DemandRebate
    }

    /// @notice `delay`: seconds from posting until a root is live, minimumDelay to 7 days. `winnerBps`: the winner's
    /// part of the loser's bond, 0 to 9000, the rest goes to the treasury. `postBond`, `disputeBond`: wei of VCAI, 1 to
    /// MAX_BOND.
    struct Parameters {
        uint40 delay;
        uint16 winnerBps;
        uint96 postBond;
        uint96 disputeBond;
    }

    /// @notice The newest root of a kind and the one before it that was live. `liveAt` is a unix second, and
    /// type(uint40).max when the newest root was disputed. `total` and `previousTotal` are the sums that the two name.
    struct Line {
        bytes32 root;
        bytes32 previousRoot;
        uint96 total;
        uint96 previousTotal;
        uint96 funded;
        uint96 claimed;
        uint40 liveAt;
        uint32 epoch;
        address poster;
        uint96 bond;
    }

    /// @notice A disputed root. `decidableUntil` is the unix second from which both bonds can be taken back if the
    /// DAO has not decided.
    struct Dispute {
        bytes32 root;
        address poster;
        uint96 posterBond;
        address challenger;
        uint96 challengerBond;
        uint40 decidableUntil;
    }

    event Funded(Kind indexed kind, uint256 amount, uint256 funded);
    event Reallocated(Kind indexed from, Kind indexed to, uint256 amount);
    event RootPosted(
        Kind indexed kind,
        uint32 indexed epoch,
        address indexed poster,
        bytes32 root,
        uint256 total,
        uint40 liveAt,
        uint256 bond,
        string uri
    );
    event RootDisputed(
        Kind indexed kind, uint32 indexed epoch, address indexed challenger, uint256 bond, string reason
    );
    /// @notice `live` is false for a good root that a newer one has replaced meanwhile.
    event DisputeDecided(
        Kind indexed kind, uint32 indexed epoch, bool rootIsGood, bool live, uint256 toWinner, uint256 toTreasury
    );
    event DisputeExpired(Kind indexed kind, uint32 indexed epoch);
    event Claimed(Kind indexed kind, address indexed account, uint256 amount, uint256 cumulative);
    event BondDeposited(address indexed account, uint256 amount, uint256 free);
    event BondWithdrawn(address indexed account, uint256 amount, uint256 free);
    event BondReleased(address indexed account, Kind indexed kind, uint32 indexed epoch, uint256 amount);
    event ParametersChanged(Parameters parameters);

    error NotAContract(address given);
    /// @notice Only a node that is registered and active as a verifier may post.
    error NotAnActiveVerifier(address account);
    error EpochMismatch(Kind kind, uint32 expected, uint32 given);
    error RootPending(Kind kind, uint32 epoch, uint256 liveAt);
    error RootIsZero(Kind kind);
    error TotalBelowClaimed(Kind kind, uint256 claimed, uint256 total);
    error TotalAboveFunded(Kind kind, uint256 funded, uint256 total);
    error KindHasNoMoney(Kind kind);
    error TextTooLong(uint256 maximum, uint256 given);
    error AmountIsZero(address account);
    error BondTooLow(address account, uint256 free, uint256 required);
    error NotDisputable(Kind kind, uint32 epoch);
    error NotDisputed(Kind kind, uint32 epoch);
    error StillDecidable(Kind kind, uint32 epoch, uint256 decidableUntil);
    error BondStillLocked(Kind kind, uint32 epoch);
    error NoLiveRoot(Kind kind);
    error InvalidProof(bytes32 root, bytes32 leaf);
    error NothingToClaim(Kind kind, address account, uint256 claimed, uint256 cumulative);
    error BudgetExhausted(Kind kind, uint256 left, uint256 asked);
    error BudgetCommitted(Kind kind, uint256 uncommitted, uint256 asked);
    error SameKind(Kind kind);
    error ParameterOutOfRange(bytes32 name, uint256 value, uint256 minimum, uint256 maximum);

    /// @notice Adds money to a kind; takes `amount` wei of VCAI from the sender. Restricted to role REWARD_FUNDER.
    function fund(Kind kind, uint256 amount) external;

    /// @notice Moves money that no root hands out from one kind to another. Restricted to role PARAMS.
    function reallocate(Kind from, Kind to, uint256 amount) external;

    /// @notice Adds `amount` wei of VCAI to the sender's deposit, out of which bonds are locked.
    function depositBond(uint256 amount) external;

    /// @notice Takes back what is not locked.
    function withdrawBond(uint256 amount) external;

    /// @notice Unlocks the bond of a kind's newest root once it is live. Posting the next root does so too.
    function releaseBond(Kind kind) external;

    /// @notice Posts the next root of a kind. By an active verifier whose deposit covers the bond, unless paused.
    /// @param epoch The kind's last epoch plus one, so that posting the same root twice reverts `EpochMismatch`.
    /// @param total Sum of all leaves in wei, from all that has been claimed to all that was funded; 0 for FeeTier.
    /// @param uri Where the leaves can be read, at most 256 bytes.
    function postRoot(Kind kind, uint32 epoch, bytes32 root, uint256 total, string calldata uri) external;

    /// @notice Disputes the newest root of a kind before it is live. By anyone whose deposit covers the bond.
    /// @param reason For those who vote, at most 256 bytes.
    function dispute(Kind kind, uint32 epoch, string calldata reason) external;

    /// @notice Decides a dispute. A root found good goes live at once if no newer one was posted. Restricted to role
    /// PARAMS.
    function decide(Kind kind, uint32 epoch, bool rootIsGood) external;

    /// @notice Gives both bonds back when the DAO has not decided within DECISION_TIME; the root stays dead. Anyone may
    /// call.
    function expireDispute(Kind kind, uint32 epoch) external;

    /// @notice Pays an account what the live root says it has earned in all, less what it was paid. Anyone may call;
    /// the money goes to the account.
    /// @return amount Wei of VCAI.
    function claim(Kind kind, address account, uint256 cumulative, bytes32[] calldata proof)
        external
        returns (uint256 amount);

    /// @notice Replaces all parameters; roots already posted keep their delay and bond. Restricted to role PARAMS.
    function setParameters(Parameters calldata value) external;

    /// @return Whether the live FeeTier root says that `account` has tier `tierBps`.
    function tierOf(address account, uint256 tierBps, bytes32[] calldata proof) external view returns (bool);

    /// @return The root claims are checked against, zero for none, and the sum it names.
    function liveRoot(Kind kind) external view returns (bytes32, uint256);

    function lineOf(Kind kind) external view returns (Line memory);

    function disputeOf(Kind kind, uint32 epoch) external view returns (Dispute memory);

    /// @return Wei paid to the account of this kind so far.
    function claimedBy(Kind kind, address account) external view returns (uint256);

    /// @return Wei of the account's deposit that are not locked.
    function freeBond(address account) external view returns (uint256);

    function leafOf(Kind kind, address account, uint256 cumulative) external pure returns (bytes32);

    function vcai() external view returns (IERC20);

    function registry() external view returns (INodeRegistry);

    /// @return Where the treasury's part of lost bonds goes.
    function treasury() external view returns (address);

    function minimumDelay() external view returns (uint40);

    function parameters() external view returns (Parameters memory);
}
