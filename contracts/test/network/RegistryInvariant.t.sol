// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {Deployment} from "../../script/Deployment.sol";
import {DevStable} from "../../src/token/DevStable.sol";
import {NodeRegistry} from "../../src/network/NodeRegistry.sol";
import {INodeRegistry} from "../../src/interfaces/INodeRegistry.sol";
import {Kind, Role} from "../../src/types/Types.sol";
import {Fixture} from "../utils/Fixture.sol";

/// @dev Four identities do whatever they may, and a judge slashes them; a ledger of its own counts what moved.
contract RegistryHandler is Test {
    uint256 public constant IDENTITIES = 4;

    NodeRegistry private immutable _registry;
    DevStable private immutable _stable;
    uint256 public staked;
    uint256 public withdrawn;
    uint256 public slashed;

    constructor(NodeRegistry registry, DevStable stable) {
        (_registry, _stable) = (registry, stable);
    }

    function identity(uint256 seed) public pure returns (address) {
        return address(uint160(0x1000 + seed % IDENTITIES));
    }

    function join(uint256 seed, uint128 amount) external {
        address who = identity(seed);
        bool known = _registry.nodeOf(who).registeredAt != 0;
        amount = uint128(bound(amount, known ? 1 : 100e6, 1_000e6));
        _stable.mint(who, amount);
        vm.startPrank(who);
        _stable.approve(address(_registry), amount);
        if (known) {
            _registry.topUp(amount);
        } else {
            _registry.register(INodeRegistry.Registration(Role.Compute, Kind.Stable, 0, 1, 1, 0, 0, "", amount));
        }
        vm.stopPrank();
        staked += amount;
    }

    function leave(uint256 seed, uint128 amount) external {
        address who = identity(seed);
        (uint128 active,) = _registry.stakeOf(who);
        if (active == 0) return;
        vm.prank(who);
        _registry.requestUnbond(uint128(bound(amount, 1, active)));
    }

    function withdraw(uint256 seed) external {
        address who = identity(seed);
        INodeRegistry.Node memory node = _registry.nodeOf(who);
        if (node.unbonding == 0) return;
        if (vm.getBlockTimestamp() < node.unbondAt) {
            vm.expectRevert();
            vm.prank(who);
            _registry.withdrawUnbonded();
            return;
        }
        vm.prank(who);
        _registry.withdrawUnbonded();
        withdrawn += node.unbonding;
    }

    function slash(uint256 seed, uint128 amount) external {
        slashed += _registry.slash(identity(seed), uint128(bound(amount, 0, 500e6)), address(0xdead));
    }

    function wait(uint256 time) external {
        vm.warp(vm.getBlockTimestamp() + bound(time, 1, 5 days));
    }
}

contract RegistryInvariantTest is Fixture {
    RegistryHandler private handler;

    function setUp() public override {
        super.setUp();
        handler = new RegistryHandler(registry, stable);
        manager.grantRole(Deployment.SETTLEMENT_ROLE, address(handler), 0);
        targetContract(address(handler));
    }

    function invariant_StakeIsConserved() public view {
        uint256 inside = 0;
        for (uint256 i = 0; i < handler.IDENTITIES(); ++i) {
            (uint128 active, uint128 unbonding) = registry.stakeOf(handler.identity(i));
            inside += uint256(active) + unbonding;
        }
        assertEq(stable.balanceOf(address(registry)), inside);
        assertEq(handler.staked(), inside + handler.slashed() + handler.withdrawn());
        assertEq(stable.balanceOf(address(0xdead)), handler.slashed());
    }
}
