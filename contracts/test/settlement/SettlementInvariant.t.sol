// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEscrow} from "../../src/interfaces/IEscrow.sol";
import {ISettlement} from "../../src/interfaces/ISettlement.sol";
import {Hashes} from "../../src/libraries/Hashes.sol";
import {Batch, Fault, Role, SignedReceipt, UsageReceipt, Verdict} from "../../src/types/Types.sol";
import {Fixture} from "../utils/Fixture.sol";
import {Tree} from "../utils/Tree.sol";

/// @dev The whole market: two schedulers post batches for three nodes, some receipts are over their quote, everybody
/// claims and challenges at any time. The ghost ledger says what each party must have got.
contract Market is Fixture {
    uint256 public constant NODES = 3;
    uint256 public constant SCHEDULERS = 2;

    struct Posted {
        uint256 scheduler;
        uint64 index;
        uint64 finalAt;
        SignedReceipt[] receipts;
        uint128[3] cumulative;
    }

    Actor[3] private _nodes;
    Actor[2] private _schedulers;
    bytes32[2] private _capIds;
    Posted[] private _posted;
    uint128[3][2] private _cumulative;
    uint256 private _jobs;

    uint256 public deposited;
    uint256 public charged;
    uint256 public credited;
    uint256 public fees;
    uint256 public earned;
    uint256 public claimedInAll;
    uint256 public voidedShares;
    uint256 public penalties;
    uint256 public compensations;
    uint256 public bounties;
    uint256[3] public nodePenalties;

    function start() external {
        super.setUp();
        _register(verifier, Role.Verifier, 100e6);
        for (uint256 i = 0; i < NODES; ++i) {
            _nodes[i] = _actor(string.concat("node ", vm.toString(i)));
            _register(_nodes[i], Role.Compute, 500e6);
        }
        for (uint256 i = 0; i < SCHEDULERS; ++i) {
            _schedulers[i] = _actor(string.concat("scheduler ", vm.toString(i)));
            _register(_schedulers[i], Role.Scheduler, 5_000e6);
            scheduler = _schedulers[i];
            _capIds[i] = _openCap(2_000e6);
        }
        deposited = 4_000e6;
    }

    function _select(uint256 schedulerIndex, uint256 nodeIndex) private {
        (scheduler, node) = (_schedulers[schedulerIndex], _nodes[nodeIndex]);
    }

    function post(uint256 seed, uint64[3] memory amounts, bool overQuote) external {
        uint256 who = seed % SCHEDULERS;
        _select(who, 0);
        if (!registry.isActive(scheduler.addr, Role.Scheduler)) return;
        IEscrow.Cap memory cap = escrow.caps(_capIds[who]);
        uint256 count = 1 + seed % 3;
        if (cap.limit - cap.spent < count * 20e6 || vm.getBlockTimestamp() > cap.expiry) return;
        Posted storage made = _posted.push();
        uint128 sum = 0;
        uint128 shares = 0;
        for (uint256 i = 0; i < count; ++i) {
            uint256 nodeIndex = (seed / 7 + i) % NODES;
            _select(who, nodeIndex);
            UsageReceipt memory receipt = _receipt(++_jobs, uint128(bound(amounts[i], 1, 20e6)));
            if (overQuote && i == 0) receipt.quote = receipt.amount - 1;
            made.receipts.push(_signed(receipt));
            uint128 share = settlement.nodeShare(receipt.amount);
            _cumulative[who][nodeIndex] += share;
            sum += receipt.amount;
            shares += share;
        }
        _postIt(made, who, sum, shares);
    }

    function _postIt(Posted storage made, uint256 who, uint128 sum, uint128 shares) private {
        made.scheduler = who;
        made.index = settlement.nextIndex(scheduler.addr);
        made.cumulative = _cumulative[who];
        made.finalAt = uint64(vm.getBlockTimestamp()) + WINDOW;
        Batch memory batch = Batch({
            index: made.index,
            receiptsRoot: Tree.root(_leaves(made.receipts)),
            earningsRoot: Tree.root(_earningsLeaves(made)),
            receiptCount: uint32(made.receipts.length),
            totalEarned: shares,
            unitsConsumed: 1,
            unitsAvailable: 2
        });
        vm.prank(scheduler.addr);
        settlement.postBatch(batch, _charges(_capIds[who], sum));
        charged += sum;
        earned += shares;
        fees += sum - shares;
    }

    function _earningsLeaves(Posted storage made) private view returns (bytes32[] memory leaves) {
        leaves = new bytes32[](NODES);
        for (uint256 i = 0; i < NODES; ++i) {
            leaves[i] = Hashes.earningsLeaf(_nodes[i].addr, made.cumulative[i]);
        }
    }

    function claim(uint256 seed) external {
        if (_posted.length == 0) return;
        Posted storage made = _posted[seed % _posted.length];
        uint256 nodeIndex = (seed / 3) % NODES;
        _select(made.scheduler, nodeIndex);
        uint128 cumulative = made.cumulative[nodeIndex];
        uint256 settled =
            uint256(settlement.claimed(scheduler.addr, node.addr)) + settlement.voided(scheduler.addr, node.addr);
        bool payable_ = vm.getBlockTimestamp() >= made.finalAt && cumulative > settled;
        uint256 before = stable.balanceOf(node.addr);
        bytes32[] memory proof = Tree.proof(_earningsLeaves(made), nodeIndex);
        if (!payable_) vm.expectRevert();
        settlement.claim(scheduler.addr, made.index, node.addr, cumulative, proof);
        uint256 got = stable.balanceOf(node.addr) - before;
        assertEq(got, payable_ ? cumulative - settled : 0);
        claimedInAll += got;
    }

    function challenge(uint256 seed, uint256 which, bool byVerdict) external {
        if (_posted.length == 0) return;
        Posted storage made = _posted[seed % _posted.length];
        uint256 position = which % made.receipts.length;
        SignedReceipt memory signed = made.receipts[position];
        uint256 nodeIndex = _indexOf(signed.receipt.node);
        _select(made.scheduler, nodeIndex);
        bytes32 receiptHash = Hashes.receipt(signed.receipt);
        bool open = vm.getBlockTimestamp() < made.finalAt && !settlement.receiptVoided(scheduler.addr, receiptHash);
        bool guilty = byVerdict || signed.receipt.amount > signed.receipt.quote;
        bytes32[] memory proof = Tree.proof(_leaves(made.receipts), position);
        Actor memory offender = byVerdict ? node : scheduler;
        uint256 stakeBefore = _stakeOf(offender.addr);
        // Less than the fee of the largest receipt could not complete the compensation.
        if (stakeBefore < 2e6) return;
        uint128 poolBefore = settlement.pool(scheduler.addr);
        uint256 creditBefore = escrow.available(client.addr);
        if (byVerdict) {
            _byVerdict(made.index, signed, receiptHash, proof, open);
        } else {
            if (!open || !guilty) vm.expectRevert();
            settlement.challengeReceipt(Fault.OverQuote, scheduler.addr, made.index, signed, proof, "");
        }
        uint256 taken = stakeBefore - _stakeOf(offender.addr);
        if (byVerdict) nodePenalties[nodeIndex] += taken;
        uint256 share = poolBefore - settlement.pool(scheduler.addr);
        uint256 credit = escrow.available(client.addr) - creditBefore;
        if (open && guilty) assertEq(credit, signed.receipt.amount, "a voided receipt is credited in full");
        else assertEq(credit + taken, 0, "nothing moves without a fault");
        (penalties, voidedShares) = (penalties + taken, voidedShares + share);
        (credited, compensations) = (credited + credit, compensations + credit - share);
    }

    function _byVerdict(
        uint64 index,
        SignedReceipt memory signed,
        bytes32 receiptHash,
        bytes32[] memory proof,
        bool open
    ) private {
        Verdict[] memory verdicts = new Verdict[](1);
        bytes[] memory signatures = new bytes[](1);
        verdicts[0] = _verdict(receiptHash, verifier.addr);
        signatures[0] = _sign(verifier.key, settlement.verdictDigest(verdicts[0]));
        if (!open) vm.expectRevert();
        settlement.challengeByVerdict(scheduler.addr, index, signed, proof, verdicts, signatures);
    }

    function wait(uint256 time) external {
        vm.warp(vm.getBlockTimestamp() + bound(time, 1, 50 minutes));
    }

    function _indexOf(address who) private view returns (uint256 i) {
        while (_nodes[i].addr != who) ++i;
    }

    function _stakeOf(address who) private view returns (uint256) {
        (uint128 active, uint128 unbonding) = registry.stakeOf(who);
        return uint256(active) + unbonding;
    }

    function checkPools() external view {
        uint256 pools = uint256(settlement.pool(_schedulers[0].addr)) + settlement.pool(_schedulers[1].addr);
        assertEq(stable.balanceOf(address(settlement)), pools, "balance = pools");
        assertEq(earned, pools + claimedInAll + voidedShares, "earned = pools + claimed + voided");
    }

    function checkMoney() external view {
        assertEq(charged, earned + fees);
        uint256 inEscrow = uint256(escrow.available(client.addr)) + escrow.lockedOf(client.addr);
        assertEq(inEscrow, deposited + credited - charged, "client");
        assertEq(inEscrow, stable.balanceOf(address(escrow)), "escrow");
        uint256 spread = stable.balanceOf(treasury) + stable.balanceOf(address(this));
        assertEq(spread, fees + penalties - compensations, "treasury and challenger");
    }

    function checkNodes() external view {
        for (uint256 n = 0; n < NODES; ++n) {
            for (uint256 s = 0; s < SCHEDULERS; ++s) {
                (address who, address by) = (_nodes[n].addr, _schedulers[s].addr);
                uint256 settled = uint256(settlement.claimed(by, who)) + settlement.voided(by, who);
                assertLe(settled, _cumulative[s][n], "never more than was earned");
            }
            assertEq(_stakeOf(_nodes[n].addr), 500e6 - nodePenalties[n], "only verdicts cost a node its stake");
        }
    }

    function checkCaps() external view {
        for (uint256 i = 0; i < SCHEDULERS; ++i) {
            IEscrow.Cap memory cap = escrow.caps(_capIds[i]);
            assertLe(cap.spent, cap.limit);
        }
    }
}

contract SettlementInvariantTest is Fixture {
    Market private market;

    function setUp() public override {
        market = new Market();
        market.start();
        bytes4[] memory selectors = new bytes4[](4);
        selectors[0] = Market.post.selector;
        selectors[1] = Market.claim.selector;
        selectors[2] = Market.challenge.selector;
        selectors[3] = Market.wait.selector;
        targetSelector(FuzzSelector({addr: address(market), selectors: selectors}));
        targetContract(address(market));
    }

    function invariant_PoolsHoldWhatIsOwed() public view {
        market.checkPools();
    }

    function invariant_MoneyIsConserved() public view {
        market.checkMoney();
    }

    function invariant_NodesArePaidOnceAndOnlyVerdictsSlashThem() public view {
        market.checkNodes();
    }

    function invariant_NoCapIsExceeded() public view {
        market.checkCaps();
    }
}
