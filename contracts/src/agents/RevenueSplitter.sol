// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IAgentNFT} from "../interfaces/IAgentNFT.sol";
import {IRevenueSplitter} from "../interfaces/IRevenueSplitter.sol";
import {ExactPull} from "../libraries/ExactPull.sol";
import {AgentTill} from "./AgentTill.sol";

/// @dev Conservation: tokens held = `totalOwed` = sum of all `owed`, but for tokens sent here by mistake. No function is
/// pausable, because each only brings people their own money.
contract RevenueSplitter is IRevenueSplitter, AccessManaged {
    using SafeERC20 for IERC20;
    using ExactPull for IERC20;

    uint16 public constant MAX_PLATFORM_BPS = 3_000;
    uint256 private constant BPS = 10_000;

    /// @inheritdoc IRevenueSplitter
    IAgentNFT public immutable nft;
    /// @inheritdoc IRevenueSplitter
    IERC20 public immutable stable;
    /// @notice The code that all tills run.
    AgentTill public immutable tillImplementation;

    Parameters private _parameters;
    /// @inheritdoc IRevenueSplitter
    uint256 public totalOwed;
    /// @inheritdoc IRevenueSplitter
    mapping(address account => uint256) public owed;

    constructor(address authority_, IAgentNFT nft_, Parameters memory parameters_) AccessManaged(authority_) {
        if (address(nft_).code.length == 0) revert TokenIsNotAContract(address(nft_));
        nft = nft_;
        stable = nft_.stable();
        tillImplementation = new AgentTill();
        _setParameters(parameters_);
    }

    /// @inheritdoc IRevenueSplitter
    function pay(uint256 agentId, uint256 amount) external {
        if (amount == 0) revert AmountIsZero(agentId);
        stable.pullExact(msg.sender, amount);
        emit Paid(agentId, msg.sender, amount);
        _share(agentId, amount);
    }

    /// @inheritdoc IRevenueSplitter
    function sweep(uint256 agentId) external returns (uint256 amount) {
        address till = tillOf(agentId);
        amount = stable.balanceOf(till);
        if (amount == 0) return 0;
        _open(agentId, till);
        uint256 balanceBefore = stable.balanceOf(address(this));
        AgentTill(till).release(stable, address(this), amount);
        uint256 received = stable.balanceOf(address(this)) - balanceBefore;
        if (received != amount) revert ExactPull.TransferMismatch(amount, received);
        emit TillSwept(agentId, till, amount);
        _share(agentId, amount);
    }

    /// @inheritdoc IRevenueSplitter
    function rescue(uint256 agentId, IERC20 token) external returns (uint256 amount) {
        address till = tillOf(agentId);
        amount = token == stable ? 0 : token.balanceOf(till);
        if (amount == 0) revert NotARescue(agentId, address(token));
        address holder = nft.ownerOf(agentId);
        _open(agentId, till);
        emit Rescued(agentId, address(token), holder, amount);
        AgentTill(till).release(token, holder, amount);
    }

    /// @inheritdoc IRevenueSplitter
    function withdraw(address account) external returns (uint256 amount) {
        amount = owed[account];
        if (amount == 0) revert NothingToWithdraw(account);
        owed[account] = 0;
        totalOwed -= amount;
        emit Withdrawn(account, amount);
        stable.safeTransfer(account, amount);
    }

    /// @inheritdoc IRevenueSplitter
    function setParameters(Parameters calldata value) external restricted {
        _setParameters(value);
    }

    /// @inheritdoc IRevenueSplitter
    function parameters() external view returns (Parameters memory) {
        return _parameters;
    }

    /// @inheritdoc IRevenueSplitter
    function tillOf(uint256 agentId) public view returns (address) {
        return Clones.predictDeterministicAddress(address(tillImplementation), bytes32(agentId), address(this));
    }

    /// @inheritdoc IRevenueSplitter
    function sharesOf(uint256 agentId, uint256 amount)
        external
        view
        returns (uint256 holderShare, uint256 creatorShare, uint256 platformShare)
    {
        return _sharesOf(amount, nft.agentOf(agentId).creatorBps, _parameters.platformBps);
    }

    /// @dev The money is here already. The platform's share leaves last, after all is written.
    function _share(uint256 agentId, uint256 amount) private {
        address holder = nft.ownerOf(agentId);
        IAgentNFT.Agent memory agent = nft.agentOf(agentId);
        Parameters memory current = _parameters;
        (uint256 holderShare, uint256 creatorShare, uint256 platformShare) =
            _sharesOf(amount, agent.creatorBps, current.platformBps);
        owed[holder] += holderShare;
        owed[agent.developer] += creatorShare;
        totalOwed += holderShare + creatorShare;
        emit RevenueShared(agentId, holder, agent.developer, holderShare, creatorShare, platformShare);
        if (platformShare != 0) stable.safeTransfer(current.treasury, platformShare);
    }

    function _open(uint256 agentId, address till) private {
        if (till.code.length != 0) return;
        emit TillOpened(agentId, till);
        Clones.cloneDeterministic(address(tillImplementation), bytes32(agentId));
    }

    function _setParameters(Parameters memory value) private {
        if (value.treasury == address(0)) revert TreasuryIsZero(value.treasury);
        if (value.platformBps > MAX_PLATFORM_BPS) revert PlatformShareTooHigh(MAX_PLATFORM_BPS, value.platformBps);
        _parameters = value;
        emit ParametersChanged(value);
    }

    /// @dev Creator and platform round down, the holder gets the rest: the three add up to the amount, and the holder's
    /// part is never below 20 %.
    function _sharesOf(uint256 amount, uint256 creatorBps, uint256 platformBps)
        private
        pure
        returns (uint256 holderShare, uint256 creatorShare, uint256 platformShare)
    {
        creatorShare = amount * creatorBps / BPS;
        platformShare = amount * platformBps / BPS;
        holderShare = amount - creatorShare - platformShare;
    }
}
