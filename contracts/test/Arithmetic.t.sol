// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IVCAIToken} from "../src/interfaces/IVCAIToken.sol";
import {VeVCAI} from "../src/governance/VeVCAI.sol";
import {IVeVCAI} from "../src/interfaces/IVeVCAI.sol";
import {VCAIToken} from "../src/token/VCAIToken.sol";
import {ArithmeticHarness} from "./utils/ArithmeticHarness.sol";

/// @dev The economy's shared vectors, which another implementation wrote: the contracts' own code must give the same.
contract ArithmeticTest is Test {
    ArithmeticHarness private _harness;
    string private _json;

    function setUp() public {
        vm.warp(1_800_000_000);
        _harness = new ArithmeticHarness();
    }

    function test_Locks() public {
        _compare("lock_strengths", ArithmeticHarness.Function.Root, "amount,linearBelow", "strength");
    }

    /// @dev Locks in the escrow itself, each from the beginning of a week.
    function test_LockLives() public {
        _json = vm.readFile("../tests/vectors/economy/lock_lives.json");
        uint256[] memory rows = _rows("amount,linearBelow,weeks,elapsed,weight");
        uint256 start = 3_000 weeks;
        for (uint256 i = 0; i < rows.length; i += 5) {
            vm.warp(start);
            VeVCAI ve = new VeVCAI(address(_harness), IERC20(address(_harness)), IVeVCAI.Parameters(rows[i + 1]));
            ve.lock(rows[i], rows[i + 2]);
            vm.warp(start + rows[i + 3]);
            assertEq(ve.weightOf(address(this)), rows[i + 4]);
            assertEq(ve.totalWeight(), rows[i + 4]);
        }
    }

    function test_RewardStream() public {
        string memory inputs = "weightStart,weightEnd,decay,emission";
        _compare("stream_increments", ArithmeticHarness.Function.Increments, inputs, "i0,j");
        _compare("ln_wads", ArithmeticHarness.Function.Logarithm, "x", "ln");
    }

    function test_Vesting() public {
        string memory inputs = "allocation,upfront,start,cliffMonths,releaseMonths,monthly,amount,now";
        _compare("vestings", ArithmeticHarness.Function.Vested, inputs, "vested");
        _compare("incentive_releases", ArithmeticHarness.Function.IncentiveScheduled, "tge,now", "released");
    }

    function test_NetworkFee() public {
        string memory inputs = "fee,consumed,available,minimum,maximum";
        _compare("network_fees", ArithmeticHarness.Function.NextFee, inputs, "next");
    }

    function test_IssuanceQuota() public {
        _compare("issuance_quotas", ArithmeticHarness.Function.Quota, "netFees,locked,executed", "quota");
    }

    function test_StakeRates() public {
        _json = vm.readFile("../tests/vectors/economy/stake_rates.json");
        uint256[] memory base = _column("base");
        uint256[] memory count = _column("gpuCount");
        uint256[] memory next = _column("next");
        uint256[] memory stake = _column("stake");
        string memory inputs = "rate,perDollar,utilization,factorFloor,factorSlope,moveMaxBps,base";
        uint256[] memory given = _rows(inputs);
        uint256[] memory found = _harness.run(ArithmeticHarness.Function.StakeRate, given, base.length);
        for (uint256 i = 0; i < base.length; ++i) {
            assertEq(found[2 * i], next[i]);
            if (count[i] <= 1) assertEq(found[2 * i + 1], stake[i]);
        }
    }

    function test_RewardLeaves() public {
        _json = vm.readFile("../tests/vectors/economy/reward_leaves.json");
        uint256[] memory kinds = _column("kind");
        uint256[] memory amounts = _column("cumulative");
        uint256[] memory given = new uint256[](3 * kinds.length);
        for (uint256 i = 0; i < kinds.length; ++i) {
            uint160 account = uint160(vm.parseJsonAddress(_json, _path(i, "account")));
            (given[3 * i], given[3 * i + 1], given[3 * i + 2]) = (kinds[i], account, amounts[i]);
        }
        uint256[] memory found = _harness.run(ArithmeticHarness.Function.RewardLeaf, given, kinds.length);
        for (uint256 i = 0; i < kinds.length; ++i) {
            assertEq(bytes32(found[i]), vm.parseJsonBytes32(_json, _path(i, "leaf")));
        }
    }

    function test_Slashes() public {
        string memory inputs = "seized,loss,treasury,price,bountyBps,bountyCap";
        string memory outputs = "paidByTreasury,shortfall,victim,accuser,toTreasury";
        _compare("slash_splits", ArithmeticHarness.Function.Slash, inputs, outputs);
    }

    function test_CalendarYears() public {
        _json = vm.readFile("../tests/vectors/economy/issuance_years.json");
        uint256[] memory times = _column("time");
        uint256[] memory expected = _column("year");
        for (uint256 i = 0; i < times.length; ++i) {
            vm.warp(times[i]);
            VCAIToken token = new VCAIToken(address(_harness), address(this));
            IVCAIToken.Allocation[] memory all = new IVCAIToken.Allocation[](1);
            all[0] = IVCAIToken.Allocation(address(this), 10_000_000_000e18);
            token.mintGenesis(all);
            (uint256 year,,,) = token.issuance();
            assertEq(year, expected[i]);
        }
    }

    /// @dev One case after the other, all at once: `inputs` and `outputs` are names of fields.
    function _compare(
        string memory file,
        ArithmeticHarness.Function which,
        string memory inputs,
        string memory outputs
    ) private {
        _json = vm.readFile(string.concat("../tests/vectors/economy/", file, ".json"));
        uint256[] memory expected = _rows(outputs);
        uint256 count = expected.length / vm.split(outputs, ",").length;
        assertEq(_harness.run(which, _rows(inputs), count), expected, file);
    }

    function _rows(string memory names) private view returns (uint256[] memory rows) {
        string[] memory columns = vm.split(names, ",");
        for (uint256 j = 0; j < columns.length; ++j) {
            uint256[] memory column = _column(columns[j]);
            if (j == 0) rows = new uint256[](columns.length * column.length);
            for (uint256 i = 0; i < column.length; ++i) {
                rows[i * columns.length + j] = column[i];
            }
        }
    }

    function _column(string memory name) private view returns (uint256[] memory values) {
        values = new uint256[](_count());
        bool isFlag = keccak256(bytes(name)) == keccak256("monthly");
        for (uint256 i = 0; i < values.length; ++i) {
            string memory path = _path(i, name);
            if (isFlag) values[i] = vm.parseJsonBool(_json, path) ? 1 : 0;
            else values[i] = vm.parseUint(vm.parseJsonString(_json, path));
        }
    }

    function _count() private view returns (uint256 count) {
        while (vm.keyExistsJson(_json, string.concat(".cases[", vm.toString(count), "]"))) ++count;
    }

    function _path(uint256 i, string memory name) private pure returns (string memory) {
        return string.concat(".cases[", vm.toString(i), "].", name);
    }
}
