// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IVeVCAI} from "../interfaces/IVeVCAI.sol";
import {ExactPull} from "../libraries/ExactPull.sol";
import {LockMath} from "./LockMath.sol";

/// @dev Solvency: tokens held >= amounts of all locks + left in the stream + rewards not claimed; see LockMath.
///
/// Storage is packed by hand, since every operation reads and writes most of it:
///   _flow      i0 160 | last 32 | finish 32 | linearBelow in whole VCAI 32
///   _shift     i1 160 | rate 96
///   _locked    sum of root * endWeek 112 | sum of root 96 | next week with an end 16 | snapshots 32
///   _weeks[w]  until week w has begun and been accounted for: amounts 96 | roots 96 of the locks that end then;
///              afterwards the mark that all those locks share for ever
///   _ring      bit w % 256 is set while locks end at week w; all of them are within 208 weeks of `last`
///   _accounts  claim: mark 160 | root 80 | endWeek 16; funds: amount 96 | changed 32 | records 32
/// Seconds count from `origin` and fit 32 bits for 136 years. Roots are never above amounts, so that their sum fits 96
/// bits as long as the supply does.
contract VeVCAI is IVeVCAI, AccessManaged {
    using SafeERC20 for IERC20;
    using ExactPull for IERC20;

    uint256 public constant TMAX = 126_230_400;
    uint256 public constant WEEK = 7 days;
    uint256 public constant MAX_WEEKS = 208;
    uint256 public constant STREAM = 1 days;
    uint256 public constant MIN_LOCK = 1e18;
    uint256 public constant MAX_LINEAR_BELOW = 1_000_000e18;
    /// @notice No more than this can be in the stream at once.
    uint256 public constant MAX_STREAM = 1 << 94;

    struct Account {
        uint256 claim;
        uint256 funds;
    }

    /// @dev The first three slots, unpacked.
    struct Pool {
        uint256 i0;
        uint256 i1;
        uint256 last;
        uint256 finish;
        uint256 linearBelow;
        uint256 rate;
        uint256 rootWeeks;
        uint256 roots;
        uint256 next;
        uint256 snapshots;
    }

    /// @dev An account, unpacked. `changed` is the number of snapshots when the lock last changed, so that the lock as
    /// it is counts for later snapshots only; `records` is the length of the account's history.
    struct Lock {
        uint256 mark;
        uint256 root;
        uint256 endWeek;
        uint256 amount;
        uint256 changed;
        uint256 records;
    }

    /// @inheritdoc IVeVCAI
    IERC20 public immutable token;
    /// @inheritdoc IVeVCAI
    uint256 public immutable origin;

    uint256 private _flow;
    uint256 private _shift;
    uint256 private _locked;
    uint256 private _ring;
    mapping(uint256 week => uint256) private _weeks;
    mapping(address user => Account) private _accounts;
    /// @dev Past states of locks, written only when a snapshot was taken since the last change, so that no history is
    /// paid for while there is no vote: through 32 | from 32 | root 80 | endWeek 16, for snapshots in (from, through].
    mapping(address user => mapping(uint256 index => uint256)) private _history;
    /// @dev By snapshot id: sum of root * endWeek 112 | sum of root 96 | seconds 48.
    mapping(uint256 id => uint256) private _snapshots;

    constructor(address authority_, IERC20 token_, Parameters memory parameters_) AccessManaged(authority_) {
        if (address(token_).code.length == 0) revert TokenIsNotAContract(address(token_));
        token = token_;
        uint256 rest = block.timestamp % WEEK;
        origin = block.timestamp - rest;
        Pool memory pool;
        pool.last = rest;
        _setParameters(pool, parameters_);
    }

    // ---------------------------------------------------------------------------------------------- locks

    /// @inheritdoc IVeVCAI
    function lock(uint256 addAmount, uint256 endWeek) external {
        _lock(addAmount, endWeek);
    }

    /// @inheritdoc IVeVCAI
    function lockWithPermit(uint256 addAmount, uint256 endWeek, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external
    {
        // Somebody may have used the permit first; what counts is the allowance.
        try IERC20Permit(address(token)).permit(msg.sender, address(this), addAmount, deadline, v, r, s) {} catch {}
        _lock(addAmount, endWeek);
    }

    /// @inheritdoc IVeVCAI
    function withdraw() external {
        Pool memory pool = _accrue();
        _storeFlow(pool);
        Lock memory held = _load(msg.sender);
        if (held.root == 0) revert NoLock(msg.sender);
        uint256 end = held.endWeek * WEEK;
        if (end > pool.last) revert StillLocked(msg.sender, origin + end);
        uint256 due = LockMath.earned(held.root, held.mark, _weeks[held.endWeek]);
        uint256 amount = held.amount;
        _remember(held, pool.snapshots);
        (held.mark, held.root, held.endWeek, held.amount) = (0, 0, 0, 0);
        _store(held);
        emit Withdrawn(msg.sender, amount);
        if (due != 0) emit Claimed(msg.sender, due);
        token.safeTransfer(msg.sender, amount + due);
    }

    /// @inheritdoc IVeVCAI
    function claim(address user) external returns (uint256 amount) {
        Pool memory pool = _accrue();
        _storeFlow(pool);
        uint256 word = _accounts[user].claim;
        uint256 endWeek = word & type(uint16).max;
        uint256 reached =
            endWeek * WEEK > pool.last ? LockMath.mark(pool.i0, pool.i1, endWeek * WEEK) : _weeks[endWeek];
        amount = LockMath.earned((word >> 16) & type(uint80).max, word >> 96, reached);
        if (amount == 0) return 0;
        _accounts[user].claim = reached << 96 | word & type(uint96).max;
        emit Claimed(user, amount);
        token.safeTransfer(user, amount);
    }

    function _lock(uint256 addAmount, uint256 endWeek) private {
        Pool memory pool = _accrue();
        Lock memory held = _load(msg.sender);
        _checkEnd(held, endWeek, pool.last);
        uint256 due;
        if (held.root != 0) {
            due = LockMath.earned(held.root, held.mark, LockMath.mark(pool.i0, pool.i1, held.endWeek * WEEK));
        }
        _change(pool, held, addAmount, endWeek);
        if (due != 0) emit Claimed(msg.sender, due);
        // The reward is taken against the amount: one transfer at most.
        if (addAmount > due) token.pullExact(msg.sender, addAmount - due);
        else if (due > addAmount) token.safeTransfer(msg.sender, due - addAmount);
    }

    function _checkEnd(Lock memory held, uint256 endWeek, uint256 time) private view {
        if (held.root != 0 && held.endWeek * WEEK <= time) revert LockEnded(msg.sender, timeOf(held.endWeek));
        uint256 week = time / WEEK;
        uint256 earliest = held.endWeek > week ? held.endWeek : week + 1;
        if (endWeek < earliest || endWeek > week + MAX_WEEKS) {
            revert EndWeekOutOfRange(earliest, week + MAX_WEEKS, endWeek);
        }
    }

    /// @dev Gives the sender's lock its new amount and end, in the sums and in its account, and stores the pool.
    function _change(Pool memory pool, Lock memory held, uint256 addAmount, uint256 endWeek) private {
        if (addAmount > type(uint96).max - held.amount) {
            revert AmountAboveMaximum(type(uint96).max - held.amount, addAmount);
        }
        uint256 amount = held.amount + addAmount;
        if (amount < MIN_LOCK) revert AmountBelowMinimum(MIN_LOCK, amount);
        uint256 root = LockMath.root(amount, pool.linearBelow);
        if (root < held.root) root = held.root;
        _remember(held, pool.snapshots);
        unchecked {
            // The sums contain the lock as it was, week by week; their widths are shown above.
            pool.roots = pool.roots + root - held.root;
            pool.rootWeeks = pool.rootWeeks + root * endWeek - held.root * held.endWeek;
            uint256 ending = _weeks[endWeek];
            if (held.endWeek == endWeek) {
                _weeks[endWeek] = ending + (addAmount << 96) + root - held.root;
            } else {
                if (held.root != 0) _leaveWeek(pool, held);
                _weeks[endWeek] = ending + (amount << 96) + root;
                if (ending == 0) _ring |= 1 << (endWeek & 255);
                if (pool.next == 0 || endWeek < pool.next) pool.next = endWeek;
            }
        }
        (held.root, held.endWeek, held.amount) = (root, endWeek, amount);
        held.mark = LockMath.mark(pool.i0, pool.i1, endWeek * WEEK);
        _store(held);
        _storeFlow(pool);
        _storeLocked(pool);
        emit Locked(msg.sender, addAmount, amount, root, timeOf(endWeek));
    }

    function _leaveWeek(Pool memory pool, Lock memory held) private {
        uint256 left = _weeks[held.endWeek] - (held.amount << 96) - held.root;
        _weeks[held.endWeek] = left;
        if (left != 0) return;
        uint256 ring = _ring & ~(1 << (held.endWeek & 255));
        _ring = ring;
        if (pool.next == held.endWeek) pool.next = LockMath.nextWeek(ring, held.endWeek);
    }

    function _remember(Lock memory held, uint256 latest) private {
        if (held.changed < latest && held.root != 0) {
            _history[msg.sender][held.records++] = latest << 128 | held.changed << 96 | held.root << 16 | held.endWeek;
        }
        held.changed = latest;
    }

    // ---------------------------------------------------------------------------------------------- stream

    /// @inheritdoc IVeVCAI
    function poke() external {
        _storeFlow(_accrue());
    }

    /// @inheritdoc IVeVCAI
    function notify(uint256 amount) external {
        if (amount == 0) revert AmountBelowMinimum(1, amount);
        Pool memory pool = _accrue();
        uint256 left = _left(pool);
        if (amount > MAX_STREAM - left) revert AmountAboveMaximum(MAX_STREAM - left, amount);
        uint256 rate = ((left + amount) << LockMath.RATE_DIGITS) / STREAM;
        if (left != 0 && rate < pool.rate) _checkCanCall(msg.sender, msg.data);
        pool.rate = rate;
        pool.finish = pool.last + STREAM;
        _storeFlow(pool);
        emit Notified(msg.sender, amount, origin + pool.finish);
        token.pullExact(msg.sender, amount);
    }

    /// @dev Brings the pool to the present second. Stores ended weeks, but leaves _flow and _shift to the caller.
    function _accrue() private returns (Pool memory pool) {
        pool = _pool();
        uint256 time = block.timestamp - origin;
        if (_ends(pool, time)) {
            uint256 ring = _ring;
            do {
                uint256 week = pool.next;
                _endWeek(pool, _weeks[week]);
                _weeks[week] = LockMath.mark(pool.i0, pool.i1, week * WEEK);
                ring &= ~(1 << (week & 255));
                pool.next = LockMath.nextWeek(ring, week);
            } while (_ends(pool, time));
            _ring = ring;
            _storeLocked(pool);
        }
        _run(pool, time);
    }

    /// @dev What _accrue would do. `mark_` is what _weeks[watched] will be if that week has begun, else 0.
    function _preview(uint256 watched) private view returns (Pool memory pool, uint256 mark_) {
        pool = _pool();
        uint256 time = block.timestamp - origin;
        if (watched * WEEK <= pool.last) mark_ = _weeks[watched];
        uint256 ring = _ring;
        while (_ends(pool, time)) {
            uint256 week = pool.next;
            _endWeek(pool, _weeks[week]);
            if (week == watched) mark_ = LockMath.mark(pool.i0, pool.i1, week * WEEK);
            ring &= ~(1 << (week & 255));
            pool.next = LockMath.nextWeek(ring, week);
        }
        _run(pool, time);
    }

    function _ends(Pool memory pool, uint256 time) private pure returns (bool) {
        return pool.next != 0 && pool.next * WEEK <= time;
    }

    /// @dev Runs to the beginning of week `pool.next` and takes the locks that end then, `ending`, out of the sums.
    function _endWeek(Pool memory pool, uint256 ending) private pure {
        _run(pool, pool.next * WEEK);
        uint256 roots = ending & type(uint96).max;
        pool.roots -= roots;
        pool.rootWeeks -= roots * pool.next;
    }

    /// @dev Runs the stream to `time`, up to which no lock ends. While nobody is locked it waits.
    function _run(Pool memory pool, uint256 time) private pure {
        uint256 from = pool.last;
        pool.last = time;
        if (from >= pool.finish) return;
        if (pool.roots == 0) {
            pool.finish += time - from;
            return;
        }
        unchecked {
            // time >= from; live locks end at or after `time`, so weights are not negative; i0 and i1 wrap on purpose.
            uint256 duration = (time < pool.finish ? time : pool.finish) - from;
            uint256 weight = pool.rootWeeks * WEEK - pool.roots * from;
            (uint256 i0, uint256 j) = LockMath.increments(
                weight,
                weight - pool.roots * duration,
                pool.roots,
                (pool.rate * duration) << (LockMath.DIGITS - LockMath.RATE_DIGITS)
            );
            pool.i0 += i0;
            pool.i1 += from * i0 + j;
        }
    }

    function _left(Pool memory pool) private pure returns (uint256) {
        return pool.last >= pool.finish ? 0 : (pool.rate * (pool.finish - pool.last)) >> LockMath.RATE_DIGITS;
    }

    // ---------------------------------------------------------------------------------------------- votes

    /// @inheritdoc IVeVCAI
    function snapshot() external restricted returns (uint32 id) {
        uint256 time = block.timestamp - origin;
        uint256 word = _locked;
        uint256 next = uint16(word >> 32);
        // The sums only change when locks end, so the stream need not be touched otherwise.
        if (next != 0 && next * WEEK <= time) {
            _storeFlow(_accrue());
            word = _locked;
        }
        id = uint32(++word);
        _locked = word;
        word = word >> 48 << 48 | time;
        _snapshots[id] = word;
        emit SnapshotTaken(id, _weight(word));
    }

    /// @inheritdoc IVeVCAI
    function votesAt(address user, uint256 id) external view returns (uint256) {
        uint256 time = uint48(_snapshotAt(id));
        Lock memory held = _load(user);
        (uint256 root, uint256 endWeek) = (held.root, held.endWeek);
        if (id <= held.changed) (root, endWeek) = _recordAt(user, held.records, id);
        return endWeek * WEEK > time ? root * (endWeek * WEEK - time) / TMAX : 0;
    }

    /// @inheritdoc IVeVCAI
    function totalAt(uint256 id) external view returns (uint256) {
        return _weight(_snapshotAt(id));
    }

    /// @inheritdoc IVeVCAI
    function snapshotTime(uint256 id) external view returns (uint256) {
        return origin + uint48(_snapshotAt(id));
    }

    /// @inheritdoc IVeVCAI
    function snapshots() external view returns (uint256) {
        return _pool().snapshots;
    }

    function _snapshotAt(uint256 id) private view returns (uint256) {
        uint256 latest = _pool().snapshots;
        if (id == 0 || id > latest) revert SnapshotUnknown(latest, id);
        return _snapshots[id];
    }

    /// @dev The first record that holds through `id`, if it already held at `id`.
    function _recordAt(address user, uint256 records, uint256 id) private view returns (uint256, uint256) {
        uint256 low;
        uint256 high = records;
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (_history[user][middle] >> 128 < id) low = middle + 1;
            else high = middle;
        }
        uint256 word = _history[user][low];
        if (uint32(word >> 96) >= id) return (0, 0);
        return ((word >> 16) & type(uint80).max, uint16(word));
    }

    // ---------------------------------------------------------------------------------------------- views

    /// @inheritdoc IVeVCAI
    function weightOf(address user) external view returns (uint256) {
        Lock memory held = _load(user);
        uint256 end = timeOf(held.endWeek);
        return end > block.timestamp ? held.root * (end - block.timestamp) / TMAX : 0;
    }

    /// @inheritdoc IVeVCAI
    function totalWeight() external view returns (uint256) {
        (Pool memory pool,) = _preview(0);
        return _weight(pool.rootWeeks << 144 | pool.roots << 48 | pool.last);
    }

    /// @inheritdoc IVeVCAI
    function totalLocked() external view returns (uint256 total) {
        uint256 ring = _ring;
        uint256 week = _pool().next;
        while (week != 0) {
            if (timeOf(week) > block.timestamp) total += _weeks[week] >> 96;
            ring &= ~(1 << (week & 255));
            week = LockMath.nextWeek(ring, week);
        }
    }

    /// @inheritdoc IVeVCAI
    function locks(address user) external view returns (LockState memory) {
        Lock memory held = _load(user);
        return LockState(uint96(held.amount), uint80(held.root), uint16(held.endWeek));
    }

    /// @inheritdoc IVeVCAI
    function claimable(address user) external view returns (uint256) {
        Lock memory held = _load(user);
        (Pool memory pool, uint256 reached) = _preview(held.endWeek);
        uint256 end = held.endWeek * WEEK;
        if (end > pool.last) reached = LockMath.mark(pool.i0, pool.i1, end);
        return LockMath.earned(held.root, held.mark, reached);
    }

    /// @inheritdoc IVeVCAI
    function stream() external view returns (uint256 left, uint256 rate, uint256 finish) {
        (Pool memory pool,) = _preview(0);
        return (_left(pool), pool.rate, origin + pool.finish);
    }

    /// @inheritdoc IVeVCAI
    function currentWeek() external view returns (uint256) {
        return (block.timestamp - origin) / WEEK;
    }

    /// @inheritdoc IVeVCAI
    function timeOf(uint256 week) public view returns (uint256) {
        return origin + week * WEEK;
    }

    /// @dev Total weight from a word as in `_snapshots`.
    function _weight(uint256 word) private pure returns (uint256) {
        return ((word >> 144) * WEEK - ((word >> 48) & type(uint96).max) * uint48(word)) / TMAX;
    }

    // ---------------------------------------------------------------------------------------------- parameters

    /// @inheritdoc IVeVCAI
    function setParameters(Parameters calldata parameters_) external restricted {
        _setParameters(_pool(), parameters_);
    }

    /// @inheritdoc IVeVCAI
    function parameters() external view returns (Parameters memory) {
        return Parameters(_pool().linearBelow);
    }

    function _setParameters(Pool memory pool, Parameters memory given) private {
        uint256 linearBelow = given.linearBelow;
        if (linearBelow < 1e18 || linearBelow > MAX_LINEAR_BELOW || linearBelow % 1e18 != 0) {
            revert ParameterOutOfRange("linearBelow", 1e18, MAX_LINEAR_BELOW, linearBelow);
        }
        pool.linearBelow = linearBelow;
        _storeFlow(pool);
        emit ParametersChanged(given);
    }

    // ---------------------------------------------------------------------------------------------- packing

    function _pool() private view returns (Pool memory pool) {
        unchecked {
            uint256 word = _flow;
            pool.i0 = word >> 96;
            pool.last = uint32(word >> 64);
            pool.finish = uint32(word >> 32);
            pool.linearBelow = uint256(uint32(word)) * 1e18;
            word = _shift;
            pool.i1 = word >> 96;
            pool.rate = uint96(word);
            word = _locked;
            pool.rootWeeks = word >> 144;
            pool.roots = (word >> 48) & type(uint96).max;
            pool.next = uint16(word >> 32);
            pool.snapshots = uint32(word);
        }
    }

    function _storeFlow(Pool memory pool) private {
        // Shifting by 96 drops what i0 and i1 have beyond 160 bits.
        _flow = pool.i0 << 96 | pool.last << 64 | pool.finish << 32 | pool.linearBelow / 1e18;
        _shift = pool.i1 << 96 | pool.rate;
    }

    function _storeLocked(Pool memory pool) private {
        _locked = pool.rootWeeks << 144 | pool.roots << 48 | pool.next << 32 | pool.snapshots;
    }

    function _load(address user) private view returns (Lock memory held) {
        uint256 word = _accounts[user].claim;
        held.mark = word >> 96;
        held.root = (word >> 16) & type(uint80).max;
        held.endWeek = uint16(word);
        word = _accounts[user].funds;
        held.amount = uint96(word);
        held.changed = uint32(word >> 96);
        held.records = uint32(word >> 128);
    }

    function _store(Lock memory held) private {
        Account storage account = _accounts[msg.sender];
        account.claim = held.mark << 96 | held.root << 16 | held.endWeek;
        account.funds = held.records << 128 | held.changed << 96 | held.amount;
    }
}
