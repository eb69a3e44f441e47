// SPDX-License-Identifier: Apache-2.0
#include "capacity/stream.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <memory>

#include <openssl/evp.h>

#include "base/check.hpp"
#include "crypto/keccak.hpp"

namespace vcity::capacity {
namespace {

constexpr std::size_t kCipherBlock = 16;
constexpr std::size_t kUpdateMax = std::size_t{1} << 30U;
constexpr std::size_t kWordsPerRead = 64;

struct FreeContext {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};

// The counter block of cipher block `index`: the number, most significant byte first.
std::array<std::uint8_t, kCipherBlock> counter_block(std::uint64_t index) {
    std::array<std::uint8_t, kCipherBlock> block{};
    for (std::size_t i = 0; i < sizeof(index); ++i) {
        block[kCipherBlock - 1 - i] = static_cast<std::uint8_t>(index >> (8 * i));
    }
    return block;
}

}  // namespace

void KeyStream::read(std::uint64_t offset, std::span<std::uint8_t> out) const {
    const std::unique_ptr<EVP_CIPHER_CTX, FreeContext> context{EVP_CIPHER_CTX_new()};
    CHECK(context != nullptr);
    const auto counter = counter_block(offset / kCipherBlock);
    CHECK(EVP_EncryptInit_ex(context.get(), EVP_aes_256_ctr(), nullptr, key_.bytes.data(), counter.data()) == 1);
    int written = 0;
    const std::size_t skipped = offset % kCipherBlock;
    if (skipped > 0) {
        std::array<std::uint8_t, kCipherBlock> unused{};
        CHECK(EVP_EncryptUpdate(context.get(), unused.data(), &written, unused.data(), static_cast<int>(skipped)) == 1);
    }
    std::fill(out.begin(), out.end(), std::uint8_t{0});
    while (!out.empty()) {
        const std::size_t part = std::min(out.size(), kUpdateMax);
        CHECK(EVP_EncryptUpdate(context.get(), out.data(), &written, out.data(), static_cast<int>(part)) == 1);
        out = out.subspan(part);
    }
}

std::vector<std::uint64_t> KeyStream::words(std::size_t count) const {
    Bytes bytes(count * sizeof(std::uint64_t));
    read(0, bytes);
    std::vector<std::uint64_t> words(count);
    if (count > 0) std::memcpy(words.data(), bytes.data(), bytes.size());
    return words;
}

Hash derive_key(std::string_view label, const Hash& parent, std::uint64_t number) {
    std::array<std::uint8_t, sizeof(number)> digits{};
    std::memcpy(digits.data(), &number, sizeof(number));
    const Hash name = crypto::keccak256_text(label);
    return crypto::keccak256({as_bytes("vcity capacity key 1:"), name.view(), parent.view(), digits});
}

std::uint64_t WordStream::next() {
    if (used_ == block_.size()) {
        block_.resize(kWordsPerRead);
        Bytes bytes(kWordsPerRead * sizeof(std::uint64_t));
        stream_.read(offset_, bytes);
        std::memcpy(block_.data(), bytes.data(), bytes.size());
        offset_ += bytes.size();
        used_ = 0;
    }
    return block_[used_++];
}

std::uint64_t WordStream::below(std::uint64_t bound) {
    CHECK(bound > 0);
    // Words below 2^64 mod bound would make the low results more likely.
    const std::uint64_t skipped = (0 - bound) % bound;
    std::uint64_t word = next();
    while (word < skipped) word = next();
    return word % bound;
}

}  // namespace vcity::capacity
