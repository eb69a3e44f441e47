// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {LockMath} from "../../src/governance/LockMath.sol";
import {IIncentive} from "../../src/interfaces/IIncentive.sol";
import {IIncentiveController} from "../../src/interfaces/IIncentiveController.sol";
import {IIncentiveVault} from "../../src/interfaces/IIncentiveVault.sol";
import {INetworkFee} from "../../src/interfaces/INetworkFee.sol";
import {INodeRegistry} from "../../src/interfaces/INodeRegistry.sol";
import {IPriceOracle} from "../../src/interfaces/IPriceOracle.sol";
import {IRewardRoots} from "../../src/interfaces/IRewardRoots.sol";
import {ILockedTotal, INetFees} from "../../src/interfaces/IStrategicIssuance.sol";
import {IUtilization} from "../../src/interfaces/IUtilization.sol";
import {ISlashingCourt} from "../../src/interfaces/ISlashingCourt.sol";
import {IVestingVault, Release, Schedule} from "../../src/interfaces/IVestingVault.sol";
import {NodeRegistry} from "../../src/network/NodeRegistry.sol";
import {NetworkFee} from "../../src/settlement/NetworkFee.sol";
import {StrategicIssuance} from "../../src/token/StrategicIssuance.sol";
import {VestingMath} from "../../src/token/VestingMath.sol";
import {IncentiveController} from "../../src/treasury/IncentiveController.sol";
import {RewardRoots} from "../../src/treasury/RewardRoots.sol";
import {Role} from "../../src/types/Types.sol";
import {CourtHarness} from "./CourtHarness.sol";

/// @dev Runs the contracts' own arithmetic on many inputs in one call, for comparison with C++
/// (tests/integration/market_differential_test.cpp) and with the shared vectors (Arithmetic.t.sol). Where a formula
/// stands in a contract and not in a library, the contract itself is made and asked; this harness stands in for all that
/// it talks to.
contract ArithmeticHarness {
    /// @dev Inputs and outputs are words, so many for each case. The numbers are part of the C++ side.
    enum Function {
        Root, // amount, linearBelow -> root
        Increments, // w0, w1, b, q -> i0, j
        Logarithm, // x -> ln
        Earned, // root, i0, i1, later i0, later i1, end -> earned
        Vested, // allocation, upfront, start, cliff, months, monthly, amount, now -> vested
        IncentiveScheduled, // tge, now -> scheduled
        NextFee, // fee, consumed, available, minimum, maximum -> next
        Quota, // netFees, locked, executed -> quota
        StakeRate, // rate, perDollar, utilization, floor, slope, move, base -> next rate, stake
        RewardLeaf, // kind, account, cumulative -> leaf
        FreedBy, // elapsed -> freed
        Slash, // seized, loss, treasury, price, bountyBps, bountyCap -> paid usd, shortfall, victim, accuser, treasury
        Period // length, releaseShare, gain, target, pocShare, consumed, available -> U, P, poc, pod, demand, withheld
    }

    uint256 private _netFees;
    uint256 private _locked;
    uint256 private _perDollar;
    uint256 private _utilization;
    uint128 private _consumed;
    uint128 private _available;
    uint256[4] private _funded;
    uint256 private _stableLeft;
    uint256 private _price;
    mapping(address to => uint256) private _received;

    function run(Function which, uint256[] calldata inputs, uint256 count)
        external
        returns (uint256[] memory outputs)
    {
        uint256 width = inputs.length / count;
        uint256 outWidth = _outputs(which);
        outputs = new uint256[](count * outWidth);
        address tool = _tool(which);
        for (uint256 i = 0; i < count; ++i) {
            uint256[] memory result = _one(which, tool, inputs[i * width:(i + 1) * width]);
            for (uint256 j = 0; j < outWidth; ++j) {
                outputs[i * outWidth + j] = result[j];
            }
        }
    }

    function _outputs(Function which) private pure returns (uint256) {
        if (which == Function.Period) return 6;
        if (which == Function.Slash) return 5;
        return which == Function.Increments || which == Function.StakeRate ? 2 : 1;
    }

    /// @dev The contract that serves all cases of a call, if one does.
    function _tool(Function which) private returns (address) {
        if (which == Function.NextFee) {
            return address(new NetworkFee(address(this), 100, INetworkFee.Parameters(100, 100, 60, 1)));
        }
        if (which == Function.RewardLeaf) {
            IRewardRoots.Parameters memory parameters = IRewardRoots.Parameters(1, 0, 1, 1);
            return address(
                new RewardRoots(
                    address(this), IERC20(address(this)), INodeRegistry(address(this)), address(this), 1, parameters
                )
            );
        }
        if (which == Function.Slash) return address(new CourtHarness());
        if (which == Function.Period || which == Function.FreedBy) return _controller();
        return address(0);
    }

    /// @dev A programme that began long ago, so that every period can be closed at once.
    function _controller() private returns (address) {
        IIncentiveController.Parameters memory parameters = IIncentiveController.Parameters(1, 0, 0.01e18, 0.5e18, 0);
        IERC20 self = IERC20(address(this));
        return address(
            new IncentiveController(
                address(this),
                self,
                IIncentiveVault(address(this)),
                IUtilization(address(this)),
                IRewardRoots(address(this)),
                1,
                1,
                parameters
            )
        );
    }

    function _one(Function which, address tool, uint256[] calldata given) private returns (uint256[] memory result) {
        result = new uint256[](6);
        if (which == Function.Root) {
            result[0] = LockMath.root(given[0], given[1]);
        } else if (which == Function.Increments) {
            (result[0], result[1]) = LockMath.increments(given[0], given[1], given[2], given[3]);
        } else if (which == Function.Logarithm) {
            result[0] = uint256(FixedPointMathLib.lnWad(int256(given[0])));
        } else if (which == Function.Earned) {
            uint256 from = LockMath.mark(given[1], given[2], given[5]);
            result[0] = LockMath.earned(given[0], from, LockMath.mark(given[3], given[4], given[5]));
        } else if (which == Function.Vested) {
            result[0] = VestingMath.vested(_schedule(given), given[6], given[7]);
        } else if (which == Function.IncentiveScheduled) {
            result[0] = VestingMath.incentiveScheduled(given[0], given[1]);
        } else if (which == Function.NextFee) {
            NetworkFee(tool).setParameters(INetworkFee.Parameters(uint32(given[3]), uint32(given[4]), 60, 1));
            (result[0],) = NetworkFee(tool).nextFee(uint32(given[0]), uint128(given[1]), uint128(given[2]));
        } else if (which == Function.Quota) {
            result[0] = _quota(given);
        } else if (which == Function.StakeRate) {
            (result[0], result[1]) = _stakeRate(given);
        } else if (which == Function.RewardLeaf) {
            IRewardRoots.Kind kind = IRewardRoots.Kind(given[0]);
            result[0] = uint256(RewardRoots(tool).leafOf(kind, address(uint160(given[1])), given[2]));
        } else if (which == Function.FreedBy) {
            result[0] = IncentiveController(tool).freedBy(given[0]);
        } else if (which == Function.Slash) {
            _slash(CourtHarness(tool), given, result);
        } else {
            _period(IncentiveController(tool), given, result);
        }
    }

    function _schedule(uint256[] calldata given) private pure returns (Schedule memory) {
        return Schedule({
            allocation: uint96(given[0]),
            upfront: uint96(given[1]),
            start: uint40(given[2]),
            cliffMonths: uint8(given[3]),
            releaseMonths: uint8(given[4]),
            release: given[5] == 0 ? Release.Linear : Release.Monthly
        });
    }

    function _quota(uint256[] calldata given) private returns (uint256) {
        (_netFees, _locked) = (given[0], given[1]);
        return new StrategicIssuance(
                address(this),
                IVestingVault(address(this)),
                INetFees(address(this)),
                ILockedTotal(address(this)),
                uint32(given[2])
            ).quota();
    }

    function _stakeRate(uint256[] calldata given) private returns (uint256, uint256) {
        (_perDollar, _utilization) = (given[1], given[2]);
        INodeRegistry.Parameters memory parameters = INodeRegistry.Parameters({
            computeUsd: 0,
            schedulerUsd: uint64(given[6]),
            verifierUsd: 0,
            factorFloor: uint64(given[3]),
            factorSlope: uint64(given[4]),
            unbondingDelay: 60,
            period: 60,
            maxMoveBps: uint16(given[5])
        });
        NodeRegistry registry = new NodeRegistry(address(this), IERC20(address(this)), parameters, uint96(given[0]));
        registry.setSources(IPriceOracle(address(this)), IIncentive(address(this)));
        registry.recomputeRequirements();
        (uint256 rate,,) = registry.rates();
        return (rate, registry.minimumStake(Role.Scheduler));
    }

    function _slash(CourtHarness court, uint256[] calldata given, uint256[] memory result) private {
        ISlashingCourt.Parameters memory parameters = court.parameters();
        (parameters.bountyBps, parameters.bountyCap) = (uint16(given[4]), uint128(given[5]));
        court.setParameters(parameters);
        (_stableLeft, _price) = (given[2], given[3]);
        (address victim, address accuser) = (court.VICTIM(), court.ACCUSER());
        (_received[victim], _received[accuser], _received[address(this)]) = (0, 0, 0);
        court.settle(1, uint128(given[0]), uint128(given[1]));
        result[0] = given[2] - _stableLeft;
        result[1] = court.shortfallOf(1);
        (result[2], result[3], result[4]) = (_received[victim], _received[accuser], _received[address(this)]);
    }

    /// @dev Period parameters count from the next period on, so this closes one under the old length first.
    function _period(IncentiveController controller, uint256[] calldata given, uint256[] memory result) private {
        controller.setParameters(
            IIncentiveController.Parameters(
                uint32(given[0]), uint64(given[1]), uint64(given[2]), uint64(given[3]), uint64(given[4])
            )
        );
        (_consumed, _available) = (_consumed + uint128(given[5]), _available + uint128(given[6]));
        uint256 withheldBefore = controller.withheld();
        delete _funded;
        controller.closePeriod();
        (result[0], result[1]) = (controller.utilization(), controller.supplyShare());
        result[2] = _funded[uint256(IRewardRoots.Kind.PoC)];
        result[3] = _funded[uint256(IRewardRoots.Kind.PoD)];
        result[4] = _funded[uint256(IRewardRoots.Kind.DemandRebate)];
        result[5] = controller.withheld() - withheldBefore;
    }

    // ------------------------------------------------------------------------- what the contracts talk to

    function canCall(address, address, bytes4) external pure returns (bool, uint32) {
        return (true, 0);
    }

    function approve(address, uint256) external pure returns (bool) {
        return true;
    }

    function token() external view returns (address) {
        return address(this);
    }

    function netFees() external view returns (uint256) {
        return _netFees;
    }

    function totalLocked() external view returns (uint256) {
        return _locked;
    }

    /// @dev By `_price` (USD base units for one VCAI) if there is one, else by `_perDollar`.
    function vcaiFor(uint256 usd) external view returns (uint256) {
        return _price == 0 ? usd * _perDollar / 1e6 : usd * 1e18 / _price;
    }

    function usdFor(uint256 vcai) external view returns (uint256) {
        return vcai * _price / 1e18;
    }

    function compensate(address, uint128 amount) external returns (uint128 paid) {
        paid = amount < _stableLeft ? amount : uint128(_stableLeft);
        _stableLeft -= paid;
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        _received[to] += amount;
        return true;
    }

    /// @dev Enough of a token to be pulled from.
    function transferFrom(address, address to, uint256 amount) external returns (bool) {
        _received[to] += amount;
        return true;
    }

    function balanceOf(address account) external view returns (uint256) {
        return _received[account];
    }

    function stakeToken() external view returns (address) {
        return address(this);
    }

    function utilization() external view returns (uint256) {
        return _utilization;
    }

    function unitsTotal() external view returns (uint128, uint128) {
        return (_consumed, _available);
    }

    function releaseIncentive(address, uint256) external pure {}

    function fund(IRewardRoots.Kind kind, uint256 amount) external {
        _funded[uint256(kind)] += amount;
    }
}
