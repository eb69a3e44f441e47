// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {MerkleProofLib} from "solady/utils/MerkleProofLib.sol";
import {INodeRegistry} from "../interfaces/INodeRegistry.sol";
import {IRewardRoots} from "../interfaces/IRewardRoots.sol";
import {ExactPull} from "../libraries/ExactPull.sol";
import {ExpiringPause} from "../libraries/ExpiringPause.sol";
import {Role} from "../types/Types.sol";

/// @title Rewards by Merkle root: who has earned how much since the beginning
/// @notice Parameters (role PARAMS): delay, minimumDelay to 7 days; winnerBps, 0 to 9000; postBond and disputeBond, 1
/// wei to MAX_BOND.
/// @dev Conservation: VCAI held = sum over kinds of (funded - claimed) + free bonds + locked bonds. A kind keeps two
/// roots in turn: the newest, and the one before it that was live and serves until the newest does. The pause stops
/// new roots only.
contract RewardRoots is IRewardRoots, ExpiringPause {
    using SafeERC20 for IERC20;
    using ExactPull for IERC20;
    using SafeCast for uint256;

    /// @dev What a claim touches, in one slot. `newest` says which of the two roots is the newest.
    struct Head {
        uint96 claimed;
        uint96 total;
        uint40 liveAt;
        uint8 newest;
    }

    struct Store {
        bytes32[2] roots;
        Head head;
        uint96 previousTotal;
        uint96 funded;
        uint32 epoch;
        address poster;
        uint96 bond;
    }

    uint40 public constant MAX_DELAY = 7 days;
    uint16 public constant MAX_WINNER_BPS = 9_000;
    uint96 public constant MAX_BOND = 1_000_000e18;
    uint40 public constant DECISION_TIME = 90 days;
    uint256 public constant MAX_TEXT_BYTES = 256;
    uint256 private constant BPS = 10_000;
    /// @dev `liveAt` of a root that was disputed.
    uint40 private constant NEVER = type(uint40).max;

    /// @inheritdoc IRewardRoots
    IERC20 public immutable vcai;
    /// @inheritdoc IRewardRoots
    INodeRegistry public immutable registry;
    /// @inheritdoc IRewardRoots
    address public immutable treasury;
    /// @inheritdoc IRewardRoots
    uint40 public immutable minimumDelay;

    Parameters private _parameters;
    mapping(Kind kind => Store) private _lines;
    mapping(Kind kind => mapping(address account => uint256)) private _claimedBy;
    mapping(Kind kind => mapping(uint32 epoch => Dispute)) private _disputes;
    mapping(address account => uint256) private _freeBond;

    constructor(
        address authority_,
        IERC20 vcai_,
        INodeRegistry registry_,
        address treasury_,
        uint40 minimumDelay_,
        Parameters memory parameters_
    ) AccessManaged(authority_) {
        _checkContract(address(vcai_));
        _checkContract(address(registry_));
        _checkContract(treasury_);
        _checkRange("minimumDelay", minimumDelay_, 1, MAX_DELAY);
        (vcai, registry, treasury, minimumDelay) = (vcai_, registry_, treasury_, minimumDelay_);
        _setParameters(parameters_);
    }

    /// @inheritdoc IRewardRoots
    function fund(Kind kind, uint256 amount) external restricted {
        if (kind == Kind.FeeTier) revert KindHasNoMoney(kind);
        if (amount == 0) revert AmountIsZero(msg.sender);
        Store storage line = _lines[kind];
        line.funded += amount.toUint96();
        emit Funded(kind, amount, line.funded);
        vcai.pullExact(msg.sender, amount);
    }

    /// @inheritdoc IRewardRoots
    function reallocate(Kind from, Kind to, uint256 amount) external restricted {
        if (from == to) revert SameKind(from);
        if (to == Kind.FeeTier) revert KindHasNoMoney(to);
        Store storage line = _lines[from];
        uint256 uncommitted = line.funded - _committed(line);
        if (amount > uncommitted) revert BudgetCommitted(from, uncommitted, amount);
        // At most what `funded` holds, by the line above.
        line.funded -= uint96(amount);
        _lines[to].funded += uint96(amount);
        emit Reallocated(from, to, amount);
    }

    /// @inheritdoc IRewardRoots
    function depositBond(uint256 amount) external {
        if (amount == 0) revert AmountIsZero(msg.sender);
        uint256 free = _freeBond[msg.sender] + amount;
        _freeBond[msg.sender] = free;
        emit BondDeposited(msg.sender, amount, free);
        vcai.pullExact(msg.sender, amount);
    }

    /// @inheritdoc IRewardRoots
    function withdrawBond(uint256 amount) external {
        if (amount == 0) revert AmountIsZero(msg.sender);
        uint256 free = _takeBond(amount);
        emit BondWithdrawn(msg.sender, amount, free);
        vcai.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IRewardRoots
    function releaseBond(Kind kind) external {
        Store storage line = _lines[kind];
        (address poster, uint96 bond) = (line.poster, line.bond);
        if (bond == 0 || block.timestamp < line.head.liveAt) revert BondStillLocked(kind, line.epoch);
        (line.poster, line.bond) = (address(0), 0);
        _freeBond[poster] += bond;
        emit BondReleased(poster, kind, line.epoch, bond);
    }

    /// @inheritdoc IRewardRoots
    function postRoot(Kind kind, uint32 epoch, bytes32 root, uint256 total, string calldata uri)
        external
        whenNotPaused
    {
        if (!registry.isActive(msg.sender, Role.Verifier)) revert NotAnActiveVerifier(msg.sender);
        _checkText(uri);
        if (root == 0) revert RootIsZero(kind);
        Store storage line = _lines[kind];
        Head memory head = line.head;
        _checkNext(line, head, kind, epoch, total);
        if (head.liveAt != NEVER) {
            // A disputed root is overwritten, a live one stays until this one is live.
            head.newest = 1 - head.newest;
            line.previousTotal = head.total;
        }
        Parameters memory current = _parameters;
        _exchangeBond(line, kind, current.postBond);
        // At most what `funded` holds, as checked.
        head.total = uint96(total);
        head.liveAt = uint40(block.timestamp) + current.delay;
        line.head = head;
        line.roots[head.newest] = root;
        line.epoch = epoch;
        emit RootPosted(kind, epoch, msg.sender, root, total, head.liveAt, current.postBond, uri);
    }

    /// @inheritdoc IRewardRoots
    function dispute(Kind kind, uint32 epoch, string calldata reason) external {
        _checkText(reason);
        Store storage line = _lines[kind];
        Head memory head = line.head;
        if (epoch != line.epoch || head.liveAt == NEVER || block.timestamp >= head.liveAt) {
            revert NotDisputable(kind, epoch);
        }
        uint96 bond = _parameters.disputeBond;
        _takeBond(bond);
        _disputes[kind][epoch] = Dispute({
            root: line.roots[head.newest],
            poster: line.poster,
            posterBond: line.bond,
            challenger: msg.sender,
            challengerBond: bond,
            decidableUntil: uint40(block.timestamp) + DECISION_TIME
        });
        line.head.liveAt = NEVER;
        (line.poster, line.bond) = (address(0), 0);
        emit RootDisputed(kind, epoch, msg.sender, bond, reason);
    }

    /// @inheritdoc IRewardRoots
    function decide(Kind kind, uint32 epoch, bool rootIsGood) external restricted {
        Dispute memory found = _endDispute(kind, epoch);
        Store storage line = _lines[kind];
        bool live = rootIsGood && line.epoch == epoch;
        if (live) line.head.liveAt = uint40(block.timestamp);
        address winner = rootIsGood ? found.poster : found.challenger;
        uint256 lost = rootIsGood ? found.challengerBond : found.posterBond;
        uint256 kept = rootIsGood ? found.posterBond : found.challengerBond;
        uint256 toWinner = lost * _parameters.winnerBps / BPS;
        uint256 toTreasury = lost - toWinner;
        _freeBond[winner] += kept + toWinner;
        emit DisputeDecided(kind, epoch, rootIsGood, live, toWinner, toTreasury);
        vcai.safeTransfer(treasury, toTreasury);
    }

    /// @inheritdoc IRewardRoots
    function expireDispute(Kind kind, uint32 epoch) external {
        Dispute memory found = _endDispute(kind, epoch);
        if (block.timestamp < found.decidableUntil) revert StillDecidable(kind, epoch, found.decidableUntil);
        _freeBond[found.poster] += found.posterBond;
        _freeBond[found.challenger] += found.challengerBond;
        emit DisputeExpired(kind, epoch);
    }

    /// @inheritdoc IRewardRoots
    function claim(Kind kind, address account, uint256 cumulative, bytes32[] calldata proof)
        external
        returns (uint256 amount)
    {
        if (kind == Kind.FeeTier) revert KindHasNoMoney(kind);
        Store storage line = _lines[kind];
        Head memory head = line.head;
        uint256 left = _checkLeaf(line, head, kind, leafOf(kind, account, cumulative), proof);
        uint256 already = _claimedBy[kind][account];
        if (cumulative <= already) revert NothingToClaim(kind, account, already, cumulative);
        amount = cumulative - already;
        if (amount > left) revert BudgetExhausted(kind, left, amount);
        // At most `total`, which is a uint96.
        line.head.claimed = uint96(head.claimed + amount);
        _claimedBy[kind][account] = cumulative;
        emit Claimed(kind, account, amount, cumulative);
        vcai.safeTransfer(account, amount);
    }

    /// @inheritdoc IRewardRoots
    function setParameters(Parameters calldata value) external restricted {
        _setParameters(value);
    }

    /// @inheritdoc IRewardRoots
    function tierOf(address account, uint256 tierBps, bytes32[] calldata proof) external view returns (bool) {
        Store storage line = _lines[Kind.FeeTier];
        (bytes32 root,) = _live(line, line.head);
        return root != 0 && MerkleProofLib.verifyCalldata(proof, root, leafOf(Kind.FeeTier, account, tierBps));
    }

    /// @inheritdoc IRewardRoots
    function liveRoot(Kind kind) external view returns (bytes32, uint256) {
        Store storage line = _lines[kind];
        return _live(line, line.head);
    }

    /// @inheritdoc IRewardRoots
    function lineOf(Kind kind) external view returns (Line memory) {
        Store storage line = _lines[kind];
        Head memory head = line.head;
        return Line({
            root: line.roots[head.newest],
            previousRoot: line.roots[1 - head.newest],
            total: head.total,
            previousTotal: line.previousTotal,
            funded: line.funded,
            claimed: head.claimed,
            liveAt: head.liveAt,
            epoch: line.epoch,
            poster: line.poster,
            bond: line.bond
        });
    }

    /// @inheritdoc IRewardRoots
    function disputeOf(Kind kind, uint32 epoch) external view returns (Dispute memory) {
        return _disputes[kind][epoch];
    }

    /// @inheritdoc IRewardRoots
    function claimedBy(Kind kind, address account) external view returns (uint256) {
        return _claimedBy[kind][account];
    }

    /// @inheritdoc IRewardRoots
    function freeBond(address account) external view returns (uint256) {
        return _freeBond[account];
    }

    /// @inheritdoc IRewardRoots
    function parameters() external view returns (Parameters memory) {
        return _parameters;
    }

    /// @inheritdoc IRewardRoots
    function leafOf(Kind kind, address account, uint256 cumulative) public pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(uint8(kind), account, cumulative))));
    }

    /// @dev Unlocks the bond of the root before, which is live if it has one, and locks the sender's. The bond of a
    /// poster that posts again simply stays locked.
    function _exchangeBond(Store storage line, Kind kind, uint96 bond) private {
        (address poster, uint96 locked) = (line.poster, line.bond);
        if (poster == msg.sender && locked == bond) return;
        if (locked != 0) {
            _freeBond[poster] += locked;
            emit BondReleased(poster, kind, line.epoch, locked);
        }
        _takeBond(bond);
        (line.poster, line.bond) = (msg.sender, bond);
    }

    function _takeBond(uint256 amount) private returns (uint256 free) {
        free = _freeBond[msg.sender];
        if (amount > free) revert BondTooLow(msg.sender, free, amount);
        free -= amount;
        _freeBond[msg.sender] = free;
    }

    function _endDispute(Kind kind, uint32 epoch) private returns (Dispute memory found) {
        found = _disputes[kind][epoch];
        if (found.challenger == address(0)) revert NotDisputed(kind, epoch);
        delete _disputes[kind][epoch];
    }

    function _live(Store storage line, Head memory head) private view returns (bytes32 root, uint256 total) {
        if (block.timestamp >= head.liveAt) return (line.roots[head.newest], head.total);
        return (line.roots[1 - head.newest], line.previousTotal);
    }

    /// @return left What the live root can still pay. Its sum is below what was claimed if claims under the root
    /// before went on after this one was posted.
    function _checkLeaf(Store storage line, Head memory head, Kind kind, bytes32 leaf, bytes32[] calldata proof)
        private
        view
        returns (uint256 left)
    {
        (bytes32 root, uint256 total) = _live(line, head);
        if (root == 0) revert NoLiveRoot(kind);
        if (!MerkleProofLib.verifyCalldata(proof, root, leaf)) revert InvalidProof(root, leaf);
        left = FixedPointMathLib.zeroFloorSub(total, head.claimed);
    }

    /// @dev The most that could still be claimed of a kind, now or when its newest root is live. Never above `funded`.
    function _committed(Store storage line) private view returns (uint256 committed) {
        Head memory head = line.head;
        committed = FixedPointMathLib.max(head.total, head.claimed);
        if (block.timestamp < head.liveAt) committed = FixedPointMathLib.max(committed, line.previousTotal);
    }

    function _checkNext(Store storage line, Head memory head, Kind kind, uint32 epoch, uint256 total) private view {
        (uint32 last, uint96 funded) = (line.epoch, line.funded);
        if (epoch != last + 1) revert EpochMismatch(kind, last + 1, epoch);
        if (head.liveAt != NEVER && block.timestamp < head.liveAt) revert RootPending(kind, last, head.liveAt);
        if (total < head.claimed) revert TotalBelowClaimed(kind, head.claimed, total);
        if (total > funded) revert TotalAboveFunded(kind, funded, total);
    }

    function _setParameters(Parameters memory value) private {
        _checkRange("delay", value.delay, minimumDelay, MAX_DELAY);
        _checkRange("winnerBps", value.winnerBps, 0, MAX_WINNER_BPS);
        _checkRange("postBond", value.postBond, 1, MAX_BOND);
        _checkRange("disputeBond", value.disputeBond, 1, MAX_BOND);
        _parameters = value;
        emit ParametersChanged(value);
    }

    function _checkText(string calldata text) private pure {
        uint256 length = bytes(text).length;
        if (length > MAX_TEXT_BYTES) revert TextTooLong(MAX_TEXT_BYTES, length);
    }

    function _checkRange(bytes32 name, uint256 value, uint256 minimum, uint256 maximum) private pure {
        if (value < minimum || value > maximum) revert ParameterOutOfRange(name, value, minimum, maximum);
    }

    function _checkContract(address given) private view {
        if (given.code.length == 0) revert NotAContract(given);
    }
}
