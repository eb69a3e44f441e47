// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/accounts/nonce_book.hpp"

#include <fmt/format.h>

#include "base/secret.hpp"
#include "codec/hex.hpp"
#include "codec/integer.hpp"
#include "crypto/sha256.hpp"

namespace vcity::gateway {
namespace {

constexpr std::size_t kTimeDigits = 16;
constexpr std::size_t kClaimDigits = 2 * kTimeDigits;
constexpr std::size_t kProofDigits = 32;

}  // namespace

std::string NonceBook::proof_of(std::string_view claim) const {
    return codec::to_hex(crypto::hmac_sha256(secret_.view(), as_bytes(claim))).substr(2, kProofDigits);
}

std::string NonceBook::issue(std::uint64_t now_unix_seconds, std::uint64_t entropy) const {
    const std::string claim = fmt::format("{:016x}{:016x}", now_unix_seconds, entropy);
    return claim + proof_of(claim);
}

bool NonceBook::spend(std::string_view nonce, std::uint64_t now_unix_seconds) {
    if (nonce.size() != kClaimDigits + kProofDigits) return false;
    const std::string_view claim = nonce.substr(0, kClaimDigits);
    if (!equal_constant_time(as_bytes(proof_of(claim)), as_bytes(nonce.substr(kClaimDigits)))) return false;
    const Result<Bytes> time = codec::parse_hex_exact("0x" + std::string{claim.substr(0, kTimeDigits)}, 8);
    if (!time) return false;
    std::uint64_t issued = 0;
    for (const std::uint8_t byte : *time) issued = issued << 8U | byte;
    if (issued > now_unix_seconds || now_unix_seconds - issued >= seconds_) return false;
    while (!order_.empty() && now_unix_seconds - order_.front().first >= seconds_) {
        spent_.erase(order_.front().second);
        order_.pop_front();
    }
    if (spent_.size() >= spent_max_ || !spent_.insert(std::string{nonce}).second) return false;
    order_.emplace_back(now_unix_seconds, nonce);
    return true;
}

}  // namespace vcity::gateway
