// SPDX-License-Identifier: Apache-2.0
#include "cli/trust.hpp"

#include <ctime>
#include <iostream>
#include <optional>

#include <CLI/CLI.hpp>
#include <fmt/core.h>
#include <unistd.h>

#include "codec/hex.hpp"
#include "codec/integer.hpp"

namespace vcity::cli {
namespace {

constexpr std::uint64_t kMinute = 60;
constexpr std::uint64_t kHour = 60 * kMinute;
constexpr std::uint64_t kDay = 24 * kHour;

KeyFiles key_files(const WalletFiles& files, const Session& session) {
    return {.keystore = files.keystore.empty() ? session.settings.keystore.value : files.keystore,
            .password_file = files.password_file.empty() ? session.settings.password_file.value : files.password_file};
}

}  // namespace

void add_wallet_options(CLI::App* noun, WalletFiles* files) {
    noun->add_option("--keystore", files->keystore, "key file (Web3 Secret Storage)");
    noun->add_option("--password-file", files->password_file, "file with the key's password");
}

Result<Address> account_of(const std::string& text, const WalletFiles& files, const Session& session) {
    if (!text.empty()) return crypto::parse_address(text);
    const KeyFiles key = key_files(files, session);
    if (key.keystore.empty()) return make_error(Errc::kInvalid, "no account: name one, or a key file with --keystore");
    return keystore_address(key.keystore);
}

Result<std::unique_ptr<wiring::TrustChain>> open_to_read(const Session& session) {
    return wiring::TrustChain::open(session.settings);
}

Result<std::unique_ptr<wiring::TrustChain>> open_to_act(const WalletFiles& files, const Session& session) {
    const KeyFiles key_file = key_files(files, session);
    if (key_file.keystore.empty()) return make_error(Errc::kInvalid, "no key file: name one with --keystore");
    TRY(crypto::PrivateKey key, load_key(key_file));
    return wiring::TrustChain::open(session.settings, std::move(key));
}

Result<void> confirm(const Session& session, const std::string& what) {
    if (session.assume_yes) return {};
    if (isatty(STDIN_FILENO) == 0) {
        return make_error(Errc::kDenied, what + ": this cannot be undone; say --yes where nobody can be asked");
    }
    fmt::print(stderr, "{}. This cannot be undone. Go on? [y/N] ", what);
    std::string answer;
    std::getline(std::cin, answer);
    if (answer == "y" || answer == "Y" || answer == "yes") return {};
    return make_error(Errc::kDenied, "not done");
}

std::string vcai_text(const Uint256& wei) {
    const Result<U128> fits = to_u128(wei);
    return fits ? to_string(Vcai{*fits}) : to_decimal(wei / Uint256{kWeiPerVcai});
}

std::string usd_text(const Uint256& base_units) {
    const Result<std::uint64_t> fits = to_u64(base_units);
    return fits ? to_string(Usd{*fits}) : to_decimal(base_units / Uint256{1'000'000U});
}

std::string percent_text(U128 part, U128 whole) {
    if (whole == 0) return "-";
    const Result<Uint256> hundredths = mul_div_floor(Uint256{part}, Uint256{10'000U}, Uint256{whole});
    const std::uint64_t value = hundredths ? to_u64(*hundredths).value_or(0) : 0;
    return fmt::format("{}.{:02} %", value / 100, value % 100);
}

std::string time_text(std::uint64_t unix_seconds) {
    if (unix_seconds == 0) return "-";
    const auto time = static_cast<std::time_t>(unix_seconds);
    std::tm parts{};
    if (gmtime_r(&time, &parts) == nullptr) return std::to_string(unix_seconds);
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                       parts.tm_hour, parts.tm_min, parts.tm_sec);
}

std::string span_text(std::uint64_t seconds) {
    if (seconds >= kDay) return fmt::format("{} d {} h", seconds / kDay, seconds % kDay / kHour);
    if (seconds >= kHour) return fmt::format("{} h {} min", seconds / kHour, seconds % kHour / kMinute);
    if (seconds >= kMinute) return fmt::format("{} min {} s", seconds / kMinute, seconds % kMinute);
    return fmt::format("{} s", seconds);
}

Result<Uint256> parse_vcai_amount(const std::string& text) {
    TRY(const Vcai amount, parse_vcai(text));
    if (amount.wei == 0) return make_error(Errc::kInvalid, "the amount must be above zero");
    return Uint256{amount.wei};
}

Result<std::uint64_t> parse_number(const std::string& text, const char* what) {
    const Result<std::uint64_t> number = codec::parse_decimal(text);
    if (!number) return make_error(Errc::kInvalid, fmt::format("{} must be a number: {}", what, text));
    return *number;
}

codec::Json done_record(const std::string& title, std::string value, const Hash& transaction) {
    codec::Json record{codec::JsonObject{}};
    record.set(title, std::move(value));
    record.set("transaction", codec::to_hex(transaction));
    return record;
}

}  // namespace vcity::cli
