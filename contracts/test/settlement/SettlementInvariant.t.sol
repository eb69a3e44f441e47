// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IEscrow} from "../../src/interfaces/IEscrow.sol";
import {IFraudProofs} from "../../src/interfaces/IFraudProofs.sol";
import {ISettlement} from "../../src/interfaces/ISettlement.sol";
import {Hashes} from "../../src/libraries/Hashes.sol";
import {
    Batch,
    Charge,
    Fault,
    ReceiptOpening,
    Role,
    SignedReceipt,
    UsageReceipt,
    Verdict
} from "../../src/types/Types.sol";
import {Fixture} from "../utils/Fixture.sol";
import {Tree} from "../utils/Tree.sol";

/// @dev The whole market: two schedulers post batches for three nodes. Some receipts are over their quote, some
/// earnings roots give a node too little or too much, some batches charge more than their receipts; everybody claims
/// and proves at any time, and the DAO takes money out of the treasury. The ghost ledger says what each party must
/// have got.
contract Market is Fixture {
    uint256 public constant NODES = 3;
    uint256 public constant SCHEDULERS = 2;

    struct Posted {
        uint256 scheduler;
        uint64 index;
        uint256 finalAt;
        uint128 charged;
        uint128 earned;
        uint128 receipted;
        SignedReceipt[] receipts;
        uint128[3] cumulative;
        uint128[3] before;
        uint128[3] shares;
        uint128[3] corrected;
    }

    Actor[3] private _nodes;
    Actor[2] private _schedulers;
    bytes32[2] private _capIds;
    Posted[] private _batches;
    uint128[3][2] private _cumulative;
    uint128[3][2] private _correction;
    uint256 private _jobs;

    uint256 public deposited;
    uint256 public charged;
    uint256 public credited;
    uint256 public fees;
    uint256 public earned;
    uint256 public claimedInAll;
    uint256 public voidedShares;
    uint256 public voids;
    uint256 public compensations;
    uint256 public spent;
    uint256 public cases;
    uint256 public losses;

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

    /// @param trick 0 none, 1 a receipt over its quote, 2 a node gets less than its share, 3 a node gets more, 4 a
    /// charge above the receipts.
    function post(uint256 seed, uint64[3] memory amounts, uint8 trick) external {
        uint256 who = seed % SCHEDULERS;
        _select(who, 0);
        IEscrow.Cap memory cap = escrow.caps(_capIds[who]);
        uint256 count = 1 + seed % 3;
        if (cap.limit - cap.spent < (count + 1) * 20e6 || vm.getBlockTimestamp() > cap.expiry) return;
        trick = trick % 5;
        Posted storage made = _batches.push();
        made.before = _cumulative[who];
        for (uint256 i = 0; i < count; ++i) {
            uint256 nodeIndex = (seed / 7 + i) % NODES;
            _select(who, nodeIndex);
            UsageReceipt memory receipt = _receipt(++_jobs, uint128(bound(amounts[i], 1, 20e6)));
            if (trick == 1 && i == 0) receipt.quote = receipt.amount - 1;
            made.receipts.push(_signed(receipt));
            uint128 share = settlement.nodeShare(receipt.amount);
            made.shares[nodeIndex] += share;
            made.receipted += receipt.amount;
            made.earned += share;
            if (trick != 2 || i != 0) _cumulative[who][nodeIndex] += share;
            if (trick == 3 && i == 0) _cumulative[who][nodeIndex] += 7e6;
        }
        made.charged = made.receipted;
        if (trick == 4) {
            made.charged += 10e6;
            made.earned = settlement.nodeShare(made.charged);
        }
        _postIt(made, who);
    }

    function _postIt(Posted storage made, uint256 who) private {
        made.scheduler = who;
        made.index = settlement.nextIndex(scheduler.addr);
        made.cumulative = _cumulative[who];
        made.finalAt = uint64(vm.getBlockTimestamp()) + WINDOW;
        Batch memory batch = Batch({
            index: made.index,
            receiptsRoot: Tree.root(_leaves(made.receipts)),
            earningsRoot: Tree.root(_earningsLeaves(made.cumulative)),
            receiptCount: uint32(made.receipts.length),
            totalEarned: made.earned,
            unitsConsumed: 1,
            unitsAvailable: 2
        });
        _postBatch(batch, _charges(_capIds[who], made.charged));
        charged += made.charged;
        earned += made.earned;
        fees += made.charged - made.earned;
    }

    function _earningsLeaves(uint128[3] memory cumulative) private view returns (bytes32[] memory leaves) {
        leaves = new bytes32[](NODES);
        for (uint256 i = 0; i < NODES; ++i) {
            leaves[i] = Hashes.earningsLeaf(_nodes[i].addr, cumulative[i]);
        }
    }

    function claim(uint256 seed) external {
        if (_batches.length == 0) return;
        Posted storage made = _batches[seed % _batches.length];
        uint256 nodeIndex = (seed / 3) % NODES;
        _select(made.scheduler, nodeIndex);
        uint256 due = vm.getBlockTimestamp() >= made.finalAt ? _dueOf(made, nodeIndex) : 0;
        uint256 before = stable.balanceOf(node.addr);
        bytes32[] memory proof = Tree.proof(_earningsLeaves(made.cumulative), nodeIndex);
        if (due == 0) vm.expectRevert();
        settlement.claim(scheduler.addr, made.index, node.addr, made.cumulative[nodeIndex], proof);
        uint256 got = stable.balanceOf(node.addr) - before;
        assertEq(got, due, "what is due and not more");
        claimedInAll += got;
    }

    /// @dev By the books of this ledger: earned and corrected, less settled, and never out of later batches.
    function _dueOf(Posted storage made, uint256 nodeIndex) private view returns (uint256) {
        uint256 entitled = made.cumulative[nodeIndex];
        uint256 behind = 0;
        bool correctedLater = false;
        for (uint256 i = 0; i < _batches.length; ++i) {
            Posted storage other = _batches[i];
            if (other.scheduler != made.scheduler || other.index <= made.index) continue;
            behind += other.earned;
            if (other.corrected[nodeIndex] != 0) correctedLater = true;
        }
        if (!correctedLater) entitled += _correction[made.scheduler][nodeIndex];
        uint256 settled =
            uint256(settlement.claimed(scheduler.addr, node.addr)) + settlement.voided(scheduler.addr, node.addr);
        uint256 pool = settlement.pool(scheduler.addr);
        if (entitled <= settled || pool <= behind) return 0;
        return entitled - settled < pool - behind ? entitled - settled : pool - behind;
    }

    function challenge(uint256 seed, uint256 which, bool byVerdict) external {
        if (_batches.length == 0) return;
        Posted storage made = _batches[seed % _batches.length];
        uint256 position = which % made.receipts.length;
        SignedReceipt memory signed = made.receipts[position];
        _select(made.scheduler, _indexOf(signed.receipt.node));
        bytes32 receiptHash = Hashes.receipt(signed.receipt);
        bool open = vm.getBlockTimestamp() < made.finalAt
            && !settlement.receiptVoided(scheduler.addr, made.index, receiptHash);
        bool guilty = byVerdict || signed.receipt.amount > signed.receipt.quote;
        if (!open && vm.getBlockTimestamp() < made.finalAt) return;
        IFraudProofs.Posted memory posted = _posted(made.index, signed, Tree.proof(_leaves(made.receipts), position));
        (uint128 pool, uint256 balance) = (settlement.pool(scheduler.addr), stable.balanceOf(address(treasury)));
        uint256 before = escrow.available(client.addr);
        if (byVerdict) {
            _byVerdict(posted, receiptHash, open);
        } else {
            if (!open || !guilty) vm.expectRevert();
            fraudProofs.challengeReceipt(Fault.OverQuote, posted, "");
        }
        _book(before, pool, balance, open && guilty ? signed.receipt.amount : 0);
    }

    function overcharge(uint256 seed) external {
        if (_batches.length == 0) return;
        Posted storage made = _batches[seed % _batches.length];
        _select(made.scheduler, 0);
        bytes32 subject = keccak256(abi.encode(scheduler.addr, made.index, client.addr));
        bool open =
            vm.getBlockTimestamp() < made.finalAt && !settlement.receiptVoided(scheduler.addr, made.index, subject);
        IFraudProofs.Overcharge memory proof;
        (proof.scheduler, proof.index, proof.client) = (scheduler.addr, made.index, client.addr);
        proof.charges = _chargesAt(made.index);
        proof.receipts = new ReceiptOpening[](made.receipts.length);
        for (uint256 i = 0; i < made.receipts.length; ++i) {
            proof.receipts[i] = _opening(made.receipts[i]);
        }
        (uint128 pool, uint256 balance) = (settlement.pool(scheduler.addr), stable.balanceOf(address(treasury)));
        uint256 before = escrow.available(client.addr);
        bool guilty = made.charged > made.receipted;
        if (!open || !guilty) vm.expectRevert();
        fraudProofs.challengeCharge(proof);
        _book(before, pool, balance, open && guilty ? made.charged - made.receipted : 0);
    }

    /// @dev After a proof: the client has back `owed` less what the treasury did not have, and the court knows of
    /// that.
    function _book(uint256 before, uint128 pool, uint256 balance, uint256 owed) private {
        uint256 credit = escrow.available(client.addr) - before;
        uint256 share = pool - settlement.pool(scheduler.addr);
        uint256 compensation = balance - stable.balanceOf(address(treasury));
        uint256 loss = owed - credit;
        assertEq(credit, share + compensation, "credit = pool + treasury");
        if (owed != 0) {
            assertEq(court.opened(++cases).lossUsd, loss, "the court knows the loss");
            assertTrue(loss == 0 || stable.balanceOf(address(treasury)) == 0, "no loss while there is money");
        }
        assertEq(court.count(), cases, "one case for one proof");
        voidedShares += share;
        ++voids;
        compensations += compensation;
        credited += credit;
        losses += loss;
    }

    function _byVerdict(IFraudProofs.Posted memory posted, bytes32 receiptHash, bool open) private {
        Verdict[] memory verdicts = new Verdict[](1);
        bytes[] memory signatures = new bytes[](1);
        verdicts[0] = _verdict(receiptHash, verifier.addr);
        signatures[0] = _sign(verifier.key, settlement.verdictDigest(verdicts[0]));
        if (!open) vm.expectRevert();
        fraudProofs.challengeByVerdict(posted, verdicts, signatures);
    }

    /// @dev A node shows one of its receipts; only if that alone is more than its earnings grew something is missing.
    function correct(uint256 seed, uint256 which) external {
        if (_batches.length == 0) return;
        Posted storage made = _batches[seed % _batches.length];
        uint256 position = which % made.receipts.length;
        SignedReceipt memory signed = made.receipts[position];
        uint256 n = _indexOf(signed.receipt.node);
        _select(made.scheduler, n);
        IFraudProofs.Underpayment memory proof;
        (proof.scheduler, proof.index, proof.node) = (scheduler.addr, made.index, node.addr);
        (proof.cumulative, proof.previous) = (made.cumulative[n], made.before[n]);
        proof.cumulativeProof = Tree.proof(_earningsLeaves(made.cumulative), n);
        proof.previousProof = Tree.proof(_earningsLeaves(made.before), n);
        proof.receipts = new ReceiptOpening[](1);
        proof.receipts[0] = _opening(signed);
        proof.proofs = new bytes32[][](1);
        proof.proofs[0] = Tree.proof(_leaves(made.receipts), position);
        uint128 shortfall = _shortfall(made, n, settlement.nodeShare(signed.receipt.amount));
        if (shortfall <= made.corrected[n]) vm.expectRevert();
        fraudProofs.challengeEarnings(proof);
        if (shortfall <= made.corrected[n]) return;
        if (made.corrected[n] == 0) ++cases;
        assertEq(court.count(), cases);
        _correction[made.scheduler][n] += shortfall - made.corrected[n];
        made.corrected[n] = shortfall;
    }

    function _shortfall(Posted storage made, uint256 n, uint128 share) private view returns (uint128) {
        uint128 grown = made.cumulative[n] - made.before[n];
        if (share <= grown || vm.getBlockTimestamp() >= made.finalAt) return 0;
        uint128 left = settlement.batchOf(scheduler.addr, made.index).earnedLeft;
        return share - grown < left ? share - grown : left;
    }

    function spendTreasury(uint128 amount) external {
        uint256 most = stable.balanceOf(address(treasury));
        if (most == 0) return;
        amount = uint128(bound(amount, 1, most));
        treasury.spend(IERC20(address(stable)), makeAddr("elsewhere"), amount, "");
        spent += amount;
    }

    function wait(uint256 time) external {
        vm.warp(vm.getBlockTimestamp() + bound(time, 1, 50 minutes));
    }

    function _indexOf(address who) private view returns (uint256 i) {
        while (_nodes[i].addr != who) ++i;
    }

    function checkPools() external view {
        uint256 pools = uint256(settlement.pool(_schedulers[0].addr)) + settlement.pool(_schedulers[1].addr);
        assertEq(stable.balanceOf(address(settlement)), pools, "balance = pools");
        assertEq(earned, pools + claimedInAll + voidedShares, "earned = pools + claimed + voided");
    }

    /// @dev What makes full compensation possible: no claim reaches what open batches brought in.
    function checkReserves() external view {
        uint256[2] memory reserved;
        for (uint256 i = 0; i < _batches.length; ++i) {
            Posted storage made = _batches[i];
            ISettlement.BatchRecord memory record = settlement.batchOf(_schedulers[made.scheduler].addr, made.index);
            // Each void takes the node's share rounded down; the base unit that this may leave is the treasury's loss.
            assertLe(record.earnedLeft, record.chargedLeft + voids, "what is left to earn was charged");
            if (vm.getBlockTimestamp() < made.finalAt) reserved[made.scheduler] += record.earnedLeft;
        }
        for (uint256 s = 0; s < SCHEDULERS; ++s) {
            assertGe(settlement.pool(_schedulers[s].addr), reserved[s], "open batches are covered");
        }
    }

    function checkMoney() external view {
        assertEq(charged, earned + fees);
        uint256 inEscrow = uint256(escrow.available(client.addr)) + escrow.lockedOf(client.addr);
        assertEq(inEscrow, deposited + credited - charged, "client");
        assertEq(inEscrow, stable.balanceOf(address(escrow)), "escrow");
        assertEq(stable.balanceOf(address(treasury)), fees - compensations - spent, "treasury");
        assertEq(treasury.fees(), fees, "fees");
        assertEq(treasury.compensated(), compensations, "compensations");
    }

    function checkClients() external view {
        uint256 sum = 0;
        for (uint256 i = 0; i < _batches.length; ++i) {
            Posted storage made = _batches[i];
            uint128 got = settlement.creditedOf(_schedulers[made.scheduler].addr, made.index, client.addr);
            assertLe(got, made.charged, "no more back than was charged");
            sum += got;
        }
        assertEq(sum, credited + losses);
    }

    function checkNodes() external view {
        for (uint256 n = 0; n < NODES; ++n) {
            for (uint256 s = 0; s < SCHEDULERS; ++s) {
                (address who, address by) = (_nodes[n].addr, _schedulers[s].addr);
                uint256 most = uint256(_cumulative[s][n]) + _correction[s][n];
                assertLe(settlement.claimed(by, who), most, "never more than the roots and proofs say");
            }
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
        bytes4[] memory selectors = new bytes4[](7);
        selectors[0] = Market.post.selector;
        selectors[1] = Market.claim.selector;
        selectors[2] = Market.challenge.selector;
        selectors[3] = Market.overcharge.selector;
        selectors[4] = Market.correct.selector;
        selectors[5] = Market.spendTreasury.selector;
        selectors[6] = Market.wait.selector;
        targetSelector(FuzzSelector({addr: address(market), selectors: selectors}));
        targetContract(address(market));
    }

    function invariant_PoolsHoldWhatIsOwed() public view {
        market.checkPools();
    }

    function invariant_OpenBatchesAreCovered() public view {
        market.checkReserves();
    }

    function invariant_MoneyIsConserved() public view {
        market.checkMoney();
    }

    function invariant_ClientsGetBackWhatTheyPaidAndNotMore() public view {
        market.checkClients();
    }

    function invariant_NodesArePaidOnce() public view {
        market.checkNodes();
    }

    function invariant_NoCapIsExceeded() public view {
        market.checkCaps();
    }
}
