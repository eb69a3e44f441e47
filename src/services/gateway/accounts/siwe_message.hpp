// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace vcity::gateway {

inline constexpr std::size_t kSiweMessageMax = 4'096;

// A Sign-In with Ethereum message (EIP-4361): what a wallet showed its owner and signed.
struct SiweMessage {
    std::string scheme;  // of the origin; often empty
    std::string domain;  // RFC 3986 authority
    Address address;
    std::string statement;  // empty: none
    std::string uri;
    std::uint64_t chain_id = 0;
    std::string nonce;
    std::uint64_t issued_at_unix_seconds = 0;
    std::optional<std::uint64_t> expires_at_unix_seconds;
    std::optional<std::uint64_t> not_before_unix_seconds;
    std::optional<std::string> request_id;
    std::vector<std::string> resources;

    bool operator==(const SiweMessage&) const = default;
};

// Strict, by the ABNF of EIP-4361: every line in its place, the address as EIP-55 writes it, version 1, nothing after
// the last line. Untrusted; at most kSiweMessageMax bytes. kInvalid says which line is wrong.
Result<SiweMessage> parse_siwe_message(std::string_view text);

// "2026-11-23T04:05:06Z", also with a fraction and with an offset (RFC 3339), as unix seconds; kInvalid before 1970,
// and for days that no month has.
Result<std::uint64_t> parse_rfc3339(std::string_view text);
// "2026-11-23T04:05:06Z"
std::string to_rfc3339(std::uint64_t unix_seconds);

// What a wallet signs of a text (EIP-191, personal_sign): keccak256("\x19Ethereum Signed Message:\n" size text).
Hash personal_message_hash(std::string_view text);

}  // namespace vcity::gateway
