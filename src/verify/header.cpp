// SPDX-License-Identifier: Apache-2.0
#include "verify/header.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "base/check.hpp"
#include "crypto/keccak.hpp"
#include "verify/little_endian.hpp"

namespace vcity::verify {
namespace {

constexpr std::string_view kTag = "VCTH";
constexpr std::uint8_t kVersion = 2;

void put_tokens(Bytes* out, const std::vector<std::uint32_t>& tokens) {
    CHECK(tokens.size() <= kTraceTokensMax);
    detail::put(out, static_cast<std::uint32_t>(tokens.size()));
    detail::put_all<std::uint32_t>(out, tokens);
}

Result<std::vector<std::uint32_t>> get_tokens(detail::Reader* reader, std::uint32_t vocab) {
    const auto count = reader->get<std::uint32_t>();
    if (count > kTraceTokensMax) return make_error(Errc::kInvalid, "trace header: too many tokens");
    std::vector<std::uint32_t> tokens = reader->get_all<std::uint32_t>(count);
    if (!reader->ok()) return make_error(Errc::kInvalid, "trace header: truncated");
    if (std::any_of(tokens.begin(), tokens.end(), [&](std::uint32_t token) { return token >= vocab; })) {
        return make_error(Errc::kInvalid, "trace header: a token is not in the vocabulary");
    }
    return tokens;
}

Result<void> parse_kind(detail::Reader* reader, TraceHeader* header) {
    const auto tier = reader->get<std::uint8_t>();
    const auto kernel = reader->get<std::uint8_t>();
    const auto page = reader->get<std::uint32_t>();
    if (tier > static_cast<std::uint8_t>(AuditTier::kServed) ||
        kernel > static_cast<std::uint8_t>(KernelClass::kFlashTensor) || page != kPagePositions) {
        return make_error(Errc::kInvalid, "trace header: unknown tier, kernel class or page size");
    }
    header->tier = static_cast<AuditTier>(tier);
    header->kernel = static_cast<KernelClass>(kernel);
    return {};
}

}  // namespace

std::uint64_t TraceHeader::positions() const {
    if (prompt_tokens.empty()) return 0;
    return prompt_tokens.size() + std::max<std::size_t>(output_tokens.size(), 1) - 1;
}

std::uint32_t TraceHeader::token_at(std::uint64_t position) const {
    CHECK(position < positions());
    if (position < prompt_tokens.size()) return prompt_tokens[position];
    return output_tokens[position - prompt_tokens.size()];
}

Bytes encode_header(const TraceHeader& header) {
    Bytes bytes;
    append(&bytes, as_bytes(kTag));
    detail::put(&bytes, kVersion);
    append(&bytes, header.job_id.view());
    append(&bytes, header.request_hash.view());
    append(&bytes, header.weights_root.view());
    append(&bytes, header.shape.view());
    detail::put(&bytes, static_cast<std::uint8_t>(header.tier));
    detail::put(&bytes, static_cast<std::uint8_t>(header.kernel));
    detail::put(&bytes, kPagePositions);
    append(&bytes, header.client_nonce.view());
    detail::put(&bytes, header.epoch);
    append(&bytes, header.monitor_key.view());
    detail::put(&bytes, header.sampling.temperature);
    detail::put(&bytes, header.sampling.top_p);
    detail::put(&bytes, header.sampling.seed);
    put_tokens(&bytes, header.prompt_tokens);
    put_tokens(&bytes, header.output_tokens);
    return bytes;
}

Result<TraceHeader> parse_header(const ModelShape& shape, ByteView bytes) {
    detail::Reader reader{bytes};
    const bool tagged = bytes.size() >= kTag.size() && as_text(bytes.first(kTag.size())) == kTag;
    if (!tagged) return make_error(Errc::kInvalid, "trace header: wrong tag");
    reader.get<std::uint32_t>();
    if (reader.get<std::uint8_t>() != kVersion) return make_error(Errc::kInvalid, "trace header: unknown version");
    TraceHeader header;
    header.job_id = reader.get_fixed<JobId>();
    header.request_hash = reader.get_fixed<Hash>();
    header.weights_root = reader.get_fixed<Hash>();
    header.shape = reader.get_fixed<Hash>();
    TRY_OK(parse_kind(&reader, &header));
    header.client_nonce = reader.get_fixed<Hash>();
    header.epoch = reader.get<std::uint64_t>();
    header.monitor_key = reader.get_fixed<Hash>();
    header.sampling.temperature = reader.get<double>();
    header.sampling.top_p = reader.get<double>();
    header.sampling.seed = reader.get<std::uint64_t>();
    if (!std::isfinite(header.sampling.temperature) || !std::isfinite(header.sampling.top_p)) {
        return make_error(Errc::kInvalid, "trace header: sampling is not finite");
    }
    TRY(header.prompt_tokens, get_tokens(&reader, shape.vocab));
    TRY(header.output_tokens, get_tokens(&reader, shape.vocab));
    if (reader.remaining() != 0) return make_error(Errc::kInvalid, "trace header: bytes left over");
    return header;
}

Hash header_leaf(ByteView bytes) {
    return crypto::keccak256(bytes);
}

}  // namespace vcity::verify
