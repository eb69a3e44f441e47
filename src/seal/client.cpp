// SPDX-License-Identifier: Apache-2.0
#include "seal/client.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "attest/tpm/credential.hpp"
#include "base/secret.hpp"
#include "codec/hex.hpp"
#include "codec/url.hpp"
#include "crypto/sha256.hpp"

namespace vcity::seal {
namespace {

using codec::Json;

constexpr std::size_t kMessageMax = 200;  // of a refusal, for people

Errc code_of(unsigned status) {
    switch (status) {
        case 400: return Errc::kInvalid;
        case 403: return Errc::kDenied;
        case 404: return Errc::kNotFound;
        case 409: return Errc::kConflict;
        case 429: return Errc::kExhausted;
        case 504: return Errc::kTimeout;
        default: return Errc::kUnavailable;
    }
}

// What a refusal says, made harmless: it goes to logs and terminals.
Error refusal(const ports::HttpResponse& response) {
    std::string message;
    const Result<Json> json = parse_message(response.body);
    const Json* error = json ? json->find("error") : nullptr;
    const Json* text = error == nullptr ? nullptr : error->find("message");
    if (text != nullptr && text->is_string()) message = text->get_string()->substr(0, kMessageMax);
    std::erase_if(message, [](char c) { return c < ' ' || c > '~'; });
    return make_error(code_of(response.status), fmt::format("the monitor says {}: {}", response.status, message));
}

template <class T>
Result<T> understood(Result<T> parsed) {
    if (parsed) return parsed;
    return make_error(Errc::kCorrupt, "the monitor's answer: " + parsed.error().message);
}

}  // namespace

Result<std::unique_ptr<MonitorClient>> MonitorClient::make(Runtime* runtime,
                                                           ports::HttpClient* http,
                                                           std::string base_url) {
    while (base_url.ends_with('/')) base_url.pop_back();
    TRY(const codec::Url url, codec::parse_url(base_url));
    if (url.scheme != "http" && url.scheme != "https") return make_error(Errc::kInvalid, "a monitor speaks HTTP");
    if (url.target != "/") return make_error(Errc::kInvalid, "a monitor's address has no path");
    return std::unique_ptr<MonitorClient>{new MonitorClient{runtime, http, std::move(base_url)}};
}

Task<Result<std::string>> MonitorClient::exchange(std::string method,
                                                  std::string path,
                                                  std::string body,
                                                  TimePoint deadline) {
    ports::HttpRequest request;
    request.method = std::move(method);
    request.target = base_url_ + path;
    if (!body.empty()) request.headers.set("Content-Type", "application/json");
    request.body = std::move(body);
    CO_TRY(ports::HttpResponse response, co_await http_->send(std::move(request), deadline));
    if (response.status != 200) co_return refusal(response);
    co_return std::move(response.body);
}

Task<Result<MonitorStatement>> MonitorClient::statement(TimePoint deadline) {
    CO_TRY(const std::string text, co_await exchange("GET", "/v1/monitor", "", deadline));
    CO_TRY(const Json json, understood(parse_message(text)));
    co_return understood(parse_statement(json));
}

Task<Result<EvidenceReply>> MonitorClient::evidence(Hash nonce, TimePoint deadline) {
    std::string body = codec::dump_json(Json{}.set("nonce", codec::to_hex(nonce)));
    CO_TRY(const std::string text, co_await exchange("POST", "/v1/evidence", std::move(body), deadline));
    co_return understood(parse_evidence_reply(text));
}

Task<Result<attest::EnrolledKey>> MonitorClient::enrol(std::vector<Hash> endorsement_keys, TimePoint deadline) {
    CO_TRY(const std::string text, co_await exchange("GET", "/v1/tpm", "", deadline));
    CO_TRY(const ports::TpmIdentity identity, understood(parse_tpm_identity(text)));
    const Hash endorsement = crypto::sha256(identity.endorsement_public);
    if (std::ranges::find(endorsement_keys, endorsement) == endorsement_keys.end()) {
        co_return make_error(Errc::kDenied,
                             "the policy does not name the TPM's endorsement key " + codec::to_hex(endorsement));
    }
    CO_TRY(Bytes name, understood(attest::tpm_name(identity.attestation_public)));
    Hash credential;
    attest::CredentialSeeds seeds;
    runtime_->random_bytes(credential.bytes);
    runtime_->random_bytes(seeds.seed.bytes);
    runtime_->random_bytes(seeds.padding.bytes);
    CO_TRY(attest::TpmCredential made,
           understood(attest::make_credential(identity.endorsement_public, name, credential.view(), seeds)));
    std::string body =
        codec::dump_json(to_json(ActivateRequest{.blob = std::move(made.blob), .secret = std::move(made.secret)}));
    CO_TRY(const std::string answer, co_await exchange("POST", "/v1/tpm/activate", std::move(body), deadline));
    CO_TRY(const Bytes opened, understood(parse_credential(answer)));
    if (!equal_constant_time(opened, credential.view())) {
        co_return make_error(Errc::kDenied, "the TPM did not open the credential");
    }
    co_return attest::EnrolledKey{.name = std::move(name), .endorsement = endorsement};
}

Task<Result<SignedSeal>> MonitorClient::find_seal(JobId job_id, TimePoint deadline) {
    std::string path = "/v1/seals/" + codec::to_hex(job_id);
    CO_TRY(const std::string text, co_await exchange("GET", std::move(path), "", deadline));
    co_return understood(parse_signed_seal(text));
}

Task<Result<ports::MonitorKey>> MonitorClient::current(TimePoint deadline) {
    CO_TRY(const MonitorStatement stated, co_await statement(deadline));
    co_return ports::MonitorKey{.hash = stated.key_hash(), .epoch = stated.epoch};
}

Task<Result<SignedSeal>> MonitorClient::seal(MonitorSeal wanted, TimePoint deadline) {
    std::string body = codec::dump_json(to_json(wanted));
    CO_TRY(const std::string text, co_await exchange("POST", "/v1/seals", std::move(body), deadline));
    CO_TRY(const SignedSeal sealed, understood(parse_signed_seal(text)));
    MonitorSeal expected = wanted;
    expected.sealed_at = sealed.seal.sealed_at;
    if (sealed.seal != expected) co_return make_error(Errc::kCorrupt, "the monitor sealed something else");
    co_return sealed;
}

}  // namespace vcity::seal
