// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "attest/evidence/sim.hpp"
#include "crypto/secp256k1.hpp"
#include "ports/tee.hpp"

namespace vcity::adapters {

// A machine without trusted hardware that behaves as if it had some: statements signed by a root key of its own.
// Policies refuse them unless the verifier was built for development (attest/policy.hpp).
class SimulatedTee final : public ports::Tee {
  public:
    // measurement: what the simulation says that it runs.
    SimulatedTee(crypto::PrivateKey root, const Hash& platform, const Hash& measurement)
        : root_{std::move(root)}, platform_{platform}, measurement_{measurement} {}

    // What a verifier's policy names as a root of the simulation.
    Address root() const { return root_.address(); }

    attest::EvidenceKind kind() const override { return attest::EvidenceKind::kSimulated; }
    std::size_t report_data_max() const override { return 64; }
    // Shorter report data is filled up with zeros, as the hardware does it.
    Task<Result<attest::Evidence>> evidence(Bytes report_data) override;

  private:
    crypto::PrivateKey root_;
    Hash platform_;
    Hash measurement_;
};

}  // namespace vcity::adapters
