// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/uint256.hpp"
#include "base/vcai.hpp"
#include "cli/command.hpp"
#include "cli/keys.hpp"
#include "wiring/trust_chain.hpp"

namespace vcity::cli {

// What the commands of token, locks, votes, stakes and rewards share.
struct WalletFiles {
    std::string keystore;
    std::string password_file;
};
void add_wallet_options(CLI::App* noun, WalletFiles* files);

// The account named on the command line, or that of the wallet.
Result<Address> account_of(const std::string& text, const WalletFiles& files, const Session& session);
Result<std::unique_ptr<wiring::TrustChain>> open_to_read(const Session& session);
Result<std::unique_ptr<wiring::TrustChain>> open_to_act(const WalletFiles& files, const Session& session);

// Says what will be done and asks, unless --yes; kDenied when the answer is no.
Result<void> confirm(const Session& session, const std::string& what);

// Amounts and times as people read them; the unit stands in the title.
std::string vcai_text(const Uint256& wei);
std::string usd_text(const Uint256& base_units);
std::string percent_text(U128 part, U128 whole);    // "12.34 %"; "-" of nothing
std::string time_text(std::uint64_t unix_seconds);  // "2026-11-22 14:03:00 UTC"; "-" for zero
std::string span_text(std::uint64_t seconds);       // "3 d 4 h", "12 s"

// Positive amounts from the command line.
Result<Uint256> parse_vcai_amount(const std::string& text);
Result<std::uint64_t> parse_number(const std::string& text, const char* what);

// {"<did>": ..., "transaction": ...}
codec::Json done_record(const std::string& title, std::string value, const Hash& transaction);

}  // namespace vcity::cli
