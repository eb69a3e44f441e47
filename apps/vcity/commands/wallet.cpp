// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "base/amount.hpp"
#include "cli/command.hpp"
#include "cli/keys.hpp"
#include "codec/hex.hpp"
#include "codec/integer.hpp"
#include "wiring/chain.hpp"

namespace vcity::cli {
namespace {

using codec::Json;

struct WalletOptions {
    std::string keystore;
    std::string password_file;
    std::string amount;
    std::string scheduler;
    std::uint64_t days = 30;
    std::uint64_t nonce = 0;
    bool approve = false;
};

KeyFiles key_files(const WalletOptions& options, const Session& session) {
    return {
        .keystore = options.keystore.empty() ? session.settings.keystore.value : options.keystore,
        .password_file = options.password_file.empty() ? session.settings.password_file.value : options.password_file};
}

Result<Exit> run_new(const WalletOptions& options, Session* session) {
    KeyFiles files = key_files(options, *session);
    if (options.keystore.empty()) files.keystore = default_state_path() + "/wallet.json";
    TRY(const Address address, create_key(files, KeyCost::kStrong));
    Json record{codec::JsonObject{}};
    record.set("address", crypto::to_checksum_address(address));
    record.set("keystore", files.keystore);
    session->output.print(record);
    session->output.note("Keep this file and its password: nobody can restore them for you.");
    return Exit::kOk;
}

Result<Exit> run_address(const WalletOptions& options, Session* session) {
    const KeyFiles files = key_files(options, *session);
    if (files.keystore.empty()) return make_error(Errc::kInvalid, "no key file: name one with --keystore");
    TRY(const Address address, keystore_address(files.keystore));
    Json record{codec::JsonObject{}};
    record.set("address", crypto::to_checksum_address(address));
    session->output.print(record);
    return Exit::kOk;
}

Result<Exit> run_balance(const WalletOptions& options, Session* session) {
    const KeyFiles files = key_files(options, *session);
    if (files.keystore.empty()) return make_error(Errc::kInvalid, "no key file: name one with --keystore");
    TRY(const Address address, keystore_address(files.keystore));
    TRY(const wiring::AccountBalances balances, wiring::read_balances(session->settings, address));
    Json record{codec::JsonObject{}};
    record.set("address", crypto::to_checksum_address(address));
    record.set("wallet_usd", to_string(balances.wallet));
    record.set("escrow_available_usd", to_string(balances.escrow_available));
    session->output.print(record);
    return Exit::kOk;
}

Result<Exit> run_deposit(const WalletOptions& options, Session* session) {
    TRY(const Usd amount, parse_usd(options.amount));
    TRY(crypto::PrivateKey key, load_key(key_files(options, *session)));
    TRY(const Hash transaction,
        wiring::deposit(session->settings, std::move(key), {.amount = amount, .by_permit = !options.approve}));
    Json record{codec::JsonObject{}};
    record.set("deposited_usd", to_string(amount));
    record.set("transaction", codec::to_hex(transaction));
    session->output.print(record);
    return Exit::kOk;
}

Result<Exit> run_cap(const WalletOptions& options, Session* session) {
    TRY(const Usd limit, parse_usd(options.amount));
    TRY(const Address scheduler, crypto::parse_address(options.scheduler));
    TRY(crypto::PrivateKey key, load_key(key_files(options, *session)));
    TRY(const Deployment deployment, wiring::load_deployment(session->settings));
    const wiring::CapTerms terms{.scheduler = scheduler, .limit = limit, .days = options.days, .nonce = options.nonce};
    TRY(const wiring::SignedCapText cap, wiring::sign_cap(deployment, key, terms));
    session->output.print(cap.json);
    return Exit::kOk;
}

}  // namespace

void add_wallet_commands(CLI::App* root, Commands* commands) {
    auto options = std::make_shared<WalletOptions>();
    CLI::App* wallet = root->add_subcommand("wallet", "keys, balances, deposits and spending caps");
    wallet->require_subcommand(1);
    wallet->add_option("--keystore", options->keystore, "key file (Web3 Secret Storage)");
    wallet->add_option("--password-file", options->password_file, "file with the key's password");

    commands->on(wallet->add_subcommand("new", "make a new key"),
                 [options](Session* session) { return run_new(*options, session); });
    commands->on(wallet->add_subcommand("address", "show the address of the key file"),
                 [options](Session* session) { return run_address(*options, session); });
    commands->on(wallet->add_subcommand("balance", "stablecoin in the wallet and in the escrow"),
                 [options](Session* session) { return run_balance(*options, session); });

    CLI::App* deposit = wallet->add_subcommand("deposit", "put stablecoin into the escrow, to pay for jobs");
    deposit->add_option("amount", options->amount, "dollars, e.g. 12.50")->required();
    deposit->add_flag("--approve", options->approve,
                      "two transactions, for a stablecoin without permits (default: one, with a signed permit)");
    commands->on(deposit, [options](Session* session) { return run_deposit(*options, session); });

    CLI::App* cap = wallet->add_subcommand("cap", "sign how much a scheduler may charge you at most");
    cap->add_option("limit", options->amount, "dollars, e.g. 5")->required();
    cap->add_option("--scheduler", options->scheduler, "address of the scheduler")->required();
    cap->add_option("--days", options->days, "valid for this many days")->check(CLI::Range(1, 365));
    cap->add_option("--nonce", options->nonce, "a number not used before (default: the present time)");
    commands->on(cap, [options](Session* session) { return run_cap(*options, session); });
}

}  // namespace vcity::cli
