// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "attest/evidence/evidence.hpp"
#include "codec/json.hpp"
#include "crypto/secp256k1.hpp"
#include "model/monitor.hpp"
#include "ports/tee.hpp"

namespace vcity::seal {

// What a monitor and those who ask it say to each other, as JSON over HTTP (docs/monitor.md). Every parser takes
// untrusted text: at most 1 MiB, known members only, fixed sizes; kInvalid otherwise.

// Who a monitor is in this epoch.
struct MonitorStatement {
    attest::EvidenceKind kind = attest::EvidenceKind::kSimulated;
    crypto::PublicPoint key;
    Hash policy;
    Hash model_root;
    std::uint64_t epoch = 0;

    // What headers, seals and report data call the key.
    Hash key_hash() const;
    bool operator==(const MonitorStatement&) const = default;
};
codec::Json to_json(const MonitorStatement& statement);
Result<MonitorStatement> parse_statement(const codec::Json& json);

// The answer to a verifier's nonce.
struct EvidenceReply {
    MonitorStatement statement;
    Hash nonce;
    attest::Evidence evidence;

    bool operator==(const EvidenceReply&) const = default;
};
codec::Json to_json(const EvidenceReply& reply);
Result<EvidenceReply> parse_evidence_reply(std::string_view text);

// {"nonce":"0x.."}
Result<Hash> parse_evidence_request(std::string_view text);

// {"blob":"0x..","secret":"0x.."}; the answer is {"credential":"0x.."}.
struct ActivateRequest {
    Bytes blob;
    Bytes secret;
};
codec::Json to_json(const ActivateRequest& request);
Result<ActivateRequest> parse_activate_request(std::string_view text);
codec::Json credential_json(ByteView credential);
Result<Bytes> parse_credential(std::string_view text);

codec::Json to_json(const ports::TpmIdentity& identity);
Result<ports::TpmIdentity> parse_tpm_identity(std::string_view text);

// What is to be sealed: a seal without its time.
codec::Json to_json(const MonitorSeal& wanted);
Result<MonitorSeal> parse_seal_request(std::string_view text);
codec::Json to_json(const SignedSeal& seal);
Result<SignedSeal> parse_signed_seal(std::string_view text);

// Text of at most 1 MiB as one object.
Result<codec::Json> parse_message(std::string_view text);

}  // namespace vcity::seal
