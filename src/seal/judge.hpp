// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "attest/evidence/monitor_policy.hpp"
#include "model/chain.hpp"
#include "seal/messages.hpp"

namespace vcity::seal {

// Why a monitor is not believed; one per reaction, the detail is in the text.
enum class Doubt : std::uint8_t {
    kKind,       // the policy accepts no evidence of this kind, or the statement names another
    kPolicy,     // the monitor runs under another policy
    kModelRoot,  // it watches another model
    kNonce,      // the answer is to another question: a replay
    kEpoch,      // its key is of another epoch
    kEvidence,   // the policy refuses the evidence
    kPlatform,   // the machine belongs to another staked identity, or the evidence names no machine
};
std::string_view to_string(Doubt doubt);
struct Reason {
    Doubt doubt = Doubt::kEvidence;
    std::string detail;
};

// How far evidence that was accepted carries. A TPM measures what its owner booted; a TEE keeps the owner out, as far
// as its maker's keys are safe; none of them replaces the checks of results.
enum class Trust : std::uint8_t { kNone, kSimulated, kMeasured, kTee };
std::string_view to_string(Trust trust);

// What a verifier asked and knows. Borrows policy and context.
struct Expectation {
    const attest::MonitorPolicy* policy = nullptr;
    const attest::EvidenceContext* context = nullptr;
    Hash model_root;
    Hash nonce;  // fresh, of this verifier
    UnixMillis now{0};
};

struct Judgement {
    std::vector<Reason> reasons;  // all of them; empty: believed
    Trust trust = Trust::kNone;   // kNone unless believed
    attest::Verdict verdict;      // what the evidence proves, step by step

    bool is_believed() const { return reasons.empty(); }
    bool doubts(Doubt doubt) const;
};

// Whether a monitor's answer shows that its key is held by a machine that the policy accepts: the evidence is authentic
// and accepted, and bound to key, policy, model, epoch and nonce. Pure. A key of the epoch before counts for
// kEpochGrace after the change, one of the next for as long before it (clocks differ).
inline constexpr UnixMillis kEpochGrace{60'000};
Judgement judge_monitor(const EvidenceReply& reply, const Expectation& expected);

// Whether the seal is by the monitor with this key hash (the one in the trace's header) and says exactly this. `wanted`
// has no time: that of the seal must lie in its epoch or the next, since a job may end an epoch after it began. kDenied
// with the reason.
Result<void> check_seal(const Deployment& deployment,
                        const SignedSeal& sealed,
                        const MonitorSeal& wanted,
                        const Hash& monitor_key,
                        const attest::MonitorPolicy& policy);

// One stake per machine: a machine that spoke for one staked identity cannot speak for another, so that stolen keys of
// one platform do not multiply. A value; whoever holds it keeps it (JSON).
class PlatformPins {
  public:
    // kInvalid for a machine without a name; kConflict when it is another identity's; kExhausted above 65,536 machines.
    Result<void> pin(attest::EvidenceKind kind, ByteView platform_id, const Address& staked);
    std::optional<Address> find(attest::EvidenceKind kind, ByteView platform_id) const;
    // A machine changes hands only by its holder's word, given outside of this protocol.
    void release(attest::EvidenceKind kind, ByteView platform_id);

    // {"tpm:<hex>":"0x<address>", ...}
    codec::Json to_json() const;
    static Result<PlatformPins> parse(std::string_view text);

  private:
    std::map<std::string, Address> pins_;
};

}  // namespace vcity::seal
