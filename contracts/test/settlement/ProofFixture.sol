// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IFraudProofs} from "../../src/interfaces/IFraudProofs.sol";
import {Hashes} from "../../src/libraries/Hashes.sol";
import {Fault, SignedReceipt, Tier, UsageReceipt} from "../../src/types/Types.sol";
import {Fixture} from "../utils/Fixture.sol";
import {Tree} from "../utils/Tree.sol";
import {MockCourt} from "./mocks/MockCourt.sol";

/// @dev A client with a cap of 1000, a challenger without any rights, and what tests of proofs ask again and again.
abstract contract ProofFixture is Fixture {
    address internal challenger = makeAddr("challenger");
    bytes32[] internal _noProof;
    bytes32 internal _capId;

    function setUp() public virtual override {
        super.setUp();
        _registerAll();
        _capId = _openCap(1_000e6);
    }

    /// @dev A receipt that asks for more than was quoted.
    function _overQuoted(uint256 job, uint128 amount) internal view returns (SignedReceipt memory) {
        UsageReceipt memory receipt = _receipt(job, amount);
        receipt.quote = amount - 1;
        return _signed(receipt);
    }

    function _challengeAt(
        Fault fault,
        uint64 index,
        SignedReceipt memory signed,
        bytes32[] memory proof,
        bytes memory extra
    ) internal {
        IFraudProofs.Posted memory posted = _posted(index, signed, proof);
        vm.prank(challenger);
        fraudProofs.challengeReceipt(fault, posted, extra);
    }

    /// @dev For a batch of one receipt.
    function _challenge(Fault fault, uint64 index, SignedReceipt memory signed, bytes memory extra) internal {
        _challengeAt(fault, index, signed, _noProof, extra);
    }

    /// @dev For batches of several: position in the tree.
    function _challengeIn(Fault fault, uint64 index, SignedReceipt[] memory all, uint256 place) internal {
        _challengeAt(fault, index, all[place], Tree.proof(_leaves(all), place), "");
    }

    function _expectNotAFault(Fault fault, SignedReceipt memory signed) internal {
        vm.expectRevert(abi.encodeWithSelector(IFraudProofs.NotAFault.selector, fault, Hashes.receipt(signed.receipt)));
    }

    function _extra(uint64 index, SignedReceipt memory other, bytes32[] memory proof)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encode(index, other, proof);
    }

    function _evidence(Fault fault, uint64 index, bytes32 subject) internal view returns (bytes32) {
        return keccak256(abi.encode(fault, scheduler.addr, index, subject));
    }

    function _assertCase(uint256 caseId, address accused, Tier tier, address victim, uint128 loss) internal view {
        assertEq(court.count(), caseId, "cases");
        MockCourt.Opened memory opened = court.opened(caseId);
        assertEq(opened.prosecutor, address(fraudProofs));
        assertEq(opened.accused, accused);
        assertEq(uint256(opened.tier), uint256(tier));
        assertEq(opened.victim, victim);
        assertEq(opened.lossUsd, loss);
        assertEq(opened.accuser, challenger);
    }

    /// @dev The client has its 10 back, 9.5 of it from the pool and 0.5 from the treasury, and the scheduler a case.
    function _assertTenCameBack(uint64 index, SignedReceipt memory signed, Fault fault) internal view {
        assertTrue(settlement.receiptVoided(scheduler.addr, index, Hashes.receipt(signed.receipt)));
        assertEq(escrow.available(client.addr), 10e6);
        assertEq(settlement.voided(scheduler.addr, node.addr), 9.5e6);
        assertEq(treasury.compensated(), 0.5e6);
        _assertCase(1, scheduler.addr, fraudProofs.tierOf(fault), address(0), 0);
    }
}
