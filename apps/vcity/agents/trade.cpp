// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include "agents/agents.hpp"
#include "codec/hex.hpp"
#include "contracts/agent_market.hpp"
#include "contracts/license_manager.hpp"
#include "crypto/eip712.hpp"
#include "crypto/keccak.hpp"

namespace vcity::cli::agents {
namespace {

using codec::Json;
using wiring::TrustChain;
namespace nft = contracts::agent_nft;
namespace licenses = contracts::license_manager;
namespace market = contracts::agent_market;

constexpr std::uint8_t kExclusive = 0;
constexpr std::uint8_t kShared = 1;

}  // namespace

Result<Exit> run_sell(const AgentOptions& options, Session* session) {
    TRY(const std::uint64_t price, parse_money(options.amount));
    TRY(const auto chain, open_to_act(options.wallet, *session));
    TRY(const Uint256 agent, known_agent(options.agent, chain.get()));
    TRY(const market::Parameters parameters,
        chain->ask(kMarket, market::encode_parameters(), market::decode_parameters));
    TRY_OK(confirm(*session, fmt::format("Offer agent {} for {} USD for {} days; the market keeps {} of a sale",
                                         options.agent, usd_text(Uint256{price}), options.days,
                                         percent_text(parameters.commission_bps, 10'000))));
    TRY(const Address at, chain->of(kMarket));
    TRY(const Address approved, chain->ask(kNft, nft::encode_get_approved(agent), nft::decode_get_approved));
    if (approved != at) {
        TRY_OK(chain->execute(kNft, nft::encode_approve(at, agent)));
    }
    TRY(const std::uint64_t now, chain->now());
    TRY(const Hash transaction,
        chain->execute(kMarket, market::encode_list(agent, U128{price}, now + options.days * kDaySeconds)));
    session->output.print(done_record("offered_agent", options.agent, transaction));
    return Exit::kOk;
}

Result<Exit> run_unlist(const AgentOptions& options, Session* session) {
    TRY(const auto chain, open_to_act(options.wallet, *session));
    TRY(const Uint256 agent, known_agent(options.agent, chain.get()));
    TRY(const Hash transaction, chain->execute(kMarket, market::encode_unlist(agent)));
    session->output.print(done_record("no_longer_offered", options.agent, transaction));
    return Exit::kOk;
}

Result<Exit> run_buy(const AgentOptions& options, Session* session) {
    TRY(const auto chain, open_to_act(options.wallet, *session));
    TRY(const Uint256 agent, known_agent(options.agent, chain.get()));
    // The nonce is read first: what changes after it makes the sale fail.
    TRY(const std::uint64_t nonce, chain->ask(kNft, nft::encode_state_nonce(agent), nft::decode_state_nonce));
    TRY(const bool is_listed, chain->ask(kMarket, market::encode_is_listed(agent), market::decode_is_listed));
    if (!is_listed) return make_error(Errc::kNotFound, "agent " + options.agent + " is not for sale");
    TRY(const market::Listing listing,
        chain->ask(kMarket, market::encode_listing_of(agent), market::decode_listing_of));
    Uint256 most{listing.price};
    if (!options.amount.empty()) {
        TRY(const std::uint64_t given, parse_money(options.amount));
        most = Uint256{given};
        if (Uint256{listing.price} > most) {
            return make_error(Errc::kConflict,
                              fmt::format("it costs {} USD, more than --max", usd_text(Uint256{listing.price})));
        }
    }
    TRY_OK(confirm(*session, fmt::format("Buy agent {} for {} USD", options.agent, usd_text(Uint256{listing.price}))));
    TRY_OK(chain->allow(chain->stable(), kMarket, Uint256{listing.price}));
    TRY(const Hash transaction, chain->execute(kMarket, market::encode_buy(agent, most, nonce)));
    session->output.print(done_record("bought_agent", options.agent, transaction));
    return Exit::kOk;
}

Result<Exit> run_license(const AgentOptions& options, Session* session) {
    const std::uint8_t kind = options.is_exclusive ? kExclusive : kShared;
    const std::uint64_t seconds = options.days * kDaySeconds;
    TRY(const auto chain, open_to_act(options.wallet, *session));
    TRY(const Uint256 agent, known_agent(options.agent, chain.get()));
    TRY(const Uint256 price,
        chain->ask(kLicenses, licenses::encode_price_of(agent, kind, seconds), licenses::decode_price_of));
    TRY_OK(confirm(*session,
                   fmt::format("Use agent {} for {} days for {} USD", options.agent, options.days, usd_text(price))));
    TRY_OK(chain->allow(chain->stable(), kLicenses, price));
    TRY(const Hash transaction, chain->execute(kLicenses, licenses::encode_buy_license(agent, kind, seconds, price)));
    session->output.print(done_record("licensed_agent", options.agent, transaction));
    return Exit::kOk;
}

Result<Exit> run_calls(const AgentOptions& options, Session* session) {
    TRY(const auto chain, open_to_act(options.wallet, *session));
    TRY(const Uint256 agent, known_agent(options.agent, chain.get()));
    TRY(const licenses::Terms terms,
        chain->ask(kLicenses, licenses::encode_terms_of(agent), licenses::decode_terms_of));
    if (terms.per_call == 0) return make_error(Errc::kNotFound, "agent " + options.agent + " is not sold by the call");
    const Uint256 price{static_cast<U128>(terms.per_call) * options.calls};
    TRY_OK(confirm(*session, fmt::format("Pay {} USD for {} calls of agent {} in advance", usd_text(price),
                                         options.calls, options.agent)));
    TRY_OK(chain->allow(chain->stable(), kLicenses, price));
    TRY(const Hash transaction, chain->execute(kLicenses, licenses::encode_buy_calls(agent, options.calls, price)));
    session->output.print(done_record("prepaid_calls", std::to_string(options.calls), transaction));
    return Exit::kOk;
}

Result<Exit> run_voucher(const AgentOptions& options, Session* session) {
    TRY(const auto chain, open_to_act(options.wallet, *session));
    TRY(const Uint256 agent, known_agent(options.agent, chain.get()));
    TRY(const Hash digest, chain->ask(kLicenses, licenses::encode_voucher_digest(agent, chain->account(), options.used),
                                      licenses::decode_voucher_digest));
    TRY(const Signature signature, chain->sign(digest));
    Json record{codec::JsonObject{}};
    record.set("agent", options.agent);
    record.set("user", crypto::to_checksum_address(chain->account()));
    record.set("calls_in_all", options.used);
    record.set("signature", codec::to_hex(signature));
    session->output.print(record);
    return Exit::kOk;
}

Result<Exit> run_rate(const AgentOptions& options, Session* session) {
    if (options.stars < 1 || options.stars > 5) return make_error(Errc::kInvalid, "a rating is 1 to 5 stars");
    TRY(const auto chain, open_to_act(options.wallet, *session));
    TRY(const Uint256 agent, known_agent(options.agent, chain.get()));
    const Hash comment = options.comment.empty() ? Hash{} : crypto::keccak256(as_bytes(options.comment));
    TRY(const Hash transaction,
        chain->execute(kLicenses, licenses::encode_rate(agent, static_cast<std::uint8_t>(options.stars), comment,
                                                        options.comment)));
    session->output.print(done_record("rated_agent", options.agent, transaction));
    return Exit::kOk;
}

}  // namespace vcity::cli::agents
