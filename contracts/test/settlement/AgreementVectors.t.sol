// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAgreements} from "../../src/interfaces/IAgreements.sol";
import {Agreement, AgreementKind} from "../../src/types/Types.sol";
import {AgreementFixture} from "./AgreementFixture.sol";

/// @dev What agreements accrue, against the shared vectors that another implementation wrote.
contract AgreementVectorsTest is AgreementFixture {
    string private _json;

    function test_TermsAccrueAsInTheVectors() public {
        _json = vm.readFile("../tests/vectors/economy/term_accruals.json");
        uint256 count = _count();
        uint256 clean = vm.snapshotState();
        for (uint256 i = 0; i < count; ++i) {
            Agreement memory terms = _terms(AgreementKind.Reserved);
            terms.price = uint128(_number(i, "price"));
            terms.duration = uint64(_number(i, "end") - _number(i, "begin"));
            bytes32 id = _open(terms);
            vm.warp(vm.getBlockTimestamp() + _number(i, "now") - _number(i, "begin"));
            assertEq(_accrued(id), _number(i, "accrued"));
            vm.revertToState(clean);
        }
    }

    function test_SpotAccruesAsInTheVectors() public {
        _json = vm.readFile("../tests/vectors/economy/spot_accruals.json");
        uint256 count = _count();
        uint256 clean = vm.snapshotState();
        for (uint256 i = 0; i < count; ++i) {
            uint256[] memory rates = _numbers(i, "rates");
            uint256[] memory times = _numbers(i, "times");
            Agreement memory terms = _terms(AgreementKind.Spot);
            terms.price = uint128(_number(i, "budget"));
            terms.duration = uint64(_number(i, "duration"));
            terms.rate = uint128(rates[0]);
            uint256 begin = vm.getBlockTimestamp();
            bytes32 id = _open(terms);
            for (uint256 j = 0; j < times.length; ++j) {
                vm.warp(begin + times[j]);
                agreements.settle(id);
                if (_statusOf(id) == IAgreements.Status.Ended) break;
                vm.prank(provider.addr);
                agreements.setRate(id, uint128(rates[j + 1]));
            }
            vm.warp(begin + _number(i, "elapsed"));
            assertEq(_accrued(id), _number(i, "accrued"));
            vm.revertToState(clean);
        }
    }

    function _accrued(bytes32 id) private returns (uint256) {
        agreements.settle(id);
        return agreements.agreementOf(id).accrued;
    }

    function _count() private view returns (uint256 count) {
        while (vm.keyExistsJson(_json, _path(count, ""))) ++count;
        assertGt(count, 20);
    }

    function _path(uint256 index, string memory field) private pure returns (string memory) {
        string memory element = string.concat(".cases[", vm.toString(index), "]");
        return bytes(field).length == 0 ? element : string.concat(element, ".", field);
    }

    function _number(uint256 index, string memory field) private view returns (uint256) {
        return vm.parseUint(vm.parseJsonString(_json, _path(index, field)));
    }

    function _numbers(uint256 index, string memory field) private view returns (uint256[] memory values) {
        string[] memory texts = vm.parseJsonStringArray(_json, _path(index, field));
        values = new uint256[](texts.length);
        for (uint256 i = 0; i < texts.length; ++i) {
            values[i] = vm.parseUint(texts[i]);
        }
    }
}
