// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Script} from "forge-std/Script.sol";
import {Plan} from "./Plan.sol";

/// @title Deploys the whole set by deployments/plan.json to any chain that Foundry can broadcast to
/// @dev Environment: PROFILE (default devnet), FOUNDATION, GUARDIAN and FIRST_VERIFIER (required), STABLE, UNISWAP_FACTORY, TGE and
/// SALE_END (required in production). Writes deployments/local/<chain id>.json in the form that `vcity` reads. `vcity
/// chain deploy` does the same and can continue after a crash.
contract Deploy is Script, Plan {
    function run() external {
        string memory profile = vm.envOr("PROFILE", string("devnet"));
        _fromEnvironment("foundation", "FOUNDATION");
        _fromEnvironment("guardian", "GUARDIAN");
        _fromEnvironment("firstVerifier", "FIRST_VERIFIER");
        _fromEnvironment("stable", "STABLE");
        _fromEnvironment("uniswapFactory", "UNISWAP_FACTORY");
        _fromEnvironment("tge", "TGE");
        _fromEnvironment("GenesisNFT.saleEnd", "SALE_END");
        uint256 blockBefore = block.number;
        vm.startBroadcast(msg.sender);
        _deploy(profile, msg.sender);
        vm.stopBroadcast();
        _write(blockBefore + 1);
    }

    function _fromEnvironment(string memory setting, string memory variable) private {
        string memory value = vm.envOr(variable, string(""));
        if (bytes(value).length != 0) _configure(setting, value);
    }

    function _write(uint256 firstBlock) private {
        string memory contracts;
        string[] memory names = _names();
        for (uint256 i = 0; i < names.length; ++i) {
            contracts = vm.serializeAddress("contracts", names[i], _at(names[i]));
        }
        string memory key = "deployment";
        vm.serializeUint(key, "chainId", block.chainid);
        vm.serializeAddress(key, "stable", _at("Stable"));
        vm.serializeAddress(key, "registry", _at("NodeRegistry"));
        vm.serializeAddress(key, "escrow", _at("Escrow"));
        vm.serializeAddress(key, "settlement", _at("Settlement"));
        vm.serializeAddress(key, "treasury", _at("Treasury"));
        vm.serializeAddress(key, "accessManager", _at("AccessManager"));
        vm.serializeUint(key, "block", firstBlock);
        string memory json = vm.serializeString(key, "contracts", contracts);
        vm.createDir("deployments/local", true);
        vm.writeJson(json, string.concat("deployments/local/", vm.toString(block.chainid), ".json"));
    }

    function _names() private view returns (string[] memory names) {
        Contract[] memory rows = abi.decode(
            vm.parseJsonTypeArray(vm.readFile(PLAN_FILE), ".contracts", "Contract(string name,string artifact)"),
            (Contract[])
        );
        names = new string[](rows.length);
        for (uint256 i = 0; i < rows.length; ++i) {
            names[i] = rows[i].name;
        }
    }

    struct Contract {
        string name;
        string artifact;
    }
}
