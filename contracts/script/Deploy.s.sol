// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Script} from "forge-std/Script.sol";
import {Deployment} from "./Deployment.sol";

/// @title Deploys the whole first set to any chain, with the default parameters
/// @dev Environment: STABLE (address of the stablecoin; without it a DevStable is made).
/// Writes deployments/local/<chain id>.json in the form that `vcity` reads.
contract Deploy is Script {
    function run() external {
        IERC20 stable = IERC20(vm.envOr("STABLE", address(0)));
        vm.startBroadcast(msg.sender);
        Deployment.Contracts memory made = Deployment.deploy(
            msg.sender,
            stable,
            Deployment.defaultRegistryParameters(),
            Deployment.defaultEscrowParameters(),
            Deployment.defaultSettlementParameters()
        );
        vm.stopBroadcast();
        _write(made);
    }

    function _write(Deployment.Contracts memory made) private {
        string memory key = "deployment";
        vm.serializeUint(key, "chainId", block.chainid);
        vm.serializeAddress(key, "stable", address(made.stable));
        vm.serializeAddress(key, "registry", address(made.registry));
        vm.serializeAddress(key, "escrow", address(made.escrow));
        vm.serializeAddress(key, "settlement", address(made.settlement));
        vm.serializeAddress(key, "treasury", address(made.treasury));
        vm.serializeAddress(key, "accessManager", address(made.accessManager));
        string memory json = vm.serializeUint(key, "block", block.number);
        vm.createDir("deployments/local", true);
        vm.writeJson(json, string.concat("deployments/local/", vm.toString(block.chainid), ".json"));
    }
}
