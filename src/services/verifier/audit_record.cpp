// SPDX-License-Identifier: Apache-2.0
#include "services/verifier/audit_record.hpp"

#include <array>

#include "codec/hex.hpp"
#include "crypto/keccak.hpp"
#include "services/common/record.hpp"
#include "wire/wire.hpp"

namespace vcity::verifier {
namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::string_view kSeedLabel = "vcity-audit-v2";
constexpr std::string_view kReplayLabel = "vcity-audit-v2-replay";

std::array<std::uint8_t, 8> big_endian(std::uint64_t value) {
    std::array<std::uint8_t, 8> bytes{};
    for (std::size_t index = bytes.size(); index > 0; --index, value >>= 8U) {
        bytes[index - 1] = static_cast<std::uint8_t>(value);
    }
    return bytes;
}

void check_version(services::RecordReader* reader) {
    if (reader->integer() != kVersion) reader->fail();
}

// As they travelled.
Bytes encode_question(const AuditEvidence& evidence) {
    OpenRequest request;
    request.receipt_hash = evidence.receipt_hash;
    request.root = evidence.root;
    request.question = evidence.question;
    return wire::encode(Message{std::move(request)});
}

Bytes encode_opening(const AuditEvidence& evidence) {
    OpenReply reply;
    reply.receipt_hash = evidence.receipt_hash;
    reply.available = evidence.opening.has_value();
    reply.opening = evidence.opening.value_or(Opening{});
    return wire::encode(Message{std::move(reply)});
}

template <class Kind>
Result<Kind> parse_as(ByteView bytes) {
    TRY(Message message, wire::parse_message(bytes));
    auto* value = std::get_if<Kind>(&message);
    if (value == nullptr) return make_error(Errc::kCorrupt, "evidence of another kind");
    return std::move(*value);
}

}  // namespace

Hash audit_seed(const Hash& secret, const Hash& receipt_hash, const Beacon& beacon, std::uint64_t round) {
    return crypto::keccak256(
        {as_bytes(kSeedLabel), secret.view(), receipt_hash.view(), beacon.hash.view(), big_endian(round)});
}

Hash replay_seed(const Hash& seed, const Hash& replay_root) {
    return crypto::keccak256({as_bytes(kReplayLabel), seed.view(), replay_root.view()});
}

Bytes encode(const AuditEvidence& evidence) {
    services::RecordWriter writer{kVersion};
    writer.put(evidence.receipt_hash).put(static_cast<std::uint64_t>(evidence.outcome));
    writer.put(evidence.beacon.hash).put(evidence.beacon.block).put(evidence.seed);
    writer.put(evidence.asked_at).put(evidence.ended_at).put(evidence.root);
    writer.put(encode_question(evidence)).put(encode_opening(evidence));
    writer.put(evidence.finding).put(evidence.reason);
    return writer.take();
}

Result<AuditEvidence> parse_evidence(ByteView bytes) {
    services::RecordReader reader{bytes};
    check_version(&reader);
    AuditEvidence evidence;
    evidence.receipt_hash = reader.fixed<Hash>();
    evidence.outcome = reader.enumerator(VerdictOutcome::kNotOpened);
    evidence.beacon.hash = reader.fixed<Hash>();
    evidence.beacon.block = reader.integer();
    evidence.seed = reader.fixed<Hash>();
    evidence.asked_at = reader.time();
    evidence.ended_at = reader.time();
    evidence.root = reader.fixed<Hash>();
    const Bytes question = reader.bytes();
    const Bytes opening = reader.bytes();
    evidence.finding = reader.bytes();
    evidence.reason = reader.text();
    TRY_OK(reader.finish("evidence"));
    TRY(OpenRequest request, parse_as<OpenRequest>(question));
    TRY(OpenReply reply, parse_as<OpenReply>(opening));
    evidence.question = std::move(request.question);
    if (reply.available) evidence.opening = std::move(reply.opening);
    return evidence;
}

Bytes encode(const KnownVerdict& known) {
    services::RecordWriter writer{kVersion};
    writer.put(wire::encode(known.verdict)).put(std::uint64_t{known.confirmed ? 1U : 0U});
    return writer.take();
}

Result<KnownVerdict> parse_known_verdict(ByteView bytes) {
    services::RecordReader reader{bytes};
    check_version(&reader);
    const Bytes verdict = reader.bytes();
    KnownVerdict known;
    known.confirmed = reader.integer() != 0;
    TRY_OK(reader.finish("verdict"));
    TRY(known.verdict, wire::parse_verdict(verdict));
    return known;
}

Bytes encode(const MissedOpenings& missed) {
    services::RecordWriter writer{kVersion};
    writer.put(std::uint64_t{missed.misses.size()});
    for (const MissedOpenings::Miss& miss : missed.misses) writer.put(miss.receipt_hash).put(miss.at);
    return writer.take();
}

Result<MissedOpenings> parse_missed(ByteView bytes) {
    services::RecordReader reader{bytes};
    check_version(&reader);
    MissedOpenings missed;
    missed.misses.resize(reader.count());
    for (MissedOpenings::Miss& miss : missed.misses) {
        miss.receipt_hash = reader.fixed<Hash>();
        miss.at = reader.time();
    }
    TRY_OK(reader.finish("missed openings"));
    return missed;
}

std::string verdict_key(const Hash& receipt_hash) {
    return "verdict/" + codec::to_hex(receipt_hash);
}

std::string evidence_key(const Hash& receipt_hash) {
    return "evidence/" + codec::to_hex(receipt_hash);
}

std::string memory_key(const Hash& model_root, const Address& node) {
    return "memory/" + codec::to_hex(model_root) + "/" + codec::to_hex(node);
}

std::string missed_key(const Address& node) {
    return "missed/" + codec::to_hex(node);
}

}  // namespace vcity::verifier
