// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "cli/trust.hpp"
#include "contracts/agent_nft.hpp"

// `vcity agent`: agents as NFTs (docs/decisions/contracts/0015-agent-nfts.md). Money is the stablecoin, in dollars on
// the command line.
namespace vcity::cli::agents {

inline constexpr std::string_view kNft = "AgentNFT";
inline constexpr std::string_view kLicenses = "LicenseManager";
inline constexpr std::string_view kMarket = "AgentMarket";
inline constexpr std::string_view kSplitter = "RevenueSplitter";
inline constexpr std::uint64_t kDaySeconds = 86'400;

struct AgentOptions {
    WalletFiles wallet;
    std::string agent;
    std::string user;
    std::string file;
    std::string payload;
    std::string model_root;
    std::string royalty = "5";
    std::string creator = "10";
    std::string amount;
    std::string exclusive_per_day = "0";
    std::string shared_per_day = "0";
    std::string per_call = "0";
    std::string signature;
    std::string comment;
    std::uint64_t days = 30;
    std::uint32_t calls = 0;
    std::uint64_t used = 0;
    std::uint32_t stars = 0;
    bool is_exclusive = false;
};

// The number of an agent that was minted. kInvalid: no number; kNotFound: not minted yet.
Result<Uint256> known_agent(const std::string& text, wiring::TrustChain* chain);
// "12.5" dollars as base units of the stablecoin.
Result<std::uint64_t> parse_money(const std::string& text);

Result<Exit> run_list(const AgentOptions& options, Session* session);
Result<Exit> run_show(const AgentOptions& options, Session* session);
Result<Exit> run_mint(const AgentOptions& options, Session* session);
Result<Exit> run_publish(const AgentOptions& options, Session* session);
Result<Exit> run_terms(const AgentOptions& options, Session* session);
Result<Exit> run_redeem(const AgentOptions& options, Session* session);
Result<Exit> run_earnings(const AgentOptions& options, Session* session);
Result<Exit> run_withdraw(const AgentOptions& options, Session* session);
Result<Exit> run_sell(const AgentOptions& options, Session* session);
Result<Exit> run_unlist(const AgentOptions& options, Session* session);
Result<Exit> run_buy(const AgentOptions& options, Session* session);
Result<Exit> run_license(const AgentOptions& options, Session* session);
Result<Exit> run_calls(const AgentOptions& options, Session* session);
Result<Exit> run_voucher(const AgentOptions& options, Session* session);
Result<Exit> run_rate(const AgentOptions& options, Session* session);

}  // namespace vcity::cli::agents
