// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IScaledUIAmount} from "../../src/interfaces/IScaledUIAmount.sol";
import {IVCAIToken} from "../../src/interfaces/IVCAIToken.sol";
import {Roles} from "../../src/Roles.sol";
import {VCAIToken} from "../../src/token/VCAIToken.sol";
import {TokenFixture} from "./TokenFixture.sol";

contract VCAITokenTest is TokenFixture {
    uint256 private constant GENESIS = 10_000_000_000e18;
    uint256 private constant CAP_2026 = 500_000_000e18;
    /// @dev 2027-01-01 00:00:00 UTC.
    uint256 private constant NEW_YEAR_2027 = 1_798_761_600;
    /// @dev 2029-01-01 00:00:00 UTC; 2028 is a leap year.
    uint256 private constant NEW_YEAR_2029 = 1_861_920_000;

    address private _issuer = makeAddr("issuer");
    address private _repricer = makeAddr("repricer");

    function setUp() public override {
        super.setUp();
        manager.grantRole(Roles.ISSUANCE, _issuer, 0);
        manager.grantRole(Roles.REPRICING, _repricer, 0);
    }

    function _mint(uint256 amount) private {
        vm.prank(_issuer);
        token.mint(alice, amount);
    }

    function _setMultiplier(uint256 multiplier, uint256 effectiveAt) private {
        vm.prank(_repricer);
        token.setUIMultiplier(multiplier, effectiveAt);
    }

    // ----------------------------------------------------------------------------------------------- genesis

    function test_IsNamedAsTheWhitePaperSays() public view {
        assertEq(token.name(), "Vcity.ai Token");
        assertEq(token.symbol(), "VCAI");
        assertEq(token.decimals(), 18);
    }

    function test_MintsTenBillionAtGenesisToTheAllocationContracts() public view {
        assertEq(token.totalSupply(), GENESIS);
        assertEq(token.balanceOf(address(vault)), 9_970_000_000e18);
        assertEq(token.balanceOf(address(nft)), 30_000_000e18);
        assertEq(token.GENESIS_SUPPLY(), GENESIS);
        assertEq(token.genesisMinter(), address(this));
    }

    function test_AnnouncesGenesis() public {
        VCAIToken fresh = new VCAIToken(address(manager), alice);
        vm.expectEmit(address(fresh));
        emit IVCAIToken.Genesis(GENESIS, 2);
        vm.prank(alice);
        fresh.mintGenesis(_genesis());
        assertEq(fresh.balanceOf(address(vault)), VAULT_SUPPLY);
    }

    function test_RefusesGenesisByAnotherThanTheMinter() public {
        VCAIToken fresh = new VCAIToken(address(manager), alice);
        vm.expectRevert(abi.encodeWithSelector(IVCAIToken.NotTheGenesisMinter.selector, bob, alice));
        vm.prank(bob);
        fresh.mintGenesis(_genesis());
    }

    function test_RefusesASecondGenesis() public {
        vm.expectRevert(abi.encodeWithSelector(IVCAIToken.GenesisAlreadyMinted.selector, GENESIS));
        token.mintGenesis(_genesis());
    }

    function test_RefusesAGenesisThatIsAWeiShortOrOver() public {
        VCAIToken fresh = new VCAIToken(address(manager), address(this));
        IVCAIToken.Allocation[] memory allocations = _genesis();
        allocations[1].amount -= 1;
        vm.expectRevert(abi.encodeWithSelector(IVCAIToken.GenesisSumWrong.selector, GENESIS, GENESIS - 1));
        fresh.mintGenesis(allocations);
        allocations[1].amount += 2;
        vm.expectRevert(abi.encodeWithSelector(IVCAIToken.GenesisSumWrong.selector, GENESIS, GENESIS + 1));
        fresh.mintGenesis(allocations);
    }

    function test_PermitsByASignature() public {
        (address signer, uint256 key) = makeAddrAndKey("signer");
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"),
                signer,
                bob,
                5e18,
                0,
                TGE
            )
        );
        bytes32 digest = keccak256(abi.encodePacked("\x19\x01", token.DOMAIN_SEPARATOR(), structHash));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        token.permit(signer, bob, 5e18, TGE, v, r, s);
        assertEq(token.allowance(signer, bob), 5e18);
        assertEq(token.nonces(signer), 1);
    }

    // ---------------------------------------------------------------------------------------------- issuance

    function test_RefusesToIssueBeforeGenesis() public {
        VCAIToken fresh = new VCAIToken(address(manager), address(this));
        _open(address(fresh), VCAIToken.mint.selector, Roles.ISSUANCE, _issuer);
        vm.expectRevert(abi.encodeWithSelector(IVCAIToken.GenesisNotMinted.selector, _issuer));
        vm.prank(_issuer);
        fresh.mint(alice, 0);
    }

    function test_RefusesToIssueForAStranger() public {
        _expectUnauthorized(stranger);
        token.mint(stranger, 1);
        _expectUnauthorized(address(this));
        token.mint(stranger, 1);
    }

    function test_IssuesUpToTheYearlyCapAndNotAWeiMore() public {
        vm.expectEmit(address(token));
        emit IVCAIToken.Issued(alice, 2026, 200_000_000e18, 200_000_000e18);
        _mint(200_000_000e18);
        vm.expectEmit(address(token));
        emit IVCAIToken.Issued(alice, 2026, 300_000_000e18, 500_000_000e18);
        _mint(300_000_000e18);
        vm.expectRevert(abi.encodeWithSelector(IVCAIToken.YearlyCapExceeded.selector, 2026, CAP_2026, CAP_2026, 1));
        _mint(1);
        assertEq(token.totalSupply(), GENESIS + CAP_2026);
        assertEq(token.balanceOf(alice), CAP_2026);
    }

    function test_RefusesMoreThanTheCapAtOnce() public {
        vm.expectRevert(abi.encodeWithSelector(IVCAIToken.YearlyCapExceeded.selector, 2026, CAP_2026, 0, CAP_2026 + 1));
        _mint(CAP_2026 + 1);
    }

    function test_OpensANewYearWithItsOwnSupplyAtMidnightUtc() public {
        _mint(CAP_2026);
        vm.warp(NEW_YEAR_2027 - 1);
        vm.expectRevert(abi.encodeWithSelector(IVCAIToken.YearlyCapExceeded.selector, 2026, CAP_2026, CAP_2026, 1));
        _mint(1);
        vm.warp(NEW_YEAR_2027);
        uint256 cap = 525_000_000e18;
        _mint(cap);
        vm.expectRevert(abi.encodeWithSelector(IVCAIToken.YearlyCapExceeded.selector, 2027, cap, cap, 1));
        _mint(1);
        assertEq(token.totalSupply(), 11_025_000_000e18);
    }

    function test_ReportsTheYearItIsInWhetherOrNotItIssuedInIt() public {
        _assertIssuance(2026, GENESIS, 0, CAP_2026);
        _mint(100e18);
        _assertIssuance(2026, GENESIS, 100e18, CAP_2026 - 100e18);
        vm.warp(NEW_YEAR_2029 - 1);
        _assertIssuance(2028, GENESIS + 100e18, 0, CAP_2026 + 5e18);
        vm.warp(NEW_YEAR_2029);
        _mint(7e18);
        _assertIssuance(2029, GENESIS + 100e18, 7e18, CAP_2026 + 5e18 - 7e18);
    }

    function _assertIssuance(uint256 year, uint256 opening, uint256 minted, uint256 available) private view {
        (uint256 gotYear, uint256 gotOpening, uint256 gotMinted, uint256 gotAvailable) = token.issuance();
        assertEq(gotYear, year, "year");
        assertEq(gotOpening, opening, "opening");
        assertEq(gotMinted, minted, "minted");
        assertEq(gotAvailable, available, "available");
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_NeverIssuesMoreThanATwentiethOfTheOpeningSupplyInAYear(uint256 seed) public {
        uint256 opening = GENESIS;
        uint256 minted = 0;
        uint256 year = 2026;
        for (uint256 i = 0; i < 20; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            vm.warp(vm.getBlockTimestamp() + seed % 200 days);
            (uint256 yearNow,,, uint256 available) = token.issuance();
            if (yearNow != year) (year, opening, minted) = (yearNow, token.totalSupply(), 0);
            uint256 amount = bound(seed >> 128, 0, available);
            _mint(amount);
            minted += amount;
            assertLe(minted * 20, opening);
            assertEq(available, opening / 20 - minted + amount);
        }
    }

    // ---------------------------------------------------------------------------------- scaled UI amount

    function test_SpeaksErc8056AndErc165() public view {
        bytes4[6] memory known = [bytes4(0x01ffc9a7), 0x36372b07, 0xa60bf13d, 0x4bd27648, 0x57854fc3, 0xd890fd71];
        for (uint256 i = 0; i < known.length; ++i) {
            assertTrue(token.supportsInterface(known[i]));
        }
        assertFalse(token.supportsInterface(0xffffffff));
        assertFalse(token.supportsInterface(type(IVCAIToken).interfaceId));
    }

    function test_ShowsOneToOneAtFirst() public view {
        assertEq(token.uiMultiplier(), 1e18);
        assertEq(token.newUIMultiplier(), 1e18);
        assertEq(token.effectiveAt(), 0);
        assertEq(token.toUIAmount(7), 7);
        assertEq(token.fromUIAmount(7), 7);
    }

    function test_ChangesWhatIsShownAtTheSecondDecided() public {
        vm.expectEmit(address(token));
        emit IScaledUIAmount.UIMultiplierUpdated(1e18, 10e18, DEPLOYED + 100);
        _setMultiplier(10e18, DEPLOYED + 100);
        assertEq(token.newUIMultiplier(), 10e18);
        assertEq(token.effectiveAt(), DEPLOYED + 100);
        vm.warp(DEPLOYED + 99);
        assertEq(token.uiMultiplier(), 1e18);
        assertEq(token.totalSupplyUI(), GENESIS);
        vm.warp(DEPLOYED + 100);
        assertEq(token.uiMultiplier(), 10e18);
        assertEq(token.totalSupplyUI(), 10 * GENESIS);
        assertEq(token.balanceOfUI(address(nft)), 10 * NFT_SUPPLY);
        assertEq(token.balanceOf(address(nft)), NFT_SUPPLY);
        assertEq(token.totalSupply(), GENESIS);
        assertEq(token.newUIMultiplier(), 10e18);
        vm.expectEmit(address(token));
        emit IScaledUIAmount.UIMultiplierUpdated(10e18, 5e18, DEPLOYED + 100);
        _setMultiplier(5e18, DEPLOYED + 100);
        assertEq(token.uiMultiplier(), 5e18);
    }

    function test_ReplacesAPendingChangeKeepingWhatIsShown() public {
        _setMultiplier(3e18, DEPLOYED);
        _setMultiplier(10e18, DEPLOYED + 100);
        vm.expectEmit(address(token));
        emit IScaledUIAmount.UIMultiplierUpdated(3e18, 20e18, DEPLOYED + 200);
        _setMultiplier(20e18, DEPLOYED + 200);
        vm.warp(DEPLOYED + 199);
        assertEq(token.uiMultiplier(), 3e18);
        vm.warp(DEPLOYED + 200);
        assertEq(token.uiMultiplier(), 20e18);
    }

    function test_RoundsConversionsDown() public {
        _setMultiplier(3e18, DEPLOYED);
        assertEq(token.fromUIAmount(8), 2);
        assertEq(token.fromUIAmount(9), 3);
        assertEq(token.toUIAmount(2), 6);
        _setMultiplier(0.3e18, DEPLOYED);
        assertEq(token.toUIAmount(9), 2);
        assertEq(token.toUIAmount(10), 3);
    }

    function test_RefusesMultipliersOutOfRange() public {
        _setMultiplier(1e9, DEPLOYED);
        assertEq(token.uiMultiplier(), 1e9);
        _setMultiplier(1e27, DEPLOYED);
        assertEq(token.uiMultiplier(), 1e27);
        vm.expectRevert(abi.encodeWithSelector(IVCAIToken.MultiplierOutOfRange.selector, 1e9, 1e27, 1e9 - 1));
        _setMultiplier(1e9 - 1, DEPLOYED);
        vm.expectRevert(abi.encodeWithSelector(IVCAIToken.MultiplierOutOfRange.selector, 1e9, 1e27, 1e27 + 1));
        _setMultiplier(1e27 + 1, DEPLOYED);
    }

    function test_RefusesAChangeInThePastOrMoreThanAYearAhead() public {
        vm.expectRevert(abi.encodeWithSelector(IVCAIToken.EffectiveInThePast.selector, DEPLOYED, DEPLOYED - 1));
        _setMultiplier(2e18, DEPLOYED - 1);
        uint256 latest = uint256(DEPLOYED) + 365 days;
        vm.expectRevert(abi.encodeWithSelector(IVCAIToken.EffectiveTooLate.selector, latest, latest + 1));
        _setMultiplier(2e18, latest + 1);
        _setMultiplier(2e18, latest);
        assertEq(token.effectiveAt(), latest);
    }

    function test_RefusesAStrangersMultiplier() public {
        _expectUnauthorized(stranger);
        token.setUIMultiplier(2e18, DEPLOYED);
    }

    function testFuzz_ConvertsThereAndBackWithoutGain(uint256 raw, uint256 multiplier) public {
        raw = bound(raw, 0, 1e32);
        _setMultiplier(bound(multiplier, 1e9, 1e27), DEPLOYED);
        assertLe(token.fromUIAmount(token.toUIAmount(raw)), raw);
        assertLe(token.toUIAmount(token.fromUIAmount(raw)), raw);
    }

    function test_MovesRawAmountsWhateverIsShown() public {
        _mint(10e18);
        _setMultiplier(1_000e18, DEPLOYED);
        vm.prank(alice);
        token.transfer(bob, 4e18);
        assertEq(token.balanceOf(alice), 6e18);
        assertEq(token.balanceOf(bob), 4e18);
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, bob, 4e18, 4e18 + 1));
        vm.prank(bob);
        IERC20(token).transfer(alice, 4e18 + 1);
    }
}
