// SPDX-License-Identifier: Apache-2.0
#include "adapters/chain_evm/revert_texts.hpp"

#include <algorithm>
#include <iterator>

#include "model/node.hpp"

namespace vcity::adapters {
namespace {

struct Sentence {
    std::string_view error;
    std::string_view text;
};

constexpr Sentence kSentences[] = {
    {"AccessManagedUnauthorized(address)", "{0} may not do this: it needs a role that only the DAO gives"},
    {"AccessManagerUnauthorizedAccount(address,uint64)", "{0} may not do this: it needs the role {1:permission}"},
    {"AccessControlUnauthorizedAccount(address,bytes32)", "{0} may not do this: it needs a role of the timelock"},
    {"AccusedIsUnknown(address)", "{0} is not registered, so it cannot be accused"},
    {"AlreadyAccused(uint256,address,bytes32)", "{1} stands accused of this already, in case {0}"},
    {"AlreadyMember(address)", "{0} is in the verifier set already"},
    {"AlreadyRegistered(address)", "{0} is registered already"},
    {"AlreadyVoted(uint256,address)", "{1} has voted on proposal {0} already"},
    {"AmountAboveMaximum(uint256,uint256)", "at most {0:vcai} can be locked, not {1:vcai}"},
    {"AmountBelowMinimum(uint256,uint256)", "at least {0:vcai} must be locked, not {1:vcai}"},
    {"AppealWindowOver(uint256,uint40)", "case {0} could be appealed until {1:time}"},
    {"AppealWindowRunning(uint256,uint40)", "case {0} can be appealed until {1:time}"},
    {"AuthorizationExpired(uint256)", "the signed payment was valid until {0:time}"},
    {"AuthorizationNotYetValid(uint256)", "the signed payment is valid after {0:time}"},
    {"AuthorizationSignerMismatch(address)", "the payment is not signed by {0}"},
    {"AuthorizationUsedOrCanceled(address,bytes32)", "{0} has made or called off the payment {1} already"},
    {"BalanceTooLow(address,uint128,uint128)", "{0} has {1:usd} free in the escrow, {2:usd} are needed"},
    {"BatchFinal(address,uint64,uint40)", "batch {1} of {0} is final since {2:time}: it can no longer be challenged"},
    {"BatchIndexMismatch(uint64,uint64)", "batch {1} cannot be posted: the next one is {0}"},
    {"BatchNotFinal(address,uint64,uint40)", "batch {1} of {0} can still be challenged; it is final at {2:time}"},
    {"BatchUnknown(address,uint64)", "{0} has posted no batch {1}"},
    {"BeforeTge(uint256,uint256)", "the token generation event is at {0:time}; it is {1:time}"},
    {"BondTooLow(address,uint256,uint256)",
     "{0} has a free bond of {1:vcai}, {2:vcai} are needed: deposit a bond first"},
    {"BudgetCommitted(uint8,uint256,uint256)",
     "only {1:vcai} of this kind are not promised by a root, {2:vcai} were asked for"},
    {"BudgetExhausted(uint8,uint256,uint256)", "the budget of this root has {1:vcai} left, {2:vcai} are claimed"},
    {"CapClosed(bytes32)", "spending cap {0} is closed"},
    {"CapExceeded(bytes32,uint128,uint128)", "spending cap {0} has {1:usd} left, {2:usd} are charged"},
    {"CapExpired(bytes32,uint64)", "spending cap {0} expired at {1:time}"},
    {"CapStillOpen(bytes32,uint256)", "spending cap {0} can be released at {1:time}"},
    {"CapTermTooLong(uint64,uint64)", "a spending cap may end at {1:time} at the latest, not at {0:time}"},
    {"CapUnknown(bytes32)", "there is no spending cap {0}"},
    {"CommitteeTooSmall(uint256,uint256,uint256)", "only {1} verifiers can judge case {0}, {2} are needed"},
    {"CreationFeeRose(uint256,uint256)", "creating an agent costs {0:usd}, more than the {1:usd} accepted"},
    {"DevelopmentOnly(uint256)", "this contract is for development networks, not for chain {0}"},
    {"DrawTooEarly(uint256,uint64)", "the committee of case {0} is drawn after block {1}"},
    {"ERC20InsufficientAllowance(address,uint256,uint256)",
     "{0} may take {1} base units, {2} are needed: approve it first"},
    {"ERC20InsufficientBalance(address,uint256,uint256)", "{0} has {1} base units, {2} are needed"},
    {"ERC2612ExpiredSignature(uint256)", "the permit expired at {0:time}"},
    {"ERC721NonexistentToken(uint256)", "there is no token {0}"},
    {"EarnedAboveCharged(uint128,uint128)", "a batch that charges {0:usd} cannot earn {1:usd}"},
    {"EmptyBatch(address,uint64)", "batch {1} of {0} charges nothing"},
    {"EndWeekOutOfRange(uint256,uint256,uint256)", "a lock may end in the weeks {0} to {1}, not in week {2}"},
    {"EpochMismatch(uint8,uint32,uint32)", "the next epoch is {1}, not {2}"},
    {"FeeNotReceived(uint256,uint256)", "fees of {0:usd} are reported, {1:usd} were received"},
    {"FeeOutOfBounds(uint256,uint256,uint256)",
     "the batch leaves {0:usd} as network fee, it must be between {1:usd} and {2:usd}"},
    {"FeePeriodRunning(uint64)", "the network fee changes at {0:time} at the earliest"},
    {"GenesisAlreadyMinted(uint256)", "the genesis supply exists already: {0:vcai}"},
    {"GenesisSumWrong(uint256,uint256)", "the genesis allocations must add up to {0:vcai}, not {1:vcai}"},
    {"IdentityBanned(address)", "{0} was banned by the slashing court"},
    {"IncentiveScheduleExceeded(uint256,uint256)", "the schedule allows {0:vcai} by now, {1:vcai} were asked for"},
    {"InsufficientFunds(address,uint256,uint256)", "the treasury holds {1} base units of {0}, {2} were asked for"},
    {"InvalidAccountNonce(address,uint256)", "the signature is for another nonce: {0} is at {1}"},
    {"InvalidProof(bytes32,bytes32)", "the proof does not lead from {1} to the root {0}"},
    {"LockEnded(address,uint256)", "the lock of {0} ended at {1:time}: withdraw it first"},
    {"LossTooHigh(uint128,uint128)", "a committee can award at most {0:usd}, not {1:usd}"},
    {"ModulePaused(uint64)", "the guardian has paused this module until {0:time}"},
    {"NoLock(address)", "{0} has no lock"},
    {"NoPool()", "there is no pool to take the price of VCAI from"},
    {"NoPrice()", "there is no price of VCAI yet"},
    {"NoQuota(uint256,uint256,uint256)",
     "the protocol has earned {0} issues by revenue and {1} by locks, and {2} were used"},
    {"NoSuchGrant(uint256)", "there is no grant {0}"},
    {"NoWeight(uint256,address)", "{1} had no weight when proposal {0} was opened"},
    {"NonceUsed(address,uint256)", "nonce {1} of {0} was used already"},
    {"NotAMember(address)", "{0} is not in the verifier set"},
    {"NotAVerifier(address)", "{0} is no active verifier"},
    {"NotAnActiveVerifier(address)", "{0} is no active verifier"},
    {"NotHolder(address,address)", "only the guardian's holder {0} may do this, not {1}"},
    {"NotProposer(uint256,address,address)", "only {1}, who made proposal {0}, may do this, not {2}"},
    {"NotRegistered(address)", "{0} is not registered"},
    {"NotTheBeneficiary(uint256,address)", "grant {0} is not of {1}"},
    {"NothingToClaim(address,address)", "{1} has claimed everything that {0} has settled"},
    {"NothingToClaim(uint256,uint256,uint256)", "of token {0} {1:vcai} are unlocked and {2:vcai} were claimed"},
    {"NothingToClaim(uint8,address,uint256,uint256)", "{1} has claimed {2:vcai} of {3:vcai}: nothing is left"},
    {"NothingToRelease(uint256,uint256,uint256)", "of grant {0} {1:vcai} are vested and {2:vcai} were released"},
    {"NothingToWithdraw(address)", "{0} has nothing to withdraw"},
    {"NothingUnbonding(address)", "{0} is not unbonding anything"},
    {"NoticeTooShort(uint256,uint256)", "this may take effect at {0:time} at the earliest, not at {1:time}"},
    {"ParameterOutOfRange(bytes32,uint256,uint256,uint256)", "parameter {0} is out of its bounds: {1}, {2}, {3}"},
    {"PauseCoolingDown(uint64)", "this module can be paused again at {0:time}"},
    {"PauseTooLong(uint64,uint64)", "a pause may last {0:duration} at most, not {1:duration}"},
    {"PeriodRunning(bytes32,uint64)", "the paid period of agreement {0} ends at {1:time}"},
    {"PeriodRunning(uint32,uint256)", "period {0} ends at {1:time}"},
    {"PoolTooThin(uint256,uint256)", "the pool holds {0:usd}, less than {1:usd}: its price is not used"},
    {"PriceIsStale(uint256,uint256)",
     "the price of VCAI is from {0:time}, older than {1:duration}: somebody must call observe"},
    {"PriceTooHigh(uint256,uint256)",
     "the pool offers {0:vcai}, the average price demands {1:vcai}: the price was moved or rises"},
    {"ProposalUnknown(uint256)", "there is no proposal {0}"},
    {"QuorumNotReached(uint256,uint256,uint256)", "case {0} needs {1} signatures, {2} were given"},
    {"QuorumNotReached(uint256,uint256)", "{0} verdicts are needed, {1} were given"},
    {"ReceiptAlreadyVoided(address,uint64,bytes32)", "receipt {2} of batch {1} was voided already"},
    {"RecomputedTooSoon(uint64)", "stake requirements are next recomputed at {0:time}"},
    {"ReserveExceeded(uint256,uint256)", "the reserve has {0:vcai}, {1:vcai} were asked for"},
    {"RootPending(uint8,uint32,uint256)", "the root of epoch {1} goes live at {2:time}"},
    {"SchedulerInactive(address)", "{0} is no active scheduler: unregistered, below its stake, suspended or banned"},
    {"SoldOut(uint256,uint256)", "{0} tokens are left, {1} were asked for"},
    {"StakeBelowMinimum(uint8,uint256,uint128)", "as {0:role} at least {1:vcai} must be staked, not {2:vcai}"},
    {"StakeTooLow(address,uint128,uint128)", "{0} has {1:vcai} at stake, not {2:vcai}"},
    {"StillLocked(address,uint256)", "the lock of {0} ends at {1:time}"},
    {"StillUnbonding(address,uint64)", "what {0} unbonds is free at {1:time}"},
    {"TimelockUnexpectedOperationState(bytes32,bytes32)",
     "the timelock's operation {0} is not in the state for this: too early, done or cancelled"},
    {"TooEarly(uint256)", "this can be done again at {0:time}"},
    {"TooLittleToSpend(uint256,uint256)", "the treasury has {0:usd} for a buyback, at least {1:usd} are needed"},
    {"TrancheExhausted(uint256,uint256,uint256)", "tranche {0} has {1:vcai} left, {2:vcai} were asked for"},
    {"TransferMismatch(uint256,uint256)",
     "{0} base units were to arrive, {1} did: this token takes something of transfers"},
    {"UnbondingHeld(address,uint64)", "{0} stands accused: what it unbonds is held until {1:time}"},
    {"WeightBelowThreshold(address,uint256,uint256)", "{0} needs a weight of {1:weight} to propose and has {2:weight}"},
    {"WithdrawalPending(address,uint64)", "{0} can withdraw at {1:time}"},
    {"WrongScheduler(bytes32,address,address)", "spending cap {0} is for scheduler {1}, not {2}"},
    {"YearlyCapExceeded(uint256,uint256,uint256,uint256)",
     "in {0} at most {1:vcai} may be issued: {2:vcai} were, {3:vcai} were asked for"},
};

// Of src/Roles.sol, from 1 on.
constexpr std::string_view kPermissions[] = {
    "SETTLEMENT",   "PARAMS",        "COURT",     "GUARDIAN",  "NOTIFIER",     "SNAPSHOT",   "BUYBACK",
    "INCENTIVE",    "REWARD_FUNDER", "ISSUANCE",  "REPRICING", "COMPENSATION", "PROSECUTOR", "APPEALS",
    "GENESIS_SALE", "GRANTOR",       "PAYMASTER", "LICENSES",  "FRAUD_PROOFS",
};

}  // namespace

std::string_view sentence_of(std::string_view error) {
    const auto found = std::ranges::find(kSentences, error, &Sentence::error);
    return found == std::end(kSentences) ? std::string_view{} : found->text;
}

std::vector<std::string_view> errors_with_sentences() {
    std::vector<std::string_view> errors;
    for (const Sentence& sentence : kSentences) errors.push_back(sentence.error);
    return errors;
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
