// SPDX-License-Identifier: Apache-2.0
#include "adapters/chain_evm/revert_texts.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include "model/node.hpp"

namespace vcity::adapters {
namespace {

struct Money {
    std::string_view error;
    std::string_view argument;  // empty: each
    Unit unit;
};

constexpr Money kMoney[] = {
    {"BalanceTooLow", "", Unit::kUsd},           {"CapExceeded", "", Unit::kUsd},
    {"EarnedAboveCharged", "", Unit::kUsd},      {"StakeBelowMinimum", "minimum", Unit::kVcai},
    {"StakeBelowMinimum", "given", Unit::kVcai}, {"StakeTooLow", "", Unit::kVcai},
};

struct Sentence {
    std::string_view error;
    std::string_view text;
};

constexpr Sentence kSentences[] = {
    {"AccessManagedUnauthorized", "{caller} may not do this: it needs a role that only the DAO gives"},
    {"AccessManagerUnauthorizedAccount", "{msgsender} may not do this: it needs the role {roleId}"},
    {"AlreadyRegistered", "{identity} is registered already"},
    {"BalanceTooLow", "{client} has {available} free in the escrow, {requested} are needed"},
    {"BatchFinal", "batch {index} of {scheduler} is final since {finalAt}: it can no longer be challenged"},
    {"BatchIndexMismatch", "batch {given} cannot be posted: the next one is {expected}"},
    {"BatchNotFinal", "batch {index} of {scheduler} can still be challenged; it is final at {finalAt}"},
    {"BatchUnknown", "{scheduler} has posted no batch {index}"},
    {"CapExceeded", "cap {capId} has {remaining} left, {requested} are charged"},
    {"CapStillOpen", "cap {capId} can be released at {releasableAt}"},
    {"DevelopmentOnly", "this contract is for development networks, not for chain {chainId}"},
    {"ERC20InsufficientAllowance", "{spender} may take {allowance} base units, {needed} are needed: approve it first"},
    {"ERC20InsufficientBalance", "{sender} has {balance} base units, {needed} are needed"},
    {"ERC2612ExpiredSignature", "the permit expired at {deadline}"},
    {"IdentityBanned", "{identity} was banned by the slashing court"},
    {"InvalidAccountNonce", "the signature is for another nonce: {account} is at {currentNonce}"},
    {"NotRegistered", "{identity} is not registered"},
    {"NothingToClaim", "{node} has claimed everything that {scheduler} has settled"},
    {"NothingToWithdraw", "{client} has asked for no withdrawal"},
    {"SchedulerInactive", "{scheduler} is no active scheduler: unregistered, below its stake, suspended or banned"},
    {"StakeBelowMinimum", "as {role} at least {minimum} must be staked, not {given}"},
    {"StakeTooLow", "{identity} has {stake} at stake, not {requested}"},
    {"StillUnbonding", "what {identity} unbonds is free at {unbondAt}"},
    {"WithdrawalPending", "{client} can withdraw at {availableAt}"},
};

// Of src/Roles.sol, from 1 on.
constexpr std::string_view kPermissions[] = {
    "SETTLEMENT", "PARAMS",    "COURT",         "GUARDIAN", "NOTIFIER",  "SNAPSHOT",
    "BUYBACK",    "INCENTIVE", "REWARD_FUNDER", "ISSUANCE", "REPRICING", "COMPENSATION",
    "PROSECUTOR", "APPEALS",   "GENESIS_SALE",  "GRANTOR",  "PAYMASTER", "LICENSES",
};

}  // namespace

Unit unit_of(std::string_view error, std::string_view argument) {
    for (const Money& row : kMoney) {
        if (row.error == error && (row.argument.empty() || row.argument == argument)) return row.unit;
    }
    return Unit::kUnknown;
}

std::string_view sentence_of(std::string_view error) {
    const auto found = std::ranges::find(kSentences, error, &Sentence::error);
    return found == std::end(kSentences) ? std::string_view{} : found->text;
}

std::string role_name(std::uint64_t role) {
    if (role > static_cast<std::uint64_t>(Role::kVerifier)) return std::to_string(role);
    return std::string{to_string(static_cast<Role>(role))};
}

std::string permission_name(std::uint64_t role_id) {
    if (role_id == 0) return "of the administration";
    if (role_id > std::size(kPermissions)) return std::to_string(role_id);
    return std::string{kPermissions[role_id - 1]};
}

}  // namespace vcity::adapters
