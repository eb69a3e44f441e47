// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {Test} from "forge-std/Test.sol";
import {Roles} from "../../src/Roles.sol";
import {AgentMarket} from "../../src/agents/AgentMarket.sol";
import {AgentNFT} from "../../src/agents/AgentNFT.sol";
import {LicenseManager} from "../../src/agents/LicenseManager.sol";
import {RevenueSplitter} from "../../src/agents/RevenueSplitter.sol";
import {IAgentMarket} from "../../src/interfaces/IAgentMarket.sol";
import {IAgentNFT} from "../../src/interfaces/IAgentNFT.sol";
import {ILicenseManager} from "../../src/interfaces/ILicenseManager.sol";
import {IRevenueSplitter} from "../../src/interfaces/IRevenueSplitter.sol";
import {DevStable} from "../../src/token/DevStable.sol";

/// @dev The four contracts wired as in the deployment, a developer with one agent, and people with money.
abstract contract AgentFixture is Test {
    uint64 internal constant START = 1_800_000_000;
    uint256 internal constant FUNDS = 1_000_000e6;
    uint64 internal constant FEE = 10e6;
    uint16 internal constant ROYALTY = 500;
    uint16 internal constant CREATOR = 2_000;
    uint16 internal constant PLATFORM = 1_000;
    uint16 internal constant COMMISSION = 250;
    uint64 internal constant REFUND_DELAY = 1 days;

    address internal dao = makeAddr("dao");
    address internal guardian = makeAddr("guardian");
    address internal treasury = makeAddr("treasury");
    address internal developer;
    address internal alice;
    address internal bob;
    address internal carol;
    uint256 internal developerKey;
    uint256 internal aliceKey;
    uint256 internal bobKey;
    uint256 internal carolKey;

    AccessManager internal manager;
    DevStable internal stable;
    AgentNFT internal nft;
    RevenueSplitter internal splitter;
    LicenseManager internal licenses;
    AgentMarket internal market;

    function setUp() public virtual {
        vm.warp(START);
        _deploy(new DevStable());
    }

    function _deploy(DevStable token) internal {
        stable = token;
        manager = new AccessManager(address(this));
        nft = new AgentNFT(address(manager), stable, IAgentNFT.Parameters(treasury, FEE));
        splitter = new RevenueSplitter(address(manager), nft, IRevenueSplitter.Parameters(treasury, PLATFORM));
        licenses = new LicenseManager(address(manager), splitter, _licenseParameters());
        market = new AgentMarket(address(manager), splitter, IAgentMarket.Parameters(treasury, COMMISSION));
        _wire();
        (developer, developerKey) = _person("developer");
        (alice, aliceKey) = _person("alice");
        (bob, bobKey) = _person("bob");
        (carol, carolKey) = _person("carol");
    }

    function _licenseParameters() internal pure returns (ILicenseManager.Parameters memory) {
        return ILicenseManager.Parameters({
            minTerm: 1 hours, maxTerm: 366 days, refundDelay: REFUND_DELAY, ratingThreshold: 1e6
        });
    }

    function _wire() private {
        bytes4[] memory lending = new bytes4[](2);
        (lending[0], lending[1]) = (IAgentNFT.lend.selector, IAgentNFT.touch.selector);
        manager.setTargetFunctionRole(address(nft), lending, Roles.LICENSES);
        manager.grantRole(Roles.LICENSES, address(licenses), 0);
        manager.grantRole(Roles.PARAMS, dao, 0);
        manager.grantRole(Roles.GUARDIAN, guardian, 0);
        _open(address(nft), IAgentNFT.setParameters.selector);
        _open(address(splitter), IRevenueSplitter.setParameters.selector);
        _open(address(licenses), ILicenseManager.setParameters.selector);
        _open(address(market), IAgentMarket.setParameters.selector);
    }

    function _open(address target, bytes4 setParameters) private {
        bytes4[] memory one = new bytes4[](1);
        one[0] = setParameters;
        manager.setTargetFunctionRole(target, one, Roles.PARAMS);
        bytes4[] memory pausing = new bytes4[](2);
        (pausing[0], pausing[1]) = (nft.pause.selector, nft.unpause.selector);
        manager.setTargetFunctionRole(target, pausing, Roles.GUARDIAN);
    }

    function _person(string memory name) internal returns (address who, uint256 key) {
        (who, key) = makeAddrAndKey(name);
        _fund(who);
    }

    function _fund(address who) internal {
        stable.mint(who, FUNDS);
        vm.startPrank(who);
        stable.approve(address(nft), type(uint256).max);
        stable.approve(address(splitter), type(uint256).max);
        stable.approve(address(licenses), type(uint256).max);
        stable.approve(address(market), type(uint256).max);
        vm.stopPrank();
    }

    function _record(uint256 seed) internal pure returns (IAgentNFT.VersionRecord memory) {
        return IAgentNFT.VersionRecord({
            metadataHash: keccak256(abi.encode("metadata", seed)),
            modelCommitment: keccak256(abi.encode("model", seed)),
            sealedKeyHash: keccak256(abi.encode("key", seed)),
            payloadUri: "ipfs://bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"
        });
    }

    /// @dev An agent of the developer, held by `holder`.
    function _mint(address holder) internal returns (uint256) {
        vm.prank(developer);
        return nft.mint(holder, ROYALTY, CREATOR, _record(1), FEE);
    }

    function _sign(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function _setTerms(address holder, uint256 agentId, uint64 exclusive, uint64 shared, uint64 perCall) internal {
        vm.prank(holder);
        licenses.setTerms(agentId, ILicenseManager.Terms(exclusive, shared, perCall));
    }

    function _list(address holder, uint256 agentId, uint96 price) internal {
        vm.startPrank(holder);
        nft.approve(address(market), agentId);
        market.list(agentId, price, uint64(vm.getBlockTimestamp()) + 30 days);
        vm.stopPrank();
    }
}
