// SPDX-License-Identifier: Apache-2.0
#include "crypto/sha256.hpp"

#include <array>
#include <limits>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/check.hpp"

namespace vcity::crypto {
namespace {

// Reflected polynomial of IEEE 802.3.
constexpr std::uint32_t kCrcPolynomial = 0xedb88320U;

constexpr std::array<std::uint32_t, 256> make_crc_table() {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
        std::uint32_t value = byte;
        for (int bit = 0; bit < 8; ++bit) value = (value & 1U) != 0 ? value >> 1U ^ kCrcPolynomial : value >> 1U;
        table[byte] = value;
    }
    return table;
}

constexpr std::array<std::uint32_t, 256> kCrcTable = make_crc_table();

}  // namespace

Hash sha256(ByteView bytes) {
    Hash hash;
    CHECK(EVP_Digest(bytes.data(), bytes.size(), hash.bytes.data(), nullptr, EVP_sha256(), nullptr) == 1);
    return hash;
}

void Sha256::Free::operator()(evp_md_ctx_st* context) const {
    EVP_MD_CTX_free(context);
}

Sha256::Sha256() : context_{EVP_MD_CTX_new()} {
    CHECK(context_ != nullptr && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
}

void Sha256::update(ByteView bytes) {
    CHECK(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
}

Hash Sha256::finish() {
    Hash hash;
    CHECK(EVP_DigestFinal_ex(context_.get(), hash.bytes.data(), nullptr) == 1);
    return hash;
}

Hash hmac_sha256(ByteView key, ByteView message) {
    CHECK(key.size() <= static_cast<std::size_t>(std::numeric_limits<int>::max()));
    // A null key pointer means "the key of last time" to OpenSSL, so an empty key needs an address of its own.
    const std::uint8_t empty = 0;
    Hash mac;
    unsigned size = 0;
    CHECK(HMAC(EVP_sha256(), key.empty() ? &empty : key.data(), static_cast<int>(key.size()), message.data(),
               message.size(), mac.bytes.data(), &size) != nullptr);
    CHECK(size == Hash::kSize);
    return mac;
}

std::uint32_t crc32(ByteView bytes) {
    std::uint32_t value = 0xffffffffU;
    for (const std::uint8_t byte : bytes) value = kCrcTable[(value ^ byte) & 0xffU] ^ value >> 8U;
    return ~value;
}

}  // namespace vcity::crypto
