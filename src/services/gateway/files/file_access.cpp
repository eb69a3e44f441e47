// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/files/file_access.hpp"

#include <algorithm>
#include <charconv>

#include "base/secret.hpp"
#include "codec/hex.hpp"
#include "crypto/sha256.hpp"

namespace vcity::gateway {
namespace {

constexpr std::string_view kPurpose = "vcity-files-v1";
constexpr std::string_view kLinkPurpose = "vcity-file-links-v1";
constexpr std::size_t kTimeBytes = 8;
constexpr std::size_t kProofBytes = 16;
constexpr std::size_t kTokenBytes = JobId::kSize + kTimeBytes + kProofBytes;

Bytes claim_of(const FileAccess& access) {
    Bytes claim(access.job_id.bytes.begin(), access.job_id.bytes.end());
    for (std::size_t byte = 0; byte < kTimeBytes; ++byte) {
        const std::size_t shift = 8 * (kTimeBytes - 1 - byte);
        claim.push_back(static_cast<std::uint8_t>(access.expires_unix_seconds >> shift));
    }
    return claim;
}

// sha256: nullptr for the right to all files of the job.
Bytes proof_of(const Hash& secret, const Bytes& claim, const Hash* sha256) {
    const ByteView purpose = as_bytes(sha256 == nullptr ? kPurpose : kLinkPurpose);
    Bytes message(purpose.begin(), purpose.end());
    message.insert(message.end(), claim.begin(), claim.end());
    if (sha256 != nullptr) message.insert(message.end(), sha256->bytes.begin(), sha256->bytes.end());
    const Hash mac = crypto::hmac_sha256(secret.view(), message);
    return {mac.bytes.begin(), mac.bytes.begin() + kProofBytes};
}

std::string make_token(const Hash& secret, const FileAccess& access, const Hash* sha256) {
    Bytes token = claim_of(access);
    const Bytes proof = proof_of(secret, token, sha256);
    token.insert(token.end(), proof.begin(), proof.end());
    return codec::to_hex(token).substr(2);
}

std::optional<FileAccess> parse_token(const Hash& secret, std::string_view token, const Hash* sha256) {
    if (token.size() != 2 * kTokenBytes) return std::nullopt;
    const Result<Bytes> bytes = codec::parse_hex_exact("0x" + std::string{token}, kTokenBytes);
    if (!bytes) return std::nullopt;
    FileAccess access;
    std::copy_n(bytes->begin(), JobId::kSize, access.job_id.bytes.begin());
    for (std::size_t byte = 0; byte < kTimeBytes; ++byte) {
        access.expires_unix_seconds = access.expires_unix_seconds << 8U | (*bytes)[JobId::kSize + byte];
    }
    const Bytes proof = proof_of(secret, claim_of(access), sha256);
    const ByteView given = ByteView{*bytes}.subspan(JobId::kSize + kTimeBytes);
    if (!equal_constant_time(proof, given)) return std::nullopt;
    return access;
}

bool read_number(std::string_view text, std::uint64_t* out) {
    const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), *out);
    return code == std::errc{} && stop == text.data() + text.size();
}

}  // namespace

std::string make_access_token(const Hash& secret, const FileAccess& access) {
    return make_token(secret, access, nullptr);
}

std::optional<FileAccess> parse_access_token(const Hash& secret, std::string_view token) {
    return parse_token(secret, token, nullptr);
}

std::string make_link_token(const Hash& secret, const FileAccess& access, const Hash& sha256) {
    return make_token(secret, access, &sha256);
}

std::optional<FileAccess> parse_link_token(const Hash& secret, std::string_view token, const Hash& sha256) {
    return parse_token(secret, token, &sha256);
}

std::optional<ByteRange> parse_range(std::string_view header, std::uint64_t file_bytes) {
    const ByteRange all{.first = 0, .bytes = file_bytes, .is_part = false};
    constexpr std::string_view kUnit = "bytes=";
    if (!header.starts_with(kUnit)) return all;
    const std::string_view range = header.substr(kUnit.size());
    const std::size_t dash = range.find('-');
    if (dash == std::string_view::npos || range.find(',') != std::string_view::npos) return all;
    const std::string_view from = range.substr(0, dash);
    const std::string_view to = range.substr(dash + 1);
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    if (from.empty()) {
        if (!read_number(to, &last)) return all;
        if (last == 0 || file_bytes == 0) return std::nullopt;
        const std::uint64_t bytes = std::min(last, file_bytes);
        return ByteRange{.first = file_bytes - bytes, .bytes = bytes, .is_part = true};
    }
    if (!read_number(from, &first)) return all;
    if (!to.empty() && (!read_number(to, &last) || last < first)) return all;
    if (first >= file_bytes) return std::nullopt;
    const std::uint64_t end = to.empty() ? file_bytes : std::min(file_bytes - 1, last) + 1;
    return ByteRange{.first = first, .bytes = end - first, .is_part = true};
}

}  // namespace vcity::gateway
