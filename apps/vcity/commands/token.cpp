// SPDX-License-Identifier: Apache-2.0
#include <array>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "cli/trust.hpp"
#include "codec/hex.hpp"
#include "contracts/node_registry.hpp"
#include "contracts/vcai_token.hpp"
#include "contracts/ve_vcai.hpp"
#include "contracts/vesting_vault.hpp"

namespace vcity::cli {
namespace {

using codec::Json;
using wiring::TrustChain;
namespace token = contracts::vcai_token;
namespace vault = contracts::vesting_vault;

struct TokenOptions {
    WalletFiles wallet;
    std::string account;
    std::string to;
    std::string amount;
};

constexpr std::array<std::string_view, 7> kCategories{"private",  "public",    "team",    "core staff",
                                                      "advisors", "liquidity", "partners"};

std::string category_name(std::uint8_t category) {
    return category < kCategories.size() ? std::string{kCategories.at(category)} : std::to_string(category);
}

Result<Exit> run_balance(const TokenOptions& options, Session* session) {
    TRY(const Address account, account_of(options.account, options.wallet, *session));
    TRY(const auto chain, open_to_read(*session));
    TRY(const Uint256 raw, chain->ask("VCAIToken", token::encode_balance_of(account), token::decode_balance_of));
    TRY(const Uint256 shown,
        chain->ask("VCAIToken", token::encode_balance_of_ui(account), token::decode_balance_of_ui));
    TRY(const Uint256 usd, chain->ask_at(chain->stable(), token::encode_balance_of(account), token::decode_balance_of));
    namespace ve = contracts::ve_vcai;
    TRY(const ve::LockState lock, chain->ask("VeVCAI", ve::encode_locks(account), ve::decode_locks));
    namespace registry = contracts::node_registry;
    TRY(const registry::StakeOfResult stake,
        chain->ask("NodeRegistry", registry::encode_stake_of(account), registry::decode_stake_of));
    Json record{codec::JsonObject{}};
    record.set("account", crypto::to_checksum_address(account));
    record.set("balance_vcai", vcai_text(raw));
    // After a repricing wallets show another number for the same tokens (ERC-8056).
    if (shown != raw) record.set("shown_by_wallets", vcai_text(shown));
    record.set("locked_vcai", vcai_text(lock.amount));
    record.set("staked_vcai", vcai_text(stake.active));
    record.set("unbonding_vcai", vcai_text(stake.unbonding));
    record.set("stablecoin_usd", usd_text(usd));
    session->output.print(record);
    return Exit::kOk;
}

Result<Exit> run_transfer(const TokenOptions& options, Session* session) {
    TRY(const Address to, crypto::parse_address(options.to));
    TRY(const Uint256 amount, parse_vcai_amount(options.amount));
    TRY_OK(confirm(*session, fmt::format("Send {} VCAI to {}", vcai_text(amount), crypto::to_checksum_address(to))));
    TRY(const auto chain, open_to_act(options.wallet, *session));
    TRY(const Hash transaction, chain->execute("VCAIToken", token::encode_transfer(to, amount)));
    session->output.print(done_record("sent_vcai", vcai_text(amount), transaction));
    return Exit::kOk;
}

std::string release_text(const vault::Schedule& schedule) {
    if (schedule.cliff_months == 0 && schedule.release_months == 0) return "all at once";
    std::string text;
    if (schedule.cliff_months > 0) text = fmt::format("{} months nothing, ", schedule.cliff_months);
    return text +
           fmt::format("{} months {}", schedule.release_months, schedule.release == 0 ? "by the second" : "monthly");
}

Result<Exit> run_allocation(const TokenOptions& /*options*/, Session* session) {
    TRY(const auto chain, open_to_read(*session));
    TRY(const std::uint16_t count,
        chain->ask("VestingVault", vault::encode_tranche_count(), vault::decode_tranche_count));
    Table table{.titles = {"Tranche", "For", "VCAI", "Granted VCAI", "At start VCAI", "Start", "Then"}, .rows = {}};
    for (std::uint16_t id = 0; id < count; ++id) {
        TRY(const vault::TrancheOfResult tranche,
            chain->ask("VestingVault", vault::encode_tranche_of(id), vault::decode_tranche_of));
        table.rows.push_back({std::to_string(id), category_name(tranche.category),
                              vcai_text(tranche.schedule.allocation), vcai_text(tranche.granted),
                              vcai_text(tranche.schedule.upfront), time_text(tranche.schedule.start),
                              release_text(tranche.schedule)});
    }
    TRY(const Uint256 incentives,
        chain->ask("VestingVault", vault::encode_incentive_allocation(), vault::decode_incentive_allocation));
    TRY(const Uint256 released,
        chain->ask("VestingVault", vault::encode_incentive_released(), vault::decode_incentive_released));
    table.rows.push_back({"-", "incentive pool", vcai_text(incentives), vcai_text(released), "0", "-", "522 weeks"});
    TRY(const Uint256 reserve,
        chain->ask("VestingVault", vault::encode_reserve_allocation(), vault::decode_reserve_allocation));
    TRY(const Uint256 spent, chain->ask("VestingVault", vault::encode_reserve_spent(), vault::decode_reserve_spent));
    table.rows.push_back({"-", "reserve", vcai_text(reserve), vcai_text(spent), "0", "-", "spent by the DAO"});
    session->output.print(table);
    return Exit::kOk;
}

struct HeldGrant {
    std::uint16_t tranche = 0;
    Uint256 id;
    vault::TrancheOfResult terms;
    vault::Grant grant;
    Uint256 releasable;
};

Result<std::vector<HeldGrant>> grants_of(TrustChain* chain, const Address& account) {
    TRY(const std::uint16_t count,
        chain->ask("VestingVault", vault::encode_tranche_count(), vault::decode_tranche_count));
    std::vector<HeldGrant> grants;
    for (std::uint16_t tranche = 0; tranche < count; ++tranche) {
        HeldGrant held;
        held.tranche = tranche;
        TRY(held.id,
            chain->ask("VestingVault", vault::encode_grant_id_of(tranche, account), vault::decode_grant_id_of));
        TRY(held.grant, chain->ask("VestingVault", vault::encode_grant_of(held.id), vault::decode_grant_of));
        if (held.grant.amount == 0) continue;
        TRY(held.terms, chain->ask("VestingVault", vault::encode_tranche_of(tranche), vault::decode_tranche_of));
        TRY(held.releasable, chain->ask("VestingVault", vault::encode_releasable(held.id), vault::decode_releasable));
        grants.push_back(std::move(held));
    }
    return grants;
}

Result<Exit> run_vesting(const TokenOptions& options, Session* session) {
    TRY(const Address account, account_of(options.account, options.wallet, *session));
    TRY(const auto chain, open_to_read(*session));
    TRY(const std::vector<HeldGrant> grants, grants_of(chain.get(), account));
    Table table{.titles = {"Tranche", "For", "VCAI", "Released VCAI", "Free now VCAI", "Then"}, .rows = {}};
    for (const HeldGrant& held : grants) {
        table.rows.push_back({std::to_string(held.tranche), category_name(held.terms.category),
                              vcai_text(held.grant.amount), vcai_text(held.grant.released), vcai_text(held.releasable),
                              release_text(held.terms.schedule)});
    }
    session->output.print(table);
    return Exit::kOk;
}

Result<Exit> run_claim(const TokenOptions& options, Session* session) {
    TRY(const auto chain, open_to_act(options.wallet, *session));
    const Address account = chain->account();
    TRY(const std::vector<HeldGrant> grants, grants_of(chain.get(), account));
    Table table{.titles = {"Tranche", "Released VCAI", "Transaction"}, .rows = {}};
    for (const HeldGrant& held : grants) {
        if (held.releasable.is_zero()) continue;
        TRY(const Hash transaction, chain->execute("VestingVault", vault::encode_release(held.id)));
        table.rows.push_back({std::to_string(held.tranche), vcai_text(held.releasable), codec::to_hex(transaction)});
    }
    if (table.rows.empty()) return make_error(Errc::kNotFound, "nothing is free to be released yet");
    session->output.print(table);
    return Exit::kOk;
}

}  // namespace

void add_token_commands(CLI::App* root, Commands* commands) {
    auto options = std::make_shared<TokenOptions>();
    CLI::App* noun = root->add_subcommand("token", "VCAI: balances, transfers, the allocation and its release");
    noun->require_subcommand(1);
    add_wallet_options(noun, &options->wallet);

    CLI::App* balance = noun->add_subcommand("balance", "VCAI held, locked and staked, and stablecoin");
    balance->add_option("account", options->account, "address (default: the wallet's)");
    commands->on(balance, [options](Session* session) { return run_balance(*options, session); });

    CLI::App* transfer = noun->add_subcommand("transfer", "send VCAI");
    transfer->add_option("to", options->to, "address")->required();
    transfer->add_option("amount", options->amount, "VCAI, e.g. 12.5")->required();
    commands->on(transfer, [options](Session* session) { return run_transfer(*options, session); });

    commands->on(noun->add_subcommand("allocation", "what the genesis supply is for and how it is released"),
                 [options](Session* session) { return run_allocation(*options, session); });

    CLI::App* vesting = noun->add_subcommand("vesting", "grants of an account and what of them is free");
    vesting->add_option("account", options->account, "address (default: the wallet's)");
    commands->on(vesting, [options](Session* session) { return run_vesting(*options, session); });

    commands->on(noun->add_subcommand("claim", "have everything that is free of the wallet's grants paid out"),
                 [options](Session* session) { return run_claim(*options, session); });
}

}  // namespace vcity::cli
