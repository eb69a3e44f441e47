// SPDX-License-Identifier: Apache-2.0
#include "contracts/treasury.hpp"

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "cli/trust.hpp"
#include "codec/hex.hpp"
#include "contracts/buyback_executor.hpp"
#include "contracts/incentive_controller.hpp"
#include "contracts/network_fee.hpp"
#include "contracts/twap_oracle.hpp"
#include "contracts/vcai_token.hpp"

namespace vcity::cli {
namespace {

using codec::Json;
using wiring::TrustChain;
namespace treasury = contracts::treasury;
namespace buyback = contracts::buyback_executor;
namespace incentive = contracts::incentive_controller;
namespace oracle = contracts::twap_oracle;

constexpr std::string_view kTreasury = "Treasury";
constexpr std::string_view kBuyback = "BuybackExecutor";
constexpr U128 kWad = kWeiPerVcai;

struct TreasuryOptions {
    WalletFiles wallet;
};

Result<void> add_money(TrustChain* chain, Json* record) {
    const auto amount = [chain](Bytes data, auto decode) { return chain->ask(kTreasury, std::move(data), decode); };
    TRY(const Address self, chain->of(kTreasury));
    namespace token = contracts::vcai_token;
    TRY(const Uint256 held, chain->ask_at(chain->stable(), token::encode_balance_of(self), token::decode_balance_of));
    TRY(const U128 fees, amount(treasury::encode_fees(), treasury::decode_fees));
    TRY(const Uint256 net, amount(treasury::encode_net_fees(), treasury::decode_net_fees));
    TRY(const U128 compensated, amount(treasury::encode_compensated(), treasury::decode_compensated));
    TRY(const U128 bought, amount(treasury::encode_bought_back(), treasury::decode_bought_back));
    TRY(const U128 spent, amount(treasury::encode_spent(), treasury::decode_spent));
    TRY(const Uint256 next, amount(treasury::encode_available_for_buyback(), treasury::decode_available_for_buyback));
    record->set("held_usd", usd_text(held));
    record->set("fees_usd", usd_text(Uint256{fees}));
    record->set("net_fees_usd", usd_text(net));
    record->set("compensated_usd", usd_text(Uint256{compensated}));
    record->set("bought_back_usd", usd_text(Uint256{bought}));
    record->set("spent_by_dao_usd", usd_text(Uint256{spent}));
    record->set("next_buyback_usd", usd_text(next));
    return {};
}

Result<void> add_market(TrustChain* chain, Json* record) {
    TRY(const std::uint64_t next, chain->ask(kBuyback, buyback::encode_next_at(), buyback::decode_next_at));
    record->set("next_buyback_from", next == 0 ? "now" : time_text(next));
    // The oracle may have no young price; that is news, not a failure.
    const Result<Uint256> price =
        chain->ask("TwapOracle", oracle::encode_usd_for(Uint256{kWeiPerVcai}), oracle::decode_usd_for);
    record->set("price_of_vcai_usd", price ? usd_text(*price) : "unknown: " + price.error().message);
    namespace fee = contracts::network_fee;
    TRY(const std::uint32_t ppm, chain->ask("NetworkFee", fee::encode_fee_ppm(), fee::decode_fee_ppm));
    record->set("network_fee", percent_text(ppm, 1'000'000));
    return {};
}

Result<void> add_incentives(TrustChain* chain, Json* record) {
    constexpr std::string_view kController = "IncentiveController";
    TRY(const incentive::CurrentPeriodResult period,
        chain->ask(kController, incentive::encode_current_period(), incentive::decode_current_period));
    TRY(const Uint256 used, chain->ask(kController, incentive::encode_utilization(), incentive::decode_utilization));
    TRY(const Uint256 share, chain->ask(kController, incentive::encode_supply_share(), incentive::decode_supply_share));
    TRY(const U128 released, chain->ask(kController, incentive::encode_released(), incentive::decode_released));
    record->set("incentive_period", std::to_string(period.value0));
    record->set("period_ends", time_text(period.value2));
    record->set("utilization", percent_text(to_u128(used).value_or(0), kWad));
    record->set("supply_share", percent_text(to_u128(share).value_or(0), kWad));
    record->set("released_vcai", vcai_text(Uint256{released}));
    return {};
}

Result<Exit> run_show(Session* session) {
    TRY(const auto chain, open_to_read(*session));
    Json record{codec::JsonObject{}};
    TRY_OK(add_money(chain.get(), &record));
    TRY_OK(add_market(chain.get(), &record));
    TRY_OK(add_incentives(chain.get(), &record));
    session->output.print(record);
    return Exit::kOk;
}

Result<Exit> run_buyback(const TreasuryOptions& options, Session* session) {
    TRY(const auto chain, open_to_act(options.wallet, *session));
    TRY(const U128 before, chain->ask(kTreasury, treasury::encode_bought_back(), treasury::decode_bought_back));
    TRY(const Hash transaction, chain->execute(kBuyback, buyback::encode_buy()));
    TRY(const U128 after, chain->ask(kTreasury, treasury::encode_bought_back(), treasury::decode_bought_back));
    session->output.print(done_record("spent_usd", usd_text(Uint256{after - before}), transaction));
    return Exit::kOk;
}

}  // namespace

void add_treasury_commands(CLI::App* root, Commands* commands) {
    auto options = std::make_shared<TreasuryOptions>();
    CLI::App* noun = root->add_subcommand("treasury", "revenue, buybacks, price and incentives");
    noun->require_subcommand(1);
    add_wallet_options(noun, &options->wallet);
    commands->on(noun->add_subcommand("show", "what came in, what it was used for, and what is next"),
                 [](Session* session) { return run_show(session); });
    commands->on(noun->add_subcommand("buyback", "buy VCAI for lockers, if it is time"),
                 [options](Session* session) { return run_buyback(*options, session); });
}

}  // namespace vcity::cli
