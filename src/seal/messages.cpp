// SPDX-License-Identifier: Apache-2.0
#include "seal/messages.hpp"

#include <algorithm>
#include <initializer_list>

#include "attest/evidence/evidence_json.hpp"
#include "codec/hex.hpp"
#include "crypto/keccak.hpp"

namespace vcity::seal {
namespace {

using codec::Json;

constexpr codec::JsonLimits kLimits{.bytes_max = 1U << 20U, .depth_max = 8, .values_max = 4096};
constexpr std::size_t kPublicMax = 1024;
constexpr std::size_t kCertificateMax = 8U << 10U;
constexpr std::size_t kCredentialMax = 1024;

Error invalid(std::string_view what) {
    return make_error(Errc::kInvalid, std::string{"monitor message: "} + std::string{what});
}

// Reads the members of one object; the first error sticks, so that a parser reads straight down and asks once.
class Reader {
  public:
    Reader(const Json& json, std::initializer_list<std::string_view> names) : json_{json} {
        const codec::JsonObject* members = json.get_object();
        if (members == nullptr) fail("no object");
        for (const auto& [name, value] : members == nullptr ? codec::JsonObject{} : *members) {
            if (std::ranges::find(names, name) == names.end()) fail("a member that is not known");
        }
    }

    template <class Fixed>
    Fixed fixed(std::string_view name) {
        const std::string* text = find_text(name);
        if (text == nullptr) return {};
        Result<Fixed> value = codec::parse_fixed<Fixed>(*text);
        if (!value) fail(name);
        return value ? *value : Fixed{};
    }
    Bytes bytes(std::string_view name, std::size_t bytes_max) {
        const std::string* text = find_text(name);
        if (text == nullptr) return {};
        Result<Bytes> value = codec::parse_hex(*text, bytes_max);
        if (!value) fail(name);
        return value ? *std::move(value) : Bytes{};
    }
    std::uint64_t integer(std::string_view name) {
        const Json* value = json_.find(name);
        std::uint64_t number = 0;
        if (value == nullptr || !value->get_u64(&number)) fail(name);
        return number;
    }
    attest::EvidenceKind kind(std::string_view name) {
        const std::string* text = find_text(name);
        if (text == nullptr) return attest::EvidenceKind::kSimulated;
        const Result<attest::EvidenceKind> value = attest::parse_evidence_kind(*text);
        if (!value) fail(name);
        return value ? *value : attest::EvidenceKind::kSimulated;
    }
    const Json* object(std::string_view name) {
        const Json* value = json_.find(name);
        if (value == nullptr || !value->is_object()) fail(name);
        return value;
    }
    template <class T>
    Result<T> finish(T value) const {
        if (error_) return *error_;
        return value;
    }
    const std::optional<Error>& error() const { return error_; }

  private:
    const std::string* find_text(std::string_view name) {
        const Json* value = json_.find(name);
        if (value == nullptr || !value->is_string()) {
            fail(name);
            return nullptr;
        }
        return value->get_string();
    }
    void fail(std::string_view what) {
        if (!error_) error_ = invalid(what);
    }

    const Json& json_;
    std::optional<Error> error_;
};

MonitorSeal read_seal(Reader* reader) {
    MonitorSeal seal;
    seal.job_id = reader->fixed<JobId>("job_id");
    seal.verification_root = reader->fixed<Hash>("verification_root");
    seal.request_hash = reader->fixed<Hash>("request_hash");
    seal.client_nonce = reader->fixed<Hash>("client_nonce");
    seal.model_root = reader->fixed<Hash>("model_root");
    seal.epoch = reader->integer("epoch");
    return seal;
}

}  // namespace

Result<Json> parse_message(std::string_view text) {
    TRY(Json json, codec::parse_json(text, kLimits));
    if (!json.is_object()) return invalid("no object");
    return json;
}

Hash MonitorStatement::key_hash() const {
    return crypto::keccak256(key.view());
}

Json to_json(const MonitorStatement& statement) {
    Json json;
    json.set("kind", attest::to_string(statement.kind))
        .set("key", codec::to_hex(statement.key))
        .set("policy", codec::to_hex(statement.policy))
        .set("model_root", codec::to_hex(statement.model_root))
        .set("epoch", statement.epoch);
    return json;
}

Result<MonitorStatement> parse_statement(const Json& json) {
    Reader reader{json, {"kind", "key", "policy", "model_root", "epoch"}};
    MonitorStatement statement;
    statement.kind = reader.kind("kind");
    statement.key = reader.fixed<crypto::PublicPoint>("key");
    statement.policy = reader.fixed<Hash>("policy");
    statement.model_root = reader.fixed<Hash>("model_root");
    statement.epoch = reader.integer("epoch");
    return reader.finish(statement);
}

Json to_json(const EvidenceReply& reply) {
    Json json;
    json.set("monitor", to_json(reply.statement))
        .set("nonce", codec::to_hex(reply.nonce))
        .set("evidence", attest::to_json(reply.evidence));
    return json;
}

Result<EvidenceReply> parse_evidence_reply(std::string_view text) {
    TRY(const Json json, parse_message(text));
    Reader reader{json, {"monitor", "nonce", "evidence"}};
    EvidenceReply reply;
    reply.nonce = reader.fixed<Hash>("nonce");
    const Json* statement = reader.object("monitor");
    const Json* evidence = reader.object("evidence");
    if (reader.error()) return *reader.error();
    TRY(reply.statement, parse_statement(*statement));
    TRY(reply.evidence, attest::parse_evidence(*evidence));
    return reply;
}

Result<Hash> parse_evidence_request(std::string_view text) {
    TRY(const Json json, parse_message(text));
    Reader reader{json, {"nonce"}};
    const Hash nonce = reader.fixed<Hash>("nonce");
    return reader.finish(nonce);
}

Json to_json(const ActivateRequest& request) {
    Json json;
    json.set("blob", codec::to_hex(request.blob)).set("secret", codec::to_hex(request.secret));
    return json;
}

Result<ActivateRequest> parse_activate_request(std::string_view text) {
    TRY(const Json json, parse_message(text));
    Reader reader{json, {"blob", "secret"}};
    ActivateRequest request;
    request.blob = reader.bytes("blob", kCredentialMax);
    request.secret = reader.bytes("secret", kCredentialMax);
    return reader.finish(std::move(request));
}

Json credential_json(ByteView credential) {
    return Json{}.set("credential", codec::to_hex(credential));
}

Result<Bytes> parse_credential(std::string_view text) {
    TRY(const Json json, parse_message(text));
    Reader reader{json, {"credential"}};
    Bytes credential = reader.bytes("credential", kCredentialMax);
    return reader.finish(std::move(credential));
}

Json to_json(const ports::TpmIdentity& identity) {
    Json json;
    json.set("endorsement_public", codec::to_hex(identity.endorsement_public))
        .set("endorsement_certificate", codec::to_hex(identity.endorsement_certificate))
        .set("attestation_public", codec::to_hex(identity.attestation_public));
    return json;
}

Result<ports::TpmIdentity> parse_tpm_identity(std::string_view text) {
    TRY(const Json json, parse_message(text));
    Reader reader{json, {"endorsement_public", "endorsement_certificate", "attestation_public"}};
    ports::TpmIdentity identity;
    identity.endorsement_public = reader.bytes("endorsement_public", kPublicMax);
    identity.endorsement_certificate = reader.bytes("endorsement_certificate", kCertificateMax);
    identity.attestation_public = reader.bytes("attestation_public", kPublicMax);
    return reader.finish(std::move(identity));
}

Json to_json(const MonitorSeal& wanted) {
    Json json;
    json.set("job_id", codec::to_hex(wanted.job_id))
        .set("verification_root", codec::to_hex(wanted.verification_root))
        .set("request_hash", codec::to_hex(wanted.request_hash))
        .set("client_nonce", codec::to_hex(wanted.client_nonce))
        .set("model_root", codec::to_hex(wanted.model_root))
        .set("epoch", wanted.epoch);
    return json;
}

Result<MonitorSeal> parse_seal_request(std::string_view text) {
    TRY(const Json json, parse_message(text));
    Reader reader{json, {"job_id", "verification_root", "request_hash", "client_nonce", "model_root", "epoch"}};
    const MonitorSeal seal = read_seal(&reader);
    return reader.finish(seal);
}

Json to_json(const SignedSeal& seal) {
    Json json = to_json(seal.seal);
    json.set("sealed_at", seal.seal.sealed_at.count()).set("signature", codec::to_hex(seal.signature));
    return json;
}

Result<SignedSeal> parse_signed_seal(std::string_view text) {
    TRY(const Json json, parse_message(text));
    Reader reader{json,
                  {"job_id", "verification_root", "request_hash", "client_nonce", "model_root", "epoch", "sealed_at",
                   "signature"}};
    SignedSeal seal;
    seal.seal = read_seal(&reader);
    seal.seal.sealed_at = UnixMillis{reader.integer("sealed_at")};
    seal.signature = reader.fixed<Signature>("signature");
    return reader.finish(seal);
}

}  // namespace vcity::seal
