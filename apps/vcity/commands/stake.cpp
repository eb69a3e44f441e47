// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <map>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "cli/trust.hpp"
#include "codec/hex.hpp"
#include "contracts/node_registry.hpp"
#include "contracts/slashing_court.hpp"
#include "crypto/eip712.hpp"

namespace vcity::cli {
namespace {

using codec::Json;
using wiring::TrustChain;
namespace registry = contracts::node_registry;
namespace court = contracts::slashing_court;

constexpr std::string_view kRegistry = "NodeRegistry";
constexpr std::string_view kCourt = "SlashingCourt";

struct StakeOptions {
    WalletFiles wallet;
    std::string account;
    std::string amount;
    std::string id;
    std::string victim;
    std::string nominee;
    std::string loss = "0";
    std::string evidence;
    std::string uri;
    std::uint32_t device_class = 0;
    std::string tier;
    std::vector<std::string> signatures;
};

constexpr std::array<std::string_view, 3> kRoles{"compute", "scheduler", "verifier"};
constexpr std::array<std::string_view, 8> kCaseStates{"none",  "open",     "rejected", "lapsed",
                                                      "ruled", "appealed", "executed", "overturned"};
constexpr std::uint8_t kRuled = 4;
constexpr std::string_view kRulingType =
    "Ruling(uint256 caseId,uint8 round,address accused,uint8 tier,uint128 lossUsd,bytes32 evidenceHash)";
constexpr std::array<std::string_view, 4> kTiers{"none", "minor", "medium", "severe"};

template <std::size_t N>
std::string named(const std::array<std::string_view, N>& names, std::uint8_t value) {
    return value < N ? std::string{names.at(value)} : std::to_string(value);
}

Result<U128> parse_amount(const std::string& text) {
    TRY(const Uint256 amount, parse_vcai_amount(text));
    return to_u128(amount);
}

Result<Exit> run_show(const StakeOptions& options, Session* session) {
    TRY(const Address account, account_of(options.account, options.wallet, *session));
    TRY(const auto chain, open_to_read(*session));
    TRY(const registry::Node node, chain->ask(kRegistry, registry::encode_node_of(account), registry::decode_node_of));
    if (node.registered_at == 0) return make_error(Errc::kNotFound, "this account is not registered as a node");
    TRY(const registry::RequiredStakeResult required,
        chain->ask(kRegistry, registry::encode_required_stake(account), registry::decode_required_stake));
    TRY(const bool is_active,
        chain->ask(kRegistry, registry::encode_is_active(account, node.role), registry::decode_is_active));
    TRY(const U128 escrowed, chain->ask(kCourt, court::encode_escrowed_of(account), court::decode_escrowed_of));
    Json record{codec::JsonObject{}};
    record.set("account", crypto::to_checksum_address(account));
    record.set("role", named(kRoles, node.role));
    record.set("active", is_active);
    record.set("stake_vcai", vcai_text(node.stake));
    record.set("required_vcai", vcai_text(required.current));
    record.set("enforced_now_vcai", vcai_text(required.enforced));
    record.set("unbonding_vcai", vcai_text(node.unbonding));
    if (node.unbonding > 0) record.set("unbonded_at", time_text(node.unbond_at));
    record.set("held_by_court_vcai", vcai_text(escrowed));
    if (node.suspended_until > 0) record.set("suspended_until", time_text(node.suspended_until));
    if (node.banned) record.set("banned", true);
    session->output.print(record);
    return Exit::kOk;
}

Result<Exit> run_add(const StakeOptions& options, Session* session) {
    TRY(const U128 amount, parse_amount(options.amount));
    TRY(const auto chain, open_to_act(options.wallet, *session));
    TRY(const Address vcai, chain->of("VCAIToken"));
    TRY_OK(chain->allow(vcai, kRegistry, Uint256{amount}));
    TRY(const Hash transaction, chain->execute(kRegistry, registry::encode_top_up(amount)));
    session->output.print(done_record("staked_vcai", vcai_text(Uint256{amount}), transaction));
    return Exit::kOk;
}

Result<Exit> run_unbond(const StakeOptions& options, Session* session) {
    TRY(const U128 amount, parse_amount(options.amount));
    TRY(const auto chain, open_to_act(options.wallet, *session));
    TRY(const Hash transaction, chain->execute(kRegistry, registry::encode_request_unbond(amount)));
    TRY(const registry::Node node,
        chain->ask(kRegistry, registry::encode_node_of(chain->account()), registry::decode_node_of));
    Json record = done_record("unbonding_vcai", vcai_text(node.unbonding), transaction);
    record.set("unbonded_at", time_text(node.unbond_at));
    session->output.print(record);
    return Exit::kOk;
}

Result<Exit> run_withdraw(const StakeOptions& options, Session* session) {
    TRY(const auto chain, open_to_act(options.wallet, *session));
    TRY(const registry::StakeOfResult stake,
        chain->ask(kRegistry, registry::encode_stake_of(chain->account()), registry::decode_stake_of));
    TRY(const Hash transaction, chain->execute(kRegistry, registry::encode_withdraw_unbonded()));
    session->output.print(done_record("withdrawn_vcai", vcai_text(stake.unbonding), transaction));
    return Exit::kOk;
}

Result<Exit> run_requirement(const StakeOptions& options, Session* session) {
    TRY(const auto chain, open_to_read(*session));
    TRY(const registry::RatesResult rates, chain->ask(kRegistry, registry::encode_rates(), registry::decode_rates));
    Table table{.titles = {"Role", "GPU class", "Stake VCAI", "VCAI for one USD", "May change from"}, .rows = {}};
    for (std::uint8_t role = 0; role < kRoles.size(); ++role) {
        const auto device_class = role == 0 ? static_cast<std::uint8_t>(options.device_class) : std::uint8_t{0};
        TRY(const Uint256 stake, chain->ask(kRegistry, registry::encode_requirement_of(role, device_class),
                                            registry::decode_requirement_of));
        table.rows.push_back({named(kRoles, role), role == 0 ? std::to_string(device_class) : "-", vcai_text(stake),
                              vcai_text(rates.rate), time_text(rates.next_at)});
    }
    session->output.print(table);
    return Exit::kOk;
}

Json case_record(const std::string& id, const court::Case& one) {
    Json record{codec::JsonObject{}};
    record.set("case", id);
    record.set("state", named(kCaseStates, one.state));
    record.set("accused", crypto::to_checksum_address(one.accused));
    record.set("accuser", crypto::to_checksum_address(one.accuser));
    record.set("tier", named(kTiers, one.tier));
    record.set("victim", one.victim.is_zero() ? "-" : crypto::to_checksum_address(one.victim));
    record.set("loss_usd", usd_text(Uint256{one.loss_usd}));
    record.set("held_stake_vcai", vcai_text(Uint256{one.from_stake} + Uint256{one.from_unbonding}));
    record.set("bond_vcai", vcai_text(Uint256{one.bond}));
    record.set("round", std::to_string(one.round));
    record.set("deadline", time_text(one.deadline));
    record.set("evidence_hash", codec::to_hex(one.evidence_hash));
    return record;
}

Result<Exit> run_case(const StakeOptions& options, Session* session) {
    TRY(const std::uint64_t id, parse_number(options.id, "the case"));
    TRY(const auto chain, open_to_read(*session));
    TRY(const court::Case one, chain->ask(kCourt, court::encode_case_of(Uint256{id}), court::decode_case_of));
    if (one.state == 0) return make_error(Errc::kNotFound, "there is no case " + options.id);
    session->output.print(case_record(options.id, one));
    return Exit::kOk;
}

Result<Exit> run_accuse(const StakeOptions& options, Session* session) {
    court::Accusation accusation;
    TRY(accusation.accused, crypto::parse_address(options.account));
    if (!options.victim.empty()) {
        TRY(accusation.victim, crypto::parse_address(options.victim));
    }
    TRY(const Usd loss, parse_usd(options.loss));
    accusation.loss_usd = loss.micro;
    TRY(accusation.evidence_hash, codec::parse_fixed<Hash>(options.evidence));
    accusation.evidence_uri = options.uri;
    TRY(const auto chain, open_to_act(options.wallet, *session));
    accusation.nominee = chain->account();
    if (!options.nominee.empty()) {
        TRY(accusation.nominee, crypto::parse_address(options.nominee));
    }
    TRY(const court::Parameters terms, chain->ask(kCourt, court::encode_parameters(), court::decode_parameters));
    TRY_OK(
        confirm(*session, fmt::format("Accuse {} with a bond of {} VCAI, which is lost if the committee finds no fault",
                                      options.account, vcai_text(Uint256{terms.accusation_bond}))));
    TRY(const Address vcai, chain->of("VCAIToken"));
    TRY_OK(chain->allow(vcai, kCourt, Uint256{terms.accusation_bond}));
    TRY(const Hash transaction, chain->execute(kCourt, court::encode_accuse(accusation)));
    TRY(const Uint256 count, chain->ask(kCourt, court::encode_case_count(), court::decode_case_count));
    session->output.print(done_record("case", to_decimal(count), transaction));
    return Exit::kOk;
}

struct Ruling {
    std::uint64_t id = 0;
    std::uint8_t tier = 0;
    U128 loss = 0;
    Hash digest;  // what a member of the committee signs
};

Result<Ruling> ruling_of(const StakeOptions& options, TrustChain* chain) {
    Ruling ruling;
    TRY(ruling.id, parse_number(options.id, "the case"));
    const auto found = std::find(kTiers.begin(), kTiers.end(), options.tier);
    if (found == kTiers.end()) return make_error(Errc::kInvalid, "tiers are none, minor, medium and severe");
    ruling.tier = static_cast<std::uint8_t>(found - kTiers.begin());
    TRY(const Usd loss, parse_usd(options.loss));
    ruling.loss = loss.micro;
    TRY(const court::Case one, chain->ask(kCourt, court::encode_case_of(Uint256{ruling.id}), court::decode_case_of));
    TRY(ruling.digest, chain->typed_digest(kCourt, "Vcity Court", kRulingType,
                                           {crypto::word(ruling.id), crypto::word(std::uint64_t{one.round}),
                                            crypto::word(one.accused), crypto::word(std::uint64_t{ruling.tier}),
                                            to_bytes(Uint256{ruling.loss}), crypto::word(one.evidence_hash)}));
    return ruling;
}

Result<Exit> run_sign(const StakeOptions& options, Session* session) {
    TRY(const auto chain, open_to_act(options.wallet, *session));
    TRY(const Ruling ruling, ruling_of(options, chain.get()));
    TRY(const std::vector<Address> committee,
        chain->ask(kCourt, court::encode_committee_of(Uint256{ruling.id}), court::decode_committee_of));
    if (std::find(committee.begin(), committee.end(), chain->account()) == committee.end()) {
        return make_error(Errc::kDenied, "this wallet is not in the committee of case " + options.id);
    }
    TRY(const Signature signature, chain->sign(ruling.digest));
    Json record{codec::JsonObject{}};
    record.set("case", options.id);
    record.set("tier", options.tier);
    record.set("signer", crypto::to_checksum_address(chain->account()));
    record.set("signature", codec::to_hex(signature));
    session->output.print(record);
    return Exit::kOk;
}

Result<Exit> run_rule(const StakeOptions& options, Session* session) {
    TRY(const auto chain, open_to_act(options.wallet, *session));
    TRY(const Ruling ruling, ruling_of(options, chain.get()));
    // The court wants them in the order of their signers.
    std::map<Address, Bytes> by_signer;
    for (const std::string& text : options.signatures) {
        TRY(const Signature signature, codec::parse_fixed<Signature>(text));
        TRY(const Address signer, crypto::recover(ruling.digest, signature));
        by_signer[signer] = Bytes{signature.bytes.begin(), signature.bytes.end()};
    }
    std::vector<Bytes> signatures;
    for (auto& [signer, signature] : by_signer) signatures.push_back(std::move(signature));
    TRY(const Hash transaction,
        chain->execute(kCourt, court::encode_submit_verdict(Uint256{ruling.id}, ruling.tier, ruling.loss, signatures)));
    session->output.print(done_record("ruled", options.tier, transaction));
    return Exit::kOk;
}

Result<Exit> run_appeal(const StakeOptions& options, Session* session) {
    TRY(const std::uint64_t id, parse_number(options.id, "the case"));
    TRY(const auto chain, open_to_act(options.wallet, *session));
    TRY(const court::Case one, chain->ask(kCourt, court::encode_case_of(Uint256{id}), court::decode_case_of));
    if (one.state != kRuled) {
        return make_error(Errc::kConflict, fmt::format("case {} is {}: only a ruling can be appealed", id,
                                                       named(kCaseStates, one.state)));
    }
    TRY(const court::Parameters terms, chain->ask(kCourt, court::encode_parameters(), court::decode_parameters));
    TRY_OK(confirm(*session, fmt::format("Appeal in case {} with a bond of {} VCAI, which is lost if the DAO disagrees",
                                         id, vcai_text(Uint256{terms.appeal_bond}))));
    TRY(const Address vcai, chain->of("VCAIToken"));
    TRY_OK(chain->allow(vcai, kCourt, Uint256{terms.appeal_bond}));
    TRY(const Hash transaction, chain->execute(kCourt, court::encode_appeal(Uint256{id})));
    TRY(const court::Appeal appeal, chain->ask(kCourt, court::encode_appeal_of(Uint256{id}), court::decode_appeal_of));
    session->output.print(done_record("proposal", codec::to_hex(to_bytes(appeal.proposal_id)), transaction));
    return Exit::kOk;
}

void add_case_commands(CLI::App* noun, const std::shared_ptr<StakeOptions>& options, Commands* commands) {
    CLI::App* show = noun->add_subcommand("case", "a case before the slashing court");
    show->add_option("case", options->id, "number of the case")->required();
    commands->on(show, [options](Session* session) { return run_case(*options, session); });

    CLI::App* accuse = noun->add_subcommand("accuse", "accuse a node; a committee of verifiers judges");
    accuse->add_option("accused", options->account, "address of the node")->required();
    accuse->add_option("--evidence", options->evidence, "keccak-256 of the evidence")->required();
    accuse->add_option("--uri", options->uri, "where the evidence is");
    accuse->add_option("--victim", options->victim, "who is to be compensated");
    accuse->add_option("--loss", options->loss, "what the victim lost, in dollars");
    accuse->add_option("--nominee", options->nominee, "who becomes a verifier if it is upheld (default: you)");
    commands->on(accuse, [options](Session* session) { return run_accuse(*options, session); });

    const auto add_ruling = [&](CLI::App* app) {
        app->add_option("case", options->id, "number of the case")->required();
        app->add_option("--tier", options->tier, "none, minor, medium or severe")->required();
        app->add_option("--loss", options->loss, "what the victim is awarded, in dollars");
    };
    CLI::App* sign = noun->add_subcommand("sign", "sign a ruling as a member of the committee");
    add_ruling(sign);
    commands->on(sign, [options](Session* session) { return run_sign(*options, session); });

    CLI::App* rule = noun->add_subcommand("rule", "bring the signed ruling before the court; anyone may");
    add_ruling(rule);
    rule->add_option("--signature", options->signatures, "of a member of the committee (repeat)")->required();
    commands->on(rule, [options](Session* session) { return run_rule(*options, session); });

    CLI::App* appeal = noun->add_subcommand("appeal", "bring a ruling before the DAO");
    appeal->add_option("case", options->id, "number of the case")->required();
    commands->on(appeal, [options](Session* session) { return run_appeal(*options, session); });
}

}  // namespace

void add_stake_commands(CLI::App* root, Commands* commands) {
    auto options = std::make_shared<StakeOptions>();
    CLI::App* noun = root->add_subcommand("stake", "stakes of nodes, and cases before the slashing court");
    noun->require_subcommand(1);
    add_wallet_options(noun, &options->wallet);
    const char* amount = "VCAI, e.g. 1000";

    CLI::App* show = noun->add_subcommand("show", "stake, requirement and standing of a node");
    show->add_option("account", options->account, "address (default: the wallet's)");
    commands->on(show, [options](Session* session) { return run_show(*options, session); });

    CLI::App* add = noun->add_subcommand("add", "stake more");
    add->add_option("amount", options->amount, amount)->required();
    commands->on(add, [options](Session* session) { return run_add(*options, session); });

    CLI::App* unbond = noun->add_subcommand("unbond", "ask for stake back; it can be slashed until the delay is over");
    unbond->add_option("amount", options->amount, amount)->required();
    commands->on(unbond, [options](Session* session) { return run_unbond(*options, session); });

    commands->on(noun->add_subcommand("withdraw", "take what is unbonded"),
                 [options](Session* session) { return run_withdraw(*options, session); });

    CLI::App* requirement = noun->add_subcommand("requirement", "what each role has to stake now");
    requirement->add_option("--gpu-class", options->device_class, "class of the GPU, 0 to 255")
        ->check(CLI::Range(0, 255));
    commands->on(requirement, [options](Session* session) { return run_requirement(*options, session); });

    add_case_commands(noun, options, commands);
}

}  // namespace vcity::cli
