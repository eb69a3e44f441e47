// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "async/runtime.hpp"
#include "ports/tee.hpp"

namespace vcity::adapters {

struct Tpm2Options {
    // As tpm2-tss names devices: "device:/dev/tpmrm0", or "swtpm:host=127.0.0.1,port=2321" for an emulator.
    std::string tcti = "device:/dev/tpmrm0";
    // Registers of the SHA-256 bank that quotes cover; ascending, each at most 23.
    std::vector<std::uint32_t> registers{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    // The firmware's log, sent along when the file exists and has at most 256 KiB; empty: none.
    std::string event_log = "/sys/kernel/security/tpm0/binary_bios_measurements";
};

class TpmDevice;

// A TPM 2.0 through the TCG's enhanced system API. The attestation key is the primary ECDSA P-256 key of one fixed
// template under the endorsement hierarchy, so one TPM has one, without anything stored; the endorsement key is that of
// template L-1 (RSA 2048). A quote's extra data is the SHA-256 of the report data: every TPM takes 32 bytes. Work runs
// on the runtime's compute threads, one command at a time. On a machine whose owner may be the adversary this measures
// what booted and no more: label it "measured", not "TEE".
class Tpm2Tee final : public ports::Tee, public ports::TpmEnrolment {
  public:
    // Connects and makes the attestation key: blocks, up to seconds on hardware. kUnavailable: no such TPM, or it
    // refuses; kInvalid: the registers.
    static Result<std::unique_ptr<Tpm2Tee>> open(Runtime* runtime, const Tpm2Options& options);
    ~Tpm2Tee() override;
    Tpm2Tee(const Tpm2Tee&) = delete;
    Tpm2Tee& operator=(const Tpm2Tee&) = delete;

    attest::EvidenceKind kind() const override { return attest::EvidenceKind::kTpm; }
    std::size_t report_data_max() const override { return 64; }
    // kConflict when registers were extended during each of three quotes.
    Task<Result<attest::Evidence>> evidence(Bytes report_data) override;
    Task<Result<ports::TpmIdentity>> identity() override;
    Task<Result<Bytes>> activate(Bytes blob, Bytes secret) override;

  private:
    Tpm2Tee(Runtime* runtime, std::shared_ptr<TpmDevice> device, std::string event_log);

    Runtime* runtime_;
    std::shared_ptr<TpmDevice> device_;
    std::string event_log_;
};

}  // namespace vcity::adapters
