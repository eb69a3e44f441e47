// SPDX-License-Identifier: Apache-2.0
#include "adapters/chain_evm/upkeep.hpp"

#include <algorithm>
#include <utility>

#include "contracts/agent_nft.hpp"
#include "contracts/agreements.hpp"
#include "contracts/buyback_executor.hpp"
#include "contracts/incentive_controller.hpp"
#include "contracts/network_fee.hpp"
#include "contracts/node_registry.hpp"
#include "contracts/revenue_splitter.hpp"
#include "contracts/slashing_court.hpp"
#include "contracts/twap_oracle.hpp"
#include "contracts/vcai_governor.hpp"
#include "contracts/vcai_token.hpp"

namespace vcity::adapters {
namespace {

constexpr std::uint64_t kBlocksPerRequest = 5'000;
// Read again, since the newest blocks may have been replaced.
constexpr std::uint64_t kBlocksOverlap = 64;
constexpr std::size_t kSubjectsPerLook = 64;
constexpr std::size_t kDutiesPerLook = 16;

enum class AgreementKind : std::uint8_t { kTask, kSubscription, kReserved, kSpot };
enum class AgreementStatus : std::uint8_t { kNone, kActive, kDelivered, kDisputed, kEnded, kRevoked };
enum class CaseState : std::uint8_t {
    kNone,
    kOpen,
    kRejected,
    kLapsed,
    kRuled,
    kAppealed,
    kExecuted,
    kOverturned,
};
enum class ProposalState : std::uint8_t {
    kDiscussion,
    kOpenable,
    kVoting,
    kSucceeded,
    kQueued,
    kExecutable,
    kExecuted,
    kDefeated,
    kExpired,
    kCancelled,
};

Uint256 number_of(const Hash& subject) {
    return from_bytes(subject.as<U256>());
}
Hash subject_of(const Uint256& number) {
    return to_bytes(number).as<Hash>();
}

std::string_view contract_of(DutyKind kind) {
    switch (kind) {
        case DutyKind::kObserveOracle: return "TwapOracle";
        case DutyKind::kBuyBack: return "BuybackExecutor";
        case DutyKind::kClosePeriod: return "IncentiveController";
        case DutyKind::kRecomputeStake: return "NodeRegistry";
        case DutyKind::kUpdateFee: return "NetworkFee";
        case DutyKind::kRenewSubscription: return "Agreements";
        case DutyKind::kSettleAgreement: return "Agreements";
        case DutyKind::kSweepAgent: return "RevenueSplitter";
        case DutyKind::kMoveCase: return "SlashingCourt";
        case DutyKind::kMoveProposal: return "VCAIGovernor";
    }
    return "";
}

Bytes case_call(const Duty& duty) {
    namespace court = contracts::slashing_court;
    const Uint256 id = number_of(duty.subject);
    if (duty.step == "seat_committee") return court::encode_seat_committee(id);
    if (duty.step == "next_round") return court::encode_next_round(id);
    if (duty.step == "pay_shortfall") return court::encode_pay_shortfall(id);
    return court::encode_execute(id);
}

Bytes proposal_call(const Duty& duty) {
    namespace governor = contracts::vcai_governor;
    const Uint256 id = number_of(duty.subject);
    if (duty.step == "open_vote") return governor::encode_open_vote(id);
    if (duty.step == "queue") return governor::encode_queue(id);
    return governor::encode_execute(id);
}

Bytes call_of(const Duty& duty) {
    switch (duty.kind) {
        case DutyKind::kObserveOracle: return contracts::twap_oracle::encode_observe();
        case DutyKind::kBuyBack: return contracts::buyback_executor::encode_buy();
        case DutyKind::kClosePeriod: return contracts::incentive_controller::encode_close_period();
        case DutyKind::kRecomputeStake: return contracts::node_registry::encode_recompute_requirements();
        case DutyKind::kUpdateFee: return contracts::network_fee::encode_update();
        case DutyKind::kRenewSubscription: return contracts::agreements::encode_renew(duty.subject);
        case DutyKind::kSettleAgreement: return contracts::agreements::encode_settle(duty.subject);
        case DutyKind::kSweepAgent: return contracts::revenue_splitter::encode_sweep(number_of(duty.subject));
        case DutyKind::kMoveCase: return case_call(duty);
        case DutyKind::kMoveProposal: return proposal_call(duty);
    }
    return {};
}

// Kinds that concern the network as a whole.
bool is_single(DutyKind kind) {
    switch (kind) {
        case DutyKind::kObserveOracle:
        case DutyKind::kBuyBack:
        case DutyKind::kClosePeriod:
        case DutyKind::kRecomputeStake:
        case DutyKind::kUpdateFee: return true;
        case DutyKind::kRenewSubscription:
        case DutyKind::kSettleAgreement:
        case DutyKind::kSweepAgent:
        case DutyKind::kMoveCase:
        case DutyKind::kMoveProposal: return false;
    }
    return false;
}

Duty make_duty(DutyKind kind, std::string step, const Hash& subject) {
    Duty duty;
    duty.kind = kind;
    duty.step = std::move(step);
    duty.subject = subject;
    return duty;
}

}  // namespace

std::vector<DutyKind> EvmUpkeep::kinds() const {
    std::vector<DutyKind> kinds;
    std::copy_if(kAllDuties.begin(), kAllDuties.end(), std::back_inserter(kinds),
                 [this](DutyKind kind) { return deployment_.find(contract_of(kind)).has_value(); });
    return kinds;
}

Task<Result<Bytes>> EvmUpkeep::ask(std::string contract, Bytes data) {
    const std::optional<Address> address = deployment_.find(contract);
    if (!address) co_return make_error(Errc::kNotFound, "this deployment has no contract " + contract);
    EvmCall call;
    call.to = *address;
    call.data = std::move(data);
    co_return co_await rpc_->call(std::move(call));
}

Task<Result<std::uint64_t>> EvmUpkeep::block_time() {
    CO_TRY(const EvmBlock block, co_await rpc_->latest_block());
    co_return block.head.timestamp;
}

Task<Result<bool>> EvmUpkeep::would_succeed(Duty duty) {
    EvmCall call;
    call.from = sender_->account();
    call.to = deployment_.find(contract_of(duty.kind));
    call.data = call_of(duty);
    const Result<Bytes> answer = co_await rpc_->call(std::move(call));
    if (answer) co_return true;
    if (answer.error().code == Errc::kConflict) co_return false;
    co_return answer.error();
}

Task<Result<DutyOutcome>> EvmUpkeep::perform(Duty duty) {
    EvmCall call;
    call.to = deployment_.find(contract_of(duty.kind));
    call.data = call_of(duty);
    const Result<EvmReceipt> receipt = co_await sender_->execute(std::move(call));
    if (receipt) co_return DutyOutcome::kDone;
    if (receipt.error().code == Errc::kConflict) co_return DutyOutcome::kBeaten;
    co_return receipt.error();
}

Task<Result<DutyList>> EvmUpkeep::look(DutyKind kind) {
    DutyList list;
    if (is_single(kind)) {
        Duty duty = make_duty(kind, "", Hash{});
        CO_TRY(const bool is_due, co_await would_succeed(duty));
        if (is_due) list.due.push_back(std::move(duty));
        co_return list;
    }
    Subjects* subjects = &subjects_[kind];
    CO_TRY_OK(co_await read_subjects(kind, subjects));
    // Those after the last one looked at, then from the start: in the end each has its turn.
    std::vector<Hash> some(subjects->open.upper_bound(subjects->last_looked), subjects->open.end());
    some.insert(some.end(), subjects->open.begin(), subjects->open.upper_bound(subjects->last_looked));
    some.resize(std::min(some.size(), kSubjectsPerLook));
    for (const Hash subject : some) {
        if (list.due.size() >= kDutiesPerLook) break;
        CO_TRY(Step step, co_await next_step(kind, subject));
        subjects->last_looked = subject;
        if (step.is_settled) {
            subjects->open.erase(subject);
            subjects->done.insert(subject);
        }
        if (step.name.empty()) continue;
        Duty duty = make_duty(kind, std::move(step.name), subject);
        CO_TRY(const bool is_due, co_await would_succeed(duty));
        if (is_due) list.due.push_back(std::move(duty));
    }
    co_return list;
}

Task<Result<void>> EvmUpkeep::read_subjects(DutyKind kind, Subjects* subjects) {
    if (kind == DutyKind::kMoveCase) {
        co_return co_await read_cases(subjects);
    }
    if (kind == DutyKind::kMoveProposal) {
        const Hash topic = contracts::vcai_governor::proposed_topic();
        co_return co_await read_events("VCAIGovernor", topic, subjects);
    }
    if (kind == DutyKind::kSweepAgent) {
        const Hash topic = contracts::agent_nft::agent_minted_topic();
        co_return co_await read_events("AgentNFT", topic, subjects);
    }
    const Hash topic = contracts::agreements::agreement_opened_topic();
    co_return co_await read_events("Agreements", topic, subjects);
}

// The first indexed argument of these events is what they are about.
Task<Result<void>> EvmUpkeep::read_events(std::string contract, Hash topic, Subjects* subjects) {
    const std::optional<Address> address = deployment_.find(contract);
    if (!address) co_return Result<void>{};
    CO_TRY(const EvmBlock head, co_await rpc_->latest_block());
    std::uint64_t from = std::max(subjects->next_block, deployment_.block);
    from -= std::min(from - deployment_.block, kBlocksOverlap);
    while (from <= head.head.number) {
        const std::uint64_t to = std::min(head.head.number, from + kBlocksPerRequest - 1);
        std::vector<Address> addresses(1, *address);
        CO_TRY(const std::vector<EvmLog> logs, co_await rpc_->logs(std::move(addresses), from, to));
        for (const EvmLog& log : logs) {
            const bool is_ours = log.topics.size() > 1 && log.topics.front() == topic;
            if (is_ours && !subjects->done.contains(log.topics[1])) subjects->open.insert(log.topics[1]);
        }
        from = to + 1;
        subjects->next_block = from;
    }
    co_return Result<void>{};
}

Task<Result<void>> EvmUpkeep::read_cases(Subjects* subjects) {
    namespace court = contracts::slashing_court;
    CO_TRY(const Bytes answer, co_await ask("SlashingCourt", court::encode_case_count()));
    CO_TRY(const Uint256 count, court::decode_case_count(answer));
    CO_TRY(const std::uint64_t last, to_u64(count));
    for (std::uint64_t id = subjects->next_block + 1; id <= last; ++id) subjects->open.insert(subject_of(Uint256{id}));
    subjects->next_block = std::max(subjects->next_block, last);
    co_return Result<void>{};
}

Task<Result<EvmUpkeep::Step>> EvmUpkeep::next_step(DutyKind kind, Hash subject) {
    if (kind == DutyKind::kMoveCase) {
        co_return co_await next_step_of_case(subject);
    }
    if (kind == DutyKind::kMoveProposal) {
        co_return co_await next_step_of_proposal(subject);
    }
    if (kind == DutyKind::kSweepAgent) {
        co_return co_await next_step_of_agent(subject);
    }
    co_return co_await next_step_of_agreement(kind, subject);
}

Task<Result<EvmUpkeep::Step>> EvmUpkeep::next_step_of_agreement(DutyKind kind, Hash subject) {
    namespace agreements = contracts::agreements;
    CO_TRY(const Bytes answer, co_await ask("Agreements", agreements::encode_agreement_of(subject)));
    CO_TRY(const agreements::State state, agreements::decode_agreement_of(answer));
    CO_TRY(const std::uint64_t now, co_await block_time());
    Step step;
    const auto status = static_cast<AgreementStatus>(state.status);
    const bool is_over = status == AgreementStatus::kEnded || status == AgreementStatus::kRevoked;
    const bool is_subscription = static_cast<AgreementKind>(state.kind) == AgreementKind::kSubscription;
    if (kind == DutyKind::kRenewSubscription) {
        step.is_settled = is_over || !is_subscription || state.periods_left == 0;
        if (!step.is_settled && state.end <= now) step.name = "renew";
        co_return step;
    }
    step.is_settled = is_over;
    // A subscription that can still be renewed is settled by its renewal.
    const bool waits_for_renewal = is_subscription && state.periods_left > 0;
    const std::uint64_t falls_due = std::max(state.end, state.waits_until);
    if (!is_over && !waits_for_renewal && falls_due <= now) step.name = "settle";
    co_return step;
}

Task<Result<EvmUpkeep::Step>> EvmUpkeep::next_step_of_case(Hash subject) {
    namespace court = contracts::slashing_court;
    const Uint256 id = number_of(subject);
    CO_TRY(const Bytes answer, co_await ask("SlashingCourt", court::encode_case_of(id)));
    CO_TRY(const court::Case one, court::decode_case_of(answer));
    CO_TRY(const std::uint64_t now, co_await block_time());
    Step step;
    switch (static_cast<CaseState>(one.state)) {
        case CaseState::kOpen: {
            CO_TRY(const Bytes seats, co_await ask("SlashingCourt", court::encode_committee_of(id)));
            CO_TRY(const std::vector<Address> committee, court::decode_committee_of(seats));
            if (now >= one.deadline) step.name = "next_round";
            if (now < one.deadline && committee.empty()) step.name = "seat_committee";
            break;
        }
        case CaseState::kRuled:
        case CaseState::kAppealed: step.name = "execute"; break;
        case CaseState::kExecuted: {
            CO_TRY(const Bytes owed, co_await ask("SlashingCourt", court::encode_shortfall_of(id)));
            CO_TRY(const U128 shortfall, court::decode_shortfall_of(owed));
            if (shortfall > 0) step.name = "pay_shortfall";
            step.is_settled = shortfall == 0;
            break;
        }
        case CaseState::kNone:
        case CaseState::kRejected:
        case CaseState::kLapsed:
        case CaseState::kOverturned: step.is_settled = true; break;
    }
    co_return step;
}

Task<Result<EvmUpkeep::Step>> EvmUpkeep::next_step_of_proposal(Hash subject) {
    namespace governor = contracts::vcai_governor;
    CO_TRY(const Bytes answer, co_await ask("VCAIGovernor", governor::encode_state(number_of(subject))));
    CO_TRY(const std::uint8_t state, governor::decode_state(answer));
    Step step;
    switch (static_cast<ProposalState>(state)) {
        case ProposalState::kOpenable: step.name = "open_vote"; break;
        case ProposalState::kSucceeded: step.name = "queue"; break;
        case ProposalState::kExecutable: step.name = "execute"; break;
        case ProposalState::kDiscussion:
        case ProposalState::kVoting:
        case ProposalState::kQueued: break;
        case ProposalState::kExecuted:
        case ProposalState::kDefeated:
        case ProposalState::kExpired:
        case ProposalState::kCancelled: step.is_settled = true; break;
    }
    co_return step;
}

Task<Result<EvmUpkeep::Step>> EvmUpkeep::next_step_of_agent(Hash subject) {
    namespace splitter = contracts::revenue_splitter;
    namespace token = contracts::vcai_token;
    CO_TRY(const Bytes answer, co_await ask("RevenueSplitter", splitter::encode_till_of(number_of(subject))));
    CO_TRY(const Address till, splitter::decode_till_of(answer));
    EvmCall call;
    call.to = deployment_.stable;
    call.data = token::encode_balance_of(till);
    CO_TRY(const Bytes held, co_await rpc_->call(std::move(call)));
    CO_TRY(const Uint256 balance, token::decode_balance_of(held));
    Step step;
    if (!balance.is_zero()) step.name = "sweep";
    co_return step;
}

}  // namespace vcity::adapters
