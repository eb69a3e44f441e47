// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {Test} from "forge-std/Test.sol";
import {NodeRegistry} from "../../src/network/NodeRegistry.sol";
import {INodeRegistry} from "../../src/interfaces/INodeRegistry.sol";
import {Roles} from "../../src/Roles.sol";
import {Kind, Role} from "../../src/types/Types.sol";
import {Coin} from "./mocks/Coin.sol";
import {Sources} from "./mocks/Sources.sol";
import {Access} from "../utils/Access.sol";
import {Defaults} from "../utils/Defaults.sol";

/// @dev A registry of its own: at first 1 USD of base is 100 VCAI of stake. This contract is administrator and DAO.
abstract contract RegistryFixture is Test {
    using Access for AccessManager;

    uint64 internal constant START = 1_795_341_600;
    uint128 internal constant FUNDS = 10_000_000e18;
    uint96 internal constant RATE = 100e18;
    /// @dev Stake of a compute node of class 0 with one GPU, and of a scheduler.
    uint128 internal constant COMPUTE = 10_000e18;
    uint128 internal constant SCHEDULER = 100_000e18;

    AccessManager internal manager;
    Coin internal vcai;
    Sources internal sources;
    NodeRegistry internal registry;
    address internal court = makeAddr("court");
    address internal node = makeAddr("node");
    address internal stranger = makeAddr("stranger");

    function setUp() public virtual {
        vm.warp(START);
        manager = new AccessManager(address(this));
        vcai = new Coin();
        sources = new Sources();
        registry = new NodeRegistry(address(manager), vcai, _parameters(), RATE);
        _allow(INodeRegistry.slash.selector, Roles.COURT);
        _allow(INodeRegistry.restore.selector, Roles.COURT);
        _allow(INodeRegistry.suspend.selector, Roles.COURT);
        _allow(INodeRegistry.hold.selector, Roles.COURT);
        _allow(INodeRegistry.ban.selector, Roles.COURT);
        _allow(INodeRegistry.unban.selector, Roles.COURT);
        manager.grantRole(Roles.COURT, court, 0);
        registry.setSources(sources, sources);
        _fund(node);
        _fund(court);
    }

    function _allow(bytes4 selector, uint64 role) internal {
        _allow(address(registry), selector, role);
    }

    function _allow(address target, bytes4 selector, uint64 role) internal {
        manager.open(target, selector, role);
    }

    function _parameters() internal pure returns (INodeRegistry.Parameters memory) {
        return Defaults.registry();
    }

    function _fund(address who) internal {
        vcai.mint(who, FUNDS);
        vm.prank(who);
        vcai.approve(address(registry), type(uint256).max);
    }

    function _registration(Role role, uint128 stake) internal pure returns (INodeRegistry.Registration memory) {
        return INodeRegistry.Registration({
            role: role,
            kind: Kind.Flexible,
            gpuModel: "RTX 4090",
            gpuCount: 1,
            vramMib: 98_304,
            region: "eu-central",
            endpointKey: keccak256("endpoint"),
            didDocumentUri: "https://node.example/did.json",
            stake: stake
        });
    }

    function _register(address who, Role role, uint128 stake) internal {
        vm.prank(who);
        registry.register(_registration(role, stake));
    }

    function _one(bytes32 model) internal pure returns (bytes32[] memory models) {
        models = new bytes32[](1);
        models[0] = model;
    }
}
