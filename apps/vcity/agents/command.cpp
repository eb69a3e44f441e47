// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "agents/agents.hpp"

namespace vcity::cli {
namespace {

using agents::AgentOptions;

using Runner = Result<Exit> (*)(const AgentOptions&, Session*);

void id_argument(CLI::App* verb, AgentOptions* options) {
    verb->add_option("agent", options->agent, "number of the agent")->required();
}

CLI::App* add_verb(CLI::App* noun,
                   Commands* commands,
                   std::string name,
                   std::string help,
                   const std::shared_ptr<AgentOptions>& options,
                   Runner runner) {
    CLI::App* verb = noun->add_subcommand(std::move(name), std::move(help));
    commands->on(verb, [options, runner](Session* session) { return runner(*options, session); });
    return verb;
}

void add_owner_verbs(CLI::App* noun, Commands* commands, const std::shared_ptr<AgentOptions>& options) {
    AgentOptions* o = options.get();
    CLI::App* mint = add_verb(noun, commands, "mint", "make an agent of its registration file (ERC-8004)", options,
                              agents::run_mint);
    mint->add_option("file", o->file, "JSON; its SHA-256 is bound to the agent")->required();
    mint->add_option("--payload", o->payload, "where the payload lies, e.g. ipfs://...");
    mint->add_option("--model-root", o->model_root, "commitment to the model, as in receipts (0x...)");
    mint->add_option("--royalty", o->royalty, "part of every sale for you, in percent (at most 10)");
    mint->add_option("--creator", o->creator, "part of all usage for you, in percent (at most 50); stays yours");
    CLI::App* publish =
        add_verb(noun, commands, "publish", "the next version of an agent", options, agents::run_publish);
    id_argument(publish, o);
    publish->add_option("file", o->file, "the new registration file")->required();
    publish->add_option("--payload", o->payload, "where the payload lies");
    publish->add_option("--model-root", o->model_root, "commitment to the model");
    CLI::App* terms =
        add_verb(noun, commands, "terms", "what using your agent costs; 0 is not offered", options, agents::run_terms);
    id_argument(terms, o);
    terms->add_option("--exclusive-per-day", o->exclusive_per_day, "USD");
    terms->add_option("--shared-per-day", o->shared_per_day, "USD");
    terms->add_option("--per-call", o->per_call, "USD");
    CLI::App* redeem =
        add_verb(noun, commands, "redeem", "be paid for calls that a user has signed for", options, agents::run_redeem);
    id_argument(redeem, o);
    redeem->add_option("user", o->user, "whose calls")->required();
    redeem->add_option("used", o->used, "calls in all, as signed")->required();
    redeem->add_option("signature", o->signature, "of `agent voucher`")->required();
    CLI::App* earnings = add_verb(noun, commands, "earnings", "what waits for an account from usage and sales", options,
                                  agents::run_earnings);
    earnings->add_option("account", o->user, "default: the wallet's");
    add_verb(noun, commands, "withdraw", "have it paid out", options, agents::run_withdraw);
}

void add_market_verbs(CLI::App* noun, Commands* commands, const std::shared_ptr<AgentOptions>& options) {
    AgentOptions* o = options.get();
    CLI::App* sell = add_verb(noun, commands, "sell", "offer your agent at a price", options, agents::run_sell);
    id_argument(sell, o);
    sell->add_option("price", o->amount, "USD")->required();
    sell->add_option("--days", o->days, "how long the offer is good");
    id_argument(add_verb(noun, commands, "unlist", "take the offer back", options, agents::run_unlist), o);
    CLI::App* buy =
        add_verb(noun, commands, "buy", "buy an agent that is offered, as it is now", options, agents::run_buy);
    id_argument(buy, o);
    buy->add_option("--max", o->amount, "the most that you pay, USD (default: its price)");
}

void add_user_verbs(CLI::App* noun, Commands* commands, const std::shared_ptr<AgentOptions>& options) {
    AgentOptions* o = options.get();
    CLI::App* license = add_verb(noun, commands, "license", "use an agent for some days", options, agents::run_license);
    id_argument(license, o);
    license->add_option("--days", o->days, "from now, or from the end of your licence")->required();
    license->add_flag("--exclusive", o->is_exclusive, "nobody else may use it, its holder included");
    CLI::App* calls = add_verb(noun, commands, "calls", "pay for calls in advance; what you do not sign for comes back",
                               options, agents::run_calls);
    id_argument(calls, o);
    calls->add_option("calls", o->calls, "how many")->required();
    CLI::App* voucher = add_verb(noun, commands, "voucher", "sign for the calls used so far; the holder redeems it",
                                 options, agents::run_voucher);
    id_argument(voucher, o);
    voucher->add_option("used", o->used, "calls in all")->required();
    CLI::App* rate =
        add_verb(noun, commands, "rate", "one to five stars, weighed by what you paid", options, agents::run_rate);
    id_argument(rate, o);
    rate->add_option("stars", o->stars, "1 to 5")->required();
    rate->add_option("--comment", o->comment, "where a comment lies; its hash is bound to the rating");
}

}  // namespace

void add_agent_commands(CLI::App* root, Commands* commands) {
    CLI::App* noun = root->add_subcommand("agent", "AI agents as NFTs: mint, license, trade, call");
    noun->require_subcommand(1);
    const auto options = std::make_shared<AgentOptions>();
    add_wallet_options(noun, &options->wallet);
    add_verb(noun, commands, "list", "the agents there are, the newest first", options, agents::run_list);
    CLI::App* show =
        add_verb(noun, commands, "show", "an agent: holder, shares, price, rating, and what you may do with it",
                 options, agents::run_show);
    id_argument(show, options.get());
    show->add_option("--as", options->user, "whose rights (default: the wallet's)");
    add_owner_verbs(noun, commands, options);
    add_market_verbs(noun, commands, options);
    add_user_verbs(noun, commands, options);
}

}  // namespace vcity::cli
