// SPDX-License-Identifier: Apache-2.0
#include "operator/node_chain.hpp"

#include <limits>

#include <fmt/core.h>

#include "adapters/chain_evm/contracts.hpp"
#include "cli/settings.hpp"
#include "contracts/node_registry.hpp"
#include "contracts/settlement.hpp"
#include "contracts/slashing_court.hpp"
#include "wiring/chain_connection.hpp"
#include "wiring/run.hpp"
#include "wiring/trust_chain.hpp"

namespace vcity::cli {
namespace {

namespace registry = contracts::node_registry;
namespace court = contracts::slashing_court;
namespace settlement = contracts::settlement;
using wiring::ChainConnection;
using wiring::TrustChain;

constexpr const char* kRegistry = "NodeRegistry";
constexpr std::uint8_t kComputeRole = 0;

Result<Vcai> to_vcai(const Uint256& wei) {
    TRY(const U128 narrow, to_u128(wei));
    return Vcai{narrow};
}

Task<Result<void>> read_money(ChainConnection* chain, Deployment deployment, Address identity, Standing* out) {
    CO_TRY_OK(co_await chain->bind(std::move(deployment)));
    CO_TRY(out->coin, co_await chain->rpc()->balance(identity));
    CO_TRY(out->stable, co_await chain->reader()->stable_balance(identity));
    CO_TRY(out->vcai, co_await chain->reader()->vcai_balance(identity));
    CO_TRY(out->fee_bps, co_await chain->reader()->network_fee_bps());
    CO_TRY(const ChainHead head, co_await chain->reader()->head());
    out->block_time = head.timestamp;
    co_return Result<void>{};
}

Result<void> read_registration(TrustChain* chain, const Address& identity, Standing* out) {
    TRY(const registry::Node node, chain->ask(kRegistry, registry::encode_node_of(identity), registry::decode_node_of));
    out->is_registered = node.registered_at != 0;
    if (!out->is_registered) return {};
    out->is_banned = node.banned;
    out->stake = Vcai{node.stake};
    out->suspended_until = node.suspended_until;
    TRY(out->is_active,
        chain->ask(kRegistry, registry::encode_is_active(identity, kComputeRole), registry::decode_is_active));
    TRY(const registry::RequiredStakeResult required,
        chain->ask(kRegistry, registry::encode_required_stake(identity), registry::decode_required_stake));
    TRY(out->required, to_vcai(required.current));
    TRY(const U128 held, chain->ask("SlashingCourt", court::encode_escrowed_of(identity), court::decode_escrowed_of));
    out->held_by_court = Vcai{held};
    return {};
}

Task<Result<void>> send(ChainConnection* chain, Deployment deployment, Address to, U128 coin, Vcai vcai) {
    CO_TRY_OK(co_await chain->bind(std::move(deployment)));
    if (coin > 0) {
        CO_TRY_OK(co_await chain->writer()->send_coin(to, coin));
    }
    if (vcai.wei > 0) {
        CO_TRY_OK(co_await chain->writer()->send_vcai(to, vcai));
    }
    co_return Result<void>{};
}

Task<Result<void>> join_registry(ChainConnection* chain, Deployment deployment, NodeRecord record) {
    CO_TRY_OK(co_await chain->bind(std::move(deployment)));
    CO_TRY(const std::optional<NodeRecord> known, co_await chain->reader()->node(record.identity));
    if (!known) {
        NodeRecord copy = record;
        CO_TRY_OK(co_await chain->writer()->register_node(std::move(copy)));
    }
    CO_TRY(const std::optional<NodeRecord> now, co_await chain->reader()->node(record.identity));
    if (!now) co_return make_error(Errc::kUnavailable, "the registration is not on the chain yet: run this again");
    if (now->role != record.role) {
        co_return make_error(Errc::kDenied, "this identity is registered as " + std::string{to_string(now->role)});
    }
    if (!now->active) co_return make_error(Errc::kDenied, "this identity is not active: stake too low, or banned");
    co_return Result<void>{};
}

Settings settings_of(const ChainPlace& place) {
    Settings settings;
    settings.rpc.value = place.rpc;
    settings.deployment.value = place.deployment;
    return settings;
}

}  // namespace

Result<Standing> read_standing(const ChainPlace& place, const Address& identity, const std::string& gpu_model) {
    Standing standing;
    TRY(const Deployment deployment, adapters::load_deployment(place.deployment));
    adapters::AsioRuntime runtime;
    ChainConnection connection{&runtime, place.rpc, nullptr};
    TRY_OK(wiring::run_task(&runtime, read_money(&connection, deployment, identity, &standing)));
    TRY(const auto chain, TrustChain::open(settings_of(place)));
    TRY_OK(read_registration(chain.get(), identity, &standing));
    if (standing.is_registered) return standing;
    TRY(const Hash model, adapters::text_to_bytes32(gpu_model));
    TRY(const std::uint8_t device_class,
        chain->ask(kRegistry, registry::encode_class_of(model), registry::decode_class_of));
    TRY(const Uint256 required, chain->ask(kRegistry, registry::encode_requirement_of(kComputeRole, device_class),
                                           registry::decode_requirement_of));
    TRY(standing.required, to_vcai(required));
    return standing;
}

Result<std::vector<Payout>> read_payouts(const ChainPlace& place, const Address& node) {
    TRY(const auto chain, TrustChain::open(settings_of(place)));
    TRY(const std::vector<adapters::EvmLog> logs, chain->logs("Settlement"));
    std::vector<Payout> payouts;
    for (const adapters::EvmLog& log : logs) {
        if (log.topics.empty() || log.topics.front() != settlement::claimed_topic()) continue;
        TRY(const settlement::ClaimedEvent event, settlement::decode_claimed_event(log.topics, log.data));
        if (event.node != node || event.amount > std::numeric_limits<std::uint64_t>::max()) continue;
        payouts.push_back({.scheduler = event.scheduler,
                           .amount = Usd{static_cast<std::uint64_t>(event.amount)},
                           .batch = event.index,
                           .block = log.block_number,
                           .transaction = log.transaction});
    }
    return payouts;
}

Result<void> send_funds(const ChainPlace& place, crypto::PrivateKey from, const Address& to, U128 coin, Vcai vcai) {
    TRY(const Deployment deployment, adapters::load_deployment(place.deployment));
    adapters::AsioRuntime runtime;
    KeySigner signer{std::move(from)};
    ChainConnection chain{&runtime, place.rpc, &signer};
    return wiring::run_task(&runtime, send(&chain, deployment, to, coin, vcai));
}

Result<void> register_on_chain(const ChainPlace& place, crypto::PrivateKey identity, NodeRecord record) {
    TRY(const Deployment deployment, adapters::load_deployment(place.deployment));
    adapters::AsioRuntime runtime;
    KeySigner signer{std::move(identity)};
    ChainConnection chain{&runtime, place.rpc, &signer};
    return wiring::run_task(&runtime, join_registry(&chain, deployment, std::move(record)));
}

std::string coin_text(U128 wei) {
    constexpr U128 kMicro = 1'000'000'000'000U;
    const auto micro = static_cast<std::uint64_t>(wei / kMicro);
    constexpr std::uint64_t kMillion = 1'000'000;
    std::string text = fmt::format("{}.{:06}", micro / kMillion, micro % kMillion);
    while (text.back() == '0') text.pop_back();
    if (text.back() == '.') text.pop_back();
    return text;
}

}  // namespace vcity::cli
