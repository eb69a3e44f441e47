// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CommonBase} from "forge-std/Base.sol";
import {StdCheats} from "forge-std/StdCheats.sol";
import {StdUtils} from "forge-std/StdUtils.sol";
import {PartnerGrant, PartnerTerms, Release} from "../../../src/interfaces/IVestingVault.sol";
import {Repricing} from "../../../src/token/Repricing.sol";
import {StrategicIssuance} from "../../../src/token/StrategicIssuance.sol";
import {VCAIToken} from "../../../src/token/VCAIToken.sol";
import {VestingVault} from "../../../src/token/VestingVault.sol";
import {MockLock, MockTreasury} from "../mocks/Sources.sol";

/// @dev The DAO, lockers, payers and partners around issuance and repricing, with a ledger of every year.
contract IssuanceHandler is CommonBase, StdCheats, StdUtils {
    uint256 private constant STEP_USD = 2_000_000e6;
    uint256 private constant STEP_VCAI = 500_000_000e18;

    VCAIToken public immutable token;
    VestingVault public immutable vault;
    StrategicIssuance public immutable strategic;
    Repricing public immutable repricing;
    MockTreasury public immutable treasury;
    MockLock public immutable ve;
    address private immutable _dao;
    address[3] public partners = [address(0xB1), address(0xB2), address(0xB3)];

    uint256 public issued;
    uint256 public executed;
    uint256 public highestSteps;
    uint256 public numerator = 1;
    uint256 public partnersPaid;
    uint256[] public yearsSeen;
    mapping(uint256 year => uint256) public openingOf;
    mapping(uint256 year => uint256) public mintedIn;
    uint256 private _year;

    constructor(StrategicIssuance strategic_, Repricing repricing_, address dao) {
        strategic = strategic_;
        repricing = repricing_;
        vault = VestingVault(address(strategic_.vault()));
        token = VCAIToken(address(strategic_.token()));
        treasury = MockTreasury(address(strategic_.treasury()));
        ve = MockLock(address(strategic_.ve()));
        _dao = dao;
        token.approve(address(ve), type(uint256).max);
        _noteYear();
    }

    function yearCount() external view returns (uint256) {
        return yearsSeen.length;
    }

    /// @dev The year by counting days, not by the contract's calendar.
    function _noteYear() private {
        uint256 year = 1970;
        uint256 daysLeft = block.timestamp / 1 days;
        while (true) {
            uint256 length = (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)) ? 366 : 365;
            if (daysLeft < length) break;
            daysLeft -= length;
            ++year;
        }
        if (year == _year) return;
        _year = year;
        yearsSeen.push(year);
        openingOf[year] = token.totalSupply();
    }

    function passTime(uint256 time) external {
        vm.warp(block.timestamp + bound(time, 1, 150 days));
        _noteYear();
    }

    function earnFees(uint256 usd) external {
        treasury.setNetFees(treasury.netFees() + bound(usd, 1, 6_000_000e6));
        _noteSteps();
    }

    function compensate(uint256 usd) external {
        treasury.setNetFees(treasury.netFees() - bound(usd, 0, treasury.netFees() / 4));
    }

    function lock(uint256 amount) external {
        uint256 balance = token.balanceOf(address(this));
        if (balance == 0) return;
        ve.lock(bound(amount, 1, balance), block.timestamp + 208 weeks);
        _noteSteps();
    }

    function unlock(uint256 amount) external {
        uint256 locked = ve.lockedOf(address(this));
        if (locked == 0) return;
        ve.unlock(bound(amount, 1, locked));
    }

    function _noteSteps() private {
        uint256 revenue = treasury.netFees() / STEP_USD;
        uint256 locked = ve.totalLocked() / STEP_VCAI;
        uint256 both = revenue < locked ? revenue : locked;
        if (both > highestSteps) highestSteps = both;
    }

    function issue(uint256 amount, uint256 upfront, uint8 cliff, uint8 duration, bool monthly) external {
        uint256 before = strategic.quota();
        uint256 room = openingOf[_year] / 20 - mintedIn[_year];
        if (before == 0 || room < 2) return;
        amount = bound(amount, 2, room);
        PartnerGrant[] memory grants = new PartnerGrant[](2);
        grants[0] = PartnerGrant(partners[amount % 3], amount / 2);
        grants[1] = PartnerGrant(partners[(amount + 1) % 3], amount - amount / 2);
        PartnerTerms memory terms = PartnerTerms(
            uint32(bound(upfront, 0, 1_000_000)), cliff, duration, monthly ? Release.Monthly : Release.Linear
        );
        vm.prank(_dao);
        strategic.issue("issue", "growth", terms, grants);
        require(strategic.quota() == before - 1, "a quota for every issue");
        issued += amount;
        mintedIn[_year] += amount;
        ++executed;
    }

    function release(uint256 tranche, uint256 partner) external {
        uint256 count = vault.trancheCount();
        if (count == 9) return;
        uint256 id = vault.grantIdOf(uint16(bound(tranche, 9, count - 1)), partners[partner % 3]);
        if (vault.releasable(id) == 0) return;
        partnersPaid += vault.release(id);
    }

    function split(uint256 factor) external {
        factor = bound(factor, 2, 10);
        if (numerator * factor > 1e6 || token.effectiveAt() > block.timestamp) return;
        uint256 supply = token.totalSupply();
        uint256 locked = ve.totalLocked();
        uint256 quota = strategic.quota();
        vm.prank(_dao);
        repricing.reprice(factor, 1, block.timestamp);
        require(token.totalSupply() == supply && ve.totalLocked() == locked, "raw amounts moved");
        require(strategic.quota() == quota, "a split used a quota");
        numerator *= factor;
    }
}
