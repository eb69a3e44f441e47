// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include "agents/agents.hpp"
#include "codec/hex.hpp"
#include "contracts/agent_market.hpp"
#include "contracts/license_manager.hpp"
#include "contracts/revenue_splitter.hpp"

namespace vcity::cli::agents {
namespace {

using codec::Json;
using wiring::TrustChain;
namespace nft = contracts::agent_nft;
namespace licenses = contracts::license_manager;
namespace market = contracts::agent_market;
namespace splitter = contracts::revenue_splitter;

constexpr std::uint64_t kListMax = 100;
constexpr U128 kWhole = 10'000;

std::string price_text(std::uint64_t base_units) {
    return base_units == 0 ? "not offered" : usd_text(Uint256{base_units});
}

Result<std::string> sale_text(TrustChain* chain, const Uint256& agent) {
    TRY(const bool is_listed, chain->ask(kMarket, market::encode_is_listed(agent), market::decode_is_listed));
    if (!is_listed) return std::string{"not for sale"};
    TRY(const market::Listing listing,
        chain->ask(kMarket, market::encode_listing_of(agent), market::decode_listing_of));
    return usd_text(Uint256{listing.price});
}

// "4.50 of 5 by 3", the stars weighed by what the raters had paid.
Result<std::string> rating_text(TrustChain* chain, const Uint256& agent) {
    TRY(const licenses::RatingSum sum,
        chain->ask(kLicenses, licenses::encode_rating_of(agent), licenses::decode_rating_of));
    if (sum.count == 0 || sum.weight == 0) return std::string{"none yet"};
    const auto hundredths = static_cast<std::uint64_t>(sum.weighted_stars * 100U / sum.weight);
    return fmt::format("{}.{:02} of 5 by {}", hundredths / 100, hundredths % 100, sum.count);
}

Result<void> add_terms(TrustChain* chain, const Uint256& agent, Json* record) {
    TRY(const licenses::Terms terms,
        chain->ask(kLicenses, licenses::encode_terms_of(agent), licenses::decode_terms_of));
    record->set("exclusive_per_day_usd", price_text(terms.exclusive_per_day));
    record->set("shared_per_day_usd", price_text(terms.shared_per_day));
    record->set("per_call_usd", price_text(terms.per_call));
    return {};
}

Result<void> add_rights(TrustChain* chain, const Uint256& agent, const Address& user, Json* record) {
    TRY(const bool may, chain->ask(kLicenses, licenses::encode_may_call(agent, user), licenses::decode_may_call));
    TRY(const licenses::CallCredit credit,
        chain->ask(kLicenses, licenses::encode_credit_of(agent, user), licenses::decode_credit_of));
    TRY(const std::uint64_t shared,
        chain->ask(kLicenses, licenses::encode_shared_until(agent, user), licenses::decode_shared_until));
    record->set("you", crypto::to_checksum_address(user));
    record->set("you_may_call", may);
    record->set("your_licence_until", time_text(shared));
    record->set("your_prepaid_calls", std::uint64_t{credit.left});
    return {};
}

}  // namespace

Result<Uint256> known_agent(const std::string& text, TrustChain* chain) {
    TRY(const std::uint64_t number, parse_number(text, "the agent"));
    TRY(const Uint256 minted, chain->ask(kNft, nft::encode_total_minted(), nft::decode_total_minted));
    if (number == 0 || Uint256{number} > minted) {
        return make_error(Errc::kNotFound, fmt::format("there is no agent {}", number));
    }
    return Uint256{number};
}

Result<Exit> run_list(const AgentOptions& /*options*/, Session* session) {
    TRY(const auto chain, open_to_read(*session));
    TRY(const Uint256 minted, chain->ask(kNft, nft::encode_total_minted(), nft::decode_total_minted));
    TRY(const std::uint64_t newest, to_u64(minted));
    Table table{.titles = {"Agent", "Holder", "Price USD", "Rating"}, .rows = {}};
    for (std::uint64_t shown = 0; shown < std::min(newest, kListMax); ++shown) {
        const Uint256 agent{newest - shown};
        TRY(const Address holder, chain->ask(kNft, nft::encode_owner_of(agent), nft::decode_owner_of));
        TRY(std::string sale, sale_text(chain.get(), agent));
        TRY(std::string rating, rating_text(chain.get(), agent));
        table.rows.push_back(
            {std::to_string(newest - shown), crypto::to_checksum_address(holder), std::move(sale), std::move(rating)});
    }
    session->output.print(table);
    return Exit::kOk;
}

Result<Exit> run_show(const AgentOptions& options, Session* session) {
    TRY(const auto chain, open_to_read(*session));
    TRY(const Uint256 id, known_agent(options.agent, chain.get()));
    TRY(const nft::Agent agent, chain->ask(kNft, nft::encode_agent_of(id), nft::decode_agent_of));
    TRY(const Address holder, chain->ask(kNft, nft::encode_owner_of(id), nft::decode_owner_of));
    TRY(std::string uri, chain->ask(kNft, nft::encode_token_uri(id), nft::decode_token_uri));
    TRY(const Address till, chain->ask(kSplitter, splitter::encode_till_of(id), splitter::decode_till_of));
    TRY(std::string sale, sale_text(chain.get(), id));
    TRY(std::string rating, rating_text(chain.get(), id));
    Json record{codec::JsonObject{}};
    record.set("agent", options.agent);
    record.set("holder", crypto::to_checksum_address(holder));
    record.set("developer", crypto::to_checksum_address(agent.developer));
    record.set("version", std::uint64_t{agent.version});
    record.set("registration_file", std::move(uri));
    record.set("royalty", percent_text(agent.royalty_bps, kWhole));
    record.set("creator_share", percent_text(agent.creator_bps, kWhole));
    record.set("pays_into", crypto::to_checksum_address(till));
    record.set("price_usd", std::move(sale));
    TRY_OK(add_terms(chain.get(), id, &record));
    record.set("rating", std::move(rating));
    // Without a wallet there is nobody whose rights could be shown.
    const Result<Address> user = account_of(options.user, options.wallet, *session);
    if (!user && !options.user.empty()) return user.error();
    if (user) {
        TRY_OK(add_rights(chain.get(), id, *user, &record));
    }
    session->output.print(record);
    return Exit::kOk;
}

}  // namespace vcity::cli::agents
