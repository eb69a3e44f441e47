// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {AgentMarket} from "../../src/agents/AgentMarket.sol";
import {AgentNFT} from "../../src/agents/AgentNFT.sol";
import {LicenseManager} from "../../src/agents/LicenseManager.sol";
import {RevenueSplitter} from "../../src/agents/RevenueSplitter.sol";
import {IAgentMarket} from "../../src/interfaces/IAgentMarket.sol";
import {IAgentNFT} from "../../src/interfaces/IAgentNFT.sol";
import {ILicenseManager} from "../../src/interfaces/ILicenseManager.sol";
import {DevStable} from "../../src/token/DevStable.sol";

/// @dev Developers, holders, bidders, licensees and callers do whatever they may, in any order; the ledgers here say what
/// must have come of it. Every call that is made must succeed.
contract AgentsHandler is Test {
    uint256 public constant ACTORS = 4;
    uint256 public constant MOST_AGENTS = 3;

    AgentNFT private immutable _nft;
    RevenueSplitter private immutable _splitter;
    LicenseManager private immutable _licenses;
    AgentMarket private immutable _market;
    DevStable private immutable _stable;

    address[4] public actors;
    uint256[4] private _keys;
    uint256 private _nonces;

    // Ghost ledgers.
    uint256 public revenue;
    uint256 public withdrawnRevenue;
    uint256 public paidForUse;
    uint256 public fees;
    uint256 public commissions;
    uint256 public payments;
    mapping(uint256 agentId => uint48) public highestNonce;
    mapping(uint256 agentId => uint256) public transfers;
    mapping(uint256 agentId => address) public exclusiveUser;
    mapping(uint256 agentId => uint64) public exclusiveUntil;
    mapping(uint256 agentId => mapping(address user => uint64)) public shared;
    mapping(uint256 agentId => mapping(address user => uint256)) public bought;
    mapping(uint256 agentId => mapping(address user => uint256)) public redeemed;
    mapping(uint256 agentId => mapping(address user => uint256)) public refunded;
    bool public nonceFell;
    bool public wrongShare;

    constructor(AgentNFT nft, RevenueSplitter splitter, LicenseManager licenses, AgentMarket market) {
        (_nft, _splitter, _licenses, _market) = (nft, splitter, licenses, market);
        _stable = DevStable(address(nft.stable()));
        for (uint256 i = 0; i < ACTORS; ++i) {
            (actors[i], _keys[i]) = makeAddrAndKey(string.concat("actor ", vm.toString(i)));
            vm.startPrank(actors[i]);
            _stable.approve(address(nft), type(uint256).max);
            _stable.approve(address(splitter), type(uint256).max);
            _stable.approve(address(licenses), type(uint256).max);
            _stable.approve(address(market), type(uint256).max);
            nft.setApprovalForAll(address(market), true);
            vm.stopPrank();
        }
    }

    modifier watched(uint256 seed) {
        if (_nft.totalMinted() == 0) _mint(seed, seed);
        _;
        for (uint256 id = 1; id <= _nft.totalMinted(); ++id) {
            uint48 nonce = _nft.stateNonce(id);
            if (nonce < highestNonce[id]) nonceFell = true;
            highestNonce[id] = nonce;
        }
    }

    function _agent(uint256 seed) private view returns (uint256) {
        return seed % _nft.totalMinted() + 1;
    }

    function _actor(uint256 seed) private view returns (address) {
        return actors[seed % ACTORS];
    }

    function _give(address who, uint256 amount) private {
        _stable.mint(who, amount);
    }

    // --- agents

    function mint(uint256 seed, uint256 to) external watched(seed) {
        if (_nft.totalMinted() < MOST_AGENTS) _mint(seed, to);
    }

    function _mint(uint256 seed, uint256 to) private {
        uint256 fee = _nft.parameters().creationFee;
        _give(_actor(seed), fee);
        fees += fee;
        IAgentNFT.VersionRecord memory record = IAgentNFT.VersionRecord(bytes32(seed | 1), 0, 0, "");
        vm.prank(_actor(seed));
        _nft.mint(_actor(to), uint16(seed % 1_001), uint16(seed % 5_001), record, fee);
    }

    function transfer(uint256 seed, uint256 to) external watched(seed) {
        uint256 id = _agent(seed);
        address holder = _nft.ownerOf(id);
        vm.prank(holder);
        _nft.transferFrom(holder, _actor(to), id);
        ++transfers[id];
    }

    function publish(uint256 seed) external watched(seed) {
        uint256 id = _agent(seed);
        vm.prank(_nft.ownerOf(id));
        _nft.publishVersion(id, IAgentNFT.VersionRecord(bytes32(seed | 1), 0, 0, "x"));
    }

    function loan(uint256 seed, uint256 to, uint64 term) external watched(seed) {
        uint256 id = _agent(seed);
        if (_nft.userOf(id) != address(0)) return;
        uint64 expires = uint64(vm.getBlockTimestamp()) + uint64(bound(term, 1, 10 days));
        vm.prank(_nft.ownerOf(id));
        _nft.setUser(id, _actor(to), expires);
    }

    function giveUp(uint256 seed) external watched(seed) {
        uint256 id = _agent(seed);
        address user = _nft.userOf(id);
        if (user == address(0)) return;
        vm.prank(user);
        _nft.giveUpUse(id);
        exclusiveUntil[id] = 0;
    }

    // --- licences

    function setTerms(uint256 seed, uint64 exclusive, uint64 sharedPerDay, uint64 perCall) external watched(seed) {
        uint256 id = _agent(seed);
        vm.prank(_nft.ownerOf(id));
        _licenses.setTerms(
            id,
            ILicenseManager.Terms(
                uint64(bound(exclusive, 1, 100e6)),
                uint64(bound(sharedPerDay, 1, 10e6)),
                uint64(bound(perCall, 1, 1e6))
            )
        );
    }

    function buyShared(uint256 seed, uint256 by, uint64 duration) external watched(seed) {
        uint256 id = _agent(seed);
        address user = _actor(by);
        if (_running(id) || _licenses.termsOf(id).sharedPerDay == 0) return;
        duration = uint64(bound(duration, 1 hours, 30 days));
        uint256 price = _licenses.priceOf(id, ILicenseManager.LicenseKind.Shared, duration);
        uint64 from = shared[id][user] > vm.getBlockTimestamp() ? shared[id][user] : uint64(vm.getBlockTimestamp());
        if (from + duration > vm.getBlockTimestamp() + 366 days) return;
        _give(user, price);
        vm.prank(user);
        shared[id][user] = _licenses.buyLicense(id, ILicenseManager.LicenseKind.Shared, duration, price);
        if (shared[id][user] != from + duration) wrongShare = true;
        _count(price);
    }

    function buyExclusive(uint256 seed, uint256 by, uint64 duration) external watched(seed) {
        uint256 id = _agent(seed);
        address user = _actor(by);
        uint256 nowSeconds = vm.getBlockTimestamp();
        address current = _nft.userOf(id);
        if (nowSeconds < _licenses.latestShared(id) || _licenses.termsOf(id).exclusivePerDay == 0) return;
        if (current != address(0) && (current != user || !_running(id))) return;
        duration = uint64(bound(duration, 1 hours, 10 days));
        if (_running(id) && exclusiveUntil[id] + duration > nowSeconds + 366 days) return;
        uint256 price = _licenses.priceOf(id, ILicenseManager.LicenseKind.Exclusive, duration);
        _give(user, price);
        vm.prank(user);
        exclusiveUntil[id] = _licenses.buyLicense(id, ILicenseManager.LicenseKind.Exclusive, duration, price);
        exclusiveUser[id] = user;
        _count(price);
    }

    function _running(uint256 id) private view returns (bool) {
        return vm.getBlockTimestamp() < exclusiveUntil[id];
    }

    function _count(uint256 price) private {
        revenue += price;
        paidForUse += price;
        ++payments;
    }

    function acceptOffer(uint256 seed, uint256 by, uint96 price) external watched(seed) {
        uint256 id = _agent(seed);
        if (_running(id)) return;
        address user = _actor(by);
        uint64 time = uint64(vm.getBlockTimestamp());
        if (_licenses.sharedUntil(id, user) > time) return;
        price = uint96(bound(price, 0, 1_000e6));
        ILicenseManager.LicenseOffer memory offer = ILicenseManager.LicenseOffer({
            agentId: id,
            licensee: user,
            kind: ILicenseManager.LicenseKind.Shared,
            duration: 1 days,
            price: price,
            tenure: _nft.tenureOf(id),
            deadline: time,
            nonce: ++_nonces
        });
        bytes memory signature = _sign(_nft.ownerOf(id), _licenses.offerDigest(offer));
        _give(user, price);
        vm.prank(user);
        shared[id][user] = _licenses.acceptOffer(offer, signature);
        _count(price);
    }

    function _sign(address who, bytes32 digest) private view returns (bytes memory) {
        uint256 i = 0;
        while (actors[i] != who) ++i;
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(_keys[i], digest);
        return abi.encodePacked(r, s, v);
    }

    function buyCalls(uint256 seed, uint256 by, uint32 calls) external watched(seed) {
        uint256 id = _agent(seed);
        uint256 perCall = _licenses.termsOf(id).perCall;
        if (_running(id) || perCall == 0) return;
        calls = uint32(bound(calls, 1, 1_000));
        address user = _actor(by);
        _give(user, perCall * calls);
        vm.prank(user);
        _licenses.buyCalls(id, calls, perCall * calls);
        bought[id][user] += perCall * calls;
    }

    function redeemCalls(uint256 seed, uint256 by, uint64 calls) external watched(seed) {
        uint256 id = _agent(seed);
        address user = _actor(by);
        ILicenseManager.CallCredit memory credit = _licenses.creditOf(id, user);
        if (credit.left == 0) return;
        uint64 used = credit.used + uint64(bound(calls, 1, credit.left));
        uint256 amount = _licenses.redeemCalls(id, user, used, _sign(user, _licenses.voucherDigest(id, user, used)));
        redeemed[id][user] += amount;
        _count(amount);
    }

    function refund(uint256 seed, uint256 by) external watched(seed) {
        uint256 id = _agent(seed);
        address user = _actor(by);
        ILicenseManager.CallCredit memory credit = _licenses.creditOf(id, user);
        if (credit.left == 0) return;
        vm.startPrank(user);
        if (credit.refundAt == 0) _licenses.requestRefund(id);
        else if (vm.getBlockTimestamp() >= credit.refundAt) refunded[id][user] += _licenses.refund(id);
        vm.stopPrank();
    }

    function rate(uint256 seed, uint256 by, uint8 stars) external watched(seed) {
        uint256 id = _agent(seed);
        address user = _actor(by);
        if (user == _nft.ownerOf(id) || user == _nft.agentOf(id).developer) return;
        if (_licenses.unratedPaymentOf(id, user) < 1e6) return;
        vm.prank(user);
        _licenses.rate(id, uint8(bound(stars, 1, 5)), 0, "");
    }

    // --- revenue

    function payTill(uint256 seed, uint96 amount) external watched(seed) {
        amount = uint96(bound(amount, 1, 1_000e6));
        _give(_splitter.tillOf(_agent(seed)), amount);
        revenue += amount;
    }

    function sweep(uint256 seed) external watched(seed) {
        uint256 id = _agent(seed);
        address holder = _nft.ownerOf(id);
        uint256 waiting = _stable.balanceOf(_splitter.tillOf(id));
        (uint256 share, uint256 creator,) = _splitter.sharesOf(id, waiting);
        if (holder == _nft.agentOf(id).developer) share += creator;
        uint256 before = _splitter.owed(holder);
        if (_splitter.sweep(id) != waiting || _splitter.owed(holder) != before + share) wrongShare = true;
    }

    function withdraw(uint256 seed) external {
        address who = _actor(seed);
        if (_splitter.owed(who) != 0) withdrawnRevenue += _splitter.withdraw(who);
        if (_market.owed(who) != 0) _market.withdraw(who);
    }

    // --- market

    function list(uint256 seed, uint96 price) external watched(seed) {
        uint256 id = _agent(seed);
        vm.prank(_nft.ownerOf(id));
        _market.list(id, uint96(bound(price, 1, 10_000e6)), uint64(vm.getBlockTimestamp()) + 5 days);
    }

    function buy(uint256 seed, uint256 by) external watched(seed) {
        uint256 id = _agent(seed);
        address buyer = _actor(by);
        if (!_market.isListed(id) || buyer == _nft.ownerOf(id)) return;
        IAgentMarket.Listing memory listing = _market.listingOf(id);
        if (listing.seller != _nft.ownerOf(id)) wrongShare = true;
        uint48 nonce = _nft.stateNonce(id);
        _give(buyer, listing.price);
        vm.prank(buyer);
        _market.buy(id, listing.price, nonce);
        _sold(id, buyer, uint256(listing.price) * listing.commissionBps);
    }

    function _sold(uint256 id, address buyer, uint256 priceTimesBps) private {
        ++transfers[id];
        commissions += priceTimesBps / 10_000;
        // Nothing is left in the till that the seller earned.
        if (_nft.ownerOf(id) != buyer || _stable.balanceOf(_splitter.tillOf(id)) != 0) wrongShare = true;
    }

    function makeOffer(uint256 seed, uint256 by, uint96 amount) external watched(seed) {
        uint256 id = _agent(seed);
        address bidder = _actor(by);
        if (bidder == _nft.ownerOf(id) || _market.offerOf(id, bidder).amount != 0) return;
        amount = uint96(bound(amount, 1, 10_000e6));
        uint48 nonce = _nft.stateNonce(id);
        _give(bidder, amount);
        vm.prank(bidder);
        _market.makeOffer(id, amount, uint64(vm.getBlockTimestamp()) + 5 days, nonce);
    }

    function cancelOffer(uint256 seed, uint256 by) external watched(seed) {
        uint256 id = _agent(seed);
        if (_market.offerOf(id, _actor(by)).amount == 0) return;
        vm.prank(_actor(by));
        _market.cancelOffer(id);
    }

    function takeOffer(uint256 seed, uint256 by) external watched(seed) {
        uint256 id = _agent(seed);
        address bidder = _actor(by);
        address holder = _nft.ownerOf(id);
        IAgentMarket.Offer memory offer = _market.offerOf(id, bidder);
        if (offer.amount == 0 || bidder == holder || vm.getBlockTimestamp() >= offer.expiry) return;
        if (offer.nonce != _nft.stateNonce(id)) return;
        vm.prank(holder);
        _market.acceptOffer(id, bidder, 0);
        _sold(id, bidder, uint256(offer.amount) * _market.parameters().commissionBps);
    }

    function pass(uint32 time) external {
        vm.warp(vm.getBlockTimestamp() + bound(time, 1, 5 days));
    }
}
