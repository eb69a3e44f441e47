// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IAgentNFT} from "./IAgentNFT.sol";

/// @title Shares the revenue of agents among holder, creator and platform
/// @notice Every agent has a till: an address that anybody, Settlement among them, can pay with a plain transfer, even
/// before it has code. What is swept or paid is shared at once; each share is taken by its owner when it likes.
///
/// | parameter | bounds | who |
/// | --- | --- | --- |
/// | treasury | not zero | DAO |
/// | platformBps | at most 3,000 | DAO |
interface IRevenueSplitter {
    struct Parameters {
        address treasury;
        uint16 platformBps;
    }

    /// @notice `holderShare + creatorShare + platformShare` is the payment, to the unit.
    event RevenueShared(
        uint256 indexed agentId,
        address indexed holder,
        address indexed creator,
        uint256 holderShare,
        uint256 creatorShare,
        uint256 platformShare
    );
    event TillOpened(uint256 indexed agentId, address indexed till);
    event TillSwept(uint256 indexed agentId, address indexed till, uint256 amount);
    event Paid(uint256 indexed agentId, address indexed payer, uint256 amount);
    event Withdrawn(address indexed account, uint256 amount);
    event Rescued(uint256 indexed agentId, address indexed token, address indexed holder, uint256 amount);
    event ParametersChanged(Parameters parameters);

    error TokenIsNotAContract(address token);
    error TreasuryIsZero(address treasury);
    error PlatformShareTooHigh(uint16 maximum, uint16 given);
    error AmountIsZero(uint256 agentId);
    error NothingToWithdraw(address account);
    error NotARescue(uint256 agentId, address token);

    /// @notice Pulls `amount` of the stablecoin from the sender and shares it out. Anyone may pay.
    function pay(uint256 agentId, uint256 amount) external;

    /// @notice Brings in what lies in the agent's till and shares it out with the holder of this moment. Anyone may call;
    /// an empty till gives 0.
    function sweep(uint256 agentId) external returns (uint256 amount);

    /// @notice Sends another token than the stablecoin, paid into the till by mistake, to the holder. Anyone may call.
    function rescue(uint256 agentId, IERC20 token) external returns (uint256 amount);

    /// @notice Pays out all that `account` has earned, to `account`. Anyone may call.
    function withdraw(address account) external returns (uint256 amount);

    /// @notice Replaces all parameters. Restricted to the DAO.
    function setParameters(Parameters calldata value) external;

    /// @notice The agent's till; the address holds for ever, also before anything is deployed there.
    function tillOf(uint256 agentId) external view returns (address);

    /// @notice What waits for `account`, in stablecoin base units.
    function owed(address account) external view returns (uint256);

    /// @notice The sum of what waits for all accounts.
    function totalOwed() external view returns (uint256);

    /// @notice How a payment of `amount` would be shared now.
    function sharesOf(uint256 agentId, uint256 amount)
        external
        view
        returns (uint256 holderShare, uint256 creatorShare, uint256 platformShare);

    function parameters() external view returns (Parameters memory);

    function nft() external view returns (IAgentNFT);

    function stable() external view returns (IERC20);
}
