// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "attest/testing/authority.hpp"
#include "ports/tee.hpp"

namespace vcity::seal::testing {

// A TPM without a device, for tests: quotes PCR 0, which is zero, with a fresh attestation key.
class SoftTpm final : public ports::Tee {
  public:
    SoftTpm();

    attest::EvidenceKind kind() const override { return attest::EvidenceKind::kTpm; }
    std::size_t report_data_max() const override { return 64; }
    Task<Result<attest::Evidence>> evidence(Bytes report_data) override;

    attest::Evidence quote(ByteView report_data) const;
    // As if somebody had enrolled its key.
    attest::EnrolledKey enrolled() const;

    std::optional<Error> failure;  // what the device says instead
    int asked = 0;

  private:
    attest::testing::Authority key_;
    Bytes public_area_;
};

}  // namespace vcity::seal::testing
