// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <sstream>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "cli/trust.hpp"
#include "codec/hex.hpp"
#include "contracts/tables.hpp"
#include "contracts/vcai_governor.hpp"
#include "contracts/ve_vcai.hpp"

namespace vcity::cli {
namespace {

using codec::Json;
using wiring::TrustChain;
namespace governor = contracts::vcai_governor;
namespace ve = contracts::ve_vcai;

constexpr std::string_view kGovernor = "VCAIGovernor";
constexpr std::size_t kShortIdDigits = 12;

struct GovOptions {
    WalletFiles wallet;
    std::string id;
    std::string support;
    std::string description;
    std::vector<std::string> calls;
    std::string account;
};

constexpr std::array<std::string_view, 10> kStates{"discussion", "openable", "voting",   "succeeded", "queued",
                                                   "executable", "executed", "defeated", "expired",   "cancelled"};
constexpr std::array<std::string_view, 3> kSupports{"against", "for", "abstain"};

std::string state_text(std::uint8_t state) {
    return state < kStates.size() ? std::string{kStates.at(state)} : std::to_string(state);
}

std::string id_text(const Uint256& id) {
    return codec::to_hex(to_bytes(id));
}

std::string first_line(const std::string& text) {
    return text.substr(0, text.find('\n'));
}

Result<std::vector<governor::ProposedEvent>> proposals(TrustChain* chain) {
    TRY(const std::vector<adapters::EvmLog> logs, chain->logs(kGovernor));
    std::vector<governor::ProposedEvent> found;
    for (const adapters::EvmLog& log : logs) {
        if (log.topics.empty() || log.topics.front() != governor::proposed_topic()) continue;
        TRY(governor::ProposedEvent event, governor::decode_proposed_event(log.topics, log.data));
        found.push_back(std::move(event));
    }
    return found;
}

// By the id or its first digits.
Result<governor::ProposedEvent> find_proposal(TrustChain* chain, const std::string& text) {
    std::string wanted = text;
    std::transform(wanted.begin(), wanted.end(), wanted.begin(),
                   [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c; });
    if (!wanted.starts_with("0x")) wanted.insert(0, "0x");
    TRY(const std::vector<governor::ProposedEvent> all, proposals(chain));
    std::vector<governor::ProposedEvent> matching;
    std::copy_if(all.begin(), all.end(), std::back_inserter(matching),
                 [&](const governor::ProposedEvent& each) { return id_text(each.id).starts_with(wanted); });
    if (matching.empty()) return make_error(Errc::kNotFound, "no proposal begins with " + wanted);
    if (matching.size() > 1) {
        return make_error(Errc::kInvalid, fmt::format("{} proposals begin with {}", matching.size(), wanted));
    }
    return matching.front();
}

Result<std::uint8_t> state_of(TrustChain* chain, const Uint256& id) {
    return chain->ask(kGovernor, governor::encode_state(id), governor::decode_state);
}

Result<Exit> run_list(const GovOptions& /*options*/, Session* session) {
    TRY(const auto chain, open_to_read(*session));
    TRY(const std::vector<governor::ProposedEvent> all, proposals(chain.get()));
    Table table{.titles = {"Id", "State", "Title", "Proposer"}, .rows = {}};
    for (const governor::ProposedEvent& each : all) {
        TRY(const std::uint8_t state, state_of(chain.get(), each.id));
        const std::string id = id_text(each.id);
        table.rows.push_back({session->output.is_json() ? id : id.substr(0, kShortIdDigits), state_text(state),
                              first_line(each.description), crypto::to_checksum_address(each.proposer)});
    }
    session->output.print(table);
    return Exit::kOk;
}

// "Treasury.setParameters(reserveTarget 5)" where the call is known, else target and data.
std::string call_text(const TrustChain& chain, const governor::Call& call) {
    const std::string target = chain.name_of(call.target);
    const auto decoded = contracts::decode_call(target, call.data_);
    if (!decoded) return fmt::format("{} {}", target, codec::to_hex(call.data_));
    std::string arguments;
    for (const contracts::NamedValue& value : decoded->values) {
        arguments += fmt::format("{}{} {}", arguments.empty() ? "" : ", ", value.name,
                                 contracts::format_value(value.type, value.value));
    }
    return fmt::format("{}.{}({})", target, decoded->name, arguments);
}

Result<void> add_votes(TrustChain* chain, const governor::Proposal& proposal, Json* record) {
    if (proposal.snapshot_id == 0) return {};
    TRY(const Uint256 total,
        chain->ask("VeVCAI", ve::encode_total_at(Uint256{proposal.snapshot_id}), ve::decode_total_at));
    const U128 all = to_u128(total).value_or(0);
    record->set("for", percent_text(proposal.votes_for, all));
    record->set("against", percent_text(proposal.votes_against, all));
    record->set("abstain", percent_text(proposal.votes_abstain, all));
    record->set("needed", "more than 50.00 % of all veVCAI for it");
    record->set("voting_until", time_text(proposal.voting_until));
    return {};
}

Result<Exit> run_show(const GovOptions& options, Session* session) {
    TRY(const auto chain, open_to_read(*session));
    TRY(const governor::ProposedEvent event, find_proposal(chain.get(), options.id));
    TRY(const governor::Proposal proposal,
        chain->ask(kGovernor, governor::encode_proposals(event.id), governor::decode_proposals));
    TRY(const std::uint8_t state, state_of(chain.get(), event.id));
    Json record{codec::JsonObject{}};
    record.set("id", id_text(event.id));
    record.set("state", state_text(state));
    record.set("proposer", crypto::to_checksum_address(event.proposer));
    record.set("vote_can_be_opened",
               fmt::format("{} to {}", time_text(proposal.open_from), time_text(proposal.open_until)));
    TRY_OK(add_votes(chain.get(), proposal, &record));
    if (proposal.queue_until > 0) record.set("queue_until", time_text(proposal.queue_until));
    if (proposal.execute_from > 0) {
        record.set("execute",
                   fmt::format("{} to {}", time_text(proposal.execute_from), time_text(proposal.execute_until)));
    }
    for (std::size_t i = 0; i < event.calls.size(); ++i) {
        record.set(fmt::format("call_{}", i + 1), call_text(*chain, event.calls[i]));
    }
    record.set("description", event.description);
    session->output.print(record);
    return Exit::kOk;
}

// "Treasury.setParameters [5000000]": contract and function, then one word for each argument.
Result<governor::Call> parse_call(const TrustChain& chain, const std::string& text) {
    std::istringstream words{text};
    std::string name;
    words >> name;
    const std::size_t point = name.find('.');
    if (point == std::string::npos) {
        return make_error(Errc::kInvalid, "a call is CONTRACT.FUNCTION ARGUMENT...: " + text);
    }
    const std::string contract = name.substr(0, point);
    const contracts::FunctionEntry* function = contracts::find_function(contract, name.substr(point + 1));
    if (function == nullptr) return make_error(Errc::kNotFound, "no function " + name);
    std::vector<std::string> arguments;
    for (std::string word; words >> word;) arguments.push_back(word);
    governor::Call call;
    TRY(call.target, chain.of(contract));
    TRY(call.data_, contracts::encode_call_from_text(*function, arguments));
    return call;
}

Result<Exit> run_propose(const GovOptions& options, Session* session) {
    TRY(const auto chain, open_to_act(options.wallet, *session));
    std::vector<governor::Call> calls;
    for (const std::string& text : options.calls) {
        TRY(governor::Call call, parse_call(*chain, text));
        calls.push_back(std::move(call));
    }
    std::string description = options.description;
    if (description.starts_with('@')) {
        TRY(description, read_file(description.substr(1)));
    }
    TRY(const Hash transaction, chain->execute(kGovernor, governor::encode_propose(calls, description)));
    TRY(const std::vector<governor::ProposedEvent> all, proposals(chain.get()));
    const auto mine = std::find_if(all.rbegin(), all.rend(), [&](const governor::ProposedEvent& each) {
        return each.proposer == chain->account();
    });
    if (mine == all.rend()) return make_error(Errc::kInternal, "the chain does not know the proposal just made");
    Json record = done_record("id", id_text(mine->id), transaction);
    record.set("vote_can_be_opened", time_text(mine->open_from));
    session->output.print(record);
    return Exit::kOk;
}

Result<Exit> run_vote(const GovOptions& options, Session* session) {
    const auto found = std::find(kSupports.begin(), kSupports.end(), options.support);
    if (found == kSupports.end()) return make_error(Errc::kInvalid, "vote for, against or abstain");
    const auto support = static_cast<std::uint8_t>(found - kSupports.begin());
    TRY(const auto chain, open_to_act(options.wallet, *session));
    TRY(const governor::ProposedEvent event, find_proposal(chain.get(), options.id));
    TRY(const governor::Proposal proposal,
        chain->ask(kGovernor, governor::encode_proposals(event.id), governor::decode_proposals));
    TRY(const Hash transaction, chain->execute(kGovernor, governor::encode_cast_vote(event.id, support)));
    TRY(const Uint256 weight, chain->ask("VeVCAI", ve::encode_votes_at(chain->account(), Uint256{proposal.snapshot_id}),
                                         ve::decode_votes_at));
    Json record = done_record("voted", options.support, transaction);
    record.set("weight", vcai_text(weight));
    session->output.print(record);
    return Exit::kOk;
}

Result<Exit> run_step(const GovOptions& options, Session* session, Bytes (*encode)(const Uint256&)) {
    TRY(const auto chain, open_to_act(options.wallet, *session));
    TRY(const governor::ProposedEvent event, find_proposal(chain.get(), options.id));
    TRY(const Hash transaction, chain->execute(kGovernor, encode(event.id)));
    TRY(const std::uint8_t state, state_of(chain.get(), event.id));
    session->output.print(done_record("state", state_text(state), transaction));
    return Exit::kOk;
}

}  // namespace

void add_gov_commands(CLI::App* root, Commands* commands) {
    auto options = std::make_shared<GovOptions>();
    CLI::App* noun = root->add_subcommand("gov", "the DAO: proposals and votes");
    noun->require_subcommand(1);
    add_wallet_options(noun, &options->wallet);
    const auto with_id = [&](const char* name, const char* what) {
        CLI::App* app = noun->add_subcommand(name, what);
        app->add_option("id", options->id, "proposal id, or its first digits")->required();
        return app;
    };

    CLI::App* propose = noun->add_subcommand("propose", "propose calls; they are discussed before the vote");
    propose->add_option("description", options->description, "title and reasons, or @FILE")->required();
    propose->add_option("--call", options->calls, "'Contract.function ARGUMENT...' (repeat)")->required();
    commands->on(propose, [options](Session* session) { return run_propose(*options, session); });

    commands->on(noun->add_subcommand("list", "all proposals"),
                 [options](Session* session) { return run_list(*options, session); });
    commands->on(with_id("show", "a proposal, what it would do and how the vote stands"),
                 [options](Session* session) { return run_show(*options, session); });

    CLI::App* vote = with_id("vote", "vote with the weight of the wallet's lock when the vote was opened");
    vote->add_option("support", options->support, "for, against or abstain")->required();
    commands->on(vote, [options](Session* session) { return run_vote(*options, session); });

    commands->on(with_id("open", "open the vote once the discussion is over"),
                 [options](Session* session) { return run_step(*options, session, governor::encode_open_vote); });
    commands->on(with_id("queue", "put a proposal that passed into the timelock"),
                 [options](Session* session) { return run_step(*options, session, governor::encode_queue); });
    commands->on(with_id("execute", "carry out a proposal whose delay is over"),
                 [options](Session* session) { return run_step(*options, session, governor::encode_execute); });
}

}  // namespace vcity::cli
