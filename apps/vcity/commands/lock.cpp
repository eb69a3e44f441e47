// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "cli/trust.hpp"
#include "codec/hex.hpp"
#include "contracts/ve_vcai.hpp"
#include "market/ve.hpp"

namespace vcity::cli {
namespace {

using codec::Json;
using wiring::TrustChain;
namespace ve = contracts::ve_vcai;

struct LockOptions {
    WalletFiles wallet;
    std::string account;
    std::string amount;
    std::uint64_t weeks = 0;
};

Result<std::uint64_t> week_after(TrustChain* chain, std::uint64_t weeks) {
    TRY(const Uint256 week, chain->ask("VeVCAI", ve::encode_current_week(), ve::decode_current_week));
    TRY(const std::uint64_t current, to_u64(week));
    return current + weeks;
}

Result<std::uint64_t> time_of_week(TrustChain* chain, std::uint64_t week) {
    TRY(const Uint256 time, chain->ask("VeVCAI", ve::encode_time_of(Uint256{week}), ve::decode_time_of));
    return to_u64(time);
}

Result<ve::LockState> lock_of(TrustChain* chain, const Address& account) {
    return chain->ask("VeVCAI", ve::encode_locks(account), ve::decode_locks);
}

Result<Exit> change(Session* session, TrustChain* chain, const Uint256& amount, std::uint64_t end_week) {
    TRY(const std::uint64_t unlock, time_of_week(chain, end_week));
    TRY_OK(confirm(*session, fmt::format("Lock {} VCAI more until {}", vcai_text(amount), time_text(unlock))));
    TRY(const Address vcai, chain->of("VCAIToken"));
    TRY_OK(chain->allow(vcai, "VeVCAI", amount));
    TRY(const Hash transaction, chain->execute("VeVCAI", ve::encode_lock(amount, Uint256{end_week})));
    TRY(const ve::LockState lock, lock_of(chain, chain->account()));
    Json record{codec::JsonObject{}};
    record.set("added_vcai", vcai_text(amount));
    record.set("locked_vcai", vcai_text(lock.amount));
    record.set("unlocks", time_text(unlock));
    record.set("transaction", codec::to_hex(transaction));
    session->output.print(record);
    return Exit::kOk;
}

Result<Exit> run_create(const LockOptions& options, Session* session) {
    TRY(const Uint256 amount, parse_vcai_amount(options.amount));
    TRY(const auto chain, open_to_act(options.wallet, *session));
    TRY(const ve::LockState lock, lock_of(chain.get(), chain->account()));
    if (lock.amount > 0) {
        return make_error(Errc::kConflict, "this account has a lock already: use add, extend or withdraw");
    }
    TRY(const std::uint64_t week, week_after(chain.get(), options.weeks));
    return change(session, chain.get(), amount, week);
}

Result<ve::LockState> existing_lock(TrustChain* chain) {
    TRY(const ve::LockState lock, lock_of(chain, chain->account()));
    if (lock.amount == 0) return make_error(Errc::kNotFound, "this account has no lock");
    return lock;
}

Result<Exit> run_extend(const LockOptions& options, Session* session) {
    TRY(const auto chain, open_to_act(options.wallet, *session));
    TRY_OK(existing_lock(chain.get()));
    TRY(const std::uint64_t week, week_after(chain.get(), options.weeks));
    return change(session, chain.get(), Uint256{}, week);
}

Result<Exit> run_add(const LockOptions& options, Session* session) {
    TRY(const Uint256 amount, parse_vcai_amount(options.amount));
    TRY(const auto chain, open_to_act(options.wallet, *session));
    TRY(const ve::LockState lock, existing_lock(chain.get()));
    return change(session, chain.get(), amount, lock.end_week);
}

Result<Exit> run_withdraw(const LockOptions& options, Session* session) {
    TRY(const auto chain, open_to_act(options.wallet, *session));
    TRY(const ve::LockState lock, existing_lock(chain.get()));
    TRY(const Hash transaction, chain->execute("VeVCAI", ve::encode_withdraw()));
    session->output.print(done_record("withdrawn_vcai", vcai_text(lock.amount), transaction));
    return Exit::kOk;
}

Result<Exit> run_claim(const LockOptions& options, Session* session) {
    TRY(const auto chain, open_to_act(options.wallet, *session));
    TRY(const Address account,
        options.account.empty() ? Result<Address>{chain->account()} : crypto::parse_address(options.account));
    TRY(const Uint256 due, chain->ask("VeVCAI", ve::encode_claimable(account), ve::decode_claimable));
    if (due.is_zero()) return make_error(Errc::kNotFound, "this account has no rewards to claim");
    TRY(const Hash transaction, chain->execute("VeVCAI", ve::encode_claim(account)));
    session->output.print(done_record("claimed_vcai", vcai_text(due), transaction));
    return Exit::kOk;
}

Result<Exit> run_show(const LockOptions& options, Session* session) {
    TRY(const Address account, account_of(options.account, options.wallet, *session));
    TRY(const auto chain, open_to_read(*session));
    TRY(const ve::LockState lock, lock_of(chain.get(), account));
    TRY(const Uint256 weight, chain->ask("VeVCAI", ve::encode_weight_of(account), ve::decode_weight_of));
    TRY(const Uint256 total, chain->ask("VeVCAI", ve::encode_total_weight(), ve::decode_total_weight));
    TRY(const Uint256 locked, chain->ask("VeVCAI", ve::encode_total_locked(), ve::decode_total_locked));
    TRY(const Uint256 due, chain->ask("VeVCAI", ve::encode_claimable(account), ve::decode_claimable));
    Json record{codec::JsonObject{}};
    record.set("account", crypto::to_checksum_address(account));
    record.set("locked_vcai", vcai_text(lock.amount));
    if (lock.amount > 0) {
        TRY(const std::uint64_t unlock, time_of_week(chain.get(), lock.end_week));
        TRY(const std::uint64_t now, chain->now());
        record.set("unlocks", time_text(unlock));
        record.set("unlocks_in", unlock > now ? span_text(unlock - now) : "ended: withdraw it");
    }
    record.set("weight", vcai_text(weight));
    record.set("share_of_votes", percent_text(to_u128(weight).value_or(0), to_u128(total).value_or(0)));
    record.set("rewards_vcai", vcai_text(due));
    record.set("total_weight", vcai_text(total));
    record.set("total_locked_vcai", vcai_text(locked));
    session->output.print(record);
    return Exit::kOk;
}

// What a lock would weigh as time passes; with market's arithmetic, which equals the contract's.
Result<Exit> run_simulate(const LockOptions& options, Session* session) {
    TRY(const Uint256 amount, parse_vcai_amount(options.amount));
    TRY(const auto chain, open_to_read(*session));
    TRY(const ve::Parameters parameters, chain->ask("VeVCAI", ve::encode_parameters(), ve::decode_parameters));
    TRY(const U128 linear_below, to_u128(parameters.linear_below));
    TRY(const U128 wei, to_u128(amount));
    if (wei < market::kLockMin.wei) return make_error(Errc::kInvalid, "a lock holds 1 VCAI at least");
    TRY(const Uint256 total, chain->ask("VeVCAI", ve::encode_total_weight(), ve::decode_total_weight));
    TRY(const std::uint64_t now, chain->now());
    TRY(const std::uint64_t current, week_after(chain.get(), 0));
    TRY(const std::uint64_t week_start, time_of_week(chain.get(), current));
    const U128 strength = market::lock_strength({wei}, {linear_below});
    Table table{.titles = {"When", "Weight", "Share of votes if nothing else changes"}, .rows = {}};
    const std::uint64_t into_week = now - week_start;
    for (std::uint64_t step = 0; step <= 4; ++step) {
        const std::uint64_t elapsed = into_week + (options.weeks * market::kWeekSeconds - into_week) * step / 4;
        const U128 weight = market::weight_at(strength, options.weeks, elapsed);
        table.rows.push_back({time_text(week_start + elapsed), vcai_text(weight),
                              percent_text(weight, weight + to_u128(total).value_or(0))});
    }
    session->output.print(table);
    return Exit::kOk;
}

void add_weeks(CLI::App* app, LockOptions* options, const char* what) {
    app->add_option("--weeks", options->weeks, what)->required()->check(CLI::Range(1, 208));
}

}  // namespace

void add_lock_commands(CLI::App* root, Commands* commands) {
    auto options = std::make_shared<LockOptions>();
    CLI::App* noun = root->add_subcommand("lock", "veVCAI: lock VCAI for votes and a share of the revenue");
    noun->require_subcommand(1);
    add_wallet_options(noun, &options->wallet);
    const char* amount = "VCAI, e.g. 1000";

    CLI::App* create = noun->add_subcommand("create", "lock VCAI; nobody can end a lock early");
    create->add_option("amount", options->amount, amount)->required();
    add_weeks(create, options.get(), "until the start of the week so many weeks from now, at most 208");
    commands->on(create, [options](Session* session) { return run_create(*options, session); });

    CLI::App* extend = noun->add_subcommand("extend", "let the lock end later");
    add_weeks(extend, options.get(), "new end, counted from now");
    commands->on(extend, [options](Session* session) { return run_extend(*options, session); });

    CLI::App* add = noun->add_subcommand("add", "lock more until the same end");
    add->add_option("amount", options->amount, amount)->required();
    commands->on(add, [options](Session* session) { return run_add(*options, session); });

    commands->on(noun->add_subcommand("withdraw", "take back a lock that has ended, with its rewards"),
                 [options](Session* session) { return run_withdraw(*options, session); });

    CLI::App* claim = noun->add_subcommand("claim", "have rewards paid out, to their owner only");
    claim->add_option("account", options->account, "address (default: the wallet's)");
    commands->on(claim, [options](Session* session) { return run_claim(*options, session); });

    CLI::App* show = noun->add_subcommand("show", "a lock, its weight and its rewards");
    show->add_option("account", options->account, "address (default: the wallet's)");
    commands->on(show, [options](Session* session) { return run_show(*options, session); });

    CLI::App* simulate = noun->add_subcommand("simulate", "what a new lock would weigh over its life");
    simulate->add_option("amount", options->amount, amount)->required();
    add_weeks(simulate, options.get(), "length of the lock");
    commands->on(simulate, [options](Session* session) { return run_simulate(*options, session); });
}

}  // namespace vcity::cli
