// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {NodeRegistry} from "../src/network/NodeRegistry.sol";
import {Reputation} from "../src/network/Reputation.sol";
import {INodeRegistry} from "../src/interfaces/INodeRegistry.sol";
import {IVCAIToken} from "../src/interfaces/IVCAIToken.sol";
import {VCAIToken} from "../src/token/VCAIToken.sol";
import {Role, Tier} from "../src/types/Types.sol";
import {CourtFixture} from "../test/network/CourtFixture.sol";

/// @dev Gas of whole transactions (profile bench isolates calls), written to snapshots/network.json. The registry holds
/// other stakes already, the DID document's address has 29 characters (and 120 in one case). `register` is with the real
/// token and an allowance of just the stake; the others are with a stand-in and endless allowances.
contract NetworkBench is CourtFixture {
    function _measured(string memory operation) private {
        vm.snapshotGasLastCall("network", operation);
    }

    function test_Register() public {
        VCAIToken token = new VCAIToken(address(manager), address(this));
        IVCAIToken.Allocation[] memory all = new IVCAIToken.Allocation[](1);
        all[0] = IVCAIToken.Allocation(address(this), 10_000_000_000e18);
        token.mintGenesis(all);
        NodeRegistry real = new NodeRegistry(address(manager), token, _parameters(), RATE);
        address[2] memory nodes = [makeAddr("first"), makeAddr("second")];
        for (uint256 i = 0; i < 2; ++i) {
            token.transfer(nodes[i], 2 * COMPUTE);
            vm.startPrank(nodes[i]);
            token.approve(address(real), COMPUTE);
            real.register(_registration(Role.Compute, COMPUTE));
            vm.stopPrank();
        }
        _measured("register");
    }

    function test_RegisterWithALongUri() public {
        address fresh = makeAddr("fresh");
        _fund(fresh);
        INodeRegistry.Registration memory registration = _registration(Role.Compute, COMPUTE);
        registration.didDocumentUri = string.concat(
            "https://documents.data-centre-operator.example/regions/eu-central-1/clusters/0042/",
            "nodes/0123456789abcdef0123456789/did.js"
        );
        vm.prank(fresh);
        registry.register(registration);
        _measured("register_120_character_uri");
    }

    function test_RegistryOperations() public {
        vm.startPrank(node);
        registry.topUp(1e18);
        _measured("topUp");
        registry.requestUnbond(1e18);
        _measured("requestUnbond");
        vm.warp(START + 7 days);
        registry.withdrawUnbonded();
        _measured("withdrawUnbonded");
        registry.updateHardware("H100", 8, 655_360);
        _measured("updateHardware");
        vm.stopPrank();
        registry.recomputeRequirements();
        vm.warp(START + 14 days);
        registry.recomputeRequirements();
        _measured("recomputeRequirements");
    }

    function test_AppealedCase() public {
        stable.mint(address(treasury), 10e6);
        stable.mint(victim, 1);
        vcai.mint(address(treasury), 1);
        uint256 caseId = _accuse(100e6);
        _measured("accuse");
        _seat(caseId);
        _measured("seatCommittee_5_of_10");
        _verdict(caseId, Tier.Severe, 60e6);
        _measured("submitVerdict_severe_4_signatures");
        uint256 proposalId = _appeal(caseId);
        dao.grant(proposalId);
        _measured("grantAppeal");
    }

    function test_ProvenCase() public {
        stable.mint(address(treasury), 100e6);
        stable.mint(victim, 1);
        vcai.mint(address(treasury), 1);
        uint256 caseId = _proven(Tier.Minor, 1e6);
        _measured("openProven_minor");
        vm.warp(START + WINDOW);
        tribunal.execute(caseId);
        _measured("execute");
    }

    function test_Reputation() public {
        Reputation reputation = new Reputation(verifiers, 1 days);
        uint64 epoch = reputation.currentEpoch() - 1;
        vm.prank(members[0]);
        reputation.anchor(epoch, keccak256("root"), 10_000, "ipfs://tree");
        _measured("anchorReputation");
    }
}
