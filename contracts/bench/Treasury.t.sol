// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Hashes as PairHash} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import {Roles} from "../src/Roles.sol";
import {VeVCAI} from "../src/governance/VeVCAI.sol";
import {IRewardRoots} from "../src/interfaces/IRewardRoots.sol";
import {IRewardStream} from "../src/interfaces/IRewardStream.sol";
import {IVeVCAI} from "../src/interfaces/IVeVCAI.sol";
import {BuybackExecutor} from "../src/treasury/BuybackExecutor.sol";
import {DevStable} from "../src/token/DevStable.sol";
import {MockToken} from "../test/treasury/mocks/Mocks.sol";
import {EmissionFixture} from "../test/treasury/mocks/EmissionFixture.sol";
import {TreasuryFixture} from "../test/treasury/mocks/TreasuryFixture.sol";

/// @dev Gas of whole transactions (profile bench isolates calls), written to snapshots/treasury.json. Steady state:
/// every account and slot was used before. The buyback includes the draw from the treasury and the swap; once with a
/// stream that only takes the money, once with the real VeVCAI. The token is an ERC-20 with permit and nothing else.
contract TreasuryBench is TreasuryFixture {
    function _makeToken() internal override returns (MockToken) {
        return MockToken(address(new DevStable()));
    }

    /// @dev Two buybacks into the real VeVCAI with one lock.
    function _useVe() private {
        VeVCAI ve = new VeVCAI(address(manager), vcai, IVeVCAI.Parameters(10_000e18));
        _open(address(ve), IVeVCAI.notify.selector, Roles.NOTIFIER);
        vcai.mint(address(this), 50_000e18);
        vcai.approve(address(ve), 50_000e18);
        ve.lock(50_000e18, 100);
        IRewardStream to = IRewardStream(address(ve));
        executor = new BuybackExecutor(address(manager), treasury, oracle, to, vcai, 1 hours, _buybackParameters());
        manager.grantRole(Roles.BUYBACK, address(executor), 0);
        manager.grantRole(Roles.NOTIFIER, address(executor), 0);
        for (uint256 i = 0; i < 2; ++i) {
            _earn(5_000e6);
            _wait(1 days);
            oracle.observe();
            _wait(WINDOW);
            oracle.observe();
            executor.buy();
        }
    }

    function test_Buyback() public {
        _warmUp();
        _earn(RESERVE + 5_000e6);
        executor.buy();
        _earn(RESERVE);
        vm.snapshotGasLastCall("treasury", "onFee");
        _wait(1 days);
        oracle.observe();
        _wait(WINDOW);
        oracle.observe();
        vm.snapshotGasLastCall("treasury", "observe");
        executor.buy();
        vm.snapshotGasLastCall("treasury", "buyback");
        _useVe();
        vm.snapshotGasLastCall("treasury", "buyback_with_ve");
        treasury.compensate(stranger, 1e6);
        treasury.compensate(stranger, 1e6);
        vm.snapshotGasLastCall("treasury", "compensate");
    }
}

contract RewardBench is EmissionFixture {
    IRewardRoots.Kind private constant KIND = IRewardRoots.Kind.PoC;

    function _makeToken() internal override returns (MockToken) {
        return MockToken(address(new DevStable()));
    }

    function _proof(uint256 depth, uint256 cumulative) private view returns (bytes32[] memory proof, bytes32 root) {
        proof = new bytes32[](depth);
        root = roots.leafOf(KIND, stranger, cumulative);
        for (uint256 i = 0; i < depth; ++i) {
            proof[i] = keccak256(abi.encode(i, cumulative));
            root = PairHash.commutativeKeccak256(root, proof[i]);
        }
    }

    function _round(uint256 depth, uint256 cumulative) private {
        (bytes32[] memory proof, bytes32 root) = _proof(depth, cumulative);
        _wait(1 days);
        uint32 epoch = roots.lineOf(KIND).epoch + 1;
        vm.prank(poster);
        roots.postRoot(
            KIND, epoch, root, cumulative * 100, "ipfs://bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"
        );
        vm.snapshotGasLastCall("treasury", "postRoot");
        _wait(1 days);
        vm.prank(stranger);
        roots.claim(KIND, stranger, cumulative, proof);
    }

    function test_Rewards() public {
        _fund(KIND, 1e24);
        for (uint256 i = 1; i <= 3; ++i) {
            _round(10, i * 1e18);
        }
        vm.snapshotGasLastCall("treasury", "claim_depth10");
        _round(17, 4e18);
        vm.snapshotGasLastCall("treasury", "claim_depth17");
        _fund(KIND, 5e18);
        vm.snapshotGasLastCall("treasury", "fund");
        _post(IRewardRoots.Kind.FeeTier, _sums(0, 0, 0));
        _dispute(IRewardRoots.Kind.FeeTier);
        vm.snapshotGasLastCall("treasury", "dispute");
    }

    function test_ClosePeriod() public {
        for (uint256 i = 1; i <= 3; ++i) {
            units.add(60, 100);
            _wait(7 days);
            controller.closePeriod();
        }
        vm.snapshotGasLastCall("treasury", "closePeriod");
    }
}
