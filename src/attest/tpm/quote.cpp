// SPDX-License-Identifier: Apache-2.0
#include "attest/tpm/quote.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "attest/cursor.hpp"
#include "base/check.hpp"

namespace vcity::attest {
namespace {

constexpr std::size_t kQuoteBytesMax = 1024;
constexpr std::size_t kSelectionsMax = 4;
constexpr std::uint32_t kGenerated = 0xff544347;
constexpr std::uint16_t kQuoteType = 0x8018;
constexpr std::uint16_t kAlgRsa = 0x0001;
constexpr std::uint16_t kAlgNull = 0x0010;
constexpr std::uint16_t kAlgRsaSsa = 0x0014;
constexpr std::uint16_t kAlgRsaPss = 0x0016;
constexpr std::uint16_t kAlgEcdsa = 0x0018;
constexpr std::uint16_t kAlgEcc = 0x0023;
constexpr std::uint16_t kCurveP256 = 0x0003;
constexpr std::uint16_t kCurveP384 = 0x0004;
constexpr std::uint32_t kFixedTpm = 1U << 1U;
constexpr std::uint32_t kFixedParent = 1U << 4U;
constexpr std::uint32_t kRestricted = 1U << 16U;
constexpr std::uint32_t kDecrypt = 1U << 17U;
constexpr std::uint32_t kSign = 1U << 18U;

Error malformed(const char* what) {
    return make_error(Errc::kInvalid, fmt::format("tpm: {}", what));
}

Result<HashAlgorithm> hash_of(std::uint16_t id) {
    switch (id) {
        case 0x0004: return HashAlgorithm::kSha1;
        case 0x000b: return HashAlgorithm::kSha256;
        case 0x000c: return HashAlgorithm::kSha384;
        case 0x000d: return HashAlgorithm::kSha512;
        default: return malformed("a hash that is not known");
    }
}

Result<PcrSelection> read_selection(Cursor* cursor) {
    PcrSelection selection;
    TRY(selection.bank, hash_of(cursor->u16()));
    const ByteView bitmap = cursor->take(cursor->u8());
    if (!cursor->ok() || bitmap.size() > 4) return malformed("a PCR selection that is too wide");
    for (std::uint32_t i = 0; i < bitmap.size() * 8; ++i) {
        if ((bitmap[i / 8] >> (i % 8) & 1U) != 0) selection.registers.push_back(i);
    }
    return selection;
}

// The number of a signature, left-padded to the curve's size.
Result<Bytes> padded(ByteView number, std::size_t size) {
    if (number.size() > size) return malformed("a signature number is too large");
    Bytes value(size - number.size());
    append(&value, number);
    return value;
}

bool is_signed(const TpmEvidence& evidence, const PublicKey& key) {
    const TpmSignature& signature = evidence.signature;
    switch (signature.scheme) {
        case TpmScheme::kRsaSsa: return key.verify_rsa_pkcs1(signature.hash, evidence.message, signature.value);
        case TpmScheme::kRsaPss: return key.verify_rsa_pss(signature.hash, evidence.message, signature.value);
        case TpmScheme::kEcdsa: return key.verify_ecdsa(signature.hash, evidence.message, signature.value);
    }
    CHECK(false);
}

// The values of the selected registers, or nothing when the evidence has another number of them.
std::optional<std::vector<Bytes>> selected(const TpmEvidence& evidence, const PcrSelection& selection) {
    const std::vector<std::uint32_t>& registers = selection.registers;
    const bool is_whole_bank = evidence.pcrs.size() != registers.size();
    std::vector<Bytes> values;
    for (std::size_t i = 0; i < registers.size(); ++i) {
        const std::size_t at = is_whole_bank ? registers[i] : i;
        if (at >= evidence.pcrs.size() || evidence.pcrs[at].size() != digest_size(selection.bank)) return std::nullopt;
        values.push_back(evidence.pcrs[at]);
    }
    return values;
}

// pcrDigest is the hash, of the signature's algorithm, over the values in order.
void check_registers(const TpmEvidence& evidence, const TpmQuote& quote, Verdict* verdict) {
    constexpr Step kStep = Step::kRegisterDigest;
    if (quote.selections.size() != 1) return verdict->fail(kStep, "the quote is not of one bank");
    const PcrSelection& selection = quote.selections[0];
    const std::optional<std::vector<Bytes>> values = selected(evidence, selection);
    if (!values) return verdict->fail(kStep, "the PCR values are not those of the selection");
    Bytes all;
    for (const Bytes& value : *values) append(&all, value);
    const Bytes wanted = digest(evidence.signature.hash, all);
    if (!equal(quote.pcr_digest, wanted)) return verdict->fail(kStep, "the PCR values are not the quoted ones");
    for (std::size_t i = 0; i < values->size(); ++i) {
        verdict->measurements.push_back({fmt::format("pcr{}", selection.registers[i]), (*values)[i]});
    }
    verdict->versions.push_back({"bank_bits", digest_size(selection.bank) * 8});
    verdict->pass(kStep);
}

Result<PublicKey> read_rsa(Cursor* cursor) {
    const std::uint16_t scheme = cursor->u16();
    if (scheme != kAlgNull) cursor->take(2);
    cursor->take(2);  // key bits
    const std::uint32_t exponent = cursor->u32();
    const ByteView modulus = cursor->take(cursor->u16());
    if (!cursor->at_end()) return malformed("a public area of the wrong size");
    const std::uint32_t e = exponent == 0 ? 65537 : exponent;
    const Bytes digits{static_cast<std::uint8_t>(e >> 24U), static_cast<std::uint8_t>(e >> 16U),
                       static_cast<std::uint8_t>(e >> 8U), static_cast<std::uint8_t>(e)};
    return PublicKey::from_rsa(modulus, digits);
}

Result<PublicKey> read_ecc(Cursor* cursor) {
    const std::uint16_t scheme = cursor->u16();
    if (scheme != kAlgNull) cursor->take(2);
    const std::uint16_t curve = cursor->u16();
    if (cursor->u16() != kAlgNull) return malformed("a key derivation scheme that is not used");
    const ByteView x = cursor->take(cursor->u16());
    const ByteView y = cursor->take(cursor->u16());
    if (!cursor->at_end()) return malformed("a public area of the wrong size");
    if (curve != kCurveP256 && curve != kCurveP384) return malformed("a curve that is not used");
    const std::size_t size = curve == kCurveP256 ? 32 : 48;
    TRY(Bytes point, padded(x, size));
    TRY(const Bytes second, padded(y, size));
    append(&point, second);
    return PublicKey::from_point(curve == kCurveP256 ? KeyKind::kEcP256 : KeyKind::kEcP384, point);
}

}  // namespace

Result<TpmQuote> parse_tpm_quote(ByteView bytes) {
    if (bytes.size() > kQuoteBytesMax) return malformed("too long");
    Cursor cursor{bytes, ByteOrder::kBig};
    TpmQuote quote;
    const std::uint32_t magic = cursor.u32();
    const std::uint16_t type = cursor.u16();
    if (magic != kGenerated) return malformed("not made by a TPM");
    if (type != kQuoteType) return malformed("not a quote");
    quote.qualified_signer = cursor.take(cursor.u16());
    quote.extra_data = cursor.take(cursor.u16());
    quote.clock_ms = cursor.u64();
    quote.reset_count = cursor.u32();
    quote.restart_count = cursor.u32();
    const std::uint8_t safe = cursor.u8();
    quote.is_clock_safe = safe == 1;
    quote.firmware_version = cursor.u64();
    const std::uint32_t count = cursor.u32();
    if (!cursor.ok() || safe > 1 || quote.extra_data.size() > 64) return malformed("a field is not valid");
    if (count > kSelectionsMax) return malformed("too many PCR banks");
    for (std::uint32_t i = 0; i < count; ++i) {
        TRY(PcrSelection selection, read_selection(&cursor));
        quote.selections.push_back(std::move(selection));
    }
    quote.pcr_digest = cursor.take(cursor.u16());
    if (!cursor.at_end()) return malformed("truncated, or bytes after the end");
    return quote;
}

Result<TpmSignature> parse_tpm_signature(ByteView bytes) {
    Cursor cursor{bytes, ByteOrder::kBig};
    const std::uint16_t algorithm = cursor.u16();
    TpmSignature signature;
    TRY(signature.hash, hash_of(cursor.u16()));
    if (algorithm == kAlgRsaSsa || algorithm == kAlgRsaPss) {
        signature.scheme = algorithm == kAlgRsaSsa ? TpmScheme::kRsaSsa : TpmScheme::kRsaPss;
        signature.value = to_bytes(cursor.take(cursor.u16()));
        if (!cursor.at_end() || signature.value.size() > 512) return malformed("a signature of the wrong size");
        return signature;
    }
    if (algorithm != kAlgEcdsa) return malformed("a signature algorithm that is not known");
    signature.scheme = TpmScheme::kEcdsa;
    const ByteView r = cursor.take(cursor.u16());
    const ByteView s = cursor.take(cursor.u16());
    if (!cursor.at_end()) return malformed("a signature of the wrong size");
    const std::size_t size = std::max(r.size(), s.size()) <= 32 ? 32 : 48;
    TRY(signature.value, padded(r, size));
    TRY(const Bytes second, padded(s, size));
    append(&signature.value, second);
    return signature;
}

Result<PublicKey> parse_tpm_public(ByteView bytes) {
    Cursor cursor{bytes, ByteOrder::kBig};
    const std::uint16_t type = cursor.u16();
    cursor.take(2);  // name algorithm
    const std::uint32_t attributes = cursor.u32();
    cursor.take(cursor.u16());  // policy
    constexpr std::uint32_t kWanted = kFixedTpm | kFixedParent | kRestricted | kSign;
    if (!cursor.ok() || (attributes & (kWanted | kDecrypt)) != kWanted) {
        return malformed("not a restricted signing key of the TPM");
    }
    if (cursor.u16() != kAlgNull) return malformed("a symmetric algorithm in a signing key");
    if (type == kAlgRsa) return read_rsa(&cursor);
    if (type == kAlgEcc) return read_ecc(&cursor);
    return malformed("a key that is neither RSA nor ECC");
}

Verdict verify_tpm_quote(const TpmEvidence& evidence, const PublicKey& attestation_key) {
    Verdict verdict;
    verdict.kind = EvidenceKind::kTpm;
    const Result<TpmQuote> quote = parse_tpm_quote(evidence.message);
    if (!quote) {
        verdict.fail(Step::kFormat, quote.error().message);
        return verdict;
    }
    verdict.pass(Step::kFormat);
    verdict.report_data = to_bytes(quote->extra_data);
    verdict.versions = {
        {"firmware", quote->firmware_version}, {"resets", quote->reset_count}, {"restarts", quote->restart_count}};
    if (!is_signed(evidence, attestation_key)) {
        verdict.fail(Step::kReportSignature, "the quote is not signed by the attestation key");
        return verdict;
    }
    verdict.pass(Step::kReportSignature);
    check_registers(evidence, *quote, &verdict);
    return verdict;
}

void check_tpm_log(ByteView bytes, Verdict* verdict) {
    constexpr Step kStep = Step::kEventLog;
    const auto bank = std::find_if(verdict->versions.begin(), verdict->versions.end(),
                                   [](const SecurityVersion& version) { return version.name == "bank_bits"; });
    if (bank == verdict->versions.end()) return verdict->fail(kStep, "no verified registers to compare with");
    const Result<EventLog> log = parse_event_log(bytes);
    if (!log) return verdict->fail(kStep, log.error().message);
    HashAlgorithm algorithm = HashAlgorithm::kSha1;
    for (const HashAlgorithm candidate : {HashAlgorithm::kSha256, HashAlgorithm::kSha384, HashAlgorithm::kSha512}) {
        if (digest_size(candidate) * 8 == bank->value) algorithm = candidate;
    }
    const std::map<std::uint32_t, Bytes> registers = replay(*log, algorithm);
    if (registers.empty()) return verdict->fail(kStep, "the log has no events of this bank");
    for (const auto& [index, value] : registers) {
        const Bytes* quoted = verdict->measurement(fmt::format("pcr{}", index));
        if (quoted != nullptr && *quoted != value) {
            return verdict->fail(kStep, fmt::format("the log does not replay to PCR {}", index));
        }
    }
    verdict->pass(kStep);
}

}  // namespace vcity::attest
