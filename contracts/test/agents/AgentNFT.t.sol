// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {AgentNFT} from "../../src/agents/AgentNFT.sol";
import {IAgentNFT} from "../../src/interfaces/IAgentNFT.sol";
import {ExpiringPause} from "../../src/libraries/ExpiringPause.sol";
import {AgentFixture} from "./AgentFixture.sol";

contract AgentNFTTest is AgentFixture {
    uint48 private constant TENURE = 1 << 24;

    function _unauthorized(address caller) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, caller);
    }

    function _expectPublisher(uint256 agentId, address caller) private {
        vm.expectRevert(abi.encodeWithSelector(IAgentNFT.NotThePublisher.selector, agentId, caller));
    }

    function _expectTerm(address user, uint64 expires) private {
        vm.expectRevert(abi.encodeWithSelector(IAgentNFT.UserTermRunning.selector, 1, user, expires));
    }

    function _expectState(uint48 nonce) private {
        vm.expectEmit(address(nft));
        emit IAgentNFT.StateChanged(1, nonce);
    }

    function _lend(address user, uint64 expires) private {
        vm.prank(address(licenses));
        nft.lend(1, user, expires);
    }

    // --- minting

    function test_MintBindsTheDeveloperAndPaysTheFee() public {
        IAgentNFT.VersionRecord memory record = _record(1);
        vm.expectEmit(address(nft));
        emit IERC721.Transfer(address(0), alice, 1);
        vm.expectEmit(address(nft));
        emit IAgentNFT.AgentMinted(1, developer, alice, ROYALTY, CREATOR, FEE);
        vm.expectEmit(address(nft));
        emit IAgentNFT.Registered(1, string.concat("ipfs://f01551220", _hex(record.metadataHash)), alice);
        vm.expectEmit(address(nft));
        emit IAgentNFT.VersionPublished(
            1, record.metadataHash, record.modelCommitment, 1, record.sealedKeyHash, record.payloadUri, developer
        );
        assertEq(_mint(alice), 1);
        IAgentNFT.Agent memory agent = nft.agentOf(1);
        assertEq(agent.developer, developer);
        assertEq(agent.royaltyBps, ROYALTY);
        assertEq(agent.creatorBps, CREATOR);
        assertEq(agent.version, 1);
        assertEq(agent.nonce, 1);
        assertEq(nft.ownerOf(1), alice);
        assertEq(nft.metadataHashOf(1, 1), record.metadataHash);
        assertEq(stable.balanceOf(treasury), FEE);
        assertEq(stable.balanceOf(developer), FUNDS - FEE);
        assertEq(_mint(bob), 2);
        assertEq(nft.totalMinted(), 2);
        assertEq(nft.stateNonce(2), 1);
    }

    function _hex(bytes32 value) private pure returns (string memory) {
        bytes memory digits = "0123456789abcdef";
        bytes memory text = new bytes(64);
        for (uint256 i = 0; i < 32; ++i) {
            text[2 * i] = digits[uint8(value[i]) >> 4];
            text[2 * i + 1] = digits[uint8(value[i]) & 15];
        }
        return string(text);
    }

    function test_MintForNothingWhenThereIsNoFee() public {
        vm.prank(dao);
        nft.setParameters(IAgentNFT.Parameters(treasury, 0));
        vm.prank(makeAddr("penniless"));
        nft.mint(alice, 0, 0, _record(1), 0);
        assertEq(stable.balanceOf(treasury), 0);
    }

    function test_RefusesAFeeAboveWhatTheSenderAccepts() public {
        vm.expectRevert(abi.encodeWithSelector(IAgentNFT.CreationFeeRose.selector, FEE, FEE - 1));
        vm.prank(developer);
        nft.mint(alice, 0, 0, _record(1), FEE - 1);
    }

    function test_BoundsRoyaltyAndCreatorShare() public {
        vm.startPrank(developer);
        vm.expectRevert(abi.encodeWithSelector(IAgentNFT.RoyaltyTooHigh.selector, 1_000, 1_001));
        nft.mint(alice, 1_001, 0, _record(1), FEE);
        vm.expectRevert(abi.encodeWithSelector(IAgentNFT.CreatorShareTooHigh.selector, 5_000, 5_001));
        nft.mint(alice, 1_000, 5_001, _record(1), FEE);
        nft.mint(alice, 1_000, 5_000, _record(1), FEE);
        vm.stopPrank();
    }

    function test_RefusesAVersionWithoutMetadata() public {
        IAgentNFT.VersionRecord memory record = _record(1);
        record.metadataHash = 0;
        vm.expectRevert(abi.encodeWithSelector(IAgentNFT.MetadataHashIsZero.selector, 1));
        vm.prank(developer);
        nft.mint(alice, 0, 0, record, FEE);
        _mint(alice);
        vm.expectRevert(abi.encodeWithSelector(IAgentNFT.MetadataHashIsZero.selector, 1));
        vm.prank(alice);
        nft.publishVersion(1, record);
    }

    function test_RefusesToMintToNobody() public {
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721InvalidReceiver.selector, address(0)));
        vm.prank(developer);
        nft.mint(address(0), 0, 0, _record(1), FEE);
    }

    function test_PauseStopsMintingOnly() public {
        _mint(alice);
        vm.prank(guardian);
        nft.pause(1 days);
        vm.expectRevert(abi.encodeWithSelector(ExpiringPause.ModulePaused.selector, START + 1 days));
        vm.prank(developer);
        nft.mint(alice, 0, 0, _record(1), FEE);
        vm.prank(alice);
        nft.transferFrom(alice, bob, 1);
        vm.warp(START + 1 days);
        _mint(alice);
    }

    // --- versions and metadata

    function test_PublishesVersionsAndKeepsTheOldOnes() public {
        _mint(alice);
        IAgentNFT.VersionRecord memory record = _record(2);
        vm.prank(alice);
        nft.setAgentURI(1, "https://agents.example/1.json");
        vm.expectEmit(address(nft));
        emit IAgentNFT.VersionPublished(
            1, record.metadataHash, record.modelCommitment, 2, record.sealedKeyHash, record.payloadUri, alice
        );
        vm.expectEmit(address(nft));
        emit IAgentNFT.MetadataUpdate(1);
        _expectState(3);
        vm.prank(alice);
        assertEq(nft.publishVersion(1, record), 2);
        assertEq(nft.agentOf(1).version, 2);
        assertEq(nft.metadataHashOf(1, 1), _record(1).metadataHash);
        assertEq(nft.metadataHashOf(1, 2), record.metadataHash);
        assertEq(nft.tokenURI(1), string.concat("ipfs://f01551220", _hex(record.metadataHash)));
        vm.expectRevert(abi.encodeWithSelector(IAgentNFT.VersionUnknown.selector, 1, 3));
        nft.metadataHashOf(1, 3);
    }

    function test_UriCanBeReplacedAndRestored() public {
        _mint(alice);
        string memory original = nft.tokenURI(1);
        vm.startPrank(alice);
        vm.expectEmit(address(nft));
        emit IAgentNFT.URIUpdated(1, "https://agents.example/1.json", alice);
        vm.expectEmit(address(nft));
        emit IAgentNFT.MetadataUpdate(1);
        _expectState(2);
        nft.setAgentURI(1, "https://agents.example/1.json");
        assertEq(nft.tokenURI(1), "https://agents.example/1.json");
        nft.setAgentURI(1, "");
        assertEq(nft.tokenURI(1), original);
        vm.stopPrank();
    }

    function test_TokenUriOfAnUnknownAgentReverts() public {
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 1));
        nft.tokenURI(1);
    }

    function test_StoresMetadata() public {
        _mint(alice);
        vm.expectEmit(address(nft));
        emit IAgentNFT.MetadataSet(1, "license", "license", "Apache-2.0");
        _expectState(2);
        vm.prank(alice);
        nft.setMetadata(1, "license", "Apache-2.0");
        assertEq(nft.getMetadata(1, "license"), "Apache-2.0");
        assertEq(nft.getMetadata(1, "other"), "");
        assertEq(nft.getMetadata(2, "license"), "");
    }

    function test_OnlyPublishersChangeVersionUriAndMetadata() public {
        _mint(alice);
        vm.startPrank(developer);
        _expectPublisher(1, developer);
        nft.publishVersion(1, _record(2));
        _expectPublisher(1, developer);
        nft.setAgentURI(1, "x");
        _expectPublisher(1, developer);
        nft.setMetadata(1, "k", "v");
        vm.stopPrank();
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 2));
        nft.setMetadata(2, "k", "v");
    }

    function test_ApprovedAccountsMayPublish() public {
        _mint(alice);
        vm.prank(alice);
        nft.approve(bob, 1);
        vm.prank(bob);
        nft.publishVersion(1, _record(2));
        vm.prank(alice);
        nft.setApprovalForAll(carol, true);
        vm.prank(carol);
        nft.publishVersion(1, _record(3));
    }

    function test_MaintainerPublishesUntilTheAgentChangesHands() public {
        _mint(alice);
        vm.expectEmit(address(nft));
        emit IAgentNFT.MaintainerSet(1, developer, 0);
        vm.prank(alice);
        nft.setMaintainer(1, developer);
        assertEq(nft.maintainerOf(1), developer);
        vm.prank(developer);
        nft.publishVersion(1, _record(2));
        vm.prank(alice);
        nft.transferFrom(alice, bob, 1);
        assertEq(nft.maintainerOf(1), address(0));
        _expectPublisher(1, developer);
        vm.prank(developer);
        nft.publishVersion(1, _record(3));
        vm.expectEmit(address(nft));
        emit IAgentNFT.MaintainerSet(1, carol, 1);
        vm.prank(bob);
        nft.setMaintainer(1, carol);
        assertEq(nft.maintainerOf(1), carol);
        // No maintainer is not the same as everybody at the zero address.
        vm.prank(bob);
        nft.setMaintainer(1, address(0));
        _expectPublisher(1, address(0));
        vm.prank(address(0));
        nft.publishVersion(1, _record(3));
    }

    function test_OnlyTheHolderNamesAMaintainer() public {
        _mint(alice);
        vm.expectRevert(abi.encodeWithSelector(IAgentNFT.NotTheHolder.selector, 1, developer));
        vm.prank(developer);
        nft.setMaintainer(1, developer);
    }

    function test_SealsKeysForRecipients() public {
        _mint(alice);
        vm.prank(alice);
        nft.setMaintainer(1, carol);
        address[3] memory sealers = [alice, carol, developer];
        for (uint256 i = 0; i < sealers.length; ++i) {
            vm.expectEmit(address(nft));
            emit IAgentNFT.KeySealed(1, 1, bob, keccak256("sealed"), "ipfs://key");
            vm.prank(sealers[i]);
            nft.sealKey(1, bob, keccak256("sealed"), "ipfs://key");
        }
        assertEq(nft.stateNonce(1), 1);
        _expectPublisher(1, bob);
        vm.prank(bob);
        nft.sealKey(1, bob, keccak256("sealed"), "ipfs://key");
    }

    // --- developer

    function test_DeveloperHandsOverItsIdentity() public {
        _mint(alice);
        vm.expectEmit(address(nft));
        emit IAgentNFT.DeveloperProposed(1, developer, carol);
        vm.prank(developer);
        nft.proposeDeveloper(1, carol);
        assertEq(nft.successorOf(1), carol);
        vm.expectRevert(abi.encodeWithSelector(IAgentNFT.NotTheSuccessor.selector, 1, carol, bob));
        vm.prank(bob);
        nft.acceptDeveloper(1);
        vm.expectEmit(address(nft));
        emit IAgentNFT.DeveloperChanged(1, developer, carol);
        vm.prank(carol);
        nft.acceptDeveloper(1);
        assertEq(nft.agentOf(1).developer, carol);
        assertEq(nft.stateNonce(1), 1, "a developer must not be able to stop a sale");
        assertEq(nft.successorOf(1), address(0));
        (address receiver,) = nft.royaltyInfo(1, 100);
        assertEq(receiver, carol);
        vm.expectRevert(abi.encodeWithSelector(IAgentNFT.NotTheDeveloper.selector, 1, carol, developer));
        vm.prank(developer);
        nft.proposeDeveloper(1, developer);
    }

    // --- royalty, interfaces

    function testFuzz_RoyaltyRoundsDown(uint128 price, uint16 bps) public {
        bps = uint16(bound(bps, 0, 1_000));
        vm.prank(developer);
        nft.mint(alice, bps, 0, _record(1), FEE);
        (address receiver, uint256 amount) = nft.royaltyInfo(1, price);
        assertEq(receiver, developer);
        assertEq(amount, uint256(price) * bps / 10_000);
    }

    function test_SupportsItsInterfaces() public view {
        bytes4[6] memory known =
            [bytes4(0x01ffc9a7), bytes4(0x80ac58cd), bytes4(0x5b5e139f), bytes4(0x2a55205a), 0xad092b5c, 0x49064906];
        for (uint256 i = 0; i < known.length; ++i) {
            assertTrue(nft.supportsInterface(known[i]));
        }
        assertFalse(nft.supportsInterface(0xffffffff));
        assertEq(nft.name(), "Vcity Agent");
        assertEq(nft.symbol(), "VAGENT");
    }

    // --- state nonce

    function test_TransferBeginsATenure() public {
        _mint(alice);
        assertEq(nft.tenureOf(1), 0);
        _expectState(TENURE);
        vm.prank(alice);
        nft.transferFrom(alice, bob, 1);
        assertEq(nft.tenureOf(1), 1);
        assertEq(nft.stateNonce(1), TENURE);
        vm.startPrank(bob);
        nft.setMetadata(1, "k", "v");
        assertEq(nft.stateNonce(1), TENURE + 1);
        nft.transferFrom(bob, bob, 1);
        assertEq(nft.stateNonce(1), 2 * TENURE);
        assertEq(nft.tenureOf(1), 2);
        vm.stopPrank();
    }

    function test_TouchRaisesTheNonceForTheLicenseManagerOnly() public {
        _mint(alice);
        vm.expectRevert(_unauthorized(alice));
        vm.prank(alice);
        nft.touch(1);
        vm.startPrank(address(licenses));
        _expectState(2);
        nft.touch(1);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 2));
        nft.touch(2);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 2));
        nft.lend(2, bob, START + 1);
        vm.stopPrank();
    }

    // --- use rights

    function test_LoanRunsToTheSecondOfItsEnd() public {
        _mint(alice);
        vm.expectEmit(address(nft));
        emit IAgentNFT.UpdateUser(1, bob, START + 1 days);
        _expectState(2);
        vm.prank(alice);
        nft.setUser(1, bob, START + 1 days);
        vm.warp(START + 1 days - 1);
        assertEq(nft.userOf(1), bob);
        assertEq(nft.userExpires(1), START + 1 days);
        (address exclusive, uint64 until) = nft.exclusiveOf(1);
        assertEq(exclusive, address(0));
        assertEq(until, 0);
        vm.warp(START + 1 days);
        assertEq(nft.userOf(1), address(0));
    }

    function test_NobodyShortensARunningTerm() public {
        _mint(alice);
        vm.prank(alice);
        nft.setUser(1, bob, START + 1 days);
        vm.prank(alice);
        nft.transferFrom(alice, carol, 1);
        assertEq(nft.userOf(1), bob);
        vm.startPrank(carol);
        _expectTerm(bob, START + 1 days);
        nft.setUser(1, carol, START + 2 days);
        vm.warp(START + 1 days - 1);
        _expectTerm(bob, START + 1 days);
        nft.setUser(1, bob, START + 2 days);
        vm.warp(START + 1 days);
        nft.setUser(1, carol, START + 2 days);
        assertEq(nft.userOf(1), carol);
        vm.stopPrank();
    }

    function test_PaidTermSurvivesTransferAndOwner() public {
        _mint(alice);
        vm.expectEmit(address(nft));
        emit IAgentNFT.UpdateUser(1, bob, START + 1 days);
        _lend(bob, START + 1 days);
        (address exclusive, uint64 until) = nft.exclusiveOf(1);
        assertEq(exclusive, bob);
        assertEq(until, START + 1 days);
        vm.startPrank(alice);
        _expectTerm(bob, START + 1 days);
        nft.setUser(1, alice, START + 2 days);
        nft.transferFrom(alice, carol, 1);
        vm.stopPrank();
        assertEq(nft.userOf(1), bob);
        vm.warp(START + 1 days - 1);
        (exclusive,) = nft.exclusiveOf(1);
        assertEq(exclusive, bob);
        vm.warp(START + 1 days);
        (exclusive, until) = nft.exclusiveOf(1);
        assertEq(exclusive, address(0));
        assertEq(until, 0);
    }

    function test_PaidTermIsProlongedForItsUserOnlyAndNeverShortened() public {
        _mint(alice);
        _lend(bob, START + 2 days);
        _lend(bob, START + 2 days);
        _lend(bob, START + 3 days);
        vm.startPrank(address(licenses));
        _expectTerm(bob, START + 3 days);
        nft.lend(1, carol, START + 9 days);
        _expectTerm(bob, START + 3 days);
        nft.lend(1, bob, START + 3 days - 1);
        vm.warp(START + 3 days);
        nft.lend(1, carol, START + 9 days);
        vm.stopPrank();
        assertEq(nft.userOf(1), carol);
    }

    function test_UserGivesItsTermUp() public {
        _mint(alice);
        _lend(bob, START + 2 days);
        vm.expectRevert(abi.encodeWithSelector(IAgentNFT.NotTheUser.selector, 1, bob, alice));
        vm.prank(alice);
        nft.giveUpUse(1);
        vm.expectEmit(address(nft));
        emit IAgentNFT.UpdateUser(1, address(0), 0);
        _expectState(3);
        vm.prank(bob);
        nft.giveUpUse(1);
        assertEq(nft.userOf(1), address(0));
        (address exclusive,) = nft.exclusiveOf(1);
        assertEq(exclusive, address(0));
        vm.expectRevert(abi.encodeWithSelector(IAgentNFT.NotTheUser.selector, 1, address(0), bob));
        vm.prank(bob);
        nft.giveUpUse(1);
        vm.expectRevert(abi.encodeWithSelector(IAgentNFT.NotTheUser.selector, 1, address(0), address(0)));
        vm.prank(address(0));
        nft.giveUpUse(1);
    }

    function _expectTermInvalid(uint64 latest, uint64 given) private {
        vm.expectRevert(abi.encodeWithSelector(IAgentNFT.UserTermInvalid.selector, 1, START + 1, latest, given));
    }

    function test_BoundsTheTerms() public {
        _mint(alice);
        vm.startPrank(alice);
        _expectTermInvalid(START + 366 days, START);
        nft.setUser(1, bob, START);
        _expectTermInvalid(START + 366 days, START + 366 days + 1);
        nft.setUser(1, bob, START + 366 days + 1);
        vm.expectRevert(abi.encodeWithSelector(IAgentNFT.UserIsZero.selector, 1));
        nft.setUser(1, address(0), START + 1);
        nft.setUser(1, bob, START + 1);
        vm.stopPrank();
        vm.startPrank(address(licenses));
        _expectTermInvalid(START + 1_461 days, START + 1_461 days + 1);
        nft.lend(1, bob, START + 1_461 days + 1);
        nft.lend(1, bob, START + 1_461 days);
        vm.stopPrank();
    }

    function test_LongestLoanIsAYear() public {
        _mint(alice);
        vm.prank(alice);
        nft.setUser(1, bob, START + 366 days);
        assertEq(nft.userExpires(1), START + 366 days);
    }

    function test_OnlyTheHolderOrItsApprovedLends() public {
        _mint(alice);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721InsufficientApproval.selector, bob, 1));
        vm.prank(bob);
        nft.setUser(1, bob, START + 1 days);
        vm.expectRevert(_unauthorized(alice));
        vm.prank(alice);
        nft.lend(1, bob, START + 1 days);
        vm.prank(alice);
        nft.approve(carol, 1);
        vm.prank(carol);
        nft.setUser(1, bob, START + 1 days);
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 2));
        nft.setUser(2, bob, START + 1 days);
    }

    // --- parameters

    function test_DaoSetsParametersWithinBounds() public {
        vm.expectRevert(_unauthorized(alice));
        vm.prank(alice);
        nft.setParameters(IAgentNFT.Parameters(treasury, 0));
        vm.startPrank(dao);
        vm.expectRevert(abi.encodeWithSelector(IAgentNFT.TreasuryIsZero.selector, address(0)));
        nft.setParameters(IAgentNFT.Parameters(address(0), 0));
        vm.expectRevert(abi.encodeWithSelector(IAgentNFT.CreationFeeTooHigh.selector, 1_000e6, 1_000e6 + 1));
        nft.setParameters(IAgentNFT.Parameters(treasury, 1_000e6 + 1));
        vm.expectEmit(address(nft));
        emit IAgentNFT.ParametersChanged(IAgentNFT.Parameters(carol, 1_000e6));
        nft.setParameters(IAgentNFT.Parameters(carol, 1_000e6));
        vm.stopPrank();
        assertEq(nft.parameters().treasury, carol);
        assertEq(nft.parameters().creationFee, 1_000e6);
        vm.prank(developer);
        nft.mint(alice, 0, 0, _record(1), 1_000e6);
        assertEq(stable.balanceOf(carol), FUNDS + 1_000e6);
    }

    function test_ParametersKeepTheCount() public {
        _mint(alice);
        vm.prank(dao);
        nft.setParameters(IAgentNFT.Parameters(carol, 7));
        assertEq(nft.totalMinted(), 1);
    }

    function test_RefusesAStablecoinWithoutCode() public {
        vm.expectRevert(abi.encodeWithSelector(IAgentNFT.TokenIsNotAContract.selector, alice));
        new AgentNFT(address(manager), IERC20(alice), IAgentNFT.Parameters(treasury, FEE));
    }
}
