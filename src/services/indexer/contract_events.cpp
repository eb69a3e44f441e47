// SPDX-License-Identifier: Apache-2.0
#include "services/indexer/contract_events.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "codec/hex.hpp"
#include "codec/integer.hpp"
#include "services/indexer/apply.hpp"

namespace vcity::indexer {
namespace {

using Apply = Task<Result<void>> (*)(Draft*, const ContractEvent*);

// T_max of contracts/src/governance/VeVCAI.sol.
constexpr std::uint64_t kLockSecondsMax = 126'230'400;
// Steps of one case that its record keeps.
constexpr std::size_t kStepsMax = 64;
// Of one parameter in a row of events; the whole is in the record that it makes.
constexpr std::size_t kTextMax = 1024;

std::string text_of(const ContractEvent& event, std::string_view name) {
    const auto found = std::ranges::find(event.values, name, &std::pair<std::string, std::string>::first);
    return found == event.values.end() ? std::string{} : found->second;
}

// Numbers that only a person counts with: one beyond 64 bits is the largest.
std::uint64_t number_in(std::string_view text) {
    return codec::parse_decimal(text).value_or(text.empty() ? 0 : UINT64_MAX);
}

// Decimal base units as amounts with 18 decimals. One beyond 128 bits is the largest.
Vcai wei_in(std::string_view text) {
    Vcai sum;
    for (const char digit : text) {
        const auto value = static_cast<unsigned>(digit - '0');
        if (value > 9 || sum.wei > (~U128{0} - value) / 10) return Vcai{~U128{0}};
        sum.wei = sum.wei * 10 + value;
    }
    return sum;
}

Vcai amount_in(const codec::Json& record, std::string_view name) {
    const codec::Json* value = record.find(name);
    const std::string* text = value != nullptr ? value->get_string() : nullptr;
    return text != nullptr ? parse_vcai(*text).value_or(Vcai{}) : Vcai{};
}

// The parts of a struct, which come as a JSON array of texts.
std::vector<std::string> parts_of(const std::string& text) {
    const Result<codec::Json> json = codec::parse_json(text);
    std::vector<std::string> parts;
    if (!json || json->get_array() == nullptr) return parts;
    for (const codec::Json& part : *json->get_array()) {
        parts.push_back(part.get_string() != nullptr ? *part.get_string() : codec::dump_json(part));
    }
    return parts;
}

std::string address_key(std::string_view prefix, const std::string& address) {
    return std::string{prefix} + address.substr(std::min<std::size_t>(2, address.size()));
}

Task<Result<void>> add_to_totals(Draft* draft, std::string_view name, Vcai less, Vcai more) {
    const std::string key{kTotalsKey};
    CO_TRY(codec::Json totals, co_await draft->get(key));
    CO_TRY(const Vcai sum, add(amount_in(totals, name), more));
    CO_TRY(const Vcai rest, subtract(sum, less));
    totals.set(std::string{name}, to_string(rest));
    draft->put(key, std::move(totals));
    co_return Result<void>{};
}

// --- locks

Task<Result<void>> set_lock(Draft* draft, std::string user, Vcai amount, Vcai root, std::uint64_t until) {
    const std::string key = address_key(kLockPrefix, user);
    CO_TRY(codec::Json lock, co_await draft->get(key));
    const Vcai before = amount_in(lock, "amount");
    lock.set("address", user);
    lock.set("amount", to_string(amount));
    lock.set("root", to_string(root));
    lock.set("unlocks_at", until);
    draft->put(key, std::move(lock));
    co_return co_await add_to_totals(draft, "vcai_locked", before, amount);
}

Task<Result<void>> on_locked(Draft* draft, const ContractEvent* what) {
    std::string user = text_of(*what, "user");
    const Vcai amount = wei_in(text_of(*what, "amount"));
    const Vcai root = wei_in(text_of(*what, "root"));
    const std::uint64_t until = number_in(text_of(*what, "unlockTime"));
    co_return co_await set_lock(draft, std::move(user), amount, root, until);
}

Task<Result<void>> on_lock_withdrawn(Draft* draft, const ContractEvent* what) {
    std::string user = text_of(*what, "user");
    const Vcai nothing;
    co_return co_await set_lock(draft, std::move(user), nothing, nothing, 0);
}

Task<Result<void>> on_lock_claimed(Draft* draft, const ContractEvent* what) {
    const std::string user = text_of(*what, "user");
    const std::string key = address_key(kLockPrefix, user);
    CO_TRY(codec::Json lock, co_await draft->get(key));
    lock.set("address", user);
    CO_TRY(const Vcai claimed, add(amount_in(lock, "claimed"), wei_in(text_of(*what, "amount"))));
    lock.set("claimed", to_string(claimed));
    draft->put(key, std::move(lock));
    co_return Result<void>{};
}

// --- proposals

codec::Json calls_json(const std::string& text) {
    const Result<codec::Json> calls = codec::parse_json(text);
    codec::JsonArray list;
    if (!calls || calls->get_array() == nullptr) return list;
    for (const codec::Json& call : *calls->get_array()) {
        const codec::JsonArray* parts = call.get_array();
        if (parts == nullptr || parts->size() != 3) continue;
        list.emplace_back(codec::JsonObject{{"target", (*parts)[0]}, {"value", (*parts)[1]}, {"data", (*parts)[2]}});
    }
    return list;
}

Task<Result<void>> on_proposed(Draft* draft, const ContractEvent* what) {
    const std::string id = text_of(*what, "id");
    const std::string parameters_key = std::string{kParametersPrefix} + what->contract;
    CO_TRY(const codec::Json parameters, co_await draft->get(parameters_key));
    const codec::Json* values = parameters.find("values");
    const std::vector<std::string> windows =
        values != nullptr ? parts_of(codec::dump_json(*values)) : std::vector<std::string>{};
    const auto window = [&windows](std::size_t at) { return at < windows.size() ? number_in(windows[at]) : 0; };
    const std::string key = std::string{kProposalPrefix} + newest_first(what->block_number, what->log_index);
    draft->put(key, codec::JsonObject{{"id", id},
                                      {"proposer", text_of(*what, "proposer")},
                                      {"description", text_of(*what, "description")},
                                      {"calls", calls_json(text_of(*what, "calls"))},
                                      {"open_from", number_in(text_of(*what, "openFrom"))},
                                      {"open_until", number_in(text_of(*what, "openUntil"))},
                                      {"queue_window", window(3)},
                                      {"votes_for", "0"},
                                      {"votes_against", "0"},
                                      {"votes_abstain", "0"},
                                      {"voters", 0},
                                      {"block", what->block_number},
                                      {"transaction", codec::to_hex(what->transaction)}});
    draft->put(std::string{kProposalIdPrefix} + id, codec::Json{key});
    co_return Result<void>{};
}

Task<Result<std::string>> proposal_key(Draft* draft, std::string id) {
    std::string index = std::string{kProposalIdPrefix} + id;
    CO_TRY(const codec::Json key, co_await draft->get(std::move(index)));
    if (key.get_string() == nullptr) co_return make_error(Errc::kCorrupt, "a proposal that was never made: " + id);
    co_return *key.get_string();
}

Task<Result<void>> on_proposal_moved(Draft* draft, const ContractEvent* what) {
    std::string id = text_of(*what, "id");
    CO_TRY(const std::string key, co_await proposal_key(draft, std::move(id)));
    CO_TRY(codec::Json proposal, co_await draft->get(key));
    if (what->name == "VoteOpened") {
        proposal.set("snapshot_id", number_in(text_of(*what, "snapshotId")));
        proposal.set("voting_until", number_in(text_of(*what, "votingUntil")));
        proposal.set("total_weight", to_string(wei_in(text_of(*what, "totalWeight"))));
    } else if (what->name == "Queued") {
        proposal.set("operation", text_of(*what, "operation"));
        proposal.set("execute_from", number_in(text_of(*what, "executeFrom")));
        proposal.set("execute_until", number_in(text_of(*what, "executeUntil")));
    } else {
        proposal.set("final", what->name == "Executed" ? "executed" : "cancelled");
    }
    draft->put(key, std::move(proposal));
    co_return Result<void>{};
}

Task<Result<void>> on_vote(Draft* draft, const ContractEvent* what) {
    constexpr std::array<std::string_view, 3> kSums = {"votes_against", "votes_for", "votes_abstain"};
    constexpr std::array<std::string_view, 3> kSupports = {"against", "for", "abstain"};
    const std::string id = text_of(*what, "id");
    const std::uint64_t support = number_in(text_of(*what, "support"));
    if (support >= kSums.size()) co_return make_error(Errc::kCorrupt, "a vote that is neither for nor against");
    std::string asked = id;
    CO_TRY(const std::string key, co_await proposal_key(draft, std::move(asked)));
    CO_TRY(codec::Json proposal, co_await draft->get(key));
    const Vcai weight = wei_in(text_of(*what, "weight"));
    CO_TRY(const Vcai sum, add(amount_in(proposal, kSums[support]), weight));
    proposal.set(std::string{kSums[support]}, to_string(sum));
    CO_TRY_OK(add_to(&proposal, "voters", 1));
    draft->put(key, std::move(proposal));
    draft->put(std::string{kVotePrefix} + id + "/" + newest_first(what->block_number, what->log_index),
               codec::JsonObject{{"voter", text_of(*what, "voter")},
                                 {"support", kSupports[support]},
                                 {"weight", to_string(weight)},
                                 {"block", what->block_number},
                                 {"transaction", codec::to_hex(what->transaction)}});
    co_return Result<void>{};
}

Task<Result<void>> on_parameters(Draft* draft, const ContractEvent* what) {
    const std::string key = std::string{kParametersPrefix} + what->contract;
    CO_TRY(codec::Json record, co_await draft->get(key));
    codec::JsonArray values;
    for (std::string& part : parts_of(text_of(*what, "parameters"))) values.emplace_back(std::move(part));
    record.set("values", std::move(values));
    draft->put(key, std::move(record));
    co_return Result<void>{};
}

// --- incentives and fees

// Parts of 1e18 are written like amounts of VCAI: "0.65".
Task<Result<void>> on_period(Draft* draft, const ContractEvent* what) {
    const std::vector<std::string> closed = parts_of(text_of(*what, "closed"));
    if (closed.size() != 11) co_return make_error(Errc::kCorrupt, "a period of incentives with other parts");
    const auto wei = [&closed](std::size_t at) { return to_string(wei_in(closed[at])); };
    const std::string key = std::string{kPeriodPrefix} + newest_first(what->block_number, what->log_index);
    draft->put(key, codec::JsonObject{{"period", number_in(text_of(*what, "period"))},
                                      {"starts_at", number_in(closed[0])},
                                      {"ends_at", number_in(closed[1])},
                                      {"units_consumed", closed[2]},
                                      {"units_available", closed[3]},
                                      {"utilization", wei(4)},
                                      {"supply_share", wei(5)},
                                      {"next_supply_share", wei(6)},
                                      {"to_poc", wei(7)},
                                      {"to_pod", wei(8)},
                                      {"to_demand", wei(9)},
                                      {"withheld", wei(10)},
                                      {"block", what->block_number},
                                      {"transaction", codec::to_hex(what->transaction)}});
    co_return Result<void>{};
}

Task<Result<void>> on_fee(Draft* draft, const ContractEvent* what) {
    const std::string key = std::string{kFeePrefix} + newest_first(what->block_number, what->log_index);
    draft->put(key, codec::JsonObject{{"previous_ppm", number_in(text_of(*what, "previousPpm"))},
                                      {"fee_ppm", number_in(text_of(*what, "feePpm"))},
                                      {"utilization_ppm", number_in(text_of(*what, "utilizationPpm"))},
                                      {"block", what->block_number},
                                      {"transaction", codec::to_hex(what->transaction)}});
    co_return Result<void>{};
}

// --- the court

struct CaseStep {
    std::string_view event;
    std::string_view state;  // empty: it stays
};
constexpr std::array kCaseSteps = {
    CaseStep{"CaseOpened", "opened"},
    CaseStep{"CaseProven", "proven"},
    CaseStep{"RoundStarted", "drawing"},
    CaseStep{"CommitteeSeated", "judging"},
    CaseStep{"AccusationRejected", "rejected"},
    CaseStep{"CaseLapsed", "lapsed"},
    CaseStep{"CaseRuled", "ruled"},
    CaseStep{"CaseAppealed", "appealed"},
    CaseStep{"AppealGranted", "appeal_granted"},
    CaseStep{"CaseExecuted", "executed"},
    CaseStep{"ShortfallPaid", ""},
};

Task<Result<void>> on_case(Draft* draft, const ContractEvent* what) {
    const std::uint64_t id = number_in(text_of(*what, "caseId"));
    const std::string key = std::string{kCasePrefix} + newest_first(id, 0);
    CO_TRY(codec::Json record, co_await draft->get(key));
    if (record.is_null()) record = codec::JsonObject{{"id", id}, {"steps", codec::JsonArray{}}};
    const auto* step = std::ranges::find(kCaseSteps, std::string_view{what->name}, &CaseStep::event);
    if (step != kCaseSteps.end() && !step->state.empty()) record.set("state", step->state);
    codec::JsonObject values;
    for (const auto& [name, text] : what->values) values.emplace_back(name, text);
    for (const char* party : {"accused", "accuser", "victim"}) {
        const std::string address = text_of(*what, party);
        if (!address.empty()) record.set(party, address);
    }
    codec::JsonArray steps = *record.find("steps")->get_array();
    if (steps.size() < kStepsMax) {
        steps.emplace_back(codec::JsonObject{{"event", what->name},
                                             {"values", std::move(values)},
                                             {"block", what->block_number},
                                             {"transaction", codec::to_hex(what->transaction)}});
    }
    record.set("steps", std::move(steps));
    draft->put(key, std::move(record));
    co_return Result<void>{};
}

struct Rule {
    std::string_view contract;
    std::string_view event;
    Apply apply;
};
constexpr std::array kRules = {
    Rule{"VeVCAI", "Locked", on_locked},
    Rule{"VeVCAI", "Withdrawn", on_lock_withdrawn},
    Rule{"VeVCAI", "Claimed", on_lock_claimed},
    Rule{"VCAIGovernor", "Proposed", on_proposed},
    Rule{"VCAIGovernor", "VoteOpened", on_proposal_moved},
    Rule{"VCAIGovernor", "VoteCast", on_vote},
    Rule{"VCAIGovernor", "Queued", on_proposal_moved},
    Rule{"VCAIGovernor", "Executed", on_proposal_moved},
    Rule{"VCAIGovernor", "Cancelled", on_proposal_moved},
    Rule{"VCAIGovernor", "ParametersChanged", on_parameters},
    Rule{"Guardian", "CancelledProposal", on_proposal_moved},
    Rule{"IncentiveController", "PeriodClosed", on_period},
    Rule{"NetworkFee", "FeeChanged", on_fee},
};

bool is_case(const ContractEvent& event) {
    return event.contract == "SlashingCourt" &&
           std::ranges::find(kCaseSteps, std::string_view{event.name}, &CaseStep::event) != kCaseSteps.end();
}

}  // namespace

Task<Result<void>> apply_contract_event(Draft* draft, const ContractEvent* what) {
    codec::JsonObject values;
    for (const auto& [name, text] : what->values) {
        const bool is_long = text.size() > kTextMax;
        const std::string cut = text.substr(0, kTextMax);
        values.emplace_back(name, is_long ? cut.substr(0, codec::utf8_complete_prefix(cut)) : text);
    }
    codec::Json row = codec::JsonObject{{"kind", what->contract + "." + what->name}, {"values", std::move(values)}};
    row.set("block", what->block_number);
    row.set("block_hash", codec::to_hex(what->block_hash));
    row.set("transaction", codec::to_hex(what->transaction));
    row.set("log_index", what->log_index);
    put_row(draft, what->block_number, what->log_index, std::move(row));
    if (is_case(*what)) {
        co_return co_await on_case(draft, what);
    }
    for (const Rule& rule : kRules) {
        if (rule.contract != what->contract || rule.event != what->name) continue;
        co_return co_await rule.apply(draft, what);
    }
    co_return Result<void>{};
}

std::string_view proposal_state(const codec::Json& proposal, std::uint64_t now_unix_seconds) {
    const codec::Json* end = proposal.find("final");
    if (end != nullptr && end->get_string() != nullptr)
        return *end->get_string() == "executed" ? "executed" : "cancelled";
    const auto at = [&proposal](std::string_view name) { return number_of(proposal, name); };
    if (proposal.find("snapshot_id") == nullptr) {
        if (now_unix_seconds < at("open_from")) return "discussion";
        return now_unix_seconds < at("open_until") ? "openable" : "expired";
    }
    if (now_unix_seconds < at("voting_until")) return "voting";
    if (proposal.find("operation") == nullptr) {
        // More than half of all weight, without a product that could overflow.
        const U128 total = amount_in(proposal, "total_weight").wei;
        if (amount_in(proposal, "votes_for").wei <= total / 2) return "defeated";
        return now_unix_seconds < at("voting_until") + at("queue_window") ? "succeeded" : "expired";
    }
    if (now_unix_seconds < at("execute_from")) return "queued";
    return now_unix_seconds < at("execute_until") ? "executable" : "expired";
}

Vcai lock_weight(const codec::Json& lock, std::uint64_t now_unix_seconds) {
    const std::uint64_t until = number_of(lock, "unlocks_at");
    if (until <= now_unix_seconds) return {};
    const std::uint64_t left = std::min(until - now_unix_seconds, kLockSecondsMax);
    const U128 root = amount_in(lock, "root").wei;
    if (root > ~U128{0} / kLockSecondsMax) return {};
    return Vcai{root * left / kLockSecondsMax};
}

}  // namespace vcity::indexer
