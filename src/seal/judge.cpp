// SPDX-License-Identifier: Apache-2.0
#include "seal/judge.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "attest/encoding.hpp"
#include "base/check.hpp"
#include "codec/hex.hpp"
#include "market/typed_hashes.hpp"

namespace vcity::seal {
namespace {

constexpr std::size_t kPinsMax = 65'536;
constexpr codec::JsonLimits kPinLimits{.bytes_max = 32U << 20U, .depth_max = 2, .values_max = kPinsMax + 1};

bool is_epoch_fresh(const attest::MonitorPolicy& policy, std::uint64_t epoch, UnixMillis now) {
    const UnixMillis earlier = now > kEpochGrace ? now - kEpochGrace : UnixMillis{0};
    return epoch >= policy.epoch_at(earlier) && epoch <= policy.epoch_at(now + kEpochGrace);
}

Trust trust_of(const attest::Verdict& verdict) {
    switch (verdict.kind) {
        case attest::EvidenceKind::kSimulated: return Trust::kSimulated;
        case attest::EvidenceKind::kTpm:
            return verdict.outcome(attest::Step::kHardwareBinding) == attest::StepOutcome::kPassed ? Trust::kTee
                                                                                                   : Trust::kMeasured;
        case attest::EvidenceKind::kTdx:
        case attest::EvidenceKind::kSgx:
        case attest::EvidenceKind::kSevSnp: return Trust::kTee;
        case attest::EvidenceKind::kNvidia: return Trust::kMeasured;
    }
    CHECK(false);
}

std::string pin_name(attest::EvidenceKind kind, ByteView platform_id) {
    return fmt::format("{}:{}", attest::to_string(kind), attest::plain_hex(platform_id));
}

}  // namespace

std::string_view to_string(Doubt doubt) {
    switch (doubt) {
        case Doubt::kKind: return "kind";
        case Doubt::kPolicy: return "policy";
        case Doubt::kModelRoot: return "model_root";
        case Doubt::kNonce: return "nonce";
        case Doubt::kEpoch: return "epoch";
        case Doubt::kEvidence: return "evidence";
        case Doubt::kPlatform: return "platform";
    }
    CHECK(false);
}

std::string_view to_string(Trust trust) {
    switch (trust) {
        case Trust::kNone: return "none";
        case Trust::kSimulated: return "simulated";
        case Trust::kMeasured: return "measured";
        case Trust::kTee: return "tee";
    }
    CHECK(false);
}

bool Judgement::doubts(Doubt doubt) const {
    return std::ranges::any_of(reasons, [&](const Reason& reason) { return reason.doubt == doubt; });
}

Judgement judge_monitor(const EvidenceReply& reply, const Expectation& expected) {
    Judgement judgement;
    const MonitorStatement& statement = reply.statement;
    const auto object = [&](Doubt doubt, std::string detail) {
        judgement.reasons.push_back({doubt, std::move(detail)});
    };
    if (statement.policy != expected.policy->hash) object(Doubt::kPolicy, "the monitor runs under another policy");
    if (statement.model_root != expected.model_root) object(Doubt::kModelRoot, "the monitor watches another model");
    if (reply.nonce != expected.nonce) object(Doubt::kNonce, "an answer to another question");
    if (!is_epoch_fresh(*expected.policy, statement.epoch, expected.now)) {
        object(Doubt::kEpoch, fmt::format("a key of epoch {}, and it is epoch {}", statement.epoch,
                                          expected.policy->epoch_at(expected.now)));
    }
    judgement.verdict = attest::verify_evidence(reply.evidence, *expected.context, expected.now);
    const attest::Policy* policy = expected.policy->find(reply.evidence.kind);
    if (policy == nullptr || statement.kind != reply.evidence.kind) {
        object(Doubt::kKind, fmt::format("no evidence of kind {} is accepted", to_string(reply.evidence.kind)));
        return judgement;
    }
    // What the verifier expects, not what the monitor says: a lie in the statement does not help it.
    const attest::MonitorBinding binding{.monitor_key = statement.key_hash(),
                                         .policy = expected.policy->hash,
                                         .model_root = expected.model_root,
                                         .epoch = statement.epoch,
                                         .nonce = expected.nonce};
    const Bytes bound = attest::bound_data_of(reply.evidence.kind, binding);
    for (const attest::Objection& objection :
         attest::decide(*policy, judgement.verdict, bound, expected.now).objections) {
        object(Doubt::kEvidence, fmt::format("{}: {}", to_string(objection.refusal), objection.detail));
    }
    if (judgement.is_believed()) judgement.trust = trust_of(judgement.verdict);
    return judgement;
}

Result<void> check_seal(const Deployment& deployment,
                        const SignedSeal& sealed,
                        const MonitorSeal& wanted,
                        const Hash& monitor_key,
                        const attest::MonitorPolicy& policy) {
    MonitorSeal expected = wanted;
    expected.sealed_at = sealed.seal.sealed_at;
    if (sealed.seal != expected) return make_error(Errc::kDenied, "the seal is of another computation or epoch");
    const std::uint64_t sealed_in = policy.epoch_at(sealed.seal.sealed_at);
    if (sealed_in != sealed.seal.epoch && sealed_in != sealed.seal.epoch + 1) {
        return make_error(Errc::kDenied, "the seal was made neither in its epoch nor in the next");
    }
    const Result<Address> signer = crypto::recover(market::seal_digest(deployment, sealed.seal), sealed.signature);
    if (!signer || *signer != Address::make(monitor_key.view().last(Address::kSize))) {
        return make_error(Errc::kDenied, "the seal is not signed by the monitor");
    }
    return {};
}

Result<void> PlatformPins::pin(attest::EvidenceKind kind, ByteView platform_id, const Address& staked) {
    if (platform_id.empty()) return make_error(Errc::kInvalid, "the evidence names no machine");
    const std::string name = pin_name(kind, platform_id);
    const auto found = pins_.find(name);
    if (found != pins_.end()) {
        if (found->second == staked) return {};
        return make_error(Errc::kConflict, "the machine belongs to " + codec::to_hex(found->second));
    }
    if (pins_.size() >= kPinsMax) return make_error(Errc::kExhausted, "too many machines");
    pins_.emplace(name, staked);
    return {};
}

std::optional<Address> PlatformPins::find(attest::EvidenceKind kind, ByteView platform_id) const {
    const auto found = pins_.find(pin_name(kind, platform_id));
    return found == pins_.end() ? std::nullopt : std::optional{found->second};
}

void PlatformPins::release(attest::EvidenceKind kind, ByteView platform_id) {
    pins_.erase(pin_name(kind, platform_id));
}

codec::Json PlatformPins::to_json() const {
    codec::Json json{codec::JsonObject{}};
    for (const auto& [name, staked] : pins_) json.set(name, codec::to_hex(staked));
    return json;
}

Result<PlatformPins> PlatformPins::parse(std::string_view text) {
    TRY(const codec::Json json, codec::parse_json(text, kPinLimits));
    if (!json.is_object()) return make_error(Errc::kInvalid, "pins: no object");
    PlatformPins pins;
    for (const auto& [name, value] : *json.get_object()) {
        if (!value.is_string()) return make_error(Errc::kInvalid, "pins: an address is no text");
        TRY(const Address staked, codec::parse_fixed<Address>(*value.get_string()));
        pins.pins_.emplace(name, staked);
    }
    return pins;
}

}  // namespace vcity::seal
