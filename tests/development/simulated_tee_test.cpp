// SPDX-License-Identifier: Apache-2.0
// Simulated evidence in a build that was made for development networks.
#include <gtest/gtest.h>

#include "attest/evidence/sim.hpp"
#include "attest/policy.hpp"
#include "crypto/secp256k1.hpp"

namespace vcity::attest {
namespace {

constexpr UnixMillis kNow{1'751'328'000'000};

Verdict a_verdict(const Address& root) {
    const crypto::PrivateKey key = *crypto::PrivateKey::make(Bytes(32, 0x11));
    Evidence evidence;
    evidence.report = encode_simulated({});
    const Signature signature = key.sign(simulated_digest(evidence.report));
    evidence.signature.assign(signature.bytes.begin(), signature.bytes.end());
    return verify_simulated(evidence, {root});
}

TEST(DevelopmentBuild, AcceptsSimulatedEvidenceOfAKnownRoot) {
    const Address root = crypto::PrivateKey::make(Bytes(32, 0x11))->address();
    const Policy policy = strict_policy(EvidenceKind::kSimulated);
    EXPECT_TRUE(is_simulated_tee_allowed());
    EXPECT_TRUE(decide(policy, a_verdict(root), Bytes(64), kNow).is_accepted());
    EXPECT_FALSE(decide(policy, a_verdict(root), Bytes(64, 1), kNow).is_accepted());
    EXPECT_FALSE(decide(policy, a_verdict(Address{}), Bytes(64), kNow).is_accepted());
}

TEST(DevelopmentBuild, AcceptsSimulatedEvidenceOnlyWherePolicyAsksForIt) {
    const Address root = crypto::PrivateKey::make(Bytes(32, 0x11))->address();
    EXPECT_FALSE(decide(strict_policy(EvidenceKind::kTpm), a_verdict(root), Bytes(64), kNow).is_accepted());
}

}  // namespace
}  // namespace vcity::attest
