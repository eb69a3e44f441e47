// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {Test} from "forge-std/Test.sol";
import {DevStable} from "../src/token/DevStable.sol";
import {IAgreements} from "../src/interfaces/IAgreements.sol";
import {IEscrow} from "../src/interfaces/IEscrow.sol";
import {IFeeTreasury} from "../src/interfaces/IFeeTreasury.sol";
import {INodeRegistry} from "../src/interfaces/INodeRegistry.sol";
import {ISettlement} from "../src/interfaces/ISettlement.sol";
import {Hashes} from "../src/libraries/Hashes.sol";
import {Agreement, AgreementKind, Batch, Charge, SpendingCap, UsageReceipt, Verdict} from "../src/types/Types.sol";
import {Tree} from "./utils/Tree.sol";

/// @dev The vectors were written by another implementation; here the chain's own code must give the same bytes.
contract VectorsTest is Test {
    string private _json;
    string private _case;

    function _load(string memory name) private returns (uint256 count) {
        _json = vm.readFile(string.concat("../tests/vectors/", name, ".json"));
        while (vm.keyExistsJson(_json, string.concat(".cases[", vm.toString(count), "]"))) ++count;
        assertGt(count, 0, "no cases");
    }

    function _select(uint256 i) private {
        _case = string.concat(".cases[", vm.toString(i), "].");
    }

    function _path(string memory name) private view returns (string memory) {
        return string.concat(_case, name);
    }

    function _uint(string memory name) private view returns (uint256) {
        return vm.parseUint(vm.parseJsonString(_json, _path(name)));
    }

    function _hash(string memory name) private view returns (bytes32) {
        return vm.parseJsonBytes32(_json, _path(name));
    }

    function _bytes(string memory name) private view returns (bytes memory) {
        return vm.parseJsonBytes(_json, _path(name));
    }

    function _address(string memory name) private view returns (address) {
        return vm.parseJsonAddress(_json, _path(name));
    }

    function _text(string memory name) private view returns (string memory) {
        return vm.parseJsonString(_json, _path(name));
    }

    function _recovers(string memory signer, string memory signature) private view returns (bool) {
        (address recovered, ECDSA.RecoverError failure,) = ECDSA.tryRecover(_hash("digest"), _bytes(signature));
        return failure == ECDSA.RecoverError.NoError && recovered == _address(signer);
    }

    function _assertDigest(bytes32 structHash) private view {
        assertEq(structHash, _hash("structHash"));
        assertEq(MessageHashUtils.toTypedDataHash(_hash("domainSeparator"), structHash), _hash("digest"));
    }

    function test_Keccak_MatchesVectors() public {
        uint256 count = _load("keccak256");
        for (uint256 i = 0; i < count; ++i) {
            _select(i);
            assertEq(keccak256(_bytes("input")), _hash("hash"));
        }
    }

    function test_Addresses_FollowFromKeys() public {
        uint256 count = _load("addresses");
        for (uint256 i = 0; i < count; ++i) {
            _select(i);
            assertEq(vm.addr(uint256(_hash("privateKey"))), _address("checksum"));
        }
        count = _load("create_addresses");
        for (uint256 i = 0; i < count; ++i) {
            _select(i);
            assertEq(vm.computeCreateAddress(_address("sender"), _uint("nonce")), _address("address"));
        }
    }

    function test_Signatures_OnlyTheValidOneRecovers() public {
        uint256 count = _load("signatures");
        for (uint256 i = 0; i < count; ++i) {
            _select(i);
            assertEq(_recovers("signer", "signature"), vm.parseJsonBool(_json, _path("valid")), _text("name"));
        }
    }

    function test_Domains_MatchVectors() public {
        bytes32 typeHash =
            keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
        uint256 count = _load("eip712_domains");
        for (uint256 i = 0; i < count; ++i) {
            _select(i);
            bytes32 name = keccak256(bytes(_text("name")));
            bytes32 version = keccak256(bytes(_text("version")));
            bytes memory encoded = abi.encode(typeHash, name, version, _uint("chainId"), _address("verifyingContract"));
            assertEq(keccak256(encoded), _hash("separator"));
        }
    }

    /// @dev The contracts themselves, at the addresses of the vectors, use the domains of the vectors.
    function test_Contracts_UseTheDomainsOfTheVectors() public {
        _load("eip712_domains");
        _select(1);
        address settlement = _address("verifyingContract");
        bytes32 expected = _hash("separator");
        _select(4);
        address escrow = _address("verifyingContract");
        address stable = address(new DevStable());
        deployCodeTo("Escrow.sol:Escrow", abi.encode(this, stable, IEscrow.Parameters(1 hours, 1 days)), escrow);
        assertEq(IEscrow(escrow).domainSeparator(), _hash("separator"));
        _select(7);
        address registry = _address("verifyingContract");
        INodeRegistry.Parameters memory registryParameters;
        registryParameters.factorFloor = 0.5e18;
        registryParameters.unbondingDelay = 7 days;
        registryParameters.period = 7 days;
        bytes memory arguments = abi.encode(this, stable, registryParameters, 1e6);
        deployCodeTo("NodeRegistry.sol:NodeRegistry", arguments, registry);
        assertEq(INodeRegistry(registry).domainSeparator(), _hash("separator"));
        ISettlement.Parameters memory parameters = ISettlement.Parameters(IFeeTreasury(address(this)), 1 hours);
        arguments = abi.encode(this, escrow, registry, this, parameters);
        deployCodeTo("Settlement.sol:Settlement", arguments, settlement);
        assertEq(ISettlement(settlement).domainSeparator(), expected);
        _select(10);
        address agreements = _address("verifyingContract");
        IAgreements.Parameters memory terms = IAgreements.Parameters(IFeeTreasury(address(this)), 1 days, 1 days);
        deployCodeTo("Agreements.sol:Agreements", abi.encode(this, escrow, this, terms), agreements);
        assertEq(IAgreements(agreements).domainSeparator(), _hash("separator"));
    }

    function test_Types_MatchVectors() public {
        uint256 count = _load("eip712_types");
        for (uint256 i = 0; i < count; ++i) {
            _select(i);
            assertEq(keccak256(bytes(_text("type"))), _hash("typeHash"));
        }
        _select(1);
        assertEq(_hash("typeHash"), Hashes.RECEIPT_TYPEHASH);
        _select(2);
        assertEq(_hash("typeHash"), Hashes.CAP_TYPEHASH);
        _select(3);
        assertEq(_hash("typeHash"), Hashes.VERDICT_TYPEHASH);
        _select(4);
        assertEq(_hash("typeHash"), Hashes.LINK_HELLO_TYPEHASH);
        _select(5);
        assertEq(_hash("typeHash"), Hashes.AGREEMENT_TYPEHASH);
    }

    function _receipt() private view returns (UsageReceipt memory receipt) {
        receipt.jobId = _hash("jobId");
        receipt.client = _address("client");
        receipt.node = _address("node");
        receipt.scheduler = _address("scheduler");
        receipt.fencingToken = uint64(_uint("fencingToken"));
        receipt.inputUnits = uint64(_uint("inputUnits"));
        receipt.outputUnits = uint64(_uint("outputUnits"));
        receipt.amount = uint128(_uint("amount"));
        receipt.quote = uint128(_uint("quote"));
        receipt.modelRoot = _hash("modelRoot");
        receipt.requestHash = _hash("requestHash");
        receipt.responseHash = _hash("responseHash");
        receipt.verificationRoot = _hash("verificationRoot");
        receipt.startedAt = uint64(_uint("startedAt"));
        receipt.finishedAt = uint64(_uint("finishedAt"));
    }

    function test_UsageReceipts_MatchVectors() public {
        uint256 count = _load("usage_receipts");
        for (uint256 i = 0; i < count; ++i) {
            _select(i);
            bytes32 structHash = Hashes.receipt(_receipt());
            _assertDigest(structHash);
            assertTrue(_recovers("node", "nodeSignature"));
            assertTrue(_recovers("scheduler", "schedulerSignature"));
            bytes32 leaf = Hashes.receiptLeaf(structHash, _bytes("nodeSignature"), _bytes("schedulerSignature"));
            assertEq(leaf, _hash("leaf"));
        }
    }

    function test_SpendingCaps_MatchVectors() public {
        uint256 count = _load("spending_caps");
        for (uint256 i = 0; i < count; ++i) {
            _select(i);
            SpendingCap memory cap = SpendingCap({
                client: _address("client"),
                scheduler: _address("scheduler"),
                limit: uint128(_uint("limit")),
                expiry: uint64(_uint("expiry")),
                nonce: _uint("nonce")
            });
            _assertDigest(Hashes.cap(cap));
            assertTrue(_recovers("signer", "signature"));
        }
    }

    function test_Verdicts_MatchVectors() public {
        uint256 count = _load("verdicts");
        for (uint256 i = 0; i < count; ++i) {
            _select(i);
            Verdict memory verdict = Verdict({
                receiptHash: _hash("receiptHash"),
                node: _address("node"),
                verifier: _address("verifier"),
                outcome: uint8(_uint("outcome")),
                evidenceHash: _hash("evidenceHash"),
                checkedAt: uint64(_uint("checkedAt"))
            });
            _assertDigest(Hashes.verdict(verdict));
            assertTrue(_recovers("signer", "signature"));
        }
    }

    function test_LinkHellos_MatchVectors() public {
        uint256 count = _load("link_hellos");
        for (uint256 i = 0; i < count; ++i) {
            _select(i);
            bytes32 structHash = Hashes.linkHello(
                _address("peer"), uint8(_uint("role")), _hash("challenge"), uint64(_uint("issuedAt"))
            );
            _assertDigest(structHash);
            assertTrue(_recovers("signer", "signature"));
        }
    }

    function test_Agreements_MatchVectors() public {
        uint256 count = _load("agreements");
        for (uint256 i = 0; i < count; ++i) {
            _select(i);
            Agreement memory terms;
            terms.kind = AgreementKind(_uint("kind"));
            (terms.client, terms.provider, terms.payee) = (_address("client"), _address("provider"), _address("payee"));
            terms.price = uint128(_uint("price"));
            (terms.rate, terms.maximumRate) = (uint128(_uint("rate")), uint128(_uint("maximumRate")));
            (terms.start, terms.duration) = (uint64(_uint("start")), uint64(_uint("duration")));
            (terms.periods, terms.acceptance) = (uint32(_uint("periods")), uint32(_uint("acceptance")));
            (terms.expiry, terms.nonce) = (uint64(_uint("expiry")), _uint("nonce"));
            terms.specification = _hash("specification");
            _assertDigest(Hashes.agreement(terms));
            assertTrue(_recovers("signer", "signature"));
        }
    }

    function test_ChargeHashes_MatchVectors() public {
        uint256 count = _load("charge_hashes");
        for (uint256 i = 0; i < count; ++i) {
            _select(i);
            bytes32[] memory capIds = vm.parseJsonBytes32Array(_json, _path("capIds"));
            uint256[] memory amounts = vm.parseJsonUintArray(_json, _path("amounts"));
            Charge[] memory charges = new Charge[](capIds.length);
            for (uint256 k = 0; k < charges.length; ++k) {
                charges[k] = Charge(capIds[k], uint128(amounts[k]));
            }
            assertEq(Hashes.charges(charges), _hash("hash"));
        }
    }

    function test_JobIds_MatchVectors() public {
        uint256 count = _load("job_ids");
        for (uint256 i = 0; i < count; ++i) {
            _select(i);
            bytes memory encoded = abi.encode(_address("client"), _address("scheduler"), _hash("nonce"));
            assertEq(keccak256(encoded), _hash("jobId"));
        }
    }

    function test_Leaves_MatchVectors() public {
        uint256 count = _load("receipt_leaves");
        for (uint256 i = 0; i < count; ++i) {
            _select(i);
            bytes32 leaf =
                Hashes.receiptLeaf(_hash("receiptHash"), _bytes("nodeSignature"), _bytes("schedulerSignature"));
            assertEq(leaf, _hash("leaf"));
        }
        count = _load("earnings");
        for (uint256 i = 0; i < count; ++i) {
            _select(i);
            assertEq(Hashes.earningsLeaf(_address("node"), uint128(_uint("cumulative"))), _hash("leaf"));
            _assertProof();
        }
    }

    function _assertProof() private view {
        bytes32[] memory proof = vm.parseJsonBytes32Array(_json, _path("proof"));
        assertTrue(MerkleProof.verify(proof, _hash("root"), _hash("leaf")));
    }

    function test_MerkleTrees_MatchVectors() public {
        uint256 count = _load("merkle_roots");
        for (uint256 i = 0; i < count; ++i) {
            _select(i);
            bytes32[] memory leaves = new bytes32[](_uint("count"));
            for (uint256 k = 0; k < leaves.length; ++k) {
                leaves[k] = keccak256(abi.encode(k));
            }
            assertEq(Tree.root(leaves), _hash("root"));
        }
        count = _load("merkle_proofs");
        for (uint256 i = 0; i < count; ++i) {
            _select(i);
            assertEq(keccak256(abi.encode(_uint("index"))), _hash("leaf"));
            _assertProof();
        }
    }

    function test_Fees_MatchVectors() public {
        uint256 count = _load("fees");
        for (uint256 i = 0; i < count; ++i) {
            _select(i);
            uint256[] memory amounts = vm.parseJsonUintArray(_json, _path("amounts"));
            uint256[] memory shares = vm.parseJsonUintArray(_json, _path("nodeShares"));
            uint256 feeBps = _uint("feeBps");
            for (uint256 k = 0; k < amounts.length; ++k) {
                assertEq(amounts[k] * (10_000 - feeBps) / 10_000, shares[k]);
            }
            assertEq(_uint("minimum"), _uint("totalCharged") * feeBps / 10_000);
            assertGe(_uint("fee"), _uint("minimum"));
            assertLe(_uint("fee"), _uint("maximum"));
        }
    }

    function test_Selectors_MatchVectors() public {
        string[2] memory files = ["abi_calls", "abi_errors"];
        for (uint256 f = 0; f < files.length; ++f) {
            uint256 count = _load(files[f]);
            for (uint256 i = 0; i < count; ++i) {
                _select(i);
                assertEq(bytes4(keccak256(bytes(_text("signature")))), bytes4(_bytes("selector")));
            }
        }
        uint256 events = _load("abi_events");
        for (uint256 i = 0; i < events; ++i) {
            _select(i);
            assertEq(keccak256(bytes(_text("signature"))), _hash("topic0"));
            assertEq(vm.parseJsonBytes32(_json, _path("topics[0]")), _hash("topic0"));
        }
    }

    /// @dev What Solidity decodes from the calldata it encodes to the same bytes again.
    function test_Calldata_MatchesVectors() public {
        uint256 count = _load("abi_calls");
        uint256 seen = 0;
        for (uint256 i = 0; i < count; ++i) {
            _select(i);
            bytes memory given = _bytes("calldata");
            bytes memory again = _encodeAgain(bytes4(given), _argumentsOf(given));
            if (again.length == 0) continue;
            assertEq(again, given);
            ++seen;
        }
        assertEq(seen, 6);
    }

    function _encodeAgain(bytes4 selector, bytes memory data) private pure returns (bytes memory) {
        if (selector == ISettlement.postBatch.selector) {
            (Batch memory batch, Charge[] memory charges) = abi.decode(data, (Batch, Charge[]));
            return abi.encodeCall(ISettlement.postBatch, (batch, charges));
        }
        if (selector == ISettlement.claim.selector) {
            (address scheduler, uint64 index, address node, uint128 cumulative, bytes32[] memory proof) =
                abi.decode(data, (address, uint64, address, uint128, bytes32[]));
            return abi.encodeCall(ISettlement.claim, (scheduler, index, node, cumulative, proof));
        }
        if (selector == IEscrow.openCap.selector) {
            (SpendingCap memory cap, bytes memory signature) = abi.decode(data, (SpendingCap, bytes));
            return abi.encodeCall(IEscrow.openCap, (cap, signature));
        }
        if (selector == INodeRegistry.register.selector) {
            INodeRegistry.Registration memory registration = abi.decode(data, (INodeRegistry.Registration));
            return abi.encodeCall(INodeRegistry.register, (registration));
        }
        return "";
    }

    function _argumentsOf(bytes memory data) private pure returns (bytes memory rest) {
        rest = new bytes(data.length - 4);
        for (uint256 i = 0; i < rest.length; ++i) {
            rest[i] = data[i + 4];
        }
    }
}
