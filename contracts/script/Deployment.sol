// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {DevStable} from "../src/token/DevStable.sol";
import {Escrow} from "../src/settlement/Escrow.sol";
import {NodeRegistry} from "../src/network/NodeRegistry.sol";
import {NetworkFee} from "../src/settlement/NetworkFee.sol";
import {Settlement} from "../src/settlement/Settlement.sol";
import {Treasury} from "../src/treasury/Treasury.sol";
import {IEscrow} from "../src/interfaces/IEscrow.sol";
import {IFeeTreasury} from "../src/interfaces/IFeeTreasury.sol";
import {INetworkFee} from "../src/interfaces/INetworkFee.sol";
import {INodeRegistry} from "../src/interfaces/INodeRegistry.sol";
import {ITreasury} from "../src/interfaces/ITreasury.sol";
import {ISettlement} from "../src/interfaces/ISettlement.sol";

/// @title How the contracts are created and wired; used by the deploy script and by every test
/// @dev Outside Foundry the same steps follow from deployments/wiring.json.
library Deployment {
    /// @notice May take charges, give credits and slash: held by the Settlement contract alone.
    uint64 internal constant SETTLEMENT_ROLE = 1;
    /// @notice May change parameters: the administrator until there is a DAO.
    uint64 internal constant PARAMS_ROLE = 2;

    /// @notice While the stake is in the stablecoin, one base unit of it for each base unit of the base.
    uint96 internal constant STAKE_PER_USD = 1e6;

    struct Contracts {
        AccessManager accessManager;
        IERC20 stable;
        NodeRegistry registry;
        Escrow escrow;
        Treasury treasury;
        NetworkFee networkFee;
        Settlement settlement;
    }

    /// @param admin Holds every right of the access manager; must be the account that calls `deploy`.
    /// @param stable Address zero deploys a DevStable.
    function deploy(
        address admin,
        IERC20 stable,
        INodeRegistry.Parameters memory registryParameters,
        IEscrow.Parameters memory escrowParameters,
        ISettlement.Parameters memory settlementParameters
    ) internal returns (Contracts memory made) {
        made.accessManager = new AccessManager(admin);
        made.stable = address(stable) == address(0) ? IERC20(address(new DevStable())) : stable;
        address authority = address(made.accessManager);
        made.registry = new NodeRegistry(authority, made.stable, registryParameters, STAKE_PER_USD);
        made.escrow = new Escrow(authority, made.stable, escrowParameters);
        made.treasury = new Treasury(authority, made.stable, ITreasury.Parameters(0));
        made.networkFee = new NetworkFee(authority, 50_000, defaultFeeParameters());
        settlementParameters.treasury = IFeeTreasury(address(made.treasury));
        made.settlement =
            new Settlement(authority, made.escrow, made.registry, made.networkFee, settlementParameters);
        _wire(made, admin);
    }

    function defaultRegistryParameters() internal pure returns (INodeRegistry.Parameters memory) {
        return INodeRegistry.Parameters({
            computeUsd: 100e6,
            schedulerUsd: 1_000e6,
            verifierUsd: 100e6,
            factorFloor: 0.5e18,
            factorSlope: 1e18,
            unbondingDelay: 7 days,
            period: 7 days,
            maxMoveBps: 2_500
        });
    }

    function defaultEscrowParameters() internal pure returns (IEscrow.Parameters memory) {
        return IEscrow.Parameters({withdrawDelay: 1 hours, capGrace: 1 days});
    }

    function defaultFeeParameters() internal pure returns (INetworkFee.Parameters memory) {
        return INetworkFee.Parameters({
            minimumPpm: 10_000, maximumPpm: 100_000, feePeriod: 1 days, unitsMaximum: 1_000_000_000_000
        });
    }

    /// @dev `deploy` fills in the treasury.
    function defaultSettlementParameters() internal pure returns (ISettlement.Parameters memory) {
        return ISettlement.Parameters({treasury: IFeeTreasury(address(0)), challengeWindow: 1 hours});
    }

    function _wire(Contracts memory made, address admin) private {
        AccessManager manager = made.accessManager;
        bytes4[] memory selectors = new bytes4[](2);
        selectors[0] = IEscrow.charge.selector;
        selectors[1] = IEscrow.credit.selector;
        manager.setTargetFunctionRole(address(made.escrow), selectors, SETTLEMENT_ROLE);
        selectors = new bytes4[](1);
        selectors[0] = ITreasury.onFee.selector;
        manager.setTargetFunctionRole(address(made.treasury), selectors, SETTLEMENT_ROLE);
        selectors[0] = INetworkFee.count.selector;
        manager.setTargetFunctionRole(address(made.networkFee), selectors, SETTLEMENT_ROLE);
        selectors[0] = INodeRegistry.setParameters.selector;
        manager.setTargetFunctionRole(address(made.registry), selectors, PARAMS_ROLE);
        selectors[0] = IEscrow.setParameters.selector;
        manager.setTargetFunctionRole(address(made.escrow), selectors, PARAMS_ROLE);
        selectors[0] = ISettlement.setParameters.selector;
        manager.setTargetFunctionRole(address(made.settlement), selectors, PARAMS_ROLE);
        manager.grantRole(SETTLEMENT_ROLE, address(made.settlement), 0);
        manager.grantRole(PARAMS_ROLE, admin, 0);
    }
}
