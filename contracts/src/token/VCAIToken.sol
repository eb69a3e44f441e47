// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC165} from "@openzeppelin/contracts/utils/introspection/ERC165.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {DateTimeLib} from "solady/utils/DateTimeLib.sol";
import {
    IScaledUIAmount,
    IScaledUIAmountBalances,
    IScaledUIAmountConversion,
    IScaledUIAmountNewUIMultiplier
} from "../interfaces/IScaledUIAmount.sol";
import {IVCAIToken} from "../interfaces/IVCAIToken.sol";

/// @dev The supply grows by `mintGenesis` and `mint` alone and never falls, so the supply before the first issue of a
/// calendar year is the supply with which that year opened; the year of genesis opens with the genesis supply.
contract VCAIToken is IVCAIToken, ERC20Permit, ERC165, AccessManaged {
    /// @dev One slot: what `mint` must remember of the year it last minted in.
    struct YearIssuance {
        uint16 year;
        uint112 opening;
        uint112 minted;
    }

    /// @dev One slot. `next` counts from `effectiveAt` on, `current` before.
    struct Multiplier {
        uint96 current;
        uint96 next;
        uint64 effectiveAt;
    }

    uint256 public constant GENESIS_SUPPLY = 10_000_000_000e18;
    /// @notice A calendar year's issues are at most this part of its opening supply: one twentieth, 5 %.
    uint256 public constant YEARLY_CAP_DIVISOR = 20;
    uint256 public constant MIN_MULTIPLIER = 1e9;
    uint256 public constant MAX_MULTIPLIER = 1e27;
    uint256 public constant MAX_MULTIPLIER_DELAY = 365 days;
    uint96 private constant ONE = 1e18;

    /// @inheritdoc IVCAIToken
    address public immutable genesisMinter;

    YearIssuance private _issuance;
    Multiplier private _multiplier = Multiplier(ONE, ONE, 0);

    constructor(address authority_, address genesisMinter_)
        ERC20("Vcity.ai Token", "VCAI")
        ERC20Permit("Vcity.ai Token")
        AccessManaged(authority_)
    {
        genesisMinter = genesisMinter_;
    }

    /// @inheritdoc IVCAIToken
    function mintGenesis(Allocation[] calldata allocations) external {
        if (msg.sender != genesisMinter) revert NotTheGenesisMinter(msg.sender, genesisMinter);
        if (totalSupply() != 0) revert GenesisAlreadyMinted(totalSupply());
        for (uint256 i = 0; i < allocations.length; ++i) {
            _mint(allocations[i].to, allocations[i].amount);
        }
        if (totalSupply() != GENESIS_SUPPLY) revert GenesisSumWrong(GENESIS_SUPPLY, totalSupply());
        emit Genesis(GENESIS_SUPPLY, allocations.length);
    }

    /// @inheritdoc IVCAIToken
    function mint(address to, uint256 amount) external restricted {
        if (totalSupply() == 0) revert GenesisNotMinted(msg.sender);
        (uint256 year, uint256 opening, uint256 minted,) = issuance();
        uint256 cap = opening / YEARLY_CAP_DIVISOR;
        if (amount > cap - minted) revert YearlyCapExceeded(year, cap, minted, amount);
        minted += amount;
        // The casts are safe: the supply grows by a twentieth a year at most, so it stays below 2^112 for 200 years.
        _issuance = YearIssuance(uint16(year), uint112(opening), uint112(minted));
        _mint(to, amount);
        emit Issued(to, year, amount, minted);
    }

    /// @inheritdoc IVCAIToken
    function setUIMultiplier(uint256 newMultiplier, uint256 effectiveAt_) external restricted {
        if (newMultiplier < MIN_MULTIPLIER || newMultiplier > MAX_MULTIPLIER) {
            revert MultiplierOutOfRange(MIN_MULTIPLIER, MAX_MULTIPLIER, newMultiplier);
        }
        if (effectiveAt_ < block.timestamp) revert EffectiveInThePast(block.timestamp, effectiveAt_);
        uint256 latest = block.timestamp + MAX_MULTIPLIER_DELAY;
        if (effectiveAt_ > latest) revert EffectiveTooLate(latest, effectiveAt_);
        uint256 current = uiMultiplier();
        // The casts are safe: both multipliers are below MAX_MULTIPLIER < 2^96.
        _multiplier = Multiplier(uint96(current), uint96(newMultiplier), uint64(effectiveAt_));
        emit UIMultiplierUpdated(current, newMultiplier, effectiveAt_);
    }

    /// @inheritdoc IVCAIToken
    function issuance() public view returns (uint256 year, uint256 opening, uint256 minted, uint256 available) {
        year = _yearNow();
        if (year == _issuance.year) {
            opening = _issuance.opening;
            minted = _issuance.minted;
        } else {
            opening = totalSupply();
        }
        available = opening / YEARLY_CAP_DIVISOR - minted;
    }

    /// @inheritdoc IScaledUIAmount
    function uiMultiplier() public view returns (uint256) {
        return block.timestamp >= _multiplier.effectiveAt ? _multiplier.next : _multiplier.current;
    }

    /// @inheritdoc IScaledUIAmountNewUIMultiplier
    function newUIMultiplier() external view returns (uint256) {
        return _multiplier.next;
    }

    /// @inheritdoc IScaledUIAmountNewUIMultiplier
    function effectiveAt() external view returns (uint256) {
        return _multiplier.effectiveAt;
    }

    /// @inheritdoc IScaledUIAmountConversion
    function toUIAmount(uint256 rawAmount) public view returns (uint256) {
        return Math.mulDiv(rawAmount, uiMultiplier(), ONE);
    }

    /// @inheritdoc IScaledUIAmountConversion
    function fromUIAmount(uint256 uiAmount) external view returns (uint256) {
        return Math.mulDiv(uiAmount, ONE, uiMultiplier());
    }

    /// @inheritdoc IScaledUIAmountBalances
    function balanceOfUI(address account) external view returns (uint256) {
        return toUIAmount(balanceOf(account));
    }

    /// @inheritdoc IScaledUIAmountBalances
    function totalSupplyUI() external view returns (uint256) {
        return toUIAmount(totalSupply());
    }

    /// @inheritdoc ERC165
    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return interfaceId == type(IERC20).interfaceId || interfaceId == type(IScaledUIAmount).interfaceId
            || interfaceId == type(IScaledUIAmountNewUIMultiplier).interfaceId
            || interfaceId == type(IScaledUIAmountConversion).interfaceId
            || interfaceId == type(IScaledUIAmountBalances).interfaceId || super.supportsInterface(interfaceId);
    }

    function _yearNow() private view returns (uint256 year) {
        (year,,) = DateTimeLib.timestampToDate(block.timestamp);
    }
}
