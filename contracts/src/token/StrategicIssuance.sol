// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {ILockedTotal, INetFees, IStrategicIssuance} from "../interfaces/IStrategicIssuance.sol";
import {IVCAIToken} from "../interfaces/IVCAIToken.sol";
import {IVestingVault, PartnerGrant, PartnerTerms} from "../interfaces/IVestingVault.sol";

/// @dev Needs the roles ISSUANCE (to mint) and GRANTOR (to open the partners' tranche). A successor goes on counting from
/// `executedBefore`, so that replacing this contract, or the treasury or the escrow it reads, gives no quota twice.
contract StrategicIssuance is IStrategicIssuance, AccessManaged {
    using SafeERC20 for IERC20;

    /// @notice Net fees of one revenue step: 2,000,000 USD in base units of the stablecoin.
    uint256 public constant REVENUE_STEP = 2_000_000e6;
    /// @notice VCAI locked in one commitment step, wei.
    uint256 public constant LOCK_STEP = 500_000_000e18;

    IVCAIToken public immutable token;
    IVestingVault public immutable vault;
    INetFees public immutable treasury;
    ILockedTotal public immutable ve;

    uint256 private _executed;

    /// @param executedBefore Issues executed by predecessors of this contract.
    constructor(address authority_, IVestingVault vault_, INetFees treasury_, ILockedTotal ve_, uint32 executedBefore)
        AccessManaged(authority_)
    {
        _requireContract(address(vault_));
        _requireContract(address(treasury_));
        _requireContract(address(ve_));
        vault = vault_;
        token = IVCAIToken(address(vault_.token()));
        treasury = treasury_;
        ve = ve_;
        _executed = executedBefore;
    }

    /// @inheritdoc IStrategicIssuance
    function issue(bytes32 label, string calldata purpose, PartnerTerms calldata terms, PartnerGrant[] calldata grants)
        external
        restricted
        returns (uint16 tranche)
    {
        (uint256 revenueSteps, uint256 lockSteps, uint256 executed) = steps();
        if (quota() == 0) revert NoQuota(revenueSteps, lockSteps, executed);
        if (bytes(purpose).length == 0) revert PurposeMissing(label);
        _executed = executed + 1;
        uint256 amount = 0;
        for (uint256 i = 0; i < grants.length; ++i) {
            amount += grants[i].amount;
        }
        token.mint(address(this), amount);
        IERC20(token).forceApprove(address(vault), amount);
        tranche = vault.openPartnerTranche(label, terms, grants);
        emit StrategicIssue(executed + 1, tranche, label, amount, purpose);
    }

    /// @inheritdoc IStrategicIssuance
    function quota() public view returns (uint256) {
        (uint256 revenueSteps, uint256 lockSteps, uint256 executed) = steps();
        return FixedPointMathLib.zeroFloorSub(FixedPointMathLib.min(revenueSteps, lockSteps), executed);
    }

    /// @inheritdoc IStrategicIssuance
    function steps() public view returns (uint256 revenueSteps, uint256 lockSteps, uint256 executed) {
        return (treasury.netFees() / REVENUE_STEP, ve.totalLocked() / LOCK_STEP, _executed);
    }

    function _requireContract(address given) private view {
        if (given.code.length == 0) revert NotAContract(given);
    }
}
