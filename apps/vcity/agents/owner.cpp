// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/core.h>

#include "agents/agents.hpp"
#include "base/amount.hpp"
#include "codec/hex.hpp"
#include "contracts/agent_market.hpp"
#include "contracts/license_manager.hpp"
#include "contracts/revenue_splitter.hpp"
#include "crypto/sha256.hpp"

namespace vcity::cli::agents {
namespace {

using codec::Json;
using wiring::TrustChain;
namespace nft = contracts::agent_nft;
namespace licenses = contracts::license_manager;
namespace market = contracts::agent_market;
namespace splitter = contracts::revenue_splitter;

constexpr std::uint64_t kMicroPercentPerBasisPoint = 10'000;
constexpr std::uint16_t kBasisPointsMax = 10'000;

// "7.5" percent as basis points.
Result<std::uint16_t> parse_percent(const std::string& text) {
    TRY(const Usd percent, parse_usd(text));
    const std::uint64_t points = percent.micro / kMicroPercentPerBasisPoint;
    if (percent.micro % kMicroPercentPerBasisPoint != 0 || points > kBasisPointsMax) {
        return make_error(Errc::kInvalid, "a share is 0 to 100 percent with two decimals, not " + text);
    }
    return static_cast<std::uint16_t>(points);
}

// The file must be JSON, because whoever shows the agent reads it (ERC-8004).
Result<nft::VersionRecord> make_version(const AgentOptions& options) {
    TRY(const std::string text, read_bytes(options.file));
    const Result<Json> parsed = codec::parse_json(text);
    if (!parsed) return make_error(Errc::kInvalid, options.file + ": " + parsed.error().message);
    const Json* name = parsed->find("name");
    if (name == nullptr || !name->is_string()) {
        return make_error(Errc::kInvalid, options.file + ": a registration file needs a \"name\" (ERC-8004)");
    }
    nft::VersionRecord record;
    record.metadata_hash = crypto::sha256(as_bytes(text));
    record.payload_uri = options.payload;
    if (!options.model_root.empty()) {
        TRY(record.model_commitment, codec::parse_fixed<Hash>(options.model_root));
    }
    return record;
}

// The agent that this account minted last.
Result<Uint256> minted_by(TrustChain* chain, const Address& developer) {
    TRY(const std::vector<adapters::EvmLog> logs, chain->logs(kNft));
    for (auto log = logs.rbegin(); log != logs.rend(); ++log) {
        if (log->topics.empty() || log->topics.front() != nft::agent_minted_topic()) continue;
        TRY(const nft::AgentMintedEvent event, nft::decode_agent_minted_event(log->topics, log->data));
        if (event.developer == developer) return event.agent_id;
    }
    return make_error(Errc::kNotFound, "the chain does not show the agent yet");
}

struct Owed {
    Uint256 usage;
    Uint256 sales;
};
Result<Owed> owed_to(TrustChain* chain, const Address& account) {
    TRY(const Uint256 usage, chain->ask(kSplitter, splitter::encode_owed(account), splitter::decode_owed));
    TRY(const Uint256 sales, chain->ask(kMarket, market::encode_owed(account), market::decode_owed));
    return Owed{usage, sales};
}

}  // namespace

Result<std::uint64_t> parse_money(const std::string& text) {
    TRY(const Usd amount, parse_usd(text));
    return amount.micro;
}

Result<Exit> run_mint(const AgentOptions& options, Session* session) {
    TRY(const std::uint16_t royalty, parse_percent(options.royalty));
    TRY(const std::uint16_t creator, parse_percent(options.creator));
    TRY(const nft::VersionRecord version, make_version(options));
    TRY(const auto chain, open_to_act(options.wallet, *session));
    TRY(const nft::Parameters parameters, chain->ask(kNft, nft::encode_parameters(), nft::decode_parameters));
    const Uint256 fee{parameters.creation_fee};
    TRY_OK(confirm(*session, fmt::format("Mint an agent of {} for {} USD; royalty {} %, creator's share {} %",
                                         options.file, usd_text(fee), options.royalty, options.creator)));
    TRY_OK(chain->allow(chain->stable(), kNft, fee));
    TRY(const Hash transaction,
        chain->execute(kNft, nft::encode_mint(chain->account(), royalty, creator, version, fee)));
    TRY(const Uint256 agent, minted_by(chain.get(), chain->account()));
    TRY(const std::uint64_t number, to_u64(agent));
    session->output.print(done_record("agent", std::to_string(number), transaction));
    return Exit::kOk;
}

Result<Exit> run_publish(const AgentOptions& options, Session* session) {
    TRY(const nft::VersionRecord version, make_version(options));
    TRY(const auto chain, open_to_act(options.wallet, *session));
    TRY(const Uint256 agent, known_agent(options.agent, chain.get()));
    TRY(const Hash transaction, chain->execute(kNft, nft::encode_publish_version(agent, version)));
    TRY(const nft::Agent now, chain->ask(kNft, nft::encode_agent_of(agent), nft::decode_agent_of));
    session->output.print(done_record("version", std::to_string(now.version), transaction));
    return Exit::kOk;
}

Result<Exit> run_terms(const AgentOptions& options, Session* session) {
    licenses::Terms terms;
    TRY(terms.exclusive_per_day, parse_money(options.exclusive_per_day));
    TRY(terms.shared_per_day, parse_money(options.shared_per_day));
    TRY(terms.per_call, parse_money(options.per_call));
    TRY(const auto chain, open_to_act(options.wallet, *session));
    TRY(const Uint256 agent, known_agent(options.agent, chain.get()));
    TRY(const Hash transaction, chain->execute(kLicenses, licenses::encode_set_terms(agent, terms)));
    session->output.print(done_record("terms_of_agent", options.agent, transaction));
    return Exit::kOk;
}

Result<Exit> run_redeem(const AgentOptions& options, Session* session) {
    TRY(const Address user, crypto::parse_address(options.user));
    TRY(const Bytes signature, codec::parse_hex_exact(options.signature, Signature::kSize));
    TRY(const auto chain, open_to_act(options.wallet, *session));
    TRY(const Uint256 agent, known_agent(options.agent, chain.get()));
    TRY(const Hash transaction,
        chain->execute(kLicenses, licenses::encode_redeem_calls(agent, user, options.used, signature)));
    session->output.print(done_record("redeemed_calls_in_all", std::to_string(options.used), transaction));
    return Exit::kOk;
}

Result<Exit> run_earnings(const AgentOptions& options, Session* session) {
    TRY(const Address account, account_of(options.user, options.wallet, *session));
    TRY(const auto chain, open_to_read(*session));
    TRY(const Owed owed, owed_to(chain.get(), account));
    Json record{codec::JsonObject{}};
    record.set("account", crypto::to_checksum_address(account));
    record.set("from_usage_usd", usd_text(owed.usage));
    record.set("from_sales_usd", usd_text(owed.sales));
    session->output.print(record);
    return Exit::kOk;
}

Result<Exit> run_withdraw(const AgentOptions& options, Session* session) {
    TRY(const auto chain, open_to_act(options.wallet, *session));
    const Address account = chain->account();
    TRY(const Owed owed, owed_to(chain.get(), account));
    if (owed.usage.is_zero() && owed.sales.is_zero()) {
        return make_error(Errc::kNotFound, "nothing waits for this account");
    }
    Hash transaction;
    if (!owed.usage.is_zero()) {
        TRY(transaction, chain->execute(kSplitter, splitter::encode_withdraw(account)));
    }
    if (!owed.sales.is_zero()) {
        TRY(transaction, chain->execute(kMarket, market::encode_withdraw(account)));
    }
    session->output.print(done_record("withdrawn_usd", usd_text(owed.usage + owed.sales), transaction));
    return Exit::kOk;
}

}  // namespace vcity::cli::agents
