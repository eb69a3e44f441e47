// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "cli/reward_records.hpp"
#include "cli/trust.hpp"
#include "codec/hex.hpp"
#include "codec/json.hpp"
#include "contracts/reward_roots.hpp"
#include "market/reward_tree.hpp"

namespace vcity::cli {
namespace {

using codec::Json;
using market::Reward;
using wiring::TrustChain;
namespace roots = contracts::reward_roots;

constexpr std::string_view kRoots = "RewardRoots";
constexpr std::uint64_t kDisputed = (std::uint64_t{1} << 40U) - 1;
constexpr std::size_t kFileBytesMax = 256U << 20U;

struct RewardOptions {
    WalletFiles wallet;
    std::string account;
    std::string kind;
    std::string file;
    std::string uri;
    std::string budget;
    std::string before;
    std::string vcai_per_usd = "0";
};

constexpr std::array<std::string_view, 4> kKinds{"poc", "pod", "fee-tier", "rebate"};

Result<std::uint8_t> parse_kind(const std::string& text) {
    const auto found = std::find(kKinds.begin(), kKinds.end(), text);
    if (found == kKinds.end()) return make_error(Errc::kInvalid, "kinds of rewards are poc, pod, fee-tier and rebate");
    return static_cast<std::uint8_t>(found - kKinds.begin());
}

Result<roots::Line> line_of(TrustChain* chain, std::uint8_t kind) {
    return chain->ask(kRoots, roots::encode_line_of(kind), roots::decode_line_of);
}

std::string root_state(const roots::Line& line, std::uint64_t now) {
    if (line.root.is_zero()) return "none yet";
    if (line.live_at == kDisputed) return "disputed";
    return line.live_at <= now ? "live" : "live at " + time_text(line.live_at);
}

Result<Exit> run_show(const RewardOptions& options, Session* session) {
    const Result<Address> account = account_of(options.account, options.wallet, *session);
    TRY(const auto chain, open_to_read(*session));
    TRY(const std::uint64_t now, chain->now());
    Table table{.titles = {"Kind", "Epoch", "Root", "Funded VCAI", "Named VCAI", "Claimed VCAI", "You claimed VCAI"},
                .rows = {}};
    for (std::uint8_t kind = 0; kind < kKinds.size(); ++kind) {
        TRY(const roots::Line line, line_of(chain.get(), kind));
        std::string claimed = "-";
        if (account) {
            TRY(const Uint256 mine,
                chain->ask(kRoots, roots::encode_claimed_by(kind, *account), roots::decode_claimed_by));
            claimed = vcai_text(mine);
        }
        table.rows.push_back({std::string{kKinds.at(kind)}, std::to_string(line.epoch), root_state(line, now),
                              vcai_text(Uint256{line.funded}), vcai_text(Uint256{line.total}),
                              vcai_text(Uint256{line.claimed}), claimed});
    }
    session->output.print(table);
    return Exit::kOk;
}

Result<Json> read_json(const std::string& path) {
    TRY(const std::string text, read_file(path, kFileBytesMax));
    codec::JsonLimits limits;
    limits.bytes_max = kFileBytesMax;
    return codec::parse_json(text, limits);
}

Result<std::vector<Reward>> read_rewards(const std::string& path) {
    TRY(const Json json, read_json(path));
    return parse_rewards(json);
}

Result<market::RewardTree> read_tree(const RewardOptions& options, std::uint8_t kind) {
    TRY(const std::vector<Reward> rewards, read_rewards(options.file));
    return market::RewardTree::make(static_cast<market::RewardKind>(kind), rewards, {});
}

Result<Exit> run_claim(const RewardOptions& options, Session* session) {
    TRY(const std::uint8_t kind, parse_kind(options.kind));
    TRY(const market::RewardTree tree, read_tree(options, kind));
    TRY(const auto chain, open_to_act(options.wallet, *session));
    TRY(const Address account,
        options.account.empty() ? Result<Address>{chain->account()} : crypto::parse_address(options.account));
    TRY(const std::vector<Hash> proof, tree.proof(account));
    TRY(const roots::LiveRootResult live, chain->ask(kRoots, roots::encode_live_root(kind), roots::decode_live_root));
    if (live.value0 != tree.root()) {
        return make_error(Errc::kConflict, "this file gives root " + codec::to_hex(tree.root()) +
                                               ", but the live root is " + codec::to_hex(live.value0));
    }
    const auto reward = std::find_if(tree.cumulative().begin(), tree.cumulative().end(),
                                     [&](const Reward& each) { return each.account == account; });
    const Uint256 cumulative{reward->amount.wei};
    TRY(const Uint256 before, chain->ask(kRoots, roots::encode_claimed_by(kind, account), roots::decode_claimed_by));
    TRY(const Hash transaction, chain->execute(kRoots, roots::encode_claim(kind, account, cumulative, proof)));
    session->output.print(done_record("claimed_vcai", vcai_text(cumulative - before), transaction));
    return Exit::kOk;
}

Result<std::vector<Reward>> epoch_rewards(const RewardOptions& options, market::RewardKind kind) {
    TRY(const Json records, read_json(options.file));
    if (kind == market::RewardKind::kFeeTier) {
        TRY(const auto standings, parse_standings(records));
        return market::fee_tiers(standings, market::default_fee_tiers());
    }
    if (options.budget.empty()) return make_error(Errc::kInvalid, "--budget: the VCAI to be divided");
    TRY(const Vcai budget, parse_vcai(options.budget));
    TRY(const Vcai price, parse_vcai(options.vcai_per_usd));
    switch (kind) {
        case market::RewardKind::kCapacity: {
            TRY(const auto nodes, parse_capacities(records));
            return market::capacity_rewards(budget, nodes, {});
        }
        case market::RewardKind::kDelivery: {
            TRY(const auto deliveries, parse_deliveries(records));
            return market::delivery_rewards(budget, deliveries, {}, price);
        }
        case market::RewardKind::kDemandRebate: {
            TRY(const auto spending, parse_spending(records));
            return market::demand_rebates({.budget = budget, .per_dollar = price}, spending);
        }
        case market::RewardKind::kFeeTier: break;
    }
    return make_error(Errc::kInternal, "no such kind");
}

// Needs no chain: anybody with the public records gets the same file, so a posted root can be checked.
Result<Exit> run_compute(const RewardOptions& options, Session* session) {
    TRY(const std::uint8_t number, parse_kind(options.kind));
    const auto kind = static_cast<market::RewardKind>(number);
    std::vector<Reward> before;
    const bool is_tier = kind == market::RewardKind::kFeeTier;
    if (is_tier && !options.before.empty()) {
        return make_error(Errc::kInvalid, "--before is for rewards that add up; a fee tier stands for itself");
    }
    if (!options.before.empty()) {
        TRY(before, read_rewards(options.before));
    }
    TRY(const std::vector<Reward> epoch, epoch_rewards(options, kind));
    TRY(const market::RewardTree tree, market::RewardTree::make(kind, before, epoch));
    session->output.print_text(codec::dump_json_pretty(to_json(tree.cumulative())) + "\n");
    const std::string sum = is_tier ? fmt::format("{} nodes have a tier", tree.cumulative().size())
                                    : fmt::format("{} VCAI in all", to_string(tree.total()));
    session->output.note(fmt::format("root {}, {}", codec::to_hex(tree.root()), sum));
    return Exit::kOk;
}

Result<void> deposit_missing_bond(TrustChain* chain) {
    TRY(const roots::Parameters terms, chain->ask(kRoots, roots::encode_parameters(), roots::decode_parameters));
    TRY(const Uint256 held, chain->ask(kRoots, roots::encode_free_bond(chain->account()), roots::decode_free_bond));
    const Uint256 bond{terms.post_bond};
    if (held >= bond) return {};
    TRY(const Address vcai, chain->of("VCAIToken"));
    TRY_OK(chain->allow(vcai, kRoots, bond - held));
    TRY_OK(chain->execute(kRoots, roots::encode_deposit_bond(bond - held)));
    return {};
}

Result<Exit> run_post(const RewardOptions& options, Session* session) {
    TRY(const std::uint8_t kind, parse_kind(options.kind));
    TRY(const market::RewardTree tree, read_tree(options, kind));
    TRY(const auto chain, open_to_act(options.wallet, *session));
    TRY(const roots::Line line, line_of(chain.get(), kind));
    const bool has_money = kind != static_cast<std::uint8_t>(market::RewardKind::kFeeTier);
    const Uint256 total = has_money ? Uint256{tree.total().wei} : Uint256{};
    TRY_OK(deposit_missing_bond(chain.get()));
    const Bytes call = roots::encode_post_root(kind, line.epoch + 1, tree.root(), total, options.uri);
    TRY(const Hash transaction, chain->execute(kRoots, call));
    Json record = done_record("root", codec::to_hex(tree.root()), transaction);
    record.set("epoch", line.epoch + 1);
    record.set("total_vcai", vcai_text(total));
    TRY(const roots::Line after, line_of(chain.get(), kind));
    record.set("live_at", time_text(after.live_at));
    session->output.print(record);
    return Exit::kOk;
}

}  // namespace

void add_rewards_commands(CLI::App* root, Commands* commands) {
    auto options = std::make_shared<RewardOptions>();
    CLI::App* noun = root->add_subcommand("rewards", "rewards for capacity, delivery and spending");
    noun->require_subcommand(1);
    add_wallet_options(noun, &options->wallet);
    const char* kinds = "poc, pod, fee-tier or rebate";
    const char* file = "published rewards: [{\"account\", \"cumulative\" in wei}, ...]";

    CLI::App* show = noun->add_subcommand("show", "roots and budgets of all kinds");
    show->add_option("account", options->account, "address (default: the wallet's)");
    commands->on(show, [options](Session* session) { return run_show(*options, session); });

    CLI::App* claim = noun->add_subcommand("claim", "have a reward paid out, to its owner only");
    claim->add_option("kind", options->kind, kinds)->required();
    claim->add_option("file", options->file, file)->required();
    claim->add_option("--account", options->account, "address (default: the wallet's)");
    commands->on(claim, [options](Session* session) { return run_claim(*options, session); });

    CLI::App* compute = noun->add_subcommand("compute", "an epoch's rewards from public records (docs/rewards.md)");
    compute->add_option("kind", options->kind, kinds)->required();
    compute->add_option("records", options->file, "JSON file of the epoch's records")->required();
    compute->add_option("--budget", options->budget, "VCAI to be divided; fee tiers have none");
    compute->add_option("--before", options->before, "rewards file of the epoch before");
    compute->add_option("--vcai-per-usd", options->vcai_per_usd, "price, for rebates and for shares of the fee in pod");
    commands->on(compute, [options](Session* session) { return run_compute(*options, session); });

    CLI::App* post = noun->add_subcommand("post", "post the next root, with a bond (verifiers)");
    post->add_option("kind", options->kind, kinds)->required();
    post->add_option("file", options->file, file)->required();
    post->add_option("--uri", options->uri, "where the file is published");
    commands->on(post, [options](Session* session) { return run_post(*options, session); });
}

}  // namespace vcity::cli
