// SPDX-License-Identifier: Apache-2.0
#include "attest/evidence/evidence_json.hpp"

#include <fmt/format.h>

#include "codec/hex.hpp"

namespace vcity::attest {
namespace {

using codec::Json;

Result<Bytes> parse_bytes(const Json& json, const std::string& name, std::size_t bytes_max) {
    const std::string* text = json.get_string();
    if (text == nullptr) return make_error(Errc::kInvalid, fmt::format("evidence: {} is no hex text", name));
    return codec::parse_hex(*text, bytes_max);
}

Result<std::vector<Bytes>> parse_registers(const Json& json) {
    const codec::JsonArray* values = json.get_array();
    if (values == nullptr || values->size() > kEvidenceRegistersMax) {
        return make_error(Errc::kInvalid, "evidence: registers is no short list");
    }
    std::vector<Bytes> registers;
    for (const Json& value : *values) {
        TRY(Bytes bytes, parse_bytes(value, "registers", 64));
        registers.push_back(std::move(bytes));
    }
    return registers;
}

Result<void> parse_member(const std::string& name, const Json& value, Evidence* evidence) {
    if (name == "kind") {
        const std::string* kind = value.get_string();
        if (kind == nullptr) return make_error(Errc::kInvalid, "evidence: kind is no text");
        TRY(evidence->kind, parse_evidence_kind(*kind));
    } else if (name == "report") {
        TRY(evidence->report, parse_bytes(value, name, kEvidenceReportMax));
    } else if (name == "signature") {
        TRY(evidence->signature, parse_bytes(value, name, 1024));
    } else if (name == "key") {
        TRY(evidence->key, parse_bytes(value, name, 1024));
    } else if (name == "certificates") {
        TRY(evidence->certificates, parse_bytes(value, name, kEvidenceCertificatesMax));
    } else if (name == "event_log") {
        TRY(evidence->event_log, parse_bytes(value, name, kEvidenceEventLogMax));
    } else if (name == "registers") {
        TRY(evidence->registers, parse_registers(value));
    } else {
        return make_error(Errc::kInvalid, "evidence: a member that is not known");
    }
    return {};
}

}  // namespace

codec::Json to_json(const Evidence& evidence) {
    Json json;
    json.set("kind", to_string(evidence.kind)).set("report", codec::to_hex(evidence.report));
    if (!evidence.signature.empty()) json.set("signature", codec::to_hex(evidence.signature));
    if (!evidence.key.empty()) json.set("key", codec::to_hex(evidence.key));
    if (!evidence.certificates.empty()) json.set("certificates", codec::to_hex(evidence.certificates));
    if (!evidence.registers.empty()) {
        codec::JsonArray registers;
        for (const Bytes& value : evidence.registers) registers.emplace_back(codec::to_hex(value));
        json.set("registers", std::move(registers));
    }
    if (!evidence.event_log.empty()) json.set("event_log", codec::to_hex(evidence.event_log));
    return json;
}

Result<Evidence> parse_evidence(const Json& json) {
    const codec::JsonObject* members = json.get_object();
    if (members == nullptr || json.find("kind") == nullptr) return make_error(Errc::kInvalid, "evidence: no object");
    Evidence evidence;
    for (const auto& [name, value] : *members) {
        TRY_OK(parse_member(name, value, &evidence));
    }
    TRY_OK(check_evidence_size(evidence));
    return evidence;
}

Result<EvidenceKind> parse_evidence_kind(std::string_view name) {
    for (const EvidenceKind kind : {EvidenceKind::kTdx, EvidenceKind::kSgx, EvidenceKind::kSevSnp, EvidenceKind::kTpm,
                                    EvidenceKind::kNvidia, EvidenceKind::kSimulated}) {
        if (to_string(kind) == name) return kind;
    }
    return make_error(Errc::kInvalid, "evidence: a kind that is not known");
}

}  // namespace vcity::attest
