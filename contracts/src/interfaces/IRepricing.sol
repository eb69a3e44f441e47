// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Protocol repricing (white paper 3.7.3): a split of the token, neutral in value
/// @notice Changes for every holder at once how many VCAI a wallet shows for the same share. Raw balances, locks, votes,
/// vesting, stakes, claims and quotas are untouched, nothing is minted and no quota is used.
/// @dev Works through the token's UI multiplier alone (ERC-8056).
interface IRepricing {
    /// @notice One token becomes `numerator` / `denominator` tokens, as shown, from `effectiveAt` on.
    event Repriced(
        uint256 numerator, uint256 denominator, uint256 oldMultiplier, uint256 newMultiplier, uint256 effectiveAt
    );
    /// @notice A split that was still pending will not happen.
    event RepricingCancelled(uint256 multiplier, uint256 cancelledMultiplier);

    error NotAContract(address given);
    error NoticeOutOfRange(uint256 maximum, uint256 given);
    error RatioOutOfRange(uint256 maximum, uint256 numerator, uint256 denominator);
    error NothingChanges(uint256 numerator, uint256 denominator);
    error SplitIsNotExact(uint256 multiplier, uint256 numerator, uint256 denominator);
    error NoticeTooShort(uint256 earliest, uint256 effectiveAt);
    error ChangePending(uint256 effectiveAt);
    error NoChangePending(uint256 effectiveAt);

    /// @notice Decides a split: `numerator` new units for `denominator` old ones, both from 1 to 1000, without rounding.
    /// Restricted to the role PARAMS (DAO). Refused while another split is pending.
    /// @param effectiveAt Unix second, at least `minimumNotice` ahead, so that exchanges and wallets can prepare.
    function reprice(uint256 numerator, uint256 denominator, uint256 effectiveAt) external;

    /// @notice Calls a pending split off. Restricted to the role PARAMS (DAO).
    function cancel() external;

    /// @notice Seconds between decision and effect, at least; fixed at deployment.
    function minimumNotice() external view returns (uint64);
}
